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


def test_jobs_start_in_the_plans_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job notes its number and is done; one at a time, 12 jobs, whose names would sort 0, 1, 10, 11, 2."""
    dat = tmp_path / "bin" / "dat"
    dat.parent.mkdir()
    dat.write_text(f'#!/bin/sh\necho "$3" >> {tmp_path}/order\n')
    dat.chmod(0o755)
    (tmp_path / "plan.json").write_text(json.dumps({"threads": 1, "jobs": [[]] * 12}))
    monkeypatch.setenv("PATH", f"{dat.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
    call = stage.command(params.load(ROOT), tmp_path)
    call[call.index("--cores") + 1] = "1"
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "order").read_text().split() == [str(number) for number in range(12)]
