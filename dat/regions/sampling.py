"""Drawing boxes around a box, in the numbers and the order of random numbers of MDNet.

Boxes are (x, y, w, h) in pixels, origin at the top left corner of the top left pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dat.regions import boxes as geometry

Boxes = NDArray[np.float32]
Kind = Literal["gaussian", "uniform", "whole"]
Range = tuple[float, float]


class Numbers(Protocol):
    """What is asked of a source of random numbers: `numpy.random.Generator` has it, and `RandomState` too."""

    def standard_normal(self, size: tuple[int, ...]) -> NDArray[np.float64]: ...

    def random(self, size: tuple[int, ...]) -> NDArray[np.float64]: ...

    def permutation(self, x: int) -> NDArray[np.int64]: ...


@dataclass(frozen=True)
class BoxSampler:
    """Draws boxes around one box.

    kind: `gaussian` and `uniform` move the centre by up to `translation` times the mean of the box's sides;
    `whole` lays the centres on a grid over the frame. size: the frame's (width, height).
    scale: sides are multiplied by scale**s, s in [-1, 1]. aspect: sides are multiplied by aspect**r, r in [-1, 1];
    `reciprocal` gives the height the inverse of the width's factor, otherwise each side has a factor of its own.
    valid: boxes stay inside the frame; otherwise only their centres do. least: the shortest side.
    """

    kind: Kind
    size: tuple[float, float]
    translation: float = 1.0
    scale: float = 1.0
    aspect: float | None = None
    valid: bool = False
    least: float = 10.0
    reciprocal: bool = True

    def draw(self, box: ArrayLike, n: int, rng: Numbers) -> Boxes:
        """Exactly n boxes, (n, 4) float32. The random numbers are drawn aspect first, then centre, then size."""
        centre, sides = self._start(box, n)
        mean = np.float32(sides[0].mean())
        if self.aspect is not None:
            sides *= self._aspect(self.aspect, n, rng)
        if self.kind == "gaussian":
            centre += self.translation * mean * _bell(rng, n, 2)
            sides *= self.scale ** _bell(rng, n, 1)
        elif self.kind == "uniform":
            centre += self.translation * mean * _flat(rng, n, 2)
            sides *= self.scale ** _flat(rng, n, 1)
        else:
            centre = self._grid(sides, n, rng)
            sides *= self.scale ** _flat(rng, n, 1)
        return self._inside(centre, sides)

    def within(self, box: ArrayLike, n: int, rng: Numbers, overlap: Range, area: Range | None = None) -> Boxes:
        """At most n boxes whose overlap with `box` (and area over the box's area) lies in the closed range.

        Draws 2, 4, then 8 times as many as are still missing; what is missing after that stays missing.
        """
        parts: list[Boxes] = []
        missing, factor = n, 2
        while missing > 0 and factor < 16:
            drawn = self.draw(box, missing * factor, rng)
            fitting = drawn[_fitting(drawn, box, overlap, area)][:missing]
            parts.append(fitting)
            missing -= len(fitting)
            factor *= 2
        return np.concatenate(parts) if parts else np.empty((0, 4), np.float32)

    def _start(self, box: ArrayLike, n: int) -> tuple[Boxes, Boxes]:
        x, y, w, h = np.asarray(box, np.float32)
        centre, sides = np.array([x + w / 2, y + h / 2], np.float32), np.array([w, h], np.float32)
        return np.tile(centre, (n, 1)), np.tile(sides, (n, 1))

    def _aspect(self, aspect: float, n: int, rng: Numbers) -> NDArray[np.float64]:
        exponents = _flat(rng, n, 1 if self.reciprocal else 2)
        if self.reciprocal:
            exponents = np.concatenate([exponents, -exponents], axis=1)
        return np.asarray(aspect**exponents, np.float64)

    def _grid(self, sides: Boxes, n: int, rng: Numbers) -> Boxes:
        """Centres from a shuffled regular grid; the largest ones are a pixel inside the right and bottom edges."""
        count = int(2 * np.sqrt(n))
        steps = np.linspace(0, 1, count)
        grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        chosen = grid[rng.permutation(len(grid))[:n]]
        half = sides / 2
        return np.asarray(half + chosen * (np.asarray(self.size, np.float32) - half - 1), np.float32)

    def _inside(self, centre: Boxes, sides: Boxes) -> Boxes:
        size = np.asarray(self.size, np.float32)
        least = np.minimum(self.least, size)
        sides = np.clip(sides, least, np.maximum(size - self.least, least))
        low, high = (sides / 2, size - sides / 2 - 1) if self.valid else (np.zeros(2, np.float32), size)
        centre = np.clip(centre, low, np.maximum(high, low))
        return np.concatenate([centre - sides / 2, sides], axis=1).astype(np.float32)


def _bell(rng: Numbers, n: int, columns: int) -> NDArray[np.float64]:
    """Normal with a standard deviation of a half, clipped to [-1, 1]."""
    return np.asarray(np.clip(0.5 * rng.standard_normal((n, columns)), -1, 1), np.float64)


def _flat(rng: Numbers, n: int, columns: int) -> NDArray[np.float64]:
    return rng.random((n, columns)) * 2 - 1


def _fitting(drawn: Boxes, box: ArrayLike, overlap: Range, area: Range | None) -> NDArray[np.bool_]:
    target = np.asarray(box, np.float64)
    shared = geometry.overlap(drawn, np.broadcast_to(target, drawn.shape))
    fits = (shared >= overlap[0]) & (shared <= overlap[1])
    if area is not None:
        ratio = drawn[:, 2] * drawn[:, 3] / (target[2] * target[3])
        fits &= (ratio >= area[0]) & (ratio <= area[1])
    return np.asarray(fits, np.bool_)
