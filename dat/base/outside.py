"""Files that other people made: which names are no data, and the one way in for text.

An operating system leaves files of its own beside data (`._name` and `__MACOSX` from a Mac, `Thumbs.db` from Windows,
`@eaDir` from a disk station). They are never frames, results or ground truth. Text may begin with a byte-order mark, be
UTF-16, and end its lines in any way.
"""

import codecs
import os
import re
from pathlib import Path

from dat.base import opening
from dat.base.errors import InputError, refusal

_LEFT_BEHIND = frozenset(
    {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "#recycle", "$recycle.bin", "lost+found"}
    | {"system volume information"}
)
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_TWO_WAYS = re.compile(rb"^[ \t]*-?\d+,\d+(?:,?[ \t;]+-?\d+,\d+){3}[ \t,;]*$", re.MULTILINE)
_EMPTY = (b",,", b",;", b";,", b";;", b"\n,", b"\n;")
_EMPTY_FIELD = re.compile(rb"(?:^|[,;])[ \t]*[,;]", re.MULTILINE)


def stray(name: str) -> bool:
    """Whether a file or folder of that name is no data: hidden, or left behind by an operating system.

    >>> stray("._Deer.txt"), stray("__MACOSX"), stray("Deer.txt")
    (True, True, False)
    """
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def listed(folder: Path, label: str = "") -> list[Path]:
    """What is in a folder, by name, without stray names. Raises InputError when it cannot be listed."""
    return [folder / name for name in listed_names(folder, label)]


def listed_names(folder: Path, label: str = "") -> list[str]:
    """The names of what is in a folder, in order, without stray ones. Raises InputError when it cannot be listed."""
    return [name for name in all_names(folder, label) if not stray(name)]


def all_names(folder: Path, label: str = "") -> list[str]:
    """The names of all that is in a folder, in order. Raises InputError when it cannot be listed."""
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise InputError(f"{place(folder, label=label)}: cannot be listed: {refusal(error)}") from None


def matching(folder: Path, *patterns: str) -> list[Path]:
    """The files and folders below a folder that fit one of the patterns, by name, without stray names on their way."""
    paths = {path for pattern in patterns for path in folder.glob(pattern)}
    return sorted(path for path in paths if not any(map(stray, path.relative_to(folder).parts)))


def place(path: Path, line: int | None = None, label: str = "") -> str:
    """How messages call a place in a file: `label, line 3 (path:3)`, without a label `path:3`."""
    spot = str(path) if line is None else f"{path}:{line}"
    if not label:
        return spot
    return f"{label} ({spot})" if line is None else f"{label}, line {line} ({spot})"


def read_bytes(path: Path, label: str = "", most: int = opening.TEXT) -> bytes:
    """The bytes of a regular file of at most `most`. Raises InputError (TooLarge) when it is none or cannot be read."""
    where = place(path, label=label)
    try:
        return opening.read(path, most, where)
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {refusal(error)}") from None


def plain(data: bytes, path: Path, label: str = "") -> bytes:
    """Text as UTF-8 without a byte-order mark, lines ended by a line feed alone.

    Raises InputError naming the line where it is no text.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding:
        try:
            data = data.decode(encoding).encode()
        except UnicodeError:
            text = f"begins with the mark of {encoding} and is something else; save it as UTF-8"
            raise InputError(f"{place(path, 1, label)}: {text}") from None
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise InputError(f"{place(path, line, label)}: a binary file, where text was expected; save it as UTF-8 text")
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def read_plain(path: Path, label: str = "", most: int = opening.TEXT) -> bytes:
    """The text of a file of at most `most` bytes as `plain` gives it. Raises InputError naming the file."""
    return plain(read_bytes(path, label, most), path, label)


def read_text(path: Path, label: str = "", most: int = opening.TEXT) -> str:
    """The text of a file. Raises InputError naming file and line where it is not UTF-8 (or UTF-16 with a mark)."""
    data = read_plain(path, label, most)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        reason = f"the byte {data[error.start]:#x} is not UTF-8"
        raise InputError(f"{place(path, line, label)}: {reason}; save the file as UTF-8") from None


def two_ways(data: bytes) -> int | None:
    """The first line (from 1) that may be eight whole numbers or four numbers with decimal commas; None without one.

    >>> two_ways(b"1,2,3,4,5,6,7,8"), two_ways(b"10,5;20,5;30,0;40,0")
    (None, 1)
    """
    if b"," not in data or b"." in data or not (b";" in data or b" " in data or b"\t" in data):
        return None
    match = _TWO_WAYS.search(data)
    return data[: match.start()].count(b"\n") + 1 if match else None


def empty_field(data: bytes) -> int | None:
    """The first line (from 1) with nothing between two commas or before the first: a number is wanting there, or two
    marks stand for one. A comma at a line's end says nothing.

    >>> empty_field(b"10,20,30,40,"), empty_field(b"1,2,3,4\\n10,20,,30,40")
    (None, 2)
    """
    squeezed = data.translate(None, b" \t")
    if squeezed[:1] not in (b",", b";") and not any(pair in squeezed for pair in _EMPTY):
        return None
    match = _EMPTY_FIELD.search(data)
    return data[: match.end()].count(b"\n") + 1 if match else None


def output(path: Path | None, option: str, *endings: str) -> None:
    """Raises InputError when an output's name ends in another way than its format's names do, or no file can be
    written there: better before the work than after it."""
    if path is None:
        return
    if path.suffix.lower() not in ("", *endings):
        raise InputError(f"{option} {path}: a {endings[0]} file is written; give a name that ends in {endings[0]}")
    try:
        if wrong := opening.no_file(path):
            raise InputError(f"{option} {path}: {wrong}, which is not written over; give another name")
        above = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
        if not os.access(above, os.W_OK | os.X_OK):
            raise InputError(f"{option} {path}: no file may be written in {above}; give another place")
    except OSError as error:
        raise InputError(f"{option} {path}: {refusal(error)}; give another name") from None
