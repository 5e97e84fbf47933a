"""VOT: rasters by hand and against one another, fragments and the curve by hand, ranks, files of both experiments."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dat.audit import recompute_vot
from dat.base.errors import InputError
from dat.benchmarks import catalogue
from dat.benchmarks import vot as protocol
from dat.benchmarks.vot import FAILED, INITIALISED
from dat.evaluation import definitions, score
from dat.evaluation.definitions import Raster, Vot
from dat.evaluation.vot import expected_overlap as vot
from dat.evaluation.vot import files as vot_files
from dat.evaluation.vot import ranks, summary, truth_runs
from dat.evaluation.vot import rasters as regions
from dat.evaluation.vot.rasters import Regions
from dat.tracking import restarts

RASTERS: tuple[Raster, ...] = ("2016", "7", "toolkit", "legacy", "2014")
NUMBER = st.floats(-30, 150).map(lambda value: round(value, 1))
SIDE = st.floats(1, 60).map(lambda value: round(value, 1))


def rule(name: str = "vot-matlab-2016") -> Vot:
    """A definition of VOT."""
    found = definitions.find(name, "vot")
    assert isinstance(found, Vot)
    return found


def some(*rows: list[float]) -> Regions:
    """Regions of rows of four or eight numbers."""
    counts = np.array([len(row) for row in rows])
    table = np.full((len(rows), 8), np.nan)
    for place, row in zip(table, rows, strict=True):
        place[: len(row)] = row
    return regions.regions(table, counts)


def one(a: list[float], b: list[float], raster: Raster, size: Any = None) -> float:
    """The overlap of two regions."""
    return float(regions.overlaps(some(a), some(b), raster, size)[0])


# ---------------------------------------------------------------- rasters


@pytest.mark.parametrize(
    ("raster", "pixels"), [("2016", 11 * 21), ("7", 10 * 20), ("toolkit", 200), ("legacy", 200), ("2014", 200)]
)
def test_pixels_of_a_whole_box(raster: Raster, pixels: int) -> None:
    inside = [10.0, 10, 4, 4] if raster == "2016" else [10.0, 10, 5, 5]
    assert one([10, 10, 10, 20], inside, raster) == pytest.approx(25 / pixels)


def test_a_box_and_its_polygon_agree_in_2016_but_not_in_7() -> None:
    box, polygon = [10.0, 10, 8, 8], [10.0, 10, 18, 10, 18, 18, 10, 18]
    assert one(box, polygon, "2016") == 1
    assert one(box, polygon, "7") == pytest.approx(64 / 81)
    assert one(polygon, polygon, "toolkit") == 1


def test_touching_boxes() -> None:
    assert one([10, 10, 10, 10], [20, 10, 10, 10], "2016") == 0
    assert one([10, 10, 10, 10], [19, 10, 10, 10], "7") == 0
    assert one([10, 10, 10, 10], [19, 10, 10, 10], "2016") == pytest.approx(2 * 11 / (2 * 121 - 22))


def test_only_pixels_within_the_image_count() -> None:
    a, b = [0.0, 0, 20, 10], [10.0, 0, 20, 10]
    assert one(a, b, "2016") == pytest.approx(11 / 31)
    assert one(a, b, "2016", (20.0, 20.0)) == pytest.approx(11 / 21)


def test_the_toolkits_image_ends_a_pixel_before_its_size() -> None:
    a, b = [0.0, 0, 20, 10], [10.0, 0, 20, 10]
    assert one(a, b, "toolkit", (25, 20)) == pytest.approx(10 / 25)
    assert one(a, b, "toolkit", (20, 20)) == pytest.approx(10 / 20)
    assert one(a, b, "toolkit", (19, 20)) == pytest.approx(9 / 19)
    # of a window one pixel wide the toolkit says that nothing overlaps
    assert one([19, 0, 20, 10], [19, 0, 20, 10], "toolkit", (20, 20)) == 0
    assert one([18, 0, 20, 10], [18, 0, 20, 10], "toolkit", (20, 20)) == 1


@pytest.mark.parametrize("raster", RASTERS)
def test_the_quick_way_ends_at_the_same_edges_of_an_image_that_is_not_square(raster: Raster) -> None:
    rng = np.random.default_rng(5)
    angle = rng.uniform(0, 6.3, (80, 1))
    middle, half = rng.uniform(20, 60, (80, 2)), rng.uniform(5, 18, (80, 2))
    x, y = half[:, :1] * [-1, 1, 1, -1], half[:, 1:] * [-1, -1, 1, 1]
    turned = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=-1)
    truth = some(*(turned + middle[:, None]).reshape(80, 8).round(1).tolist())
    found = some(*np.concatenate([middle - 10, rng.uniform(10, 80, (80, 2))], axis=1).round(1).tolist())
    for size in ((99.0, 79.0), (79.0, 99.0)):
        quick = truth_runs.overlaps(truth, found, raster, size)[0]
        assert quick.tolist() == regions.overlaps(truth, found, raster, size).tolist()


def test_a_diamond_row_by_row() -> None:
    diamond = [5.0, 0, 10, 5, 5, 10, 0, 5]
    assert one(diamond, [0, 0, 10, 10], "2016") == pytest.approx(61 / 121)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.lists(NUMBER, min_size=8, max_size=8), st.tuples(NUMBER, NUMBER, SIDE, SIDE)),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(RASTERS),
    st.sampled_from([None, (99.0, 79.0)]),
)
def test_the_quick_way_is_the_general_way(pairs: list[Any], raster: Raster, size: Any) -> None:
    truth = some(*(list(a) for a, _ in pairs), *(list(b) for _, b in pairs))
    found = some(*(list(b) for _, b in pairs), *(list(b) for _, b in reversed(pairs)))
    assert (
        truth_runs.overlaps(truth, found, raster, size)[0].tolist()
        == regions.overlaps(truth, found, raster, size).tolist()
    )


@settings(deadline=None, max_examples=100)
@given(st.tuples(NUMBER, NUMBER, SIDE, SIDE), st.lists(NUMBER, min_size=8, max_size=8), st.sampled_from(RASTERS))
def test_overlaps_are_shares_and_symmetric(box: Any, polygon: list[float], raster: Raster) -> None:
    forth, back = one(list(box), polygon, raster), one(polygon, list(box), raster)
    assert forth == back
    assert 0 <= forth <= 1


@pytest.mark.parametrize("raster", RASTERS)
def test_large_regions_come_near_the_exact_overlap(raster: Raster) -> None:
    turned = [100.0, 50, 250, 100, 200, 250, 50, 200]
    exact = 25_000 / (200 * 200)
    assert one([50, 50, 200, 200], turned, raster) == pytest.approx(exact, abs=0.02)


# ---------------------------------------------------------------- the protocol, by hand


def run_of(codes: list[int], overlap: list[float]) -> vot.Frames:
    """One repetition: codes of frames (-1 tracked) and their overlaps."""
    values = np.where(np.array(codes) == vot_files.TRACKED, overlap, np.nan)[None]
    return vot.Frames(values, values, np.array(codes)[None])


T = vot_files.TRACKED


def test_accuracy_leaves_out_ten_frames_from_each_start() -> None:
    codes = [1] + [T] * 11 + [2] + [0] * 4 + [1] + [T] * 10
    overlap = [0.0] * 10 + [0.4, 0.6] + [0.0] * 6 + [0.0] * 9 + [0.8]
    found = vot.sequence_score(run_of(codes, overlap), rule())
    assert (found.accuracy, found.counted, found.failures) == (pytest.approx(0.6), 3, 1)


def test_no_accuracy_is_said_where_no_frame_counts() -> None:
    """A sequence that ends within the ten frames after its start: not an accuracy of 0."""
    short = vot.sequence_score(run_of([1, T, T, T], [0, 0.9, 0.8, 0.7]), rule())
    assert summary.summary({"a": short}, rule()) == {"failures": 0, "robustness": 0}
    counts = vot.sequence_score(run_of([1] + [T] * 11, [0.0] * 10 + [0.4, 0.6]), rule())
    assert summary.summary({"a": short, "b": counts}, rule())["accuracy"] == pytest.approx(0.5)
    assert "accuracy" not in summary._tag_entry([run_of([1, T, T, T], [0, 0.9, 0.8, 0.7])])


def test_the_curve_of_one_failure_by_hand() -> None:
    codes, overlap = [1, T, T, 2, 0, 0, 0, 0, 1, T, T], [0, 0.8, 0.4, 0, 0, 0, 0, 0, 0, 0.6, 0.2]
    found = vot.curves([run_of(codes, overlap)], 11, (2, 5), rule())
    lost = [1, 0.8, 0.6, 0.4, 0.3]
    kept = [1, 0.6, 0.4]
    assert found.curve()[:5] == pytest.approx([1, 0.7, 0.5, lost[3], lost[4]])
    assert found.curve()[2] == pytest.approx((lost[2] + kept[2]) / 2)
    assert found.eao() == pytest.approx(np.mean([0.7, 0.5, 0.4, 0.3]))


def test_the_python_toolkit_is_one_frame_late_and_pads_late_failures() -> None:
    codes, overlap = [1, T, T, T, 2, 0], [0, 0.9, 0.6, 0.3, 0, 0]
    ours = vot.curves([run_of(codes, overlap)], 6, (2, 4), rule())
    theirs = vot.curves([run_of(codes, overlap)], 6, (2, 3), rule("vot-toolkit-0.9"))
    assert ours.curve()[:6] == pytest.approx([1, 0.9, 0.75, 0.6, 0.45, 0.36])
    assert theirs.eao() == pytest.approx((0.75 + 0.6) / 2)
    long = vot.curves([run_of(codes, overlap), run_of([1] + [T] * 9, [1.0] * 10)], 10, (7, 9), rule())
    assert long.curve()[6:9] == pytest.approx([1, 1, 1])
    padded = vot.curves(
        [run_of(codes, overlap), run_of([1] + [T] * 9, [1.0] * 10)], 10, (7, 9), rule("vot-toolkit-0.9")
    )
    assert padded.curve()[6] == pytest.approx((1.8 / 6 + 1) / 2)


def test_repetitions_of_a_sequence_share_its_weight() -> None:
    two = vot.Frames(*(np.tile(part, (2, 1)) for part in vars(run_of([1, T, T], [0, 0.2, 0.2])).values()))
    found = vot.curves([two, run_of([1, T, T], [0, 0.8, 0.8])], 3, (2, 3), rule())
    assert found.eao() == pytest.approx(0.5)
    theirs = vot.curves([two, run_of([1, T, T], [0, 0.8, 0.8])], 3, (1, 2), rule("vot-toolkit-0.9"))
    assert theirs.eao() == pytest.approx(0.4)


def test_the_interval_of_equal_and_of_two_lengths() -> None:
    assert vot.interval_of([40, 40]) == (40, 40)
    low, high = vot.interval_of([30, 50])
    assert 1 <= low < high <= 50


def test_the_published_intervals() -> None:
    from dat.benchmarks import catalogue

    assert {name: catalogue.find(name).interval for name in ("vot2014", "vot2016", "vot2019")} == {
        "vot2014": None, "vot2016": (108, 371), "vot2019": (46, 291),
    }  # fmt: skip


# ---------------------------------------------------------------- ranks


def test_wilcoxons_tests_by_hand() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 60).round(1), rng.normal(0.5, 1, 60).round(1)
    expected = stats.wilcoxon(a - b, correction=False, method="asymptotic").pvalue
    assert ranks.signed_rank(a - b) == pytest.approx(expected, rel=1e-9)
    counts = rng.poisson(1, 40).astype(float), rng.poisson(2, 50).astype(float)
    expected = stats.mannwhitneyu(*counts, method="asymptotic", use_continuity=True).pvalue
    assert ranks.rank_sum(*counts) == pytest.approx(expected, rel=1e-9)
    assert ranks.signed_rank(np.zeros(5)) == 1


@pytest.mark.parametrize("count", [1, 2, 5, 15])
def test_few_differences_are_tested_exactly_ties_included(count: int) -> None:
    """Against every assignment of signs, and scipy where no two differences are alike."""
    rng = np.random.default_rng(count)
    for values in (rng.normal(0.4, 1, count), rng.normal(0.4, 1, count).round(0) + 0.5):
        rank = ranks.mid_ranks(np.abs(values))
        signs = np.array(list(itertools.product([0, 1], repeat=count)))
        sums, reached = signs @ rank, rank[values > 0].sum()
        expected = min(2 * min((sums <= reached).mean(), (sums >= reached).mean()), 1)
        assert ranks.signed_rank(values) == pytest.approx(expected, rel=1e-12)
    plain = rng.normal(0.4, 1, count)
    assert ranks.signed_rank(plain) == pytest.approx(stats.wilcoxon(plain, method="exact").pvalue, rel=1e-12)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (3, 6), (9, 10)])
def test_few_failure_counts_are_compared_exactly_ties_included(a: int, b: int) -> None:
    rng = np.random.default_rng(a)
    left, right = rng.poisson(1, a).astype(float), rng.poisson(2, b).astype(float)
    rank = ranks.mid_ranks(np.concatenate([left, right]))
    sums = np.array([sum(chosen) for chosen in itertools.combinations(rank, a)])
    reached = rank[:a].sum()
    expected = min(2 * min((sums <= reached).mean(), (sums >= reached).mean()), 1)
    assert ranks.rank_sum(left, right) == pytest.approx(expected, rel=1e-12)
    left, right = rng.normal(0, 1, a), rng.normal(1, 1, b)
    exact = stats.mannwhitneyu(left, right, method="exact").pvalue
    assert ranks.rank_sum(left, right) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("count", [14, 15, 16])
def test_more_than_fifteen_differences_are_tested_by_the_normal_approximation(count: int) -> None:
    values = np.random.default_rng(count).normal(0.3, 1, count)
    method: Any = "exact" if count <= 15 else "asymptotic"
    expected = stats.wilcoxon(values, correction=False, method=method).pvalue
    assert ranks.signed_rank(values) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "exact"), [(9, 10, True), (10, 9, True), (9, 11, False), (10, 10, False), (2, 17, True), (2, 18, False)]
)
def test_twenty_failure_counts_are_compared_by_the_normal_approximation(a: int, b: int, exact: bool) -> None:
    rng = np.random.default_rng(a * b)
    left, right = rng.normal(0, 1, a), rng.normal(0.5, 1, b)
    method: Any = "exact" if exact else "asymptotic"
    expected = stats.mannwhitneyu(left, right, method=method, use_continuity=True).pvalue
    assert ranks.rank_sum(left, right) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("practical", "frames", "equal"),
    [(0.5, 20, True), (0.4, 20, False), (0.3, 20, False), (0.0, 20, False), (0.3, 4, True), (0.3, 5, True)],
)
def test_a_difference_that_annotators_would_make_is_none(practical: float, frames: int, equal: bool) -> None:
    def tagged(overlap: float) -> ranks.Tagged:
        return ranks.Tagged(np.full(frames, overlap), np.full(frames, practical), np.zeros(1))

    # .4 apart; five differences of one sign have a p of 2 / 2^5, over .05
    assert ranks.equal_accuracy(tagged(0.9), tagged(0.5)) is equal


def test_equal_trackers_share_a_rank() -> None:
    equal = [[True, True, False], [True, True, True], [False, True, True]]
    assert ranks.adapted([0.1, 0.2, 0.3], equal) == [1.5, 2, 2.5]


# ---------------------------------------------------------------- files of a whole benchmark


def vot2014(place: Path, real: Path) -> tuple[Path, Path]:
    """VOT2014's car as published, and two trackers in both experiments: one near, one far from it."""
    (place / "annotations").mkdir()
    (place / "annotations/car").symlink_to((real / "vot/vot2014-car").resolve())
    truth = np.loadtxt(real / "vot/vot2014-car/groundtruth.txt", delimiter=",")
    low, high = truth.reshape(-1, 4, 2).min(1), truth.reshape(-1, 4, 2).max(1)
    for name, shift in (("Near", 0.05), ("Far", 0.35)):
        for experiment in ("baseline", "region_noise"):
            folder = place / "results" / name / experiment / "car"
            folder.mkdir(parents=True)
            rows = np.concatenate([low + shift * (high - low), high - low], axis=1)
            for number in range(1, 4):
                lines = ["1", *(",".join(f"{value:.4f}" for value in row) for row in rows[1:])]
                if name == "Far":
                    lines[40:46] = ["2", "0", "0", "0", "0", "1"]
                (folder / f"car_{number:03d}.txt").write_text("\n".join(lines))
            (folder / "car_time.txt").write_text("0.1\n")
    return place / "annotations", place / "results"


