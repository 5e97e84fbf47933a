"""Drawing what a tracker found, and writing it as a video that browsers play: H.264, yuv420p, index in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dat import records
from dat.base.errors import DatError
from dat.datasets.images import Image

LEAST = 480
"""Small frames are enlarged until their shorter side has this many pixels, so that lines and letters are sharp."""
Colour = tuple[int, int, int]
LOCAL, GLOBAL, LOST = (64, 220, 120), (255, 176, 32), (235, 80, 80)
TRUTH, OTHER = (245, 245, 245), (80, 170, 255)
INK, PAPER = (245, 245, 245), (18, 20, 24)
FONT, BAR, LINE = cv2.FONT_HERSHEY_SIMPLEX, 40, 26
BANNER = 12
"""Frames for which a re-detection is shown."""


@dataclass(frozen=True)
class Overlay:
    """What is drawn on a frame: box x, y, w, h (origin 0; None: the tracker has none), whether it was held for want of
    a better one, and so on.

    `truth` are the corners (N, 2) of what was annotated, `other` is another tracker's box. Of each of `lines` the words
    stand below the bar, after a sample of their colour.
    """

    number: int
    box: NDArray[np.float64] | None
    score: float
    source: str
    lost: bool = False
    since_redetection: int | None = None
    came_from: NDArray[np.float64] | None = None
    attention: NDArray[np.float32] | None = None
    truth: NDArray[np.float64] | None = None
    other: NDArray[np.float64] | None = None
    lines: Sequence[tuple[Colour, str]] = ()


def enlargement(height: int, width: int) -> int:
    """How many times a frame is enlarged for the video."""
    return max(1, -(-LEAST // min(height, width)))


def canvas_size(height: int, width: int, lines: int = 0) -> tuple[int, int]:
    """Height and width of the video for frames of a size: enlarged, with the bar and lines below, both even."""
    times = enlargement(height, width)
    return (height * times + BAR + lines * LINE + 1) // 2 * 2, (width * times + 1) // 2 * 2


def draw(image: Image, shown: Overlay) -> Image:
    """The frame with box, score, attention and re-detections, of `canvas_size`: (H, W, 3) uint8 RGB."""
    height, width = image.shape[:2]
    times = enlargement(height, width)
    large = np.asarray(cv2.resize(image, (width * times, height * times), interpolation=cv2.INTER_CUBIC), np.uint8)
    if shown.attention is not None:
        large = _overlay(large, shown.attention)
    colour = LOST if shown.lost else GLOBAL if shown.source == "global" else LOCAL
    if shown.since_redetection is not None:
        _jump(large, shown, times)
    if shown.truth is not None:
        _outline(large, shown.truth * times, TRUTH, dashed=True)
    if shown.other is not None:
        _box(large, shown.other * times, OTHER, dashed=False)
    if shown.box is not None:
        _box(large, shown.box * times, colour, dashed=shown.lost)
    canvas: NDArray[np.uint8] = np.full((*canvas_size(height, width, len(shown.lines)), 3), PAPER, np.uint8)
    canvas[: large.shape[0], : large.shape[1]] = large
    _bar(canvas, large.shape[0], shown, colour)
    for index, (ink, words) in enumerate(shown.lines):
        _words(canvas, large.shape[0] + BAR + index * LINE, ink, words)
    return canvas


def _overlay(image: Image, attention: NDArray[np.float32]) -> Image:
    """Attention as warm light: strong where the map is, the frame untouched where it is not."""
    size = (image.shape[1], image.shape[0])
    strength = np.clip(cv2.resize(attention, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    colours = cv2.applyColorMap((strength * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    alpha = (0.65 * strength**0.7)[..., None]
    return np.asarray(image * (1 - alpha) + colours * alpha, np.uint8)


def corners(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """The corners (4, 2) of a box x, y, w, h, clockwise from the top left."""
    x, y, w, h = box
    return np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])


def _box(image: Image, box: NDArray[np.float64], colour: Colour, dashed: bool) -> None:
    _outline(image, corners(box), colour, dashed)


def _outline(image: Image, polygon: NDArray[np.float64], colour: Colour, dashed: bool) -> None:
    points = [(round(x), round(y)) for x, y in polygon.tolist()]
    for ink, thick in (((0, 0, 0), 5), (colour, 2)):
        for a, b in zip(points, points[1:] + points[:1], strict=True):
            _line(image, a, b, ink, thick, 10 if dashed else 0)


def _line(image: Image, a: Any, b: Any, ink: Colour, thick: int, dash: int) -> None:
    if not dash:
        cv2.line(image, a, b, ink, thick, cv2.LINE_AA)
        return
    start, end = np.array(a, float), np.array(b, float)
    count = max(int(np.hypot(*(end - start)) / dash), 1)
    for index in range(0, count, 2):
        (x, y), (u, v) = (start + (end - start) * min(step / count, 1) for step in (index, index + 1))
        cv2.line(image, (int(x), int(y)), (int(u), int(v)), ink, thick, cv2.LINE_AA)


def _jump(image: Image, shown: Overlay, times: int) -> None:
    """A re-detection: an arrow from where the target was last held to be, a frame around all, and the word."""
    cv2.rectangle(image, (0, 0), (image.shape[1] - 1, image.shape[0] - 1), GLOBAL, 6)
    if shown.came_from is not None and shown.box is not None:
        ends = [(box[:2] + box[2:] / 2) * times for box in (shown.came_from, shown.box)]
        points = [tuple(int(value) for value in end) for end in ends]
        _box(image, shown.came_from * times, GLOBAL, dashed=True)
        for ink, thick in (((0, 0, 0), 5), (GLOBAL, 2)):
            cv2.arrowedLine(image, points[0], points[1], ink, thick, cv2.LINE_AA, tipLength=0.08)
    (width, height), _ = cv2.getTextSize("re-detected", FONT, 0.7, 2)
    left = (image.shape[1] - width) // 2
    cv2.rectangle(image, (left - 12, 14), (left + width + 12, 14 + height + 18), GLOBAL, -1)
    cv2.putText(image, "re-detected", (left, 14 + height + 8), FONT, 0.7, PAPER, 2, cv2.LINE_AA)


def _words(canvas: Image, top: int, colour: Colour, words: str) -> None:
    """A line of words after a sample of its colour, smaller where it is long; what the font lacks is a `?`."""
    plain, room = words.encode("ascii", "replace").decode(), canvas.shape[1] - 94
    (width, _), _ = cv2.getTextSize(plain, FONT, 0.5, 1)
    _line(canvas, (14, top + 8), (64, top + 8), colour, 2, 10 if colour == TRUTH else 0)
    cv2.putText(canvas, plain, (80, top + 13), FONT, 0.5 * min(1.0, room / max(width, 1)), INK, 1, cv2.LINE_AA)


def _bar(canvas: Image, top: int, shown: Overlay, colour: Colour) -> None:
    """Frame number, a gauge of the score, and where the winner came from."""
    middle, width = top + BAR // 2, canvas.shape[1]
    cv2.putText(canvas, f"{shown.number}", (14, middle + 6), FONT, 0.55, INK, 1, cv2.LINE_AA)
    left, right = 80, max(width - 230, 140)
    filled = left + round((right - left) * float(np.clip(shown.score, 0, 1)))
    cv2.rectangle(canvas, (left, middle - 6), (right, middle + 6), (60, 64, 72), -1)
    cv2.rectangle(canvas, (left, middle - 6), (max(filled, left), middle + 6), colour, -1)
    half = (left + right) // 2
    cv2.line(canvas, (half, middle - 9), (half, middle + 9), INK, 1)
    label = "held" if shown.lost else shown.source
    label = label if shown.box is None else f"{shown.score:.2f}  {label}"
    cv2.putText(canvas, label, (right + 16, middle + 6), FONT, 0.55, colour, 1, cv2.LINE_AA)


class VideoWriter:
    """An MP4 file, written under a temporary name and put in place when it is closed, unless our own code failed."""

    def __init__(self, path: Path, rate: float) -> None:
        self.path, self._rate = path, Fraction(rate).limit_denominator(1000)
        self._temporary = records.temporary(path)
        self._container: Any = None
        self._stream: Any = None

    def __enter__(self) -> VideoWriter:
        return self

    def add(self, image: Image) -> None:
        """One more frame: (H, W, 3) uint8 RGB with even sides, all of one size."""
        import av
        from av.video.reformatter import Colorspace

        if self._container is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(str(self._temporary), "w", format="mp4", options={"movflags": "+faststart"})
            self._stream = self._container.add_stream(
                "libx264", rate=self._rate, options={"crf": "20", "preset": "veryfast"}
            )
            self._stream.height, self._stream.width = image.shape[:2]
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.colorspace = Colorspace.ITU601  # else players take HD to be BT.709
        for packet in self._stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")):
            self._container.mux(packet)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is None:
            return
        finished = kind is None or issubclass(kind, KeyboardInterrupt | DatError)
        if finished:
            for packet in self._stream.encode():
                self._container.mux(packet)
        self._container.close()
        if finished:
            records.put(self._temporary, self.path)
        else:
            self._temporary.unlink(missing_ok=True)
