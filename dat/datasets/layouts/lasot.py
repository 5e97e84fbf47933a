"""LaSOT on disk: `<class>/<class>-<n>/` (or `<class>-<n>/` alone) with `img/00000001.jpg` and `groundtruth.txt`.

Boxes count from 1. The sentence is in `nlp.txt`, flags in `absent.txt`, or in `full_occlusion.txt` and
`out_of_view.txt`.
"""

import re
from functools import partial
from pathlib import Path

from dat.base.errors import InputError
from dat.base.outside import read_text
from dat.benchmarks.published import Fact
from dat.datasets.rows import SPACES, number, read_flags, read_lines, same_length
from dat.datasets.targets import Layout, Target, TargetFolder, folders, images, read_boxes

ORIGIN = 1
SENTENCE = "nlp.txt"
_VIDEO = re.compile(r".+-\d+")


def videos(root: Path) -> list[Path]:
    """The video folders below a folder of LaSOT classes, or in a folder of videos; class first, then number."""
    inner = [video for folder in folders(root) if not _is_video(folder) for video in folders(folder)]
    videos = [folder for folder in [*folders(root), *inner] if _is_video(folder)]
    return sorted(videos, key=lambda video: order(video.name))


def _is_video(folder: Path) -> bool:
    return bool(_VIDEO.fullmatch(folder.name)) and (folder / "groundtruth.txt").is_file()


def order(name: str) -> tuple[str, int]:
    """The place of a LaSOT video: its class, then its number as a number; without a number, before all with one."""
    group, _, index = name.rpartition("-")
    return (group, int(index)) if group and index.isdigit() else (name, -1)


def absent_flags(folder: Path) -> tuple[list[int], list[Path]]:
    """A LaSOT video's flags, 1 where the target is occluded or out of view, and the files that say so.

    Raises InputError when there are no such files, when two differ in length, when one holds something else, or when
    the two forms say different things.
    """
    whole, parts = folder / "absent.txt", [folder / "full_occlusion.txt", folder / "out_of_view.txt"]
    both = all(path.is_file() for path in parts)
    if not both and not whole.is_file():
        raise InputError(f"{folder}: neither absent.txt nor full_occlusion.txt and out_of_view.txt; fetch it again")
    flags = _either(parts) if both else read_flags(whole)
    if both and whole.is_file() and read_flags(whole) != flags:
        raise InputError(f"{whole}: not what {parts[0].name} and {parts[1].name} say together; move the wrong away")
    return flags, [whole] if whole.is_file() else parts


def _either(paths: list[Path]) -> list[int]:
    """The flags of two files, 1 where one of them is. Raises InputError when they differ in length."""
    one, other = (read_flags(path) for path in paths)
    same_length(paths[1], len(other), len(one), f"rows of {paths[0].name}")
    return [max(row) for row in zip(one, other, strict=True)]


def read_sentence(folder: Path) -> str | None:
    """The sentence of a LaSOT video on one line, None where it has none."""
    path = folder / SENTENCE
    lines = read_text(path).split("\n") if path.is_file() else []
    return " ".join(line.strip() for line in lines if line.strip()) or None


def find(root: Path) -> list[TargetFolder]:
    """The videos of LaSOT."""
    return [TargetFolder(video.name, video, partial(read, video)) for video in videos(root)]


def read(folder: Path, fact: Fact | None) -> Target:
    """A video of LaSOT. Raises InputError naming the file, and the line where one is wrong."""
    annotation = folder / "groundtruth.txt"
    boxes = read_boxes(annotation, ORIGIN)
    absent, paths = absent_flags(folder)
    same_length(paths[0], len(absent), len(boxes), f"rows of {annotation.name}")
    sentence = folder / SENTENCE
    return Target(
        folder.name,
        images(folder / "img"),
        boxes,
        [annotation, *paths, *([sentence] if sentence.is_file() else [])],
        absent=absent,
        sentence=read_sentence(folder),
        attributes=list(fact.attributes) if fact else [],
    )


def selection(folder: Path, step: int) -> list[tuple[int, list[str], int]]:
    """Every `step`-th frame of a LaSOT video from its first [R30]: number from 1, x,y,w,h as written, absent flag.

    Reads the annotation files alone. Raises InputError naming file and line.
    """
    annotation = folder / "groundtruth.txt"
    lines = read_lines(annotation)
    absent, paths = absent_flags(folder)
    same_length(paths[0], len(absent), len(lines), f"rows of {annotation.name}")
    return [(i + 1, _as_written(lines[i], annotation, i + 1), absent[i]) for i in range(0, len(lines), step)]


def _as_written(text: str, path: Path, line: int) -> list[str]:
    words = text.translate(SPACES).split()
    for word in words:
        number(word, path, line)
    if len(words) != 4:
        raise InputError(f"{path}:{line}: {len(words)} numbers where 4 belong; correct the file")
    return words


LAYOUT = Layout(find, "<class>/<class>-<n>/groundtruth.txt", SENTENCE)
