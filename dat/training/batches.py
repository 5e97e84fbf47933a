"""SALNet's batches: regions of one video, positive and negative, and their division into graphs."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dat.regions.crops import crop_regions
from dat.regions.sampling import Boxes, BoxSampler
from dat.training.domains import Domain, FrameCache

POSITIVE, NEGATIVE = (0.7, 1.0), (0.0, 0.5)  # overlap with the target


@dataclass(frozen=True)
class LabelledBoxes:
    """Boxes of one domain: `frame` (N,) is their frame's place in the domain, `labels` (N,) 1 for the target."""

    boxes: Boxes
    frame: NDArray[np.int64]
    labels: NDArray[np.int64]

    def part(self, rows: slice) -> "LabelledBoxes":
        """Some of them, in their order."""
        return LabelledBoxes(self.boxes[rows], self.frame[rows], self.labels[rows])


def frames_of(visit: int, frames: int, count: int, seed: list[int]) -> list[int]:
    """The `count` frames of a domain's visit: a shuffled list is consumed, and shuffled again at its end."""
    places = range(visit * count, (visit + 1) * count)
    orders = {k: np.random.default_rng([*seed, k]).permutation(frames) for k in {p // frames for p in places}}
    return [int(orders[p // frames][p % frames]) for p in places]


def draw(domain: Domain, frames: list[int], positives: int, negatives: int, rng: np.random.Generator) -> LabelledBoxes:
    """Regions around the target in each of these frames, MDNet's numbers (reference: v1's samplers).

    What one frame cannot give, the frames after it make up for.
    """
    near = BoxSampler("gaussian", domain.size, 0.1, 1.2, 1.1, valid=True)
    far = BoxSampler("uniform", domain.size, 1.0, 1.2, 1.1, valid=True)
    boxes, frame, labels = [], [], []
    missing = {1: positives, 0: negatives}
    for place, number in enumerate(frames):
        for label, sampler, overlap in ((1, near, POSITIVE), (0, far, NEGATIVE)):
            drawn = sampler.within(domain.boxes[number], missing[label] // (len(frames) - place), rng, overlap)
            missing[label] -= len(drawn)
            boxes.append(drawn)
            frame.append(np.full(len(drawn), number))
            labels.append(np.full(len(drawn), label))
    return LabelledBoxes(np.concatenate(boxes), np.concatenate(frame), np.concatenate(labels))


def cut(domain: Domain, regions: LabelledBoxes, cache: FrameCache, device: str = "cpu") -> Tensor:
    """(N,3,107,107) crops minus 128 of the regions, in their order."""
    starts = np.flatnonzero(np.diff(regions.frame, prepend=-1))  # of each run of regions of one frame
    crops = []
    for rows in np.split(np.arange(len(regions.frame)), starts[1:]):
        number = regions.frame[rows[0]]
        pixels = cache.read(domain.frames[number], domain.hashes[number])
        image = torch.from_numpy(pixels).to(device).permute(2, 0, 1)
        crops.append(crop_regions(image, torch.from_numpy(regions.boxes[rows])))
    return torch.cat(crops)  # channels-last, as its parts


def graphs(
    labels: NDArray[np.int64], frame: NDArray[np.int64], nodes: int, scope: str, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Indices (G,n) of the samples in each graph [R6, R36].

    batch: floor(N / nodes) graphs of round(nodes / 4) positives and the rest negatives, drawn without replacement; the
    samples left over sit out. Fewer samples than nodes make one graph of all. frame: a graph a frame, each of as many
    samples as the frame with the fewest has, at most `nodes`. 0 nodes: no graph, all samples in one row.
    """
    if nodes == 0:
        return np.arange(len(labels))[None]
    if scope == "frame":
        return _by_frame(labels, frame, nodes, rng)
    positive, negative = (rng.permutation(np.flatnonzero(labels == k)) for k in (1, 0))
    wanted = _half_up(nodes / 4)
    count = min(len(labels) // nodes, len(positive) // max(wanted, 1), len(negative) // max(nodes - wanted, 1))
    if count == 0:
        return np.arange(len(labels))[None]
    near = positive[: count * wanted].reshape(count, -1)
    far = negative[: count * (nodes - wanted)].reshape(count, -1)
    return np.concatenate([near, far], axis=1)


def _by_frame(
    labels: NDArray[np.int64], frame: NDArray[np.int64], nodes: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    rows = [np.flatnonzero(frame == number) for number in np.unique(frame)]
    size = min(nodes, *(len(row) for row in rows)) if len(rows) > 1 else min(nodes, len(rows[0]))
    picked = []
    for row in rows:
        near, far = (rng.permutation(row[labels[row] == k]) for k in (1, 0))
        wanted = min(len(near), max(_half_up(size / 4), size - len(far)))
        picked.append(np.concatenate([near[:wanted], far[: size - wanted]]))
    return np.stack(picked)


def _half_up(value: float) -> int:
    return int(value + 0.5)
