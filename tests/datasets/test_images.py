"""Decoding: the colours of every kind of file are in the same order, and a mask is read as it was written."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from dat.base.errors import InputError
from dat.datasets import images

COARSE = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)
PICTURE = cv2.resize(COARSE, (64, 48), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_jpeg_has_the_values_that_opencv_has_in_the_other_order(
    mode: str, progressive: bool, subsampling: int
) -> None:
    file = io.BytesIO()
    Image.fromarray(PICTURE).convert(mode).save(file, "JPEG", progressive=progressive, subsampling=subsampling)
    swapped = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    picture = images.decode_image(file.getvalue(), "x.jpg")
    assert picture.flags.c_contiguous and np.array_equal(picture, swapped)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".webp", ".tiff", ".gif", ".jp2", ".ppm", ".pam", ".avif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_red_is_red_in_every_kind_of_file(ending: str, channels: int) -> None:
    if channels == 4 and ending in (".gif", ".ppm", ".pam"):
        pytest.skip("has no transparency, or OpenCV does not write it")
    red = np.zeros((48, 64, channels), np.uint8)
    red[..., 2] = 255
    red[..., 3:] = 128
    data = cv2.imencode(ending, red)[1].tobytes()
    assert np.abs(images.decode_image(data, f"x{ending}").astype(int) - (255, 0, 0)).max() < 8


def test_a_mask_is_read_as_it_was_written_and_a_broken_one_is_named() -> None:
    mask = np.where(np.indices((48, 64)).sum(0) % 7 > 3, np.uint8(255), np.uint8(0))
    data = images.encode_png(mask)
    assert np.array_equal(images.decode_grey(data, "m"), mask)
    assert np.array_equal(images.decode_image(data, "m")[..., 0], mask)
    deep = cv2.imencode(".png", mask.astype(np.uint16))[1].tobytes()
    with pytest.raises(InputError, match=r"^m: 16 bits a colour, where 8 belong; convert it"):
        images.decode_grey(deep, "m")
    with pytest.raises(InputError, match=r"^m: not a readable image: it ends in the middle; fetch"):
        images.decode_grey(data[:60], "m")
