"""Pieces that every network uses: widths, initialisation from an explicit generator, dropout that can be replayed."""

import math
from typing import get_args

import torch
from torch import Tensor, nn

from dat.base.sections import Init

INITS = get_args(Init)


def scaled(channels: int, width: float) -> int:
    """Channels of a layer that has `channels` at width 1: rounded, and never under 4."""
    return channels if width == 1 else max(4, round(channels * width))


def initialise(module: nn.Module, kind: str, generator: torch.Generator) -> None:
    """Fill every convolution and linear layer of `module` from `generator`; biases are 0.

    `orthogonal` and `normal` both give weights of standard deviation sqrt(2 / fan-in) [R40]; `mdnet` is
    N(0, .01) with bias .1 for linear layers; `default` is torch's uniform in +-1/sqrt(fan-in), biases too.
    """
    if kind not in INITS:
        raise ValueError(f"network.init is {kind!r}; expected one of {', '.join(INITS)}")
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            _fill(layer, kind, generator)
        elif isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight, generator=generator)
            if layer.padding_idx is not None:
                with torch.no_grad():
                    layer.weight[layer.padding_idx].zero_()


def _fill(layer: nn.Conv1d | nn.Conv2d | nn.Linear, kind: str, generator: torch.Generator) -> None:
    weight, bias = layer.weight, layer.bias
    fan_in = weight[0].numel()
    if kind == "orthogonal":
        # A tall matrix has orthonormal columns, hence rows shorter than 1: the gain makes up for it.
        nn.init.orthogonal_(weight, gain=math.sqrt(2 * max(1.0, weight.shape[0] / fan_in)), generator=generator)
    elif kind == "normal" or (kind == "mdnet" and not isinstance(layer, nn.Linear)):
        nn.init.normal_(weight, std=math.sqrt(2 / fan_in), generator=generator)
    elif kind == "mdnet":
        nn.init.normal_(weight, std=0.01, generator=generator)
    else:
        nn.init.uniform_(weight, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in), generator=generator)
    if bias is not None:
        _fill_bias(layer, bias, kind, fan_in, generator)


def _fill_bias(layer: nn.Module, bias: Tensor, kind: str, fan_in: int, generator: torch.Generator) -> None:
    if kind == "default":
        nn.init.uniform_(bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in), generator=generator)
    else:
        nn.init.constant_(bias, 0.1 if kind == "mdnet" and isinstance(layer, nn.Linear) else 0.0)


class Dropout(nn.Module):
    """Dropout with probability `p` whose mask comes from `self.generator`, so that a step can be replayed.

    The generator is set by who trains; without one, or when not training, or with p = 0, the input is returned.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0 or self.generator is None:
            return x
        keep = torch.empty(x.shape, dtype=x.dtype, device=self.generator.device)  # drawn where the generator lives
        keep = keep.bernoulli_(1 - self.p, generator=self.generator).to(x.device)
        return x * keep / (1 - self.p)


def set_generator(module: nn.Module, generator: torch.Generator | None) -> None:
    """Give every `Dropout` below `module` the generator it draws from."""
    for layer in module.modules():
        if isinstance(layer, Dropout):
            layer.generator = generator
