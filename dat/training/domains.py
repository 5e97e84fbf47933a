"""SALNet's domains: one a training video, with the frames in which the target is in sight."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dat.base.errors import InputError, MissingError
from dat.base.outside import matching
from dat.datasets import manifest
from dat.datasets.images import read_image
from dat.datasets.shards import Shards

Pixels = NDArray[np.uint8]
MEMORY = 2 << 30  # bytes of decoded frames that are kept


@dataclass(frozen=True)
class Domain:
    """A video: the frames to train on (files, their indexed sha256, boxes), the last held out, and its sentence."""

    name: str
    frames: list[Path]
    hashes: list[str]
    boxes: NDArray[np.float64]  # (N,4) x,y,w,h in pixels, origin 0
    held_out: int  # of the last frames
    sentence: str | None
    size: tuple[int, int]  # width, height of the first frame
    shared: bool = True  # a domain of every variant, not one that only sentences bring [R12]

    @property
    def trained(self) -> int:
        """Frames to train on: the first of the video."""
        return len(self.frames) - self.held_out


def domain_of(video: manifest.Sequence, chosen: Iterable[int] | None, held_out: float) -> Domain | None:
    """The domain of a video, or None when no frame shows its target; `chosen` are a LaSOT video's frames, from 0."""
    boxes = video.boxes
    seen = ~video.absent & np.isfinite(boxes).all(1) & (boxes[:, 2:] > 0).all(1)
    places = range(len(boxes)) if chosen is None else map(video.place, chosen)
    chosen_frames = [i for i in places if seen[i]]
    if not chosen_frames:
        return None
    frames, files = video.frames, video.files
    out = min(round(held_out * len(chosen_frames)), len(chosen_frames) - 1)
    shared = chosen is None
    hashes = [files[i][2] for i in chosen_frames]
    return Domain(
        video.name,
        [frames[i] for i in chosen_frames],
        hashes,
        boxes[chosen_frames],
        out,
        video.sentence,
        video.size,
        shared,
    )


def manifests(folder: Path) -> list[Path]:
    """The manifests of TLP and DTB70: those of `training/domains`, which is `folder` or lies in it."""
    files = matching(folder / "domains" if (folder / "domains").is_dir() else folder, "*.jsonl")
    if not files:
        raise MissingError(f"{folder}: no manifests of training videos in it; run dat index tlp and dat index dtb70")
    return files


def selected(folder: Path) -> dict[str, list[int]]:
    """The selection's frames of each LaSOT video, from 0 [R30]."""
    chosen: dict[str, list[int]] = {}
    for row in Shards(folder / "frames").rows:
        chosen.setdefault(row["sequence"], []).append(int(row["frame"]) - 1)
    return chosen


def evenly(names: Sequence[str], most: int) -> list[str]:
    """At most so many of the names, evenly spaced; 0: all."""
    if not most or most >= len(names):
        return list(names)
    return [names[i * len(names) // most] for i in range(most)]


def read_domains(folder: Path, with_lasot: bool, held_out: float, most: int = 0) -> list[Domain]:
    """All domains, by manifest and name; videos that never show their target are left out and named on stderr.

    `with_lasot` adds LaSOT's videos, at the selection's frames [R12], at most so many where `most` is not 0; then
    `folder` must be `training`.
    """
    videos: list[tuple[manifest.Sequence, list[int] | None]] = [
        (video, None) for path in manifests(folder) for video in manifest.sequences(path)
    ]
    if with_lasot:
        if not (folder / "lasot.jsonl").is_file():
            raise InputError(f"{folder}: LaSOT's videos are wanted as domains; the network's `from` must be training")
        chosen = selected(folder)
        lasot = {video.name: video for video in manifest.sequences(folder / "lasot.jsonl") if video.name in chosen}
        videos += [(lasot[name], chosen[name]) for name in evenly(list(lasot), most)]
    read = [(video.name, domain_of(video, frames, held_out)) for video, frames in videos]
    empty = [name for name, domain in read if domain is None]
    if empty:
        print(f"left out, the target is never in sight: {', '.join(empty)}", file=sys.stderr)
    domains = [domain for _, domain in read if domain is not None]
    if not domains:
        raise InputError(f"{folder}: no video shows its target in any frame")
    return domains


def say_sentences(domains: Sequence[Domain]) -> int:
    """How many domains have no sentence, and hence no triplet [R12]; printed."""
    without = sum(not domain.sentence for domain in domains)
    print(f"{len(domains)} domains, {without} of them without a sentence: no triplets from those", file=sys.stderr)
    return without


class FrameCache:
    """Decoded frames, kept while they fit in `memory` bytes."""

    def __init__(self, memory: int = MEMORY) -> None:
        self._kept: dict[Path, Pixels] = {}
        self._room = memory

    def read(self, path: Path, indexed: str) -> Pixels:
        """(H,W,3) uint8 RGB of a file. Raises InputError when its sha256 is not the one that was indexed."""
        image = self._kept.get(path)
        if image is None:
            image = read_image(path, indexed)
            if image.nbytes <= self._room:
                self._room -= image.nbytes
                self._kept[path] = image
        return image
