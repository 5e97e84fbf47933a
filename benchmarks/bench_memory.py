"""`make bench-memory`: resident memory of one tracker over 10,000 frames, most of them without the target.

A tiny network on frames of 64 x 48 pixels. The target is seen in the first frame and in every fourth hundred, and gone
in between, so that failures, re-detections, long and short updates all happen. One thread. Prints memory at frames
100, 1,000 and 10,000, and last the growth from 1,000 to 10,000, as a ratio.
"""

import argparse
import os
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from benchmarks import figures
from dat.base import params, sections
from dat.models.gpgnet import GPGNet
from dat.models.salnet import SALNet
from dat.tracking.attention import Attention
from dat.tracking.mdnet.tracker import MDNetTracker

ROOT = Path(__file__).resolve().parents[1]

NETWORK = SimpleNamespace(width=0.05, fc4=64, standardise=True, init="orthogonal", normalisation="vgg-m")
LANGUAGE = SimpleNamespace(channels=8, kernel=3, layers=1)
BOX = (24.0, 18.0, 12.0, 10.0)
COUNTS = {
    "candidates": {"local": 6, "global_": 2},
    "first": {"positives": 16, "negatives": 32, "iterations": 10},
    "update": {"positives": 4, "negatives": 8, "iterations": 1, "long": 100, "short": 20, "interval": 10},
    "batch": {"positives": 8, "negatives": 16, "pool": 32},
    "box_regression": {"samples": 40},
}


def settings() -> sections.Tracking:
    """The embedded profile's settings with the smallest counts, features shared."""
    own = params.load(ROOT).root.tracking
    changed = {name: getattr(own, name).model_copy(update=values) for name, values in COUNTS.items()}
    return own.model_copy(update={**changed, "features": "shared"})


def frames() -> tuple[np.ndarray, np.ndarray]:
    """The scene with the target, and without it: (48, 64, 3) uint8 each."""
    empty = np.random.default_rng(0).integers(60, 90, (48, 64, 3)).astype(np.uint8)
    with_target = empty.copy()
    x, y, w, h = (int(value) for value in BOX)
    with_target[y : y + h, x : x + w] = (240, 60, 40)
    return with_target, empty


def resident() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    count = parser.parse_args().frames
    torch.set_num_threads(1)
    salnet = SALNet(NETWORK, generator=torch.Generator().manual_seed(0)).eval().requires_grad_(False)
    gpgnet = GPGNet(["target"], NETWORK, LANGUAGE, 2).eval().requires_grad_(False)
    seen, empty = frames()
    tracker = MDNetTracker(settings(), salnet, Attention(gpgnet, None, (18, 24)), "memory", 0)
    clock, lost, memory, table = time.process_time(), 0, {}, figures.Table("frame", "resident memory, MB")
    tracker.init(seen, BOX)
    for number in range(2, count + 1):
        tracker.update(seen if number // 100 % 4 == 3 else empty)
        lost += tracker.lost
        if not (np.isfinite(tracker.box).all() and (tracker.box[2:] <= (64, 48)).all()):
            sys.exit(f"frame {number}: box {tracker.box}")
        if number in (100, 1000, 10_000):
            memory[number] = resident()
            table.add(number, round(memory[number], 1))
    spent = time.process_time() - clock
    about = f"{count:,} frames, {lost:,} of them failures, {spent:.0f} s of one core."
    if len(memory) == 3:
        about += f" Memory at frame 10,000 against frame 1,000: {memory[10_000] / memory[1000]:.3f}x."
    print(about)
    figures.write(__file__, about, table)


if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1":
        os.environ["OMP_NUM_THREADS"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    main()
