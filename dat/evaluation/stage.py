"""The stage `evaluate@<benchmark>`: scores of our own results, by the definition that is the benchmark's own."""

import statistics as numbers
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dat import sections
from dat.benchmarks import catalogue
from dat.benchmarks.catalogue import Benchmark
from dat.benchmarks.published import Fact
from dat.datasets import manifest
from dat.errors import InputError, MissingError
from dat.evaluation import definitions, ground_truth, results
from dat.evaluation.definitions import OnePass, Vot
from dat.evaluation.one_pass import summary as scoring
from dat.evaluation.vot import expected_overlap as vot
from dat.evaluation.vot import files as vot_files
from dat.evaluation.vot import summary as vot_scoring
from dat.evaluation.vot.rasters import regions
from dat.records import Job, write_json
from dat.sections import Evaluation

METRICS = ("success", "precision", "normalized_precision", "eao", "accuracy", "robustness", "failures")
SUBSETS = {"otb100": "otb100-similar"}


def run(job: Job) -> None:
    """Score `results/<benchmark>` against the manifest and write `reports/metrics/<benchmark>.json`.

    Raises MissingError when a unit of the benchmark has no result.
    """
    settings = job.settings.section(f"benchmarks.{job.key}", sections.Benchmark)
    evaluation = job.settings.section("evaluation", Evaluation)
    data = manifest.read(job.inputs["manifest"])
    folders = results.tracker_folders(job.inputs["results"])
    chance = scoring.Bootstrap(evaluation.resamples, evaluation.seed)
    score = _vot if settings.protocol == "vot" else _one_pass
    found = score(job.key, data, folders, chance)
    if job.key in SUBSETS and SUBSETS[job.key] in data.header["lists"]:
        found["subsets"] = {SUBSETS[job.key]: score(SUBSETS[job.key], data, folders, chance)}
    found |= {"profile": job.settings.profile, "data_set": data.header["name"]}
    write_json(job.outputs["metrics"], found)


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


def _one_pass(key: str, data: manifest.Manifest, folders: Sequence[Path], chance: scoring.Bootstrap) -> dict[str, Any]:
    benchmark = listed(key, data)
    targets = {name: _target(data.sequences[name], benchmark) for name in benchmark.sequences}
    truth = ground_truth.Truth(tuple(targets), targets)
    definition = definitions.find(benchmark.definition, "one-pass")
    assert isinstance(definition, OnePass)
    scored = scoring.score_trackers(folders, truth, definition, "strict")
    found = scoring.assemble(benchmark, truth, scored, definition, chance)
    _complete(key, found)
    by_tracker = {one.name: one.scores.values() for one in scored if one.scores is not None}
    found["variants"] = _variants(found["trackers"])
    found["pairs"] = _variant_pairs(by_tracker, chance)
    return found


def _target(sequence: manifest.Sequence, benchmark: Benchmark) -> ground_truth.Target:
    """The truth in the files' own origin, in which the toolkits judge which boxes are boxes."""
    boxes = sequence.boxes + np.array([benchmark.origin, benchmark.origin, 0, 0])
    absent = sequence.absent if benchmark.definition == "lasot" else None
    return ground_truth.Target(
        sequence.name, boxes, benchmark.omit.get(sequence.name, 0), absent, tuple(sequence.attributes)
    )


def _vot(key: str, data: manifest.Manifest, folders: Sequence[Path], chance: scoring.Bootstrap) -> dict[str, Any]:
    benchmark = listed(key, data)
    targets = {name: vot_target(data.sequences[name]) for name in benchmark.sequences}
    if key != "vot2014" and benchmark.interval is None:
        benchmark = replace(benchmark, interval=vot.interval_of([len(target) for target in targets.values()]))
    truth = vot_files.Truth(tuple(targets), targets)
    definition = definitions.find(benchmark.definition, "vot")
    assert isinstance(definition, Vot)
    scored = vot_scoring.score_all(benchmark, truth, folders, definition, "strict")
    found = vot_scoring.vot_object(benchmark, truth, scored, definition, chance)
    _complete(key, found)
    found["variants"] = _variants(found["trackers"])
    found["pairs"] = vot_scoring.pairs(_variant_tables(vot_scoring.tables(scored, definition)), chance)
    return found


def _variant_tables(tables: Mapping[str, Mapping[str, vot_scoring.Table]]) -> dict[str, dict[str, vot_scoring.Table]]:
    """The tables of variants: sums over seeds, of which a share of sums is the mean."""
    found: dict[str, dict[str, vot_scoring.Table]] = {}
    for name, metrics in tables.items():
        of_variant = found.setdefault(variant_of(name)[0], {})
        for metric, (above, below) in metrics.items():
            earlier = of_variant.get(metric, (np.zeros_like(above), np.zeros_like(below)))
            of_variant[metric] = (earlier[0] + above, earlier[1] + below)
    return found


def vot_target(sequence: manifest.Sequence) -> vot_files.Target:
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
    return vot_files.Target(sequence.name, regions(table, counts), sequence.size, tags)


def _complete(key: str, found: Mapping[str, Any]) -> None:
    for name, entry in found["trackers"].items():
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
    found: dict[str, Any] = {"seeds": seeds}
    for metric in (metric for metric in METRICS if metric in entries[0]):
        values = [float(entry[metric]) for entry in entries]
        found[metric] = numbers.fmean(values)
        if len(seeds) > 1:
            found.setdefault("spread", {})[metric] = numbers.stdev(values)
        elif f"{metric}_interval" in entries[0]:
            found[f"{metric}_interval"] = entries[0][f"{metric}_interval"]
    return found


def _variant_pairs(values: Mapping[str, Any], chance: scoring.Bootstrap) -> list[dict[str, Any]]:
    """Pairs of variants, each sequence's score being the mean over seeds."""
    grouped: dict[str, list[Any]] = {}
    for name, table in values.items():
        grouped.setdefault(variant_of(name)[0], []).append(table)
    means = {variant: np.mean(tables, axis=0) for variant, tables in grouped.items()}
    return scoring.table_pairs(means, chance)
