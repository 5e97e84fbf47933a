"""What the paper prints, and the points it has: the other side of every comparison in the report."""

import csv
from functools import cache

from dat.base import used

LAYERS = tuple(f"layers-{n}" for n in (2, 3, 5, 8))
NODES = tuple(f"nodes-{n}" for n in (0, 20, 28, 32, 43, 50, 70))
LAMBDAS = tuple(f"lambda-{n}" for n in ("0", "0p1", "0p2", "0p3", "0p5", "0p8", "1"))

POINTS = {
    "otb2013": ("pymdnet", "pymdnet+gcn", "pymdnet+language", "dat-jtnl", *LAYERS, *NODES, *LAMBDAS),
    "otb100": ("pymdnet", "salnet", "dat-to", "dat-nl", "dat-jtnl"),
    "tc128": ("pymdnet", "dat-jtnl"),
    "vot2014": ("pymdnet", "dat-jtnl", "csrdcf", "csrdcf+attention"),
    "vot2016": ("pymdnet", "dat-jtnl", "csrdcf", "csrdcf+attention"),
}
"""Which variants the paper measures on which benchmark."""

PURPOSE = {
    "otb2013": "tables 1, 4, 5, figure 9",
    "otb100": "tables 1, 3, figure 10",
    "tc128": "figure 8",
    "vot2014": "figure 7",
    "vot2016": "table 2, figure 7",
}


@cache
def rows() -> list[dict[str, str]]:
    """The rows of published.csv: table, dataset, tracker, metric, value (empty where the paper has a dash)."""
    text = used.code("dat/report/published.csv").decode()
    return list(csv.DictReader(text.splitlines()))


@cache
def values() -> dict[tuple[str, str, str, str], str]:
    """Printed values as printed, by table, benchmark, tracker and metric; a dash in the paper is absent."""
    keys = ("table", "dataset", "tracker", "metric")
    return {(row[keys[0]], row[keys[1]], row[keys[2]], row[keys[3]]): row["value"] for row in rows() if row["value"]}


def printed(table: str, benchmark: str, tracker: str, metric: str) -> str:
    """What a table of the paper prints, as printed; empty for a dash or for a row that the paper lacks."""
    return values().get((table, benchmark, tracker, metric), "")


def trackers(table: str) -> list[str]:
    """The rows of a table of the paper, in its order."""
    return list(dict.fromkeys(row["tracker"] for row in rows() if row["table"] == table))
