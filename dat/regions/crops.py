"""Cutting many regions of one image in one batched call, on the device that the image is on."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

GREY = 128.0
SIZE, PADDING = 107, 16
"""A crop's side and, of that, the context around a box on either side: MDNet's, which its network needs, in pixels."""


def crop_regions(
    image: Tensor,
    boxes: Tensor,
    size: int = SIZE,
    padding: int = PADDING,
    fill: float | tuple[float, float, float] = GREY,
) -> Tensor:
    """Regions of `image` (3, H, W; 0 to 255) around `boxes` (N, 4; x, y, w, h in pixels), minus 128.

    Returns (N, 3, size, size) float32 in channels-last memory. A box with its share of context, so that it fills
    size - 2 * padding * size / (size + 2 * padding) pixels, is stretched to size x size; its aspect is not kept.
    Bilinear; what lies outside the image counts as `fill`, one number or one a channel [R33].
    """
    count = len(boxes)
    if count == 0:
        return torch.empty(0, 3, size, size, device=image.device, memory_format=torch.channels_last)
    grid = sampling_grid(boxes.to(image.device, torch.float32), image.shape[1:], size, padding)
    scene = image.float() - _level(fill, image.device)  # so that the zeros outside are the fill
    rows = F.grid_sample(scene[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    crops = rows.view(3, count, size, size).permute(1, 0, 2, 3).contiguous(memory_format=torch.channels_last)
    return _shifted(crops, fill)


def _level(fill: float | tuple[float, float, float], device: torch.device) -> float | Tensor:
    """What counts as 0 outside of an image (3, H, W): a number, or one a channel, (3, 1, 1)."""
    return fill if isinstance(fill, float | int) else torch.tensor(fill, device=device)[:, None, None]


def _shifted(cut: Tensor, fill: float | tuple[float, float, float]) -> Tensor:
    """What was cut of an image minus the fill (N, 3, H, W), minus 128."""
    return cut if fill in (GREY, (GREY,) * 3) else cut + (_level(fill, cut.device) - GREY)


def sampling_grid(boxes: Tensor, shape: torch.Size | tuple[int, int], size: int, padding: int) -> Tensor:
    """Where each crop's pixels lie in an image of `shape` (H, W), as `grid_sample` counts: (1, N * size, size, 2).

    Pixel u of a crop is at (u - size / 2) * W / size + cx in the image, W the box's width with its context.
    """
    steps = torch.arange(-size / 2, size / 2, device=boxes.device)  # (size,), whole pixels from the middle
    spans = boxes[:, 2:] * ((1 + 2 * padding / size) / size)
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    places = steps * spans[:, :, None] + centres[:, :, None]  # (N, 2, size), x and y
    sides = boxes.new_tensor(shape[::-1])[:, None]
    x, y = ((2 * places + 1) / sides - 1).unbind(1)  # (N, size) each
    count = len(boxes)
    pairs = (x[:, None, :].expand(count, size, size), y[:, :, None].expand(count, size, size))
    return torch.stack(pairs, dim=-1).view(1, count * size, size, 2)


def crop_scene(
    image: Tensor,
    start: tuple[float, float],
    step: tuple[float, float],
    shape: tuple[int, int],
    fill: float | tuple[float, float, float] = GREY,
) -> Tensor:
    """One resampled part of `image` (3, H, W), minus 128: (1, 3, h, w) of `shape`, channels-last.

    Pixel (u, v) lies at start + step * (u, v) in the image: crops of boxes whose side is `step` * size / context are
    windows of it.
    """
    high, wide = image.shape[1:]
    x = torch.arange(shape[1], dtype=torch.float32, device=image.device) * step[0] + start[0]
    y = torch.arange(shape[0], dtype=torch.float32, device=image.device) * step[1] + start[1]
    x, y = (2 * x + 1) / wide - 1, (2 * y + 1) / high - 1
    grid = torch.stack([x.expand(shape), y[:, None].expand(shape)], dim=-1)
    scene = image.float() - _level(fill, image.device)
    cut = F.grid_sample(scene[None], grid[None], padding_mode="zeros", align_corners=False)
    return _shifted(cut, fill).contiguous(memory_format=torch.channels_last)
