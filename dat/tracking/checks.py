"""What a tracker cannot start on or follow, told in one line. Boxes count pixels from 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dat.base.errors import InputError
from dat.regions import boxes as geometry

LARGEST, SMALLEST = 4, 0.1
"""Sides of a box, in those of the frame and in pixels, beyond which the networks' layers have nothing to look at."""


def start_box(box: ArrayLike, size: tuple[int, int], where: str) -> NDArray[np.float64]:
    """The box x,y,w,h (4,) to start on in a frame of (width, height); it may reach beyond the frame.

    Raises InputError, beginning with `where`, for a box without an area, wholly outside, or in which nothing is seen.
    """
    values = np.asarray(box, np.float64)
    shown = ",".join(f"{value:g}" for value in values.reshape(-1))
    if values.shape != (4,) or not np.isfinite(values).all():
        raise InputError(f"{where}: box {shown}; a box is four finite numbers x,y,w,h")
    if (values[2:] <= 0).any():
        raise InputError(f"{where}: box {shown} has no area; width and height must be over zero")
    if wrong := unseen(values, size):
        raise InputError(f"{where}: box {shown} {wrong}; give the target's")
    if (geometry.clip([values], *size)[0, 2:] <= 0).any():
        raise InputError(f"{where}: box {shown} lies outside the frame, which has {size[0]}x{size[1]} pixels")
    return values


def unseen(box: NDArray[np.float64], size: tuple[int, int]) -> str:
    """Why nothing can be seen in a box (4,) in a frame of (width, height): it is too large or too small; else ""."""
    if (box[2:] > LARGEST * np.array(size)).any():
        return f"has over {LARGEST} times the width or height of the frame, which has {size[0]}x{size[1]} pixels"
    return f"is under {SMALLEST} pixels wide or high" if (box[2:] < SMALLEST).any() else ""


def frame(image: NDArray[np.uint8], where: str) -> tuple[int, int]:
    """Width and height of an image. Raises InputError, beginning with `where`, if it is not (H, W, 3) of 8 bits."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise InputError(f"{where}: an image of {image.dtype} and shape {image.shape}; (H, W, 3) of uint8 belongs here")
    return image.shape[1], image.shape[0]


def same_size(image: NDArray[np.uint8], size: tuple[int, int], where: str) -> None:
    """Raises InputError, beginning with `where`, for an image that is not of (width, height)."""
    checked = frame(image, where)
    if checked != size:
        raise InputError(
            f"{where}: {checked[0]}x{checked[1]} pixels, the first frame had {size[0]}x{size[1]}; make them one size"
        )
