"""VGG-M's first three convolutional layers, as MDNet uses them, with a response normalisation that is fast on a CPU."""

import functools
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dat.models import exactness
from dat.models.arithmetic import linear, product, square_root
from dat.models.layers import scaled

CHUNK = 1 << 19  # values normalised at a time on a CPU: a few of these fit the last-level cache


@dataclass(frozen=True)
class Normalisation:
    """y_c = x_c / (k + alpha * sum of x^2 over channels c - below to c + above) ^ 0.75."""

    below: int
    above: int
    k: float
    alpha: float

    def constants(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """For rows (M,C): (C,C), whose column c has alpha at the channels of c's window, and k (C,)."""
        return _constants(self, like.shape[1], like.dtype, like.device)


@functools.cache
def _constants(kind: Normalisation, channels: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False):  # a training needs them as well
        index = torch.arange(channels)
        offset = index[:, None] - index[None]  # row r, column c: r - c
        band = ((offset >= -kind.below) & (offset <= kind.above)).to(dtype) * kind.alpha
        return band.to(device), torch.full((channels,), kind.k, dtype=dtype, device=device)


NORMALISATIONS = {
    "vgg-m": Normalisation(below=2, above=2, k=2.0, alpha=1e-4),
    # py-MDNet v2: torch's LocalResponseNorm(2), which pads below and divides alpha by the window's 2 [R33]
    "v2": Normalisation(below=1, above=0, k=1.0, alpha=0.5e-4),
}


class _Normalise(torch.autograd.Function):
    """Rows (M,C) -> (M,C), by pieces that stay in the cache."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, band: Tensor, k: Tensor) -> Tensor:
        out, root = torch.empty_like(rows), torch.empty_like(rows)
        for x, y, r in _pieces(rows, out, root):
            torch.mul(x, x, out=y)
            torch.rsqrt(linear(y, band.T, k), out=r)  # s^-1/2
            torch.mul(x, square_root(r).mul_(r), out=y)  # x s^-3/4
        ctx.save_for_backward(rows, root, band)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        rows, root, band = ctx.saved_tensors
        gradient, out = gradients[0].contiguous(), torch.empty_like(rows)
        for x, r, g, y in _pieces(rows, root, gradient, out):
            p = square_root(r).mul_(r).mul_(g)  # g s^-3/4
            inner = (p * x).mul_(r).mul_(r)  # g x s^-7/4
            torch.addcmul(p, product(inner, band.T), x, value=-1.5, out=y)
        return out, None, None


def _pieces(*tensors: Tensor) -> Any:
    step = _piece(tensors[0])
    return zip(*(torch.split(t, step) for t in tensors), strict=True)


def _piece(rows: Tensor) -> int:
    """How many of the rows (M,C) are normalised at a time."""
    return max(1, len(rows) if exactness.whole(rows.device) else CHUNK // rows.shape[1])


def normalise(x: Tensor, kind: Normalisation) -> Tensor:
    """Local response normalisation across channels: (N,C,H,W) -> (N,C,H,W), channels-last."""
    n, c, h, w = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(-1, c)  # (N*H*W, C), a view when x is channels-last
    out: Tensor = _Normalise.apply(rows, *kind.constants(rows))
    return out.view(n, h, w, c).permute(0, 3, 1, 2)


def activate(x: Tensor, kind: Normalisation) -> Tensor:
    """ReLU, then response normalisation, of a layer's own output (N,C,H,W), channels-last, which is overwritten."""
    if x.requires_grad and torch.is_grad_enabled():
        return normalise(F.relu(x, inplace=True), kind)
    rows = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    if exactness.whole(x.device):
        band, k = kind.constants(rows)
        rows.clamp_(min=0).mul_(linear(rows * rows, band.T, k).pow_(-0.75))  # five launches of kernels
    else:
        _activate_pieces(rows, kind)
    return rows.view(x.shape[0], *x.shape[2:], x.shape[1]).permute(0, 3, 1, 2)


def _activate_pieces(rows: Tensor, kind: Normalisation) -> None:
    """ReLU and response normalisation of rows (M,C) in place, by pieces that stay in the cache."""
    piece = _piece(rows)
    k = rows.new_tensor(kind.k)
    total, root = rows.new_empty(2, piece, rows.shape[1])
    for part in torch.split(rows, piece):
        torch.clamp(part, min=0, out=part)
        _scale(part, total[: len(part)], root[: len(part)], k, kind)


def _scale(rows: Tensor, total: Tensor, root: Tensor, k: Tensor, kind: Normalisation) -> None:
    """Multiply rows (M,C) by s^-3/4, s being k + alpha times the squares in each channel's window, in few passes."""
    torch.addcmul(k, rows, rows, value=kind.alpha, out=total)
    for away in range(1, kind.below + 1):
        total[:, away:].addcmul_(rows[:, :-away], rows[:, :-away], value=kind.alpha)
    for away in range(1, kind.above + 1):
        total[:, :-away].addcmul_(rows[:, away:], rows[:, away:], value=kind.alpha)
    torch.rsqrt(total, out=root).rsqrt_()  # s^1/4; torch's own square root takes half as long again
    rows.mul_(root).div_(total)


class VGGM(nn.Module):
    """(N,3,107,107) crops minus 128, RGB -> (N, 3*3*512*width) features in C,H,W order (reference/mdnet.md 1.1)."""

    def __init__(self, width: float = 1.0, normalisation: str = "vgg-m") -> None:
        super().__init__()
        a, b, c = (scaled(n, width) for n in (96, 256, 512))
        self.conv1 = nn.Conv2d(3, a, 7, stride=2)
        self.conv2 = nn.Conv2d(a, b, 5, stride=2)
        self.conv3 = nn.Conv2d(b, c, 3)
        self.normalisation = NORMALISATIONS[normalisation]

    @property
    def features(self) -> int:
        """Values a crop of 107 x 107 becomes."""
        return 9 * self.conv3.out_channels

    def forward(self, crops: Tensor) -> Tensor:
        x = crops.contiguous(memory_format=torch.channels_last)
        x = activate(self.conv1(x), self.normalisation)  # (N,96,51,51)
        x = F.max_pool2d(x, 3, 2)  # (N,96,25,25)
        x = activate(self.conv2(x), self.normalisation)  # (N,256,11,11)
        x = F.max_pool2d(x, 3, 2)  # (N,256,5,5)
        x = F.relu(self.conv3(x), inplace=True)  # (N,512,3,3)
        return x.flatten(1)
