"""VGG-M's second convolution, 5 x 5 with stride 2, in fewer multiplications (Winograd's F(4 x 4, 3 x 3)).

A stride of 2 splits the image into four phases, even and odd rows and columns, and the kernel into four of at most
3 x 3, zeros at their ends: together a 3 x 3 convolution with stride 1 of four times the channels. 4 x 4 of its outputs
come from 36 products instead of 144 (for 100 taps of the kernel as it was). For inference on a CPU, where products take
the time; results differ from the plain convolution's by rounding, less than 1e-5 of the largest.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TILE, REACH, PRODUCTS = 4, 6, 36  # outputs a side, inputs of a phase a side, products of a tile
TILES = 144
"""Tiles at a time: few enough that what is between the steps stays in the processor's cache."""
LEAST = 48
"""Input channels from which on it pays."""

# Lavin and Gray, Fast algorithms for convolutional neural networks (2015): the points 0, 1, -1, 2, -2 and infinity
INPUT = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float64,
)
KERNEL = torch.tensor(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], dtype=torch.float64
).div(24)
OUTPUT = torch.tensor(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], dtype=torch.float64
)


def suits(layer: nn.Conv2d, device: torch.device) -> bool:
    """Whether a layer is such a convolution, on a CPU and wide enough for this to be the faster way."""
    shape = layer.kernel_size == (5, 5) and layer.stride == (2, 2) and layer.padding == (0, 0)
    return device.type == "cpu" and shape and layer.in_channels >= LEAST


class Strided(nn.Module):
    """A frozen layer's convolution: (N,C,H,W) -> (N,O,(H-5)//2+1,(W-5)//2+1), both channels-last."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        weight = F.pad(layer.weight.detach().double(), (0, 1, 0, 1))
        out, channels = weight.shape[:2]
        phases = weight.view(out, channels, 3, 2, 3, 2)  # row 2a + p, column 2b + q
        kernel = torch.einsum("xa,yb,ocapbq->xypqco", KERNEL, KERNEL, phases)
        self.kernel = kernel.reshape(PRODUCTS, 4 * channels, out).float().contiguous()
        self.bias = None if layer.bias is None else layer.bias.detach()
        self.input = torch.kron(INPUT, INPUT).float()  # (36,36)
        self.output = torch.kron(OUTPUT, OUTPUT).float()  # (16,36)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        high, wide = (h - 5) // 2 + 1, (w - 5) // 2 + 1
        down, across = -(-high // TILE), -(-wide // TILE)
        out = x.new_empty(n, down * TILE, across * TILE, self.kernel.shape[2])
        step = max(1, TILES // (down * across))
        padded = x.new_zeros(min(step, n), 8 * down + 4, 8 * across + 4, c)
        for images, filled in zip(torch.split(x.permute(0, 2, 3, 1), step), torch.split(out, step), strict=True):
            own = padded[: len(images)]
            own[:, :h, :w] = images
            self._convolve(own, filled, down, across)
        if self.bias is not None:
            out += self.bias
        return out[:, :high, :wide].permute(0, 3, 1, 2)

    def _convolve(self, padded: Tensor, out: Tensor, down: int, across: int) -> None:
        """Fill (n,4*down,4*across,O) from (n,8*down+4,8*across+4,C)."""
        n, c = len(padded), padded.shape[3]
        image, row, column, _ = padded.stride()
        tiles = padded.as_strided(
            (n, down, across, REACH, REACH, 2, 2, c),
            (image, 8 * row, 8 * column, 2 * row, 2 * column, row, column, 1),
        ).reshape(-1, PRODUCTS, 4 * c)
        count = len(tiles)
        changed = torch.bmm(self.input.expand(count, -1, -1), tiles)  # (tiles,36,4C)
        products = torch.bmm(changed.transpose(0, 1), self.kernel).view(PRODUCTS, -1)  # (36, tiles * O)
        found = (self.output @ products).view(TILE, TILE, n, down, across, -1)
        out.view(n, down, TILE, across, TILE, -1).copy_(found.permute(2, 3, 0, 4, 1, 5))
