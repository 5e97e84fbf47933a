"""Result files of any tracker: which file is which sequence, and what a wrong number of rows means."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from dat.base import naming
from dat.base.errors import InputError
from dat.base.outside import listed, place
from dat.benchmarks.names import Match, Names
from dat.evaluation import fitting, matlab, text
from dat.evaluation.definitions import OnePass
from dat.evaluation.ground_truth import GroundTruth, SequenceTruth

Floats = npt.NDArray[np.float64]
Lengths = Literal["strict", "cut", "ours"]
"""What a wrong number of rows is: an error, or a reason to score the common part. `ours` is strict too, of files that
this project wrote: their rows are x,y,w,h, also where a tracker that lost its target looks as if it wrote corners."""

_ENDINGS = (".txt", ".mat")
_NOWHERE = np.array([0.0, 0.0, np.nextafter(0, 1), np.nextafter(0, 1)])
"""A box of no size that is not repaired: pytracking repairs empty boxes first, and then lengthens by them."""

_TRACKERS = "a tracker's files belong in a folder of their own, and --results names the one above"
EXPERIMENTS = ("baseline", "region_noise", "unsupervised", "realtime", "longterm")
_OWN = ("record.json", "manifest.json")
_REPETITION = re.compile(r"([^/]+)/\1_(?!001)\d{3}\.txt$")


@dataclass
class TrackerResults:
    """A tracker's boxes (N,4) by sequence, as many as scored frames; which sequences lack a file, which files were left
    aside, which were cut to length; the sequences whose boxes came as boxes, so that bad rows may be repaired; and what
    a reader must know of how the files were read."""

    name: str
    boxes: dict[str, Floats] = field(default_factory=dict)
    repairable: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def tracker_folders(root: Path, sequences: Iterable[str] = ()) -> list[Path]:
    """The trackers' folders below a results folder; the folder itself where its files lie in it directly.

    Raises InputError when it is empty or not there, when its folders are `sequences`, or a name is no plain one.
    """
    entries = listed(root, "--results")
    folders = [path for path in entries if path.is_dir()]
    for path in folders:
        naming.part(path.name, f"--results {root}", "tracker")
    others = [path for path in folders if path.name not in EXPERIMENTS]
    names = Names(sequences)
    if others and all(names.match(path.name) for path in others):
        above = root.absolute().parent
        raise InputError(f"--results {root}: its folders are sequences ({others[0].name}, ...); give --results {above}")
    loose = [path for path in entries if path.suffix.lower() in _ENDINGS and names.match(path.stem)]
    if others and loose:
        raise InputError(f"--results {root}: {loose[0].name} beside folders such as {others[0].name}; {_TRACKERS}")
    if others:
        return folders
    if not entries:
        raise InputError(f"--results {root}: an empty folder; it should hold a folder a tracker")
    alone = Path(os.path.normpath(root.absolute()))
    naming.part(alone.name, f"--results {root}", "tracker")
    return [alone]


def files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder, by name, without stray ones.

    Raises InputError naming a link to a folder that is looked through anyway: links in circles have no end.
    """
    return _files_below(folder, {folder.resolve()})


def _files_below(folder: Path, entered: set[Path]) -> Iterator[Path]:
    for path in listed(folder):
        if not path.is_dir():
            yield path
        elif (home := path.resolve()) in entered:
            raise InputError(f"{path}: leads to {home}, whose files are read already; remove the link")
        else:
            entered.add(home)
            yield from _files_below(path, entered)


def _single_runs(path: Path, folder: Path) -> str:
    """The spelling that a file stands for: its stem; the folder's name for GOT-10k's `<seq>/<seq>_001.txt`."""
    first = f"{path.parent.name}_001"
    return path.parent.name if path.parent != folder and path.stem == first else path.stem


def _aside(path: Path, folder: Path) -> bool:
    """Files of our own beside results, which need no mention."""
    return path.name in _OWN or (path.suffix == ".json" and path.with_suffix(".txt").exists())


