"""The online classifier: what is learnt in the first frame, and the long and short updates after it.

Features are (N, D) rows of the convolutions' output as `prepare` leaves them: standardised where the network was
trained so [R40].
"""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from dat.base.sections import FirstFrame, Tracking, Update
from dat.models.optimisers import SGD
from dat.models.salnet import OnlineHead
from dat.regions.sampling import Numbers
from dat.tracking.mdnet import failure
from dat.tracking.mdnet.failure import BACKGROUND, TARGET

Rows = NDArray[np.int64]


class Memory:
    """Features of the last `slots` frames, at most `rows` of each, in one buffer that is allocated once.

    `first` is how many the first frame has, which may be more.
    """

    def __init__(self, slots: int, rows: int, width: int, device: torch.device, first: int = 0) -> None:
        self.buffer = torch.zeros(first + slots * rows, width, device=device)
        self._rows, self._frames, self._next = rows, deque[tuple[int, int]](maxlen=slots), 0
        self._slots, self._first = slots, first

    def __len__(self) -> int:
        """Frames held."""
        return len(self._frames)

    def add(self, features: Tensor) -> None:
        """Keep a frame's features (N, D), the oldest frame's place is taken over when all are in use."""
        if self._first and not self._frames:
            start, count = 0, min(len(features), self._first)
        else:
            start, count = self._first + self._next * self._rows, min(len(features), self._rows)
            self._next = (self._next + 1) % self._slots
        self.buffer[start : start + count] = features[:count]
        self._frames.append((start, count))

    def rows(self, last: int | None = None) -> Rows:
        """Where in the buffer the features of the last frames lie, oldest first."""
        frames = list(self._frames)[-last:] if last else list(self._frames)
        pieces = [np.arange(start, start + count) for start, count in frames]
        return np.concatenate(pieces) if pieces else np.empty(0, np.int64)


@dataclass(frozen=True)
class Samples:
    """Features in a buffer (M, D) and which of its rows count."""

    buffer: Tensor
    rows: Rows

    @classmethod
    def all(cls, features: Tensor) -> Samples:
        """Every row."""
        return cls(features, np.arange(len(features)))


class OnlineClassifier:
    """Tells the target from its surroundings; fc4, fc5 and a new fc6 are trained, the convolutions are not."""

    def __init__(self, head: OnlineHead, settings: Tracking, rng: Numbers) -> None:
        self.head, self.settings, self.rng = head, settings, rng
        self._first: OnlineHead | None = None
        self._optimisers: dict[str, SGD] = {}
        self._memories: tuple[Memory, Memory] | None = None

    def prepare(self, features: Tensor) -> Tensor:
        """Features (N, D) of the convolutions as the classifier keeps and sees them [R40]."""
        return self.head.prepare(features)

    @torch.no_grad()
    def ranking(self, prepared: Tensor) -> tuple[Tensor, Tensor]:
        """What candidates are ranked by (N,), and the score that a failure is told by (N,) [R32]."""
        return failure.ranking(self.head(prepared), self.settings)

    @torch.no_grad()
    def first_ranking(self, prepared: Tensor) -> tuple[Tensor, Tensor]:
        """The same by the classifier as the first frame left it, which has never learnt from a guess.

        Raises ValueError where none is kept: only `follow: agreed` needs it.
        """
        if self._first is None:
            msg = "the first frame's classifier is not kept"
            raise ValueError(msg)
        return failure.ranking(self._first(prepared), self.settings)

    def learn(self, positives: Tensor, negatives: Tensor) -> None:
        """The first frame's training, on prepared features."""
        self._train("first", self.settings.first, Samples.all(positives), Samples.all(negatives))
        if self.settings.redetection.follow == "agreed":
            self._first = copy.deepcopy(self.head)

    def remember(self, positives: Tensor, negatives: Tensor) -> None:
        """Keep a frame's samples, prepared, for the updates."""
        if self._memories is None:
            update, width, device = self.settings.update, positives.shape[1], positives.device
            self._memories = (
                Memory(update.long, update.positives, width, device, len(positives)),
                Memory(update.short, update.negatives, width, device, len(negatives)),
            )
        for memory, features in zip(self._memories, (positives, negatives), strict=True):
            memory.add(features)

    def update(self, short: bool) -> None:
        """Train on what is remembered: all frames' positives, or in a short update those of the last `short` frames."""
        if self._memories is None:
            return
        positives, negatives = self._memories
        chosen = positives.rows(self.settings.update.short if short else None)
        self._train(
            "update",
            self.settings.update,
            Samples(positives.buffer, chosen),
            Samples(negatives.buffer, negatives.rows()),
        )

    def _train(self, name: str, steps: FirstFrame | Update, positives: Samples, negatives: Samples) -> None:
        """Steps of a batch of random positives and the hardest of a pool of random negatives."""
        if not len(positives.rows) or not len(negatives.rows):
            return
        batch, optimiser = self.settings.batch, self._optimiser(name, steps)
        starts = [self._shuffled(samples) for samples in (positives, negatives)]
        chosen = self._draw(positives, starts[0], batch.positives, steps.iterations)
        pools = self._draw(negatives, starts[1], batch.pool, steps.iterations)
        labels = _labels(batch.positives, min(batch.pool, batch.negatives)).to(chosen.device)
        for some, pool in zip(chosen, pools, strict=True):
            hard = self._hardest(negatives.buffer[pool], batch.negatives)
            self._step(optimiser, torch.cat([positives.buffer[some], hard]), labels)

    def _shuffled(self, samples: Samples) -> Rows:
        return samples.rows[self.rng.permutation(len(samples.rows))]

    def _draw(self, samples: Samples, start: Rows, count: int, iterations: int) -> Tensor:
        """`count` rows for each iteration, from `start` and then one shuffling after another: (iterations, count)."""
        needed, drawn, total = count * iterations, [start], len(start)
        while total < needed:
            drawn.append(self._shuffled(samples))
            total += len(drawn[-1])
        rows = np.concatenate(drawn)[:needed].reshape(iterations, count)
        return torch.from_numpy(rows).to(samples.buffer.device)

    @torch.no_grad()
    def _hardest(self, pool: Tensor, count: int) -> Tensor:
        """The negatives that look most like the target."""
        self.head.eval()
        if len(pool) <= count:
            return pool
        return pool[self.head(pool)[:, TARGET].topk(count).indices]

    @torch.enable_grad()
    def _step(self, optimiser: SGD, features: Tensor, labels: Tensor) -> None:
        self.head.train()
        loss = F.cross_entropy(self.head(features), labels, reduction=self.settings.loss)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.head.parameters(), self.settings.clip)
        optimiser.step()
        self.head.eval()

    def _optimiser(self, name: str, steps: FirstFrame | Update) -> SGD:
        """One for the first frame and one for all updates, whose momentum carries over from update to update."""
        if name not in self._optimisers:
            head, rate = self.head, steps.rate
            slow = [*head.fc4.parameters(), *head.fc5.parameters()]
            groups = [
                {"params": slow, "lr": rate},
                {"params": list(head.fc6.parameters()), "lr": rate * steps.fc6_factor},
            ]
            momentum, decay = self.settings.momentum, self.settings.weight_decay
            self._optimisers[name] = SGD(groups)
            self._optimisers[name].momentum, self._optimisers[name].decay = momentum, decay
        return self._optimisers[name]


def _labels(positives: int, negatives: int) -> Tensor:
    """The classes of so many positives and, after them, negatives: (positives + negatives,)."""
    return torch.tensor([TARGET] * positives + [BACKGROUND] * negatives)
