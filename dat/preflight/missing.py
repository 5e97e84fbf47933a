"""What a run lacks, all of it at once: data, sentences, starting weights, packages, a GPU, files that nothing makes."""

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dat.base import devices, executor, public
from dat.base.errors import REMEDIES, DatError, InputError, MissingError
from dat.base.params import Settings
from dat.datasets import linking, sets
from dat.fanout.trained import trained_on
from dat.pipeline.stages import TRAININGS
from dat.preflight.estimates import Disk
from dat.preflight.graph import Stages
from dat.preflight.matrix import targets

WIDTH = 1.0
"""The `network.width` that public starting weights are for."""


@dataclass(frozen=True)
class Missing:
    """A thing that a run lacks: what a run does without it, the command (or step) that gets it, and whether some stage
    stops without it."""

    what: str
    without: str
    get: str
    stops: bool


def everything(settings: Settings, stages: Stages, room: Disk) -> list[Missing]:
    """All that the stages that would run lack, what stops one first; `room` is what they write and what is free."""
    missing = [
        *_data(settings, stages),
        *_files(settings, stages),
        *_trained(settings, stages),
        *_packages(stages),
        *_room(room),
    ]
    missing += [*_weights(settings, stages), *_sentences(settings, stages), *_gpu(settings, stages)]
    return sorted(missing, key=lambda one: not one.stops)


def _of(kind: str, names: list[str]) -> list[str]:
    """The keys of the stages of a kind."""
    return [name.partition("@")[2] for name in names if name.partition("@")[0] == kind]


def _data(settings: Settings, stages: Stages) -> Iterator[Missing]:
    """Data sets of the user's that are not linked, and those with too few sequences."""
    for key in _of("index", stages.needed):
        if key in settings.root.synthetic:
            continue
        get = f"dat data link {key} PATH"
        if sets.is_described(settings, key) and not sets.path(settings, key).is_file():
            yield Missing(f"data set {key}: not linked", f"what needs {key} stops", get, True)
            continue
        data = sets.load(settings, key)
        if data.folder is None:
            yield Missing(f"data set {key}: not linked", f"what needs {key} stops", get, True)
            continue
        try:
            lacking = set(linking.look(data, data.folder).missing)
        except DatError as error:
            yield Missing(f"data set {key}: {error}", f"index@{key} stops", get, True)
            continue
        listed = [one for one in _of("benchmark", stages.run) if lacking & set(data.lists.get(one, ()))]
        if lacking:
            what = f"data set {key}: {len(lacking)} of {len(data.wanted)} sequences, such as {min(lacking)}"
            stopped = ", ".join(f"benchmark@{one}" for one in listed)
            yield Missing(what, f"{stopped} stops" if listed else "they are left out", get, bool(listed))


def _trained(settings: Settings, stages: Stages) -> Iterator[Missing]:
    """Sequences of a benchmark that its networks are trained on, by the descriptions of the data sets."""
    described = {}
    for key in settings.root.datasets:
        with contextlib.suppress(MissingError):
            described[key] = sets.load(settings, key)
    training = {key: settings.root.datasets[key].manifest for key in described}
    for key in _of("benchmark", stages.run):
        benchmark = settings.root.benchmarks[key]
        data = described.get(benchmark.data)
        variants = [settings.root.variants[name] for name in benchmark.variants]
        salnets = {one.salnet.rpartition("/")[2] for one in variants if one.salnet}
        sources = {settings.root.salnet[name].from_ for name in salnets}
        sources |= {
            Path(settings.root.gpgnet[one.attention].from_).parent.as_posix()
            for one in variants
            if one.attention != "none"
        }
        for other, place in training.items():
            if data is None or described[other].name != data.name:
                continue
            seen = sorted(set(data.lists.get(key, ())) & set(described[other].wanted))
            if seen and any(place.startswith(f"{source}/") for source in sources):
                what = f"networks of {key}: {trained_on(f'{place}.jsonl', seen, len(data.lists[key]))}"
                yield Missing(what, f"benchmark@{key} stops", "cd profiles/further", True)


