"""Where frames come from: a folder of images, a glob, a video file, a camera, or a stream of images.

Frames are what a viewer or player shows: photographs and videos are turned by their orientation, pixels that are not
square are stretched, and more than 8 bits are scaled by the first frame's range. What was done so is among the notes.
Nothing here needs torch: a wrong call is answered before anything heavy is loaded.
"""

from __future__ import annotations

import glob
import io
import re
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, pairwise, takewhile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dat import opening
from dat.datasets.images import Deep, Image, bits, decode_pages, decode_shown, pictures, resize, transparent, turned
from dat.errors import InputError
from dat.outside import listed, read_bytes, stray

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".mpo")
RATE = 25.0
JPEG, PNG = b"\xff\xd8\xff", b"\x89PN"
UNUSED = "and perhaps in others: not used, as a viewer does not show them; extract them to use them"
TURNED = "turned by the orientation in the picture's file, as a viewer does"
BLOCK = 1 << 16
MOST_PARTS = 1 << 18
"""Of one file in a stream: each segment of a JPEG and chunk of a PNG has two or three."""

MOST_BETWEEN = 1 << 20
"""Bytes between two files of a stream that are passed over: padding, or what a phone writes after a JPEG's end."""


@dataclass(frozen=True)
class Frame:
    """A frame: (H, W, 3) uint8 RGB and the name that messages call it by."""

    name: str
    image: Image


Notes = list[str]


@dataclass(frozen=True)
class Source:
    """Frames to come. `count` where it is known beforehand, `rate` in frames a second; `notes` grow while it is read:
    what was done to frames so that they are what a viewer shows."""

    name: str
    read: Callable[[], Iterator[Frame]]
    count: int | None = None
    rate: float = RATE
    notes: Notes = field(default_factory=list)

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
    return Source(source.name, lambda: islice(source.read(), start - 1, stop), count, source.rate, source.notes)


def _open(name: str) -> Source:
    if name == "-":
        notes: Notes = []
        return Source("standard input", lambda: stream(sys.stdin.buffer, notes), notes=notes)
    path = Path(name)
    if name.isdecimal() and not path.exists():
        return Source(f"camera {name}", lambda: camera(int(name)), rate=RATE)
    if path.is_dir():
        return _images(name, [file for file in listed(path) if file.suffix.lower() in IMAGES])
    if path.is_file():
        return _picture_file(path) if path.suffix.lower() in IMAGES else _video(path)
    if is_glob(name):
        found = [Path(file) for file in glob.glob(name, recursive=True)]  # noqa: PTH207
        given = len(list(takewhile(lambda part: not is_glob(part), Path(name).parts)))
        return _images(name, [file for file in found if not any(map(stray, file.parts[given:]))])
    raise InputError(
        f"{name}: no such file or folder; SOURCE is a folder of images, a glob, a video, a camera number or -"
    )


def is_glob(name: str) -> bool:
    """Whether a name that is no file or folder is a pattern of names."""
    return any(sign in name for sign in "*?[")


def natural(path: Path) -> list[tuple[int, str]]:
    """A sort key by which frame 10 comes after frame 9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path))]


def _bytes(path: Path) -> bytes:
    """A picture's file. Raises InputError naming one that cannot be read or is too large."""
    return read_bytes(path, most=opening.IMAGE)


def _images(name: str, paths: Iterable[Path]) -> Source:
    found = sorted(paths, key=natural)
    if not found:
        raise InputError(f"{name}: no images here ({', '.join(IMAGES[:4])}, ...)")
    for one, other in pairwise(found):
        if one.with_suffix("") == other.with_suffix(""):
            raise InputError(f"{name}: both {one.name} and {other.name}; which are the frames? give '*{one.suffix}'")
    notes, first = list[str](), _bytes(found[0])
    if found[0].suffix.lower() in (".png", ".webp", ".tif", ".tiff") and transparent(first, str(found[0])):
        notes.append("pixels that are transparent count as they are stored")
    if turned(first, str(found[0])):
        notes.append(TURNED)
    return Source(name, lambda: eight_bits(_shown_files(found, notes), notes), len(found), notes=notes)


