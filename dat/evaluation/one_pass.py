"""One-pass evaluation: all frames of a tracker in one pass of numpy, by a named definition.

Success at an overlap threshold is the share of frames whose overlap is above it, precision at a number of pixels the
share whose centre error is at most that. A sequence's score is a curve; a benchmark's curve is the mean over sequences.
`success` is the mean over the 21 thresholds 0, .05, ..., 1; `precision` the value at 20 pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dat.evaluation.definitions import OnePass
from dat.evaluation.ground_truth import Target
from dat.evaluation.results import Tracker

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

STEPS, PIXELS, SHARES = 21, 51, 51
METRICS = ("success", "precision", "normalized_precision")


def overlap_thresholds(form: str) -> Floats:
    """0, .05, ..., 1: as MATLAB's colon fills them (the upper half from the right end), or numpy's linspace."""
    if form == "linspace":
        return np.linspace(0, 1, STEPS)
    low = np.arange(11) * 0.05
    return np.concatenate([low, 1 - (20 - np.arange(11, STEPS)) * 0.05])


PIXEL_THRESHOLDS: Floats = np.arange(PIXELS, dtype=np.float64)
SHARE_THRESHOLDS: Floats = np.arange(SHARES, dtype=np.float64) * 0.01


@dataclass(frozen=True)
class Scores:
    """Curves of one tracker, a row a sequence: success (S,21), precision (S,51), normalised precision (S,51)."""

    sequences: tuple[str, ...]
    frames: Places
    success: Floats
    precision: Floats
    normalized: Floats
    repaired: int

    def values(self) -> Floats:
        """The three metrics of every sequence: (S,3)."""
        return np.stack([self.success.mean(1), self.precision[:, 20], self.normalized[:, 20]], axis=1)


@dataclass(frozen=True)
class Plan:
    """The truth of some sequences end to end: boxes (N,4), first row and number of rows of each sequence, and what does
    not depend on a tracker: which rows count as boxes for success and for precision, and which are absent."""

    sequences: tuple[str, ...]
    boxes: Floats
    starts: Places
    frames: Places
    owner: Places
    success_valid: Flags
    precision_valid: Flags
    absent: Flags


def _valid(boxes: Floats, rule: str) -> Flags:
    if rule == "positive":
        return np.asarray((boxes > 0).all(1))
    if rule == "size":
        return np.asarray((boxes[:, 2:] > 0).all(1))
    if rule == "centre":
        return np.asarray((boxes[:, :2] + boxes[:, 2:] / 2 > 0).all(1))
    return np.ones(len(boxes), np.bool_)


def plan(targets: Sequence[Target], rows: Sequence[int], definition: OnePass) -> Plan:
    """Lay the truth of targets end to end, `rows` of each, ending where the target's does or cut at the end."""
    parts = [_part(target, count, definition) for target, count in zip(targets, rows, strict=True)]
    boxes = np.concatenate([part[0] for part in parts])
    absent = np.concatenate([part[1] for part in parts])
    frames = np.array([len(part[0]) for part in parts], np.int64)
    return Plan(
        tuple(target.name for target in targets),
        boxes,
        np.concatenate([[0], np.cumsum(frames)[:-1]]),
        frames,
        np.repeat(np.arange(len(parts)), frames),
        _valid(boxes, definition.success_valid),
        _valid(boxes, definition.precision_valid),
        absent,
    )


def _part(target: Target, rows: int, definition: OnePass) -> tuple[Floats, Flags]:
    whole = len(target.boxes)
    aligned = target.omit and rows == whole - target.omit
    start = target.omit if definition.omit_start or aligned else 0
    absent = target.absent if definition.drop_absent and target.absent is not None else np.zeros(whole, np.bool_)
    return target.boxes[start : start + rows], absent[start : start + rows]


def repair(boxes: Floats, truth: Floats, first: Flags, rule: str) -> tuple[Floats, int]:
    """Boxes with bad rows replaced by the row before (repaired itself), never the first of a sequence; and how many."""
    if rule == "none":
        return boxes, 0
    if rule == "pytracking":
        bad = (boxes[:, 2:] == 0).any(1)
    else:
        missing = np.isnan(boxes)
        missing_row = missing.any(1) if rule == "lasot" else missing.all(1)
        bad = (boxes[:, 2:] <= 0).any(1) | missing_row
        bad &= ~np.isnan(truth).any(1)
    bad &= ~first
    count = int(np.count_nonzero(bad))
    if not count:
        return boxes, 0
    source = np.where(bad, 0, np.arange(len(boxes)))
    return np.asarray(boxes[np.maximum.accumulate(source)], np.float64), count


