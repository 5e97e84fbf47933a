"""Products and square roots that come out the same on every x86-64 processor with AVX2.

PyTorch gives float32 products and square roots on a CPU to MKL, which picks its code, and with it the order of sums, by
the processor's maker. oneDNN picks by instruction set alone, sums along the inner dimension in one order whatever the
caches and the number of threads, and is as fast. On a GPU, in float64 and under autocast these are torch's own.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_onednn: Any = torch.ops.mkldnn._linear_pointwise


def square_root(x: Tensor) -> Tensor:
    """The square root of values of at least 0, of any shape."""
    return x.rsqrt().reciprocal()


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x (...,k) times weight (n,k) transposed, plus bias (n,): (...,n), with gradients."""
    if not _replaced(x, weight):
        return F.linear(x, weight, bias)
    rows = x.reshape(-1, x.shape[-1])
    out: Tensor = _Linear.apply(rows, weight, bias) if torch.is_grad_enabled() else _rows(rows, weight, bias)
    return out.view(*x.shape[:-1], -1)


def product(a: Tensor, b: Tensor) -> Tensor:
    """a (...,m,k) times b (...,k,n), or b (k,n) for all: (...,m,n), with gradients."""
    if b.dim() == 2:
        return linear(a, b.mT)
    if not _replaced(a, b):
        return a @ b
    pairs = zip(a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:]), strict=True)
    return torch.stack([linear(left, right.mT) for left, right in pairs]).view(*a.shape[:-1], b.shape[-1])


def _replaced(a: Tensor, b: Tensor) -> bool:
    """Whether torch would ask MKL: both float32 on a CPU. Of what is empty oneDNN makes nothing."""
    plain = a.dtype is b.dtype is torch.float32 and a.device.type == "cpu"
    return plain and not torch.is_autocast_enabled("cpu") and a.numel() > 0 and b.numel() > 0


def _rows(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x (m,k) times weight (n,k) transposed: (m,n). oneDNN reads either as it is or transposed, and nothing else."""
    if not (weight.is_contiguous() or weight.mT.is_contiguous()):
        weight = weight.contiguous()
    out: Tensor = _onednn(x.contiguous(), weight, bias, "none", [], "")
    return out


class _Linear(torch.autograd.Function):
    """`linear` of rows, (m,k), (n,k), (n,) -> (m,n)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _rows(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight), (gradient,) = ctx.saved_tensors, gradients
        to_x = _rows(gradient, weight.mT) if ctx.needs_input_grad[0] else None
        to_weight = _rows(gradient.mT, x.mT) if ctx.needs_input_grad[1] else None
        return to_x, to_weight, gradient.sum(0) if ctx.needs_input_grad[2] else None


class Linear(nn.Linear):
    """torch's linear layer by `linear`."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias)
