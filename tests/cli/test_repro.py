"""Trainings side by side: their order, how many at a time, one that fails, a kill; a small program stands in for DVC.

tests/workflow/test_side_by_side.py runs the real one.
"""

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dat.base import executor
from dat.base.errors import JobError, MissingError
from dat.cli import repro
from dat.preflight.graph import Stages

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """\
import os, pathlib, sys, time
name, place = sys.argv[-1], pathlib.Path(os.environ["PLACE"])
(place / f"{name}.begun").write_text(str(os.getpid()))
print(f"training {name}", flush=True)
deadline = time.monotonic() + 60
while (place / f"{name}.hold").exists() and time.monotonic() < deadline:
    time.sleep(0.01)
(place / "order").open("a").write(f"{name}\\n")
sys.exit(name.startswith("bad"))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the stand-in notes which stages it ran; it waits while NAME.hold is there."""
    monkeypatch.setenv("PLACE", str(tmp_path))
    monkeypatch.setattr(repro, "DVC", (sys.executable, "-c", PROGRAM))
    monkeypatch.setattr(repro, "PERIOD", 0.01)
    return tmp_path


def side_by_side(needs: dict[str, set[str]], at_once: int) -> repro.SideBySide:
    return repro.SideBySide({name: [name] for name in needs}, needs, dict.fromkeys(needs, 1.0), at_once)


def begun(place: Path) -> set[str]:
    return {path.stem for path in place.glob("*.begun")}


