"""Samples against the numbers of MDNet, and what must hold of any sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dat.regions import boxes
from dat.regions.sampling import BoxSampler
from dat.tracking.mdnet.generations import GENERATIONS, Samplers

BOX = (200.0, 150.0, 60.0, 90.0)
SIZE = (640, 480)


class Counting:
    """A source of random numbers that remembers what was asked of it."""

    def __init__(self):
        self.calls, self.rng = [], np.random.default_rng(0)

    def standard_normal(self, size):
        self.calls.append(("normal", size))
        return self.rng.standard_normal(size)

    def random(self, size):
        self.calls.append(("uniform", size))
        return self.rng.random(size)

    def permutation(self, x):
        self.calls.append(("permutation", x))
        return self.rng.permutation(x)


def shares(samples, box=BOX):
    return boxes.overlap(samples, np.broadcast_to(np.asarray(box, float), samples.shape))


def test_gaussian_samples_have_the_published_spread():
    samples = BoxSampler("gaussian", SIZE, 0.6, 1.05).draw(BOX, 20_000, np.random.default_rng(1))
    shift = boxes.centre(samples) - boxes.centre(np.array([BOX]))
    assert np.abs(shift).max() == pytest.approx(0.6 * 75, rel=1e-4)
    assert shift.std() == pytest.approx(0.480 * 0.6 * 75, rel=0.02)


def test_gaussian_samples_keep_the_aspect():
    samples = BoxSampler("gaussian", SIZE, 0.1, 1.3).draw(BOX, 500, np.random.default_rng(1))
    assert samples[:, 2] / samples[:, 3] == pytest.approx(60 / 90, rel=1e-5)
    assert samples[:, 2].max() <= 60 * 1.3 + 1e-3 and samples[:, 2].min() >= 60 / 1.3 - 1e-3


def test_one_hand_worked_draw():
    class Fixed(Counting):
        def standard_normal(self, size):
            return np.full(size, 1.0)

    sample = BoxSampler("gaussian", SIZE, 0.1, 1.2).draw(BOX, 1, Fixed())[0]
    w, h = 60 * 1.2**0.5, 90 * 1.2**0.5
    expected = [230 + 0.1 * 75 * 0.5 - w / 2, 195 + 0.1 * 75 * 0.5 - h / 2, w, h]
    assert sample == pytest.approx(expected, abs=1e-4)


def test_reciprocal_aspect_keeps_the_area_and_an_independent_one_does_not():
    areas = []
    for reciprocal in (True, False):
        sampler = BoxSampler("uniform", SIZE, 0.3, 1.0, aspect=1.1, reciprocal=reciprocal)
        samples = sampler.draw(BOX, 300, np.random.default_rng(2))
        areas.append(samples[:, 2] * samples[:, 3] / (60 * 90))
    assert areas[0] == pytest.approx(1, rel=1e-5)
    assert areas[1].max() > 1.1


def test_random_numbers_are_asked_in_the_published_order():
    rng = Counting()
    BoxSampler("gaussian", SIZE, 0.1, 1.3).draw(BOX, 1000, rng)
    BoxSampler("uniform", SIZE, 0.3, 1.6, aspect=1.1, reciprocal=False).draw(BOX, 2000, rng)
    BoxSampler("uniform", SIZE, 1.0, 2.0, aspect=1.1).draw(BOX, 10, rng)
    BoxSampler("whole", SIZE).draw(BOX, 5000, rng)
    assert rng.calls == [
        ("normal", (1000, 2)),
        ("normal", (1000, 1)),
        ("uniform", (2000, 2)),
        ("uniform", (2000, 2)),
        ("uniform", (2000, 1)),
        ("uniform", (10, 1)),
        ("uniform", (10, 2)),
        ("uniform", (10, 1)),
        ("permutation", 19_881),
        ("uniform", (5000, 1)),
    ]


def test_a_filtered_draw_asks_for_twice_four_and_eight_times_what_is_missing():
    rng = Counting()
    got = BoxSampler("uniform", SIZE, 2.0, 1.0).within(BOX, 10, rng, overlap=(0.999, 1.0))
    assert [size[0] for kind, size in rng.calls] == [20, 20, 40, 40, 80, 80]
    assert len(got) == 0


def test_negatives_are_mostly_accepted_as_measured_for_mdnet():
    rng = np.random.default_rng(3)
    first = shares(BoxSampler("uniform", SIZE, 1, 1.6).draw(BOX, 20_000, rng))
    update = shares(BoxSampler("uniform", SIZE, 2, 1.3).draw(BOX, 20_000, rng))
    assert (first <= 0.5).mean() == pytest.approx(0.96, abs=0.01)
    assert (update <= 0.3).mean() == pytest.approx(0.96, abs=0.01)


def test_box_regression_samples_are_as_scarce_as_published():
    sampler = BoxSampler("uniform", SIZE, 0.3, 1.5, aspect=1.1)
    drawn = sampler.draw(BOX, 20_000, np.random.default_rng(4))
    area = drawn[:, 2] * drawn[:, 3] / (60 * 90)
    accepted = (shares(drawn) >= 0.6) & (area >= 1) & (area <= 2)
    assert accepted.mean() == pytest.approx(0.105, abs=0.01)
    kept = [len(sampler.within(BOX, 1000, np.random.default_rng(k), (0.6, 1), area=(1, 2))) for k in range(9)]
    assert np.mean(kept) == pytest.approx(930, abs=15)


def test_whole_samples_reach_over_the_frame():
    samples = BoxSampler("whole", SIZE).draw(BOX, 400, np.random.default_rng(5))
    assert samples[:, 0].min() == 0 and samples[:, 1].min() == 0
    centres = boxes.centre(samples)
    assert centres[:, 0].max() > SIZE[0] - 30 and centres[:, 1].max() > SIZE[1] - 30
    assert (samples[:, 2:] == np.float32([60, 90])).all()


box_strategy = st.tuples(st.floats(-50, 300), st.floats(-50, 200), st.floats(0.5, 400), st.floats(0.5, 400))


@settings(deadline=None, max_examples=60)
@given(
    box=box_strategy,
    kind=st.sampled_from(["gaussian", "uniform", "whole"]),
    valid=st.booleans(),
    size=st.tuples(st.integers(12, 320), st.integers(12, 240)),
)
def test_every_sample_is_finite_not_too_small_and_has_its_centre_in_the_frame(box, kind, valid, size):
    samples = BoxSampler(kind, size, 1.5, 2.0, aspect=1.2, valid=valid).draw(box, 64, np.random.default_rng(0))
    assert samples.shape == (64, 4) and samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert (samples[:, 2:] >= np.minimum(10, size) - 1e-3).all()
    centres = boxes.centre(samples)
    assert (centres >= -1e-3).all() and (centres <= np.array(size) + 1e-3).all()


@settings(deadline=None, max_examples=40)
@given(low=st.floats(0, 0.9), width=st.floats(0.05, 0.5), seed=st.integers(0, 99))
def test_filtered_samples_lie_in_the_range(low, width, seed):
    bounds = (low, min(low + width, 1))
    got = BoxSampler("uniform", SIZE, 0.5, 1.5).within(BOX, 30, np.random.default_rng(seed), overlap=bounds)
    assert len(got) <= 30
    assert ((shares(got) >= bounds[0]) & (shares(got) <= bounds[1])).all()


def test_the_same_numbers_give_the_same_boxes():
    sampler = BoxSampler("gaussian", SIZE, 0.6, 1.05, valid=True)
    a, b = (sampler.draw(BOX, 256, np.random.default_rng(7)) for _ in range(2))
    assert (a == b).all()


def around(kind, translation, scale, aspect=None, reciprocal=True):
    """A sampler of boxes whose shortest side is 10."""
    return BoxSampler(kind, SIZE, translation, scale, aspect, least=10.0, reciprocal=reciprocal)


def test_samples_are_those_of_mdnets_release_of_2017():
    own, samplers = GENERATIONS["v1"], Samplers(GENERATIONS["v1"], SIZE, 10.0)
    assert samplers.positives(first=True) == samplers.positives(first=False) == around("gaussian", 0.1, 1.2)
    assert samplers.near_negatives() == around("uniform", 1.0, 2.0, 1.1)
    assert samplers.whole_negatives() == around("whole", 1.0, 1.2, 1.1)
    assert samplers.update_negatives() == around("uniform", 1.5, 1.2)
    assert samplers.regression(1.5) == around("uniform", 0.3, 1.5, 1.1)
    assert (own.growth, own.whole_first, own.area_at_sampling, own.fill) == (0, False, True, 128)


def test_samples_are_those_of_mdnets_release_of_2019():
    own, samplers = GENERATIONS["v2"], Samplers(GENERATIONS["v2"], SIZE, 10.0)
    assert samplers.positives(first=True) == samplers.positives(first=False)
    assert samplers.positives(first=True) == around("gaussian", 0.1, 1.3, reciprocal=False)
    assert samplers.near_negatives() == around("uniform", 1.0, 1.6, reciprocal=False)
    assert samplers.whole_negatives() == around("whole", 1.0, 1.0, reciprocal=False)
    assert samplers.update_negatives() == around("uniform", 2.0, 1.3, reciprocal=False)
    assert samplers.regression(1.6) == around("uniform", 0.3, 1.6, 1.1, reciprocal=False)
    assert (own.growth, own.whole_first, own.area_at_sampling, own.fill) == (1.1, True, False, (128, 0, 0))


@pytest.mark.parametrize("name", ["v1", "v2"])
def test_both_releases_sort_samples_by_the_same_overlaps_and_areas(name):
    own = GENERATIONS[name]
    assert (own.positive_overlap, own.first_negative_overlap) == ((0.7, 1), (0, 0.5))
    assert own.update_negative_overlap == (0, 0.3)
    assert (own.regression_overlap, own.regression_area) == ((0.6, 1), (1, 2))
