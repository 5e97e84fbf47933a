"""Processes that a test really ends: they heed signals, carry a mark of their folder, and are waited for."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

MARK = "DAT_MARK"
"""The variable that marks a process, and those it starts, with a folder."""
BY_A_TERMINAL_AND_BY_KILL = [(signal.SIGINT, True), (signal.SIGHUP, True), (signal.SIGTERM, False)]
"""Signals, and whether a process's whole group gets them, as from a terminal."""


def heed_signals() -> None:
    """What a process does before its program begins: heed signals also where the tests run under nohup, or in the
    background of a shell."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def living(folder: Path) -> list[int]:
    """Processes that are marked with a folder and have not ended."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            marked = f"{MARK}={folder}".encode() in (entry / "environ").read_bytes().split(b"\0")
            if marked and (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
