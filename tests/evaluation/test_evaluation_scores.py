"""One-pass scores: cases worked by hand, and the rules of each definition."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dat.base.errors import InputError
from dat.cli import run_in_process
from dat.evaluation import definitions, score, table
from dat.evaluation.definitions import OnePass
from dat.evaluation.ground_truth import SequenceTruth
from dat.evaluation.one_pass import curves as one_pass
from dat.evaluation.results import TrackerResults
from dat.regions import boxes as plain

SIDE = st.floats(1, 200)
PLACE = st.floats(-300, 300)
BOX = st.tuples(PLACE, PLACE, SIDE, SIDE)


def rule(name: str) -> OnePass:
    """A one-pass definition."""
    found = definitions.find(name, "one-pass")
    assert isinstance(found, OnePass)
    return found


def scores(
    truth: Any, boxes: Any, name: str = "otb-toolkit-1.1", absent: Any = None, repairable: bool = True
) -> one_pass.Scores:
    """Scores of one sequence `S`."""
    flags = None if absent is None else np.array(absent, bool)
    target = SequenceTruth("S", np.array(truth, float), 0, flags)
    tracker = TrackerResults("T", {"S": np.array(boxes, float)}, {"S"} if repairable else set())
    return one_pass.evaluate(tracker, [target], rule(name))


BOX_A = [10, 10, 20, 20]


def test_a_perfect_tracker_scores_twenty_of_twenty_one() -> None:
    found = scores([BOX_A] * 5, [BOX_A] * 5)
    assert found.values()[0].tolist() == pytest.approx([20 / 21, 1, 1], abs=1e-12)
    assert found.repaired == 0


def test_thresholds_are_strict_for_overlap_and_inclusive_for_pixels() -> None:
    half = [10, 10, 10, 20]
    found = scores([BOX_A] * 2, [BOX_A, half])
    assert found.success[0, 9:12].tolist() == pytest.approx([1, 0.5, 0.5])
    twenty = [30, 10, 20, 20]
    found = scores([BOX_A] * 2, [BOX_A, twenty])
    assert found.precision[0, 19:21].tolist() == pytest.approx([0.5, 1])


def test_matlabs_thresholds_differ_from_numpys_in_the_last_place() -> None:
    matlab, numpys = one_pass.overlap_thresholds("matlab"), one_pass.overlap_thresholds("linspace")
    assert np.flatnonzero(matlab != numpys).tolist() == [12, 13, 14, 17, 19]
    assert matlab == pytest.approx(numpys, abs=2e-16)


def test_the_first_row_is_the_truth_but_not_for_pysot() -> None:
    far = [500, 500, 20, 20]
    assert scores([BOX_A] * 2, [far, BOX_A]).precision[0, 20] == pytest.approx(1)
    assert scores([BOX_A] * 2, [far, BOX_A], "pysot").precision[0, 20] == pytest.approx(0.5)


def test_bad_rows_take_the_row_before_them() -> None:
    nothing = [np.nan] * 4
    rows = [BOX_A, nothing, [0, 0, 0, 5], [1, 1, 5, -3]]
    assert scores([BOX_A] * 4, rows).success[0, 0] == pytest.approx(1)
    assert scores([BOX_A] * 4, rows).repaired == 3
    assert scores([BOX_A] * 4, rows, repairable=False).success[0, 0] == pytest.approx(0.25)
    assert scores([BOX_A] * 4, rows, "got10k").success[0, 0] == pytest.approx(0.25)


def test_a_partly_missing_row_is_a_miss_but_lasot_repairs_it() -> None:
    rows = [BOX_A, [np.nan, 10, 20, 20]]
    assert scores([BOX_A] * 2, rows).precision[0, 50] == pytest.approx(0.5)
    assert scores([BOX_A] * 2, rows, "lasot").precision[0, 20] == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "success", "precision"),
    [
        ("otb-toolkit-1.1", 0.5, 1.0),
        ("pytracking", 0.5, 0.5),
        ("tc128", 1.0, 1.0),
        ("got10k", 1.0, 1.0),
        ("pysot", 0.5, 1.0),
    ],
)
def test_a_truth_left_of_the_image(name: str, success: float, precision: float) -> None:
    outside = [-1, 10, 20, 20]
    found = scores([BOX_A, outside], [BOX_A, outside], name)
    assert found.success[0, 0] == pytest.approx(success)
    assert found.precision[0, 20] == pytest.approx(precision)


def test_absent_frames_are_no_hits_but_stay_in_lasots_divisor() -> None:
    found = scores([BOX_A] * 4, [BOX_A] * 4, "lasot", [0, 1, 0, 0])
    assert found.success[0, 0] == pytest.approx(0.75)
    assert found.precision[0, 20] == pytest.approx(0.75)


def test_normalised_precision_divides_by_the_targets_size() -> None:
    found = scores([[10, 10, 100, 10]] * 2, [[10, 10, 100, 10], [10, 11.5, 100, 10]])
    assert found.normalized[0, 14:16].tolist() == pytest.approx([0.5, 1])


@settings(deadline=None)
@given(st.lists(st.tuples(BOX, BOX), min_size=1, max_size=20), st.sampled_from(["matlab", "clipped", "continuous"]))
def test_every_form_of_overlap_is_the_plain_one(pairs: list[tuple[Any, Any]], form: str) -> None:
    a, b = (np.array(side, float) for side in zip(*pairs, strict=True))
    assert one_pass.overlaps(a.T, b.T, form) == pytest.approx(plain.overlap(a, b), abs=1e-9)


def slow_overlap(a: list[float], b: list[float], form: str) -> float:
    """One overlap in the order of operations of a toolkit: ends a pixel less and sides one more in MATLAB's, the union
    no smaller than a tiny number and the share cut to 0 and 1 in got10k's."""
    less = 1.0 if form == "matlab" else 0.0
    sides = []
    for start, length in ((0, 2), (1, 3)):
        ends = [(one[start] + one[length]) - less if less else one[start] + one[length] for one in (a, b)]
        side = min(ends) - max(a[start], b[start])
        sides.append(max(side + less if less else side, 0.0))
    shared = sides[0] * sides[1]
    union = a[2] * a[3] + b[2] * b[3] - shared
    return min(max(shared / (union + 2.0**-52), 0.0), 1.0) if form == "clipped" else shared / union


