"""What this run has for each number that the report shows, a second time: scores, intervals, claims, and the paper's.

Claims are those of published.csv, corrected by Holm's method.
"""

import csv
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dat.audit.addresses import Numbers
from dat.audit.intervals import Intervals
from dat.audit.scores import Results
from dat.base import outside
from dat.base.errors import DatError
from dat.benchmarks.words import BENCHMARKS, METRICS, named

PUBLISHED = "dat/report/published.csv"
"""The paper's numbers, below the checkout's top."""

SIGNIFICANT = 0.05
RECOMPUTED = "recomputed here"
"""What the page says of a score of another tracker's."""

UNTOLD = "too few sequences"
"""What the report shows in the place of a difference that its interval does not bound."""

COUNTS = ("robustness", "failures")
"""Scores that are no shares."""
IN_WORDS = [("6", name, "salnet", "redetection", "redetected") for name in ("dat-to", "dat-nl", "dat-jtnl")]
"""The claims that the paper makes without numbers."""
Interval = tuple[float, float] | None
Difference = tuple[float, float, float, float]
"""A paired difference, the ends of its interval, and its p value."""


def decimals(metric: str) -> int:
    """How many decimals the report shows of a score."""
    return 4 if metric == "eao" else 3


@dataclass(frozen=True)
class Claim:
    """The paper prints more for `a` than for `b`: by how much (None in words), the difference in this run with its p by
    Holm, and how many sequences would tell it from none."""

    table: str
    a: str
    b: str
    benchmark: str
    metric: str
    paper: float | None
    ours: float
    low: float
    high: float
    p: float
    data_set: str
    would_tell: int | None = None

    @property
    def needed(self) -> int | None:
        """How many sequences would tell; None of a claim that is decided."""
        return self.would_tell if self.verdict == "cannot tell" else None

    @property
    def verdict(self) -> str:
        """Whether it holds here."""
        return verdict(self.low, self.high, self.p)

    def words(self) -> list[str]:
        """The claim as a row of a table in words."""
        metric = METRICS[self.metric]
        paper = "in words" if self.paper is None else f"{self.paper:+.3f}"
        sentence = f"{named(self.a)} beats {named(self.b)}"
        ours = UNTOLD if self.low <= -1 and self.high >= 1 else f"{self.ours:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"
        where = f"{BENCHMARKS.get(self.benchmark, self.benchmark)} {metric}"
        return [sentence, where, paper, ours, f"{self.p:.3f}", self.verdict]


def verdict(low: float, high: float, p: float) -> str:
    """What a difference says of a claim: both its interval and p must exclude zero."""
    if p >= SIGNIFICANT or low <= 0 <= high:
        return "cannot tell"
    return "holds" if low > 0 else "the reverse"


def holm(values: list[float]) -> list[float]:
    """p values corrected for as many tests as there are (Holm 1979)."""
    corrected, last = [0.0] * len(values), 0.0
    for rank, at in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        last = max(last, min(1.0, values[at] * (len(values) - rank)))
        corrected[at] = last
    return corrected


