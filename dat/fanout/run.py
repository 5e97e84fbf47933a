"""A unit of a benchmark: one tracker, one seed, one sequence, from the first frame to the last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dat import records
from dat.base.errors import InputError, JobError
from dat.base.sections import Csrdcf, Tracking, VotSettings
from dat.datasets.images import Image, read_image
from dat.models.exactness import exact, open_device, out_of_memory
from dat.tracking import build, checks, restarts
from dat.tracking.follower import TrackerState
from dat.tracking.parts import Parts

DECIMALS = 4


@dataclass
class Facts:
    """What a run tells beside its boxes: of each frame the score and the winner's source, and the re-detections."""

    scores: list[float | None] = field(default_factory=list)
    sources: list[str | None] = field(default_factory=list)
    redetections: list[int] = field(default_factory=list)

    def note(self, index: int, tracker: TrackerState) -> None:
        """Frame `index` (from 0) as the tracker found it; frames that were left out have none."""
        gap = index - len(self.scores)
        self.scores += [None] * gap + [round(tracker.score, 6)]
        self.sources += [None] * gap + [tracker.source]
        if tracker.redetected:
            self.redetections.append(index)

    def noting(self, tracker: TrackerState) -> Callable[[int], None]:
        """A function that notes a frame of this tracker."""
        return lambda index: self.note(index, tracker)


@dataclass(frozen=True)
class UnitInputs:
    """What a unit's tracker gets: its parts and settings by section, the sequence's row of the manifest and the folder
    that its frames lie below, the seed, and where boxes go, counted from `origin`; `frame` is called at each frame."""

    protocol: Literal["one-pass", "vot"]
    row: Mapping[str, Any]
    root: Path
    parts: Parts
    seed: int
    threads: int
    sections: Mapping[str, Any]
    out: Path
    origin: int
    frame: Callable[[], None] = lambda: None


def run(work: UnitInputs, device: str) -> dict[str, Any]:
    """Track a unit's sequence and write its boxes below `work.out`; returns the facts of its frames.

    One-pass: `<sequence>.txt`. VOT: `baseline/<sequence>/<sequence>_NNN.txt`, and the facts by repetition.
    Raises InputError naming the frame that cannot be read or the device that does not open, MissingError when there
    are no weights, JobError where the card's memory does not do.
    """
    exact(work.threads)
    open_device(device)
    try:
        run = _Run(work, device)
        return run.one_pass() if work.protocol == "one-pass" else run.vot()
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        raise JobError("out of memory; lower fanout.slots_per_gpu in params.yaml, or name larger cards") from None


class _Run:
    """A unit with its networks loaded."""

    def __init__(self, work: UnitInputs, device: str) -> None:
        self.work, self.row, self.out = work, work.row, work.out
        self.name = str(work.row["sequence"])
        self.networks = build.load(work.parts, device)
        section = Csrdcf if work.parts.salnet is None else Tracking
        name = "csrdcf" if work.parts.salnet is None else "tracking"
        self.settings: Csrdcf | Tracking = section.model_validate(work.sections[name])

    def tracker(self, repetition: int = 0) -> TrackerState:
        """A tracker that draws from (seed, sequence, repetition), or CSR-DCF, which draws nothing."""
        draws = (self.name, self.work.seed, repetition)
        return build.tracker(self.networks, self.settings, self.work.parts.colour_names, draws)

    def image(self, index: int) -> Image:
        """Frame `index`, from 0, if it is the one that was indexed."""
        self.work.frame()
        name, _, indexed = self.row["files"][index]
        return read_image(self.work.root / name, indexed)

    def one_pass(self) -> dict[str, Any]:
        """From the first frame to the last; the first row is the given box."""
        start = self.row["boxes"][0]
        if start is None:
            raise InputError(f"{self.name}: the first frame has no box to start from")
        tracker, facts, boxes = self.tracker(), Facts(), [np.asarray(start, np.float64)]
        tracker.init(self.image(0), boxes[0], self.row.get("sentence"))
        facts.note(0, tracker)
        for index in range(1, len(self.row["files"])):
            image = self.image(index)
            checks.same_size(image, tracker.size, f"{self.name}: frame {index + 1}")
            boxes.append(tracker.update(image))
            facts.note(index, tracker)
        records.write_text(self.out / f"{self.name}.txt", text(boxes, self.work.origin))
        return vars(facts)

    def vot(self) -> dict[str, Any]:
        """All repetitions of the re-start protocol; those of CSR-DCF are the same, so it runs once."""
        settings = VotSettings.model_validate(self.work.sections["vot"])
        regions = self.row.get("regions") or self.row["boxes"]
        if any(region is None for region in regions):
            raise InputError(f"{self.name}: a frame has no region, and the re-start protocol needs one in every frame")
        by_repetition: dict[str, Any] = {}
        size = (int(self.row["size"][0]), int(self.row["size"][1]))
        for repetition in range(1, settings.repetitions + 1):
            if repetition == 1 or self.networks.salnet is not None:
                tracker, facts = self.tracker(repetition), Facts()
                lines = restarts.run(
                    tracker, self.image, regions, size, self.row.get("sentence"), facts.noting(tracker)
                )
            path = self.out / "baseline" / self.name / f"{self.name}_{repetition:03d}.txt"
            records.write_text(path, restarts.text(lines))
            by_repetition[f"{repetition:03d}"] = vars(facts)
        return by_repetition


def text(boxes: list[np.ndarray[Any, np.dtype[np.float64]]], origin: int) -> str:
    """Boxes as a result file has them: x,y,w,h with four decimals, pixels counted from `origin`."""
    shift = np.array([origin, origin, 0, 0], np.float64)
    return "".join(",".join(f"{value:.{DECIMALS}f}" for value in box + shift) + "\n" for box in boxes)
