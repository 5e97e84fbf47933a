"""Colour names: for each colour how likely it is called by each of 11 names, as 10 channels [R29].

The learnt table of van de Weijer et al. (TIP 2009) is not shipped: a user's file is read, else 11 prototypes stand in.
A table's row is R // 8 + 32 (G // 8) + 1024 (B // 8), with R, G, B from 0 to 255.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dat.base import opening, used
from dat.base.errors import InputError, MissingError
from dat.base.naming import shown
from dat.base.outside import plain

Floats = NDArray[np.float32]
ROWS = 32768
PROTOTYPES = {
    "black": (0, 0, 0),
    "blue": (30, 60, 220),
    "brown": (120, 70, 25),
    "grey": (128, 128, 128),
    "green": (40, 160, 40),
    "orange": (255, 140, 0),
    "pink": (255, 150, 190),
    "purple": (130, 40, 150),
    "red": (220, 20, 30),
    "white": (255, 255, 255),
    "yellow": (250, 235, 30),
}
"""A colour, R, G, B, that each name stands for, in the learnt table's order."""

SOFTNESS = 25.0
"""Distance in CIE Lab at which a prototype's likelihood has fallen to exp(-1/2)."""


def basis() -> NDArray[np.float64]:
    """The fixed contrasts (11, 10): columns of length 1, orthogonal to one another and to all ones."""
    a, h, q, s, t = math.sqrt(1 / 2), 1 / 2, math.sqrt(1 / 8), math.sqrt(3 / 88), -math.sqrt(8 / 33)
    c, d = math.sqrt(1 / 6), -math.sqrt(2 / 3)
    pairs = [(h, 0.0, q, s), (-h, 0.0, q, s), (0.0, h, -q, s), (0.0, -h, -q, s)]
    matrix = np.zeros((11, 10))
    for index, (six, seven, eight, nine) in enumerate(pairs):
        matrix[2 * index, [index, 6, 7, 8, 9]] = a, six, seven, eight, nine
        matrix[2 * index + 1, [index, 6, 7, 8, 9]] = -a, six, seven, eight, nine
    matrix[8, [4, 5, 9]], matrix[9, [4, 5, 9]], matrix[10, [5, 9]] = (a, c, t), (-a, c, t), (d, t)
    return matrix


def lab(colours: NDArray[Any]) -> NDArray[np.float64]:
    """Colours (N, 3), R, G, B from 0 to 255, in CIE Lab."""
    values = np.asarray(colours, np.float32)[None] / np.float32(255)
    return np.asarray(cv2.cvtColor(values, cv2.COLOR_RGB2LAB)[0], np.float64)


def approximate() -> NDArray[np.float64]:
    """Likelihoods (32768, 11) of the names: the nearer a name's prototype in CIE Lab, the likelier, and softly so."""
    row = np.arange(ROWS)
    colours = np.stack([row % 32, row // 32 % 32, row // 1024], axis=1) * 8 + 3.5
    apart = np.square(lab(colours)[:, None] - lab(np.array(list(PROTOTYPES.values())))).sum(-1)
    weights = np.exp((apart.min(1, keepdims=True) - apart) / (2 * SOFTNESS**2))
    return np.asarray(weights / weights.sum(1, keepdims=True))


def read(path: Path) -> NDArray[np.float64]:
    """A user's table as 10 channels (32768, 10): a .npy file, a MATLAB file (version 5) or a text file of numbers.

    10 columns are taken as they are, 11 are likelihoods of the names, and of 14 the first 3 are the colour itself.
    Raises MissingError when there is no file, InputError when it holds no such table.
    """
    if not path.is_file():
        raise MissingError(f"{path}: no such file, which csrdcf.colour_names names; put it there, or say none")
    numbers = _numbers(path)
    if numbers.ndim != 2 or numbers.shape[0] != ROWS or numbers.shape[1] not in (10, 11, 14):
        shape = " x ".join(map(str, numbers.shape))
        raise InputError(f"{path}: a table of colour names has 32768 rows of 10, 11 or 14 numbers; this has {shape}")
    if not np.isfinite(numbers).all():
        raise InputError(f"{path}: a value is not a finite number; fetch the table again")
    return numbers if numbers.shape[1] == 10 else numbers[:, -11:] @ basis()


def _numbers(path: Path) -> NDArray[np.float64]:
    data = used.read(path, opening.MATLAB)
    try:
        if path.suffix == ".npy":
            return np.asarray(np.load(io.BytesIO(data), allow_pickle=False), np.float64)
        if path.suffix == ".mat":
            return np.asarray(_largest(opening.read_matlab(data), path), np.float64)
        text = plain(data, path).decode().replace(",", " ")
        return np.loadtxt(text.splitlines(), ndmin=2)
    except NotImplementedError:
        raise InputError(f"{path}: a MATLAB file of version 7.3 (HDF5); save its table as .npy") from None
    except (ValueError, OSError, MemoryError) as error:
        raise InputError(f"{path}: no table of colour names ({error}); a .npy, .mat or text file is expected") from None


def _largest(variables: Mapping[str, Any], path: Path) -> Any:
    """The largest variable of a MATLAB file. Raises InputError naming two that are, ValueError where there is none."""
    sizes = {name: np.size(value) for name, value in variables.items() if not name.startswith("__")}
    largest = [name for name, size in sizes.items() if size == max(sizes.values())]
    if len(largest) > 1:
        names = " and ".join(shown(name) for name in largest[:2])
        raise InputError(f"{path}: {names} are equally large, and either may be the table; save one alone")
    if not largest:
        raise ValueError("without a variable")
    return variables[largest[0]]


@cache
def table(path: Path | None) -> Floats:
    """The channels (32768, 10) of a user's file, or of the approximation without one. Not to be changed."""
    values = (read(path) if path is not None else approximate() @ basis()).astype(np.float32)
    values.setflags(write=False)
    return values


def channels(patch: NDArray[np.uint8], cell: int, values: Floats) -> Floats:
    """The table's channels of an RGB patch (H, W, 3), the mean over each cell: (10, H // cell, W // cell)."""
    bins = (patch >> 3).astype(np.int32)
    rows, columns = patch.shape[0] // cell, patch.shape[1] // cell
    features = values[bins[..., 0] + (bins[..., 1] << 5) + (bins[..., 2] << 10)]
    features = features[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell, 10)
    return np.ascontiguousarray(features.mean(axis=(1, 3)).transpose(2, 0, 1))
