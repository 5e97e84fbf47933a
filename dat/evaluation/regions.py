"""Overlaps of VOT's regions: rectangles and four-cornered polygons, rasterised as each toolkit does it, row by row.

Four rasters exist. `2016` and `7`: corners rounded half away from zero, rows crossed with both ends closed, the pixels
of a row from one crossing to the next with both ends; a rectangle becomes the polygon x..x+w (`2016`) or x..x+w-1
(`7`). `toolkit` (VOT's Python): the same on corners rounded half to even, a rectangle covers its rounded w x h
pixels. `legacy` (2013 to 2015): nothing rounded, one end open. All count pixels of both regions in the joint window
of their bounds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dat.evaluation.definitions import Raster

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_ROWS = 1_000_000
_FAR = 8192.0
_NONE = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Regions:
    """Regions, one a frame: values (N,8) float32, of which a rectangle uses four (x,y,w,h) and a polygon all (x,y by
    corner); `rectangle` (N,) says which. Where `special` (N,) there is none, only a code."""

    values: Singles
    rectangle: Flags
    special: Flags

    def __len__(self) -> int:
        return len(self.values)

    def take(self, places: Whole | Flags) -> "Regions":
        """Some of the regions."""
        return Regions(self.values[places], self.rectangle[places], self.special[places])


def regions(values: Floats, counts: Whole) -> Regions:
    """Regions of rows of 4 or 8 numbers, padded to eight columns; other counts and rows with NaN are special."""
    numbers = np.asarray(values, np.float32)
    rectangle = counts == 4
    known = ~np.isnan(numbers[:, :4]).any(1) & (rectangle | ~np.isnan(numbers[:, 4:]).any(1))
    return Regions(numbers, rectangle, ~(known & (rectangle | (counts == 8))))


def corners(shapes: Regions, raster: Raster) -> Singles:
    """Corner points (N,4,2) of regions as their raster sees a rectangle."""
    less = np.float32(1 if raster == "7" else 0)
    x, y, w, h = shapes.values[:, :4].T
    right, bottom = x + w - less, y + h - less
    boxes = np.stack([x, y, right, y, right, bottom, x, bottom], axis=1)
    return np.where(shapes.rectangle[:, None], boxes, shapes.values).reshape(-1, 4, 2)


def _half_away(values: Singles) -> Singles:
    return np.asarray(np.copysign(np.floor(np.abs(values) + np.float32(0.5)), values), np.float32)


@dataclass(frozen=True)
class _Window:
    """The joint window of pairs of regions: its corner (N,2) and size (N,2), and which pairs overlap with 0 by rule."""

    corner: Singles
    size: Whole
    zero: Flags


def _bounds(points: Singles, raster: Raster, limit: Singles | None) -> tuple[Singles, Singles]:
    low, high = points.min(1), points.max(1)
    if raster != "legacy":
        low, high = np.floor(low), np.ceil(high)
    if limit is not None:
        low, high = np.maximum(low, 0), np.minimum(high, limit)
    return low, high


def _window(a: Singles, b: Singles, raster: Raster, limit: Singles | None) -> _Window:
    """The window of two sets of corner points, and the test of bounding boxes that comes before any pixel."""
    (low_a, high_a), (low_b, high_b) = _bounds(a, raster, limit), _bounds(b, raster, limit)
    low, high = np.minimum(low_a, low_b), np.maximum(high_a, high_b)
    size = (high - low).astype(np.int64) + 1
    area_a, area_b = (high_a - low_a).prod(1), (high_b - low_b).prod(1)
    shared = (np.minimum(high_a, high_b) - np.maximum(low_a, low_b)).prod(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        tiny = (area_a / area_b < 1e-10) | (area_b / area_a < 1e-10)
        apart = shared / (area_a + area_b - shared) <= 0
    return _Window(low, size, tiny | apart | (size < 1).any(1))


def _crossings(points: Floats | Singles, rows: Whole, y: Whole, raster: Raster) -> tuple[Whole, Whole]:
    """Where rows of polygons are crossed: sorted columns (R,4), _NONE after the last, and how many (R,).

    points (N,4,2) are relative to the window; `rows` says of which polygon each row `y` is.
    """
    columns, level = np.full((4, len(rows)), _NONE, np.int64), y.astype(points.dtype)
    other = np.roll(points, 1, axis=1)
    rise, run = other[..., 1] - points[..., 1], other[..., 0] - points[..., 0]
    low, high = np.minimum(points[..., 1], other[..., 1]), np.maximum(points[..., 1], other[..., 1])
    for edge in range(4):
        bottom = low[rows, edge]
        hit = ((bottom < y) if raster == "legacy" else (bottom <= y)) & (y <= high[rows, edge])
        at, owner = np.flatnonzero(hit), rows[hit]
        climb = rise[owner, edge]
        with np.errstate(divide="ignore", invalid="ignore"):
            along = (level[at] - points[owner, edge, 1]) / climb * run[owner, edge]
        along = np.where(climb == 0, points.dtype.type(0), along)
        columns[edge, at] = np.trunc(points[owner, edge, 0] + along).astype(np.int64)
    columns = np.sort(columns, axis=0)
    return columns.T, (columns != _NONE).sum(0)


def _spans(columns: Whole, counts: Whole, width: Whole, open_end: bool) -> tuple[Whole, Whole]:
    """Up to two runs of pixels a row, first and last column (R,2) each, the last below the first where there is none.

    Crossings are taken in pairs; of two equal ones the first is passed over unless they are the last.
    """
    rows = len(columns)
    first, last = np.zeros((rows, 2), np.int64), np.full((rows, 2), -1, np.int64)
    at, used, here = np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.arange(rows)
    for _ in range(3):
        going = at < counts - 1
        left = columns[here, np.minimum(at, 3)]
        right = columns[here, np.minimum(at + 1, 3)]
        going &= left < width
        double = (left == right) & (at < counts - 2) & (not open_end)
        take = going & ~double & ((right > 0) if open_end else (right >= 0))
        place = np.flatnonzero(take)
        first[place, used[place]] = np.maximum(left[place], 0)
        limit = width[place]
        end = (
            np.where(right[place] > limit, limit - 1, right[place]) - 1
            if open_end
            else np.minimum(right[place], limit - 1)
        )
        last[place, used[place]] = end
        used[place] += 1
        at += np.where(going, np.where(double, 1, 2), 0)
    first[:, 1] = np.where(last[:, 1] >= first[:, 1], np.maximum(first[:, 1], last[:, 0] + 1), first[:, 1])
    return first, last


@dataclass(frozen=True)
class _Rows:
    """The rows of some windows end to end: of which pair each is, and its number within the window."""

    pair: Whole
    y: Whole


def _rows(heights: Whole) -> _Rows:
    pair = np.repeat(np.arange(len(heights)), heights)
    return _Rows(pair, np.arange(len(pair)) - np.repeat(np.cumsum(heights) - heights, heights))


def _pixels(points: Singles, window: _Window, rows: _Rows, raster: Raster, rectangle: Flags) -> tuple[Whole, Whole]:
    """Runs of pixels (R,2) of polygons in their windows."""
    placed = points - window.corner[:, None]
    if raster in ("2016", "7"):
        placed = _half_away(placed)
    work = placed if raster == "legacy" else placed.astype(np.float64)
    width = window.size[rows.pair, 0]
    columns, counts = _crossings(work, rows.pair, rows.y, raster)
    return _spans(columns, counts, width, raster == "legacy")


def _common(a: tuple[Whole, Whole], b: tuple[Whole, Whole]) -> Whole:
    """Pixels in both of two sets of runs, row by row."""
    total = np.zeros(len(a[0]), np.int64)
    for i in range(2):
        for j in range(2):
            total += np.maximum(np.minimum(a[1][:, i], b[1][:, j]) - np.maximum(a[0][:, i], b[0][:, j]) + 1, 0)
    return total


def _ratio(shared: Whole, a: Whole, b: Whole) -> Floats:
    union = a + b - shared
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(union > 0, shared / union, 0.0)


def _general(a: Regions, b: Regions, raster: Raster, limit: Singles | None) -> Floats:
    """Overlaps of any regions by the MATLAB toolkits' rasters (N,)."""
    points_a, points_b = corners(a, raster), corners(b, raster)
    window = _window(points_a, points_b, raster, limit)
    result = np.zeros(len(a))
    todo = np.flatnonzero(~window.zero)
    for part in _parts(todo, window.size[todo, 1]):
        shown = _Window(window.corner[part], window.size[part], window.zero[part])
        rows = _rows(shown.size[:, 1])
        runs_a = _pixels(points_a[part], shown, rows, raster, a.rectangle[part])
        runs_b = _pixels(points_b[part], shown, rows, raster, b.rectangle[part])
        result[part] = _ratio(
            *(_total(values, rows, len(part)) for values in (_common(runs_a, runs_b), _length(runs_a), _length(runs_b)))
        )
    return result


