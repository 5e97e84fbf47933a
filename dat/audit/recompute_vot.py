"""VOT's scores computed again: a second, plain implementation, which shares nothing with `dat.evaluation`.

The MATLAB toolkit of 2016: regions become pixels (vertices rounded, rows and spans closed at both ends), the curve is
bounded by the image, accuracy is not; a failed fragment counts zeros to the longest sequence.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from dat.base import outside
from dat.base.errors import InputError

Region = tuple[float, ...]
DEFINITIONS = {"vot-matlab-2016"}
INTERVALS = {"vot2016": (108, 371), "vot2019": (46, 291)}
"""The lengths that EAO averages over, for the real data sets; others' follow from their lengths."""

BURN_IN, SKIP = 10, 5
START, FAILURE = 1.0, 2.0


@dataclass(frozen=True)
class Annotation:
    """A sequence: its regions, 4 or 8 numbers a frame, and the image's width and height in pixels."""

    regions: list[Region]
    size: tuple[int, int]


def read_regions(path: Path) -> list[Region]:
    """The lines of a trajectory: one number (a code), or 4 or 8. Raises InputError naming file and line."""
    regions: list[Region] = []
    for number, line in enumerate(outside.read_text(path).splitlines(), 1):
        try:
            regions.append(tuple(float(word) for word in line.split(",")))
        except ValueError:
            raise InputError(f"{path}:{number}: numbers are expected") from None
    return regions


Point = tuple[float, float]
Row = list[tuple[int, int]]
Window = tuple[float, float, float, float]


@lru_cache(maxsize=1 << 16)
def _corners(region: Region) -> tuple[Point, ...]:
    """Corners x,y in single precision, as the toolkit keeps them; a box goes from x to x + w."""
    values = np.asarray(region, np.float32)
    if len(values) == 4:
        x, y, w, h = values
        values = np.array([x, y, x + w, y, x + w, y + h, x, y + h])
    return tuple((float(x), float(y)) for x, y in values.reshape(-1, 2))


def _window(corners: tuple[Point, ...], limit: tuple[int, int] | None) -> Window:
    """Left, top, right and bottom of a region's pixels, within 0..width and 0..height of `limit`."""
    xs, ys = zip(*corners, strict=True)
    left, top, right, bottom = math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys))
    if limit is None:
        return left, top, right, bottom
    return max(left, 0), max(top, 0), min(right, limit[0]), min(bottom, limit[1])


def _area(window: Window) -> float:
    return (window[2] - window[0]) * (window[3] - window[1])


def _apart(a: Window, b: Window) -> bool:
    """Whether two regions overlap with 0 by their bounds: no shared area, or one next to nothing beside the other."""
    shared = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    one, two = _area(a), _area(b)
    return shared <= 0 or one <= 0 or two <= 0 or min(one / two, two / one) < 1e-10


def _rounded(value: float) -> int:
    """The nearest whole number, halves away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def _crossings(corners: list[tuple[int, int]], y: int) -> list[int]:
    """Where the row `y` meets the edges, both ends of an edge included; edges along the row are left out."""
    places = []
    for (x0, y0), (x1, y1) in zip(corners, [corners[-1], *corners[:-1]], strict=True):
        if y0 != y1 and min(y0, y1) <= y <= max(y0, y1):
            places.append(int(x0 + (y - y0) / (y1 - y0) * (x1 - x0)))
    return sorted(places)


def _row(meets: list[int]) -> Row:
    """Pixels between pairs of crossings, both ends included; a corner met twice counts once, but at the end."""
    spans: Row = []
    at = 0
    while at < len(meets) - 1:
        if meets[at] == meets[at + 1] and at < len(meets) - 2:
            at += 1
            continue
        low, high = meets[at], meets[at + 1]
        if spans and low <= spans[-1][1]:
            low = spans.pop()[0]
        spans.append((low, high))
        at += 2
    return spans


@lru_cache(maxsize=1 << 16)
def _spans(region: Region, origin: tuple[float, float], limit: tuple[int, int] | None) -> dict[int, Row]:
    """The pixels of a region, row by row, counted from the window's corner `origin`; within the limit, if any."""
    corners = [(_rounded(x - origin[0]), _rounded(y - origin[1])) for x, y in _corners(region)]
    low, high = min(y for _, y in corners), max(y for _, y in corners)
    left, right = -(1 << 40), 1 << 40
    if limit:
        left, right = 0, int(limit[0] - origin[0])
        low, high = max(low, 0), min(high, int(limit[1] - origin[1]))
    upright = [(min(x for x, _ in corners), max(x for x, _ in corners))] if len(region) == 4 and low < high else None
    rows = {y: upright or _row(_crossings(corners, y)) for y in range(low, high + 1)}
    return {y: [(max(a, left), min(b, right)) for a, b in row if a <= right and b >= left] for y, row in rows.items()}


