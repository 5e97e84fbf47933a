"""Real jobs on a real disk that is full or read-only, and two at once on one store: one line, and nothing is lost."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dat import records
from dat.fanout import store
from dat.fanout.unit import Unit
from tests.parts import small_sets as small

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

VARIANTS = "variants: [pymdnet, salnet, dat-to, dat-nl, dat-jtnl]"
"""Of otb100 in params.yaml."""
NAMES = ["Disc.txt", "Star.txt"]
Planned = tuple[Path, Unit, dict[str, Any]]


def mount(*options: str) -> bool:
    """Whether the system mounts that."""
    return subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)):
        pytest.skip("no disk can be mounted here (as root: mount -t tmpfs)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(file: Path, left: int) -> None:
    """Write a file so long that its disk has so many KB left."""
    room = shutil.disk_usage(file.parent).free
    file.write_bytes(bytes(room - (left << 10)))


def start(planned: Planned, place: Path, name: str) -> "subprocess.Popen[str]":
    """The plan's job with its store in a place; each name is a run of its own."""
    plan = planned[0].parent.parent / name / "plan.json"
    records.write_json(plan, planned[2] | {"store": str(place)})
    call = [sys.executable, "-P", "-m", "dat.fanout.job", str(plan), "0", str(plan.parent / "done")]
    return subprocess.Popen(call, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def said(running: "subprocess.Popen[str]") -> tuple[int, str]:
    """How a job ended, and its last line."""
    text = running.communicate(timeout=120)[1]
    return running.returncode, text.splitlines()[-1] if text else ""


def test_a_full_disk_is_one_line_and_the_job_goes_on_when_there_is_room(planned: Planned, disk: Path) -> None:
    (disk / "other").write_bytes(bytes(60 << 10))
    status, line = said(start(planned, disk / "store", "full"))
    assert status == 1 and line.startswith("dat: Disc: csrdcf@seed-0: ")
    assert "No space left on device; free some space" in line
    assert store.record(disk / "store", planned[1].key) is None and not store.left_over(disk / "store")
    (disk / "other").unlink()
    assert said(start(planned, disk / "store", "full")) == (0, "")
    assert store.record(disk / "store", planned[1].key)


def test_a_read_only_store_is_one_line_and_keeps_what_it_has(planned: Planned, disk: Path) -> None:
    assert said(start(planned, disk / "store", "first")) == (0, "")
    assert mount("-o", "remount,ro", str(disk))
    status, line = said(start(planned, disk / "store", "second"))
    assert status == 2 and line.endswith("Read-only file system; make it writable, or work on another disk")
    assert line.startswith(f"dat: {disk / 'store'}") and store.record(disk / "store", planned[1].key)


def test_two_runs_that_share_a_store_end_with_one_whole_entry(planned: Planned, tmp_path: Path) -> None:
    """Both track the unit, of whose two results the first one stays."""
    running = [start(planned, tmp_path / "store", name) for name in ("one", "other")]
    assert [said(one) for one in running] == [(0, "")] * 2
    assert [entry.name for entry in store.entries(tmp_path / "store")] == [planned[1].key]
    assert store.record(tmp_path / "store", planned[1].key) and not store.left_over(tmp_path / "store")


@pytest.mark.parametrize(("left", "status", "finished"), [(24, 1, 1), (0, 2, 0)])
def test_a_benchmark_on_a_full_disk_says_so_and_the_next_run_goes_on(
    tmp_path: Path, disk: Path, left: int, status: int, finished: int
) -> None:
    """`dat benchmark` itself, through Snakemake: with room for one of two sequences, and where not even the plan can
    be written."""
    settings = small.profile(tmp_path / "p", replace=((VARIANTS, "variants: [csrdcf]"),))
    for name in ("Snakefile", "workflow"):
        (settings.path / name).symlink_to(ROOT / name)
    for name in ("weights/salnet/core", "weights/gpgnet"):
        (settings.path / name).mkdir(parents=True)
    for name in ("Disc", "Star"):
        small.otb(settings.path / "data/otb100", name)
    small.describe(settings, "otb100", lists={"otb100": ["Disc", "Star"]})
    small.run_index(settings, "otb100")
    if not left:
        shutil.rmtree(settings.path / ".dat")
        (disk / "dat").mkdir()
        (settings.path / ".dat").symlink_to(disk / "dat")
    fill(disk / "other", left)
    environment = os.environ | {"DAT_CACHE": str(disk / "store"), "DAT_DEVICES": "cpu", "PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-m", "dat", "benchmark", "otb100"]

    def benchmark() -> tuple[int, str]:
        done = subprocess.run(call, cwd=settings.path, env=environment, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stderr

    ended, text = benchmark()
    assert ended == status and "Traceback" not in text
    assert [line for line in text.splitlines() if line.startswith("dat: ") and "No space left on device; free" in line]
    assert len(list(store.entries(disk / "store"))) == finished and not store.left_over(disk / "store")
    (disk / "other").unlink()
    if not left:
        mount("-o", "remount,size=4m", str(disk))
    ended, text = benchmark()
    assert ended == 0 and f"2 units, {2 - finished} to run" in text
    assert sorted(path.name for path in (settings.path / "results/otb100/csrdcf@seed-0").glob("*.txt")) == NAMES
