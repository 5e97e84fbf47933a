"""`dat audit --replay`: the sequences behind a number tracked again from scratch, and compared frame by frame.

Nothing that a run has kept is used: the jobs have a store of their own, which is empty. What was read to track them is
compared with their keys as in every run, so that what is replayed is what the records say.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dat.audit.addresses import Address
from dat.audit.checks import Check, Node, Verdict, missing
from dat.audit.walk import Walk
from dat.base import devices, outside
from dat.base.errors import InputError
from dat.datasets import manifest as manifests
from dat.fanout import stage as fanout
from dat.fanout.unit import Unit
from dat.records import Job, sha256_json
from dat.regions import boxes as geometry

NEAR = 0.99
"""The mean overlap above which boxes agree where numerics are native: another device gives others."""


def behind(walk: Walk, address: Address, count: int | None) -> list[tuple[str, str]]:
    """(tracker, sequence) of the results that a score is computed from, or `count` of them, which its name draws.

    Raises InputError for a number that no tracking is behind.
    """
    scores = walk.numbers.scores.get(address.benchmark)
    if scores is None:
        raise InputError(f"{address.text}: no tracking is behind it; --replay takes a score, a cell or a point of one")
    drawn = sorted(scores.behind(address), key=lambda unit: sha256_json([address.text, *unit]))
    return sorted(drawn if count is None else drawn[:count])


def replay(walk: Walk, wanted: Sequence[tuple[str, str, str]]) -> list[Node]:
    """Track (benchmark, tracker, sequence) again and compare with the run's results: a node each.

    Raises JobError where a sequence cannot be tracked.
    """
    nodes = []
    for benchmark in dict.fromkeys(name for name, _, _ in wanted):
        units = [(tracker, sequence) for name, tracker, sequence in wanted if name == benchmark]
        with _folder(walk) as folder:
            results = _again(walk, benchmark, units, folder)
            nodes += [_compared(walk, benchmark, tracker, name, results) for tracker, name in units]
    return nodes


@contextlib.contextmanager
def _folder(walk: Walk) -> Iterator[Path]:
    """A folder for the store, the work and the results of a replay, which goes when it has ended."""
    walk.settings.place.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="replay-", dir=walk.settings.place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _again(walk: Walk, benchmark: str, wanted: Sequence[tuple[str, str]], folder: Path) -> Path:
    """Track the units; where their results are then."""
    settings = walk.settings
    name = settings.path / walk.results.manifest_of(benchmark)
    device = devices.kind(settings.root.numerics, settings.root.fanout.devices)
    places = fanout.Places(folder / "store", folder / "work", folder / "results", folder / "runs")
    places.store.mkdir()
    job = Job(benchmark, settings, {"manifest": name}, {"results": places.results}, device)
    shared, planned = fanout.planned(job, manifests.read(name))
    units = {(unit.tracker, unit.sequence): unit for unit in planned}
    chosen: list[Unit] = []
    for tracker, sequence in wanted:
        if (tracker, sequence) not in units:
            raise InputError(f"{benchmark}/{tracker}/{sequence}: not in params.yaml any more, so it cannot be replayed")
        chosen.append(units[tracker, sequence])
    fanout.track(job, shared, chosen, places)
    return places.results


def _compared(walk: Walk, benchmark: str, tracker: str, sequence: str, again: Path) -> Node:
    """A sequence's results against its replay's."""
    there = walk.settings.path / "results" / benchmark / tracker
    subject, checks = f"{benchmark}/{tracker}/{sequence}", []
    files = sorted(path for path in (again / tracker).rglob("*.txt") if _is_of(path, sequence))
    for path in files:
        name = path.relative_to(again / tracker)
        checks.append(_check(walk, there / name, path, (there / name).relative_to(walk.settings.path).as_posix()))
    return Node("replay", subject, checks or [missing("replay", subject, "boxes")])


def _is_of(path: Path, sequence: str) -> bool:
    """Whether a result file is a sequence's: its boxes, or a repetition in its folder."""
    return path.stem == sequence or path.parent.name == sequence


def _check(walk: Walk, stored: Path, again: Path, name: str) -> Check:
    if not stored.is_file():
        return missing("replay", name, "the run's result file")
    old, new = outside.read_text(stored).splitlines(), outside.read_text(again).splitlines()
    if old == new:
        return Check("replay", "verified", name, f"{len(old)} frames", f"{len(new)} frames, the same bytes")
    if len(old) != len(new):
        return Check("replay", "differs", name, f"{len(old)} frames", f"{len(new)} frames")
    first = next(number for number, pair in enumerate(zip(old, new, strict=True), 1) if pair[0] != pair[1])
    subject = f"{name}: frame {first} is the first that differs"
    if walk.settings.root.numerics == "native" and (near := _overlap(old, new)) is not None:
        verdict: Verdict = "verified" if near > NEAR else "differs"
        return Check("replay", verdict, subject, f"a mean overlap above {NEAR}", f"{near:.4f}")
    return Check("replay", "differs", subject, old[first - 1], new[first - 1])


def _overlap(old: Sequence[str], new: Sequence[str]) -> float | None:
    """The mean overlap of two runs' boxes; None where one has a code in a frame in which the other has a box."""
    tables = []
    for lines in (old, new):
        rows = [[float(value) for value in line.split(",")] for line in lines]
        tables.append(rows)
    pairs = [(a, b) for a, b in zip(*tables, strict=True) if len(a) > 1 or len(b) > 1]
    if any(len(a) != len(b) for a, b in pairs) or not pairs:
        return None
    one, other = (np.array(rows, np.float64) for rows in zip(*pairs, strict=True))
    return float(geometry.overlap(one, other).mean())
