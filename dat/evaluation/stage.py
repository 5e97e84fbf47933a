"""The stage `evaluate@<benchmark>`: scores of our own results, by the definition that is the benchmark's own."""

import statistics as numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dat.base import sections
from dat.base.errors import InputError, MissingError
from dat.base.sections import Evaluation
from dat.benchmarks import catalogue
from dat.benchmarks.catalogue import Benchmark
from dat.benchmarks.published import Fact
from dat.datasets import manifest
from dat.evaluation import baselines, definitions, ground_truth, redetection, results, statistics
from dat.evaluation.definitions import OnePass, Redetection, Vot
from dat.evaluation.one_pass import summary as scoring
from dat.evaluation.vot import expected_overlap as vot
from dat.evaluation.vot import files as vot_files
from dat.evaluation.vot import summary as vot_scoring
from dat.evaluation.vot.rasters import regions
from dat.records import Job, write_json

METRICS = ("success", "precision", "normalized_precision", "eao", "accuracy", "robustness", "failures", "redetected")


def run(job: Job) -> None:
    """Score `results/<benchmark>` against the manifest and write `reports/metrics/<benchmark>.json`.

    Raises MissingError when a unit of the benchmark has no result.
    """
    settings = job.settings.section(f"benchmarks.{job.key}", sections.BenchmarkSettings)
    evaluation = job.settings.section("evaluation", Evaluation)
    data = manifest.read(job.inputs["manifest"])
    folders = results.tracker_folders(job.inputs["results"])
    chance = scoring.Bootstrap(evaluation.resamples, evaluation.seed)
    benchmark = catalogue.find(job.key)
    of_files, compare = PROTOCOLS["redetection" if benchmark.protocol == "redetection" else settings.protocol]

    def score(key: str) -> dict[str, Any]:
        scores, scored = of_files(key, data, folders, chance, "ours")
        _complete(key, scores)
        scores["variants"] = _variants(scores["trackers"])
        scores["pairs"] = compare(scores["variants"], scored, chance)
        return scores

    result = score(job.key)
    subsets = [name for name in benchmark.subsets if name in data.header["lists"]]
    if subsets:
        result["subsets"] = {name: score(name) for name in subsets}
    with baselines.of(job.settings, job.key) as others:

        def score_other(key: str, folder: Path) -> dict[str, Any]:
            scores: dict[str, Any] = of_files(key, data, [folder], chance, "strict")[0]
            return scores

        _join(result, job.key, others, score_other, data.header["lists"])
    variants = {name: job.settings.section(f"variants.{name}", sections.Variant) for name in settings.variants}
    readers = [name for name, variant in variants.items() if variant.reads_sentences]
    for key, scores in ((job.key, result), *result.get("subsets", {}).items()):
        scores |= _lacking(readers, [data.sequences[name].sentence for name in data.header["lists"][key]])
    result |= {"profile": job.settings.profile, "data_set": data.header["name"]}
    write_json(job.outputs["metrics"], result)


def _join(
    result: dict[str, Any],
    benchmark: str,
    others: baselines.Baselines,
    score: Callable[[str, Path], Mapping[str, Any]],
    lists: Mapping[str, Sequence[str]],
) -> None:
    """Put the scores of baselines beside our own, as `baselines` in the object and in its subsets; each file of theirs
    with its hash. Raises InputError naming a tracker without a file of the benchmark."""
    for key, scores in ((benchmark, result), *result.get("subsets", {}).items()):
        there = others.of_sequences(result.get("baselines", {}), lists[key])
        entries = {folder.name: score(key, folder)["trackers"][folder.name] for folder in there}
        scores |= {"baselines": entries} if entries else {}
    for name, entry in result.get("baselines", {}).items():
        entry["files"] = others.files(name)
        if not entry.get("sequences"):
            raise InputError(f"baselines/{benchmark}/{name}: no result file of a sequence of {benchmark}")


def _lacking(readers: Sequence[str], sentences: Sequence[str | None]) -> dict[str, Any]:
    """How many targets have the sentence that the variants `readers` read, where some lack it; those were tracked with
    attention from the target alone [R27]."""
    have = sum(map(bool, sentences))
    facts = {"targets": len(sentences), "with_one": have, "variants": list(readers)}
    return {"sentences": facts} if readers and have < len(sentences) else {}


def listed(key: str, data: manifest.Manifest) -> Benchmark:
    """The benchmark as this data set has it: the data set's own list; real quirks and intervals for real sets alone."""
    published = catalogue.find(key)
    names = data.header["lists"].get(key)
    if not names:
        raise InputError(f"{data.header['name']}: its manifest has no list {key!r}; run dat index again")
    absent = [name for name in names if name not in data.sequences]
    if absent:
        raise InputError(
            f"{data.header['name']}: {absent[0]} is in the list {key} but not in the manifest; run dat index"
        )
    rows = {name: data.sequences[name] for name in names}
    entries = {name: Fact(row.row["frames"], attributes=tuple(row.attributes)) for name, row in rows.items()}
    if list(names) and set(names) == set(published.sequences):
        return replace(published, sequences=entries)
    return replace(published, sequences=entries, omit={}, interval=None)


