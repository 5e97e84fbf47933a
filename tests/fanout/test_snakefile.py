"""Snakemake called by hand, where there is no plan."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("option", ["-n", "--lint"])
def test_snakemake_at_the_top_says_what_to_run(option: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", option], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "run `dat benchmark NAME`" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "On instance" not in done.stderr
