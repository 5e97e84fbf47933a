"""The sentence encoder learns what a picture encoder sees: of a video's sentence, each word's column and their mean
foretell the video's patch, as the encoder turns it into features. Attention networks then find both in the same terms.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dat.base.errors import InputError
from dat.base.sections import Grounding
from dat.models.gpgnet import Encoder, standardised
from dat.models.optimisers import Adam
from dat.models.sentence import SentenceNet, anchor, drop_words
from dat.models.vocabulary import PAD, Vocabulary
from dat.training import distributed, losses, runner
from dat.training.attention_data import AttentionData, dark
from dat.training.runner import Row

TOGETHER = 20
"""Patches that are encoded at a time."""
LEAST_SPREAD = 0.02
"""Of a feature over videos; features that are nearly the same for all are not blown up."""


@torch.no_grad()
def features(encoder: Encoder, patches: Tensor) -> Tensor:
    """Patches (V,3,H,W) in 0..255 -> (V,C): each channel's largest value, of maps as GPGNet's decoder is given them."""
    parts = [standardised(encoder(part), (1, 2, 3)).amax((2, 3)) for part in torch.split(patches, TOGETHER)]
    return torch.cat(parts)


@dataclass(frozen=True)
class VideoBatch:
    """The videos (B,) of a batch and their tokens (B,16)."""

    rows: NDArray[np.int64]
    tokens: Tensor


class GroundingTask:
    """Squared error of foretold features, Adam, the rate falling to 0."""

    lower = "encoder.*.sentence.batch"

    def __init__(
        self,
        module: SentenceNet,
        names: Sequence[str],
        tokens: Tensor,
        seen: Tensor,
        held_out: NDArray[np.bool_],
        settings: Grounding,
        seed: int,
    ) -> None:
        """For videos by `names` their `tokens` (V,16), features `seen` (V,C) and which are `held_out` (V,)."""
        self.module, self.names, self.tokens, self.settings, self.seed = module, names, tokens, settings, seed
        self.rows, self.held_out = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        spread, mean = torch.std_mean(seen[self.rows], 0, correction=0)
        self.seen = (seen - mean) / spread.clamp_min(LEAST_SPREAD)
        self.optimiser = Adam(module.parameters(), lr=settings.rate)
        self.steps = settings.steps
        self.every = -(-settings.steps // 10)

    def batch(self, step: int) -> VideoBatch:
        rng = np.random.default_rng([self.seed, 9, step])
        rows = rng.choice(self.rows, min(self.settings.batch, len(self.rows)), replace=False)
        return VideoBatch(rows, drop_words(self.tokens[rows], self.settings.dropout, rng))

    def loss(self, batch: VideoBatch) -> dict[str, Tensor]:
        sentences = self.module(batch.tokens[distributed.computed(len(batch.rows))])
        sentences = losses.as_float32(distributed.gather(sentences, len(batch.rows)))  # (B,16,C)
        wanted, real = self.seen[batch.rows], batch.tokens != PAD
        columns = (sentences - wanted[:, None]).square()[real].mean()
        return {"loss": (columns + (anchor(sentences, batch.tokens) - wanted).square().mean()) / 2}

    def rate(self, step: int) -> float:
        return runner.decayed(step, self.steps, "cosine")

    def samples(self, batch: VideoBatch) -> list[str]:
        return [self.names[i] for i in batch.rows]

    def validate(self) -> Row:
        """The share of held-out features' variance that is foretold: 1 at best, 0 for foretelling the mean."""
        if len(self.held_out) == 0:
            return {}
        tokens, wanted = self.tokens[self.held_out], self.seen[self.held_out]
        missed = (anchor(self.module(tokens), tokens) - wanted).double().square().sum()
        return {"held_out_foretold": float(1 - missed / wanted.double().square().sum().clamp_min(1e-12))}


def prepare(
    data: AttentionData,
    vocabulary: Vocabulary,
    held_out: set[str],
    encoder: Encoder,
    sentence: SentenceNet,
    settings: Grounding,
    seed: int,
) -> GroundingTask:
    """The task for the videos with a sentence and a patch that is not dark.

    Raises InputError when none of them is left, and when pictures and sentences have features of different number.
    """
    first = {data.sequence(i): i for i in reversed(data.usable) if data.sentence(i).strip()}
    names = sorted(name for name, i in first.items() if not dark(data.patch_pixels(i)))
    if held_out.issuperset(names):
        raise InputError("encoder: no video that is not held out has a sentence and a patch that is not dark")
    place = next(encoder.parameters()).device
    patches = torch.from_numpy(np.stack([data.patch_pixels(first[name]) for name in names])).permute(0, 3, 1, 2)
    tokens = torch.stack([vocabulary.tokens(data.sentence(first[name])) for name in names]).to(place)
    seen = features(encoder, patches.to(place).float())
    if seen.shape[1] != sentence.channels:
        raise InputError(
            f"encoder: pictures have {seen.shape[1]} features, sentences {sentence.channels}; "
            "make language.channels 512 times network.width"
        )
    out = np.array([name in held_out for name in names])
    return GroundingTask(sentence, names, tokens, seen, out, settings, seed)
