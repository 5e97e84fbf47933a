"""TNL2K on disk: `<Name>/imgs`, `<Name>/groundtruth.txt` with `x,y,w,h` counted from 1, `<Name>/language.txt`.

Flags of absence come with its evaluation toolkit, in `annos/absent/<Name>.txt`: that folder beside the videos, or a
video's file in it as `<Name>/absent.txt`. A sequence of the published ones has a flag too many, a zero.
"""

from functools import partial
from pathlib import Path

from dat.base.outside import read_text
from dat.benchmarks.published import Fact
from dat.datasets.rows import read_flags, same_length
from dat.datasets.targets import Layout, Target, TargetFolder, alike, folders_with, read_boxes

ORIGIN = 1
SENTENCE = "language.txt"


def find(root: Path) -> list[TargetFolder]:
    """The videos of TNL2K."""
    videos = [folder for folder in folders_with(root, "groundtruth.txt") if (folder / "imgs").is_dir()]
    return [TargetFolder(video.name, video, partial(read, video)) for video in videos]


def read(folder: Path, fact: Fact | None) -> Target:
    """A video of TNL2K. Raises InputError naming the file, and the line where one is wrong."""
    annotation, sentence = folder / "groundtruth.txt", folder / SENTENCE
    text = " ".join(read_text(sentence).split()) if sentence.is_file() else ""
    boxes = read_boxes(annotation, ORIGIN)
    places = (folder / "absent.txt", folder.parent / "annos" / "absent" / f"{folder.name}.txt")
    flags = [path for path in places if path.is_file()][:1]
    return Target(
        folder.name,
        alike(folder / "imgs"),
        boxes,
        [annotation, *flags, *([sentence] if text else [])],
        absent=_absent(flags[0], len(boxes)) if flags else None,
        sentence=text or None,
    )


def _absent(path: Path, frames: int) -> list[int]:
    """A flag a frame. Raises InputError when there are not as many as boxes, or one is neither 0 nor 1."""
    flags = read_flags(path)
    if len(flags) == frames + 1 and flags[-1] == 0:
        flags.pop()
    same_length(path, len(flags), frames, "rows of groundtruth.txt")
    return flags


LAYOUT = Layout(find, "<Name>/groundtruth.txt and <Name>/imgs", SENTENCE)
