"""`make bench-fanout`: how well the paper's whole matrix fills 1 to 64 GPUs, simulated, and what a unit costs beside.

The units are the paper profile's, with the published lengths of the sequences and a sentence for each; the jobs are
packed by the fan-out's own code. The benchmarks run one after another, as DVC runs stages, one job a GPU, in the
plan's order. The bound is the least that any schedule could take: of each benchmark its frames over the GPUs, or its
longest unit, where that is more. Noise makes a unit longer or shorter than its frames say; the last column is with
noise, and with the time that a job takes to start. `--overhead` runs 1,000 units that a job store has already.
"""

import argparse
import heapq
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import figures
from dat import records
from dat.base import params
from dat.base.params import Settings
from dat.datasets import manifest as manifests
from dat.fanout import plan, store
from dat.fanout import stage as fanout
from dat.fanout.unit import Unit
from dat.preflight import matrix

ROOT = Path(__file__).resolve().parents[1]
GPUS = (1, 2, 4, 8, 16, 32, 64)
LEAST = 0.95
START = 200
"""Frames that a GPU tracks while a job starts: 2 s at 100 frames a second."""


def stages(settings: Settings) -> dict[str, list[Unit]]:
    """The units that each benchmark has to run: not those that one before it has run."""
    seen, found = set[str](), dict[str, list[Unit]]()
    for key in settings.root.benchmarks:
        spoken = [matrix.PlannedTarget(one.name, one.frames, "a sentence") for one in matrix.targets(settings, key)]
        units = {unit.key: unit for unit in matrix.units(settings, key, spoken)}
        found[key] = [unit for name, unit in units.items() if name not in seen]
        seen |= set(units)
    return found


def makespan(units: Sequence[Unit], seconds: dict[str, float], gpus: int, batch: int, start: float) -> float:
    """When the last of a benchmark's jobs ends, in frames, each GPU taking the next job when it is free."""
    free = [0.0] * gpus
    for job in plan.pack(units, batch, gpus):
        heapq.heappush(free, heapq.heappop(free) + start + sum(seconds[unit.key] for unit in job))
    return max(free)


def bound(units: Sequence[Unit], seconds: dict[str, float], gpus: int) -> float:
    """The least that any schedule takes."""
    costs = [seconds[unit.key] for unit in units]
    return max(sum(costs) / gpus, max(costs))


def simulate(
    found: dict[str, list[Unit]], batch: int, noise: float, start: float = 0.0, seed: int = 0
) -> dict[int, float]:
    """The bound over the makespan of the whole matrix, by number of GPUs; a job takes `start` frames to start."""
    rng, result = np.random.default_rng(seed), {}
    every = [unit for units in found.values() for unit in units]
    factors = np.clip(rng.normal(1, noise, len(every)), 0.1, None)
    seconds = {unit.key: unit.cost * factor for unit, factor in zip(every, factors, strict=True)}
    for gpus in GPUS:
        least = sum(bound(units, seconds, gpus) for units in found.values())
        result[gpus] = least / sum(makespan(units, seconds, gpus, batch, start) for units in found.values())
    return result


def overhead(settings: Settings, folder: Path, count: int = 1000) -> str:
    """Run units that a store in `folder` has, through Snakemake and jobs; the seconds of each, in a sentence."""
    units = [Unit(records.sha256_json(index), "none", 0, "none", "none", None, None, 1) for index in range(count)]
    place, manifest = folder / "store", folder / "none.jsonl"
    manifests.write(manifest, {"name": "none", "linked": True, "lists": {}, "root": "none"}, [])
    for unit in units:
        store.put(place, unit.key, store.workspace(place), {"key": unit.key, "outputs": []}, {})
    job = records.Job("none", settings, {"manifest": manifest}, {})
    jobs = plan.pack(units, settings.root.fanout.batch, settings.root.fanout.cores)
    clock, places = time.perf_counter(), fanout.Places(place, folder / "work", folder, folder)
    fanout._execute(job, {"protocol": "one-pass"}, jobs, {}, places)
    seconds = time.perf_counter() - clock
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    each = f"{seconds / count:.3f} s a unit, {seconds / len(jobs):.2f} s a job"
    cores, busy = settings.root.fanout.cores, children.ru_utime + children.ru_stime
    spent = f"processor time {busy:.1f} s, {busy / len(jobs):.2f} s a job"
    return f"{count} units that are done already, {len(jobs)} jobs on {cores} cores: {seconds:.1f} s, {each}; {spent}."


def main() -> int:
    """Print the table, and where it is below 0.95 with noise; the exit status is 1 where that is so."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, help="Units a job, instead of fanout.batch.")
    parser.add_argument("--overhead", action="store_true", help="Also run 1,000 units that are done.")
    arguments = parser.parse_args()
    settings = params.load(ROOT / "profiles" / "paper")
    found, batch = stages(settings), arguments.batch or settings.root.fanout.batch
    units = [unit for one in found.values() for unit in one]
    frames, deep = sum(unit.cost for unit in units), sum(unit.cost for unit in units if unit.salnet)
    size = f"{len(units):,} units, {frames / 1e6:.2f} million frames, {deep / 1e6:.2f} with a network"
    blocks: list[figures.Table | str] = [f"{size}; jobs of at most {batch} units, one a GPU."]
    print(blocks[0])
    exact, noisy = simulate(found, batch, 0.0), simulate(found, batch, 0.2)
    started = simulate(found, batch, 0.2, START)
    table = figures.Table("GPUs", "lengths known", "20 % noise", "and starts")
    for gpus in GPUS:
        table.add(gpus, *(f"{ratios[gpus]:.3f}" for ratios in (exact, noisy, started)))
    blocks.append(table)
    low = [str(gpus) for gpus in GPUS if noisy[gpus] < LEAST]
    print(f"below {LEAST} with noise: {', '.join(low) or 'none'}")
    if arguments.overhead:
        with tempfile.TemporaryDirectory() as folder:
            blocks.append(overhead(params.load(ROOT), Path(folder)))
        print(blocks[-1])
    figures.write(__file__, *blocks)
    return 0 if min(noisy.values()) >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
