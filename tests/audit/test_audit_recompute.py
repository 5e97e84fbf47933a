"""The second implementation of the scores: cases worked by hand, and the first implementation on random boxes."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dat.audit import recompute, recompute_vot
from dat.base.errors import InputError
from dat.evaluation import definitions, ground_truth, redetection
from dat.evaluation.vot import expected_overlap as vot
from dat.evaluation.vot import rasters as regions

BOX = (10.0, 10.0, 20.0, 20.0)


def test_overlap_and_distance_by_hand() -> None:
    moved = (20.0, 10.0, 20.0, 20.0)
    assert recompute.overlap(BOX, moved) == pytest.approx(200 / 600)
    assert recompute.distance(BOX, (13.0, 14.0, 20.0, 20.0)) == 5.0
    assert recompute.overlap(BOX, (40.0, 10.0, 5.0, 5.0)) == 0.0
    nothing = (10.0, 10.0, 0.0, 0.0)
    assert recompute.overlap(nothing, nothing) == recompute.overlap(BOX, nothing) == 0.0


def test_a_perfect_tracker_scores_twenty_of_twenty_one() -> None:
    curves = recompute.one_pass("Deer", [BOX] * 4, [BOX] * 4, "otb-toolkit-1.1")
    assert curves.score("success") == pytest.approx(20 / 21)
    assert curves.score("precision") == 1.0


def test_an_invalid_truth_is_a_miss_for_success_and_a_hit_for_precision() -> None:
    truth = [BOX, (0.0, 10.0, 20.0, 20.0)]
    otb, tc128 = (recompute.one_pass("Deer", truth, truth, name) for name in ("otb-toolkit-1.1", "tc128"))
    assert (otb.success[0], otb.precision[0]) == (0.5, 1.0)
    assert (tc128.success[0], tc128.precision[0]) == (1.0, 1.0)


@pytest.mark.parametrize("size", [(0.0, 20.0), (20.0, 0.0)])
def test_a_truth_without_size_is_no_hit_at_any_share_of_it(size: tuple[float, float]) -> None:
    assert recompute.distance(BOX, BOX, *size) == np.inf
    truth = [BOX, (*BOX[:2], *size)]
    assert recompute.one_pass("Deer", truth, truth, "tc128").normalized == 0.5


def test_a_box_without_size_is_the_one_before() -> None:
    boxes = [BOX, (11.0, 10.0, 20.0, 20.0), (500.0, 500.0, 0.0, 10.0)]
    assert recompute.one_pass("Deer", [BOX] * 3, boxes, "otb-toolkit-1.1").precision[1] == 1.0


def test_a_box_less_than_a_pixel_wide_is_not_repaired() -> None:
    for size in ((0.5, 10.0), (10.0, 0.5)):
        boxes = [BOX, BOX, (500.0, 500.0, *size)]
        assert recompute.one_pass("Deer", [BOX] * 3, boxes, "otb-toolkit-1.1").precision[20] == pytest.approx(2 / 3)


def test_a_row_whose_truth_is_not_wholly_known_is_not_repaired() -> None:
    nothing = (500.0, 500.0, 0.0, 10.0)
    truth = [BOX, BOX, (math.nan, 10.0, 20.0, 20.0), BOX]
    known, unknown = ([BOX, BOX, row, nothing] for row in (BOX, nothing))
    found = [recompute.one_pass("Deer", truth, boxes, "otb-toolkit-1.1").precision[20] for boxes in (known, unknown)]
    assert found == [1.0, 3 / 4]  # an unknown truth is a hit; what is repaired takes the row before as it is


def test_the_first_row_is_the_truth() -> None:
    boxes = [(500.0, 500.0, 5.0, 5.0), BOX]
    assert recompute.one_pass("Deer", [BOX] * 2, boxes, "otb-toolkit-1.1").success[19] == 1.0


def test_tiger1_is_scored_from_frame_six() -> None:
    truth = [BOX] * 10
    boxes = [(900.0, 900.0, 5.0, 5.0)] * 6 + [BOX] * 4
    assert recompute.one_pass("Tiger1", truth, boxes, "otb-toolkit-1.1").precision[20] == 1.0
    assert recompute.one_pass("Tiger2", truth, boxes, "otb-toolkit-1.1").precision[20] == 0.5


def test_wrong_lengths_and_words_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Deer: 1 boxes for 2 frames"):
        recompute.one_pass("Deer", [BOX] * 2, [BOX], "tc128")
    (tmp_path / "Deer.txt").write_text("1,2,3,4\n1,2,x,4\n")
    with pytest.raises(InputError, match=r"Deer\.txt:2"):
        recompute.read_boxes(tmp_path / "Deer.txt")
    (tmp_path / "Deer_001.txt").write_text("1.0000\n1,2,x,4\n")
    with pytest.raises(InputError, match=r"Deer_001\.txt:2"):
        recompute_vot.read_regions(tmp_path / "Deer_001.txt")


# ---------------------------------------------------------------- VOT


def test_whole_boxes_cover_one_pixel_more_than_their_size() -> None:
    a, b = (0.0, 0.0, 9.0, 9.0), (5.0, 0.0, 9.0, 9.0)
    assert recompute_vot.overlap(a, a) == 1.0
    assert recompute_vot.overlap(a, b) == 50 / 150


def test_boxes_that_only_touch_do_not_overlap() -> None:
    assert recompute_vot.overlap((0.0, 0.0, 9.0, 9.0), (9.0, 0.0, 9.0, 9.0)) == 0.0


def test_boxes_that_share_one_pixel_of_their_sizes_overlap() -> None:
    one = (0.0, 0.0, 1.0, 1.0)
    assert recompute_vot.overlap(one, one) == 1.0
    assert recompute_vot.overlap(one, (0.0, 0.0, 9.0, 9.0)) == recompute_vot.overlap((0.0, 0.0, 9.0, 9.0), one) == 0.04
    assert recompute_vot.overlap((0.0, 0.0, 9.0, 9.0), (8.0, 8.0, 9.0, 9.0)) == 4 / 196


@pytest.mark.parametrize("side", [4, 8, 16])
def test_regions_whose_edges_cross_equal_the_first_implementation(side: int) -> None:
    quads = np.random.default_rng(side).integers(0, side + 1, (600, 8)).astype(float)
    n = len(quads)
    box = np.tile([1.0, 1.0, side - 2.0, side - 1.0], (n, 1))
    truth = regions.regions(quads, np.full(n, 8))
    found = regions.regions(np.pad(box, ((0, 0), (0, 4))), np.full(n, 4))
    expected = regions.overlaps(truth, found, "2016", None)
    again = [recompute_vot.overlap(tuple(a), tuple(b)) for a, b in zip(quads.tolist(), box.tolist(), strict=True)]
    assert again == expected.tolist()


def test_the_image_bounds_both() -> None:
    a, b = (0.0, 0.0, 9.0, 9.0), (0.0, 0.0, 19.0, 9.0)
    assert recompute_vot.overlap(a, b) == 0.5
    assert recompute_vot.overlap(a, b, (9, 9)) == 1.0


def test_the_last_pixels_of_a_frame_bound_a_run() -> None:
    """20 x 20 pixels and as many 5 further, of which 10 x 10 and 5 x 5 lie in a frame of 100 x 50; a line of one value
    is a code."""
    truth = recompute_vot.Annotation([(90.0, 40.0, 19.0, 19.0)] * 2, (100, 50))
    run = [(95.0, 45.0, 19.0, 19.0), (1.0,)]
    (bounded, code), (whole, _) = (recompute_vot.overlaps(run, truth, bounded) for bounded in (True, False))
    assert bounded == 25 / 100 and math.isnan(code)
    assert whole == 15 * 15 / (2 * 400 - 225)


@pytest.mark.parametrize("limit", [None, (159, 119)])
@pytest.mark.parametrize("corners", [4, 8])
def test_overlaps_equal_the_first_implementation(limit: tuple[int, int] | None, corners: int) -> None:
    rng, n = np.random.default_rng(corners), 300
    box = np.round(np.concatenate([rng.uniform(-20, 150, (n, 2)), rng.uniform(4, 60, (n, 2))], axis=1), 4)
    angle, half = rng.uniform(0, 6.3, (n, 1)), rng.uniform(3, 30, (n, 2))
    middle = box[:, :2] + box[:, 2:] / 2 + rng.normal(0, 10, (n, 2))
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    x, y = (half[:, :1] * signs[:, 0], half[:, 1:] * signs[:, 1])
    turned = [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)]
    polygon = np.round((np.stack(turned, axis=-1) + middle[:, None]).reshape(n, 8), 2)
    one = polygon if corners == 8 else np.round(np.concatenate([middle - half, half * 2], axis=1), 3)
    wide = np.pad(one, ((0, 0), (0, 8 - corners)))
    truth = regions.regions(wide, np.full(n, corners))
    found = regions.regions(np.pad(box, ((0, 0), (0, 4))), np.full(n, 4))
    expected = regions.overlaps(truth, found, "2016", limit and (float(limit[0]), float(limit[1])))
    again = [recompute_vot.overlap(tuple(a), tuple(b), limit) for a, b in zip(one.tolist(), box.tolist(), strict=True)]
    assert again == expected.tolist()


def test_accuracy_leaves_the_burn_in_out() -> None:
    truth = recompute_vot.Annotation([BOX] * 14, (100, 100))
    run = [(1.0,), *[(15.0, 10.0, 20.0, 20.0)] * 9, *[BOX] * 4]
    assert recompute_vot.accuracy({"car": [run]}, {"car": truth}) == 1.0
    assert recompute_vot.failures(run) == []


def test_the_expected_overlap_curve_by_hand() -> None:
    """Nine frames: the third fails, the eighth starts again."""
    truth = recompute_vot.Annotation([BOX] * 9, (100, 100))
    lost = [(1.0,), BOX, (2.0,), *[(0.0,)] * 4, (1.0,), BOX]
    parts = recompute_vot.fragments(lost, truth, 9, 1.0)
    assert [part.values for part in parts] == [[0.0, 1.0, *[0.0] * 7], [0.0, 1.0]]
    curve = recompute_vot.expected_overlap(parts, 9)
    assert curve[:4] == pytest.approx([1.0, 1.0, 0.5, 1 / 3])
    assert curve[8] == pytest.approx(1 / 8)
    assert recompute_vot.expected_overlap(parts, 12)[9:] == [0.0] * 3  # no fragment is as long


def test_a_failure_too_late_for_a_restart_is_not_padded() -> None:
    truth = recompute_vot.Annotation([BOX] * 6, (100, 100))
    late = [(1.0,), BOX, BOX, (2.0,), (0.0,), (0.0,)]
    assert [len(part.values) for part in recompute_vot.fragments(late, truth, 20, 1.0)] == [6]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(20, 400), min_size=2, max_size=20))
@example([81, 400, 190, 389])  # grows to the last length
def test_the_interval_equals_the_first_implementation(lengths: list[int]) -> None:
    assert recompute_vot.interval(lengths) == vot.interval_of(lengths)


def test_published_intervals() -> None:
    assert recompute_vot.interval([40, 40]) == (40, 40)
    assert recompute_vot.INTERVALS["vot2016"] == (108, 371)


def test_the_interval_of_vot2019(real_data: Path) -> None:
    truth = json.loads((real_data / "annotations/vot2019.json").read_text())
    lengths = [len(sequence["gt_rect"]) for sequence in truth.values()]
    assert recompute_vot.interval(lengths) == recompute_vot.INTERVALS["vot2019"] == (46, 291)


# ---------------------------------------------------------------- found again


def test_the_overlap_of_areas_by_hand() -> None:
    one = (10.0, 10.0, 1.0, 1.0)
    assert recompute._plain_overlap(one, one) == 1.0
    assert recompute._plain_overlap(one, (10.0, 10.5, 1.0, 1.0)) == pytest.approx(1 / 3)
    assert recompute._plain_overlap(one, (11.0, 10.0, 1.0, 1.0)) == recompute._plain_overlap(one, (10, 11, 1, 1)) == 0.0
    assert recompute._plain_overlap(one, (math.nan, 10.0, 1.0, 1.0)) == 0.0


def test_a_target_is_found_again_in_the_window_after_its_longest_absence() -> None:
    absent = [0, 1, 0, 0, 1, 1, *[0] * 11]
    nowhere = (200.0, 200.0, 20.0, 20.0)
    for frame, wanted in ((2, 0.0), (5, 0.0), (6, 1.0), (16, 1.0)):
        boxes = [BOX if at == frame else nowhere for at in range(17)]
        assert recompute.redetected("Wall", [BOX] * 17, absent, boxes) == wanted
    half = (10.0, 10.0, 10.0, 20.0)  # overlaps with exactly one half, which is not enough
    assert recompute.redetected("Wall", [BOX] * 17, absent, [half] * 17) == 0.0
    unknown = (math.nan, 10.0, 20.0, 20.0)
    assert recompute.redetected("Wall", [BOX] * 17, absent, [unknown] * 17) == 0.0
    for flags in ([0] * 17, [0, 0, 0, 1, 1, 1, *[0] * 10], [1, 1, *[0] * 15]):
        with pytest.raises(InputError, match="Wall: the target is never away and back"):
            recompute.redetected("Wall", [BOX] * len(flags), flags, [BOX] * len(flags))
    with pytest.raises(InputError, match="Wall: 16 boxes and 17 flags for 17 frames"):
        recompute.redetected("Wall", [BOX] * 17, absent, [BOX] * 16)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([0, 0, 1]), min_size=14, max_size=45), st.integers(0, 2**31))
def test_what_is_found_again_equals_the_first_implementation(flags: list[int], seed: int) -> None:
    rng, count = np.random.default_rng(seed), len(flags)
    truth = np.concatenate([rng.uniform(0, 99, (count, 2)), rng.uniform(20, 40, (count, 2))], axis=1)
    boxes = truth + rng.normal(0, 10, (count, 4)) + rng.choice([0, 100], (count, 1), p=[0.05, 0.95])
    target = ground_truth.SequenceTruth("Wall", truth, absent=np.array(flags, bool))
    rows = [[tuple(box) for box in table.tolist()] for table in (truth, boxes)]
    try:
        expected = redetection.redetected(boxes, target, definitions.REDETECTION)
    except InputError:
        with pytest.raises(InputError):
            recompute.redetected("Wall", rows[0], flags, rows[1])
        return
    assert recompute.redetected("Wall", rows[0], flags, rows[1]) == expected