def _files(settings: Settings, stages: Stages) -> Iterator[Missing]:
    """Dependencies that are not there and that no stage makes."""
    linked = {
        f"data/{key}{end}"
        for key in settings.root.datasets
        for end in (".json", ".record.json")
        if sets.is_described(settings, key)
    }
    for path, users in stages.absent.items():
        if path in linked:
            continue
        get = public.command(Path(path)) or "put it there"
        if path == "none" or (path.startswith("data/") and path.endswith((".json", ".csv"))):
            get = f"git checkout -- {path}"
        without = f"{users[0]} stops" if len(users) == 1 else f"{len(users)} stages stop, such as {users[0]}"
        yield Missing(f"file {path}", without, get, True)


def _room(room: Disk) -> Iterator[Missing]:
    """Room on the disk for what the run writes."""
    if room.needed > room.free:
        what = f"room on the disk: about {room.needed / 1e9:.2f} GB are needed, {room.free / 1e9:.2f} GB are free"
        yield Missing(what, "a stage stops where it is full", REMEDIES[errno.ENOSPC], True)


def _weights(settings: Settings, stages: Stages) -> Iterator[Missing]:
    """Starting weights that a setting does not name, where the networks are of the size that they are for."""
    network = settings.root.network
    for kind, name in (("salnet", "vgg-m"), ("gpgnet", "vgg16")):
        one, entries = public.PUBLIC[name], getattr(settings.root, kind)
        if network.width != WIDTH or getattr(network, one.param.removeprefix("network.")) != "none":
            continue
        keys = [key for key in _of(kind, stages.run) if public.weights_of(settings.path / entries[key].from_) is None]
        if keys:
            get = f"dat weights get {name}, then {one.param}: data/weights/{one.file} in params.yaml"
            starts = "start" if len(keys) > 1 else "starts"
            yield Missing(f"starting weights {name}", f"{len(keys)} {kind} {starts} from random numbers", get, False)


def _sentences(settings: Settings, stages: Stages) -> Iterator[Missing]:
    """Sentences of the user's data sets, for benchmarks whose variants read them."""
    for key in _of("benchmark", stages.run):
        benchmark = settings.root.benchmarks[key]
        readers = [name for name in benchmark.variants if settings.root.variants[name].reads_sentences]
        if not readers or benchmark.data in settings.root.synthetic:
            continue
        chosen = targets(settings, key)
        with_sentence = sum(bool(target.sentence) for target in chosen)
        if with_sentence == len(chosen):
            continue
        get = f"dat data sentences write {benchmark.data} --annotator NAME"
        if sets.load(settings, benchmark.data).table is None:
            table = f"datasets.{benchmark.data}.sentences in params.yaml and 'sentences' in data/{benchmark.data}.json"
            get = f"name a table in {table}, then {get}"
        what = f"sentences of {key}: {with_sentence} of {len(chosen)} have one"
        yield Missing(what, f"{', '.join(readers)}: attention from the target alone for the others", get, False)


def _packages(stages: Stages) -> Iterator[Missing]:
    """The plugin of the scheduler that SNAKEMAKE_PROFILE names, and SLURM's own programs."""
    if not _of("benchmark", stages.run):
        return
    stopped = f"{len(_of('benchmark', stages.run))} benchmarks stop, after DVC has removed their results"
    try:
        yield from (Missing(what, stopped, get, True) for what, get in executor.lacking())
    except DatError as error:
        yield Missing("profile of Snakemake", str(error), "unset SNAKEMAKE_PROFILE, or name a folder with one", True)


def _tracks_here() -> bool:
    """Whether a benchmark's jobs are this machine's. A profile that is not there is missed by itself."""
    try:
        return not executor.elsewhere()
    except DatError:
        return False


def _gpu(settings: Settings, stages: Stages) -> Iterator[Missing]:
    """A GPU, where the settings want one, for what is computed on this machine."""
    fanout, kinds = settings.root.fanout, {name.partition("@")[0] for name in stages.run}
    wanted = os.environ.get("DAT_DEVICES") or fanout.devices
    computing = {*TRAININGS} | ({"benchmark"} if _tracks_here() else set())
    if not kinds & computing:
        return
    try:
        kind = devices.kind(settings.root.numerics, fanout.devices)
    except InputError as error:
        yield Missing("GPU", str(error), "name one that is there, or cpu", True)
        return
    if kind == "cpu" and settings.root.numerics == "native" and wanted != "cpu":
        get = "a driver that nvidia-smi works with; or fanout.devices: cpu, if the processor is meant"
        yield Missing("GPU: nvidia-smi shows none", "the processor computes everything", get, False)
