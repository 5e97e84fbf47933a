"""From files to the object that `dat evaluate --json` writes: VOT's benchmarks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dat.errors import InputError
from dat.evaluation import statistics, vot, vot_files
from dat.evaluation.benchmarks import Benchmark
from dat.evaluation.definitions import Vot
from dat.evaluation.results import Lengths
from dat.evaluation.scoring import Bootstrap, choose_pairs, completeness, pair_entry

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """A tracker: its files' facts, per-sequence scores and (where there is an interval) curves; region noise apart."""

    tracker: vot_files.Tracker
    sequences: Mapping[str, vot.SequenceScore]
    frames: Mapping[str, vot.Frames]
    curves: vot.Curves | None
    noise: Mapping[str, vot.SequenceScore]
    noise_frames: Mapping[str, vot.Frames]

    @property
    def name(self) -> str:
        """The tracker's name."""
        return self.tracker.name


def score_tracker(
    tracker: vot_files.Tracker, truth: vot_files.Truth, definition: Vot, interval: tuple[int, int] | None
) -> Scored:
    """Score a tracker that was read."""
    frames = {name: vot.frame_overlaps(truth.targets[name], runs, definition) for name, runs in tracker.runs.items()}
    noise = {name: vot.frame_overlaps(truth.targets[name], runs, definition) for name, runs in tracker.noise.items()}
    longest = max(len(target) for target in truth.targets.values())
    curves = vot.curves(list(frames.values()), longest, interval, definition) if interval and frames else None
    tracker.runs.clear()
    tracker.noise.clear()
    return Scored(tracker, _each(frames, definition), frames, curves, _each(noise, definition), noise)


def _each(frames: Mapping[str, vot.Frames], definition: Vot) -> dict[str, vot.SequenceScore]:
    return {name: vot.sequence_score(one, definition) for name, one in frames.items()}


def summary(scores: Mapping[str, vot.SequenceScore], definition: Vot) -> dict[str, float]:
    """Accuracy, failures a run and robustness (failures a sequence) of some sequences."""
    table = _table(scores)
    weights = table[:, 1] if definition.accuracy == "frames" else table[:, 3]
    accuracy = float((table[:, 0] * weights).sum() / weights.sum()) if weights.sum() else 0.0
    failures = float(table[:, 2].sum())
    by_length = float((table[:, 2] * table[:, 3]).sum() / table[:, 3].sum())
    robustness = failures / len(table) if definition.accuracy == "frames" else by_length
    return {"accuracy": accuracy, "failures": failures, "robustness": robustness}


def _table(scores: Mapping[str, vot.SequenceScore]) -> Floats:
    """Accuracy (0 where no frame counts), counted frames, failures, frames: (S,4)."""
    rows = [(np.nan_to_num(one.accuracy), one.counted, one.failures, one.frames) for one in scores.values()]
    return np.array(rows, np.float64).reshape(-1, 4)


def _share_interval(above: Floats, below: Floats, bootstrap: Bootstrap) -> list[float]:
    """95 % interval of sum(above) / sum(below) over sequences."""
    weights = statistics.resamples(len(above), bootstrap.resamples, bootstrap.seed)
    value = above.sum() / below.sum()
    influence = (above - value * below) / below.mean()
    drawn_below = weights @ below
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = np.where(drawn_below > 0, weights @ above / drawn_below, value)
    low, high = statistics.studentised(np.array([value]), drawn[:, None], influence[:, None], weights)
    return [float(low[0]), float(high[0])]


def _bounded(interval: list[float], least: float, most: float) -> list[float] | None:
    """An interval within what the score can be; None where the resamples do not bound it."""
    ends = [float(np.clip(end, least, most)) for end in interval]
    return ends if np.isfinite(ends).all() else None


def intervals(scored: Scored, definition: Vot, bootstrap: Bootstrap) -> dict[str, list[float]]:
    """Intervals of accuracy, robustness and EAO over sequences."""
    table = _table(scored.sequences)
    weights = table[:, 1] if definition.accuracy == "frames" else table[:, 3]
    lost = table[:, 2] if definition.accuracy == "frames" else table[:, 2] * table[:, 3]
    per = np.ones(len(table)) if definition.accuracy == "frames" else table[:, 3]
    found: dict[str, list[float] | None] = {}
    if weights.sum():
        found["accuracy_interval"] = _bounded(_share_interval(table[:, 0] * weights, weights, bootstrap), 0.0, 1.0)
    found["robustness_interval"] = _bounded(_share_interval(lost, per, bootstrap), 0.0, np.inf)
    if scored.curves is not None:
        found["eao_interval"] = _bounded(eao_interval(scored.curves, bootstrap), 0.0, 1.0)
    return {name: interval for name, interval in found.items() if interval is not None}


