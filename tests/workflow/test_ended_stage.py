"""A stage that is really ended by a signal: nothing half made stays, nothing runs on, and the same command makes it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dat import records
from tests.parts.ended import BY_A_TERMINAL_AND_BY_KILL, MARK, heed_signals, living, wait

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def start(folder: Path) -> "subprocess.Popen[bytes]":
    """`dat synthetic otb100`, in a session of its own that heeds signals, also where the tests run under nohup."""

    environment = os.environ | {"PYTHONPATH": str(ROOT), MARK: str(folder)}
    call = [sys.executable, "-m", "dat", "synthetic", "otb100"]
    return subprocess.Popen(
        call, cwd=folder, env=environment, stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=heed_signals
    )


def settings(folder: Path) -> Path:
    """A profile whose OTB-100 is small."""
    folder.mkdir(exist_ok=True)
    text, count = re.subn(r"(?m)^(  otb100: {seed: 401, videos: )\d+, frames: \d+", r"\g<1>4, frames: 20",
                          (ROOT / "params.yaml").read_text())  # fmt: skip
    assert count == 1
    (folder / "params.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """The files of a run that nothing disturbed."""
    folder = settings(tmp_path_factory.mktemp("whole"))
    assert start(folder).wait(60) == 0
    return records.folder_files(folder / "data")


@pytest.mark.parametrize(
    ("number", "group"),
    [*BY_A_TERMINAL_AND_BY_KILL, (signal.SIGKILL, False)],
    ids=["ctrl-c", "closed-terminal", "term", "kill"],
)
def test_a_stage_that_is_ended_leaves_nothing_and_is_made_by_the_same_command(
    number: signal.Signals, group: bool, whole: list[dict[str, object]], tmp_path: Path
) -> None:
    """A terminal tells its whole group, `kill` one process."""
    folder = settings(tmp_path / "profile")
    process = start(folder)
    wait(lambda: any(folder.glob("data/.otb100.*.tmp/*/img/*.jpg")) or process.poll() is not None)
    assert process.poll() is None, "it ended before it was told to"
    (os.killpg if group else os.kill)(process.pid, number)
    assert process.wait(30) != 0
    wait(lambda: not living(folder))
    assert not (folder / "data/otb100").exists() and not (folder / "data/otb100.json").exists()
    assert start(folder).wait(60) == 0
    assert records.folder_files(folder / "data") == whole
    assert not list(folder.rglob("*.tmp"))
