"""Composing an embedded video: a target, objects that look like it or not, a world, a camera, and what happens.

Everything comes from one `SeedSequence` a video. Paths are drawn again until the first frame shows the target whole and
nothing but what the recipe wants hides it later.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dat.base.errors import InputError
from dat.datasets.scenery import motion, textures, wording
from dat.datasets.scenery.actors import (
    Recipe,
    Shot,
    alike,
    backwards,
    free_path,
    object_layer,
    paint,
    sizes,
    target_path,
    unlike,
    wall,
)
from dat.datasets.scenery.rendering import Layer, Scene
from dat.datasets.scenery.wording import Traits
from dat.regions import boxes as geometry

Array = npt.NDArray[np.float64]
TRIES = 200


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


def direction(layer: Layer, shot: Shot) -> str | None:
    """The direction in which a layer moves through the image, if it has one, mostly keeps to it, and stays in view."""
    clipped = geometry.clip(layer.boxes(), *shot.size)
    if (clipped[:, 2:].min(1) <= 0).any():
        return None
    return wording.direction(clipped, 0.15 * shot.size[0])


def placed(rng: np.random.Generator, shot: Shot, recipe: Recipe, traits: Traits, target: Layer, above: bool) -> Layer:
    """An object beside the target, drawn again until it suits; the last draws are smaller."""
    for trial in range(TRIES):
        course = sizes(rng, shot) * (1.0 if trial < TRIES // 2 else 0.8)
        path = free_path(rng, shot, float(course.max()))
        if recipe.opposite and traits == replace(target.traits or traits, direction=None):
            path = backwards(rng, shot, target.poses[:, :, 2], float(course.max()))
        layer = object_layer(rng, shot, traits, path, course, recipe.spin)
        if suits(target, layer, above) and not (traits.direction and direction(layer, shot) != traits.direction):
            return layer
    size = f"{shot.size[0]}x{shot.size[1]}"
    raise InputError(
        f"params.yaml: synthetic: no room beside the target in {size} pixels; ask for other ones or another seed"
    )


def cast(rng: np.random.Generator, recipe: Recipe, target: Traits, ground: Array) -> list[Traits]:
    """Who is there beside the target: look-alikes, the target's double on the opposite way, and others."""
    cast_traits: list[Traits] = []
    for _ in range(recipe.similar):
        cast_traits.append(alike(rng, target, cast_traits))
    if recipe.opposite:
        cast_traits.append(target)
    while len(cast_traits) < recipe.similar + recipe.opposite + recipe.others:
        other = unlike(rng, target, ground)
        cast_traits += [] if other in cast_traits else [other]
    return cast_traits


def dawn(rng: np.random.Generator, frames: int) -> Array:
    """The share of the light that is there: some hundredths at first, all of it from a third of the video on: (F,)."""
    first = rng.uniform(0.02, 0.06)
    return np.asarray(first + (1 - first) * np.clip(3 * motion.clock(frames), 0, 1), dtype=np.float64)


def compose(
    seed: np.random.SeedSequence, recipe: Recipe, kind: str, size: tuple[int, int], frames: int, photos: tuple[str, ...]
) -> Scene:
    """A scene for a recipe with a target of a kind, `frames` frames of `size` (width, height)."""
    drawing, making = seed.spawn(2)
    rng = np.random.default_rng(making)
    scale = min(size[0] / 320, size[1] / 240)
    shot = Shot(size, frames, photos, *motion.camera(rng, frames, recipe.pan * scale, recipe.shake * scale))
    room = int(2 * np.abs(shot.pan + shot.shake).max()) + 8
    world = textures.background(rng, photos, size[1] + room, size[0] + room)
    ground = world.reshape(-1, 3).mean(0)
    layers, targets = populate(rng, shot, recipe, paint(rng, kind, ground), ground)
    fading = recipe.dim * (motion.clock(frames) - 0.5) * rng.choice([-1, 1])
    light = rng.uniform(0.9, 1.08) + motion.smooth(rng, frames, 0.04) + fading
    light *= dawn(rng, frames) if recipe.night else 1.0
    focus = recipe.defocus * np.sin(np.pi * motion.clock(frames)) ** 2
    noise = float(rng.uniform(1.5, 4.0))
    return Scene(size, world, shot.pan + shot.shake, layers, targets, light, recipe.shutter, focus, noise, drawing)


def populate(
    rng: np.random.Generator, shot: Shot, recipe: Recipe, traits: Traits, ground: Array
) -> tuple[list[Layer], list[int]]:
    """All layers from bottom to top with their ways known, and the targets' places among them."""
    course = sizes(rng, shot, recipe.zoom)
    path = target_path(rng, shot, recipe, float(course.max()))
    target = object_layer(rng, shot, traits, path, course, recipe.spin)
    below: list[Layer] = []
    above: list[Layer] = []
    for index, other in enumerate(cast(rng, recipe, traits, ground)):
        over = recipe.crossing and index == 0
        (above if over else below).append(placed(rng, shot, recipe, other, target, over))
    below = [*below[1:], below[0]] if recipe.targets == 2 else below
    layers = [*below, target, *above]
    layers = [
        replace(layer, traits=replace(layer.traits, direction=direction(layer, shot)))
        for layer in layers
        if layer.traits
    ]
    targets = [len(below) - place for place in range(recipe.targets)]
    if recipe.hide:
        layers.append(wall(rng, shot, target, recipe))
    return layers, targets
