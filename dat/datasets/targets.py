"""What a layout yields: a target, a sequence of images with the box of one thing in each; and image folders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from dat.base.errors import InputError
from dat.base.outside import all_names, listed, listed_names, stray
from dat.benchmarks.published import Fact
from dat.datasets.rows import read_rows, same_length, usual_fours

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})

Box = list[float]


@dataclass(frozen=True)
class Target:
    """One target. Boxes are x,y,w,h, origin 0, None where unknown; `regions` are VOT's, as written.

    `absent` is 1 where the target is occluded or out of view, None where the layout does not say.
    """

    name: str
    frames: Sequence[Path]
    boxes: Sequence[Box | None]
    annotations: list[Path]
    absent: list[int] | None = None
    regions: list[list[float]] | None = None
    sentence: str | None = None
    attributes: list[str] = field(default_factory=list)
    tags: dict[str, list[int]] | None = None
    practical: list[float | None] | None = None

    def __post_init__(self) -> None:
        same_length(self.annotations[0], len(self.boxes), len(self.frames), f"images of {self.name}")
        if not any(box and box[2] > 0 and box[3] > 0 for box in self.boxes):
            problem = f"none of the {len(self.boxes)} boxes of {self.name} is known and has an area; fetch it again"
            raise InputError(f"{self.annotations[0]}: {problem}")


@dataclass(frozen=True)
class TargetFolder:
    """A target found on disk and not read yet: `read` takes the fact about it, if there is one."""

    name: str
    folder: Path
    read: Callable[[Fact | None], Target]


@dataclass(frozen=True)
class Layout:
    """How a data set lies on disk: what finds the targets in its folder, what a sequence looks like, and the name of
    the file with a target's sentence, where the data set brings them."""

    find: Callable[[Path], list[TargetFolder]]
    looks: str
    sentence: str = ""


def internal(row: list[float], origin: int) -> Box | None:
    """A box of a file that counts pixels from `origin` as one that counts from 0; None when a value is NaN."""
    x, y, w, h = row
    unknown = x != x or y != y or w != w or h != h
    return None if unknown else [x - origin, y - origin, w, h]


class Boxes(Sequence[Box | None]):
    """The boxes of rows of four numbers; one is made when it is asked for, of the millions that a set may have."""

    def __init__(self, rows: list[bytes], origin: int) -> None:
        self.rows, self.origin = rows, origin

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> Box | None: ...
    @overload
    def __getitem__(self, at: slice) -> "Boxes": ...
    def __getitem__(self, at: int | slice) -> "Box | Boxes | None":
        """A row's box, or some of the boxes."""
        if isinstance(at, slice):
            return Boxes(self.rows[at], self.origin)
        return internal(list(map(float, self.rows[at].split(b","))), self.origin)


def read_boxes(path: Path, origin: int) -> Sequence[Box | None]:
    """The boxes of a file, x,y,w,h a row, counted from `origin`. Raises InputError naming file and line."""
    rows = usual_fours(path)
    return [internal(row, origin) for row in read_rows(path, 4)] if rows is None else Boxes(rows, origin)


def folders(root: Path) -> list[Path]:
    """The folders in a folder, by name, without stray names. Raises InputError when it cannot be listed."""
    return [path for path in listed(root) if path.is_dir()]


def folders_with(root: Path, name: str) -> list[Path]:
    """The folders in a folder that hold a file of a name."""
    return [folder for folder in folders(root) if (folder / name).is_file()]


class Images(Sequence[Path]):
    """The images of a folder by name; a path is made when it is asked for, of the millions that a set may have."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.folder, self.names = folder, names

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, at: int) -> Path: ...
    @overload
    def __getitem__(self, at: slice) -> "Images": ...
    def __getitem__(self, at: int | slice) -> "Path | Images":
        """An image's path, or some of the images."""
        return Images(self.folder, self.names[at]) if isinstance(at, slice) else self.folder / self.names[at]


def images(folder: Path, first: int | None = None, last: int | None = None, beginning: str = "") -> Images:
    """The images of a folder in order of the numbers that their names are, from `first` to `last` (both included).

    Every name begins with `beginning`, which is no part of the number.

    Raises InputError when there are none, when a name is no number, or when a number within the range is missing.
    """
    names = all_names(folder)
    if run := _run(names) if not beginning else None:
        low, high = (run[0] if first is None else first), (run[-1] if last is None else last)
        if run[0] <= low <= high <= run[-1]:
            return Images(folder, names[low - run[0] : high - run[0] + 1])
    numbered = _numbered(folder, [name for name in names if not stray(name)], beginning)
    chosen = [n for n in sorted(numbered) if (first is None or n >= first) and (last is None or n <= last)]
    if not chosen:
        raise InputError(f"{folder}: no images{_range(first, last)}; extract the sequence again")
    low, high = (chosen[0] if first is None else first), (chosen[-1] if last is None else last)
    if len(chosen) != high - low + 1:
        gap = next(n for n in range(low, high + 1) if n not in numbered)
        raise InputError(f"{folder}: image {gap} is missing of {low} to {high}; extract the sequence again")
    return Images(folder, [numbered[n] for n in chosen])


def _run(names: list[str]) -> range:
    """The numbers of names that are those of consecutive images, all of one width and ending; none for any others."""
    stem, dot, ending = names[0].rpartition(".") if names else ("", "", "")
    if not (stem.isascii() and stem.isdigit() and f"{dot}{ending.lower()}" in IMAGES):
        return range(0)
    numbers = range(int(stem), int(stem) + len(names))
    return numbers if names == list(map(f"%0{len(stem)}d.{ending}".__mod__, numbers)) else range(0)


def _range(first: int | None, last: int | None) -> str:
    return "" if first is None and last is None else f" numbered {first} to {last}"


def alike(folder: Path) -> Images:
    """The images of a folder whose names begin alike and end in their number, in order. Raises as `images` does."""
    stems = [Path(name).stem for name in listed_names(folder) if Path(name).suffix.lower() in IMAGES]
    return images(folder, beginning=stems[0].rstrip("0123456789") if stems else "")


def _numbered(folder: Path, names: list[str], beginning: str) -> dict[int, str]:
    """The images among a folder's names by the number that each is, behind `beginning`. Raises InputError."""
    numbered: dict[int, str] = {}
    for name in names:
        stem, dot, ending = name.rpartition(".")
        if not stem or f"{dot}{ending.lower()}" not in IMAGES:
            continue
        digits = stem.removeprefix(beginning) if stem.startswith(beginning) else ""
        if not (digits.isascii() and digits.isdigit()):
            rule = f"'{beginning}' and its number" if beginning else "its number"
            raise InputError(f"{folder / name}: an image's name should be {rule}; move the file away")
        number = int(digits)
        if number in numbered:
            raise InputError(f"{folder / name}: the same number as {numbered[number]}; move one of them away")
        numbered[number] = name
    return numbered
