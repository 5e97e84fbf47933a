"""VOT2014's ranks: trackers that no test tells apart share a rank.

Per experiment and tag trackers are ordered by accuracy and by failures. Two are equal in accuracy when a paired
Wilcoxon test on their frames does not tell them apart, or when they differ by less than the annotators did
(`practical.value`); in robustness when a rank-sum test on their failures per sequence and repetition does not. A
tracker's rank is the mean rank of its equals; ranks are averaged over tags, then over experiments. As in MATLAB both
tests are exact for few values (at most 15 differences; fewer than 10 of one and 20 of both), ties included, and use the
normal approximation with its correction for ties for more.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dat.benchmarks.vot import FAILED
from dat.evaluation.vot import expected_overlap as vot
from dat.evaluation.vot.expected_overlap import Frames
from dat.evaluation.vot.files import TAGS, VotSequence

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEVEL = 0.05
FEW = 5
EXACT_DIFFERENCES = 15
EXACT_BOTH = 20


def mid_ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], np.float64)


def _two_sided(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))


def _ties(values: Floats) -> float:
    _, counts = np.unique(values, return_counts=True)
    return float((counts.astype(np.float64) ** 3 - counts).sum())


def subset_sums(ranks: Floats) -> Floats:
    """How many subsets of a size have a sum: (size, twice the sum); mid-ranks doubled are whole."""
    doubled = np.round(2 * ranks).astype(np.int64)
    counts = np.zeros((len(doubled) + 1, int(doubled.sum()) + 1))
    counts[0, 0] = 1
    for value in doubled:
        counts[1:, value:] += counts[:-1, : counts.shape[1] - value].copy()
    return counts


def _exact(counts: Floats, reached: float) -> float:
    """Two-sided p value of a sum, doubled counts (twice the sum,) being how often it is each."""
    at = round(2 * reached)
    return float(min(2 * min(counts[: at + 1].sum(), counts[at:].sum()) / counts.sum(), 1.0))


def signed_rank(differences: Floats) -> float:
    """Two-sided p value of Wilcoxon's signed-rank test; zeros are left out."""
    values = differences[differences != 0]
    count = len(values)
    if not count:
        return 1.0
    ranks = mid_ranks(np.abs(values))
    if count <= EXACT_DIFFERENCES:
        return _exact(subset_sums(ranks).sum(0), float(ranks[values > 0].sum()))
    spread = math.sqrt((count * (count + 1) * (2 * count + 1) - _ties(np.abs(values)) / 2) / 24)
    return _two_sided((float(ranks[values > 0].sum()) - count * (count + 1) / 4) / spread)


def rank_sum(a: Floats, b: Floats) -> float:
    """Two-sided p value of Wilcoxon's rank-sum test, with the correction for continuity where it is not exact."""
    both = np.concatenate([a, b])
    count, ranks = len(both), mid_ranks(both)
    if min(len(a), len(b)) > 0 and count < EXACT_BOTH:
        return _exact(subset_sums(ranks)[len(a)], float(ranks[: len(a)].sum()))
    away = float(ranks[: len(a)].sum()) - len(a) * (count + 1) / 2
    variance = len(a) * len(b) / 12 * (count + 1 - _ties(both) / (count * (count - 1))) if count > 1 else 0.0
    return _two_sided((away - 0.5 * np.sign(away)) / math.sqrt(variance)) if variance > 0 else 1.0


@dataclass(frozen=True)
class Tagged:
    """A tracker on the frames of a tag: accuracy of each frame (NaN where none counts), practical difference of each
    frame, failures (sequence x repetition, all in one)."""

    accuracy: Floats
    practical: Floats
    failures: Floats


def tag_flags(target: VotSequence, tag: str) -> Flags:
    """The frames of a sequence that carry a tag; `empty`: those that carry none."""
    if tag != "empty":
        return target.tags.get(tag, np.zeros(len(target), np.bool_))
    carried = [flags for name, flags in target.tags.items() if name in TAGS]
    return ~np.logical_or.reduce(carried) if carried else np.ones(len(target), np.bool_)


def tagged(frames: Mapping[str, Frames], targets: Mapping[str, VotSequence], tag: str) -> Tagged:
    """A tracker's frames that carry a tag; the burn-in is applied within them."""
    accuracy, practical, failures = [np.zeros(0)], [np.zeros(0)], [np.zeros(0)]
    for name, one in frames.items():
        at = tag_flags(targets[name], tag)[: one.codes.shape[1]]
        if not at.any():
            continue
        accuracy.append(vot.frame_accuracy(Frames(one.curve[:, at], one.accuracy[:, at], one.codes[:, at])))
        known = targets[name].practical
        practical.append(np.zeros(int(at.sum())) if known is None else np.resize(known, len(at))[at])
        failures.append((one.codes[:, at] == FAILED).sum(1).astype(np.float64))
    return Tagged(np.concatenate(accuracy), np.concatenate(practical), np.concatenate(failures))


def equal_accuracy(a: Tagged, b: Tagged) -> bool:
    """Whether two trackers cannot be told apart in accuracy."""
    both = ~(np.isnan(a.accuracy) | np.isnan(b.accuracy))
    if both.sum() < FEW:
        return True
    difference = (a.accuracy - b.accuracy)[both]
    if signed_rank(difference) > LEVEL:
        return True
    practical = a.practical[both]
    return bool((practical > 0).all() and abs(float((difference / practical).mean())) < 1)


def equal_robustness(a: Tagged, b: Tagged) -> bool:
    """Whether two trackers cannot be told apart in failures."""
    return rank_sum(a.failures, b.failures) > LEVEL


def adapted(values: Sequence[float], equal: Sequence[Sequence[bool]]) -> list[float]:
    """Ranks (from 1, the smallest value first) averaged over each one's equals, itself included."""
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    return [float(ranks[list(map(bool, row))].mean()) for row in equal]


def _tag_ranks(trackers: Sequence[Tagged]) -> tuple[list[float], list[float]]:
    means = [-float(np.nanmean(one.accuracy)) if np.isfinite(one.accuracy).any() else 0.0 for one in trackers]
    lost = [float(one.failures.mean()) for one in trackers]
    near = [[a is b or equal_accuracy(a, b) for b in trackers] for a in trackers]
    steady = [[a is b or equal_robustness(a, b) for b in trackers] for a in trackers]
    return adapted(means, near), adapted(lost, steady)


def experiment_ranks(trackers: Mapping[str, Mapping[str, Frames]], targets: Mapping[str, VotSequence]) -> Floats:
    """Accuracy and robustness ranks of every tracker, the mean over tags: (T,2)."""
    per_tag = []
    for tag in (*TAGS, "empty"):
        each = [tagged(frames, targets, tag) for frames in trackers.values()]
        if len(each[0].accuracy):
            per_tag.append(np.array(_tag_ranks(each)).T)
    return np.asarray(np.mean(per_tag, axis=0), np.float64)


def overall(
    experiments: Sequence[Mapping[str, Mapping[str, Frames]]], targets: Mapping[str, VotSequence]
) -> dict[str, dict[str, float]]:
    """Ranks of every tracker: accuracy, robustness (means over experiments), and half of both."""
    means = np.mean([experiment_ranks(one, targets) for one in experiments], axis=0)
    return {
        name: {"accuracy": float(a), "robustness": float(r), "overall": float((a + r) / 2)}
        for name, (a, r) in zip(experiments[0], means, strict=True)
    }
