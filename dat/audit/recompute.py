"""One-pass scores computed again: a second, plain implementation, which shares nothing with `dat.evaluation`.

OTB's toolkit 1.1 and TC128's scripts, frame by frame in the files' own coordinates (they count from 1).
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dat.base import outside
from dat.base.errors import InputError

Box = tuple[float, float, float, float]
OMITTED = {"Tiger1": 5}
"""Frames at the start that OTB's toolkit leaves out."""

OVERLAPS = [k * 0.05 if k <= 10 else 1 - (20 - k) * 0.05 for k in range(21)]
"""MATLAB's 0:0.05:1, which is filled from both ends."""

DEFINITIONS = {"otb-toolkit-1.1", "tc128"}
METRICS = {"success", "precision", "normalized_precision"}
AGAIN, WITHIN = 0.5, 10
"""By the definition `redetection` a target is found again when the overlap exceeds the first, no more frames after its
return than the second."""


@dataclass(frozen=True)
class Curves:
    """Success over 21 overlap thresholds and precision over 0 to 50 pixels, of one sequence or of many.

    `normalized` is the share of frames whose error is at most 0.2 of the target's size.
    """

    success: list[float]
    precision: list[float]
    normalized: float

    def score(self, metric: str) -> float:
        """The mean of the success curve, or precision at 20 pixels."""
        return math.fsum(self.success) / len(self.success) if metric == "success" else self.precision[20]


def read_boxes(path: Path) -> list[Box]:
    """The rows of a result file. Raises InputError naming file and line."""
    boxes: list[Box] = []
    for number, line in enumerate(outside.read_text(path).splitlines(), 1):
        try:
            x, y, w, h = (float(word) for word in line.replace(",", " ").split())
        except ValueError:
            raise InputError(f"{path}:{number}: four numbers are expected") from None
        boxes.append((x, y, w, h))
    return boxes


def _repaired(boxes: Sequence[Box], truth: Sequence[Box]) -> list[Box]:
    """A row without width or height, or all NaN, is the row before, where the truth is known (OTB toolkit 1.1)."""
    repaired: list[Box] = []
    for box, true in zip(boxes, truth, strict=True):
        broken = box[2] <= 0 or box[3] <= 0 or all(map(math.isnan, box))
        repaired.append(repaired[-1] if broken and repaired and not any(map(math.isnan, true)) else box)
    return repaired


def overlap(a: Box, b: Box) -> float:
    """Intersection over union as the toolkit computes it: pixels counted inclusively, which cancels."""
    w = min(a[0] + a[2] - 1, b[0] + b[2] - 1) - max(a[0], b[0]) + 1
    h = min(a[1] + a[3] - 1, b[1] + b[3] - 1) - max(a[1], b[1]) + 1
    shared = w * h if w > 0 and h > 0 else 0.0
    return shared / (a[2] * a[3] + b[2] * b[3] - shared) if shared > 0 else 0.0


def distance(a: Box, b: Box, width: float = 1.0, height: float = 1.0) -> float:
    """Between two centres: pixels, or shares of a width and a height (infinite where one is 0)."""
    if not width or not height:
        return math.inf
    x = ((a[0] + (a[2] - 1) / 2) - (b[0] + (b[2] - 1) / 2)) / width
    y = ((a[1] + (a[3] - 1) / 2) - (b[1] + (b[3] - 1) / 2)) / height
    return math.sqrt(x * x + y * y)


def one_pass(name: str, truth: Sequence[Box], boxes: Sequence[Box], definition: str) -> Curves:
    """The curves of a sequence. Truth and boxes are in the files' own coordinates, NaN where unknown.

    Raises InputError when the number of boxes is not the number of frames.
    """
    otb = definition == "otb-toolkit-1.1"
    if len(boxes) != len(truth):
        raise InputError(f"{name}: {len(boxes)} boxes for {len(truth)} frames")
    skip = OMITTED.get(name, 0) if otb else 0
    truth, boxes = truth[skip:], _repaired(boxes[skip:], truth[skip:])
    boxes[0] = truth[0]
    overlaps, errors, shares = [], [], []
    for true, box in zip(truth, boxes, strict=True):
        counts = not otb or all(value > 0 for value in true)
        overlaps.append(overlap(true, box) if counts else -1.0)
        errors.append(distance(true, box) if counts else -1.0)
        shares.append(distance(true, box, true[2], true[3]) if counts else -1.0)
    frames = len(truth)
    overlaps.sort()
    errors.sort()
    success = [(frames - bisect_right(overlaps, threshold)) / frames for threshold in OVERLAPS]
    precision = [bisect_right(errors, pixels) / frames for pixels in range(51)]
    return Curves(success, precision, sum(value <= 20 * 0.01 for value in shares) / frames)


def redetected(name: str, truth: Sequence[Box], absent: Sequence[int], boxes: Sequence[Box]) -> float:
    """1 where boxes find a target again after its longest absence, else 0; of equally long ones the first counts.

    Raises InputError when the number of boxes is not the number of frames, or when the target never comes back in time.
    """
    if not len(boxes) == len(truth) == len(absent):
        raise InputError(f"{name}: {len(boxes)} boxes and {len(absent)} flags for {len(truth)} frames")
    longest, back, run = 0, 0, 0
    for frame, flag in enumerate(absent):
        began = frame - run
        if not flag and longest < run and began > 0 and frame + WITHIN < len(absent):
            longest, back = run, frame
        run = run + 1 if flag else 0
    if not longest:
        raise InputError(f"{name}: the target is never away and back with {WITHIN} frames to follow")
    window = range(back, back + WITHIN + 1)
    return float(any(_plain_overlap(truth[frame], boxes[frame]) > AGAIN for frame in window))


def _plain_overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes as areas; 0 where a value is NaN."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if any(map(math.isnan, (*a, *b))) or w <= 0 or h <= 0:
        return 0.0
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)


def average(curves: Sequence[Curves]) -> Curves:
    """The mean curve: every sequence counts the same."""
    count = len(curves)
    success = [math.fsum(values) / count for values in zip(*(curve.success for curve in curves), strict=True)]
    precision = [math.fsum(values) / count for values in zip(*(curve.precision for curve in curves), strict=True)]
    return Curves(success, precision, math.fsum(curve.normalized for curve in curves) / count)
