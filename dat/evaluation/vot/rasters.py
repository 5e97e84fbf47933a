"""Overlaps of VOT's regions: rectangles and four-cornered polygons, rasterised as each toolkit does it, row by row.

Four rasters exist. `2016` and `7`: corners rounded half away from zero, rows crossed with both ends closed, the pixels
of a row from one crossing to the next with both ends; a rectangle becomes the polygon x..x+w (`2016`) or x..x+w-1
(`7`). `toolkit` (VOT's Python): the same on corners rounded half to even, a rectangle covers its rounded w x h
pixels. `legacy` (2013 to 2015): nothing rounded, one end open; `2014` the same in windows that begin at whole
pixels. All count pixels of both regions in the joint window of their bounds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dat.evaluation.definitions import Raster

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Whole = npt.NDArray[np.signedinteger[Any]]
Flags = npt.NDArray[np.bool_]

_ROWS = 1_000_000
_FAR = 8192.0
OPEN = ("legacy", "2014")
"""The rasters that round nothing and leave one end of rows and runs open."""

NONE = np.iinfo(np.int32).max


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


def bounds(shapes: Regions) -> Floats:
    """The boxes x,y,w,h (N,4) around regions."""
    points = shapes.values.astype(np.float64).reshape(-1, 4, 2)
    low = points.min(1)
    around = np.concatenate([low, points.max(1) - low], axis=1)
    return np.where(shapes.rectangle[:, None], shapes.values[:, :4].astype(np.float64), around)


def corners(shapes: Regions, raster: Raster) -> Singles:
    """Corner points (N,4,2) of regions as their raster sees a rectangle."""
    less = np.float32(1 if raster == "7" else 0)
    x, y, w, h = shapes.values[:, :4].T
    right, bottom = x + w - less, y + h - less
    boxes = np.stack([x, y, right, y, right, bottom, x, bottom], axis=1)
    return np.where(shapes.rectangle[:, None], boxes, shapes.values).reshape(-1, 4, 2)


def half_away(values: Singles) -> Singles:
    return np.asarray(np.copysign(np.floor(np.abs(values) + np.float32(0.5)), values), np.float32)


@dataclass(frozen=True)
class Window:
    """The joint window of pairs of regions: its corner (N,2) and size (N,2), and which pairs overlap with 0 by rule."""

    corner: Singles
    size: Whole
    zero: Flags


def _bounds(points: Singles, raster: Raster, limit: Singles | None) -> tuple[Singles, Singles]:
    low, high = points.min(1), points.max(1)
    if raster not in OPEN:
        low, high = np.floor(low), np.ceil(high)
    if limit is not None:
        low, high = np.maximum(low, 0), np.minimum(high, limit)
    return low, high


def window(low_a: Singles, high_a: Singles, low_b: Singles, high_b: Singles) -> Window:
    """The joint window of pairs of bounds (N,2), and the test of bounding boxes that comes before any pixel."""
    low, high = np.minimum(low_a, low_b), np.maximum(high_a, high_b)
    size = (high - low).astype(np.int64) + 1
    sides_a, sides_b = high_a - low_a, high_b - low_b
    area_a, area_b = sides_a[:, 0] * sides_a[:, 1], sides_b[:, 0] * sides_b[:, 1]
    sides = np.minimum(high_a, high_b) - np.maximum(low_a, low_b)
    shared = sides[:, 0] * sides[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        tiny = (area_a / area_b < 1e-10) | (area_b / area_a < 1e-10)
        apart = shared / (area_a + area_b - shared) <= 0
    return Window(low, size, tiny | apart | (size < 1).any(1))


def _whole_window(a: Singles, b: Singles) -> Window:
    """VOT2014's windows: the corner cut to whole pixels, no test of bounding boxes, no bound."""
    low, high = np.trunc(np.minimum(a.min(1), b.min(1))), np.maximum(a.max(1), b.max(1))
    size = (high - low).astype(np.int64) + 1
    return Window(low, size, (size < 1).any(1))


