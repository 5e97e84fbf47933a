"""The fan-out: plan a benchmark's units, run the missing ones through Snakemake, gather all from the job store.

Where SNAKEMAKE_PROFILE names a cluster, a job of its own says first what jobs compute on: a result's key holds that.
DVC deletes `results/<benchmark>` before this runs; nothing is lost, since finished units lie in the store.
"""

import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dat import records
from dat.base import devices, executor, supervise
from dat.base.errors import InputError, JobError
from dat.base.params import Settings
from dat.base.sections import BenchmarkSettings, Variant
from dat.benchmarks import catalogue
from dat.datasets import manifest as manifests
from dat.fanout import failures, pace, plan, store, trained
from dat.fanout.unit import ENTRY, Unit, common_facts
from dat.models.vocabulary import Vocabulary, words
from dat.progress import described


def _sequences(benchmark: str, manifest: manifests.Manifest) -> list[str]:
    lists = manifest.header["lists"]
    if benchmark not in lists:
        raise InputError(f"{manifest.header['name']}: no list '{benchmark}'; there are: {', '.join(sorted(lists))}")
    names: list[str] = lists[benchmark]
    missing = [name for name in names if name not in manifest.sequences]
    if missing:
        raise InputError(f"{manifest.header['name']}: no sequence {', '.join(missing)}, which list '{benchmark}' names")
    return names


def unknown_words(vocabulary: Vocabulary, sentences: Iterable[str]) -> str:
    """How many words of a benchmark's sentences the networks do not know, in words; empty without sentences."""
    texts = list(sentences)
    total = sum(len(words(text)[: vocabulary.length]) for text in texts)
    unknown = sum(len(vocabulary.unknown(text)) for text in texts)
    return f"{unknown} of {total} words unknown, {100 * unknown / total:.1f} %" if total else ""


def _say_unknown(job: records.Job, manifest: manifests.Manifest, chosen: Sequence[Unit]) -> None:
    """Print the share of unknown words, where a network of the benchmark has a vocabulary; all have the same."""
    folders = {job.settings.path / unit.gpgnet for unit in chosen if unit.gpgnet}
    file = next((path for folder in sorted(folders) if (path := folder / "vocabulary.json").is_file()), None)
    if file is None:
        return
    rows = (manifest.sequences[name].row for name in dict.fromkeys(unit.sequence for unit in chosen))
    unknown = unknown_words(Vocabulary.load(file), (row["sentence"] for row in rows if row.get("sentence")))
    print(f"{job.key}: {unknown or 'no sentences'}", file=sys.stderr, flush=True)


def without_sentences(settings: Settings, benchmark: BenchmarkSettings, sentences: Sequence[str | None]) -> str:
    """Which variants of a benchmark read sentences that some targets lack, in words; empty where none does."""
    readers = [name for name in benchmark.variants if settings.section(f"variants.{name}", Variant).reads_sentences]
    have = sum(map(bool, sentences))
    if not readers or have == len(sentences):
        return ""
    return f"{have} of {len(sentences)} have a sentence; without one, {', '.join(readers)} see the target alone [R27]"


