"""TNL2K on disk: `<Name>/imgs`, `<Name>/groundtruth.txt` with `x,y,w,h` counted from 1, `<Name>/language.txt`."""

from functools import partial
from pathlib import Path

from dat.base.outside import read_text
from dat.benchmarks.published import Fact
from dat.datasets.rows import read_rows
from dat.datasets.targets import Layout, Target, TargetFolder, alike, folders_with, internal

ORIGIN = 1


def find(root: Path) -> list[TargetFolder]:
    """The videos of TNL2K."""
    videos = [folder for folder in folders_with(root, "groundtruth.txt") if (folder / "imgs").is_dir()]
    return [TargetFolder(video.name, video, partial(read, video)) for video in videos]


def read(folder: Path, fact: Fact | None) -> Target:
    """A video of TNL2K. Raises InputError naming the file, and the line where one is wrong."""
    annotation, sentence = folder / "groundtruth.txt", folder / "language.txt"
    text = " ".join(read_text(sentence).split()) if sentence.is_file() else ""
    return Target(
        folder.name,
        alike(folder / "imgs"),
        [internal(row, ORIGIN) for row in read_rows(annotation, 4)],
        [annotation, *([sentence] if text else [])],
        sentence=text or None,
    )


LAYOUT = Layout(find, "<Name>/groundtruth.txt and <Name>/imgs")
