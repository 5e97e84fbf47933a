"""Numbers from text, many at once: every decimal of a file in a few passes of numpy, exact to the last bit.

A decimal number of at most eight digits before and eight after the point is an integer over a power of ten; both are
exact in float64 below 2**53, so their quotient is what `float()` gives. Everything else (exponents, NaN, longer
numbers, text) goes the slow way, line by line, which also finds the line to complain about.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]
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
_KEEP = np.array([0, *(2**64 - 2 ** (64 - 8 * count) for count in range(1, 9))], np.uint64)
"""Masks that keep the last `count` of a word's eight bytes."""

_ODD_BYTES, _PAIRS, _FOURS = (np.uint64(mask) for mask in (0x0F0F0F0F0F0F0F0F, 0x00FF00FF00FF00FF, 0x0000FFFF0000FFFF))
_STEPS = [(np.uint64(10), np.uint64(8)), (np.uint64(100), np.uint64(16)), (np.uint64(10000), np.uint64(32))]
_MARGIN = b"\0" * 8


class NotPlain(Exception):
    """The text is not made of plain decimal numbers alone; the slow reader must look at it."""


def _eight_digits(words: Words) -> Words:
    """Eight ASCII digits, the first in the lowest byte, as the integer that they write. Overwrites `words`."""
    words &= _ODD_BYTES
    for (ten, shift), mask in zip(_STEPS, (_PAIRS, _FOURS, np.uint64(0xFFFFFFFF)), strict=True):
        high = words >> shift
        words *= ten
        words += high
        words &= mask
    return words


def _digits_before(windows: Words, ends: Places, counts: Places) -> Floats:
    """The integer written by the `counts` (0 to 8) digits that end before each of `ends`."""
    words = windows[ends]
    words &= _KEEP[counts]
    return _eight_digits(words).astype(np.float64)


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
    windows: Words = np.ndarray((len(text) + 1,), np.dtype("<u8"), _MARGIN + text, 0, (1,))
    values = _values(windows, starts + negative if minus else starts, ends, np.flatnonzero(kinds == _POINT))
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


def _values(windows: Words, starts: Places, ends: Places, points: Places) -> Floats:
    """The numbers without sign between starts and ends; windows[i] is the eight bytes before byte i."""
    if not len(starts):
        return np.zeros(0)
    if len(points) and points[0] < starts[0]:
        raise NotPlain
    dots = _dots(starts, ends, points)
    before = dots - starts
    after = np.maximum(ends - dots - 1, 0)
    if before.max() > 8 or after.max() > 8 or before.min() < 0 or (before + after).min() < 1:
        raise NotPlain
    whole = _digits_before(windows, dots, before)
    if not len(points):
        return whole
    scale = _TENS[after]
    whole *= scale
    whole += _digits_before(windows, ends, after)
    if whole.max() >= 2.0**53:
        raise NotPlain
    whole /= scale
    return whole
