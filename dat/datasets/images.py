"""Images as arrays: height x width x 3, uint8, RGB; grey pictures have three equal channels.

Orientation flags are ignored: the benchmarks' boxes were drawn on the stored pixels.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from dat import opening
from dat.errors import InputError

Image = npt.NDArray[np.uint8]


def decode_image(data: bytes, name: str) -> Image:
    """The picture in the bytes of a JPEG, PNG, ... file: (H, W, 3) uint8 RGB. Raises InputError naming `name`."""
    import cv2

    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error as error:  # more pixels than OpenCV reads, or than the memory holds
        raise InputError(f"{name}: an image that cannot be opened ({_reason(error)}); make it smaller") from None
    if picture is None:
        raise InputError(f"{name}: not a readable image ({len(data)} bytes); fetch or extract it again")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _reason(error: Exception) -> str:
    """OpenCV's message without its version and place in its source."""
    return str(error).partition("error: ")[2].strip().splitlines()[0] if "error: " in str(error) else str(error)


def read_image(path: Path) -> Image:
    """The picture in a file: (H, W, 3) uint8 RGB. Raises InputError naming the file."""
    try:
        data = opening.read_bytes(path, opening.IMAGE)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    return decode_image(data, str(path))


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels. Raises InputError naming the file."""
    height, width = read_image(path).shape[:2]
    return width, height


def resize(image: Image, height: int, width: int) -> Image:
    """The picture at another size: area average where it shrinks in both directions, else bilinear."""
    import cv2

    shrinks = height <= image.shape[0] and width <= image.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=way), dtype=np.uint8)


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
