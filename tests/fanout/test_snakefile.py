"""Snakemake called by hand, where there is no plan."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dat.base import params
from dat.fanout import stage

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("option", ["-n", "--lint"])
def test_snakemake_at_the_top_says_what_to_run(option: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", option], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "run `dat benchmark NAME`" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "On instance" not in done.stderr


def run_jobs(
    script: str, jobs: int, cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpus: int = 0
) -> None:
    """Let Snakemake run a plan's jobs, each of which is this script; `$3` is the job's number."""
    dat = tmp_path / "bin" / "dat"
    dat.parent.mkdir()
    dat.write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
    dat.chmod(0o755)
    (tmp_path / "plan.json").write_text(json.dumps({"threads": 1, "jobs": [[]] * jobs}))
    monkeypatch.setenv("PATH", f"{dat.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
    call = stage.command(params.load(ROOT), tmp_path, gpus)
    call[call.index("--cores") + 1] = str(cores)
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_jobs_start_in_the_plans_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job notes its number and is done; one at a time, 12 jobs, whose names would sort 0, 1, 10, 11, 2."""
    run_jobs('echo "$3" >> order', 12, 1, tmp_path, monkeypatch)
    assert (tmp_path / "order").read_text().split() == [str(number) for number in range(12)]


def test_no_more_jobs_at_a_time_than_slots_of_the_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job notes how many run; cores would do for six."""
    script = 'mkdir -p running/"$3"\nls running | wc -l >> counts\nsleep 0.3\nrmdir running/"$3"'
    run_jobs(script, 6, 6, tmp_path, monkeypatch, gpus=2)
    counts = [int(count) for count in (tmp_path / "counts").read_text().split()]
    assert len(counts) == 6 and max(counts) <= 2


@pytest.mark.parametrize("slots", [1, 24])
def test_jobs_at_a_time_on_gpus_are_limited_by_the_slots(
    slots: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each job asks for one `gpu`; cores are no lower limit. A profile of the user's own has its own limits."""
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
    settings = params.load(ROOT)
    call = stage.command(settings, tmp_path, gpus=slots)
    assert call[call.index("--resources") + 1 :] == [f"gpu={slots}"]
    assert int(call[call.index("--cores") + 1]) >= slots * settings.root.tracking.threads
    assert "--resources" not in stage.command(settings, tmp_path)
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "workflow/profiles/slurm")
    assert "--resources" not in stage.command(settings, tmp_path, gpus=slots)


def test_a_jobs_first_process_loads_little() -> None:
    """It starts the second one, which computes; a run has a hundred jobs."""
    code = "import sys, dat.cli.job; print({'pydantic', 'numpy', 'ruamel.yaml', 'grimp'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "set()\n"
