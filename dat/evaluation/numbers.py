"""Numbers from text, many at once: every decimal of a file in a few passes of numpy, exact to the last bit.

A decimal number of at most eight digits before and eight after the point is an integer over a power of ten; both are
exact in float64 below 2**53, so their quotient is what `float()` gives. Everything else (exponents, NaN, longer
numbers, text) goes the slow way, line by line, which also finds the line to complain about.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.unsignedinteger[Any]]
Places = npt.NDArray[np.int64]

_DIGIT, _POINT, _MINUS, _GAP, _LINE, _OTHER = 1, 2, 4, 8, 16, 32


def _kinds() -> bytes:
    """What each byte is, for bytes.translate."""
    kinds = bytearray([_OTHER]) * 256
    for letters, kind in ((b"0123456789", _DIGIT), (b".", _POINT), (b"-", _MINUS), (b" \t,;\r", _GAP), (b"\n", _LINE)):
        for letter in letters:
            kinds[letter] = kind
    return bytes(kinds)


_KINDS = _kinds()
_TENS = 10.0 ** np.arange(9)


@dataclass(frozen=True)
class _Word:
    """How many digits are read at once, as one little-endian integer: its type, the steps that join neighbours (factor,
    shift, mask), and the masks that keep the last `count` bytes."""

    digits: int
    type: np.dtype[Any]
    steps: list[tuple[int, int, int]]

    @cached_property
    def keep(self) -> Words:
        """Masks by count of digits."""
        whole = 2 ** (8 * self.digits)
        return np.array([whole - 2 ** (8 * (self.digits - count)) for count in range(self.digits + 1)], self.type)


_FOUR = _Word(4, np.dtype("<u4"), [(10, 8, 0x00FF00FF), (100, 16, 0x0000FFFF)])
_EIGHT = _Word(
    8, np.dtype("<u8"), [(10, 8, 0x00FF00FF00FF00FF), (100, 16, 0x0000FFFF0000FFFF), (10000, 32, 0x00000000FFFFFFFF)]
)
_MARGIN = b"\0" * 8


class NotPlain(Exception):
    """The text is not made of plain decimal numbers alone; the slow reader must look at it."""


def _digits_before(text: bytes, ends: Places, counts: Places) -> Floats:
    """The integer written by the `counts` (0 to 8) digits that end before each of `ends`."""
    word = _FOUR if counts.max() <= _FOUR.digits else _EIGHT
    windows: Words = np.ndarray((len(text) + 1,), word.type, _MARGIN[: word.digits] + text, 0, (1,))
    words = windows[ends]
    words &= word.keep[counts]
    words &= word.type.type(0x0F0F0F0F0F0F0F0F % 2 ** (8 * word.digits))
    for factor, shift, mask in word.steps:
        high = words >> word.type.type(shift)
        words *= word.type.type(factor)
        words += high
        words &= word.type.type(mask)
    return words.astype(np.float64)


def parse(text: bytes) -> tuple[Floats, Places]:
    """All numbers of a text, and of each the number of its line, from 0.

    Raises NotPlain unless all is plain decimals between commas, semicolons, blanks and tabs.
    """
    text = text.rstrip() + b"\n"
    kinds = np.frombuffer(text.translate(_KINDS), np.uint8)
    if kinds.max() == _OTHER:
        raise NotPlain
    starts, ends = _tokens(kinds)
    lines = np.flatnonzero(kinds == _LINE)
    negative = kinds[starts] == _MINUS
    minus = int(np.count_nonzero(kinds == _MINUS))
    if minus != np.count_nonzero(negative):
        raise NotPlain
    values = _values(text, starts + negative if minus else starts, ends, np.flatnonzero(kinds == _POINT))
    if minus:
        np.negative(values, out=values, where=negative)
    return values, _line_of(starts, lines)


def _tokens(kinds: npt.NDArray[np.uint8]) -> tuple[Places, Places]:
    """Where numbers begin, and where they have ended; the last byte ends a line."""
    number = np.empty(len(kinds) + 1, np.bool_)
    number[0] = False
    np.less(kinds, _GAP, out=number[1:])
    change = np.flatnonzero(number[1:] != number[:-1])
    return change[0::2], change[1::2]


def _line_of(starts: Places, lines: Places) -> Places:
    """The line of each number; at once where every line has as many numbers as the others."""
    each, left = divmod(len(starts), len(lines))
    if each and not left:
        inside = (starts[each - 1 :: each] < lines).all() and (starts[each::each] > lines[:-1]).all()
        if inside:
            return np.repeat(np.arange(len(lines)), each)
    return np.searchsorted(lines, starts)


def _dots(starts: Places, ends: Places, points: Places) -> Places:
    """Where the whole part of each number has ended. Raises NotPlain for a number with two points."""
    if len(points) == len(starts) and (points >= starts).all() and (points < ends).all():
        return points
    dots = ends.copy()
    owner = np.searchsorted(starts, points, side="right") - 1
    if len(owner) > 1 and (owner[1:] == owner[:-1]).any():
        raise NotPlain
    dots[owner] = points
    return dots


def _values(text: bytes, starts: Places, ends: Places, points: Places) -> Floats:
    """The numbers without sign between starts and ends, at most one of the points in each."""
    if not len(starts):
        return np.zeros(0)
    if len(points) and points[0] < starts[0]:
        raise NotPlain
    dots = _dots(starts, ends, points)
    before = dots - starts
    after = np.maximum(ends - dots - 1, 0)
    if before.max() > 8 or after.max() > 8 or before.min() < 0 or (before + after).min() < 1:
        raise NotPlain
    whole = _digits_before(text, dots, before)
    if not len(points):
        return whole
    scale = _TENS[after]
    whole *= scale
    whole += _digits_before(text, ends, after)
    if whole.max() >= 2.0**53:
        raise NotPlain
    whole /= scale
    return whole