@dataclass
class ResultFiles:
    """The file of each sequence, the files left aside (relative paths), and notes on the choice."""

    files: dict[str, Path] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_files(folder: Path, names: Names) -> ResultFiles:
    """The file of each sequence, nearest spelling first.

    Raises InputError when two files are equally near, or when the files are those of several trackers.
    """
    best: dict[str, tuple[tuple[int, int, int], Path]] = {}
    files = ResultFiles()
    for path in files_below(folder):
        match = _understood(path, folder, names)
        if match is None:
            files.ignored += [] if _aside(path, folder) else [naming.shown(path.relative_to(folder).as_posix())]
            continue
        rank = (match.distance, len(path.relative_to(folder).parts), _ENDINGS.index(path.suffix.lower()))
        other = best.get(match.sequence)
        if other and other[0] == rank:
            _two_trackers(folder, [(match.sequence, other[1]), (match.sequence, path)])
            raise InputError(
                f"tracker {folder.name}, sequence {match.sequence}: both {other[1]} and {path}; "
                "move the one that is not its result out of the folder"
            )
        better, left = ((rank, path), other) if other is None or rank < other[0] else (other, (rank, path))
        best[match.sequence] = better
        if left:
            chosen, aside = (naming.shown(file.relative_to(folder).as_posix()) for file in (better[1], left[1]))
            files.ignored.append(aside)
            files.notes.append(f"{match.sequence}: {chosen} is scored, not {aside}")
    files.files = {name: path for name, (_, path) in best.items()}
    files.ignored.sort()
    home = _two_trackers(folder, files.files.items())
    if home not in (None, folder) and home.name not in EXPERIMENTS:
        files.notes.append(f"its results lie in {home.relative_to(folder).as_posix()}")
    if again := [name for name in files.ignored if _REPETITION.search(name)]:
        files.notes.append(f"the first run of each sequence is scored, not {len(again)} repetitions such as {again[0]}")
    return files


def _two_trackers(folder: Path, files: Iterable[tuple[str, Path]]) -> Path | None:
    """The folder in which the files of sequences lie, None without a file.

    Raises InputError when they lie in several folders, which are then trackers of their own.

    A folder of a sequence (`Deer/Deer_001.txt`) or of its class (`airplane/airplane-1.txt`) is no such folder.
    """
    homes = sorted({_home(path, folder, name) for name, path in files})
    if len(homes) < 2:
        return homes[0] if homes else None
    one, other = homes[:2]
    todo = f"move what is not its result out of {folder}"
    if one not in other.parents:
        above = next(path for path in one.parents if path in other.parents)
        todo = f"where these are trackers, give --results {above}; else {todo}"
    raise InputError(f"tracker {folder.name}: results in {one} and in {other}; {todo}")


def _home(path: Path, folder: Path, sequence: str) -> Path:
    """The folder that holds a tracker's results, without the level of a sequence or of its class."""
    names = Names([sequence, sequence.rpartition("-")[0] or sequence])
    home = path.parent
    while home != folder and names.match(home.name):
        home = home.parent
    return home


def _understood(path: Path, folder: Path, names: Names) -> Match | None:
    if path.suffix.lower() not in _ENDINGS:
        return None
    return names.match_decorated(_single_runs(path, folder), folder.name)


def _wrong(label: str, path: Path, rows: int, frames: int) -> InputError:
    return InputError(
        f"{_at(path, min(rows, frames) + 1, label)}: {rows} rows for {frames} frames; "
        "complete the file, or score the common part with --lengths cut"
    )


def _at(path: Path, line: int, label: str) -> str:
    """A line of a result file; of a `.mat`, which has none, the file."""
    return place(path, None if path.suffix.lower() == ".mat" else line, label)


def _check_aligned(label: str, path: Path, boxes: Floats, truth: Floats) -> None:
    """Raises InputError where it is not clear which frames rows are of: cutting them would compare other frames."""
    moved = fitting.moved(boxes, truth, whole=True)
    if fitting.near(boxes[0], truth[0]) and not moved:
        return
    row = fitting.start_of(boxes, truth[0]) if len(boxes) > len(truth) else None
    first = ",".join(f"{value:g}" for value in truth[0])
    if fitting.near(boxes[0], truth[0]):
        todo = moved
    elif row is not None and row > 1:
        todo = f"the first box, {first}, is row {row}: leave out the rows before it"
    elif len(boxes) < len(truth):
        todo = f"it does not begin with the first box, {first}, so the first rows seem to be missing: add them"
    else:
        todo = f"it does not begin with the first box, {first}: is it a result of these frames?"
    raise InputError(f"{_at(path, 1, label)}: {len(boxes)} rows for {len(truth)} frames, and {todo}")


