"""The tracker's loop on small made-up videos."""

import numpy as np
import pytest
import torch

from dat.regions import boxes
from dat.tracking.mdnet.tracker import MDNetTracker, _quarters
from tests.parts.tracking_parts import salnet, settings, video


class Spotlight:
    """An attention that shines on one box."""

    def __init__(self, box):
        self.box = box

    def start(self, image, box, sentence):
        pass

    def map(self, image):
        found = np.zeros(image.shape[:2], np.float32)
        x, y, w, h = (int(value) for value in self.box)
        found[y : y + h, x : x + w] = 1
        return found


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def follow(frames, box, attention=None, seed=0, name="clip", repetition=0, **changes):
    tracker = MDNetTracker(settings(**changes), salnet(), attention, name, seed, repetition)
    tracker.init(frames[0], box)
    return tracker, np.array([box, *(tracker.update(frame) for frame in frames[1:])])


def test_a_moving_target_is_followed():
    frames, truth = video(count=10)
    tracker, got = follow(frames, truth[0])
    assert boxes.overlap(got, truth).mean() > 0.6
    assert 0.5 < tracker.score <= 1 and tracker.source == "local" and not tracker.lost
    assert tracker.candidates.shape == (48, 4) and tracker.attention is None


def test_boxes_depend_on_seed_name_and_repetition_and_on_nothing_else():
    frames, truth = video(count=4)
    _, first = follow(frames, truth[0])
    follow(frames[::-1], truth[-1], seed=9)
    torch.manual_seed(5)
    np.random.seed(5)
    _, again = follow(frames, truth[0])
    assert (first == again).all()
    for other in ({"seed": 1}, {"name": "other"}, {"repetition": 1}):
        assert (follow(frames, truth[0], **other)[1] != first).any()


def test_a_second_start_draws_anew():
    frames, truth = video(count=3)
    tracker, first = follow(frames, truth[0])
    tracker.init(frames[0], truth[0])
    second = np.array([truth[0], *(tracker.update(frame) for frame in frames[1:])])
    assert (second[1:] != first[1:]).any()
    assert boxes.overlap(second, truth).mean() > 0.6


def test_attention_elsewhere_does_not_move_an_ordinary_frame():
    frames, truth = video(count=6)
    _, plain = follow(frames, truth[0])
    tracker, guided = follow(frames, truth[0], Spotlight((90, 5, 18, 24)))
    assert (plain == guided).all()
    assert len(tracker.candidates) == 48 + 16 and len(tracker.regions) == 1


def lost_and_found():
    """A target that is seen on the left, then nowhere, then far on the right."""
    frames, truth = video(count=4, width=240, step=(1, 0))
    hidden, _ = video(count=1, width=240, step=(0, 0))
    ground = hidden[0].copy()
    ground[30:54, 20:38] = ground[60:84, 20:38]
    patch = hidden[0][30:54, 20:38]
    back = ground.copy()
    back[40:64, 190:208] = patch
    return [*frames, ground, ground, back, back], truth, np.array([190.0, 40, 18, 24])


def test_a_target_that_comes_back_elsewhere_is_found_by_attention_alone():
    frames, truth, there = lost_and_found()
    tracker, _ = follow(frames[:6], truth[0], Spotlight(there))
    held = tracker.box
    assert tracker.lost
    found = tracker.update(frames[6])
    assert boxes.overlap(found, there)[0] > 0.5
    assert tracker.source == "global" and tracker.redetected
    assert boxes.overlap(held, there)[0] == 0
    again = tracker.update(frames[7])
    assert boxes.overlap(again, there)[0] > 0.5 and not tracker.redetected
    _, without = follow(frames, truth[0])
    assert boxes.overlap(without[-1], there)[0] == 0


