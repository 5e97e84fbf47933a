"""Overlaps of many repetitions with one truth: the truth's pixels are worked out once, a run of pixels a row.

Most results are upright boxes, whose pixels need no rows: what they share with a truth is a sum over its rows. What
this cannot take exactly (a truth beyond the image, a row of two runs, a window left of the image, a crossing so close
to a whole number that its rounding depends on the window) goes the general way: both agree to the last bit.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dat.evaluation.definitions import Raster
from dat.evaluation.vot import rasters as shapes
from dat.evaluation.vot.rasters import Regions

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.signedinteger[Any]]
Flags = npt.NDArray[np.bool_]
Size = tuple[float, float] | None


@dataclass(frozen=True)
class Table:
    """A truth's rows end to end, and which frames can be taken this way (`simple`).

    first, last: columns of the image, none where last < first. base, low, high, area: where each frame's rows begin,
    its bounds (N,2) and its pixels.
    """

    first: Whole
    last: Whole
    base: Whole
    low: Whole
    high: Whole
    area: Whole
    simple: Flags


@dataclass(frozen=True)
class _Boxes:
    """Pixels of upright boxes: first and last (M,2); what is decided without counting (NaN where it is not)."""

    first: Whole
    last: Whole
    decided: Floats


def table(truth: Regions, raster: Raster, size: Size) -> Table:
    """The rows of a truth, for upright boxes to be compared with."""
    values = np.where(truth.special[:, None], np.float32(0), truth.values)
    known = Regions(values, truth.rectangle, truth.special)
    points = shapes.corners(known, raster)
    if raster == "toolkit":
        points = np.round(points)
    low, high = np.floor(points.min(1)).astype(np.int64), np.ceil(points.max(1)).astype(np.int64)
    placed = shapes.half_away(points - low[:, None].astype(np.float32)).astype(np.float64)
    size_of = high - low + 1
    pair = shapes.rows_of(size_of[:, 1]).pair
    crossed = shapes.crossings(placed, size_of[:, 1], raster)
    first, last = shapes.spans(crossed, size_of[pair, 0], False)
    merged = np.maximum(last[0], last[1])
    joined = (last[1] < first[1]) | (first[1] <= last[0] + 1)
    length = np.where(last[0] >= first[0], merged - first[0] + 1, 0)
    broken = np.bincount(pair, weights=~(joined & crossed.steady), minlength=len(truth)) > 0
    limit = np.inf if size is None else np.floor(size) - (1 if raster == "toolkit" else 0)
    within = (low >= 0).all(1) & (high <= limit).all(1)
    simple = ~truth.special & ~broken & within & ~(truth.rectangle & (raster == "toolkit"))
    offset = low[pair, 0]
    base = np.cumsum(size_of[:, 1]) - size_of[:, 1]
    area = np.bincount(pair, weights=length, minlength=len(truth)).astype(np.int64)
    return Table(
        (first[0] + offset).astype(np.int32), (merged + offset).astype(np.int32), base, low, high, area, simple
    )


def _matlab_boxes(known: Table, frame: Whole, predicted: Regions, raster: Raster, size: Size) -> tuple[_Boxes, Flags]:
    """Pixels of boxes in joint windows with a truth, by the MATLAB rasters; and whose window begins in the image."""
    x, y, w, h = predicted.values[:, :4].T
    less = np.float32(1 if raster == "7" else 0)
    ends = np.stack([x, y], 1), np.stack([x + w - less, y + h - less], 1)
    near, far = np.minimum(*ends), np.maximum(*ends)
    low, high = np.floor(near), np.ceil(far)
    true_low, true_high = known.low[frame].astype(np.float32), known.high[frame].astype(np.float32)
    if size is not None:
        low, high = np.maximum(low, 0), np.minimum(high, np.array(size, np.float32))
    window = shapes.window(true_low, true_high, low, high)
    corner = window.corner.astype(np.int64)
    first = shapes.half_away(near - window.corner).astype(np.int64)
    last = shapes.half_away(far - window.corner).astype(np.int64)
    first, last = np.maximum(first, 0) + corner, np.minimum(last, window.size - 1) + corner
    return _Boxes(first, last, np.where(window.zero, 0.0, np.nan)), np.asarray((window.corner >= 0).all(1))


def _toolkit_boxes(truth: Regions, predicted: Regions, size: Size) -> tuple[_Boxes, Flags]:
    """The same by the Python toolkit, in which windows may begin anywhere."""
    joint = shapes.joint(truth, predicted, None if size is None else (int(size[0]), int(size[1])))
    first, last = shapes.toolkit_box(predicted, joint)
    return _Boxes(first + joint.low, last + joint.low, joint.decided), np.ones(len(predicted), np.bool_)


def _shared(known: Table, frame: Whole, boxes: _Boxes) -> Whole:
    """Pixels that boxes share with the truth's frames."""
    top = np.maximum(boxes.first[:, 1], known.low[frame, 1])
    rows = np.maximum(np.minimum(boxes.last[:, 1], known.high[frame, 1]) - top + 1, 0)
    rows[boxes.last[:, 0] < boxes.first[:, 0]] = 0
    begin = known.base[frame] + top - known.low[frame, 1]
    total = np.concatenate([[0], np.cumsum(rows)])
    at = np.repeat((begin - total[:-1]).astype(np.int32), rows) + np.arange(total[-1], dtype=np.int32)
    shared = np.minimum(known.last[at], np.repeat(boxes.last[:, 0].astype(np.int32), rows))
    shared -= np.maximum(known.first[at], np.repeat(boxes.first[:, 0].astype(np.int32), rows))
    shared += 1
    np.maximum(shared, 0, out=shared)
    return np.asarray(np.diff(np.concatenate([[0], np.cumsum(shared, dtype=np.int64)])[total]), np.int64)


