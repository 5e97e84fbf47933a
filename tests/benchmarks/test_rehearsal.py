"""`make rehearsal` types the README's road to the paper's tables, and says what a run lacks. The run itself takes
minutes: `make rehearsal SHARE=0.005`."""

import json
import os
import shutil
from pathlib import Path

import click
import pytest

from benchmarks import figures, rehearsal
from dat import records
from dat.base import params
from dat.cli import dat
from dat.preflight import graph

ROOT = Path(__file__).resolve().parents[2]
PAPER = ROOT / "profiles" / "paper"


class Typist:
    """Notes what would be typed."""

    def __init__(self) -> None:
        self.typed: list[str] = []

    def type(self, *command: str) -> None:
        """Note a command."""
        self.typed.append(" ".join(command))


def written() -> list[str]:
    """The README's commands under the road's headline, with one blank between words and without remarks."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    start = lines.index(rehearsal.ROAD)
    first = next(number for number in range(start, len(lines)) if lines[number].startswith("    "))
    last = next(number for number in range(first, len(lines)) if not lines[number].strip())
    commands = [part for line in lines[first:last] for part in line.partition(" # ")[0].split(" && ")]
    return [" ".join(command.split()) for command in commands]


def test_the_rehearsal_types_what_the_readme_says() -> None:
    typist = Typist()
    rehearsal.walk(typist, Path("/look alikes"))
    fetched = "dat weights get vgg-m vgg16"
    assert fetched in written()
    assert typist.typed == [line.replace("/data/", "/look alikes/") for line in written() if line != fetched]


def test_the_road_sets_up_runs_everything_and_ends_with_an_audit_of_all() -> None:
    lines = written()
    assert lines[:2] == ["make setup", "cd profiles/paper"]
    assert lines[-2:] == ["dvc repro", "dat audit all"]


def test_the_road_links_each_data_set_of_the_paper_profile() -> None:
    assert list(rehearsal.folders()) == list(params.load(PAPER).root.datasets)


def test_each_line_of_the_road_is_a_call_that_dat_and_the_graph_know() -> None:
    for line in written():
        program, *words = line.split()
        if program == "dat":
            command: click.Command = dat
            while isinstance(command, click.Group):
                _, command, words = command.resolve_command(click.Context(command), words)
            command.make_context(command.name, list(words))  # parses, and calls nothing
        else:
            assert program in ("make", "cd", "dvc"), line
    named = {word.partition("@") for line in written() for word in line.split() if "@" in word}
    assert {kind for kind, _, _ in named} == {"evaluate"}
    assert {name for _, _, name in named} <= set(params.load(PAPER).root.benchmarks)


def test_a_readme_without_the_road_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "README.md").write_text(f"# DAT\n\n{rehearsal.ROAD}\n\nWords.\n\n## More\n\n    ls\n")
    monkeypatch.setattr(rehearsal, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match=r"README\.md: no block of lines under"):
        rehearsal.road()


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """The paper profile as the rehearsal changes it: settings and descriptions, no data."""
    copy = tmp_path / "paper"
    (copy / "data").mkdir(parents=True)
    shutil.copy(PAPER / "params.yaml", copy)
    for path in (PAPER / "data").glob("*.json"):
        shutil.copy(path, copy / "data")
    rehearsal.settings(copy)
    return copy


def test_the_small_profile_is_the_papers_but_for_sizes(profile: Path) -> None:
    small, paper = params.load(profile).root, params.load(PAPER).root
    assert small.network.width < paper.network.width
    for name in ("datasets", "variants", "salnet", "gpgnet", "seeds", "benchmarks"):
        assert getattr(small, name) == getattr(paper, name), name


def test_a_setting_that_the_paper_profile_lacks_ends_the_rehearsal(
    profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rehearsal.SMALL, "tracking.first.speed", 1)
    with pytest.raises(SystemExit, match=r"no setting tracking\.first\.speed"):
        rehearsal.settings(profile)


def test_a_short_one_has_a_benchmark_and_all_that_its_two_variants_need(profile: Path) -> None:
    before = params.load(profile).root
    rehearsal.settings(profile, short=True)
    root = params.load(profile).root
    assert list(root.benchmarks) == ["otb100"] and list(root.benchmarks["otb100"].variants) == ["pymdnet", "dat-jtnl"]
    assert (list(root.variants), list(root.salnet), list(root.gpgnet)) == (
        ["pymdnet", "dat-jtnl"],
        ["pymdnet", "salnet"],
        ["jtnl"],
    )
    assert root.seeds == before.seeds[:1] and root.datasets == before.datasets


def test_a_line_that_fails_ends_the_rehearsal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "inner").mkdir()
    checkout = object.__new__(rehearsal.Checkout)  # without a copy of the code
    checkout.place, checkout.environment = tmp_path, dict(os.environ)
    checkout.type("cd", "inner")
    checkout.type("sh", "-c", "basename $PWD")
    assert "inner" in capfd.readouterr().out
    with pytest.raises(SystemExit, match="sh -c exit 3: status 3"):
        checkout.type("sh", "-c", "exit 3")


def test_a_stage_that_did_not_run_or_took_too_much_is_named(profile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = graph.Stages(["index@otb100", "masks", "report"], [], {}, {}, {})
    monkeypatch.setattr(graph, "read", lambda settings, wanted: stages)
    for name, peak in (("masks", 2**20), ("report", rehearsal.MEMORY + 1)):
        records.write_json(profile / "runs" / f"{name}.json", {"stage": name, "seconds": 1.0, "peak_memory": peak})
    wrong = rehearsal.stages(profile, figures.Table("stage", "how many", "seconds", "largest memory"))
    assert wrong == ["index@otb100: has not run", "report: 2147483649 bytes of memory, at most 2147483648"]


def test_a_share_has_targets_of_each_list_and_a_record_that_holds(profile: Path, tmp_path: Path) -> None:
    frames = rehearsal.Frames(tmp_path / "pictures", 0)
    rehearsal.write_set(profile, "otb100", tmp_path / "data" / "OTB", frames, 0.02, 3)
    described = json.loads((profile / "data" / "otb100.json").read_text())
    recorded = json.loads((profile / "data" / "otb100.record.json").read_text())["outputs"]
    assert recorded == [records.file_facts(profile / "data" / "otb100.json", profile)]
    names = described["lists"]["otb100"]
    assert frames.made == 3 * len(names)
    assert {path.stem for path in (tmp_path / "data" / "OTB_sentences").rglob("*.txt")} == set(names)


def test_a_share_leaves_no_list_empty(profile: Path) -> None:
    facts = {"name": "tc128", "lists": {"first": ["A", "B", "C", "Z"], "last": ["Y", "Z"]}}
    records.write_json(profile / "data" / "tc128.json", facts)
    lists = rehearsal.shortened(profile, "tc128", 0.1, benchmark=True)["lists"]
    assert lists == {"first": ["A", "B"], "last": ["Y"]}


def test_a_missing_unit_is_counted(profile: Path) -> None:
    root = params.load(profile).root
    for name, benchmark in root.benchmarks.items():
        listed = json.loads((profile / "data" / f"{benchmark.data}.json").read_text())["lists"][name]
        keys = [f"{v}@seed-{s}/{one}" for v in benchmark.variants for s in root.seeds for one in listed]
        records.write_json(profile / "results" / name / "manifest.json", dict.fromkeys(keys, "0"))
    assert rehearsal.units(profile) == []
    manifest = profile / "results" / "otb100" / "manifest.json"
    content = json.loads(manifest.read_text())
    content.popitem()
    records.write_json(manifest, content)
    assert rehearsal.units(profile) == ["otb100: 1499 units, not 1500"]
