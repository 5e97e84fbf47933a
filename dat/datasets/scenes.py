"""Composing an embedded video: a target, objects that look like it or not, a world, a camera, and what happens.

Everything comes from one `SeedSequence` a video. Paths are drawn again until the first frame shows the target whole and
nothing but what the recipe wants hides it later.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dat import boxes as geometry
from dat.datasets import motion, shapes, textures, wording
from dat.datasets.rendering import Layer, Scene
from dat.datasets.wording import Traits
from dat.errors import InputError

Array = npt.NDArray[np.float64]
SPINNING = ("cross", "disc", "star", "heart", "arrow")
TRIES = 200


@dataclass(frozen=True)
class Recipe:
    """What happens in a video. `targets` is 1, or 2 where two look-alikes are both followed."""

    name: str
    similar: int = 0
    others: int = 2
    hide: str = ""
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
    targets: int = 1


@dataclass(frozen=True)
class Stage:
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


# ---------------------------------------------------------------- traits


def paint(rng: np.random.Generator, kind: str, ground: Array) -> Traits:
    """Colour and pattern of an object that stands out from the world's mean colour."""
    far = [name for name, rgb in textures.COLOURS.items() if np.linalg.norm(ground - rgb) > 75]
    return Traits(str(rng.choice(far)), str(rng.choice(textures.PATTERNS)), kind)


def alike(rng: np.random.Generator, target: Traits, taken: list[Traits]) -> Traits:
    """Same kind and colour as the target, a pattern that no object of that kind and colour has yet."""
    used = {other.pattern for other in [target, *taken] if (other.kind, other.colour) == (target.kind, target.colour)}
    left = [pattern for pattern in textures.PATTERNS if pattern not in used]
    return replace(target, pattern=str(rng.choice(left)), way=None)


def unlike(rng: np.random.Generator, target: Traits, ground: Array) -> Traits:
    """Another kind than the target; in a third of the cases the same colour."""
    kind = str(rng.choice([kind for kind in shapes.KINDS if kind != target.kind]))
    traits = paint(rng, kind, ground)
    return replace(traits, colour=target.colour) if rng.random() < 0.33 else traits


# ---------------------------------------------------------------- layers


def object_layer(rng: np.random.Generator, stage: Stage, traits: Traits, centres: Array, sizes: Array, spin: bool) -> Layer:
    """An object on its way; the camera's shaking is added here."""
    size = int(np.ceil(sizes.max())) + 6
    alpha = shapes.mask(shapes.outline(str(traits.kind)), size)[..., None]
    colour = textures.surface(rng, str(traits.colour), str(traits.pattern), size, stage.photos)
    angles = rng.uniform(-0.3, 0.3) + motion.smooth(rng, stage.frames, 0.2)
    if spin and traits.kind in SPINNING:
        angles = angles + rng.choice([-1, 1]) * rng.uniform(1.0, 2.5) * motion.clock(stage.frames)
    aspects = rng.uniform(0.92, 1.08) * np.exp(motion.smooth(rng, stage.frames, 0.05))
    poses = motion.matrices(centres - stage.shake, sizes, angles, aspects)
    picture = np.concatenate([colour * alpha, alpha], axis=2).astype(np.float32)
    return Layer(picture, shapes.outline(str(traits.kind)), poses, traits)


def sizes(rng: np.random.Generator, stage: Stage, zoom: float = 1.0) -> Array:
    """An object's longer side in each frame, 30 to 90 pixels at 240 lines: (F,)."""
    low, high = (38, 50) if zoom > 1 else (42, 70)
    growth = zoom ** motion.clock(stage.frames)
    growth = growth[::-1] if rng.random() < 0.4 else growth
    course = rng.uniform(low, high) * growth * np.exp(motion.smooth(rng, stage.frames, 0.06))
    return np.asarray(np.clip(course, 34, 89) * stage.scale, dtype=np.float64)


