"""Features of boxes: each box's crop through the convolutions (`crops`, the paper), or the search region once.

`shared` uses the same weights: the second pooling loses its stride and the third convolution is dilated instead, so
that the map holds, eight pixels apart, what a crop at that place would give. A box's 3 x 3 cells are read from it
bilinearly, at a spacing that goes with the box's size (RoIAlign). The map is of the target's scale, which later
frames' boxes are near (1.3 to either side); the first frame's, up to twice as large, have maps of their own scale.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from dat.models import exactness
from dat.models.salnet import SALNet
from dat.models.vggm import activate
from dat.regions.crops import PADDING, SIZE, crop_regions, crop_scene
from dat.regions.sampling import Boxes

CHUNK = 64
"""Crops that go through the convolutions at a time on a CPU, over all threads: few enough for its cache."""
MOST, LEAST = 512, 16
"""Crops at a time on a GPU, and how few they may become where its memory does not do."""
CONTEXT = 1 + 2 * PADDING / SIZE
STRIDE, MIDDLE, CELLS = 8, 37, 3
"""The map's step in pixels, the middle of its first cell's field of view (75 pixels), and a box's cells a side."""
ROUND, LARGEST = 32, 2_000_000
"""Scenes are rounded up to so many pixels, so that few shapes occur; beyond the largest, boxes are cut in crops."""
OCTAVES = 0.35
"""The step from one scale of the first frame's maps to the next, in octaves of a box's side."""
PHASES = 8
"""The first frame's boxes are dealt out to so many maps, whose cells lie a pixel further each: a classifier that has
seen a target at one offset from the grid only does not know it at another."""

Fill = float | tuple[float, float, float]
Scene = tuple[tuple[float, float], tuple[float, float], tuple[int, int]]
"""A scene's start (x, y), the step of its pixels (x, y), and its (height, width)."""


