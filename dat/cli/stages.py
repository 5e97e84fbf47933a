"""The stages' verbs, and what surrounds every stage: temporary outputs, hashes, the record and the run file.

A stage's entry module has `run(job)`, which reads inputs and writes outputs and knows nothing else.
"""

import contextlib
import importlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from dat import devices, naming, numerics, params, records, sections, supervise, used
from dat.errors import ChangedError, MissingError
from dat.params import Settings

Paths = Callable[[Settings, str], dict[str, str]]


@dataclass(frozen=True)
class Stage:
    """A stage: its entry module, and its inputs, outputs and record as paths below the profile.

    `jobs` is the module that the stage's jobs run in processes of their own, `files` are files below the checkout's top
    that decide how.
    """

    module: str
    inputs: Paths
    outputs: Paths
    record: Callable[[Settings, str], str]
    command: str
    threads: Callable[[Settings], int] = lambda settings: 1
    seed: Callable[[Settings, str], int | None] = lambda settings, key: None
    jobs: str | None = None
    files: tuple[str, ...] = ()


def _manifest(settings: Settings, key: str) -> str:
    return str(settings.section(f"datasets.{key}.manifest", str))


def _benchmark(settings: Settings, key: str) -> sections.Benchmark:
    found: sections.Benchmark = settings.section(f"benchmarks.{key}", sections.Benchmark)
    return found


def _benchmark_manifest(settings: Settings, key: str) -> str:
    return f"{_manifest(settings, _benchmark(settings, key).data)}.jsonl"


def _salnet(settings: Settings, key: str) -> str:
    return f"weights/salnet/{settings.section(f'salnet.{key}', sections.Salnet).group}/{key}"


def _named(role: str, path: str) -> dict[str, str]:
    """An input that a setting names; without one it says `none`."""
    return {} if path == "none" else {role: path}


def _training(settings: Settings) -> int:
    return int(settings.root.train.threads)


def _training_seed(settings: Settings, key: str) -> int:
    return int(settings.root.train.seed)


STAGES: Mapping[str, Stage] = {
    "synthetic": Stage(
        "dat.datasets.synthetic",
        lambda s, k: {},
        lambda s, k: {"raw": f"data/{k}", "set": f"data/{k}.json"},
        lambda s, k: f"data/{k}.record.json",
        "dat synthetic",
        seed=lambda s, k: int(s.section(f"synthetic.{k}", sections.Synthetic).seed),
    ),
    "index": Stage(
        "dat.datasets.index",
        lambda s, k: {"set": f"data/{k}.json"} | _named("sentences", s.root.datasets[k].sentences),
        lambda s, k: {"manifest": f"{_manifest(s, k)}.jsonl"},
        lambda s, k: f"{_manifest(s, k)}.record.json",
        "dat index",
    ),
    "subsample": Stage(
        "dat.datasets.subsample",
        lambda s, k: {"manifest": "training/lasot.jsonl"},
        lambda s, k: {"frames": "training/frames"},
        lambda s, k: "training/frames/record.json",
        "dat subsample",
    ),
    "masks": Stage(
        "dat.datasets.masks",
        lambda s, k: {"frames": "training/frames"},
        lambda s, k: {"masks": "training/masks"},
        lambda s, k: "training/masks/record.json",
        "dat masks",
    ),
    "language": Stage(
        "dat.training.language",
        lambda s, k: {"manifest": "training/lasot.jsonl"},
        lambda s, k: {"language": "training/language"},
        lambda s, k: "training/language/record.json",
        "dat train language",
        _training,
        _training_seed,
    ),
    "encoder": Stage(
        "dat.training.encoder",
        lambda s, k: {"frames": "training/frames", "masks": "training/masks", "language": "training/language"},
        lambda s, k: {"weights": f"training/encoder/{k}"},
        lambda s, k: f"training/encoder/{k}/record.json",
        "dat train encoder",
        _training,
        _training_seed,
    ),
    "gpgnet": Stage(
        "dat.training.gpgnet",
        lambda s, k: (
            {"training": s.section(f"gpgnet.{k}", sections.Gpgnet).from_} | _named("vgg16", s.root.network.vgg16)
        ),
        lambda s, k: {"weights": f"weights/gpgnet/{k}"},
        lambda s, k: f"weights/gpgnet/{k}/record.json",
        "dat train gpgnet",
        _training,
        _training_seed,
    ),
    "salnet": Stage(
        "dat.training.salnet",
        lambda s, k: (
            {"training": s.section(f"salnet.{k}", sections.Salnet).from_} | _named("vgg_m", s.root.network.vgg_m)
        ),
        lambda s, k: {"weights": _salnet(s, k)},
        lambda s, k: f"{_salnet(s, k)}/record.json",
        "dat train salnet",
        _training,
        _training_seed,
    ),
    "benchmark": Stage(
        "dat.fanout.stage",
        lambda s, k: (
            {
                "manifest": _benchmark_manifest(s, k),
                "salnet": _benchmark(s, k).salnet,
                "gpgnet": _benchmark(s, k).gpgnet,
            }
            | _named("names", s.root.csrdcf.colour_names)
        ),
        lambda s, k: {"results": f"results/{k}"},
        lambda s, k: f"results/{k}/record.json",
        "dat benchmark",
        lambda s: int(s.root.tracking.threads),
        jobs="dat.fanout.job",
        files=("Snakefile", "dat/cli/job.py", "workflow/profiles", "workflow/rules", "workflow/schemas"),
    ),
    "evaluate": Stage(
        "dat.evaluation.stage",
        lambda s, k: {"manifest": _benchmark_manifest(s, k), "results": f"results/{k}"},
        lambda s, k: {"metrics": f"reports/metrics/{k}.json"},
        lambda s, k: f"reports/metrics/{k}.record.json",
        "dat evaluate",
        seed=lambda s, k: int(s.root.evaluation.seed),
    ),
    "report": Stage(
        "dat.report.stage",
        lambda s, k: {"metrics": "reports/metrics", "weights": "weights", "language": "training/language"},
        lambda s, k: {"tables": "reports/tables", "figures": "reports/figures", "page": "reports/index.html"},
        lambda s, k: "reports/index.record.json",
        "dat report",
    ),
}


