"""Score the trackers of a folder on a benchmark: what `dat evaluate --benchmark` calls."""

from pathlib import Path
from typing import Any

from dat import naming
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
    found = catalogue.find(benchmark)
    if subset:
        found = catalogue.subset(found, subset)
    rule = definitions.find(definition or found.definition, found.protocol)
    chance = scoring.Bootstrap(*bootstrap)
    said = {"subset": naming.shown(subset.stem)} if subset else {}
    if isinstance(rule, Vot):
        shapes = vot_files.read_truth(annotations, found)
        folders = results.tracker_folders(folder, shapes.expected)
        scored = vot_scoring.score_all(found, shapes, folders, rule, lengths)
        data = vot_scoring.vot_object(found, shapes, scored, rule, chance)
        return data | {"pairs": vot_scoring.pairs(vot_scoring.tables(scored, rule), chance, compare)} | said
    assert isinstance(rule, OnePass)
    truth = ground_truth.read(annotations, found)
    folders = results.tracker_folders(folder, truth.expected)
    if isinstance(rule, Redetection):
        trackers = redetection.score_trackers(folders, truth, rule, lengths, found.origin)
        return redetection.redetection_object(found, truth, trackers, rule, chance, compare) | said
    return scoring.one_pass_object(found, truth, folders, rule, lengths, chance, compare) | said
