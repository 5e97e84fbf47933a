"""CSR-DCF on made-up videos: motion, zoom, grey frames, odd boxes, attention, and the same bits twice."""

import cv2
import numpy as np
import pytest

from dat.base import params
from dat.base.errors import InputError
from dat.fanout import run
from dat.regions import boxes
from dat.tracking.csrdcf.tracker import CsrDcf
from tests.fanout.test_run import job
from tests.parts.tracking_parts import ROOT, unit_folder

OWN = params.load(ROOT).root.csrdcf


def texture(seed, height, width, blur=2.0):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), blur), None, 0, 255, cv2.NORM_MINMAX)


def moved(places, size=(48, 40), scales=None, colour=(255, 120, 60)):
    """Frames with a textured target around each place (x, y), drawn between pixels, and its boxes."""
    ground, target = texture(0, 200, 260) // 2, texture(1, size[1], size[0])
    target = (0.5 * target + 0.5 * np.array(colour)).astype(np.uint8)
    frames, truth = [], []
    for index, (x, y) in enumerate(places):
        scale = 1.0 if scales is None else scales[index]
        w, h = size[0] * scale, size[1] * scale
        shift = np.array([[scale, 0, x - w / 2 + (scale - 1) / 2], [0, scale, y - h / 2 + (scale - 1) / 2]])
        drawn = cv2.warpAffine(target, shift, (260, 200))
        alpha = cv2.warpAffine(np.ones(target.shape, np.float32), shift, (260, 200))
        frames.append((ground * (1 - alpha) + drawn * alpha).round().astype(np.uint8))
        truth.append((x - w / 2, y - h / 2, w, h))
    return frames, np.array(truth)


def follow(frames, box, attention=None):
    tracker = CsrDcf(OWN, attention)
    tracker.init(frames[0], box, "the target")
    return tracker, np.array([box, *(tracker.update(frame) for frame in frames[1:])])


def centre_error(a, b):
    """Distances between the centres of boxes, row by row."""
    return np.linalg.norm(boxes.centre(a) - boxes.centre(b), axis=1)


@pytest.mark.parametrize(("size", "cell"), [((18, 22), 1), ((21, 20), 2), ((28, 42), 3), ((48, 40), 4), ((90, 90), 4)])
def test_a_small_target_has_small_cells(size, cell):
    """A cell's side is the target's area / 400, rounded up, and at most as the settings say."""
    frames, truth = moved([(130, 100)], size)
    tracker, _ = follow(frames, truth[0])
    assert tracker._cell == cell <= OWN.cell


def test_a_moving_texture_is_followed_between_pixels():
    places = [(90 + 3.3 * k, 80 + 2.6 * np.sin(k)) for k in range(25)]
    frames, truth = moved(places)
    tracker, got = follow(frames, truth[0])
    assert centre_error(got, truth).max() < 0.6
    assert centre_error(got, truth).mean() < 0.3
    assert 0.3 < tracker.score <= 1 and tracker.source == "local" and not tracker.lost
    assert tracker.size == (260, 200) and tracker.attention is None


@pytest.mark.parametrize("step", [1.01, 0.99])
def test_a_zoom_is_followed_by_the_scale_filter(step):
    scales = [step**k for k in range(30)]
    frames, truth = moved([(130, 100)] * 30, scales=scales)
    _, got = follow(frames, truth[0])
    assert got[-1, 2] / truth[0, 2] == pytest.approx(scales[-1], rel=0.06)
    assert boxes.overlap(got, truth).min() > 0.8


def test_grey_frames_are_followed_without_a_mask_of_colours():
    frames, truth = moved([(90 + 3 * k, 80) for k in range(12)])
    grey = [np.repeat(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None], 3, 2) for frame in frames]
    tracker, got = follow(grey, truth[0])
    assert boxes.overlap(got, truth).min() > 0.9
    assert len(tracker._weights) == 19 and tracker._histograms is None
    colour, _ = follow(frames[:1], truth[0])
    assert len(colour._weights) == 29


