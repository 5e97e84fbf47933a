"""A result belongs to the code, weights and frames that made it: an edit of one of them changes keys or is named."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from dat.base import params

from .conftest import Project

pytestmark = pytest.mark.slow
Until = Callable[[Callable[[], bool], float], bool]
RULE = "workflow/rules/track.smk"


def stored(project: Project) -> set[str]:
    """Keys of the store."""
    return {path.name for path in (project.path / ".dat" / "store").glob("[0-9a-f][0-9a-f]/*")}


def forget(project: Project, *sequences: str) -> None:
    """Lose what the store has of these sequences, two units each."""
    for name in sequences:
        for boxes in list((project.path / ".dat" / "store").glob(f"[0-9a-f][0-9a-f]/*/{name}.txt")):
            shutil.rmtree(boxes.parent)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, (file, old)
    file.chmod(0o644)
    file.write_text(text.replace(old, new))


def before_each_job(project: Project, line: str) -> None:
    """Let Snakemake run a line of Python (in the project) between planning and each job's start."""
    script = project.path / "meanwhile.py"
    script.write_text(f"import os, pathlib\nos.chdir({str(project.path)!r})\n{line}\n")
    edit(
        project.path / RULE,
        '"dat job {input.plan:q} {wild',
        f'"python {script.as_posix()!r} && dat job {{input.plan:q}} {{wild',
    )


def test_another_seed_written_in_the_job_makes_other_results(project: Project) -> None:
    wanted, keys = project.results(), stored(project)
    edit(project.path / "dat/fanout/job.py", "seed=unit.seed,", "seed=unit.seed + 1,")
    assert "6 units, 6 to run" in project.run("dat", "benchmark", "otb100")
    boxes = {name for name in wanted if name.endswith(".txt")}
    assert any(project.results()[name] != wanted[name] for name in boxes)
    assert keys < stored(project) and len(stored(project)) == 2 * len(keys)
    edit(project.path / "dat/fanout/job.py", "seed=unit.seed + 1,", "seed=unit.seed,")
    assert "6 units, 0 to run" in project.run("dat", "benchmark", "otb100")
    assert {name: project.results()[name] for name in boxes} == {name: wanted[name] for name in boxes}


def test_a_module_changed_between_planning_and_a_jobs_start_is_named(project: Project) -> None:
    forget(project, "Wall")
    kept = stored(project)
    module = project.path / "dat/tracking/mdnet/online.py"
    before_each_job(project, "p = pathlib.Path('dat/tracking/mdnet/online.py'); p.write_text(p.read_text() + '\\n')")
    said = project.run("dat", "benchmark", "otb100", status=1)
    assert f"{module}: not the code that this run was planned with" in said and "Traceback" not in said
    assert stored(project) == kept


def test_weights_changed_between_planning_and_a_jobs_start_are_named(project: Project) -> None:
    forget(project, "Wall")
    kept = stored(project)
    weights = project.path / "weights/salnet/core/pymdnet/weights.safetensors"
    weights.chmod(0o644)
    shutil.copy(weights, project.path / "right")
    change = (
        f"p = pathlib.Path({weights.relative_to(project.path).as_posix()!r}); "
        "d = bytearray(pathlib.Path('right').read_bytes()); d[-3] ^= 1; t = p.with_name(str(os.getpid())); "
        "t.write_bytes(d); os.replace(t, p)"
    )
    before_each_job(project, change)
    said = project.run("dat", "benchmark", "otb100", status=1)
    assert f"{weights}: changed between planning and use" in said
    assert stored(project) == kept


def test_a_frame_that_is_not_the_indexed_one_is_named_by_trackers(project: Project) -> None:
    wanted = project.results()
    forget(project, "Doubles", "Wall")
    frames = sorted((project.path / "data/otb100/Wall/img").glob("*.jpg"))
    right = frames[3].read_bytes()
    frames[3].chmod(0o644)
    frames[3].write_bytes(frames[5].read_bytes())
    said = project.run("dat", "benchmark", "otb100", status=1)
    assert f"{frames[3]}: not the file that was indexed" in said
    assert len(stored(project)) == 4, "those of the other sequence, and those that were there"
    frames[3].write_bytes(right)
    assert "2 to run" in project.run("dat", "benchmark", "otb100")
    assert project.results() == wanted


def test_a_frame_that_is_not_the_indexed_one_is_named_by_a_training(project: Project) -> None:
    weights = project.path / "weights/salnet/core/pymdnet/weights.safetensors"
    old = weights.read_bytes()
    folder = sorted((project.path / "data/tlp").glob("*/img"))[0]
    frames = sorted(folder.glob("*.jpg"))
    for frame in frames[1:6]:
        frame.chmod(0o644)
        frame.write_bytes(frames[0].read_bytes())
    said = project.run("dat", "train", "salnet", "pymdnet", status=2)
    assert f"{folder}/" in said and "not the file that was indexed" in said
    assert weights.read_bytes() == old


def test_a_stage_killed_with_its_dvc_ends_and_keeps_the_outputs_of_the_next(project: Project, until: Until) -> None:
    """A training whose `dvc` is gone must not overwrite what a later one makes."""
    running = project.start("dvc", "repro", "-s", "-f", "salnet@pymdnet")
    lock = params.load(project.path).place / "locks" / "salnet@pymdnet"
    assert until(lock.exists, 120), "the training did not begin"
    os.kill(running.pid, signal.SIGKILL)
    assert until(lambda: not project.processes(), 10), "the training goes on"
    running.communicate()
    project.run("dat", "train", "salnet", "pymdnet")
