"""What is asked of `dat track`, checked before anything heavy is loaded: no torch here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dat.base import naming, outside, params, sections
from dat.base.errors import InputError, MissingError
from dat.regions import boxes as geometry
from dat.tracking.checks import unseen
from dat.tracking.parts import Parts, parts
from dat.video.sources import Frame, Source, open_source

SALNET_FILE = "weights.safetensors"


@dataclass(frozen=True)
class TrackerChoice:
    """Which tracker: a variant, the sentence that it is given (None: the target alone), its networks and settings."""

    variant: str
    text: str | None
    parts: Parts
    settings: sections.Tracking
    csrdcf: sections.Csrdcf


@dataclass(frozen=True)
class Request:
    """A checked call: frames that begin with the one that the box is in, the box (origin 0), and which tracker.

    Random numbers are drawn from `sequence` and the seed, as a benchmark draws them for a sequence of that name.
    `given` are the options that chose the frames or the random numbers, and the settings (by dotted path) that are not
    params.yaml's.
    """

    source: Source
    frames: Iterator[Frame]
    box: NDArray[np.float64]
    size: tuple[int, int]
    choice: TrackerChoice
    given: Mapping[str, Any] = field(default_factory=dict)
    sequence: str = ""


@dataclass(frozen=True)
class Outputs:
    """Where results go. None is nowhere, for boxes standard output."""

    boxes: Path | None = None
    video: Path | None = None
    json: Path | None = None
    show_attention: bool = False
    origin: int = 0

    def check(self, source: str) -> None:
        """Raises InputError where a name does not fit what is written, or something would be overwritten."""
        outside.output(self.video, "--video", ".mp4", ".m4v")
        outside.output(self.json, "--json", ".json")
        outside.output(self.boxes, "--out", ".txt", ".csv", ".tsv")
        taken = {Path(source).resolve(): "SOURCE"}
        for option, path in (("--out", self.boxes), ("--video", self.video), ("--json", self.json)):
            if path is not None and (other := taken.setdefault(path.resolve(), option)) != option:
                raise InputError(f"{option} {path}: {other} is the same file; give another name")


def parse_box(text: str, origin: int) -> NDArray[np.float64]:
    """`x,y,w,h` that counts pixels from `origin`, as a box of origin 0. Raises InputError.

    The numbers stand between commas, semicolons, blanks or tabs; brackets may stand around them.
    """
    inner = text.strip("\ufeff \t\r\n")
    inner = inner[1:-1] if inner[:1] + inner[-1:] in ("()", "[]", "{}") else inner
    parts = re.split(r"[,;\s]+", inner.strip(",; \t\r\n"))
    try:
        values = np.array([float(part) for part in parts], np.float64)
    except ValueError:
        raise InputError(f"--box {text}: a box is four numbers x,y,w,h") from None
    if len(values) != 4 or not np.isfinite(values).all() or "_" in inner or outside.empty_field(inner.encode()):
        raise InputError(f"--box {text}: a box is four finite numbers x,y,w,h, decimals with a point")
    if (values[2:] <= 0).any():
        raise InputError(f"--box {text}: the box has no area; width and height must be over zero")
    return values - np.array([origin, origin, 0, 0], np.float64)


def in_frame(box: NDArray[np.float64], text: str, size: tuple[int, int], name: str) -> None:
    """Raises InputError when the box lies wholly outside a frame of (width, height), or nothing could be seen in it."""
    if wrong := unseen(box, size):
        raise InputError(f"--box {text}: the box {wrong} ({name}); give the target's")
    inside = geometry.clip([box], *size)[0]
    if inside[2] <= 0 or inside[3] <= 0:
        raise InputError(f"--box {text}: the box lies outside the frame {name}, which has {size[0]}x{size[1]} pixels")


def remarks(box: NDArray[np.float64], size: tuple[int, int]) -> list[str]:
    """What is odd about a box in a frame of (width, height): it reaches out, and would not if it were corners."""
    (x, y, w, h), (width, height) = box, size
    if (x + w > width or y + h > height) and x < w <= width and y < h <= height:
        return [f"the box reaches out of the frame ({width}x{height}); it is x,y,w,h, not the corners x1,y1,x2,y2"]
    return []


def first_frames(source: Source) -> tuple[Frame, Iterator[Frame]]:
    """The first frame, and all frames. Raises InputError when there is none."""
    frames = source.frames()
    first = next(frames, None)
    if first is None:
        raise InputError(f"{source.name}: no frames to track in")
    return first, chain([first], frames)


def home() -> params.Settings:
    """The root profile's settings: of the checkout that this is called in, else of the one that the program lies in."""
    try:
        nearest = params.load()
    except MissingError:
        return params.load(Path(__file__).resolve().parents[2])
    return nearest if nearest.top == nearest.path.resolve() else params.load(nearest.top)


def find_parts(settings: params.Settings, variant: str, weights: Path | None, text: str | None) -> Parts:
    """The parts of a variant's tracker; `weights` is the folder of all weights, without it the profile's.

    Raises ParamsError for an unknown variant, MissingError when there are no weights.
    """
    chosen = settings.section(f"variants.{variant}", sections.Variant)
    csrdcf = settings.section("csrdcf", sections.Csrdcf)
    base = weights if weights is not None else settings.path / "weights"
    made = parts(chosen, text, base, csrdcf.file_of_colour_names(settings.path))
    for folder in filter(None, (made.salnet, made.gpgnet)):
        if not (folder / SALNET_FILE).is_file():
            raise MissingError(
                f"{folder}: no weights for {variant}; `make repro` trains them, or name others by --weights"
            )
    return made


def choose(
    variant: str, weights: Path | None = None, text: str | None = None, features: str | None = None
) -> TrackerChoice:
    """The tracker of a variant, with the settings and the weights of the root profile's run or those of `weights`.

    An empty sentence is none. Raises ParamsError for an unknown variant, MissingError when there are no weights.
    """
    settings = home()
    text = " ".join(text.replace("\ufeff", " ").split()) or None if text else None
    made = find_parts(settings, variant, weights, text)
    tracking = settings.section("tracking", sections.Tracking)
    if features:
        tracking = tracking.model_copy(update={"features": features})
    return TrackerChoice(variant, text, made, tracking, settings.section("csrdcf", sections.Csrdcf))


def check(
    source: str,
    box: str,
    *,
    text: str | None = None,
    variant: str = "dat-jtnl",
    weights: Path | None = None,
    features: str | None = None,
    start: int = 1,
    frames: int | None = None,
    origin: int = 0,
    sequence: str = "",
) -> Request:
    """Check a call, input first and weights last. Raises InputError, ParamsError or MissingError."""
    target = parse_box(box, origin)
    opened = open_source(source, start, frames)
    first, all_frames = first_frames(opened)
    size = (first.image.shape[1], first.image.shape[0])
    in_frame(target, box, size, first.name)
    opened.notes.extend(remarks(target, size))
    if sequence:
        naming.part(sequence, "--sequence", "name")
    options = {"tracking.features": features, "sequence": sequence}
    given = {"start": start, "frames": frames, **{name: value for name, value in options.items() if value}}
    return Request(opened, all_frames, target, size, choose(variant, weights, text, features), given, sequence)