@pytest.mark.parametrize("form", ["matlab", "clipped", "continuous"])
def test_overlaps_are_the_toolkits_to_the_last_bit(form: str) -> None:
    rng = np.random.default_rng(0)
    a, b = (np.concatenate([10 ** rng.uniform(-3, 1, (300, 2)), 10 ** rng.uniform(-2, 1.5, (300, 2))], 1) for _ in "ab")
    a[::3, :2] = b[::3, :2]
    slow = [slow_overlap(one, other, form) for one, other in zip(a.tolist(), b.tolist(), strict=True)]
    assert one_pass.overlaps(a.T, b.T, form).tolist() == slow


@settings(deadline=None)
@given(st.lists(st.tuples(BOX, BOX), min_size=2, max_size=30))
def test_curves_are_what_counting_frame_by_frame_gives(pairs: list[tuple[Any, Any]]) -> None:
    truth, boxes = (np.abs(np.array(side, float)) + 0.5 for side in zip(*pairs, strict=True))
    found = scores(truth, boxes)
    boxes[0] = truth[0]
    overlap = one_pass.overlaps(boxes.T, truth.T, "matlab")
    error = np.hypot(*one_pass.centre_offsets(boxes.T, truth.T))
    steps = one_pass.overlap_thresholds("matlab")
    assert found.success[0] == pytest.approx([(overlap > step).mean() for step in steps])
    assert found.precision[0] == pytest.approx([(error <= pixels).mean() for pixels in range(51)], abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.floats(-2, 3), min_size=1), st.sampled_from([("matlab", 20), ("linspace", 20), ("shares", 100)]))
def test_thresholds_below_a_value_are_those_of_a_search(values: list[float], kind: tuple[str, int]) -> None:
    steps = one_pass.SHARE_THRESHOLDS if kind[0] == "shares" else one_pass.overlap_thresholds(kind[0])
    each = np.concatenate([values, steps, np.nextafter(steps, 9), np.nextafter(steps, -9), [-1, np.inf]])
    assert one_pass.steps_below(each, steps, kind[1]).tolist() == np.searchsorted(steps, each, side="left").tolist()


# ---------------------------------------------------------------- by hand


@pytest.fixture
def otb(real_data: Path, tmp_path: Path) -> tuple[Path, Path]:
    """OTB's annotations, and a results folder with the truth itself as a tracker and a shifted copy."""
    annotations = real_data / "annotations/otb100"
    for name, shift in (("Truth", 0.0), ("Shifted", 8.0)):
        folder = tmp_path / "results" / name
        folder.mkdir(parents=True)
        for path in annotations.glob("*.txt"):
            rows = [[float(word) for word in line.replace(",", " ").split()] for line in path.read_text().splitlines()]
            folder.joinpath(path.name).write_text("".join(f"{x + shift},{y},{w},{h}\n" for x, y, w, h in rows))
    return annotations, tmp_path / "results"


def run(otb: tuple[Path, Path], *options: str, benchmark: str = "otb2013") -> None:
    """The command."""
    place = ["--annotations", str(otb[0]), "--results", str(otb[1]), "--resamples", "200"]
    run_in_process(["evaluate", "--benchmark", benchmark, *place, *options])


