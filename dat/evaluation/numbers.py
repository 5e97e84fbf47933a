"""Numbers from text, many at once: every decimal of a file in a few passes of numpy, exact to the last bit.

A decimal number of at most eight digits before and eight after the point is an integer over a power of ten; both are
exact in float64 below 2**53, so their quotient is what `float()` gives. Everything else (exponents, NaN, longer
numbers, text) goes the slow way, line by line, which also finds the line to complain about.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

_DIGIT, _POINT, _MINUS, _GAP, _LINE, _OTHER = 1, 2, 4, 8, 16, 32

_KIND = np.full(256, _OTHER, np.uint8)
_KIND[ord("0") : ord("9") + 1] = _DIGIT
_KIND[ord(".")] = _POINT
_KIND[ord("-")] = _MINUS
for _gap in b" \t,;\r":
    _KIND[_gap] = _GAP
_KIND[ord("\n")] = _LINE

_TENS = 10.0 ** np.arange(9)
_PAD = b"\n" + b"0" * 15


class NotPlain(Exception):
    """The text is not made of plain decimal numbers alone; the slow reader must look at it."""


def _eight_digits(words: Words) -> Words:
    """Eight ASCII digits, the first in the lowest byte, as the integer that they write. uint64 to uint64."""
    words = words & np.uint64(0x0F0F0F0F0F0F0F0F)
    words = (words * np.uint64(10) + (words >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    words = (words * np.uint64(100) + (words >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    return (words * np.uint64(10000) + (words >> np.uint64(32))) & np.uint64(0x00000000FFFFFFFF)


def _digits_before(windows: Words, ends: Places, counts: Places) -> Words:
    """The integer written by the `counts` (0 to 8) digits that end before each of `ends`."""
    drop = (np.uint64(8) * (np.uint64(8) - counts.astype(np.uint64))).astype(np.uint64)
    words = windows[ends - 8]
    full = np.uint64(0xFFFFFFFFFFFFFFFF)
    mask = np.where(counts > 0, full << np.minimum(drop, np.uint64(63)), np.uint64(0))
    return _eight_digits(words & mask)


def parse(text: bytes) -> tuple[Floats, Places]:
    """All numbers of a text, and of each the number of its line, from 0.

    Raises NotPlain unless all is plain decimals between commas, semicolons, blanks and tabs.
    """
    data = np.frombuffer(b" " * 8 + text + b"\n" + b" " * 8, np.uint8)
    kinds = _KIND[data]
    number = kinds < _GAP
    if (kinds == _OTHER).any():
        raise NotPlain
    change = np.flatnonzero(number[1:] != number[:-1]) + 1
    starts, ends = change[0::2], change[1::2]
    points = np.flatnonzero(kinds == _POINT)
    negative = kinds[starts] == _MINUS
    if np.count_nonzero(kinds == _MINUS) != np.count_nonzero(negative):
        raise NotPlain
    values = _values(data, starts + negative, ends, points)
    np.negative(values, out=values, where=negative)
    lines = np.flatnonzero(kinds == _LINE)
    return values, np.searchsorted(lines, starts)


def _values(data: Bytes, starts: Places, ends: Places, points: Places) -> Floats:
    """The numbers without sign in data[start:end], at most one point each."""
    windows: Words = np.ndarray((len(data) - 7,), np.dtype("<u8"), data.data, 0, (1,))
    dots = ends.copy()
    owner = np.searchsorted(starts, points, side="right") - 1
    if len(owner) > 1 and (owner[1:] == owner[:-1]).any():
        raise NotPlain
    dots[owner] = points
    before, after = dots - starts, np.maximum(ends - dots - 1, 0)
    if len(starts) and (before.max() > 8 or after.max() > 8 or (before + after).min() < 1 or before.min() < 0):
        raise NotPlain
    whole = _digits_before(windows, dots, before).astype(np.float64)
    if not len(points):
        return whole
    part = _digits_before(windows, ends, after).astype(np.float64)
    scale = _TENS[after]
    mantissa = whole * scale + part
    if len(mantissa) and mantissa.max() >= 2.0**53:
        raise NotPlain
    return np.asarray(mantissa / scale, dtype=np.float64)
