"""One-pass evaluation: all frames of a tracker in one pass of numpy, by a named definition.

Success at an overlap threshold is the share of frames whose overlap is above it, precision at a number of pixels the
share whose centre error is at most that. A sequence's score is a curve; a benchmark's curve is the mean over sequences.
`success` is the mean over the 21 thresholds 0, .05, ..., 1; `precision` the value at 20 pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dat.evaluation.definitions import OnePass
from dat.evaluation.ground_truth import SequenceTruth
from dat.evaluation.results import TrackerResults

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

STEPS, PIXELS, SHARES = 21, 51, 51
_BLOCK = 16384
METRICS = ("success", "precision", "normalized_precision")


def overlap_thresholds(form: str) -> Floats:
    """0, .05, ..., 1: as MATLAB's colon fills them (the upper half from the right end), or numpy's linspace."""
    if form == "linspace":
        return np.linspace(0, 1, STEPS)
    low = np.arange(11) * 0.05
    return np.concatenate([low, 1 - (20 - np.arange(11, STEPS)) * 0.05])


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
class Frames:
    """Overlap, centre error in pixels, and the error as a share of the target's size, of every frame (N,)."""

    overlap: Floats
    error: Floats
    shares: Floats


@dataclass(frozen=True)
class Block:
    """Some rows of a plan, few enough to stay in the processor's cache: their place, the truth's boxes (4,n), and the
    places within the block whose truth is no box for success, none for precision, or flagged absent."""

    rows: slice
    boxes: Floats
    no_box: Places
    no_place: Places
    absent: Places


@dataclass(frozen=True)
class Plan:
    """The truth of some sequences end to end, and all that does not depend on a tracker.

    boxes (4,N): left, top, width, height, each contiguous. starts, frames (S,): first row and number of rows of each
    sequence. bins (2,N): where the bins of each row's sequence begin, for overlaps and for errors. `predicted` (4,N)
    and `places` (3,N) hold a tracker's boxes and bins while it is scored: fresh memory takes longer than the scoring.
    """

    sequences: tuple[str, ...]
    boxes: Floats
    starts: Places
    frames: Places
    bins: Places
    blocks: tuple[Block, ...]
    predicted: Floats
    places: Places


def _valid(boxes: Floats, rule: str) -> Flags:
    if rule == "positive":
        return np.asarray((boxes > 0).all(1))
    if rule == "size":
        return np.asarray((boxes[:, 2:] > 0).all(1))
    if rule == "centre":
        return np.asarray((boxes[:, :2] + boxes[:, 2:] / 2 > 0).all(1))
    return np.ones(len(boxes), np.bool_)


def columns(boxes: Floats) -> Floats:
    """Boxes (N,4) as four contiguous rows (4,N)."""
    return np.ascontiguousarray(boxes.T)


def plan(targets: Sequence[SequenceTruth], rows: Sequence[int], definition: OnePass) -> Plan:
    """Lay the truth of targets end to end, `rows` of each, ending where the target's does or cut at the end."""
    parts = [_part(target, count, definition) for target, count in zip(targets, rows, strict=True)]
    boxes = np.concatenate([part[0] for part in parts])
    absent = np.concatenate([part[1] for part in parts])
    frames = np.array([len(part[0]) for part in parts], np.int64)
    return Plan(
        tuple(target.name for target in targets),
        columns(boxes),
        np.cumsum(frames) - frames,
        frames,
        np.repeat(np.arange(len(parts)), frames) * np.array([[STEPS + 1], [PIXELS + 1]]),
        tuple(_block(boxes, absent, start, definition) for start in range(0, len(boxes), _BLOCK)),
        np.empty((4, len(boxes))),
        np.empty((3, len(boxes)), np.int64),
    )


def _block(boxes: Floats, absent: Flags, start: int, definition: OnePass) -> Block:
    rows = slice(start, start + _BLOCK)
    part = boxes[rows]
    return Block(
        rows,
        columns(part),
        np.flatnonzero(~_valid(part, definition.success_valid)),
        np.flatnonzero(~_valid(part, definition.precision_valid)),
        np.flatnonzero(absent[rows]),
    )


