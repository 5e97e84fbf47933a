"""VOT's restart protocol: accuracy, robustness, the expected overlap curve and its mean over an interval of lengths
(EAO).

A tracker that loses its target (overlap 0) is restarted five frames later. Every stretch from a start to a failure
or to the end is a fragment. The curve at length L is the mean overlap over the first L frames that a fragment is
expected to have; a fragment that ended in a failure counts 0 from there on. Everything is a sum over fragments, so
that each sequence has a numerator and a denominator of the curve, and resampling sequences is a product of
matrices.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dat.benchmarks import vot
from dat.benchmarks.vot import FAILED, INITIALISED
from dat.evaluation.definitions import Vot
from dat.evaluation.vot.files import TRACKED, Repetition, VotSequence
from dat.evaluation.vot.rasters import Regions
from dat.evaluation.vot.truth_runs import overlaps

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Frames:
    """Overlaps of all repetitions of a sequence (R,N), for the curve and for accuracy, NaN where there is no
    region; and codes (R,N)."""

    curve: Floats
    accuracy: Floats
    codes: Whole


@dataclass(frozen=True)
class SequenceScore:
    """A sequence: accuracy (NaN without a frame that counts), frames that count, failures a run, frames."""

    accuracy: float
    counted: int
    failures: float
    frames: int


@dataclass(frozen=True)
class Curves:
    """Numerators and denominators of the expected overlap curve, a row a sequence (S,L), and the interval in use."""

    numerator: Floats
    denominator: Floats
    interval: tuple[int, int]
    shift: int

    def curve(self, weights: Floats | None = None) -> Floats:
        """The curve at lengths 1..L, of all sequences or of weighted ones (..., S): (..., L); 0 where none is
        defined."""
        chosen = np.ones(len(self.numerator)) if weights is None else weights
        above, below = chosen @ self.numerator, chosen @ self.denominator
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(below > 1e-12, above / below, 0.0)

    def scored(self) -> "Curves":
        """The same on the interval alone."""
        low, high = self.interval
        part = slice(low - 1 + self.shift, high + self.shift)
        return Curves(self.numerator[:, part], self.denominator[:, part], (1, high - low + 1), 0)

    def eao(self) -> float:
        """Expected average overlap: the curve's mean over the interval."""
        return float(self.scored().curve().mean())


# ---------------------------------------------------------------- overlaps of frames


def _stack(runs: Sequence[Repetition]) -> Regions:
    parts = [run.regions for run in runs]
    return Regions(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.rectangle for part in parts]),
        np.concatenate([part.special for part in parts]),
    )


def _limit(size: tuple[int, int] | None, bounded: bool, edge: int, definition: Vot) -> tuple[float, float] | None:
    if size is None or not bounded:
        return None
    return float(size[0] + edge), float(size[1] + edge)


def frame_overlaps(target: VotSequence, runs: Sequence[Repetition], definition: Vot) -> Frames:
    """Overlaps of every frame of every repetition (equal repetitions are measured once)."""
    unique = list({id(run): run for run in runs}.values())
    order = np.array([next(i for i, run in enumerate(unique) if run is one) for one in runs])
    frames = len(unique[0].codes)
    truth = target.regions.take(np.arange(frames))
    overlaps_of = _stack(unique)
    limits = (
        _limit(target.size, definition.bounded_curve, definition.curve_edge, definition),
        _limit(target.size, definition.bounded_accuracy, definition.accuracy_edge, definition),
    )
    measured = {limit: overlaps(truth, overlaps_of, definition.raster, limit) for limit in set(limits)}
    shaped = [measured[limit][order] for limit in limits]
    codes = np.stack([run.codes for run in unique])[order]
    return Frames(shaped[0], shaped[1], codes)


# ---------------------------------------------------------------- accuracy and robustness


def _counting(codes: Whole, burn_in: int = vot.BURN_IN) -> Flags:
    """Frames (R,N) with a region, later than the burn-in that begins with every initialisation."""
    starts = (codes == INITIALISED).astype(np.int64)
    total = np.cumsum(starts, axis=1)
    earlier = np.concatenate([np.zeros((len(codes), burn_in), np.int64), total], axis=1)[:, : codes.shape[1]]
    return np.asarray((codes == TRACKED) & (total == earlier))


def frame_accuracy(frames: Frames) -> Floats:
    """The mean overlap over repetitions of every frame (N,); NaN where none counts."""
    known = _counting(frames.codes) & ~np.isnan(frames.accuracy)
    counts, sums = known.sum(0), np.where(known, frames.accuracy, 0.0).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(counts > 0, sums / counts, np.nan), np.float64)


def _run_accuracy(frames: Frames) -> Floats:
    """The mean overlap over frames of every repetition (R,); 0 where no frame counts."""
    known = _counting(frames.codes) & ~np.isnan(frames.accuracy)
    sums = np.where(known, frames.accuracy, 0.0).sum(1)
    return np.asarray(sums / np.maximum(known.sum(1), 1), np.float64)


def sequence_score(frames: Frames, definition: Vot) -> SequenceScore:
    """Accuracy and failures of one sequence over its repetitions."""
    each = frame_accuracy(frames)
    counted = int(np.count_nonzero(~np.isnan(each)))
    failures = float((frames.codes == FAILED).sum(1).mean())
    if definition.accuracy == "runs":
        mean = float(_run_accuracy(frames).mean())
    else:
        mean = float(np.nanmean(each)) if counted else float("nan")
    return SequenceScore(mean, counted, failures, frames.codes.shape[1])


