"""A small training folder: two LaSOT classes, two TLP-like videos, all in a profile of its own."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from dat.base import params
from dat.datasets import index, masks, subsample
from dat.records import Job, write_json
from dat.training import encoder, language

ROOT = Path(__file__).resolve().parents[2]
PARAMS = ROOT / "params.yaml"
COLOURS = {"disc": (220, 30, 30), "square": (30, 30, 220)}
SHAPE = (72, 96)
SMALL = (
    (r"(?m)^subsample: .*$", "subsample: {step: 2, split: all, shard: 1000, height: 32, width: 48}"),
    (r"(?m)^(network: \{width: )[\d.]+", r"\g<1>0.02"),
    (r"(?m)^(language: .*channels: )\d+", r"\g<1>10"),
    (r"(?m)^(train: .*threads: )\d+", r"\g<1>1"),
    (
        r"(?m)^    \{steps: .*$",
        "    {steps: 20, batch: 4, rate: 2.0e-3, warm_up: 2, side: 32, smallest: 8, least: 1, "
        "sentence: {steps: 30, batch: 4, rate: 5.0e-3, dropout: 0.1}}",
    ),
)
FEW_SAMPLES = (
    (r"(?m)^(  frames_per_batch: )\d+", r"\g<1>2"),
    (r"(?m)^(  positives: )\d+", r"\g<1>8"),
    (r"(?m)^(  negatives: )\d+", r"\g<1>24"),
)
"""A step of SALNet's training with few samples."""
TAUGHT_FROM = {"frames": "training/frames", "masks": "training/masks", "language": "training/language"}


def video(
    folder: Path, colour: tuple[int, int, int], count: int, seed: int, digits: int, shape: tuple[int, int] = SHAPE
) -> list[tuple[int, int, int, int]]:
    """Frames (height, width) with a bright square that moves over noise; its boxes, counted from 0."""
    folder.mkdir(parents=True)
    rng, boxes = np.random.default_rng(seed), []
    start = rng.integers(4, 30, 2)
    for number in range(count):
        image = rng.integers(60, 120, (*shape, 3), dtype=np.uint8)
        x, y = (int(v) for v in start + number)
        image[y : y + 24, x : x + 26] = colour
        cv2.imwrite(str(folder / f"{number + 1:0{digits}d}.jpg"), image[:, :, ::-1])
        boxes.append((x, y, 26, 24))
    return boxes


def lasot(root: Path, name: str, sentence: str, seed: int, count: int = 6, shape: tuple[int, int] = SHAPE) -> None:
    """A LaSOT video."""
    folder = root / name.rpartition("-")[0] / name
    found = video(folder / "img", COLOURS[name.rpartition("-")[0]], count, seed, 8, shape)
    (folder / "groundtruth.txt").write_text("".join(f"{x + 1},{y + 1},{w},{h}\n" for x, y, w, h in found))
    for flag in ("full_occlusion", "out_of_view"):
        (folder / f"{flag}.txt").write_text(",".join("0" * count))
    (folder / "nlp.txt").write_text(sentence)


def tlp(root: Path, name: str, seed: int, count: int = 6, lost: bool = False, shape: tuple[int, int] = SHAPE) -> None:
    """A TLP video, its target never in sight when `lost`."""
    found = video(root / name / "img", (240, 240, 60), count, seed, 5, shape)
    rows = (f"{i + 1},{x + 1},{y + 1},{w},{h},{int(lost)}\n" for i, (x, y, w, h) in enumerate(found))
    (root / name / "groundtruth_rect.txt").write_text("".join(rows))


def dtb70(root: Path, name: str, seed: int, count: int = 6, shape: tuple[int, int] = SHAPE) -> None:
    """A DTB70 video."""
    found = video(root / name / "img", (240, 240, 60), count, seed, 5, shape)
    (root / name / "groundtruth_rect.txt").write_text("".join(f"{x + 1},{y + 1},{w},{h}\n" for x, y, w, h in found))


def settings(folder: Path, *changes: tuple[str, str], source: Path = PARAMS) -> params.Settings:
    """The file `source` with these changes (old text, new text); the root's params.yaml also with small sizes."""
    text = source.read_text()
    for old, new in (*(SMALL if source == PARAMS else ()), *changes):
        text, count = re.subn(old, new, text)
        assert count, old
    (folder / "params.yaml").write_text(text)
    return params.load(folder)


def make(
    folder: Path, *changes: tuple[str, str], shape: tuple[int, int] = SHAPE, source: Path = PARAMS
) -> params.Settings:
    """Data sets, manifests, frames, masks and language below `folder`, as the stages make them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(("disc-1", "disc-2", "disc-3", "square-1", "square-2", "square-3")):
        colour = "red" if name.startswith("disc") else "blue"
        sentence = f"the {colour} {name.rpartition('-')[0]} number {number}"
        lasot(folder / "data/lasot", name, sentence, number, shape=shape)
    for number, name in enumerate(("Alpha", "Beta", "Gone")):
        tlp(folder / "data/tlp", name, 20 + number, lost=name == "Gone", shape=shape)
        dtb70(folder / "data/dtb70", f"D{name}", 30 + number, shape=shape)
    found = settings(folder, *changes, source=source)
    for key in ("lasot", "tlp", "dtb70"):
        facts = {
            "name": key,
            "layout": key,
            "root": f"data/{key}",
            "lists": {},
            "sentences": None,
        }
        write_json(folder / f"data/{key}.json", facts)
    for key, path in (
        ("lasot", "training/lasot"),
        ("tlp", "training/domains/tlp"),
        ("dtb70", "training/domains/dtb70"),
    ):
        stage(index.run, found, key, {"set": f"data/{key}.json"}, {"manifest": f"{path}.jsonl"})
    stage(subsample.run, found, "", {"manifest": "training/lasot.jsonl"}, {"frames": "training/frames"})
    stage(masks.run, found, "", {"frames": "training/frames"}, {"masks": "training/masks"})
    stage(language.run, found, "", {"manifest": "training/lasot.jsonl"}, {"language": "training/language"})
    for kind in found.root.encoder:
        stage(encoder.run, found, kind, TAUGHT_FROM, {"weights": f"training/encoder/{kind}"})
    return found


def curve(folder: Path) -> list[dict[str, str]]:
    """The rows of a training's curve, from the tables of its weights folder."""
    rows: dict[str, dict[str, str]] = {}
    for file in sorted((folder / "dvclive" / "plots" / "metrics").glob("*.tsv")):
        for line in file.read_text().splitlines()[1:]:
            step, value = line.split("\t")
            rows.setdefault(step, {"step": step})[file.stem] = value
    return list(rows.values())


def stage(
    run: Callable[[Job], None], found: params.Settings, key: str, inputs: dict[str, str], outputs: dict[str, str]
) -> Path:
    """Run a stage in the profile; its (last) output."""
    base = found.path
    out = {name: base / path for name, path in outputs.items()}
    run(Job(key, found, {name: base / path for name, path in inputs.items()}, out))
    return list(out.values())[-1]