def test_a_stage_waits_for_those_that_it_needs_and_its_lines_have_its_name(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    side_by_side({"c": {"b"}, "b": {"a"}, "a": set()}, 3).run()
    assert (place / "order").read_text().split() == ["a", "b", "c"]
    deadline, printed = time.monotonic() + 30, ""
    while "c: training c" not in printed and time.monotonic() < deadline:  # a thread passes the lines on
        printed += capfd.readouterr().err
    assert "0 trainings and 3 other stages, 3 at a time" in printed and "c: training c\n" in printed


def test_no_more_than_so_many_run_at_a_time(place: Path) -> None:
    run = side_by_side({"a": set(), "b": set(), "c": set()}, 2)
    assert run._ready(["a", "b", "c"]) == ["a", "b"]
    run.running["a"] = repro._started("a", ["a"])
    assert run._ready(["b", "c"]) == ["b"]
    run.running["a"].wait()


def test_a_failed_one_is_named_no_other_begins_and_those_at_work_end(place: Path) -> None:
    (place / "other.hold").touch()

    class Watched(repro.SideBySide):
        def _note_ended(self) -> None:
            super()._note_ended()
            if self.failed:
                (place / "other.hold").unlink(missing_ok=True)

    needs: dict[str, set[str]] = {"bad": set(), "other": set(), "later": {"other"}}
    with pytest.raises(JobError, match=r"^bad: failed") as caught:
        Watched({name: [name] for name in needs}, needs, dict.fromkeys(needs, 1.0), 2).run()
    assert caught.value.status == 1
    assert begun(place) == {"bad", "other"}
    assert sorted((place / "order").read_text().split()) == ["bad", "other"]


def test_the_longest_chain_begins_first() -> None:
    needs = {"short": set(), "encoder": set(), "attention": {"encoder"}, "long": set()}
    seconds = {"short": 5.0, "encoder": 4.0, "attention": 6.0, "long": 9.0}
    assert repro.order(needs, seconds) == ["encoder", "long", "attention", "short"]


def settings(threads: int, numerics: str = "portable") -> Any:
    root = SimpleNamespace(
        numerics=numerics, fanout=SimpleNamespace(devices="all"), train=SimpleNamespace(threads=threads)
    )
    return SimpleNamespace(root=root)


def test_trainings_fit_by_their_threads_on_the_cores_or_one_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(5)))
    assert repro.room(settings(2)) == 2
    assert repro.room(settings(8)) == 1
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nfor i in 0 1 2; do echo $i, GPU-$i, 80000, Default; done\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name in ("DAT_DEVICES", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    assert repro.room(settings(8, "native")) == 3


def test_what_a_training_needs_comes_before_it() -> None:
    above = {"a": [], "b": ["a"], "c": ["b"], "d": []}
    stages = Stages(["a", "b", "c", "d"], ["c"], {}, above, {})
    assert stages.before(["c"]) == ["a", "b"]
    assert stages.before(["a", "d"]) == []
    assert stages.needed == ["a", "b", "c"]


def test_a_schedulers_plugin_is_missed_before_dvc_is_called(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC would remove a benchmark's results first; a run without one needs no scheduler."""
    called: list[list[str]] = []
    monkeypatch.setenv("SNAKEMAKE_PROFILE", str(ROOT / "workflow" / "profiles" / "slurm"))
    monkeypatch.setattr(executor.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(repro.params, "load", lambda: None)
    monkeypatch.setattr(repro.os, "execv", lambda program, arguments: called.append(arguments))
    run = ["benchmark@otb100", "evaluate@otb100"]
    call: Any = functools.partial(repro.repro.callback, at_once=None)  # type: ignore[arg-type]
    monkeypatch.setattr(
        repro.graph, "read", lambda settings, stages: Stages(run, run, {}, {name: [] for name in run}, {})
    )
    with pytest.raises(
        MissingError, match=r"snakemake-executor-plugin-slurm is not there; pip install 'dat\[slurm\]'$"
    ):
        call(())
    assert not called
    run.remove("benchmark@otb100")
    call(("evaluate",))
    assert called[0][-1] == "evaluate"


def test_what_comes_before_the_benchmarks_runs_side_by_side_a_data_set_in_one_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    above: dict[str, list[str]] = {
        "synthetic@lasot": [],
        "index@lasot": ["synthetic@lasot"],
        "subsample": ["index@lasot"],
        "salnet@a": ["subsample"],
        "synthetic@otb100": [],
        "index@otb100": ["synthetic@otb100"],
        "benchmark@otb100": ["salnet@a", "index@otb100"],
        "evaluate@otb100": ["benchmark@otb100"],
    }
    called, made = list[list[str]](), list[tuple[Any, ...]]()

    def side_by_side(*facts: Any) -> Any:
        made.append(facts)
        return SimpleNamespace(run=lambda: None)

    run = list(above)
    monkeypatch.setattr(repro.graph, "read", lambda settings, stages: Stages(list(above), run, {}, above, {}))
    monkeypatch.setattr(repro.params, "load", lambda: None)
    monkeypatch.setattr(repro.executor, "check", lambda: None)
    monkeypatch.setattr(repro, "seconds_of", lambda settings, stages: dict.fromkeys(stages, 2.0))
    monkeypatch.setattr(repro, "DVC", ("true",))
    monkeypatch.setattr(os, "execv", lambda program, arguments: called.append(arguments))
    monkeypatch.setattr(repro, "SideBySide", side_by_side)
    call: Any = functools.partial(repro.repro.callback, at_once=2)  # type: ignore[arg-type]
    call(())
    stages, needs, seconds, at_once = made[0]
    assert list(stages) == ["index@lasot", "subsample", "salnet@a", "index@otb100"]
    assert stages["index@otb100"] == ["synthetic@otb100", "index@otb100"]
    assert needs == {
        "index@lasot": set(),
        "subsample": {"index@lasot"},
        "salnet@a": {"index@lasot", "subsample"},
        "index@otb100": set(),
    }
    assert seconds == {"index@lasot": 4.0, "subsample": 2.0, "salnet@a": 2.0, "index@otb100": 4.0} and at_once == 2
    assert called == [["true"]]
    run[:] = ["index@otb100", "benchmark@otb100", "evaluate@otb100"]  # one alone: a plain dvc repro
    call(())
    assert len(made) == 1 and len(called) == 2


def test_a_killed_one_takes_its_trainings_with_it(place: Path) -> None:
    (place / "a.hold").touch()
    script = (
        "import sys\nfrom dat.cli import repro\n"
        f"repro.DVC = (sys.executable, '-c', {PROGRAM!r})\n"
        "repro.SideBySide({'a': ['a']}, {'a': set()}, {'a': 1.0}, 1).run()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as process:
        deadline, note = time.monotonic() + 60, place / "a.begun"
        while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
            time.sleep(0.01)
        child = int(note.read_text())
        process.send_signal(signal.SIGKILL)
        process.wait()
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(child)


def alive(pid: int) -> bool:
    """Whether a process runs: one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
