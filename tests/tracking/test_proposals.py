"""From attention maps to regions and candidates."""

import numpy as np
import pytest

from dat.base import params
from dat.regions import boxes
from dat.regions.sampling import BoxSampler
from dat.tracking.mdnet.proposals import Region, find_regions, global_candidates, region_box
from tests.parts.tracking_parts import ROOT

SETTINGS = params.load(ROOT / "profiles" / "paper").root.tracking.attention
SIZE = (320, 240)


def blobs(*places, level=1.0):
    found = np.zeros((24, 32), np.float32)
    for row, column, high, wide in places:
        found[row : row + high, column : column + wide] = level
    return found


def test_a_region_lies_where_the_map_is_high_in_frame_pixels():
    (region,) = find_regions(blobs((4, 6, 3, 5)), SETTINGS, SIZE)
    assert region.box == (60, 40, 50, 30)
    assert region.centre == pytest.approx((85, 55))
    assert region.mass == pytest.approx(15)


def test_the_regions_with_most_mass_come_first_and_no_more_than_asked():
    places = [(0, 0, 1, 1), (5, 5, 4, 4), (15, 20, 2, 3), (20, 2, 2, 2)]
    found = find_regions(blobs(*places), SETTINGS, SIZE)
    assert [region.mass for region in found] == [16, 6, 4]


def test_cells_that_touch_at_corners_are_one_region():
    assert len(find_regions(blobs((2, 2, 2, 2), (4, 4, 2, 2)), SETTINGS, SIZE)) == 1


def test_half_of_the_maximum_is_the_threshold_but_never_under_the_least():
    peak = blobs((4, 4, 2, 2))
    peak[10:12, 10:12] = 0.49
    assert len(find_regions(peak, SETTINGS, SIZE)) == 1
    peak[10:12, 10:12] = 0.51
    assert len(find_regions(peak, SETTINGS, SIZE)) == 2
    assert find_regions(blobs((4, 4, 2, 2), level=0.19), SETTINGS, SIZE) == []
    assert find_regions(np.zeros((24, 32), np.float32), SETTINGS, SIZE) == []


def test_candidates_are_drawn_around_each_regions_box():
    starts = [region_box(Region((0, 0, 9, 9), centre, 1.0), (5, 5, 20, 30)) for centre in ((50, 60), (250, 180))]
    assert starts[0] == (40, 45, 20, 30)
    sampler = BoxSampler("gaussian", SIZE, 0.6, 1.05, valid=True)
    drawn = global_candidates(starts, 50, sampler, np.random.default_rng(0))
    assert [part.shape for part in drawn] == [(50, 4), (50, 4)]
    near = boxes.centre(np.concatenate(drawn))
    assert np.abs(near[:50] - [50, 60]).max() < 16 and np.abs(near[50:] - [250, 180]).max() < 16
    assert global_candidates([], 50, sampler, np.random.default_rng(0)) == []


def test_a_regions_own_box_can_be_asked_for():
    assert region_box(Region((1, 2, 3, 4), (9, 9), 1.0), (5, 5, 20, 30), "region") == (1, 2, 3, 4)