def test_only_a_jump_needs_the_score_of_one():
    frames, truth, there = lost_and_found()
    never = {"redetection__score": 1.0, "redetection__follow": "always"}
    tracker, got = follow(frames, truth[0], Spotlight(there), **never)
    _, without = follow(frames, truth[0])
    assert (got == without).all() and tracker.lost and tracker.source == "local" and len(tracker.candidates) == 48 + 16
    few = {"candidates__local": 2}  # far candidates where the target is are no jump
    near, strict = follow(frames[:3], truth[0], Spotlight(truth[2]), **never, **few)
    assert near.source == "global" and not near.redetected
    assert (
        strict
        == follow(
            frames[:3], truth[0], Spotlight(truth[2]), redetection__score=0.5, redetection__follow="always", **few
        )[1]
    ).all()


@pytest.mark.parametrize(
    ("near", "far", "followed"),
    [(-3.0, -2.0, True), (-2.0, -3.0, False), (0.5, 3.0, False), (-0.5, 3.0, True), (-2.0, -2.0, False)],
)
def test_a_jump_is_followed_where_the_first_frames_classifier_agrees(near, far, followed, monkeypatch):
    """To it the local candidates fail, and the far ones are better; what it says decides alone."""
    frames, truth, there = lost_and_found()
    tracker, _ = follow(frames[:6], truth[0], Spotlight(there), redetection__follow="agreed")

    def says(features):
        ranks = torch.tensor([far, near]).repeat_interleave(len(features) // 2)
        return ranks, ranks.sigmoid()

    monkeypatch.setattr(tracker.classifier, "first_ranking", says)
    box = tracker.update(frames[6])
    assert tracker.redetected == (tracker.source == "global") == followed
    assert (boxes.overlap(box, there)[0] > 0.5) == followed


@pytest.mark.parametrize("followed", [True, False])
def test_the_best_are_the_winners_or_the_best_local_ones_with_their_own_features(followed, monkeypatch):
    frames, truth, there = lost_and_found()
    tracker, _ = follow(frames[:1], truth[0], Spotlight(there))
    monkeypatch.setattr(tracker, "_followed", lambda score, features: followed)
    tracker.candidates = np.concatenate([truth[:1] + np.arange(6)[:, None], there + np.arange(6)[:, None]])
    ranks = torch.tensor([*range(6), *range(10, 16)], dtype=torch.float32)
    best = tracker._best(torch.arange(12.0)[:, None], ranks, ranks.sigmoid(), [6, 6])
    rows = np.array([11, 10, 9, 8, 7] if followed else [5, 4, 3, 2, 1])
    assert best.features[:, 0].tolist() == rows.tolist() and best.group == followed
    assert np.array_equal(best.boxes.numpy(), tracker.candidates[rows])
    assert best.box == pytest.approx(tracker.candidates[rows].mean(0))
    assert best.score == pytest.approx(ranks[rows].sigmoid().mean().item())


def test_the_first_frames_classifier_learns_no_more():
    """Its scores stay while those of the classifier in training move; without the rule none is kept."""
    frames, truth, there = lost_and_found()
    tracker, _ = follow(frames[:1], truth[0], Spotlight(there), redetection__follow="agreed")
    features = torch.randn(4, tracker.classifier.head.fc4.weight.shape[1], generator=torch.Generator().manual_seed(0))
    first, now = tracker.classifier.first_ranking(features)[0], tracker.classifier.ranking(features)[0]
    assert (first == now).all()
    tracker.classifier.update(short=False)
    assert (tracker.classifier.first_ranking(features)[0] == first).all()
    assert (tracker.classifier.ranking(features)[0] != now).any()
    always, _ = follow(frames[:1], truth[0], Spotlight(there), redetection__follow="always")
    with pytest.raises(ValueError, match="not kept"):
        always.classifier.first_ranking(features)


def test_a_jump_never_averages_boxes_of_two_places():
    frames, truth, there = lost_and_found()
    _, got = follow(frames, truth[0], Spotlight(there))
    middles = boxes.centre(got)[:, 0]
    assert ((middles < 60) | (middles > 170)).all()


def test_failure_holds_the_last_box_or_keeps_the_guess():
    frames, truth, _ = lost_and_found()
    held, _ = follow(frames[:5], truth[0])
    before = held.box
    assert held.lost and held.score < 0.5
    assert (held.update(frames[5]) == before).all()
    kept, got = follow(frames[:6], truth[0], on_failure="keep")
    assert kept.lost and (got[-1] != got[-2]).any()


def test_the_search_widens_on_failure_and_narrows_on_success():
    frames, truth, _ = lost_and_found()
    tracker, _ = follow(frames[:5], truth[0])
    assert tracker._translation == tracker.settings.candidates.lost_translation
    tracker.update(frames[0])
    assert tracker._translation == tracker.settings.candidates.translation


def test_long_updates_come_at_the_interval_and_short_ones_on_failure():
    frames, truth, _ = lost_and_found()
    tracker = MDNetTracker(settings(update__interval=2), salnet(), None, "clip", 0)
    tracker.init(frames[0], truth[0])
    calls = []
    tracker.classifier.update = lambda short: calls.append(short)
    for frame in frames[1:6]:
        tracker.update(frame)
    assert calls == [False, True, True]


@pytest.mark.parametrize(
    "box", [(60, 40, 1, 1), (-30, -20, 300, 200), (0, 0, 120, 90), (110, 80, 30, 30), (50.5, 30.2, 3, 60)]
)
def test_odd_boxes_give_finite_boxes_in_the_frame(box):
    frames, _ = video(count=3)
    _, got = follow(frames, np.array(box, float))
    assert np.isfinite(got).all()
    assert (got[1:, 2:] > 0).all()
    inside = boxes.clip(got[1:], 120, 90)
    assert (inside[:, 2:] > 0).all()


def test_memory_does_not_grow_and_nothing_turns_into_nan():
    frames, truth = video(count=2, step=(0, 0))
    tracker, _ = follow(frames, truth[0], update__long=4, update__short=2, update__interval=5)
    sizes = [memory.buffer.numel() for memory in tracker.classifier._memories]
    dark = np.zeros_like(frames[0])
    for index in range(25):
        tracker.update(frames[1] if index % 8 else dark)
    assert [memory.buffer.numel() for memory in tracker.classifier._memories] == sizes
    assert np.isfinite(tracker.box).all() and np.isfinite(tracker.score)


def test_the_argmax_takes_one_candidate():
    frames, truth = video(count=3)
    tracker, _ = follow(frames, truth[0], candidates__winner="argmax", box_regression__samples=0)
    assert boxes.overlap(tracker.box, tracker.candidates).max() > 0.999


def test_before_the_second_frame_there_are_no_candidates():
    frames, truth = video(count=1)
    tracker, _ = follow(frames, truth[0])
    assert tracker.candidates.shape == (0, 4) and tracker.regions == []


def test_the_quarters_of_a_target_by_hand():
    assert _quarters(np.array([10.0, 20, 8, 6])).tolist() == [
        [10, 20, 4, 3], [10, 23, 4, 3], [14, 20, 4, 3], [14, 23, 4, 3],
    ]  # fmt: skip


def test_the_online_layers_begin_and_drop_as_the_settings_say():
    frames, truth = video(count=2)
    plain, _ = follow(frames[:1], truth[0], first__iterations=1, first__rate=1e-9)
    early, _ = follow(frames[:1], truth[0], first__iterations=1, first__rate=1e-9, fc6_init="default", dropout_fc4=0.5)
    begun = [float(one.classifier.head.fc6.bias.detach().abs().max()) for one in (plain, early)]
    assert begun[0] < 1e-4 < begun[1]
    assert (plain.classifier.head.drop4.p, early.classifier.head.drop4.p) == (0.0, 0.5)
    assert early.classifier.head.drop4.generator is not None, "what it drops can be replayed"
