"""VOT's files: ground truth with tags and practical differences, and the repetitions of a tracker.

A result has a line a frame: `1` (re)initialised, `2` failed, `0` not tracked, or a region of 4 or 8 numbers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dat import naming, opening
from dat.errors import InputError
from dat.evaluation import numbers, text
from dat.evaluation.benchmarks import Benchmark
from dat.evaluation.names import Names
from dat.evaluation.regions import Regions, regions
from dat.evaluation.results import Lengths

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]

INITIALISED, FAILED, SKIPPED, TRACKED = 1, 2, 0, -1
TAGS = ("camera_motion", "illum_change", "motion_change", "occlusion", "size_change")
_REPETITION = re.compile(r"_(\d{3})$")
_LONGEST = 10_000_000


@dataclass(frozen=True)
class Target:
    """The truth of a sequence: regions, one a frame; the image's size, if known; tags (N,) by name; practical
    difference."""

    name: str
    regions: Regions
    size: tuple[int, int] | None = None
    tags: Mapping[str, Flags] = field(default_factory=dict)
    practical: Floats | None = None

    def __len__(self) -> int:
        return len(self.regions)


@dataclass(frozen=True)
class Truth:
    """The truth of a VOT benchmark: what its list expects, and the sequences that are there."""

    expected: tuple[str, ...]
    targets: Mapping[str, Target]

    @property
    def bounded(self) -> bool:
        """Whether all image sizes are known, so that overlaps can be bounded."""
        return all(target.size is not None for target in self.targets.values())


@dataclass(frozen=True)
class Run:
    """One repetition: regions and codes (N,) (TRACKED where there is a region)."""

    regions: Regions
    codes: Whole


@dataclass
class Tracker:
    """A tracker's repetitions by sequence, and by sequence in the region-noise experiment."""

    name: str
    runs: dict[str, list[Run]] = field(default_factory=dict)
    noise: dict[str, list[Run]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


# ---------------------------------------------------------------- rows


def rows(path: Path, frames: int, label: str) -> tuple[Floats, Whole, Whole]:
    """Rows of a file padded to eight numbers (M,8), how many each has, and its line from 1."""
    values, lines = text.parse(text.read_bytes(path, frames, label), label, path)
    counts, numbered = text.lines_of(lines)
    if counts.size and counts.max() > 8:
        bad = int(np.argmax(counts > 8))
        line = numbered[bad]
        raise InputError(f"{label}, line {line} ({path}:{line}): {counts[bad]} numbers, where a region has 4 or 8")
    table = np.full((len(counts), 8), np.nan)
    table[np.arange(8) < counts[:, None]] = values
    return table, counts, numbered


def _check(counts: Whole, lines: Whole, allowed: Sequence[int], label: str, path: Path) -> None:
    wrong = np.flatnonzero(~np.logical_or.reduce([counts == number for number in allowed]))
    if len(wrong):
        line, found = lines[wrong[0]], counts[wrong[0]]
        kinds = " or ".join(str(number) for number in allowed)
        raise InputError(f"{label}, line {line} ({path}:{line}): {found} numbers where {kinds} belong")


# ---------------------------------------------------------------- truth


def _tag(values: Sequence[float] | Floats, frames: int) -> Flags:
    """Flags of a tag; a list that is shorter than the video is continued with 0."""
    flags = np.zeros(frames, np.bool_)
    known = np.asarray(values, np.float64)[:frames]
    flags[: len(known)] = known > 0
    return flags


def _json_target(name: str, entry: Any, path: Path) -> Target:
    try:
        listed = [[float(value) for value in region] for region in entry["gt_rect"]]
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}: {name}: no `gt_rect` with a list of numbers a frame") from None
    wrong = next((i for i, region in enumerate(listed) if len(region) not in (4, 8)), None)
    if wrong is not None:
        raise InputError(f"{path}: {name}, frame {wrong + 1}: {len(listed[wrong])} numbers, where a region has 4 or 8")
    counts = np.array([len(region) for region in listed], np.int64)
    table = np.full((len(listed), 8), np.nan)
    table[np.arange(8) < counts[:, None]] = [value for region in listed for value in region]
    tags = {tag: _tag(entry[tag], len(listed)) for tag in TAGS if tag in entry}
    size = (int(entry["width"]), int(entry["height"])) if "width" in entry and "height" in entry else None
    return Target(name, regions(table, counts), size, tags)


