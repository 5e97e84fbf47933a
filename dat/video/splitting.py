"""Cutting a stream of JPEG and PNG files, one after another, into files, without decoding any."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from dat.base import opening
from dat.base.errors import InputError

JPEG, PNG = b"\xff\xd8\xff", b"\x89PN"
UNUSED = "and perhaps in others: not used, as a viewer does not show them; extract them to use them"
BLOCK = 1 << 16
MOST_PARTS = 1 << 18
"""Of one file in a stream: each segment of a JPEG and chunk of a PNG has two or three."""

MOST_BETWEEN = 1 << 20
"""Bytes between two files of a stream that are passed over: padding, or what a phone writes after a JPEG's end."""

Notes = list[str]


def note(notes: Notes, text: str, about: str = "") -> None:
    """Add a note, unless there is the same one already, or one that begins like it."""
    if not any(note.startswith(about or text) for note in notes):
        notes.append(text)


def split_images(stream: BinaryIO, notes: Notes | None = None) -> Iterator[bytes]:
    """Cut a stream of JPEG and PNG files into files. What lies between two of them is passed over and noted.

    Raises InputError naming a frame that is neither, or too large.
    """
    data, notes = _Bounded(stream), [] if notes is None else notes
    number, views = 1, dict[int, int]()
    while head := _next_head(data, number, notes):
        start = data.place - len(head)
        try:
            file = head + (_jpeg(data) if head == JPEG else _png(data))
        except EOFError:
            raise InputError(f"standard input: frame {number} ends in the middle") from None
        if views.get(start) == len(file):
            note(notes, f"more pictures follow the first in the file of frame {number - 1}, {UNUSED}", "more pictures")
        else:
            views = {start + place: size for place, size in _views(file)}
            yield file
            number += 1
        data.next(number)


def _views(file: bytes) -> list[tuple[int, int]]:
    """Beginning (from the JPEG's) and bytes of the further pictures that stand in its index: other views, a preview, a
    gain map. CIPA DC-007, Multi-Picture Format: a TIFF directory, whose entry 0xB002 has 16 bytes for a picture."""
    index = _INDEX.search(file)
    if index is None:
        return []
    start, order = index.end(), "<" if file[index.end() :].startswith(b"II") else ">"
    try:
        at = start + struct.unpack_from(f"{order}I", file, start + 4)[0]
        end = at + 2 + 12 * struct.unpack_from(f"{order}H", file, at)[0]
        for tag, _, size, place in struct.iter_unpack(f"{order}HHII", file[at + 2 : end]):
            if tag == 0xB002:
                table = file[start + place : start + place + size]
                return [(start + one, length) for _, length, one, _ in struct.iter_unpack(f"{order}4I", table) if one]
    except struct.error:
        pass  # no index, so all of them are frames
    return []


_INDEX = re.compile(rb"\xff\xe2..MPF\0", re.DOTALL)


def _next_head(data: _Bounded, number: int, notes: Notes) -> bytes:
    """The three bytes that the next file begins with; nothing at the end. Other bytes may lie between files."""
    head, passed = data.read(3), 0
    while head and head not in (JPEG, PNG):
        if number == 1 or passed == MOST_BETWEEN:
            raise InputError(f"standard input: frame {number} is neither JPEG nor PNG")
        passed, more = passed + 1, data.some(1)
        head = head[1:] + more if more else b""
    if passed:
        text = f"bytes that are no image follow frame {number - 1}, and perhaps others: passed over"
        note(notes, text, "bytes that")
    return head


class _Bounded:
    """A stream, read in blocks, that gives no more bytes and no more parts for a frame than a picture's file may have,
    whatever lengths stand in it."""

    def __init__(self, data: BinaryIO) -> None:
        self.arrived = getattr(data, "read1", data.read)  # a camera's picture does not wait for the one after it
        self.block, self.place = io.BytesIO(), 0
        self.next(1)

    def next(self, number: int) -> None:
        """Frame `number` begins."""
        self.number, self.left, self.parts = number, opening.IMAGE, MOST_PARTS

    def some(self, count: int) -> bytes:
        """From 1 to `count` bytes, none at the end. Raises InputError naming the frame that has too many."""
        if not self.left:
            raise self.error(f"is larger than {opening.IMAGE} bytes")
        count = min(count, self.left)
        part = self.block.read(count)
        if not part:
            self.block = io.BytesIO(self.arrived(BLOCK))
            part = self.block.read(count)
        self.left -= len(part)
        self.place += len(part)
        return part

    def read(self, count: int) -> bytes:
        """A part of `count` bytes, fewer at the end. Raises InputError naming the frame that would have too many."""
        self.parts -= 1
        if count > self.left:
            raise self.error(f"is larger than {opening.IMAGE} bytes")
        if self.parts < 0:
            raise self.error(f"has more than {MOST_PARTS} parts")
        pieces = []
        while count and (piece := self.some(count)):
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def until(self, pattern: re.Pattern[bytes]) -> bytes:
        """What comes up to the end of a pattern of two bytes. Raises EOFError where it does not come."""
        data, match = bytearray(), None
        while match is None:
            searched = max(len(data) - 1, 0)
            piece = self.some(BLOCK)
            if not piece:
                raise EOFError
            data += piece
            match = pattern.search(data, searched)
        self.left += len(data) - match.end()
        self.place -= len(data) - match.end()
        self.block = io.BytesIO(data[match.end() :] + self.block.read())
        return bytes(data[: match.end()])

    def error(self, text: str) -> InputError:
        """That a frame is none, in words."""
        return InputError(f"standard input: frame {self.number} {text}; is it a picture?")


def _exactly(data: _Bounded, count: int) -> bytes:
    part = data.read(count)
    if len(part) < count:
        raise EOFError
    return part


def _png(data: _Bounded) -> bytes:
    """The rest of a PNG file: signature, then chunks of length, type, data and checksum up to IEND."""
    parts, kind = [_exactly(data, 5)], b""
    while kind != b"IEND":
        head = _exactly(data, 8)
        length, kind = struct.unpack(">I4s", head)
        parts += [head, _exactly(data, length + 4)]
    return b"".join(parts)


def _jpeg(data: _Bounded) -> bytes:
    """The rest of a JPEG file: segments with lengths, and after each SOS coded data up to the next marker."""
    parts: list[bytes] = []
    marker = b"\xff" + _exactly(data, 1)
    while True:
        parts.append(marker)
        if marker == b"\xff\xd9":
            return b"".join(parts)[1:]
        size = _exactly(data, 2)
        (length,) = struct.unpack(">H", size)
        if marker[0] != 0xFF or length < len(size):
            raise EOFError
        parts += [size, _exactly(data, length - len(size))]
        coded = data.until(_MARKER) if marker == b"\xff\xda" else _exactly(data, 2)
        parts.append(coded[:-2])
        marker = coded[-2:]


_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""What ends coded data: 0xFF, then neither a stuffed zero, nor a restart, nor another 0xFF, which fills."""