def _say_lacking(job: records.Job, manifest: manifests.Manifest) -> None:
    """Print how many targets lack a sentence that a variant would read."""
    names = _sequences(job.key, manifest)
    benchmark = job.settings.section(f"benchmarks.{job.key}", BenchmarkSettings)
    text = without_sentences(job.settings, benchmark, [manifest.sequences[name].sentence for name in names])
    if text:
        print(f"{job.key}: {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Places:
    """Where a benchmark's units lie when they are finished, where their jobs work, and where all are gathered: the
    results, and the run files."""

    store: Path
    work: Path
    results: Path
    runs: Path


def run(job: records.Job) -> None:
    """The stage `benchmark@NAME`: `results/NAME` with a tracker's folder each, and `manifest.json`, unit to key.

    Raises JobError naming the sequences that failed; finished ones stay in the store; InputError where a network was
    trained on a sequence of the benchmark.
    """
    settings, place = job.settings, store.location(job.settings.top)
    work, runs = settings.place / "work" / job.key, settings.path / "runs" / job.key
    manifest = manifests.read(job.inputs["manifest"])
    facts = None
    if "SNAKEMAKE_PROFILE" in os.environ:
        device, facts = _asked(job, work)
        job = replace(job, device=device)
    shared, units = planned(job, manifest, facts)
    networks = sorted({folder for unit in units for folder in (unit.salnet, unit.gpgnet) if folder})
    trained.check(settings.path, manifest, _sequences(job.key, manifest), networks)
    _say_unknown(job, manifest, units)
    _say_lacking(job, manifest)
    with store.held(place):
        track(job, shared, units, Places(place, work, job.outputs["results"], runs))


def _asked(job: records.Job, work: Path) -> tuple[str, dict[str, Any]]:
    """The device that jobs compute on and what decides their results there, as a job of the scheduler's says it.

    Raises InputError when that job does not end well: the cluster refuses it, or it cannot compute there. Nothing has
    been removed or tracked by then.
    """
    settings, directory = job.settings, _fresh(work)
    chosen = os.environ.get("DAT_DEVICES") or settings.root.fanout.devices
    question = {
        "devices": "cpu" if chosen == "cpu" else "all",
        "numerics": settings.root.numerics,
        "place": supervise.place(),
        "threads": settings.root.tracking.threads,
    }
    records.write_json(directory / "plan.json", question)
    print(f"{job.key}: asking a job where it computes", file=sys.stderr, flush=True)
    try:
        _snakemake(command(settings, directory, 1), directory)
    except JobError as error:
        raise InputError(f"{error}; look at the settings in {os.environ['SNAKEMAKE_PROFILE']}, and run again") from None
    answer = records.read_json(directory / plan.ANSWER)
    shutil.rmtree(directory, ignore_errors=True)
    return str(answer["device"]), dict(answer["environment"])


def _fresh(work: Path) -> Path:
    """A new directory for Snakemake, and none of an earlier run."""
    shutil.rmtree(work, ignore_errors=True)
    directory = work / uuid.uuid4().hex[:8]
    directory.mkdir(parents=True)
    return directory


def _snakemake(call: list[str], directory: Path, tick: Callable[[], None] = lambda: None) -> None:
    """Run Snakemake under the supervisor. Raises JobError when jobs failed, InputError when the cluster refuses one,
    KeyboardInterrupt when told to end."""
    log = directory / "snakemake.log"
    status = supervise.run(call, environment(), log, tick)
    tick()
    if status >= 128:
        raise KeyboardInterrupt
    if status:
        text = failures.line(directory, log)
        if not text.startswith(failures.REFUSAL):
            raise JobError(text)
        raise InputError(f"{text}; what is finished is kept: look at {os.environ.get('SNAKEMAKE_PROFILE')}, run again")


def planned(
    job: records.Job, manifest: manifests.Manifest, facts: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[Unit]]:
    """What a benchmark's units share, and all its units; `facts` is the jobs' environment where it is not this one."""
    settings = job.settings
    benchmark = settings.section(f"benchmarks.{job.key}", BenchmarkSettings)
    environment = facts or records.environment(job.device, settings.root.tracking.threads)
    origin = catalogue.find(job.key).origin
    shared = common_facts(benchmark.protocol, origin, manifest.header, environment, records.code_closure(ENTRY))
    return shared, plan.units(settings, benchmark, manifest, _sequences(job.key, manifest), shared)


def track(job: records.Job, shared: Mapping[str, Any], chosen: Sequence[Unit], places: Places) -> None:
    """Run the units that the store does not have, and gather all.

    Raises JobError naming the sequences that failed.
    """
    settings, room, place = job.settings, _room(job), places.store
    missing = [unit for unit in chosen if store.record(place, unit.key) is None]
    width = sum(room.values()) or executor.jobs() or settings.root.fanout.cores
    jobs = plan.pack(missing, settings.root.fanout.batch, width)
    keys = {unit.key for unit in missing}
    print(f"{job.key}: {len(chosen)} units, {len(keys)} to run in {len(jobs)} jobs", file=sys.stderr, flush=True)
    if jobs:
        _execute(job, shared, jobs, room, places)
    _gather(chosen, places)


def _room(job: records.Job) -> dict[str, int]:
    """How many jobs each GPU takes at a time, by UUID; empty on a processor, and where a cluster chooses the cards."""
    fanout = job.settings.root.fanout
    if job.device != "cuda" or executor.elsewhere():
        return {}
    return devices.slots(devices.chosen(fanout.devices), fanout.slots_per_gpu)


def _execute(
    job: records.Job, shared: Mapping[str, Any], jobs: Sequence[Sequence[Unit]], room: dict[str, int], places: Places
) -> None:
    """Run the jobs in a fresh directory under the supervisor."""
    directory, place = _fresh(places.work), places.store
    plan_file = {
        "benchmark": job.key,
        "device": job.device,
        "home": str(job.settings.path),
        "manifest": str(job.inputs["manifest"]),
        "numerics": job.settings.root.numerics,
        "place": supervise.place(),
        "sections": plan.settings_of(job.settings, shared["protocol"]),
        "shared": shared,
        "cards": str(job.settings.top / ".dat" / "cards"),
        "slots": room,
        "store": str(place),
        "threads": job.settings.root.tracking.threads,
        "jobs": [[asdict(unit) for unit in units] for units in jobs],
    }
    records.write_json(directory / "plan.json", plan_file)
    call = command(job.settings, directory, sum(room.values()))
    try:
        with _line(job.key, [unit for units in jobs for unit in units], directory) as tick:
            _snakemake(call, directory, tick)
    except JobError:
        print("".join(f"{line}\n" for line in failures.summary(directory)), end="", file=sys.stderr, flush=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _line(name: str, units: Sequence[Unit], directory: Path) -> Iterator[Callable[[], None]]:
    """The line that says how far a run is; gives the function that looks again, about once a second."""
    run = pace.Pace(units)
    with described(run.frames, f"{name}: 0 of {len(units)} units") as bar:
        looked, told = [time.monotonic()], set[str]()

        def tick(last: bool = False) -> None:
            now = time.monotonic()
            if not last and now - looked[0] < pace.PERIOD:
                return
            looked[0], done = now, pace.noted(directory / pace.FOLDER)
            for card in sorted(directory.glob(f"{devices.CLOSED}/*")):
                if card.name not in told:
                    bar.write(f"{name}: {card.read_text(encoding='utf-8').strip()}", file=sys.stderr)
                    told.add(card.name)
            bar.n = min(done.frames, run.frames)
            bar.set_description_str(f"{name}: {run.text(done, now)}", refresh=False)
            bar.update(0)

        yield tick
        tick(last=True)


def command(settings: Settings, directory: Path, gpus: int = 0) -> list[str]:
    """The call of Snakemake: our profile unless SNAKEMAKE_PROFILE names another. `gpus` jobs at a time use a GPU."""
    call = [sys.executable, "-m", "snakemake", "--snakefile", str(settings.top / "Snakefile")]
    call += ["--directory", str(directory), "--nolock", "--keep-going", "--config", "plan=plan.json"]
    if "SNAKEMAKE_PROFILE" not in os.environ:
        profile = settings.top / "workflow" / "profiles" / "default"
        cores = max(settings.root.fanout.cores, gpus * settings.root.tracking.threads)
        call += ["--workflow-profile", "none", "--profile", str(profile), "--cores", str(cores)]
        call += ["--resources", f"gpu={gpus}"] if gpus else []
    return call


def environment() -> dict[str, str]:
    """The jobs' environment: this interpreter's programs come first. DAT_DEVICES names cards of this machine, so a
    cluster's jobs do not see it."""
    programs = str(Path(sys.executable).parent)
    passed = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
    if executor.elsewhere() and passed.get("DAT_DEVICES") != "cpu":
        passed.pop("DAT_DEVICES", None)
    return passed


def _gather(chosen: Sequence[Unit], places: Places) -> None:
    """Copy every unit's files from the store, verified, into its tracker's folder."""
    place, out, keys = places.store, places.results, dict[str, str]()
    for unit in chosen:
        record = store.record(place, unit.key)
        if record is None:
            raise JobError(f"{unit.sequence}: {unit.tracker} has no result; see {place.parent / 'work'}")
        source, target = store.entry(place, unit.key), out / unit.tracker
        for fact in record["outputs"]:
            copy = target / fact["path"]
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / fact["path"], copy)
        beside = (target / record["outputs"][0]["path"]).parent
        shutil.copyfile(source / store.RECORD, beside / f"{unit.sequence}.json")
        folder = places.runs / unit.tracker
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / store.RUN, folder / f"{unit.sequence}.json")
        keys[f"{unit.tracker}/{unit.sequence}"] = unit.key
    records.write_json(out / "manifest.json", keys)
