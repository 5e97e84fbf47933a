"""Manifests: what a data set holds, file by file with hashes; JSON Lines, the header and then a row a target.

The header's `root` is the folder of the frames: relative to the profile's directory, or a file `*.path` there that
names the folder on this machine, so that a manifest is the same everywhere. Boxes are x,y,w,h in pixels, origin 0.
"""

import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dat.base import naming, opening
from dat.base.errors import InputError, MissingError
from dat.base.outside import read_text
from dat.records import canonical, sha256_bytes, sha256_json, temporary

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Row = dict[str, Any]


@dataclass(frozen=True)
class Sequence:
    """A target of a manifest. `row` is its line, `root` the folder of its frames (None when that is not known)."""

    row: Row
    root: Path | None

    @property
    def name(self) -> str:
        """The target's name."""
        return str(self.row["sequence"])

    @property
    def digest(self) -> str:
        """sha256 of the row."""
        return str(self.row["digest"])

    @property
    def files(self) -> list[list[Any]]:
        """Path below the root, bytes and sha256 of each frame that is listed."""
        return list(self.row["files"])

    @property
    def count(self) -> int:
        """Frames of the video, listed or not."""
        return int(self.row["frames"])

    @cached_property
    def numbers(self) -> list[int]:
        """The frames that are listed, from 0: what files, boxes and flags are of, in this order."""
        return list(self.row.get("numbers", range(self.row["frames"])))

    @cached_property
    def places(self) -> dict[int, int]:
        """Where in the lists a frame stands, by its number from 0."""
        return {number: place for place, number in enumerate(self.numbers)}

    def place(self, number: int) -> int:
        """Where in the lists frame `number` (from 0) stands. Raises InputError when it is not listed."""
        if number not in self.places:
            raise InputError(f"{self.name}: frame {number + 1} is not in the manifest; set datasets.NAME.every to 1")
        return self.places[number]

    @property
    def frames(self) -> list[Path]:
        """The files of the listed frames, in order. Raises MissingError when the data set is not on this machine."""
        if self.root is None:
            raise MissingError(f"{self.name}: its images are not on this machine; run dat data link")
        return [self.root / file[0] for file in self.row["files"]]

    @cached_property
    def boxes(self) -> "npt.NDArray[np.float64]":
        """Boxes (N, 4): x,y,w,h in pixels, origin 0, NaN where unknown."""
        import numpy as np

        return np.array([box or [np.nan] * 4 for box in self.row["boxes"]], dtype=np.float64).reshape(-1, 4)

    @cached_property
    def absent(self) -> "npt.NDArray[np.bool_]":
        """Whether the target is occluded or out of view (N,); False where the data set does not say."""
        import numpy as np

        return np.array(self.row.get("absent") or [0] * len(self.row["files"]), dtype=bool)

    @property
    def sentence(self) -> str | None:
        """The sentence about the target."""
        return self.row.get("sentence")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first frame in pixels."""
        width, height = self.row["size"]
        return width, height

    @property
    def attributes(self) -> list[str]:
        """The benchmark's attributes of the sequence."""
        return list(self.row.get("attributes", []))

    @property
    def tags(self) -> dict[str, list[int]]:
        """VOT's tags: 0 or 1 a frame."""
        return dict(self.row.get("tags") or {})

    @property
    def regions(self) -> list[list[float]] | None:
        """VOT's regions as written, 4 or 8 numbers a frame (none where unknown); None for other layouts."""
        return self.row.get("regions")


@dataclass(frozen=True)
class Manifest:
    """A manifest in memory."""

    header: dict[str, Any]
    sequences: dict[str, Sequence]
    folder: Path | None

    @property
    def root(self) -> Path:
        """The folder of the frames. Raises MissingError when it is not on this machine."""
        if self.folder is None:
            name = self.header["name"]
            raise MissingError(f"{name}: its images are not on this machine; run dat data link {name} PATH")
        return self.folder


def row_digest(row: Row) -> str:
    """sha256 of a row's canonical JSON without its digest."""
    return sha256_json({key: value for key, value in row.items() if key != "digest"})


def line(row: Row, where: str) -> bytes:
    """A row's line, with its digest; `where` is the manifest. Raises InputError for a name that is not plain."""
    values = {key: canonical(value) for key, value in _named(row, where).items() if key != "digest"}
    return _object(values | {"digest": canonical(sha256_bytes(_object(values)))})


def _object(values: Mapping[str, bytes]) -> bytes:
    """The canonical JSON of an object whose values are canonical JSON already."""
    return b"{" + b",".join(canonical(key) + b":" + values[key] for key in sorted(values)) + b"}"


