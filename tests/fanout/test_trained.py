"""Networks are not scored on what they were trained on, by their records."""

from pathlib import Path

import pytest

from dat import records
from dat.base.errors import InputError
from dat.datasets import manifest
from dat.fanout import stage, trained
from dat.fanout.unit import Unit
from tests.parts import small_sets as small

TEST = ["cup-2", "dog-9"]
ROW = {"frames": 1, "files": [["1.jpg", 1, "0"]], "boxes": [[1, 1, 2, 2]]}


def listing(path: Path, name: str, sequences: list[str]) -> None:
    header = {"name": name, "layout": "lasot", "linked": True, "lists": {"lasot-test": TEST}, "root": "data/lasot.path"}
    manifest.write(path, header, [{"sequence": one, **ROW} for one in sequences])


def network(home: Path, folder: str, inputs: list[Path], *before: str) -> str:
    """A network's folder with a record that names these inputs, and the folders of what it was made from."""
    facts = [records.file_facts(path, home) for path in inputs]
    parents = [records.file_facts(home / one / "record.json", home) for one in before]
    records.write_json(home / folder / "record.json", {"inputs": facts, "parents": parents})
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A profile whose LaSOT has a sequence of the benchmark `testing/lasot-test` in it, and whose TLP has its name."""
    listing(tmp_path / "testing/lasot-test.jsonl", "lasot", TEST)
    listing(tmp_path / "training/lasot.jsonl", "lasot", ["cup-1", "dog-9"])
    listing(tmp_path / "training/domains/tlp.jsonl", "tlp", ["dog-9"])
    return tmp_path


def check(home: Path, *networks: str) -> None:
    trained.check(home, manifest.read(home / "testing/lasot-test.jsonl"), TEST, networks)


@pytest.mark.parametrize("through", [False, True])
def test_a_network_that_was_trained_on_a_sequence_is_refused(home: Path, through: bool) -> None:
    """Itself, or what it was made from: GPGNet reads frames that were cut, not the list."""
    lists, folder = [home / "training/lasot.jsonl"], "weights/salnet/core/salnet"
    network(home, "training/frames", lists)
    made = network(home, folder, [], "training/frames") if through else network(home, folder, lists)
    said = (
        "weights/salnet/core/salnet: trained from training/lasot.jsonl, in which are 1 of the benchmark's 2 sequences, "
        r"such as dog-9; use networks that were trained without them, as in profiles/further \[R30\]"
    )
    with pytest.raises(InputError, match=said):
        check(home, made)


def test_the_stage_asks_before_it_tracks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = small.profile(home)
    made = network(home, "weights/salnet/core/salnet", [home / "training/lasot.jsonl"])
    unit = Unit("0", "salnet", 0, "dog-9", "none", made, None, 1)
    monkeypatch.setattr(stage, "planned", lambda *_: ({}, [unit]))
    monkeypatch.setattr(stage, "track", lambda *_: pytest.fail("tracked"))
    inputs = {"manifest": home / "testing/lasot-test.jsonl"}
    with pytest.raises(InputError, match="such as dog-9"):
        stage.run(records.Job("lasot-test", settings, inputs, {"results": home / "results"}, "cpu"))


def test_a_list_that_is_not_here_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = network(home, "weights/gpgnet/jtnl", [home / "training/lasot.jsonl"])
    (home / "training/lasot.jsonl").unlink()
    check(home, made)
    assert "weights/gpgnet/jtnl: training/lasot.jsonl is not here" in capsys.readouterr().err


def test_networks_of_other_sequences_and_of_other_sets_are_taken(home: Path) -> None:
    other = network(home, "weights/salnet/core/pymdnet", [home / "training/domains/tlp.jsonl"])
    listing(home / "training/lasot.jsonl", "lasot", ["cup-1"])
    check(home, other, network(home, "weights/gpgnet/jtnl", [home / "training/lasot.jsonl"]), "weights/unknown")


def test_a_list_that_has_changed_since_tells_nothing(home: Path) -> None:
    made = network(home, "weights/gpgnet/jtnl", [home / "training/lasot.jsonl"])
    listing(home / "training/lasot.jsonl", "lasot", ["cup-1"])
    with pytest.raises(InputError, match=r"lasot\.jsonl: not the list that weights/gpgnet/jtnl was trained from"):
        check(home, made)
