"""Box regression: a ridge from a candidate's features to the target's box, learnt once in the first frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from dat.models.arithmetic import product

OVERLAP = (0.6, 1.0)
AREA = (1.0, 2.0)


def ridge(features: Tensor, targets: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Ridge regression with a free intercept: features (N, D), targets (N, K) to weights (D, K) and intercept (K,).

    Minimises |Y - X W - b|^2 + alpha |W|^2; solved in the samples when there are fewer of them than features.
    """
    x, y = features.double(), targets.double()
    centre_x, centre_y = x.mean(0), y.mean(0)
    x, y = x - centre_x, y - centre_y
    count, width = x.shape
    few = count < width
    gram = product(x, x.T) if few else product(x.T, x)
    gram.diagonal().add_(alpha)
    factor = torch.linalg.cholesky(gram)
    right = y if few else product(x.T, y)
    solved = torch.cholesky_solve(right, factor)
    weights = product(x.T, solved) if few else solved
    return weights.to(features.dtype), (centre_y - product(centre_x[None], weights)[0]).to(features.dtype)


def to_offsets(boxes: Tensor, target: Tensor) -> Tensor:
    """What turns each box (N, 4) into the target (4,): (dx / w, dy / h, ln(W / w), ln(H / h))."""
    shift = (target[:2] + target[2:] / 2 - boxes[:, :2] - boxes[:, 2:] / 2) / boxes[:, 2:]
    return torch.cat([shift, torch.log(target[2:] / boxes[:, 2:])], dim=1)


def from_offsets(boxes: Tensor, offsets: Tensor) -> Tensor:
    """The boxes that offsets (N, 4) turn boxes (N, 4) into."""
    sides = boxes[:, 2:] * offsets[:, 2:].clamp(-2, 2).exp()
    centres = boxes[:, :2] + boxes[:, 2:] / 2 + offsets[:, :2] * boxes[:, 2:]
    return torch.cat([centres - sides / 2, sides], dim=1)


def overlaps(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union, row by row, of boxes (N, 4) on their device: (N,)."""
    sides = torch.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])
    shared = sides.clamp(min=0).prod(1)
    return shared / (a[:, 2:].prod(1) + b[:, 2:].prod(1) - shared).clamp(min=1e-9)


def into_frame(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes (N, 4) cut to a frame of size (width, height), at least a pixel of each side left."""
    limit = torch.tensor(size, dtype=boxes.dtype, device=boxes.device)
    low = torch.minimum(boxes[:, :2].clamp(min=0), limit - 1)
    high = torch.minimum(boxes[:, :2] + boxes[:, 2:], limit)
    return torch.cat([low, torch.maximum(high - low, torch.ones_like(low))], dim=1)


@dataclass
class BoxRegressor:
    """MDNet's: trained on samples that overlap the target by 0.6 and have one to two times its area.

    checked: a correction counts only when it keeps to the same ranges (v1 of the public code); it can only shrink then.
    """

    size: tuple[int, int]
    alpha: float = 1000.0
    checked: bool = True
    _fitted: tuple[Tensor, Tensor] | None = field(default=None, init=False)

    def fit(self, features: Tensor, boxes: Tensor, target: Tensor) -> None:
        """Learn from features (N, D) of boxes (N, 4) around the target (4,). With under two it stays idle."""
        area = boxes[:, 2:].prod(1) / target[2:].prod()
        shared = overlaps(boxes, target.expand_as(boxes))
        use = (shared >= OVERLAP[0]) & (area >= AREA[0]) & (area <= AREA[1])
        if int(use.sum()) >= 2:
            weights, intercept = ridge(features[use], to_offsets(boxes[use], target), self.alpha)
            self._fitted = weights.cpu(), intercept.cpu()

    def predict(self, features: Tensor, boxes: Tensor) -> Tensor:
        """Corrected boxes (N, 4), inside the frame. All on the processor: a card would launch thirty kernels for a few
        boxes."""
        if self._fitted is None:
            return into_frame(boxes, self.size)
        weights, intercept = self._fitted
        corrected = from_offsets(boxes, product(features, weights) + intercept)
        if self.checked:
            shared = overlaps(boxes, corrected)
            area = boxes[:, 2:].prod(1) / corrected[:, 2:].prod(1)
            fits = (shared >= OVERLAP[0]) & (area >= AREA[0]) & (area <= AREA[1])
            corrected = torch.where(fits[:, None], corrected, boxes)
        return into_frame(corrected, self.size)