def test_vot2014_scores_both_experiments_tags_and_ranks(real_data: Path, tmp_path: Path) -> None:
    found = score.files("vot2014", *vot2014(tmp_path, real_data), bootstrap=(200, 0))
    near, far = found["trackers"]["Near"], found["trackers"]["Far"]
    assert near["accuracy"] > far["accuracy"]
    assert (near["failures"], far["failures"]) == (0, 1)
    assert far["region_noise"]["failures"] == 1
    assert "eao" not in near
    assert near["attributes"]
    assert near["ignored"] == ["baseline/car/car_time.txt", "region_noise/car/car_time.txt"]
    assert (near["scored"], near["expected"], near["complete"]) == (1, 25, False)
    assert found["bounded"] is True
    json.dumps(found, allow_nan=False)


def test_ranks_of_complete_trackers(real_data: Path, tmp_path: Path) -> None:
    annotations, results = vot2014(tmp_path, real_data)
    from dat.benchmarks import catalogue
    from dat.evaluation.vot import summary as vot_scoring

    benchmark = catalogue.find("vot2014")
    truth = vot_files.read_truth(annotations, benchmark)
    truth = vot_files.VotTruth(("car",), truth.targets)
    folders = sorted(results.iterdir())
    scored = vot_scoring.score_all(benchmark, truth, folders, rule(), "strict")
    placed = vot_scoring.rank(scored, truth)
    assert placed is not None
    assert placed["Near"]["accuracy"] < placed["Far"]["accuracy"]
    assert placed["Near"]["robustness"] <= placed["Far"]["robustness"]
    for place in placed.values():
        assert place["overall"] == pytest.approx((place["accuracy"] + place["robustness"]) / 2)


