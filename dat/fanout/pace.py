"""How far a benchmark's run is: each job writes down what it has done, and the run adds it up to a line.

Trackers differ in pace, so time is measured for each kind of them. What is left takes what its frames take, at the
pace of their kind, over the seconds of tracking that the jobs have done together in a second.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dat import records
from dat.base.errors import InputError
from dat.fanout.unit import Unit

FOLDER = "pace"
PERIOD = 1.0
"""Seconds between two notes of a job, and between two looks at them."""


@dataclass
class KindProgress:
    """What is done of one kind of tracker: frames, those that were tracked just now, and the seconds of that."""

    frames: int = 0
    tracked: int = 0
    seconds: float = 0.0


@dataclass
class Progress:
    """What is done: whole units, and the share of each kind."""

    units: int = 0
    kinds: dict[str, KindProgress] = field(default_factory=dict)

    def share(self, kind: str) -> KindProgress:
        """The share of a kind."""
        return self.kinds.setdefault(kind, KindProgress())

    def add(self, other: "Progress") -> None:
        """Count what another one counts."""
        self.units += other.units
        for kind, share in other.kinds.items():
            mine = self.share(kind)
            mine.frames += share.frames
            mine.tracked += share.tracked
            mine.seconds += share.seconds

    @property
    def frames(self) -> int:
        """Frames of all kinds."""
        return sum(share.frames for share in self.kinds.values())

    @property
    def tracked(self) -> int:
        """Frames of all kinds that were tracked just now."""
        return sum(share.tracked for share in self.kinds.values())

    @property
    def seconds(self) -> float:
        """Seconds of tracking, of all jobs together."""
        return sum(share.seconds for share in self.kinds.values())


def kind_of(unit: Unit) -> str:
    """What decides the pace of a unit's tracker."""
    return f"{unit.section}{'' if unit.attention == 'none' else '+attention'}"


class Notes:
    """A job's side: notes what it has done in a file, about once a second."""

    def __init__(self, path: Path) -> None:
        self.path, self.done = path, Progress()
        self._unit: Unit | None = None
        self._frames, self._start, self._written = 0, 0.0, 0.0

    def skip(self, unit: Unit) -> None:
        """A unit that the store has already."""
        self.done.units += 1
        self.done.share(kind_of(unit)).frames += unit.cost
        self._write_again()

    def begin(self, unit: Unit) -> None:
        """A unit begins."""
        self._unit, self._frames, self._start = unit, 0, time.monotonic()

    def frame(self) -> None:
        """A frame of the unit is read."""
        self._frames += 1
        self._write_again()

    def end(self, failed: bool) -> None:
        """The unit is over; one that failed has been tracked as far as its frames were read."""
        unit, self._unit = self._unit, None
        if unit is not None:
            self.done.units += 1
            self.done.add(self._running(unit, unit.cost, min(self._frames, unit.cost) if failed else unit.cost))
        self.write()

    def _running(self, unit: Unit, frames: int, tracked: int) -> Progress:
        seconds = time.monotonic() - self._start
        return Progress(0, {kind_of(unit): KindProgress(frames, tracked, seconds)})

    def _write_again(self) -> None:
        if time.monotonic() - self._written > PERIOD:
            self.write()

    def write(self) -> None:
        """Note what is done, and how far the unit is that runs."""
        now = Progress()
        now.add(self.done)
        if self._unit is not None:
            frames = min(self._frames, self._unit.cost)
            now.add(self._running(self._unit, frames, frames))
        records.write_json(self.path, asdict(now))
        self._written = time.monotonic()


def noted(folder: Path) -> Progress:
    """What all jobs have noted below a folder."""
    done = Progress()
    for path in sorted(folder.glob("*.json")):
        try:
            notes = records.read_json(path)
        except InputError:  # a job that ends takes its file's temporary name away
            continue
        done.add(Progress(notes["units"], {kind: KindProgress(**share) for kind, share in notes["kinds"].items()}))
    return done


class Pace:
    """The run's side: the text of its line, from what the jobs have noted."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self.units, self.whole = 0, dict[str, int]()
        for unit in units:
            self.units += 1
            self.whole[kind_of(unit)] = self.whole.get(kind_of(unit), 0) + unit.cost
        self._first: tuple[float, Progress] | None = None

    @property
    def frames(self) -> int:
        """Frames of all units."""
        return sum(self.whole.values())

    def text(self, done: Progress, now: float) -> str:
        """The line at time `now` in seconds: units, frames a second and time left, counted from the first frames on."""
        line = f"{done.units} of {self.units} units"
        if self._first is None:
            self._first = (now, done) if done.tracked else None
            return line
        since, first = self._first
        elapsed, frames = now - since, done.tracked - first.tracked
        if elapsed <= 0 or frames <= 0:
            return line
        line += f", {frames / elapsed:.1f} frames/s"
        together = (done.seconds - first.seconds) / elapsed
        left = seconds_left(self.whole, done)
        return f"{line}, {clock(left / together)} left" if together > 0 else line


def seconds_left(whole: Mapping[str, int], done: Progress) -> float:
    """Seconds of tracking, of all jobs together, that the frames left of `whole` (frames by kind) take.

    A kind that was not measured yet has the pace of all.
    """
    mean = done.seconds / done.tracked if done.tracked else 0.0
    total = 0.0
    for kind, frames in whole.items():
        share = done.kinds.get(kind, KindProgress())
        pace = share.seconds / share.tracked if share.tracked else mean
        total += max(0, frames - share.frames) * pace
    return total


def clock(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> clock(59.6), clock(3725)
    ('1:00', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
