"""What the video of `dat track` shows: box, score, attention, and frames with a re-detection."""

from types import SimpleNamespace

import numpy as np
import pytest

from dat.video import run as track
from dat.video.drawing import GLOBAL, LOCAL, LOST, PAPER, Overlay, canvas_size, draw, enlargement
from tests.parts.tracking_parts import video

FRAMES, TRUTH = video(count=1)
TIMES = enlargement(90, 120)


def shown(**changes):
    return Overlay(**{"number": 5, "box": np.array([80.0, 40, 18, 24]), "score": 0.5, "source": "local"} | changes)


def on_the_box(picture):
    """The colour in the middle of the box's left side."""
    return tuple(picture[52 * TIMES, 80 * TIMES].tolist())


@pytest.mark.parametrize(("source", "colour"), [("local", LOCAL), ("global", GLOBAL)])
def test_the_box_has_the_colour_of_its_source(source, colour):
    picture = draw(FRAMES[0], shown(source=source))
    assert picture.shape == (*canvas_size(90, 120), 3) and on_the_box(picture) == colour


def test_a_held_box_is_dashed():
    side = draw(FRAMES[0], shown(lost=True))[40 * TIMES : 64 * TIMES, 80 * TIMES]
    share = (side == LOST).all(1).mean()
    assert 0.2 < share < 0.8


def test_a_re_detection_frames_the_picture_and_points_from_the_old_place():
    plain = draw(FRAMES[0], shown(source="global"))
    marked = draw(FRAMES[0], shown(source="global", since_redetection=0, came_from=TRUTH[0]))
    assert tuple(marked[0, 300].tolist()) == GLOBAL and tuple(plain[0, 300].tolist()) != GLOBAL
    middle = marked[42 * TIMES : 52 * TIMES, 50 * TIMES]  # half-way between the two places
    assert (middle == GLOBAL).all(1).any()


def test_attention_lights_its_place_and_leaves_the_rest():
    there = np.zeros((9, 12), np.float32)
    there[1:3, 8:11] = 1
    changed = (draw(FRAMES[0], shown()) != draw(FRAMES[0], shown(attention=there))).any(-1)
    assert changed[15 * TIMES : 25 * TIMES, 90 * TIMES : 100 * TIMES].mean() > 0.9
    assert not changed[60 * TIMES : 90 * TIMES, : 60 * TIMES].any()


def test_the_gauge_is_as_long_as_the_score():
    bars = [draw(FRAMES[0], shown(score=score))[90 * TIMES + 16, :491] for score in (0.2, 0.8)]
    short, long = ((bar == LOCAL).all(1).sum() for bar in bars)
    assert long == pytest.approx(4 * short, rel=0.05) and short > 50
    assert (bars[0][:10] == PAPER).all()


def test_a_re_detection_is_told_for_twelve_frames_with_the_place_before():
    boxes = [np.full(4, float(number)) for number in range(1, 31)]
    tracker = SimpleNamespace(score=0.5, source="global", lost=False, attention=None)
    told = []
    for number in range(1, 31):
        run = SimpleNamespace(boxes=boxes[:number], redetections=[5] if number >= 5 else [])
        told.append(track._shown(tracker, run, boxes[0], False))
    since = {one.number: one.since_redetection for one in told if one.since_redetection is not None}
    assert since == {number: number - 5 for number in range(5, 17)}
    assert {one.came_from[0] for one in told if one.came_from is not None} == {4.0}
