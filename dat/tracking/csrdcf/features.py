"""The channels that the filter sees: HOG, grey, colour names, and the attention map where there is one (figure 7)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dat.tracking.csrdcf import colours, hog

Floats = NDArray[np.float32]


def hann(rows: int, columns: int) -> Floats:
    """The window that fades a patch out to its border: (rows, columns)."""
    return np.outer(np.hanning(rows), np.hanning(columns)).astype(np.float32)


def is_grey(image: NDArray[np.uint8]) -> bool:
    """Whether a picture (H, W, 3) has no colour: its three channels are equal."""
    return bool((image[..., 0] == image[..., 1]).all() and (image[..., 0] == image[..., 2]).all())


def channels(
    patch: NDArray[np.uint8], cell: int, names: Floats | None, attention: Floats | None, window: Floats
) -> Floats:
    """The channels (C, rows, columns) of an RGB patch (rows * cell, columns * cell, 3), times the window.

    18 of HOG, 1 of grey from -0.5 to 0.5, 10 of colour names where there is a table, 1 of attention where there is a
    map (rows, columns), as it is, from 0 to 1.
    """
    rows, columns = window.shape
    grey = np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), np.float32)
    means = cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA) / np.float32(255) - np.float32(0.5)
    parts = [hog.hog(patch[None], cell)[0], np.asarray(means)[None]]
    if names is not None:
        parts.append(colours.channels(patch, cell, names))
    if attention is not None:
        parts.append(attention[None])
    return np.concatenate(parts) * window