@pytest.mark.parametrize(
    "box",
    [(100, 80, 1, 1), (100, 80, 3, 60), (100, 80, 90, 2), (-60, -50, 400, 320), (0, 0, 260, 200), (-10, 150, 40, 90),
     (240.5, 180.2, 60, 60), (100, 80, 0.5, 0.5)],
)  # fmt: skip
def test_odd_boxes_give_finite_boxes_around_the_frame(box):
    frames, _ = moved([(100 + 2 * k, 90) for k in range(4)])
    _, got = follow(frames, np.array(box, float))
    assert np.isfinite(got).all() and (got[1:, 2:] > 0).all()
    middles = boxes.centre(got[1:])
    assert (middles >= 0).all() and (middles <= (260, 200)).all()


def test_frames_without_any_picture_do_no_harm():
    frames, truth = moved([(100, 90)] * 3)
    _, got = follow([frames[0], frames[0] * 0, frames[0] * 0 + 200, frames[1]], truth[0])
    assert np.isfinite(got).all()
    _, flat = follow([np.full_like(frames[0], value) for value in (20, 25, 30)], truth[0])
    assert np.isfinite(flat).all()
    assert flat[:, 2:] == pytest.approx(np.tile(truth[0, 2:], (3, 1))), "nothing to see says nothing of the size"


def test_a_frame_that_comes_twice_changes_nothing():
    frames, truth = moved([(100 + 2 * k, 90) for k in range(4)])
    plain, once = follow(frames, truth[0])
    doubled, twice = follow([frame for frame in frames for _ in (0, 1)], truth[0])
    assert (twice[1::2] == twice[::2]).all() and (twice[::2] == once).all()
    assert (plain._filters == doubled._filters).all()


def test_the_same_bits_twice_and_after_another_start():
    frames, truth = moved([(90 + 3 * k, 80 + k) for k in range(8)])
    tracker, first = follow(frames, truth[0])
    np.random.seed(3)
    tracker.init(frames[-1], truth[-1])
    tracker.init(frames[0], truth[0])
    again = np.array([truth[0], *(tracker.update(frame) for frame in frames[1:])])
    assert (first == again).all()


