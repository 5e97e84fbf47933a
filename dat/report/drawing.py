"""Drawings of figures 7 to 10 as SVG and PNG. The same points give the same bytes: no dates, fixed identifiers."""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dat.benchmarks import words
from dat.report.figures import PAIR, Figure, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

COLOURS = ("#4d5866", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00")
"""Told apart by colour-blind readers too (Okabe and Ito, but for a grey in place of black)."""
MARKS = ("s", "o", "^", "D")
PAPER: Any = {"marker": "D", "markersize": 5.5, "markerfacecolor": "white", "color": "#6b7480", "linestyle": "none"}
"""How the paper's own values are drawn: hollow."""
STYLE: Any = {
    "svg.hashsalt": "dat",
    "svg.fonttype": "path",
    "text.parse_math": False,  # a $ in a data set's name begins no formula
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": "#9aa3ae",
    "axes.labelcolor": "#333b45",
    "text.color": "#1f2630",
    "xtick.color": "#4a535e",
    "ytick.color": "#4a535e",
    "grid.color": "#e6e9ed",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def _curve(axes: "Axes", series: Series, index: int) -> None:
    """A success or precision curve, told apart by dashes as well as by colour, and its 95 % band where known."""
    import seaborn

    x, y = [float(at.x) for at in series.points], [at.y for at in series.points]
    colour, dash = COLOURS[index % len(COLOURS)], ("--", "-", "-.", ":")[index % 2 + 2 * (index // len(COLOURS) % 2)]
    seaborn.lineplot(x=x, y=y, ax=axes, color=colour, linewidth=2, linestyle=dash, label=series.label)
    _band(axes, x, series, colour)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, max(x))


def _band(axes: "Axes", x: list[float], series: Series, colour: str) -> None:
    """The 95 % intervals of points as a band."""
    ends = [at.interval or (math.nan, math.nan) for at in series.points]
    if any(at.interval for at in series.points):
        low, high = [end for end, _ in ends], [end for _, end in ends]
        axes.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0)


def _amounts(axes: "Axes", series: Series, index: int) -> None:
    """A score over the amount that an ablation varies, at true distances, with intervals and the paper's values."""
    import seaborn

    x, y = [float(at.x) for at in series.points], [at.y for at in series.points]
    look: Any = {"color": COLOURS[2 - index], "marker": MARKS[1 + index], "markersize": 7, "linewidth": 1.6}
    few = next((f" ({at.few})" for at in series.points if at.few), "")
    seaborn.lineplot(x=x, y=y, ax=axes, label=f"{series.label}, ours{few}", linestyle=("-", "--")[index], **look)
    _band(axes, x, series, COLOURS[2 - index])
    for place, at in zip(x, series.points, strict=True):
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85}
        lift = (0, 9) if index else (0, -15)
        number = "" if at.few else at.text
        axes.annotate(number, (place, at.y), lift, textcoords="offset points", fontsize=8, ha="center", bbox=box)
    if series.paper:
        paper = [[float(at) for at, _ in series.paper], [value for _, value in series.paper]]
        axes.plot(*paper, **{**PAPER, "color": COLOURS[2 - index], "label": f"{series.label}, the paper's"})
    axes.set_xticks(x, [at.x for at in series.points])
    axes.set_xlim(-0.08 * max(x), 1.08 * max(x) or 1)
    axes.set_ylim(0, 1.02)


def _rows(axes: "Axes", series: Series) -> None:
    """Scores of trackers, a row each: ours and the recomputed ones with their intervals, then the paper's, hollow."""
    for row, at in enumerate(series.points):
        colour, mark = COLOURS[row % len(COLOURS)], MARKS[row % len(MARKS)]
        if at.interval:
            axes.plot(at.interval, [row, row], color=colour, linewidth=2, alpha=0.5)
        if at.few and at.interval:
            axes.annotate(at.few, (max(0, at.interval[0]), row), (4, 5), textcoords="offset points", fontsize=7.5)
            continue
        axes.plot(at.y, row, mark, color=colour, markersize=8, clip_on=False)
        axes.annotate(at.text, (at.y, row), (6, 5), textcoords="offset points", fontsize=8.5)
    names = [f"{words.named(at.variant)}{'' if at.variant in PAIR else ' (recomputed)'}" for at in series.points]
    for row, (name, value) in enumerate(series.paper, len(names)):
        axes.plot(value, row, **PAPER)
        axes.annotate(f"{value:g}", (value, row), (8, -3), textcoords="offset points", fontsize=7.5, color="#6b7480")
        names.append(f"{name} (paper)")
    axes.set_yticks(list(range(len(names))), names)
    axes.set_ylim(len(names) - 0.4, -0.7)
    axes.grid(visible=False, axis="y")
    ends = [end for at in series.points for end in (at.y, *(at.interval or ())) if math.isfinite(end)]
    axes.set_xlim(0, 1.08 * max([*ends, *(value for _, value in series.paper)]) or 1.0)


def _panel(axes: "Axes", figure: Figure, index: int) -> None:
    title, label, panel = figure.panels[index]
    for at, series in enumerate(panel):
        if figure.kind == "rows":
            _rows(axes, series)
        elif series.points:
            _amounts(axes, series, at) if figure.kind == "amounts" else _curve(axes, series, at)
    if figure.kind == "rows" and panel:
        title, label = panel[0].label, f"{title}: {label}"
    axes.set(title=title, xlabel=label, ylabel={"rows": "", "amounts": "Score", "curves": title}[figure.kind])
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="upper left", bbox_to_anchor=(0, -0.17), ncols=2 if figure.kind == "amounts" else 1, fontsize=8.5
        )
    if not any(series.points or series.paper for series in panel):
        axes.text(0.5, 0.5, "no points in this run", ha="center", transform=axes.transAxes, color="#6b7480")


