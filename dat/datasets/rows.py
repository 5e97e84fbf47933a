"""Numbers in text files: rows of coordinates with any delimiter in use, and flags. Errors name file and line."""

import re
from pathlib import Path

from dat.base.errors import InputError
from dat.base.outside import empty_field, read_plain, read_text, two_ways

SPACES = str.maketrans(",;\t", "   ")
MOST = 1e9
"""Of a number in a file: pixels, frames, flags."""
_FOUR = re.compile(rb"(?:N,N,N,N\n)*+".replace(b"N", rb"-?\d{1,9}+(?:\.\d{1,15}+)?+")).fullmatch
_USUAL = re.compile(r"(?:-?\d{1,9}(?:\.\d{1,15})?,)*-?\d{1,9}(?:\.\d{1,15})?", re.ASCII).fullmatch


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without the empty ones at its end. Raises InputError naming the file."""
    text = read_text(path).rstrip()
    return text.split("\n") if text else []


def number(text: str, path: Path, line: int) -> float:
    """A number; NaN is one, infinity and what no image or video has are not. Raises InputError naming file and line."""
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{path}:{line}: '{text}' where a number belongs; correct the file") from None
    if abs(value) > MOST or "_" in text:
        raise InputError(f"{path}:{line}: '{text}' where a number of pixels or frames belongs; correct the file")
    return value


def read_rows(path: Path, *counts: int) -> list[list[float]]:
    """The numbers of each line, separated by commas, tabs or spaces, mixed at will.

    `counts` are the numbers that a line may have (any, when none is given). Raises InputError naming file and line.
    """
    if 4 in counts and 8 in counts and (line := two_ways(read_plain(path))):
        raise InputError(f"{path}:{line}: eight numbers, or four with decimal commas; write decimals with a point")
    if line := empty_field(read_plain(path)):
        raise InputError(f"{path}:{line}: nothing between two commas; write every number")
    lines, rows = read_lines(path), []
    if (usual := _usual(lines, counts)) is not None:
        return usual
    for line, text in enumerate(lines, 1):
        row = [number(word, path, line) for word in text.translate(SPACES).split()]
        if counts and len(row) not in counts:
            wanted = " or ".join(map(str, counts))
            remedy = f"write {wanted} a line, decimals with a point"
            raise InputError(f"{path}:{line}: {len(row)} numbers where {wanted} belong; {remedy}")
        rows.append(row)
    return rows


def usual_fours(path: Path) -> list[bytes] | None:
    """The lines of a file of four numbers a line with commas between; None for any other, which `read_rows` reads."""
    data = read_plain(path).rstrip()
    return data.split(b"\n") if _FOUR(data + b"\n") else None


def _usual(lines: list[str], counts: tuple[int, ...]) -> list[list[float]] | None:
    """The numbers of lines that are digits with commas between, all with one of the counts; None for any other file."""
    if not all(map(_USUAL, lines)):
        return None
    rows = [list(map(float, line.split(","))) for line in lines]
    return rows if not counts or set(map(len, rows)) <= set(counts) else None


def read_flags(path: Path) -> list[int]:
    """Flags 0 or 1, one a line or many on a line. Raises InputError naming file and line."""
    words = read_text(path).translate(SPACES).split()
    if set(words) <= {"0", "1"}:
        return list(map(int, words))
    flags: list[int] = []
    for line, text in enumerate(read_lines(path), 1):
        for word in text.translate(SPACES).split():
            value = number(word, path, line)
            if value not in (0, 1):
                raise InputError(
                    f"{path}:{line}: '{word}' (value {len(flags) + 1}) where 0 or 1 belongs; correct the file"
                )
            flags.append(int(value))
    return flags


def same_length(path: Path, count: int, wanted: int, what: str) -> None:
    """Raises InputError with both values when a file has not as many rows as there are `what`."""
    if count != wanted:
        raise InputError(f"{path}: {count} rows for {wanted} {what}; fetch the sequence again")
