"""What the adapters share: a tracker for one sequence after another, and the sentence that goes with each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from dat.base.errors import InputError
from dat.base.naming import shown
from dat.base.outside import matching, read_text
from dat.datasets import sentences as tables
from dat.datasets.finding import canonical
from dat.datasets.images import Image
from dat.tracking.follower import TrackerState
from dat.video import assemble, request

FRAMES = ("img", "imgs", "color", "frames")
"""Folders that hold a sequence's frames and have no name of their own."""


def say(remark: str) -> None:
    """Tell the user on standard error: a toolkit may own standard output."""
    print(f"dat: {shown(remark)}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class TrackerFactory:
    """Trackers of one variant, with the weights and settings of the root profile's run (or the weights of a folder).

    `text` is a sentence for every sequence; `sentences` a sentence for each, by name (see `read_sentences`). A sequence
    without one is tracked with attention from its target alone, and `say` is told. `device` is cpu, cuda or auto.
    """

    variant: str = "dat-jtnl"
    weights: Path | None = None
    text: str | None = None
    sentences: Mapping[str, str] = field(default_factory=dict)
    features: str | None = None
    seed: int = 0
    device: str = "auto"

    def check(self) -> TrackerFactory:
        """This, if its networks are there. Raises ParamsError, InputError or MissingError."""
        for text in {self.text, next(iter(self.sentences.values()), self.text)}:
            request.choose(self.variant, self.weights, text, self.features)
        assemble.find_device(self.device)
        return self

    def sentence(self, sequence: str) -> str | None:
        """The sentence for a sequence, or None."""
        return self.sentences.get(canonical(sequence), self.text)

    def start(self, sequence: str, image: Image, box: ArrayLike) -> TrackerState:
        """A tracker that has started on a box (origin 0) in an image (H, W, 3) RGB.

        What it draws depends on the seed and the sequence's name. Raises InputError for a box without an area.
        """
        choice = request.choose(self.variant, self.weights, self.sentence(sequence), self.features)
        tracker, choice = assemble.start(choice, sequence, self.seed, assemble.find_device(self.device), say)
        tracker.init(image, box, choice.text)
        return tracker


def read_sentences(place: Path) -> dict[str, str]:
    """Sentences by sequence: a table as `dat data sentences` has it, or a folder of `<sequence>.txt`.

    Raises InputError where there is neither, or a file says nothing.
    """
    if place.is_file():
        return {canonical(name): entry.sentence for name, entry in tables.read(place).items()}
    files = matching(place, "*.txt")
    if not files:
        raise InputError(f"{place}: no sentences here; a CSV table of them or a folder of <sequence>.txt is wanted")
    entry = {canonical(file.stem): " ".join(read_text(file).split()) for file in files}
    for file in files:
        if not entry[canonical(file.stem)]:
            raise InputError(f"{file}: no sentence in it; write one or move the file away")
    return entry


def name_of(frame: str | Path) -> str:
    """The sequence that a frame's file belongs to, by its folder: `Crossing` for `Crossing/img/0001.jpg`."""
    parents = [folder.name for folder in Path(frame).parents]
    return next((name for name in parents if name and name.lower() not in FRAMES), "")


def as_rgb(picture: object, name: str = "frame") -> Image:
    """A picture as (H, W, 3) uint8 RGB: of PIL, or an array (H, W), (H, W, 1) or (H, W, 3). Raises InputError."""
    if hasattr(picture, "convert"):
        mode = str(getattr(picture, "mode", ""))
        if mode[:1] in ("I", "F"):
            raise InputError(f"{name}: mode {mode}, more than 8 bits a colour; convert it to 8 bits")
        picture = picture.convert("RGB")
    pixels = np.asarray(picture)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or pixels.dtype != np.uint8:
        raise InputError(
            f"{name}: {pixels.dtype} of shape {pixels.shape}; 8 bits and one or three channels belong here"
        )
    return np.array(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), order="C")  # of its own: a PIL image is read-only