def _one_pass_scores(
    key: str,
    data: manifest.Manifest,
    folders: Sequence[Path],
    chance: scoring.Bootstrap,
    lengths: results.Lengths,
) -> tuple[dict[str, Any], list[scoring.Scored]]:
    benchmark, truth = _truth(key, data)
    definition = definitions.find(benchmark.definition, "one-pass")
    assert isinstance(definition, OnePass)
    scored = scoring.score_trackers(folders, truth, definition, lengths)
    return scoring.assemble(benchmark, truth, scored, definition, chance), scored


def _one_pass_pairs(
    variants: Mapping[str, dict[str, Any]], scored: Sequence[scoring.Scored], chance: scoring.Bootstrap
) -> list[dict[str, Any]]:
    """The pairs of variants, whose curves get their intervals."""
    add_bands(variants, scored, chance)
    by_tracker = {one.name: one.scores.values() for one in scored if one.scores is not None}
    return _variant_pairs(by_tracker, chance)


def _redetection_scores(
    key: str,
    data: manifest.Manifest,
    folders: Sequence[Path],
    chance: scoring.Bootstrap,
    lengths: results.Lengths,
) -> tuple[dict[str, Any], list[redetection.Scored]]:
    benchmark, truth = _truth(key, data)
    definition = definitions.find(benchmark.definition, "redetection")
    assert isinstance(definition, Redetection)
    scored = redetection.score_trackers(folders, truth, definition, lengths)
    return redetection.redetection_object(benchmark, truth, scored, definition, chance), scored


def _redetection_pairs(
    _: Mapping[str, Any], scored: Sequence[redetection.Scored], chance: scoring.Bootstrap
) -> list[dict[str, Any]]:
    return redetection.pairs(_means({one.name: one.redetected for one in scored}), chance)


