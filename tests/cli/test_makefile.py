"""`make repro`: two at once."""

import fcntl
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_second_run_at_once_is_told_so_before_dvc_says_anything(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "dat").write_text("#!/bin/sh\necho ran dat $*\n")
    (programs / "dat").chmod(0o755)
    (tmp_path / ".dat").mkdir()
    command = ["make", "-C", str(tmp_path), "-o", "setup", "repro"]
    with (tmp_path / ".dat" / "repro").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode != 0 and "another one is at work in this checkout" in done.stderr
        assert "ran" not in done.stdout
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert all(f"ran dat {verb}" in done.stdout for verb in ("watch", "repro", "timings"))


def test_the_exit_status_is_that_of_the_run(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "dat").write_text("#!/bin/sh\n[ $1 != repro ] || exit 3\necho ran dat $*\n")
    (programs / "dat").chmod(0o755)
    command = ["make", "-C", str(tmp_path), "-o", "setup", "repro"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "Error 3" in done.stderr and "timings" not in done.stdout
