"""How far `make repro` is: a line on stderr for each stage that DVC starts, beside DVC's own output.

It is started by the process that then becomes `dvc`, watches that process's children, and ends with it. What it counts
and sums up is asked of `dvc.lock` and of the run files as they are when it starts.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from dat import records
from dat.base import params, supervise
from dat.base.errors import DatError
from dat.base.naming import shown
from dat.base.params import Settings, read_yaml

PERIOD = 0.5
"""Seconds from one look to the next."""


@dataclass
class RunStages:
    """The stages of a run: which ones each needs directly, and the seconds of each one's last run (or its budget).

    A stage is behind us when it was seen at work, or when one that needs it was.
    """

    needs: Mapping[str, set[str]]
    seconds: Mapping[str, float]
    behind: set[str] = field(default_factory=set)

    def line(self, stage: str) -> str:
        """What is said when a stage starts. The time is the most that is left: what has not changed is skipped."""
        self._pass(stage)
        left = sum(self.seconds.get(name, 0.0) for name in self.needs if name not in self.behind or name == stage)
        total = len(self.needs.keys() | self.behind)
        return f"stage {len(self.behind)} of {total}: {stage}, at most {duration(left)} left"

    def _pass(self, stage: str) -> None:
        if stage not in self.behind:
            self.behind.add(stage)
            for name in self.needs.get(stage, ()):
                self._pass(name)


def duration(seconds: float) -> str:
    """Seconds below two minutes, else whole minutes, rounded up.

    >>> duration(61.2), duration(121)
    ('62 s', '3 min')
    """
    return f"{-int(-seconds // 1)} s" if seconds <= 120 else f"{-int(-seconds // 60)} min"


def needs(stages: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
    """Of each stage of a dvc.lock those whose outputs it reads: the same path, one above it or one below it."""
    outs = [(str(out["path"]), name) for name, stage in stages.items() for out in stage.get("outs", [])]
    return {
        name: {maker for dep in stage.get("deps", []) for path, maker in outs if _overlap(str(dep["path"]), path)}
        - {name}
        for name, stage in stages.items()
    }


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def overall(settings: Settings) -> RunStages:
    """The run that lies ahead, from dvc.lock, the run files and the budgets. Raises DatError."""
    stages = read_yaml(settings.path / "dvc.lock")["stages"]
    return RunStages(needs(stages), seconds_of(settings, stages))


def seconds_of(settings: Settings, stages: Iterable[str]) -> dict[str, float]:
    """Of these stages the seconds of the last run, or the budget of those that have not run. Raises DatError."""
    budgets = read_yaml(settings.top / "workflow" / "budgets.yaml")
    seconds = {name: float(budgets.get(name, budgets.get(name.partition("@")[0], 0))) for name in stages}
    for path in (settings.path / "runs").glob("*.json"):
        run = records.read_json(path)
        if run["stage"] in seconds:
            seconds[run["stage"]] = float(run["seconds"])
    return seconds


def stages_at_work(pids: Iterable[int]) -> list[str]:
    """The stages that DVC has started some of these processes for."""
    stages: dict[str, None] = {}
    for pid in pids:
        try:
            facts = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        mark = f"{supervise.STAGE}=".encode()
        names = [fact.removeprefix(mark).decode(errors="replace") for fact in facts if fact.startswith(mark)]
        stages |= {name.rpartition(":")[2]: None for name in names}
    return list(stages)


@click.command(hidden=True)
def watch() -> None:
    """Say which stage the calling `dvc` is at, until it ends; of a run that cannot be read it says nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, which interrupts dvc too
    caller = os.getppid()
    try:
        run = overall(params.load())
    except (DatError, KeyError, TypeError, ValueError, AttributeError):
        return
    seen: list[str] = []
    while os.getppid() == caller:
        for stage in stages_at_work(supervise.descendants(caller)):
            if stage not in seen:
                seen.append(stage)
                print(shown(run.line(stage)), file=sys.stderr, flush=True)
        time.sleep(PERIOD)