def test_tags_shorter_than_the_video_go_on_with_zeros(real_data: Path) -> None:
    from dat.benchmarks import catalogue

    truth = vot_files.read_truth(real_data / "annotations/vot2019.json", catalogue.find("vot2019"))
    graduate = truth.targets["graduate"]
    assert {len(flags) for flags in graduate.tags.values()} == {len(graduate)} == {844}
    assert truth.targets["conduction1"].regions.rectangle.all()
    assert not truth.bounded


# ---------------------------------------------------------------- pairs and tags


def test_a_difference_has_the_p_value_of_all_exchanges_of_sequences() -> None:
    """Against every way in which sequences can change their tracker, one by one."""
    from dat.evaluation.one_pass.summary import Bootstrap
    from dat.evaluation.vot import summary as vot_scoring

    rng = np.random.default_rng(3)
    below = [rng.uniform(1, 3, (6, 2)) for _ in range(2)]
    above = [part * rng.uniform(low, low + 0.5, (6, 2)) for part, low in zip(below, (0.25, 0.1), strict=True)]

    def share(owners: tuple[int, ...], other: int) -> float:
        picked = [(above[owner ^ other][place], below[owner ^ other][place]) for place, owner in enumerate(owners)]
        return float(np.mean([sum(a[k] for a, _ in picked) / sum(b[k] for _, b in picked) for k in (0, 1)]))

    ways = [share(owners, 0) - share(owners, 1) for owners in itertools.product((0, 1), repeat=6)]
    exact = np.mean([abs(way) >= abs(ways[0]) - 1e-12 for way in ways])
    assert 0.03 < exact < 0.5
    found = vot_scoring._difference((above[0], below[0]), (above[1], below[1]), Bootstrap(20_000, 0), 1.0)
    assert found.value == pytest.approx(ways[0], rel=1e-12)
    assert found.p == pytest.approx(exact, abs=0.01)
    assert found.interval[0] < found.value < found.interval[1]


