"""Frames from folders, globs, videos and streams, and what is said of bad ones."""

import io

import cv2
import numpy as np
import pytest

from dat.base.errors import InputError
from dat.video import sources
from dat.video.drawing import VideoWriter
from dat.video.sources import open_source, stream
from dat.video.splitting import split_images
from tests.parts.tracking_parts import video, write_frames

FRAMES, _ = video(count=12)


@pytest.fixture
def folder(tmp_path):
    write_frames(tmp_path / "clip", FRAMES)
    (tmp_path / "clip" / "notes.txt").write_text("not a frame")
    return tmp_path / "clip"


def images(source):
    return [frame.image for frame in source.frames()]


def test_a_folders_images_come_in_order_without_loss(folder):
    source = open_source(str(folder))
    assert source.count == 12
    assert all((got == frame).all() for got, frame in zip(images(source), FRAMES, strict=True))


def test_numbers_without_leading_zeros_are_in_natural_order(tmp_path):
    for number in (1, 2, 9, 10, 11):
        cv2.imwrite(str(tmp_path / f"f{number}.png"), np.full((4, 4, 3), number, np.uint8))
    assert [image[0, 0, 0] for image in images(open_source(str(tmp_path)))] == [1, 2, 9, 10, 11]


def test_a_glob_a_start_and_a_number_of_frames(folder):
    source = open_source(f"{folder}/00*.png", start=3, frames=4)
    assert source.count == 4
    assert [frame.name[-8:] for frame in source.frames()] == [f"000{number}.png" for number in range(3, 7)]


def test_grey_frames_have_three_channels(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((5, 6), 9, np.uint8))
    assert images(open_source(str(tmp_path)))[0].shape == (5, 6, 3)


def test_a_video_file_is_read_back(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", 30) as writer:
        for frame in FRAMES:
            writer.add(frame)
    source = open_source(str(tmp_path / "clip.mp4"))
    got = images(source)
    assert (len(got), source.rate) == (12, 30)
    assert np.abs(got[5].astype(int) - FRAMES[5]).mean() < 12


def encoded(kind, frame, *options):
    return cv2.imencode(kind, frame, list(options))[1].tobytes()


def test_a_stream_of_jpeg_and_png_is_cut_into_images():
    files = [
        encoded(".jpg", FRAMES[0]),
        encoded(".png", FRAMES[1]),
        encoded(".jpg", FRAMES[2], cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        encoded(".jpg", FRAMES[3], cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    ]
    assert list(split_images(io.BytesIO(b"".join(files)))) == files
    assert [frame.image.shape for frame in stream(io.BytesIO(b"".join(files)))] == [(90, 120, 3)] * 4


def test_a_thumbnail_inside_a_jpeg_does_not_end_it():
    whole, inner = encoded(".jpg", FRAMES[0]), encoded(".jpg", FRAMES[1][:16, :16])
    segment = b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner
    file = whole[:2] + segment + whole[2:]
    assert list(split_images(io.BytesIO(file + whole))) == [file, whole]


@pytest.mark.parametrize("cut", [1, 3, 500])
def test_a_stream_that_breaks_off_names_the_frame(cut):
    files = encoded(".jpg", FRAMES[0]) + encoded(".png", FRAMES[1])[:-cut]
    with pytest.raises(InputError, match="frame 2"):
        list(stream(io.BytesIO(files)))


def test_other_bytes_in_a_stream_are_an_error():
    with pytest.raises(InputError, match="frame 1 is neither JPEG nor PNG"):
        list(stream(io.BytesIO(b"hello")))


@pytest.mark.parametrize("name", ["none", "none/*.jpg"])
def test_a_missing_source_is_named(tmp_path, name):
    with pytest.raises(InputError, match="none"):
        open_source(str(tmp_path / name))


def test_a_file_that_is_neither_image_nor_video_is_named(tmp_path):
    (tmp_path / "README.md").write_text("# words\n" * 50)
    with pytest.raises(InputError, match=r"README\.md"):
        open_source(str(tmp_path / "README.md"))


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(InputError, match="no images"):
        open_source(str(tmp_path))


def test_an_unreadable_frame_in_the_middle_is_named(folder):
    (folder / "0006.png").write_bytes((folder / "0006.png").read_bytes()[:40])
    with pytest.raises(InputError, match=r"0006\.png"):
        images(open_source(str(folder)))


def test_frames_that_change_size_are_an_error_with_both_sizes(folder):
    cv2.imwrite(str(folder / "0004.png"), FRAMES[0][:50])
    with pytest.raises(InputError, match=r"0004\.png: 120x50 pixels.*120x90"):
        images(open_source(str(folder)))


def test_a_video_that_breaks_off_is_named_or_ends(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", 25) as writer:
        for _ in range(5):
            for frame in FRAMES:
                writer.add(frame)
    data = (tmp_path / "clip.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(data[:600])
    with pytest.raises(InputError, match=r"half\.mp4"):
        images(open_source(str(tmp_path / "half.mp4")))


def test_a_start_after_the_end_is_an_error(folder):
    with pytest.raises(InputError, match=r"--start 40.*12"):
        open_source(str(folder), start=40)


def test_a_camera_that_is_not_there_is_an_error():
    with pytest.raises(InputError, match="camera 97"):
        list(sources.camera(97))
