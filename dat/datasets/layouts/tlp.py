"""TLP on disk: `<Name>/groundtruth_rect.txt` with `frame,x,y,w,h,lost`; boxes count from 1."""

from functools import partial
from pathlib import Path

from dat.base.errors import InputError
from dat.benchmarks.published import Fact
from dat.datasets.rows import read_rows
from dat.datasets.targets import Layout, Target, TargetFolder, folders_with, images, internal

ORIGIN = 1


def find(root: Path) -> list[TargetFolder]:
    """The videos of TLP."""
    return [
        TargetFolder(video.name, video, partial(read, video)) for video in folders_with(root, "groundtruth_rect.txt")
    ]


def read(folder: Path, fact: Fact | None) -> Target:
    """A video of TLP. Raises InputError naming the file, and the line where one is wrong."""
    annotation = folder / "groundtruth_rect.txt"
    rows = read_rows(annotation, 6)
    for line, row in enumerate(rows, 1):
        if row[0] != rows[0][0] + line - 1:
            raise InputError(
                f"{annotation}:{line}: frame {row[0]:g} where {rows[0][0] + line - 1:g} belongs; correct it"
            )
        if row[5] not in (0, 1):
            raise InputError(f"{annotation}:{line}: '{row[5]:g}' where 0 (in view) or 1 (lost) belongs; correct it")
    boxes = [internal(row[1:5], ORIGIN) for row in rows]
    return Target(folder.name, images(folder / "img"), boxes, [annotation], absent=[int(row[5]) for row in rows])


LAYOUT = Layout(find, "<Name>/groundtruth_rect.txt")
