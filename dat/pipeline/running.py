"""What surrounds every stage: temporary outputs, hashes, the record and the run file.

A stage's entry module has `run(job)`, which reads inputs and writes outputs and knows nothing else.
"""

import contextlib
import importlib
import importlib.util
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dat import records
from dat.base import devices, executor, naming, numerics, params, public, supervise, used
from dat.base.errors import ChangedError, MissingError
from dat.base.params import Settings
from dat.pipeline.stages import STAGES, Stage


def choose_device(stage: Stage, settings: Settings) -> str:
    """`cuda` or `cpu`. A training on one GPU waits for a free card of those that the run uses, and sees no other. A
    stage whose jobs a cluster starts looks for no card here."""
    fanout = settings.root.fanout
    if stage.jobs and executor.elsewhere():
        return "cpu"
    device = devices.kind(settings.root.numerics, fanout.devices)
    alone = stage.trains and int(os.environ.get("WORLD_SIZE", "1")) == 1
    if device == "cuda" and alone:
        room = {card.uuid: 1 for card in devices.chosen(fanout.devices)}
        devices.take(settings.top / ".dat" / "cards", room)
    return device


def _facts(temporary: Path, final: Path, base: Path) -> list[dict[str, Any]]:
    """Facts of an output's files, hashed where they lie now and named as they will be."""
    if temporary.is_file():
        return [records.file_facts(temporary, temporary.parent) | {"path": final.relative_to(base).as_posix()}]
    prefix = final.relative_to(base).as_posix()
    return [fact | {"path": f"{prefix}/{fact['path']}"} for fact in records.folder_files(temporary)]


def _processes(stage: Stage) -> dict[str, int]:
    """How many processes trained, where it is more than one."""
    count = int(os.environ.get("WORLD_SIZE", "1")) if stage.trains else 1
    return {"processes": count} if count > 1 else {}


def _run(stage: Stage, job: records.Job) -> bool:
    """Run a stage; False in all but the first of the processes of a training that `torchrun` started."""
    if not stage.trains or int(os.environ.get("WORLD_SIZE", "1")) < 2:
        importlib.import_module(stage.module).run(job)
        return True
    distributed = importlib.import_module("dat.training.distributed")  # by name: the other stages do not need it
    first = os.environ.get("RANK", "0") == "0"
    with contextlib.nullcontext() if first else contextlib.redirect_stderr(io.StringIO()):
        training = importlib.import_module(stage.module)
        with distributed.group(job.device):
            training.run(job)
    return first


def _remedy(path: Path, label: str) -> str:
    """What brings an input of a stage."""
    if path.suffix not in public.ENDINGS:
        return f"dvc repro {label} makes it first"
    get = public.command(path)
    return f"{get} fetches it" if get else "put that file of weights there; dat weights list names public ones"


def run_stage(name: str, key: str = "", timing: bool = False, partial: bool = False) -> None:
    """Run one stage of the nearest profile and write its record and run file (of a partial one no run file: those tell
    of the run).

    Raises MissingError when an input or a scheduler's plugin is not there, ParamsError when there is no such key,
    ModuleNotFoundError when a package is not.
    """
    if key:
        naming.part(key, f"dat {name}")
    stage, clock, home = STAGES[name], records.Clock.start(), params.find()
    for package in stage.packages:
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named '{package}'", name=package)
    written = records.Snapshot.of([home / "params.yaml"], home)
    settings = params.load(home)
    numerics.prepare(settings.section("numerics", str))
    inputs = {role: home / path for role, path in stage.inputs(settings, key).items()}
    label = f"{name}@{key}" if key else name
    if stage.jobs:
        executor.check()
    for path in inputs.values():
        if not path.exists() and not partial:
            raise MissingError(f"{path}: not there; {_remedy(path, label)}")
    final = {role: home / path for role, path in stage.outputs(settings, key).items()}
    if not stage.jobs:
        supervise.die_with_caller()
    with _owning(settings, label) as owned:
        for path in (*final.values(), *inputs.values()):
            records.sweep(path)
        before = _before(stage, settings, inputs, written)
        temporary = {role: records.temporary(path) for role, path in final.items()}
        for path in temporary.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        job = records.Job(key, settings, inputs, temporary, choose_device(stage, settings), timing)
        try:
            if _run(stage, job):
                _finish(stage, job, before, final, clock, "" if partial else label, owned)
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
class StartState:
    """What there was before a stage began: its inputs, the files that decide how its jobs run, params.yaml."""

    inputs: records.Snapshot
    files: records.Snapshot
    params: records.Snapshot


def _before(stage: Stage, settings: Settings, inputs: Mapping[str, Path], written: records.Snapshot) -> StartState:
    used.FILES.clear()
    present = [path for _, path in sorted(inputs.items()) if path.exists()]
    files = [settings.top / name for name in stage.files]
    return StartState(records.Snapshot.of(present, settings.path), records.Snapshot.of(files, settings.top), written)


def _unchanged(settings: Settings, before: StartState, code: Mapping[str, str]) -> None:
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
    before: StartState,
    final: Mapping[str, Path],
    clock: records.Clock,
    name: str,
    owned: Callable[[], None],
) -> None:
    """Put the outputs in place if what made them is still there as it was; write the record and, of a stage with a
    name, the run file."""
    settings, home = job.settings, job.settings.path
    code = records.code_used(stage.module, *filter(None, [stage.jobs])) | records.code_loaded()
    _unchanged(settings, before, code)
    outputs = [fact for role in sorted(final) for fact in _facts(job.outputs[role], final[role], home)]
    files = {fact["path"]: fact["sha256"] for fact in before.files.facts}
    record = records.make_record(
        code=dict(sorted((code | files).items())),
        inputs=before.inputs.facts,
        outputs=outputs,
        params=dict(sorted(settings.read.items())),
        environment=records.environment(job.device, stage.threads(settings)) | _processes(stage),
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
    if name:
        records.write_json(home / "runs" / f"{name}.json", {"stage": name, **clock.run(path, settings.top)})
