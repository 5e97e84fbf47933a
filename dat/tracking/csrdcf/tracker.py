"""The tracker CSR-DCF, alone or with the attention map as one more channel (figure 7). It draws no random numbers.

Boxes are (x, y, w, h) in pixels, origin at the top left corner of the top left pixel. Of every frame: where, how large,
colours, mask, filter, and the means over time that these go into.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dat.base.sections import Csrdcf
from dat.tracking import checks
from dat.tracking.csrdcf import colours, features, filters, segmentation
from dat.tracking.csrdcf.patches import Point, cut
from dat.tracking.csrdcf.scales import ScaleFilter

if TYPE_CHECKING:
    from dat.datasets.images import Image
    from dat.tracking.attention import Attention


NAME = "CSR-DCF"


class CsrDcf:
    """Follows one target. After `init` and each `update`, what the last frame gave is there to look at.

    `score` is the response's highest value, from 0 to 1; the target is never given up as lost, nor sought elsewhere.
    `names` is the file of a colour-name table [R29].
    """

    def __init__(self, settings: Csrdcf, attention: Attention | None = None, names: Path | None = None) -> None:
        self.settings, self._attention, self._names = settings, attention, names
        self.box: NDArray[np.float64] = np.zeros(4)
        self.score, self.lost, self.redetected = 1.0, False, False
        self.source: Literal["local", "global"] = "local"
        self.attention: NDArray[np.float32] | None = None
        self.size = (0, 0)
        self._histograms: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def init(self, image: Image, box: ArrayLike, sentence: str | None = None) -> None:
        """Start on a target in an image (H, W, 3) RGB.

        The box (origin 0) may reach beyond the image. Raises InputError where it has no area or lies wholly outside.
        """
        self.size = checks.frame(image, NAME)
        self.box = checks.start_box(box, self.size, NAME).copy()
        self.score, self._last = 1.0, image
        self._centre = self._within(self.box[0] + self.box[2] / 2, self.box[1] + self.box[3] / 2)
        self._sides = (max(float(self.box[2]), 1.0), max(float(self.box[3]), 1.0))
        self._layout()
        self.attention = None
        if self._attention is not None:
            self._attention.start(image, self.box, sentence)
            self.attention = self._attention.map(image)
        self._colours = None if features.is_grey(image) else colours.table(self._names)
        self._scales = ScaleFilter(self.settings.scales, image, self._centre, self._sides)
        self._learn_colours(image, 1.0)
        seen = self._channels(image)
        self._filters = self._new_filters(image, seen)
        self._weights = filters.learning_weights(filters.responses(seen, self._filters))

    def update(self, image: Image) -> NDArray[np.float64]:
        """The target's box (4,) in the next image. A frame that is the last one again changes nothing.

        Raises InputError for an image of another size than the first.
        """
        checks.same_size(image, self.size, NAME)
        if self._again(image):
            return self.box.copy()
        if self._attention is not None:
            self.attention = self._attention.map(image)
        reliable = self._locate(image)
        scale = self._scales.find(image, self._centre)
        w, h = self._sides[0] * scale, self._sides[1] * scale
        self.box = np.array([self._centre[0] - w / 2, self._centre[1] - h / 2, w, h])
        self._learn(image, reliable)
        return self.box.copy()

    # ------------------------------------------------------------ starting

    def _layout(self) -> None:
        """Cells, grid and window: the target in the middle of a square, with room around it, at most so large."""
        settings, (w, h) = self.settings, self._sides
        around = settings.padding * math.sqrt(w * h)
        side = (math.floor(w + around) + math.floor(h + around)) / 2
        self._ratio = min(1.0, settings.template / side)
        self._cell = min(settings.cell, max(1, math.ceil(w * h / 400)))
        count = max(2, math.floor(side * self._ratio) // self._cell)
        self._grid = (count, count)
        self._window = features.hann(*self._grid)
        self._wanted = np.fft.rfft2(filters.label(*self._grid, settings.sigma).astype(np.float32))
        sides = (w * self._ratio / self._cell, h * self._ratio / self._cell)
        self._rectangle = segmentation.rectangle(self._grid, sides)

    def _within(self, x: float, y: float) -> Point:
        """A place, moved into the frame."""
        return min(max(float(x), 0.0), float(self.size[0])), min(max(float(y), 0.0), float(self.size[1]))

    # ------------------------------------------------------------ each frame

    def _again(self, image: Image) -> bool:
        """Whether an image is all but the last one."""
        same = float(np.mean(cv2.mean(cv2.absdiff(image, self._last))[:3])) < self.settings.duplicate
        self._last = self._last if same else image
        return same

    def _locate(self, image: Image) -> NDArray[np.float64]:
        """Move to where the weighted responses are highest; the channels' reliability in this frame (C,)."""
        responses = filters.responses(self._channels(image), self._filters)
        together = np.tensordot(self._weights.astype(np.float32), responses, 1)
        x, y = filters.peak(together)
        step = self._scales.scale * self._cell / self._ratio
        self._centre = self._within(self._centre[0] + x * step, self._centre[1] + y * step)
        self.score = float(np.clip(together.max(), 0, 1))
        return filters.detection_weights(responses, self.settings.least_weight)

    def _learn(self, image: Image, reliable: NDArray[np.float64]) -> None:
        settings = self.settings
        self._learn_colours(image, settings.segmentation.rate)
        seen = self._channels(image)
        fresh = self._new_filters(image, seen)
        weights = filters.new_weights(filters.learning_weights(filters.responses(seen, fresh)), reliable)
        rate = np.float32(settings.filter_rate)
        self._filters = (1 - rate) * self._filters + rate * fresh
        self._weights = (1 - settings.weight_rate) * self._weights + settings.weight_rate * weights
        self._scales.learn(image, self._centre)

    def _learn_colours(self, image: Image, rate: float) -> None:
        if self._colours is None:
            self._histograms = None
            return
        sides = (self._sides[0] * self._scales.scale, self._sides[1] * self._scales.scale)
        fresh = segmentation.histograms(image, self._centre, sides, self.settings.segmentation.bins)
        old = self._histograms if self._histograms is not None and rate < 1 else fresh
        self._histograms = (old[0] * (1 - rate) + fresh[0] * rate, old[1] * (1 - rate) + fresh[1] * rate)

    def _side(self) -> float:
        """The window's side in the frame, in pixels."""
        return self._grid[0] * self._cell / self._ratio * self._scales.scale

    def _patch(self, image: Image) -> NDArray[np.uint8]:
        count = self._grid[0] * self._cell
        return cut(image, self._centre, (self._side(), self._side()), (count, count))

    def _channels(self, image: Image) -> NDArray[np.float32]:
        """What the filter sees of an image around the present place: (C, rows, columns)."""
        return features.channels(self._patch(image), self._cell, self._colours, self._attended(), self._window)

    def _attended(self) -> NDArray[np.float32] | None:
        """The attention map around the present place, a value a cell: (rows, columns)."""
        if self.attention is None:
            return None
        rows, columns = self.attention.shape
        across, down = columns / self.size[0], rows / self.size[1]
        centre = self._centre[0] * across, self._centre[1] * down
        sides = self._side() * across, self._side() * down
        return np.asarray(cut(self.attention, centre, sides, (self._grid[1], self._grid[0])), np.float32)

    def _new_filters(self, image: Image, seen: NDArray[np.float32]) -> NDArray[np.complex64]:
        mask = self._rectangle if self._histograms is None else self._mask(image, self._histograms)
        return np.asarray(filters.learn(seen, self._wanted, mask, self.settings.admm))

    def _mask(self, image: Image, histograms: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.float32]:
        patch = self._patch(image)
        count, step = patch.shape[0], self._side() / patch.shape[0]
        places = [self._centre[axis] + (np.arange(count) + 0.5 - count / 2) * step for axis in (0, 1)]
        across, down = ((at >= 0) & (at < limit) for at, limit in zip(places, self.size, strict=True))
        sides = (self._sides[0] * self._ratio, self._sides[1] * self._ratio)
        settings = self.settings.segmentation
        return segmentation.mask(patch, down[:, None] & across, histograms, sides, self._rectangle, settings)
