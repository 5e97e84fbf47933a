"""A training that is really ended, at seeded moments: the same command ends in the same bytes."""

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
from tests.parts.ended import BY_A_TERMINAL_AND_BY_KILL, heed_signals

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "dat", "train", "salnet", "salnet"]
STEPS = 88
CHANGES = (
    (r"(?m)^(salnet_training:\n  cycles: )\d+", r"\g<1>8"),
    *training_sets.FEW_SAMPLES,
    (r"(?m)^(  dropout: )[\d.]+(\n  dropout_fc4: [\d.]+\n  branch_init)", r"\g<1>0.5\2"),
    (r"(?m)^(train: .*checkpoint: )\d+", r"\g<1>3"),
)


def start(folder: Path) -> "subprocess.Popen[str]":
    """The training, in a session of its own that heeds signals, also where the tests run under nohup."""

    environment = os.environ | {"PYTHONPATH": str(ROOT), "DAT_DEVICES": "cpu", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        COMMAND,
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_signals,
    )


def newest(folder: Path) -> int:
    """The step of the newest checkpoint."""
    found = sorted((folder / ".dat" / "checkpoints").glob("*/step-*.pt"))
    return int(found[-1].stem.removeprefix("step-")) if found else 0


def ended(folder: Path, after: int, seconds: float, number: signal.Signals = signal.SIGKILL, group: bool = True) -> int:
    """Start, wait for a checkpoint of step `after` or later and some more seconds, and end the process, or its group as
    a terminal does; the newest checkpoint."""
    process = start(folder)
    deadline = time.monotonic() + 120
    while newest(folder) < after and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(seconds)
    assert process.poll() is None, "it ended before it was told to"
    (os.killpg if group else os.kill)(process.pid, number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode != 0 and "Traceback" not in said
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


OUT = Path("weights") / "salnet" / "core" / "salnet"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile with a training that nothing disturbed. Tests must not change it."""
    folder = tmp_path_factory.mktemp("trained")
    training_sets.make(folder, *CHANGES)
    assert start(folder).wait() == 0
    return folder


@pytest.fixture
def untrained(trained: Path, tmp_path: Path) -> Path:
    """A copy of that profile without its outputs."""
    copy = tmp_path / "profile"
    shutil.copytree(trained, copy)
    shutil.rmtree(copy / OUT)
    (copy / OUT).mkdir()
    return copy


def test_told_to_end_by_each_signal_it_ends_in_the_same_bytes(trained: Path, untrained: Path) -> None:
    """Ctrl-C and a closed terminal tell a terminal's whole group, `kill` one process."""
    steps = [0]
    for number, group in BY_A_TERMINAL_AND_BY_KILL:
        steps.append(ended(untrained, steps[-1] + 3, 0.01, number, group))
        assert not list((untrained / OUT).iterdir())
    assert sorted(set(steps)) == steps and steps[-1] < STEPS
    last = start(untrained)
    assert f"going on from step {steps[-1]}" in last.communicate()[1] and last.returncode == 0
    assert records.folder_files(untrained / OUT) == records.folder_files(trained / OUT)
    assert not list(untrained.rglob("*.tmp"))


def test_killed_twice_it_ends_in_the_same_bytes(trained: Path, untrained: Path) -> None:
    tmp_path, out, whole = untrained, untrained / OUT, records.folder_files(trained / OUT)
    rng = np.random.default_rng(5)
    first = ended(tmp_path, int(rng.integers(3, 20)), float(rng.uniform(0, 0.05)))
    second = ended(tmp_path, first + int(rng.integers(3, 20)), float(rng.uniform(0, 0.05)))
    assert 3 <= first < second < STEPS and not list(out.iterdir())
    (out.parent / f".salnet.{gone()}.abcdef.tmp").mkdir()  # as if it had been killed while it wrote its outputs
    last = start(tmp_path)
    said = last.communicate()[1]
    assert last.returncode == 0 and f"going on from step {second}" in said
    tables = ["classification", "held_out_accuracy", "held_out_auc", "held_out_margin", "loss", "triplet"]
    names = {"weights.safetensors", "metrics.json", "graph.json", "record.json", "dvclive/metrics.json"}
    assert {str(file["path"]) for file in whole} == names | {f"dvclive/plots/metrics/{name}.tsv" for name in tables}
    assert records.folder_files(out) == whole
    assert not list((tmp_path / ".dat" / "checkpoints").glob("*")) and not list(tmp_path.rglob("*.tmp"))
