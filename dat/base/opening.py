"""The one way to open a file from outside: a regular file, of at most a stated size, never read past it.

A pipe, a device or a folder in a file's place is an error at once; so is a text nested thousands deep, a YAML file with
aliases, and a compressed MATLAB file that grows without end.
"""

import io
import json
import math
import os
import re
import stat
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dat.base.errors import InputError
from dat.base.naming import SHOWN, shown

if TYPE_CHECKING:
    from ruamel.yaml import YAML

MB = 1 << 20
TEXT = 64 * MB
"""Annotations, sentences, lists: LaSOT's longest file of boxes has 0.3 MB."""

JSON = 512 * MB
IMAGE = 256 * MB
"""A picture's file; a raw one of 80 million pixels has 240 MB."""

PIXELS = 1 << 27
"""Of a picture that is read, unless the user's environment says otherwise (OPENCV_IO_MAX_IMAGE_PIXELS): a file of one
colour is small whatever its picture is, and the tracker takes a hundred bytes a pixel."""

SETTINGS = MB // 4
DIGITS = 4300
"""Of a whole number in JSON: Python reads no longer ones."""

BITS = 1024
"""Of a whole number in YAML: a float holds no larger ones."""

DEPTH = 50
"""Brackets in one another in a YAML file: ours have three."""

MATLAB = 32 * MB
"""A `.mat` of one sequence's results, unpacked: 10,000 frames in twelve runs have 4 MB."""

MANIFEST = 16384 * MB
CHUNK = MB // 64
ANY = 1 << 62

Order = Literal["little", "big"]


class TooLarge(InputError):
    """A file has more bytes than anything of its kind; `size` says how many."""

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


def _open(path: Path | str, most: int, where: object) -> tuple[int, int]:
    """The descriptor of a regular file and its size in bytes. Raises like `opened`; messages begin with `where`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe without a writer does not block
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise InputError(f"{shown(where)}: {_kind(facts.st_mode)} where a regular file belongs; put the file there")
        if facts.st_size > most:
            problem = f"{facts.st_size} bytes where at most {most} belong; is it the right file?"
            raise TooLarge(f"{shown(where)}: {problem}", facts.st_size)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, facts.st_size


def opened(path: Path | str, most: int) -> io.BufferedReader:
    """A regular file of at most `most` bytes, open for reading.

    Raises OSError as `open` does, InputError naming a file that is none (a pipe, a device, a folder), and TooLarge.
    """
    return os.fdopen(_open(path, most, path)[0], "rb")


def no_file(path: Path) -> str:
    """What stands at a path where it is no regular file: `a pipe`, `a device`; "" for a file, and for nothing.

    Raises OSError when that cannot be told.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return ""
    return "" if stat.S_ISREG(mode) else _kind(mode)


