"""Drawings of figures 7 to 10 as SVG and PNG. The same points give the same bytes: no dates, fixed identifiers."""

import io
import math
from typing import TYPE_CHECKING, Any

from dat.benchmarks import words
from dat.report.figures import Figure, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

COLOURS = ("#5b6472", "#c8502d", "#2b6cb0", "#3b8552")
MARKS = ("s", "o", "^", "D")
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
    """A success or precision curve, told apart by dashes as well as by colour."""
    import seaborn

    x, y = [float(at.x) for at in series.points], [at.y for at in series.points]
    dash = ("--", "-")[index % 2]
    seaborn.lineplot(x=x, y=y, ax=axes, color=COLOURS[index], linewidth=2, linestyle=dash, label=series.label)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, max(x))


def _steps(axes: "Axes", series: Series, index: int) -> None:
    """The points of an ablation, with their intervals, at even distances and labelled by their amount."""
    import seaborn

    places, y = list(range(len(series.points))), [at.y for at in series.points]
    seaborn.lineplot(x=places, y=y, ax=axes, color=COLOURS[2 - index], marker=MARKS[1], markersize=7, linewidth=1.6)
    for place, at in zip(places, series.points, strict=True):
        if at.interval:
            axes.plot([place, place], at.interval, color=COLOURS[2 - index], linewidth=1.2, alpha=0.55, zorder=1)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85}
        axes.annotate(f"{at.y:.3f}", (place, at.y), (7, 9), textcoords="offset points", fontsize=8.5, bbox=box)
    axes.set_xticks(places, [at.x for at in series.points])
    axes.margins(x=0.18, y=0.15)


def _pair(axes: "Axes", series: Series) -> None:
    """A score of each tracker side by side, with its interval and its value."""
    for place, at in enumerate(series.points):
        if at.interval:
            axes.plot([place, place], at.interval, color=COLOURS[place], linewidth=1.6, alpha=0.55)
        axes.plot(place, at.y, MARKS[place], color=COLOURS[place], markersize=8)
        axes.annotate(f"{at.y:.3f}", (place, at.y), (8, 5), textcoords="offset points", fontsize=8.5)
    names = [words.named(at.variant).replace(" + ", "\n+ ") for at in series.points]
    axes.set_xticks(list(range(len(names))), names)
    axes.set_xlim(-0.6, len(names) - 0.4)
    ends = [end for at in series.points for end in (at.y, *(at.interval or ())) if math.isfinite(end)]
    axes.set_ylim(0, 1.15 * max(ends) or 1.0)


def _panel(axes: "Axes", figure: Figure, index: int) -> None:
    title, label, panel = figure.panels[index]
    for at, series in enumerate(panel):
        if series.points and figure.number == 7:
            _pair(axes, series)
        elif series.points:
            _steps(axes, series, index) if figure.number == 9 else _curve(axes, series, at)
    words = {7: panel[0].label if panel else title, 9: "Success"}
    axes.set(title=title, xlabel=label, ylabel=words.get(figure.number, title))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best", fontsize=8.5)
    if not any(series.points for series in panel):
        axes.text(0.5, 0.5, "no points in this run", ha="center", transform=axes.transAxes, color="#6b7480")


def draw(figure: Figure) -> "Drawing":
    """The drawing of a figure, a panel beside the other."""
    import seaborn
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Drawing
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    style: Any = {**dict(seaborn.axes_style("whitegrid")), **STYLE}
    with rc_context(style):
        drawing = Drawing(figsize=(9.2, 3.7 if figure.panels else 1.2), layout=ConstrainedLayoutEngine(wspace=0.06))
        count = max(1, len(figure.panels))
        axes = drawing.subplots(1, count, squeeze=False, sharey=figure.number == 9)[0]
        for index in range(len(figure.panels)):
            _panel(axes[index], figure, index)
            seaborn.despine(ax=axes[index])
        drawing.supxlabel(f"data set {figure.data_set or 'none'}", x=1, ha="right", fontsize=7.5, color="#6b7480")
        if not figure.panels:
            axes[0].text(0.5, 0.5, "this run has no scores for this figure", ha="center")
            axes[0].set_axis_off()
    return drawing


def render(figure: Figure) -> tuple[bytes, bytes]:
    """A figure as SVG and as PNG."""
    from matplotlib import rc_context

    svg, png = io.BytesIO(), io.BytesIO()
    drawing = draw(figure)
    with rc_context(STYLE):
        drawing.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        drawing.savefig(png, format="png", dpi=160, metadata={"Software": None})
    return svg.getvalue(), png.getvalue()
