"""A training that is really killed, twice, at seeded moments: the same command ends in the same bytes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dat import records
from tests.parts import training_sets

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "dat", "train", "salnet", "salnet"]
STEPS = 88
CHANGES = (
    (r"(?m)^(salnet_training:\n  cycles: )\d+", r"\g<1>8"),
    (r"(?m)^(  frames_per_batch: )\d+", r"\g<1>2"),
    (r"(?m)^(  positives: )\d+", r"\g<1>8"),
    (r"(?m)^(  negatives: )\d+", r"\g<1>24"),
    (r"(?m)^(  dropout: )[\d.]+(\n  dropout_fc4: [\d.]+\n  branch_init)", r"\g<1>0.5\2"),
    (r"(?m)^(train: .*checkpoint: )\d+", r"\g<1>3"),
)


def start(folder: Path) -> "subprocess.Popen[str]":
    """The training, in a session of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DAT_DEVICES": "cpu", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        COMMAND, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def newest(folder: Path) -> int:
    """The step of the newest checkpoint."""
    found = sorted((folder / ".dat" / "checkpoints").glob("*/step-*.pt"))
    return int(found[-1].stem.removeprefix("step-")) if found else 0


def killed(folder: Path, after: int, seconds: float) -> int:
    """Start, wait for a checkpoint of step `after` or later and some more seconds, kill -9; the newest checkpoint."""
    process = start(folder)
    deadline = time.monotonic() + 120
    while newest(folder) < after and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(seconds)
    assert process.poll() is None, "it ended before it was killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return newest(folder)


def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_what_the_dead_left_is_removed_and_what_the_living_write_is_not(tmp_path: Path) -> None:
    dead, mine = tmp_path / f".out.{gone()}.abcdef.tmp", records.temporary(tmp_path / "out")
    other = tmp_path / f".other.{gone()}.abcdef.tmp"
    for path in (dead, mine, other):
        path.mkdir()
        (path / "weights.safetensors").touch()
    records.sweep(tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == sorted([mine, other])


def test_killed_twice_it_ends_in_the_same_bytes(tmp_path: Path) -> None:
    training_sets.make(tmp_path, *CHANGES)
    out = tmp_path / "weights" / "salnet" / "core" / "salnet"
    assert start(tmp_path).wait() == 0
    whole = records.folder_files(out)
    shutil.rmtree(out)
    out.mkdir()
    rng = np.random.default_rng(5)
    first = killed(tmp_path, int(rng.integers(3, 20)), float(rng.uniform(0, 0.05)))
    second = killed(tmp_path, first + int(rng.integers(3, 20)), float(rng.uniform(0, 0.05)))
    assert 3 <= first < second < STEPS and not list(out.iterdir())
    (out.parent / f".salnet.{gone()}.abcdef.tmp").mkdir()  # as if it had been killed while it wrote its outputs
    last = start(tmp_path)
    said = last.communicate()[1]
    assert last.returncode == 0 and f"going on from step {second}" in said
    tables = ["classification", "held_out_accuracy", "held_out_auc", "held_out_margin", "loss", "triplet"]
    names = {"weights.safetensors", "metrics.json", "record.json", "dvclive/metrics.json"}
    assert {str(file["path"]) for file in whole} == names | {f"dvclive/plots/metrics/{name}.tsv" for name in tables}
    assert records.folder_files(out) == whole
    assert not list((tmp_path / ".dat" / "checkpoints").glob("*")) and not list(tmp_path.rglob("*.tmp"))