def _hit_rows(points: Floats | Singles, heights: Whole, edge: int, raster: Raster) -> tuple[Whole, Whole]:
    """First row and number of rows of each polygon that one of its edges crosses, within the window's rows (N,).

    An edge that lies in a row crosses it for the Python toolkit alone, or where the whole polygon lies in that row.
    """
    ends = points[:, edge, 1], points[:, edge - 1, 1]
    low, high = np.minimum(*ends), np.maximum(*ends)
    if raster in OPEN:
        low, high = np.floor(low) + 1, np.floor(high)
    begin = np.clip(low, 0, heights).astype(np.int64)
    stop = np.clip(high + 1, 0, heights).astype(np.int64)
    flat = (ends[0] == ends[1]) & (points[..., 1].min(1) < points[..., 1].max(1)) & (raster != "toolkit")
    return begin, np.where(flat, 0, np.maximum(stop - begin, 0))


@dataclass(frozen=True)
class Crossings:
    """Where rows of windows are crossed: columns (4,R), smallest first, NONE for none; how many (R,); and whether none
    would be another pixel in a window that begins further left (R,)."""

    columns: Whole
    counts: Whole
    steady: Flags


def crossings(points: Floats | Singles, heights: Whole, raster: Raster) -> Crossings:
    """The crossings of polygons (N,4,2), relative to windows of `heights` (N,) rows; rows lie end to end."""
    base = np.cumsum(heights) - heights
    total = int(heights.sum())
    columns, steady = np.full((4, total), NONE, np.int32), np.ones(total, np.bool_)
    for edge in range(4):
        begin, number = _hit_rows(points, heights, edge, raster)
        owner = np.repeat(np.arange(len(points), dtype=np.int32), number)
        row = np.arange(len(owner)) + np.repeat(begin - (np.cumsum(number) - number), number)
        cell = base[owner] + row
        start = points[owner, edge, 0]
        along = _along(points, edge, owner, row)
        columns[edge, cell] = (start + along).astype(np.int32)
        steady[cell] &= (start + along).astype(np.int32) + int(_FAR) == (start + _FAR + along).astype(np.int32)
    return Crossings(_sorted(columns), (columns != NONE).sum(0, dtype=np.int8), steady)


def _along(points: Floats | Singles, edge: int, owner: Whole, row: Whole) -> Floats | Singles:
    """How far right of its first corner an edge is on a row; 0 on an edge that lies in a row."""
    run, rise = (points[:, edge - 1] - points[:, edge]).T
    climb = rise[owner]
    with np.errstate(divide="ignore", invalid="ignore"):
        along = (row.astype(points.dtype) - points[owner, edge, 1]) / climb * run[owner]
    return np.asarray(np.where(climb == 0, points.dtype.type(0), along))


def _sorted(columns: Whole) -> Whole:
    """The four rows of an array (4,R) in order, column by column: a sorting network."""
    for i, j in ((0, 1), (2, 3), (0, 2), (1, 3), (1, 2)):
        low, high = np.minimum(columns[i], columns[j]), np.maximum(columns[i], columns[j])
        columns[i], columns[j] = low, high
    return columns


def spans(crossings: Crossings, width: Whole, open_end: bool) -> tuple[Whole, Whole]:
    """Up to two runs of pixels a row, first and last column (2,R) each, the last below the first where there is none.

    Crossings are taken in pairs; of two equal ones the first is passed over unless they are the last.
    """
    columns, counts = crossings.columns, crossings.counts
    rows = columns.shape[1]
    first, last = np.zeros((2, rows), np.int32), np.full((2, rows), -1, np.int32)
    plain = (counts == 2) & (columns[0] < width) & ((columns[1] > 0) if open_end else (columns[1] >= 0))
    first[0] = np.where(plain, np.maximum(columns[0], 0), 0)
    last[0] = np.where(plain, _run_end(columns[1], width, open_end), -1)
    rest = np.flatnonzero(counts > 2)
    if len(rest):
        first[:, rest], last[:, rest] = _paired(columns[:, rest], counts[rest], width[rest], open_end)
    return first, last


def _run_end(right: Whole, width: Whole, open_end: bool) -> Whole:
    """The last pixel of a run that ends at a crossing."""
    if open_end:
        return np.asarray(np.where(right > width, width - 1, right) - 1)
    return np.asarray(np.minimum(right, width - 1))