def choose_device(stage: Stage, settings: Settings) -> str:
    """`cuda` or `cpu`. A training on one GPU waits for a free card of those that the run uses, and sees no other."""
    fanout = settings.root.fanout
    device = devices.kind(settings.root.numerics, fanout.devices)
    alone = stage.module.startswith("dat.training.") and int(os.environ.get("WORLD_SIZE", "1")) == 1
    if device == "cuda" and alone and not devices.scheduled():
        room = {card.uuid: 1 for card in devices.chosen(fanout.devices)}
        devices.take(settings.top / ".dat" / "cards", room)
    return device


def _facts(temporary: Path, final: Path, base: Path) -> list[dict[str, Any]]:
    """Facts of an output's files, hashed where they lie now and named as they will be."""
    if temporary.is_file():
        return [records.file_facts(temporary, temporary.parent) | {"path": final.relative_to(base).as_posix()}]
    prefix = final.relative_to(base).as_posix()
    return [fact | {"path": f"{prefix}/{fact['path']}"} for fact in records.folder_files(temporary)]


def _processes(module: str) -> dict[str, int]:
    """How many processes trained, where it is more than one."""
    count = int(os.environ.get("WORLD_SIZE", "1")) if module.startswith("dat.training.") else 1
    return {"processes": count} if count > 1 else {}


def _run(module: str, job: records.Job) -> bool:
    """Run a stage; False in all but the first of the processes of a training that `torchrun` started."""
    if not module.startswith("dat.training.") or int(os.environ.get("WORLD_SIZE", "1")) < 2:
        importlib.import_module(module).run(job)
        return True
    distributed = importlib.import_module("dat.training.distributed")  # by name: the other stages do not need it
    first = os.environ.get("RANK", "0") == "0"
    with contextlib.nullcontext() if first else contextlib.redirect_stderr(io.StringIO()):
        stage = importlib.import_module(module)
        with distributed.group(job.device):
            stage.run(job)
    return first


def run_stage(name: str, key: str = "", timing: bool = False, partial: bool = False) -> None:
    """Run one stage of the nearest profile and write its record and run file.

    Raises MissingError when an input is not there, ParamsError when there is no such key.
    """
    if key:
        naming.part(key, f"dat {name}")
    stage, clock, home = STAGES[name], records.Clock.start(), params.find()
    written = records.Snapshot.of([home / "params.yaml"], home)
    settings = params.load(home)
    numerics.prepare(settings.section("numerics", str))
    numerics.confirm()
    inputs = {role: home / path for role, path in stage.inputs(settings, key).items()}
    label = f"{name}@{key}" if key else name
    for path in inputs.values():
        if not path.exists() and not partial:
            raise MissingError(f"{path}: not there; dvc repro {label} makes it first")
    final = {role: home / path for role, path in stage.outputs(settings, key).items()}
    if not stage.jobs:
        supervise.die_with_caller()
    with _owning(settings, name if partial else label) as owned:
        for path in (*final.values(), *inputs.values()):
            records.sweep(path)
        before = _before(stage, settings, inputs, written)
        temporary = {role: records.temporary(path) for role, path in final.items()}
        for path in temporary.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        job = records.Job(key, settings, inputs, temporary, choose_device(stage, settings), timing)
        try:
            if _run(stage.module, job):
                _finish(stage, job, before, final, clock, label, owned)
        finally:
            for path in temporary.values():
                records.remove(path)


@contextlib.contextmanager
def _owning(settings: Settings, label: str) -> Iterator[Callable[[], None]]:
    """Be the only process that makes this stage's outputs; of those that `torchrun` started the first is.

    Raises LockedError when another one is at it. Gives a function that raises when that is no longer so.
    """
    if os.environ.get("RANK", "0") != "0":
        yield lambda: None
        return
    with records.locked(settings.place / "locks" / label, label) as owned:
        yield owned


