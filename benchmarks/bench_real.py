"""The finished run's trackers on the nine targets of OTB in DAT_TEST_DATA: precision, success, speed, re-detections.

    python -m benchmarks.bench_real [--frames 60] [--variants pymdnet,salnet,dat-jtnl] [--root CHECKOUT]

Prints a table as Markdown, both feature modes, with MDNet's published scores beside (of whole sequences, and with
convolutions from ImageNet, which ours do not have).
"""

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks import real_clips
from benchmarks.trackers import follow, tracker_of
from dat import params
from dat.models.exactness import exact
from dat.records import progress

ROOT = Path(__file__).resolve().parents[1]


def run(settings: params.Settings, clip: real_clips.Clip, variant: str, mode: str) -> tuple[float, ...]:
    """Precision, success, mean overlap, frames a second with the first, re-detections."""
    tracker = tracker_of(settings, variant, clip.name, clip.sentence, features=mode)
    images = clip.images
    clock = time.perf_counter()
    found, again = follow(tracker, images, clip.truth[0], clip.sentence)
    rate = len(images) / (time.perf_counter() - clock)
    return *real_clips.scores(found, clip.truth), rate, float(again)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--variants", default="pymdnet,salnet,dat-jtnl")
    parser.add_argument("--root", type=Path, default=ROOT)
    chosen = parser.parse_args()
    settings, variants = params.load(chosen.root), chosen.variants.split(",")
    exact(settings.section("tracking").threads)
    arms = [(variant, mode) for mode in ("shared", "crops") for variant in variants]
    table: dict[tuple[str, str], list[tuple[float, ...]]] = {arm: [] for arm in arms}
    with progress(total=len(arms) * len(real_clips.TARGETS), desc="real targets", unit="run") as bar:
        for name in real_clips.TARGETS:
            clip = real_clips.clip(name, chosen.frames)
            for arm in arms:
                table[arm].append(run(settings, clip, *arm))
                bar.update()
    print("| target | MDNet, published | " + " | ".join(f"{variant}, {mode}" for variant, mode in arms) + " |")
    print("|---" * (len(arms) + 2) + "|")
    for index, name in enumerate(real_clips.TARGETS):
        cells = [f"{table[arm][index][0]:.3f} / {table[arm][index][1]:.3f}" for arm in arms]
        published = "{:.3f} / {:.3f}".format(*real_clips.MDNET[name])
        print(f"| {name} | {published} | " + " | ".join(cells) + " |")
    means = {arm: np.mean(table[arm], axis=0) for arm in arms}
    published = "{:.3f} / {:.3f}".format(*np.mean(list(real_clips.MDNET.values()), axis=0))
    print(f"| mean | {published} | " + " | ".join(f"{means[arm][0]:.3f} / {means[arm][1]:.3f}" for arm in arms) + " |")
    print("| frames a second | | " + " | ".join(f"{means[arm][3]:.1f}" for arm in arms) + " |")
    print("| re-detections | | " + " | ".join(f"{sum(row[4] for row in table[arm]):.0f}" for arm in arms) + " |")


if __name__ == "__main__":
    main()
