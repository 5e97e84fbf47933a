"""Spatial reliability: which cells are the target, from colour histograms and neighbours (section 3.2).

The smoothing is Diplaros et al.'s EM of a spatially constrained model (TNN 2007).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dat.base.sections import Segmentation
from dat.tracking.csrdcf.patches import Point

Floats = NDArray[np.float64]
TINY = 1e-12
_SPREAD = 0.5 * 1.4142


def bins(image: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
    """The histogram bin of each pixel of an RGB picture (H, W, 3), by hue, saturation and value: (H, W)."""
    hsv = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL), np.int64) * count // 256
    return np.asarray((hsv[..., 0] * count + hsv[..., 1]) * count + hsv[..., 2])


def kernel(shape: tuple[int, int], centre: Point, sides: Point) -> Floats:
    """Epanechnikov's weights (rows, columns), 1 in the middle of a box and about 0 at its corners, never below."""
    down = (np.arange(shape[0]) + 0.5 - centre[1]) / (_SPREAD * sides[1] + 1)
    across = (np.arange(shape[1]) + 0.5 - centre[0]) / (_SPREAD * sides[0] + 1)
    return np.asarray(np.maximum(1 - np.square(down)[:, None] - np.square(across), 0))


def prior(shape: tuple[int, int], sides: Point, settings: Segmentation) -> Floats:
    """How likely a pixel is the target by its place alone: (rows, columns), the target in the middle."""
    side = min(sides)
    prior_map = kernel(shape, (shape[1] / 2, shape[0] / 2), (side, side))
    return np.asarray(np.clip(prior_map / max(prior_map.max(), TINY), settings.least, settings.most))


def _span(middle: float, side: float, limit: int) -> tuple[int, int]:
    """The whole pixels of an interval inside 0..limit, at least one."""
    low = min(max(round(middle - side / 2), 0), limit - 1)
    return low, max(min(round(middle + side / 2), limit), low + 1)


def histograms(image: NDArray[np.uint8], centre: Point, sides: Point, count: int) -> tuple[Floats, Floats]:
    """Colour histograms (count^3,), sum 1, of the target's box and of the ring of half its sides around it.

    In the box pixels weigh less towards the border. A ring that the frame leaves no room for is all zero.
    """
    height, width = image.shape[:2]
    (x0, x1), (y0, y1) = _span(centre[0], 2 * sides[0], width), _span(centre[1], 2 * sides[1], height)
    (u0, u1), (v0, v1) = _span(centre[0], sides[0], width), _span(centre[1], sides[1], height)
    x0, x1, y0, y1 = min(x0, u0), max(x1, u1), min(y0, v0), max(y1, v1)
    at = bins(np.ascontiguousarray(image[y0:y1, x0:x1]), count)
    inside = (slice(v0 - y0, v1 - y0), slice(u0 - x0, u1 - x0))
    weights = kernel((v1 - v0, u1 - u0), (centre[0] - u0, centre[1] - v0), sides)
    ring = np.ones(at.shape)
    ring[inside] = 0
    front = np.bincount(at[inside].ravel(), weights.ravel(), count**3)
    back = np.bincount(at.ravel(), ring.ravel(), count**3)
    return front / max(front.sum(), TINY), back / max(back.sum(), TINY)


def posterior(at: NDArray[np.int64], front: Floats, back: Floats, background: float) -> Floats:
    """How likely each pixel's colour is the target's, from histograms: (rows, columns); 0.5 for unseen colours."""
    share = 1 / (background + 1)
    ours, theirs = front[at] * share, back[at] * background
    total = ours + theirs
    return np.where(total > 0, ours / np.where(total > 0, total, 1), 0.5)


def _neighbours(columns: int) -> Floats:
    """Weights of a pixel's neighbours, sum 1, itself not counted."""
    half = max(1, round(0.06 * columns))
    offsets = np.arange(-half, half + 1)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * (half / 3) ** 2))
    weights[half, half] = 0
    return np.asarray(weights / weights.sum())


def smooth(likely: Floats, place: Floats, settings: Segmentation) -> Floats:
    """Posteriors of the target (rows, columns) that agree with their neighbours'.

    `likely` is the likelihood of the target by colour, `place` its prior; those of the background are 1 less them. With
    pi the priors, p the posteriors and N a neighbourhood's mean, s ~ pi pi_N and q ~ p p_N, and the next pi is the
    mean of s, s_N, q, q_N, until the mean log-likelihood moves by less than `change`.
    """
    near = _neighbours(likely.shape[1])
    colours = np.stack([likely, 1 - likely], axis=-1) + TINY
    priors = np.stack([place, 1 - place], axis=-1) + TINY
    last, current = -np.inf, priors
    for _ in range(settings.iterations):
        joint = priors * colours
        evidence = joint.sum(-1, keepdims=True)
        level = float(np.log(evidence).mean())
        posteriors = joint / evidence
        current, agreed = _agreed(posteriors, near), _agreed(priors, near)
        priors = current + _mean(current, near) + agreed + _mean(agreed, near)
        priors /= priors.sum(-1, keepdims=True)
        if abs(level - last) < settings.change:
            break
        last = level
    return np.asarray(current[..., 0])


def _mean(values: Floats, near: Floats) -> Floats:
    return np.asarray(cv2.filter2D(values, -1, near, borderType=cv2.BORDER_REFLECT))


def _agreed(values: Floats, near: Floats) -> Floats:
    both = values * _mean(values, near)
    return np.asarray(both / np.maximum(both.sum(-1, keepdims=True), TINY))


def rectangle(grid: tuple[int, int], sides: Point) -> NDArray[np.float32]:
    """The mask of a box in the middle of a grid (rows, columns); sides in cells, at least one."""
    down, across = (
        np.abs(np.arange(count) + 0.5 - count / 2) <= max(side, 1) / 2
        for count, side in zip(grid, (sides[1], sides[0]), strict=True)
    )
    return np.asarray(down[:, None] & across, np.float32)


def mask(
    patch: NDArray[np.uint8],
    inside: NDArray[np.bool_],
    histogram: tuple[Floats, Floats],
    sides: Point,
    box: NDArray[np.float32],
    settings: Segmentation,
) -> NDArray[np.float32]:
    """The filter's mask on the grid of `box`, the rectangle's mask, which it falls back to when too little is found.

    `patch` (H, W, 3) has the target of `sides` pixels in its middle; `inside` (H, W) says what lies in the frame.
    """
    height, width = patch.shape[:2]
    shrunk = min(1.0, np.sqrt(settings.area / (height * width)))
    size = max(1, round(width * shrunk)), max(1, round(height * shrunk))
    small = np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.uint8)
    likely = posterior(bins(small, settings.bins), *histogram, settings.background)
    scale = size[0] / width, size[1] / height
    place = prior((size[1], size[0]), (sides[0] * scale[0], sides[1] * scale[1]), settings)
    smoothed = smooth(likely, place, settings)
    pixels = (smoothed > settings.threshold * smoothed.max()).astype(np.uint8)
    pixels &= cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    grid = cv2.resize(pixels, (box.shape[1], box.shape[0]), interpolation=cv2.INTER_NEAREST)
    if grid.sum() < settings.smallest * box.sum():
        return box
    return np.asarray(cv2.dilate(grid, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))), np.float32)
