"""`make bench-evaluate`: this evaluation against got10k's and VOT's own, on the same files, in one run.

Needs DAT_TEST_DATA (OTB's annotations, VOT2019's). The toolkits live in an environment of their own, .dat/toolkits,
which is made on the first run. A line a comparison, its ratio last. Seconds are the processor's, of one thread each.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import figures
from dat.benchmarks import catalogue
from dat.evaluation import definitions, ground_truth, results
from dat.evaluation.definitions import OnePass, Vot
from dat.evaluation.one_pass import curves as one_pass
from dat.evaluation.one_pass import summary as scoring
from dat.evaluation.vot import expected_overlap as vot
from dat.evaluation.vot import files as vot_files
from tests import real_data

ROOT = Path(__file__).resolve().parent.parent

TOOLKITS = ROOT / ".dat" / "toolkits"
PACKAGES = ("got10k==0.1.3", "vot-toolkit==0.9.0", "attributee==0.1.9")
TRACKERS, REPETITIONS, RESAMPLES = 100, 15, 10_000


def toolkit_python() -> Path:
    """The toolkits' own environment, made if it is not there."""
    python = TOOLKITS / "bin" / "python"
    if not (TOOLKITS / "made").exists():
        print(f"making {TOOLKITS} ({', '.join(PACKAGES)})", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(TOOLKITS)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True, stdout=sys.stderr)
        (TOOLKITS / "made").touch()
    return python


def run_toolkit(*arguments: str | Path) -> None:
    """One command of toolkits.py in the toolkits' environment."""
    script = Path(__file__).with_name("toolkits.py")
    subprocess.run([str(toolkit_python()), str(script), *map(str, arguments)], check=True)