def _shown_files(paths: Iterable[Path], notes: Notes) -> Iterator[tuple[str, Deep]]:
    """The pictures of files, with their names; a viewer shows the first in a JPEG of several."""
    for path in paths:
        data, name = _bytes(path), str(path)
        picture, end = decode_shown(data, name), _end(data)
        if _MORE.search(data, end) or _RAW.match(data, end):
            _note(notes, f"more pictures or a video follow the first in {name}, {UNUSED}", "more pictures")
        yield name, picture


def _end(data: bytes) -> int:
    """Where the first picture in a JPEG, PNG, PPM or PGM file ends; for others at the file's end."""
    if raw := _RAW.match(data):
        kind, width, height, most = map(int, raw.groups())
        return raw.end() + width * height * (3 if kind == 6 else 1) * (1 if most < 256 else 2)
    try:
        return len(next(split_images(io.BytesIO(data)), data))
    except InputError:
        return len(data)


_RAW = re.compile(rb"P([56])" + 3 * rb"(?:\s|#[^\n]*\n)+(\d{1,9})" + rb"\s")
_MORE = re.compile(rb"\xff\xd8\xff|\x89PNG|ftyp")
"""How a further picture in a file begins, or a phone's video."""


def _picture_file(path: Path) -> Source:
    """A picture as a source of one frame; a TIFF of several pages or an animation as one of all of its pictures."""
    data = _bytes(path)
    if pictures(data) == 1:
        return _images(str(path), [path])
    pages, notes = decode_pages(data, str(path)), list[str]()
    named = ((f"{path}: picture {number}", page) for number, page in enumerate(pages, 1))
    return Source(str(path), lambda: eight_bits(named, notes), len(pages), notes=notes)


def eight_bits(frames: Iterable[tuple[str, Deep]], notes: Notes) -> Iterator[Frame]:
    """Pictures with their names as frames of 8 bits; deeper ones by the range of the first.

    Raises InputError naming a picture of another depth than those before it, or one that has no range.
    """
    depth, low, high = None, 0.0, 255.0
    for name, picture in frames:
        if depth is None:
            depth = picture.dtype
            if depth != np.uint8:
                low, high = _range(picture, name)
                notes.append(f"{bits(picture)} a colour: the first frame's {low:g} to {high:g} are shown as 0 to 255")
        if picture.dtype != depth:
            raise InputError(f"{name}: {bits(picture)} a colour, the frames before it have others; make them alike")
        if depth == np.uint8:
            yield Frame(name, np.asarray(picture, np.uint8))
        else:
            scaled = (np.nan_to_num(picture.astype(np.float64), nan=low) - low) * (255 / (high - low))
            yield Frame(name, np.asarray(np.clip(np.round(scaled), 0, 255), np.uint8))


def _range(picture: Deep, name: str) -> tuple[float, float]:
    """What is shown as 0 and 255: nearly all values lie between; a broken pixel or two does not count."""
    known = picture[np.isfinite(picture)].astype(np.float64)
    if not known.size or known.min() == known.max():
        raise InputError(f"{name}: {bits(picture)} a colour, and all of one value; convert the frames to 8 bits")
    low, high = np.percentile(known, (0.1, 99.9))
    return (float(low), float(high)) if low < high else (float(known.min()), float(known.max()))


def _video(path: Path) -> Source:
    import av

    try:
        with av.open(str(path)) as container:
            shown, others = _shown_stream(container)
            count, rate, index = shown.frames or None, float(shown.average_rate or RATE), shown.index
    except (av.FFmpegError, IndexError):
        raise InputError(f"{path}: neither an image nor a video that can be read") from None
    notes: Notes = []
    if others:
        text = f"of {others + 1} videos in the file, stream {index} is used"
        notes.append(f"{text}; `ffmpeg -i FILE -map 0:N OTHER` takes out stream N")
    return Source(str(path), lambda: video(path, notes), count, rate, notes)


def _shown_stream(container: Any) -> tuple[Any, int]:
    """The stream that a player shows, the longest that is no cover picture (of equal ones the first), and how many
    others there are. An animated AVIF has its first picture in a stream of its own."""
    from av.stream import Disposition

    streams = container.streams.video
    videos = [one for one in streams if not one.disposition & Disposition.attached_pic] or [streams[0]]
    return max(videos, key=lambda one: one.frames), len(videos) - 1


