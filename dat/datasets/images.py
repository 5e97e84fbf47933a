"""Images as arrays: height x width x 3, uint8, RGB; grey pictures have three equal channels.

`decode_image` is for data sets: orientation flags are ignored, since the benchmarks' boxes were drawn on the stored
pixels. `decode_shown` is for a user's own pictures: turned as a viewer turns them, and as deep as they are stored. Both
refuse a file with several pictures, of which a reader would take the first.
"""

import os
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dat.base import opening
from dat.base.errors import InputError
from dat.base.outside import read_bytes

Image = npt.NDArray[np.uint8]
Deep = npt.NDArray[Any]
"""A picture (H, W, 3), RGB, of 8 or 16 bits or floating point."""

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"


def decode_image(data: bytes, name: str) -> Image:
    """The picture in the bytes of a JPEG, PNG, ... file: (H, W, 3) uint8 RGB, as stored.

    Raises InputError naming `name`, also for several pictures and for more than 8 bits.
    """
    import cv2

    if data.startswith(JPEG):  # OpenCV's other decoders do not all know this order of colours
        return _eight_bits(data, name, cv2.IMREAD_COLOR_RGB)
    return np.asarray(cv2.cvtColor(_eight_bits(data, name, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), dtype=np.uint8)


def decode_grey(data: bytes, name: str) -> Image:
    """As `decode_image`, but grey: (H, W) uint8. A grey file's values are the stored ones. Raises like it."""
    import cv2

    return _eight_bits(data, name, cv2.IMREAD_GRAYSCALE)


def decode_shown(data: bytes, name: str) -> Deep:
    """As `decode_image`, but turned as a viewer shows it, and 8 or 16 bits or floating point. Raises like it."""
    import cv2

    return _coloured(_decoded(data, name, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH))


def turned(data: bytes, name: str) -> bool:
    """Whether a viewer shows a picture turned or mirrored, by its file's orientation; False for what is no picture.

    Raises InputError naming a file that the decoder refuses.
    """
    import cv2

    if data[:2] not in (b"II", b"MM") and not re.search(b"exif", data, re.IGNORECASE):
        return False  # only a TIFF has an orientation outside Exif
    shown, stored = (_read(data, name, cv2.IMREAD_COLOR | flag) for flag in (0, cv2.IMREAD_IGNORE_ORIENTATION))
    return shown is not None and stored is not None and not np.array_equal(shown, stored)


def transparent(data: bytes, name: str) -> bool:
    """Whether a file has pixels through which a viewer shows what is behind. Raises as `turned` does."""
    import cv2

    picture = _read(data, name, cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4:
        return False
    opaque = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}.get(picture.dtype, 1)
    return bool(picture[..., 3].min() < opaque)


def decode_pages(data: bytes, name: str) -> list[Deep]:
    """All pictures of a TIFF of several pages or of an animation (PNG, WebP, GIF, AVIF).

    Raises InputError naming `name`.
    """
    import cv2

    if data[:2] in (b"II", b"MM"):
        flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
        done, pages = _decoder(data, name, lambda buffer: cv2.imdecodemulti(buffer, flags))
    else:
        done, animation = _decoder(data, name, cv2.imdecodeanimation)
        pages = animation.frames
    if not done or len(pages) != pictures(data):
        raise InputError(f"{name}: of {pictures(data)} pictures {len(pages)} can be read; extract them as PNG files")
    return [_coloured(page) for page in pages]


def bits(picture: Deep) -> str:
    """How deep a picture is, in words."""
    return "floating point" if picture.dtype.kind == "f" else f"{picture.dtype.itemsize * 8} bits"


def _decoder(data: bytes, name: str, decode: Callable[[npt.NDArray[np.uint8]], Any]) -> Any:
    """What a decoder of OpenCV's makes of a file. Raises InputError naming one that it refuses.

    It takes as much memory as a PNG file says that a part has, so those that end after the file are refused before.
    """
    import cv2

    if any(end > len(data) for *_, end in _png_chunks(data)):
        raise InputError(f"{name}: not a readable image: it ends in the middle; fetch or extract it again")
    try:
        return decode(np.frombuffer(data, np.uint8))
    except cv2.error as error:
        limit = os.environ.get("OPENCV_IO_MAX_IMAGE_PIXELS", 1 << 30)
        reason = f"over {limit} pixels" if "IO_MAX_IMAGE_PIXELS" in error.err else error.err
        raise InputError(f"{name}: not a readable image: {reason}; make it smaller, or fetch it again") from None


def _read(data: bytes, name: str, flags: int) -> Any:
    """The first picture of a file as OpenCV has it; None for what is no picture. Raises as `_decoder` does."""
    import cv2

    return _decoder(data, name, lambda buffer: cv2.imdecode(buffer, flags)) if data else None


def _decoded(data: bytes, name: str, flags: int) -> Deep:
    if (count := pictures(data)) > 1:
        raise InputError(f"{name}: {count} pictures in one file, where one belongs; extract them as PNG files")
    picture: Deep | None = _read(data, name, flags)
    if picture is None:
        raise InputError(f"{name}: not a readable image ({len(data)} bytes); fetch or extract it again")
    return picture


def _eight_bits(data: bytes, name: str, flags: int) -> Image:
    """The one picture of a file as it is stored, of 8 bits a colour. Raises InputError."""
    import cv2

    picture = _decoded(data, name, flags | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture.dtype != np.uint8:
        raise InputError(f"{name}: {bits(picture)} a colour, where 8 belong; convert it to 8 bits")
    return picture


def _coloured(picture: Deep) -> Deep:
    """A picture of OpenCV's, grey, BGR or BGRA, as RGB."""
    if picture.ndim == 2:
        return np.repeat(picture[..., None], 3, axis=2)
    return np.ascontiguousarray(picture[..., 2::-1])


def pictures(data: bytes) -> int:
    """How many pictures a PNG, WebP, TIFF, GIF or AVIF file holds; 1 for any other."""
    try:
        if data.startswith(PNG):
            return _png_frames(data)
        if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X" and data[20] & 2:
            return _webp_frames(data)
        if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _tiff_pages(data, "<" if data[:2] == b"II" else ">")
        if data[:4] == b"GIF8" or (data[4:8] == b"ftyp" and b"avis" in data[8:64]):
            return _animated_frames(data)
    except (struct.error, IndexError, OverflowError):
        pass  # broken off: the decoder says so
    return 1


def _png_frames(data: bytes) -> int:
    """The number in an `acTL` chunk, which stands before the picture."""
    for kind, start, _ in _png_chunks(data):
        if kind == b"acTL":
            return int(struct.unpack_from(">I", data, start)[0])
        if kind == b"IDAT":
            break
    return 1


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The type of each part of a PNG file, and where what it holds begins and ends; nothing for another file."""
    at, kind = len(PNG), b""
    while data.startswith(PNG) and kind != b"IEND" and at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, at + 8 + size
        at += 12 + size


def _webp_frames(data: bytes) -> int:
    at, count = 12, 0
    while at + 8 <= len(data):
        count += data[at : at + 4] == b"ANMF"
        size = int(struct.unpack_from("<I", data, at + 4)[0])
        at += 8 + size + size % 2
    return max(count, 1)


def _animated_frames(data: bytes) -> int:
    import cv2

    with suppress(cv2.error):  # broken off, or too large: the decoder says so
        return max(len(cv2.imdecodeanimation(np.frombuffer(data, np.uint8))[1].frames), 1)
    return 1


def _tiff_pages(data: bytes, order: str) -> int:
    """The directories of a TIFF that are no smaller copy (tag 254, bit 0) of another."""
    large = b"+" in data[2:4]  # BigTIFF: offsets and numbers of values of eight bytes
    start, number, offset = (8, f"{order}Q", f"{order}Q") if large else (4, f"{order}H", f"{order}I")
    entry = f"{order}HHQI4x" if large else f"{order}HHII"
    at, count, seen = int(struct.unpack_from(offset, data, start)[0]), 0, set[int]()
    while at and at not in seen:
        seen.add(at)
        entries = int(struct.unpack_from(number, data, at)[0])
        first = at + struct.calcsize(number)
        last = first + entries * struct.calcsize(entry)
        tags = struct.iter_unpack(entry, data[first:last])
        count += not any(tag == 254 and value & 1 for tag, _, _, value in tags)
        at = int(struct.unpack_from(offset, data, last)[0])
    return max(count, 1)


def read_image(path: Path, indexed: str | None = None) -> Image:
    """The picture in a file: (H, W, 3) uint8 RGB.

    `indexed` is the sha256 in a manifest that the file's bytes must have. Raises InputError naming the file.
    """
    data = read_bytes(path, most=opening.IMAGE)
    if indexed is not None and sha256(data).hexdigest() != indexed:
        raise InputError(f"{path}: not the file that was indexed; restore it, or run dat index again")
    return decode_image(data, str(path))


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels. Raises InputError naming the file."""
    height, width = read_image(path).shape[:2]
    return width, height


def resize(image: Deep, height: int, width: int) -> Deep:
    """The picture at another size: area average where it shrinks in both directions, else bilinear."""
    import cv2

    shrinks = height <= image.shape[0] and width <= image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=interpolation)


def encode_jpeg(image: Image, quality: int = 95) -> bytes:
    """An RGB picture as the bytes of a JPEG file."""
    import cv2

    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()


def encode_png(image: Image) -> bytes:
    """A grey (H, W) or RGB (H, W, 3) picture as the bytes of a PNG file, without loss."""
    import cv2

    _, data = cv2.imencode(".png", image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return data.tobytes()


def cut_patch(image: Image, box: npt.ArrayLike, height: int, width: int, context: float = 0.0) -> Image:
    """The target patch [R17]: a box (x,y,w,h; origin 0) of an image, resized to (height, width, 3).

    `context` widens the box by that share of its sides on each side. What lies outside the image is left out, and at
    least one pixel is taken. Raises InputError when the box has no area.
    """
    x, y, w, h = np.asarray(box, dtype=np.float64)
    if not (w > 0 and h > 0):
        raise InputError(f"box {x},{y},{w},{h}: a target patch needs a box with an area")
    rows, columns = image.shape[:2]
    left, right = _span(x - context * w, w * (1 + 2 * context), columns)
    top, bottom = _span(y - context * h, h * (1 + 2 * context), rows)
    return resize(np.ascontiguousarray(image[top:bottom, left:right]), height, width)


def _span(start: float, length: float, limit: int) -> tuple[int, int]:
    """The whole pixels nearest to an interval, inside 0..limit, at least one."""
    low = min(max(round(start), 0), limit - 1)
    return low, max(min(round(start + length), limit), low + 1)
