"""Score the trackers of a folder on a benchmark: what `dat evaluate --benchmark` calls."""

from pathlib import Path
from typing import Any

from dat.base import naming
from dat.benchmarks import catalogue
from dat.evaluation import definitions, ground_truth, redetection, results
from dat.evaluation.definitions import OnePass, Redetection, Vot
from dat.evaluation.one_pass import summary as scoring
from dat.evaluation.vot import files as vot_files
from dat.evaluation.vot import summary as vot_scoring


def files(
    benchmark: str,
    annotations: Path,
    folder: Path,
    definition: str | None = None,
    lengths: results.Lengths = "strict",
    bootstrap: tuple[int, int] = (10_000, 0),
    compare: tuple[str, str] | None = None,
    subset: Path | None = None,
) -> dict[str, Any]:
    """The scores of every tracker below `folder`; with `compare` (two names) of those two alone, with `subset` (a file
    of names) on those sequences alone.

    Raises InputError for an unknown benchmark or definition, and for the first wrong file.
    """
    entry = catalogue.find(benchmark)
    if subset:
        entry = catalogue.subset(entry, subset)
    rule = definitions.find(definition or entry.definition, entry.protocol)
    chance = scoring.Bootstrap(*bootstrap)
    named_subset = {"subset": naming.shown(subset.stem)} if subset else {}
    if isinstance(rule, Vot):
        shapes = vot_files.read_truth(annotations, entry)
        folders = results.tracker_folders(folder, shapes.expected)
        scored = vot_scoring.score_all(entry, shapes, folders, rule, lengths)
        data = vot_scoring.vot_object(entry, shapes, scored, rule, chance)
        return data | {"pairs": vot_scoring.pairs(vot_scoring.tables(scored, rule), chance, compare)} | named_subset
    assert isinstance(rule, OnePass)
    truth = ground_truth.read(annotations, entry)
    folders = results.tracker_folders(folder, truth.expected)
    if isinstance(rule, Redetection):
        trackers = redetection.score_trackers(folders, truth, rule, lengths, entry.origin)
        return redetection.redetection_object(entry, truth, trackers, rule, chance, compare) | named_subset
    return scoring.one_pass_object(entry, truth, folders, rule, lengths, chance, compare) | named_subset
