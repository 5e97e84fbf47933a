"""Numbers in text files: rows of coordinates with any delimiter in use, and flags. Errors name file and line."""

import math
from pathlib import Path

from dat import opening
from dat.errors import InputError

_SPACES = str.maketrans(",;\t", "   ")


def read_text(path: Path) -> str:
    """A text file, UTF-8 with or without a byte order mark. Raises InputError naming the file."""
    try:
        return opening.read_text(path, encoding="utf-8-sig")
    except UnicodeDecodeError:
        return opening.read_text(path, encoding="latin-1")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without the empty ones at its end. Raises InputError naming the file."""
    return read_text(path).rstrip().splitlines()


def number(text: str, path: Path, line: int) -> float:
    """A number; NaN is one, infinity is not. Raises InputError naming file and line."""
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{path}:{line}: '{text}' where a number belongs; correct the file") from None
    if math.isinf(value) or "_" in text:
        raise InputError(f"{path}:{line}: '{text}' where a finite number belongs; correct the file")
    return value


def read_rows(path: Path, *counts: int) -> list[list[float]]:
    """The numbers of each line, separated by commas, tabs or spaces, mixed at will.

    `counts` are the numbers that a line may have (any, when none is given). Raises InputError naming file and line.
    """
    rows = []
    for line, text in enumerate(read_lines(path), 1):
        row = [number(word, path, line) for word in text.translate(_SPACES).split()]
        if counts and len(row) not in counts:
            wanted = " or ".join(map(str, counts))
            raise InputError(f"{path}:{line}: {len(row)} numbers where {wanted} belong; correct the file")
        rows.append(row)
    return rows


def read_flags(path: Path) -> list[int]:
    """Flags 0 or 1, one a line or many on a line. Raises InputError naming file and line."""
    words = read_text(path).translate(_SPACES).split()
    if set(words) <= {"0", "1"}:
        return list(map(int, words))
    flags: list[int] = []
    for line, text in enumerate(read_lines(path), 1):
        for word in text.translate(_SPACES).split():
            value = number(word, path, line)
            if value not in (0, 1):
                raise InputError(f"{path}:{line}: '{word}' (value {len(flags) + 1}) where 0 or 1 belongs")
            flags.append(int(value))
    return flags


def same_length(path: Path, found: int, wanted: int, what: str) -> None:
    """Raises InputError with both values when a file has not as many rows as there are `what`."""
    if found != wanted:
        raise InputError(f"{path}: {found} rows for {wanted} {what}; fetch the sequence again")
