"""A job: some units of a benchmark, one after another in one process, each put into the store when it is finished.

`python -m dat.fanout.job PLAN NUMBER DONE` loads only what a unit's key holds. What it has loaded and read is
compared with the plan before a unit is stored: a key says what decided its result.
"""

import shutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dat import devices, numerics, params, records, supervise, used
from dat.datasets import manifest as manifests
from dat.errors import ChangedError, DatError, JobError, of_system
from dat.fanout import plan as plans
from dat.fanout import store
from dat.fanout.unit import Unit, common_facts, key_of

ASK = -1


def run(plan_path: Path, number: int, done: Path) -> None:
    """Run job `number` of a plan; `done` is made when all its units are in the store.

    A unit that fails leaves a line in `failed/` and does not stop the others. Raises JobError when there was one.
    Job `ASK` tracks nothing: it writes to `done` which device it has, and what of its machine decides a result.
    """
    plan = records.read_json(plan_path)
    if plan["place"] == plans.place():  # elsewhere the run's process cannot be seen; a run that ends cancels its jobs
        supervise.die_with_supervisor()
    numerics.prepare(plan["numerics"])
    numerics.confirm()
    if number == ASK:
        device = devices.kind(plan["numerics"], plan["devices"])
        environment = records.environment(device, plan["threads"])
        records.write_json(done, {"device": device, "environment": environment})
        return
    place = Path(plan["store"])
    manifest = manifests.read(Path(plan["manifest"]))
    if plan["slots"] and not devices.scheduled():
        devices.take(Path(plan["cards"]), plan["slots"])
    units = [Unit(**facts) for facts in plan["jobs"][number]]
    with store.held(place):
        missing = [unit for unit in units if store.record(place, unit.key) is None]
        failed = [line for unit in missing if (line := _tried(plan, unit, manifest, place, plan_path.parent))]
    if failed:
        raise JobError(failed[0])
    done.parent.mkdir(parents=True, exist_ok=True)
    done.touch()


def _tried(plan: dict[str, Any], unit: Unit, manifest: manifests.Manifest, place: Path, directory: Path) -> str | None:
    """Track one unit; what went wrong in a line, or None."""
    try:
        _one(plan, unit, manifest, place)
    except DatError as error:
        return _fail(directory, unit, str(error))
    except OSError as error:
        return _fail(directory, unit, of_system(error))
    except Exception as error:  # whatever one sequence does, the others of its job go on
        traceback.print_exc()
        return _fail(directory, unit, f"{type(error).__name__}: {error}")
    return None


def _fail(directory: Path, unit: Unit, message: str) -> str:
    line = f"{unit.sequence}: {unit.tracker}: {message}"
    records.write_text(directory / "failed" / f"{unit.key}.txt", line + "\n")
    return line


def _one(plan: dict[str, Any], unit: Unit, manifest: manifests.Manifest, place: Path) -> None:
    """Track one unit into a folder of the store, write its record, and make it the entry of its key."""
    from dat.fanout.run import Work
    from dat.fanout.run import run as track

    clock, home, row = records.Clock.start(), Path(plan["home"]), manifest.sequences[unit.sequence].row
    folder = store.workspace(place)
    try:
        work = Work(
            protocol=plan["shared"]["protocol"],
            row=row,
            root=manifest.root,
            parts=unit.parts(home),
            seed=unit.seed,
            threads=plan["threads"],
            sections=unit.reads(plan["sections"]),
            out=folder,
            origin=plan["shared"]["origin"],
        )
        facts = track(work, plan["device"])
        shared = check(plan, unit, manifest)
        record = _record(plan, unit, shared, manifests.row_digest(row), folder) | {"facts": facts}
        run = clock.run_facts(records.sha256_json(record), home) | {"benchmark": plan["benchmark"]}
        store.put(place, unit.key, folder, record, run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check(plan: dict[str, Any], unit: Unit, manifest: manifests.Manifest) -> dict[str, Any]:
    """What decided the units of this process, by `common_facts`, if it is what was planned for this one.

    Raises ChangedError naming the module, the file or the sequence's row that is not, or the first other difference.
    """
    planned = plan["shared"]
    used.check_loaded(planned["code"])
    used.check_files({Path(plan["home"]) / fact["path"]: fact["sha256"] for fact in unit.files})
    environment = records.environment(plan["device"], plan["threads"])
    found = common_facts(planned["protocol"], manifest.header, environment, planned["code"])
    for name, value in found["environment"].items():
        if planned["environment"].get(name) != value:
            was = planned["environment"].get(name)
            raise ChangedError(f"this machine's {name} is {value}, the run was planned with {was}: run it on one kind")
    row = manifest.sequences[unit.sequence].row
    if key_of(found, unit, plan["sections"], manifests.row_digest(row)) != unit.key:
        raise ChangedError(f"{plan['manifest']}: not the row or the settings that were planned; run again")
    return found


def _record(plan: dict[str, Any], unit: Unit, shared: dict[str, Any], digest: str, folder: Path) -> dict[str, Any]:
    """The record of a unit: the same for every benchmark, variant's name and run that this key stands for."""
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
