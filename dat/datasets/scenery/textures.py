"""Colours, patterns, photographs and backgrounds of the embedded videos.

Photographs are read from scikit-image's wheel as files, never downloaded. Those behind training videos and those
behind benchmarks are different ones. Pictures are RGB, 0 to 255.
"""

import functools
import importlib.util
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dat.base.errors import MissingError

Picture = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (205, 35, 40),
    "green": (40, 150, 60),
    "blue": (40, 80, 205),
    "yellow": (235, 210, 50),
    "orange": (240, 125, 25),
    "purple": (130, 50, 165),
    "pink": (245, 140, 185),
    "cyan": (60, 200, 215),
    "brown": (120, 75, 45),
    "white": (240, 240, 238),
    "black": (28, 28, 32),
    "grey": (135, 137, 140),
}
LIGHT = ("yellow", "pink", "cyan", "white", "orange")
PATTERNS = ("plain", "striped", "checked", "dotted", "speckled", "mottled")

PHOTOS: dict[str, tuple[str, ...]] = {
    "training": (
        "astronaut.png",
        "brick.png",
        "camera.png",
        "chelsea.png",
        "grass.png",
        "hubble_deep_field.jpg",
        "ihc.png",
        "motorcycle_left.png",
        "text.png",
    ),
    "testing": ("cell.png", "coffee.png", "coins.png", "gravel.png", "moon.png", "retina.jpg", "rocket.jpg"),
}


@functools.cache
def photo(name: str) -> Image:
    """A photograph of scikit-image's wheel, (H,W,3) RGB. Raises MissingError where the wheel lacks it."""
    package = importlib.util.find_spec("skimage")
    folders = package.submodule_search_locations if package else None
    path = Path(folders[0] if folders else "skimage", "data", name)
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if picture is None:
        raise MissingError(f"{path}: a photograph of scikit-image's wheel is not there; run make setup")
    return np.asarray(picture[:, :, ::-1], dtype=np.uint8)


def photo_crop(rng: np.random.Generator, photos: tuple[str, ...], height: int, width: int, least: float = 0.4) -> Image:
    """A random part of a random photograph, at least `least` of its shorter side high, mirrored by chance, resized."""
    source = photo(photos[rng.integers(len(photos))])
    room = min(source.shape[0] / height, source.shape[1] / width)
    scale = room * rng.uniform(least, 1.0)
    rows, columns = max(int(height * scale), 2), max(int(width * scale), 2)
    top = rng.integers(source.shape[0] - rows + 1)
    left = rng.integers(source.shape[1] - columns + 1)
    part = source[top : top + rows, left : left + columns]
    part = part[:, ::-1] if rng.random() < 0.5 else part
    shrink = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=shrink), dtype=np.uint8)


def clouds(rng: np.random.Generator, height: int, width: int, coarsest: int = 4, octaves: int = 4) -> Picture:
    """Smooth noise of several octaves, scaled to 0 to 1: (height,width)."""
    total = np.zeros((height, width), dtype=np.float32)
    for octave in range(octaves):
        cells = coarsest * 2**octave
        grid = rng.random((cells, cells), dtype=np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    low, high = total.min(), total.max()
    return np.asarray((total - low) / max(high - low, 1e-6), dtype=np.float32)


# ---------------------------------------------------------------- patterns


def _grid(size: int, angle: float) -> tuple[Picture, Picture]:
    y, x = np.mgrid[:size, :size].astype(np.float32) - np.float32(size / 2)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return c * x + s * y, c * y - s * x


def _soft(wave: Picture, edge: float = 6.0) -> Picture:
    return np.asarray(np.clip(wave * np.float32(edge) * 0.5 + 0.5, 0, 1), dtype=np.float32)


def _striped(rng: np.random.Generator, size: int) -> Picture:
    x, _ = _grid(size, rng.uniform(0, np.pi))
    return _soft(np.sin(x * np.float32(2 * np.pi * rng.uniform(3.2, 5.0) / size)))


def _checked(rng: np.random.Generator, size: int) -> Picture:
    x, y = _grid(size, rng.uniform(-0.4, 0.4))
    wave = np.float32(2 * np.pi * rng.uniform(2.0, 2.8) / size)
    return _soft(np.sin(x * wave) * np.sin(y * wave), 9)


def _dotted(rng: np.random.Generator, size: int) -> Picture:
    x, y = _grid(size, rng.uniform(0, np.pi / 2))
    wave = np.float32(2 * np.pi * rng.uniform(3.4, 4.4) / size)
    return _soft(np.cos(x * wave) + np.cos(y * wave) - np.float32(0.75), 5)


def _speckled(rng: np.random.Generator, size: int) -> Picture:
    grid = rng.random((16, 16), dtype=np.float32)
    return _soft(cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC) - np.float32(0.66), 9)


