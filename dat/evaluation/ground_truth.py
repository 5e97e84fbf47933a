"""Ground truth from the forms in which benchmarks are published: folders of sequence folders, of text files, VOT's
JSON."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dat.base import naming
from dat.base.errors import InputError
from dat.base.outside import listed, matching, read_bytes
from dat.benchmarks.catalogue import Benchmark
from dat.benchmarks.names import Names
from dat.benchmarks.published import OTB99_QUERIES
from dat.evaluation.text import read_boxes, read_flags

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Notes = list[str]

_LONGEST = 10_000_000
_ASIDE = ("absent", "att", "img", "color")
_RECTANGLES = ("groundtruth_rect", "groundtruth")
_BOXES = "gt_rect"
"""The folder of boxes in TNL2K's published layout, beside `absent` and `att`."""

_APART = ("full_occlusion.txt", "out_of_view.txt")


@dataclass(frozen=True)
class SequenceTruth:
    """The truth of one target: boxes (N,4) in the benchmark's own origin, NaN where unknown; frames at the start that
    its toolkit leaves out; flags (N,) of absence, or None."""

    name: str
    boxes: Floats
    omit: int = 0
    absent: Flags | None = None
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GroundTruth:
    """The truth of a benchmark: what its list expects, the targets whose boxes are there, and what a reader must know
    of how they were read."""

    expected: tuple[str, ...]
    targets: Mapping[str, SequenceTruth]
    notes: Notes = field(default_factory=list)


def _spellings(folder: Path, depth: int = 3) -> Iterator[tuple[str, Path]]:
    """Every file that may be a truth file, and the name that it stands for."""
    for path in listed(folder, "--annotations"):
        if path.name in OTB99_QUERIES or path.name in _ASIDE:
            continue
        if path.suffix == ".txt":
            yield _spelling(path)
        elif depth > 1 and path.is_dir():
            yield from _spellings(path, depth - 1)


def _spelling(path: Path) -> tuple[str, Path]:
    stem, number = path.stem, ""
    if stem[-2:-1] == "." and stem[-1:].isdigit():
        stem, number = stem[:-2], f"-{stem[-1]}"
    if stem in _RECTANGLES:
        return path.parent.name + number, path
    return path.stem.removesuffix("_gt"), path


def _best(pairs: Iterable[tuple[str, Path]], names: Names, benchmark: Benchmark, notes: Notes) -> dict[str, Path]:
    """For each sequence the file whose spelling is nearest to its name, then the one that is called as the benchmark's
    own files are, then the one nearest to the folder; others are noted.

    Raises InputError when two that say different things are equally good.
    """
    candidates: dict[str, list[tuple[tuple[int, bool, int], Path]]] = {}
    for spelling, path in pairs:
        if match := names.match(spelling):
            rank = (match.distance, not _own_name(path, benchmark), len(path.parts))
            candidates.setdefault(match.sequence, []).append((rank, path))
    return {name: _chosen(name, sorted(files), notes) for name, files in candidates.items()}


def _own_name(path: Path, benchmark: Benchmark) -> bool:
    """Whether a file is called as the benchmark's own are, whatever target's number it has."""
    stem, _, ending = path.name.partition(".")
    return path.name.endswith(benchmark.truth) or f"{stem}.{ending[2:]}" == benchmark.truth


def _chosen(name: str, files: list[tuple[tuple[int, bool, int], Path]], notes: Notes) -> Path:
    rank, path = files[0]
    others = [(other, file) for other, file in files[1:] if read_bytes(file) != read_bytes(path)]
    for other, file in others:
        if other == rank:
            raise InputError(f"{name}: both {path} and {file} may hold its ground truth; move one of them elsewhere")
        notes.append(f"{name}: the ground truth is {path}, not {file}, which says something else")
    return path


# ---------------------------------------------------------------- flags of absence


def _flags(path: Path, frames: int, notes: Notes) -> Flags:
    """Flags of a file, one a line or all in one. TNL2K has a sequence with a zero too many, which is cut and noted."""
    values = read_flags(path, "annotations")
    wrong = np.flatnonzero((values != 0) & (values != 1))
    if len(wrong):
        raise InputError(f"{path}: value {wrong[0] + 1} is {values[wrong[0]]:g}, where a flag is 0 or 1; correct it")
    if len(values) == frames + 1 and values[-1] == 0:
        notes.append(f"{path}: a flag more than the {frames} boxes; the last, a zero, is left out")
        values = values[:frames]
    if len(values) != frames:
        raise InputError(f"{path}: {len(values)} flags for {frames} boxes of the truth beside it; fetch both again")
    return np.asarray(values != 0, np.bool_)