def eao_influence(curves: vot.Curves) -> Floats:
    """How much each sequence moves EAO (S,): the curve's change, averaged over the interval, times S."""
    part = curves.scored()
    below = part.denominator.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.where(below > 1e-12, (part.numerator - part.curve() * part.denominator) / below, 0.0)
    return np.asarray(change.mean(1) * len(change))


def eao_interval(curves: vot.Curves, bootstrap: Bootstrap) -> list[float]:
    """95 % interval of EAO: sequences are drawn again with all their fragments."""
    part = curves.scored()
    weights = statistics.resamples(len(part.numerator), bootstrap.resamples, bootstrap.seed)
    drawn = part.curve(weights).mean(1)
    estimate = np.array([part.curve().mean()])
    low, high = statistics.studentised(estimate, drawn[:, None], eao_influence(curves)[:, None], weights)
    return [float(low[0]), float(high[0])]


def _tag_accuracy(scored: Scored, truth: vot_files.Truth) -> dict[str, dict[str, float]]:
    """Per tag: accuracy and failures, the tag's frames taken first and the burn-in applied within them (MATLAB's
    way)."""
    found: dict[str, dict[str, float]] = {}
    for tag in sorted({tag for target in truth.targets.values() for tag in target.tags}):
        parts = []
        for name, frames in scored.frames.items():
            flags = truth.targets[name].tags.get(tag)
            if flags is not None and flags[: frames.codes.shape[1]].any():
                at = flags[: frames.codes.shape[1]]
                parts.append(vot.Frames(frames.curve[:, at], frames.accuracy[:, at], frames.codes[:, at]))
        if parts:
            found[tag] = _tag_entry(parts)
    return found


def _tag_entry(parts: Sequence[vot.Frames]) -> dict[str, float]:
    total = counted = failures = length = 0.0
    for part in parts:
        score = vot.sequence_score(part, _FRAMES)
        total += float(np.nan_to_num(score.accuracy)) * score.counted
        counted += score.counted
        failures += score.failures
        length += score.frames
    return {
        "sequences": len(parts),
        "frames": length,
        "accuracy": total / counted if counted else 0.0,
        "failures": failures,
    }


_FRAMES = Vot("frames", "", "", raster="2016")


def describe(scored: Scored, truth: vot_files.Truth, definition: Vot, bootstrap: Bootstrap) -> dict[str, Any]:
    """One tracker's part of the object."""
    facts = completeness(scored.tracker, len(truth.expected))
    if not scored.sequences:
        return facts
    entry: dict[str, Any] = {
        **facts,
        **summary(scored.sequences, definition),
        **intervals(scored, definition, bootstrap),
    }
    entry["sequences"] = {name: _sequence_entry(one) for name, one in scored.sequences.items()}
    entry["attributes"] = _tag_accuracy(scored, truth)
    if scored.curves is not None:
        entry["eao"] = scored.curves.eao()
        longest = max(len(target) for target in truth.targets.values())
        entry["curves"] = {"expected_overlap": scored.curves.curve()[:longest].tolist()}
    if scored.noise:
        entry["region_noise"] = {**summary(scored.noise, definition), "scored": len(scored.noise)}
    return entry


def _sequence_entry(score: vot.SequenceScore) -> dict[str, float]:
    entry: dict[str, float] = {"frames": score.frames, "failures": score.failures}
    return entry | ({} if np.isnan(score.accuracy) else {"accuracy": score.accuracy})


# ---------------------------------------------------------------- pairs