@dataclass(frozen=True)
class Before:
    """What there was before a stage began: its inputs, the files that decide how its jobs run, params.yaml."""

    inputs: records.Snapshot
    files: records.Snapshot
    params: records.Snapshot


def _before(stage: Stage, settings: Settings, inputs: Mapping[str, Path], written: records.Snapshot) -> Before:
    used.FILES.clear()
    present = [path for _, path in sorted(inputs.items()) if path.exists()]
    files = [settings.top / name for name in stage.files]
    return Before(records.Snapshot.of(present, settings.path), records.Snapshot.of(files, settings.top), written)


def _unchanged(settings: Settings, before: Before, code: Mapping[str, str]) -> None:
    """Raises ChangedError when inputs, code or settings that were read are no longer what the stage has used."""
    before.inputs.check()
    before.files.check()
    used.check_code(code)
    if not before.params.changed():
        return
    now = params.leaves(params.plain(params.load(settings.path).root), "")
    for dotted, value in settings.read.items():
        if now.get(f".{dotted}") != value:
            raise ChangedError(f"{settings.path / 'params.yaml'}: {dotted} changed while it was in use; run again")


def _finish(
    stage: Stage,
    job: records.Job,
    before: Before,
    final: Mapping[str, Path],
    clock: records.Clock,
    name: str,
    owned: Callable[[], None],
) -> None:
    """Put the outputs in place if what made them is still there as it was; write the record and the run file."""
    settings, home = job.settings, job.settings.path
    code = records.code_used(stage.module, *filter(None, [stage.jobs])) | used.CODE
    _unchanged(settings, before, code)
    outputs = [fact for role in sorted(final) for fact in _facts(job.outputs[role], final[role], home)]
    files = {fact["path"]: fact["sha256"] for fact in before.files.facts}
    record = records.make_record(
        code=dict(sorted((code | files).items())),
        inputs=before.inputs.facts,
        outputs=outputs,
        params=dict(sorted(settings.read.items())),
        environment=records.environment(job.device, stage.threads(settings)) | _processes(stage.module),
        command=f"{stage.command} {job.key}".strip(),
        parents=records.parents(before.inputs.paths, home),
        seed=stage.seed(settings, job.key),
    )
    path = home / stage.record(settings, job.key)
    inside = next((role for role, folder in final.items() if path.is_relative_to(folder)), None)
    if inside is not None:
        records.write_json(job.outputs[inside] / path.relative_to(final[inside]), record)
    owned()
    for role, place in final.items():
        records.remove(place)
        os.replace(job.outputs[role], place)
    if inside is None:
        records.write_json(path, record)
    records.write_json(home / "runs" / f"{name}.json", {"stage": name, **clock.run(path, settings.top)})


def _of_stage(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """The argument, or where DVC runs the stage its key. Raises MissingParameter without either."""
    key = value or supervise.stage_key()
    if not key:
        raise click.MissingParameter(ctx=context, param=parameter)
    return key


def _verb(name: str, help: str, metavar: str | None) -> click.Command:
    def call(key: str = "") -> None:
        run_stage(name, key)

    arguments: list[click.Parameter] = []
    if metavar:
        arguments = [click.Argument(["key"], metavar=metavar, required=False, callback=_of_stage)]
    return click.Command(name, callback=call, params=arguments, help=help)


synthetic = _verb(
    "synthetic", "Write the embedded data set NAME in its real layout.\n\nExample: dat synthetic otb100", "NAME"
)
index = _verb("index", "Write the manifest of the data set NAME.\n\nExample: dat index otb100", "NAME")
masks = _verb("masks", "Write the masks of the selected frames.\n\nExample: dat masks", None)
benchmark = _verb(
    "benchmark", "Run every (variant, seed, sequence) of benchmark NAME.\n\nExample: dat benchmark otb2013", "NAME"
)


@click.group()
def train() -> None:
    """Train a network.

    Examples: dat train language; dat train gpgnet jtnl; dat train salnet pymdnet

    In several processes, with the same losses: torchrun --nproc-per-node 2 -m dat train gpgnet jtnl
    """


_timing = click.option("--timing", is_flag=True, help="Write where a step's time goes.")


@train.command()
@_timing
def language(timing: bool) -> None:
    """The sentence encoder. Example: dat train language"""
    run_stage("language", timing=timing)


@train.command()
@click.argument("kind", required=False, callback=_of_stage)
@_timing
def encoder(kind: str, timing: bool) -> None:
    """GPGNet's encoders, where ImageNet's are not at hand. Example: dat train encoder vgg11"""
    run_stage("encoder", kind, timing)


@train.command()
@click.argument("version", required=False, callback=_of_stage)
@_timing
def gpgnet(version: str, timing: bool) -> None:
    """A version of GPGNet. Example: dat train gpgnet jtnl"""
    run_stage("gpgnet", version, timing)


@train.command()
@click.argument("name", required=False, callback=_of_stage)
@_timing
def salnet(name: str, timing: bool) -> None:
    """A SALNet. Example: dat train salnet pymdnet+gcn"""
    run_stage("salnet", name, timing)
