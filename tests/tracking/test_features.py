"""Features in both modes: the shared map holds what crops give, and boxes between its cells come close."""

from itertools import product

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from dat.models import exactness, vggm
from dat.regions import boxes
from dat.regions.sampling import BoxSampler
from dat.tracking.mdnet.features import CONTEXT, LEAST, PHASES, SIZE, Features, scene_of
from dat.tracking.mdnet.tracker import MDNetTracker
from tests.parts.tracking_parts import salnet, settings, video

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


@pytest.mark.parametrize(("scale", "least"), [(0.5, 0.85), (0.7, 0.85), (1.4, 0.75), (2.0, 0.65)])
def test_boxes_of_other_sizes_are_seen_at_their_own_scale(scale, least):
    """At the reference's scale, a box twice as large would show its middle only: a cosine of about .4."""
    middles = np.array([29, 42]) + np.random.default_rng(0).uniform(-8, 8, (60, 2))
    sides = np.array(REFERENCE) * scale
    found = np.column_stack([middles - sides / 2, np.tile(sides, (60, 1))]).astype(np.float32)
    crops, own = Features(salnet(), "crops", 128.0)(IMAGE, found), Features(salnet(), "shared", 128.0)
    at_reference = own.shared(IMAGE, torch.from_numpy(found), *scene_of(found, REFERENCE))
    like, before = (alike(features, crops) for features in (own(IMAGE, found, REFERENCE, first=True), at_reference))
    assert like > least and like > before + 0.1


def alike(one, other):
    """The mean cosine of rows, less the mean row."""
    return float(torch.nn.functional.cosine_similarity(one - other.mean(0), other - other.mean(0)).mean())


def test_features_keep_the_order_of_boxes_of_several_scales_and_phases():
    rng = np.random.default_rng(0)
    found = np.column_stack(
        [rng.uniform(10, 60, (90, 2)), np.tile(REFERENCE, (90, 1)) * 2 ** rng.uniform(-1, 1, (90, 1))]
    )
    found = found.astype(np.float32)
    own, crops = Features(salnet(), "shared", 128.0), Features(salnet(), "crops", 128.0)(IMAGE, found)
    got = own(IMAGE, found, REFERENCE, first=True)
    nearest = torch.cdist(got - crops.mean(0), crops - crops.mean(0)).argmin(1)
    assert (nearest == torch.arange(90)).float().mean() > 0.9


def test_the_first_frames_boxes_are_seen_at_all_offsets_from_the_grid():
    found = np.tile(np.array([[20, 30, *REFERENCE]], np.float32), (10 * PHASES, 1))
    found = np.concatenate([found, found + 9])
    got = Features(salnet(), "shared", 128.0)(IMAGE, found, REFERENCE, first=True)[: 10 * PHASES]
    assert len(torch.unique(got.round(decimals=3), dim=0)) == PHASES
    still = Features(salnet(), "shared", 128.0)(IMAGE, found, REFERENCE)[: 10 * PHASES]
    assert len(torch.unique(still.round(decimals=3), dim=0)) == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_target_scores_alike_in_both_modes(seed):
    """In the first frame and the next, wherever other candidates put the map's grid."""
    scores = {mode: first_scores(mode, seed) for mode in ("crops", "shared")}
    assert scores["crops"].min() > 0.8
    assert np.abs(scores["shared"] - scores["crops"]).max() < 0.2


def first_scores(mode, seed):
    """The target's scores in frames 0 and 1 among other candidates that begin at several places."""
    tracker = MDNetTracker(settings(features=mode), salnet(), None, "clip", seed)
    tracker.init(FRAMES[0], TRUTH[0])
    found = []
    for frame, offset in product((0, 1), np.linspace(0, 3, 7)):
        others = TRUTH[frame] + np.array([[-9.1 - offset, -7 - 2 * offset, 0, 0], [8, 8, 0, 0]])
        boxes = np.tile(np.concatenate([TRUTH[frame][None], others]), (4, 1)).astype(np.float32)
        image = torch.from_numpy(FRAMES[frame]).permute(2, 0, 1)
        features = tracker.classifier.prepare(tracker._features(image, boxes, (18.0, 24.0)))
        found.append(float(tracker.classifier.ranking(features)[1][0]))
    return np.array(found)


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
    found = np.array([[-200, -200, *REFERENCE]] * 9, np.float32)
    shared, crops = Features(salnet(), "shared", fill), Features(salnet(), "crops", fill)
    assert torch.allclose(shared(IMAGE, found, REFERENCE), crops(IMAGE, found), atol=2e-3)


def test_a_target_is_followed_by_shared_features():
    tracker = MDNetTracker(settings(features="shared"), salnet(), None, "clip", 0)
    tracker.init(FRAMES[0], TRUTH[0])
    got = np.array([TRUTH[0], *(tracker.update(frame) for frame in FRAMES[1:])])
    assert boxes.overlap(got, TRUTH).mean() > 0.6


@pytest.fixture
def whole(monkeypatch):
    """The way of a GPU, on the processor."""
    monkeypatch.setattr(exactness, "whole", lambda device: True)


PLACES = np.column_stack([np.linspace(0, 90, 200), np.linspace(0, 60, 200), np.tile(REFERENCE, (200, 1))])
PLACES = PLACES.astype(np.float32)


def pieces(features, count):
    """In how many pieces the two layers' responses are normalised for so many boxes."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        features(IMAGE, PLACES[:count])
    return sum(event.name == "aten::pow_" for event in profiled.events())


@pytest.mark.usefixtures("whole")
def test_a_gpu_normalises_each_layer_of_all_boxes_at_once(monkeypatch):
    """A piece is five launches of kernels; in pieces of a processor's cache they would take most of the time."""
    monkeypatch.setattr(vggm, "CHUNK", 1 << 12)
    features = Features(salnet(), "crops", 128.0)
    assert pieces(features, 200) == pieces(features, 20) == 2


FULL = [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED")]


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("error", FULL)
def test_out_of_memory_goes_on_with_fewer_boxes_at_a_time_and_says_so(capfd, error):
    features, wanted = Features(salnet(), "crops", 128.0), Features(salnet(), "crops", 128.0)(IMAGE, PLACES)
    network, taken = features.vggm, []

    def small_card(crops):
        taken.append(len(crops))
        if len(crops) > 60:
            raise error
        return network(crops)

    features.vggm = small_card
    assert torch.allclose(features(IMAGE, PLACES), wanted, atol=1e-4)
    assert taken == [200, 100, 50, 50, 50, 50]
    features(IMAGE, PLACES[:50])
    assert taken[6:] == [50]
    assert "out of memory; 50 candidates at a time from here on" in capfd.readouterr().err


@pytest.mark.usefixtures("whole")
def test_a_card_without_room_for_a_few_boxes_is_an_error():
    features, taken = Features(salnet(), "crops", 128.0), []

    def full_card(crops):
        taken.append(len(crops))
        raise torch.OutOfMemoryError("CUDA out of memory")

    features.vggm = full_card
    with pytest.raises(torch.OutOfMemoryError):
        features(IMAGE, PLACES)
    assert taken == [200, 100, 50, 25, LEAST]


@pytest.mark.usefixtures("whole")
def test_another_error_of_the_network_is_not_tried_again():
    features, taken = Features(salnet(), "crops", 128.0), []

    def wrong(crops):
        taken.append(len(crops))
        raise RuntimeError("sizes do not fit")

    features.vggm = wrong
    with pytest.raises(RuntimeError, match="sizes do not fit"):
        features(IMAGE, PLACES)
    assert taken == [200]
