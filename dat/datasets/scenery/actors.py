"""What an embedded video is made of: its recipe, objects with their traits and ways, and walls to hide behind."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dat.datasets.scenery import motion, shapes, textures
from dat.datasets.scenery.rendering import Layer
from dat.datasets.scenery.wording import Traits

Array = npt.NDArray[np.float64]
SPINNING = ("cross", "disc", "star", "heart", "arrow")


@dataclass(frozen=True)
class Recipe:
    """What happens in a video. `targets` is 1, or 2 where two look-alikes are both followed.

    A full wall hides the target for `hidden` of the video, and around it the target moves the slower the larger `slow`
    (0 to 0.15) is. With `night` a video begins in the dark: its first picture shows little of the target, a sentence
    all the more.
    """

    name: str
    similar: int = 0
    others: int = 2
    hide: str = ""
    hidden: float = 0.25
    slow: float = 0.125
    leaves: bool = False
    crossing: bool = False
    opposite: bool = False
    speed: float = 0.0
    zoom: float = 1.0
    pan: float = 30.0
    shake: float = 1.0
    dim: float = 0.08
    spin: bool = False
    shutter: float = 0.3
    defocus: float = 0.0
    night: bool = False
    targets: int = 1


@dataclass(frozen=True)
class Shot:
    """What a video's parts share: image size, frames, photographs, camera (pan and shake), scale to 240 lines."""

    size: tuple[int, int]
    frames: int
    photos: tuple[str, ...]
    pan: Array
    shake: Array

    @property
    def scale(self) -> float:
        """Object sizes are meant for 320x240."""
        return min(self.size[0] / 320, self.size[1] / 240)


def paint(rng: np.random.Generator, kind: str, ground: Array) -> Traits:
    """Colour and pattern of an object that stands out from the world's mean colour."""
    far = [name for name, rgb in textures.COLOURS.items() if np.linalg.norm(ground - rgb) > 75]
    return Traits(str(rng.choice(far)), str(rng.choice(textures.PATTERNS)), kind)


def alike(rng: np.random.Generator, target: Traits, taken: list[Traits]) -> Traits:
    """Same kind and colour as the target, a pattern that no object of that kind and colour has yet."""
    used = {other.pattern for other in [target, *taken] if (other.kind, other.colour) == (target.kind, target.colour)}
    left = [pattern for pattern in textures.PATTERNS if pattern not in used]
    return replace(target, pattern=str(rng.choice(left)), direction=None)


def unlike(rng: np.random.Generator, target: Traits, ground: Array) -> Traits:
    """Another kind than the target; in a third of the cases the same colour."""
    kind = str(rng.choice([kind for kind in shapes.KINDS if kind != target.kind]))
    traits = paint(rng, kind, ground)
    return replace(traits, colour=target.colour) if rng.random() < 0.33 else traits


def object_layer(
    rng: np.random.Generator, shot: Shot, traits: Traits, centres: Array, sizes: Array, spin: bool
) -> Layer:
    """An object on its way; the camera's shaking is added here."""
    size = int(np.ceil(sizes.max())) + 6
    alpha = shapes.mask(shapes.outline(str(traits.kind)), size)[..., None]
    colour = textures.surface(rng, str(traits.colour), str(traits.pattern), size, shot.photos)
    angles = rng.uniform(-0.3, 0.3) + motion.smooth(rng, shot.frames, 0.2)
    if spin and traits.kind in SPINNING:
        angles = angles + rng.choice([-1, 1]) * rng.uniform(1.0, 2.5) * motion.clock(shot.frames)
    aspects = rng.uniform(0.92, 1.08) * np.exp(motion.smooth(rng, shot.frames, 0.05))
    poses = motion.matrices(centres - shot.shake, sizes, angles, aspects)
    picture = np.concatenate([colour * alpha, alpha], axis=2).astype(np.float32)
    return Layer(picture, shapes.outline(str(traits.kind)), poses, traits)


def sizes(rng: np.random.Generator, shot: Shot, zoom: float = 1.0) -> Array:
    """An object's longer side in each frame, 30 to 90 pixels at 240 lines: (F,)."""
    low, high = (38, 50) if zoom > 1 else (42, 70)
    growth = zoom ** motion.clock(shot.frames)
    growth = growth[::-1] if rng.random() < 0.4 else growth
    course = rng.uniform(low, high) * growth * np.exp(motion.smooth(rng, shot.frames, 0.06))
    return np.asarray(np.clip(course, 34, 89) * shot.scale, dtype=np.float64)


def target_path(rng: np.random.Generator, shot: Shot, recipe: Recipe, side: float) -> Array:
    """The target's centres for a recipe: (F,2)."""
    size, margin = shot.size, 0.72 * side + 5
    if recipe.leaves:
        return motion.leave(rng, shot.frames, size, 0.75 * side + float(np.abs(shot.shake).max()))
    if recipe.speed:
        return motion.inside(motion.dash(rng, shot.frames, size, recipe.speed * shot.scale), size, margin)
    if recipe.hide or recipe.opposite:
        ends = np.array([[margin, 0.0], [size[0] - margin, 0.0]])[:: rng.choice([-1, 1])]
        ends[:, 1] = rng.uniform(0.3, 0.7, 2) * size[1]
        return motion.inside(motion.drift(rng, shot.frames, ends[0], ends[1], 6, recipe.slow), size, margin)
    return free_path(rng, shot, side)


def free_path(rng: np.random.Generator, shot: Shot, side: float) -> Array:
    """A wandering way inside the image: (F,2)."""
    size = np.array(shot.size)
    ends = size * rng.uniform(0.12, 0.88, (2, 2))
    path = motion.drift(rng, shot.frames, ends[0], ends[1], 14 * shot.scale)
    return motion.inside(path, shot.size, 0.72 * side + 5)


def backwards(rng: np.random.Generator, shot: Shot, path: Array, side: float) -> Array:
    """The way of an object that moves against `path`: mirrored in x, at another height."""
    mirrored = path * [-1, 1] + [shot.size[0], rng.choice([-1, 1]) * 1.3 * side]
    return motion.inside(mirrored, shot.size, 0.72 * side + 5)


def wall(rng: np.random.Generator, shot: Shot, target: Layer, recipe: Recipe) -> Layer:
    """A pillar fixed in the world on the target's way: it hides it for a part of the video, or never wholly."""
    left, width = (target.boxes()[:, [0, 2]] + (shot.pan + shot.shake)[:, :1] * [1, 0]).T
    middle, half = shot.frames // 2, max(int(shot.frames * recipe.hidden / 2), 1)
    span = slice(middle - half, middle + half)
    low, high = left[span].min() - 2, (left + width)[span].max() + 2
    if recipe.hide == "partial":
        reach = rng.uniform(0.2, 0.3) * width[middle]
        low, high = np.array([-reach, reach]) + left[middle] + width[middle] / 2
    broad, tall = high - low, 1.8 * shot.size[1]
    centres = np.array([(low + high) / 2, shot.size[1] / 2]) - shot.pan - shot.shake
    picture = textures.panel(rng, shot.photos, max(int(tall), 8), max(int(broad) + 4, 8))
    alpha = np.zeros((*picture.shape[:2], 1), dtype=np.float32)
    alpha[2:-2, 2:-2] = 1
    poses = np.zeros((shot.frames, 2, 3))
    poses[:, 0, 0], poses[:, 1, 1], poses[:, :, 2] = broad, tall, centres
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    return Layer(np.concatenate([picture * alpha, alpha], axis=2).astype(np.float32), corners, poses)