def test_a_partial_benchmark_says_so_beside_every_number(
    otb: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("Bolt", "Deer", "Jogging-1"):
        (otb[1] / "Truth" / f"{name}.txt").unlink()
    run(otb, "--json", str(tmp_path / "o.json"), "--csv", str(tmp_path / "o.csv"))
    entry = json.loads((tmp_path / "o.json").read_text())["trackers"]["Truth"]
    assert (entry["complete"], entry["expected"], entry["scored"]) == (False, 51, 48)
    assert entry["missing"] == ["Bolt", "Deer", "Jogging-1"]
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Truth "))
    assert line.count("(48 of 51 sequences)") == 3
    rows = [row for row in (tmp_path / "o.csv").read_text().splitlines() if row.startswith("Truth,,")]
    assert all(",48,51,otb-toolkit-1.1" in row for row in rows)


def test_the_object_has_what_formats_promises(otb: tuple[Path, Path], tmp_path: Path) -> None:
    run(otb, "--json", str(tmp_path / "o.json"), benchmark="otb100")
    data = json.loads((tmp_path / "o.json").read_text())
    entry = data["trackers"]["Truth"]
    assert (data["benchmark"], data["definition"]) == ("otb100", "otb-toolkit-1.1")
    assert (len(entry["curves"]["success"]), len(entry["curves"]["precision"])) == (21, 51)
    assert entry["sequences"]["Basketball"]["frames"] == 725
    assert entry["attributes"]["OCC"]["sequences"] == 49
    assert entry["precision_interval"] == pytest.approx([1, 1])
    pair = data["pairs"][0]
    assert {"a", "b", "metric", "difference", "interval", "p"} <= set(pair)
    assert (pair["a"], pair["b"], pair["verdict"]) == ("Shifted", "Truth", "the reverse")


def test_one_pair_on_demand_and_plots(otb: tuple[Path, Path], tmp_path: Path) -> None:
    run(otb, "--json", str(tmp_path / "o.json"), "--plot", str(tmp_path / "plots"), "--compare", "Truth", "Shifted")
    assert [pair["a"] for pair in json.loads((tmp_path / "o.json").read_text())["pairs"]] == ["Truth", "Truth"]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == [
        "otb2013-precision.png", "otb2013-precision.svg", "otb2013-success.png", "otb2013-success.svg",
    ]  # fmt: skip
    assert not any(b"dc:date" in path.read_bytes() for path in (tmp_path / "plots").glob("*.svg"))


def test_a_subset_scores_its_own_sequences_alone(
    otb: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mean over the subset is that of the sequences' own scores; spelling and comments do not matter."""
    listed = tmp_path / "fast.txt"
    listed.write_text("bolt  # an athlete\n\nJogging(2)\nHuman4\n", encoding="utf-8")
    run(otb, "--json", str(tmp_path / "all.json"), benchmark="otb100")
    run(otb, "--json", str(tmp_path / "o.json"), "--sequences", str(listed), benchmark="otb100")
    every, some = (json.loads((tmp_path / name).read_text())["trackers"]["Shifted"] for name in ("all.json", "o.json"))
    names = ["Bolt", "Jogging-2", "Human4-2"]
    assert (list(some["sequences"]), some["expected"], some["complete"]) == (sorted(names), 3, True)
    mean = sum(every["sequences"][name]["success"] for name in names) / 3
    assert some["success"] == pytest.approx(mean, abs=1e-12) != every["success"]
    assert "otb100, subset fast, otb-toolkit-1.1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Bolt\nNobody\n", r"line 2: Nobody is no sequence of otb2013"),
        ("Bolt\nbolt\n", r"line 2: Bolt is there twice"),
        ("# none\n", "no name in it"),
    ],
)
def test_a_wrong_subset_names_the_line(otb: tuple[Path, Path], tmp_path: Path, text: str, said: str) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        run(otb, "--sequences", str(listed))


def test_wrong_calls_are_errors(otb: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--compare nobody: no such tracker.*Shifted, Truth"):
        run(otb, "--compare", "Truth", "nobody")
    with pytest.raises(InputError, match="--annotations, --results wanting"):
        run_in_process(["evaluate", "--benchmark", "otb100"])
    with pytest.raises(InputError, match="not both"):
        run_in_process(["evaluate", "otb100", "--benchmark", "otb100"])
    (tmp_path / "nothing/T").mkdir(parents=True)
    with pytest.raises(InputError, match=r"no result file of otb2013 .*\(T\)"):
        run((otb[0], tmp_path / "nothing"))


def test_every_definition_scores_and_names_itself(otb: tuple[Path, Path]) -> None:
    for rule in definitions.ONE_PASS:
        lengths: Any = "strict"
        found = score.files("otb100", *otb, rule.name, lengths, (100, 0))
        assert found["definition"] == rule.name
        assert rule.name in table.heading(found)
        assert 0.949 < found["trackers"]["Truth"]["success"] <= 20 / 21 + 1e-12


def test_a_truth_counts_by_its_sides_its_size_or_its_centre() -> None:
    rows = [[1, 1, 2, 2], [0, 1, 2, 2], [-1, 1, 2, 2], [1, -1, 2, 2], [-1, -1, 3, 3], [1, 1, 0, 2], [1, 1, 2, 0]]
    found = {
        rule: one_pass._valid(np.array(rows, float), rule).tolist() for rule in ("positive", "size", "centre", "all")
    }
    assert found == {
        "positive": [True, False, False, False, False, False, False],
        "size": [True, True, True, True, True, False, False],
        "centre": [True, True, False, False, True, True, True],
        "all": [True] * 7,
    }
