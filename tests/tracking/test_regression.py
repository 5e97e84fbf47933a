"""Box regression against a ridge worked by hand, and against scikit-learn's."""

import numpy as np
import pytest
import torch

from dat.regions import boxes
from dat.tracking.mdnet.regression import BoxRegressor, from_offsets, into_frame, overlaps, ridge, to_offsets

TARGET = torch.tensor([50.0, 40.0, 20.0, 30.0])


def test_a_ridge_by_hand():
    x, y = torch.tensor([[-1.0], [0.0], [1.0]]), torch.tensor([[0.0], [1.0], [5.0]])
    weights, intercept = ridge(x, y, alpha=3.0)
    # centred: sum x y = 5, sum x^2 = 2, so the slope is 5 / (2 + 3) = 1; the intercept is the mean, 2
    assert weights.item() == pytest.approx(1.0)
    assert intercept.item() == pytest.approx(2.0)


@pytest.mark.parametrize("shape", [(40, 7), (12, 50)])
def test_the_ridge_is_scikit_learns(shape):
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(shape) + 3, rng.standard_normal((shape[0], 4))
    theirs = linear_model.Ridge(alpha=10.0).fit(x, y)
    weights, intercept = ridge(torch.from_numpy(x), torch.from_numpy(y), 10.0)
    assert weights.T.numpy() == pytest.approx(theirs.coef_, abs=1e-10)
    assert intercept.numpy() == pytest.approx(theirs.intercept_, abs=1e-10)


def test_offsets_turn_a_box_into_the_target_and_back():
    sample = torch.tensor([[45.0, 42.0, 26.0, 33.0]])
    offsets = to_offsets(sample, TARGET)
    assert offsets[0].tolist() == pytest.approx([2 / 26, -3.5 / 33, np.log(20 / 26), np.log(30 / 33)], abs=1e-6)
    assert from_offsets(sample, offsets)[0].tolist() == pytest.approx(TARGET.tolist(), abs=1e-4)


def test_overlap_on_the_device_is_the_overlap_of_the_package():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 60, (50, 4)), rng.uniform(1, 60, (50, 4))
    assert overlaps(torch.from_numpy(a), torch.from_numpy(b)).numpy() == pytest.approx(boxes.overlap(a, b))


def samples(n=80):
    """Boxes around the target, and features that tell their offsets."""
    rng = np.random.default_rng(1)
    around = TARGET.numpy() + rng.uniform(-3, 3, (n, 4)) + [-1.5, -1.5, 3, 3]
    found = torch.from_numpy(around.astype(np.float32))
    return found, to_offsets(found, TARGET) * 10


def test_regression_moves_boxes_to_the_target():
    found, features = samples()
    regressor = BoxRegressor((200, 200), alpha=0.01, checked=False)
    regressor.fit(features, found, TARGET)
    before = overlaps(found, TARGET.expand_as(found)).mean()
    after = overlaps(regressor.predict(features, found), TARGET.expand_as(found))
    assert after.min() > 0.97 > before


def test_only_samples_that_overlap_and_are_no_smaller_are_learnt_from():
    found, features = samples()
    strange = torch.tensor([[50.0, 40.0, 10.0, 15.0], [150.0, 40.0, 20.0, 30.0]])
    one, two = (BoxRegressor((200, 200), 0.01, False) for _ in range(2))
    one.fit(features, found, TARGET)
    two.fit(torch.cat([features, 9 * torch.ones(2, 4)]), torch.cat([found, strange]), TARGET)
    assert torch.equal(one.predict(features, found), two.predict(features, found))


def test_a_checked_correction_can_only_shrink_the_box():
    found, features = samples()
    regressor = BoxRegressor((200, 200), alpha=0.01, checked=True)
    regressor.fit(features, found, TARGET)
    small = torch.tensor([[52.0, 43.0, 16.0, 24.0]])
    told = to_offsets(small, TARGET) * 10
    assert torch.equal(regressor.predict(told, small), small)
    assert overlaps(regressor.predict(features, found), TARGET.expand_as(found)).mean() > 0.9


def test_an_overlap_of_exactly_three_fifths_is_enough():
    moved, target = torch.tensor([[10.0, 10, 8, 8]] * 2), torch.tensor([12.0, 10, 8, 8])
    assert overlaps(moved, target.expand_as(moved)).tolist() == pytest.approx([0.6] * 2)  # 48 of 80
    regressor = BoxRegressor((200, 200), alpha=1.0, checked=True)
    regressor.fit(torch.zeros(2, 3), moved, target)
    assert regressor.predict(torch.zeros(2, 3), moved).tolist() == [target.tolist()] * 2
    further, idle = moved - torch.tensor([0.1, 0, 0, 0]), BoxRegressor((200, 200), alpha=1.0, checked=True)
    idle.fit(torch.zeros(2, 3), further, target)
    assert torch.equal(idle.predict(torch.zeros(2, 3), further), further)


def test_an_idle_regressor_leaves_boxes_as_they_are():
    regressor = BoxRegressor((200, 200))
    regressor.fit(torch.zeros(0, 4), torch.zeros(0, 4), TARGET)
    assert torch.equal(regressor.predict(torch.zeros(1, 4), TARGET[None]), TARGET[None])


def test_boxes_end_in_the_frame_with_a_pixel_left():
    got = into_frame(torch.tensor([[-10.0, 5.0, 30.0, 10.0], [500.0, 5.0, 30.0, 10.0]]), (100, 50))
    assert got.tolist() == [[0, 5, 20, 10], [99, 5, 1, 10]]