def _part(target: SequenceTruth, rows: int, definition: OnePass) -> tuple[Floats, Flags]:
    whole = len(target.boxes)
    aligned = target.omit and rows == whole - target.omit
    start = target.omit if definition.omit_start or aligned else 0
    absent = target.absent if definition.drop_absent and target.absent is not None else np.zeros(whole, np.bool_)
    return target.boxes[start : start + rows], absent[start : start + rows]


def _bad_rows(boxes: Floats, truth: Floats, rule: str) -> Flags:
    """Rows (N,) that a toolkit replaces."""
    width, height = boxes[2:]
    if rule == "pytracking":
        return np.asarray((width == 0) | (height == 0))
    missing = np.isnan(boxes)
    no_row = missing.any(0) if rule == "lasot" else missing.all(0)
    return np.asarray(((width <= 0) | (height <= 0) | no_row) & ~np.isnan(truth).any(0), np.bool_)


def repair(boxes: Floats, truth: Floats, fixed: Flags, rule: str) -> tuple[Floats, int]:
    """Boxes (4,N) with bad rows replaced by the row before (repaired itself), and how many; `fixed` rows stay."""
    sound = rule == "none" or ((boxes[2] > 0).all() and (boxes[3] > 0).all())
    if sound and (rule != "lasot" or not np.isnan(boxes).any()):
        return boxes, 0
    bad = _bad_rows(boxes, truth, rule) & ~fixed
    source = np.where(bad, 0, np.arange(len(bad)))
    return np.asarray(boxes[:, np.maximum.accumulate(source)], np.float64), int(np.count_nonzero(bad))


def overlaps(a: Floats, b: Floats, form: str) -> Floats:
    """Intersection over union (N,) of boxes (4,N) in the order of operations of a toolkit; NaN where a value is NaN."""
    less = 1.0 if form == "matlab" else 0.0
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        shared = _side(a[0], a[2], b[0], b[2], less)
        shared *= _side(a[1], a[3], b[1], b[3], less)
        union = a[2] * a[3]
        union += b[2] * b[3]
        union -= shared
        if form == "clipped":
            return np.asarray(np.clip(shared / (union + np.finfo(np.float64).eps), 0.0, 1.0), np.float64)
        shared /= union
    return shared


def _side(start_a: Floats, length_a: Floats, start_b: Floats, length_b: Floats, less: float) -> Floats:
    """How far two intervals overlap (N,), at least 0; `less` is what a toolkit takes off the ends and adds again."""
    end, other = start_a + length_a, start_b + length_b
    if less:
        end -= less
        other -= less
    np.minimum(end, other, out=end)
    end -= np.maximum(start_a, start_b)
    if less:
        end += less
    return np.maximum(end, 0, out=end)