def _mottled(rng: np.random.Generator, size: int, photos: tuple[str, ...]) -> Picture:
    grey = cv2.cvtColor(photo_crop(rng, photos, size, size, 0.25), cv2.COLOR_RGB2GRAY).astype(np.float32)
    low, high = np.percentile(grey, [4, 96])
    return np.asarray(np.clip((grey - low) / max(high - low, 8.0), 0, 1) * 0.75, dtype=np.float32)


def blend(rng: np.random.Generator, pattern: str, size: int, photos: tuple[str, ...]) -> Picture:
    """How much of the second colour each pixel of a pattern has: (size,size), 0 to 1."""
    if pattern == "plain":
        return clouds(rng, size, size, 2, 2) * np.float32(0.15)
    if pattern == "mottled":
        return _mottled(rng, size, photos)
    draw = {"striped": _striped, "checked": _checked, "dotted": _dotted, "speckled": _speckled}[pattern]
    return draw(rng, size)


def shade(rng: np.random.Generator, size: int) -> Picture:
    """Light from one side: factors around 1, (size,size,1)."""
    x, _ = _grid(size, rng.uniform(0, 2 * np.pi))
    return np.asarray((1 + np.float32(0.35) * x / size)[..., None], dtype=np.float32)


def surface(rng: np.random.Generator, colour: str, pattern: str, size: int, photos: tuple[str, ...]) -> Picture:
    """An object's paint: (size,size,3). The second colour is dark on light colours and light on dark ones."""
    first = np.array(COLOURS[colour], dtype=np.float32) + rng.uniform(-10, 10, 3).astype(np.float32)
    second = first * np.float32(0.2) + 8 if colour in LIGHT else first * np.float32(0.15) + 210
    if pattern == "mottled":
        second = first * np.float32(0.25) if colour in LIGHT else first * np.float32(0.45) + 130
    mix = blend(rng, pattern, size, photos)[..., None]
    return np.asarray(np.clip((first * (1 - mix) + second * mix) * shade(rng, size), 0, 255), dtype=np.float32)


# ---------------------------------------------------------------- backgrounds


def _tint(rng: np.random.Generator, picture: Image) -> Image:
    gain = rng.uniform(0.65, 1.05) * rng.uniform(0.88, 1.12, 3)
    shift = rng.uniform(-12, 25)
    return np.asarray(np.clip(picture.astype(np.float32) * gain + shift, 0, 255), dtype=np.uint8)


def _noise(rng: np.random.Generator, height: int, width: int) -> Image:
    mix = clouds(rng, height, width, int(rng.integers(3, 9)), 5)[..., None]
    low, high = rng.uniform(20, 120, 3), rng.uniform(110, 235, 3)
    return np.asarray(low + (high - low) * mix, dtype=np.uint8)


def _woven(rng: np.random.Generator, height: int, width: int) -> Image:
    base = _noise(rng, height, width).astype(np.float32)
    size = max(height, width)
    pattern = [_striped, _checked][rng.integers(2)](rng, size // int(rng.integers(2, 4)))
    tiles = np.tile(pattern, (4, 4))[:height, :width, None]
    return np.asarray(np.clip(base + (tiles - 0.5) * rng.uniform(25, 60), 0, 255), dtype=np.uint8)


def background(rng: np.random.Generator, photos: tuple[str, ...], height: int, width: int) -> Image:
    """A world to move over, (height,width,3): mostly photographs in a changed light, else noise, else a weave."""
    kind = rng.choice(3, p=[0.7, 0.17, 0.13])
    if kind == 0:
        return _tint(rng, photo_crop(rng, photos, height, width, 0.45))
    return _noise(rng, height, width) if kind == 1 else _woven(rng, height, width)


def panel(rng: np.random.Generator, photos: tuple[str, ...], height: int, width: int) -> Picture:
    """A wall or pillar to hide behind: a grey-brown photograph or noise with light edges, (height,width,3)."""
    grey = photo_crop(rng, photos, height, width, 0.3).mean(2, keepdims=True) if rng.random() < 0.6 else None
    if grey is None:
        grey = clouds(rng, height, width, 6, 5)[..., None] * 160
    tone = rng.uniform(0.75, 1.0) * np.array([1.0, 0.93, 0.85]) * (1 - 0.15 * rng.random(3))
    picture = (35 + grey * 0.65) * tone
    picture[:, :3] *= 1.25
    picture[:, -3:] *= 0.6
    return np.asarray(np.clip(picture, 0, 255), dtype=np.float32)
