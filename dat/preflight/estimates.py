"""What a run has to do yet: units done and to do, frames, hours where they were measured here, and room on the disk."""

import os
import shutil
import socket
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dat import records
from dat.base import devices
from dat.base.errors import DatError, InputError, MissingError
from dat.base.params import Settings
from dat.benchmarks import catalogue
from dat.datasets import manifest as manifests
from dat.datasets import sets
from dat.fanout import plan, store
from dat.fanout.unit import ENTRY, Unit, common_facts, files_of
from dat.preflight import matrix
from dat.preflight.graph import Stages

UNIT_BYTES, FRAME_BYTES, COPIES = 9000, 60, 3
"""A unit's files in the embedded profile: its record, and a box and a score a frame; in the store, results, cache."""

Kind = tuple[bool, bool]
"""What decides the pace of a tracker: whether it has a SALNet, and attention."""


@dataclass(frozen=True)
class StageEstimate:
    """A stage that would run. Units, frames and to do are a benchmark's, each unit once though variants share it;
    `hours` is None where nothing of its kind was measured on this machine."""

    stage: str
    units: int | None = None
    done: int | None = None
    frames: int | None = None
    hours: float | None = None


@dataclass(frozen=True)
class Disk:
    """Bytes that a run writes, roughly, and that are free; `unknown` are the stages that were never measured."""

    needed: int
    free: int
    unknown: list[str]


def stages(settings: Settings, graph: Stages) -> list[StageEstimate]:
    """The stages that would run, in order, with what each has to do at most."""
    runs, pace, seen = _runs(settings.path / "runs"), _pace(settings), set[str]()
    return [
        _benchmark(settings, name, graph, pace, seen) if name.startswith("benchmark@") else _other(name, runs)
        for name in graph.run
    ]


def _other(name: str, runs: Mapping[str, float]) -> StageEstimate:
    return StageEstimate(name, hours=runs[name] / 3600 if name in runs else None)


def _benchmark(
    settings: Settings, name: str, graph: Stages, pace: Mapping[Kind, float], seen: set[str]
) -> StageEstimate:
    """One benchmark; `seen` are the units that one before it has run by then."""
    key = name.partition("@")[2]
    units = {unit.key: unit for unit in matrix.units(settings, key, matrix.targets(settings, key))}
    if not units:
        return StageEstimate(name)
    done = set(units) & (seen | finished(settings, key, _trained(units.values(), graph)))
    left = [unit for unit in units.values() if unit.key not in done]
    seen |= set(units)
    paces = [pace.get(_kind(unit)) for unit in left]
    seconds = None if None in paces else sum(unit.cost * (one or 0) for unit, one in zip(left, paces, strict=True))
    elsewhere = bool(os.environ.get("SNAKEMAKE_PROFILE"))  # a cluster has another pace
    hours = None if seconds is None or elsewhere else seconds / 3600 / _parallel_jobs(settings)
    return StageEstimate(name, len(units), len(done), sum(unit.cost for unit in left), hours)


def _trained(units: Iterable[Unit], graph: Stages) -> list[Unit]:
    """The units whose weights no stage is about to make."""
    made = {name.replace("@", "/").rpartition("/")[2] for name in graph.run if name.startswith("salnet@")}
    maps = {f"weights/gpgnet/{name.partition('@')[2]}" for name in graph.run if name.startswith("gpgnet@")}
    return [one for one in units if (one.salnet or "").rpartition("/")[2] not in made and one.gpgnet not in maps]


def finished(settings: Settings, key: str, units: Iterable[Unit]) -> set[str]:
    """The keys of those units that the job store has. Nothing is known to be done before weights and manifest are."""
    ready = [unit for unit in units if _has_files(settings.path, unit)]
    benchmark = settings.root.benchmarks[key]
    names = {unit.variant: None for unit in ready}
    if not ready:
        return set()
    place = store.location(settings.top)
    try:
        manifest = manifests.read(sets.manifest_path(settings, benchmark.data))
        device = devices.kind(settings.root.numerics, settings.root.fanout.devices)
        environment = records.environment(device, settings.root.tracking.threads)
        origin = catalogue.find(key).origin
        shared = common_facts(benchmark.protocol, origin, manifest.header, environment, records.code_closure(ENTRY))
        chosen = benchmark.model_copy(update={"variants": list(names)})
        sequences = list(dict.fromkeys(unit.sequence for unit in ready))
        real = plan.units(settings, chosen, manifest, sequences, shared)
    except (MissingError, InputError):
        return set()
    there = {(one.variant, one.draws, one.sequence) for one in real if store.entry(place, one.key).is_dir()}
    return {unit.key for unit in ready if (unit.variant, unit.draws, unit.sequence) in there}


def _has_files(home: Path, unit: Unit) -> bool:
    try:
        return bool(files_of(home, unit)) or not (unit.salnet or unit.gpgnet)
    except MissingError:
        return False


def _kind(unit: Unit) -> Kind:
    return unit.salnet is not None, unit.attention != "none"


def _parallel_jobs(settings: Settings) -> int:
    """How many jobs this machine computes at a time."""
    fanout = settings.root.fanout
    if devices.kind(settings.root.numerics, fanout.devices) == "cpu":
        return fanout.cores
    return sum(devices.slots(devices.chosen(fanout.devices), fanout.slots_per_gpu).values())


def _runs(folder: Path) -> dict[str, float]:
    """Seconds of each run file's stage on this machine."""
    return {str(run["stage"]): float(run["seconds"]) for run in _local_runs(folder.glob("*.json")) if "stage" in run}


def _local_runs(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The run files of this machine."""
    units = []
    for path in sorted(paths):
        try:
            run = records.read_json(path)
        except DatError:
            continue
        if run.get("host") == socket.gethostname() and "seconds" in run:
            units.append({**run, "path": path})
    return units


def _pace(settings: Settings) -> dict[Kind, float]:
    """Measured seconds a frame of each kind of tracker, over all its sequences that were last run on this machine."""
    seconds, frames = defaultdict[Kind, float](float), defaultdict[Kind, int](int)
    for key in settings.root.benchmarks:
        folder = settings.path / "runs" / key
        if not folder.is_dir():
            continue
        known = {
            (unit.tracker, unit.sequence): unit for unit in matrix.units(settings, key, matrix.targets(settings, key))
        }
        for run in _local_runs(folder.glob("*/*.json")):
            unit = known.get((run["path"].parent.name, run["path"].stem))
            if unit is not None:
                seconds[_kind(unit)] += float(run["seconds"])
                frames[_kind(unit)] += unit.cost
    return {kind: total / frames[kind] for kind, total in seconds.items() if frames[kind]}


def disk(settings: Settings, graph: Stages, coming: Iterable[StageEstimate]) -> Disk:
    """Room that the run takes: outputs as large as the last run's, in the profile and in DVC's cache, and results."""
    needed, unknown = 0, []
    for one in coming:
        if one.units is not None and one.done is not None and one.frames is not None:
            needed += COPIES * ((one.units - one.done) * UNIT_BYTES + one.frames * FRAME_BYTES)
        elif graph.bytes[one.stage]:
            needed += 2 * graph.bytes[one.stage]
        else:
            unknown.append(one.stage)
    return Disk(needed, shutil.disk_usage(settings.path).free, unknown)
