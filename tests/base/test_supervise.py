"""The supervisor, on processes that do not want to end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.parts.ended import MARK, heed_signals

STUBBORN = (
    "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (2, 15)]; print('up', flush=True); time.sleep(600)"
)
DRIVER = """
import os, sys
from pathlib import Path
from dat.base import supervise
sys.exit(supervise.run(sys.argv[2:], dict(os.environ), Path(sys.argv[1]), grace=0.3))
"""


def marked(mark: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"DAT_MARK={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                found += [int(entry.name)] if state != "Z" else []
        except OSError:
            continue
    return found


def gone(mark: str, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and marked(mark):
        time.sleep(0.02)
    return not marked(mark)


def start(tmp_path: Path, mark: str, command: list[str], shell: bool = False) -> "subprocess.Popen[bytes]":
    call = [sys.executable, "-c", DRIVER, str(tmp_path / "log"), *command]
    if shell:
        call = ["/bin/sh", "-c", '"$@"; true', "sh", *call]
    environment = {**os.environ, MARK: mark}
    return subprocess.Popen(call, env=environment, start_new_session=True, preexec_fn=heed_signals)


def up(tmp_path: Path) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if (tmp_path / "log").exists() and b"up" in (tmp_path / "log").read_bytes():
            return True
        time.sleep(0.02)
    return False


def test_the_command_s_status_comes_back(tmp_path: Path) -> None:
    assert start(tmp_path, "status", [sys.executable, "-c", "print('said'); raise SystemExit(7)"]).wait(20) == 7
    assert b"said" in (tmp_path / "log").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_even_what_ignores_it(tmp_path: Path, number: signal.Signals) -> None:
    mark = f"signal-{number}-{tmp_path.name}"
    driver = start(tmp_path, mark, [sys.executable, "-c", STUBBORN])
    assert up(tmp_path)
    driver.send_signal(number)
    assert driver.wait(20) == 128 + number
    assert gone(mark)


def test_grandchildren_that_left_their_group_end_too(tmp_path: Path) -> None:
    mark = f"double-{tmp_path.name}"
    inner = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], start_new_session=True)"
    driver = start(tmp_path, mark, [sys.executable, "-c", inner])
    assert driver.wait(20) == 0
    assert gone(mark)


def test_kill_of_the_supervisor_ends_the_command(tmp_path: Path) -> None:
    mark = f"kill-{tmp_path.name}"
    driver = start(tmp_path, mark, [sys.executable, "-c", STUBBORN])
    assert up(tmp_path)
    driver.kill()
    driver.wait(20)
    assert gone(mark)


def test_death_of_the_caller_behind_a_shell_ends_everything(tmp_path: Path) -> None:
    mark = f"caller-{tmp_path.name}"
    shell = ["/bin/sh", "-c", '"$@"; true', "sh", sys.executable, "-c", DRIVER, str(tmp_path / "log")]
    command = [*shell, sys.executable, "-c", STUBBORN]
    call = f"import subprocess; subprocess.Popen({command!r}).wait()"
    caller = subprocess.Popen([sys.executable, "-c", call], env={**os.environ, MARK: mark}, start_new_session=True)
    assert up(tmp_path)
    caller.kill()
    caller.wait(20)
    assert gone(mark)


def test_a_job_ends_with_its_supervisor(tmp_path: Path) -> None:
    mark = f"job-{tmp_path.name}"
    job = "from dat.base import supervise; supervise.die_with_supervisor(0.05); " + STUBBORN
    wrapper = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {job!r}], start_new_session=True)"
    driver = start(tmp_path, mark, [sys.executable, "-c", wrapper])
    assert up(tmp_path)
    driver.kill()
    driver.wait(20)
    assert gone(mark)


STAGE = "from dat.base import supervise; supervise.die_with_caller(0.05); " + STUBBORN


@pytest.mark.parametrize("shell", [False, True])
def test_a_stage_ends_with_the_program_that_called_it(tmp_path: Path, shell: bool) -> None:
    mark = f"stage-{shell}-{tmp_path.name}"
    command = [*(["/bin/sh", "-c", '"$@"; true', "sh"] if shell else []), sys.executable, "-c", STAGE]
    call = f"import subprocess; subprocess.Popen({command!r}, stdout=open({str(tmp_path / 'log')!r}, 'wb')).wait()"
    caller = subprocess.Popen([sys.executable, "-c", call], env={**os.environ, MARK: mark}, start_new_session=True)
    assert up(tmp_path)
    caller.kill()
    caller.wait(20)
    assert gone(mark)


@pytest.mark.parametrize(("own_group", "watched"), [("", True), ("os.setpgid(0, 0); ", False)])
def test_a_terminals_shell_is_not_watched(own_group: str, watched: bool) -> None:
    """With job control a shell gives each command a process group, and a hang-up comes as a signal."""
    code = f"import os; {own_group}from dat.base import supervise; print(bool(supervise._watched()))"
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "{code}"; true'], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(watched)


def test_a_refused_hang_up_ends_nothing(tmp_path: Path) -> None:
    """As under `nohup`."""
    code = "import time; print('up', flush=True); time.sleep(1); print('end')"
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path / "log"), sys.executable, "-c", code],
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        start_new_session=True,
    )
    assert up(tmp_path)
    os.killpg(driver.pid, signal.SIGHUP)
    assert driver.wait(20) == 0
    assert b"end" in (tmp_path / "log").read_bytes()


@pytest.mark.parametrize("gone_before", [False, True])
def test_a_stage_whose_dvc_was_gone_before_it_looked_ends(gone_before: bool) -> None:
    """Its caller is then another process, which is not in its group."""
    code = "from dat.base import supervise; supervise.die_with_caller(); print('up')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DVC_STAGE": "salnet@pymdnet"},
        start_new_session=gone_before,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == ((-9, b"") if gone_before else (0, b"up\n"))