def _foot(figure: Figure) -> str:
    """What stands below a drawing: data set, number of sequences and seeds, and what bands and hollow marks are."""
    parts = [f"data set {figure.data_set or 'none'}", figure.count]
    if any(at.interval for series in figure.series for at in series.points):
        parts.append("lines of 95 % over sequences" if figure.kind == "rows" else "bands: 95 % over sequences")
    if any(series.paper for series in figure.series):
        table = " (table 2)" if figure.kind == "rows" else ""
        parts.append(f"hollow: the paper's{table}, on the real benchmark")
    return " · ".join(filter(None, parts))


def _places(drawing: "Drawing", figure: Figure) -> "list[Axes]":
    """Axes for the panels, side by side; three of rows beside and below the first."""
    count = max(1, len(figure.panels))
    if figure.kind == "rows" and count == 3:
        grid = drawing.add_gridspec(2, 2, width_ratios=(1.25, 1))
        return [drawing.add_subplot(place) for place in (grid[:, 0], grid[0, 1], grid[1, 1])]
    return list(drawing.subplots(1, count, squeeze=False, sharey=figure.kind == "amounts")[0])


def draw(figure: Figure) -> "Drawing":
    """The drawing of a figure, a panel beside the other."""
    import seaborn
    from matplotlib.figure import Figure as Drawing
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with styled():
        height = 4.2 if figure.panels else 1.2
        drawing = Drawing(figsize=(9.2, height), layout=ConstrainedLayoutEngine(wspace=0.06))
        axes = _places(drawing, figure)
        for index in range(len(figure.panels)):
            _panel(axes[index], figure, index)
            seaborn.despine(ax=axes[index])
        drawing.supxlabel(_foot(figure), x=0.995, ha="right", fontsize=7.5, color="#6b7480")
        if not figure.panels:
            axes[0].text(0.5, 0.5, "this run has no scores for this figure", ha="center")
            axes[0].set_axis_off()
    return drawing


@contextmanager
def styled() -> Iterator[None]:
    """Drawings made within are in the report's style."""
    import seaborn
    from matplotlib import rc_context

    style: Any = {**dict(seaborn.axes_style("whitegrid")), **STYLE}
    with rc_context(style):
        yield


def saved(drawing: "Drawing") -> tuple[bytes, bytes]:
    """A drawing as SVG and as PNG; pictures in it as fine in both."""
    svg, png = io.BytesIO(), io.BytesIO()
    with styled():
        drawing.savefig(svg, format="svg", dpi=160, metadata={"Date": None, "Creator": None})
        drawing.savefig(png, format="png", dpi=160, metadata={"Software": None})
    return svg.getvalue(), png.getvalue()


def render(figure: Figure) -> tuple[bytes, bytes]:
    """A figure as SVG and as PNG."""
    return saved(draw(figure))
