"""VOT's re-start protocol: after a failure the tracker is started again, some frames later.

A failure is an overlap of zero with the annotated region. Per frame: 1 (started), 2 (failure), 0 (skipped), or a box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dat.benchmarks import vot
from dat.benchmarks.vot import FAILED, INITIALISED, SKIPPED
from dat.datasets.images import Image
from dat.regions import boxes as geometry
from dat.tracking.follower import Follower

Line = int | tuple[float, float, float, float]


def corners(box: ArrayLike) -> NDArray[np.float64]:
    """The corners (4, 2) of a box x, y, w, h."""
    x, y, w, h = np.asarray(box, np.float64)
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])


def meets(box: ArrayLike, region: ArrayLike, size: tuple[int, int]) -> bool:
    """Whether a box and a region (4 numbers: a box; 8: corners) share any area inside a frame of (width, height)."""
    import cv2

    inside = geometry.clip([np.asarray(box, np.float64)], *size)[0]
    numbers = np.asarray(region, np.float64)
    outline = numbers.reshape(-1, 2) if numbers.size > 4 else corners(numbers)
    if not (np.isfinite(outline).all() and np.isfinite(inside).all()) or inside[2] <= 0 or inside[3] <= 0:
        return False
    hull = cv2.convexHull(outline.astype(np.float32))
    area, _ = cv2.intersectConvexConvex(corners(inside).astype(np.float32), hull)
    return bool(area > 0)


def run(
    tracker: Follower,
    image: Callable[[int], Image],
    regions: Sequence[ArrayLike],
    size: tuple[int, int],
    sentence: str | None,
    seen: Callable[[int], None] = lambda index: None,
) -> list[Line]:
    """Follow the target through all frames: a line a frame. `image(i)` gives frame i; `seen(i)` is told of each box.

    The tracker is started on the region's bounds and, after a failure in frame f, again in frame f + RESTART.
    """
    lines: list[Line] = []
    start = 0
    for index, region in enumerate(regions):
        if index < start:
            lines.append(SKIPPED)
        elif index == start:
            tracker.init(image(index), bounds(region), sentence)
            lines.append(INITIALISED)
        else:
            x, y, w, h = (float(value) for value in tracker.update(image(index)))
            seen(index)
            failed = not meets((x, y, w, h), region, size)
            lines.append(FAILED if failed else (x, y, w, h))
            start = index + vot.RESTART if failed else start
    return lines


def bounds(region: ArrayLike) -> NDArray[np.float64]:
    """The axis-aligned box around a region of 4 or 8 numbers."""
    numbers = np.asarray(region, np.float64)
    return numbers if numbers.size == 4 else geometry.bounds(numbers[None])[0]


def text(lines: Sequence[Line]) -> str:
    """The lines as VOT's result file has them: a code, or four numbers with four decimals."""
    rows = (str(line) if isinstance(line, int) else ",".join(f"{value:.4f}" for value in line) for line in lines)
    return "\n".join(rows) + "\n"
