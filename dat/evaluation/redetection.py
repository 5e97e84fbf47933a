"""Is a target found again that was away? One event a sequence, and a share of sequences as the score.

The target is away while its flag of absence is 1. A sequence's event is its longest absence that begins after the first
frame and after which there is a whole window; the window is the first frame in which the target is back and the
`within` frames after it. It is found again when the overlap with the truth exceeds `again` in a frame of the window.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from dat.base.errors import InputError
from dat.benchmarks.catalogue import Benchmark
from dat.evaluation import results, statistics
from dat.evaluation.definitions import Redetection
from dat.evaluation.ground_truth import GroundTruth, SequenceTruth
from dat.evaluation.one_pass.curves import columns, overlaps
from dat.evaluation.one_pass.summary import Bootstrap, choose_pairs, completeness, pair_entry, without_truth

Floats = npt.NDArray[np.float64]
METRIC = "redetected"


@dataclass(frozen=True)
class Event:
    """When a target goes and comes back: the first frame (from 0) of its absence, and the first one after it."""

    gone: int
    back: int


@dataclass(frozen=True)
class Scored:
    """A tracker's files, and for each of its sequences 1 where the target is found again, else 0."""

    tracker: results.TrackerResults
    redetected: Mapping[str, float]

    @property
    def name(self) -> str:
        """The tracker's name."""
        return self.tracker.name


def event(target: SequenceTruth, definition: Redetection) -> Event:
    """The event of a sequence. Raises InputError when it has none, or no flags say when the target is away."""
    if target.absent is None:
        raise InputError(f"{target.name}: no flags of absence; add absent.txt with a 0 or 1 a frame")
    edges = np.flatnonzero(np.diff(target.absent, prepend=False, append=False)).reshape(-1, 2)
    whole = [
        (int(start), int(back)) for start, back in edges if start and back + definition.within < len(target.absent)
    ]
    if not whole:
        raise InputError(
            f"{target.name}: the target is never away and back with {definition.within} frames to follow; "
            "leave it out with --sequences"
        )
    return Event(*max(whole, key=lambda gap: gap[1] - gap[0]))


def redetected(boxes: Floats, target: SequenceTruth, definition: Redetection) -> bool:
    """Whether boxes (N,4) find the target again. A box or a truth that is NaN overlaps with nothing."""
    back = event(target, definition).back
    window = slice(back, back + definition.within + 1)
    shared = overlaps(columns(boxes[window]), columns(target.boxes[window]), definition.overlap)
    return bool((shared > definition.again).any())


def score_trackers(
    folders: Sequence[Path], truth: GroundTruth, definition: Redetection, lengths: results.Lengths, origin: int = 1
) -> list[Scored]:
    """Read and score trackers, one after another. Files count pixels from `origin`."""
    scored = []
    for folder in folders:
        tracker = results.read(folder, truth, definition, lengths, origin)
        hits = {n: float(redetected(boxes, truth.targets[n], definition)) for n, boxes in tracker.boxes.items()}
        tracker.boxes.clear()
        scored.append(Scored(tracker, hits))
    return scored


def share_interval(hits: int, count: int) -> list[float]:
    """The 95 % interval of a share of `count` sequences by Wilson's score: a bootstrap would give none to 0 of 30."""
    from scipy.stats import binomtest

    ends = binomtest(hits, count).proportion_ci(statistics.LEVEL, "wilson")
    return [float(ends.low), float(ends.high)]


def difference_interval(more: int, less: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a paired difference of shares, for `more` of `count` sequences that the first alone finds
    again and `less` that the second alone does: the adjusted Wald interval of Bonett and Price (2012).

    A bootstrap bounds nothing where nearly all sequences differ alike.
    """
    one, other = (more + 1) / (count + 2), (less + 1) / (count + 2)
    reach = NormalDist().inv_cdf((1 + statistics.LEVEL) / 2) * math.sqrt(
        (one + other - (one - other) ** 2) / (count + 2)
    )
    return max(one - other - reach, -1.0), min(one - other + reach, 1.0)


def _difference(table: Floats, chance: Bootstrap) -> statistics.Difference:
    """The paired difference of values (S,); with several seeds, which give shares, its interval is the bootstrap's."""
    difference = statistics.paired(table[:, None], chance.resamples, chance.seed)[0]
    if not np.isin(table, (-1, 0, 1)).all():
        return difference
    return replace(difference, interval=difference_interval(int((table > 0).sum()), int((table < 0).sum()), len(table)))


def describe(scored: Scored, truth: GroundTruth, definition: Redetection) -> dict[str, Any]:
    """One tracker's part of the object. `gone` and `back` count frames from 1."""
    facts, values = completeness(scored.tracker, len(truth.expected)), scored.redetected
    if not values:
        return facts
    sequences = {}
    for name, value in values.items():
        when = event(truth.targets[name], definition)
        frames = len(truth.targets[name].boxes)
        sequences[name] = {"frames": frames, "gone": when.gone + 1, "back": when.back + 1, METRIC: value}
    hits = sum(values.values())
    interval = share_interval(int(hits), len(values))
    return {**facts, METRIC: hits / len(values), f"{METRIC}_interval": interval, "sequences": sequences}


def pairs(
    values: Mapping[str, Mapping[str, float]], chance: Bootstrap, compare: tuple[str, str] | None = None
) -> list[dict[str, Any]]:
    """Paired differences of trackers' values by sequence, on their common sequences. The sign-flip test of values 0 and
    1 is McNemar's; p is Holm's for the pairs shown."""
    shown = []
    for a, b in choose_pairs(list(values), compare):
        common = [name for name in values[a] if name in values[b]]
        if common:
            table = np.array([values[a][name] - values[b][name] for name in common])
            shown.append(((a, b), _difference(table, chance)))
    corrected = statistics.holm([difference.p for _, difference in shown]) if shown else []
    return [pair_entry(pair, METRIC, result, p) for (pair, result), p in zip(shown, corrected, strict=True)]


def redetection_object(
    benchmark: Benchmark,
    truth: GroundTruth,
    scored: Sequence[Scored],
    definition: Redetection,
    chance: Bootstrap,
    compare: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """The whole object of scored trackers. Raises InputError when none has a file of the benchmark."""
    if not any(one.redetected for one in scored):
        names = ", ".join(one.name for one in scored)
        raise InputError(
            f"no result file of {benchmark.name} in any tracker's folder ({names}); expected <sequence>.txt"
        )
    return {
        "benchmark": benchmark.name,
        "definition": definition.name,
        "definition_version": definition.version,
        "rule": {"overlap": definition.again, "within": definition.within},
        "trackers": {one.name: describe(one, truth, definition) for one in scored},
        "pairs": pairs({one.name: one.redetected for one in scored if one.redetected}, chance, compare),
        **without_truth(truth),
    }
