"""The tracker: MDNet's loop, its local candidates joined in every frame by global ones from the attention map.

Boxes are (x, y, w, h) in pixels, origin at the top left corner of the top left pixel. What a tracker draws depends only
on its seed, the sequence's name, the repetition, and how often it was started.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from dat.base.sections import Tracking
from dat.datasets.images import Image
from dat.models.layers import set_generator
from dat.models.salnet import OnlineHead, SALNet
from dat.regions import boxes as geometry
from dat.regions.sampling import Boxes
from dat.tracking import checks
from dat.tracking.attention import Attention
from dat.tracking.mdnet.failure import failed
from dat.tracking.mdnet.features import Features
from dat.tracking.mdnet.generations import GENERATIONS, Samplers
from dat.tracking.mdnet.online import OnlineClassifier
from dat.tracking.mdnet.proposals import Region, find_regions, global_candidates, region_box
from dat.tracking.mdnet.regression import BoxRegressor


@dataclass(frozen=True)
class FirstSamples:
    """The first frame's boxes (N, 4); `order` is that of the negatives, near and whole, in training."""

    positives: Boxes
    near: Boxes
    whole: Boxes
    order: NDArray[np.int64]


@dataclass(frozen=True)
class Best:
    """The best candidates of a frame: `boxes` (K, 4), their mean, their features, from where, and how good. Its tensors
    lie on the processor."""

    boxes: Tensor
    features: Tensor
    box: NDArray[np.float64]
    score: float
    group: int