def target_path(rng: np.random.Generator, stage: Stage, recipe: Recipe, side: float) -> Array:
    """The target's centres for a recipe: (F,2)."""
    size, margin = stage.size, 0.62 * side + 4
    if recipe.leaves:
        return motion.leave(rng, stage.frames, size, 0.75 * side + float(np.abs(stage.shake).max()))
    if recipe.speed:
        return motion.inside(motion.dash(rng, stage.frames, size, recipe.speed * stage.scale), size, margin)
    if recipe.hide or recipe.opposite:
        ends = np.array([[margin, 0.0], [size[0] - margin, 0.0]])[:: rng.choice([-1, 1])]
        ends[:, 1] = rng.uniform(0.3, 0.7, 2) * size[1]
        return motion.inside(motion.drift(rng, stage.frames, ends[0], ends[1], 6, 0.125), size, margin)
    return free_path(rng, stage, side)


def free_path(rng: np.random.Generator, stage: Stage, side: float) -> Array:
    """A wandering way inside the image: (F,2)."""
    size = np.array(stage.size)
    ends = size * rng.uniform(0.12, 0.88, (2, 2))
    path = motion.drift(rng, stage.frames, ends[0], ends[1], 14 * stage.scale)
    return motion.inside(path, stage.size, 0.62 * side + 4)


def backwards(rng: np.random.Generator, stage: Stage, path: Array, side: float) -> Array:
    """The way of an object that moves against `path`: mirrored in x, at another height."""
    mirrored = path * [-1, 1] + [stage.size[0], rng.choice([-1, 1]) * 1.3 * side]
    return motion.inside(mirrored, stage.size, 0.62 * side + 4)


# ---------------------------------------------------------------- what hides


def wall(rng: np.random.Generator, stage: Stage, target: Layer, hide: str) -> Layer:
    """A pillar fixed in the world, on the target's way: wide enough for a quarter of the video, or narrower than the target."""
    left, width = (target.boxes()[:, [0, 2]] + (stage.pan + stage.shake)[:, :1] * [1, 0]).T
    middle, half = stage.frames // 2, max(stage.frames // 8, 1)
    span = slice(middle - half, middle + half)
    low, high = left[span].min() - 2, (left + width)[span].max() + 2
    if hide == "partial":
        reach = rng.uniform(0.2, 0.3) * width[middle]
        low, high = np.array([-reach, reach]) + left[middle] + width[middle] / 2
    broad, tall = high - low, 1.8 * stage.size[1]
    centres = np.array([(low + high) / 2, stage.size[1] / 2]) - stage.pan - stage.shake
    picture = textures.panel(rng, stage.photos, max(int(tall), 8), max(int(broad) + 4, 8))
    alpha = np.zeros((*picture.shape[:2], 1), dtype=np.float32)
    alpha[2:-2, 2:-2] = 1
    poses = np.zeros((stage.frames, 2, 3))
    poses[:, 0, 0], poses[:, 1, 1], poses[:, :, 2] = broad, tall, centres
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    return Layer(np.concatenate([picture * alpha, alpha], axis=2).astype(np.float32), corners, poses)


def cover(target: Array, other: Array) -> Array:
    """The share of the target's box under another box, frame by frame: (F,)."""
    low = np.maximum(target[:, :2], other[:, :2])
    high = np.minimum(target[:, :2] + target[:, 2:], other[:, :2] + other[:, 2:])
    return np.asarray(np.maximum(high - low, 0).prod(1) / target[:, 2:].prod(1), dtype=np.float64)


