"""Features of boxes: each box's crop through the convolutions (`crops`, the paper), or the search region once.

`shared` uses the same weights: the second pooling loses its stride and the third convolution is dilated instead, so
that the map holds, eight pixels apart, what a crop at that place would give. A box's 3 x 3 cells are read from it
bilinearly, at a spacing that goes with the box's size (RoIAlign).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dat.datasets.crops import crop_regions, crop_scene
from dat.datasets.sampling import Boxes
from dat.models.exactness import spread
from dat.models.salnet import SALNet
from dat.models.vggm import activate

CHUNK = 64
"""Crops that go through the convolutions at a time, over all threads: few enough for the processor's cache."""
SIZE, PADDING = 107, 16
CONTEXT = 1 + 2 * PADDING / SIZE
STRIDE, MIDDLE, CELLS = 8, 37, 3
"""The map's step in pixels, the middle of its first cell's field of view (75 pixels), and a box's cells a side."""
ROUND, LARGEST = 32, 2_000_000
"""Scenes are rounded up to so many pixels, so that few shapes occur; beyond the largest, boxes are cut in crops."""

Fill = float | tuple[float, float, float]


class Features:
    """Features (N, D) of boxes (N, 4) of an image (3, H, W) on the network's device."""

    def __init__(self, network: SALNet, mode: str, fill: Fill) -> None:
        self.plain, self.vggm, self.mode, self.fill = network.vggm, network.vggm.frozen(), mode, fill

    def __call__(self, image: Tensor, boxes: Boxes, reference: tuple[float, float] | None = None) -> Tensor:
        """`reference` is the (width, height) that a shared scene is looked at by; without it boxes are cut in crops."""
        places = torch.from_numpy(boxes).to(image.device)
        if self.mode == "shared" and reference is not None and len(boxes):
            start, step, shape = scene_of(boxes, reference)
            if shape[0] * shape[1] <= LARGEST:
                return self.shared(image, places, start, step, shape)
        return self.crops(image, places)

    def crops(self, image: Tensor, boxes: Tensor) -> Tensor:
        """Every box's crop through the network."""

        @torch.inference_mode()
        def features(part: Tensor) -> Tensor:
            found: Tensor = self.vggm(crop_regions(image, part, SIZE, PADDING, self.fill))
            return found

        if image.device.type != "cpu":
            return torch.cat([features(part) for part in torch.split(boxes, CHUNK)])
        return torch.cat(spread(features, torch.split(boxes, max(1, CHUNK // torch.get_num_threads()))))

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
        found = F.grid_sample(cells, grid, padding_mode="border", align_corners=True)  # (1, C, 3 N, 3)
        return found[0].view(-1, len(boxes), CELLS, CELLS).transpose(0, 1).flatten(1)

    def map(self, scene: Tensor) -> Tensor:
        """(1, 3, h, w) minus 128 to what crops at every eighth pixel give: (1, C, (h - 75) / 8 + 1, ...)."""
        network = self.vggm
        x = activate(network.conv1(scene), network.normalisation)
        x = F.max_pool2d(x, 3, 2)
        x = activate(network.conv2(x), network.normalisation)
        x = F.max_pool2d(x, 3, 1)
        last = self.plain.conv3
        return F.relu(F.conv2d(x, last.weight, last.bias, dilation=2), inplace=True)


def scene_of(
    boxes: Boxes, reference: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float], tuple[int, int]]:
    """The scene that holds all boxes with their context: its start, its pixels' step, and its (height, width).

    `reference`, a box's (width, height), fills a crop's pixels exactly, so its step is a crop's.
    """
    half = boxes[:, 2:] * (CONTEXT / 2)
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    low, high = (middle - half).min(0), (middle + half).max(0)
    step = (reference[0] * CONTEXT / SIZE, reference[1] * CONTEXT / SIZE)
    wide, tall = (-(-int((high[i] - low[i]) / step[i] + STRIDE) // ROUND) * ROUND + ROUND for i in (0, 1))
    return (float(low[0]), float(low[1])), step, (tall, wide)


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
