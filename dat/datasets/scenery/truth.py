"""What is true of a drawn video: boxes, polygons, absence, attributes, tags, sentences."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dat.datasets.scenery import wording
from dat.datasets.scenery.rendering import Layer, Video
from dat.regions import boxes as geometry

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
UNSEEN = 0.01
"""A target is absent when less than this share of it is to be seen."""
STRIP = 4.0
"""Pixels that are left of a box at the image's edge when the target is outside."""
AWAY = 0.5
"""A target is away while less than this share of it is to be seen."""
GAP, AFTER = (12, 20), 11
"""How many frames a target that is to be found again is away, and how many are left when it is back, at least."""


@dataclass(frozen=True)
class SceneTruth:
    """One target's truth. Boxes are clipped to the image, never empty; polygons (F,8) are tilted and not clipped;
    `seen` (F,) is the share of the target that is to be seen."""

    boxes: Array
    polygons: Array
    covered: Flags
    outside: Flags
    seen: Array
    attributes: list[str]
    tags: dict[str, Flags]
    sentence: str
    mentioned: wording.Traits

    @property
    def absent(self) -> Flags:
        """Fully covered or out of view: (F,)."""
        return np.asarray(self.covered | self.outside)

    @property
    def away(self) -> Flags:
        """Less than half to be seen: (F,)."""
        return np.asarray(self.seen < AWAY)

    @property
    def comes_back(self) -> bool:
        """Whether the target is away once, neither shortly nor long, and back before the video ends."""
        edges = np.flatnonzero(np.diff(self.away, prepend=False, append=False))
        if len(edges) != 2:
            return False
        gone, back = edges
        return bool(gone and GAP[0] <= back - gone <= GAP[1] and len(self.seen) - back >= AFTER)


def held(boxes: Array, size: tuple[int, int]) -> Array:
    """Boxes clipped to an image of `size`; one outside keeps a strip at the nearest edge: no box is empty."""
    limit = np.array(size, dtype=np.float64)
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    low, high = np.minimum(low, limit - STRIP), np.maximum(high, STRIP)
    low, high = np.maximum(low, 0), np.minimum(high, limit)
    return np.concatenate([low, high - low], axis=1)


def rectangles(layer: Layer) -> Array:
    """The outline's own tilted bounds in each frame, four corners x,y: (F,8)."""
    low, high = layer.outline.min(0), layer.outline.max(0)
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    points = corners @ layer.poses[:, :, :2].transpose(0, 2, 1) + layer.poses[:, None, :, 2]
    return np.asarray(points.reshape(-1, 8), dtype=np.float64)


def steps(boxes: Array, outside: Flags) -> Array:
    """How far the centre moves to each frame from the one before, 0 next to frames out of view: (F,)."""
    moved = np.linalg.norm(np.diff(geometry.centre(boxes), axis=0), axis=1)
    moved[outside[1:] | outside[:-1]] = 0
    return np.concatenate([[0.0], moved])


def hidden(video: Video, target: int) -> Array:
    """The share of the part in view that something covers: (F,)."""
    in_view, seen = video.in_view[target], video.seen[target]
    return np.where(in_view > UNSEEN, 1 - seen / np.maximum(in_view, UNSEEN), 0.0)


def angles(layer: Layer) -> Array:
    """The layer's turn in radians, continuous: (F,)."""
    return np.asarray(np.unwrap(np.arctan2(layer.poses[:, 1, 0], layer.poses[:, 0, 0])), dtype=np.float64)


def attributes(video: Video, target: int, boxes: Array, outside: Flags) -> list[str]:
    """OTB's attributes that hold: IV, SV, OCC, MB, FM, IPR, OV, BC (another object has its kind and colour)."""
    scene, layer = video.scene, video.scene.layers[video.scene.targets[target]]
    whole = layer.boxes()
    area = (whole[:, 2:].prod(1) / whole[0, 2:].prod())[~outside]
    speed = steps(boxes, outside).max()
    look = [(o.traits.kind, o.traits.colour) for o in scene.layers if o.traits]
    traits = (layer.traits.kind, layer.traits.colour) if layer.traits else ()
    facts = {
        "IV": scene.light.max() / scene.light.min() > 1.3,
        "SV": area.max() > 2 or area.min() < 0.5,
        "OCC": hidden(video, target).max() > 0.15,
        "MB": speed * scene.shutter > 6,
        "FM": speed > 20,
        "IPR": np.ptp(angles(layer)) > 0.5,
        "OV": video.in_view[target].min() < 0.9,
        "BC": sum(pair == traits for pair in look) > 1,
    }
    return [name for name, holds in facts.items() if holds]


def tags(video: Video, target: int, boxes: Array, outside: Flags) -> dict[str, Flags]:
    """VOT's tags, a flag a frame."""
    frames = video.scene.frames
    moving = np.ptp(video.scene.camera, axis=0).max() > 12
    light, area = video.scene.light, boxes[:, 2:].prod(1)
    return {
        "camera_motion": np.full(frames, moving),
        "illum_change": np.full(frames, light.max() / light.min() > 1.3),
        "motion_change": np.abs(np.diff(steps(boxes, outside), prepend=0.0)) > 4,
        "occlusion": hidden(video, target) > 0.1,
        "size_change": np.maximum(area / area[0], area[0] / area) > 1.5,
    }


def words(video: Video, target: int, rng: np.random.Generator) -> tuple[str, wording.Traits]:
    """A sentence that fits the target and no other object, and what it says."""
    index = video.scene.targets[target]
    traits = video.scene.layers[index].traits
    others = [o.traits for i, o in enumerate(video.scene.layers) if o.traits and i != index]
    assert traits is not None
    mentioned = wording.mention(traits, others, brief=bool(rng.random() < 0.4))
    return wording.sentence(rng, mentioned, others), mentioned


def truth(video: Video, target: int, seed: np.random.SeedSequence) -> SceneTruth:
    """All that is written about a target."""
    layer = video.scene.layers[video.scene.targets[target]]
    boxes = held(layer.boxes(), video.scene.size)
    outside = np.asarray(video.in_view[target] < UNSEEN)
    covered = np.asarray(~outside & (video.seen[target] < UNSEEN))
    sentence, mentioned = words(video, target, np.random.default_rng(seed))
    facts, flags = attributes(video, target, boxes, outside), tags(video, target, boxes, outside)
    seen = video.seen[target]
    return SceneTruth(boxes, rectangles(layer), covered, outside, seen, facts, flags, sentence, mentioned)
