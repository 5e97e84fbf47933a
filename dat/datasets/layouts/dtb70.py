"""DTB70 on disk: `<Name>/groundtruth_rect.txt` with `x,y,w,h`; boxes count from 1."""

from functools import partial
from pathlib import Path

from dat.benchmarks.published import Fact
from dat.datasets.targets import Layout, Target, TargetFolder, folders_with, images, read_boxes

ORIGIN = 1


def find(root: Path) -> list[TargetFolder]:
    """The videos of DTB70."""
    return [
        TargetFolder(video.name, video, partial(read, video)) for video in folders_with(root, "groundtruth_rect.txt")
    ]


def read(folder: Path, fact: Fact | None) -> Target:
    """A video of DTB70. Raises InputError naming the file, and the line where one is wrong."""
    annotation = folder / "groundtruth_rect.txt"
    boxes = read_boxes(annotation, ORIGIN)
    return Target(folder.name, images(folder / "img"), boxes, [annotation])


LAYOUT = Layout(find, "<Name>/groundtruth_rect.txt")
