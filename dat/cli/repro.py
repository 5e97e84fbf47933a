"""`dat repro`: `dvc repro` in which the stages before the benchmarks run side by side.

DVC runs one stage after another, so a training that uses one core or one card leaves the others idle. Here each
training is a `dvc repro --single-item` of its own, and so is the making of each data set: DVC alone decides what is
stale, runs it and writes dvc.lock. What is left when they are done, the benchmarks and what reads them, is one plain
`dvc repro`.
"""

import functools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

import click

from dat.base import devices, executor, params, supervise
from dat.base.errors import JobError
from dat.base.naming import shown
from dat.base.params import Settings
from dat.cli.watch import seconds_of
from dat.pipeline.stages import TRAININGS
from dat.preflight import graph

DVC = (sys.executable, "-m", "dvc", "--wait-for-lock", "repro")
DATA = ("synthetic", "index")
"""The stages of one data set, which one DVC runs one after another."""
PERIOD = 0.2
"""Seconds from one look at the trainings to the next."""
GRACE = 5.0
"""Seconds that trainings have to end by themselves after an interrupt."""


@click.command()
@click.argument("stages", metavar="[STAGE...]", nargs=-1)
@click.option(
    "--at-once",
    metavar="N",
    type=click.IntRange(min=1),
    help="So many at a time (default: one a card, or as many as their threads fit on the cores).",
)
def repro(stages: tuple[str, ...], at_once: int | None) -> None:
    """`dvc repro STAGE...` with what comes before the benchmarks side by side; without a STAGE, all of the profile.

    The outputs and dvc.lock are those of `dvc repro`. What a stage prints has its name before it. When one fails, those
    at work go on to their end and no other begins.

    Examples: dat repro; cd profiles/paper && dat repro evaluate@otb100
    """
    settings = params.load()
    planned = graph.read(settings, stages)
    if any(name.startswith("benchmark@") for name in planned.run):
        executor.check()  # before DVC removes what these have made
    items = side_by_side(planned)
    if len(items) > 1:
        needs = {label: waits_for(label, items, planned) for label in items}
        seconds = seconds_of(settings, planned.run)
        each = {label: sum(seconds[name] for name in names) for label, names in items.items()}
        SideBySide(items, needs, each, at_once or room(settings)).run()
    os.execv(sys.executable, [*DVC, *stages])


def side_by_side(planned: graph.Stages) -> dict[str, list[str]]:
    """The stages that run before any benchmark, in order: each by its name, those of one data set by its index."""
    items: dict[str, list[str]] = {}
    for name in planned.run:
        if not any(stage.startswith("benchmark@") for stage in (name, *planned.before([name]))):
            kind, _, data = name.partition("@")
            items.setdefault(f"index@{data}" if kind in DATA else name, []).append(name)
    return items


def waits_for(label: str, items: Mapping[str, Sequence[str]], planned: graph.Stages) -> set[str]:
    """Which other items have stages that one's stages need."""
    needed = set(planned.before(items[label]))
    return {other for other, names in items.items() if other != label and needed.intersection(names)}


def room(settings: Settings) -> int:
    """How many trainings fit at a time: one a card, or as many as their threads fit on the cores."""
    chosen = settings.root.fanout.devices
    if devices.kind(settings.root.numerics, chosen) == "cuda":
        return len(devices.chosen(chosen))
    return max(1, len(os.sched_getaffinity(0)) // settings.root.train.threads)


def order(needs: Mapping[str, set[str]], seconds: Mapping[str, float]) -> list[str]:
    """The stages by the seconds from the start of each to the end of the longest chain that begins with it, longest
    first: the critical path comes before what can wait.

    >>> order({"a": set(), "b": {"a"}, "c": set()}, {"a": 1.0, "b": 9.0, "c": 5.0})
    ['a', 'b', 'c']
    """

    @functools.cache
    def chain(name: str) -> float:
        return seconds[name] + max((chain(other) for other in needs if name in needs[other]), default=0.0)

    return sorted(needs, key=chain, reverse=True)


@dataclass
class SideBySide:
    """What runs side by side, by name: the stages of each, which others it waits for, its seconds, and how many run at
    a time."""

    stages: Mapping[str, Sequence[str]]
    needs: Mapping[str, set[str]]
    seconds: Mapping[str, float]
    at_once: int
    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Run all. Raises JobError naming those that failed, when no other runs any more."""
        waiting = order(self.needs, self.seconds)
        stages = [name for names in self.stages.values() for name in names]
        trainings = sum(name.partition("@")[0] in TRAININGS for name in stages)
        others = f" and {len(stages) - trainings} other stages" if trainings < len(stages) else ""
        print(f"{trainings} trainings{others}, {self.at_once} at a time", file=sys.stderr, flush=True)
        try:
            while self.running or (waiting and not self.failed):
                for name in [] if self.failed else self._ready(waiting):
                    waiting.remove(name)
                    self.running[name] = _started(name, self.stages[name])
                time.sleep(PERIOD)
                self._note_ended()
        except KeyboardInterrupt:
            self._end()
            raise
        if self.failed:
            raise JobError(f"{shown(', '.join(self.failed))}: failed, see above; what has ended stays, run again")

    def _ready(self, waiting: Sequence[str]) -> list[str]:
        """Those that may begin now, in order."""
        ready = [name for name in waiting if self.needs[name] <= self.done]
        return ready[: max(0, self.at_once - len(self.running))]

    def _note_ended(self) -> None:
        """Note those that have ended."""
        for name, process in list(self.running.items()):
            if (status := process.poll()) is not None:
                del self.running[name]
                if status:
                    self.failed.append(name)
                else:
                    self.done.add(name)

    def _end(self) -> None:
        """Give those at work, which a terminal has interrupted too, some time to end; then TERM."""
        deadline = time.monotonic() + GRACE
        while any(process.poll() is None for process in self.running.values()) and time.monotonic() < deadline:
            time.sleep(PERIOD)
        for process in self.running.values():
            process.terminate()
            process.wait()


def _started(name: str, stages: Sequence[str]) -> subprocess.Popen[str]:
    """A `dvc repro` of these stages alone, which ends when we do. Its lines come out with the name before them."""
    process = subprocess.Popen(
        [*DVC, "--quiet", "--single-item", *stages],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=functools.partial(supervise.end_with, os.getpid()),
    )
    assert process.stdout is not None
    threading.Thread(target=_passed_on, args=(name, process.stdout), daemon=True).start()
    return process


def _passed_on(name: str, lines: IO[str]) -> None:
    for line in lines:
        print(f"{shown(name)}: {line}", end="", file=sys.stderr, flush=True)
