"""`make bench-start`: a job's fixed cost, from its start to its first frame, with networks of the paper's size.

The job is a benchmark's own, `dat job`, as Snakemake calls it: SALNet of full width with
random weights, on one sequence of pictures of noise. It notes when it opens the first frame, and is ended there.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from benchmarks import figures
from benchmarks.bench_track import network
from dat import records
from dat.base import numerics, params, supervise
from dat.datasets import manifest
from dat.fanout import plan
from dat.fanout.unit import ENTRY, Unit, common_facts, files_of, key_of
from dat.models import weights

ROOT = Path(__file__).resolve().parents[1]
HOOK = """\
import os, sys, time

def note(event, arguments):
    if event == "open" and str(arguments[0]) == os.environ["DAT_FIRST"]:
        print(time.monotonic(), file=sys.__stdout__, flush=True)
        os._exit(0)

sys.addaudithook(note)
"""
SALNET = {"width": 1.0, "fc4": 512, "standardise": False, "init": "orthogonal", "normalisation": "v2"}
AIM = 4.0


def planned(home: Path) -> tuple[Path, Path]:
    """The plan of a job of one unit in a folder of its own; the plan, and the first frame's file."""
    (home / "checkout").symlink_to(ROOT)  # `root` takes no blank, and a checkout's own path may have some
    text = (ROOT / "params.yaml").read_text().replace("\nroot: .\n", "\nroot: checkout\n")
    (home / "params.yaml").write_text(text)
    settings = params.load(home)
    frame = home / "data" / "Noise" / "0001.jpg"
    frame.parent.mkdir(parents=True)
    cv2.imwrite(str(frame), np.random.default_rng(0).integers(0, 256, (360, 640, 3), dtype=np.uint8))
    facts = {"kind": "salnet", "network": SALNET, "graph": None, "nodes": 0, "layers": 0}
    weights.save(home / "weights" / "salnet", network(1.0), facts)
    files = [[f"Noise/{frame.name}", frame.stat().st_size, records.sha256_file(frame)]]
    row = {"sequence": "Noise", "frames": 1, "files": files, "boxes": [[100, 100, 60, 40]], "sentence": None}
    path = home / "testing" / "noise.jsonl"
    manifest.write(path, {"name": "noise", "layout": "otb", "linked": True, "lists": {}, "root": "data"}, [row])
    found, threads = manifest.read(path), settings.root.tracking.threads
    shared = common_facts("one-pass", 1, found.header, records.environment("cpu", threads), records.code_closure(ENTRY))
    unit = Unit("", "salnet", 0, "Noise", "none", "weights/salnet", None, 1)
    unit = replace(unit, files=[records.file_facts(file, home) for file in files_of(home, unit)])
    sections = plan.settings_of(settings, "one-pass")
    unit = replace(unit, key=key_of(shared, unit, sections, found.sequences["Noise"].digest))
    content = {
        "benchmark": "noise",
        "device": "cpu",
        "home": str(home),
        "jobs": [[asdict(unit)]],
        "manifest": str(path),
        "numerics": settings.root.numerics,
        "place": supervise.place(),
        "sections": sections,
        "shared": shared,
        "slots": {},
        "store": str(home / "store"),
        "threads": threads,
    }
    records.write_json(home / "work" / "plan.json", content)
    return home / "work" / "plan.json", frame


def start(job: Path, frame: Path) -> tuple[float, float]:
    """Seconds from a job's start to its first frame, by the clock and of a processor."""
    hook = job.parent / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(HOOK)
    environment = os.environ | {"DAT_FIRST": str(frame), "PYTHONPATH": f"{ROOT}{os.pathsep}{hook}"}
    call = [sys.executable, "-m", "dat", "job", str(job), "0", str(job.parent / "done")]
    clock = time.monotonic()
    child = subprocess.Popen(call, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    log = "\n".join(path.read_text() for path in sorted((job.parent / "units").glob("*.log")))
    noted = (said.split() or log.split())[:1]
    if status or not noted:
        raise SystemExit(f"bench-start: the job ended before its first frame: {said}{log}")
    return float(noted[0]) - clock, usage.ru_utime + usage.ru_stime


def main() -> int:
    """Print the figures; the exit status is 1 where the least time is above the aim."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    numerics.prepare("portable")
    busy = f"before them {os.getloadavg()[0]:.1f} processes were at work on {os.cpu_count()} cores"
    with tempfile.TemporaryDirectory() as folder:
        job, frame = planned(Path(folder))
        seconds = [start(job, frame) for _ in range(arguments.runs)]
    clocks, spent = zip(*seconds, strict=True)
    table = figures.Table("from a job's start to its first frame", "least", "median")
    table.add("by the clock", f"{min(clocks):.1f} s", f"{median(clocks):.1f} s")
    table.add("of a processor", f"{min(spent):.1f} s", f"{median(spent):.1f} s")
    text = f"{arguments.runs} jobs one after another, {AIM:g} s aimed at; {busy}."
    figures.write(__file__, text, table)
    return 0 if min(clocks) <= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
