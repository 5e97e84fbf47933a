"""The constrained correlation filter and the reliability of its channels (Lukezic et al., sections 3.1 to 3.3).

Spectra are those of `rfft2`, (C, rows, columns // 2 + 1); the type follows the input, float32 or float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dat.base.sections import Admm

Array = NDArray[Any]


def label(rows: int, columns: int, sigma: float) -> NDArray[np.float64]:
    """The wanted response (rows, columns): a Gaussian around cell (0, 0), which goes on at the opposite borders."""
    down, across = (np.arange(side) - side * (np.arange(side) > (side - 1) // 2) for side in (rows, columns))
    return np.asarray(np.exp(-(down[:, None] ** 2 + across**2) / (2 * sigma**2)))


def learn(features: Array, wanted: Array, mask: Array, settings: Admm) -> Array:
    """The filter's spectra (C, ...) for features (C, rows, columns), the label's spectrum and a mask (rows, columns).

    Per channel it minimises |F conj(H) - G|^2 + lambda |h|^2 over filters h that are zero outside the mask, by the
    alternating steps of the augmented Lagrangian: G without the mask, H with it, then the multiplier L.
    """
    shape = (features.shape[1], features.shape[2])
    spectra = np.fft.rfft2(features)
    cross, power = spectra * np.conj(wanted), np.square(np.abs(spectra))
    mu, weight = settings.mu, settings.mu * settings.regularisation
    masked = np.fft.rfft2(mask * np.fft.irfft2(cross / (power + weight), s=shape))
    multiplier = np.zeros_like(masked)
    for step in range(settings.iterations):
        free = (cross + mu * masked - multiplier) / (power + mu)
        inside = np.fft.irfft2(mu * free + multiplier, s=shape)
        masked = np.fft.rfft2(inside * (mask / (weight + mu)))
        if step + 1 < settings.iterations:
            multiplier += mu * (free - masked)
            mu = min(settings.mu_max, settings.beta * mu)
    return np.asarray(masked)


def responses(features: Array, filters: Array) -> Array:
    """Each channel's response (C, rows, columns): cell (0, 0) is no displacement, and the borders are joined."""
    shape = (features.shape[1], features.shape[2])
    return np.asarray(np.fft.irfft2(np.fft.rfft2(features) * np.conj(filters), s=shape))


def learning_weights(responses: Array) -> NDArray[np.float64]:
    """Reliability in learning (C,): the highest value of each channel's response to what it was learnt from, sum 1."""
    return _shares(responses.max(axis=(1, 2)).astype(np.float64))


def detection_weights(responses: Array, least: float) -> NDArray[np.float64]:
    """Reliability in detection (C,): one less the second local maximum over the first, at least `least`.

    Each response (C, rows, columns) is first stretched to 0 to 1; one without a peak is least reliable.
    """
    low, high = responses.min(axis=(1, 2), keepdims=True), responses.max(axis=(1, 2), keepdims=True)
    span = np.where(high > low, high - low, 1)
    scaled = (responses - low) / span
    around = np.maximum(scaled, np.maximum(np.roll(scaled, 1, 1), np.roll(scaled, -1, 1)))
    around = np.maximum(around, np.maximum(np.roll(around, 1, 2), np.roll(around, -1, 2)))
    peaks = np.where(scaled >= around, scaled, 0).reshape(len(responses), -1)
    second, first = np.partition(peaks, -2, axis=1)[:, -2:].T.astype(np.float64)
    ratio = np.where(first > 0, second / np.where(first > 0, first, 1), 1)
    return np.asarray(np.maximum(1 - ratio, least))


def _shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values as shares of their sum; below zero counts as zero, and nothing at all as equal shares."""
    positive = np.maximum(np.nan_to_num(values), 0)
    total = positive.sum()
    return positive / total if total > 0 else np.full(len(positive), 1 / len(positive))


def new_weights(learning: NDArray[np.float64], detection: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reliability in learning times that in detection, sum 1."""
    return _shares(learning * detection)


def _between(before: float, at: float, after: float) -> float:
    """Where the parabola through three values has its highest point, -0.5 to 0.5 from the middle one."""
    bend = before - 2 * at + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0


def peak(response: Array) -> tuple[float, float]:
    """The displacement (x, y) in cells of the highest value of a response (rows, columns), between cells too."""
    rows, columns = response.shape
    y, x = divmod(int(np.argmax(response)), columns)
    column = [float(response[(y + step) % rows, x]) for step in (-1, 0, 1)]
    row = [float(response[y, (x + step) % columns]) for step in (-1, 0, 1)]
    down, across = y - rows * (y > (rows - 1) // 2), x - columns * (x > (columns - 1) // 2)
    return across + _between(row[0], row[1], row[2]), down + _between(column[0], column[1], column[2])
