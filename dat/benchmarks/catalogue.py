"""The benchmarks that can be scored: their sequences, attributes, protocol and default definition.

Lists are the published ones (published.py). Where none is published here (OTB99-Lang, TNL2K, and this
project's own `redetection`, whose results are one-pass) the annotations' own sequences are the list.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from dat.base import naming, opening
from dat.base.errors import InputError
from dat.base.outside import read_text
from dat.benchmarks import published
from dat.benchmarks.names import Names
from dat.benchmarks.origins import ORIGINS, Origin
from dat.benchmarks.published import Fact

Protocol = Literal["one-pass", "vot", "redetection"]


@dataclass(frozen=True)
class Benchmark:
    """A benchmark; `sequences` are its targets and what its list says of each, `origin` what its files count from.

    `omit` is how many frames at the start of a sequence its toolkit leaves out; `truth` what its published
    ground-truth files are called in a folder a sequence; `flags` whether it says where the target is absent.
    """

    name: str
    protocol: Protocol
    definition: str
    sequences: Mapping[str, Fact] = field(default_factory=dict)
    omit: Mapping[str, int] = field(default_factory=dict)
    interval: tuple[int, int] | None = None
    origin: Origin = 1
    truth: str = "groundtruth_rect.txt"
    flags: bool = False


OTB_OMIT = {"Tiger1": 5}
INTERVALS = {"vot2016": (108, 371), "vot2019": (46, 291)}

_OTB = ("otb2013", "otb50", "otb100", "otb100-similar")
_VOT = ("vot2014", "vot2016", "vot2019")
_LASOT = ("lasot", "otb99-lang", "tnl2k")
NAMES = (*_OTB, "tc128", *_VOT, *_LASOT, "redetection")


def _chosen(data_set: str, names: Iterable[str]) -> dict[str, Fact]:
    """Facts of some of a data set's targets, in the order of its list."""
    wanted = set(names)
    return {name: fact for name, fact in published.facts(data_set).items() if name in wanted}


@functools.cache
def find(name: str) -> Benchmark:
    """The benchmark of a name. Raises InputError when there is none."""
    if name in _OTB:
        targets = _chosen("otb100", published.lists("otb100")[name])
        return Benchmark(name, "one-pass", "otb-toolkit-1.1", targets, OTB_OMIT, origin=ORIGINS["otb"])
    if name == "tc128":
        targets = published.facts(name)
        return Benchmark(name, "one-pass", "tc128", targets, origin=ORIGINS["tc128"], truth="_gt.txt")
    if name == "otb99-lang":
        return Benchmark(name, "one-pass", "lasot", origin=ORIGINS["otb"])
    if name in _LASOT:
        targets = _chosen("lasot", published.lists("lasot")["lasot-test"]) if name == "lasot" else {}
        origin = ORIGINS["lasot"]
        return Benchmark(name, "one-pass", "lasot", targets, origin=origin, truth="groundtruth.txt", flags=True)
    if name == "redetection":
        return Benchmark(name, "redetection", "redetection", origin=ORIGINS["otb"], flags=True)
    if name in _VOT:
        interval = INTERVALS.get(name)
        return Benchmark(
            name, "vot", "vot-matlab-2016", published.facts(name), interval=interval, origin=ORIGINS["vot"]
        )
    raise InputError(f"--benchmark {name}: no such benchmark; there are {', '.join(NAMES)}")


def subset(benchmark: Benchmark, path: Path) -> Benchmark:
    """The benchmark with those of its sequences that a text file names, one a line, in any spelling.

    Blank lines and what follows a # are left out. Raises InputError naming the line of a name that is not the
    benchmark's or that comes twice.
    """
    lines = read_text(path, "--sequences", opening.MB).split("\n")
    names, facts = Names(benchmark.sequences), dict[str, Fact]()
    for number, line in enumerate(lines, 1):
        spelling = line.partition("#")[0].strip()
        if not spelling:
            continue
        match = names.match(spelling)
        if benchmark.sequences and match is None:
            raise InputError(f"{path}, line {number}: {spelling} is no sequence of {benchmark.name}; correct the name")
        name = naming.part(match.sequence if match else spelling, f"{path}, line {number}", "sequence")
        if name in facts:
            raise InputError(f"{path}, line {number}: {name} is there twice; remove one")
        facts[name] = benchmark.sequences.get(name, Fact(0))
    if not facts:
        raise InputError(f"--sequences {path}: no name in it; write one sequence a line")
    return replace(benchmark, sequences=facts)
