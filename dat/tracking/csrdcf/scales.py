"""The scale filter of DSST (Danelljan et al., BMVC 2014): a correlation filter over the target at many sizes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dat.base.sections import Scales
from dat.tracking.csrdcf.hog import hog
from dat.tracking.csrdcf.patches import Point, cut

CELL = 4
LEAST = 2 * CELL
"""The fewest pixels of a model's side: two cells."""


def factors(settings: Scales) -> NDArray[np.float64]:
    """The scales that are compared, the largest first, the middle one 1: (number,)."""
    return settings.step ** (math.ceil(settings.number / 2) - 1 - np.arange(settings.number, dtype=np.float64))


def limits(sides: Point, frame: tuple[int, int], step: float) -> tuple[float, float]:
    """The least and the most that a target of sides (w, h) may be scaled by: 5 pixels, and the frame's size."""
    least = step ** math.ceil(math.log(max(5 / sides[0], 5 / sides[1])) / math.log(step))
    most = step ** math.floor(math.log(min(frame[0] / sides[0], frame[1] / sides[1])) / math.log(step))
    return min(least, 1.0), max(most, 1.0)


class ScaleFilter:
    """Follows a target's size. `sides` (w, h) are those of the first frame, in pixels; `scale` what they are now."""

    def __init__(self, settings: Scales, image: NDArray[np.uint8], centre: Point, sides: Point) -> None:
        self.scale, self._settings, self._sides = 1.0, settings, sides
        shrunk = min(1.0, math.sqrt(settings.area / (sides[0] * sides[1])))
        self._model = (max(LEAST, math.floor(sides[0] * shrunk)), max(LEAST, math.floor(sides[1] * shrunk)))
        self._factors = factors(settings)
        self._limits = limits(sides, (image.shape[1], image.shape[0]), settings.step)
        steps = np.arange(settings.number) - (math.ceil(settings.number / 2) - 1)
        self._wanted = np.fft.fft(np.exp(-0.5 * np.square(steps / (settings.sigma * math.sqrt(settings.number)))))
        self._window = np.hanning(settings.number)
        self._above, self._below = self._learnt(image, centre)

    def find(self, image: NDArray[np.uint8], centre: Point) -> float:
        """The scale of the target around a centre (x, y) in the next frame; a picture of nothing leaves it as it is."""
        response = np.fft.ifft((self._above * self._spectra(image, centre)).sum(0) / self._denominator()).real
        best, middle = int(np.argmax(response)), math.ceil(self._settings.number / 2) - 1
        factor = float(self._factors[best if response[best] > response[middle] else middle])
        self.scale = min(max(self.scale * factor, self._limits[0]), self._limits[1])
        return self.scale

    def learn(self, image: NDArray[np.uint8], centre: Point) -> None:
        """Learn the target's looks around a centre at the present scale."""
        above, below = self._learnt(image, centre)
        self._above = (1 - self._settings.rate) * self._above + self._settings.rate * above
        self._below = (1 - self._settings.rate) * self._below + self._settings.rate * below

    def _denominator(self) -> NDArray[np.float64]:
        return np.asarray(self._below + self._settings.regularisation)

    def _learnt(self, image: NDArray[np.uint8], centre: Point) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        spectra = self._spectra(image, centre)
        return self._wanted * np.conj(spectra), np.square(np.abs(spectra)).sum(0)

    def _spectra(self, image: NDArray[np.uint8], centre: Point) -> NDArray[np.complex128]:
        """Spectra over scale of all features, (31 x cells, number): one cut of each size, plainly resampled."""
        sizes = [(self._sides[0] * self.scale * at, self._sides[1] * self.scale * at) for at in self._factors]
        cuts = np.stack([cut(image, centre, sides, self._model, smooth=False) for sides in sizes])
        features = hog(cuts, CELL, full=True).reshape(self._settings.number, -1)
        return np.fft.fft(features.T * self._window, axis=1)