def test_a_trackers_frames_with_a_tag_and_without_any_by_hand() -> None:
    boxes = some(*[[10.0, 10, 20, 20]] * 4)
    flags = {"occlusion": np.array([False, True, True, False])}
    targets = {
        "a": vot_files.VotSequence("a", boxes, tags=flags, practical=np.array([0.1, 0.2, 0.3, 0.4])),
        "b": vot_files.VotSequence("b", boxes),
    }
    overlap = np.array([[0.9, 0.8, 0.6, 0.7], [0.9, 0.6, 0.2, 0.5]])
    frames = {name: vot.Frames(overlap, overlap, np.array([[T] * 4, [T, FAILED, T, T]])) for name in "ab"}
    found = ranks.tagged(frames, targets, "occlusion")
    assert found.accuracy.tolist() == pytest.approx([0.8, 0.4])
    assert (found.practical.tolist(), found.failures.tolist()) == ([0.2, 0.3], [0, 1])
    found = ranks.tagged(frames, targets, "empty")
    assert found.accuracy.tolist() == pytest.approx([0.9, 0.6, 0.9, 0.8, 0.4, 0.6])
    assert found.practical.tolist() == [0.1, 0.4, 0, 0, 0, 0]
    assert found.failures.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("raster", RASTERS)
def test_the_quick_way_is_the_general_way_for_boxes_of_one_pixel(raster: Raster) -> None:
    truth, found = some([0.0, 0, 1, 2], [0.0, 0, 1, 1]), some([0.0, 0, 1, 1], [0.0, 0, 1, 2])
    quick = truth_runs.overlaps(truth, found, raster, None)[0]
    assert quick.tolist() == regions.overlaps(truth, found, raster, None).tolist()


