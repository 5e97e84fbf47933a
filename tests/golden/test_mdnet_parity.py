"""The tracker in MDNet's 2019 settings against the plain reading of it: same weights, frames and random numbers."""

import cv2
import numpy as np
import pytest
import torch

from benchmarks import bench_track
from benchmarks.reference_mdnet import PlainSampler, PlainTracker, crop
from dat.models.salnet import OnlineHead
from dat.regions.sampling import BoxSampler
from dat.tracking.mdnet.tracker import MDNetTracker
from tests.parts.tracking_parts import video

WIDTH, FRAMES = 0.06, 14


@pytest.fixture(scope="module")
def runs():
    """Both trackers over one clip that the target leaves, so that there are long and short updates."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    frames, truth = video(count=FRAMES, width=160)
    noise = np.random.default_rng(5).integers(0, 140, (2, *frames[0].shape)).astype(np.uint8)
    frames[-2:] = [cv2.GaussianBlur(frame, (0, 0), 3) for frame in noise]
    own = bench_track.settings(WIDTH)
    first = own.first.model_copy(update={"positives": 100, "negatives": 300})
    own = own.model_copy(update={"first": first})
    seeds = np.random.SeedSequence(MDNetTracker(own, bench_track.network(WIDTH)).entropy).spawn(4)
    samples, local, _, weights = (np.random.default_rng(seed) for seed in seeds)
    head = OnlineHead(bench_track.network(WIDTH), torch.Generator().manual_seed(int(weights.integers(2**62))))
    plain = PlainTracker(own, bench_track.network(WIDTH), head, samples, local)
    plain.float_crops = True
    ours = MDNetTracker(own, bench_track.network(WIDTH))
    yield plain, ours, follow(plain, frames, truth), follow(ours, frames, truth)
    torch.set_num_threads(before)


def follow(tracker, frames, truth):
    """The boxes, and the first layer's weights after the first frame."""
    tracker.init(frames[0], truth[0])
    layers = tracker.network.fc if isinstance(tracker, PlainTracker) else tracker.classifier.head
    learnt = next(layers.parameters()).detach().clone()
    found = []
    for frame in frames[1:]:
        tracker.update(frame)
        found.append(tracker.box.copy())
    return np.array(found), learnt


def test_the_weights_after_fifty_iterations_are_the_same(runs):
    _, _, (_, theirs), (_, own) = runs
    assert ((own - theirs).norm() / theirs.norm()).item() < 1e-4


def test_all_boxes_are_the_same_through_long_and_short_updates(runs):
    plain, ours, (theirs, _), (own, _) = runs
    assert ours.lost and plain.frame == FRAMES - 1
    assert own == pytest.approx(theirs, abs=0.01)


def test_the_weights_after_all_updates_are_the_same(runs):
    plain, ours, _, _ = runs
    for theirs, own in zip(plain.network.fc.parameters(), ours.classifier.head.parameters(), strict=True):
        assert ((own - theirs).norm() / theirs.norm()).item() < 1e-3


def test_features_and_box_regression_are_the_same(runs):
    plain, ours, _, _ = runs
    frames, truth = video(count=1, width=160)
    around = BoxSampler("gaussian", (160, 90), 0.2, 1.1).draw(truth[0], 20, np.random.default_rng(0))
    theirs = plain.features(frames[0], around)
    own = ours._features(ours._scene(frames[0]), around)
    assert torch.allclose(own, theirs, rtol=1e-4, atol=1e-4 * theirs.abs().max().item())
    corrected = ours.regressor.predict(own, torch.from_numpy(around)).numpy()
    assert corrected == pytest.approx(plain.regress(theirs, around.astype(float)), abs=1e-2)


@pytest.mark.parametrize(
    ("kind", "translation", "scale", "aspect"),
    [("gaussian", 0.6, 1.05, None), ("uniform", 2, 1.3, None), ("uniform", 0.3, 1.6, 1.1), ("whole", 1, 1, None)],
)
def test_samples_are_the_same_from_the_same_numbers(kind, translation, scale, aspect):
    size, box = (320, 240), (100.0, 80.0, 40.0, 60.0)
    own = BoxSampler(kind, size, translation, scale, aspect, reciprocal=False)
    theirs = PlainSampler(kind, size, translation, scale, aspect)
    one, two = (np.random.RandomState(123) for _ in range(2))
    assert own.draw(box, 200, one) == pytest.approx(theirs.draw(box, 200, two), abs=1e-4)


def test_a_crop_is_grey_or_red_outside_as_in_the_public_code():
    image = np.zeros((50, 50, 3), np.uint8)
    assert crop(image, (500, 500, 10, 10), (128, 0, 0))[0, 0].tolist() == [128, 0, 0]
