"""Boxes: rows x,y,w,h in pixels; the pixel in the top left corner covers 0 to 1 in both directions.

Everything is float64 and continuous: no `+ 1` anywhere. OTB's toolkit agrees, since its -1 and +1 cancel.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def _rows(boxes: npt.ArrayLike) -> Array:
    return np.atleast_2d(np.asarray(boxes, dtype=np.float64))


def _intersection(a: Array, b: Array) -> Array:
    """Area shared by boxes that broadcast against one another, 0 where a side is not positive."""
    sides = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    return np.where((sides > 0).all(-1), sides.prod(-1), 0.0)


def overlap(a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
    """Intersection over union of boxes, row by row: (N,4) and (N,4), or one row against N, to (N,).

    0 where either box has no area or a value that is not a number.
    """
    a, b = _rows(a), _rows(b)
    empty = (a[..., 2:] <= 0).any(-1) | (b[..., 2:] <= 0).any(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shared = np.where(empty, 0.0, _intersection(a, b))
        union = a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - shared
        return np.where(shared > 0, shared / union, 0.0)


def centre(boxes: npt.ArrayLike) -> Array:
    """Centres x,y of boxes (N,4): (N,2)."""
    rows = _rows(boxes)
    return rows[:, :2] + rows[:, 2:] / 2


def bounds(polygons: npt.ArrayLike) -> Array:
    """Axis-aligned bounds of polygons (N,2k), x,y alternating: boxes (N,4)."""
    points = _rows(polygons)
    x, y = points[:, 0::2], points[:, 1::2]
    return np.stack([x.min(1), y.min(1), x.max(1) - x.min(1), y.max(1) - y.min(1)], axis=1)


def clip(boxes: npt.ArrayLike, width: float, height: float) -> Array:
    """The part of each box inside an image; a box wholly outside gets zero size on the nearest edge."""
    rows, limit = _rows(boxes), np.array([width, height], dtype=np.float64)
    low = np.clip(rows[:, :2], 0, limit)
    high = np.clip(rows[:, :2] + rows[:, 2:], 0, limit)
    return np.concatenate([low, np.maximum(high - low, 0)], axis=1)