@dataclass(frozen=True)
class Printed:
    """The run's numbers as its scores have them, and the paper's."""

    numbers: Numbers

    @cached_property
    def results(self) -> Results:
        """The run's result files, scored again."""
        return Results(self.numbers.settings)

    @cached_property
    def intervals(self) -> Intervals:
        """The intervals of its scores, computed again."""
        return Intervals(self.results)

    def scores(self, benchmark: str) -> Mapping[str, Any]:
        """The file of scores of a benchmark or subset; empty where there is none."""
        scores = self.numbers.scores.get(benchmark)
        return scores.data if scores else {}

    def _variant(self, benchmark: str, variant: str) -> Mapping[str, Any]:
        scores = self.numbers.scores.get(benchmark)
        entry = self.scores(benchmark).get("variants", {}).get(variant) or (scores and scores.baselines.get(variant))
        return entry if isinstance(entry, Mapping) else {}

    def score(self, benchmark: str, variant: str, metric: str) -> float | None:
        """A variant's score; None when this run has none."""
        value = self._variant(benchmark, variant).get(metric)
        return None if value is None else float(value)

    def interval(self, benchmark: str, variant: str, metric: str) -> Interval:
        """The 95 % interval of a score; None where there is none."""
        ends = self._variant(benchmark, variant).get(f"{metric}_interval")
        return (float(ends[0]), float(ends[1])) if ends else None

    def between(self, benchmark: str, variant: str, metric: str) -> str:
        """A score's interval as the page shows it; empty where it shows none."""
        ends = self.interval(benchmark, variant, metric)
        return f"{ends[0]:.3f} to {ends[1]:.3f}" if ends and not self.too_few(benchmark, variant, metric) else ""

    def beside(self, benchmark: str, variant: str, metric: str) -> list[str]:
        """What may stand beside a score in small print: interval, spread over seeds, and how it came about."""
        spread = self._variant(benchmark, variant).get("spread", {}).get(metric)
        texts = [
            self.between(benchmark, variant, metric),
            f"± {float(spread):.3f}" if spread is not None else "",
            RECOMPUTED,
            self.scored(benchmark, variant),
        ]
        return [text for text in texts if text]

    def data_set(self, benchmark: str) -> str:
        """The name of the data set that a benchmark's scores are of."""
        return str(self.scores(benchmark).get("data_set", benchmark))

    def scored(self, benchmark: str, variant: str) -> str:
        """`37 of 51 sequences` where not all were scored, else empty."""
        scores = self.numbers.scores.get(benchmark)
        runs = [scores.runs[name] for name in sorted(scores.trackers(variant, None))] if scores else []
        part = [run for run in runs if not run.get("complete", True)]
        return f"{part[0]['scored']} of {part[0]['expected']} sequences" if part else ""

    def sequences(self, benchmark: str) -> int:
        """How many sequences a benchmark has in this run."""
        return max((int(run["expected"]) for run in self.scores(benchmark).get("trackers", {}).values()), default=0)

    def too_few(self, benchmark: str, variant: str, metric: str) -> str:
        """What the report shows of a score whose interval is all that it can be; empty of another score."""
        ends, count = self.interval(benchmark, variant, metric), self.sequences(benchmark)
        if metric in COUNTS or not ends or ends[0] > 0 or ends[1] < 1:
            return ""
        return f"{count} sequence{'' if count == 1 else 's'}: not enough to tell"

    def curve(self, benchmark: str, variant: str, metric: str) -> list[float]:
        """A curve's points, the mean over seeds; none where this run has none."""
        scores = self.numbers.scores.get(benchmark)
        runs = [scores.runs[name] for name in scores.trackers(variant, None)] if scores else []
        curves = [run["curves"][metric] for run in runs if metric in run.get("curves", {})]
        return [sum(values) / len(values) for values in zip(*curves, strict=True)]

    def band(self, benchmark: str, variant: str, metric: str, at: int) -> Interval:
        """The 95 % interval of a curve's point; None where there is none."""
        ends = self._variant(benchmark, variant).get("curve_intervals", {}).get(metric, [])
        return (float(ends[at][0]), float(ends[at][1])) if at < len(ends) else None

    # ------------------------------------------------------------ the paper

    @cached_property
    def paper(self) -> dict[tuple[str, str, str, str], str]:
        """What the paper prints, by table, benchmark, tracker and metric; none where the file cannot be read."""
        return {place: value for place, value in self._published.items() if value}

    @cached_property
    def _published(self) -> dict[tuple[str, str, str, str], str]:
        """The same with its dashes, which are empty."""
        try:
            rows = list(csv.DictReader(outside.read_text(self.numbers.settings.top / PUBLISHED).splitlines()))
            return {(row["table"], row["dataset"], row["tracker"], row["metric"]): row["value"] for row in rows}
        except (DatError, KeyError):
            return {}

    @property
    def columns(self) -> list[tuple[str, str, str]]:
        """Table, benchmark and metric of each column of the paper's tables."""
        return list(
            dict.fromkeys((table, name, metric) for table, name, _, metric in self._published if table.isdecimal())
        )

    def rows(self, table: str) -> list[str]:
        """The rows of one of the paper's tables."""
        return list(dict.fromkeys(tracker for number, _, tracker, _ in self._published if number == table))

    def variants(self, benchmark: str) -> list[str]:
        """The variants that this run scored on a benchmark."""
        return list(self.scores(benchmark).get("variants", {}))

    def baselines(self, benchmark: str) -> list[str]:
        """The other trackers whose raw results this run scored on a benchmark."""
        scores = self.numbers.scores.get(benchmark)
        return list(scores.baselines) if scores else []

    @cached_property
    def claims(self) -> list[Claim]:
        """All that the paper claims and this run can judge, table by table."""
        tables = dict.fromkeys(table for table, *_ in (*self.paper, *IN_WORDS))
        return [claim for table in sorted(tables) for claim in self._corrected(list(self._claims(table)))]

    def _claims(self, table: str) -> Iterator[Claim]:
        """A table's claims with their p values as they are alone. Frames a second are none."""
        columns: dict[tuple[str, str], dict[str, float]] = {}
        for (number, benchmark, tracker, metric), value in self.paper.items():
            if number == table and metric != "fps":
                columns.setdefault((benchmark, metric), {})[tracker] = float(value)
        for (benchmark, metric), column in columns.items():
            for first, second in itertools.combinations(column, 2):
                a, b = sorted((first, second), key=column.__getitem__, reverse=True)
                ours = self.difference(benchmark, a, b, metric)
                if column[a] != column[b] and ours is not None:
                    gain = round(column[a] - column[b], 6)
                    yield self._claim(table, a, b, benchmark, metric, gain, ours)
        for number, a, b, benchmark, metric in IN_WORDS:
            ours = self.difference(benchmark, a, b, metric)
            if number == table and ours is not None:
                yield self._claim(table, a, b, benchmark, metric, None, ours)

    def _claim(
        self, table: str, a: str, b: str, benchmark: str, metric: str, gain: float | None, ours: Difference
    ) -> Claim:
        needed = self._needed(benchmark, a, b, metric)
        return Claim(table, a, b, benchmark, metric, gain, *ours, self.data_set(benchmark), needed)

    def _needed(self, benchmark: str, a: str, b: str, metric: str) -> int | None:
        """(1.96 + .84)^2 times variance over squared mean of the sequences' differences, rounded up, at least 6."""
        values = self.differences(benchmark, a, b, metric)
        mean = math.fsum(values) / max(len(values), 1)
        if len(values) < 2 or not mean:
            return None
        variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
        return max(6, math.ceil((1.959963984540054 + 0.8416212335729143) ** 2 * variance / mean**2))

    def differences(self, benchmark: str, a: str, b: str, metric: str) -> list[float]:
        """The differences a - b of the sequences that both have; none where sequences have no such score."""
        first, second = (self._by_sequence(benchmark, variant, metric) for variant in (a, b))
        return [first[name] - second[name] for name in first if name in second]

    def _by_sequence(self, benchmark: str, variant: str, metric: str) -> dict[str, float]:
        """A variant's score of each sequence, the mean over its seeds; empty where sequences have none."""
        scores = self.numbers.scores.get(benchmark)
        runs = [scores.runs[name].get("sequences", {}) for name in scores.trackers(variant, None)] if scores else []
        names = runs[0] if runs else {}
        if not all(metric in run.get(name, {}) for run in runs for name in names):
            return {}
        return {name: math.fsum(run[name][metric] for run in runs) / len(runs) for name in names}

    def _corrected(self, claims: list[Claim]) -> Iterator[Claim]:
        for claim, p in zip(claims, holm([claim.p for claim in claims]), strict=True):
            yield Claim(**{**claim.__dict__, "p": p})

    @cached_property
    def _pairs(self) -> dict[tuple[str, str, str, str], Mapping[str, Any]]:
        """The paired differences of all scores, by benchmark, metric and both variants."""
        return {
            (benchmark, pair["metric"], *(str(pair[side]).partition("@seed-")[0] for side in ("a", "b"))): pair
            for benchmark, scores in self.numbers.scores.items()
            for pair in reversed(scores.data.get("pairs", []))
        }

    def difference(self, benchmark: str, a: str, b: str, metric: str) -> Difference | None:
        """The paired difference a - b, the ends of its interval, and its p value for this pair alone."""
        for names, sign in (((a, b), 1), ((b, a), -1)):
            pair = self._pairs.get((benchmark, metric, *names))
            if pair is not None:
                ends = sorted(sign * float(end) for end in pair["interval"])
                return sign * float(pair["difference"]), ends[0], ends[1], float(pair.get("p_uncorrected", pair["p"]))
        return None
