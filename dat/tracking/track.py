"""What `dat track` does once the call is checked: follow the target, and write boxes, scores and a video."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dat import records
from dat.datasets.images import Image
from dat.errors import InputError
from dat.models.sentence import Vocabulary, words
from dat.tracking import networks
from dat.tracking.csrdcf.tracker import CsrDcf
from dat.tracking.follower import Tracks
from dat.tracking.request import Request
from dat.tracking.tracker import Tracker
from dat.tracking.unit import text as rows_of
from dat.tracking.video import Shown, VideoWriter, draw

BANNER = 12
"""Frames for which the video shows a re-detection."""


@dataclass(frozen=True)
class Outputs:
    """Where results go. None is nowhere."""

    boxes: Path | None = None
    video: Path | None = None
    json: Path | None = None
    show_attention: bool = False
    origin: int = 0


@dataclass
class Run:
    """What was found: a box a frame and what goes with it."""

    boxes: list[NDArray[np.float64]] = field(default_factory=list)
    frames: list[dict[str, Any]] = field(default_factory=list)
    redetections: list[int] = field(default_factory=list)

    def note(self, tracker: Tracks, seconds: float) -> None:
        """The frame that a tracker has just seen."""
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


def remarks(request: Request, vocabulary: Vocabulary | None) -> list[str]:
    """What should be said about the sentence before tracking starts."""
    if request.folders.version == "none":
        return [f"{request.variant} does not use --text"] if request.text else []
    if vocabulary is None:
        said = "no --text, so " if request.text is None else f"{request.variant} does not use --text, "
        return [f"{said}attention is from the target alone"]
    sentence, found = request.text or "", []
    if len(words(sentence)) > vocabulary.length:
        found.append(f"the sentence has {len(words(sentence))} words; the first {vocabulary.length} count")
    unknown = vocabulary.unknown(sentence)
    if unknown:
        found.append(f"words that no training sentence had, which say nothing to the network: {', '.join(unknown)}")
    return found


def start(request: Request, seed: int, device: str) -> tuple[Tracks, list[str]]:
    """A tracker for a request, and what there is to say. A sentence of unknown words only counts as none."""
    networks.exact(request.settings.threads)
    attention = networks.attention(request.folders.gpgnet, device)
    said = remarks(request, attention.vocabulary if attention else None)
    if request.folders.salnet is None:
        return CsrDcf(request.csrdcf, attention, request.folders.names), said
    salnet = networks.salnet(request.folders.salnet, device)
    return Tracker(request.settings, salnet, attention, request.source.name, seed), said


def speechless(request: Request) -> Request:
    """The request without its sentence where the network knows none of its words, so that the target alone guides."""
    folder = request.folders.gpgnet
    if request.text is None or folder is None or not (folder / "vocabulary.json").is_file():
        return request
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    if len(vocabulary.unknown(request.text)) < len(words(request.text)[: vocabulary.length]):
        return request
    other = folder.parent / "to"
    if not (other / "weights.safetensors").is_file():
        return request
    return replace(request, text=None, folders=replace(request.folders, gpgnet=other, version="to"))


def follow(request: Request, tracker: Tracks, outputs: Outputs) -> Run:
    """Track through all frames and write what was asked for. On an interrupt, what was found so far is written."""
    run = Run()
    writer = VideoWriter(outputs.video, request.source.rate) if outputs.video else nullcontext()
    frames = records.progress(request.frames, total=request.source.count, desc="tracking", unit="frame")
    try:
        with writer as video:
            for image, before in _steps(request, tracker, (frame.image for frame in frames), run):
                if video is not None:
                    video.add(draw(image, _shown(tracker, run, before, outputs.show_attention)))
    except KeyboardInterrupt:
        _write(run, request, outputs)
        raise
    _write(run, request, outputs)
    return run


def _steps(
    request: Request, tracker: Tracks, images: Iterator[Image], run: Run
) -> Iterator[tuple[Image, NDArray[np.float64]]]:
    """Each frame, tracked, with the box before it."""
    before = request.box
    for image in images:
        clock = time.perf_counter()
        if run.boxes:
            tracker.update(image)
        else:
            tracker.init(image, request.box, request.text)
        run.note(tracker, time.perf_counter() - clock)
        yield image, before
        before = run.boxes[-1]


def _shown(tracker: Tracks, run: Run, before: NDArray[np.float64], attention: bool) -> Shown:
    number, last = len(run.boxes), run.redetections[-1] if run.redetections else None
    since = number - last if last is not None and number - last < BANNER else None
    return Shown(
        number=number,
        box=run.boxes[-1],
        score=tracker.score,
        source=tracker.source,
        lost=tracker.lost,
        since_redetection=since,
        came_from=run.boxes[last - 2] if since is not None and last is not None and last > 1 else None,
        attention=tracker.attention if attention else None,
    )


def _write(run: Run, request: Request, outputs: Outputs) -> None:
    if outputs.boxes is not None:
        records.write_text(outputs.boxes, run.rows(outputs.origin))
    if outputs.json is not None:
        facts = {
            "source": request.source.name,
            "variant": request.variant,
            "attention": request.folders.version,
            "text": request.text,
            "frames": run.frames,
            "redetections": run.redetections,
            "frames_per_second": run.rate,
        }
        records.write_json(outputs.json, facts)


def choose(device: str) -> str:
    """`auto` is a GPU where torch has one. Raises InputError for a device that is not there."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"--device {device}: not available here ({reason}); use cpu or auto") from None
    return device


def run(request: Request, outputs: Outputs, seed: int, device: str, say: Callable[[str], None]) -> Run:
    """Track, write, and say what a user should know."""
    known = speechless(request)
    if known is not request:
        say("no training sentence had any of these words")
    tracker, remarks_ = start(known, seed, choose(device))
    for remark in remarks_:
        say(remark)
    found = follow(known, tracker, outputs)
    jumps = f", re-detected in frames {', '.join(map(str, found.redetections))}" if found.redetections else ""
    say(f"{len(found.boxes)} frames, {found.rate:.1f} a second{jumps}")
    return found
