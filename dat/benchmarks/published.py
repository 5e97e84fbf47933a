"""The published lists: of each data set its targets, their ranges of images and attributes, and which make a benchmark.

Only a data set of the real name has facts (`otb100`, not `synthetic-otb100`): real quirks belong to real sequences.
"""

import csv
from dataclasses import dataclass
from functools import cache

from dat.base import used

LISTS = "dat/benchmarks/lists"
"""The folder of the lists: `NAME.csv` is that of data set NAME."""

OTB99_QUERIES = ("OTB_query_train", "OTB_query_test")
"""The folders of OTB99-Lang's release that hold `<Name>.txt`, one sentence each: training and testing."""

SPELLED = {"Human4": "Human4-2", "jogging2": "Jogging2"}
"""Names that a list spells otherwise: only Human4's second target is used."""


@dataclass(frozen=True)
class Fact:
    """What a published list says about a target: its frames, its images (number in the file's name), its attributes."""

    frames: int
    first: int | None = None
    last: int | None = None
    attributes: tuple[str, ...] = ()


def spelled(name: str) -> str:
    """The name that we use for a name of a published list."""
    return SPELLED.get(name, name)


@cache
def _rows(data_set: str) -> dict[str, dict[str, str]]:
    """The rows of a data set's list by target, in the list's order."""
    text = used.code(f"{LISTS}/{data_set}.csv").decode()
    return {spelled(row["name"]): row for row in csv.DictReader(text.splitlines())}


@cache
def facts(data_set: str) -> dict[str, Fact]:
    """Facts by target of a data set, in the list's order; empty for a set that is none of the real ones."""
    there = {path.stem for path in (used.TOP / LISTS).glob("*.csv")}
    return {name: _fact(row) for name, row in _rows(data_set).items()} if data_set in there else {}


def _fact(row: dict[str, str]) -> Fact:
    first, last = (int(row[key]) if row.get(key) else None for key in ("first", "last"))
    return Fact(int(row["frames"]), first, last, tuple((row.get("attributes") or "").split()))


def lists(data_set: str) -> dict[str, list[str]]:
    """The benchmarks that a data set holds, each with its targets in order of name."""
    rows = _rows(data_set)
    by_name = {data_set: sorted(rows)}
    if data_set == "otb100":
        by_name |= {key: sorted(name for name, row in rows.items() if row[key] == "1") for key in ("otb2013", "otb50")}
        by_name["otb100-similar"] = sorted(similar())
    if data_set == "lasot":
        for split in ("train", "test"):
            by_name[f"lasot-{split}"] = sorted(name for name, row in rows.items() if row["split"] == split)
    return by_name


def similar() -> list[str]:
    """The 46 targets of OTB-100 that the paper lists as having look-alikes, in its order."""
    return [spelled(name) for name in used.code(f"{LISTS}/similar46.txt").decode().split()]