def write(path: Path, header: dict[str, Any], rows: Iterable[Row | bytes]) -> None:
    """Write a manifest whole; each row gets its digest, or is a `line` already. Raises InputError for a name that
    cannot be part of a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = temporary(path)
    try:
        with name.open("wb") as file:
            file.write(canonical(header) + b"\n")
            for row in rows:
                file.write((row if isinstance(row, bytes) else line(row, str(path))) + b"\n")
        os.replace(name, path)
    finally:
        name.unlink(missing_ok=True)


def _named(row: Row, where: str) -> Row:
    """The row, whose sequence and frames have plain names. Raises InputError."""
    naming.part(row["sequence"], where, "sequence")
    naming.all_below((file[0] for file in row["files"]), where, f"frame of {row['sequence']}:")
    return row


def _parse(path: Path, number: int, text: str, keys: tuple[str, ...]) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}:{number}: not JSON: {error}; run dat index again") from None
    if not isinstance(value, dict) or any(key not in value for key in keys):
        raise InputError(f"{path}:{number}: a line with {', '.join(keys)} belongs here; run dat index again")
    return value


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with io.TextIOWrapper(opening.opened(path, opening.MANIFEST), encoding="utf-8") as file:
            yield from enumerate(file, 1)
    except FileNotFoundError:
        raise MissingError(f"{path}: not there; run dat index {path.stem}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def read_header(path: Path) -> dict[str, Any]:
    """The header alone. Raises MissingError when there is no manifest, InputError when it is none."""
    for number, text in _lines(path):
        values = _parse(path, number, text, ("name", "linked", "lists", "root"))
        check_names(values, f"{path}:{number}")
        return values
    raise InputError(f"{path}:1: empty; run dat index {path.stem} again")


def header(path: Path) -> dict[str, Any]:
    """The header of a data set that is linked. Raises MissingError when it is not."""
    values = read_header(path)
    if not values["linked"]:
        name = path.stem
        todo = f"run dat data link {name} PATH, then dat index {name}"
        raise MissingError(f"{path}: data set '{name}' is not linked; {todo}")
    return values


def rows(path: Path) -> Iterator[Row]:
    """The rows one after another, without holding all of them. Raises MissingError when the set is not linked."""
    header(path)
    for number, text in _lines(path):
        if number > 1:
            row = _parse(path, number, text, ("sequence", "frames", "files", "boxes", "digest"))
            yield _named(row, f"{path}:{number}")


def read(path: Path) -> Manifest:
    """A manifest. Raises MissingError when it is absent or its data set is not linked, InputError naming the line."""
    head = header(path)
    folder = frames_root(path, head)
    return Manifest(head, {row["sequence"]: Sequence(row, folder) for row in rows(path)}, folder)


def sequences(path: Path) -> Iterator[Sequence]:
    """The targets one after another, without holding all of them. Raises like `read`."""
    folder = frames_root(path, header(path))
    yield from (Sequence(row, folder) for row in rows(path))


def check_names(header: dict[str, Any], where: str) -> None:
    """Raises InputError when a name of a header, or of the description it is made from, cannot be part of a path.

    `where` is the file, and the line where it is known.
    """
    naming.part(header["name"], where, "data set's name")
    naming.below(header["root"], where, "data set's root")
    if not isinstance(header["lists"], dict):
        raise InputError(f"{where}: 'lists' is no object of lists of sequences; make the file again")
    for key, sequences in header["lists"].items():
        naming.part(key, where, "list")
        for name in sequences:
            naming.part(name, where, f"sequence of list {key}")


def frames_root(path: Path, head: dict[str, Any]) -> Path | None:
    """The folder of the frames of the manifest at `path`; None when it is not on this machine."""
    profile = next((folder for folder in path.absolute().parents if (folder / "params.yaml").is_file()), path.parent)
    return resolve(profile, str(head["root"]))


def resolve(profile: Path, root: str) -> Path | None:
    """The folder that a header's `root` stands for. A file `<set>.path` names it; else `$DAT_DATA/<set>` is taken."""
    if not root.endswith(".path"):
        return profile / root
    link = profile / root
    if link.is_file():
        named = Path(read_text(link, most=opening.MB).strip()).expanduser()
        return named if named.is_absolute() else (profile / named).resolve()
    shared = os.environ.get("DAT_DATA")
    return folder if shared and (folder := Path(shared).absolute() / link.stem).is_dir() else None