def suits(target: Layer, other: Layer, above: bool) -> bool:
    """Whether an object leaves the target's first frame alone, and hides it when it is to (`above`) and not wholly."""
    shares = cover(target.boxes(), other.boxes())
    crosses = 0.25 < shares.max() < 0.75
    return bool(shares[: max(len(shares) // 6, 1)].max() == 0 and (crosses if above else shares.max() < 0.5))


# ---------------------------------------------------------------- the whole


def way(layer: Layer, stage: Stage) -> str | None:
    """The direction in which a layer moves through the image, if it has one, mostly keeps to it, and stays in view."""
    clipped = geometry.clip(layer.boxes(), *stage.size)
    if (clipped[:, 2:].min(1) <= 0).any():
        return None
    return wording.way(clipped, 0.15 * stage.size[0])


def placed(rng: np.random.Generator, stage: Stage, recipe: Recipe, traits: Traits, target: Layer, above: bool) -> Layer:
    """An object beside the target, drawn again until it suits; the last draws are smaller."""
    for trial in range(TRIES):
        course = sizes(rng, stage) * (1.0 if trial < TRIES // 2 else 0.8)
        path = free_path(rng, stage, float(course.max()))
        if recipe.opposite and traits == replace(target.traits or traits, way=None):
            path = backwards(rng, stage, target.poses[:, :, 2], float(course.max()))
        layer = object_layer(rng, stage, traits, path, course, recipe.spin)
        if suits(target, layer, above) and not (traits.way and way(layer, stage) != traits.way):
            return layer
    raise InputError(f"synthetic: no room for a {traits.kind} beside the target in {stage.size[0]}x{stage.size[1]} pixels; ask for larger frames")


def cast(rng: np.random.Generator, recipe: Recipe, target: Traits, ground: Array) -> list[Traits]:
    """Who is there beside the target: look-alikes, the target's double on the opposite way, and others."""
    found: list[Traits] = []
    for _ in range(recipe.similar):
        found.append(alike(rng, target, found))
    if recipe.opposite:
        found.append(target)
    while len(found) < recipe.similar + recipe.opposite + recipe.others:
        other = unlike(rng, target, ground)
        found += [] if other in found else [other]
    return found


def view(rng: np.random.Generator, recipe: Recipe, size: tuple[int, int], frames: int, photos: tuple[str, ...]) -> Stage:
    """The camera of a video."""
    scale = min(size[0] / 320, size[1] / 240)
    pan, shake = motion.camera(rng, frames, recipe.pan * scale, recipe.shake * scale)
    return Stage(size, frames, photos, pan, shake)


def compose(
    seed: np.random.SeedSequence, recipe: Recipe, kind: str, size: tuple[int, int], frames: int, photos: tuple[str, ...]
) -> Scene:
    """A scene for a recipe with a target of a kind, `frames` frames of `size` (width, height)."""
    drawing, making = seed.spawn(2)
    rng = np.random.default_rng(making)
    stage = view(rng, recipe, size, frames, photos)
    room = int(2 * np.abs(stage.pan + stage.shake).max()) + 8
    world = textures.background(rng, photos, size[1] + room, size[0] + room)
    traits = paint(rng, kind, world.reshape(-1, 3).mean(0))
    layers, targets = populate(rng, stage, recipe, traits, world.reshape(-1, 3).mean(0))
    light = rng.uniform(0.9, 1.08) + motion.smooth(rng, frames, 0.04) + recipe.dim * (motion.clock(frames) - 0.5) * rng.choice([-1, 1])
    focus = recipe.defocus * np.sin(np.pi * motion.clock(frames)) ** 2
    noise = float(rng.uniform(1.5, 4.0))
    return Scene(size, world, stage.pan + stage.shake, layers, targets, light, recipe.shutter, focus, noise, drawing)


def populate(
    rng: np.random.Generator, stage: Stage, recipe: Recipe, traits: Traits, ground: Array
) -> tuple[list[Layer], list[int]]:
    """All layers from bottom to top with their ways known, and the targets' places among them."""
    course = sizes(rng, stage, recipe.zoom)
    path = target_path(rng, stage, recipe, float(course.max()))
    target = object_layer(rng, stage, traits, path, course, recipe.spin)
    below, above = [], []
    for index, other in enumerate(cast(rng, recipe, traits, ground)):
        over = recipe.crossing and index == 0
        (above if over else below).append(placed(rng, stage, recipe, other, target, over))
    layers = [*below, target, *above]
    layers = [replace(layer, traits=replace(layer.traits, way=way(layer, stage))) for layer in layers if layer.traits]
    targets = [len(below)] + ([0] if recipe.targets == 2 else [])
    if recipe.hide:
        layers.append(wall(rng, stage, target, recipe.hide))
    return layers, targets