def _paired(columns: Whole, counts: Whole, width: Whole, open_end: bool) -> tuple[Whole, Whole]:
    """The runs of rows with more than two crossings."""
    rows = columns.shape[1]
    first, last = np.zeros((2, rows), np.int32), np.full((2, rows), -1, np.int32)
    at, used, each = np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.arange(rows)
    for _ in range(3):
        left, right = columns[np.minimum(at, 3), each], columns[np.minimum(at + 1, 3), each]
        going = (at < counts - 1) & (left < width)
        double = (left == right) & (at < counts - 2) & (not open_end)
        place = np.flatnonzero(going & ~double & ((right > 0) if open_end else (right >= 0)))
        first[used[place], place] = np.maximum(left[place], 0)
        last[used[place], place] = _run_end(right[place], width[place], open_end)
        used[place] += 1
        at += np.where(going, np.where(double, 1, 2), 0)
    first[1] = np.where(last[1] >= first[1], np.maximum(first[1], last[0] + 1), first[1])
    return first, last


@dataclass(frozen=True)
class Rows:
    """The rows of some windows end to end: of which pair each is, and its number within the window."""

    pair: Whole
    y: Whole


def rows_of(heights: Whole) -> Rows:
    pair = np.repeat(np.arange(len(heights)), heights)
    return Rows(pair, np.arange(len(pair)) - np.repeat(np.cumsum(heights) - heights, heights))


def _pixels(points: Singles, view: Window, rows: Rows, raster: Raster, rectangle: Flags) -> tuple[Whole, Whole]:
    """Runs of pixels (2,R) of polygons in their windows."""
    placed = points - view.corner[:, None]
    if raster in ("2016", "7"):
        placed = half_away(placed)
    work = placed if raster in OPEN else placed.astype(np.float64)
    return spans(crossings(work, view.size[:, 1], raster), view.size[rows.pair, 0], raster in OPEN)


def _common(a: tuple[Whole, Whole], b: tuple[Whole, Whole]) -> Whole:
    """Pixels in both of two sets of runs, row by row."""
    total = np.zeros(a[0].shape[1], np.int64)
    for i in range(2):
        for j in range(2):
            total += np.maximum(np.minimum(a[1][i], b[1][j]) - np.maximum(a[0][i], b[0][j]) + 1, 0)
    return total


def ratio(shared: Whole, a: Whole, b: Whole) -> Floats:
    union = a + b - shared
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(union > 0, shared / union, 0.0)


def _general(a: Regions, b: Regions, raster: Raster, limit: Singles | None) -> Floats:
    """Overlaps of any regions by the MATLAB toolkits' rasters (N,)."""
    points_a, points_b = corners(a, raster), corners(b, raster)
    view = window(*_bounds(points_a, raster, limit), *_bounds(points_b, raster, limit))
    if raster == "2014":
        view = _whole_window(points_a, points_b)
    result = np.zeros(len(a))
    todo = np.flatnonzero(~view.zero)
    for part in _parts(todo, view.size[todo, 1]):
        shown = Window(view.corner[part], view.size[part], view.zero[part])
        rows = rows_of(shown.size[:, 1])
        runs_a = _pixels(points_a[part], shown, rows, raster, a.rectangle[part])
        runs_b = _pixels(points_b[part], shown, rows, raster, b.rectangle[part])
        result[part] = ratio(
            *(_total(values, rows, len(part)) for values in (_common(runs_a, runs_b), _length(runs_a), _length(runs_b)))
        )
    return result


def _length(runs: tuple[Whole, Whole]) -> Whole:
    return np.asarray(np.maximum(runs[1] - runs[0] + 1, 0).sum(0))


def _total(values: Whole, rows: Rows, pairs: int) -> Whole:
    return np.bincount(rows.pair, weights=values, minlength=pairs).astype(np.int64)


def _parts(places: Whole, heights: Whole) -> list[Whole]:
    """Places in lots of at most about _ROWS rows."""
    if not len(places):
        return []
    lots = np.cumsum(heights) // _ROWS
    return np.split(places, np.flatnonzero(np.diff(lots)) + 1)


# ---------------------------------------------------------------- VOT's Python toolkit


@dataclass(frozen=True)
class Joint:
    """Windows of the Python toolkit: first and last pixel (N,2); what is decided before any pixel (NaN: nothing)."""

    low: Whole
    high: Whole
    decided: Floats


def _rounded(shapes: Regions) -> tuple[Singles, Singles, Singles]:
    """Values rounded half to even (N,8), and the first and last pixel (N,2) of each region's bounds."""
    values = np.round(shapes.values)
    points = values.reshape(-1, 4, 2)
    box = values[:, :4]
    rectangles = shapes.rectangle[:, None]
    low = np.where(rectangles, box[:, :2], points.min(1))
    high = np.where(rectangles, np.round(box[:, :2] + box[:, 2:] - 1), points.max(1))
    return values, low, high


