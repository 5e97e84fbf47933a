"""Features in both modes: the shared map holds what crops give, and boxes between its cells come close."""

import numpy as np
import pytest
import torch

from dat import boxes
from dat.datasets.sampling import BoxSampler
from dat.tracking.features import CONTEXT, SIZE, Features, scene_of
from dat.tracking.tracker import Tracker
from tests.unit.tracking_parts import salnet, settings, video

FRAMES, TRUTH = video(count=8)
IMAGE = torch.from_numpy(FRAMES[0]).permute(2, 0, 1)
REFERENCE = (18.0, 24.0)


def test_boxes_on_the_maps_cells_have_exactly_their_crops_features():
    step = np.array(REFERENCE) * CONTEXT / SIZE
    places = [[20 + 8 * i * step[0], 30 + 8 * j * step[1], *REFERENCE] for i in range(3) for j in range(3)]
    found = np.array(places, np.float32)
    shared, crops = Features(salnet(), "shared", 128.0), Features(salnet(), "crops", 128.0)
    assert torch.allclose(shared(IMAGE, found, REFERENCE), crops(IMAGE, found), atol=2e-3)


def test_boxes_between_the_cells_have_features_like_their_crops():
    found = BoxSampler("gaussian", (120, 90), 0.6, 1.05).draw((20, 30, 18, 24), 100, np.random.default_rng(0))
    crops = Features(salnet(), "crops", 128.0)(IMAGE, found)
    shared = Features(salnet(), "shared", 128.0)(IMAGE, found, REFERENCE)
    apart = (crops - crops.roll(1, 0)).norm(dim=1)
    assert ((crops - shared).norm(dim=1) < apart).float().mean() > 0.95


def test_a_scene_holds_all_boxes_with_their_context():
    found = BoxSampler("uniform", (120, 90), 1.5, 1.2).draw((20, 30, 18, 24), 100, np.random.default_rng(0))
    start, step, (high, wide) = scene_of(found, REFERENCE)
    half = found[:, 2:] * CONTEXT / 2
    centres = boxes.centre(found)
    assert ((centres - half).min(0) >= np.array(start) - 1e-3).all()
    assert ((centres + half).max(0) <= np.array(start) + np.array(step) * [wide, high]).all()


def test_without_a_reference_or_in_a_vast_scene_boxes_are_cut_in_crops():
    found = np.array([[20, 30, 18, 24], [90, 60, 18, 24]], np.float32)
    own, crops = Features(salnet(), "shared", 128.0), Features(salnet(), "crops", 128.0)(IMAGE, found)
    assert torch.equal(own(IMAGE, found), crops)
    assert torch.equal(own(IMAGE, found, (0.5, 0.5)), crops)


@pytest.mark.parametrize("fill", [128.0, (128.0, 0.0, 0.0)])
def test_outside_the_image_both_modes_see_the_fill(fill):
    found = np.array([[-200, -200, *REFERENCE]], np.float32)
    shared, crops = Features(salnet(), "shared", fill), Features(salnet(), "crops", fill)
    assert torch.allclose(shared(IMAGE, found, REFERENCE), crops(IMAGE, found), atol=2e-3)


def test_a_target_is_followed_by_shared_features():
    tracker = Tracker(settings(features="shared"), salnet(), None, "clip", 0)
    tracker.init(FRAMES[0], TRUTH[0])
    got = np.array([TRUTH[0], *(tracker.update(frame) for frame in FRAMES[1:])])
    assert boxes.overlap(got, TRUTH).mean() > 0.6
