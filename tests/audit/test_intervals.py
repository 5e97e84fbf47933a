"""Whose scores an interval of the audit's own implementation is made from, and when two intervals are the same."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dat.audit import intervals
from dat.audit.scores import Results
from dat.evaluation import redetection


def test_two_intervals_are_the_same_where_both_ends_are() -> None:
    assert intervals.near((0.25, 0.75), (0.25 + 1e-12, 0.75))
    assert not intervals.near((0.25, 0.75), (0.26, 0.75))
    assert not intervals.near((0.25, 0.75), (0.25, 0.74))


@pytest.mark.parametrize(("known", "whole"), [((0, 1), True), ((0,), False), ((), False)])
def test_a_mean_over_seeds_of_which_one_is_gone_is_unknown(known: tuple[int, ...], whole: bool) -> None:
    """The values of two trackers, in sequences and in shares."""
    values = {f"salnet@seed-{seed}": np.array([0.25, 0.5]) * (seed + 1) for seed in known}
    results: Any = SimpleNamespace(
        each=lambda scores, tracker, metric: values.get(tracker),
        shares=lambda scores, tracker, metric: (values[tracker], np.ones(2)) if tracker in values else None,
    )
    made, scores = intervals.Intervals(results), SimpleNamespace(name="otb100")
    trackers = ["salnet@seed-0", "salnet@seed-1"]
    each = made._each(scores, trackers, "success")  # type: ignore[arg-type]
    table = made._table(scores, trackers, "success")  # type: ignore[arg-type]
    if not whole:
        assert each is None and table is None
        return
    assert each is not None and table is not None
    assert each.tolist() == [0.375, 0.75]
    assert [part.tolist() for part in table] == [[0.75, 1.5], [2.0, 2.0]]


def test_the_interval_of_a_difference_of_targets_found_again_is_the_first_implementations() -> None:
    """The first finds two alone, the second one; of five."""
    values = {"a": [1.0, 1.0, 1.0, 0.0, 0.0], "b": [0.0, 0.0, 1.0, 1.0, 0.0]}
    root = SimpleNamespace(
        benchmarks={"redetection": SimpleNamespace(protocol="one-pass")},
        evaluation=SimpleNamespace(resamples=200, seed=0),
    )
    results: Any = SimpleNamespace(
        settings=SimpleNamespace(root=root), each=lambda scores, tracker, metric: values[tracker]
    )
    scores: Any = SimpleNamespace(
        name="redetection",
        parent="redetection",
        data={"definition": "redetection"},
        trackers=lambda variant, seed: [variant],
    )
    paired = intervals.Intervals(results).paired(scores, "a", "b", "redetected")
    assert paired is not None and paired.difference == pytest.approx(0.2)
    assert paired.ends == pytest.approx(redetection.difference_interval(2, 1, 5))


def test_the_scores_of_sequences_of_which_one_has_none_are_unknown() -> None:
    scores: Any = SimpleNamespace(runs={"a": {"sequences": {"Car": {"success": 0.5}, "Dog": {}}}})
    for names, expected in ((["Car", "Dog"], None), (["Car"], [0.5]), ([], None)):
        results: Any = SimpleNamespace(listed=lambda *_, names=names: names, _one=lambda *_: None)
        assert Results.each(results, scores, "a", "success") == expected
