"""What decided a run of `dat track`: the record in its JSON, by which `dat audit` can check it later."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dat import records
from dat.base import params, used
from dat.base.errors import MissingError
from dat.datasets.images import Image
from dat.fanout.unit import weights_of
from dat.video import request
from dat.video.request import Outputs, Request, TrackerChoice
from dat.video.sources import is_glob


class Pixels:
    """The sha256 of frames as they were tracked: of each its height, width and pixels, RGB."""

    def __init__(self) -> None:
        self._hash, self.frames = hashlib.sha256(), 0

    def add(self, image: Image) -> None:
        """The next frame, (H, W, 3) uint8."""
        self._hash.update(f"{image.shape[0]} {image.shape[1]}\n".encode())
        self._hash.update(image.tobytes())
        self.frames += 1

    @classmethod
    def of(cls, images: Iterable[Image]) -> Pixels:
        """Of all these frames."""
        pixels = cls()
        for image in images:
            pixels.add(image)
        return pixels

    def facts(self) -> dict[str, Any]:
        """How many frames, and their sha256."""
        return {"frames": self.frames, "sha256": self._hash.hexdigest()}


def files(choice: TrackerChoice) -> list[Path]:
    """The files that a choice's tracker is loaded from: its networks, or CSR-DCF's colour names."""
    parts = choice.parts
    networks = [path for folder in (parts.salnet, parts.gpgnet) if folder for path in weights_of(folder)]
    return [*networks, *([parts.colour_names] if parts.colour_names else [])]


def settings(choice: TrackerChoice) -> dict[str, Any]:
    """The settings that a choice's tracker reads, by dotted path."""
    if choice.parts.salnet is None:
        return params.leaves(params.plain(choice.csrdcf), "csrdcf")
    return params.leaves(params.plain(choice.settings), "tracking")


def record(asked: Request, outputs: Outputs, boxes: str, pixels: Pixels, seed: int, device: str) -> dict[str, Any]:
    """The record of a run (FORMATS): paths of weights from the profile's folder, of frames and boxes from the JSON's.

    Beside a stage's record it has `source`, the frames; `asked`, what the command line said; and `boxes`, the sha256
    of the rows. Raises ChangedError naming a weights file that is no longer what was loaded.
    """
    assert outputs.json is not None
    home, below, choice = request.home().path.resolve(), outputs.json.resolve().parent, asked.choice
    loaded = files(choice)
    inputs = [_file(path, named(path, home)) for path in loaded]
    used.check_files({path: fact["sha256"] for path, fact in zip(loaded, inputs, strict=True)})
    beside = [path.parent / "record.json" for path in loaded if path.name == request.SALNET_FILE]
    written = [outputs.boxes.resolve()] if outputs.boxes else []
    decided = records.make_record(
        code=used.CODE,
        inputs=inputs,
        outputs=[_file(path, os.path.relpath(path, below)) for path in written],
        params={name: value for name, value in settings(choice).items() if name not in asked.given},
        environment=records.environment(device, choice.settings.threads),
        command="dat track",
        parents=[{"path": named(path, home), "sha256": records.sha256_file(path)} for path in beside if path.is_file()],
        seed=seed,
    )
    name = asked.source.name
    source = os.path.relpath(Path(name).absolute(), below) if Path(name).exists() or is_glob(name) else name
    facts = {"box": asked.box.tolist(), "variant": choice.variant, "text": choice.text, "origin": outputs.origin}
    return decided | {
        "source": {"path": source, **pixels.facts()},
        "asked": {**facts, **asked.given},
        "boxes": records.sha256_bytes(boxes.encode()),
    }


def named(path: Path, home: Path) -> str:
    """A path as a record names it: from the profile's folder, or whole where it lies outside."""
    path = path.resolve()
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else path.as_posix()


def _file(path: Path, name: str) -> dict[str, Any]:
    return {**records.file_facts(path, path.parent), "path": name}


def trained_on(folder: Path) -> str:
    """What a network was trained on, in words: by the profile that its weights folder lies in and the record there."""
    try:
        profile = params.load(folder)
    except MissingError:
        profile = None
    where = f"{profile.profile} profile" if profile else str(folder)
    path = folder / "record.json"
    if not path.is_file():
        return f"{where}, without a record of what they were trained on"
    names = [Path(fact["path"]).stem for fact in records.read_json(path)["inputs"] if fact["path"].endswith(".jsonl")]
    if profile and names and all(name in profile.root.synthetic for name in names):
        return f"{where}, trained on drawn shapes"
    return f"{where}, trained on {', '.join(sorted(names)) or 'no data set'}"
