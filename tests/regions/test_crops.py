"""Crops against OpenCV's affine warp, one at a time."""

import cv2
import numpy as np
import pytest
import torch

from dat.regions.crops import crop_regions

BOXES = [[30.2, 20.7, 40, 60], [-15.5, -9.0, 50, 33], [130, 90, 60, 45], [70, 50, 7.3, 12.1], [0, 0, 160, 120]]


@pytest.fixture(scope="module")
def picture():
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.float32)
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 1.5) * 3 - 256, 0, 255).astype(np.uint8)


def warped(picture, box, size=107, padding=16, fill=(128, 128, 128)):
    """The plain way: the affine map of one box, by OpenCV in float."""
    x, y, w, h = box
    context = 1 + 2 * padding / size
    step_x, step_y = w * context / size, h * context / size
    matrix = np.array(
        [[step_x, 0, x + w / 2 - step_x * size / 2], [0, step_y, y + h / 2 - step_y * size / 2], [0, 0, 1]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(
        picture.astype(np.float32), matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=fill
    )


@pytest.mark.parametrize("fill", [(128, 128, 128), (128, 0, 0)])
@pytest.mark.parametrize("size", [107, 64])
def test_crops_equal_the_warp_of_each_box(picture, size, fill):
    image = torch.from_numpy(picture).permute(2, 0, 1)
    got = crop_regions(image, torch.tensor(BOXES), size=size, fill=tuple(map(float, fill)))
    for crop, box in zip(got, BOXES, strict=True):
        plain = warped(picture, box, size, fill=fill) - 128
        assert np.abs(crop.permute(1, 2, 0).numpy() - plain).max() < 0.01


def test_a_ramp_shows_the_position_of_every_pixel():
    ramp = torch.arange(200.0).expand(3, 100, 200)
    box = torch.tensor([[80.0, 30.0, 21.4, 21.4]])
    crop = crop_regions(ramp, box)[0, 0, 50] + 128
    expected = (np.arange(107) - 53.5) * 21.4 * (1 + 32 / 107) / 107 + 90.7
    assert crop.numpy() == pytest.approx(expected, abs=1e-3)


def test_outside_the_image_is_grey():
    crops = crop_regions(torch.full((3, 50, 50), 255, dtype=torch.uint8), torch.tensor([[500.0, 500.0, 20.0, 20.0]]))
    assert (crops == 0).all()


def test_crops_are_channels_last_float_and_a_batch_changes_nothing(picture):
    image = torch.from_numpy(picture).permute(2, 0, 1)
    together = crop_regions(image, torch.tensor(BOXES))
    alone = torch.cat([crop_regions(image, torch.tensor([box])) for box in BOXES])
    assert together.dtype == torch.float32
    assert together.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(together, alone)


def test_no_boxes_give_no_crops(picture):
    assert crop_regions(torch.from_numpy(picture).permute(2, 0, 1), torch.empty(0, 4)).shape == (0, 3, 107, 107)
