"""What the paper's tables claim, and whether it holds here: for every "A beats B" a verdict on this run's own numbers.

A table claims that A beats B where it prints a higher score for A. Where this run has both, the verdict is that of the
paired difference over sequences: its 95 % interval and its sign-flip test, corrected by Holm's method for the claims of
that table (docs/evaluation.md). Every score of the tables is better when it is higher.
"""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dat.base import naming
from dat.benchmarks import words
from dat.evaluation import statistics
from dat.report import published
from dat.report.metrics import Difference, Scores

COLUMNS = (
    *("table", "a", "b", "benchmark", "metric", "paper", "ours", "low", "high", "p", "verdict", "data_set"),
    "needed",
)
"""The columns of the claims' CSV: `paper` and `ours` are differences a - b, `p` is corrected for the table's claims,
`needed` is how many sequences would tell an undecided one."""

OWN = {"6": tuple((name, "salnet", "redetection", "redetected") for name in ("dat-to", "dat-nl", "dat-jtnl"))}
"""What the paper claims in words, without numbers, by our own table: a, b, benchmark, metric. Attention finds a lost
target again."""

IN_TEXT = "text"
"""The table's name of the scores that the paper prints in its text."""


@dataclass(frozen=True)
class Claim:
    """The paper prints a higher score for `a` than for `b`: by how much (None in words), and what this run finds."""

    table: str
    a: str
    b: str
    benchmark: str
    metric: str
    paper: float | None
    ours: Difference
    p: float
    data_set: str

    @property
    def verdict(self) -> statistics.Verdict:
        """`holds`, `the reverse`, or `cannot tell`."""
        return statistics.verdict(self.ours.interval, self.p)

    @property
    def needed(self) -> int | None:
        """How many sequences would tell; None of a claim that is decided, and where that is not known."""
        return self.ours.needed if self.verdict == "cannot tell" else None


@dataclass(frozen=True)
class Claims:
    """The claims of a table that this run can judge, and how many it cannot, for it has not both trackers."""

    table: str
    judged: tuple[Claim, ...]
    others: int

    @property
    def summary(self) -> str:
        """How many claims hold, in words."""
        if not self.judged:
            return f"This run judges none of this table's {self.others} claims: it has not both trackers of any."
        counts = [(name, sum(claim.verdict == name for claim in self.judged)) for name in VERDICTS]
        words = ", ".join(f"{count} {WORDS[name]}" for name, count in counts if count)
        rest = f" {self.others} more are of trackers that this run has not." if self.others else ""
        return f"Of {len(self.judged)} claims that this run can judge {words}.{rest}"

    @property
    def costs(self) -> list[str]:
        """What it would take to decide the undecided claims, a line each, the numbers rounded up."""
        return [
            f"To tell {words.named(claim.a)} from {words.named(claim.b)} in {where(claim)} takes about "
            f"{_about(claim.needed)} sequences (power {statistics.POWER:g})"
            for claim in self.judged
            if claim.needed is not None
        ]


def _about(count: int) -> str:
    """A number with two digits that count, rounded up."""
    step = 10 ** max(len(str(count)) - 2, 0)
    return f"{-(-count // step) * step:,}"


def where(claim: Claim) -> str:
    """A claim's benchmark and score in words."""
    return f"{words.BENCHMARKS[claim.benchmark]} {words.METRICS[claim.metric]}"


HEADS = ("The paper's claim", "Where", "Paper", "Ours, 95 % interval", "p (Holm)", "Here")
"""The heads of `rows`."""

UNTOLD = "too few sequences"
"""What is shown in the place of a difference that its interval does not bound."""

VERDICTS: tuple[statistics.Verdict, ...] = ("holds", "the reverse", "cannot tell")
WORDS = {"holds": "hold here", "the reverse": "are the other way round", "cannot tell": "cannot be told"}


def printed(table: str) -> Iterator[tuple[str, str, str, str, float | None]]:
    """A table's claims: a, b, benchmark, metric, and by how much a's printed score is higher (None in words). Frames a
    second are none of them [R24]."""
    yield from ((*claim, None) for claim in OWN.get(table, ()))
    scores: dict[tuple[str, str], dict[str, str]] = {}
    for (number, benchmark, tracker, metric), value in published.values().items():
        if number == table and metric != "fps":
            scores.setdefault((benchmark, metric), {})[tracker] = value
    for (benchmark, metric), column in scores.items():
        for first, second in itertools.combinations(column, 2):
            gain = float(column[first]) - float(column[second])
            a, b = (first, second) if gain > 0 else (second, first)
            if gain:
                yield a, b, benchmark, metric, round(abs(gain), 6)


def of_table(table: str, scores: Mapping[str, Scores]) -> Claims:
    """The claims of a table (`1` to `6`, or `text`) and their verdicts."""
    compared: list[tuple[str, str, str, str, float | None, Difference, str]] = []
    others = 0
    for a, b, benchmark, metric, gain in printed(table):
        ours = scores[benchmark].difference(a, b, metric) if benchmark in scores else None
        if ours is None:
            others += 1
        else:
            compared.append((a, b, benchmark, metric, gain, ours, scores[benchmark].data_set))
    corrected = statistics.holm([claim[5].p for claim in compared])
    judged = (Claim(table, *claim[:6], p, claim[6]) for claim, p in zip(compared, corrected, strict=True))
    return Claims(table, tuple(judged), others)


def to_csv(claims: Iterable[Claims]) -> str:
    """The judged claims as CSV, a line a claim, numbers in full."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for claim in (claim for group in claims for claim in group.judged):
        numbers = (repr(value) for value in (claim.ours.value, *claim.ours.interval, claim.p))
        cells = (claim.table, claim.a, claim.b, claim.benchmark, claim.metric, _full(claim.paper))
        writer.writerow(map(naming.cell, (*cells, *numbers, claim.verdict, claim.data_set, _full(claim.needed))))
    return out.getvalue()


def _full(value: float | None) -> str:
    """A number as CSV has it; empty where there is none."""
    return "" if value is None else repr(value)


def rows(claims: Sequence[Claim]) -> list[tuple[str, ...]]:
    """Claims in words, a value a head of `HEADS`: the claim, where, by how much in the paper and here, p, verdict."""
    rows: list[tuple[str, ...]] = []
    for claim in claims:
        low, high = claim.ours.interval
        paper = "in words" if claim.paper is None else f"{claim.paper:+.3f}"
        ours = f"{claim.ours.value:+.3f} [{low:+.3f}, {high:+.3f}]" if claim.ours.tells else UNTOLD
        sentence = f"{words.named(claim.a)} beats {words.named(claim.b)}"
        rows.append((sentence, where(claim), paper, ours, f"{claim.p:.3f}", claim.verdict))
    return rows