# ---------------------------------------------------------------- the curve


@dataclass(frozen=True)
class _Fragment:
    """A stretch of a run from `start` up to `stop` (not included), and whether zeros follow it to the longest
    length."""

    start: int
    stop: int
    padded: bool


def _matlab_fragments(codes: Whole) -> list[_Fragment]:
    """Starts are frame 1 and five frames after each failure; a stretch takes the next start's frame along.

    The last stretch is never padded: after a failure too late for a restart it is the failing one.
    """
    frames = len(codes)
    failures = np.flatnonzero(codes == FAILED)
    starts = [0, *(int(f) + vot.RESTART for f in failures if f + vot.RESTART < frames)]
    inner = [_Fragment(a, b + 1, True) for a, b in itertools.pairwise(starts)]
    return [*inner, _Fragment(starts[-1], frames, False)]


def _toolkit_fragments(codes: Whole) -> list[_Fragment]:
    """From the i-th initialisation to the i-th failure, padded; after the last, to the end, not padded."""
    failures, starts = np.flatnonzero(codes == FAILED), np.flatnonzero(codes == INITIALISED)
    if not len(failures):
        return [_Fragment(0, len(codes), False)]
    lost = [_Fragment(int(a), int(b), True) for a, b in zip(starts, failures, strict=False)]
    fragments = [_Fragment(int(starts[-1]), len(codes), False)] if len(starts) > len(failures) else []
    return lost + fragments


def curves(frames: Sequence[Frames], longest: int, interval: tuple[int, int], definition: Vot) -> Curves:
    """Numerators and denominators of sequences; `longest` is the longest sequence of the benchmark."""
    cut = _toolkit_fragments if definition.pad_late else _matlab_fragments
    parts = [[(values, cut(codes)) for values, codes in zip(part.curve, part.codes, strict=True)] for part in frames]
    if definition.pad_late:
        longest = max(piece.stop - piece.start for part in parts for _, pieces in part for piece in pieces)
    width = max(longest, interval[1] + definition.shift) + 1
    rows = [_sums(part, width, longest, definition) for part in parts]
    return Curves(np.stack([row[0] for row in rows]), np.stack([row[1] for row in rows]), interval, definition.shift)


def _sums(
    runs: Sequence[tuple[Floats, list[_Fragment]]], width: int, longest: int, definition: Vot
) -> tuple[Floats, Floats]:
    """Sum of running means (L,) and of weights (L,) over the fragments of a sequence's runs, at lengths 1..width-1.

    The running mean at length L is over frames 2..L, the frame of the start is left out; at length 1 it is 1.
    """
    steps, weights = np.zeros(width + 1), np.zeros(width + 1)
    for values, pieces in runs:
        zeroed = np.where(np.isnan(values), 0.0, values)
        for piece in pieces:
            length = piece.stop - piece.start
            inner = zeroed[piece.start + 1 : piece.stop]
            steps[2 : length + 1] += inner
            weights[1] += 1
            end = longest if piece.padded else length
            weights[end + 1] -= 1
            steps[end + 1] -= inner.sum()
    share = 1 / len(runs) if definition.repetitions_weighted else 1.0
    lengths = np.arange(1, width)
    defined = np.cumsum(weights)[1:width]
    means = np.cumsum(steps)[1:width] / np.maximum(lengths - 1, 1)
    means[0] = defined[0]
    return means * share, defined * share


# ---------------------------------------------------------------- the interval


def interval_of(lengths: Sequence[int]) -> tuple[int, int]:
    """The lengths over which EAO is the mean: half of the mass of a kernel density estimate of the sequences' lengths.

    From the mode outwards, a frame at a time towards the side with the larger density (right on ties), until the mass
    is at least a half. The bandwidth is the one that minimises the asymptotic error for the estimate's own curvature.
    """
    data = np.asarray(lengths, np.float64)
    grid = np.arange(1, int(data.max()) + 1, dtype=np.float64)
    spread = float(data.var())
    if spread == 0:
        return int(data[0]), int(data[0])
    deviation = (grid[:, None] - data) ** 2 / (2 * _bandwidth(data, spread))
    density = np.exp(-deviation).sum(1)
    density /= density.sum()
    return _grow(density)


def _bandwidth(data: Floats, spread: float) -> float:
    """Variance of the kernel: from the curvature of a pilot estimate on data of unit variance."""
    n = len(data)
    unit = data / np.sqrt(spread)
    pilot = (4 / (3 * n)) ** (2 / 5)
    wide = pilot
    distance = (unit[:, None] - unit) ** 2 / wide
    curvature = np.exp(-distance / 2) * (distance**2 - 6 * distance + 3) / (wide**2 * np.sqrt(2 * np.pi * wide))
    roughness = curvature.sum() / n**2
    return float((1 / (2 * np.sqrt(np.pi) * n * roughness)) ** (2 / 5) * spread)


def _grow(density: Floats) -> tuple[int, int]:
    low = high = int(np.argmax(density))
    mass, last = float(density[low]), len(density) - 1
    while mass < 0.5 and (low > 0 or high < last):
        left = density[low - 1] if low > 0 else -1.0
        right = density[high + 1] if high < last else -1.0
        if left > right:
            low -= 1
            mass += float(left)
        else:
            high += 1
            mass += float(right)
    return low + 1, high + 1
