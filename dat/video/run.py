"""What `dat track` does once the call is checked: follow the target, and write boxes, scores and a video."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dat import records
from dat.base.errors import InputError
from dat.datasets.images import Image
from dat.fanout.run import text as rows_of
from dat.progress import progress
from dat.tracking.follower import TrackerState
from dat.video import assemble, provenance
from dat.video.drawing import BANNER, Overlay, VideoWriter, draw
from dat.video.provenance import Pixels
from dat.video.request import Outputs, Request, home


@dataclass
class VideoRun:
    """What was found: a box a frame and what goes with it; `pixels` where a record of the run is wanted."""

    boxes: list[NDArray[np.float64]] = field(default_factory=list)
    frames: list[dict[str, Any]] = field(default_factory=list)
    redetections: list[int] = field(default_factory=list)
    pixels: Pixels | None = None

    def note(self, image: Image, tracker: TrackerState, seconds: float) -> None:
        """The frame that a tracker has just seen."""
        if self.pixels is not None:
            self.pixels.add(image)
        self.boxes.append(tracker.box.copy())
        self.frames.append({"score": tracker.score, "source": tracker.source, "seconds": seconds})
        if tracker.redetected:
            self.redetections.append(len(self.boxes))

    def rows(self, origin: int) -> str:
        """The boxes as a file has them, pixels counted from `origin`."""
        return rows_of(self.boxes, origin)

    @property
    def rate(self) -> float:
        """Frames a second, reading and drawing left out."""
        total = sum(frame["seconds"] for frame in self.frames)
        return len(self.frames) / total if total else 0.0


def follow(request: Request, tracker: TrackerState, outputs: Outputs, seed: int, device: str) -> VideoRun:
    """Track through all frames and write what was asked for; on an interrupt or an error, what was found so far.

    `seed` and `device` are the tracker's.

    Raises InputError naming the frame that cannot be followed, and where the boxes before it are.
    """
    run, clock = VideoRun(pixels=Pixels() if outputs.json else None), records.Clock.start()

    def write(stopped: str = "") -> None:
        _write(run, outputs)
        if run.boxes and run.pixels is not None and outputs.json is not None:
            facts = provenance.record(request, outputs, run.rows(outputs.origin), run.pixels, seed, device)
            about = clock.run_facts(records.sha256_json(facts), home().path)
            records.write_json(outputs.json, _facts(run, request, stopped) | {"record": facts, "run": about})

    writer = VideoWriter(outputs.video, request.source.rate) if outputs.video else nullcontext()
    frames = progress(request.frames, total=request.source.count, desc="tracking", unit="frame")
    try:
        with writer as video:
            for image, before in _steps(request, tracker, (frame.image for frame in frames), run):
                if video is not None:
                    video.add(draw(image, _shown(tracker, run, before, outputs.show_attention)))
    except InputError as error:
        write(str(error))
        if not run.boxes:
            raise
        where = outputs.boxes or "standard output"
        raise InputError(f"{error}; the boxes of the {len(run.boxes)} frames before are in {where}") from None
    except BaseException as error:
        write(type(error).__name__)
        raise
    write()
    return run


def _steps(
    request: Request, tracker: TrackerState, images: Iterator[Image], run: VideoRun
) -> Iterator[tuple[Image, NDArray[np.float64]]]:
    """Each frame, tracked, with the box before it."""
    before = request.box
    for image in images:
        clock = time.perf_counter()
        with assemble.in_memory():
            if run.boxes:
                tracker.update(image)
            else:
                tracker.init(image, request.box, request.choice.text)
        run.note(image, tracker, time.perf_counter() - clock)
        yield image, before
        before = run.boxes[-1]


def _shown(tracker: TrackerState, run: VideoRun, before: NDArray[np.float64], attention: bool) -> Overlay:
    number, last = len(run.boxes), run.redetections[-1] if run.redetections else None
    since = number - last if last is not None and number - last < BANNER else None
    return Overlay(
        number=number,
        box=run.boxes[-1],
        score=tracker.score,
        source=tracker.source,
        lost=tracker.lost,
        since_redetection=since,
        came_from=run.boxes[last - 2] if since is not None and last is not None and last > 1 else None,
        attention=tracker.attention if attention else None,
    )


def _write(run: VideoRun, outputs: Outputs) -> None:
    """Write the boxes; nothing where there are none."""
    if not run.boxes:
        return
    if outputs.boxes is not None:
        records.write_text(outputs.boxes, run.rows(outputs.origin))
    else:
        sys.stdout.write(run.rows(outputs.origin))
        sys.stdout.flush()


def _facts(run: VideoRun, request: Request, stopped: str) -> dict[str, Any]:
    """What the JSON says of the frames; of a run that stopped early, what stopped it."""
    facts = {
        "source": request.source.name,
        "variant": request.choice.variant,
        "attention": request.choice.parts.version,
        "text": request.choice.text,
        "frames": run.frames,
        "redetections": run.redetections,
        "frames_per_second": run.rate,
        "notes": request.source.notes,
    }
    return facts | ({"stopped": stopped} if stopped else {})


def run(request: Request, outputs: Outputs, seed: int, device: str, say: Callable[[str], None]) -> VideoRun:
    """Track, write, and say what a user should know.

    Random numbers depend on the seed and on the sequence's name that was asked for, not on what SOURCE is called.
    """
    place = assemble.find_device(device)
    with assemble.in_memory():
        tracker, choice = assemble.start(request.choice, request.sequence, seed, place, say)
    known = list(request.source.notes)
    for note in known:
        say(f"{request.source.name}: {note}")
    boxes = follow(replace(request, choice=choice), tracker, outputs, seed, place)
    for note in request.source.notes[len(known) :]:
        say(f"{request.source.name}: {note}")
    jumps = f", re-detected in frames {', '.join(map(str, boxes.redetections))}" if boxes.redetections else ""
    say(f"{len(boxes.boxes)} frames, {boxes.rate:.1f} a second{jumps}")
    return boxes
