"""Where frames come from: a folder of images, a glob, a video file, a camera, or a stream of images.

Nothing here needs torch: a wrong call is answered before anything heavy is loaded.
"""

from __future__ import annotations

import glob
import re
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dat import opening
from dat.datasets.images import Image, decode_image, read_image
from dat.errors import InputError

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
RATE = 25.0


@dataclass(frozen=True)
class Frame:
    """A frame: (H, W, 3) uint8 RGB and the name that messages call it by."""

    name: str
    image: Image


@dataclass(frozen=True)
class Source:
    """Frames to come. `count` where it is known beforehand, `rate` in frames a second."""

    name: str
    read: Callable[[], Iterator[Frame]]
    count: int | None = None
    rate: float = RATE

    def frames(self) -> Iterator[Frame]:
        """The frames in order. Raises InputError naming the frame that is unreadable or of another size."""
        size: tuple[int, ...] | None = None
        for frame in self.read():
            if size is not None and frame.image.shape != size:
                was, now = f"{size[1]}x{size[0]}", f"{frame.image.shape[1]}x{frame.image.shape[0]}"
                raise InputError(f"{frame.name}: {now} pixels, but the frames before it are {was}; make them one size")
            size = frame.image.shape
            yield frame


def open_source(name: str, start: int = 1, frames: int | None = None) -> Source:
    """The source that `name` stands for, from frame `start` (the first is 1), at most `frames` of them.

    Raises InputError naming what is missing or cannot be read.
    """
    source = _open(name)
    count = None if source.count is None else max(source.count - start + 1, 0)
    if count == 0:
        raise InputError(f"{name}: --start {start} is after the last frame, which is {source.count}")
    if frames is not None:
        count = min(count, frames) if count is not None else None
    stop = None if frames is None else start - 1 + frames
    return Source(source.name, lambda: islice(source.read(), start - 1, stop), count, source.rate)


def _open(name: str) -> Source:
    if name == "-":
        return Source("standard input", lambda: stream(sys.stdin.buffer))
    path = Path(name)
    if name.isdecimal() and not path.exists():
        return Source(f"camera {name}", lambda: camera(int(name)), rate=RATE)
    if path.is_dir():
        return _images(name, [file for file in path.iterdir() if file.suffix.lower() in IMAGES])
    if path.is_file():
        return _images(name, [path]) if path.suffix.lower() in IMAGES else _video(path)
    if any(sign in name for sign in "*?["):
        return _images(name, [Path(found) for found in glob.glob(name, recursive=True)])  # noqa: PTH207
    raise InputError(
        f"{name}: no such file or folder; SOURCE is a folder of images, a glob, a video, a camera number or -"
    )


def natural(path: Path) -> list[tuple[int, str]]:
    """A sort key by which frame 10 comes after frame 9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path))]


def _images(name: str, paths: Iterable[Path]) -> Source:
    found = sorted(paths, key=natural)
    if not found:
        raise InputError(f"{name}: no images here ({', '.join(IMAGES[:4])}, ...)")
    return Source(name, lambda: (Frame(str(path), read_image(path)) for path in found), len(found))


def _video(path: Path) -> Source:
    import av

    try:
        with av.open(str(path)) as container:
            shown = container.streams.video[0]
            count, rate = shown.frames or None, float(shown.average_rate or RATE)
    except (av.FFmpegError, IndexError):
        raise InputError(f"{path}: neither an image nor a video that can be read") from None
    return Source(str(path), lambda: video(path), count, rate)


def video(path: Path) -> Iterator[Frame]:
    """The frames of a video file. Raises InputError naming file and frame where it breaks off."""
    import av

    number = 0
    try:
        with av.open(str(path)) as container:
            for decoded in container.decode(video=0):
                number += 1
                yield Frame(f"{path}: frame {number}", np.asarray(decoded.to_ndarray(format="rgb24"), np.uint8))
    except av.FFmpegError as error:
        raise InputError(f"{path}: frame {number + 1} cannot be read: {error}") from None


def camera(number: int) -> Iterator[Frame]:
    """Frames of a camera until it stops. Raises InputError when there is no such camera."""
    import cv2

    device = cv2.VideoCapture(number)
    try:
        for index in range(1, sys.maxsize):
            done, picture = device.read() if device.isOpened() else (False, None)
            if not done or picture is None:
                if index == 1:
                    raise InputError(f"camera {number}: there is none, or it gives no picture")
                return
            yield Frame(
                f"camera {number}: frame {index}", np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
            )
    finally:
        device.release()


def stream(data: BinaryIO) -> Iterator[Frame]:
    """JPEG and PNG images, one after another. Raises InputError naming the first frame that is neither."""
    for number, bytes_ in enumerate(split_images(data), start=1):
        name = f"standard input: frame {number}"
        yield Frame(name, decode_image(bytes_, name))


def split_images(stream: BinaryIO) -> Iterator[bytes]:
    """Cut a stream of JPEG and PNG files into files. Raises InputError naming a frame that is neither, or too large."""
    data = _Bounded(stream)
    number = 1
    while head := data.read(2):
        try:
            if head == b"\xff\xd8":
                yield head + _jpeg(data)
            elif head == b"\x89P":
                yield head + _png(data)
            else:
                raise InputError(f"standard input: frame {number} is neither JPEG nor PNG")
        except EOFError:
            raise InputError(f"standard input: frame {number} ends in the middle") from None
        number += 1
        data.next(number)


class _Bounded:
    """A stream that gives no more bytes for a frame than a picture's file may have, whatever lengths stand in it."""

    def __init__(self, data: BinaryIO) -> None:
        self.data = data
        self.next(1)

    def next(self, number: int) -> None:
        """Frame `number` begins."""
        self.number, self.left = number, opening.IMAGE

    def read(self, count: int) -> bytes:
        """At most `count` bytes. Raises InputError naming the frame that would have too many."""
        if count > self.left:
            text = f"is larger than {opening.IMAGE} bytes; is it a picture?"
            raise InputError(f"standard input: frame {self.number} {text}")
        found = self.data.read(count)
        self.left -= len(found)
        return found


def _exactly(data: _Bounded, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = data.read(count - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _png(data: _Bounded) -> bytes:
    """The rest of a PNG file: signature, then chunks of length, type, data and checksum up to IEND."""
    parts, kind = [_exactly(data, 6)], b""
    while kind != b"IEND":
        head = _exactly(data, 8)
        length, kind = struct.unpack(">I4s", head)
        parts += [head, _exactly(data, length + 4)]
    return b"".join(parts)


def _jpeg(data: _Bounded) -> bytes:
    """The rest of a JPEG file: segments with lengths, and after each SOS coded data up to the next marker."""
    parts: list[bytes] = []
    marker = _exactly(data, 2)
    while True:
        parts.append(marker)
        if marker == b"\xff\xd9":
            return b"".join(parts)
        if marker[0] != 0xFF:
            raise EOFError
        size = _exactly(data, 2)
        parts += [size, _exactly(data, struct.unpack(">H", size)[0] - 2)]
        coded, marker = _coded(data) if marker == b"\xff\xda" else (b"", _exactly(data, 2))
        parts.append(coded)


def _coded(data: _Bounded) -> tuple[bytes, bytes]:
    """Coded data and the marker that ends it: 0xFF, then neither a stuffed zero nor a restart."""
    found = bytearray()
    while True:
        byte = _exactly(data, 1)
        if byte == b"\xff":
            after = _exactly(data, 1)
            if after == b"\xff":
                continue
            if after[0] != 0 and not 0xD0 <= after[0] <= 0xD7:
                return bytes(found), byte + after
            byte += after
        found += byte
