"""`make bench-fanout`: how well the paper's whole matrix fills 1 to 64 GPUs, simulated, and what a unit costs beside.

The units are the paper profile's, with the published lengths of the sequences and a sentence for each; the jobs are
packed by the fan-out's own code. The benchmarks run one after another, as DVC runs stages, one job a GPU, in an order
drawn by a seed, since Snakemake promises none. The bound is the least that any schedule could take: of each benchmark
its frames over the GPUs, or its longest unit, where that is more. Noise makes a unit longer or shorter than its frames
say. `--overhead` (after make repro) runs 1,000 units that the job store has already.
"""

import argparse
import heapq
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dat import params, records
from dat.datasets import manifest as manifests
from dat.fanout import plan, store
from dat.fanout import stage as fanout
from dat.fanout.unit import Unit
from dat.params import Settings
from dat.preflight import matrix

ROOT = Path(__file__).resolve().parents[1]
GPUS = (1, 2, 4, 8, 16, 32, 64)
LEAST = 0.95


def stages(settings: Settings) -> dict[str, list[Unit]]:
    """The units that each benchmark has to run: not those that one before it has run."""
    seen, found = set[str](), dict[str, list[Unit]]()
    for key in settings.root.benchmarks:
        spoken = [matrix.Target(one.name, one.frames, "a sentence") for one in matrix.targets(settings, key)]
        units = {unit.key: unit for unit in matrix.units(settings, key, spoken)}
        found[key] = [unit for name, unit in units.items() if name not in seen]
        seen |= set(units)
    return found


def makespan(
    units: Sequence[Unit], seconds: dict[str, float], gpus: int, batch: int, rng: np.random.Generator
) -> float:
    """When the last of a benchmark's jobs ends, in frames, each GPU taking the next job when it is free."""
    jobs = plan.pack(units, batch, gpus)
    free = [0.0] * gpus
    for index in rng.permutation(len(jobs)):
        heapq.heappush(free, heapq.heappop(free) + sum(seconds[unit.key] for unit in jobs[index]))
    return max(free)


def bound(units: Sequence[Unit], seconds: dict[str, float], gpus: int) -> float:
    """The least that any schedule takes."""
    costs = [seconds[unit.key] for unit in units]
    return max(sum(costs) / gpus, max(costs))


def simulate(found: dict[str, list[Unit]], batch: int, noise: float, seed: int = 0) -> dict[int, float]:
    """The bound over the makespan of the whole matrix, by number of GPUs."""
    rng, result = np.random.default_rng(seed), {}
    every = [unit for units in found.values() for unit in units]
    factors = np.clip(rng.normal(1, noise, len(every)), 0.1, None)
    seconds = {unit.key: unit.cost * factor for unit, factor in zip(every, factors, strict=True)}
    for gpus in GPUS:
        least = sum(bound(units, seconds, gpus) for units in found.values())
        result[gpus] = least / sum(makespan(units, seconds, gpus, batch, rng) for units in found.values())
    return result


def overhead(settings: Settings, key: str = "otb100", count: int = 1000) -> None:
    """Run units that the store has, through Snakemake and jobs, and print the seconds of each."""
    job = records.Job(key, settings, {"manifest": settings.path / "testing" / f"{key}.jsonl"}, {})
    shared, units = fanout.planned(job, manifests.read(job.inputs["manifest"]))
    place, work = store.location(settings.top), settings.place / "work" / "bench-fanout"
    there = [unit for unit in units if store.record(place, unit.key) is not None]
    if len(there) < len(units):
        raise SystemExit(f"bench-fanout: the store lacks {len(units) - len(there)} units of {key}; make repro first")
    batch = settings.root.fanout.batch
    many = [units[index % len(units)] for index in range(count)]
    jobs = [many[start : start + batch] for start in range(0, count, batch)]
    clock = time.perf_counter()
    fanout._execute(job, shared, jobs, {}, fanout.Places(place, work, work, work))
    seconds = time.perf_counter() - clock
    each = f"{1000 * seconds / count:.0f} ms a unit, {seconds / len(jobs):.2f} s a job"
    cores = settings.root.fanout.cores
    print(f"{count} units that are done already, {len(jobs)} jobs on {cores} cores: {seconds:.1f} s, {each}")


def main() -> int:
    """Print the table, and where it is below 0.95; the exit status is 1 where that is so without noise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, help="Units a job, instead of fanout.batch.")
    parser.add_argument(
        "--overhead", action="store_true", help="Also run 1,000 units that are done (after make repro)."
    )
    arguments = parser.parse_args()
    settings = params.load(ROOT / "profiles" / "paper")
    found, batch = stages(settings), arguments.batch or settings.root.fanout.batch
    units = [unit for one in found.values() for unit in one]
    frames, deep = sum(unit.cost for unit in units), sum(unit.cost for unit in units if unit.salnet)
    print(
        f"{len(units)} units, {frames / 1e6:.2f} million frames, {deep / 1e6:.2f} with a network; jobs of {batch} units"
    )
    exact, noisy = simulate(found, batch, 0.0), simulate(found, batch, 0.2)
    print("GPUs  bound/makespan  with 20 % noise")
    for gpus in GPUS:
        print(f"{gpus:4}  {exact[gpus]:14.3f}  {noisy[gpus]:15.3f}")
    low = [str(gpus) for gpus in GPUS if noisy[gpus] < LEAST]
    print(f"below {LEAST} with noise: {', '.join(low) or 'none'}")
    if arguments.overhead:
        overhead(params.load(ROOT))
    return 0 if min(exact.values()) >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