BOXES = [[1.0, 2, 30, 40]] * 3


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"width": "abc", "height": 3}, "not both a number of pixels"),
        ({"width": None, "height": 3}, "not both a number of pixels"),
        ({"width": float("inf"), "height": 3}, "not both a number of pixels"),
        ({"width": -640, "height": 480}, "not both a number of pixels"),
        ({"width": True, "height": 480}, "not both a number of pixels"),
        ({"width": 640}, "not both a number of pixels"),
        ({"occlusion": "yes"}, "occlusion: no list of numbers"),
        ({"occlusion": 3}, "occlusion: no list of numbers"),
        ({"occlusion": [[1], [0]]}, "occlusion: no list of numbers"),
        ({"occlusion": [0, None, 1]}, "occlusion: no list of numbers"),
        ({"occlusion": [0, float("nan")]}, "occlusion: a value that is no number"),
        ({"gt_rect": ["12345678"] * 3}, "no `gt_rect` with a list of numbers"),
        ({"gt_rect": [[True, True, True, True]] * 3}, "no `gt_rect` with a list of numbers"),
        ({"gt_rect": [[10**400, 1, 2, 3]] * 3}, "no `gt_rect` with a list of numbers"),
        ({"gt_rect": {"1": [1, 2, 3, 4]}}, "no `gt_rect` with a list of numbers"),
        ({"gt_rect": [*BOXES[:2], [0, 0, 1e9, 0, 1e9, 1e9, 0, 1e9]]}, r"frame 3: a number over 1e\+06"),
        ({"gt_rect": [*BOXES[:2], [1, 2, float("inf"), 4]]}, r"frame 3: a number over 1e\+06"),
    ],
)
def test_a_truth_in_json_that_cannot_be_read_for_certain_is_told(
    tmp_path: Path, entry: dict[str, Any], told: str
) -> None:
    (tmp_path / "vot.json").write_text(json.dumps({"bag": {"gt_rect": BOXES, **entry}}))
    with pytest.raises(InputError, match=rf"vot\.json: bag.*{told}"):
        vot_files._from_json(tmp_path / "vot.json")


