"""What portable numerics cost: the longest trainings of the embedded run and its tracker, portable beside native.

    python -m benchmarks.bench_numerics

The two of a pair run at the same time with one thread each, so that the machine is the same for both: leave it a core
for each. A training reads what the run's own has read, in a temporary profile; the tracker follows all targets of the
re-detection benchmark with the run's networks. Takes some eight minutes. Needs `make repro`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import figures
from dat import records
from dat.audit import retrain
from dat.audit.walk import Walk
from dat.base import numerics, params, used
from dat.datasets import manifest as manifests

TRAININGS = ("training/encoder/vgg11", "weights/gpgnet/jtnl", "weights/salnet/core/salnet")
TRACKED = "redetection"


def pair(name: str, command: Sequence[str], homes: Sequence[Path]) -> list[float]:
    """Run a command in all of these profiles at once: seconds of processor time of each."""
    environment = {key: value for key, value in os.environ.items() if key not in numerics.VARIABLES}
    environment["PYTHONPATH"] = str(used.TOP)
    running, seconds = {}, {}
    for home in homes:
        with (home / "output").open("w") as output:
            whole = [sys.executable, "-m", "dat", *command]
            running[subprocess.Popen(whole, cwd=home, env=environment, stdout=output, stderr=output).pid] = home
    for _ in homes:
        pid, status, usage = os.wait3(0)
        if status:
            sys.exit(f"{name} failed: {(running[pid] / 'output').read_text()}")
        seconds[running[pid]] = usage.ru_utime + usage.ru_stime
    return [seconds[home] for home in homes]


def trained(walk: Walk, name: str, place: Path) -> list[float]:
    """A network of the run trained again, in each kind of numerics."""
    network = retrain.network_of(walk, f"{name}/record.json")
    if network is None:
        sys.exit(f"{name}: no training of this profile; run make repro first")
    homes = [place / name / kind for kind in numerics.KINDS]
    for kind, home in zip(numerics.KINDS, homes, strict=True):
        retrain.fill(walk, network, home, numerics=kind)
    return pair(name, ["train", network.kind, network.key], homes)


def tracked(walk: Walk, sequence: manifests.Sequence, place: Path) -> list[float]:
    """A target followed by the run's networks, in each kind of numerics."""
    homes = [place / sequence.name / kind for kind in numerics.KINDS]
    for kind, home in zip(numerics.KINDS, homes, strict=True):
        settings = params.plain(walk.settings.root) | {"root": ".", "numerics": kind}
        records.write_json(home / "params.yaml", settings)
        (home / "weights").symlink_to(walk.settings.path.absolute() / "weights")
    box = ",".join(f"{value:g}" for value in sequence.boxes[0])
    command = ["track", str(sequence.frames[0].parent.absolute()), f"--box={box}", f"--text={sequence.sentence}"]
    return pair(sequence.name, [*command, f"--sequence={sequence.name}", "--out=boxes.txt"], homes)


def main() -> None:
    walk = Walk(params.load())
    path = walk.settings.path / f"{walk.settings.root.datasets[TRACKED].manifest}.jsonl"
    sequences = list(manifests.read(path).sequences.values())
    table = figures.Table("one thread each, both at once; seconds of processor time", *numerics.KINDS, "ratio")
    walk.settings.place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-numerics-", dir=walk.settings.place) as folder:
        for name in TRAININGS:
            add(table, f"`{name}` trained", [trained(walk, name, Path(folder))])
        add(table, f"{len(sequences)} targets tracked", [tracked(walk, one, Path(folder)) for one in sequences])
    figures.write(__file__, table)


def add(table: figures.Table, what: str, pairs: Sequence[Sequence[float]]) -> None:
    portable, native = (sum(column) for column in zip(*pairs, strict=True))
    table.add(what, f"{portable:.1f}", f"{native:.1f}", f"{portable / native:.2f}")


if __name__ == "__main__":
    main()
