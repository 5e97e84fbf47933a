"""The points that figures 7 to 10 draw, and their CSV: `figure/<n>/<series>/<x>` is a point's address."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dat.base import naming
from dat.benchmarks import words
from dat.report import published
from dat.report.metrics import Number, Scores, not_enough

COLUMNS = ("series", "benchmark", "variant", "metric", "x", "y", "address", "low", "high", "profile", "data_set")


@dataclass(frozen=True)
class Point:
    """A point: x as text (it is part of the address), y, and the ends of its 95 % interval where known; `few` is what
    is shown in the place of its number where there are too few sequences to tell."""

    x: str
    y: float
    variant: str
    interval: tuple[float, float] | None = None
    few: str = ""

    @property
    def text(self) -> str:
        """Its number, or why there is none."""
        return self.few or f"{self.y:.3f}"


@dataclass(frozen=True)
class Series:
    """Points of one line: its name within the figure, what it shows, and the legend's words.

    `data_set` is the name of the data set where it is not the whole figure's, `paper` the paper's values where it
    prints some: x as the points have it (or a tracker), and y.
    """

    name: str
    benchmark: str
    metric: str
    label: str
    points: tuple[Point, ...]
    data_set: str = ""
    paper: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Figure:
    """A figure's panels: a title and an x label each, with their series; `lacks` names what this run has not, `count`
    says over how many sequences and seeds its scores are.

    `kind` is how it is drawn: curves over thresholds, a score over amounts, or a row a tracker.
    """

    number: int
    title: str
    data_set: str
    panels: tuple[tuple[str, str, tuple[Series, ...]], ...]
    lacks: tuple[str, ...] = ()
    count: str = ""
    kind: Literal["curves", "amounts", "rows"] = "curves"

    @property
    def series(self) -> list[Series]:
        """The series of all panels."""
        return [series for _, _, panel in self.panels for series in panel]


LABELS = {"success": "Overlap threshold", "precision": "Centre error threshold (pixels)"}


def counted(scores: Iterable[Scores]) -> str:
    """Over how many sequences and seeds scores are, in words; of several benchmarks, of each."""
    counts = []
    for of in scores:
        seeds = max((len(of.runs(name)) for name in of.variants), default=0)
        counts.append(f"{of.sequences()} sequences, {seeds} seed{'' if seeds == 1 else 's'}")
    return f"n = {'; '.join(dict.fromkeys(counts))}" if counts else ""


COUNTS = ("robustness", "failures")
"""Scores that are no shares: that their interval has 0 and 1 in it does not say that it is all they can be."""


def _few(scores: Scores, number: Number, metric: str) -> str:
    """What is shown in the place of a share whose interval is all that it can be; empty of another score."""
    return "" if number.tells or metric in COUNTS else not_enough(scores.sequences())


def _point(x: str, variant: str, number: Number, scores: Scores, metric: str) -> Point:
    """A score as a point."""
    return Point(x, number.value, variant, number.interval, _few(scores, number, metric))


def _curve(scores: Scores, variant: str, metric: str) -> Series | None:
    points = scores.curve(variant, metric)
    number = scores.number(variant, metric)
    if not points or number is None:
        return None
    part = f", {scores.completeness(variant)}" if scores.completeness(variant) else ""
    label = f"{words.named(variant)} [{_few(scores, number, metric) or f'{number.value:.3f}'}]{part}"
    ends: Sequence[tuple[float, float] | None] = scores.band(variant, metric) or [None] * len(points)
    drawn = tuple(Point(x, y, variant, at) for (x, y), at in zip(points, ends, strict=True))
    return Series(f"{variant}-{metric}", scores.name, metric, label, drawn)


def _curves(number: int, title: str, scores: Scores | None, variants: Iterable[str]) -> Figure:
    """Success and precision curves of variants and of baselines on one benchmark, a panel each."""
    names = [*variants, *(scores.baselines if scores else ())]
    if scores is None:
        return Figure(number, title, "", (), tuple(names))
    panels = []
    for metric, label in LABELS.items():
        drawn = [_curve(scores, name, metric) for name in names]
        panels.append((metric.capitalize(), label, tuple(series for series in drawn if series)))
    lacks = tuple(name for name in names if not scores.curve(name, "success"))
    return Figure(number, title, scores.data_set, tuple(panels), lacks, counted([scores]))


def _amount(variant: str) -> str:
    """The number in the name of an ablation's variant, as text: 0.1 of `lambda-0p1`, 20 of `nodes-20`."""
    return variant.rpartition("-")[2].replace("p", ".")


PRINTED = {"nodes-0": ("4", "pymdnet"), "nodes-32": ("4", "pymdnet+gcn")}
"""Points of figure 9 that the paper prints as a number elsewhere: the table, and its row there."""