class Light:
    """An attention that follows prepared boxes, a map of half the frame's size."""

    def __init__(self, shown):
        self.shown, self.at, self.said = shown, 0, None

    def start(self, image, box, sentence):
        self.said = sentence

    def map(self, image):
        found = np.zeros((image.shape[0] // 2, image.shape[1] // 2), np.float32)
        x, y, w, h = (round(value / 2) for value in self.shown[self.at])
        found[y : y + h, x : x + w] = 1
        self.at += 1
        return found


def test_attention_is_one_more_channel_that_counts():
    frames, truth = moved([(90 + 3 * k, 80) for k in range(8)])
    light = Light(truth)
    tracker, got = follow(frames, truth[0], light)
    assert len(tracker._weights) == 30 and tracker.attention.shape == (100, 130) and light.said == "the target"
    assert boxes.overlap(got, truth).min() > 0.85
    _, without = follow(frames, truth[0])
    assert (got[1:] != without[1:]).any()
    rows, columns = tracker._grid
    seen = tracker._attended()
    assert seen[rows // 2, columns // 2] == 1 and seen[0, 0] == 0


def test_attention_is_cut_where_the_filter_looks_whatever_the_maps_size():
    """The map has a fifth of the frame's columns and half of its rows; it shines on the target alone."""
    frames, truth = moved([(90 + 4 * k, 80 + 3 * k) for k in range(4)])

    class Narrow(Light):
        def map(self, image):
            x, y, w, h = self.shown[self.at].astype(int)  # whole numbers here
            whole = np.zeros(image.shape[:2], np.float32)
            whole[y : y + h, x : x + w] = 1
            self.at += 1
            return cv2.resize(whole, (52, 100), interpolation=cv2.INTER_AREA)

    tracker, _ = follow(frames, truth[0], Narrow(truth))
    seen, step = tracker._attended(), tracker._side() / tracker._grid[0]
    off = truth[-1, :2] + truth[-1, 2:] / 2 - tracker._centre
    for axis, pixels, away in ((0, truth[-1, 2], off[0]), (1, truth[-1, 3], off[1])):
        along = seen.sum(axis)
        places = (np.arange(len(along)) + 0.5) * step - tracker._side() / 2
        assert np.average(places, weights=along) == pytest.approx(away, abs=0.5)
        assert along.sum() / along.max() * step == pytest.approx(pixels, rel=0.1)


def test_the_channels_weights_move_by_their_rate():
    frames, truth = moved([(90 + 3 * k, 80) for k in range(2)])

    def weights(rate):
        tracker = CsrDcf(OWN.model_copy(update={"weight_rate": rate}))
        tracker.init(frames[0], truth[0])
        first = tracker._weights.copy()
        tracker.update(frames[1])
        return first, tracker._weights

    (first, kept), (_, new), (_, some) = (weights(rate) for rate in (0.0, 1.0, 0.25))
    np.testing.assert_array_equal(first, kept)
    assert np.abs(new - first).max() > 0.001
    np.testing.assert_allclose(some, 0.75 * first + 0.25 * new, rtol=1e-12)


def test_the_histograms_of_colours_move_by_their_rate():
    frames, truth = moved([(90 + 9 * k, 80) for k in range(2)])

    def histograms(rate):
        segmentation = OWN.segmentation.model_copy(update={"rate": rate})
        tracker = CsrDcf(OWN.model_copy(update={"segmentation": segmentation}))
        tracker.init(frames[0], truth[0])
        first = tracker._histograms
        tracker.update(frames[1])
        return np.array(first), np.array(tracker._histograms)

    (first, kept), (_, new), (_, some) = (histograms(rate) for rate in (0.0, 1.0, 0.25))
    np.testing.assert_array_equal(first, kept)
    assert (np.abs(new - first).reshape(2, -1).max(1) > 0.0001).all()
    np.testing.assert_allclose(some, 0.75 * first + 0.25 * new, rtol=1e-6, atol=1e-9)


def test_attention_alone_pulls_the_filter_to_where_it_shines():
    """The picture shows nothing: only the map tells that the target moved."""
    frames, truth = moved([(90 + 4 * k, 80) for k in range(5)])
    blank = [np.full_like(frames[0], 90 + index) for index in range(5)]
    _, got = follow(blank, truth[0], Light(truth))
    assert centre_error(got, truth).max() < 2
    _, without = follow(blank, truth[0])
    assert centre_error(without, truth)[-1] > 10


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return unit_folder(tmp_path_factory.mktemp("csrdcf"))


def test_a_unit_without_a_salnet_is_csrdcfs(place, tmp_path):
    facts = run.run(job(place, tmp_path / "a", salnet=None, gpgnet=None), "cpu")
    found = np.loadtxt(tmp_path / "a" / "Clip.txt", delimiter=",") - [1, 1, 0, 0]
    assert boxes.overlap(found, place[1]).min() > 0.6 and facts["sources"] == ["local"] * 6
    run.run(job(place, tmp_path / "b", salnet=None, gpgnet=None, seed=9), "cpu")
    assert (tmp_path / "a" / "Clip.txt").read_bytes() == (tmp_path / "b" / "Clip.txt").read_bytes()
    run.run(job(place, tmp_path / "c", salnet=None), "cpu")
    assert (tmp_path / "a" / "Clip.txt").read_bytes() != (tmp_path / "c" / "Clip.txt").read_bytes()


def test_vots_repetitions_of_csrdcf_are_the_same(place, tmp_path):
    facts = run.run(job(place, tmp_path, protocol="vot", origin=0, salnet=None, gpgnet=None), "cpu")
    one, two = (path.read_bytes() for path in sorted(tmp_path.rglob("*.txt")))
    assert one == two and facts["001"] == facts["002"]


@pytest.mark.parametrize("box", [(10, 10, 0, 5), (300, 10, 20, 20), (10, 10, float("nan"), 5)])
def test_a_box_that_cannot_be_followed_is_refused(box):
    with pytest.raises(InputError, match=r"CSR-DCF: box "):
        CsrDcf(OWN).init(np.zeros((200, 260, 3), np.uint8), box)


def test_a_frame_of_another_size_is_refused():
    frames, truth = moved([(130, 100)])
    tracker, _ = follow(frames, truth[0])
    with pytest.raises(InputError, match=r"CSR-DCF: 130x200 pixels, the first frame had 260x200"):
        tracker.update(frames[0][:, :130])
