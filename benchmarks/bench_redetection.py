"""Is a target found again that left the view, or was covered for fifteen frames? On videos that no network has seen.

    python -m benchmarks.bench_redetection [--videos 10] [--seeds 2] [--variants salnet,dat-jtnl] [--clips SEED]
        [--root CHECKOUT]

Draws videos of 60 frames of both kinds, with seeds and photographs of their own, and tracks each with the networks of
the profile's finished run. A target has returned when half of it is to be seen again; whether it is found again says
the definition `redetection` (docs/evaluation.md). Prints a line a variant and kind: how often, of how many, and of
those that were held shortly before; and re-detections as the tracker counts them [R25].
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import figures
from benchmarks.trackers import follow, tracker_of
from dat.base import params
from dat.datasets.scenery import programme, textures
from dat.datasets.scenery.rendering import render
from dat.datasets.scenery.scenes import compose
from dat.datasets.scenery.shapes import KINDS
from dat.datasets.scenery.truth import truth
from dat.evaluation import definitions
from dat.models.exactness import exact
from dat.progress import progress
from dat.regions import boxes

ROOT = Path(__file__).resolve().parents[1]

SEED, FRAMES, SIZE, HELD = 90_001, 60, (320, 240), 15
RULE = definitions.REDETECTION
RECIPES = {"leaves": programme.OTB[1], "covered": programme.OTB[0]}


@dataclass(frozen=True)
class Clip:
    """A video (F, H, W, 3), its truth (F, 4), its sentence; when its target is gone and has returned."""

    name: str
    kind: str
    images: np.ndarray
    truth: np.ndarray
    sentence: str
    gone: int
    back: int


def clips(videos: int, number: int = SEED) -> Iterator[Clip]:
    """Videos of both kinds, one after another, drawn by a seed."""
    for index, seed in enumerate(np.random.SeedSequence(number).spawn(2 * videos)):
        kind = list(RECIPES)[index % 2]
        scenery, wording = seed.spawn(2)
        shape, photos = KINDS[index % len(KINDS)], textures.PHOTOS["testing"]
        video = render(compose(scenery, RECIPES[kind], shape, SIZE, FRAMES, photos))
        fact = truth(video, 0, wording)
        gone, back = vanishing(fact.absent, video.seen[0])
        yield Clip(f"{kind}-{index // 2}", kind, video.images, fact.boxes, fact.sentence, gone, back)


def vanishing(absent: np.ndarray, seen: np.ndarray) -> tuple[int, int]:
    """The first frame of the longest absence, and the first after it in which half of the target is seen."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], absent.astype(int), [0]])))
    gone, end = max(zip(edges[::2], edges[1::2], strict=True), key=lambda gap: gap[1] - gap[0])
    return int(gone), int(end + np.argmax(seen[end:] >= 0.5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=10, help="of each kind")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--variants", default="salnet,dat-to,dat-nl,dat-jtnl")
    parser.add_argument("--clips", type=int, default=SEED, help="seed that the videos are drawn by")
    parser.add_argument("--root", type=Path, default=ROOT)
    chosen = parser.parse_args()
    settings, variants = params.load(chosen.root), chosen.variants.split(",")
    exact(settings.root.tracking.threads)
    rows: dict[tuple[str, str], list[tuple[bool, bool, int]]] = {}
    shown = list(clips(chosen.videos, chosen.clips))
    with progress(total=len(shown) * len(variants) * chosen.seeds, desc="re-detection", unit="run") as bar:
        for clip in shown:
            for variant in variants:
                for seed in range(chosen.seeds):
                    tracker = tracker_of(settings, variant, clip.name, clip.sentence, seed)
                    found, again = follow(tracker, clip.images, clip.truth[0], clip.sentence)
                    overlap = boxes.overlap(found, clip.truth)
                    held = bool(overlap[max(clip.gone - HELD, 0) : clip.gone].max() > RULE.again)
                    regained = bool(overlap[clip.back : clip.back + RULE.within + 1].max() > RULE.again)
                    rows.setdefault((variant, clip.kind), []).append((regained, held, again))
                    bar.update()
    gaps = [clip.back - clip.gone for clip in shown]
    about = f"{len(shown)} videos of {FRAMES} frames (seed {chosen.clips}), away for {min(gaps)} to {max(gaps)} frames"
    table = figures.Table("the target", "variant", "found again", "of those held until then", "re-detections a run")
    for (variant, kind), runs in sorted(rows.items(), key=lambda row: (row[0][1], variants.index(row[0][0]))):
        outcomes = np.array(runs, int)
        held = outcomes[outcomes[:, 1] == 1]
        all_runs, held_runs = (f"{which[:, 0].sum()} of {len(which)}" for which in (outcomes, held))
        table.add(kind, variant, all_runs, held_runs, f"{outcomes[:, 2].mean():.2f}")
    figures.write(__file__, f"{about}, {chosen.seeds} seeds of the tracker.", table)


if __name__ == "__main__":
    main()
