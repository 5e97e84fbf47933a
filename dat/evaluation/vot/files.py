"""VOT's files: ground truth with tags and practical differences, and the repetitions of a tracker.

A result has a line a frame: `1` (re)initialised, `2` failed, `0` not tracked, or a region of 4 or 8 numbers. A run with
restarts begins with `1`; after a failure come four `0`, and then `1`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dat.base import naming, opening
from dat.base.errors import InputError
from dat.base.outside import matching, place, read_text, two_ways
from dat.benchmarks import vot
from dat.benchmarks.catalogue import Benchmark
from dat.benchmarks.names import Names
from dat.benchmarks.vot import FAILED, INITIALISED, SKIPPED
from dat.datasets.layouts.vot import tag_files
from dat.evaluation import fitting, numbers, text
from dat.evaluation.results import EXPERIMENTS, Lengths, files_below
from dat.evaluation.vot.rasters import Regions, bounds, regions

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]

TRACKED = -1
"""The code of a frame with a region."""

TAGS = ("camera_motion", "illum_change", "motion_change", "occlusion", "size_change")
_REPETITION = re.compile(r"_(\d{3})$")
_LONGEST = 10_000_000


@dataclass(frozen=True)
class VotSequence:
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
class VotTruth:
    """The truth of a VOT benchmark: what its list expects, and the sequences that are there."""

    expected: tuple[str, ...]
    targets: Mapping[str, VotSequence]
    notes: list[str] = field(default_factory=list)

    @property
    def bounded(self) -> bool:
        """Whether all image sizes are known, so that overlaps can be bounded."""
        return all(target.size is not None for target in self.targets.values())


@dataclass(frozen=True)
class Repetition:
    """One repetition: regions and codes (N,) (TRACKED where there is a region)."""

    regions: Regions
    codes: Whole


@dataclass
class VotResults:
    """A tracker's repetitions by sequence, and by sequence in the region-noise experiment."""

    name: str
    runs: dict[str, list[Repetition]] = field(default_factory=dict)
    noise: dict[str, list[Repetition]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


# ---------------------------------------------------------------- rows


def rows(path: Path, frames: int, label: str) -> tuple[Floats, Whole, Whole]:
    """Rows of a file padded to eight numbers (M,8), how many each has, and its line from 1."""
    data = text.read_bytes(path, frames, label)
    if line := two_ways(data):
        hint = "eight numbers, or four with decimal commas; write decimals with a point"
        raise InputError(f"{place(path, line, label)}: {hint}")
    values, lines = text.parse(data, label, path)
    counts, numbered = text.lines_of(lines)
    if counts.size and counts.max() > 8:
        bad = int(np.argmax(counts > 8))
        where = place(path, numbered[bad], label)
        raise InputError(f"{where}: {counts[bad]} numbers where a region has 4 or 8; write a region a line")
    table = np.full((len(counts), 8), np.nan)
    table[np.arange(8) < counts[:, None]] = values
    far = np.flatnonzero(_far(table))
    if len(far):
        raise InputError(f"{place(path, numbered[far[0]], label)}: {_FAR}")
    return table, counts, numbered


_FAR = f"a number over {text.FARTHEST:g}, where pixels belong; correct the row"


def _far(table: Floats) -> Flags:
    """Rows (M,) that have a number that is no picture's."""
    return np.asarray((np.abs(table) > text.FARTHEST).any(1))


def _check(counts: Whole, lines: Whole, allowed: Sequence[int], label: str, path: Path) -> None:
    wrong = np.flatnonzero(~np.logical_or.reduce([counts == number for number in allowed]))
    if len(wrong):
        kinds = " or ".join(str(number) for number in allowed)
        where = place(path, lines[wrong[0]], label)
        remedy = f"write {kinds} a line, decimals with a point"
        raise InputError(f"{where}: {counts[wrong[0]]} numbers where {kinds} belong; {remedy}")


# ---------------------------------------------------------------- truth


def _tag(values: Sequence[float] | Floats, frames: int, where: str) -> Flags:
    """Flags of a tag; a list that is shorter than the video is continued with 0, a longer one an InputError."""
    flags = np.zeros(frames, np.bool_)
    known = np.asarray(values, np.float64)
    if np.isnan(known).any():
        raise InputError(f"{where}: a value that is no number, where a flag is 0 or 1; fetch the sequence again")
    if len(known) > frames:
        raise InputError(f"{where}: {len(known)} values for {frames} frames; fetch the sequence again")
    flags[: len(known)] = known > 0
    return flags


def _json_target(name: str, entry: Any, path: Path) -> VotSequence:
    frames = entry.get("gt_rect") if isinstance(entry, dict) else None
    if not isinstance(frames, list) or not all(map(_are_numbers, frames)):
        raise InputError(f"{path}: {name}: no `gt_rect` with a list of numbers a frame; fetch the file again")
    listed: list[list[float]] = frames
    wrong = next((i for i, region in enumerate(listed) if len(region) not in (4, 8)), None)
    if wrong is not None:
        problem = f"{len(listed[wrong])} numbers where a region has 4 or 8; fetch the file again"
        raise InputError(f"{path}: {name}, frame {wrong + 1}: {problem}")
    counts = np.array([len(region) for region in listed], np.int64)
    table = np.full((len(listed), 8), np.nan)
    table[np.arange(8) < counts[:, None]] = [value for region in listed for value in region]
    far = np.flatnonzero(_far(table))
    if len(far):
        raise InputError(f"{path}: {name}, frame {far[0] + 1}: {_FAR}")
    tags = {tag: _json_tag(entry[tag], len(listed), f"{path}: {name}, {tag}") for tag in TAGS if tag in entry}
    return VotSequence(name, regions(table, counts), _json_size(entry, f"{path}: {name}"), tags)


def _are_numbers(value: Any) -> bool:
    """Whether a value of JSON is a list of numbers that a float holds."""
    kinds = isinstance(value, list) and all(type(number) in (int, float) for number in value)
    return kinds and all(isinstance(number, float) or abs(number) < 1e300 for number in value)


def _json_tag(value: Any, frames: int, where: str) -> Flags:
    if not _are_numbers(value):
        raise InputError(f"{where}: no list of numbers, a flag a frame; fetch the file again")
    return _tag(value, frames, where)


def _json_size(entry: Mapping[str, Any], where: str) -> tuple[int, int] | None:
    """Width and height in pixels, None where the entry has neither."""
    sides = [entry[side] for side in ("width", "height") if side in entry]
    if not sides:
        return None
    if len(sides) != 2 or not _are_numbers(sides) or not all(0 < side <= text.FARTHEST for side in sides):
        raise InputError(f"{where}: `width` and `height` are not both a number of pixels; correct them or remove both")
    return int(sides[0]), int(sides[1])


def _from_json(path: Path) -> dict[str, VotSequence]:
    data = opening.parse_json(read_text(path, "--annotations", opening.JSON), f"--annotations {path}")
    if not isinstance(data, dict):
        raise InputError(f"--annotations {path}: not an object of sequences")
    for name in data:
        naming.part(name, f"--annotations {path}", "sequence")
    return {name: _json_target(name, entry, path) for name, entry in data.items()}


def _image_size(folder: Path) -> tuple[int, int] | None:
    places = (folder, folder / "color", folder / "img")
    first = next((path for home in places for path in matching(home, "0*.[jp][pn]g")[:1]), None)
    if first is None:
        return None
    from dat.datasets.images import image_size

    return image_size(first)


def _tags(folder: Path, frames: int) -> dict[str, Flags]:
    tags = {}
    for path in tag_files(folder):
        tags[path.stem] = _tag(text.read_flags(path, f"tag {path.stem}"), frames, str(path))
    return tags


def _folder_target(folder: Path, name: str) -> VotSequence:
    path = folder / "groundtruth.txt"
    label = f"annotations: {name}"
    table, counts, lines = rows(path, _LONGEST, label)
    _check(counts, lines, (4, 8), label, path)
    practical = folder / "practical.value"
    values = text.read_flags(practical, label) if practical.is_file() else None
    if values is not None and len(values) != len(counts):
        raise InputError(f"{practical}: {len(values)} values for {len(counts)} frames; fetch the sequence again")
    return VotSequence(name, regions(table, counts), _image_size(folder), _tags(folder, len(counts)), values)


def read_truth(where: Path, benchmark: Benchmark) -> VotTruth:
    """The truth of a VOT benchmark: a folder of sequence folders, or a JSON file of polygons.

    Raises InputError when there is none, or when a sequence's length is not the benchmark's.
    """
    if not where.exists():
        raise InputError(f"--annotations {where}: no such folder or file; give the benchmark's ground truth")
    if where.is_file():
        from_json = _from_json(where)
    else:
        folders = [path.parent for path in matching(where, "*/groundtruth.txt")]
        wanted = Names(benchmark.sequences or [folder.name for folder in folders])
        from_json = {
            folder.name: _folder_target(folder, folder.name) for folder in folders if wanted.match(folder.name)
        }
    notes = _one_size_rule(from_json)
    expected = tuple(benchmark.sequences) or tuple(sorted(from_json))
    names = Names(expected)
    targets: dict[str, VotSequence] = {}
    for name, target in from_json.items():
        match = names.match(name)
        if match and (other := targets.setdefault(match.sequence, target)) is not target:
            raise InputError(f"--annotations {where}: {other.name} and {name} are both {match.sequence}; move one away")
    if not targets:
        raise InputError(f"--annotations {where}: no ground truth of {benchmark.name} in it (e.g. of {expected[:1]})")
    for name, target in targets.items():
        _expect(benchmark, name, target, where)
    return VotTruth(expected, {name: targets[name] for name in expected if name in targets}, notes)


def _one_size_rule(targets: dict[str, VotSequence]) -> list[str]:
    """Where only some images' sizes are known, forget them, and say so: all sequences are bounded or none."""
    without = [name for name, target in targets.items() if target.size is None]
    if not without or len(without) == len(targets):
        return []
    targets |= {name: replace(target, size=None) for name, target in targets.items()}
    return [f"no image of {len(without)} sequences such as {without[0]}: all are scored unbounded"]


def _expect(benchmark: Benchmark, name: str, target: VotSequence, where: Path) -> None:
    """Raises InputError for another number of frames than the benchmark's, and where no region is known."""
    entry, frames = benchmark.sequences.get(name), len(target)
    if entry and entry.frames and entry.frames != frames:
        raise InputError(
            f"{where}: {frames} regions of {name}, {benchmark.name} has {entry.frames}; is it its annotation?"
        )
    known = target.regions.take(~target.regions.special)
    if not (bounds(known)[:, 2:] > 0).all(1).any():
        raise InputError(f"{where}: none of the {frames} regions of {name} is known and has an area; fetch it again")


# ---------------------------------------------------------------- results


def _strange(counts: Whole, codes: Floats) -> Whole:
    """Rows whose single number is no code."""
    known = (codes == SKIPPED) | (codes == INITIALISED) | (codes == FAILED)
    return np.flatnonzero((counts == 1) & ~known)


def _run(table: Floats, counts: Whole) -> Repetition:
    """A run of rows padded to eight numbers; a region with NaN is none."""
    shapes = regions(table, counts)
    codes = np.where(counts == 1, np.nan_to_num(table[:, 0]), np.where(shapes.special, SKIPPED, TRACKED))
    return Repetition(shapes, codes.astype(np.int64))


def _broken(codes: Whole) -> tuple[int, str] | None:
    """The first row (from 0) that no run with restarts has, and what is wrong with it; None where all is right.

    After a failure come four zeros and a start; in the very last frame a zero may stand for that start (VOT2014).
    """
    if codes[0] != INITIALISED:
        return 0, "the first row is a region, and a run with restarts begins with the code 1"
    failed = np.flatnonzero(codes == FAILED)
    starts = np.flatnonzero(codes == INITIALISED)[1:]
    unasked = np.setdiff1d(starts, failed + vot.RESTART)
    if len(unasked):
        return int(unasked[0]), f"a restart that is not {vot.RESTART} frames after a failure"
    gaps = failed[:, None] + np.arange(1, vot.RESTART)
    moving = gaps[(gaps < len(codes)) & (codes[np.minimum(gaps, len(codes) - 1)] != SKIPPED)]
    missing = np.setdiff1d(failed[failed + vot.RESTART < len(codes) - 1] + vot.RESTART, starts)
    wrong = np.sort(np.concatenate([moving, missing]))
    return (int(wrong[0]), f"no restart {vot.RESTART} frames after a failure") if len(wrong) else None


def read_run(path: Path, truth: Regions, label: str, lengths: Lengths) -> tuple[Repetition, bool, str]:
    """One repetition of a sequence of that truth, whether it was cut, and what is odd about its number of rows.

    Raises InputError naming the line of what is wrong, and where rows seem to be missing before others.
    """
    frames = len(truth)
    table, counts, lines = rows(path, frames, label)
    _check(counts, lines, (1, 4, 8), label, path)
    strange = _strange(counts, table[:, 0])
    if len(strange):
        where = place(path, lines[strange[0]], label)
        raise InputError(f"{where}: code {table[strange[0], 0]:g}; there are 0, 1 and 2")
    run = _run(table[:frames], counts[:frames])
    if len(counts) and (broken := _broken(run.codes)):
        line, wrong = lines[broken[0]], broken[1]
        raise InputError(f"{place(path, line, label)}: not a run with restarts: {wrong}; give VOT's `baseline` runs")
    if len(counts) == frames:
        return run, False, ""
    met, moved = _alignment(regions(table, counts), truth)
    if lengths == "cut" and met and not (moved and len(counts) < frames):
        return run, True, f"{path.name}: {len(counts)} rows for {frames} frames, and {moved}" if moved else ""
    wrong = f"{place(path, min(len(counts), frames) + 1, label)}: {len(counts)} rows for {frames} frames"
    if moved:
        raise InputError(f"{wrong}, and {moved}")
    sure = "if they are the first frames', score the common part with --lengths cut"
    unknown = "no region meets the truth of its row, so which frames they are of is not known: track the sequence again"
    raise InputError(f"{wrong}; {f'complete the file, or, {sure}' if met else unknown}")


def _alignment(found: Regions, truth: Regions) -> tuple[bool, str]:
    """Whether any region meets the truth of its row, and from where on they fit other frames better ("": nowhere)."""
    boxes, true = _boxes(found), _boxes(truth)
    shorter = min(len(boxes), len(true))
    met = fitting.overlaps(boxes[:shorter], true[:shorter]).any()
    return bool(met), fitting.moved(boxes, true) if shorter else ""


def _together(held: Sequence[bytes], frames: int) -> list[Repetition] | None:
    """The repetitions of a sequence parsed at once; None unless all is as it should be, and can be read in one way."""
    texts = [data.rstrip() for data in held]
    if any(data.count(b"\n") + 1 != frames or two_ways(data) for data in texts):
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
    if len(_strange(counts, table[:, 0])) or _far(table).any():
        return None
    parts = [slice(start, start + frames) for start in range(0, len(counts), frames)]
    runs = [_run(table[part], counts[part]) for part in parts]
    return None if any(_broken(run.codes) for run in runs) else runs


def _folders(folder: Path) -> dict[str, Path]:
    """The experiments of a tracker: baseline (its own folder where there is no such level), region_noise."""
    base = folder / "baseline"
    experiments = {"baseline": base if base.is_dir() else folder}
    noise = folder / "region_noise"
    return experiments | ({"region_noise": noise} if noise.is_dir() else {})


def _repetitions(experiment: Path, names: Names) -> tuple[dict[str, list[Path]], list[str]]:
    """Files of each sequence in order of their number, and the files left aside (relative to the experiment).

    Raises InputError when the folders of sequences do not lie in one folder, or two are one sequence's.
    """
    files: dict[str, list[Path]] = {}
    aside: list[str] = []
    for path in files_below(experiment):
        match = names.match(path.parent.name) if path.suffix == ".txt" and path.parent != experiment else None
        if _elsewhere(path, experiment):
            match = None
        if match and _REPETITION.search(path.stem) and names.match(path.stem[:-4]) == match:
            files.setdefault(match.sequence, []).append(path)
        elif not (path.suffix == ".json" and path.with_suffix(".txt").exists()):
            aside.append(naming.shown(path.relative_to(experiment).as_posix()))
    _one_home(files)
    return files, aside


def _elsewhere(path: Path, experiment: Path) -> bool:
    """Whether a file below a tracker's folder is of an experiment that has no restarts, or of the other one."""
    return any(part in EXPERIMENTS and part != "baseline" for part in path.relative_to(experiment).parts[:-1])


def _one_home(files: Mapping[str, Sequence[Path]]) -> None:
    for sequence, paths in files.items():
        folders = sorted({path.parent for path in paths})
        if len(folders) > 1:
            _several(sequence, folders)
    homes = {paths[0].parent.parent: sequence for sequence, paths in files.items()}
    if len(homes) > 1:
        _several(next(iter(homes.values())), sorted(homes))


def _several(sequence: str, folders: Sequence[Path]) -> None:
    above = next(path for path in folders[0].parents if path in folders[1].parents)
    raise InputError(
        f"sequence {sequence}: runs in {folders[0]} and in {folders[1]}; where these are trackers, "
        f"give --results {above}, else move what is not this tracker's out of its folder"
    )


def read_tracker(folder: Path, truth: VotTruth, lengths: Lengths = "strict") -> VotResults:
    """All repetitions of a tracker. Raises InputError naming tracker, sequence and line of the first wrong file."""
    tracker = VotResults(folder.name)
    experiments = _folders(folder)
    for name, experiment in experiments.items():
        files, aside = _repetitions(experiment, Names(truth.expected))
        aside = [f"{experiment.relative_to(folder).as_posix()}/{file}".removeprefix("./") for file in aside]
        tracker.ignored += aside
        tracker.notes += _gaps(files)
        into = tracker.noise if name == "region_noise" else tracker.runs
        for sequence in (name for name in truth.expected if name in files and name in truth.targets):
            into[sequence] = _runs(tracker, truth.targets[sequence], files[sequence], lengths)
    if experiments["baseline"] != folder:
        tracker.ignored += sorted(naming.shown(path.name) for path in folder.iterdir() if path.is_file())
    tracker.missing = [name for name in truth.expected if name not in tracker.runs]
    if lengths != "ours":
        _no_other_reading(tracker, truth)
    tracker.notes += _shifted(tracker, truth)
    return tracker


def _gaps(files: Mapping[str, Sequence[Path]]) -> list[str]:
    """A line on the sequences of which a run is not there although a later one is."""
    numbers = {name: {int(path.stem[-3:]) for path in paths} for name, paths in files.items()}
    gaps = {name: sorted({*range(1, max(of))} - of) for name, of in numbers.items()}
    lacking = {name: of for name, of in gaps.items() if of}
    if not lacking:
        return []
    name, of = next(iter(lacking.items()))
    some = f"{name}: run {of[0]} is not there, and run {max(numbers[name])} is"
    return [f"{some} ({len(lacking)} of {len(files)} sequences lack such runs): those that are there are scored"]


def _shifted(tracker: VotResults, truth: VotTruth) -> list[str]:
    """Which sequences' first runs fit the truth a frame earlier or later much better."""
    boxes = {name: _boxes(run.regions) for name, (run, *_) in tracker.runs.items()}
    return fitting.shifted(boxes, {name: _boxes(truth.targets[name].regions) for name in boxes})


def _boxes(shapes: Regions) -> Floats:
    """The boxes (N,4) around regions; NaN where there is none."""
    return np.where(shapes.special[:, None], np.nan, bounds(shapes))


def _no_other_reading(tracker: VotResults, truth: VotTruth) -> None:
    """Raises InputError where boxes are corners or the like; some of each sequence's are compared with the truth."""
    names, rows, true = [], [], []
    for name, (run, *_) in tracker.runs.items():
        shapes = truth.targets[name].regions
        frames = np.flatnonzero((run.codes == TRACKED) & run.regions.rectangle & ~shapes.special[: len(run.codes)])
        if len(frames) > 1:
            chosen = frames[np.linspace(0, len(frames) - 1, fitting.SAMPLES).astype(int)]
            names.append(name)
            rows.append(run.regions.values[chosen, :4])
            true.append(bounds(shapes.take(chosen)))
    if names:
        fitting.no_other_reading(names, np.stack(rows), np.stack(true), f"tracker {tracker.name}")


def _runs(tracker: VotResults, target: VotSequence, files: Sequence[Path], lengths: Lengths) -> list[Repetition]:
    """The repetitions of a sequence; equal files are read once."""
    label, frames = f"tracker {tracker.name}, sequence {target.name}", len(target)
    held = [text.read_bytes(path, frames, label) for path in files]
    unique = dict(zip(held, files, strict=True))
    together = _together(list(unique), frames)
    if together is not None:
        known = dict(zip(unique, together, strict=True))
        return [known[data] for data in held]
    read = {data: read_run(path, target.regions, label, lengths) for data, path in unique.items()}
    tracker.cut += [target.name] if any(cut for _, cut, _ in read.values()) and target.name not in tracker.cut else []
    tracker.notes += [note for _, _, note in read.values() if note]
    return [read[data][0] for data in held]
