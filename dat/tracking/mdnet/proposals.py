"""From an attention map to regions, and from regions to candidates far from the last position [R20, R21]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dat.base.sections import AttentionSettings
from dat.regions.sampling import Boxes, BoxSampler, Numbers


@dataclass(frozen=True)
class Region:
    """A connected part of the attention map: bounding box (x, y, w, h) and centre of mass in the frame's pixels."""

    box: tuple[float, float, float, float]
    centre: tuple[float, float]
    mass: float


def find_regions(attention: NDArray[np.float32], settings: AttentionSettings, size: tuple[int, int]) -> list[Region]:
    """Regions of a map (h, w; 0 to 1) over a frame of `size` (width, height), most mass first [R20].

    A region is where the map exceeds `threshold` of its maximum and `least`, connected over sides and corners.
    """
    import cv2

    level = max(settings.threshold * float(attention.max(initial=0.0)), settings.least)
    mask = (attention >= level).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    regions = [_region(attention, labels == index, stats[index], size) for index in range(1, count)]
    return sorted(regions, key=lambda region: (-region.mass, region.box))[: settings.regions]


def _region(
    attention: NDArray[np.float32], inside: NDArray[np.bool_], stats: NDArray[np.int32], size: tuple[int, int]
) -> Region:
    """One component, from the map's cells to the frame's pixels."""
    wide, high = size[0] / attention.shape[1], size[1] / attention.shape[0]
    left, top, width, height = (float(value) for value in stats[:4])
    rows, columns = np.nonzero(inside)
    weights = attention[rows, columns].astype(np.float64)
    mass = float(weights.sum())
    x, y = (float(((places + 0.5) * weights).sum() / mass) for places in (columns, rows))
    return Region((left * wide, top * high, width * wide, height * high), (x * wide, y * high), mass)


def region_box(region: Region, last: ArrayLike, shape: str = "target") -> tuple[float, float, float, float]:
    """The box that candidates are drawn around: the last box's size at the region's centre, or the `region`'s own."""
    if shape == "region":
        return region.box
    _, _, w, h = (float(value) for value in np.asarray(last, np.float64))
    return region.centre[0] - w / 2, region.centre[1] - h / 2, w, h


def global_candidates(
    boxes: list[tuple[float, float, float, float]], n: int, sampler: BoxSampler, rng: Numbers
) -> list[Boxes]:
    """n candidates around each region's box, by the local sampler's numbers [R21]: (n, 4) float32 of each."""
    return [sampler.draw(box, n, rng) for box in boxes]
