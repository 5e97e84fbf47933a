"""What is written about an embedded video is true of its pixels."""

from dataclasses import replace

import numpy as np
import pytest

from dat.datasets.scenery import programme, shapes, textures, wording
from dat.datasets.scenery.actors import Recipe
from dat.datasets.scenery.rendering import Video, render
from dat.datasets.scenery.scenes import compose
from dat.datasets.scenery.truth import SceneTruth, held, truth
from dat.datasets.scenery.wording import Traits
from dat.regions import boxes as geometry

SIZE = (320, 240)
RECIPES = {recipe.name: recipe for recipe in (*programme.TRAINING, *programme.OTB, programme.TWINS)}


def film(
    recipe: Recipe, seed: int = 3, frames: int = 40, kind: str = "disc", target: int = 0
) -> tuple[Video, SceneTruth]:
    video = render(compose(np.random.SeedSequence(seed), recipe, kind, SIZE, frames, textures.PHOTOS["testing"]))
    return video, truth(video, target, np.random.SeedSequence(seed + 1))


def pixels(video: Video, frame: int) -> np.ndarray:
    """Where the target's own alpha changes the image, by drawing without it."""
    scene, index = video.scene, video.scene.targets[0]
    layer = scene.layers[index]
    away = layer.poses.copy()
    away[:, :, 2] += 10_000
    rest = [*scene.layers]
    rest[index] = type(layer)(layer.picture, layer.outline, away, layer.traits)
    without = render(type(scene)(**{**scene.__dict__, "layers": rest}))
    difference = np.abs(video.images[frame].astype(int) - without.images[frame]).max(2)
    return difference > 8


@pytest.mark.parametrize("name", ["wander", "zoom", "spin"])
def test_the_box_bounds_the_pixels_that_the_target_changes(name: str) -> None:
    video, facts = film(replace(RECIPES[name], shutter=0.0), frames=6)
    for frame in (0, 5):
        y, x = np.nonzero(pixels(video, frame))
        changed = [x.min(), y.min(), x.max() + 1 - x.min(), y.max() + 1 - y.min()]
        assert geometry.overlap(facts.boxes[frame], changed)[0] > 0.9


@pytest.mark.parametrize("seed", range(2))
def test_a_wall_hides_the_target_for_about_ten_frames_of_forty(seed: int) -> None:
    video, facts = film(RECIPES["Wall"], seed)
    assert 8 <= facts.covered.sum() <= 16 and not facts.outside.any()
    assert "OCC" in facts.attributes
    frame = int(np.flatnonzero(facts.covered)[len(np.flatnonzero(facts.covered)) // 2])
    assert not pixels(video, frame).any()


@pytest.mark.parametrize("seed", range(2))
def test_a_target_that_leaves_comes_back_elsewhere(seed: int) -> None:
    _, facts = film(RECIPES["Return"], seed)
    gone = np.flatnonzero(facts.outside)
    assert len(gone) >= 6 and (np.diff(gone) == 1).all() and "OV" in facts.attributes
    before, after = facts.boxes[gone[0] - 1], facts.boxes[gone[-1] + 1]
    assert np.linalg.norm(geometry.centre(before) - geometry.centre(after)) > 60
    assert (facts.boxes[:, 2:] > 0).all()


@pytest.mark.parametrize(
    ("name", "flag"), [("Doubles", "SV"), ("Dash", "FM"), ("Dash", "MB"), ("Doubles", "BC"), ("cross", "OCC")]
)
def test_a_recipe_brings_its_attribute(name: str, flag: str) -> None:
    assert all(flag in film(RECIPES[name], seed)[1].attributes for seed in range(2))


def test_a_quiet_video_has_no_attribute_of_the_lively_ones() -> None:
    _, facts = film(Recipe("quiet", others=0, pan=0, shake=0, dim=0), frames=24)
    assert not {"OV", "FM", "SV", "OCC", "BC", "IV", "MB"} & set(facts.attributes)
    assert not facts.absent.any()


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_sentence_fits_its_target_and_nothing_else(name: str) -> None:
    for seed in range(2):
        for target in range(RECIPES[name].targets):
            video, facts = film(RECIPES[name], seed, frames=8, kind="star", target=target)
            index = video.scene.targets[target]
            fitting = [
                i
                for i, layer in enumerate(video.scene.layers)
                if layer.traits and wording.fits(facts.mentioned, layer.traits)
            ]
            assert fitting == [index]
            words = facts.sentence.split()
            assert "star" in words and facts.mentioned.colour in words and len(words) <= 16
            assert facts.mentioned.direction is None or facts.mentioned.direction in words


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_first_frame_shows_the_targets_whole(name: str) -> None:
    for seed in range(2):
        video, facts = film(RECIPES[name], seed, frames=8)
        assert (video.seen[:, 0] > 0.97).all()
        assert 30 <= facts.boxes[0, 2:].max() <= 128


@pytest.mark.parametrize("seed", range(2))
def test_a_night_begins_in_the_dark_and_is_over_after_a_third(seed: int) -> None:
    day, facts = film(RECIPES["wander"], seed, frames=9)
    night, same = film(replace(RECIPES["wander"], night=True), seed, frames=9)
    assert night.images[0].mean() < 0.1 * day.images[0].mean() and night.images[0].std() < 8
    assert all(abs(a.mean() - b.mean()) < 1 for a, b in zip(night.images[3:], day.images[3:], strict=True))
    assert (facts.boxes == same.boxes).all() and facts.sentence == same.sentence


def test_what_moves_is_said_in_the_right_direction() -> None:
    moved = np.array([[100.0, 50, 20, 20], [60, 52, 20, 20], [10, 50, 20, 20]])
    assert wording.direction(moved, 40) == "left" and wording.direction(moved[::-1], 40) == "right"
    assert wording.direction(moved[:, [1, 0, 2, 3]], 40) == "up"
    assert wording.direction(moved, 95) is None
    assert wording.direction(moved[[0, 2, 0, 1]], 20) is None


def test_two_equal_objects_cannot_be_told_apart() -> None:
    twin = Traits("red", "plain", "disc", "left")
    with pytest.raises(ValueError, match="disc"):
        wording.mention(twin, [twin])
    assert wording.mention(twin, [Traits("red", "plain", "disc", "right")], brief=True).direction == "left"


def test_boxes_outside_keep_a_strip_at_the_edge() -> None:
    boxes = held(np.array([[-80.0, 20, 40, 40], [330, 250, 40, 40], [10, 10, 20, 20], [-10, 5, 40, 20]]), SIZE)
    assert boxes.tolist() == [[0, 20, 4, 40], [316, 236, 4, 4], [10, 10, 20, 20], [0, 5, 30, 20]]


@pytest.mark.parametrize("kind", shapes.KINDS)
def test_a_mask_fills_the_outline(kind: str) -> None:
    points = shapes.outline(kind)
    assert np.ptp(points, axis=0).max() == pytest.approx(1)
    x, y = points.T
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    assert shapes.mask(points, 80).sum() == pytest.approx(area * shapes.inner(80) ** 2, rel=0.03)
