"""A unit of a benchmark: one tracker, one seed, one sequence, from the first frame to the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dat import records
from dat.datasets.images import Image, read_image
from dat.errors import InputError
from dat.models.exactness import exact
from dat.sections import Csrdcf, Tracking, Vot
from dat.tracking import checks, networks
from dat.tracking import restarts as vot
from dat.tracking.csrdcf.tracker import CsrDcf
from dat.tracking.follower import Tracks
from dat.tracking.mdnet.tracker import Tracker

DECIMALS = 4


@dataclass
class Facts:
    """What a run tells beside its boxes: of each frame the score and the winner's source, and the re-detections."""

    scores: list[float | None] = field(default_factory=list)
    sources: list[str | None] = field(default_factory=list)
    redetections: list[int] = field(default_factory=list)

    def note(self, index: int, tracker: Tracks) -> None:
        """Frame `index` (from 0) as the tracker found it; frames that were left out have none."""
        gap = index - len(self.scores)
        self.scores += [None] * gap + [round(tracker.score, 6)]
        self.sources += [None] * gap + [tracker.source]
        if tracker.redetected:
            self.redetections.append(index)

    def noting(self, tracker: Tracks) -> Callable[[int], None]:
        """A function that notes a frame of this tracker."""
        return lambda index: self.note(index, tracker)


def run(unit: dict[str, Any], device: str) -> dict[str, Any]:
    """Track a unit's sequence and write its boxes below `unit["out"]`; returns the facts of its frames.

    One-pass: `<sequence>.txt`. VOT: `baseline/<sequence>/<sequence>_NNN.txt`, and the facts by repetition.
    Raises InputError naming the frame that cannot be read, MissingError when there are no weights.
    """
    exact(unit["threads"])
    job = _Job(unit, device)
    return job.one_pass() if unit["protocol"] == "one-pass" else job.vot()


class _Job:
    """A unit with its networks loaded; one without a SALNet is CSR-DCF's."""

    def __init__(self, unit: dict[str, Any], device: str) -> None:
        self.unit, self.row = unit, unit["sequence"]
        self.name, self.out = str(self.row["sequence"]), Path(unit["out"])
        self.salnet = networks.salnet(Path(unit["salnet"]), device) if unit["salnet"] else None
        self.gpgnet = Path(unit["gpgnet"]) if unit["gpgnet"] else None
        self.device = device

    def tracker(self, repetition: int = 0) -> Tracks:
        """A tracker that draws from (seed, sequence, repetition), or CSR-DCF, which draws nothing."""
        attention = networks.attention(self.gpgnet, self.device)
        sections = self.unit["sections"]
        if self.salnet is None:
            names = Path(self.unit["names"]) if self.unit["names"] else None
            return CsrDcf(Csrdcf.model_validate(sections["csrdcf"]), attention, names)
        settings = Tracking.model_validate(sections["tracking"])
        return Tracker(settings, self.salnet, attention, self.name, int(self.unit["seed"]), repetition)

    def image(self, index: int) -> Image:
        """Frame `index`, from 0, if it is the one that was indexed."""
        name, _, indexed = self.row["files"][index]
        return read_image(Path(self.unit["root"]) / name, indexed)

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
        records.write_text(self.out / f"{self.name}.txt", text(boxes, int(self.unit["origin"])))
        return vars(facts)

    def vot(self) -> dict[str, Any]:
        """All repetitions of the re-start protocol; those of CSR-DCF are the same, so it runs once."""
        settings = Vot.model_validate(self.unit["sections"]["vot"])
        regions = self.row.get("regions") or self.row["boxes"]
        if any(region is None for region in regions):
            raise InputError(f"{self.name}: a frame has no region, and the re-start protocol needs one in every frame")
        told: dict[str, Any] = {}
        size = (int(self.row["size"][0]), int(self.row["size"][1]))
        for repetition in range(1, settings.repetitions + 1):
            if repetition == 1 or self.salnet is not None:
                tracker, facts = self.tracker(repetition), Facts()
                lines = vot.run(tracker, self.image, regions, size, self.row.get("sentence"), facts.noting(tracker))
            path = self.out / "baseline" / self.name / f"{self.name}_{repetition:03d}.txt"
            records.write_text(path, vot.text(lines))
            told[f"{repetition:03d}"] = vars(facts)
        return told


def text(boxes: list[np.ndarray[Any, np.dtype[np.float64]]], origin: int) -> str:
    """Boxes as a result file has them: x,y,w,h with four decimals, pixels counted from `origin`."""
    shift = np.array([origin, origin, 0, 0], np.float64)
    return "".join(",".join(f"{value:.{DECIMALS}f}" for value in box + shift) + "\n" for box in boxes)
