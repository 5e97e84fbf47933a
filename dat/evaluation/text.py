"""Rows of numbers in the text files that trackers write: commas, tabs, semicolons or spaces, any mix of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dat.base import opening, outside
from dat.base.errors import InputError
from dat.base.outside import place
from dat.evaluation import numbers

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_GAPS = bytes.maketrans(b",;\t\r", b"    ")
_LOT = 100_000
FARTHEST = 1e6
"""Pixels that no number of a region exceeds: a larger one would be drawn row by row without end."""

ROW_BYTES = 400
"""No row of eight numbers is longer: what decides, before reading, that a file has far too many rows."""


def most_rows(frames: int) -> int:
    """Rows beyond which a file is not a result of a sequence of that many frames, whatever a benchmark forgives."""
    return 2 * frames + 1000


def read_bytes(path: Path, frames: int, label: str) -> bytes:
    """The text of a result file. Raises InputError when it cannot be read, is binary or is far too long."""
    try:
        data = outside.read_bytes(path, label, most_rows(frames) * ROW_BYTES)
    except opening.TooLarge as error:
        raise InputError(
            f"{label}, line {frames + 1} ({path}): {error.size} bytes for {frames} frames, so far more rows than "
            "frames; give the file of this sequence"
        ) from None
    data = outside.plain(data, path, label)
    if line := outside.empty_field(data):
        raise InputError(f"{place(path, line, label)}: nothing between two commas; write x,y,w,h, every number there")
    return data


def _number(word: bytes) -> float | None:
    try:
        return float(word) if b"_" not in word else None
    except ValueError:
        return None


def _slow(data: bytes, label: str, path: Path) -> tuple[Floats, Counts]:
    """As numbers.parse, with exponents, NaN and long numbers. Raises InputError with the line of the first that is
    none."""
    values: list[float] = []
    lines: list[int] = []
    for line, row in enumerate(data.translate(_GAPS).split(b"\n")):
        words = row.split()
        for word in words:
            value = _number(word)
            if value is None:
                text = word[:24].decode("ascii", "backslashreplace")
                raise InputError(f"{place(path, line + 1, label)}: {text!r} is not a number; write x,y,w,h")
            values.append(value)
        lines += [line] * len(words)
    return np.array(values, np.float64), np.array(lines, np.int64)


def parse(data: bytes, label: str, path: Path) -> tuple[Floats, Counts]:
    """The numbers of a file and their lines, from 0. Raises InputError naming label and line."""
    try:
        return numbers.parse(data)
    except numbers.NotPlain:
        return _slow(data, label, path)


def read_flags(path: Path, label: str) -> Floats:
    """The numbers of a file of flags or other values, one a frame: one a line, or all on one line.

    Raises InputError naming the line of what is no number, or of a line that has several beside others.
    """
    values, lines = parse(outside.read_plain(path, label), label, path)
    counts, numbered = lines_of(lines)
    if len(counts) > 1 and counts.max() > 1:
        bad = int(np.argmax(counts > 1))
        where = place(path, numbered[bad], label)
        raise InputError(f"{where}: {counts[bad]} numbers where one belongs; write one a line")
    return values


def lines_of(lines: Counts) -> tuple[Counts, Counts]:
    """Of the lines that hold numbers: how many numbers each, and the line's own number from 1."""
    counts = np.bincount(lines) if len(lines) else np.zeros(0, np.int64)
    filled = np.flatnonzero(counts)
    return counts[filled], filled + 1


@dataclass(frozen=True)
class Source:
    """A result file: where it is, of how many frames, and how errors call it (`tracker T, sequence S`)."""

    path: Path
    frames: int
    label: str


def _boxes(source: Source, values: Floats, lines: Counts) -> Floats:
    first_of_four = lines[::4]
    if len(values) % 4 == 0 and (first_of_four == lines[3::4]).all() and (first_of_four[1:] > first_of_four[:-1]).all():
        return values.reshape(-1, 4)
    counts, numbered = lines_of(lines)
    bad = int(np.flatnonzero(counts != 4)[0])
    where = place(source.path, numbered[bad], source.label)
    raise InputError(f"{where}: {counts[bad]} numbers where x,y,w,h belong; write four a row, decimals with a point")


def read_boxes(path: Path, frames: int, label: str) -> Floats:
    """Boxes (M,4) of a one-pass result. Raises InputError when a row has not exactly four numbers."""
    source = Source(path, frames, label)
    return _boxes(source, *parse(read_bytes(path, frames, label), label, path))


def read_many(sources: Sequence[Source]) -> Iterator[Floats]:
    """Boxes of many files, as `read_boxes` would read each: small ones are parsed together, which saves time."""
    lot: list[Source] = []
    held: list[bytes] = []
    for source in sources:
        lot.append(source)
        held.append(read_bytes(source.path, source.frames, source.label).rstrip())
        if sum(map(len, held)) >= _LOT:
            yield from _together(lot, held)
            lot, held = [], []
    yield from _together(lot, held)


def _together(lot: Sequence[Source], held: Sequence[bytes]) -> Iterator[Floats]:
    try:
        values, lines = numbers.parse(b"\n".join(held))
    except numbers.NotPlain:
        for source, data in zip(lot, held, strict=True):
            yield _boxes(source, *parse(data, source.label, source.path))
        return
    begins = np.cumsum([0, *(data.count(b"\n") + 1 for data in held)])
    cuts = np.searchsorted(lines, begins)
    for source, begin, start, stop in zip(lot, begins, cuts, cuts[1:], strict=False):
        yield _boxes(source, values[start:stop], lines[start:stop] - begin)
