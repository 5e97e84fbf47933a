"""Run a command so that nothing it starts outlives the caller, whoever is killed and however (Linux).

`dvc repro` killed by TERM or KILL leaves its commands running, and Snakemake its jobs. Here:

1. a death of our parent sends us TERM (parent-death signal), and the first ancestor that is no shell is watched too,
   since a shell may stand between; not the shell of a terminal, whose hang-up is a signal that `nohup` may refuse;
2. orphans of our descendants come to us (child subreaper), so none is lost from sight;
3. the command runs in its own process group and is killed by the kernel when we are;
4. at the end, whatever the reason: INT to the group (Snakemake then cancels jobs, also a cluster's; TERM would let them
   run to their end), a grace period, then KILL for every descendant;
5. jobs watch for our death by themselves (`die_with_supervisor`): our own KILL leaves no time for anything. Stages
   without jobs need no more than that (`die_with_caller`).
"""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SHELLS = {"sh", "dash", "bash", "zsh", "ksh", "fish"}
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
VARIABLE = "DAT_SUPERVISOR"
STAGE = "DVC_STAGE"
"""What DVC sets for the commands that it runs."""
GRACE = 5.0


def place() -> str:
    """What process numbers mean something in: this machine since it was started, and its space of process numbers."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def stage_key() -> str:
    """The key of the stage that DVC runs, `pymdnet` of `salnet@pymdnet`: none passes through a shell."""
    return os.environ.get(STAGE, "").rpartition(":")[2].partition("@")[2]


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value)


def end_with(parent: int) -> None:
    """In a child before its program starts: TERM comes to it when its parent, whose pid this is, has gone."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGTERM)


def _stat(pid: int) -> tuple[int, str, str]:
    """Parent, start time and state of a process. Raises OSError when it is gone."""
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2 :].split()
    return int(fields[1]), fields[19], fields[0]


def _alive(pid: int, start: str) -> bool:
    try:
        _, begun, state = _stat(pid)
    except OSError:
        return False
    return begun == start and state != "Z"


def descendants(root: int) -> list[int]:
    """Living processes below `root`, nearest first."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent, _, state = _stat(int(name))
            except OSError:
                continue
            if state != "Z":
                children.setdefault(parent, []).append(int(name))
    processes, queue = [], [root]
    while queue:
        for child in children.get(queue.pop(0), []):
            processes.append(child)
            queue.append(child)
    return processes


def _watched() -> list[tuple[int, str]]:
    """Our ancestors up to the first that is no shell: pid and start time.

    A terminal's shell, which gives each command a process group of its own, ends them.
    """
    watched, pid, group = [], os.getppid(), os.getpgrp()
    while pid > 1:
        try:
            parent, start, _ = _stat(pid)
            shell = Path(f"/proc/{pid}/comm").read_text().strip() in SHELLS
            if shell and os.getpgid(pid) != group:
                break
        except OSError:
            break
        watched.append((pid, start))
        if not shell:
            break
        pid = parent
    return watched


def die_with_supervisor(period: float = 0.5) -> None:
    """In a job: end this process as soon as the supervisor that it was started under is gone."""
    tag = os.environ.get(VARIABLE)
    if not tag:
        return
    _die_without([(int(tag.split(":")[0]), tag.split(":")[1])], period)


def die_with_caller(period: float = 0.5) -> None:
    """In a stage: end this process as soon as the `dvc` (or other program) that has called it is gone."""
    watched = _watched()
    if _orphaned(watched):
        os.kill(os.getpid(), signal.SIGKILL)
    _die_without(watched, period)


def _orphaned(watched: list[tuple[int, str]]) -> bool:
    """Whether the `dvc` that has called us was gone before we looked: it would have been in our process group."""
    if STAGE not in os.environ:
        return False
    caller = watched[-1][0] if watched else os.getppid()
    try:
        return os.getpgid(caller) != os.getpgrp()
    except ProcessLookupError:
        return True


def _die_without(needed: list[tuple[int, str]], period: float) -> None:
    """KILL this process when one of these is gone. One watch at a time: a later call's takes the place."""

    def watch() -> None:
        while all(_alive(pid, start) for pid, start in needed):
            time.sleep(period)
            if threading.current_thread() is not _watch[-1]:
                return
        os.kill(os.getpid(), signal.SIGKILL)

    _watch[:] = [threading.Thread(target=watch, daemon=True, name="watch")]
    _watch[-1].start()


_watch: list[threading.Thread] = []


def _reap(keep: int) -> None:
    """Reap adopted children that have ended, but not `keep`, whose status is wanted."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid == keep:
            return
        os.waitpid(ended.si_pid, 0)


def _end_all(child: subprocess.Popen[bytes]) -> None:
    """Kill every descendant, and again until there are none."""
    for _ in range(100):
        left = descendants(os.getpid())
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        child.poll()
        _reap(child.pid)
        time.sleep(0.02)


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    tick: Callable[[], None] = lambda: None,
    grace: float = GRACE,
) -> int:
    """Run a command to its end, its output into `log`; `tick` is called about five times a second.

    Returns its exit status, or 128 + signal when we or our caller were told to end. Must be called in the main thread.
    """
    parent, watched = os.getppid(), _watched()
    if parent in dict(watched):
        _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    if os.getppid() != parent or _orphaned(watched):
        return 128 + signal.SIGTERM
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]  # `nohup` ignores HUP
    before = {number: signal.signal(number, note) for number in heard}
    me = os.getpid()
    tagged = {**environment, VARIABLE: f"{me}:{_stat(me)[1]}"}

    def in_child() -> None:
        os.setpgid(0, 0)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in before:
            signal.signal(number, signal.SIG_DFL)
        if os.getppid() != me:
            os._exit(128 + signal.SIGTERM)

    try:
        with log.open("ab") as output:
            child = subprocess.Popen(
                command, env=tagged, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=in_child
            )
        _wait(child, received, watched, tick)
        if received:
            _ask(child, grace)
        _end_all(child)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _prctl(PR_SET_PDEATHSIG, 0)
    return 128 + received[0] if received else child.wait()


def _wait(
    child: subprocess.Popen[bytes], received: list[int], watched: list[tuple[int, str]], tick: Callable[[], None]
) -> None:
    """Until the command ends, a signal comes, or an ancestor is gone (which counts as TERM)."""
    turn = 0
    while child.poll() is None and not received:
        time.sleep(0.1)
        turn += 1
        if not all(_alive(pid, start) for pid, start in watched):
            received.append(signal.SIGTERM)
        _reap(child.pid)
        if turn % 2 == 0:
            tick()


def _ask(child: subprocess.Popen[bytes], grace: float) -> None:
    """INT to the command's group, and some time to obey."""
    try:
        os.killpg(child.pid, signal.SIGINT)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + grace
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