def write_boxes(path: Path, boxes: Any) -> None:
    """Rows x,y,w,h with four decimals."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{x:.4f},{y:.4f},{w:.4f},{h:.4f}\n" for x, y, w, h in boxes.tolist()))


def otb_trackers(truth: ground_truth.GroundTruth, folder: Path, count: int) -> None:
    """Trackers that drift away from the truth, each at its own pace."""
    for number in range(count):
        rng = np.random.default_rng(number)
        for name, target in truth.targets.items():
            noise = rng.normal(0, 0.03 + 0.003 * number, target.boxes.shape) * np.tile(target.boxes[:, 2:], 2)
            noise[:, 2:] *= 0.3
            boxes = target.boxes + noise.cumsum(0) * 0.1 + noise
            boxes[:, 2:] = np.maximum(boxes[:, 2:], 1)
            write_boxes(folder / f"tracker-{number:03d}" / f"{name}.txt", boxes)


def plain_annotations(truth: ground_truth.GroundTruth, folder: Path) -> None:
    """The truth as files that both read, under the names of the results."""
    for name, target in truth.targets.items():
        write_boxes(folder / f"{name}.txt", target.boxes)


@contextmanager
def clock(times: dict[str, float], name: str) -> Iterator[None]:
    """Adds the seconds within."""
    start = time.process_time()
    yield
    times[name] = times.get(name, 0.0) + time.process_time() - start


def add(table: figures.Table, name: str, theirs: float, ours: float) -> None:
    """Add one comparison."""
    table.add(name, f"{theirs:.2f} s", f"{ours:.2f} s", f"{theirs / ours:.1f}x")


def one_pass_benchmark(data: Path, work: Path, table: figures.Table) -> None:
    """100 trackers on OTB-100: from files to curves, the scoring alone, and the intervals."""
    benchmark = catalogue.find("otb100")
    rule = definitions.find("got10k", "one-pass")
    assert isinstance(rule, OnePass)
    truth = ground_truth.read(data / "annotations/otb100", benchmark)
    plain_annotations(truth, work / "annotations")
    otb_trackers(truth, work / "trackers", TRACKERS)
    run_toolkit("otb", work / "annotations", work / "trackers", work / "got10k.npz")
    theirs = np.load(work / "got10k.npz")

    times: dict[str, float] = {}
    scored = []
    with clock(times, "all"):
        read = ground_truth.read(work / "annotations", benchmark)
        evaluator = one_pass.Evaluator(list(read.targets.values()), rule)
        for folder in results.tracker_folders(work / "trackers"):
            tracker = results.read(folder, read, rule)
            with clock(times, "scoring"):
                scores = evaluator.evaluate(tracker)
            tracker.boxes.clear()
            scored.append(scoring.Scored(tracker, scores))
    entries: dict[str, dict[str, Any]] = {one.name: {} for one in scored}
    with clock(times, "intervals"):
        scoring.add_intervals(entries, scored, scoring.Bootstrap(RESAMPLES, 0))

    frames = sum(len(target.boxes) for target in truth.targets.values())
    words = f"{TRACKERS} trackers x OTB-100 ({frames:,} frames each), got10k"
    add(table, f"{words}: files to curves", float(theirs["reading"] + theirs["scoring"]), times["all"])
    add(table, "scoring alone", float(theirs["scoring"]), times["scoring"])
    add(table, f"{RESAMPLES:,}-resample intervals, against our scoring", times["scoring"], times["intervals"])
    table.add("largest difference of a curve's value from got10k's", "", f"{_largest(theirs, scored, read):.1e}", "")


def _largest(theirs: Any, scored: list[scoring.Scored], truth: ground_truth.GroundTruth) -> float:
    """The largest difference between the two sets of curves, which are of the same rule."""
    worst, order = 0.0, sorted(truth.targets)
    for one in scored:
        assert one.scores is not None
        rows = [one.scores.sequences.index(name) for name in order]
        for kind, ours in (("success", one.scores.success), ("precision", one.scores.precision)):
            worst = max(worst, float(np.abs(ours[rows] - theirs[f"{kind}/{one.name}"]).max()))
    return worst


def vot_tracker(truth: vot_files.VotTruth, folder: Path) -> None:
    """Fifteen different repetitions of a tracker that now and then fails."""
    rng = np.random.default_rng(0)
    for name, target in truth.targets.items():
        values = target.regions.values.astype(np.float64)
        corners, upright = values.reshape(-1, 4, 2), target.regions.rectangle[:, None]
        low = np.where(upright, values[:, :2], corners.min(1))
        size = np.where(upright, values[:, 2:4], corners.max(1) - low)
        for number in range(1, REPETITIONS + 1):
            boxes = np.concatenate([low, size], 1) + rng.normal(0, 0.1, (len(low), 4)) * np.tile(size, 2)
            path = folder / name / f"{name}_{number:03d}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(_protocol(boxes, rng)) + "\n")


def _protocol(boxes: Any, rng: np.random.Generator) -> list[str]:
    """Lines of a run: a start, and after every failure four skipped frames and a start."""
    lines = [f"{x:.4f},{y:.4f},{w:.4f},{h:.4f}" for x, y, w, h in boxes.tolist()]
    lines[0], earliest = "1", 5
    for failure in sorted(rng.integers(5, max(len(lines) - 1, 6), max(1, len(lines) // 150)).tolist()):
        if earliest <= failure < len(lines):
            after = ["2", "0", "0", "0", "0", "1"][: len(lines) - failure]
            lines[failure : failure + 6] = after
            earliest = failure + 8
    return lines


def vot_benchmark(data: Path, work: Path, table: figures.Table) -> None:
    """EAO of one tracker on 60 sequences with 15 repetitions, from its files."""
    place, benchmark = data / "annotations/vot2019.json", catalogue.find("vot2019")
    truth = vot_files.read_truth(place, benchmark)
    vot_tracker(truth, work / "vot/T/baseline")
    run_toolkit("vot", place, work / "vot/T/baseline", work / "vot.npz")
    theirs = np.load(work / "vot.npz")
    rule = definitions.find("vot-toolkit-0.9", "vot")
    assert isinstance(rule, Vot)
    assert benchmark.interval
    times: dict[str, float] = {}
    with clock(times, "all"):
        tracker = vot_files.read_tracker(work / "vot/T", truth)
        with clock(times, "after reading"):
            frames = [vot.frame_overlaps(truth.targets[name], runs, rule) for name, runs in tracker.runs.items()]
            longest = max(len(target) for target in truth.targets.values())
            found = vot.curves(frames, longest, benchmark.interval, rule)
            eao = found.eao()
    low, high = benchmark.interval
    words = f"EAO of {len(frames)} sequences x {REPETITIONS} repetitions, VOT's toolkit"
    add(table, f"{words}: files to EAO", float(theirs["times"].sum()), times["all"])
    add(table, "overlaps and curve", float(theirs["times"][1:].sum()), times["after reading"])
    difference = abs(eao - float(theirs["curve"][low : high + 1].mean()))
    table.add("difference of EAO from the toolkit's", "", f"{difference:.1e}", "")


def main() -> None:
    """All comparisons that there is data for."""
    if not os.environ.get("OMP_NUM_THREADS"):
        os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
        os.execv(sys.executable, [sys.executable, *sys.argv])
    data, table = real_data.folder(), figures.Table("comparison", "other", "ours", "ratio")
    parts: list[tuple[str, Callable[[Path, Path, figures.Table], None]]] = [
        ("annotations/otb100", one_pass_benchmark),
        ("annotations/vot2019.json", vot_benchmark),
    ]
    with tempfile.TemporaryDirectory() as temporary:
        for needed, part in parts:
            if (data / needed).exists():
                part(data, Path(temporary), table)
            else:
                print(f"left out: {data / needed} is not there; DAT_TEST_DATA names the folder of real data")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table.add("peak memory", "limit 500 MB", f"{peak:.0f} MB", f"{500 / peak:.1f}x")
    figures.write(__file__, table)


if __name__ == "__main__":
    main()
