"""From files to the object that `dat evaluate --json` writes: VOT's benchmarks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dat.base.errors import InputError
from dat.benchmarks.catalogue import Benchmark
from dat.benchmarks.vot import FAILED
from dat.evaluation import statistics
from dat.evaluation.definitions import Vot
from dat.evaluation.one_pass.summary import Bootstrap, choose_pairs, completeness, pair_entry, without_truth
from dat.evaluation.results import Lengths
from dat.evaluation.vot import expected_overlap as vot
from dat.evaluation.vot import files as vot_files
from dat.evaluation.vot import ranks

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """A tracker: its files' facts, per-sequence scores and (where there is an interval) curves; region noise apart."""

    tracker: vot_files.VotResults
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
    tracker: vot_files.VotResults, truth: vot_files.VotTruth, definition: Vot, interval: tuple[int, int] | None
) -> Scored:
    """Score a tracker that was read."""
    frames = {name: vot.frame_overlaps(truth.targets[name], runs, definition) for name, runs in tracker.runs.items()}
    tracker.notes += _without_restarts(tracker, frames)
    noise = {name: vot.frame_overlaps(truth.targets[name], runs, definition) for name, runs in tracker.noise.items()}
    longest = max(len(target) for target in truth.targets.values())
    curves = vot.curves(list(frames.values()), longest, interval, definition) if interval and frames else None
    tracker.runs.clear()
    tracker.noise.clear()
    return Scored(tracker, _each(frames, definition), frames, curves, _each(noise, definition), noise)


def _without_restarts(tracker: vot_files.VotResults, frames: Mapping[str, vot.Frames]) -> list[str]:
    """Where a target is lost (overlap 0) frame after frame and nothing fails, as in no run with restarts.

    A run's own test of failures rounds in another way, so some such frames are in every result. Raises InputError for
    a tracker that never fails.
    """
    notes, fails = [], False
    for name, regions in frames.items():
        lost = int(((regions.codes == vot_files.TRACKED) & (regions.curve == 0)).sum(1).max())
        fails |= bool((regions.codes == FAILED).any())
        if lost > max(_LOST_FRAMES, _LOST_SHARE * regions.codes.shape[1]):
            notes.append(f"{name}: {lost} frames without overlap and without a failure: no run with restarts has them")
    if notes and not fails:
        raise InputError(f"tracker {tracker.name}, sequence {notes[0]}; give VOT's `baseline` runs")
    return notes


_LOST_FRAMES, _LOST_SHARE = 5, 0.05


def _each(frames: Mapping[str, vot.Frames], definition: Vot) -> dict[str, vot.SequenceScore]:
    return {name: vot.sequence_score(one, definition) for name, one in frames.items()}


def summary(scores: Mapping[str, vot.SequenceScore], definition: Vot) -> dict[str, float]:
    """Accuracy (absent where no frame counts), failures a run and robustness (failures a sequence) of sequences."""
    table = _table(scores)
    weights = table[:, 1] if definition.accuracy == "frames" else table[:, 3]
    accuracy = {"accuracy": float((table[:, 0] * weights).sum() / weights.sum())} if weights.sum() else {}
    failures = float(table[:, 2].sum())
    by_length = float((table[:, 2] * table[:, 3]).sum() / table[:, 3].sum())
    robustness = failures / len(table) if definition.accuracy == "frames" else by_length
    return accuracy | {"failures": failures, "robustness": robustness}


def _table(scores: Mapping[str, vot.SequenceScore]) -> Floats:
    """Accuracy (0 where no frame counts), counted frames, failures, frames: (S,4)."""
    rows = [(np.nan_to_num(one.accuracy), one.counted, one.failures, one.frames) for one in scores.values()]
    return np.array(rows, np.float64).reshape(-1, 4)


def intervals(scored: Scored, definition: Vot, bootstrap: Bootstrap) -> dict[str, list[float]]:
    """Intervals of accuracy, robustness and EAO over sequences; absent where the resamples do not bound a score."""
    number, seed = bootstrap.resamples, bootstrap.seed
    weights = statistics.resamples(len(scored.sequences), number, seed)
    result = {}
    for metric, table in _tables(scored, definition).items():
        if table[1].sum():
            result[metric] = statistics.share_draws(*table, number, seed).interval(weights, 0.0, _MOST[metric])
    return {f"{metric}_interval": list(ends) for metric, ends in result.items() if np.isfinite(ends).all()}


def _tag_accuracy(scored: Scored, truth: vot_files.VotTruth) -> dict[str, dict[str, float]]:
    """Per tag: accuracy and failures, the tag's frames taken first and the burn-in applied within them (MATLAB's
    way)."""
    by_tag: dict[str, dict[str, float]] = {}
    for tag in sorted({tag for target in truth.targets.values() for tag in target.tags}):
        parts = []
        for name, frames in scored.frames.items():
            flags = truth.targets[name].tags.get(tag)
            if flags is not None and flags[: frames.codes.shape[1]].any():
                at = flags[: frames.codes.shape[1]]
                parts.append(vot.Frames(frames.curve[:, at], frames.accuracy[:, at], frames.codes[:, at]))
        if parts:
            by_tag[tag] = _tag_entry(parts)
    return by_tag


def _tag_entry(parts: Sequence[vot.Frames]) -> dict[str, float]:
    total = counted = failures = length = 0.0
    for part in parts:
        score = vot.sequence_score(part, _FRAMES)
        total += float(np.nan_to_num(score.accuracy)) * score.counted
        counted += score.counted
        failures += score.failures
        length += score.frames
    accuracy = {"accuracy": total / counted} if counted else {}
    return {"sequences": len(parts), "frames": length} | accuracy | {"failures": failures}