def overlaps(a: Floats, b: Floats, form: str) -> Floats:
    """Intersection over union row by row, in the order of operations of a toolkit; NaN where a value is NaN."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if form == "matlab":
            high = np.minimum(a[:, :2] + a[:, 2:] - 1, b[:, :2] + b[:, 2:] - 1)
            sides = np.maximum(high - np.maximum(a[:, :2], b[:, :2]) + 1, 0)
        else:
            sides = np.maximum(np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0)
        shared = sides[:, 0] * sides[:, 1]
        union = a[:, 2] * a[:, 3] + b[:, 2] * b[:, 3] - shared
        if form == "clipped":
            return np.asarray(np.clip(shared / (union + np.finfo(np.float64).eps), 0.0, 1.0), np.float64)
        return np.asarray(shared / union, np.float64)


def centre_offsets(a: Floats, b: Floats) -> Floats:
    """Differences of centres (N,2), the toolkits' way: x + (w - 1) / 2."""
    return (a[:, :2] + (a[:, 2:] - 1) / 2) - (b[:, :2] + (b[:, 2:] - 1) / 2)


def _counts(owner: Places, bins: Places, sequences: int, width: int) -> Floats:
    """How many frames of each sequence fall into each of `width` bins: (S, width)."""
    return np.bincount(owner * width + bins, minlength=sequences * width).reshape(sequences, width).astype(np.float64)


def _success(values: Floats, owner: Places, sequences: int, thresholds: Floats) -> Floats:
    """Frames of each sequence whose value is above each threshold: (S, T). Values are never NaN."""
    bins = np.searchsorted(thresholds, values, side="left")
    return np.cumsum(_counts(owner, bins, sequences, len(thresholds) + 1)[:, :0:-1], axis=1)[:, ::-1]


def _within(values: Floats, owner: Places, sequences: int, thresholds: Floats) -> Floats:
    """Frames of each sequence whose value is at most each threshold: (S, T). Values are never NaN."""
    bins = np.searchsorted(thresholds, values, side="left")
    return np.cumsum(_counts(owner, bins, sequences, len(thresholds) + 1), axis=1)[:, :-1]


def score(boxes: Floats, plan: Plan, repairable: Flags, definition: OnePass) -> Scores:
    """Curves of one tracker: boxes (N,4) laid out like the plan's; repairable (S,) says whose rows may be repaired."""
    first = np.zeros(len(boxes), np.bool_)
    first[plan.starts] = True
    fixed, repaired = repair(boxes, plan.boxes, first | ~repairable[plan.owner], definition.repair)
    if definition.first_is_truth:
        fixed = fixed.copy() if fixed is boxes else fixed
        fixed[plan.starts] = plan.boxes[plan.starts]
    overlap, error, shares = _frame_values(fixed, plan, definition)
    count, total = len(plan.sequences), plan.frames[:, None] + np.finfo(np.float64).eps
    thresholds = overlap_thresholds(definition.thresholds)
    return Scores(
        plan.sequences,
        plan.frames,
        _success(overlap, plan.owner, count, thresholds) / total,
        _within(error, plan.owner, count, PIXEL_THRESHOLDS) / total,
        _within(shares, plan.owner, count, SHARE_THRESHOLDS) / total,
        repaired,
    )


def _frame_values(boxes: Floats, plan: Plan, definition: OnePass) -> tuple[Floats, Floats, Floats]:
    """Overlap, centre error and error as a share of the target's size, of every frame: no NaN, misses are -1 or inf."""
    overlap = overlaps(boxes, plan.boxes, definition.overlap)
    offset = centre_offsets(boxes, plan.boxes)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        error = np.sqrt((offset**2).sum(1))
        shares = np.sqrt(((offset / plan.boxes[:, 2:]) ** 2).sum(1))
    outside = -1.0 if definition.invalid_hits else np.inf
    overlap[~plan.success_valid | np.isnan(overlap) | plan.absent] = -1.0
    for values in (error, shares):
        values[np.isnan(values)] = np.inf
        values[~plan.precision_valid] = outside
        values[plan.absent] = np.inf
    return overlap, error, shares


def evaluate(tracker: Tracker, targets: Sequence[Target], definition: OnePass) -> Scores:
    """Curves of a tracker on those of the targets for which it has boxes, in the targets' order."""
    there = [target for target in targets if target.name in tracker.boxes]
    laid = plan(there, [len(tracker.boxes[target.name]) for target in there], definition)
    boxes = np.concatenate([tracker.boxes[target.name] for target in there])
    repairable = np.array([target.name in tracker.repairable for target in there])
    return score(boxes, laid, repairable, definition)
