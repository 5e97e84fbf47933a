"""The convolutional encoder over the words of a sentence [R37]."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dat.models.layers import initialise
from dat.models.vocabulary import PAD, UNKNOWN


class SentenceNet(nn.Module):
    """Word numbers (B,16) -> (B,16,channels): an embedding and `layers` 1-D convolutions, ReLU between."""

    def __init__(
        self,
        vocabulary: int,
        channels: int = 512,
        kernel: int = 3,
        layers: int = 3,
        init: str = "default",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, channels, padding_idx=PAD)
        self.layers = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in range(layers))
        initialise(self, init, generator or torch.Generator().manual_seed(0))

    @property
    def channels(self) -> int:
        """Values a word becomes: 512 at the paper's setting."""
        return self.embedding.embedding_dim

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens).mT  # (B,512,16)
        for i, layer in enumerate(self.layers):
            x = layer(x) if i == len(self.layers) - 1 else F.relu(layer(x))
        out: Tensor = x.mT
        return out  # (B,16,512)


def anchor(encoded: Tensor, tokens: Tensor, kind: str = "mean") -> Tensor:
    """One vector a sentence, over its real words' columns [R9]: (B,16,512), (B,16) -> (B,512).

    mean, max, or rectified: the mean of the values above 0, by which the language stage tells a sentence's class. A
    sentence without words gives 0.
    """
    real = (tokens != PAD)[:, :, None]  # (B,16,1)
    if kind == "max":
        return torch.where(real.any(1), encoded.masked_fill(~real, -torch.inf).amax(1), 0)
    if kind in ("mean", "rectified"):
        values = encoded if kind == "mean" else F.relu(encoded)
        return torch.where(real, values, 0).sum(1) / real.sum(1).clamp_min(1)
    raise ValueError(f"salnet_training.anchor is {kind!r}; expected mean, max or rectified")


def drop_words(tokens: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Tokens (B,16) with this share of the words made unknown."""
    dropped = torch.from_numpy(rng.random(tokens.shape) < share).to(tokens.device)
    return torch.where(dropped & (tokens != PAD), UNKNOWN, tokens)
