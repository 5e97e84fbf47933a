"""The stored result of a benchmark's sequence, to be watched: its boxes, the truth and the attention on the frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dat import records
from dat.base import naming, outside, params
from dat.base.errors import InputError, MissingError
from dat.benchmarks import catalogue
from dat.datasets import manifest as manifests
from dat.datasets.images import Image, read_image
from dat.evaluation.text import FARTHEST
from dat.models.exactness import exact
from dat.regions import boxes as geometry
from dat.tracking import build
from dat.video.drawing import BANNER, LOCAL, OTHER, TRUTH, Colour, Overlay, corners, draw

CODES: dict[float, str] = {0: "not tracked", 1: "started", 2: "failed"}
"""What a row of one number says in a result file of VOT's."""
MOST_NAMES = 10
RATE = 10.0
"""Frames of the video a second: slow enough to see each box."""


@dataclass(frozen=True)
class Stored:
    """A tracker's result on a sequence: `boxes` (F, 4), origin 0, NaN in frames without one; `codes` of those frames.

    `scores`, `sources` and `redetections` (frames from 0) are what the record tells of the frames; `gpgnet` is the
    folder of the attention network that was read, None without one.
    """

    tracker: str
    sequence: manifests.Sequence
    boxes: NDArray[np.float64]
    codes: dict[int, str]
    scores: list[float | None]
    sources: list[str | None]
    redetections: list[int]
    gpgnet: Path | None

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return len(self.boxes)

    def box(self, index: int) -> NDArray[np.float64] | None:
        """The box of frame `index`, from 0; None where there is none."""
        return None if np.isnan(self.boxes[index]).any() else self.boxes[index]

    def line(self, index: int) -> str:
        """The tracker's name, and in a frame what became of it: its overlap with the annotated box."""
        if self.sequence.regions is not None:  # VOT's score is of polygons, cut at the frame's edge: not computed here
            return f"{self.tracker}: {self.codes[index]}" if index in self.codes else self.tracker
        overlap = geometry.overlap(self.boxes[index : index + 1], self.sequence.boxes[index : index + 1])[0]
        return f"{self.tracker}: overlap {overlap:.2f}" if np.isfinite(overlap) else self.tracker


def find(settings: params.Settings, address: str) -> tuple[str, str, str]:
    """Benchmark, tracker and sequence of `otb100/dat-jtnl@seed-0/Return`; without a seed it is the first one.

    Raises InputError naming what there is instead, MissingError where the benchmark has no results.
    """
    parts = address.split("/")
    if len(parts) != 3:
        raise InputError(f"{address}: name BENCHMARK/VARIANT@seed-N/SEQUENCE, such as otb100/dat-jtnl@seed-0/Return")
    benchmark, tracker, sequence = (naming.part(part, address) for part in parts)
    root = settings.root
    if benchmark not in root.benchmarks:
        raise InputError(f"{address}: no benchmark '{benchmark}'; there are: {', '.join(root.benchmarks)}")
    variants = root.benchmarks[benchmark].variants
    if tracker.partition("@")[0] not in variants:
        raise InputError(f"{address}: {benchmark} has no variant '{tracker}'; there are: {', '.join(variants)}")
    tracker = tracker if "@" in tracker else f"{tracker}@seed-{root.seeds[0]}"
    folder = settings.path / "results" / benchmark
    if not (folder / tracker).is_dir():
        there = ", ".join(path.name for path in outside.matching(folder, "*@seed-*"))
        known = f"there are: {there}" if there else f"dvc repro benchmark@{benchmark} makes them"
        raise MissingError(f"{folder / tracker}: no results there; {known}")
    return benchmark, tracker, sequence


def read(settings: params.Settings, benchmark: str, tracker: str, sequence: str) -> Stored:
    """A stored result; of VOT's repetitions it is the first.

    Raises InputError naming an unknown sequence, or the file and line that is damaged; MissingError for a file that is
    not there, and where the data set is not linked.
    """
    entry = settings.root.benchmarks[benchmark]
    manifest = manifests.read(settings.path / f"{settings.root.datasets[entry.data].manifest}.jsonl")
    if sequence not in manifest.sequences:
        names = sorted(manifest.sequences)
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        known = ", ".join(names[:MOST_NAMES]) + more
        raise InputError(f"{benchmark}: no sequence '{sequence}'; there are: {known}")
    row, vot = manifest.sequences[sequence], entry.protocol == "vot"
    folder = settings.path / "results" / benchmark / tracker / (f"baseline/{sequence}" if vot else "")
    path, again = folder / (f"{sequence}_001.txt" if vot else f"{sequence}.txt"), f"dvc repro -f benchmark@{benchmark}"
    for file in (path, folder / f"{sequence}.json"):
        if not file.is_file():
            raise MissingError(f"{file}: not there; {again} makes it")
    boxes, codes = _rows(path, catalogue.find(benchmark).origin, vot, len(row.files), again)
    record = records.read_json(folder / f"{sequence}.json")
    try:
        facts = record["facts"]["001"] if vot else record["facts"]
        scores, sources, redetections = map(list, (facts["scores"], facts["sources"], facts["redetections"]))
        gpgnet = _gpgnet(settings.path, record)
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{folder / sequence}.json: not the record of a result; {again} makes it") from None
    return Stored(tracker, row, boxes, codes, scores, sources, redetections, gpgnet)