def _count(spans: dict[int, Row]) -> int:
    return sum(b - a + 1 for row in spans.values() for a, b in row)


def _shared(first: dict[int, Row], second: dict[int, Row]) -> int:
    """How many pixels two regions share."""
    rows = ((first[y], second[y]) for y in first.keys() & second.keys())
    return sum(max(0, min(b, d) - max(a, c) + 1) for one, two in rows for a, b in one for c, d in two)


def overlap(a: Region, b: Region, limit: tuple[int, int] | None = None) -> float:
    """Shared pixels over all pixels of two regions, within pixels 0..width and 0..height of `limit`, if any."""
    one, two = _window(_corners(a), limit), _window(_corners(b), limit)
    if _apart(one, two):
        return 0.0
    origin = (min(one[0], two[0]), min(one[1], two[1]))
    first, second = _spans(a, origin, limit), _spans(b, origin, limit)
    shared = _shared(first, second)
    union = _count(first) + _count(second) - shared
    return shared / union if union else 0.0


def overlaps(run: Sequence[Region], truth: Annotation, bounded: bool) -> list[float]:
    """Overlap of each frame; NaN where the line is a code or the truth is not known."""
    bounds = (truth.size[0] - 1, truth.size[1] - 1) if bounded else None
    return [
        overlap(region, true, bounds) if len(region) > 1 and len(true) > 1 else math.nan
        for region, true in zip(run, truth.regions, strict=True)
    ]


def failures(run: Sequence[Region]) -> list[int]:
    """The frames (from 0) at which a run failed."""
    return [frame for frame, region in enumerate(run) if region == (FAILURE,)]


def _settled(run: Sequence[Region], values: list[float]) -> list[float]:
    """Overlaps without the frames of the burn-in: 10 from each start, which is one of them."""
    settled = list(values)
    for frame, region in enumerate(run):
        if region == (START,):
            settled[frame : frame + BURN_IN] = [math.nan] * len(settled[frame : frame + BURN_IN])
    return settled


def frame_means(repeated: Sequence[Sequence[Region]], truth: Annotation) -> list[float]:
    """Each frame's mean overlap over runs; frames that count in none are left out."""
    settled = [_settled(run, overlaps(run, truth, bounded=False)) for run in repeated]
    known = [[value for value in values if not math.isnan(value)] for values in zip(*settled, strict=True)]
    return [math.fsum(values) / len(values) for values in known if values]


def accuracy(runs: Mapping[str, list[list[Region]]], truths: Mapping[str, Annotation]) -> float:
    """The mean over all frames of all sequences of each frame's mean over runs."""
    frames = [value for name, repeated in runs.items() for value in frame_means(repeated, truths[name])]
    return math.fsum(frames) / len(frames) if frames else math.nan


def failures_a_run(runs: Mapping[str, list[list[Region]]]) -> float:
    """Failures in all sequences, the mean over runs."""
    return math.fsum(sum(len(failures(run)) for run in repeated) / len(repeated) for repeated in runs.values())


@dataclass(frozen=True)
class Fragment:
    """Overlaps from a start on, and what the fragment weighs."""

    values: list[float]
    weight: float


