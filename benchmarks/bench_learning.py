"""Does training help? On held-out embedded videos, and on real ones against random convolutions.

    python -m benchmarks.bench_learning [--networks 5] [--seeds 3] [--root CHECKOUT] [--part real,maps,regions]
        [--work FOLDER]

Networks are trained by the stages' own commands in a copy of the finished run's training data, each with its own
`train.seed`, the encoders that GPGNets start from too: a seed also decides which videos are held out. `maps`: GPGNet's
three versions, the overlap of the thresholded map with the box, and the area under the precision-recall curve, which
needs no threshold. `regions`: SALNet against the baseline, how far held-out positives and negatives lie apart. `real`:
trackers without attention on the nine targets of OTB in DAT_TEST_DATA, first 40 frames and every second of the first
80, on trained and on random networks. Prints a row a comparison; intervals resample clips and networks.
"""

import argparse
import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import figures, real_clips
from benchmarks.trackers import follow
from dat.base import params
from dat.models import weights
from dat.models.exactness import exact
from dat.models.salnet import SALNet
from dat.progress import progress
from dat.tracking.mdnet.tracker import MDNetTracker
from dat.training.runner import generator

ROOT = Path(__file__).resolve().parents[1]

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
LOOKS = ((40, 1), (40, 2))
"""Frames, and every how many-th image."""


def train(run: Path, work: Path, seed: int, network: str, where: str) -> Path:
    """The weights folder of a network trained with a seed: `where` is its place below `weights/<network>`."""
    folder = work / f"seed-{seed}"
    if not folder.exists():
        folder.mkdir()
        text = (run / "params.yaml").read_text(encoding="utf-8")
        changed, count = re.subn(r"(?m)^(train: \{seed: )\d+", rf"\g<1>{seed}", text)
        assert count == 1, "params.yaml has no line that begins with train: {seed:"
        (folder / "params.yaml").write_text(changed, encoding="utf-8")
        (folder / "data").symlink_to((run / "data").resolve())
        (folder / "training").mkdir()
        for part in (run / "training").iterdir():
            if part.name != "encoder":
                (folder / "training" / part.name).symlink_to(part.resolve())
    if network == "gpgnet":
        for kind in params.load(run).root.encoder:
            made(folder, folder / "training" / "encoder" / kind, "encoder")
    weights = folder / "weights" / network / where
    made(folder, weights, network)
    return weights


def made(folder: Path, weights: Path, network: str) -> None:
    """Train a network of a profile where it is not there yet."""
    if not weights.exists():
        call = [sys.executable, "-m", "dat", "train", network, weights.name]
        done = subprocess.run(call, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)


def metric(folder: Path, key: str) -> float:
    """A held-out figure of a trained network."""
    return float(json.loads((folder / "metrics.json").read_text())[key])


def spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else f"{values[0]:.3f}"


def compare(
    run: Path, work: Path, seeds: int, network: str, names: dict[str, str], key: str, table: figures.Table
) -> None:
    """Add a held-out figure of networks, the mean over seeds and its spread, and of the difference to the first."""
    found: dict[str, list[float]] = {name: [] for name in names}
    for (name, where), seed in itertools.product(names.items(), range(seeds)):
        found[name].append(metric(train(run, work, seed, network, where), key))
    first = next(iter(found))
    for name, values in found.items():
        gain = spread([a - b for a, b in zip(values, found[first], strict=True)]) if name != first else ""
        table.add(network, name, key, spread(values), gain)


def track(settings: params.Settings, network: SALNet, clips: list[real_clips.Clip]) -> np.ndarray:
    """Mean overlap on each clip."""
    overlaps = []
    for clip in clips:
        tracker = MDNetTracker(settings.root.tracking, network, None, clip.name, 0)
        found, _ = follow(tracker, clip.images, clip.truth[0])
        overlaps.append(real_clips.scores(found, clip.truth)[2])
    return np.array(overlaps)


def real(settings: params.Settings, run: Path, work: Path, count: int, variant: str) -> figures.Table:
    """Mean overlap of trackers with trained and with random networks on real video."""
    exact(settings.root.tracking.threads)
    clips = [real_clips.clip(name, frames, step) for frames, step in LOOKS for name in real_clips.TARGETS]
    where = settings.root.variants[variant].salnet
    rows: dict[str, list[np.ndarray]] = {"trained": [], "random": []}
    with progress(total=2 * count, desc="networks", unit="network") as bar:
        for seed, arm in itertools.product(range(count), rows):
            if arm == "trained":
                network = weights.load_salnet(train(run, work, seed, "salnet", where), "cpu")
            else:
                network = SALNet(settings.root.network, generator=generator(9, seed)).requires_grad_(False)
            rows[arm].append(track(settings, network.eval(), clips))
            bar.update()
    trained, random = (np.array(rows[arm]) for arm in ("trained", "random"))
    skiing = np.array([clip.name != "Skiing" for clip in clips])
    table = figures.Table(f"clips, {variant}", "trained", "random", "difference, and interval")
    short = np.arange(len(clips)) < len(real_clips.TARGETS)
    for words, chosen in (
        ("all clips", np.ones_like(skiing)),
        ("without Skiing", skiing),
        ("first 40 frames", short),
        ("every second of 80", ~short),
    ):
        ours, theirs = trained[:, chosen], random[:, chosen]
        low, high = real_clips.interval(ours, theirs)
        gain = ours.mean() - theirs.mean()
        row = f"{ours.mean():.3f}", f"{theirs.mean():.3f}", f"{gain:+.3f} [{low:+.3f}, {high:+.3f}]"
        table.add(words, *row)
    each = (" ".join(f"{value:.3f}" for value in networks.mean(1)) for networks in (trained, random))
    table.add("each network", *each, "")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--variant", default="pymdnet")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--part", default="maps,regions,real")
    kept = "an existing folder where networks of this code and run are kept, and found again"
    parser.add_argument("--work", type=Path, help=kept)
    chosen = parser.parse_args()
    settings, parts = params.load(chosen.root), chosen.part.split(",")
    table = figures.Table("network", "variant", f"held-out figure, {chosen.seeds} seeds", "mean", "more than the first")
    blocks = [table]
    with contextlib.nullcontext(chosen.work) if chosen.work else tempfile.TemporaryDirectory() as work:
        if "maps" in parts:
            versions = {name: name for name in ("to", "nl", "jtnl")}
            for key in ("held_out_iou", "held_out_average_precision"):
                compare(chosen.root, Path(work), chosen.seeds, "gpgnet", versions, key, table)
        if "regions" in parts:
            nets = {name: settings.root.variants[name].salnet for name in ("pymdnet", "salnet")}
            for key in ("held_out_margin", "held_out_auc", "held_out_accuracy"):
                compare(chosen.root, Path(work), chosen.seeds, "salnet", nets, key, table)
        if "real" in parts:
            blocks.append(real(settings, chosen.root, Path(work), chosen.networks, chosen.variant))
    figures.write(__file__, *blocks)


if __name__ == "__main__":
    main()
