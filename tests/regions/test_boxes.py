"""Boxes: hand-worked cases and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dat.regions import boxes

side = st.floats(0.5, 500)
place = st.floats(-500, 500)
box = st.tuples(place, place, side, side)


def test_overlap_by_hand() -> None:
    assert boxes.overlap([0, 0, 10, 10], [5, 0, 10, 10]) == pytest.approx([50 / 150])
    assert boxes.overlap([[0, 0, 2, 2], [0, 0, 2, 2]], [[0, 0, 2, 2], [2, 0, 2, 2]]).tolist() == [1, 0]


@pytest.mark.parametrize("bad", [[0, 0, 0, 5], [0, 0, -3, 5], [np.nan, 0, 5, 5], [0, 0, 5, np.nan]])
def test_overlap_with_an_empty_or_unknown_box_is_zero(bad: list[float]) -> None:
    assert boxes.overlap(bad, [0, 0, 5, 5]).tolist() == [0]
    assert boxes.overlap([0, 0, 5, 5], bad).tolist() == [0]


@given(box, box)
def test_overlap_is_symmetric_and_bounded(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    one, other = boxes.overlap(a, b), boxes.overlap(b, a)
    assert one == pytest.approx(other)
    assert 0 <= one[0] <= 1 + 1e-12
    assert boxes.overlap(a, a) == pytest.approx([1])


def test_bounds_of_a_polygon() -> None:
    assert boxes.bounds([[1, 5, 4, 1, 8, 4, 5, 9]]).tolist() == [[1, 1, 7, 8]]


@given(box)
def test_clipped_boxes_lie_in_the_image(a: tuple[float, ...]) -> None:
    x, y, w, h = boxes.clip(a, 100, 80)[0]
    assert 0 <= x <= x + w <= 100 + 1e-9
    assert 0 <= y <= y + h <= 80 + 1e-9