def _kind(mode: int) -> str:
    kinds = {stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket"}
    return next((name for test, name in kinds.items() if test(mode)), "a device")


def read(path: Path | str, most: int, where: object) -> bytes:
    """The bytes of a regular file of at most `most`; messages begin with `where`.

    Raises like `opened`; a file that grows meanwhile is too large.
    """
    descriptor, size = _open(path, most, where)
    try:
        parts, left, size = [], most + 1, size + 1
        while left and (part := os.read(descriptor, min(max(size, CHUNK), left))):
            parts.append(part)
            left, size = left - len(part), size - len(part)
    finally:
        os.close(descriptor)
    if not left:
        raise TooLarge(f"{shown(where)}: more than {most} bytes; is it the right file?", most + 1)
    return b"".join(parts)


def check(path: Path | str, most: int = ANY) -> None:
    """Raises like `opened`: for a library that opens the file by itself."""
    opened(path, most).close()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Raises ValueError for a name that is there twice: which value is meant cannot be known."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError
    return value


_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|[{}\[\]]|-?\d[\d.eE+-]*')


def _refused(text: str) -> tuple[int, str]:
    """Where in a text that is JSON something stands that Python does not take, and what it is."""
    inside: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        word, name = token[0], token[1]
        if word in "{[":
            inside.append(set())
        elif word in "}]":
            inside.pop()
        elif name and token[2]:
            if (name := json.loads(name)) in inside[-1]:
                return token.start(), f"'{shown(name)}' is there twice; remove one"
            inside[-1].add(name)
        elif len(word.removeprefix("-")) > DIGITS and word.removeprefix("-").isdecimal():
            return token.start(), f"a number of {len(word)} digits; correct it"
    return 0, "a value that Python does not take"


def parse_json(text: str | bytes, where: object) -> Any:
    """The value of a JSON text.

    Raises InputError naming the line where it is none, of a name that an object has twice or of a number of thousands
    of digits; and where it is nested too deep.
    """
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise InputError(f"{shown(where)}:{error.lineno}: not JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{shown(where)}:{line}: not text in UTF-8: {error.reason}") from None
    except RecursionError:
        raise InputError(f"{shown(where)}: not JSON that can be read: nested too deep") from None
    except ValueError:
        place, problem = _refused(str(text))
        line = str(text).count("\n", 0, place) + 1
        raise InputError(f"{shown(where)}:{line}: not JSON that can be read: {problem}") from None


def yaml_reader(kind: str = "rt") -> "YAML":
    """A reader of YAML 1.2 that refuses aliases, by which a short text stands for a value of any size.

    It raises ruamel's YAMLError, with the line of a value that is not of its kind or too large a number, and
    RecursionError for a text nested too deep.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.composer import Composer, ComposerError
    from ruamel.yaml.constructor import ConstructorError
    from ruamel.yaml.events import AliasEvent
    from ruamel.yaml.scanner import Scanner, ScannerError

    class Plain(Composer):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.parser.check_event(AliasEvent):
                at = self.parser.peek_event().start_mark
                raise ComposerError(None, None, "an alias (*name); write the value itself", at)
            return super().compose_node(parent, index)

    reader = YAML(typ=kind, pure=True)

    class Shallow(reader.Scanner or Scanner):  # type: ignore[misc]
        def fetch_flow_collection_start(self, *token: Any, **more: Any) -> None:
            if len(self.flow_context) > DEPTH:  # each level is looked through again for each level in it
                raise ScannerError(None, None, f"brackets nested over {DEPTH} deep", self.reader.get_mark())
            super().fetch_flow_collection_start(*token, **more)

    class Located(reader.Constructor):  # type: ignore[misc, name-defined]
        def construct_object(self, node: Any, deep: bool = False) -> Any:
            try:
                value = super().construct_object(node, deep=deep)
                if not isinstance(value, int) or value.bit_length() < BITS:
                    return value
            except (ValueError, LookupError, AttributeError, TypeError):  # ruamel has no error of its own for these
                pass
            problem = f"{str(node.value)[:SHOWN]!r} is no {str(node.tag).rpartition(':')[2]} that can be read"
            raise ConstructorError(None, None, problem, node.start_mark)

    reader.Composer, reader.Scanner, reader.Constructor = Plain, Shallow, Located
    return reader


def _unpacked(data: bytes, order: Order, most: int) -> bytes:
    """A MATLAB file (version 5), its compressed parts unpacked. Raises ValueError where these exceed `most` bytes."""
    parts, place, left = [data[:128]], 128, most
    while place + 8 <= len(data):
        kind = int.from_bytes(data[place : place + 4], order)
        length = int.from_bytes(data[place + 4 : place + 8], order)
        body = data[place : place + 8 + length]
        if kind == 15:  # miCOMPRESSED
            stream = zlib.decompressobj()
            body = stream.decompress(body[8:], left + 1)
            if not stream.eof and len(body) <= left:
                raise ValueError("a packed part is cut short")
            if stream.unused_data.strip(b"\0"):
                raise ValueError("damaged: a packed part is longer than what it packs")
        left -= len(body)
        if left < 0:
            raise ValueError(f"more than {most} bytes when it is unpacked")
        parts.append(body)
        place += 8 + length
    return b"".join(parts)


_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
"""The bytes of a number, by the kind of a MATLAB element (miINT8 to miUINT64)."""

_OWN = {7: (6, 7), 9: (6,), 12: (14,), 13: (15,)}
"""The classes of array that hold numbers of a kind. Others are in any: MATLAB writes the shortest kind that fits."""

_TEXT = {1: (1, 1), 2: (1, 1), 4: (2, 2), 16: (1, 4), 17: (2, 4), 18: (4, 4)}
"""The fewest and the most bytes of a character, by the kind of element."""


class _Elements:
    """The elements of a MATLAB file (version 5, unpacked), gone through as scipy's reader will go.

    That one trusts them: it indexes tables by a kind, and goes on behind an array's last part, wherever the array is
    said to end; a changed byte can end the process (reference: MAT-File Format, MathWorks, chapter 1).
    """

    def __init__(self, data: bytes, order: Order) -> None:
        self.data, self.order, self.place = data, order, 128

    def check(self) -> None:
        """Raises ValueError where a part of the file does not fit another, or a variable is there twice."""
        names = set()
        while self.place < len(self.data):
            name = self.array(0)
            if name in names:
                raise ValueError(f"the variable {name.decode('latin-1')!r} is there twice")
            names.add(name)

    def integer(self, place: int) -> int:
        """The unsigned integer in the four bytes at a place."""
        return int.from_bytes(self.data[place : place + 4], self.order)

    def element(self, end: int, *kinds: int) -> tuple[int, int, int]:
        """The element here: its kind, where its content begins, how many bytes that has. The place moves behind it.

        Raises ValueError when it is of none of these kinds, or does not end by `end`.
        """
        kind, length, start = self.integer(self.place), self.integer(self.place + 4), self.place + 8
        behind = start + length + (-length % 8 if kind != 14 else 0)
        if kind >> 16:  # a short one, of at most four bytes
            kind, length, start, behind = kind & 0xFFFF, kind >> 16, self.place + 4, start
        if kind not in kinds or start + length > behind or behind > end:
            raise ValueError(f"damaged: at byte {self.place} of what it holds is no part that belongs there")
        self.place = behind
        return kind, start, length

    def text(self, end: int) -> bytes:
        """The bytes of a name."""
        _, start, length = self.element(end, 1, 16)
        return self.data[start : start + length]

    def integers(self, end: int) -> list[int]:
        """Sizes. Raises ValueError for a negative one."""
        _, start, length = self.element(end, 5, 6)
        found = [self.integer(place) for place in range(start, start + length, 4)]
        if length % 4 or any(value >> 31 for value in found):
            raise ValueError("damaged: a size is no whole number")
        return found

    def numbers(self, end: int, array: int, count: int) -> None:
        """The numbers of an array of a class; a sparse one's (5) may be of any number."""
        kind, _, length = self.element(end, *_BYTES)
        if array != 5 and (length != count * _BYTES[kind] or array not in _OWN.get(kind, (array,))):
            raise ValueError("damaged: an array's numbers do not fit its size and class")

    def fields(self, end: int) -> int:
        """How many fields a struct has."""
        width, names = self.integers(end), self.text(end)
        if len(width) != 1 or not width[0] or len(names) % width[0]:
            raise ValueError("damaged: the names of a struct's fields do not fit their size")
        if any(0 not in names[place : place + width[0]] for place in range(0, len(names), width[0])):
            raise ValueError("damaged: the name of a struct's field has no end")
        return len(names) // width[0]

    def array(self, depth: int) -> bytes:
        """The array here and all in it; its name. Raises ValueError where a part does not fit another."""
        _, start, length = self.element(len(self.data), 14)
        if not length and depth:
            return b""
        if depth > DEPTH:
            raise ValueError(f"cells nested over {DEPTH} deep")
        self.place, end = start, start + length
        if self.element(end, 6) != (6, start + 8, 8):
            raise ValueError("damaged: an array without its class")
        flags = self.integer(start + 8)
        array, parts = flags & 0xFF, 1 + (flags >> 11 & 1)
        sizes = self.integers(end) if array != 17 else [1, 1]  # an object of a newer kind has none
        name, count = self.text(end), math.prod(sizes)
        if not 2 <= len(sizes) <= 32 or count > len(self.data):
            raise ValueError("damaged: an array of an impossible size")
        self.content(end, array, parts, count, depth)
        if self.place != end:
            raise ValueError("damaged: an array does not end where its parts do")
        return name

    def content(self, end: int, array: int, parts: int, count: int, depth: int) -> None:
        """What an array of a class holds, behind its name: `parts` is 2 for complex numbers."""
        inner = 0
        if 5 <= array <= 15:
            for _ in range(parts if array != 5 else parts + 2):  # a sparse one has rows and columns first
                self.numbers(end, array, count)
        elif array == 4:
            kind, _, length = self.element(end, *_TEXT)
            least, most = _TEXT[kind]
            if length and not least * count <= length <= most * count:
                raise ValueError("damaged: a text does not fit its size")
        elif array in (1, 2, 3, 16, 17):  # cell, struct, object, function, object of a newer kind
            for _ in range({3: 1, 17: 2}.get(array, 0)):
                self.text(end)
            inner = count * self.fields(end) if array in (2, 3) else count if array == 1 else 1
        else:
            raise ValueError(f"damaged: an array of no known class ({array})")
        for _ in range(inner):
            self.array(depth + 1)


def _checked(data: bytes, most: int) -> bytes:
    """A MATLAB file that scipy can be trusted with: unpacked, and gone through. Raises ValueError for another."""
    orders: dict[bytes, Order] = {b"\0\1IM": "little", b"\1\0MI": "big"}
    order = orders.get(data[124:128])
    if order is not None:
        data = _unpacked(data, order, most)
        _Elements(data, order).check()
    elif 0 not in data[:4] and data[124:128] not in (b"\0\2IM", b"\2\0MI"):  # version 4; 7.3, which scipy refuses
        raise ValueError("its head is not that of a MATLAB file")
    return data


def read_matlab(data: bytes, most: int = MATLAB) -> dict[str, Any]:
    """The variables of a MATLAB file that has at most `most` bytes when it is unpacked.

    Raises NotImplementedError for version 7.3, and ValueError for what is no such file or is larger.
    """
    from scipy.io import loadmat

    try:
        variables: dict[str, Any] = loadmat(io.BytesIO(_checked(data, most)))  # type: ignore[arg-type]
    except (NotImplementedError, ValueError):
        raise
    except Exception as error:  # scipy's reader has no error of its own for a damaged file
        raise ValueError(f"{type(error).__name__}: {error}") from None
    return variables
