"""What the players' files say of results, worked by hand: boxes, overlaps, lost frames, and what is not there."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dat.base import params
from dat.base.errors import InputError
from dat.datasets import manifest
from dat.report import players
from dat.report.metrics import Scores
from tests.parts import fake_profile


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("run")
    fake_profile.build(home)
    return home


@pytest.fixture
def home(run: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(run, copy, symlinks=True)
    return copy


def value(path: Path) -> Any:
    """The JSON value that a script sets; the script is one line of ASCII and sets nothing else."""
    text = path.read_text(encoding="ascii")
    assert text.startswith(("window.datPlayers = ", "(window.datSequences ??= {})["))
    assert text.endswith(";\n") and text.count("\n") == 1
    return json.loads(text[text.index(" = ") + 3 : -2])


def written(home: Path, **scores: Scores) -> dict[str, Any]:
    players.write(home / "out", params.load(home), home / "results", home / "testing", scores)
    index: dict[str, Any] = value(home / "out" / players.INDEX)
    return index


def of(home: Path, benchmark: str, sequence: str) -> dict[str, Any]:
    found: dict[str, Any] = value(home / "out" / benchmark / f"{sequence}.js")
    return found


def test_boxes_count_from_0_and_overlaps_are_those_of_the_boxes(home: Path) -> None:
    truth = manifest.read(home / "testing/otb100.jsonl").sequences["Disc"].boxes
    x, y, w, h = truth[1]
    boxes = np.tile([1.0, 1, 5, 5], (len(truth), 1))
    boxes[0] = truth[0] + [1, 1, 0, 0]
    boxes[1] = [x + 1 + w / 2, y + 1, w, h]  # half of it: a third of the union
    text = "".join(",".join(f"{number:.4f}" for number in row) + "\n" for row in boxes)
    (home / "results/otb100/pymdnet@seed-0/Disc.txt").write_text(text)
    index = written(home)["benchmarks"]["otb100"]
    found = of(home, "otb100", "Disc")
    one = found["trackers"]["pymdnet@seed-0"]
    assert found["truth"][1] == pytest.approx(truth[1].tolist()) and found["size"] == [320, 240]
    assert one["boxes"][1] == pytest.approx([x + w / 2, y, w, h], abs=0.01)
    assert one["overlap"][:3] == pytest.approx([1, 1 / 3, 0], abs=1e-4)
    assert found["frames"][0] == "Disc/img/0001.jpg" and len(found["frames"]) == fake_profile.FRAMES
    row = index["sequences"]["Disc"]["trackers"]["pymdnet@seed-0"]
    assert row == {"lost": 2, "mean": pytest.approx((1 + 1 / 3) / fake_profile.FRAMES, abs=1e-4)}
    assert index["root"] == "data/otb100" and index["lacks"] == []


def test_a_target_out_of_sight_is_not_lost_and_no_truth_is_not_compared(home: Path) -> None:
    path = home / "testing/otb100.jsonl"
    data = manifest.read(path)
    rows = [one.row for one in data.sequences.values()]
    row = next(row for row in rows if row["sequence"] == "Star")
    row["absent"] = [0, 1, *[0] * (fake_profile.FRAMES - 2)]
    row["boxes"][3] = None
    manifest.write(path, data.header, rows)
    x, y, w, h = row["boxes"][0]
    rows_of_result = [f"{x + 1},{y + 1},{w},{h}", *["900,900,5,5"] * (fake_profile.FRAMES - 1)]
    (home / "results/otb100/pymdnet@seed-0/Star.txt").write_text("\n".join(rows_of_result))
    index = written(home)["benchmarks"]["otb100"]
    assert index["sequences"]["Star"]["trackers"]["pymdnet@seed-0"]["lost"] == 2
    one = of(home, "otb100", "Star")
    assert one["truth"][3] is None and one["trackers"]["pymdnet@seed-0"]["overlap"][2:5] == [0, None, 0]


def test_of_vot_the_first_repetition_is_shown_and_a_failure_is_lost(home: Path) -> None:
    folder = home / "results/vot2016/pymdnet@seed-0/baseline/Ring"
    shutil.copy(folder / "Ring_002.txt", folder / "Ring_001.txt")  # fails in its fourth frame, restarts in its ninth
    index = written(home)["benchmarks"]["vot2016"]
    one = of(home, "vot2016", "Ring")["trackers"]["pymdnet@seed-0"]
    assert index["sequences"]["Ring"]["trackers"]["pymdnet@seed-0"]["lost"] == 3
    assert one["boxes"][3:9] == [None] * 6 == one["overlap"][3:9]
    assert all(0 <= overlap <= 1 for overlap in one["overlap"][1:3]) and one["boxes"][1] is not None


def test_what_is_not_there_is_named_with_the_command_that_makes_it(home: Path) -> None:
    shutil.rmtree(home / "results/otb100/dat-jtnl@seed-0")
    (home / "results/otb100/pymdnet@seed-0/Wall.txt").unlink()
    (home / "testing/vot2016.jsonl").unlink()
    subset = Scores("otb100-similar", {}, "otb100")
    index = written(home, **{"otb100-similar": subset})
    otb = index["benchmarks"]["otb100"]
    assert otb["lacks"] == ["dat-jtnl@seed-0"] and otb["sequences"]["Wall"]["trackers"] == {}
    assert index["benchmarks"]["vot2016"] == {"missing": "testing/vot2016.jsonl: not there; run dat index vot2016"}
    assert index["subsets"] == {"otb100-similar": {"of": "otb100", "sequences": ["Disc", "Star"]}}


def test_a_damaged_result_is_an_error_that_names_its_line(home: Path) -> None:
    path = home / "results/otb100/pymdnet@seed-0/Disc.txt"
    path.write_text(path.read_text().replace(",", ",x", 1))
    with pytest.raises(InputError, match=r"Disc\.txt:1"):
        written(home)


def test_names_and_sentences_are_ascii_text_in_json(home: Path) -> None:
    name = "</script>\u2028é".replace("/", "")
    path = home / "testing/otb100.jsonl"
    data = manifest.read(path)
    rows = [one.row | {"sentence": f"</script> {name}"} for one in data.sequences.values()]
    manifest.write(path, data.header, rows)
    written(home)
    assert of(home, "otb100", "Disc")["sentence"] == f"</script> {name}"