def _means(values: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """The values of variants by sequence: means over seeds."""
    grouped: dict[str, list[Mapping[str, float]]] = {}
    for name, table in values.items():
        grouped.setdefault(variant_of(name)[0], []).append(table)
    return {
        variant: {name: numbers.fmean(table[name] for table in tables) for name in tables[0]}
        for variant, tables in grouped.items()
    }


def _truth(key: str, data: manifest.Manifest) -> tuple[Benchmark, ground_truth.GroundTruth]:
    benchmark = listed(key, data)
    targets = {name: _target(data.sequences[name], benchmark) for name in benchmark.sequences}
    return benchmark, ground_truth.GroundTruth(tuple(targets), targets)


def add_bands(
    variants: Mapping[str, dict[str, Any]], scored: Sequence[scoring.Scored], chance: scoring.Bootstrap
) -> None:
    """The 95 % intervals over sequences of each variant's success and precision curves, the mean over its seeds, as
    `curve_intervals`: a low and a high end for each point."""
    for name, entry in variants.items():
        runs = [one.scores for one in scored if one.scores is not None and variant_of(one.name)[0] == name]
        for metric in ("success", "precision"):
            curves = np.mean([getattr(run, metric) for run in runs], axis=0)
            ends = statistics.mean_intervals(curves, chance.resamples, chance.seed)
            entry.setdefault("curve_intervals", {})[metric] = [list(pair) for pair in ends]


def _target(sequence: manifest.Sequence, benchmark: Benchmark) -> ground_truth.SequenceTruth:
    """The truth in the files' own origin, in which the toolkits judge which boxes are boxes."""
    boxes = sequence.boxes + np.array([benchmark.origin, benchmark.origin, 0, 0])
    if benchmark.flags and benchmark.protocol == "one-pass" and "absent" not in sequence.row:
        lacks = f"no flags of absence, without which {benchmark.name} is not scored; put them there (docs/data.md)"
        raise InputError(f"{sequence.name}: {lacks} and run dat index again")
    absent = sequence.absent if benchmark.flags else None
    return ground_truth.SequenceTruth(
        sequence.name, boxes, benchmark.omit.get(sequence.name, 0), absent, tuple(sequence.attributes)
    )


def _vot_scores(
    key: str,
    data: manifest.Manifest,
    folders: Sequence[Path],
    chance: scoring.Bootstrap,
    lengths: results.Lengths,
) -> tuple[dict[str, Any], dict[str, dict[str, vot_scoring.Table]]]:
    """The object of trackers, and the tables that their scores are shares of."""
    benchmark = listed(key, data)
    targets = {name: vot_target(data.sequences[name]) for name in benchmark.sequences}
    if not benchmark.ranked and benchmark.interval is None:
        benchmark = replace(benchmark, interval=vot.interval_of([len(target) for target in targets.values()]))
    truth = vot_files.VotTruth(tuple(targets), targets)
    definition = definitions.find(benchmark.definition, "vot")
    assert isinstance(definition, Vot)
    scored = vot_scoring.score_all(benchmark, truth, folders, definition, lengths)
    scores = vot_scoring.vot_object(benchmark, truth, scored, definition, chance)
    return scores, vot_scoring.tables(scored, definition)


def _vot_pairs(
    _: Mapping[str, Any], tables: Mapping[str, Mapping[str, vot_scoring.Table]], chance: scoring.Bootstrap
) -> list[dict[str, Any]]:
    return vot_scoring.pairs(_variant_tables(tables), chance)


def _variant_tables(tables: Mapping[str, Mapping[str, vot_scoring.Table]]) -> dict[str, dict[str, vot_scoring.Table]]:
    """The tables of variants: sums over seeds, of which a share of sums is the mean."""
    by_variant: dict[str, dict[str, vot_scoring.Table]] = {}
    for name, metrics in tables.items():
        of_variant = by_variant.setdefault(variant_of(name)[0], {})
        for metric, (above, below) in metrics.items():
            earlier = of_variant.get(metric, (np.zeros_like(above), np.zeros_like(below)))
            of_variant[metric] = (earlier[0] + above, earlier[1] + below)
    return by_variant


def vot_target(sequence: manifest.Sequence) -> vot_files.VotSequence:
    """VOT's truth of a sequence: its regions as written, the frames' size and the tags of every frame."""
    written = sequence.regions or [list(box) for box in sequence.row["boxes"]]
    counts = np.array([len(region or ()) for region in written], np.int64)
    table = np.full((len(written), 8), np.nan)
    for row, region in zip(table, written, strict=True):
        row[: len(region or ())] = region or ()
    frames = len(written)
    tags = {
        tag: np.resize(np.array(flags, np.bool_), frames)
        for tag, flags in sequence.tags.items()
        if len(flags) == frames
    }
    return vot_files.VotSequence(sequence.name, regions(table, counts), sequence.size, tags)


def _complete(key: str, scores: Mapping[str, Any]) -> None:
    for name, entry in scores["trackers"].items():
        if not entry["complete"]:
            missing = entry["missing"]
            raise MissingError(
                f"results/{key}/{name}: no result of {missing[0]} ({len(missing)} of {entry['expected']} missing); "
                f"run dat benchmark {key}"
            )


def variant_of(tracker: str) -> tuple[str, int]:
    """Variant and seed of a results folder's name."""
    variant, _, seed = tracker.partition("@seed-")
    if not seed.isdigit():
        raise InputError(f"{tracker}: a results folder is named <variant>@seed-<n>; move it elsewhere")
    return variant, int(seed)


def _variants(trackers: Mapping[str, Any]) -> dict[str, Any]:
    """Each variant: its seeds, the mean of every metric; the interval of one seed, or the spread over several."""
    grouped: dict[str, dict[int, Any]] = {}
    for name, entry in trackers.items():
        variant, seed = variant_of(name)
        grouped.setdefault(variant, {})[seed] = entry
    return {variant: _variant(runs) for variant, runs in grouped.items()}


def _variant(runs: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    seeds = sorted(runs)
    entries = [runs[seed] for seed in seeds]
    means: dict[str, Any] = {"seeds": seeds}
    for metric in (metric for metric in METRICS if metric in entries[0]):
        values = [float(entry[metric]) for entry in entries]
        means[metric] = numbers.fmean(values)
        if len(seeds) > 1:
            means.setdefault("spread", {})[metric] = numbers.stdev(values)
        elif f"{metric}_interval" in entries[0]:
            means[f"{metric}_interval"] = entries[0][f"{metric}_interval"]
    return means


def _variant_pairs(values: Mapping[str, Any], chance: scoring.Bootstrap) -> list[dict[str, Any]]:
    """Pairs of variants, each sequence's score being the mean over seeds."""
    grouped: dict[str, list[Any]] = {}
    for name, table in values.items():
        grouped.setdefault(variant_of(name)[0], []).append(table)
    means = {variant: np.mean(tables, axis=0) for variant, tables in grouped.items()}
    return scoring.table_pairs(means, chance)


PROTOCOLS: Mapping[str, tuple[Callable[..., tuple[dict[str, Any], Any]], Callable[..., list[dict[str, Any]]]]] = {
    "vot": (_vot_scores, _vot_pairs),
    "redetection": (_redetection_scores, _redetection_pairs),
    "one-pass": (_one_pass_scores, _one_pass_pairs),
}
"""Of each protocol the scores of trackers' files, with what they are computed from, and the pairs of variants."""
