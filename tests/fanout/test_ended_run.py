"""A run that is really ended by a signal while Snakemake runs its jobs: nothing runs on, what is done stays."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.ended import BY_A_TERMINAL_AND_BY_KILL, MARK, heed_signals, living, wait

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
RUN = """\
import os, sys
from pathlib import Path
from dat.base import params
from dat.fanout import stage
folder = Path(sys.argv[1])
stage.environment = lambda: dict(os.environ)  # whose `dat` is the test's
stage._snakemake(stage.command(params.load(Path(sys.argv[2])), folder), folder)
"""
JOB = """\
#!/bin/sh
case "$3" in
0) exit 0 ;;
*) echo $$ > "$DAT_MARK/job-$3"; exec sleep 300 ;;
esac
"""
"""The first job is done at once, the others last."""


@pytest.mark.parametrize(
    ("number", "group"),
    BY_A_TERMINAL_AND_BY_KILL,
    ids=["ctrl-c", "closed-terminal", "term"],
)
def test_a_run_that_is_ended_leaves_no_job(number: signal.Signals, group: bool, tmp_path: Path) -> None:
    """A terminal tells its whole group, `kill` one process."""
    program = tmp_path / "bin" / "dat"
    program.parent.mkdir()
    program.write_text(JOB)
    program.chmod(0o755)
    (tmp_path / "plan.json").write_text(json.dumps({"threads": 1, "jobs": [[]] * 3}))
    environment = {name: value for name, value in os.environ.items() if name != "SNAKEMAKE_PROFILE"} | {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        MARK: str(tmp_path),
    }

    running = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path), str(ROOT)],
        env=environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=heed_signals,
    )
    try:
        wait(lambda: (tmp_path / "done/0").exists() and any(tmp_path.glob("job-*")), 120)
        (os.killpg if group else os.kill)(running.pid, number)
        assert running.wait(60) != 0
        wait(lambda: not living(tmp_path), 60)
        assert [path.name for path in (tmp_path / "done").iterdir()] == ["0"]
    finally:
        for pid in living(tmp_path):
            os.kill(pid, signal.SIGKILL)
