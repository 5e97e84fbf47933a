"""A job: some units of a benchmark, one after another in one process, each put into the store when it is finished.

`python -m dat.fanout.job PLAN NUMBER DONE` loads only what a unit's key holds. What it has loaded and read is
compared with the plan before a unit is stored: a key says what decided its result.
"""

import contextlib
import os
import shutil
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dat import records
from dat.base import devices, numerics, supervise, used
from dat.base.errors import ChangedError, DatError, InputError, JobError, of_system
from dat.datasets import manifest as manifests
from dat.fanout import logs, pace, store
from dat.fanout.unit import Unit, common_facts, key_of

ASK = -1


def run(plan_path: Path, number: int, done: Path) -> None:
    """Run job `number` of a plan; `done` is made when all its units are in the store.

    A unit that fails leaves a line in `failed/` and does not stop the others. Raises JobError when there was one.
    Job `ASK` tracks nothing: it writes to `done` which device it has, and what of its machine decides a result.
    """
    plan = records.read_json(plan_path)
    if plan["place"] == supervise.place():  # elsewhere a run that ends cancels its jobs
        supervise.die_with_supervisor()
    numerics.prepare(plan["numerics"])
    if number == ASK:
        device = devices.kind(plan["numerics"], plan["devices"])
        environment = records.environment(device, plan["threads"])
        records.write_json(done, {"device": device, "environment": environment})
        return
    place = Path(plan["store"])
    manifest = manifests.read(Path(plan["manifest"]))
    if plan["slots"]:  # without, the job sees the cards that a cluster gave it, or none
        uuid = devices.take(Path(plan["cards"]), plan["slots"], plan_path.parent / devices.CLOSED)
        if not _opens(plan, uuid, plan_path.parent / devices.CLOSED):
            _begin_again(plan_path, number, done)
    units = [Unit(**facts) for facts in plan["jobs"][number]]
    notes = pace.Notes(plan_path.parent / pace.FOLDER / f"{number}.json")
    context = Context(plan, manifest, plan_path.parent, notes)
    with store.held(place):
        failed = [line for unit in context.missing(units) if (line := context.attempt(unit))]
    if failed:
        raise JobError(failed[0])
    done.parent.mkdir(parents=True, exist_ok=True)
    done.touch()


def _opens(plan: dict[str, Any], uuid: str, closed: Path) -> bool:
    """Whether the card opens. One that does not gets a file in `closed`, so that no other job of the run goes there;
    the last one counts as opening: its sequences then say why it does not."""
    from dat.models.exactness import exact, open_device

    exact(plan["threads"])
    try:
        open_device(plan["device"])
    except InputError as error:
        if set(devices.opening(plan["slots"], closed)) == {uuid}:
            return True
        records.write_text(closed / uuid, f"{uuid}: {error}; no more jobs of this run go there\n")
        return False
    return True


def _begin_again(plan_path: Path, number: int, done: Path) -> None:
    """This job from its beginning, as the same process: a process's CUDA looks only once which card it may see. The
    slot that it holds is free then."""
    arguments = [str(plan_path), str(number), str(done)]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "dat.fanout.job", *arguments])


@dataclass(frozen=True)
class Context:
    """A job's own: its plan, the manifest, the directory of the run, the notes of what it has done."""

    plan: dict[str, Any]
    manifest: manifests.Manifest
    directory: Path
    notes: pace.Notes

    @cached_property
    def commit(self) -> dict[str, str]:
        """The commit of the code, asked for once, before the first unit is tracked."""
        return records.commit(used.TOP)

    def missing(self, units: Sequence[Unit]) -> Iterator[Unit]:
        """The units that the store does not have when their turn comes."""
        there = False
        for unit in units:
            there = store.record(Path(self.plan["store"]), unit.key) is not None
            if there:
                self.notes.skip(unit)
            else:
                yield unit
        if there:
            self.notes.write()

    def log(self, unit: Unit) -> Path:
        """Where what a unit prints goes."""
        return self.directory / logs.FOLDER / f"{unit.key}.log"

    def attempt(self, unit: Unit) -> str | None:
        """Track one unit; what went wrong in a line, or None."""
        message = self._fault(unit)
        note = self.directory / "failed" / f"{unit.key}.txt"
        if message is None:
            note.unlink(missing_ok=True)  # of an earlier attempt at the job
            return None
        line = f"{unit.sequence}: {unit.tracker}: {message}"
        with contextlib.suppress(OSError):  # on a full disk; the next line may find another one
            records.write_text(note, line + "\n")
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr, flush=True)
        return line

    def _fault(self, unit: Unit) -> str | None:
        """What goes wrong with a unit, or with the files that its job writes beside it."""
        message = None
        self.notes.begin(unit)
        try:
            with logs.written(self.log(unit)):
                message = self._fault_of_tracking(unit)
            self.notes.end(failed=message is not None)
        except OSError as error:
            return message or of_system(error)
        return message

    def _fault_of_tracking(self, unit: Unit) -> str | None:
        try:
            _track(self, unit)
        except DatError as error:
            return str(error)
        except OSError as error:
            return of_system(error)
        except Exception as error:  # whatever one sequence does, the others of its job go on
            traceback.print_exc()
            return f"{type(error).__name__}: {error}"
        return None


