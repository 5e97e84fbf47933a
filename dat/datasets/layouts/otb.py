"""OTB on disk: `<Name>/img/0001.jpg` and one or two text files of boxes, counted from 1.

Commas, tabs and spaces are mixed. A folder with `groundtruth_rect.1.txt` and `.2.txt` holds two targets, `<Name>-1`
and `<Name>-2`; an empty file of boxes is none (Human4's first). Ranges of images come from the published list for the
real sets; else images and boxes must be equally many. `absent.txt`, which real sets have not, flags absence.
"""

import re
from functools import partial
from pathlib import Path

from dat.base.outside import matching, read_text
from dat.benchmarks.published import Fact
from dat.datasets.rows import read_flags, same_length
from dat.datasets.targets import Layout, Target, TargetFolder, folders, images, read_boxes

ORIGIN = 1


def find(root: Path) -> list[TargetFolder]:
    """The targets in a folder of OTB sequence folders."""
    return [target for folder in folders(root) for target in _targets(folder)]


def _targets(folder: Path) -> list[TargetFolder]:
    numbered = [path for path in matching(folder, "groundtruth_rect.[0-9].txt") if path.stat().st_size > 1]
    whole = folder / "groundtruth_rect.txt"
    if numbered:
        named = [(f"{folder.name}-{path.name.split('.')[1]}", path) for path in numbered]
    else:
        named = [(folder.name, whole)] if whole.is_file() else []
    return [TargetFolder(name, folder, partial(read, name, folder, path)) for name, path in named]


def read(name: str, folder: Path, annotation: Path, fact: Fact | None) -> Target:
    """A target of OTB. Raises InputError naming the file, and the line where one is wrong."""
    flags, absence = folder / "attrs.txt", folder / "absent.txt"
    attributes = list(fact.attributes) if fact else _attributes(flags)
    annotations = [annotation, *([flags] if flags.is_file() and not fact else [])]
    annotations += [absence] if absence.is_file() else []
    first, last = (fact.first, fact.last) if fact else (None, None)
    boxes = read_boxes(annotation, ORIGIN)
    absent = _absent(absence, len(boxes), annotation.name) if absence.is_file() else None
    return Target(name, images(folder / "img", first, last), boxes, annotations, absent, attributes=attributes)


def _absent(path: Path, frames: int, boxes: str) -> list[int]:
    """A flag a frame. Raises InputError when there are not as many as boxes, or one is neither 0 nor 1."""
    flags = read_flags(path)
    same_length(path, len(flags), frames, f"rows of {boxes}")
    return flags


def _attributes(path: Path) -> list[str]:
    return re.findall(r"[A-Z]+", read_text(path)) if path.is_file() else []


LAYOUT = Layout(find, "<Name>/groundtruth_rect.txt")