def _from_json(path: Path) -> dict[str, Target]:
    try:
        data = opening.parse_json(opening.read_bytes(path, opening.JSON), f"--annotations {path}")
    except OSError as error:
        raise InputError(f"--annotations {path}: cannot be read: {error}") from None
    if not isinstance(data, dict):
        raise InputError(f"--annotations {path}: not an object of sequences")
    for name in data:
        naming.part(name, f"--annotations {path}", "sequence")
    return {name: _json_target(name, entry, path) for name, entry in data.items()}


def _image_size(folder: Path) -> tuple[int, int] | None:
    places = (folder, folder / "color", folder / "img")
    first = next((path for place in places for path in sorted(place.glob("0*.[jp][pn]g"))[:1]), None)
    if first is None:
        return None
    from dat.datasets.images import image_size

    return image_size(first)


def _tags(folder: Path, frames: int) -> dict[str, Flags]:
    files = [path for ending in ("*.label", "*.tag") for path in sorted(folder.glob(ending))]
    return {path.stem: _tag(_values(path, f"tag {path.stem}"), frames) for path in files}


def _values(path: Path, label: str) -> Floats:
    return text.parse(opening.read_bytes(path, opening.TEXT), label, path)[0]


def _folder_target(folder: Path, name: str) -> Target:
    path = folder / "groundtruth.txt"
    label = f"annotations: {name}"
    table, counts, lines = rows(path, _LONGEST, label)
    _check(counts, lines, (4, 8), label, path)
    practical = folder / "practical.value"
    values = _values(practical, label) if practical.is_file() else None
    return Target(name, regions(table, counts), _image_size(folder), _tags(folder, len(counts)), values)


def read_truth(place: Path, benchmark: Benchmark) -> Truth:
    """The truth of a VOT benchmark: a folder of sequence folders, or a JSON file of polygons.

    Raises InputError when there is none, or when a sequence's length is not the benchmark's.
    """
    if not place.exists():
        raise InputError(f"--annotations {place}: no such folder or file; give the benchmark's ground truth")
    if place.is_file():
        found = _from_json(place)
    else:
        folders = sorted(path.parent for path in place.glob("*/groundtruth.txt"))
        wanted = Names(benchmark.sequences or [folder.name for folder in folders])
        found = {folder.name: _folder_target(folder, folder.name) for folder in folders if wanted.match(folder.name)}
    expected = tuple(benchmark.sequences) or tuple(sorted(found))
    names = Names(expected)
    targets = {match.sequence: target for name, target in found.items() if (match := names.match(name))}
    if not targets:
        raise InputError(f"--annotations {place}: no ground truth of {benchmark.name} in it (e.g. of {expected[:1]})")
    for name, target in targets.items():
        _expect(benchmark, name, len(target), place)
    return Truth(expected, {name: targets[name] for name in expected if name in targets})


def _expect(benchmark: Benchmark, name: str, frames: int, place: Path) -> None:
    entry = benchmark.sequences.get(name)
    if entry and entry.frames and entry.frames != frames:
        raise InputError(
            f"{place}: {frames} regions of {name}, {benchmark.name} has {entry.frames}; is it its annotation?"
        )


# ---------------------------------------------------------------- results


def _strange(counts: Whole, codes: Floats) -> Whole:
    """Rows whose single number is no code."""
    known = (codes == SKIPPED) | (codes == INITIALISED) | (codes == FAILED)
    return np.flatnonzero((counts == 1) & ~known)


def _run(table: Floats, counts: Whole) -> Run:
    """A run of rows padded to eight numbers; a region with NaN is none."""
    shapes = regions(table, counts)
    codes = np.where(counts == 1, np.nan_to_num(table[:, 0]), np.where(shapes.special, SKIPPED, TRACKED))
    return Run(shapes, codes.astype(np.int64))