def _track(context: Context, unit: Unit) -> None:
    """Track one unit into a folder of the store, write its record, and make it the entry of its key."""
    from dat.fanout.run import UnitInputs
    from dat.fanout.run import run as track

    records.forget_peak()
    plan, manifest, place, commit = context.plan, context.manifest, Path(context.plan["store"]), context.commit
    clock, home, row = records.Clock.start(), Path(plan["home"]), manifest.sequences[unit.sequence].row
    folder = store.workspace(place)
    try:
        work = UnitInputs(
            protocol=plan["shared"]["protocol"],
            row=row,
            root=manifest.root,
            parts=unit.parts(home),
            seed=unit.seed,
            threads=plan["threads"],
            sections=unit.reads(plan["sections"]),
            out=folder,
            origin=plan["shared"]["origin"],
            frame=context.notes.frame,
        )
        facts = track(work, plan["device"])
        shared = check(plan, unit, manifest)
        record = _record(plan, unit, shared, manifests.row_digest(row), folder) | {"facts": facts}
        run = clock.run_facts(records.sha256_json(record), None) | commit | {"benchmark": plan["benchmark"]}
        run |= {"peak_memory": records.peak_memory()} | _printed(context.log(unit))
        store.put(place, unit.key, folder, record, run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _printed(log: Path) -> dict[str, list[str]]:
    """The end of what a unit has printed, where it has."""
    lines = logs.tail(log)
    return {"log": lines} if lines else {}


def check(plan: dict[str, Any], unit: Unit, manifest: manifests.Manifest) -> dict[str, Any]:
    """What decided the units of this process, by `common_facts`, if it is what was planned for this one.

    Raises ChangedError naming the module, the file or the sequence's row that is not, or the first other difference.
    """
    planned = plan["shared"]
    used.check_loaded(planned["code"])
    used.check_files({Path(plan["home"]) / fact["path"]: fact["sha256"] for fact in unit.files})
    environment = records.environment(plan["device"], plan["threads"])
    actual = common_facts(planned["protocol"], planned["origin"], manifest.header, environment, planned["code"])
    for name, value in actual["environment"].items():
        if planned["environment"].get(name) != value:
            was = planned["environment"].get(name)
            raise ChangedError(f"this machine's {name} is {value}, the run was planned with {was}: run it on one kind")
    row = manifest.sequences[unit.sequence].row
    if key_of(actual, unit, plan["sections"], manifests.row_digest(row)) != unit.key:
        raise ChangedError(f"{plan['manifest']}: not the row or the settings that were planned; run again")
    return actual


def _record(plan: dict[str, Any], unit: Unit, shared: dict[str, Any], digest: str, folder: Path) -> dict[str, Any]:
    """The record of a unit: the same for every benchmark, variant's name and run that this key stands for."""
    from dat.base import params

    manifest = Path(plan["manifest"]).relative_to(plan["home"]).as_posix()
    row = {"path": manifest, "sequence": unit.sequence, "sha256": digest}
    settings: dict[str, Any] = {}
    for name, values in unit.reads(plan["sections"]).items():
        settings |= params.leaves(values, name)
    record = records.make_record(
        code=shared["code"],
        inputs=[*unit.files, row],
        outputs=records.folder_files(folder),
        params=settings,
        environment=shared["environment"],
        command="dat job",
        parents=unit.parents,
        seed=unit.draws,
    )
    return record | {"key": unit.key}


def main(arguments: Sequence[str]) -> int:
    """Run the job that the command line names; the exit status."""
    try:
        run(Path(arguments[0]), int(arguments[1]), Path(arguments[2]))
    except DatError as error:
        print(f"dat: {error}", file=sys.stderr)
        return error.status
    except OSError as error:
        print(f"dat: {of_system(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
