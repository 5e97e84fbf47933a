"""VOT2014 and VOT2016 on disk: `<name>/00000001.jpg` (newer copies under `color/`), coordinates as written.

`groundtruth.txt` has 4 or 8 numbers a line; the box of a polygon is its bounds, without a pixel added. Tags are
`<tag>.label` (2014) or `<tag>.tag`, one value a frame; a file shorter than the video is continued with zeros, as VOT's
own toolkits do. `list.txt` at the top names the sequences. `practical.value` has a number a frame.
"""

from functools import partial
from pathlib import Path

from dat.base.errors import InputError
from dat.base.outside import listed, matching
from dat.benchmarks.published import Fact
from dat.datasets.rows import read_lines, read_rows
from dat.datasets.targets import IMAGES, Box, Layout, Target, TargetFolder, folders, images, internal

ORIGIN = 0


def find(root: Path) -> list[TargetFolder]:
    """The sequences of a VOT folder: those of its `list.txt` that are there, or all that have boxes."""
    listed = root / "list.txt"
    names = set(read_lines(listed)) if listed.is_file() else None
    chosen = [path for path in folders(root) if (path / "groundtruth.txt").is_file()]
    return [
        TargetFolder(path.name, path, partial(read, path)) for path in chosen if names is None or path.name in names
    ]


def read(folder: Path, fact: Fact | None) -> Target:
    """A sequence of VOT. Raises InputError naming the file, and the line where one is wrong."""
    annotation, practical = folder / "groundtruth.txt", folder / "practical.value"
    frames = images(_place(folder))
    regions = [[value + 0.0 for value in row] for row in read_rows(annotation, 4, 8)]
    labels = tag_files(folder)
    return Target(
        folder.name,
        frames,
        [region_box(region) for region in regions],
        [annotation, *labels, *([practical] if practical.is_file() else [])],
        regions=[region if region_box(region) else [] for region in regions],
        tags={path.stem: read_tag(path, len(frames)) for path in labels},
        practical=_practical(practical, len(frames)) if practical.is_file() else None,
    )


def _place(folder: Path) -> Path:
    """Where a sequence's images lie. Raises InputError when there are some in both places."""
    colour = folder / "color"
    if not colour.is_dir():
        return folder
    beside = [path.name for path in listed(folder) if path.suffix.lower() in IMAGES]
    if beside:
        raise InputError(f"{folder}: both {beside[0]} and color/; which are the frames? move the others away")
    return colour


def tag_files(folder: Path) -> list[Path]:
    """The tag files of a sequence. Raises InputError when one tag has two."""
    files = matching(folder, "*.label", "*.tag")
    named: dict[str, Path] = {}
    for path in files:
        if named.setdefault(path.stem, path) is not path:
            raise InputError(f"{folder}: both {named[path.stem].name} and {path.name}; move one of them away")
    return files


def region_box(region: list[float]) -> Box | None:
    """The box x,y,w,h around a region of 4 or 8 numbers; None where a value is NaN."""
    if len(region) == 8 and all(value == value for value in region):
        x, y = region[0::2], region[1::2]
        return [min(x), min(y), max(x) - min(x), max(y) - min(y)]
    return internal(region[:4], ORIGIN) if len(region) == 4 else None


def read_tag(path: Path, frames: int) -> list[int]:
    """A tag's value in each frame: 0 or 1, zeros where the file ends early or says NaN.

    Raises InputError when the file has more values than the video has frames.
    """
    values = [value for row in read_rows(path) for value in row]
    _not_longer(path, len(values), frames)
    return [int(value == value and value > 0) for value in values] + [0] * (frames - len(values))


def _practical(path: Path, frames: int) -> list[float | None]:
    values = [value if value == value else None for row in read_rows(path) for value in row]
    _not_longer(path, len(values), frames)
    return values


def _not_longer(path: Path, rows: int, frames: int) -> None:
    if rows > frames:
        raise InputError(f"{path}: {rows} values for {frames} images; fetch the sequence again")


LAYOUT = Layout(find, "<name>/groundtruth.txt")
