"""Smooth paths of embedded objects and cameras: centres (F,2) x,y in pixels of the image, one row a frame."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def clock(frames: int) -> Array:
    """0 to 1 over a video's frames: (F,)."""
    return np.linspace(0.0, 1.0, frames) if frames > 1 else np.zeros(frames)


def smooth(rng: np.random.Generator, frames: int, amplitude: float, waves: tuple[float, float] = (0.4, 1.6)) -> Array:
    """A sum of three slow sines, at most `amplitude` from 0: (F,). `waves` is how many fit into 24 frames."""
    time = np.arange(frames) / 24.0
    rates, phases = rng.uniform(*waves, 3), rng.uniform(0, 2 * np.pi, 3)
    shares = rng.dirichlet([1.0, 1.0, 1.0])
    sines = np.sin(2 * np.pi * time[:, None] * rates + phases)
    return np.asarray(amplitude * (shares * sines).sum(1), dtype=np.float64)


def squeeze(values: Array, low: float, high: float) -> Array:
    """Values moved, and scaled only if they must be, into [low, high]; smooth stays smooth."""
    least, most = float(values.min()), float(values.max())
    if most - least > high - low:
        return np.asarray((values - least) * ((high - low) / (most - least)) + low, dtype=np.float64)
    return np.asarray(values + max(low - least, 0.0) - max(most - high, 0.0), dtype=np.float64)


def inside(path: Array, size: tuple[int, int], margin: float) -> Array:
    """A path squeezed into an image of `size` (width, height), `margin` away from its edges."""
    limits = [(min(margin, side / 2), max(side - margin, side / 2)) for side in size]
    return np.stack([squeeze(path[:, axis], *limits[axis]) for axis in range(2)], axis=1)


def wobble(rng: np.random.Generator, frames: int, amplitude: float) -> Array:
    """Independent slow sines in x and y: (F,2)."""
    return np.stack([smooth(rng, frames, amplitude), smooth(rng, frames, amplitude)], axis=1)


def drift(rng: np.random.Generator, frames: int, start: Array, end: Array, sway: float, slow: float = 0.0) -> Array:
    """From start to end with some sway; `slow` (0 to 0.15) slows the middle of the way."""
    share = clock(frames) + slow * np.sin(2 * np.pi * clock(frames))
    return start + share[:, None] * (end - start) + wobble(rng, frames, sway)


def dash(rng: np.random.Generator, frames: int, size: tuple[int, int], speed: float) -> Array:
    """To and fro between the image's sides, at `speed` pixels a frame in between: fast motion."""
    period = 4 * 0.35 * size[0] / speed
    time = np.arange(frames) + rng.uniform(0, period)
    x = size[0] / 2 + 0.35 * size[0] * (2 / np.pi) * np.arcsin(0.97 * np.sin(2 * np.pi * time / period))
    y = size[1] / 2 + smooth(rng, frames, size[1] * 0.35, (0.8, 1.6))
    return np.stack([x, y], axis=1)


WAYS_OUT = (("left", "bottom"), ("right", "top"), ("bottom", "left"), ("top", "right"), ("left", "right"))


def leave(rng: np.random.Generator, frames: int, size: tuple[int, int], reach: float) -> Array:
    """Out of the image on one side, gone for a fifth of the video, back over another: `reach` is half the object.

    Outside, the centre stands where it left, then where it comes back.
    """
    inner = [np.array(size) * rng.uniform(0.3, 0.7, 2) for _ in range(2)]
    exits = [_door(rng, side, size, 1.2 * reach) for side in WAYS_OUT[rng.integers(len(WAYS_OUT))]]
    away = max(frames // 5, 2)
    first = (frames - away) // 2
    last = frames - away - first
    going = inner[0] + (exits[0] - inner[0]) * (np.arange(first)[:, None] / max(first - 1, 1)) ** 1.3
    coming = exits[1] + (inner[1] - exits[1]) * (np.arange(1, last + 1)[:, None] / last) ** 0.8
    waiting = np.where(np.arange(away)[:, None] * 2 < away, exits[0], exits[1])
    return np.concatenate([going, waiting, coming])


def _door(rng: np.random.Generator, side: str, size: tuple[int, int], beyond: float) -> Array:
    """A point `beyond` pixels outside a side of the image."""
    place = np.array(size) * rng.uniform(0.25, 0.75, 2)
    axis = 0 if side in ("left", "right") else 1
    place[axis] = -beyond if side in ("left", "top") else size[axis] + beyond
    return place


def camera(rng: np.random.Generator, frames: int, pan: float, shake: float) -> tuple[Array, Array]:
    """The camera's slow way over the world and its shaking: two (F,2), in pixels."""
    course = rng.uniform(0, 2 * np.pi)
    shift = np.stack([np.cos(course), 0.6 * np.sin(course)], axis=0) * (clock(frames)[:, None] - 0.5) * pan
    trembling = np.cumsum(rng.normal(0, 1, (frames, 2)), axis=0)
    trembling -= np.cumsum(trembling, axis=0) / np.arange(1, frames + 1)[:, None]
    most = max(float(np.abs(trembling).max()), 1e-9)
    return shift + wobble(rng, frames, pan * 0.1), trembling * (shake / most)


def matrices(centres: Array, sizes: Array, angles: Array, aspects: Array) -> Array:
    """Affine maps from an outline's unit square around 0,0 to the image: (F,2,3).

    `sizes` are the longer side in pixels, `aspects` stretch x by a and y by 1/a, `angles` are in radians, clockwise.
    """
    c, s = np.cos(angles), np.sin(angles)
    turn = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
    stretch = np.stack([sizes * aspects, sizes / aspects], -1)
    return np.concatenate([turn * stretch[:, None, :], centres[:, :, None]], axis=2)
