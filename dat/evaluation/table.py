"""A terminal's table and CSV of the object that `dat evaluate` makes. What is partial is said beside every number."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from dat.base import naming

ONE_PASS = ("success", "precision", "normalized_precision")
VOT = ("eao", "accuracy", "robustness", "failures")
EVERY = (*VOT, *ONE_PASS, "redetected")
_HEADS = {"normalized_precision": "norm. precision", "redetected": "found again"}
WIDEST = 100_000
"""Characters of a line that is not wrapped."""

Entry = Mapping[str, Any]


def metrics_of(entry: Entry) -> list[str]:
    """The metrics that a tracker has."""
    return [metric for metric in EVERY if metric in entry]


def share(entry: Entry) -> str:
    """`37 of 51 sequences`."""
    return f"{entry['scored']} of {entry['expected']} sequences"


def cell(entry: Entry, metric: str) -> str:
    """A number with its interval, and how partial it is."""
    if metric not in entry:
        return "-" if entry["scored"] else f"- ({share(entry)})"
    text = f"{entry[metric]:.4f}"
    ends = entry.get(f"{metric}_interval")
    text += f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else ""
    return text if entry["complete"] else f"{text} ({share(entry)})"


def _columns(rows: Sequence[Sequence[str]], width: int | None) -> str:
    """Rows in columns, the first being the heads. To fit `width`, cells are wrapped between words, never within one."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    table, out = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0)), io.StringIO()
    shown = [[*map(naming.shown, row)] for row in rows]
    for head, *cells in zip(*shown, strict=True):
        table.add_column(head, min_width=max(cell_len(word) for text in (head, *cells) for word in text.split(" ")))
    for row in shown[1:]:
        table.add_row(*row)
    plain = Console(file=out, width=width or WIDEST, color_system=None, markup=False, emoji=False, highlight=False)
    plain.print(table, crop=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def heading(data: Entry) -> str:
    """What the numbers are: benchmark, definition, intervals."""
    name = f"{data['benchmark']}, subset {data['subset']}" if "subset" in data else data["benchmark"]
    text = f"{name}, {data['definition']}"
    if data.get("bounded") is False:
        text += ", unbounded (no image sizes in the annotations)"
    if "interval" in data:
        text += f", EAO on [{data['interval'][0]}, {data['interval'][1]}]"
    return f"{text}; [95 % interval over sequences]"


def terminal(data: Entry, width: int | None = None) -> str:
    """The table: a row a tracker; then what was cut, missing or left aside; then the pairs.

    `width` is the terminal's, in characters; without one nothing is wrapped. Names are shown as typed.
    """
    trackers: Mapping[str, Entry] = data["trackers"]
    metrics = [metric for metric in EVERY if any(metric in entry for entry in trackers.values())]
    head = ["tracker", *(_HEADS.get(metric, metric) for metric in metrics)]
    body = [[name, *(cell(entry, metric) for metric in metrics)] for name, entry in _ordered(trackers, metrics[0])]
    unknown = data.get("annotations_missing", [])
    gaps = ([f"no annotations of {_few(unknown)}"] if unknown else []) + list(data.get("notes", []))
    lines = [*map(naming.shown, [*gaps, *_remarks(trackers, unknown)])]
    return "\n".join(
        [
            naming.shown(heading(data)),
            _columns([head, *body], width),
            *lines,
            *_ranks(data, width),
            *_pairs(data, width),
        ]
    )


def _ordered(trackers: Mapping[str, Entry], metric: str) -> list[tuple[str, Entry]]:
    return sorted(trackers.items(), key=lambda item: (-float(item[1].get(metric, -1)), item[0]))


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"


def _remarks(trackers: Mapping[str, Entry], unknown: Sequence[str]) -> list[str]:
    lines = []
    for name, entry in trackers.items():
        absent = [sequence for sequence in entry["missing"] if sequence not in unknown]
        lines += [f"{name}: no result for {_few(absent)}"] if absent else []
        lines += [f"{name}: a wrong number of rows, forgiven or cut: {_few(entry['cut'])}"] if entry["cut"] else []
        lines += [f"{name}: {len(entry['ignored'])} other files ignored"] if entry["ignored"] else []
        lines += [f"{name}: {entry['repaired']} rows repaired by the row before"] if entry.get("repaired") else []
        lines += [f"{name}: {note}" for note in entry.get("notes", [])]
    return lines


def _pairs(data: Entry, width: int | None) -> list[str]:
    if not data["pairs"]:
        return []
    rows = [["a - b", "metric", "difference", "95 % interval", "p (Holm)", "a beats b"]]
    for pair in data["pairs"]:
        ends = f"[{pair['interval'][0]:+.4f}, {pair['interval'][1]:+.4f}]"
        names = f"{pair['a']} - {pair['b']}"
        p, verdict = f"{pair['p']:.4f}", pair["verdict"]
        rows.append([names, pair["metric"], f"{pair['difference']:+.4f}", ends, p, verdict])
    shown = rows if len(rows) <= 41 else [*rows[:41], [f"({len(rows) - 41} more in --json)", "", "", "", "", ""]]
    return [f"{len(data['pairs'])} paired comparisons", _columns(shown, width)]


def _ranks(data: Entry, width: int | None) -> list[str]:
    if "ranks" not in data:
        return []
    rows = [["tracker", "accuracy rank", "robustness rank", "overall rank"]]
    for name, ranks in sorted(data["ranks"].items(), key=lambda item: item[1]["overall"]):
        rows.append([name, *(f"{ranks[key]:.2f}" for key in ("accuracy", "robustness", "overall"))])
    return [_columns(rows, width)]


def as_csv(data: Entry) -> str:
    """Rows tracker, sequence ("" for all), metric, value, low, high, scored, expected, definition."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["tracker", "sequence", "metric", "value", "low", "high", "scored", "expected", "definition"])
    for name, entry in data["trackers"].items():
        share = [entry["scored"], entry["expected"], data["definition"]]
        for metric in metrics_of(entry):
            ends = entry.get(f"{metric}_interval", ["", ""])
            writer.writerow(map(naming.cell, [name, "", metric, entry[metric], *ends, *share]))
        for sequence, scores in entry.get("sequences", {}).items():
            for metric in metrics_of(scores):
                writer.writerow(map(naming.cell, [name, sequence, metric, scores[metric], "", "", *share]))
    return out.getvalue()
