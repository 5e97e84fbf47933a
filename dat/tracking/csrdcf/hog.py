"""Histograms of oriented gradients as Felzenszwalb et al. (PAMI 2010) have them, for many patches at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
SIGNED, UNSIGNED = 18, 9
EPSILON = 1e-4
TEXTURE = 0.2357
"""The weight of the four texture channels, about 1 / sqrt(18)."""


def gradients(patches: NDArray[np.uint8]) -> tuple[Floats, NDArray[np.int64]]:
    """Magnitude and direction of patches (N, H, W, C): (N, H, W), the direction as one of 18 bins, nearest first.

    Differences are central inside and one-sided at the border; of the channels the steepest counts.
    """
    values = patches.astype(np.float32)
    across, down = np.empty_like(values), np.empty_like(values)
    across[:, :, 1:-1] = (values[:, :, 2:] - values[:, :, :-2]) / 2
    across[:, :, 0], across[:, :, -1] = values[:, :, 1] - values[:, :, 0], values[:, :, -1] - values[:, :, -2]
    down[:, 1:-1] = (values[:, 2:] - values[:, :-2]) / 2
    down[:, 0], down[:, -1] = values[:, 1] - values[:, 0], values[:, -1] - values[:, -2]
    squares = across * across + down * down
    steepest = squares[..., 0]
    x, y = across[..., 0], down[..., 0]
    for channel in range(1, squares.shape[-1]):
        steeper = squares[..., channel] > steepest
        steepest = np.where(steeper, squares[..., channel], steepest)
        x, y = np.where(steeper, across[..., channel], x), np.where(steeper, down[..., channel], y)
    angle = np.arctan2(y, x) * np.float32(SIGNED / (2 * np.pi))
    return np.sqrt(steepest), np.rint(angle).astype(np.int64) % SIGNED


def _shares(pixels: int, cell: int) -> tuple[NDArray[np.int64], Floats]:
    """The cell before each pixel's middle, counted from 1 (0 lies outside), and the share that the next cell gets."""
    place = (np.arange(pixels) + 0.5) / cell - 0.5
    before = np.floor(place)
    return (before + 1).astype(np.int64), (place - before).astype(np.float32)


def histograms(magnitude: Floats, direction: NDArray[np.int64], cell: int) -> Floats:
    """Sums of magnitude by direction and cell, each pixel shared by its four nearest cells: (N, 18, rows, columns)."""
    count, height, width = magnitude.shape
    rows, columns = height // cell, width // cell
    magnitude, direction = magnitude[:, : rows * cell, : columns * cell], direction[:, : rows * cell, : columns * cell]
    (top, down), (left, across) = _shares(rows * cell, cell), _shares(columns * cell, cell)
    step = columns + 2
    places = (np.arange(count)[:, None, None] * SIGNED + direction) * ((rows + 2) * step)
    places = (places + (top * step)[:, None] + left).ravel()
    size = count * SIGNED * (rows + 2) * step
    sums = np.zeros(size)
    for offset, vertical in ((0, 1 - down), (step, down)):
        for more, horizontal in ((0, 1 - across), (1, across)):
            share = (magnitude * (vertical[:, None] * horizontal)).ravel()
            if share.any():
                sums += np.bincount(places + (offset + more), share, size)
    return sums.reshape(count, SIGNED, rows + 2, step)[:, :, 1:-1, 1:-1].astype(np.float32)


def _norms(energy: Floats) -> list[Floats]:
    """One over the norm of the four blocks of 2 x 2 cells that a cell (N, rows, columns) is in; at the border the
    nearest block inside stands for those that are not."""
    least = [(0, 0), (0, int(energy.shape[1] < 2)), (0, int(energy.shape[2] < 2))]
    energy = np.pad(energy, least, mode="edge")
    sums = energy[:, :-1, :-1] + energy[:, :-1, 1:] + energy[:, 1:, :-1] + energy[:, 1:, 1:]
    norms = 1 / np.sqrt(sums + np.float32(EPSILON))
    around = np.pad(norms, [(0, 0), (1, 1), (1, 1)], mode="edge")
    around = around[:, : around.shape[1] - least[1][1], : around.shape[2] - least[2][1]]
    return [around[:, y : around.shape[1] - 1 + y, x : around.shape[2] - 1 + x] for y in (0, 1) for x in (0, 1)]


def hog(patches: NDArray[np.uint8], cell: int, clip: float = 0.2, full: bool = False) -> Floats:
    """Channels of patches (N, H, W, C): (N, 18, H // cell, W // cell), those that know a gradient's sign.

    With `full` 31: the 18, then 9 without the sign, then 4 of texture. Each value is clipped after normalisation.
    """
    signed = histograms(*gradients(patches), cell)
    unsigned = signed[:, :UNSIGNED] + signed[:, UNSIGNED:]
    norms = _norms(np.square(unsigned).sum(1))
    features = np.zeros((signed.shape[0], 31 if full else SIGNED, *signed.shape[2:]), np.float32)
    limit = np.float32(clip)
    for index, norm in enumerate(norms):
        share = np.minimum(signed * norm[:, None], limit)
        features[:, :SIGNED] += share
        if full:
            features[:, SIGNED : SIGNED + UNSIGNED] += np.minimum(unsigned * norm[:, None], limit)
            features[:, SIGNED + UNSIGNED + index] = share.sum(1) * np.float32(TEXTURE)
    features[:, : SIGNED + UNSIGNED] *= np.float32(0.5)
    return features
