"""GPGNet: from a whole frame, the target's picture and the sentence to a map of where the target may be."""

import itertools
import math
from collections.abc import Sequence
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dat.base import sections
from dat.base.errors import InputError
from dat.models.layers import initialise, scaled
from dat.models.sentence import SentenceNet
from dat.models.vocabulary import PAD

INPUTS = get_args(sections.Input)
PRIOR = 0.04  # about the share of a frame that a target covers
CHANNELS = (64, 128, 256, 512)  # of VGG's first four blocks
CONVOLUTIONS = {"vgg11": (1, 1, 2, 2), "vgg13": (2, 2, 2, 2), "vgg16": (2, 2, 3, 3), "vgg19": (2, 2, 4, 4)}
"""Of each block [R15]: through conv4_3 for VGG-16."""


def _block(channels: Sequence[int]) -> nn.Sequential:
    """3x3 convolutions, ReLU after each."""
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(channels):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class Encoder(nn.Module):
    """VGG through the fourth block and its pooling: (B,3,H,W) in 0..255 RGB -> (B, 512 * width, H/16, W/16)."""

    def __init__(self, width: float, kind: str = "vgg16") -> None:
        super().__init__()
        sizes = [3] + [scaled(c, width) for c in CHANNELS]
        self.blocks = nn.ModuleList(
            _block([a] + [b] * n) for (a, b), n in zip(itertools.pairwise(sizes), CONVOLUTIONS[kind], strict=True)
        )
        self.register_buffer("mean", torch.tensor([123.675, 116.28, 103.53]), persistent=False)
        self.register_buffer("scale", torch.tensor([58.395, 57.12, 57.375]), persistent=False)
        self.mean: Tensor
        self.scale: Tensor

    def forward(self, image: Tensor) -> Tensor:
        x = (image - self.mean[:, None, None]) / self.scale[:, None, None]  # ImageNet's, as torchvision's VGG-16 wants
        x = x.contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = F.max_pool2d(block(x), 2)  # a quarter of the pixels each time
        return x