UNKNOWN = {
    "NaN": [[float("nan")] * 4] * 3,
    "NaN polygons": [[float("nan")] * 8] * 3,
    "a value that is NaN": [[1, 2, 3, float("nan")]] * 3,
    "without area": [[1, 2, 0, 4], [3, 4, 5, 0], [1, 1, 1, 1, 1, 1, 1, 1]],
    "no frame": [],
}


@pytest.mark.parametrize("kind", UNKNOWN)
@pytest.mark.parametrize("form", ["json", "folder"])
def test_a_truth_that_is_nowhere_known_is_told_by_file_and_sequence(tmp_path: Path, kind: str, form: str) -> None:
    bag = UNKNOWN[kind]
    if form == "json":
        (tmp_path / "vot.json").write_text(json.dumps({"bag": {"gt_rect": bag}, "ball1": {"gt_rect": BOXES}}))
    else:
        for name, rows in {"bag": bag, "ball1": BOXES}.items():
            (tmp_path / name).mkdir()
            lines = "".join(",".join(map(str, row)) + "\n" for row in rows)
            (tmp_path / name / "groundtruth.txt").write_text(lines)
    benchmark = replace(catalogue.find("vot2016"), sequences={})
    place = tmp_path / "vot.json" if form == "json" else tmp_path
    with pytest.raises(InputError, match=rf"{place}.*none of the {len(bag)} regions of bag is known and has an area"):
        vot_files.read_truth(place, benchmark)


