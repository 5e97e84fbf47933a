"""How quickly GPGNet's frames are made and read, at the paper's sizes, against the same pictures through OpenCV alone.

    python -m benchmarks.bench_data [--frames 200] [--rounds 5] [--threads CORES]

Made: frames, and a patch a video, by the stage `subsample` from drawn videos of 1280 x 720 (read, compare the hash,
decode, resize, encode, write shards) against reading, decoding, resizing and encoding as many in as many threads. Read:
a training's triples of frame, the video's patch and mask, none kept in memory, against decoding the same bytes. The two
ways take turns in one run, and a ratio is the median over the turns.
"""

import argparse
import contextlib
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import bench_train, figures, rehearsal
from dat.base import params
from dat.datasets import index, masks, subsample
from dat.records import write_json
from dat.training.attention_data import AttentionData
from tests.parts import training_sets

SIZE = (1280, 720)
VIDEO = 20
"""Frames of a video."""
EVERY = (r"(?m)^subsample: \{step: \d+", "subsample: {step: 1")


def drawn(folder: Path, count: int) -> params.Settings:
    """A profile with the paper's settings and an indexed LaSOT of `count` frames, every one selected."""
    frames = rehearsal.Frames(folder / "pictures", 0)
    for number in range(1, -(-count // VIDEO) + 1):
        video = folder / "data" / "lasot" / "cat" / f"cat-{number}"
        frames.link(video / "img", VIDEO, 8, SIZE)
        (video / "groundtruth.txt").write_text(rehearsal.lines(rehearsal.drifting(VIDEO)), encoding="utf-8")
        for name in ("full_occlusion", "out_of_view"):
            (video / f"{name}.txt").write_text(",".join("0" * VIDEO), encoding="utf-8")
    made = training_sets.settings(folder, *bench_train.FEW, EVERY, source=bench_train.PAPER)
    facts = {"name": "drawn", "layout": "lasot", "root": "data/lasot", "lists": {}, "sentences": None}
    write_json(folder / "data" / "lasot.json", facts)
    stage(index.run, made, "lasot", {"set": "data/lasot.json"}, {"manifest": "training/lasot.jsonl"})
    return made


def stage(run: Any, made: params.Settings, key: str, inputs: dict[str, str], outputs: dict[str, str]) -> None:
    """Run a stage without its bar."""
    with contextlib.redirect_stderr(io.StringIO()):
        training_sets.stage(run, made, key, inputs, outputs)


def make(made: params.Settings) -> None:
    """The frames, as their stage makes them."""
    stage(subsample.run, made, "", {"manifest": "training/lasot.jsonl"}, {"frames": "training/frames"})


def plainly(path: Path, height: int, width: int) -> None:
    """Read, decode, resize and encode a picture."""
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 95])


def triple(data: AttentionData, sample: int) -> None:
    """Frame, patch and mask of a sample, as a batch wants them."""
    data.frame_pixels(sample), data.patch_pixels(sample), data.mask_pixels(sample)


def encoded(data: AttentionData, sample: int) -> tuple[bytes, bytes, bytes]:
    """The bytes that `triple` decodes."""
    row = data.frames.rows[sample]
    patch, mask = data.patch[row["sequence"]], data.mask[row["sequence"], row["frame"]]
    return data.frames.read(sample), data.patches.read(patch), data.masks.read(mask)


def decoded(parts: Sequence[bytes]) -> None:
    """Decode frame, patch and mask, the last as grey."""
    for part, flag in zip(parts, (cv2.IMREAD_COLOR, cv2.IMREAD_COLOR, cv2.IMREAD_GRAYSCALE), strict=True):
        cv2.imdecode(np.frombuffer(part, np.uint8), flag)


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that a piece of work takes, and seconds of processors."""
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


def compared(
    table: figures.Table, what: str, count: int, rounds: int, ours: Callable[[], object], plain: Callable[[], object]
) -> None:
    """Add the rates of two ways of the same work, which take turns, and the share of the plain rate that ours has: by
    the clock, and by the processors' time, on which other work tells less."""
    ours(), plain()
    turns = [(seconds(ours), seconds(plain)) for _ in range(rounds)]
    for at, by in enumerate(("the clock", "a processor's time")):
        own, other = (statistics.median(turn[way][at] for turn in turns) for way in (0, 1))
        share = statistics.median(two[at] / one[at] for one, two in turns)
        table.add(what, by, round(count / own), round(count / other), f"{100 * share:.0f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    table = figures.Table("what", "a second by", "here", "OpenCV alone", "of its rate, turn by turn")
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(chosen.threads) as pool:
        made = drawn(Path(work), chosen.frames)
        size = made.root.subsample
        paths = sorted(Path(work).glob("data/lasot/*/*/img/*.jpg"))
        paths += paths[::VIDEO]  # a patch a video

        def plain() -> None:
            list(pool.map(lambda path: plainly(path, size.height, size.width), paths))

        compared(table, "frames and patches made", len(paths), chosen.rounds, lambda: make(made), plain)
        stage(masks.run, made, "", {"frames": "training/frames"}, {"masks": "training/masks"})
        data = AttentionData(Path(work) / "training", ["target"], None, memory=0)
        bytes_of = [encoded(data, sample) for sample in data.usable]
        compared(
            table,
            "triples of frame, patch and mask read",
            len(bytes_of),
            chosen.rounds,
            lambda: list(pool.map(lambda sample: triple(data, sample), data.usable)),
            lambda: list(pool.map(decoded, bytes_of)),
        )
    figures.write(__file__, table, f"{chosen.frames} frames, {chosen.threads} threads, {chosen.rounds} turns.")


if __name__ == "__main__":
    main()
