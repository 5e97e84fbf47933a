"""The benchmarks that can be scored, an entry each: sequences, attributes, protocol and default definition.

Lists are the published ones (published.py). Where none is published here (OTB99-Lang, TNL2K, and this
project's own `redetection`, whose results are one-pass) the annotations' own sequences are the list.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from dat.base import naming, opening
from dat.base.errors import InputError
from dat.base.outside import read_text
from dat.benchmarks import published
from dat.benchmarks.names import Names
from dat.benchmarks.published import Fact

Protocol = Literal["one-pass", "vot", "redetection"]


@dataclass(frozen=True)
class Benchmark:
    """A benchmark. `find` fills in `sequences`, its targets and what the list of its `data_set` says of each.

    `title` is its name in tables and figures; `part` the part of the data set that it is, where that has another name;
    `subsets` are benchmarks that are scored with it. `origin` is what its files of boxes count pixels from: 1 as MATLAB
    does, 0 as VOT. `omit` is how many frames at the start of a sequence its toolkit leaves out; `interval` that of the
    lengths over which the expected overlap is averaged, `ranked` whether trackers get ranks in its place; `truth` what
    its published ground-truth files are called in a folder a sequence; `flags` whether it says where the target is
    absent.
    """

    name: str
    protocol: Protocol
    definition: str
    sequences: Mapping[str, Fact] = field(default_factory=dict)
    title: str = ""
    data_set: str = ""
    part: str = ""
    subsets: tuple[str, ...] = ()
    omit: Mapping[str, int] = field(default_factory=dict)
    interval: tuple[int, int] | None = None
    ranked: bool = False
    origin: Literal[0, 1] = 1
    truth: str = "groundtruth_rect.txt"
    flags: bool = False


def _otb(name: str, title: str = "", subsets: tuple[str, ...] = ()) -> Benchmark:
    """A list of OTB's; its toolkit leaves out where Tiger1 is not in the picture yet."""
    omit = {"Tiger1": 5}
    return Benchmark(name, "one-pass", "otb-toolkit-1.1", title=title, data_set="otb100", subsets=subsets, omit=omit)


def _vot(name: str, title: str = "", interval: tuple[int, int] | None = None, ranked: bool = False) -> Benchmark:
    """A year of VOT's."""
    return Benchmark(
        name, "vot", "vot-matlab-2016", title=title, data_set=name, interval=interval, ranked=ranked, origin=0
    )


def _lasot(name: str, title: str = "") -> Benchmark:
    """LaSOT's test split, under either name: a profile may train on the set of the first."""
    part, truth = "lasot-test", "groundtruth.txt"
    return Benchmark(name, "one-pass", "lasot", title=title, data_set="lasot", part=part, truth=truth, flags=True)


BENCHMARKS = (
    _otb("otb2013", "OTB-2013"),
    _otb("otb50"),
    _otb("otb100", "OTB-100", subsets=("otb100-similar",)),
    _otb("otb100-similar", "OTB-100, look-alikes"),
    Benchmark("tc128", "one-pass", "tc128", title="TC128", data_set="tc128", truth="_gt.txt"),
    _vot("vot2014", "VOT2014", ranked=True),
    _vot("vot2016", "VOT2016", (108, 371)),
    _vot("vot2019", interval=(46, 291)),
    _lasot("lasot"),
    _lasot("lasot-test", "LaSOT, test split"),
    Benchmark("otb99-lang", "one-pass", "lasot", title="OTB99-Lang"),
    Benchmark("tnl2k", "one-pass", "lasot", title="TNL2K", truth="groundtruth.txt", flags=True),
    Benchmark("redetection", "redetection", "redetection", title="Lost targets", flags=True),
)

NAMES = tuple(benchmark.name for benchmark in BENCHMARKS)


@functools.cache
def find(name: str) -> Benchmark:
    """The benchmark of a name. Raises InputError when there is none."""
    for benchmark in BENCHMARKS:
        if benchmark.name == name:
            return replace(benchmark, sequences=_sequences(benchmark)) if benchmark.data_set else benchmark
    raise InputError(f"--benchmark {name}: no such benchmark; there are {', '.join(NAMES)}")


def _sequences(benchmark: Benchmark) -> dict[str, Fact]:
    """The targets of a benchmark and their facts, in the order of the data set's list."""
    names = set(published.lists(benchmark.data_set)[benchmark.part or benchmark.name])
    return {name: fact for name, fact in published.facts(benchmark.data_set).items() if name in names}


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
