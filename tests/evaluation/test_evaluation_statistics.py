"""Intervals hold the truth as often as they say; tests are seeded, corrected and paired."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dat.evaluation import statistics
from dat.evaluation.one_pass import summary as scoring

RESAMPLES = 1000


def benchmark_scores(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Scores as trackers have them: most sequences good, one in five lost early."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < 0.8, rng.beta(8, 4, shape), rng.beta(1, 8, shape))


def skewed(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Scores near zero but for a few sequences."""
    return np.random.default_rng(seed).beta(0.4, 4, shape)


@pytest.mark.parametrize(
    ("draw", "mean"), [(benchmark_scores, 0.8 * 8 / 12 + 0.2 / 9), (skewed, 0.4 / 4.4)], ids=["benchmark", "skewed"]
)
def test_a_95_percent_interval_holds_the_truth_in_93_to_97_percent_of_benchmarks(draw, mean: float) -> None:  # type: ignore[no-untyped-def]
    intervals = statistics.mean_intervals(draw((100, 2000), 1), RESAMPLES, 0)
    held = np.mean([low <= mean <= high for low, high in intervals])
    assert 0.93 <= held <= 0.97


def test_the_plain_percentile_interval_holds_it_less_often_where_sequences_are_few() -> None:
    values, mean = skewed((25, 2000), 2), 0.4 / 4.4
    weights = statistics.resamples(25, RESAMPLES, 0)
    low, high = np.quantile(weights @ values / 25, [0.025, 0.975], axis=0)
    percentile = np.mean((low <= mean) & (mean <= high))
    ours = np.mean([a <= mean <= b for a, b in statistics.mean_intervals(values, RESAMPLES, 0)])
    assert percentile < 0.93 <= ours


def test_an_interval_of_a_mean_of_shares_holds_the_truth() -> None:
    rng, held = np.random.default_rng(3), []
    for _ in range(300):
        below = rng.integers(20, 400, (60, 3)).astype(float)
        above = below * rng.beta(6, 4, (60, 1))
        draws = statistics.share_draws(above, below, 400, 0)
        low, high = draws.interval(statistics.resamples(60, 400, 0), 0, 1)
        held.append(low <= 0.6 <= high)
    assert 0.91 <= np.mean(held) <= 0.98


def test_shares_influence_is_the_change_when_a_sequence_counts_a_little_more() -> None:
    rng = np.random.default_rng(4)
    above, below = rng.random((7, 5)), rng.random((7, 5)) + 0.5
    _, influence = statistics.share(above, below, np.ones((1, 7)))
    step = np.eye(7) * 1e-6 + 1
    moved, _ = statistics.share(above, below, step)
    value, _ = statistics.share(above, below, np.ones((1, 7)))
    assert influence[0] == pytest.approx((moved - value) / 1e-6 * 7, abs=1e-3)


def test_resamples_are_the_seeds_and_draw_every_sequence() -> None:
    first = statistics.resamples(9, 50, 5)
    statistics.resamples.cache_clear()
    assert (first == statistics.resamples(9, 50, 5)).all()
    assert (first.sum(1) == 9).all()
    assert (first != statistics.resamples(9, 50, 6)).any()
    assert first.mean() == 1


def test_equal_scores_have_an_interval_of_no_width() -> None:
    assert statistics.mean_intervals(np.full((10, 1), 0.7), 200, 0)[0] == pytest.approx((0.7, 0.7))


def test_two_sequences_bound_nothing() -> None:
    assert statistics.mean_intervals(np.array([[0.2], [0.7]]), 1000, 0) == [(0.0, 1.0)]


def test_sign_flips_find_a_shift_and_no_more() -> None:
    rng = np.random.default_rng(6)
    noise = rng.normal(0, 0.1, (100, 400))
    assert np.mean(statistics.sign_flip(noise, 1000, 0) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert (statistics.sign_flip(noise[:, :5] + 0.1, 1000, 0) < 0.01).all()
    assert statistics.sign_flip(np.zeros((10, 1)), 100, 0)[0] == 1


def test_sign_flips_of_few_sequences_are_the_exact_test() -> None:
    differences = np.array([[0.1], [0.2], [0.3], [0.4]])
    assert statistics.sign_flip(differences, 20_000, 0)[0] == pytest.approx(2 / 16, abs=0.01)


def test_many_differences_are_all_tested() -> None:
    differences = np.random.default_rng(0).normal(0, 1, (6, 520))
    found = statistics.paired(differences, 20, 0)
    assert [one.value for one in found] == pytest.approx(differences.mean(0).tolist())


def test_pairs_of_tables_are_differences_of_means() -> None:
    rng = np.random.default_rng(0)
    tables = {name: rng.uniform(0, 1, (8, 3)) for name in "abc"}
    found = scoring.table_pairs(tables, scoring.Bootstrap(200, 0))
    assert {(entry["a"], entry["b"]) for entry in found} == {("a", "b"), ("a", "c"), ("b", "c")}
    for entry in found:
        column = ("success", "precision").index(entry["metric"])
        a, b = (tables[entry[side]][:, column].mean() for side in "ab")
        assert entry["difference"] == pytest.approx(a - b)


def test_holm_by_hand() -> None:
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([]) == []


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_corrects_upwards_and_keeps_the_order(p: list[float]) -> None:
    corrected = statistics.holm(p)
    assert all(before <= after <= 1 for before, after in zip(p, corrected, strict=True))
    order = np.argsort(p, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()


@pytest.mark.parametrize(
    ("interval", "p", "higher", "said"),
    [
        ((0.1, 0.2), 0.01, True, "holds"),
        ((-0.2, -0.1), 0.01, True, "the reverse"),
        ((-0.2, -0.1), 0.01, False, "holds"),
        ((-0.1, 0.2), 0.01, True, "cannot tell"),
        ((0.1, 0.2), 0.06, True, "cannot tell"),
        ((0.1, 0.2), 0.05, True, "cannot tell"),
        ((0.1, 0.2), 0.0499, True, "holds"),
        ((0.0, 0.2), 0.01, True, "cannot tell"),
        ((-0.2, 0.0), 0.01, True, "cannot tell"),
    ],
)
def test_verdicts(interval: tuple[float, float], p: float, higher: bool, said: str) -> None:
    assert statistics.verdict(interval, p, higher) == said


def test_how_many_sequences_would_tell() -> None:
    """Cohen's d of .5 takes 32 pairs by the normal approximation; d of 2 more than a sign-flip test can do with."""
    spread = [0.5 + value for value in (-1.0, 1.0) * 500]  # mean .5, standard deviation 1.0005
    assert statistics.sequences_needed(spread) == 32
    assert statistics.sequences_needed([-value for value in spread]) == 32
    assert statistics.sequences_needed([0.1, 0.2, 0.3]) == 6
    assert statistics.sequences_needed([0.3]) is None and statistics.sequences_needed([0.2, -0.2]) is None
