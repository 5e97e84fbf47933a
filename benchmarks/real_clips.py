"""The nine targets of OTB whose images lie in DAT_TEST_DATA: their images, truths, sentences, and how MDNet did."""

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from dat.datasets.images import Image, read_image
from dat.regions import boxes
from tests.real_data import folder

TARGETS = {
    "Couple": ("the two women who walk together", 1),
    "Crossing": ("people on the right side of the road", 1),
    "David": ("the face of the man who walks out of the dark room", 300),
    "Deer": ("the head of the deer in the water", 1),
    "Football1": ("the helmet of the football player in the middle", 1),
    "Freeman1": ("the face of the bearded man", 1),
    "Jogging-1": ("the woman in dark clothes jogging on the left", 1),
    "Jogging-2": ("the woman in white jogging on the right", 1),
    "Skiing": ("the skier in the air", 1),
}
"""A target's sentence (ours), and the image that its first box is of."""

MDNET = {
    "Couple": (0.993, 0.663),
    "Crossing": (1.000, 0.752),
    "David": (1.000, 0.754),
    "Deer": (1.000, 0.710),
    "Football1": (1.000, 0.791),
    "Freeman1": (1.000, 0.646),
    "Jogging-1": (0.974, 0.680),
    "Jogging-2": (0.980, 0.759),
    "Skiing": (1.000, 0.523),
}
"""Precision and success of MDNet's published boxes (MATLAB, trained from ImageNet's convolutions), whole sequences."""


@dataclass(frozen=True)
class Clip:
    """A target's image files and its truth (F, 4), origin 0."""

    name: str
    files: list[Path]
    truth: np.ndarray
    sentence: str

    @cached_property
    def images(self) -> list[Image]:
        """The images, (H, W, 3) RGB each."""
        return [read_image(path) for path in self.files]


def clip(name: str, frames: int, step: int = 1, place: Path | None = None) -> Clip:
    """The first `frames` frames of a target, every `step`-th image; `place` is a folder with `otb` in it.

    Ends the program with one line when the target is not there.
    """
    otb = (place or folder()) / "otb"
    base, _, number = name.partition("-")
    sentence, first = TARGETS[name]
    file = otb / base / (f"groundtruth_rect.{number}.txt" if number else "groundtruth_rect.txt")
    if not file.is_file():
        sys.exit(f"{file}: no such file; set DAT_TEST_DATA to the folder that has otb/{base} of OTB in it")
    rows = [line.replace(",", " ").split() for line in file.read_text().splitlines()]
    truth = np.array(rows, np.float64)[: frames * step : step] - [1, 1, 0, 0]
    files = sorted((otb / base / "img").iterdir())
    files = [path for path in files if int(path.stem) >= first][: frames * step : step][: len(truth)]
    return Clip(name, files, truth, sentence)


def scores(found: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Precision at 20 pixels, success over 21 thresholds, mean overlap."""
    overlap = boxes.overlap(found, truth)
    apart = np.linalg.norm(boxes.centre(found) - boxes.centre(truth), axis=1)
    success = np.mean([(overlap > threshold).mean() for threshold in np.linspace(0, 1, 21)])
    return float((apart <= 20).mean()), float(success), float(overlap.mean())


def interval(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean difference of tables (runs, clips), clips and each table's runs drawn again."""
    rng, draws = np.random.default_rng(0), []
    for _ in range(10_000):
        clips = rng.integers(ours.shape[1], size=ours.shape[1])
        one, other = (table[rng.integers(len(table), size=len(table))][:, clips] for table in (ours, theirs))
        draws.append(one.mean() - other.mean())
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)
