"""Found again or not: events and windows by hand, files with flags, the stage, intervals and pairs."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from dat.base.errors import InputError
from dat.evaluation import definitions, redetection, score, stage, statistics, table
from dat.evaluation.ground_truth import SequenceTruth
from dat.evaluation.one_pass.summary import Bootstrap
from dat.records import read_json, write_text
from tests.parts.lost_targets import AWAY, BOX, HELD, HITS, boxes, job, write_results

RULE = definitions.REDETECTION


def target(flags: str, name: str = "Wall") -> SequenceTruth:
    """A target that stands still, away where a flag is 1."""
    away = np.array([flag == "1" for flag in flags])
    return SequenceTruth(name, np.tile(BOX, (len(flags), 1)), absent=away)


@pytest.mark.parametrize(
    ("flags", "gone", "back"),
    [
        ("000111" + "0" * 11, 3, 6),
        ("0110111" + "0" * 11, 4, 7),  # the longest
        ("0110011" + "0" * 11, 1, 3),  # the first of equally long ones
        ("0110000000000" + "0111111" + "0" * 10, 1, 3),  # the long one has no whole window after it
        ("111100" + "0110" + "0" * 11, 7, 9),  # the video does not begin with the target away
    ],
)
def test_the_event_is_the_longest_absence_with_a_whole_window(flags: str, gone: int, back: int) -> None:
    assert redetection.event(target(flags), RULE) == redetection.Event(gone, back)


@pytest.mark.parametrize("flags", ["0" * 30, "00111" + "0" * 10, "111" + "0" * 20, "000" + "1" * 20])
def test_without_an_event_a_sequence_is_not_scored(flags: str) -> None:
    with pytest.raises(InputError, match=r"Wall: the target is never away and back with 10 frames to follow"):
        redetection.event(target(flags), RULE)


def test_without_flags_a_sequence_is_not_scored() -> None:
    with pytest.raises(InputError, match=r"Wall: no flags of absence; add absent\.txt"):
        redetection.event(SequenceTruth("Wall", np.tile(BOX, (30, 1))), RULE)


@pytest.mark.parametrize(
    ("hits", "wanted"),
    [
        ("0" * 8 + "1" + "0" * 12, True),
        ("0" * 18 + "1" + "0" * 2, True),
        ("0" * 19 + "1" * 2, False),
        ("1" * 8 + "0" * 13, False),
    ],
)
def test_the_window_is_the_frame_of_the_return_and_ten_more(hits: str, wanted: bool) -> None:
    assert redetection.redetected(boxes(hits), target(AWAY), RULE) is wanted


@pytest.mark.parametrize(("width", "wanted"), [(10.0, False), (10.1, True)])
def test_the_overlap_must_exceed_one_half(width: float, wanted: bool) -> None:
    found = boxes("0" * 21)
    found[10] = [40.0, 30.0, width, 10.0]
    assert redetection.redetected(found, target(AWAY), RULE) is wanted


def test_a_box_that_is_unknown_finds_nothing() -> None:
    found = boxes("0" * 21)
    found[8:12] = np.nan
    assert not redetection.redetected(found, target(AWAY), RULE)


# ---------------------------------------------------------------- intervals and pairs


def test_an_interval_of_none_or_all_is_wider_than_nothing() -> None:
    assert redetection.share_interval(0, 30) == pytest.approx([0.0, 0.11352], abs=1e-4)
    assert redetection.share_interval(30, 30) == pytest.approx([0.88648, 1.0], abs=1e-4)
    # Wilson's own example of the textbooks: 15 of 50
    assert redetection.share_interval(15, 50) == pytest.approx([0.1910, 0.4375], abs=1e-4)


def test_pairs_are_mcnemars_test_of_the_sequences_that_differ() -> None:
    names = [f"clip-{number}" for number in range(30)]
    a = {name: float(number < 21) for number, name in enumerate(names)}
    b = {name: float(number in (3, 28)) for number, name in enumerate(names)}
    (pair,) = redetection.pairs({"a": a, "b": b}, Bootstrap(10_000, 0))
    exact = binomtest(1, 21).pvalue  # 20 clips for a alone, one for b alone
    assert pair["difference"] == pytest.approx((21 - 2) / 30)
    assert pair["p"] == pytest.approx(exact, abs=3e-4) and pair["verdict"] == "holds"
    (other,) = redetection.pairs({"a": b, "b": a}, Bootstrap(10_000, 0))
    assert other["verdict"] == "the reverse"


def test_the_interval_of_a_difference_by_hand() -> None:
    """18 against 0 of 24: 19 / 26 - 1 / 26, and 1.96 times the root of (20 / 26 - .4793) / 26 either way."""
    assert redetection.difference_interval(18, 0, 24) == pytest.approx((0.4854, 0.8992), abs=2e-4)
    low, high = redetection.difference_interval(0, 18, 24)
    assert (-high, -low) == redetection.difference_interval(18, 0, 24)


def test_a_pair_of_which_nearly_all_sequences_differ_is_told() -> None:
    names = [f"clip-{number}" for number in range(15)]
    (pair,) = redetection.pairs(
        {"a": {name: float(name != "clip-3") for name in names}, "b": dict.fromkeys(names, 0.0)}, Bootstrap(10_000, 0)
    )
    assert pair["verdict"] == "holds" and 0.4 < pair["interval"][0] < pair["interval"][1] <= 1
    shares = {"a": dict.fromkeys(names[:9], 0.5) | dict.fromkeys(names[9:], 0.0), "b": dict.fromkeys(names, 0.0)}
    (pair,) = redetection.pairs(shares, Bootstrap(10_000, 0))
    assert 0 < pair["interval"][0] < 0.3 < pair["interval"][1] < 0.5


def test_pairs_compare_what_both_have_and_correct_for_their_number() -> None:
    values = {"a": {"x": 1.0, "y": 0.0}, "b": {"x": 0.0, "z": 1.0}, "c": {"w": 1.0}}
    found = redetection.pairs(values, Bootstrap(200, 0))
    assert [(pair["a"], pair["b"], pair["difference"]) for pair in found] == [("a", "b", 1.0)]
    many = {
        name: {f"{at}": float(at % step == 0) for at in range(30)} for name, step in zip("abc", (1, 3, 5), strict=True)
    }
    pairs = redetection.pairs(many, Bootstrap(500, 0))
    assert [pair["p"] for pair in pairs] == statistics.holm([pair["p_uncorrected"] for pair in pairs])


# ---------------------------------------------------------------- files


def write(folder: Path, names: dict[str, str]) -> None:
    """Annotations as the drawn set has them: boxes that count from 1, and flags."""
    for name, flags in names.items():
        x, y, w, h = BOX
        write_text(folder / name / "groundtruth_rect.txt", f"{x + 1},{y + 1},{w},{h}\n" * len(flags))
        write_text(folder / name / "absent.txt", "\n".join(flags) + "\n")
        write_text(folder / name / "attrs.txt", "OCC")


def test_anybodys_files_are_scored(tmp_path: Path) -> None:
    write(tmp_path / "truth", {"Wall": AWAY, "Away": AWAY})
    write_results(tmp_path / "results" / "Mine", HITS)
    write_results(tmp_path / "results" / "Other", dict.fromkeys(HITS, HELD + "0" * 13))
    found = score.files("redetection", tmp_path / "truth", tmp_path / "results", bootstrap=(200, 0))
    mine = found["trackers"]["Mine"]
    assert (found["definition"], found["rule"]) == ("redetection", {"overlap": 0.5, "within": 10})
    assert mine["redetected"] == 0.5 and found["trackers"]["Other"]["redetected"] == 0.0
    assert mine["sequences"]["Wall"] == {"frames": 21, "gone": 4, "back": 9, "redetected": 1.0}
    assert mine["redetected_interval"] == redetection.share_interval(1, 2)
    shown = table.terminal(found)
    assert "found again" in shown and "0.5000 [0.095, 0.905]" in shown
    assert "Mine,Wall,redetected,1.0" in table.as_csv(found)


def test_a_missing_file_makes_the_score_partial(tmp_path: Path) -> None:
    write(tmp_path / "truth", {"Wall": AWAY, "Away": AWAY})
    write_results(tmp_path / "results" / "Mine", {"Wall": HITS["Wall"]})
    found = score.files("redetection", tmp_path / "truth", tmp_path / "results", bootstrap=(200, 0))
    mine = found["trackers"]["Mine"]
    assert (mine["complete"], mine["scored"], mine["expected"], mine["redetected"]) == (False, 1, 2, 1.0)


def test_a_tracker_without_any_file_is_no_hindrance_to_others(tmp_path: Path) -> None:
    write(tmp_path / "truth", {"Wall": AWAY, "Away": AWAY})
    write_results(tmp_path / "results" / "Mine", HITS)
    write_results(tmp_path / "results" / "Other", {"Elsewhere": HITS["Wall"]})
    found = score.files("redetection", tmp_path / "truth", tmp_path / "results", bootstrap=(200, 0))
    assert found["trackers"]["Mine"]["redetected"] == 0.5
    (tmp_path / "results/Mine/Wall.txt").unlink()
    (tmp_path / "results/Mine/Away.txt").unlink()
    with pytest.raises(InputError, match="no result file of redetection in any tracker's folder"):
        score.files("redetection", tmp_path / "truth", tmp_path / "results", bootstrap=(200, 0))


def test_annotations_without_flags_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "truth", {"Wall": AWAY})
    (tmp_path / "truth/Wall/absent.txt").unlink()
    write_results(tmp_path / "results" / "Mine", {"Wall": HITS["Wall"]})
    with pytest.raises(InputError, match="Wall: no flags of absence"):
        score.files("redetection", tmp_path / "truth", tmp_path / "results")


def test_the_definition_is_of_this_benchmark_alone(tmp_path: Path) -> None:
    for name, protocol in (("redetection", "one-pass"), ("lasot", "redetection"), ("redetection", "vot")):
        with pytest.raises(InputError, match="not a definition for this benchmark"):
            definitions.find(name, protocol)
    with pytest.raises(
        InputError, match=r"otb-toolkit-1\.1: not a definition for this benchmark; there are redetection"
    ):
        score.files("redetection", tmp_path, tmp_path, "otb-toolkit-1.1")


# ---------------------------------------------------------------- the stage


def test_the_stage_scores_variants_over_seeds(tmp_path: Path) -> None:
    made = job(tmp_path)
    lost = dict.fromkeys(HITS, HELD + "0" * 13)
    for tracker, hits in (("salnet@seed-0", lost), ("dat-to@seed-0", HITS), ("dat-to@seed-1", lost)):
        write_results(made.inputs["results"] / tracker, hits)
    stage.run(made)
    found = read_json(made.outputs["metrics"])
    assert (found["definition"], found["data_set"]) == ("redetection", "synthetic-otb100")
    one, two = found["variants"]["salnet"], found["variants"]["dat-to"]
    assert one["redetected"] == 0.0 and one["redetected_interval"] == redetection.share_interval(0, 2)
    assert two["redetected"] == 0.25 and two["spread"]["redetected"] == pytest.approx(0.3536, abs=1e-4)
    (pair,) = found["pairs"]
    assert (pair["a"], pair["b"], pair["difference"]) == ("dat-to", "salnet", 0.25)
