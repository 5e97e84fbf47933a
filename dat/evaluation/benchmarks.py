"""The benchmarks that can be scored: their sequences, attributes, protocol and default definition.

Lists are the published ones (dat/datasets/lists). Where none is published here (OTB99-Lang, TNL2K) the annotations'
own sequences are the list.
"""

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from dat import naming, opening, used
from dat.errors import InputError
from dat.evaluation.names import Names
from dat.outside import read_text

Protocol = Literal["one-pass", "vot"]
Origin = Literal[0, 1]


@dataclass(frozen=True)
class Entry:
    """What a list says about a sequence: frames (0 if it does not say) and attributes."""

    frames: int = 0
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Benchmark:
    """A benchmark. `omit` is how many frames at the start of a sequence its toolkit leaves out; `truth` what its
    published ground-truth files are called in a folder a sequence; `flags` whether it says where the target is absent.
    """

    name: str
    protocol: Protocol
    definition: str
    sequences: Mapping[str, Entry] = field(default_factory=dict)
    omit: Mapping[str, int] = field(default_factory=dict)
    interval: tuple[int, int] | None = None
    origin: Origin = 1
    truth: str = "groundtruth_rect.txt"
    flags: bool = False


OTB_OMIT = {"Tiger1": 5}
INTERVALS = {"vot2016": (108, 371), "vot2019": (46, 291)}
TARGETS = {"Human4": "Human4-2"}
"""Names that a list has for the folder, and the target that is meant."""

_OTB = ("otb2013", "otb50", "otb100", "otb100-similar")
_VOT = ("vot2014", "vot2016", "vot2019")
_LASOT = ("lasot", "otb99-lang", "tnl2k")
NAMES = (*_OTB, "tc128", *_VOT, *_LASOT)


def _list(name: str) -> list[dict[str, str]]:
    text = used.code(f"dat/datasets/lists/{name}").decode()
    return list(csv.DictReader(text.splitlines()))


def _entry(row: Mapping[str, str]) -> Entry:
    return Entry(int(row["frames"]), tuple((row.get("attributes") or "").split()))


def _otb(column: str | None = None) -> dict[str, Entry]:
    rows = [row for row in _list("OTB.csv") if column is None or row[column] == "1"]
    return {TARGETS.get(row["name"], row["name"]): _entry(row) for row in rows}


def _similar() -> dict[str, Entry]:
    text = used.code("dat/datasets/lists/similar46.txt").decode()
    every = _otb()
    return {TARGETS.get(name, name): every[TARGETS.get(name, name)] for name in text.split()}


def _plain(name: str) -> dict[str, Entry]:
    return {row["name"]: _entry(row) for row in _list(name)}


def _lasot_test() -> dict[str, Entry]:
    return {row["name"]: _entry(row) for row in _list("LaSOT.csv") if row["split"] == "test"}


@functools.cache
def find(name: str) -> Benchmark:
    """The benchmark of a name. Raises InputError when there is none."""
    if name in _OTB:
        columns = {"otb2013": "otb2013", "otb50": "otb50"}
        entries = _similar() if name == "otb100-similar" else _otb(columns.get(name))
        return Benchmark(name, "one-pass", "otb-toolkit-1.1", entries, OTB_OMIT)
    if name == "tc128":
        return Benchmark(name, "one-pass", "tc128", _plain("TC128.csv"), truth="_gt.txt")
    if name == "otb99-lang":
        return Benchmark(name, "one-pass", "lasot")
    if name in _LASOT:
        entries = _lasot_test() if name == "lasot" else {}
        return Benchmark(name, "one-pass", "lasot", entries, truth="groundtruth.txt", flags=True)
    if name in _VOT:
        entries = _plain(f"{name.upper()}.csv")
        return Benchmark(name, "vot", "vot-matlab-2016", entries, interval=INTERVALS.get(name), origin=0)
    raise InputError(f"--benchmark {name}: no such benchmark; there are {', '.join(NAMES)}")


def subset(benchmark: Benchmark, path: Path) -> Benchmark:
    """The benchmark with those of its sequences that a text file names, one a line, in any spelling.

    Blank lines and what follows a # are left out. Raises InputError naming the line of a name that is not the
    benchmark's or that comes twice.
    """
    lines = read_text(path, "--sequences", opening.MB).split("\n")
    names, found = Names(benchmark.sequences), dict[str, Entry]()
    for number, line in enumerate(lines, 1):
        spelling = line.partition("#")[0].strip()
        if not spelling:
            continue
        match = names.match(spelling)
        if benchmark.sequences and match is None:
            raise InputError(f"{path}, line {number}: {spelling} is no sequence of {benchmark.name}; correct the name")
        name = naming.part(match.sequence if match else spelling, f"{path}, line {number}", "sequence")
        if name in found:
            raise InputError(f"{path}, line {number}: {name} is there twice; remove one")
        found[name] = benchmark.sequences.get(name, Entry())
    if not found:
        raise InputError(f"--sequences {path}: no name in it; write one sequence a line")
    return replace(benchmark, sequences=found)
