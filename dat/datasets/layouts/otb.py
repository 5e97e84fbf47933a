"""OTB and TC128 on disk: `<Name>/img/0001.jpg` and one or two text files of boxes, counted from 1.

OTB mixes commas, tabs and spaces. A folder with `groundtruth_rect.1.txt` and `.2.txt` holds two targets, `<Name>-1`
and `<Name>-2`; an empty file of boxes is none (Human4's first). TC128 has `<Name>_gt.txt`, and the first and last image
in `<Name>_frames.txt`. Ranges of images come from the published list for the real sets; else images and boxes must
be equally many.
"""

import re
from functools import partial
from pathlib import Path

from dat.datasets.rows import read_rows
from dat.datasets.targets import Fact, Found, Target, folders, images, internal
from dat.errors import InputError
from dat.outside import matching, read_text

ORIGIN = 1


def find_otb(root: Path) -> list[Found]:
    """The targets in a folder of OTB sequence folders."""
    return [found for folder in folders(root) for found in _otb(folder)]


def _otb(folder: Path) -> list[Found]:
    numbered = [path for path in matching(folder, "groundtruth_rect.[0-9].txt") if path.stat().st_size > 1]
    whole = folder / "groundtruth_rect.txt"
    if numbered:
        named = [(f"{folder.name}-{path.name.split('.')[1]}", path) for path in numbered]
    else:
        named = [(folder.name, whole)] if whole.is_file() else []
    return [Found(name, folder, partial(read_otb, name, folder, path)) for name, path in named]


def read_otb(name: str, folder: Path, annotation: Path, fact: Fact | None) -> Target:
    """A target of OTB. Raises InputError naming the file, and the line where one is wrong."""
    flags = folder / "attrs.txt"
    attributes = list(fact.attributes) if fact else _attributes(flags)
    annotations = [annotation, *([flags] if flags.is_file() and not fact else [])]
    first, last = (fact.first, fact.last) if fact else (None, None)
    return _target(name, images(folder / "img", first, last), annotations, attributes)


def _attributes(path: Path) -> list[str]:
    return re.findall(r"[A-Z]+", read_text(path)) if path.is_file() else []


def _target(name: str, frames: list[Path], annotations: list[Path], attributes: list[str]) -> Target:
    boxes = [internal(row, ORIGIN) for row in read_rows(annotations[0], 4)]
    return Target(name, frames, boxes, annotations, attributes=attributes)


def find_tc128(root: Path) -> list[Found]:
    """The targets in a folder of TC128 sequence folders."""
    return [found for folder in folders(root) for found in _tc128(folder)]


def _tc128(folder: Path) -> list[Found]:
    files = sorted(matching(folder, "*_gt.txt"), key=lambda path: path.name.lower())
    names = [path.name.removesuffix("_gt.txt") for path in files] if len(files) > 1 else [folder.name]
    named = zip(names[: len(files)], files, strict=True)
    return [Found(name, folder, partial(read_tc128, name, folder, path)) for name, path in named]


def read_tc128(name: str, folder: Path, annotation: Path, fact: Fact | None) -> Target:
    """A target of TC128. Raises InputError naming the file, and the line where one is wrong."""
    span = _frames_file(folder, annotation)
    first, last = _span(span) if span else (fact.first, fact.last) if fact else (None, None)
    return _target(name, images(folder / "img", first, last), [annotation, *([span] if span else [])], [])


def _frames_file(folder: Path, annotation: Path) -> Path | None:
    """The file with the first and last image: of the target's name, of the folder's, or the only one.

    Raises InputError when there are several of other names.
    """
    files = {path.name.lower(): path for path in matching(folder, "*_frames.txt")}
    names = [annotation.name.removesuffix("_gt.txt"), folder.name]
    named = [files[key] for name in names if (key := f"{name}_frames.txt".lower()) in files]
    if not named and len(files) > 1:
        raise InputError(f"{folder}: {', '.join(files)}: which is of {annotation.name}? name it {names[0]}_frames.txt")
    return next(iter([*named, *files.values()]), None)


def _span(path: Path) -> tuple[int, int]:
    rows = read_rows(path, 2)
    if len(rows) != 1 or any(value != int(value) for value in rows[0] if value == value):
        raise InputError(f"{path}:1: one line 'first,last' with the numbers of two images belongs here")
    return int(rows[0][0]), int(rows[0][1])
