"""Where frames come from: a folder of images, a glob, a video file, a camera, or a stream of images.

Frames are what a viewer or player shows: photographs and videos are turned by their orientation, pixels that are not
square are stretched, and more than 8 bits are scaled by the first frame's range. What was done so is among the notes.
Nothing here needs torch: a wrong call is answered before anything heavy is loaded.
"""

from __future__ import annotations

import glob
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, pairwise, takewhile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dat.base import opening
from dat.base.errors import InputError
from dat.base.outside import listed, read_bytes, stray
from dat.datasets.images import Deep, Image, bits, decode_pages, decode_shown, pictures, resize, transparent, turned
from dat.video.splitting import UNUSED, Notes, note, split_images

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".mpo")
RATE = 25.0
GAP = 0.5
"""Seconds by which a video that does not say how many frames it has may end before the file says (its sound may)."""

TURNED = "turned by the orientation in the picture's file, as a viewer does"


@dataclass(frozen=True)
class Frame:
    """A frame: (H, W, 3) uint8 RGB and the name that messages call it by."""

    name: str
    image: Image


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
    if not name.strip():
        raise InputError("SOURCE is an empty name; give a folder of images, a glob, a video, a camera number or -")
    path = Path(name)
    if name.isdecimal() and not path.exists():
        return Source(f"camera {name}", lambda: camera(int(name)), rate=RATE)
    if path.is_dir():
        return _images(name, [file for file in listed(path) if file.suffix.lower() in IMAGES])
    if path.is_file():
        return _picture_file(path) if path.suffix.lower() in IMAGES else _video(path)
    if is_glob(name):
        files = [Path(file) for file in glob.glob(name, recursive=True)]  # noqa: PTH207
        given = len(list(takewhile(lambda part: not is_glob(part), Path(name).parts)))
        return _images(name, [file for file in files if not any(map(stray, file.parts[given:]))])
    if path.exists():
        raise InputError(f"{name}: {opening.no_file(path)}, which is no file; for images one after another: - < {name}")
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
    files = sorted(paths, key=natural)
    if not files:
        raise InputError(f"{name}: no images here ({', '.join(IMAGES[:4])}, ...)")
    for one, other in pairwise(files):
        if one.with_suffix("") == other.with_suffix(""):
            raise InputError(f"{name}: both {one.name} and {other.name}; which are the frames? give '*{one.suffix}'")
    notes, first = list[str](), _bytes(files[0])
    if files[0].suffix.lower() in (".png", ".webp", ".tif", ".tiff") and transparent(first, str(files[0])):
        notes.append("pixels that are transparent count as they are stored")
    if turned(first, str(files[0])):
        notes.append(TURNED)
    return Source(name, lambda: eight_bits(_shown_files(files, notes), notes), len(files), notes=notes)


def _shown_files(paths: Iterable[Path], notes: Notes) -> Iterator[tuple[str, Deep]]:
    """The pictures of files, with their names; a viewer shows the first in a JPEG of several."""
    for path in paths:
        data, name = _bytes(path), str(path)
        picture, end = decode_shown(data, name), _end(data)
        if _MORE.search(data, end) or _RAW.match(data, end):
            note(notes, f"more pictures or a video follow the first in {name}, {UNUSED}", "more pictures")
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
            if lists := _LISTS & {*container.format.name.split(",")}:
                raise InputError(
                    f"{path}: a list of other files ({', '.join(lists)}), no video; join them into one file"
                )
            shown, others = _shown_stream(container)
            count, rate, index = shown.frames or None, float(shown.average_rate or RATE), shown.index
    except (av.FFmpegError, IndexError):
        raise InputError(f"{path}: neither an image nor a video that can be read") from None
    notes: Notes = []
    if others:
        text = f"of {others + 1} videos in the file, stream {index} is used"
        notes.append(f"{text}; `ffmpeg -i FILE -map 0:N OTHER` takes out stream N")
    return Source(str(path), lambda: video(path, notes), count, rate, notes)


_LISTS = frozenset(("concat", "dash", "hls", "imf"))
"""FFmpeg's formats whose pictures are in other files, which a hash of the file would not cover."""


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

    number, end = 0, 0.0
    try:
        with av.open(str(path)) as container:
            shown, _ = _shown_stream(container)
            shown.codec_context.options = {"err_detect": "explode"}  # else what is damaged is guessed from other frames
            for decoded in container.decode(shown):
                number += 1
                end = max(end, decoded.time or 0.0)
                name = f"{path}: frame {number}"
                yield name, as_shown(decoded, shown.sample_aspect_ratio, name, notes)
            if number < shown.frames:
                note(notes, f"the file says {shown.frames} frames, and {number} can be read: is it cut short?")
            elif not shown.frames and (seconds := (container.duration or 0) / av.time_base) - end > GAP:
                note(notes, f"the file says {seconds:.1f} s, and its last frame is at {end:.1f} s: is it cut short?")
    except av.FFmpegError as error:
        todo = "write it anew with `ffmpeg -i FILE OTHER`, and look at what that makes of it"
        raise InputError(f"{path}: frame {number + 1} cannot be read: {error}; {todo}") from None


def as_shown(decoded: Any, aspect: Fraction | None, name: str, notes: Notes) -> Deep:
    """A frame of a video as a player shows it: in its colours, pixels made square, then turned by its display matrix.

    Raises InputError when that turns by no quarter.
    """
    from av.sidedata.sidedata import Type

    image = _in_colour(decoded, notes)
    if aspect and aspect != 1:
        note(notes, f"pixels are {aspect} wide: stretched as a player does")
        image = resize(image, image.shape[0], round(image.shape[1] * aspect))
    matrix = decoded.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return image
    a, b, _, c, d = (np.frombuffer(bytes(matrix), "<i4")[:5] / 65536).round(3).tolist()
    turns = _TURNS.get((a, b, c, d))
    if turns is None:
        raise InputError(f"{name}: turned by no quarter ({a:g},{b:g},{c:g},{d:g}); write the video upright")
    if (a, b, c, d) != (1, 0, 0, 1):
        note(notes, "turned by the video's display matrix, as a player does")
    return np.ascontiguousarray(turns(image))


def _in_colour(decoded: Any, notes: Notes) -> Deep:
    """A frame's pixels as RGB, or the same in all three where it is grey, in 8 or 16 bits.

    YUV without a standard is read as players do (mpv's rule): BT.709 from HD on, else BT.601.
    """
    from av.video.reformatter import Colorspace

    if decoded.format.name.startswith("gray16"):
        return np.repeat(decoded.to_ndarray(format="gray16le")[..., None], 3, axis=2)
    transfer = _HDR.get(int(decoded.color_trc))
    if transfer:
        note(notes, f"the video is HDR ({transfer}): its colours are used without the tone mapping of a player")
    if int(decoded.colorspace) != _UNSPECIFIED or decoded.format.is_rgb or "gray" in decoded.format.name:
        return np.asarray(decoded.to_ndarray(format="rgb24"))
    hd = decoded.width >= 1280 or decoded.height > 576
    if hd:
        note(notes, "the video does not say its standard of colour: BT.709, as players take HD to be")
    standard = Colorspace.ITU709 if hd else Colorspace.ITU601
    return np.asarray(decoded.reformat(format="rgb24", src_colorspace=standard, dst_colorspace=standard).to_ndarray())


_UNSPECIFIED = 2
_HDR = {16: "PQ", 18: "HLG"}
"""Numbers of ITU-T H.273: the matrix that is not given, and the transfer functions of high dynamic range."""

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
            note(notes, TURNED)
        yield name, picture
