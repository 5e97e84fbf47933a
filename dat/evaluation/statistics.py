"""How sure a score is: bootstrap over sequences, paired tests, correction for the number of pairs. Seeded and
vectorised.

Intervals are studentised (bootstrap-t): each resample's distance from the estimate is divided by that resample's own
standard error, from the influence of each sequence on the score. In simulations the plain percentile interval holds the
truth too rarely on skewed scores and on fewer than a hundred sequences; this one does not (docs/evaluation.md).
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
"""Of intervals."""
SIGNIFICANT = 0.05
"""What p must be below. Not 1 - LEVEL, which is a little more."""
Interval = tuple[float, float]
Verdict = Literal["holds", "the reverse", "cannot tell"]
_STILL = 1e-9
_LOT = 64


@functools.lru_cache(maxsize=16)
def resamples(sequences: int, count: int, seed: int) -> Floats:
    """How often each sequence is drawn in each resample: (count, sequences), rows sum to `sequences`."""
    draws = np.random.default_rng([seed, sequences]).integers(0, sequences, (count, sequences))
    draws += np.arange(count)[:, None] * sequences
    return np.bincount(draws.ravel(), minlength=count * sequences).reshape(count, sequences).astype(np.float64)


@functools.lru_cache(maxsize=16)
def flips(sequences: int, count: int, seed: int) -> Floats:
    """Random signs, 1 or -1: (count, sequences)."""
    signs = np.random.default_rng([seed, sequences, 1]).integers(0, 2, (count, sequences), dtype=np.int8)
    return signs.astype(np.float64) * 2 - 1


def studentised(estimates: Floats, error: Floats, away: Floats, drawn_error: Floats) -> tuple[Floats, Floats]:
    """Ends (M,) of 95 % intervals of M scores: estimates and standard errors (M,); of every resample, how far it is
    away from the estimate (M,R), which is overwritten, and its own standard error (M,R).

    Infinite where the resamples cannot bound a score: too many of them have no error of their own.
    """
    tiny = (_STILL * error)[:, None]
    still = drawn_error <= tiny
    moved = away[still]
    fixed = np.where(np.abs(moved) <= np.broadcast_to(tiny, away.shape)[still], 0.0, np.copysign(np.inf, moved))
    with np.errstate(divide="ignore", invalid="ignore"):
        away /= drawn_error
        away[still] = fixed
        low, high = _outer(away)
        return (
            np.where(error > 0, estimates - high * error, estimates),
            np.where(error > 0, estimates - low * error, estimates),
        )


def _outer(values: Floats) -> tuple[Floats, Floats]:
    """The outer 2.5 % points of rows (M,R), as order statistics (nothing is interpolated towards infinity)."""
    count = values.shape[1]
    low = min(max(int(np.floor((1 - LEVEL) / 2 * (count + 1))) - 1, 0), count - 1)
    high = count - 1 - low
    values.partition((low, high), axis=1)
    return values[:, low], values[:, high]


def share_value(above: Floats, below: Floats) -> Floats:
    """Means (R,) over columns of above / below (R,L); columns with nothing below count 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(below > _STILL, above / below, 0.0).mean(1), np.float64)