def fit(
    boxes: Floats, target: SequenceTruth, definition: OnePass, lengths: Lengths, label: str, path: Path
) -> tuple[Floats, bool]:
    """Boxes for the scored frames of a target, and whether rows were left out, wanting or forgiven.

    Raises InputError for a number of rows that the definition does not forgive, and for rows that are not of the first
    frames, whatever it forgives.
    """
    whole, omit = len(target.boxes), target.omit
    start = omit if definition.omit_start else 0
    if omit and len(boxes) == whole:
        boxes = boxes[start:]
    elif omit and not start and len(boxes) == whole - omit:
        return boxes, False
    truth = target.boxes[start:]
    frames, rows = len(truth), len(boxes)
    if rows == frames:
        return boxes, False
    forgiven = rows > frames and definition.long_forgiven and rows <= text.most_rows(frames)
    short = 0 < rows < frames and _short_forgiven(truth[rows:], definition)
    if rows:
        _check_aligned(label, path, boxes, truth)
    if (lengths == "cut" and rows) or forgiven:
        return boxes[:frames], True
    if short:
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


def read(
    folder: Path, truth: GroundTruth, definition: OnePass, lengths: Lengths = "strict", origin: int = 1
) -> TrackerResults:
    """All results of one tracker, of a benchmark whose files count pixels from `origin`.

    Raises InputError naming tracker, sequence and line of the first wrong file.
    """
    files = find_files(folder, Names(truth.expected))
    there = [name for name in truth.expected if name in files.files and name in truth.targets]
    missing = [name for name in truth.expected if name not in there]
    tracker = TrackerResults(folder.name, ignored=files.ignored, missing=missing, notes=files.notes)
    sources = [
        text.Source(files.files[name], len(truth.targets[name].boxes), f"tracker {folder.name}, sequence {name}")
        for name in there
    ]
    raw, beside, several = dict[str, Floats](), dict[str, Floats](), dict[str, int]()
    for name, source, (boxes, plain, runs) in zip(there, sources, _contents(sources), strict=True):
        target = truth.targets[name]
        tracker.boxes[name], cut = fit(boxes, target, definition, lengths, source.label, source.path)
        whole = len(target.boxes)
        late = len(boxes) == whole - target.omit or (definition.omit_start and len(boxes) != whole)
        raw[name], beside[name] = boxes, target.boxes[target.omit if late else 0 :]
        tracker.repairable |= {name} if plain else set()
        tracker.cut += [name] if cut else []
        several |= {name: runs} if runs > 1 else {}
    if several:
        name, runs = next(iter(several.items()))
        which = f"{len(several)} of {len(there)} files ({files.files[name].name}: {runs}, ...)"
        tracker.notes.append(f"several runs in {which}: the first of each is scored, as OTB's toolkit does")
    tracker.notes += _far(raw)
    tracker.notes += fitting.remarks(raw, beside, origin, f"tracker {folder.name}", guess=lengths != "ours")
    return tracker


def _far(boxes: Mapping[str, Floats]) -> list[str]:
    """A line on rows with a number that is no picture's: a tracker that lost itself, or another program's rows."""
    far = {name: np.flatnonzero((np.abs(rows) > text.FARTHEST).any(1)) for name, rows in boxes.items()}
    found = {name: rows for name, rows in far.items() if len(rows)}
    if not found:
        return []
    name, count = next(iter(found)), sum(map(len, found.values()))
    where = f"{name}, row {found[name][0] + 1}: a number over {text.FARTHEST:g}, where pixels belong"
    return [f"{where} (such rows: {count}, in {len(found)} of {len(boxes)} sequences): they are scored as they stand"]


def _contents(sources: Sequence[text.Source]) -> Iterator[tuple[Floats, bool, int]]:
    """Boxes of each file, whether they were written as boxes, and of how many runs they are the first."""
    texts = text.read_many([source for source in sources if source.path.suffix.lower() != ".mat"])
    for source in sources:
        if source.path.suffix.lower() == ".mat":
            yield matlab.read_boxes(source.path, source.label)
        else:
            yield next(texts), True, 1
