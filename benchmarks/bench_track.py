"""The tracker against a plain reading of MDNet, in one run, at the same settings, on Crossing.

    python -m benchmarks.bench_track [--width 1.0] [--frames 30] [--data FOLDER] [--busy]

Full width, seeded random weights, MDNet's numbers of 2019; dropout off, so that both can be fed the same random
numbers, and fewer first-frame negatives, since the first frame is not timed. Prints how far the boxes agree, and a line
a comparison with its ratio last. The order of the runs is plain, crops, shared.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from benchmarks import figures, real_clips
from benchmarks.reference_mdnet import PlainTracker
from dat.base import params
from dat.models.exactness import exact
from dat.models.salnet import OnlineHead, SALNet
from dat.regions import boxes
from dat.tracking.mdnet.tracker import MDNetTracker
from tests import real_data

ROOT = Path(__file__).resolve().parents[1]


def settings(width: float, **changes):
    """The 2019 generation's numbers."""
    own = params.load(ROOT / "profiles" / "paper").root.tracking
    numbers = {
        "candidates": {"valid": False, "winner": "mean"},
        "first": {"positives": 500, "negatives": 1000, "iterations": 50, "rate": 5e-4},
        "update": {"positives": 50, "negatives": 200, "iterations": 15, "rate": 1e-3, "short": 30},
        "box_regression": {"scale": 1.6, "checked": False},
    }
    for section, values in numbers.items():
        own = own.model_copy(update={section: getattr(own, section).model_copy(update=values)})
    flat = {
        "mdnet": "v2",
        "dropout": 0.0,
        "dropout_fc4": 0.0,
        "fc6_init": "normal",
        "failure": "raw",
        "failure_score": 0.0,
        "on_failure": "keep",
        "loss": "mean",
    }
    return own.model_copy(update=flat | changes)


def network(width: float) -> SALNet:
    """Seeded random weights, whose features have about the size that trained ones have."""
    facts = SimpleNamespace(width=width, fc4=512, standardise=False, init="orthogonal", normalisation="v2")
    net = SALNet(facts, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        net.vggm.conv3.weight.mul_(0.1)
    return net.eval().requires_grad_(False)


def plain_run(images, box, width: float, float_crops: bool = False):
    """The reference: boxes, seconds a frame, and which update each had."""
    net, own = network(width), settings(width)
    seeds = np.random.SeedSequence(MDNetTracker(own, net, None, "Crossing", 0).entropy).spawn(4)
    samples, local, _, weights = (np.random.default_rng(seed) for seed in seeds)
    head = OnlineHead(net, torch.Generator().manual_seed(int(weights.integers(2**62))), 0.0)
    tracker = PlainTracker(own, net, head, samples, local)
    tracker.float_crops = float_crops
    tracker.init(images[0], box)
    found, seconds, updates = [box], [], []
    for image in images[1:]:
        clock = time.perf_counter()
        updates.append(tracker.update(image))
        seconds.append(time.perf_counter() - clock)
        found.append(np.array(tracker.box))
    return np.array(found), np.array(seconds), updates


def our_run(images, box, width: float, features: str):
    """Ours, as a job runs it: boxes, seconds a frame, and which update each had."""
    exact(torch.get_num_threads())
    tracker = MDNetTracker(settings(width, features=features), network(width), None, "Crossing", 0)
    tracker.init(images[0], box)
    found, seconds, updates, real = [box], [], [], tracker.classifier.update

    def watched(short: bool) -> None:
        updates[-1] = "short" if short else "long"
        real(short)

    tracker.classifier.update = watched
    for image in images[1:]:
        updates.append("none")
        clock = time.perf_counter()
        found.append(tracker.update(image))
        seconds.append(time.perf_counter() - clock)
    return np.array(found), np.array(seconds), updates


def counted(updates) -> str:
    return ", ".join(
        f"{updates.count(kind)} {name}"
        for kind, name in (("none", "without an update"), ("long", "long"), ("short", "short"))
    )


@contextlib.contextmanager
def other_work(processes: int):
    """So many processes that only count, while what is inside runs."""
    counting = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in counting:
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=real_data.folder())
    parser.add_argument("--busy", action="store_true", help="give every core other work beside")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    clip = real_clips.clip("Crossing", chosen.frames, place=chosen.data)
    images, box = clip.images, clip.truth[0]
    with other_work(os.cpu_count() or 1 if chosen.busy else 0):
        runs = {"plain": plain_run(images, box, chosen.width)}
        for mode in ("crops", "shared"):
            runs[mode] = our_run(images, box, chosen.width, mode)
    for name, (found, seconds, updates) in runs.items():
        agree = boxes.overlap(found, runs["plain"][0])
        print(
            f"{name}: {seconds.mean():.3f} s a frame after the first; {counted(updates)}; "
            f"overlap with plain's boxes {agree.mean():.3f}, least {agree.min():.3f}",
            file=sys.stderr,
        )
    plain = runs["plain"][1]
    quiet = {name: np.array([kind == "none" for kind in run[2]]) for name, run in runs.items()}
    crops, shared = runs["crops"][1], runs["shared"][1]
    about = "Updates: " + "; ".join(f"{name} {counted(run[2])}" for name, run in runs.items()) + "."
    print(about)
    table = figures.Table(f"Crossing, {len(plain)} frames after the first", "seconds a frame", "ratio")
    slow, quick = plain[quiet["plain"]].mean(), shared[quiet["shared"]].mean()
    table.add("plain reading", f"{plain.mean():.3f}", "")
    table.add("`crops`, all frames", f"{crops.mean():.3f}", f"{plain.mean() / crops.mean():.1f}x")
    table.add("`shared`, frames without an update", f"{quick:.3f}", f"{slow / quick:.1f}x")
    table.add("`shared`, all frames", f"{shared.mean():.3f}", f"{plain.mean() / shared.mean():.1f}x")
    figures.write(__file__, about, table)


if __name__ == "__main__":
    main()
