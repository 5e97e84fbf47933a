"""Losses (4), (6) and (7) of SALNet, and the cross-entropy of GPGNet's maps."""

from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from dat.base.sections import Classification, Triplets

CLASSIFICATION, TRIPLETS = get_args(Classification), get_args(Triplets)


def as_float32(x: Tensor) -> Tensor:
    """What a network gave, in no less than float32: with `train.bf16` it comes in half of that."""
    return x.float() if x.dtype is torch.bfloat16 else x


def classification(scores: Tensor, labels: Tensor, kind: str = "softmax") -> Tensor:
    """(4) as a mean over samples [R8]: scores (N,2) of background and target, labels (N,) of 0 and 1.

    softmax: p is the softmax's target share; sigmoid: p is the target score's sigmoid alone. No samples give 0.
    """
    scores = as_float32(scores)
    if len(scores) == 0:
        return scores.sum()
    if kind == "softmax":
        return F.cross_entropy(scores, labels.long())
    if kind == "sigmoid":
        return F.binary_cross_entropy_with_logits(scores[:, 1], labels.to(scores.dtype))
    raise ValueError(f"salnet_training.loss is {kind!r}; expected one of {', '.join(CLASSIFICATION)}")


def triplet(
    anchor: Tensor, features: Tensor, labels: Tensor, margin: float = 1.0, kind: str = "all", normalise: bool = True
) -> Tensor:
    """(6): [|V - V_p|^2 - |V - V_n|^2 + margin]_+ over positive-negative pairs [R10].

    anchor V (d,), features (N,d), labels (N,). all: the mean over pairs; sum; hardest: the farthest positive with the
    nearest negative. `normalise` puts anchor and features on the unit sphere first [R9]. Without a positive or a
    negative there is no pair and the loss is 0.
    """
    anchor, features = as_float32(anchor), as_float32(features)
    if normalise:
        anchor, features = F.normalize(anchor, dim=-1), F.normalize(features, dim=-1)
    distance = (features - anchor).square().sum(-1)  # (N,)
    positive, negative = distance[labels == 1], distance[labels == 0]
    if len(positive) == 0 or len(negative) == 0:
        return distance.sum() * 0
    if kind == "hardest":
        return F.relu(positive.max() - negative.min() + margin)
    pairs = F.relu(positive[:, None] - negative[None] + margin)  # (P,N)
    if kind == "all":
        return pairs.mean()
    if kind == "sum":
        return pairs.sum()
    raise ValueError(f"salnet_training.triplets is {kind!r}; expected one of {', '.join(TRIPLETS)}")


def total(classified: Tensor, triplets: Tensor | None, weight: float) -> Tensor:
    """(7): L_c + lambda L_t; without a triplet loss, L_c."""
    return classified if triplets is None else classified + weight * triplets


def attention(logits: Tensor, masks: Tensor) -> Tensor:
    """GPGNet's loss: binary cross-entropy of (B,1,H,W) logits against masks of 0 and 1, a mean over pixels."""
    logits = as_float32(logits)
    return F.binary_cross_entropy_with_logits(logits, masks.to(logits.dtype))


def finite(loss: Tensor) -> bool:
    """Whether training may go on."""
    return bool(torch.isfinite(loss.detach()).all())
