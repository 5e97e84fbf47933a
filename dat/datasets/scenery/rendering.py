"""Drawing an embedded video: a world, layers over it, light, blur, sensor noise; and what is seen of each target."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from dat.datasets.scenery import shapes
from dat.datasets.scenery.wording import Traits

Array = npt.NDArray[np.float64]
Picture = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Layer:
    """Something drawn: RGBA with colour times alpha (S,S,4), its outline in units, its pose in each frame (F,2,3)."""

    picture: Picture
    outline: Array
    poses: Array
    traits: Traits | None = None

    def corners(self) -> Array:
        """The outline's points in the image: (F,K,2)."""
        return np.asarray(self.outline @ self.poses[:, :, :2].transpose(0, 2, 1) + self.poses[:, None, :, 2])

    def boxes(self) -> Array:
        """Axis-aligned bounds of the whole outline, not clipped: (F,4)."""
        points = self.corners()
        low, high = points.min(1), points.max(1)
        return np.concatenate([low, high - low], axis=1)


@dataclass(frozen=True)
class Scene:
    """All that a video's pixels come from. Layers later in the list lie above; `targets` are indices into it."""

    size: tuple[int, int]
    world: Image
    camera: Array
    layers: list[Layer]
    targets: list[int]
    light: Array
    shutter: float = 0.0
    focus: Array = field(default_factory=lambda: np.zeros(0))
    noise: float = 3.0
    seed: np.random.SeedSequence = field(default_factory=lambda: np.random.SeedSequence(0))

    @property
    def frames(self) -> int:
        """How many frames the video has."""
        return len(self.camera)


@dataclass(frozen=True)
class Video:
    """A drawn video: RGB images (H,W,3), and per target and frame the share of it in view, and of it seen: (T,F)."""

    scene: Scene
    images: list[Image]
    in_view: Array
    seen: Array


def stroke(velocity: Array) -> Picture | None:
    """The kernel of a straight motion blur of that many pixels, or None below 1.5 pixels."""
    length = float(np.hypot(*velocity))
    if length < 1.5:
        return None
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=np.float32)
    half = velocity / 2 * 16
    middle = reach * 16
    ends = [(int(middle + sign * half[0]), int(middle + sign * half[1])) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(kernel / max(float(kernel.sum()), 1e-6), dtype=np.float32)


def velocity(path: Array, frame: int) -> Array:
    """Pixels a frame at a frame: (2,). 0 in a video of one frame."""
    before, after = max(frame - 1, 0), min(frame + 1, len(path) - 1)
    return np.asarray((path[after] - path[before]) / max(after - before, 1))


def window(layer: Layer, frame: int, size: tuple[int, int], pad: int) -> tuple[int, int, int, int] | None:
    """The part of the image that a layer touches: left, top, right, bottom in whole pixels, or None."""
    points = layer.outline @ layer.poses[frame, :, :2].T + layer.poses[frame, :, 2]
    low = np.maximum(np.floor(points.min(0)).astype(int) - 2 - pad, 0)
    high = np.minimum(np.ceil(points.max(0)).astype(int) + 2 + pad, size)
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1])) if (high > low).all() else None


def warped(layer: Layer, frame: int, part: tuple[int, int, int, int], kernel: Picture | None) -> Picture:
    """A layer's RGBA in a part of the image."""
    left, top, right, bottom = part
    height, width = layer.picture.shape[:2]
    unit = np.array([shapes.inner(width), shapes.inner(height)])
    linear = layer.poses[frame, :, :2] / unit
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = layer.poses[frame, :, 2] - 0.5 - [left, top] - linear @ middle
    matrix = np.concatenate([linear, shift[:, None]], axis=1)
    piece = cv2.warpAffine(layer.picture, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    return np.asarray(piece if kernel is None else cv2.filter2D(piece, -1, kernel), dtype=np.float32)


def whole(layer: Layer, frame: int) -> float:
    """The area of the whole layer in a frame, in pixels."""
    height, width = layer.picture.shape[:2]
    scale = abs(np.linalg.det(layer.poses[frame, :, :2])) / (shapes.inner(width) * shapes.inner(height))
    return float(layer.picture[:, :, 3].sum() * scale)


def _ground(scene: Scene, frame: int) -> Picture:
    width, height = scene.size
    room = (np.array(scene.world.shape[1::-1]) - [width, height]) / 2
    matrix = np.concatenate([np.eye(2), -(room + scene.camera[frame])[:, None]], axis=1)
    ground = cv2.warpAffine(scene.world, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    kernel = stroke(velocity(scene.camera, frame) * scene.shutter)
    return np.asarray(ground if kernel is None else cv2.filter2D(ground, -1, kernel), dtype=np.float32)


def _draw(scene: Scene, frame: int) -> tuple[Picture, list[tuple[float, float]]]:
    """The frame before light and noise, and each target's share in view and seen."""
    canvas = _ground(scene, frame)
    left: dict[int, Picture] = {}
    in_view: dict[int, float] = dict.fromkeys(scene.targets, 0.0)
    for index, layer in enumerate(scene.layers):
        kernel = stroke(velocity(layer.poses[:, :, 2], frame) * scene.shutter)
        part = window(layer, frame, scene.size, 0 if kernel is None else len(kernel) // 2)
        if part is None:
            continue
        area = slice(part[1], part[3]), slice(part[0], part[2])
        piece = warped(layer, frame, part, kernel)
        rest = 1 - piece[:, :, 3]
        canvas[area] = canvas[area] * rest[..., None] + piece[:, :, :3]
        for below in left.values():
            below[area] *= rest
        if index in in_view:
            left[index] = np.zeros(canvas.shape[:2], dtype=np.float32)
            left[index][area] = piece[:, :, 3]
            in_view[index] = float(piece[:, :, 3].sum())
    areas = [whole(scene.layers[index], frame) for index in scene.targets]
    seen = [float(left[index].sum()) if index in left else 0.0 for index in scene.targets]
    shares = zip(scene.targets, areas, seen, strict=True)
    return canvas, [(in_view[index] / area, part / area) for index, area, part in shares]


def render(scene: Scene) -> Video:
    """Draw every frame."""
    rng = np.random.default_rng(scene.seed)
    width, height = scene.size
    grain = rng.normal(0, scene.noise, (height + 32, width + 32, 3)).astype(np.float32)
    images, shares = [], []
    for frame in range(scene.frames):
        canvas, share = _draw(scene, frame)
        if len(scene.focus) and scene.focus[frame] > 0.3:
            canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), float(scene.focus[frame])), dtype=np.float32)
        y, x = rng.integers(0, 32, 2)
        lit = canvas * np.float32(scene.light[frame]) + grain[y : y + height, x : x + width]
        images.append(np.asarray(np.clip(lit + np.float32(0.5), 0, 255), dtype=np.uint8))
        shares.append(share)
    both = np.array(shares, dtype=np.float64).reshape(scene.frames, len(scene.targets), 2).transpose(2, 1, 0)
    return Video(scene, images, np.minimum(both[0], 1.0), np.minimum(both[1], 1.0))