class Features:
    """Features (N, D) of boxes (N, 4) of an image (3, H, W) on the network's device."""

    def __init__(self, network: SALNet, mode: str, fill: Fill) -> None:
        self.vggm, self.mode, self.fill = network.vggm, mode, fill
        self.most = MOST

    def __call__(
        self, image: Tensor, boxes: Boxes, reference: tuple[float, float] | None = None, first: bool = False
    ) -> Tensor:
        """`reference` is the (width, height) at whose scale a map is made; without it boxes are cut in crops.

        `first`: the first frame's boxes, read from maps of several scales and offsets.
        """
        places = torch.from_numpy(boxes).to(image.device)
        if self.mode == "crops" or reference is None or not len(boxes):
            return self.crops(image, places)
        if first:
            return self._first(image, boxes, reference)
        return self._of(image, places, scene_of(boxes, reference), LARGEST)

    def _first(self, image: Tensor, boxes: Boxes, reference: tuple[float, float]) -> Tensor:
        """Each box from a map of its own scale, at one of the offsets; in crops where these have fewer pixels."""
        keys, key = np.unique(_scales(boxes, reference) * PHASES + np.arange(len(boxes)) % PHASES, return_inverse=True)
        parts = [np.flatnonzero(key == index) for index in range(len(keys))]
        maps = []
        for number, rows in zip(keys.tolist(), parts, strict=True):
            scale, some = round(2.0 ** (number // PHASES * OCTAVES), 6), boxes[rows]
            scene = scene_of(some, (reference[0] * scale, reference[1] * scale), number % PHASES)
            most = min(LARGEST, len(rows) * SIZE * SIZE)
            maps.append(self._of(image, torch.from_numpy(some).to(image.device), scene, most))
        return torch.cat(maps)[torch.from_numpy(np.argsort(np.concatenate(parts))).to(image.device)]

    def _of(self, image: Tensor, boxes: Tensor, scene: Scene, most: int) -> Tensor:
        """Features of boxes by their scene's map, or in crops where the scene has more than `most` pixels."""
        start, step, shape = scene
        return self.crops(image, boxes) if shape[0] * shape[1] > most else self.shared(image, boxes, start, step, shape)

    def crops(self, image: Tensor, boxes: Tensor) -> Tensor:
        """Every box's crop through the network. Raises an error `out_of_memory` where LEAST at a time are too many."""

        @torch.inference_mode()
        def features(part: Tensor) -> Tensor:
            result: Tensor = self.vggm(crop_regions(image, part, SIZE, PADDING, self.fill))
            return result

        if not exactness.whole(image.device):
            return torch.cat(exactness.spread(features, torch.split(boxes, max(1, CHUNK // torch.get_num_threads()))))
        while True:
            try:
                parts = [features(part) for part in torch.split(boxes, self.most)]
                return parts[0] if len(parts) == 1 else torch.cat(parts)
            except RuntimeError as error:
                if self.most <= LEAST or not exactness.out_of_memory(error):
                    raise
            self._fewer(len(boxes))  # when the error, which holds what was computed, is gone

    def _fewer(self, count: int) -> None:
        """Take half as many of so many crops at a time from now on, and say so: sums may come out in another order."""
        self.most = max(LEAST, min(self.most, count) // 2)
        torch.cuda.empty_cache()
        print(f"dat: out of memory; {self.most} candidates at a time from here on", file=sys.stderr, flush=True)

    @torch.inference_mode()
    def shared(
        self,
        image: Tensor,
        boxes: Tensor,
        start: tuple[float, float],
        step: tuple[float, float],
        shape: tuple[int, int],
    ) -> Tensor:
        """The scene once through the network, each box's cells read from its map."""
        cells = self.map(crop_scene(image, start, step, shape, self.fill))  # (1, C, h, w)
        grid = cell_grid(boxes, start, step, (cells.shape[2], cells.shape[3]))
        sampled = F.grid_sample(cells, grid, padding_mode="border", align_corners=True)  # (1, C, 3 N, 3)
        return sampled[0].view(-1, len(boxes), CELLS, CELLS).transpose(0, 1).flatten(1)

    def map(self, scene: Tensor) -> Tensor:
        """(1, 3, h, w) minus 128 to what crops at every eighth pixel give: (1, C, (h - 75) / 8 + 1, ...)."""
        network = self.vggm
        x = activate(network.conv1(scene), network.normalisation)
        x = F.max_pool2d(x, 3, 2)
        x = activate(network.conv2(x), network.normalisation)
        x = F.max_pool2d(x, 3, 1)
        last = network.conv3
        return F.relu(F.conv2d(x, last.weight, last.bias, dilation=2), inplace=True)


def _scales(boxes: Boxes, reference: tuple[float, float]) -> NDArray[np.int64]:
    """How many steps of OCTAVES each box (N, 4) is larger than the reference: (N,)."""
    areas = boxes[:, 2].astype(np.float64) * boxes[:, 3] / (reference[0] * reference[1])
    return np.round(np.log2(areas) / (2 * OCTAVES)).astype(np.int64)


def scene_of(boxes: Boxes, reference: tuple[float, float], shift: int = 0) -> Scene:
    """The scene that holds all boxes with their context: its start, its pixels' step, and its (height, width).

    `reference`, a box's (width, height), fills a crop's pixels exactly, so its step is a crop's. The start is moved
    back by `shift` pixels across and, modulo the map's step, three times as many down.
    """
    half = boxes[:, 2:] * (CONTEXT / 2)
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    low, high = (middle - half).min(0), (middle + half).max(0)
    step = (reference[0] * CONTEXT / SIZE, reference[1] * CONTEXT / SIZE)
    wide, tall = (-(-int((high[i] - low[i]) / step[i] + STRIDE) // ROUND) * ROUND + ROUND for i in (0, 1))
    across, down = shift % STRIDE, 3 * shift % STRIDE
    return (float(low[0]) - across * step[0], float(low[1]) - down * step[1]), step, (tall, wide)


def cell_grid(boxes: Tensor, start: tuple[float, float], step: tuple[float, float], shape: tuple[int, int]) -> Tensor:
    """Where in a map of `shape` (h, w) the 3 x 3 cells of each box lie, as `grid_sample` counts: (1, 3 N, 3, 2)."""
    origin = boxes.new_tensor(start)
    pixel = boxes.new_tensor(step)
    scale = boxes[:, 2:] * (CONTEXT / SIZE) / pixel  # a crop's pixel in the scene's pixels
    first = (boxes[:, :2] + boxes[:, 2:] / 2 - origin) / pixel - scale * (SIZE / 2)
    cells = torch.arange(CELLS, dtype=boxes.dtype, device=boxes.device) * (2 * STRIDE) + MIDDLE
    index = (first[:, None] + scale[:, None] * cells[:, None] - MIDDLE) / STRIDE  # (N, 3, 2), x and y
    limits = boxes.new_tensor([shape[1] - 1, shape[0] - 1]).clamp(min=1)
    index = 2 * index / limits - 1
    count = len(boxes)
    x = index[:, None, :, 0].expand(count, CELLS, CELLS)
    y = index[:, :, None, 1].expand(count, CELLS, CELLS)
    return torch.stack([x, y], dim=-1).reshape(1, count * CELLS, CELLS, 2)