class Lost:
    """A tracker that is beside the target from its third frame after every start."""

    def init(self, image: Any, box: Any, sentence: str | None = None) -> None:
        self.box, self.frames = np.asarray(box, float), 0

    def update(self, image: Any) -> Any:
        self.frames += 1
        return self.box + np.array([500 * (self.frames > 2), 0, 0, 0])


def test_tracking_and_scoring_and_the_audit_have_vots_numbers() -> None:
    """The audit has its own, since it computes on its own."""
    assert protocol.RESTART == recompute_vot.SKIP == 5
    assert protocol.BURN_IN == recompute_vot.BURN_IN == 10


@pytest.mark.parametrize("frames", [5, 7])
def test_tracking_and_scoring_start_again_after_as_many_frames(frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One constant moves tracking, the check of result files and both ways of scoring."""
    monkeypatch.setattr(protocol, "RESTART", frames)
    lines = restarts.run(Lost(), lambda index: np.zeros((90, 120, 3), np.uint8), [[10, 10, 20, 20]] * 30, (120, 90), "")
    codes = np.array([line if isinstance(line, int) else vot_files.TRACKED for line in lines])
    starts, failures = np.flatnonzero(codes == INITIALISED), np.flatnonzero(codes == FAILED)
    assert len(failures) > 2 and set(starts[1:]) <= set(failures + frames) and vot_files._broken(codes) is None
    for fragments in (vot._matlab_fragments(codes), vot._toolkit_fragments(codes)):
        assert [fragment.start for fragment in fragments] == starts.tolist()