def _eao_difference(a: vot.Curves, b: vot.Curves, bootstrap: Bootstrap) -> statistics.Difference:
    """Paired difference of EAO: sequences drawn for both alike; for the test, a sequence's two results change
    places."""
    left, right = a.scored(), b.scored()
    count = len(left.numerator)
    weights = statistics.resamples(count, bootstrap.resamples, bootstrap.seed)
    value = left.curve().mean() - right.curve().mean()
    drawn = left.curve(weights).mean(1) - right.curve(weights).mean(1)
    influence = eao_influence(a) - eao_influence(b)
    low, high = statistics.studentised(np.array([value]), drawn[:, None], influence[:, None], weights)
    swap = statistics.flips(count, bootstrap.resamples, bootstrap.seed) < 0
    swapped = _swapped(left, right, swap.astype(np.float64))
    p = (1 + np.count_nonzero(np.abs(swapped) >= abs(value) * (1 - 1e-12) - 1e-15)) / (1 + bootstrap.resamples)
    bounds = (float(np.clip(low[0], -1, 1)), float(np.clip(high[0], -1, 1)))
    return statistics.Difference(float(value), bounds, float(p))


def _swapped(left: vot.Curves, right: vot.Curves, swap: Floats) -> Floats:
    """The difference of EAO with some sequences' results exchanged (R,)."""
    keep = 1 - swap
    above = keep @ left.numerator + swap @ right.numerator
    below = keep @ left.denominator + swap @ right.denominator
    total_above = left.numerator.sum(0) + right.numerator.sum(0)
    total_below = left.denominator.sum(0) + right.denominator.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        one = np.where(below > 1e-12, above / below, 0.0)
        other = np.where(total_below - below > 1e-12, (total_above - above) / (total_below - below), 0.0)
    return np.asarray((one - other).mean(1))


def pairs(
    scored: Sequence[Scored], bootstrap: Bootstrap, compare: tuple[str, str] | None = None
) -> list[dict[str, Any]]:
    """Differences in EAO, and in each sequence's accuracy and failures, of every pair with the same sequences."""
    known = {one.name: one for one in scored if one.sequences}
    chosen = [pair for pair in choose_pairs(list(known), compare) if _alike(known[pair[0]], known[pair[1]])]
    entries: list[dict[str, Any]] = []
    if all(known[name].curves is not None for pair in chosen for name in pair):
        found = [_pair_eao(known[a], known[b], bootstrap) for a, b in chosen]
        corrected = statistics.holm([one.p for one in found])
        entries += [pair_entry(pair, "eao", one, p) for pair, one, p in zip(chosen, found, corrected, strict=True)]
    for metric, column in (("accuracy", 0),):
        values = [_table(known[a].sequences)[:, column] - _table(known[b].sequences)[:, column] for a, b in chosen]
        found = statistics.paired(np.stack(values, axis=1), bootstrap.resamples, bootstrap.seed) if values else []
        corrected = statistics.holm([one.p for one in found])
        entries += [pair_entry(pair, metric, one, p) for pair, one, p in zip(chosen, found, corrected, strict=True)]
    return entries


def _alike(a: Scored, b: Scored) -> bool:
    return list(a.sequences) == list(b.sequences)


def _pair_eao(a: Scored, b: Scored, bootstrap: Bootstrap) -> statistics.Difference:
    assert a.curves is not None
    assert b.curves is not None
    return _eao_difference(a.curves, b.curves, bootstrap)


# ---------------------------------------------------------------- the object


def interval_for(benchmark: Benchmark, truth: vot_files.Truth) -> tuple[int, int] | None:
    """The benchmark's own EAO interval; VOT2014 has none."""
    return None if benchmark.name == "vot2014" else benchmark.interval


def vot_object(
    benchmark: Benchmark,
    truth: vot_files.Truth,
    folders: Sequence[Path],
    definition: Vot,
    lengths: Lengths = "strict",
    bootstrap: Bootstrap | None = None,
    compare: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """The whole object for trackers' folders. Raises InputError when none has a file of the benchmark."""
    interval = interval_for(benchmark, truth)
    chance = bootstrap or Bootstrap()
    scored = [
        score_tracker(vot_files.read_tracker(folder, truth, lengths), truth, definition, interval) for folder in folders
    ]
    if not any(one.sequences for one in scored):
        names = ", ".join(one.name for one in scored)
        wanted = "baseline/<sequence>/<sequence>_001.txt"
        raise InputError(f"no result file of {benchmark.name} in any tracker's folder ({names}); expected {wanted}")
    found: dict[str, Any] = {
        "benchmark": benchmark.name,
        "definition": definition.name,
        "definition_version": definition.version,
        "bounded": truth.bounded,
        "trackers": {one.name: describe(one, truth, definition, chance) for one in scored},
        "pairs": pairs(scored, chance, compare),
    }
    if interval:
        found["interval"] = list(interval)
    return found
