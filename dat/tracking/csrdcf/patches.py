"""Cutting a window out of a picture at any place and scale. Coordinates are pixels, origin at the top left corner."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]


def cut(
    image: NDArray[Any], centre: Point, sides: Point, size: tuple[int, int], smooth: bool = True
) -> NDArray[np.uint8]:
    """The window of `sides` (w, h) around `centre` (x, y), at `size` (columns, rows): (rows, columns[, C]), same type.

    Outside the picture its border goes on. Sampling is bilinear; where the window shrinks by two or more, blocks of
    whole pixels are averaged first, unless `smooth` is false.
    """
    block = max(1, math.floor(min(sides[0] / size[0], sides[1] / size[1]))) if smooth else 1
    left, top = centre[0] - sides[0] / 2, centre[1] - sides[1] / 2
    if block > 1:
        columns = _blocks(left, sides[0], block, image.shape[1])
        rows = _blocks(top, sides[1], block, image.shape[0])
        image = _averaged(image[rows[0] : rows[1], columns[0] : columns[1]], block)
        left, top = (left - columns[0]) / block, (top - rows[0]) / block
    across, down = sides[0] / size[0] / block, sides[1] / size[1] / block
    shift = np.array([[across, 0, left + (across - 1) / 2], [0, down, top + (down - 1) / 2]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, shift, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _blocks(start: float, side: float, block: int, limit: int) -> tuple[int, int]:
    """The pixels of all blocks that an interval touches, and one block more on each side, inside 0..limit."""
    low = min(max(math.floor(start / block) - 1, 0), (limit - 1) // block) * block
    return low, min(max((math.ceil((start + side) / block) + 1) * block, low + 1), limit)


def _averaged(part: NDArray[Any], block: int) -> NDArray[Any]:
    """Means of blocks; the last ones are filled up with the border."""
    down, across = -part.shape[0] % block, -part.shape[1] % block
    if down or across:
        part = cv2.copyMakeBorder(part, 0, down, 0, across, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(part, (part.shape[1] // block, part.shape[0] // block), interpolation=cv2.INTER_AREA))
