"""Small data sets on disk, in the real layouts, and a profile around them."""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dat.base import params
from dat.datasets import index, manifest
from dat.records import Job

ROOT = Path(__file__).resolve().parents[2]


def picture(path: Path, seed: int = 0, width: int = 64, height: int = 48) -> None:
    """An image file of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def frames(folder: Path, count: int, first: int = 1, digits: int = 4) -> None:
    """Numbered images."""
    for number in range(first, first + count):
        picture(folder / f"{number:0{digits}d}.jpg", number)


def boxes(count: int, delimiter: str = ",") -> str:
    """A moving box, a line a frame, counted from 1."""
    return "".join(delimiter.join(map(str, (10 + i, 12, 16, 8))) + "\n" for i in range(count))


def otb(root: Path, name: str, count: int = 3, *, images: int | None = None, first: int = 1) -> Path:
    """An OTB sequence folder."""
    frames(root / name / "img", images or count, first)
    (root / name / "groundtruth_rect.txt").write_text(boxes(count))
    return root / name


def lasot(root: Path, name: str, count: int = 5, absent: tuple[int, ...] = ()) -> Path:
    """A LaSOT video; the frames (from 0) in `absent` are out of view."""
    folder = root / name.rpartition("-")[0] / name
    frames(folder / "img", count, digits=8)
    (folder / "groundtruth.txt").write_text(boxes(count))
    (folder / "full_occlusion.txt").write_text(",".join("0" * count))
    (folder / "out_of_view.txt").write_text(",".join("1" if i in absent else "0" for i in range(count)))
    (folder / "nlp.txt").write_text(f"the only {name}")
    return folder


def profile(folder: Path, synthetic: bool = True, replace: tuple[tuple[str, str], ...] = ()) -> params.Settings:
    """A profile directory with the root's settings, changed; without `synthetic` it makes no data set itself."""
    text = (ROOT / "params.yaml").read_text()
    text = re.sub(r"(shard: 1000), height: \d+, width: \d+", r"\1, height: 96, width: 128", text)
    for old, new in replace:
        assert old in text
        text = text.replace(old, new)
    if not synthetic:
        start, end = text.index("synthetic:"), text.index("datasets:")
        text = f"{text[:start]}synthetic: {{}}\n{text[end:]}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(text)
    return params.load(folder)


def describe(settings: params.Settings, key: str, **facts: Any) -> None:
    """Write `data/<key>.json`."""
    layout = settings.root.datasets[key].layout
    whole = {
        "name": f"synthetic-{key}",
        "layout": layout,
        "lists": {},
        "root": f"data/{key}",
        "sentences": None,
    } | facts
    path = settings.path / "data" / f"{key}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({name: value for name, value in whole.items() if value != "none"}))


def run_index(settings: params.Settings, key: str) -> Path:
    """Run the stage; the manifest's path."""
    output = settings.path / f"{settings.root.datasets[key].manifest}.jsonl"
    index.run(Job(key, settings, {"set": settings.path / "data" / f"{key}.json"}, {"manifest": output}))
    return output


def read_index(settings: params.Settings, key: str) -> manifest.Manifest:
    """Run the stage and read the manifest."""
    return manifest.read(run_index(settings, key))