def centre_offsets(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Differences of centres, across and down (N,) each, the toolkits' way: x + (w - 1) / 2."""
    offsets = []
    for start, length in ((0, 2), (1, 3)):
        offset = a[length] - 1
        offset /= 2
        offset += a[start]
        offset -= b[start] + (b[length] - 1) / 2
        offsets.append(offset)
    return offsets[0], offsets[1]


def steps_below(values: Floats, thresholds: Floats, scale: float) -> Places:
    """How many of evenly spaced thresholds (0, 1/scale, ...) lie below each value (N,), values not NaN.

    A guess by arithmetic, put right by the thresholds themselves.
    """
    last = len(thresholds)
    guess = np.ceil(np.clip(values, 0, last) * scale)
    bins = np.minimum(guess, last).astype(np.int64)
    bins += values > np.append(thresholds, np.inf)[bins]
    bins -= values <= np.insert(thresholds, 0, -np.inf)[bins]
    return bins


def _bin_frames(boxes: Floats, plan: Plan, definition: OnePass) -> None:
    """Measure boxes (4,N) and write the bin of every frame into the plan's `places`, a block at a time: how many
    overlap thresholds lie below its overlap, how many pixels and shares of the target's size below its centre error."""
    thresholds = overlap_thresholds(definition.thresholds)
    for block in plan.blocks:
        values = _frame_values(boxes[:, block.rows], block, definition)
        overlap, pixels, shares = plan.places[:, block.rows]
        begin, begin_error = plan.bins[:, block.rows]
        np.add(steps_below(values.overlap, thresholds, STEPS - 1), begin, out=overlap)
        np.add(np.clip(np.ceil(values.error), 0, PIXELS).astype(np.int64), begin_error, out=pixels)
        np.add(steps_below(values.shares, SHARE_THRESHOLDS, 100), begin_error, out=shares)


def _counts(bins: Places, sequences: int, width: int) -> Floats:
    """How many frames of each sequence fall into each of `width` bins: (S, width)."""
    return np.bincount(bins, minlength=sequences * width).reshape(sequences, width).astype(np.float64)


def _curves(plan: Plan) -> tuple[Floats, Floats, Floats]:
    """Shares of each sequence's frames above overlap thresholds, and within pixels and shares of the target's size."""
    overlap, pixels, shares = plan.places
    count, total = len(plan.sequences), plan.frames[:, None] + np.finfo(np.float64).eps
    above = _counts(overlap, count, STEPS + 1)[:, :0:-1].cumsum(1)[:, ::-1]
    within = _counts(pixels, count, PIXELS + 1).cumsum(1)[:, :-1]
    near = _counts(shares, count, SHARES + 1).cumsum(1)[:, :-1]
    return above / total, within / total, near / total


def score(plan: Plan, repairable: Flags, definition: OnePass) -> Scores:
    """Curves of the tracker whose boxes lie in the plan's `predicted`; `repairable` (S,): whose rows may be."""
    fixed = np.repeat(~repairable, plan.frames)
    fixed[plan.starts] = True
    predicted, repaired = repair(plan.predicted, plan.boxes, fixed, definition.repair)
    if definition.first_is_truth:
        predicted[:, plan.starts] = plan.boxes[:, plan.starts]
    _bin_frames(predicted, plan, definition)
    success, precision, normalized = _curves(plan)
    return Scores(plan.sequences, plan.frames, success, precision, normalized, repaired)


def _frame_values(boxes: Floats, block: Block, definition: OnePass) -> Frames:
    """What is measured in every frame; nothing is NaN, misses are -1 or infinite."""
    overlap = overlaps(boxes, block.boxes, definition.overlap)
    across, down = centre_offsets(boxes, block.boxes)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        shares = np.sqrt((across / block.boxes[2]) ** 2 + (down / block.boxes[3]) ** 2)
        error = np.sqrt(across**2 + down**2)
    overlap[block.no_box] = -1.0
    overlap[block.absent] = -1.0
    np.copyto(overlap, -1.0, where=np.isnan(overlap))
    for values in (error, shares):
        np.copyto(values, np.inf, where=np.isnan(values))
        values[block.no_place] = -1.0 if definition.invalid_hits else np.inf
        values[block.absent] = np.inf
    return Frames(overlap, error, shares)


class Evaluator:
    """Scores trackers on the same targets; trackers with the same rows share a plan."""

    def __init__(self, targets: Sequence[SequenceTruth], definition: OnePass) -> None:
        self.targets = targets
        self.definition = definition
        self._plans: dict[tuple[tuple[str, int], ...], Plan] = {}

    def _plan(self, rows: Mapping[str, int]) -> Plan:
        key = tuple(rows.items())
        if key not in self._plans:
            there = [target for target in self.targets if target.name in rows]
            self._plans[key] = plan(there, list(rows.values()), self.definition)
        return self._plans[key]

    def evaluate(self, tracker: TrackerResults) -> Scores:
        """Curves of a tracker on those of the targets for which it has boxes, in the targets' order."""
        names = [target.name for target in self.targets if target.name in tracker.boxes]
        laid = self._plan({name: len(tracker.boxes[name]) for name in names})
        for name, start, count in zip(names, laid.starts, laid.frames, strict=True):
            laid.predicted[:, start : start + count] = tracker.boxes[name].T
        return score(laid, np.array([name in tracker.repairable for name in names]), self.definition)


def evaluate(tracker: TrackerResults, targets: Sequence[SequenceTruth], definition: OnePass) -> Scores:
    """Curves of one tracker."""
    return Evaluator(targets, definition).evaluate(tracker)