def _length(runs: tuple[Whole, Whole]) -> Whole:
    return np.asarray(np.maximum(runs[1] - runs[0] + 1, 0).sum(1))


def _total(values: Whole, rows: _Rows, pairs: int) -> Whole:
    return np.bincount(rows.pair, weights=values, minlength=pairs).astype(np.int64)


def _parts(places: Whole, heights: Whole) -> list[Whole]:
    """Places in lots of at most about _ROWS rows."""
    if not len(places):
        return []
    lots = np.cumsum(heights) // _ROWS
    return np.split(places, np.flatnonzero(np.diff(lots)) + 1)


# ---------------------------------------------------------------- VOT's Python toolkit


@dataclass(frozen=True)
class _Joint:
    """Windows of the Python toolkit: first and last pixel (N,2) both, and what is decided before any pixel: NaN, 0
    or 1."""

    low: Whole
    high: Whole
    decided: Floats


def _rounded(shapes: Regions) -> tuple[Singles, Singles, Singles]:
    """Values rounded half to even (N,8), and the first and last pixel (N,2) of each region's bounds."""
    values = np.round(shapes.values)
    points = values.reshape(-1, 4, 2)
    box = values[:, :4]
    own = shapes.rectangle[:, None]
    low = np.where(own, box[:, :2], points.min(1))
    high = np.where(own, np.round(box[:, :2] + box[:, 2:] - 1), points.max(1))
    return values, low, high


