"""Masks: the box in the small frame, with the polarity and the rule for absent targets that are asked for."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dat.datasets import images, masks, subsample
from dat.datasets.shards import Shards
from dat.records import Job
from tests.parts import small_sets as small

sides = st.floats(-30, 60, allow_nan=False)


def test_the_box_covers_the_pixels_whose_centres_it_covers() -> None:
    expected = np.zeros((4, 6), bool)
    expected[1:3, 2:5] = True
    np.testing.assert_array_equal(masks.rasterise([2, 1, 3, 2], 4, 6), expected)
    np.testing.assert_array_equal(masks.rasterise([1.6, 0.6, 3.3, 2.3], 4, 6), expected)


@given(x=sides, y=sides, w=st.floats(0.01, 40), h=st.floats(0.01, 40))
def test_rasterising_agrees_with_asking_every_centre(x: float, y: float, w: float, h: float) -> None:
    down, across = np.mgrid[0:20, 0:30] + 0.5
    inside = (across >= x) & (across < x + w) & (down >= y) & (down < y + h)
    found = masks.rasterise([x, y, w, h], 20, 30)
    if inside.any():
        np.testing.assert_array_equal(found, inside)
    else:
        touches = x < 30 and y < 20 and x + w > 0 and y + h > 0
        assert (found.sum() >= 1) == touches


@pytest.mark.parametrize("box", [[5, 5, 0, 3], [5, 5, 3, -1], [np.nan] * 4, [40, 5, 3, 3], [-5, 5, 3, 3]])
def test_no_box_in_the_image_is_background(box: list[float]) -> None:
    assert not masks.rasterise(box, 20, 30).any()


def run(folder: Path, *replace: tuple[str, str]) -> tuple[Shards, Shards]:
    settings = small.profile(folder, replace=replace)
    small.lasot(settings.path / "data" / "lasot", "cat-1", 6, absent=(2,))
    small.describe(settings, "lasot")
    frames, output = settings.path / "frames", settings.path / "masks"
    subsample.run(Job("", settings, {"manifest": small.run_index(settings, "lasot")}, {"frames": frames}))
    masks.run(Job("", settings, {"frames": frames}, {"masks": output}))
    return Shards(frames), Shards(output)


def mask(shards: Shards, i: int) -> np.ndarray:
    return images.decode_image(shards.read(i), "mask")[..., 0]


def test_masks_lie_beside_the_frames(tmp_path: Path) -> None:
    frames, found = run(tmp_path, ("shard: 1000", "shard: 2"))
    assert [row["frame"] for row in found.rows] == [row["frame"] for row in frames.rows] == ["1", "3", "5"]
    assert [row["shard"] for row in found.rows] == ["masks-000000.tar", "masks-000000.tar", "masks-000001.tar"]
    expected = np.zeros((96, 128), np.uint8)
    expected[22:38, 18:50] = 255
    np.testing.assert_array_equal(mask(found, 0), expected)
    assert not mask(found, 1).any()


def test_the_other_polarity(tmp_path: Path) -> None:
    _, found = run(tmp_path, ("target: 1", "target: 0"))
    assert (mask(found, 0)[30, 30], mask(found, 0)[0, 0], mask(found, 1).min()) == (0, 255, 255)


def test_frames_without_the_target_can_be_left_out(tmp_path: Path) -> None:
    _, found = run(tmp_path, ("absent: background", "absent: drop"))
    assert [row["frame"] for row in found.rows] == ["1", "5"]
