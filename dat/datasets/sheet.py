"""A contact sheet: the first frame of each target of a data set with its box, to see at a glance what is there."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dat.base.errors import InputError
from dat.base.naming import shown
from dat.datasets.images import Image, read_image, resize
from dat.datasets.manifest import Sequence as Target

WIDTH, HEIGHT, TEXT = 200, 150, 18
"""Pixels of a picture, and of the line with the target's name below it."""

MOST = 400
"""Targets on a sheet: LaSOT's 1,400 would be 40 million pixels."""


def contact_sheet(targets: Sequence[Target]) -> tuple[Image, int]:
    """The sheet, (H, W, 3) uint8 RGB, and how many targets are on it: about as wide as high, in the given order.

    Reads one image a target. Raises InputError naming one that cannot be read, or when there is no target.
    """
    chosen = targets[:MOST]
    if not chosen:
        raise InputError("no target to show; dat data status says what is linked and indexed")
    tiles = [_tile(target) for target in chosen]
    columns = round((len(tiles) * (HEIGHT + TEXT) / WIDTH) ** 0.5) or 1
    rows = -(-len(tiles) // columns)
    tiles += [np.zeros_like(tiles[0])] * (rows * columns - len(tiles))
    lines = [np.concatenate(tiles[row * columns : (row + 1) * columns], axis=1) for row in range(rows)]
    return np.concatenate(lines), len(chosen)


def boxed(image: Image, box: npt.ArrayLike) -> Image:
    """The picture (H, W, 3) with a box (x,y,w,h; origin 0) drawn in yellow, two pixels wide."""
    import cv2

    x, y, w, h = np.asarray(box, np.float64)
    corners = (round(x), round(y)), (round(x + w) - 1, round(y + h) - 1)
    drawn = np.ascontiguousarray(image).copy()
    cv2.rectangle(drawn, *corners, color=(255, 255, 0), thickness=2)
    return drawn


def _tile(target: Target) -> Image:
    """A picture as large as fits, its box drawn, and the name below."""
    import cv2

    image, box = read_image(target.frames[0], target.files[0][2]), target.boxes[0]
    scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    tile = np.zeros((HEIGHT + TEXT, WIDTH, 3), np.uint8)
    small = resize(image, height, width)
    if not np.isnan(box).any():
        small = boxed(small, box * scale)
    top, left = (HEIGHT - height) // 2, (WIDTH - width) // 2
    tile[top : top + height, left : left + width] = small
    name = shown(target.name).encode("ascii", "replace").decode()
    cv2.putText(tile, name, (4, HEIGHT + 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
    return tile