def joint(a: Regions, b: Regions, size: tuple[int, int] | None) -> Joint:
    """The joint windows of pairs of regions, within an image's size where it is given."""
    (_, low_a, high_a), (_, low_b, high_b) = _rounded(a), _rounded(b)
    low, high = np.minimum(low_a, low_b).astype(np.int64), np.maximum(high_a, high_b).astype(np.int64)
    decided = np.where((low >= high).any(1), 1.0, np.nan)
    if size is not None:
        low, high = np.maximum(low, 0), np.minimum(high, np.array(size) - 1)
    outside = (low >= high).any(1) & np.isnan(decided)
    return Joint(low, high, np.where(outside, 0.0, decided))


def _slice_end(last: Whole, length: Whole) -> Whole:
    """The last index of a slice that ends at last + 1, a negative end counting from the right."""
    end = last + 1
    return np.clip(np.where(end < 0, end + length, end), 0, length) - 1


def toolkit_box(shapes: Regions, view: Joint) -> tuple[Whole, Whole]:
    """First and last pixel (N,2) of rectangles in their windows.

    Where a window starts left of or above the image, the toolkit ends the box too early (it compares a coordinate of
    the window with one of the image); so does this.
    """
    box = np.round(shapes.values[:, :4]).astype(np.int64)
    start, last = box[:, :2], box[:, :2] + box[:, 2:] - 1
    away = np.asarray(((start > view.high) | (last < view.low)).any(1))
    first = np.maximum(start - view.low, 0)
    end = _slice_end(np.minimum(view.high, last - view.low), view.high - view.low + 1)
    return first, np.where(away[:, None], -1, end)


def _toolkit_runs(shapes: Regions, view: Joint, rows: Rows) -> tuple[Whole, Whole]:
    """Runs of pixels (2,R) of regions in their windows."""
    size = view.high - view.low + 1
    points = np.round(shapes.values).reshape(-1, 4, 2).astype(np.float64) - view.low[:, None]
    points[shapes.rectangle] = -1
    first, last = spans(crossings(points, size[:, 1], "toolkit"), size[rows.pair, 0], False)
    low, high = toolkit_box(shapes, view)
    within = (rows.y >= low[rows.pair, 1]) & (rows.y <= high[rows.pair, 1])
    rectangles = shapes.rectangle[rows.pair]
    first[0, rectangles], last[0, rectangles] = (
        low[rows.pair, 0][rectangles],
        np.where(within, high[rows.pair, 0], -1)[rectangles],
    )
    return first, last


def _toolkit(a: Regions, b: Regions, size: tuple[int, int] | None) -> Floats:
    """Overlaps of any regions by the Python toolkit (N,)."""
    view = joint(a, b, size)
    result = view.decided.copy()
    todo = np.flatnonzero(np.isnan(result))
    for part in _parts(todo, (view.high - view.low + 1)[todo, 1]):
        shown = Joint(view.low[part], view.high[part], view.decided[part])
        rows = rows_of((shown.high - shown.low + 1)[:, 1])
        runs_a, runs_b = _toolkit_runs(a.take(part), shown, rows), _toolkit_runs(b.take(part), shown, rows)
        result[part] = ratio(
            *(_total(values, rows, len(part)) for values in (_common(runs_a, runs_b), _length(runs_a), _length(runs_b)))
        )
    return result


def overlaps(truth: Regions, predicted: Regions, raster: Raster, size: tuple[float, float] | None = None) -> Floats:
    """Overlaps of regions, pair by pair (N,): NaN where either is special.

    size: width and height beyond which no pixel counts, None for no bound. The MATLAB rasters bound at [0, size]
    inclusive, the Python toolkit at size - 1.
    """
    result = np.full(len(truth), np.nan)
    known = np.flatnonzero(~truth.special & ~predicted.special)
    a, b = truth.take(known), predicted.take(known)
    if raster == "toolkit":
        result[known] = _toolkit(a, b, None if size is None else (int(size[0]), int(size[1])))
    else:
        limit = None if size is None else np.array(size, np.float32)
        result[known] = _general(a, b, raster, limit)
    return result