def _flag_files(path: Path, name: str) -> tuple[Path | None, list[Path]]:
    """Where the flags of a truth file are: the combined file, and those of occluded and out of view.

    Raises InputError when only a part is there.
    """
    home = path.parent
    if path.stem in _RECTANGLES:
        apart = [home / file for file in _APART if (home / file).is_file()]
        if len(apart) == 1 and not (home / "absent.txt").is_file():
            raise InputError(f"{home}: {apart[0].name} without the other of {' and '.join(_APART)}; fetch both again")
        whole = home / "absent.txt"
        return (whole if whole.is_file() else None), apart if len(apart) == 2 else []
    folder = (home.parent if home.name == _BOXES else home) / "absent"
    if not folder.is_dir():
        return None, []
    files = [file for file in matching(folder, "*.txt") if file.stem.lower() in (path.stem.lower(), name.lower())]
    if len(files) != 1:
        raise InputError(f"{folder}: {len(files)} files of the flags of {name}, where {path.stem}.txt belongs; add it")
    return files[0], []


def _absent(path: Path, name: str, frames: int, notes: Notes) -> Flags | None:
    """LaSOT's flags: one combined file, or occluded and out of view apart; None where there are none.

    Raises InputError when a part is missing, or when the two forms say different things.
    """
    whole, apart = _flag_files(path, name)
    joined = np.logical_or.reduce([_flags(file, frames, notes) for file in apart]) if apart else None
    if whole is None:
        return joined
    flags = _flags(whole, frames, notes)
    if joined is not None and (flags != joined).any():
        raise InputError(f"{whole}: not what {' and '.join(_APART)} say together; move the wrong of them away")
    return flags


def _target(path: Path, name: str, benchmark: Benchmark, notes: Notes) -> SequenceTruth:
    boxes = read_boxes(path, _LONGEST, f"annotations: {name}")
    entry = benchmark.sequences.get(name)
    if not len(boxes) or (entry and entry.frames and len(boxes) != entry.frames):
        wanted = f"{benchmark.name} has {entry.frames}" if entry and entry.frames else "a truth has at least one"
        raise InputError(f"{path}: {len(boxes)} boxes of {name}, where {wanted}; is it this benchmark's annotation?")
    if not (np.isfinite(boxes) & (boxes[:, 2:] > 0).all(1, keepdims=True)).all(1).any():
        raise InputError(f"{path}: none of the {len(boxes)} boxes of {name} is known and has an area; fetch it again")
    absent = _absent(path, name, len(boxes), notes) if benchmark.flags else None
    return SequenceTruth(name, boxes, benchmark.omit.get(name, 0), absent, entry.attributes if entry else ())


def _all_or_none(
    targets: Mapping[str, SequenceTruth], files: Mapping[str, Path], benchmark: Benchmark, notes: Notes
) -> None:
    """Note that there are no flags of absence. Raises InputError when some sequences have them and others do not."""
    without = [name for name, target in targets.items() if target.absent is None]
    if not benchmark.flags or not without:
        return
    if len(without) < len(targets):
        raise InputError(
            f"{files[without[0]]}: no absence flags of {without[0]}, which other sequences have "
            f"({len(without)} of {len(targets)} lack them); fetch them again"
        )
    scored = "so absent frames count like any other, and the scores are not the benchmark's own"
    notes.append(f"no absence flags of {len(without)} sequences (absent.txt, or {' and '.join(_APART)}), {scored}")


def _own_list(folder: Path) -> tuple[str, ...]:
    """The sequences of a benchmark without a list here: OTB99-Lang's test queries, else whatever has a truth."""
    queries = folder / OTB99_QUERIES[1]
    if queries.is_dir():
        return _plain(folder, (path.stem for path in matching(queries, "*.txt")))
    spellings = list(_spellings(folder))
    named = [name for name, path in spellings if path.stem.startswith(_RECTANGLES)]
    return _plain(folder, named or [name for name, _ in spellings])


def _plain(folder: Path, sequences: Iterable[str]) -> tuple[str, ...]:
    """Names of sequences in order, each once. Raises InputError for one that cannot be part of a path."""
    return tuple(sorted({naming.part(name, f"--annotations {folder}", "sequence") for name in sequences}))


def read(folder: Path, benchmark: Benchmark) -> GroundTruth:
    """The truth of a one-pass benchmark in a folder.

    Raises InputError when there is no such folder, nothing of the benchmark in it, or a file with a wrong row.
    """
    if not folder.is_dir():
        raise InputError(f"--annotations {folder}: no such folder; give the one with the benchmark's ground truth")
    folder = folder if folder.name else folder.absolute()
    folder = folder / _BOXES if (folder / _BOXES).is_dir() else folder
    expected, notes = tuple(benchmark.sequences) or _own_list(folder), list[str]()
    files = _best(_spellings(folder), Names(expected), benchmark, notes)
    if not files:
        raise InputError(f"--annotations {folder}: no ground truth of {benchmark.name} in it (e.g. of {expected[:1]})")
    targets = {name: _target(files[name], name, benchmark, notes) for name in expected if name in files}
    _all_or_none(targets, files, benchmark, notes)
    return GroundTruth(expected, targets, notes)
