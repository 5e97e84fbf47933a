"""Stage `subsample`: every n-th frame of each LaSOT video from its first [R30], small, in shards; a patch each [R17].

The selection alone, from LaSOT's annotation files, is a table that needs no images.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dat.base import naming
from dat.base.errors import InputError
from dat.base.sections import Subsample
from dat.datasets import images, manifest
from dat.datasets.layouts import lasot
from dat.datasets.shards import Writer, write_table
from dat.progress import progress
from dat.records import Job

SELECTION = ("sequence", "frame", "x", "y", "w", "h", "absent", "sentence")
PLACE = ("sequence", "frame", "shard", "offset", "length")
INDEX = (*PLACE, "source_sha256", "x", "y", "w", "h", "absent", "sentence", "width", "height")
PATCHES = (*PLACE, "source_sha256", "x", "y", "w", "h")


def select(annotations: Path, step: int) -> Iterator[dict[str, Any]]:
    """Every `step`-th frame of each LaSOT video of a folder: rows of SELECTION, numbers as in the files (origin 1).

    By class, then number of the video, then frame. Raises InputError naming file and line.
    """
    videos = lasot.videos(annotations)
    if not videos:
        raise InputError(f"{annotations}: no LaSOT video in it; <class>/<class>-<n>/groundtruth.txt is expected")
    for video in videos:
        naming.part(video.name, annotations, "sequence")
        sentence = lasot.read_sentence(video) or ""
        for frame, box, absent in lasot.selection(video, step):
            box_values = dict(zip("xywh", box, strict=True))
            yield {"sequence": video.name, "frame": frame, **box_values, "absent": absent, "sentence": sentence}


def write_selection(annotations: Path, output: Path, step: int) -> int:
    """Write the selection as a table; the number of its rows."""
    rows = list(select(annotations, step))
    write_table(output, SELECTION, rows)
    return len(rows)


@dataclass(frozen=True)
class ChosenFrame:
    """A chosen frame: its file, the target's box (pixels, origin 0), and its row of the index without the place."""

    path: Path
    box: tuple[float, ...]
    row: dict[str, Any]


def run(job: Job) -> None:
    """Write shards, `index.csv`, and the target patches with `patches.csv`. Boxes are in pixels of the original frames.

    Raises InputError naming a frame that is not the one that was indexed, MissingError when LaSOT is not linked.
    """
    settings = job.settings.section("subsample", Subsample)
    context = job.settings.section("gpgnet_training.patch_context", float)
    size, output = (settings.height, settings.width), job.outputs["frames"]
    frames, patches = choose(job.inputs["manifest"], settings.split, settings.step)
    _write(output, "frames", INDEX, frames, settings.shard, partial(_frame, size=size))
    _write(output, "patches", PATCHES, patches, settings.shard, partial(_patch, size=size, context=context))


def choose(path: Path, split: str, step: int) -> tuple[list[ChosenFrame], list[ChosenFrame]]:
    """The chosen frames of a LaSOT manifest, by class, number and frame; and the frame of each video's target patch."""
    names = _split(path, split)
    videos = [_chosen(video, step) for video in manifest.sequences(path) if names is None or video.name in names]
    videos.sort(key=lambda video: lasot.order(video[0][0].row["sequence"]))
    return [frame for frames, _ in videos for frame in frames], [patch for _, patch in videos if patch]


def _split(path: Path, split: str) -> set[str] | None:
    """The videos of a split, None for all. Raises InputError when the manifest has no list of the split."""
    if split == "all":
        return None
    listed = [names for name, names in manifest.header(path)["lists"].items() if name.endswith(f"-{split}")]
    if not listed:
        raise InputError(f"{path}:1: no list '...-{split}' for subsample.split: {split}; set it to all")
    return set(listed[0])


def _chosen(video: manifest.Sequence, step: int) -> tuple[list[ChosenFrame], ChosenFrame | None]:
    frames, first = video.frames, first_visible(video)
    width, height = video.size
    facts = {"sequence": video.name, "sentence": video.sentence or "", "width": width, "height": height}

    def one(i: int) -> ChosenFrame:
        box = tuple(map(float, video.boxes[i]))
        number = {"frame": video.numbers[i] + 1}
        row = facts | number | {"source_sha256": video.row["files"][i][2], "absent": int(video.absent[i])}
        return ChosenFrame(frames[i], box, row | dict(zip("xywh", box, strict=True)))

    places = [video.place(number) for number in range(0, video.count, step)]
    return [one(i) for i in places], None if first is None else one(first)


def first_visible(video: manifest.Sequence) -> int | None:
    """The place of the first frame in which the target is not absent and has a box with an area; None without any."""
    visible = ~video.absent & (video.boxes[:, 2:] > 0).all(axis=1)
    return int(visible.argmax()) if visible.any() else None


def _write(
    output: Path,
    name: str,
    columns: tuple[str, ...],
    chosen: list[ChosenFrame],
    size: int,
    draw: Callable[[ChosenFrame], bytes],
) -> None:
    """Write a picture for each chosen frame into shards of `size`, and the table of them."""
    import cv2

    cv2.setNumThreads(1)
    rows, bar = [], progress(total=len(chosen), desc=name)
    with Writer(output, name) as writer, ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(chosen), size):
            part = chosen[start : start + size]
            for frame, data in zip(part, pool.map(draw, part), strict=True):
                member = f"{frame.row['sequence']}_{frame.row['frame']:08d}.jpg"
                row = frame.row | writer.add(start // size, member, data)
                rows.append({key: row[key] for key in columns})
                bar.update()
    bar.close()
    write_table(output / ("index.csv" if name == "frames" else f"{name}.csv"), columns, rows)


def _frame(chosen: ChosenFrame, size: tuple[int, int]) -> bytes:
    return images.encode_jpeg(images.resize(_picture(chosen), *size))


def _patch(chosen: ChosenFrame, size: tuple[int, int], context: float) -> bytes:
    return images.encode_jpeg(images.cut_patch(_picture(chosen), chosen.box, *size, context))


def _picture(chosen: ChosenFrame) -> images.Image:
    """A frame at full size. Raises InputError when its file is not the one that was indexed."""
    return images.read_image(chosen.path, chosen.row["source_sha256"])