def read_run(path: Path, frames: int, label: str, lengths: Lengths) -> tuple[Run, bool]:
    """One repetition of a sequence, and whether it was cut. Raises InputError naming the line of what is wrong."""
    table, counts, lines = rows(path, frames, label)
    _check(counts, lines, (1, 4, 8), label, path)
    strange = _strange(counts, table[:, 0])
    if len(strange):
        line = lines[strange[0]]
        raise InputError(f"{label}, line {line} ({path}:{line}): code {table[strange[0], 0]:g}; there are 0, 1 and 2")
    if len(counts) != frames and (lengths != "cut" or not len(counts)):
        line = min(len(counts), frames) + 1
        raise InputError(
            f"{label}, line {line} ({path}:{line}): {len(counts)} rows for {frames} frames; "
            "complete the file, or score the common part with --lengths cut"
        )
    return _run(table[:frames], counts[:frames]), len(counts) != frames


def _together(held: Sequence[bytes], frames: int) -> list[Run] | None:
    """The repetitions of a sequence parsed at once; None unless all is as it should be."""
    texts = [data.rstrip() for data in held]
    if any(data.count(b"\n") + 1 != frames for data in texts):
        return None
    try:
        values, lines = numbers.parse(b"\n".join(texts))
    except numbers.NotPlain:
        return None
    counts = np.bincount(lines, minlength=1)
    right = (counts == 1) | (counts == 4) | (counts == 8)
    if len(counts) != frames * len(held) or not right.all():
        return None
    table = np.full((len(counts), 8), np.nan)
    table[np.arange(8) < counts[:, None]] = values
    if len(_strange(counts, table[:, 0])):
        return None
    parts = [slice(start, start + frames) for start in range(0, len(counts), frames)]
    return [_run(table[part], counts[part]) for part in parts]


def _folders(folder: Path) -> dict[str, Path]:
    """The experiments of a tracker: baseline (its own folder where there is no such level), region_noise."""
    base = folder / "baseline"
    found = {"baseline": base if base.is_dir() else folder}
    noise = folder / "region_noise"
    return found | ({"region_noise": noise} if noise.is_dir() else {})


def _repetitions(experiment: Path, names: Names) -> tuple[dict[str, list[Path]], list[str]]:
    """Files of each sequence in order of their number, and the files left aside (relative to the experiment)."""
    files: dict[str, list[Path]] = {}
    aside: list[str] = []
    for path in sorted(path for path in experiment.rglob("*") if path.is_file()):
        match = names.match(path.parent.name) if path.suffix == ".txt" and path.parent != experiment else None
        if match and _REPETITION.search(path.stem) and names.match(path.stem[:-4]) == match:
            files.setdefault(match.sequence, []).append(path)
        elif not (path.suffix == ".json" and path.with_suffix(".txt").exists()):
            aside.append(naming.shown(path.relative_to(experiment).as_posix()))
    return files, aside


def read_tracker(folder: Path, truth: Truth, lengths: Lengths = "strict") -> Tracker:
    """All repetitions of a tracker. Raises InputError naming tracker, sequence and line of the first wrong file."""
    tracker = Tracker(folder.name)
    experiments = _folders(folder)
    for name, experiment in experiments.items():
        files, aside = _repetitions(experiment, Names(truth.expected))
        aside = [f"{experiment.relative_to(folder).as_posix()}/{file}".removeprefix("./") for file in aside]
        tracker.ignored += aside
        into = tracker.noise if name == "region_noise" else tracker.runs
        for sequence in (name for name in truth.expected if name in files and name in truth.targets):
            into[sequence] = _runs(tracker, truth.targets[sequence], files[sequence], lengths)
    if experiments["baseline"] != folder:
        tracker.ignored += sorted(naming.shown(path.name) for path in folder.iterdir() if path.is_file())
    tracker.missing = [name for name in truth.expected if name not in tracker.runs]
    return tracker


def _runs(tracker: Tracker, target: Target, files: Sequence[Path], lengths: Lengths) -> list[Run]:
    """The repetitions of a sequence; equal files are read once."""
    label, frames = f"tracker {tracker.name}, sequence {target.name}", len(target)
    held = [text.read_bytes(path, frames, label) for path in files]
    unique = dict(zip(held, files, strict=True))
    together = _together(list(unique), frames)
    if together is not None:
        known = dict(zip(unique, together, strict=True))
        return [known[data] for data in held]
    read = {data: read_run(path, frames, label, lengths) for data, path in unique.items()}
    tracker.cut += [target.name] if any(cut for _, cut in read.values()) and target.name not in tracker.cut else []
    return [read[data][0] for data in held]
