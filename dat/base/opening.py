"""The one way to open a file from outside: a regular file, of at most a stated size, never read past it.

A pipe, a device or a folder in a file's place is an error at once; so is a text nested thousands deep, a YAML file with
aliases, and a compressed MATLAB file that grows without end.
"""

import io
import json
import os
import stat
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dat.base.errors import InputError
from dat.base.naming import shown

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
DEPTH = 50
"""Brackets in one another in a YAML file: ours have three."""

MATLAB = 32 * MB
"""A `.mat` of one sequence's results, unpacked: 10,000 frames in twelve runs have 4 MB."""

MANIFEST = 16384 * MB
CHUNK = MB // 64
ANY = 1 << 62


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
        names = [name for name, _ in pairs]
        raise ValueError(f"'{next(name for name in names if names.count(name) > 1)}' is there twice; remove one")
    return value


def parse_json(text: str | bytes, where: object) -> Any:
    """The value of a JSON text.

    Raises InputError naming the line where it is none, a name that an object has twice, or that it is nested too deep.
    """
    try:
        return json.loads(text.decode("utf-8-sig") if isinstance(text, bytes) else text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise InputError(f"{shown(where)}:{error.lineno}: not JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{shown(where)}: not text in UTF-8: {error.reason}") from None
    except (RecursionError, ValueError) as error:  # brackets thousands deep; an integer of thousands of digits
        problem = "nested too deep" if isinstance(error, RecursionError) else shown(error)
        raise InputError(f"{shown(where)}: not JSON that can be read: {problem}") from None


def yaml_reader(kind: str = "rt") -> "YAML":
    """A reader of YAML 1.2 that refuses aliases, by which a short text stands for a value of any size.

    It raises ruamel's YAMLError, and RecursionError for a text nested too deep.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.composer import Composer, ComposerError
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

    reader.Composer, reader.Scanner = Plain, Shallow
    return reader


def _unpacked(data: bytes, most: int) -> bytes:
    """A MATLAB file (version 5), its compressed parts unpacked. Raises ValueError where these exceed `most` bytes."""
    orders: dict[bytes, Literal["little", "big"]] = {b"\0\1IM": "little", b"\1\0MI": "big"}
    order = orders.get(data[124:128])
    if order is None:
        return data  # another version, or no MATLAB file: scipy's to say
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
        left -= len(body)
        if left < 0:
            raise ValueError(f"more than {most} bytes when it is unpacked")
        parts.append(body)
        place += 8 + length
    return b"".join(parts)


def read_matlab(data: bytes, most: int = MATLAB) -> dict[str, Any]:
    """The variables of a MATLAB file that has at most `most` bytes when it is unpacked.

    Raises NotImplementedError for version 7.3, and ValueError for what is no such file or is larger.
    """
    from scipy.io import loadmat

    try:
        variables: dict[str, Any] = loadmat(io.BytesIO(_unpacked(data, most)))  # type: ignore[arg-type]
    except (NotImplementedError, ValueError):
        raise
    except Exception as error:  # scipy's reader has no error of its own for a damaged file
        raise ValueError(f"{type(error).__name__}: {error}") from None
    return variables
