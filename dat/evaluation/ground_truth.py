"""Ground truth from the forms in which benchmarks are published: folders of sequence folders, of text files, VOT's
JSON."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dat import naming, opening
from dat.errors import InputError
from dat.evaluation.benchmarks import Benchmark
from dat.evaluation.names import Names
from dat.evaluation.text import parse, read_boxes

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_LONGEST = 10_000_000
_ASIDE = ("absent", "att", "img", "color")
_RECTANGLES = ("groundtruth_rect", "groundtruth")


@dataclass(frozen=True)
class Target:
    """The truth of one target: boxes (N,4) in the benchmark's own origin, NaN where unknown; frames at the start that
    its toolkit leaves out; flags (N,) of absence, or None."""

    name: str
    boxes: Floats
    omit: int = 0
    absent: Flags | None = None
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Truth:
    """The truth of a benchmark: what its list expects, and the targets whose boxes are there."""

    expected: tuple[str, ...]
    targets: Mapping[str, Target]


def _spellings(folder: Path, depth: int = 3) -> Iterator[tuple[str, Path]]:
    """Every file that may be a truth file, and the name that it stands for."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"--annotations {folder}: cannot be listed: {error.strerror or error}") from None
    for path in entries:
        if path.name.startswith((".", "OTB_query")) or path.name in _ASIDE:
            continue
        if path.suffix == ".txt":
            yield from _spelling(path)
        elif depth > 1 and path.is_dir():
            yield from _spellings(path, depth - 1)


def _spelling(path: Path) -> Iterator[tuple[str, Path]]:
    stem, number = path.stem, ""
    if stem[-2:-1] == "." and stem[-1:].isdigit():
        stem, number = stem[:-2], f"-{stem[-1]}"
    if stem in _RECTANGLES:
        yield path.parent.name + number, path
    elif path.stem.endswith("_gt"):
        yield path.stem[:-3], path
    else:
        yield path.stem, path


def _best(found: Iterable[tuple[str, Path]], names: Names) -> dict[str, Path]:
    """For each sequence the file whose spelling is nearest to its name."""
    best: dict[str, tuple[int, int, str, Path]] = {}
    for spelling, path in found:
        match = names.match(spelling)
        if match:
            rank = (match.distance, len(path.parts), str(path), path)
            best[match.sequence] = min(best.get(match.sequence, rank), rank)
    return {name: rank[3] for name, rank in best.items()}


def _flags(path: Path, frames: int) -> Flags | None:
    """Flags of a file, one a line or all in one; None when there is no file."""
    if not path.is_file():
        return None
    values, _ = parse(opening.read_bytes(path, opening.TEXT), f"annotations: {path.parent.name}", path)
    if len(values) != frames:
        raise InputError(f"{path}: {len(values)} flags for {frames} frames of the truth beside it; fetch it again")
    return np.asarray(values != 0, np.bool_)


def _absent(path: Path, name: str, frames: int) -> Flags | None:
    """LaSOT's flags: one combined file, or occluded and out of view apart."""
    for combined in (path.parent / "absent.txt", path.parent / "absent" / f"{name}.txt"):
        if combined.is_file():
            return _flags(combined, frames)
    apart = [_flags(path.parent / file, frames) for file in ("full_occlusion.txt", "out_of_view.txt")]
    there = [flags for flags in apart if flags is not None]
    return np.logical_or.reduce(there) if there else None


def _target(path: Path, name: str, benchmark: Benchmark) -> Target:
    boxes = read_boxes(path, _LONGEST, f"annotations: {name}")
    entry = benchmark.sequences.get(name)
    if not len(boxes) or (entry and entry.frames and len(boxes) != entry.frames):
        wanted = f"{benchmark.name} has {entry.frames}" if entry and entry.frames else "a truth has at least one"
        raise InputError(f"{path}: {len(boxes)} boxes of {name}, where {wanted}; is it this benchmark's annotation?")
    absent = _absent(path, name, len(boxes)) if benchmark.definition == "lasot" else None
    return Target(name, boxes, benchmark.omit.get(name, 0), absent, entry.attributes if entry else ())


def _own_list(folder: Path) -> tuple[str, ...]:
    """The sequences of a benchmark without a list here: OTB99-Lang's test queries, else whatever has a truth."""
    queries = folder / "OTB_query_test"
    if queries.is_dir():
        return _plain(folder, (path.stem for path in queries.glob("*.txt")))
    found = list(_spellings(folder))
    named = [name for name, path in found if path.stem.startswith(_RECTANGLES)]
    return _plain(folder, named or [name for name, _ in found])


def _plain(folder: Path, sequences: Iterable[str]) -> tuple[str, ...]:
    """Names of sequences in order, each once. Raises InputError for one that cannot be part of a path."""
    return tuple(sorted({naming.part(name, f"--annotations {folder}", "sequence") for name in sequences}))


def read(folder: Path, benchmark: Benchmark) -> Truth:
    """The truth of a one-pass benchmark in a folder.

    Raises InputError when there is no such folder, nothing of the benchmark in it, or a file with a wrong row.
    """
    if not folder.is_dir():
        raise InputError(f"--annotations {folder}: no such folder; give the one with the benchmark's ground truth")
    expected = tuple(benchmark.sequences) or _own_list(folder)
    files = _best(_spellings(folder), Names(expected))
    if not files:
        raise InputError(f"--annotations {folder}: no ground truth of {benchmark.name} in it (e.g. of {expected[:1]})")
    targets = {name: _target(files[name], name, benchmark) for name in expected if name in files}
    return Truth(expected, targets)
