"""From files to the object that `dat evaluate --json` writes: one-pass benchmarks."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dat.base.errors import InputError
from dat.benchmarks.catalogue import Benchmark
from dat.evaluation import ground_truth, results, statistics
from dat.evaluation.definitions import OnePass
from dat.evaluation.one_pass import curves as one_pass
from dat.evaluation.one_pass.curves import METRICS, Scores

Floats = npt.NDArray[np.float64]
_PAIRED = 2


@dataclass(frozen=True)
class Bootstrap:
    """How many resamples are drawn, and from which seed."""

    resamples: int = 10_000
    seed: int = 0


@dataclass(frozen=True)
class Scored:
    """A tracker, its scores (None without a sequence), and what was said of its files."""

    tracker: results.TrackerResults
    scores: Scores | None

    @property
    def name(self) -> str:
        """The tracker's name."""
        return self.tracker.name


def score_trackers(
    folders: Sequence[Path],
    truth: ground_truth.GroundTruth,
    definition: OnePass,
    lengths: results.Lengths,
    origin: int = 1,
) -> list[Scored]:
    """Read and score trackers, one after another. Files count pixels from `origin`."""
    evaluator, scored = one_pass.Evaluator(list(truth.targets.values()), definition), []
    for folder in folders:
        tracker = results.read(folder, truth, definition, lengths, origin)
        scores = evaluator.evaluate(tracker) if tracker.boxes else None
        tracker.boxes.clear()
        scored.append(Scored(tracker, scores))
    return scored


def completeness(tracker: Any, expected: int) -> dict[str, Any]:
    """What a reader must know before a number: which sequences were scored, which files were left aside or cut."""
    return {
        "complete": not tracker.missing,
        "expected": expected,
        "scored": expected - len(tracker.missing),
        "missing": list(tracker.missing),
        "ignored": list(tracker.ignored),
        "cut": list(tracker.cut),
        **({"notes": list(tracker.notes)} if tracker.notes else {}),
    }


def _named(values: Iterable[float]) -> dict[str, float]:
    return {metric: float(value) for metric, value in zip(METRICS, values, strict=True)}


def _attributes(scores: Scores, truth: ground_truth.GroundTruth) -> dict[str, dict[str, float]]:
    """Scores of the sequences that carry an attribute, by attribute."""
    values = scores.values()
    carried = {name: set(truth.targets[name].attributes) for name in scores.sequences}
    every = sorted(set().union(*carried.values())) if carried else []
    rows = {key: [i for i, name in enumerate(scores.sequences) if key in carried[name]] for key in every}
    return {key: {"sequences": len(at), **_named(values[at].mean(0))} for key, at in rows.items()}


def describe(scored: Scored, truth: ground_truth.GroundTruth) -> dict[str, Any]:
    """One tracker's part of the object, without intervals."""
    facts = completeness(scored.tracker, len(truth.expected))
    scores = scored.scores
    if scores is None:
        return facts
    values = scores.values()
    sequences = {
        name: {"frames": int(frames), **_named(row)}
        for name, frames, row in zip(scores.sequences, scores.frames, values, strict=True)
    }
    curves = {
        "success": scores.success.mean(0).tolist(),
        "precision": scores.precision.mean(0).tolist(),
        "normalized_precision": scores.normalized.mean(0).tolist(),
    }
    return {
        **facts,
        **_named(values.mean(0)),
        "curves": curves,
        "sequences": sequences,
        "attributes": _attributes(scores, truth),
        "repaired": scores.repaired,
    }


def add_intervals(entries: Mapping[str, dict[str, Any]], scored: Sequence[Scored], bootstrap: Bootstrap) -> None:
    """Intervals of every tracker; those with the same sequences share their resamples."""
    groups: dict[tuple[str, ...], list[Scored]] = {}
    for one in scored:
        if one.scores is not None:
            groups.setdefault(one.scores.sequences, []).append(one)
    for group in groups.values():
        values = np.concatenate([one.scores.values() for one in group if one.scores is not None], axis=1)
        intervals = statistics.mean_intervals(values, bootstrap.resamples, bootstrap.seed)
        for place, one in enumerate(group):
            for index, metric in enumerate(METRICS):
                entries[one.name][f"{metric}_interval"] = list(intervals[place * len(METRICS) + index])


def _common(a: Scores, b: Scores) -> Floats:
    """Differences (S,3) of two trackers' scores on the sequences that both have."""
    rows = {name: i for i, name in enumerate(b.sequences)}
    both = [(i, rows[name]) for i, name in enumerate(a.sequences) if name in rows]
    left, right = a.values(), b.values()
    return left[[i for i, _ in both]] - right[[j for _, j in both]]


