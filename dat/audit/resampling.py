"""Intervals and tests of scores computed again: a second implementation, which shares nothing with `dat.evaluation`.

Sequences are drawn with replacement by NumPy's default generator, seeded with the settings' seed and the number of
sequences; signs by one that is seeded with a 1 besides. With the same draws the same ends and p values come out.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ends = tuple[float, float]
Table = tuple[Floats, Floats]
"""What a score is the mean share of: numerators and denominators, a row a sequence and a column a length (S,L)."""
TAIL = 0.025
"""Of resamples beyond each end."""
NORMAL = 1.959963984540054
"""The normal distribution's point beyond which such a tail lies."""
NONE = 1e-9
"""A spread is none where it is no more of the score's own."""


@functools.lru_cache(maxsize=8)
def counts(sequences: int, resamples: int, seed: int) -> Floats:
    """How often each resample has each sequence (R,S)."""
    drawn = np.random.default_rng([seed, sequences]).integers(0, sequences, (resamples, sequences))
    return np.stack([(drawn == one).sum(1) for one in range(sequences)], axis=1).astype(np.float64)


@functools.lru_cache(maxsize=8)
def signs(sequences: int, resamples: int, seed: int) -> Floats:
    """1 or -1 for each sequence of each test (R,S): of which the two trackers change places."""
    drawn = np.random.default_rng([seed, sequences, 1]).integers(0, 2, (resamples, sequences), dtype=np.int8)
    return np.where(drawn == 1, 1.0, -1.0)


def mean_ends(values: Floats, resamples: int, seed: int, least: float, most: float) -> list[Ends]:
    """95 % intervals of the means of columns (S,M) by the bootstrap-t, within what a mean can be."""
    weights = counts(len(values), resamples, seed)
    means = values.mean(0)
    moved = (values - means).T
    spread = np.sqrt((moved**2).mean(1) / len(values))
    away = moved @ weights.T / len(values)
    of_draw = np.sqrt(np.maximum(moved**2 @ weights.T / len(values) - away**2, 0) / len(values))
    ends = [_ends(*one) for one in zip(means, spread, away, of_draw, strict=True)]
    return [(min(max(low, least), most), min(max(high, least), most)) for low, high in ends]


def share_ends(one: Table, other: Table | None, resamples: int, seed: int, least: float, most: float) -> Ends:
    """The 95 % interval of a mean share, or of the difference of two on the same sequences, by the bootstrap-t.

    The spread of each resample is that of the influence of its sequences on the share.
    """
    weights = counts(len(one[0]), resamples, seed)
    value, influence = _influences(one, np.ones((1, len(one[0]))))
    drawn, of_drawn = _influences(one, weights)
    if other is not None:
        value_b, influence_b = _influences(other, np.ones((1, len(one[0]))))
        drawn_b, of_drawn_b = _influences(other, weights)
        value, influence = value - value_b, influence - influence_b
        drawn, of_drawn = drawn - drawn_b, of_drawn - of_drawn_b
    count = len(one[0])
    of_draw = np.sqrt((weights * of_drawn**2).sum(1)) / count
    low, high = _ends(float(value[0]), math.sqrt(float((influence**2).sum())) / count, drawn - value[0], of_draw)
    return min(max(low, least), most), min(max(high, least), most)


def share(table: Table) -> float:
    """The mean share of all sequences."""
    return float(_shares((table[0].sum(0), table[1].sum(0))))


def _shares(table: Table) -> Floats:
    """Rows of numerators over rows of denominators, 0 where there is nothing below, and the mean of each row."""
    above, below = table
    return np.asarray(np.divide(above, below, out=np.zeros_like(above), where=below > NONE).mean(-1), np.float64)


def _influences(table: Table, weights: Floats) -> tuple[Floats, Floats]:
    """The mean share of weighted sequences (R,), and how each sequence moves it (R,S)."""
    above, below = table
    values, influences = [], []
    for part in np.array_split(weights, max(1, len(weights) // 1000)):
        total = part @ below
        held = np.divide(1.0, total, out=np.zeros_like(total), where=total > NONE)
        curve = part @ above * held
        values.append(curve.mean(1))
        influences.append((held @ above.T - (curve * held) @ below.T) * (len(above) / above.shape[1]))
    return np.concatenate(values), np.concatenate(influences)


def _ends(value: float, spread: float, away: Floats, of_draw: Floats) -> Ends:
    """A score less its spread times the outer points of how far resamples are away, each in its own spread."""
    if spread <= 0:
        return value, value
    still = of_draw <= NONE * spread
    far = np.where(np.abs(away) <= NONE * spread, 0.0, np.copysign(np.inf, away))
    distances = np.divide(away, of_draw, out=far, where=~still)
    rank = min(max(math.floor(TAIL * (len(away) + 1)) - 1, 0), len(away) - 1)
    distances.partition((rank, len(away) - 1 - rank))
    return value - float(distances[len(away) - 1 - rank]) * spread, value - float(distances[rank]) * spread


def mean_p(differences: Floats, resamples: int, seed: int) -> float:
    """How often the mean of differences (S,) is as far from 0 when each one's sign is as likely the other."""
    drawn = signs(len(differences), resamples, seed) @ differences / len(differences)
    return _p(drawn, float(differences.mean()))


def share_p(one: Table, other: Table, resamples: int, seed: int) -> float:
    """How often two mean shares are as far apart when each sequence's results are as likely the other tracker's."""
    kept = (signs(len(one[0]), resamples, seed) + 1) / 2
    swapped = 1 - kept
    first = _shares((kept @ one[0] + swapped @ other[0], kept @ one[1] + swapped @ other[1]))
    second = _shares((swapped @ one[0] + kept @ other[0], swapped @ one[1] + kept @ other[1]))
    return _p(first - second, share(one) - share(other))


def _p(drawn: Floats, found: float) -> float:
    """The share of draws that are as far from 0, rounding apart, the found one being one of them."""
    return (1 + int(np.count_nonzero(np.abs(drawn) >= abs(found) * (1 - 1e-12) - 1e-15))) / (1 + len(drawn))


def found_again_ends(hits: int, count: int) -> Ends:
    """Wilson's 95 % interval of a share of sequences."""
    share, square = hits / count, NORMAL**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    reach = NORMAL / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def found_again_apart(more: int, less: int, count: int) -> Ends:
    """Bonett and Price's adjusted Wald interval of a paired difference of shares of sequences: `more` are found again
    by the first tracker alone, `less` by the second alone."""
    one, other = (more + 1) / (count + 2), (less + 1) / (count + 2)
    reach = NORMAL * math.sqrt((one + other - (one - other) ** 2) / (count + 2))
    return max(one - other - reach, -1.0), min(one - other + reach, 1.0)
