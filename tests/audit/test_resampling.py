"""Intervals and p values by the audit's own implementation: what the first one gives, and what is known by hand."""

import itertools

import numpy as np
import pytest

from dat.audit import resampling
from dat.evaluation import redetection, statistics


@pytest.mark.parametrize("sequences", [1, 2, 3, 4, 6, 15, 60])
def test_intervals_and_p_values_of_means_are_the_first_implementations(sequences: int) -> None:
    values = np.random.default_rng(sequences).uniform(0, 1, (sequences, 4))
    values[:, 1] = np.round(values[:, 1])
    values[:, 2] = 0.5
    ends = resampling.mean_ends(values, 1000, 3, 0.0, 1.0)
    np.testing.assert_allclose(ends, statistics.mean_intervals(values, 1000, 3), atol=1e-9)
    differences = values[:, :1] - values[:, 1:2]
    (one,) = statistics.paired(differences, 1000, 3)
    np.testing.assert_allclose(resampling.mean_ends(differences, 1000, 3, -1.0, 1.0), [one.interval], atol=1e-9)
    assert resampling.mean_p(differences[:, 0], 1000, 3) == one.p


@pytest.mark.parametrize("sequences", [2, 5, 20])
def test_intervals_of_shares_are_the_first_implementations(sequences: int) -> None:
    rng = np.random.default_rng(sequences)
    below = rng.integers(0, 4, (sequences, 7)).astype(np.float64)
    below[:, 0] = 1
    above, other = (rng.uniform(0, 1, below.shape) * below for _ in range(2))
    weights = statistics.resamples(sequences, 500, 0)
    a, b = (statistics.share_draws(one, below, 500, 0) for one in (above, other))
    ends = resampling.share_ends((above, below), None, 500, 0, 0.0, 1.0)
    np.testing.assert_allclose(ends, a.interval(weights, 0.0, 1.0), atol=1e-9)
    ends = resampling.share_ends((above, below), (other, below), 500, 0, -1.0, 1.0)
    np.testing.assert_allclose(ends, (a - b).interval(weights, -1.0, 1.0), atol=1e-9)
    assert resampling.share((above, below)) == pytest.approx(a.value, abs=1e-12)


def test_p_values_are_those_of_all_signs_as_near_as_drawing_tells() -> None:
    values = np.array([0.1, 0.2, -0.05, 0.3, 0.12, 0.2, -0.1, 0.25])
    means = [abs(np.dot(signs, values)) for signs in itertools.product((-1, 1), repeat=len(values))]
    whole = np.mean(np.array(means) >= abs(values.sum()) - 1e-12)
    error = 5 * np.sqrt(whole * (1 - whole) / 10_000)
    ones = np.ones((len(values), 1))
    moved = (np.maximum(values, 0)[:, None], ones), (np.maximum(-values, 0)[:, None], ones)
    assert 0 < whole < 0.2 and abs(resampling.mean_p(values, 10_000, 0) - whole) < error + 1e-4
    assert abs(resampling.share_p(*moved, 10_000, 0) - whole) < error + 1e-4


def test_intervals_known_by_hand() -> None:
    """Equal values have no spread; two sequences bound nothing; Wilson's interval of 0 of 30."""
    assert resampling.mean_ends(np.full((5, 1), 0.25), 100, 0, 0.0, 1.0) == [(0.25, 0.25)]
    assert resampling.mean_ends(np.array([[0.2], [0.6]]), 1000, 0, 0.0, 1.0) == [(0.0, 1.0)]
    low, high = resampling.found_again_ends(0, 30)
    assert low == 0 and high == pytest.approx(1.96**2 / (30 + 1.96**2), abs=1e-4)


@pytest.mark.parametrize(("hits", "count"), [(0, 30), (12, 15), (5, 5)])
def test_intervals_of_targets_found_again_are_the_first_implementations(hits: int, count: int) -> None:
    found = resampling.found_again_ends(hits, count)
    np.testing.assert_allclose(found, redetection.share_interval(hits, count), atol=1e-9)
    found = resampling.found_again_apart(hits // 2, hits - hits // 2, count)
    np.testing.assert_allclose(found, redetection.difference_interval(hits // 2, hits - hits // 2, count), atol=1e-9)
