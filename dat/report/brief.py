"""The report in short: the paper's baseline and its method on each benchmark, by the score that it is known by."""

from collections.abc import Mapping
from dataclasses import dataclass

from dat.benchmarks.words import BENCHMARKS, METRICS, named
from dat.evaluation import statistics
from dat.report.claims import IN_TEXT, VERDICTS, WORDS, Claims, of_table, where
from dat.report.metrics import Difference, Number, Scores
from dat.report.tables import OWN, PLANS

BASELINE, METHOD = "pymdnet", "dat-jtnl"
SCORES = ("success", "eao")
"""A benchmark's score is the first of these that it has."""

SAID: dict[statistics.Verdict, str] = {"holds": "better", "the reverse": "worse", "cannot tell": "cannot tell"}


@dataclass(frozen=True)
class Row:
    """A benchmark's score of baseline and method, over how many sequences and seeds, and the paired difference with
    its p value by Holm over all rows."""

    benchmark: str
    metric: str
    sequences: int
    seeds: int
    baseline: Number | None
    method: Number | None
    difference: Difference | None
    p: float

    @property
    def verdict(self) -> str:
        """Whether the method is better, in words; empty where one of the two is not in this run."""
        return SAID[statistics.verdict(self.difference.interval, self.p)] if self.difference else ""


def rows(scores: Mapping[str, Scores]) -> list[Row]:
    """A row for each benchmark that has a score of the baseline or of the method; subsets have none."""
    rows = []
    subsets = {name for of in scores.values() for name in of.data.get("subsets", {})}
    for name, of in scores.items():
        if name in subsets:
            continue
        metric = next((one for one in SCORES if of.number(BASELINE, one) or of.number(METHOD, one)), None)
        if metric is not None:
            pair = of.difference(METHOD, BASELINE, metric)
            seeds = max(len(of.runs(BASELINE)), len(of.runs(METHOD)))
            both = of.number(BASELINE, metric), of.number(METHOD, metric)
            rows.append((name, metric, of.sequences(), seeds, *both, pair))
    p_values = [row[-1].p for row in rows if row[-1]]
    corrected = iter(statistics.holm(p_values) if p_values else [])
    return [Row(*row, next(corrected) if row[-1] else 1.0) for row in rows]


def summary(scores: Mapping[str, Scores]) -> dict[str, dict[str, float]]:
    """The rows' scores by benchmark and variant, few enough for `dvc metrics show`."""
    both = {row.benchmark: {BASELINE: row.baseline, METHOD: row.method} for row in rows(scores)}
    return {
        benchmark: {variant: number.value for variant, number in pair.items() if number}
        for benchmark, pair in both.items()
    }


HEADLINES = 3
DECIDED = {"holds": "the paper's claim holds", "the reverse": "the other way round than in the paper"}


def headlines(scores: Mapping[str, Scores]) -> list[str]:
    """Up to three results, a line each: what this run decides of the paper's claims, the method's first, then baseline
    and method on the benchmarks whose scores tell something; other benchmarks before a second line of one."""
    lines = [*_decided(scores), *_compared(scores)]
    first = dict(reversed(lines))
    ordered = sorted(lines, key=lambda one: first[one[0]] != one[1])
    return [line for _, line in ordered][:HEADLINES]


def _decided(scores: Mapping[str, Scores]) -> list[tuple[str, str]]:
    """A line of each decided claim, with its benchmark."""
    names = (*(str(plan.number) for plan in (*PLANS, OWN)), IN_TEXT)
    judged = [claim for name in names for claim in of_table(name, scores).judged if claim.verdict in DECIDED]
    lines = []
    for claim in sorted(judged, key=lambda claim: (claim.a != METHOD, claim.p)):
        both = (_number(name, scores[claim.benchmark].number(name, claim.metric)) for name in (claim.b, claim.a))
        count = scores[claim.benchmark].sequences()
        line = f"{where(claim)}: {', '.join(both)}; {DECIDED[claim.verdict]} ({count} sequences)"
        lines.append((claim.benchmark, line))
    return lines


def _compared(scores: Mapping[str, Scores]) -> list[tuple[str, str]]:
    """A line of each row whose two scores tell something, with its benchmark."""
    compared = [row for row in rows(scores) if row.difference]
    return [
        (
            row.benchmark,
            f"{BENCHMARKS.get(row.benchmark, row.benchmark)} {METRICS[row.metric]}: "
            f"{_number(BASELINE, row.baseline)}, {_number(METHOD, row.method)}; "
            f"{row.verdict if row.verdict == 'cannot tell' else f'the method is {row.verdict}'} "
            f"({row.sequences} sequences)",
        )
        for row in sorted(compared, key=lambda row: row.verdict == "cannot tell")
        if row.baseline and row.method and row.baseline.tells and row.method.tells
    ]


def _number(variant: str, number: Number | None) -> str:
    """A variant's score with its 95 % interval."""
    assert number is not None
    ends = f" [{number.interval[0]:.3f}, {number.interval[1]:.3f}]" if number.interval else ""
    return f"{named(variant)} {number.value:.3f}{ends}"


def claims_in_words(tables: list[Claims]) -> str:
    """How many of the paper's claims hold here, over all tables and the text."""
    judged = [claim.verdict for table in tables for claim in table.judged]
    if not judged:
        return "This run can judge none of the paper's claims: it has not both trackers of any."
    counts = [(judged.count(name), WORDS[name]) for name in VERDICTS]
    summary = ", ".join(f"{count} {words}" for count, words in counts if count)
    return f"Of the paper's claims this run can judge {len(judged)}: {summary}. Each is judged below its table."