def video(path: Path, notes: Notes) -> Iterator[Frame]:
    """The frames of a video file. Raises InputError naming file and frame where it breaks off."""
    return eight_bits(_video_pictures(path, notes), notes)


def _video_pictures(path: Path, notes: Notes) -> Iterator[tuple[str, Deep]]:
    import av

    number = 0
    try:
        with av.open(str(path)) as container:
            shown, _ = _shown_stream(container)
            for decoded in container.decode(shown):
                number += 1
                name = f"{path}: frame {number}"
                yield name, as_shown(decoded, shown.sample_aspect_ratio, name, notes)
            if number < shown.frames:
                _note(notes, f"the file says {shown.frames} frames, and {number} can be read: is it cut short?")
    except av.FFmpegError as error:
        raise InputError(f"{path}: frame {number + 1} cannot be read: {error}") from None


def as_shown(decoded: Any, aspect: Fraction | None, name: str, notes: Notes) -> Deep:
    """A frame of a video as a player shows it: pixels made square, then turned by its display matrix.

    Raises InputError when that turns by no quarter.
    """
    from av.sidedata.sidedata import Type

    image: Deep = decoded.to_ndarray(format="gray16le" if decoded.format.name.startswith("gray16") else "rgb24")
    image = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    if aspect and aspect != 1:
        _note(notes, f"pixels are {aspect} wide: stretched as a player does")
        image = resize(image, image.shape[0], round(image.shape[1] * aspect))
    matrix = decoded.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return image
    a, b, _, c, d = (np.frombuffer(bytes(matrix), "<i4")[:5] / 65536).round(3).tolist()
    turns = _TURNS.get((a, b, c, d))
    if turns is None:
        raise InputError(f"{name}: turned by no quarter ({a:g},{b:g},{c:g},{d:g}); write the video upright")
    if (a, b, c, d) != (1, 0, 0, 1):
        _note(notes, "turned by the video's display matrix, as a player does")
    return np.ascontiguousarray(turns(image))


_TURNS: dict[tuple[float, ...], Callable[[Deep], Deep]] = {
    (1, 0, 0, 1): lambda image: image,
    (-1, 0, 0, -1): lambda image: image[::-1, ::-1],
    (-1, 0, 0, 1): lambda image: image[:, ::-1],
    (1, 0, 0, -1): lambda image: image[::-1],
    (0, 1, -1, 0): lambda image: np.rot90(image, -1),
    (0, -1, 1, 0): lambda image: np.rot90(image),
    (0, 1, 1, 0): lambda image: image.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda image: image[::-1, ::-1].transpose(1, 0, 2),
}
"""By a, b, c, d of a display matrix, which moves the pixel (x, y) to (a x + c y, b x + d y)."""


def _note(notes: Notes, text: str, about: str = "") -> None:
    """Add a note, unless there is the same one already, or one that begins like it."""
    if not any(note.startswith(about or text) for note in notes):
        notes.append(text)


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


def stream(data: BinaryIO, notes: Notes | None = None) -> Iterator[Frame]:
    """JPEG and PNG images, one after another. Raises InputError naming the first frame that is neither."""
    notes = [] if notes is None else notes
    return eight_bits(_shown(split_images(data, notes), notes), notes)


def _shown(files: Iterable[bytes], notes: Notes) -> Iterator[tuple[str, Deep]]:
    """The pictures of a stream's files, with their names."""
    for number, file in enumerate(files, 1):
        name = f"standard input: frame {number}"
        picture = decode_shown(file, name)
        if number == 1 and turned(file, name):
            _note(notes, TURNED)
        yield name, picture


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
            _note(notes, f"more pictures follow the first in the file of frame {number - 1}, {UNUSED}", "more pictures")
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
        _note(notes, text, "bytes that")
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
        found, match = bytearray(), None
        while match is None:
            searched = max(len(found) - 1, 0)
            piece = self.some(BLOCK)
            if not piece:
                raise EOFError
            found += piece
            match = pattern.search(found, searched)
        self.left += len(found) - match.end()
        self.place -= len(found) - match.end()
        self.block = io.BytesIO(found[match.end() :] + self.block.read())
        return bytes(found[: match.end()])

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