def overlaps(truth: Regions, predicted: Regions, raster: Raster, size: Size = None) -> Floats:
    """Overlaps (R,N) of R repetitions, stacked (R*N), with a truth of N frames: NaN where either is special."""
    frames = len(truth)
    frame = np.tile(np.arange(frames), len(predicted) // frames)
    result = np.full(len(predicted), np.nan)
    wanted = ~predicted.special & ~truth.special[frame]
    if raster not in shapes.OPEN and wanted.any():
        known = table(truth, raster, size)
        chosen = np.flatnonzero(wanted & predicted.rectangle & known.simple[frame])
        taken = _fast(truth, predicted, known, frame, chosen, raster, size, result)
        wanted[taken] = False
    rest = np.flatnonzero(wanted)
    result[rest] = shapes.overlaps(truth.take(frame[rest]), predicted.take(rest), raster, size)
    return result.reshape(-1, frames)


def _fast(
    truth: Regions,
    predicted: Regions,
    known: Table,
    frame: Whole,
    chosen: Whole,
    raster: Raster,
    size: Size,
    result: Floats,
) -> Whole:
    """Write the overlaps of chosen boxes into `result`; which of them could be taken."""
    frames, boxes = frame[chosen], predicted.take(chosen)
    if raster == "toolkit":
        pixels, usable = _toolkit_boxes(truth.take(frames), boxes, size)
    else:
        pixels, usable = _matlab_boxes(known, frames, boxes, raster, size)
    sides = np.maximum(pixels.last - pixels.first + 1, 0)
    area = sides[:, 0] * sides[:, 1]
    shared = np.zeros(len(chosen), np.int64)
    for part in np.array_split(np.arange(len(chosen)), max(len(chosen) // 8192, 1)):
        lot = _Boxes(pixels.first[part], pixels.last[part], pixels.decided[part])
        shared[part] = _shared(known, frames[part], lot)
    values = np.where(np.isnan(pixels.decided), shapes.ratio(shared, area, known.area[frames]), pixels.decided)
    result[chosen[usable]] = values[usable]
    return chosen[usable]
