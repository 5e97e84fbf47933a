"""Outlines of the embedded objects: the kinds that sentences name and that are LaSOT's classes here.

An outline lies in a unit square around 0,0 (y down) and touches it on at least two opposite sides.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
TURN = 2 * np.pi
FINE = 4
"""Masks are filled this many times finer and averaged: smooth edges."""


def _ray(angles: npt.ArrayLike, radii: npt.ArrayLike) -> Points:
    turned = np.asarray(angles, dtype=np.float64) - TURN / 4
    return np.stack([np.cos(turned), np.sin(turned)], axis=1) * np.asarray(radii, dtype=np.float64).reshape(-1, 1)


def _polygon(corners: int) -> Points:
    return _ray(np.arange(corners) * TURN / corners, 1.0)


def _disc() -> Points:
    return _polygon(48)


def _star() -> Points:
    return _ray(np.arange(10) * TURN / 10, np.where(np.arange(10) % 2, 0.42, 1.0))


def _cross() -> Points:
    corner = np.array([[0.3, -1.0], [0.3, -0.3], [1.0, -0.3]])
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    turns = [np.linalg.matrix_power(quarter, k) for k in range(4)]
    return np.concatenate([corner @ turn.T for turn in turns])


def _heart() -> Points:
    t = np.linspace(0, TURN, 60, endpoint=False)
    x = 16 * np.sin(t) ** 3
    return np.stack([x, -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))], axis=1)


def _crescent() -> Points:
    outer = np.linspace(0.11, 0.89, 40) * TURN
    inner = np.linspace(0.16, 0.84, 40)[::-1] * TURN
    edge = np.stack([np.cos(outer), np.sin(outer)], axis=1)
    return np.concatenate([edge, 0.72 * np.stack([np.cos(inner), np.sin(inner)], axis=1) + [0.38, 0.0]])


def _arrow() -> Points:
    return np.array([[-1, -0.3], [0.1, -0.3], [0.1, -0.8], [1, 0], [0.1, 0.8], [0.1, 0.3], [-1, 0.3]], dtype=np.float64)


def _drop() -> Points:
    t = np.linspace(0, TURN, 48, endpoint=False)
    return np.stack([0.95 * np.sin(t) * np.sin(t / 2) ** 1.5, -np.cos(t)], axis=1)


OUTLINES: dict[str, Callable[[], Points]] = {
    "arrow": _arrow,
    "crescent": _crescent,
    "cross": _cross,
    "diamond": lambda: _polygon(4) * [0.68, 1.0],
    "disc": _disc,
    "drop": _drop,
    "heart": _heart,
    "square": lambda: np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64),
    "star": _star,
    "triangle": lambda: _polygon(3),
}
KINDS = tuple(OUTLINES)


def outline(kind: str) -> Points:
    """The outline of a kind: (K,2) points x,y, centred on 0,0, its longer side 1."""
    points = OUTLINES[kind]()
    low, high = points.min(0), points.max(0)
    return np.asarray((points - (low + high) / 2) / (high - low).max(), dtype=np.float64)


def mask(points: Points, size: int) -> npt.NDArray[np.float32]:
    """How much of each pixel of a size x size picture lies inside an outline of unit extent: 0 to 1, (size,size)."""
    fine = np.zeros((size * FINE, size * FINE), dtype=np.uint8)
    corners = ((points * inner(size) + size / 2) * FINE - 0.5) * 16
    cv2.fillPoly(fine, [np.rint(corners).astype(np.int32)], 255, lineType=cv2.LINE_8, shift=4)
    small = cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def inner(size: int) -> float:
    """Pixels that an outline's unit takes in a picture of that size: a margin keeps the edge from being cut off."""
    return size - 4.0