def _joint(a: Regions, b: Regions, size: tuple[int, int] | None) -> _Joint:
    (_, low_a, high_a), (_, low_b, high_b) = _rounded(a), _rounded(b)
    low, high = np.minimum(low_a, low_b).astype(np.int64), np.maximum(high_a, high_b).astype(np.int64)
    decided = np.where((low >= high).any(1), 1.0, np.nan)
    if size is not None:
        low, high = np.maximum(low, 0), np.minimum(high, np.array(size) - 1)
    outside = (low >= high).any(1) & np.isnan(decided)
    return _Joint(low, high, np.where(outside, 0.0, decided))


def _slice_end(last: Whole, length: Whole) -> Whole:
    """The last index of a slice that ends at last + 1, a negative end counting from the right."""
    end = last + 1
    return np.clip(np.where(end < 0, end + length, end), 0, length) - 1


def _toolkit_box(shapes: Regions, joint: _Joint) -> tuple[Whole, Whole]:
    """First and last pixel (N,2) of rectangles in their windows.

    Where a window starts left of or above the image, the toolkit ends the box too early (it compares a coordinate of
    the window with one of the image); so does this.
    """
    box = np.round(shapes.values[:, :4]).astype(np.int64)
    start, last = box[:, :2], box[:, :2] + box[:, 2:] - 1
    away = np.asarray(((start > joint.high) | (last < joint.low)).any(1))
    first = np.maximum(start - joint.low, 0)
    end = _slice_end(np.minimum(joint.high, last - joint.low), joint.high - joint.low + 1)
    return first, np.where(away[:, None], -1, end)


def _toolkit_runs(shapes: Regions, joint: _Joint, rows: _Rows) -> tuple[Whole, Whole]:
    """Runs of pixels (R,2) of regions in their windows."""
    width = (joint.high - joint.low + 1)[rows.pair, 0]
    points = np.round(shapes.values).reshape(-1, 4, 2).astype(np.float64) - joint.low[:, None]
    first, last = _spans(*_crossings(points, rows.pair, rows.y, "toolkit"), width, False)
    low, high = _toolkit_box(shapes, joint)
    within = (rows.y >= low[rows.pair, 1]) & (rows.y <= high[rows.pair, 1])
    own = shapes.rectangle[rows.pair]
    first[own, 0], first[own, 1] = low[rows.pair, 0][own], 0
    last[own, 0], last[own, 1] = np.where(within, high[rows.pair, 0], -1)[own], -1
    return first, last


def _toolkit(a: Regions, b: Regions, size: tuple[int, int] | None) -> Floats:
    """Overlaps of any regions by the Python toolkit (N,)."""
    joint = _joint(a, b, size)
    result = joint.decided.copy()
    todo = np.flatnonzero(np.isnan(result))
    for part in _parts(todo, (joint.high - joint.low + 1)[todo, 1]):
        shown = _Joint(joint.low[part], joint.high[part], joint.decided[part])
        rows = _rows((shown.high - shown.low + 1)[:, 1])
        runs_a, runs_b = _toolkit_runs(a.take(part), shown, rows), _toolkit_runs(b.take(part), shown, rows)
        result[part] = _ratio(
            *(_total(values, rows, len(part)) for values in (_common(runs_a, runs_b), _length(runs_a), _length(runs_b)))
        )
    return result


def overlaps(truth: Regions, found: Regions, raster: Raster, size: tuple[float, float] | None = None) -> Floats:
    """Overlaps of regions, pair by pair (N,): NaN where either is special.

    size: width and height beyond which no pixel counts, None for no bound. The MATLAB rasters bound at [0, size]
    inclusive, the Python toolkit at size - 1.
    """
    result = np.full(len(truth), np.nan)
    known = np.flatnonzero(~truth.special & ~found.special)
    a, b = truth.take(known), found.take(known)
    if raster == "toolkit":
        result[known] = _toolkit(a, b, None if size is None else (int(size[0]), int(size[1])))
    else:
        limit = None if size is None else np.array(size, np.float32)
        result[known] = _general(a, b, raster, limit)
    return result
