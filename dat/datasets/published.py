"""What the benchmarks' published lists say: names, ranges of images, attributes, and which targets make a benchmark.

Only a data set of the real name has facts (`otb100`, not `synthetic-otb100`): real quirks belong to real sequences.
"""

import csv
from functools import cache

from dat import used
from dat.datasets.targets import Fact

FILES = {
    "otb100": "OTB.csv",
    "tc128": "TC128.csv",
    "vot2014": "VOT2014.csv",
    "vot2016": "VOT2016.csv",
    "lasot": "LaSOT.csv",
    "tlp": "TLP.csv",
    "dtb70": "DTB70.csv",
}
SPELLED = {"Human4": "Human4-2", "jogging2": "Jogging2"}
"""Names that a list spells otherwise: only Human4's second target is used."""


def spelled(name: str) -> str:
    """The name that we use for a name of a published list."""
    return SPELLED.get(name, name)


@cache
def rows(file: str) -> list[dict[str, str]]:
    """The rows of a list that comes with the package."""
    text = used.code(f"dat/datasets/lists/{file}").decode()
    return list(csv.DictReader(text.splitlines()))


@cache
def facts(name: str) -> dict[str, Fact]:
    """Facts by target of the data set called `name`; empty for a set that is none of the real ones."""
    return {spelled(row["name"]): _fact(row) for row in rows(FILES[name])} if name in FILES else {}


def _fact(row: dict[str, str]) -> Fact:
    first, last = (int(row[key]) if row.get(key) else None for key in ("first", "last"))
    return Fact(int(row["frames"]), first, last, tuple((row.get("attributes") or "").split()))


def lists(name: str) -> dict[str, list[str]]:
    """The benchmarks that a data set holds, each with its targets in order of name."""
    table = rows(FILES[name])
    found = {name: _names(table)}
    if name == "otb100":
        found |= {key: _names([row for row in table if row[key] == "1"]) for key in ("otb2013", "otb50")}
        found["otb100-similar"] = similar()
    if name == "lasot":
        found |= {f"lasot-{s}": _names([row for row in table if row["split"] == s]) for s in ("train", "test")}
    return found


def _names(table: list[dict[str, str]]) -> list[str]:
    return sorted(spelled(row["name"]) for row in table)


def similar() -> list[str]:
    """The 46 targets of OTB-100 that the paper lists as having look-alikes, in order of name."""
    text = used.code("dat/datasets/lists/similar46.txt").decode()
    return sorted(spelled(name) for name in text.split())
