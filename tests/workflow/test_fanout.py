"""The fan-out, killed for real: nothing survives, nothing is lost, and the boxes are those of an undisturbed run."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Project

pytestmark = pytest.mark.slow
Until = Callable[[Callable[[], bool], float], bool]


def stored(project: Project) -> list[Path]:
    """Finished units in the store."""
    return sorted((project.path / ".dat" / "store").glob("[0-9a-f][0-9a-f]/*"))


def forget(project: Project) -> None:
    """Lose all results and the store, as on a fresh machine."""
    shutil.rmtree(project.path / "results")
    shutil.rmtree(project.path / ".dat" / "store")


def forget_units(project: Project, *sequences: str) -> None:
    """Lose the results, and of the store what belongs to these sequences: both variants' boxes."""
    shutil.rmtree(project.path / "results")
    for unit in stored(project):
        if any((unit / f"{name}.txt").exists() for name in sequences):
            shutil.rmtree(unit)


def tracks(project: Project) -> bool:
    """Whether a job is under way."""
    try:
        return bool(find(project, "dat.fanout.job"))
    except (AssertionError, OSError):
        return False


def find(project: Project, *words: str) -> int:
    """The process of the project whose command line has all the words."""
    for pid in project.processes():
        line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if all(word.encode() in line or any(part.endswith(word.encode()) for part in line) for word in words):
            return pid
    raise AssertionError(f"no process {words}")


def begin(project: Project) -> "subprocess.Popen[str]":
    """`dvc repro` of the benchmark, in a session of its own that heeds signals, also where tests run under nohup."""
    mask = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        return project.start("dvc", "repro", "-s", "-f", "benchmark@otb100")
    finally:
        for number, handler in mask.items():
            signal.signal(number, handler)


def test_a_run_told_to_end_by_each_signal_leaves_no_process_and_resumes_to_the_same_boxes(
    project: Project, until: Until
) -> None:
    """Ctrl-C and a closed terminal tell a terminal's whole group; `kill` tells `dat benchmark`."""
    wanted, kept = project.results(), dict[str, int]()
    forget(project)

    def under_way() -> bool:
        return len(stored(project)) > len(kept) and tracks(project)

    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        running = begin(project)
        assert until(under_way, 240), "no unit was finished"
        if number == signal.SIGTERM:
            os.kill(find(project, "dat", "benchmark"), number)
        else:
            os.killpg(running.pid, number)
        assert running.communicate(timeout=60) and running.returncode != 0
        assert until(lambda: not project.processes(), 20), f"processes are left after {number.name}"
        units = {path.name: path.stat().st_ino for path in stored(project)}
        assert units.items() >= kept.items(), "finished units were lost or ran again"
        kept = units
    project.run("dvc", "repro", "-s", "-f", "benchmark@otb100")
    assert project.results() == wanted
    assert {path.name: path.stat().st_ino for path in stored(project)}.items() >= kept.items()


VICTIMS = {"dvc": ("dvc", "repro"), "scheduler": ("snakemake", "--nolock"), "supervisor": ("dat", "benchmark")}


def test_a_run_killed_at_each_level_leaves_no_process_and_resumes_to_the_same_boxes(
    project: Project, until: Until
) -> None:
    """One run, killed three times: its processes see another parent's death each time. To `dvc`, SIGTERM is no other
    end than SIGKILL, for it does not catch it."""
    wanted = project.results()
    forget(project)
    kept: dict[str, int] = {}
    for victim, words in VICTIMS.items():
        running = project.start("dvc", "repro", "-s", "-f", "benchmark@otb100")
        assert until(lambda: bool(stored(project)) and tracks(project), 120), "no unit was finished"
        os.kill(find(project, *words), signal.SIGKILL)
        assert until(lambda: not project.processes(), 20), f"processes are left without {victim}"
        running.communicate()
        units = {path.name: path.stat().st_ino for path in stored(project)}
        assert units and units.items() >= kept.items(), "finished units were lost or ran again"
        kept = units
    assert len(kept) < len([name for name in wanted if name.endswith(".txt")]), "nothing was left to do"
    project.run("dvc", "repro", "-s", "-f", "benchmark@otb100")
    assert project.results() == wanted
    assert {path.name: path.stat().st_ino for path in stored(project)}.items() >= kept.items(), (
        "finished units ran again"
    )


def test_only_what_a_changed_setting_decides_runs_again(project: Project) -> None:
    params = project.path / "params.yaml"
    params.write_text(params.read_text().replace("fanout: {batch: 1", "fanout: {batch: 2"))
    assert "benchmark@otb100' didn't change" in project.run("dvc", "repro", "-s", "benchmark@otb100")
    before = len(stored(project))
    params.write_text(params.read_text().replace("threshold: 0.8", "threshold: 0.9"))
    project.run("dvc", "repro", "-s", "benchmark@otb100")
    assert len(stored(project)) == 2 * before


def test_results_that_dvc_deleted_come_back_from_the_store(project: Project) -> None:
    wanted, before = project.results(), {path.name: path.stat().st_ino for path in stored(project)}
    shutil.rmtree(project.path / "results")
    assert " 0 to run" in project.run("dat", "benchmark", "otb100")
    assert project.results() == wanted
    assert {path.name: path.stat().st_ino for path in stored(project)} == before


def test_a_profile_of_ones_own_asks_a_job_first_and_finds_what_is_done(project: Project) -> None:
    wanted = project.results()
    (project.path.parent / "profile").mkdir()
    (project.path.parent / "profile" / "config.yaml").write_text("cores: 1\n")
    said = project.run("dat", "benchmark", "otb100", SNAKEMAKE_PROFILE=str(project.path.parent / "profile"))
    assert "asking a job" in said and " 0 to run" in said
    assert project.results() == wanted


def test_a_damaged_result_in_the_store_is_computed_again(project: Project) -> None:
    wanted = project.results()
    shutil.rmtree(project.path / "results")
    broken = next(file for file in stored(project)[0].glob("*.txt"))
    broken.write_text("1,2,3,4\n")
    assert "1 to run" in project.run("dat", "benchmark", "otb100")
    assert project.results() == wanted


def test_two_runs_of_one_benchmark_do_not_meet(project: Project, until: Until) -> None:
    """The first stands still while the second asks, so that it is at it for certain."""
    forget_units(project, "Wall")
    first = project.start("dat", "benchmark", "otb100")
    assert until(lambda: tracks(project), 120), "no job began"
    os.kill(first.pid, signal.SIGSTOP)
    assert f"benchmark@otb100: process {first.pid} is at it" in project.run("dat", "benchmark", "otb100", status=2)
    os.kill(first.pid, signal.SIGCONT)
    assert "2 to run" in first.communicate(timeout=240)[0]
    assert first.returncode == 0


def test_a_failing_sequence_is_named_and_the_others_are_kept(project: Project) -> None:
    frame = next((project.path / "data" / "otb100").rglob("*0005.jpg"))
    failing = frame.parent.parent.name
    other = next(name for name in ("Doubles", "Wall") if name != failing)
    forget_units(project, failing, other)
    frame.write_bytes(b"not an image")
    said = project.run("dat", "benchmark", "otb100", status=1)
    assert failing in said and "4 to run" in said
    assert "Traceback" not in said
    assert len(stored(project)) == 4