def choose_pairs(names: Sequence[str], compare: tuple[str, str] | None) -> list[tuple[str, str]]:
    """The pairs to show: the one asked for, or all. Raises InputError when a name is not among the trackers."""
    if compare is None:
        return list(itertools.combinations(names, 2))
    for name in compare:
        if name not in names:
            raise InputError(f"--compare {name}: no such tracker with scores; there are {', '.join(names)}")
    return [compare]


def pairs(
    scores: Mapping[str, Scores], bootstrap: Bootstrap, compare: tuple[str, str] | None = None
) -> list[dict[str, Any]]:
    """Paired differences of every pair of trackers on their common sequences; p values are Holm's for the pairs
    shown."""
    chosen = choose_pairs(list(scores), compare)
    return _pair_entries({pair: _common(scores[pair[0]], scores[pair[1]]) for pair in chosen}, bootstrap)


def table_pairs(tables: Mapping[str, Floats], bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """As `pairs`, of tables (S,3) of the same sequences."""
    chosen = choose_pairs(list(tables), None)
    return _pair_entries({(a, b): tables[a] - tables[b] for a, b in chosen}, bootstrap)


def _pair_entries(differences: Mapping[tuple[str, str], Floats], bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """The first two metrics of differences (S,3) by pair; pairs with as many sequences share their resamples."""
    groups: dict[int, list[tuple[str, str]]] = {}
    for pair, values in differences.items():
        groups.setdefault(len(values), []).append(pair)
    measured: dict[tuple[tuple[str, str], int], statistics.Difference] = {}
    for size, members in groups.items():
        if size:
            table = np.concatenate([differences[pair][:, :_PAIRED] for pair in members], axis=1)
            results = statistics.paired(table, bootstrap.resamples, bootstrap.seed)
            keys = [(pair, metric) for pair in members for metric in range(_PAIRED)]
            measured |= dict(zip(keys, results, strict=True))
    return [entry for metric in range(_PAIRED) for entry in _corrected(list(differences), measured, metric)]


def _corrected(
    chosen: Sequence[tuple[str, str]],
    measured: Mapping[tuple[tuple[str, str], int], statistics.Difference],
    metric: int,
) -> list[dict[str, Any]]:
    shown = [(pair, measured[pair, metric]) for pair in chosen if (pair, metric) in measured]
    corrected = statistics.holm([difference.p for _, difference in shown])
    return [pair_entry(pair, METRICS[metric], result, p) for (pair, result), p in zip(shown, corrected, strict=True)]


def pair_entry(pair: tuple[str, str], metric: str, difference: statistics.Difference, p: float) -> dict[str, Any]:
    """A pair's part of the object: `p` is corrected for the number of pairs shown."""
    return {
        "a": pair[0],
        "b": pair[1],
        "metric": metric,
        "difference": difference.value,
        "interval": list(difference.interval),
        "p": p,
        "p_uncorrected": difference.p,
        "verdict": statistics.verdict(difference.interval, p, metric != "robustness"),
    }


def one_pass_object(
    benchmark: Benchmark,
    truth: ground_truth.GroundTruth,
    folders: Sequence[Path],
    definition: OnePass,
    lengths: results.Lengths = "strict",
    bootstrap: Bootstrap | None = None,
    compare: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """The whole object for trackers' folders. Raises InputError when none has a file of the benchmark."""
    scored = score_trackers(folders, truth, definition, lengths, benchmark.origin)
    return assemble(benchmark, truth, scored, definition, bootstrap or Bootstrap(), compare)


def assemble(
    benchmark: Benchmark,
    truth: ground_truth.GroundTruth,
    scored: Sequence[Scored],
    definition: OnePass,
    bootstrap: Bootstrap,
    compare: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """The object of scored trackers, intervals and pairs included."""
    if not any(one.scores for one in scored):
        names = ", ".join(one.name for one in scored)
        raise InputError(
            f"no result file of {benchmark.name} in any tracker's folder ({names}); expected <sequence>.txt"
        )
    entries = {one.name: describe(one, truth) for one in scored}
    add_intervals(entries, scored, bootstrap)
    known = {one.name: one.scores for one in scored if one.scores is not None}
    return {
        "benchmark": benchmark.name,
        "definition": definition.name,
        "definition_version": definition.version,
        "trackers": entries,
        "pairs": pairs(known, bootstrap, compare),
        **without_truth(truth),
    }


def without_truth(truth: Any) -> dict[str, list[str]]:
    """The sequences that no annotation was found of, and what must be known of the truth, where there is any."""
    absent = [name for name in truth.expected if name not in truth.targets]
    missing = {"annotations_missing": absent} if absent else {}
    return missing | ({"notes": list(truth.notes)} if truth.notes else {})
