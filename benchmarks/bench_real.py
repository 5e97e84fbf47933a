"""The finished run's trackers on the nine targets of OTB in DAT_TEST_DATA: precision, success, speed, re-detections.

    python -m benchmarks.bench_real [--frames 60] [--seeds 2] [--variants pymdnet,salnet,dat-jtnl] [--json OUT]
                                    [--modes shared,crops] [--root CHECKOUT]

Prints a table, means over the tracker's seeds, with MDNet's published scores beside (of whole sequences,
and with convolutions from ImageNet, which ours do not have). Then a line a comparison, the difference in success with
its 95 % interval over targets and seeds: of the two feature modes, and of every variant with attention and `salnet`.
"""

import argparse
import itertools
import time
from pathlib import Path

import numpy as np

from benchmarks import figures, real_clips
from benchmarks.trackers import follow, tracker_of
from dat.base import params
from dat.models.exactness import exact
from dat.progress import progress
from dat.records import write_json

ROOT = Path(__file__).resolve().parents[1]
Arm = tuple[str, str]
SUCCESS = 1


def run(settings: params.Settings, clip: real_clips.Clip, variant: str, mode: str, seed: int) -> tuple[float, ...]:
    """Precision, success, mean overlap, frames a second with the first, re-detections."""
    tracker = tracker_of(settings, variant, clip.name, clip.sentence, seed, mode)
    images = clip.images
    clock = time.perf_counter()
    found, again = follow(tracker, images, clip.truth[0], clip.sentence)
    rate = len(images) / (time.perf_counter() - clock)
    return *real_clips.scores(found, clip.truth), rate, float(again)


def measure(settings: params.Settings, arms: list[Arm], frames: int, seeds: int) -> dict[Arm, np.ndarray]:
    """What `run` gives: of each arm a table (seeds, targets, 5)."""
    shape = (seeds, len(real_clips.TARGETS), 5)
    tables = {arm: np.zeros(shape) for arm in arms}
    with progress(total=len(arms) * shape[0] * shape[1], desc="real targets", unit="run") as bar:
        for index, name in enumerate(real_clips.TARGETS):
            clip = real_clips.clip(name, frames)
            for arm, seed in itertools.product(arms, range(seeds)):
                tables[arm][seed, index] = run(settings, clip, *arm, seed)
                bar.update()
    return tables


def as_table(tables: dict[Arm, np.ndarray]) -> figures.Table:
    """Precision and success of each target, means over seeds; printed too."""
    means = {arm: table.mean(0) for arm, table in tables.items()}
    table = figures.Table("target", "MDNet, published", *(f"{variant}, {mode}" for variant, mode in tables))
    for index, name in enumerate(real_clips.TARGETS):
        cells = [f"{mean[index, 0]:.3f} / {mean[index, 1]:.3f}" for mean in means.values()]
        published = "{:.3f} / {:.3f}".format(*real_clips.MDNET[name])
        table.add(name, published, *cells)
    all_targets = {arm: mean.mean(0) for arm, mean in means.items()}
    published = "{:.3f} / {:.3f}".format(*np.mean(list(real_clips.MDNET.values()), axis=0))
    cells = [f"{mean[0]:.3f} / {mean[1]:.3f}" for mean in all_targets.values()]
    table.add("mean", published, *cells)
    table.add("frames a second", "", *(f"{mean[3]:.1f}" for mean in all_targets.values()))
    table.add("re-detections", "", *(int(values[..., 4].sum()) for values in tables.values()))
    return table


def comparisons(tables: dict[Arm, np.ndarray]) -> list[dict[str, object]]:
    """Pairs of arms: the difference in success, and its interval."""
    pairs = [((variant, "shared"), (variant, "crops")) for variant, mode in tables if mode == "shared"]
    pairs += [(arm, ("salnet", arm[1])) for arm in tables if arm[0].startswith("dat-")]
    found = []
    for one, other in pairs:
        if one in tables and other in tables:
            ours, theirs = tables[one][..., SUCCESS], tables[other][..., SUCCESS]
            low, high = real_clips.interval(ours, theirs)
            difference = float(ours.mean() - theirs.mean())
            found.append(
                {"a": ", ".join(one), "b": ", ".join(other), "difference": difference, "low": low, "high": high}
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--variants", default="pymdnet,salnet,dat-jtnl")
    parser.add_argument("--modes", default="shared,crops")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--root", type=Path, default=ROOT)
    chosen = parser.parse_args()
    settings = params.load(chosen.root)
    exact(settings.root.tracking.threads)
    arms = list(dict.fromkeys(itertools.product(chosen.variants.split(","), chosen.modes.split(","))))
    tables = measure(settings, sorted(arms, key=lambda arm: arm[1] != "shared"), chosen.frames, chosen.seeds)
    shown, compared = as_table(tables), comparisons(tables)
    differences = figures.Table("success", "difference", "95 % interval over targets and seeds")
    for pair in compared:
        interval = "[{low:+.3f}, {high:+.3f}]".format(**pair)
        differences.add("{a} minus {b}".format(**pair), "{difference:+.3f}".format(**pair), interval)
    about = f"First {chosen.frames} frames; precision at 20 pixels / success, {chosen.seeds} seeds of the tracker."
    figures.write(__file__, about, shown, differences)
    if chosen.json is not None:
        names = ("precision", "success", "overlap", "frames_per_second", "redetections")
        facts = {
            "frames": chosen.frames,
            "targets": list(real_clips.TARGETS),
            "arms": {
                ", ".join(arm): {name: table[..., i].tolist() for i, name in enumerate(names)}
                for arm, table in tables.items()
            },
            "comparisons": compared,
        }
        write_json(chosen.json, facts)


if __name__ == "__main__":
    main()
