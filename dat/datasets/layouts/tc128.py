"""TC128 on disk: `<Name>/img/0001.jpg`, `<Name>_gt.txt` with boxes counted from 1, `<Name>_frames.txt` with a range.

`<Name>_frames.txt` names the first and the last image; where it is not there the published list does, for the real set.
"""

from functools import partial
from pathlib import Path

from dat.base.errors import InputError
from dat.base.outside import matching
from dat.benchmarks.published import Fact
from dat.datasets.rows import read_rows
from dat.datasets.targets import Layout, Target, TargetFolder, folders, images, read_boxes

ORIGIN = 1


def find(root: Path) -> list[TargetFolder]:
    """The targets in a folder of TC128 sequence folders."""
    return [target for folder in folders(root) for target in _targets(folder)]


def _targets(folder: Path) -> list[TargetFolder]:
    files = sorted(matching(folder, "*_gt.txt"), key=lambda path: path.name.lower())
    names = [path.name.removesuffix("_gt.txt") for path in files] if len(files) > 1 else [folder.name]
    named = zip(names[: len(files)], files, strict=True)
    return [TargetFolder(name, folder, partial(read, name, folder, path)) for name, path in named]


def read(name: str, folder: Path, annotation: Path, fact: Fact | None) -> Target:
    """A target of TC128. Raises InputError naming the file, and the line where one is wrong."""
    span = _frames_file(folder, annotation)
    first, last = _span(span) if span else (fact.first, fact.last) if fact else (None, None)
    boxes = read_boxes(annotation, ORIGIN)
    return Target(name, images(folder / "img", first, last), boxes, [annotation, *([span] if span else [])])


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


LAYOUT = Layout(find, "<Name>/<Name>_gt.txt")
