"""The units of a benchmark before anything is linked or trained: lengths are published, or those of the manifest."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dat.base.errors import InputError, MissingError
from dat.base.params import Settings
from dat.benchmarks import published
from dat.datasets import finding, manifest, sets
from dat.fanout.unit import Unit
from dat.tracking.parts import parts


@dataclass(frozen=True)
class PlannedTarget:
    """A sequence of a benchmark: its frames, and its sentence where it has one."""

    name: str
    frames: int
    sentence: str | None


def targets(settings: Settings, key: str) -> list[PlannedTarget]:
    """The sequences of benchmark `key`: those of the manifest where the data set is indexed, else the published ones.

    Empty where neither says how long they are, as before `dat synthetic` has made the set.
    """
    benchmark = settings.root.benchmarks[key]
    try:
        indexed = _indexed(settings, benchmark.data, key)
    except (MissingError, InputError):
        indexed = []
    return indexed or _published(settings, benchmark.data, key)


def _indexed(settings: Settings, data: str, key: str) -> list[PlannedTarget]:
    path = sets.manifest_path(settings, data)
    names = set(manifest.header(path)["lists"].get(key, ()))
    rows = (row for row in manifest.rows(path) if row["sequence"] in names)
    return [PlannedTarget(row["sequence"], row["frames"], row.get("sentence")) for row in rows]


def _published(settings: Settings, data: str, key: str) -> list[PlannedTarget]:
    try:
        described = sets.load(settings, data)
    except MissingError:
        return []
    facts, names = published.facts(described.name), described.lists.get(key, ())
    written = described.sentences() if described.table and described.table.is_file() else {}
    sentences = {name: sentence.sentence for name, sentence in written.items()}
    if described.table is None and (file := finding.layout(described.layout).sentence):
        sentences = dict.fromkeys(names, file)  # not there yet: each target is taken to have one
    return [PlannedTarget(name, facts[name].frames, sentences.get(name)) for name in names if name in facts]


def units(settings: Settings, key: str, sequences: Iterable[PlannedTarget]) -> list[Unit]:
    """The units of benchmark `key`; `cost` is frames, by repetitions for VOT where the tracker draws.

    Their keys stand for those of the job store, which are not known before the weights are: two units have one here
    if they will have one there, in whatever benchmark.
    """
    benchmark = settings.root.benchmarks[key]
    repetitions = settings.root.vot.repetitions if benchmark.protocol == "vot" else 1
    table, planned = settings.root.csrdcf.file_of_colour_names(Path()), []
    chosen = list(sequences)
    for name in benchmark.variants:
        variant = settings.root.variants[name]
        for seed in settings.root.seeds:
            for target in chosen:
                made = parts(variant, target.sentence, Path("weights"), table)
                whole = (made.salnet, made.gpgnet, made.colour_names)
                salnet, gpgnet, colour_names = (path.as_posix() if path else None for path in whole)
                cost = target.frames * (repetitions if salnet else 1)
                unit = Unit("", name, seed, target.name, made.version, salnet, gpgnet, cost, colour_names)
                same = (benchmark.data, benchmark.protocol, unit.salnet, unit.gpgnet, unit.draws, target.name)
                planned.append(replace(unit, key=" ".join(map(str, same))))
    return planned
