"""Result files of any tracker: which file is which sequence, and what a wrong number of rows means."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from dat import naming
from dat.errors import InputError
from dat.evaluation import matlab, text
from dat.evaluation.definitions import OnePass
from dat.evaluation.ground_truth import Target, Truth
from dat.evaluation.names import Match, Names

Floats = npt.NDArray[np.float64]
Lengths = Literal["strict", "cut"]

_ENDINGS = (".txt", ".mat")
_NOWHERE = np.array([0.0, 0.0, np.nextafter(0, 1), np.nextafter(0, 1)])
"""A box of no size that is not repaired: pytracking repairs empty boxes first, and then lengthens by them."""

_EXPERIMENTS = ("baseline", "region_noise")
_OWN = ("record.json", "manifest.json")


@dataclass
class Tracker:
    """A tracker's boxes (N,4) by sequence, as many as scored frames; which sequences lack a file, which files were left
    aside, which were cut to length; and the sequences whose boxes came as boxes, so that bad rows may be repaired."""

    name: str
    boxes: dict[str, Floats] = field(default_factory=dict)
    repairable: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


def tracker_folders(root: Path) -> list[Path]:
    """The trackers' folders below a results folder; the folder itself where its files lie in it directly.

    Raises InputError when it is empty or not there, or a folder's name is no plain one.
    """
    try:
        entries = sorted(root.iterdir())
    except OSError as error:
        raise InputError(f"--results {root}: cannot be listed: {error.strerror or error}") from None
    folders = [path for path in entries if path.is_dir() and not path.name.startswith(".")]
    for path in folders:
        naming.part(path.name, f"--results {root}", "tracker")
    others = [path for path in folders if path.name not in _EXPERIMENTS]
    if others:
        return folders
    if not entries:
        raise InputError(f"--results {root}: an empty folder; it should hold a folder a tracker")
    alone = Path(os.path.normpath(root.absolute()))
    naming.part(alone.name, f"--results {root}", "tracker")
    return [alone]


def _files(folder: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(folder):
        names.sort()
        yield from (Path(directory, file) for file in sorted(files))


def _single_runs(path: Path, folder: Path) -> str:
    """The spelling that a file stands for: its stem; the folder's name for GOT-10k's `<seq>/<seq>_001.txt`."""
    first = f"{path.parent.name}_001"
    return path.parent.name if path.parent != folder and path.stem == first else path.stem


def _aside(path: Path, folder: Path) -> bool:
    """Files of our own beside results, which need no mention."""
    return path.name in _OWN or (path.suffix == ".json" and path.with_suffix(".txt").exists())


def find_files(folder: Path, names: Names) -> tuple[dict[str, Path], list[str]]:
    """The file of each sequence, nearest spelling first, and the files left aside (relative paths).

    Raises InputError when two files are equally near.
    """
    best: dict[str, tuple[tuple[int, int, int], Path]] = {}
    ignored: list[str] = []
    for path in _files(folder):
        match = _understood(path, folder, names)
        if match is None:
            ignored += [] if _aside(path, folder) else [naming.shown(path.relative_to(folder).as_posix())]
            continue
        rank = (match.distance, len(path.relative_to(folder).parts), _ENDINGS.index(path.suffix.lower()))
        other = best.get(match.sequence)
        if other and other[0] == rank:
            raise InputError(
                f"tracker {folder.name}, sequence {match.sequence}: both {other[1]} and {path}; remove one"
            )
        kept, left = ((rank, path), other) if other is None or rank < other[0] else (other, (rank, path))
        best[match.sequence] = kept
        ignored += [naming.shown(left[1].relative_to(folder).as_posix())] if left else []
    return {name: path for name, (_, path) in best.items()}, sorted(ignored)


def _understood(path: Path, folder: Path, names: Names) -> Match | None:
    if path.suffix.lower() not in _ENDINGS:
        return None
    return names.match_decorated(_single_runs(path, folder), folder.name)


def _wrong(label: str, path: Path, rows: int, frames: int) -> InputError:
    line = min(rows, frames) + 1
    return InputError(
        f"{label}, line {line} ({path}:{line}): {rows} rows for {frames} frames; "
        "complete the file, or score the common part with --lengths cut"
    )


def fit(
    boxes: Floats, target: Target, definition: OnePass, lengths: Lengths, label: str, path: Path
) -> tuple[Floats, bool]:
    """Boxes for the scored frames of a target, and whether rows were left out, wanting or forgiven.

    Raises InputError for a number of rows that the definition does not forgive.
    """
    whole, omit = len(target.boxes), target.omit
    start = omit if definition.omit_start else 0
    if omit and len(boxes) == whole:
        boxes = boxes[start:]
    elif omit and not start and len(boxes) == whole - omit:
        return boxes, False
    frames, rows = whole - start, len(boxes)
    if rows == frames:
        return boxes, False
    if lengths == "cut" and rows:
        return boxes[:frames], True
    if rows > frames and definition.long_forgiven and rows <= text.most_rows(frames):
        return boxes[:frames], True
    if 0 < rows < frames and _short_forgiven(target.boxes[start + rows :], definition):
        return _lengthened(boxes, frames, definition), True
    raise _wrong(label, path, rows, frames)


def _short_forgiven(rest: Floats, definition: OnePass) -> bool:
    if definition.short == "invalid-tail":
        return not (rest > 0).all(1).any()
    return definition.short in ("shorter", "zero")


def _lengthened(boxes: Floats, frames: int, definition: OnePass) -> Floats:
    """Rows that are wanting: none where the shorter of the two is scored, else of zeros, which overlap with nothing."""
    if definition.short == "shorter":
        return boxes
    return np.concatenate([boxes, np.tile(_NOWHERE, (frames - len(boxes), 1))])


def read(folder: Path, truth: Truth, definition: OnePass, lengths: Lengths = "strict") -> Tracker:
    """All results of one tracker. Raises InputError naming tracker, sequence and line of the first wrong file."""
    files, ignored = find_files(folder, Names(truth.expected))
    there = [name for name in truth.expected if name in files and name in truth.targets]
    tracker = Tracker(folder.name, ignored=ignored, missing=[name for name in truth.expected if name not in there])
    sources = [
        text.Source(files[name], len(truth.targets[name].boxes), f"tracker {folder.name}, sequence {name}")
        for name in there
    ]
    for name, source, (boxes, plain) in zip(there, sources, _contents(sources), strict=True):
        tracker.boxes[name], cut = fit(boxes, truth.targets[name], definition, lengths, source.label, source.path)
        tracker.repairable |= {name} if plain else set()
        tracker.cut += [name] if cut else []
    return tracker


def _contents(sources: Sequence[text.Source]) -> Iterator[tuple[Floats, bool]]:
    """Boxes of each file, and whether they were written as boxes."""
    texts = text.read_many([source for source in sources if source.path.suffix.lower() != ".mat"])
    for source in sources:
        if source.path.suffix.lower() == ".mat":
            yield matlab.read_boxes(source.path, source.label)
        else:
            yield next(texts), True
