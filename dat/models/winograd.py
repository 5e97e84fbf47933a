"""Convolutions in fewer multiplications (Winograd's), for inference on a CPU, where products take the time.

A stride of s splits the image into s x s phases, every s-th row and column, and the kernel with it: together a
convolution with stride 1 of s x s times the channels and of at most ceil(k / s) taps a side. A tile of m outputs then
comes from m + r - 1 products a side, r being those taps, instead of m * r. At the last point, infinity, only a kernel's
last tap counts: phases that lack it are left out there. VGG-M's second convolution (5 x 5, stride 2, F(4, 3)) takes 54
million multiplications and additions an image instead of 149, its third (3 x 3, F(3, 3)) 7 instead of 21. Results
differ from the plain convolution's by rounding, less than 1e-5 of the largest.
"""

from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from numpy.polynomial import polynomial
from numpy.typing import NDArray
from torch import Tensor, nn

from dat.models.arithmetic import product as multiply

TILES = 288
"""Tiles at a time: few enough that what is between the steps stays in the processor's cache."""
LEAST = 48
"""Input channels from which on it pays."""
POINTS = (0, 1, -1, 2, -2)
"""Where the polynomials are evaluated, besides infinity: small numbers, since rounding grows with their powers."""
OUTPUTS = {(5, 2): 4, (3, 1): 3}
"""Outputs a tile and side, by the kernel's side and its stride: 11 and 3 outputs a side are three tiles and one."""

Array = NDArray[np.float64]


def matrices(outputs: int, taps: int) -> tuple[Array, Array, Array]:
    """F(m, r) of m `outputs` and r `taps`: input (n,n), kernel (n,r) and output (m,n), n = m + r - 1, infinity last.

    y = output @ ((kernel @ g) * (input @ d)) has y_i = sum over j of g_j d_(i+j). (Winograd, Arithmetic complexity of
    computations, 1980; Lavin and Gray, Fast algorithms for convolutional neural networks, 2015.)
    """
    points = np.array(POINTS[: outputs + taps - 2], dtype=np.float64)
    rest = [np.delete(points, i) for i in range(len(points))]
    scale = np.array([np.prod(a - others) for a, others in zip(points, rest, strict=True)])
    last = np.eye(len(points) + 1)[-1:]
    into = np.zeros((len(points) + 1, len(points) + 1))
    into[:-1, :-1] = [polynomial.polyfromroots(others) for others in rest]
    into[-1] = polynomial.polyfromroots(points)
    kernel = np.vstack([np.vander(points, taps, increasing=True) / scale[:, None], last[:, -taps:]])
    out = np.vstack([np.vander(points, outputs, increasing=True), last[0, -outputs:]]).T
    return into, kernel, out


def suits(layer: nn.Conv2d, device: torch.device) -> bool:
    """Whether a layer is such a convolution, on a CPU and wide enough for this to be the faster way."""
    (side, other), (stride, _) = layer.kernel_size, layer.stride
    known = side == other and layer.stride == (stride, stride) and (side, stride) in OUTPUTS
    plain = layer.padding == (0, 0) and layer.dilation == (1, 1) and layer.groups == 1
    return device.type == "cpu" and known and plain and layer.in_channels >= LEAST


class Winograd(nn.Module):
    """A frozen layer's convolution: (N,C,H,W) -> (N,O,(H-k)//s+1,(W-k)//s+1), both channels-last."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.side, self.stride = layer.kernel_size[0], layer.stride[0]
        self.tile = OUTPUTS[self.side, self.stride]
        taps = -(-self.side // self.stride)
        self.reach = self.tile + taps - 1  # inputs of a phase, and products, a side
        into, kernel, out = matrices(self.tile, taps)
        groups = self._groups(full=self.side - self.stride * (taps - 1))
        order = [point for points in groups.values() for point in points]
        self.input = torch.from_numpy(np.kron(into, into)[order]).float()  # (products, reach * reach)
        self.output = torch.from_numpy(np.kron(out, out)[:, order]).float()  # (tile * tile, products)
        weight = F.pad(layer.weight.detach().double(), (0, self.stride * taps - self.side) * 2)
        phases = weight.view(*weight.shape[:2], taps, self.stride, taps, self.stride)  # row stride * a + p, column b, q
        changed = np.einsum("xa,yb,ocapbq->xypqco", kernel, kernel, phases.cpu().numpy())
        changed = changed.reshape(self.reach**2, self.stride**2, *changed.shape[4:])  # (products,pq,C,O)
        self.kernels = [
            (list(phases), torch.from_numpy(changed[points][:, list(phases)]).flatten(1, 2).float().contiguous())
            for phases, points in groups.items()
        ]
        self.channels = len(layer.weight)
        self.bias = None if layer.bias is None else layer.bias.detach()

    def _groups(self, full: int) -> dict[tuple[int, ...], list[int]]:
        """Products by the phases that they need: away from infinity all, at it a side's first `full`."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for x, y in product(range(self.reach), repeat=2):
            p, q = (range(full if point == self.reach - 1 else self.stride) for point in (x, y))
            groups.setdefault(tuple(self.stride * i + j for i in p for j in q), []).append(self.reach * x + y)
        return groups

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        high, wide = (h - self.side) // self.stride + 1, (w - self.side) // self.stride + 1
        down, across = -(-high // self.tile), -(-wide // self.tile)
        out = x.new_empty(n, down * self.tile, across * self.tile, self.channels)
        step = max(1, TILES // (down * across))
        tall, broad = (self.stride * (self.tile * count + self.reach - self.tile) for count in (down, across))
        padded = x.new_zeros(min(step, n), tall, broad, c)
        for images, filled in zip(torch.split(x.permute(0, 2, 3, 1), step), torch.split(out, step), strict=True):
            first = padded[: len(images)]
            first[:, :h, :w] = images
            self._convolve(first, filled, down, across)
        if self.bias is not None:
            out += self.bias
        return out[:, :high, :wide].permute(0, 3, 1, 2)

    def _convolve(self, padded: Tensor, out: Tensor, down: int, across: int) -> None:
        """Fill (n, tile * down, tile * across, O) from (n, ..., ..., C)."""
        n, c, s = len(padded), padded.shape[3], self.stride
        image, row, column, _ = padded.stride()
        tiles = padded.as_strided(
            (self.reach, self.reach, n, down, across, s, s, c),
            (s * row, s * column, image, s * self.tile * row, s * self.tile * column, row, column, 1),
        ).reshape(self.reach**2, -1)
        changed = multiply(self.input, tiles).view(len(self.input), n * down * across, s * s * c)
        parts = torch.split(changed, [len(kernel) for _, kernel in self.kernels])
        products = []
        for part, (phases, kernel) in zip(parts, self.kernels, strict=True):
            if len(phases) < s * s:
                part = part.view(len(part), -1, s * s, c)[:, :, phases].flatten(2)
            products.append(multiply(part, kernel).flatten(1))  # (products, tiles * O)
        back = multiply(self.output, torch.cat(products)).view(self.tile, self.tile, n, down, across, -1)
        out.view(n, down, self.tile, across, self.tile, -1).copy_(back.permute(2, 3, 0, 4, 1, 5))