class MDNetTracker:
    """Follows one target. After `init` and each `update`, what the last frame gave is there to look at:

    `box` (4,), `score` (0 to 1, or the raw output), `lost` (failure), `source` of the winner, `redetected` [R25],
    `attention` (h, w) or None, `regions` of it, and `candidates` (N, 4), the local ones first.
    """

    samplers: Samplers

    def __init__(
        self,
        settings: Tracking,
        salnet: SALNet,
        attention: Attention | None = None,
        sequence: str = "",
        seed: int = 0,
        repetition: int = 0,
    ) -> None:
        self.settings, self.salnet = settings, salnet.eval()
        self.device = next(salnet.parameters()).device
        self.generation = GENERATIONS[settings.mdnet]
        self.attention: NDArray[np.float32] | None = None
        self._features = Features(self.salnet, settings.features, self.generation.fill)
        self._name = sequence or "tracker"
        self._attention, self._identity, self._starts = attention, (seed, _number(sequence), repetition), 0

    def init(self, image: Image, box: ArrayLike, sentence: str | None = None) -> None:
        """Start on a target in an image (H, W, 3) RGB. Learns the classifier and the box regression.

        The box (origin 0) may reach beyond the image. Raises InputError where it has no area or lies wholly outside.
        """
        size = checks.frame(image, self._name)
        start = checks.start_box(box, size, self._name)
        self._seed()
        self._forget(start, size)
        scene = self._scene(image)
        self._learn(scene)
        if self._attention is not None:
            self._attention.start(image, self.box, sentence)
            self.attention = self._attention.map(image)

    def update(self, image: Image) -> NDArray[np.float64]:
        """The target's box (4,) in the next image. Raises InputError for one of another size than the first."""
        checks.same_size(image, self.samplers.size, self._name)
        self._frame += 1
        scene = self._scene(image)
        best = self._search(scene, self._regions(image))
        self.lost = failed(best.score, self.settings)
        if self.lost:
            self._reject(best)
            self.classifier.update(short=True)
            return self.box.copy()
        self._accept(best)
        self._learn_more(scene)
        if self._frame % self.settings.update.interval == 0:
            self.classifier.update(short=False)
        return self.box.copy()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first frame."""
        return self.samplers.size

    # ------------------------------------------------------------ starting

    @property
    def entropy(self) -> list[int]:
        """What the next start's random numbers come from: seed, name, repetition, number of starts so far."""
        return [*self._identity, self._starts]

    def _seed(self) -> None:
        """Streams of random numbers: one for each purpose, so that attention does not move the local candidates."""
        seeds = np.random.SeedSequence(self.entropy).spawn(4)
        self._samples, self._local, self._global, self._weights = (np.random.default_rng(seed) for seed in seeds)
        self._starts += 1

    def _forget(self, box: NDArray[np.float64], size: tuple[int, int]) -> None:
        self.box, self.score, self.redetected, self._frame = box, 1.0, False, 0
        self.lost = False
        self.source: Literal["local", "global"] = "local"
        self.attention = None
        self.regions: list[Region] = []
        self.candidates: Boxes = np.empty((0, 4), np.float32)
        self._centre = box  # where the search is, before box regression
        self._translation = self.settings.candidates.translation
        self.samplers = Samplers(self.generation, size, min(10.0, float(box[2]), float(box[3])))
        regression = self.settings.box_regression
        self.regressor = BoxRegressor(size, regression.alpha, regression.checked)

    def _learn(self, scene: Tensor) -> None:
        """The first frame: classifier, box regression, and the first entry of the memory, drawn in MDNet's order."""
        later = self.generation.whole_first
        around = None if later else self._around()
        drawn = self._first_samples()
        near = self._features(scene, np.concatenate([drawn.positives, drawn.near]), self._size, first=True)
        features = torch.cat([near, self._features(scene, drawn.whole)])
        self._new_classifier(features)
        positives, negatives = torch.split(self.classifier.prepare(features), [len(drawn.positives), len(drawn.order)])
        negatives = negatives[torch.from_numpy(drawn.order).to(self.device)]
        self.classifier.learn(positives, negatives)
        self._learn_box(scene, self._around() if around is None else around)
        self._remember_first(scene, positives, negatives)

    def _around(self) -> Boxes:
        """Boxes for the regression."""
        rules, regression = self.generation, self.settings.box_regression
        area = rules.regression_area if rules.area_at_sampling else None
        sampler = self.samplers.regression(regression.scale)
        return sampler.within(self.box, regression.samples, self._samples, rules.regression_overlap, area)

    def _first_samples(self) -> FirstSamples:
        """Positives, and negatives: half near the target, half over the frame."""
        rules, first, rng, box = self.generation, self.settings.first, self._samples, self.box
        positives = self.samplers.positives(True).within(box, first.positives, rng, rules.positive_overlap)
        half, bounds = first.negatives // 2, rules.first_negative_overlap
        near = self.samplers.near_negatives().within(box, half, rng, bounds)
        whole = self.samplers.whole_negatives().within(box, first.negatives - half, rng, bounds)
        near = near if len(near) + len(whole) else _quarters(box)
        return FirstSamples(_or_itself(positives, box), near, whole, rng.permutation(len(near) + len(whole)))

    def _learn_box(self, scene: Tensor, around: Boxes) -> None:
        if len(around):
            target = torch.tensor(self.box, dtype=torch.float32, device=self.device)
            features = self.classifier.prepare(self._features(scene, around, self._size, first=True))
            self.regressor.fit(features, torch.from_numpy(around).to(self.device), target)

    def _remember_first(self, scene: Tensor, positives: Tensor, negatives: Tensor) -> None:
        """v1 keeps as many of the first frame's samples as of any other's, v2 all positives and new negatives."""
        rules, update = self.generation, self.settings.update
        if not rules.whole_first:
            self.classifier.remember(positives[: update.positives], negatives[: update.negatives])
            return
        sampler, bounds = self.samplers.update_negatives(), rules.first_negative_overlap
        drawn = sampler.within(self.box, update.negatives, self._samples, bounds)
        self.classifier.remember(positives, self.classifier.prepare(self._features(scene, drawn, self._size)))

    def _new_classifier(self, features: Tensor) -> None:
        generator = torch.Generator().manual_seed(int(self._weights.integers(2**62)))
        settings = self.settings
        head = OnlineHead(
            self.salnet, generator, settings.dropout, dropout_fc4=settings.dropout_fc4, fc6_init=settings.fc6_init
        )
        head.fit(features)
        masks = torch.Generator(self.device).manual_seed(int(self._weights.integers(2**62)))
        set_generator(head, masks)
        self.classifier = OnlineClassifier(head.eval(), self.settings, self._samples)

    # ------------------------------------------------------------ each frame

    def _regions(self, image: Image) -> list[Region]:
        if self._attention is None:
            return []
        self.attention = self._attention.map(image)
        return find_regions(self.attention, self.settings.attention, self.samplers.size)

    def _search(self, scene: Tensor, regions: list[Region]) -> Best:
        """Score all candidates and take the best group's best [R34]."""
        numbers = self.settings.candidates
        local = self.samplers.candidates(self._translation, numbers.scale, numbers.valid).draw(
            self._centre, numbers.local, self._local
        )
        shape = self.settings.attention.box
        starts = [region_box(region, self._centre, shape) for region in regions] if numbers.global_ else []
        around = self.samplers.candidates(numbers.translation, numbers.scale, numbers.valid)
        groups = [local, *global_candidates(starts, numbers.global_, around, self._global)]
        self.regions, self.candidates = regions, np.concatenate(groups)
        features = self.classifier.prepare(self._all_features(scene, groups))
        ranks, scores = self.classifier.ranking(features)
        return self._best(features, ranks, scores, [len(group) for group in groups])

    def _all_features(self, scene: Tensor, groups: list[Boxes]) -> Tensor:
        """Features of all groups, each around a place of its own."""
        if self.settings.features == "crops":
            return self._features(scene, np.concatenate(groups))
        return torch.cat([self._features(scene, group, self._size) for group in groups])

    @property
    def _size(self) -> tuple[float, float]:
        """Width and height of the target as last found: the scale at which a shared scene is looked at."""
        return float(self._centre[2]), float(self._centre[3])

    def _best(self, features: Tensor, ranks: Tensor, scores: Tensor, groups: list[int]) -> Best:
        """The winner (8) and its like: only candidates of one group are averaged, never those of two places [R34].

        A far group that would be a re-detection [R25] must be surer than others (`_followed`); else the best local ones
        are taken. On a card, scores come to the processor first: what follows would be forty launches of small kernels.
        """
        ranks, scores = torch.stack([ranks, scores]).cpu()
        numbers = self.settings.candidates
        size = min(numbers.best, numbers.local, numbers.global_ or numbers.local) if numbers.winner == "mean" else 1
        tops = [part.topk(size) for part in torch.split(ranks, groups)]
        winner = torch.stack([top.values.mean() for top in tops]).argmax()
        starts = torch.from_numpy(np.cumsum([0, *groups[:-1]]))
        picked = torch.stack([top.indices for top in tops]) + starts[:, None]
        chosen = picked[torch.stack([winner, winner.new_zeros(())])]  # the winners, and the best local ones: (2, K)
        boxes, looks = torch.from_numpy(self.candidates)[chosen], features[chosen.to(self.device)]
        summary = torch.cat([boxes.mean(1), scores[chosen].mean(1)[:, None], winner.expand(2)[:, None].float()], 1)
        (*box, score, group), (*near, near_score, _) = summary.tolist()
        if group and self._apart(np.array(box)) and not self._followed(score, looks):
            return Best(boxes[1], looks[1].cpu(), np.array(near), near_score, 0)
        return Best(boxes[0], looks[0].cpu(), np.array(box), score, int(group))

    def _followed(self, score: float, features: Tensor) -> bool:
        """Whether a jump to the winners is followed: `features` (2, K, D) are theirs and the best local ones'.

        With `follow: agreed` the first frame's classifier must see it so as well: the local ones fail, and the winners
        are better. What is learnt since may be the wall behind which the target went.
        """
        rule = self.settings.redetection
        if rule.follow == "always" or score <= rule.score:
            return score > rule.score
        ranks, scores = (values.view(2, -1).mean(1) for values in self.classifier.first_ranking(features.flatten(0, 1)))
        far, near, failing = torch.stack([*ranks, scores[1]]).tolist()
        return bool(far > near and failed(failing, self.settings))

    def _apart(self, box: NDArray[np.float64]) -> bool:
        """Whether a box lies away from the last one: then following it is a re-detection [R25]."""
        return float(geometry.overlap(box, self.box)[0]) < self.settings.redetection.overlap

    def _accept(self, best: Best) -> None:
        self._centre = best.box
        box = self.regressor.predict(best.features, best.boxes).mean(0).double().numpy()
        self.score, self.source = best.score, "global" if best.group else "local"
        self.redetected, self.box = bool(best.group) and self._apart(box), box
        self._translation = self.settings.candidates.translation

    def _reject(self, best: Best) -> None:
        """Failure: the last box stays (or the best guess, un-regressed), and the search widens."""
        settings = self.settings
        self.score, self.source, self.redetected = best.score, "global" if best.group else "local", False
        if settings.on_failure == "keep":
            self.box = self._centre = best.box
        widest, growth = settings.candidates.lost_translation, self.generation.growth
        self._translation = min(self._translation * growth, widest) if growth else widest

    def _learn_more(self, scene: Tensor) -> None:
        """Samples around the box that was found, for later updates."""
        rules, update, rng = self.generation, self.settings.update, self._samples
        positives = self.samplers.positives(False).within(self._centre, update.positives, rng, rules.positive_overlap)
        sampler = self.samplers.update_negatives()
        negatives = sampler.within(self._centre, update.negatives, rng, rules.update_negative_overlap)
        positives = _or_itself(positives, self._centre)
        features = self._features(scene, np.concatenate([positives, negatives]), self._size)
        features = self.classifier.prepare(features)
        self.classifier.remember(features[: len(positives)], features[len(positives) :])

    # ------------------------------------------------------------ features

    def _scene(self, image: Image) -> Tensor:
        """The image on the device: (3, H, W) uint8."""
        return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).to(self.device)


def _number(name: str) -> int:
    """A number for a name, the same everywhere."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])


def _or_itself(positives: Boxes, box: NDArray[np.float64]) -> Boxes:
    """The positives, or the target's box when no sample overlaps it enough (a target larger than the frame)."""
    return positives if len(positives) else box[None].astype(np.float32)


def _quarters(box: NDArray[np.float64]) -> Boxes:
    """The target's four quarters, as negatives where every sample overlaps the target too much."""
    x, y, w, h = box
    quarters = [(x + i * w / 2, y + j * h / 2, w / 2, h / 2) for i in (0, 1) for j in (0, 1)]
    return np.array(quarters, np.float32)
