"""A player's table of frames against the one that stands behind it: the first frame that differs is named."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dat.audit import players

NAN = float("nan")
HELD = np.array([[1.0, 2.0, 3.0, 4.0], [NAN] * 4, [5.0, 6.0, 7.0, 8.0]])


def said(shown: np.ndarray, error: float = 0.01) -> tuple[str, ...]:
    (check,) = players._frames("a.js", "boxes", HELD, shown, error)
    return check.verdict, check.subject, str(check.expected), str(check.found)


def test_frames_that_are_near_enough_are_verified_whatever_the_tables_width() -> None:
    assert said(HELD + 0.009) == ("verified", "a.js: boxes", "3 frames", "3 frames")
    assert said(np.pad(HELD, ((0, 0), (0, 4)), constant_values=NAN)) == said(HELD)


@pytest.mark.parametrize(("at", "value", "first", "expected", "found"), [
    ((0, 3), 4.02, 1, "1, 2, 3, 4", "1, 2, 3, 4.02"),
    ((1, 0), 1.0, 2, "none", "1"),
    ((2, 0), NAN, 3, "5, 6, 7, 8", "6, 7, 9"),
])  # fmt: skip
def test_the_first_frame_that_differs_is_named(
    at: tuple[int, int], value: float, first: int, expected: str, found: str
) -> None:
    shown = HELD.copy()
    shown[at], shown[2, 3] = value, 9.0
    assert said(shown) == ("differs", f"a.js: boxes, frame {first}", expected, found)


def test_a_frame_less_is_named() -> None:
    assert said(HELD[:2]) == ("differs", "a.js: boxes", "3 frames", "2 frames")


def test_the_truth_of_a_frame_is_its_polygon_or_its_box() -> None:
    polygon, box = [float(number) for number in range(8)], [1.0, 2.0, 3.0, 4.0]
    row: Any = SimpleNamespace(row={"boxes": [box] * 3, "regions": [polygon, box, None]})
    wide = [*box, *[NAN] * 4]
    np.testing.assert_array_equal(players._truth(row), [polygon, wide, wide])
    row.row["regions"] = None
    np.testing.assert_array_equal(players._truth(row), [wide] * 3)


def test_overlaps_by_hand() -> None:
    truth = np.array([[0.0, 0.0, 10.0, 10.0]] * 4)
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 10.0, 10.0], [20.0, 20.0, 10.0, 10.0], [NAN] * 4])
    assert players._overlaps(boxes, truth) == pytest.approx([1, 1 / 3, 0, 0])
