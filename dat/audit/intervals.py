"""The 95 % intervals of scores and of paired differences, and p values, computed again from result files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dat.audit import resampling
from dat.audit.addresses import Address, Scores
from dat.audit.checks import Check, compare, missing
from dat.audit.resampling import Ends, Table
from dat.audit.scores import REDETECTION, Results
from dat.base.errors import DatError

CLOSE = 1e-6
"""Of ends: resamples that hardly spread are far away in their own spread, which magnifies what rounding leaves."""
MOST = {"robustness": math.inf}
"""What a score can be at most, where it is not 1."""


@dataclass(frozen=True)
class Paired:
    """A paired difference a - b, the ends of its interval, and its p value for this pair alone."""

    difference: float
    ends: Ends
    p: float


@dataclass
class Intervals:
    """The intervals of a profile's scores; what was computed is remembered."""

    results: Results
    _ends: dict[tuple[str, ...], list[Ends] | None] = field(default_factory=dict)
    _tables: dict[tuple[str, ...], Table | None] = field(default_factory=dict)
    _values: dict[tuple[str, ...], NDArray[np.float64] | None] = field(default_factory=dict)

    @property
    def _chance(self) -> tuple[int, int]:
        evaluation = self.results.settings.root.evaluation
        return evaluation.resamples, evaluation.seed

    # ------------------------------------------------------------ checks

    def check(self, scores: Scores, address: Address) -> list[Check]:
        """The interval that the scores have of a number against that of its sequences; of a number that has none,
        nothing."""
        trackers = scores.trackers(address.variant, address.seed)
        known = self.results.manifest(self.results.manifest_of(scores.parent)) is not None  # else the score says so
        if address.sequence or not known or (address.at is None and len(trackers) != 1):
            return []
        place = "" if address.at is None else f", point {address.at}"
        subject = f"{scores.file}: {scores.name} {address.variant} {address.metric}{place}, 95 % interval"
        try:
            held = self._held(scores, address, trackers)
            ends = self._of(scores, address, trackers)
        except (DatError, OSError):  # the score itself says so
            return []
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            return [missing("interval", subject, "two numbers")]
        if ends is None or not all(map(math.isfinite, ends)):
            return [] if held is None else [compare("interval", subject, None, said(held))]
        if held is None:
            return [missing("interval", subject, said(ends))]
        return [compare("interval", subject, said(ends), said(ends if near(ends, held) else held))]

    def _held(self, scores: Scores, address: Address, trackers: Sequence[str]) -> Ends | None:
        variants = scores.data.get("variants", {})
        if address.at is None:
            whole = address.seed is None and address.variant in variants
            entry = variants[address.variant] if whole else scores.runs[trackers[0]]
            found = entry.get(f"{address.metric}_interval")
        else:
            bands = variants.get(address.variant, {}).get("curve_intervals", {})
            found = dict(enumerate(bands.get(address.metric, []))).get(address.at)
        return (float(found[0]), float(found[1])) if found else None

    # ------------------------------------------------------------ intervals

    def _of(self, scores: Scores, address: Address, trackers: Sequence[str]) -> Ends | None:
        """The interval of a score, or of a point of a curve; None where it has none."""
        key = (scores.name, address.metric, "" if address.at is None else "points", *trackers)
        if key not in self._ends:
            self._ends[key] = self._computed(scores, address, trackers)
        ends = self._ends[key]
        return None if ends is None else ends[address.at or 0]

    def _computed(self, scores: Scores, address: Address, trackers: Sequence[str]) -> list[Ends] | None:
        metric, draws = address.metric, self._chance
        if address.at is not None:
            if trackers[0] in scores.baselines:
                return None
            curves = [self.results.points(scores, tracker, metric) for tracker in trackers]
            known = [curve for curve in curves if curve is not None]
            return resampling.mean_ends(np.mean(known, axis=0), *draws, 0.0, 1.0) if known else None
        if self._is_vot(scores):
            table = self._table(scores, trackers, metric)
            if table is None or not table[1].any():
                return None
            return [resampling.share_ends(table, None, *draws, 0.0, MOST.get(metric, 1.0))]
        values = self._each(scores, trackers, metric)
        if values is None:
            return None
        if scores.data.get("definition") == REDETECTION:
            return [resampling.found_again_ends(int(values.sum()), len(values))]
        return resampling.mean_ends(values[:, None], *draws, 0.0, 1.0)

    # ------------------------------------------------------------ pairs

    def paired(self, scores: Scores, a: str, b: str, metric: str) -> Paired | None:
        """The paired difference of two variants; None where this implementation does not know the definition."""
        both, draws = [scores.trackers(name, None) for name in (a, b)], self._chance
        if self._is_vot(scores):
            one, other = (self._table(scores, trackers, metric) for trackers in both)
            if one is None or other is None:
                return None
            most = MOST.get(metric, 1.0)
            ends = resampling.share_ends(one, other, *draws, -most, most)
            difference = resampling.share(one) - resampling.share(other)
            return Paired(difference, ends, resampling.share_p(one, other, *draws))
        first, second = (self._each(scores, trackers, metric) for trackers in both)
        if first is None or second is None or len(first) != len(second):
            return None
        differences = first - second
        (ends,) = resampling.mean_ends(differences[:, None], *draws, -1.0, 1.0)
        if scores.data.get("definition") == REDETECTION and set(differences.tolist()) <= {-1.0, 0.0, 1.0}:
            alone = int((differences > 0).sum()), int((differences < 0).sum())
            ends = resampling.found_again_apart(*alone, len(differences))
        return Paired(float(differences.mean()), ends, resampling.mean_p(differences, *draws))

    # ------------------------------------------------------------ values

    def _is_vot(self, scores: Scores) -> bool:
        return self.results.settings.root.benchmarks[scores.parent].protocol == "vot"

    def _each(self, scores: Scores, trackers: Sequence[str], metric: str) -> NDArray[np.float64] | None:
        """The scores of sequences (S,), the means over trackers."""
        key = (scores.name, metric, *trackers)
        if key not in self._values:
            values = [self.results.each(scores, tracker, metric) for tracker in trackers]
            known = [value for value in values if value is not None]
            self._values[key] = np.mean(known, axis=0) if known and len(known) == len(values) else None
        return self._values[key]

    def _table(self, scores: Scores, trackers: Sequence[str], metric: str) -> Table | None:
        """What a score of VOT is the mean share of, the sums over trackers."""
        key = (scores.name, metric, *trackers)
        if key not in self._tables:
            tables = [self.results.shares(scores, tracker, metric) for tracker in trackers]
            known = [table for table in tables if table is not None]
            sums = np.sum(known, axis=0) if known and len(known) == len(tables) else None
            self._tables[key] = None if sums is None else (sums[0], sums[1])
        return self._tables[key]


def near(one: Ends, other: Ends) -> bool:
    """Whether two intervals have the same ends."""
    return all(math.isclose(a, b, rel_tol=CLOSE, abs_tol=CLOSE) for a, b in zip(one, other, strict=True))


def said(ends: Ends) -> str:
    """An interval in words."""
    return f"{ends[0]:.6g} to {ends[1]:.6g}"
