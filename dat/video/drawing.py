"""Drawing what a tracker found, and writing it as a video that browsers play: H.264, yuv420p, index in front."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dat import records
from dat.datasets.images import Image
from dat.errors import DatError

LEAST = 480
"""Small frames are enlarged until their shorter side has this many pixels, so that lines and letters are sharp."""
LOCAL, GLOBAL, LOST = (64, 220, 120), (255, 176, 32), (235, 80, 80)
INK, PAPER = (245, 245, 245), (18, 20, 24)
FONT, BAR = cv2.FONT_HERSHEY_SIMPLEX, 40


@dataclass(frozen=True)
class Shown:
    """What is drawn on a frame: box x, y, w, h (origin 0), whether it was held for want of a better one, and so on."""

    number: int
    box: NDArray[np.float64]
    score: float
    source: str
    lost: bool = False
    since_redetection: int | None = None
    came_from: NDArray[np.float64] | None = None
    attention: NDArray[np.float32] | None = None


def enlargement(height: int, width: int) -> int:
    """How many times a frame is enlarged for the video."""
    return max(1, -(-LEAST // min(height, width)))


def canvas_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of the video for frames of a size: enlarged, with the bar below, both even."""
    times = enlargement(height, width)
    return (height * times + BAR + 1) // 2 * 2, (width * times + 1) // 2 * 2


def draw(image: Image, shown: Shown) -> Image:
    """The frame with box, score, attention and re-detections, of `canvas_size`: (H, W, 3) uint8 RGB."""
    height, width = image.shape[:2]
    times = enlargement(height, width)
    large = np.asarray(cv2.resize(image, (width * times, height * times), interpolation=cv2.INTER_CUBIC), np.uint8)
    if shown.attention is not None:
        large = _overlay(large, shown.attention)
    colour = LOST if shown.lost else GLOBAL if shown.source == "global" else LOCAL
    if shown.since_redetection is not None:
        _jump(large, shown, times)
    _box(large, shown.box * times, colour, dashed=shown.lost)
    canvas: NDArray[np.uint8] = np.full((*canvas_size(height, width), 3), PAPER, np.uint8)
    canvas[: large.shape[0], : large.shape[1]] = large
    _bar(canvas, large.shape[0], shown, colour)
    return canvas


def _overlay(image: Image, attention: NDArray[np.float32]) -> Image:
    """Attention as warm light: strong where the map is, the frame untouched where it is not."""
    size = (image.shape[1], image.shape[0])
    strength = np.clip(cv2.resize(attention, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    colours = cv2.applyColorMap((strength * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    alpha = (0.65 * strength**0.7)[..., None]
    return np.asarray(image * (1 - alpha) + colours * alpha, np.uint8)


def _box(image: Image, box: NDArray[np.float64], colour: tuple[int, int, int], dashed: bool) -> None:
    x, y, w, h = box
    points = [(round(x), round(y)), (round(x + w), round(y)), (round(x + w), round(y + h)), (round(x), round(y + h))]
    for ink, thick in (((0, 0, 0), 5), (colour, 2)):
        for a, b in zip(points, points[1:] + points[:1], strict=True):
            _line(image, a, b, ink, thick, 10 if dashed else 0)


def _line(image: Image, a: Any, b: Any, ink: tuple[int, int, int], thick: int, dash: int) -> None:
    if not dash:
        cv2.line(image, a, b, ink, thick, cv2.LINE_AA)
        return
    start, end = np.array(a, float), np.array(b, float)
    count = max(int(np.hypot(*(end - start)) / dash), 1)
    for index in range(0, count, 2):
        (x, y), (u, v) = (start + (end - start) * min(step / count, 1) for step in (index, index + 1))
        cv2.line(image, (int(x), int(y)), (int(u), int(v)), ink, thick, cv2.LINE_AA)


def _jump(image: Image, shown: Shown, times: int) -> None:
    """A re-detection: an arrow from where the target was last held to be, a frame around all, and the word."""
    cv2.rectangle(image, (0, 0), (image.shape[1] - 1, image.shape[0] - 1), GLOBAL, 6)
    if shown.came_from is not None:
        ends = [(box[:2] + box[2:] / 2) * times for box in (shown.came_from, shown.box)]
        points = [tuple(int(value) for value in end) for end in ends]
        _box(image, shown.came_from * times, (200, 200, 200), dashed=True)
        for ink, thick in (((0, 0, 0), 5), (GLOBAL, 2)):
            cv2.arrowedLine(image, points[0], points[1], ink, thick, cv2.LINE_AA, tipLength=0.08)
    (width, height), _ = cv2.getTextSize("re-detected", FONT, 0.7, 2)
    left = (image.shape[1] - width) // 2
    cv2.rectangle(image, (left - 12, 14), (left + width + 12, 14 + height + 18), GLOBAL, -1)
    cv2.putText(image, "re-detected", (left, 14 + height + 8), FONT, 0.7, PAPER, 2, cv2.LINE_AA)


def _bar(canvas: Image, top: int, shown: Shown, colour: tuple[int, int, int]) -> None:
    """Frame number, a gauge of the score, and where the winner came from."""
    middle, width = top + BAR // 2, canvas.shape[1]
    cv2.putText(canvas, f"{shown.number}", (14, middle + 6), FONT, 0.55, INK, 1, cv2.LINE_AA)
    left, right = 80, max(width - 230, 140)
    filled = left + round((right - left) * float(np.clip(shown.score, 0, 1)))
    cv2.rectangle(canvas, (left, middle - 6), (right, middle + 6), (60, 64, 72), -1)
    cv2.rectangle(canvas, (left, middle - 6), (max(filled, left), middle + 6), colour, -1)
    half = (left + right) // 2
    cv2.line(canvas, (half, middle - 9), (half, middle + 9), INK, 1)
    said = "held" if shown.lost else shown.source
    cv2.putText(canvas, f"{shown.score:.2f}  {said}", (right + 16, middle + 6), FONT, 0.55, colour, 1, cv2.LINE_AA)


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

        if self._container is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(str(self._temporary), "w", format="mp4", options={"movflags": "+faststart"})
            self._stream = self._container.add_stream(
                "libx264", rate=self._rate, options={"crf": "20", "preset": "veryfast"}
            )
            self._stream.height, self._stream.width = image.shape[:2]
            self._stream.pix_fmt = "yuv420p"
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
            os.replace(self._temporary, self.path)
        else:
            self._temporary.unlink(missing_ok=True)