def _gpgnet(home: Path, record: dict[str, Any]) -> Path | None:
    """The folder of the attention network that a record names."""
    weights = [fact["path"] for fact in record["inputs"] if fact["path"].startswith("weights/gpgnet/")]
    return (home / weights[0]).parent if weights else None


def _rows(path: Path, origin: int, vot: bool, frames: int, again: str) -> tuple[NDArray[np.float64], dict[int, str]]:
    """The boxes (F, 4) of a result file, origin 0, and what its rows of one number say. Raises InputError."""
    boxes, codes = np.full((frames, 4), np.nan), dict[int, str]()
    lines = outside.read_text(path).splitlines()
    for index, line in enumerate(lines):
        try:
            values = [float(word) for word in line.split(",")]
            if len(values) == 1 and vot:
                codes[index] = CODES[values[0]]
            elif index < frames:
                x, y, w, h = values
                if max(map(abs, values)) > FARTHEST:
                    raise ValueError
                boxes[index] = x - origin, y - origin, w, h
        except (ValueError, KeyError):
            raise InputError(f"{path}:{index + 1}: no box x,y,w,h: '{line[:40]}'; {again} makes it again") from None
    if len(lines) != frames:
        where = f"{path}:{min(len(lines), frames) + 1}"
        raise InputError(f"{where}: {len(lines)} rows for {frames} frames; {again} makes it again")
    return boxes, codes


def pictures(stored: Stored, other: Stored | None = None, threads: int = 1) -> Iterator[Image]:
    """Each frame with the stored box, the truth (white, dashed), the attention map, the sentence, and another tracker's
    stored box (blue): (H, W, 3) uint8 RGB. The map is computed again on the processor, with so many threads.

    Raises MissingError where frames or weights are not on this machine, InputError naming a frame that is not the one
    that was indexed.
    """
    exact(threads)
    attention, sequence = build.attention(stored.gpgnet, "cpu") if stored.gpgnet else None, stored.sequence
    for index, (path, fact) in enumerate(zip(sequence.frames, sequence.files, strict=True)):
        if not path.is_file():
            raise MissingError(f"{path}: no such frame; dvc repro or dat data link brings the data set back")
        image = read_image(path, fact[2])
        if attention is not None and index == 0:
            attention.start(image, sequence.boxes[0], sequence.sentence)
        yield draw(image, _shown(stored, other, index, None if attention is None else attention.map(image)))


def _shown(stored: Stored, other: Stored | None, index: int, attention: NDArray[np.float32] | None) -> Overlay:
    """What is drawn on frame `index`, from 0."""
    before = [frame for frame in stored.redetections if frame <= index]
    since = index - before[-1] if before and index - before[-1] < BANNER else None
    score = stored.scores[index] if index < len(stored.scores) else None
    source = stored.sources[index] if index < len(stored.sources) else None
    sentence = stored.sequence.sentence
    lines: list[tuple[Colour, str]] = [(TRUTH, f'annotated: "{sentence}"' if sentence else "annotated")]
    lines.append((LOCAL, stored.line(index)))
    if other is not None:
        lines.append((OTHER, other.line(index)))
    return Overlay(
        number=index + 1,
        box=stored.box(index),
        score=score or 0.0,
        source=stored.codes.get(index, source or ""),
        since_redetection=since,
        came_from=stored.box(before[-1] - 1) if since is not None and before[-1] else None,
        attention=attention,
        truth=_truth(stored.sequence, index),
        other=None if other is None else other.box(index),
        lines=lines,
    )


def _truth(sequence: manifests.Sequence, index: int) -> NDArray[np.float64] | None:
    """The corners (N, 2) of what was annotated in a frame; None where nothing was."""
    region = sequence.regions[index] if sequence.regions is not None else None
    if region is not None and len(region) == 8:
        return np.array(region, np.float64).reshape(-1, 2)
    box = sequence.boxes[index]
    return None if np.isnan(box).any() else corners(box)
