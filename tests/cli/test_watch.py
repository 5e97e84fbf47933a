"""Overall progress beside `dvc repro`: which stage of how many, and the most time that is left."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dat import records
from dat.base import params
from dat.cli import watch
from tests.parts import fake_profile

ROOT = Path(__file__).resolve().parents[2]
STAGES = {
    "index": {"outs": [{"path": "testing/a.jsonl"}]},
    "train": {"outs": [{"path": "weights/a"}]},
    "benchmark": {"deps": [{"path": "testing/a.jsonl"}, {"path": "weights"}], "outs": [{"path": "results/a"}]},
    "report": {"deps": [{"path": "results"}], "outs": [{"path": "reports"}]},
}


def test_a_stage_needs_those_whose_outputs_it_reads_above_and_below() -> None:
    found = watch.needs(STAGES)
    assert found == {"index": set(), "train": set(), "benchmark": {"index", "train"}, "report": {"benchmark"}}
    assert watch.needs({"a": {"outs": [{"path": "data"}]}, "b": {"deps": [{"path": "data2"}]}})["b"] == set()


def test_what_a_stage_needs_is_behind_and_the_rest_is_time_left() -> None:
    run = watch.RunStages(watch.needs(STAGES), {"index": 10, "train": 500, "benchmark": 100, "report": 5.2})
    assert run.line("index") == "stage 1 of 4: index, at most 11 min left"
    assert run.line("benchmark") == "stage 3 of 4: benchmark, at most 106 s left"  # train was skipped
    assert run.line("report") == "stage 4 of 4: report, at most 6 s left"
    assert run.line("new") == "stage 5 of 5: new, at most 0 s left"


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("run")
    fake_profile.build(home)
    (home / "runs/subsample.json").unlink()
    records.write_json(home / "runs/masks.json", {"stage": "masks", "seconds": 7.5})
    return home


def test_seconds_are_those_of_the_last_run_else_the_budget(profile: Path) -> None:
    found = watch.overall(params.load(profile))
    assert found.seconds["masks"] == 7.5 and found.seconds["subsample"] == 10.0
    assert "masks" in found.needs and {"evaluate@otb100", "evaluate@vot2016"} <= found.needs["report"]


def test_it_says_the_stage_of_the_process_that_becomes_dvc_and_ends_with_it(profile: Path) -> None:
    """Standing in for dvc: a shell that has a child with DVC's mark, until its standard input ends."""
    stage = "import os, subprocess; subprocess.run(['cat'], env={**os.environ, 'DVC_STAGE': 'dvc.yaml:masks'})"
    python = shlex.quote(sys.executable)
    script = f"{python} -m dat watch & exec {python} -c {shlex.quote(stage)}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        ["sh", "-c", script], cwd=profile, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr and running.stdin
        assert running.stderr.readline().startswith("stage 4 of 17: masks, at most ")
        running.stdin.close()
        assert running.stderr.read() == ""  # until both have ended
    assert running.returncode == 0


def test_a_run_that_cannot_be_read_has_no_progress_and_no_error(tmp_path: Path) -> None:
    fake_profile.settings_file(tmp_path)
    (tmp_path / "dvc.lock").write_text("stages: 5")
    call = [sys.executable, "-m", "dat", "watch"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(call, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
