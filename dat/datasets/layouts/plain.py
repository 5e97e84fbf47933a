"""A user's own data: `<name>/boxes.txt` beside images in order, in `<name>/` or `<name>/img/`, and `sentence.txt`.

`boxes.txt` has `x,y,w,h` of the first image, or a line an image (NaN where unknown); pixels count from 0, as those of
`dat track --box`. Images' names end in their numbers and begin alike (`frame_0001.png`). A video is cut into such
images by `dat data frames`.
"""

from functools import partial
from pathlib import Path

from dat.base.errors import InputError
from dat.base.outside import listed, read_text
from dat.benchmarks.published import Fact
from dat.datasets.targets import IMAGES, Images, Layout, Target, TargetFolder, alike, folders_with, read_boxes

ORIGIN = 0
BOXES, SENTENCE = "boxes.txt", "sentence.txt"
VIDEOS = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"})


def find(root: Path) -> list[TargetFolder]:
    """The folders that have boxes."""
    return [TargetFolder(folder.name, folder, partial(read, folder)) for folder in folders_with(root, BOXES)]


def read(folder: Path, fact: Fact | None) -> Target:
    """One folder. Raises InputError naming the file, and the line where one is wrong."""
    annotation, sentence = folder / BOXES, folder / SENTENCE
    frames = _frames(folder)
    boxes = list(read_boxes(annotation, ORIGIN))
    if not boxes or boxes[0] is None:
        raise InputError(f"{annotation}:1: no box; write x,y,w,h of the target in the first image")
    if len(boxes) == 1:
        boxes += [None] * (len(frames) - 1)
    text = " ".join(read_text(sentence).split()) if sentence.is_file() else ""
    annotations = [annotation, *([sentence] if text else [])]
    return Target(folder.name, frames, boxes, annotations, sentence=text or None)


def _frames(folder: Path) -> Images:
    """The images of a folder. Raises InputError where there are none, or in two places."""
    inner = folder / "img"
    place = inner if inner.is_dir() else folder
    files = [path for path in listed(folder) if path.suffix.lower() in IMAGES]
    if place is inner and files:
        raise InputError(f"{folder}: both {files[0].name} and img/; which are the frames? move the others away")
    video = next((path for path in listed(folder) if path.suffix.lower() in VIDEOS), None)
    if video is not None and place is folder and not files:
        raise InputError(f"{video}: a video; cut it into images first: dat data frames {video} {inner}")
    return alike(place)


LAYOUT = Layout(find, "<name>/boxes.txt beside images", SENTENCE)