def fragments(run: Sequence[Region], truth: Annotation, longest: int, weight: float) -> list[Fragment]:
    """A run cut at its restarts: what failed goes on as zeros to the longest sequence, the last ends with the video."""
    values, failed = overlaps(run, truth, bounded=True), failures(run)
    points = [0, *(frame + SKIP for frame in failed if frame + SKIP < len(run))]
    zeros = [0.0 if math.isnan(value) else value for value in values]
    if not failed:
        return [Fragment(values, weight)]
    pieces = []
    for start, end in pairwise(points):
        pieces.append(zeros[start : end + 1] + [0.0] * (longest - (end + 1 - start)))
    pieces.append(zeros[points[-1] :])
    return [Fragment(values, weight) for values in pieces]


def overlap_sums(parts: Sequence[Fragment], longest: int) -> tuple[list[float], list[float]]:
    """For each length from 1: the sum over fragments of the mean overlap of frames 2 to that length, which is 1 at
    length 1, and the fragments' weight."""
    sums, weights = [0.0] * longest, [0.0] * longest
    for part in parts:
        total = 0.0
        for at, value in enumerate(part.values):
            total += value if at else 0.0
            sums[at] += part.weight * (total / at if at else 1.0)
            weights[at] += part.weight
    return sums, weights


def expected_overlap(parts: Sequence[Fragment], longest: int) -> list[float]:
    """For each length from 1: the weighted mean over fragments of the mean overlap of frames 2 to that length."""
    return [value / weight if weight else 0.0 for value, weight in zip(*overlap_sums(parts, longest), strict=True)]


def all_fragments(repeated: Sequence[Sequence[Region]], truth: Annotation, longest: int) -> list[Fragment]:
    """The fragments of a sequence's runs."""
    return [part for run in repeated for part in fragments(run, truth, longest, 1 / len(repeated))]


def eao(runs: Mapping[str, list[list[Region]]], truths: Mapping[str, Annotation], interval: tuple[int, int]) -> float:
    """Expected average overlap: the mean of the curve over the lengths of the interval, both ends included."""
    longest = max(len(truth.regions) for truth in truths.values())
    parts = [part for name, repeated in runs.items() for part in all_fragments(repeated, truths[name], longest)]
    curve = expected_overlap(parts, longest)[interval[0] - 1 : interval[1]]
    return math.fsum(curve) / len(curve)


# ---------------------------------------------------------------- the interval


def _kernel_variance(lengths: Sequence[int], variance: float) -> float:
    """The variance of the Gaussian kernel that suits the curvature of a pilot estimate best."""
    n = len(lengths)
    spread = (4 / (3 * n)) ** 0.4
    curvature = 0.0
    for one in lengths:
        for two in lengths:
            squared = (one - two) ** 2 / variance / spread
            curvature += math.exp(-squared / 2) * (squared * squared - 6 * squared + 3)
    curvature /= n * n * spread**2 * math.sqrt(2 * math.pi * spread)
    return float((2 * math.sqrt(math.pi) * n * curvature) ** -0.4 * variance)


def interval(lengths: Sequence[int]) -> tuple[int, int]:
    """The lengths that EAO averages over: half the mass of a density estimate, grown frame by frame from its mode."""
    mean = math.fsum(lengths) / len(lengths)
    variance = math.fsum((length - mean) ** 2 for length in lengths) / len(lengths)
    if variance == 0:
        return lengths[0], lengths[0]
    width = _kernel_variance(lengths, variance)
    places = range(1, max(lengths) + 1)
    density = [math.fsum(math.exp(-((at - length) ** 2) / (2 * width)) for length in lengths) for at in places]
    total = math.fsum(density)
    low = high = density.index(max(density))
    mass = density[low]
    while mass < total / 2 and (low > 0 or high < len(density) - 1):
        before = density[low - 1] if low > 0 else -1.0
        after = density[high + 1] if high < len(density) - 1 else -1.0
        low, high = (low - 1, high) if before > after else (low, high + 1)
        mass += max(before, after)
    return low + 1, high + 1