def share(above: Floats, below: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """A mean of shares, sum(above) / sum(below) over sequences averaged over columns (S,L), for each resample (R,S).

    Value (R,), and how each sequence moves it (R,S). Columns in which a resample has nothing count 0.
    """
    values, influences = [], []
    for part in np.array_split(weights, max(len(weights) // 2000, 1)):
        total = part @ below
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.where(total > _STILL, 1 / total, 0.0)
        curve = (part @ above) * inverse
        values.append(curve.mean(1))
        moved = inverse @ above.T - (curve * inverse) @ below.T
        influences.append(moved * (above.shape[0] / above.shape[1]))
    return np.concatenate(values), np.concatenate(influences)


@dataclass(frozen=True)
class Draws:
    """A score and how each sequence moves it (S,); the same of every resample: (R,) and (R,S)."""

    value: float
    influence: Floats
    drawn: Floats
    drawn_influence: Floats

    def __sub__(self, other: "Draws") -> "Draws":
        return Draws(
            self.value - other.value,
            self.influence - other.influence,
            self.drawn - other.drawn,
            self.drawn_influence - other.drawn_influence,
        )

    def interval(self, weights: Floats, least: float, most: float) -> Interval:
        """The 95 % interval, within what the score can be (which may be infinite)."""
        count = weights.shape[1]
        errors = np.sqrt((weights * self.drawn_influence**2).sum(1)) / count
        error = np.sqrt((self.influence**2).sum()) / count
        away = (self.drawn - self.value)[None]
        low, high = studentised(np.array([self.value]), np.array([error]), away, errors[None])
        return float(np.clip(low[0], least, most)), float(np.clip(high[0], least, most))


def share_draws(above: Floats, below: Floats, count: int, seed: int) -> Draws:
    """Draws of a mean of shares (`share`) of tables (S,L)."""
    value, influence = share(above, below, np.ones((1, len(above))))
    drawn, drawn_influence = share(above, below, resamples(len(above), count, seed))
    return Draws(float(value[0]), influence[0], drawn, drawn_influence)


def mean_intervals(values: Floats, count: int, seed: int, limits: Interval = (0.0, 1.0)) -> list[Interval]:
    """95 % intervals of the means of columns (S,M), within the limits that a score can take."""
    weights, intervals = resamples(len(values), count, seed), []
    for start in range(0, values.shape[1], _LOT):
        low, high = _mean_lot(values[:, start : start + _LOT].T, weights)
        intervals += list(zip(np.clip(low, *limits).tolist(), np.clip(high, *limits).tolist(), strict=True))
    return intervals


def _mean_lot(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Ends (M,) of the intervals of the means of rows (M,S)."""
    estimates = values.mean(1)
    moved = values - estimates[:, None]
    sequences = values.shape[1]
    away = moved @ weights.T
    away /= sequences
    error = moved**2 @ weights.T
    error /= sequences
    error -= away**2
    np.maximum(error, 0, out=error)
    np.sqrt(error, out=error)
    error /= np.sqrt(sequences)
    return studentised(estimates, np.sqrt((moved**2).mean(1) / sequences), away, error)


def sign_flip(differences: Floats, count: int, seed: int) -> Floats:
    """Two-sided p values (M,) of the means of paired differences (S,M): each sequence's sign is as likely one as
    the other."""
    observed = np.abs(differences.mean(0))
    signs = flips(len(differences), count, seed)
    reached = np.abs(signs @ differences / len(differences)) >= observed * (1 - 1e-12) - 1e-15
    return np.asarray((1 + reached.sum(0)) / (1 + count), np.float64)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's correction for as many tests as there are."""
    order = np.argsort(p, kind="stable")
    scaled = np.asarray(p, np.float64)[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in corrected]


@dataclass(frozen=True)
class Difference:
    """A paired difference a - b: its size, 95 % interval and uncorrected p value."""

    value: float
    interval: Interval
    p: float


def paired(differences: Floats, count: int, seed: int) -> list[Difference]:
    """Paired bootstrap and sign-flip test of the means of differences (S,M), in lots that keep memory small."""
    results: list[Difference] = []
    for start in range(0, differences.shape[1], 256):
        part = differences[:, start : start + 256]
        intervals = mean_intervals(part, count, seed, (-1.0, 1.0))
        p = sign_flip(part, count, seed)
        means = part.mean(0)
        results += [Difference(float(m), i, float(q)) for m, i, q in zip(means, intervals, p, strict=True)]
    return results


LEAST = 6
"""Sequences without which no sign-flip test has a p value below .05."""
POWER = 0.8


def sequences_needed(differences: Sequence[float]) -> int | None:
    """How many sequences would tell a mean paired difference from none with a power of .8 at the level .05.

    By a normal approximation from the mean and the spread of these differences, no fewer than a sign-flip test needs.
    None of fewer than two differences, and where their mean is 0.
    """
    if len(differences) < 2 or not (mean := fmean(differences)):
        return None
    quantile = NormalDist().inv_cdf
    wanted = (quantile((1 + LEVEL) / 2) + quantile(POWER)) * stdev(differences) / mean
    return max(LEAST, math.ceil(wanted**2))


def verdict(interval: Interval, p: float, higher: bool = True) -> Verdict:
    """Whether "a beats b" holds, or b beats a, for the interval and the p value of a - b: both must exclude zero.

    higher: whether more is better.
    """
    if p >= SIGNIFICANT or interval[0] <= 0 <= interval[1]:
        return "cannot tell"
    return "holds" if (interval[0] > 0) == higher else "the reverse"
