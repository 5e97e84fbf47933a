"""A job: some units of a benchmark, one after another in one process, each put into the store when it is finished."""

import shutil
import traceback
from pathlib import Path
from typing import Any

from dat import params, records
from dat.datasets import manifest as manifests
from dat.errors import DatError, JobError
from dat.tracking import plan as plans
from dat.tracking import slots, store, supervise


def run(plan_path: Path, number: int, done: Path) -> None:
    """Run job `number` of a plan; `done` is made when all its units are in the store.

    A unit that fails leaves a line in `failed/` and does not stop the others. Raises JobError when there was one.
    """
    supervise.die_with_supervisor()
    plan = records.read_json(plan_path)
    home, place = Path(plan["home"]), Path(plan["store"])
    manifest = manifests.read(Path(plan["manifest"]))
    if slots.wanted():
        slots.take(Path(plan["slots"]), slots.wanted())
    failed = []
    for facts in plan["jobs"][number]:
        unit = plans.Unit(**facts)
        if store.record(place, unit.key) is not None:
            continue
        try:
            _one(plan, unit, manifest, home, place)
        except DatError as error:
            failed.append(_fail(plan_path.parent, unit, str(error)))
        except Exception as error:  # whatever one sequence does, the others of its job go on
            traceback.print_exc()
            failed.append(_fail(plan_path.parent, unit, f"{type(error).__name__}: {error}"))
    if failed:
        raise JobError(failed[0])
    done.parent.mkdir(parents=True, exist_ok=True)
    done.touch()


def _fail(directory: Path, unit: plans.Unit, message: str) -> str:
    line = f"{unit.sequence}: {unit.tracker}: {message}"
    records.write_text(directory / "failed" / f"{unit.key}.txt", line + "\n")
    return line


def _one(plan: dict[str, Any], unit: plans.Unit, manifest: manifests.Manifest, home: Path, place: Path) -> None:
    """Track one unit into a folder of the store, write its record, and make it the entry of its key."""
    from dat.tracking import unit as tracking

    clock, sequence = records.Clock.start(), manifest.sequences[unit.sequence]
    folder = store.workspace(place)
    try:
        facts = tracking.run(
            {
                "protocol": plan["protocol"],
                "sequence": sequence.row,
                "root": manifest.root,
                "salnet": home / unit.salnet if unit.salnet else None,
                "gpgnet": home / unit.gpgnet if unit.gpgnet else None,
                "names": home / unit.names if unit.names else None,
                "attention": unit.attention,
                "seed": unit.seed,
                "threads": plan["threads"],
                "sections": unit.reads(plan["sections"]),
                "out": folder,
                "origin": plans.ORIGIN[manifest.header["layout"]],
            },
            plan["device"],
        )
        record = _record(plan, unit, sequence, home, folder) | {"facts": facts}
        run = clock.run_facts(records.sha256_json(record), home)
        store.put(place, unit.key, folder, record, run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _record(
    plan: dict[str, Any], unit: plans.Unit, sequence: manifests.Sequence, home: Path, folder: Path
) -> dict[str, Any]:
    """The record of a unit: the same for every variant name and run that this key stands for."""
    files = [home / path for path in plans.files(home, unit)]
    row = {
        "path": Path(plan["manifest"]).relative_to(home).as_posix(),
        "sequence": unit.sequence,
        "sha256": sequence.digest,
    }
    settings: dict[str, Any] = {}
    for name, values in unit.reads(plan["sections"]).items():
        settings |= params.leaves(values, name)
    record = records.make_record(
        modules=[plans.ENTRY],
        inputs=[records.file_facts(path, home) for path in files] + [row],
        outputs=records.folder_files(folder),
        params=settings,
        environment=records.environment(plan["device"], plan["threads"]),
        command=f"dat benchmark {plan['benchmark']}",
        parents=records.parents(files, home),
        seed=unit.draws,
    )
    return record | {"key": unit.key}
