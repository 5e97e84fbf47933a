"""What the tracker makes of input that is odd, wrong or endless: a clear error, or a behaviour that is stated here."""

import gc
import tracemalloc

import cv2
import numpy as np
import pytest

from dat.base.errors import InputError
from dat.regions import boxes
from dat.tracking.mdnet.tracker import MDNetTracker
from dat.video import request
from tests.parts.tracking_parts import salnet, settings, video, write_frames
from tests.video.test_track_command import call, place, quick  # noqa: F401

FRAMES, TRUTH = video(count=3)


def tracker(**changes):
    return MDNetTracker(settings(features="shared", **changes), salnet(), None, "clip", 0)


# ---------------------------------------------------------------- boxes


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((500, 30, 18, 24), "outside the frame, which has 120x90 pixels"),
        ((-18, 30, 18, 24), "outside the frame"),
        ((20, 30, 0, 24), "no area"),
        ((20, 30, 1e9, 24), "has over 4 times the width or height of the frame, which has 120x90 pixels"),
        ((20, 30, 1e-9, 24), "is under 0.1 pixels"),
        ((20, 30, 18, -1), "no area"),
        ((20, 30, np.nan, 24), "four finite numbers"),
        ((20, 30, 18), "four finite numbers"),
    ],
)
def test_a_box_that_cannot_be_started_on_is_told(box, words):
    with pytest.raises(InputError, match=f"^clip: box 2?.*{words}"):
        tracker().init(FRAMES[0], box)


@pytest.mark.parametrize("box", [(120, 30, 18, 24), (-18, 30, 18, 24), (20, 90, 18, 24), (20, -24, 18, 24)])
def test_a_box_beside_the_frame_is_told_as_it_was_written(box):
    with pytest.raises(InputError, match=r"^--box 1,2: the box lies outside the frame a\.png, which has 120x90 pixels"):
        request.in_frame(np.array(box, np.float64), "1,2", (120, 90), "a.png")


@pytest.mark.parametrize("box", ["60,40,1,1", "-50,-50,400,300", "119,89,5,5", "0,0,120,90"])
@pytest.mark.parametrize("features", ["crops", "shared"])
def test_boxes_of_a_pixel_on_the_edge_or_larger_than_the_frame_are_followed(place, box, features):  # noqa: F811
    rows = call(place, "--frames", "3", "--features", features, box=box).stdout.splitlines()
    got = np.array([list(map(float, row.split(","))) for row in rows])
    assert got.shape == (3, 4) and got[0].tolist() == list(map(float, box.split(",")))
    for row in got[1:]:  # what is found lies in the frame; where nothing is found, the box stays as it was given
        inside = boxes.clip([row], 120, 90)[0]
        assert (inside[2:] > 0).all()
        assert np.abs(inside - row).max() < 1e-3 or (row == got[0]).all()


# ---------------------------------------------------------------- frames


def test_a_frame_of_another_size_is_told_with_both_sizes():
    started = tracker()
    started.init(FRAMES[0], TRUTH[0])
    with pytest.raises(InputError, match="clip: 100x90 pixels, the first frame had 120x90"):
        started.update(FRAMES[1][:, :100])
    assert np.abs(started.update(FRAMES[1]) - TRUTH[1]).max() < 8  # and tracking can go on


@pytest.mark.parametrize("frame", [FRAMES[0][..., 0], FRAMES[0] / 255.0, FRAMES[0][:0]])
def test_what_is_no_frame_is_told(frame):
    with pytest.raises(InputError, match="clip: an image of"):
        tracker().init(frame, TRUTH[0])


def test_grey_files_are_followed(place, tmp_path):  # noqa: F811
    for number, frame in enumerate(FRAMES, start=1):
        cv2.imwrite(str(tmp_path / f"{number}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
    rows = call(place, source=tmp_path).stdout.splitlines()
    assert np.abs(np.array([float(value) for value in rows[2].split(",")]) - TRUTH[2]).max() < 10


def test_files_that_change_size_are_told_by_name_and_what_came_before_is_written(place, tmp_path):  # noqa: F811
    write_frames(tmp_path / "clip", [FRAMES[0], FRAMES[1], FRAMES[2][:80]])
    out, shown = tmp_path / "out.txt", tmp_path / "out.mp4"
    with pytest.raises(InputError, match=r"0003\.png: 120x80 pixels.*120x90"):
        call(place, "--out", str(out), "--video", str(shown), source=tmp_path / "clip")
    assert len(out.read_text().splitlines()) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip", "out.mp4", "out.txt"]


# ---------------------------------------------------------------- sentences

WORDLESS = ["красный квадрат", "红色的正方形", "مربع أحمر", "🟥 🟥", "!!! ...", "\u200b", "red\u0301 squa\u0000re"]


@pytest.mark.parametrize("text", ["", "   ", "\n\t", *WORDLESS])
def test_a_sentence_without_a_known_word_leaves_attention_to_the_target(place, text):  # noqa: F811
    with_text = call(place, "--frames", "2", "--text", text)
    assert "attention is from the target alone" in with_text.stderr
    assert with_text.stdout == call(place, "--frames", "2").stdout


def test_words_after_the_sixteenth_change_nothing_and_that_is_said(place):  # noqa: F811
    first = "the red square " * 5 + "a"
    long = call(place, "--frames", "2", "--text", first + " zebra" * 84)
    assert "100 words; the first 16 count" in long.stderr and "zebra" not in long.stderr
    assert long.stdout == call(place, "--frames", "2", "--text", first).stdout


# ---------------------------------------------------------------- a target that never comes back

SMALL = {
    "candidates__local": 8,
    "candidates__global_": 4,
    "first__positives": 16,
    "first__negatives": 32,
    "first__iterations": 10,
    "update__iterations": 1,
    "update__positives": 4,
    "update__negatives": 8,
    "update__long": 20,
    "batch__pool": 32,
    "box_regression__samples": 40,
}


@pytest.mark.parametrize("failure", ["hold", "keep"])
def test_a_target_that_is_never_found_again_lets_nothing_grow(failure):
    seen = FRAMES[0][20:68, 10:74].copy()
    empty = np.full_like(seen, 70)
    followed = tracker(on_failure=failure, **SMALL)
    followed.init(seen, (10, 10, 18, 24))
    shapes = [memory.buffer.shape for memory in followed.classifier._memories]
    objects, heap, widest = {}, {}, followed.settings.candidates.lost_translation
    tracemalloc.start()
    try:
        for number in range(2, 301):
            followed.update(empty)
            x, y, w, h = followed.box
            assert np.isfinite(followed.box).all() and np.isfinite(followed.score)
            assert -1e-3 <= x < x + w <= 64 + 1e-3 and -1e-3 <= y < y + h <= 48 + 1e-3 and min(w, h) >= 1
            assert followed._translation <= widest
            if number in (100, 300):
                gc.collect()
                objects[number], heap[number] = len(gc.get_objects()), tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert [memory.buffer.shape for memory in followed.classifier._memories] == shapes
    assert all(len(memory) <= 20 for memory in followed.classifier._memories)
    assert abs(objects[300] - objects[100]) < 200
    # Keeping every frame would be 1.8 MB; what torch frees late comes and goes by some 70 KiB.
    assert heap[300] - heap[100] < 256 * 1024
