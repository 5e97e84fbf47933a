"""Whose scores an interval of the audit's own implementation is made from, and when two intervals are the same."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dat.audit import intervals


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