class Decoder(nn.Module):
    """The encoder mirrored: (B,C,H/16,W/16) -> (B,1,H,W) logits; `channels` C is that of the inputs that are there."""

    def __init__(self, channels: int, width: float, kind: str = "vgg16") -> None:
        super().__init__()
        sizes = [channels] + [scaled(c, width) for c in reversed(CHANNELS)]
        counts = reversed(CONVOLUTIONS[kind])
        self.blocks = nn.ModuleList(
            _block([a] + [b] * n) for (a, b), n in zip(itertools.pairwise(sizes), counts, strict=True)
        )
        self.head = nn.Conv2d(sizes[-1], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(F.interpolate(x, scale_factor=2, mode="nearest"))
        out: Tensor = self.head(x)
        return out


class GPGNet(nn.Module):
    """Attention logits (B,1,H,W) for frames (B,3,H,W) in 0..255; H and W multiples of 16 (192 x 256 in the paper).

    `inputs` says which of target and language the network has; the others are absent, and the decoder's first layer
    is that much narrower [R18]; `encoder` says which VGG it is [R15], `decoder_init` how the decoder starts (as the
    rest without). With `repeat` a sentence shorter than 16 words
    fills its columns again and again, so that every part of the frame is told; without, padding fills them, as the
    paper has it. A tracker calls `encode_patch` and `encode_sentence` once and `attend` a frame.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        network: sections.NetworkSettings,
        language: sections.Language | None = None,
        vocabulary: int = 0,
        shared_encoder: bool = True,
        repeat: bool = False,
        generator: torch.Generator | None = None,
        encoder: str = "vgg16",
        decoder_init: str | None = None,
    ) -> None:
        super().__init__()
        if not inputs or set(inputs) - set(INPUTS):
            raise InputError(f"gpgnet inputs are {list(inputs)}; expected target, language or both")
        self.inputs = tuple(name for name in INPUTS if name in inputs)
        generator = generator or torch.Generator().manual_seed(0)
        self.repeat, self.standardise = repeat, network.standardise
        self.encoder = Encoder(network.width, encoder)
        apart = "target" in inputs and not shared_encoder  # [R16]
        self.patch_encoder = Encoder(network.width, encoder) if apart else None
        visual = scaled(512, network.width)
        channels = visual * (2 if "target" in inputs else 1)
        self.sentence: SentenceNet | None = None
        if "language" in inputs:
            if language is None or vocabulary < 2:
                raise InputError("a GPGNet with language needs the section language and a vocabulary")
            self.sentence = SentenceNet(vocabulary, language.channels, language.kernel, language.layers)
            channels += language.channels
        self.decoder = Decoder(channels, network.width, encoder)
        for name, part in self.named_children():
            kind = decoder_init if name == "decoder" else None
            initialise(part, kind or network.init, generator)
        bias = self.decoder.head.bias
        assert bias is not None
        nn.init.constant_(bias, math.log(PRIOR / (1 - PRIOR)))

    def encode_patch(self, patch: Tensor) -> Tensor:
        """(B,3,H,W) target patches -> (B, 512 * width, H/16, W/16)."""
        encoder = self.encoder if self.patch_encoder is None else self.patch_encoder
        out: Tensor = encoder(patch)
        return standardised(out, (1, 2, 3)) if self.standardise else out

    def encode_sentence(self, tokens: Tensor) -> Tensor:
        """(B,16) word numbers -> (B,16,channels)."""
        if self.sentence is None:
            raise InputError("this GPGNet has no language input")
        out: Tensor = self.sentence(tokens)
        out = repeated(out, tokens) if self.repeat else out
        return standardised(out, (1, 2)) if self.standardise else out

    def attend(self, frame: Tensor, patch: Tensor | None = None, sentence: Tensor | None = None) -> Tensor:
        """Frames and the encoded patch and sentence (of B or of one) -> (B,1,H,W) logits."""
        x = self.encoder(frame)  # (B,512,h,w)
        if self.standardise:
            x = standardised(x, (2, 3))
        parts = [x]
        if "target" in self.inputs:
            parts.append(_given(patch, "target").expand(x.shape[0], -1, -1, -1))
        if "language" in self.inputs:
            parts.append(_columns(_given(sentence, "language"), x))
        out: Tensor = self.decoder(torch.cat(parts, 1))  # 1536 channels in the paper's joint version
        return out

    def forward(self, frame: Tensor, patch: Tensor | None = None, sentence: Tensor | None = None) -> Tensor:
        encoded_patch = None if "target" not in self.inputs else self.encode_patch(_given(patch, "target"))
        encoded = None if "language" not in self.inputs else self.encode_sentence(_given(sentence, "language"))
        return self.attend(frame, encoded_patch, encoded)


def repeated(encoded: Tensor, tokens: Tensor) -> Tensor:
    """(B,16,c) with the columns of each sentence's real words (tokens (B,16)) repeated over the padding."""
    length = (tokens != PAD).sum(1, keepdim=True).clamp_min(1)  # (B,1)
    place = torch.arange(tokens.shape[1], device=tokens.device) % length  # (B,16)
    return encoded.gather(1, place[:, :, None].expand_as(encoded))


def standardised(x: Tensor, over: tuple[int, ...]) -> Tensor:
    """Values less their mean, over their standard deviation along `over`; where all are alike, 0."""
    variance, mean = torch.var_mean(x, over, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(variance + 1e-5)


def _given(value: Tensor | None, name: str) -> Tensor:
    if value is None:
        raise InputError(f"this GPGNet needs the input {name!r}")
    return value


def _columns(encoded: Tensor, like: Tensor) -> Tensor:
    """(B,16,c), word by word along the width and repeated along the height: (B,c,h,w) of `like`'s h, w.

    At the paper's size w is 16, a word a column; where it is not, neighbouring words are averaged.
    """
    b, _, h, w = like.shape
    x = encoded.mT  # (B,c,16)
    if x.shape[-1] != w:
        x = F.adaptive_avg_pool1d(x, w)
    return x[:, :, None, :].expand(b, -1, h, w)