def _ablation(name: str, scores: Scores, variants: Iterable[str], metric: str) -> Series:
    """A metric over the amount that an ablation varies, with the paper's numbers where a table prints them."""
    values = [(variant, scores.number(variant, metric)) for variant in variants]
    points = tuple(
        Point(_amount(variant), at.value, variant, at.interval, _few(scores, at, metric))
        for variant, at in values
        if at
    )
    printed = (
        (variant, published.printed(PRINTED[variant][0], "otb2013", PRINTED[variant][1], metric))
        for variant, _ in values
        if variant in PRINTED
    )
    paper = tuple((_amount(variant), float(value)) for variant, value in printed if value)
    return Series(name, scores.name, metric, metric, points, paper=paper)


PAIR = ("csrdcf", "csrdcf+attention")
PAIR_SCORES = (
    ("eao", "vot2016", "EAO", "higher is better"),
    ("accuracy", "vot2014", "Accuracy", "higher is better"),
    ("robustness", "vot2014", "Failures a sequence", "lower is better"),
)
"""What figure 7 compares: metric, benchmark, the metric in words, and which end is good."""


def _pair(scores: Scores | None, benchmark: str, metric: str, label: str) -> Series:
    """A score of CSR-DCF without and with the attention map and of the baselines, a point each, and what table 2 prints
    of others, which is EAO."""
    points: tuple[Point, ...] = ()
    if scores:
        values = ((name, scores.number(name, metric)) for name in (*PAIR, *scores.baselines))
        points = tuple(Point(name, at.value, name, at.interval, _few(scores, at, metric)) for name, at in values if at)
    table = [(name, published.printed("2", benchmark, name, metric)) for name in published.trackers("2")]
    paper = sorted(((words.named(name), float(value)) for name, value in table if value), key=lambda one: -one[1])
    return Series(metric, benchmark, metric, label, points, scores.data_set if scores else "", tuple(paper))


def _figure_7(scores: Mapping[str, Scores]) -> Figure:
    """EAO on VOT2016, accuracy and robustness on VOT2014; without scores and values of the paper there is no panel."""
    title = "CSR-DCF without and with the attention map as a channel, VOT2016 and VOT2014"
    panels, lacks = [], []
    for metric, benchmark, label, good in PAIR_SCORES:
        drawn = _pair(scores.get(benchmark), benchmark, metric, label)
        if benchmark in scores or drawn.paper:
            panels.append((words.BENCHMARKS[benchmark], good, (drawn,)))
        if benchmark in scores:
            lacks += [f"{name} on {benchmark}" for name in PAIR if name not in [at.variant for at in drawn.points]]
    sets = dict.fromkeys(series.data_set for _, _, panel in panels for series in panel if series.data_set)
    missing = dict.fromkeys([*lacks, *(name for _, name, _, _ in PAIR_SCORES if name not in scores)])
    there = [scores[name] for name in dict.fromkeys(name for _, name, _, _ in PAIR_SCORES) if name in scores]
    return Figure(7, title, ", ".join(sets), tuple(panels), tuple(missing), counted(there), "rows")


def _figure_9(scores: Scores | None) -> Figure:
    title = "Success and precision over the triplet loss's weight and over the graph's nodes, OTB-2013"
    every = (*published.LAMBDAS, *published.NODES)
    if scores is None:
        return Figure(9, title, "", (), every, kind="amounts")
    left, right = (
        (_ablation(name, scores, variants, "success"), _ablation(f"{name}-precision", scores, variants, "precision"))
        for name, variants in (("lambda", published.LAMBDAS), ("nodes", published.NODES))
    )
    panels = (("Weight of the triplet loss", "λ", left), ("Nodes of a graph", "N (0: no graph)", right))
    lacks = tuple(name for name in every if not scores.number(name, "success"))
    return Figure(9, title, scores.data_set, panels, lacks, counted([scores]), "amounts")


def build_all(scores: Mapping[str, Scores]) -> list[Figure]:
    """Figures 7 to 10 as points."""
    pair = ("pymdnet", "dat-jtnl")
    return [
        _figure_7(scores),
        _curves(8, "Success and precision on TC128", scores.get("tc128"), pair),
        _figure_9(scores.get("otb2013")),
        _curves(10, "Success and precision on OTB-100's targets with look-alikes", scores.get("otb100-similar"), pair),
    ]


def to_csv(figure: Figure, profile: str) -> str:
    """The points of a figure as CSV, y in full."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for series in figure.series:
        for at in series.points:
            low, high = (repr(end) for end in at.interval) if at.interval else ("", "")
            address = f"figure/{figure.number}/{series.name}/{at.x}"
            facts = (series.name, series.benchmark, at.variant, series.metric, at.x, repr(at.y), address, low, high)
            writer.writerow(map(naming.cell, (*facts, profile, series.data_set or figure.data_set)))
    return out.getvalue()