_FRAMES = Vot("frames", "", "", raster="2016")


def describe(scored: Scored, truth: vot_files.VotTruth, definition: Vot, bootstrap: Bootstrap) -> dict[str, Any]:
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


Table = tuple[Floats, Floats]
"""What a score is the mean share of: numerators and denominators (S,L)."""


def _difference(a: Table, b: Table, bootstrap: Bootstrap, most: float) -> statistics.Difference:
    """Paired difference of a score: the same sequences are drawn for both; in the test, sequences change their
    tracker."""
    count, number, seed = len(a[0]), bootstrap.resamples, bootstrap.seed
    both = statistics.share_draws(*a, number, seed) - statistics.share_draws(*b, number, seed)
    interval = both.interval(statistics.resamples(count, number, seed), -most, most)
    swap = (statistics.flips(count, number, seed) < 0).astype(np.float64)
    one = statistics.share_value((1 - swap) @ a[0] + swap @ b[0], (1 - swap) @ a[1] + swap @ b[1])
    other = statistics.share_value(swap @ a[0] + (1 - swap) @ b[0], swap @ a[1] + (1 - swap) @ b[1])
    reached = np.count_nonzero(np.abs(one - other) >= abs(both.value) * (1 - 1e-12) - 1e-15)
    return statistics.Difference(both.value, interval, float((1 + reached) / (1 + number)))


def _tables(scored: Scored, definition: Vot) -> dict[str, Table]:
    """The tables of a tracker's scores."""
    table, frames = _table(scored.sequences), definition.accuracy == "frames"
    counted = table[:, 1:2] if frames else table[:, 3:]
    each = np.ones((len(table), 1)) if frames else table[:, 3:]
    tables = {"accuracy": (table[:, :1] * counted, counted), "robustness": (table[:, 2:3] * each, each)}
    if scored.curves is None:
        return tables
    part = scored.curves.scored()
    return {"eao": (part.numerator, part.denominator), **tables}


_MOST = {"eao": 1.0, "accuracy": 1.0, "robustness": np.inf}


def tables(scored: Sequence[Scored], definition: Vot) -> dict[str, dict[str, Table]]:
    """The tables of all trackers that have every one of the first's sequences."""
    known = [one for one in scored if one.sequences]
    return {one.name: _tables(one, definition) for one in known if list(one.sequences) == list(known[0].sequences)}


def pairs(
    tables: Mapping[str, Mapping[str, Table]], bootstrap: Bootstrap, compare: tuple[str, str] | None = None
) -> list[dict[str, Any]]:
    """Differences in every score of every pair of trackers with the same sequences; p values are Holm's."""
    chosen = choose_pairs(list(tables), compare)
    entries: list[dict[str, Any]] = []
    for metric, most in _MOST.items():
        if chosen and metric in tables[chosen[0][0]]:
            measured = [_difference(tables[a][metric], tables[b][metric], bootstrap, most) for a, b in chosen]
            corrected = statistics.holm([one.p for one in measured])
            rows = zip(chosen, measured, corrected, strict=True)
            entries += [pair_entry(pair, metric, one, p) for pair, one, p in rows]
    return [entry for entry in entries if np.isfinite(entry["interval"]).all()]


def rank(scored: Sequence[Scored], truth: vot_files.VotTruth) -> dict[str, dict[str, float]] | None:
    """VOT2014's ranks of complete trackers, where there are several; region noise counts where all have it."""
    whole = [one for one in scored if not one.tracker.missing]
    if len(whole) < 2:
        return None
    experiments = [{one.name: one.frames for one in whole}]
    if all(len(one.noise_frames) == len(one.frames) for one in whole):
        experiments.append({one.name: one.noise_frames for one in whole})
    return ranks.overall(experiments, truth.targets)


# ---------------------------------------------------------------- the object


def score_all(
    benchmark: Benchmark, truth: vot_files.VotTruth, folders: Sequence[Path], definition: Vot, lengths: Lengths
) -> list[Scored]:
    """Read and score trackers. Raises InputError when none has a file of the benchmark."""
    interval = benchmark.interval
    scored = [
        score_tracker(vot_files.read_tracker(folder, truth, lengths), truth, definition, interval) for folder in folders
    ]
    if not any(one.sequences for one in scored):
        names = ", ".join(one.name for one in scored)
        wanted = "baseline/<sequence>/<sequence>_001.txt"
        raise InputError(f"no result file of {benchmark.name} in any tracker's folder ({names}); expected {wanted}")
    return scored


def vot_object(
    benchmark: Benchmark,
    truth: vot_files.VotTruth,
    scored: Sequence[Scored],
    definition: Vot,
    bootstrap: Bootstrap,
) -> dict[str, Any]:
    """The whole object but for its pairs."""
    content: dict[str, Any] = {
        "benchmark": benchmark.name,
        "definition": definition.name,
        "definition_version": definition.version,
        "bounded": truth.bounded,
        "trackers": {one.name: describe(one, truth, definition, bootstrap) for one in scored},
        "pairs": [],
        **without_truth(truth),
    }
    interval, placed = benchmark.interval, rank(scored, truth) if benchmark.ranked else None
    return content | ({"interval": list(interval)} if interval else {}) | ({"ranks": placed} if placed else {})
