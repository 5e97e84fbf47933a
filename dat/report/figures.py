"""The points that figures 7 to 10 draw, and their CSV: `figure/<n>/<series>/<x>` is a point's address."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dat import naming
from dat.benchmarks import words
from dat.report import published
from dat.report.metrics import Scores

COLUMNS = ("series", "benchmark", "variant", "metric", "x", "y", "address", "low", "high", "profile", "data_set")


@dataclass(frozen=True)
class Point:
    """A point: x as text (it is part of the address), y, and the ends of its 95 % interval where known."""

    x: str
    y: float
    variant: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Series:
    """Points of one line: its name within the figure, what it shows, and the legend's words.

    `data_set` is the name of the data set where it is not the whole figure's.
    """

    name: str
    benchmark: str
    metric: str
    label: str
    points: tuple[Point, ...]
    data_set: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure's panels: a title and an x label each, with their series; `lacks` names what this run has not."""

    number: int
    title: str
    data_set: str
    panels: tuple[tuple[str, str, tuple[Series, ...]], ...]
    lacks: tuple[str, ...] = ()

    @property
    def series(self) -> list[Series]:
        """The series of all panels."""
        return [series for _, _, panel in self.panels for series in panel]


LABELS = {"success": "Overlap threshold", "precision": "Centre error threshold (pixels)"}


def _curve(scores: Scores, variant: str, metric: str) -> Series | None:
    points = scores.curve(variant, metric)
    number = scores.number(variant, metric)
    if not points or number is None:
        return None
    label = f"{words.named(variant)} [{number.value:.3f}]"
    drawn = tuple(Point(x, y, variant) for x, y in points)
    return Series(f"{variant}-{metric}", scores.name, metric, label, drawn)


def _curves(number: int, title: str, scores: Scores | None, variants: Iterable[str]) -> Figure:
    """Success and precision curves of variants on one benchmark, a panel each."""
    names = list(variants)
    if scores is None:
        return Figure(number, title, "", (), tuple(names))
    panels = []
    for metric, label in LABELS.items():
        drawn = [_curve(scores, name, metric) for name in names]
        panels.append((metric.capitalize(), label, tuple(series for series in drawn if series)))
    lacks = tuple(name for name in names if not scores.curve(name, "success"))
    return Figure(number, title, scores.data_set, tuple(panels), lacks)


def _amount(variant: str) -> str:
    """The number in the name of an ablation's variant, as text: 0.1 of `lambda-0p1`, 20 of `nodes-20`."""
    return variant.rpartition("-")[2].replace("p", ".")


def _ablation(name: str, scores: Scores, variants: Iterable[str]) -> Series:
    """Success over the amount that an ablation varies."""
    found = ((variant, scores.number(variant, "success")) for variant in variants)
    points = tuple(Point(_amount(variant), at.value, variant, at.interval) for variant, at in found if at)
    return Series(name, scores.name, "success", "ours", points)


PAIR = ("csrdcf", "csrdcf+attention")
PAIR_SCORES = (
    ("eao", "vot2016", "EAO", "higher is better"),
    ("accuracy", "vot2014", "Accuracy", "higher is better"),
    ("robustness", "vot2014", "Failures a sequence", "lower is better"),
)
"""What figure 7 compares: metric, benchmark, the metric in words, and which end is good."""


def _pair(scores: Scores, metric: str, label: str) -> Series:
    """A score of CSR-DCF without and with the attention map, a point each."""
    found = ((variant, scores.number(variant, metric)) for variant in PAIR)
    points = tuple(Point(variant, at.value, variant, at.interval) for variant, at in found if at)
    return Series(metric, scores.name, metric, label, points, scores.data_set)


def _figure_7(scores: Mapping[str, Scores]) -> Figure:
    """EAO on VOT2016, accuracy and robustness on VOT2014; a benchmark that was not scored has no panel."""
    title = "CSR-DCF without and with the attention map as a channel, VOT2016 and VOT2014"
    panels, lacks = [], []
    for metric, benchmark, label, good in PAIR_SCORES:
        if benchmark in scores:
            drawn = _pair(scores[benchmark], metric, label)
            panels.append((words.BENCHMARKS[benchmark], good, (drawn,)))
            lacks += [f"{name} on {benchmark}" for name in PAIR if name not in [at.variant for at in drawn.points]]
    sets = dict.fromkeys(series.data_set for _, _, panel in panels for series in panel)
    missing = dict.fromkeys([*lacks, *(name for _, name, _, _ in PAIR_SCORES if name not in scores)])
    return Figure(7, title, ", ".join(sets), tuple(panels), tuple(missing))


def _figure_9(scores: Scores | None) -> Figure:
    title = "Success over the triplet loss's weight and over the graph's nodes, OTB-2013"
    every = (*published.LAMBDAS, *published.NODES)
    if scores is None:
        return Figure(9, title, "", (), every)
    left, right = _ablation("lambda", scores, published.LAMBDAS), _ablation("nodes", scores, published.NODES)
    panels = (("Weight of the triplet loss", "λ", (left,)), ("Nodes of a graph", "N (0: no graph)", (right,)))
    lacks = tuple(name for name in every if not scores.number(name, "success"))
    return Figure(9, title, scores.data_set, panels, lacks)


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
