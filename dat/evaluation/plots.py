"""Success, precision and expected overlap plots of the object that `dat evaluate` makes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dat.records import write_bytes

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Okabe and Ito's, which colour-blind people can tell apart."""

_KINDS = {
    "success": ("success", "overlap threshold", "share of frames", 0.05, 0.0),
    "precision": ("precision", "centre error threshold (pixels)", "share of frames", 1.0, 0.0),
    "expected_overlap": ("eao", "length (frames)", "expected overlap", 1.0, 1.0),
}


def draw(data: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write a picture a curve into a folder, `<benchmark>-<curve>.png` and `.svg`: what was written."""
    trackers = {name: entry for name, entry in data["trackers"].items() if "curves" in entry}
    curves = [curve for curve in _KINDS if any(curve in entry["curves"] for entry in trackers.values())]
    return [path for curve in curves for path in _figure(data, trackers, curve, folder)]


def _figure(data: Mapping[str, Any], trackers: Mapping[str, Any], curve: str, folder: Path) -> list[Path]:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    metric, along, up, step, first = _KINDS[curve]
    matplotlib.rcParams["text.parse_math"] = False  # a $ in a tracker's name begins no formula
    figure, axes = plt.subplots(figsize=(7, 5))
    axes.set_prop_cycle(color=_COLOURS)
    axes.grid(color="0.85")
    for name, entry in sorted(trackers.items(), key=lambda item: -float(item[1][metric])):
        values = entry["curves"][curve]
        axes.plot(first + step * np.arange(len(values)), values, label=_label(name, entry, metric))
    axes.set(xlabel=along, ylabel=up, ylim=(0, 1), title=f"{data['benchmark']} ({data['definition']})")
    lines = axes.get_lines()  # named one by one: matplotlib leaves out a name that begins with an underscore
    names = [str(line.get_label()) for line in lines]
    axes.legend(lines, names, fontsize="small", loc="lower right" if curve == "precision" else "best")
    written = [folder / f"{data['benchmark']}-{curve}{ending}" for ending in (".png", ".svg")]
    for path in written:
        _save(figure, path)
    plt.close(figure)
    return written


def _label(name: str, entry: Mapping[str, Any], metric: str) -> str:
    text = f"{name} [{entry[metric]:.3f}]"
    return text if entry["complete"] else f"{text} {entry['scored']} of {entry['expected']} sequences"


def _save(figure: Any, path: Path) -> None:
    import io

    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format=path.suffix[1:],
        dpi=150,
        bbox_inches="tight",
        metadata={} if path.suffix == ".png" else {"Date": None},
    )
    write_bytes(path, buffer.getvalue())
