"""Frames are what a viewer or player shows, and all pictures of an input are frames or named."""

import io
import struct
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from dat.base.errors import InputError
from dat.datasets import images as pictures
from dat.video.drawing import VideoWriter
from dat.video.sources import open_source, stream
from tests.parts.tracking_parts import video

FRAMES, _ = video(count=4)
MATRICES = [
    *((0, 1, -1, 0), (0, -1, 1, 0), (-1, 0, 0, -1), (-1, 0, 0, 1)),
    *((1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0)),
]  # fmt: skip


def moved(image, turn):
    """Each pixel (x, y) moved to (a x + c y, b x + d y), and all then to where no place is negative."""
    a, b, c, d = turn
    y, x = np.indices(image.shape[:2])
    across, down = a * x + c * y, b * x + d * y
    across, down = across - across.min(), down - down.min()
    found = np.zeros((down.max() + 1, across.max() + 1, 3), image.dtype)
    found[down, across] = image
    return found


def frames(source):
    return [frame.image for frame in source.frames()]


def clip(path, turn=(1, 0, 0, 1)):
    """A video whose header says how it is to be turned."""
    with VideoWriter(path, 25) as writer:
        for frame in FRAMES:
            writer.add(frame)
    a, b, c, d = (round(value * 65536) for value in turn)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("turn", MATRICES)
def test_a_video_is_turned_as_a_player_turns_it(tmp_path, turn):
    upright = frames(open_source(str(clip(tmp_path / "up.mp4"))))
    source = open_source(str(clip(tmp_path / "turned.mp4", turn)))
    for got, frame in zip(frames(source), upright, strict=True):
        assert (got == moved(frame, turn)).all()
    assert source.notes == ["turned by the video's display matrix, as a player does"]


def test_a_video_turned_by_no_quarter_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"clip\.mp4: frame 1: turned by no quarter"):
        frames(open_source(str(clip(tmp_path / "clip.mp4", (0.7071, 0.7071, -0.7071, 0.7071)))))


@pytest.mark.parametrize(("aspect", "width"), [((4, 3), 160), ((2, 1), 240), ((1, 2), 60), ((1, 1), 120)])
def test_pixels_that_are_not_square_are_stretched(tmp_path, aspect, width):
    with av.open(str(tmp_path / "wide.mp4"), "w") as container:
        made = container.add_stream("libx264", rate=25)
        made.height, made.width, made.pix_fmt = 90, 120, "yuv420p"
        made.codec_context.sample_aspect_ratio = Fraction(*aspect)
        for frame in FRAMES:
            container.mux(made.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(made.encode())
    source = open_source(str(tmp_path / "wide.mp4"))
    assert frames(source)[0].shape == (90, width, 3)
    said = [f"pixels are {Fraction(*aspect)} wide: stretched as a player does"]
    assert source.notes == (said if width != 120 else [])


def coloured(path, height, width, standard=None, transfer=None):
    """A video of two frames of one colour: Y, U, V are 81, 90, 240, which is red by BT.601."""
    with av.open(str(path), "w") as container:
        made = container.add_stream("libx264", rate=25)
        made.height, made.width, made.pix_fmt = height, width, "yuv420p"
        for name, value in (("colorspace", standard), ("color_trc", transfer)):
            if value is not None:
                setattr(made.codec_context, name, value)
        for _ in range(2):
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane, value in zip(frame.planes, (81, 90, 240), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            container.mux(made.encode(frame))
        container.mux(made.encode())
    return open_source(str(path))


@pytest.mark.parametrize(("height", "width", "standard", "green"), [
    (576, 1024, None, 0), (578, 720, None, 23), (90, 1280, None, 23),
    (90, 120, 1, 23), (720, 1280, 5, 0),
])  # fmt: skip
def test_colours_are_those_of_a_player(tmp_path, height, width, standard, green):
    """BT.601 and BT.709 differ in the green of this red; without a tag it is HD that is BT.709."""
    source = coloured(tmp_path / "red.mp4", height, width, standard)
    red = frames(source)[0][2, 2]
    assert red[0] >= 253 and abs(int(red[1]) - green) <= 1 and red[2] == 0
    assert bool(source.notes) == (standard is None and green > 0)
    assert all("does not say its standard of colour: BT.709" in text for text in source.notes)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG"), (1, None)])
def test_a_video_of_high_dynamic_range_is_told(tmp_path, transfer, name):
    source = coloured(tmp_path / "hdr.mp4", 90, 120, 1, transfer)
    frames(source)
    said = f"the video is HDR ({name}): its colours are used without the tone mapping of a player"
    assert source.notes == ([said] if name else [])


def test_a_video_that_is_written_has_its_colours_in_hd_too(tmp_path):
    picture = np.full((720, 1280, 3), (200, 90, 0), np.uint8)
    with VideoWriter(tmp_path / "drawn.mp4", 25.0) as out:
        out.add(picture)
    source = open_source(str(tmp_path / "drawn.mp4"))
    assert np.abs(frames(source)[0].astype(int) - picture).max() <= 2 and source.notes == []


@pytest.mark.parametrize(("name", "text", "kind"), [
    ("list.ffconcat", "ffconcat version 1.0\nfile red.mp4\n", "concat"),
    ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nred.mp4\n#EXT-X-ENDLIST\n", "hls"),
])  # fmt: skip
def test_a_list_of_videos_is_refused_for_its_hash_is_not_theirs(tmp_path, name, text, kind):
    coloured(tmp_path / "red.mp4", 90, 120, 1)
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=rf"{name}: a list of other files \({kind}\)"):
        frames(open_source(str(tmp_path / name)))


def tagged(frame, orientation):
    """A JPEG file with an orientation tag."""
    data = cv2.imencode(".jpg", frame)[1].tobytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation]) + b"\0\0\0\0\0\0\0"
    return data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]


def test_a_users_photographs_are_turned_and_a_benchmarks_are_not(tmp_path):
    data = tagged(FRAMES[0], 6)
    (tmp_path / "a.jpg").write_bytes(data)
    stored = pictures.read_image(tmp_path / "a.jpg")
    assert stored.shape == (90, 120, 3)
    for source in (open_source(str(tmp_path)), open_source(str(tmp_path / "a.jpg"))):
        assert (frames(source)[0] == np.rot90(stored, -1)).all()
        assert source.notes == ["turned by the orientation in the picture's file, as a viewer does"]
    notes: list[str] = []
    assert next(stream(io.BytesIO(data), notes)).image.shape == (120, 90, 3)
    assert notes == source.notes
    (tmp_path / "a.jpg").write_bytes(tagged(FRAMES[0], 1))
    assert open_source(str(tmp_path)).notes == []


# ---------------------------------------------------------------- depth


def deep(folder, low, high, dtype=np.uint16, ending="png"):
    """Frames of small contrast in a deep format, one pixel broken."""
    folder.mkdir()
    for number, frame in enumerate(FRAMES):
        scaled = (low + frame[..., 0] / 255 * (high - low)).astype(dtype)
        scaled[0, 0] = 65535 if dtype == np.uint16 else 1e9
        cv2.imwrite(str(folder / f"{number}.{ending}"), scaled)
    return open_source(str(folder))


@pytest.mark.parametrize(("dtype", "ending"), [(np.uint16, "png"), (np.float32, "tif")])
def test_deep_pictures_are_shown_by_the_first_frames_range(tmp_path, dtype, ending):
    source = deep(tmp_path / "clip", 7400, 7500, dtype, ending)
    got = frames(source)
    assert got[0].dtype == np.uint8
    for image, frame in zip(got, FRAMES, strict=True):
        span = float(frame[..., 0].max()) - float(frame[..., 0].min())
        expected = (frame[..., 0] - float(frame[..., 0].min())) * 255 / span
        assert np.abs(image[1:, 1:, 1] - expected[1:, 1:]).mean() < 4
    assert "are shown as 0 to 255" in source.notes[0]


def test_a_deep_video_is_shown_by_the_first_frames_range(tmp_path):
    with av.open(str(tmp_path / "deep.mkv"), "w") as container:
        made = container.add_stream("ffv1", rate=25)
        made.height, made.width, made.pix_fmt = 90, 120, "gray16le"
        for frame in FRAMES:
            grey = frame[..., 0].astype(np.uint16) + 7400
            container.mux(made.encode(av.VideoFrame.from_ndarray(grey, format="gray16le")))
        container.mux(made.encode())
    source = open_source(str(tmp_path / "deep.mkv"))
    got = frames(source)
    assert got[0].shape == (90, 120, 3) and int(got[0].max()) - int(got[0].min()) == 255
    assert "16 bits a colour" in source.notes[0]


def test_one_pixel_beside_a_flat_picture_is_its_range(tmp_path):
    picture = np.full((60, 60), 500, np.uint16)
    picture[3, 4] = 4000  # one of 3,600: both percentiles are 500
    cv2.imwrite(str(tmp_path / "1.png"), picture)
    (shown,) = frames(open_source(str(tmp_path)))
    assert (shown[3, 4] == 255).all() and shown.sum() == 3 * 255


def test_a_benchmarks_deep_picture_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((5, 6), 700, np.uint16))
    with pytest.raises(InputError, match=r"a\.png: 16 bits a colour, where 8 belong"):
        pictures.read_image(tmp_path / "a.png")


def test_frames_of_another_depth_and_of_no_range_are_named(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), np.arange(30, dtype=np.uint16).reshape(5, 6))
    cv2.imwrite(str(tmp_path / "2.png"), np.full((5, 6), 9, np.uint8))
    with pytest.raises(InputError, match=r"2\.png: 8 bits a colour, the frames before it have others"):
        frames(open_source(str(tmp_path)))
    cv2.imwrite(str(tmp_path / "1.png"), np.full((5, 6), 700, np.uint16))
    with pytest.raises(InputError, match=r"1\.png: 16 bits a colour, and all of one value"):
        frames(open_source(str(tmp_path)))


def test_transparent_pixels_are_told(tmp_path):
    for number, (frame, alpha) in enumerate(((FRAMES[0], 128), (FRAMES[1], 255))):
        layer = np.full((*frame.shape[:2], 1), alpha, np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.concatenate([frame, layer], axis=2))
    source = open_source(str(tmp_path))
    assert frames(source)[0].shape == (90, 120, 3)
    assert source.notes == ["pixels that are transparent count as they are stored"]
    assert open_source(str(tmp_path / "1.png")).notes == []


def test_a_video_that_is_cut_short_is_told(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", 25) as writer:
        for frame in FRAMES * 20:
            writer.add(frame)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    end = packets[39].pos + packets[39].size
    data = (tmp_path / "clip.mp4").read_bytes()
    (tmp_path / "clip.mp4").write_bytes(data[:end])
    source = open_source(str(tmp_path / "clip.mp4"))
    count = len(frames(source))
    assert 0 < count < 80
    assert source.notes == [f"the file says 80 frames, and {count} can be read: is it cut short?"]
    short = open_source(str(tmp_path / "clip.mp4"), frames=3)
    assert (len(frames(short)), short.notes) == (3, [])
    (tmp_path / "clip.mp4").write_bytes(data[: end - 9])
    with pytest.raises(InputError, match=r"clip\.mp4: frame \d+ cannot be read"):
        frames(open_source(str(tmp_path / "clip.mp4")))


def long_clip(path):
    """A video of three seconds that a player could seek in, as its bytes."""
    with av.open(str(path), "w") as container:
        stream_ = container.add_stream("libx264", rate=25, options={"g": "5"})
        stream_.height, stream_.width, stream_.pix_fmt = 90, 120, "yuv420p"
        for frame in FRAMES * 19:
            container.mux(stream_.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream_.encode())
    return path.read_bytes()


def test_a_video_that_says_its_seconds_and_is_cut_short_is_told(tmp_path):
    """A Matroska file does not say how many frames it has."""
    data = long_clip(tmp_path / "clip.mkv")
    source = open_source(str(tmp_path / "clip.mkv"))
    assert len(frames(source)) == 76 and source.notes == []
    (tmp_path / "clip.mkv").write_bytes(data[: len(data) // 3])
    with av.open(str(tmp_path / "clip.mkv")) as container:
        assert container.streams.video[0].frames == 0
    source = open_source(str(tmp_path / "clip.mkv"))
    count = len(frames(source))
    assert 0 < count < 60
    said = f"the file says 3.0 s, and its last frame is at {(count - 1) / 25:.1f} s: is it cut short?"
    assert source.notes == [said]


def test_a_damaged_frame_of_a_video_is_named_and_not_guessed(tmp_path):
    """A decoder would fill it from others, or with green."""
    data = bytearray(long_clip(tmp_path / "clip.mkv"))
    with av.open(str(tmp_path / "clip.mkv")) as container:
        hit = [packet for packet in container.demux(video=0) if packet.size][40]
    at = data.index(bytes(hit)) + 9
    data[at : at + 40] = np.random.default_rng(0).bytes(40)
    (tmp_path / "clip.mkv").write_bytes(data)
    with pytest.raises(InputError, match=r"clip\.mkv: frame \d+ cannot be read.*write it anew"):
        frames(open_source(str(tmp_path / "clip.mkv")))


# ---------------------------------------------------------------- several pictures in one file


def several(path, count=3):
    """A file of several pictures."""
    chosen = [np.ascontiguousarray(frame[..., ::-1]) for frame in FRAMES[:count]]
    if path.suffix == ".tif":
        assert cv2.imwritemulti(str(path), chosen)
        return path
    animation = cv2.Animation()
    animation.frames, animation.durations = chosen, np.full(count, 40, np.int32)
    assert cv2.imwriteanimation(str(path), animation, [cv2.IMWRITE_WEBP_QUALITY, 101])
    return path


@pytest.mark.parametrize("ending", ["tif", "png", "webp", "gif"])
def test_all_pictures_of_one_file_are_frames(tmp_path, ending):
    got = frames(open_source(str(several(tmp_path / f"clip.{ending}"))))
    assert len(got) == 3
    for image, frame in zip(got, FRAMES[:3], strict=True):
        assert np.abs(image.astype(int) - frame).mean() < (40 if ending == "gif" else 12)


@pytest.mark.parametrize("ending", ["tif", "png", "webp"])
def test_a_file_of_several_pictures_among_frames_is_named(tmp_path, ending):
    several(tmp_path / f"1.{ending}")
    cv2.imwrite(str(tmp_path / f"2.{ending}"), FRAMES[0])
    with pytest.raises(InputError, match=rf"1\.{ending}: 3 pictures in one file"):
        frames(open_source(str(tmp_path)))
    with pytest.raises(InputError, match="3 pictures in one file"):
        pictures.read_image(tmp_path / f"1.{ending}")
    assert pictures.pictures((tmp_path / f"2.{ending}").read_bytes()) == 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("large", [False, True])
def test_the_pages_of_every_kind_of_tiff_are_counted(tmp_path, order, large):
    with tifffile.TiffWriter(tmp_path / "a.tif", bigtiff=large, byteorder=order) as writer:
        for frame in FRAMES[:3]:
            writer.write(frame, photometric="rgb", contiguous=False)
    with pytest.raises(InputError, match="3 pictures in one file"):
        pictures.read_image(tmp_path / "a.tif")
    assert np.array_equal(frames(open_source(str(tmp_path / "a.tif"))), FRAMES[:3])


def parts(path, counts):
    """A video file of several streams, with so many frames each, in the colours of FRAMES."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=25) for _ in counts]
        for stream_ in streams:
            stream_.height, stream_.width, stream_.pix_fmt = 90, 120, "yuv420p"
        for stream_, count in zip(streams, counts, strict=True):
            for frame in FRAMES[:count]:
                container.mux(stream_.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream_.encode())
    return str(path)


@pytest.mark.parametrize(
    ("name", "counts", "used"), [("a.mp4", (1, 4), 1), ("a.mp4", (3, 3), 0), ("a.mkv", (2, 4), 0), ("a.mp4", (4,), 0)]
)
def test_of_several_videos_in_a_file_the_longest_is_used_and_named(tmp_path, name, counts, used):
    source = open_source(parts(tmp_path / name, counts))
    expected = [f"of {len(counts)} videos in the file, stream {used} is used"] if len(counts) > 1 else []
    assert [note.partition(";")[0] for note in source.notes] == expected
    assert len(frames(source)) == counts[used]


@pytest.mark.parametrize("kind", ["GIF", "AVIF"])
def test_an_animation_under_a_pictures_name_is_all_of_its_pictures(tmp_path, kind):
    chosen = [Image.fromarray(frame) for frame in FRAMES]
    chosen[0].save(tmp_path / "1.png", kind, save_all=True, append_images=chosen[1:])
    assert len(frames(open_source(str(tmp_path / "1.png")))) == 4
    with pytest.raises(InputError, match=r"1\.png: 4 pictures in one file"):
        frames(open_source(str(tmp_path)))
    data = (tmp_path / "1.png").read_bytes()
    assert pictures.pictures(data[:40]) == 1
    chosen[0].save(tmp_path / "1.png", kind)
    assert pictures.pictures((tmp_path / "1.png").read_bytes()) == 1


def test_all_pictures_of_an_animated_avif_are_frames(tmp_path):
    """Its first picture stands in a stream of its own before it."""
    chosen = [Image.fromarray(frame) for frame in FRAMES]
    chosen[0].save(tmp_path / "a.avif", save_all=True, append_images=chosen[1:])
    assert len(frames(open_source(str(tmp_path / "a.avif")))) == 4


def views(frame, further):
    """A JPEG with an index of two pictures (MPO)."""
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "MPO", save_all=True, append_images=[Image.fromarray(further)])
    return file.getvalue()


def plain(frame, ending=".jpg"):
    return cv2.imencode(ending, frame)[1].tobytes()


@pytest.mark.parametrize(
    ("ending", "more"),
    [
        ("jpg", plain(FRAMES[1])),
        ("png", plain(FRAMES[1])),
        ("jpg", b"\0" * 9 + plain(FRAMES[1], ".png")),
        ("jpg", b"\0\0\0\x18ftypmp42"),
        ("ppm", plain(FRAMES[1], ".ppm")),
        ("pgm", plain(FRAMES[1][..., 0], ".pgm")),
    ],
)
def test_what_follows_a_files_first_picture_is_told(tmp_path, ending, more):
    for number, frame in enumerate(FRAMES):
        picture = plain(frame[..., 0] if ending == "pgm" else frame, f".{ending}")
        (tmp_path / f"{number}.{ending}").write_bytes(picture + (more if number in (1, 2) else b"\0\r\n"))
    source = open_source(str(tmp_path), frames=2)
    assert (len(frames(source)), len(source.notes)) == (2, 1)
    assert source.notes[0].startswith(f"more pictures or a video follow the first in {tmp_path}/1.{ending}, and")
    assert len(frames(open_source(str(tmp_path)))) == 4
    assert open_source(str(tmp_path / f"0.{ending}")).notes == []


@pytest.mark.parametrize("name", ["a.jpg", "a.mpo"])
def test_of_several_views_the_first_is_a_frame(tmp_path, name):
    data = [views(frame, FRAMES[-1]) for frame in FRAMES[:3]]
    (tmp_path / name).write_bytes(data[0])
    source = open_source(str(tmp_path / name))
    (first,) = frames(source)
    notes: list[str] = []
    streamed = [frame.image for frame in stream(io.BytesIO(b"".join(data) + plain(FRAMES[0])), notes)]
    assert len(streamed) == 4 and (streamed[0] == first).all()
    for (note,), place in ((source.notes, str(tmp_path / name)), (notes, "the file of frame 1")):
        assert f"follow the first in {place}, and perhaps in others: not used" in note


@pytest.mark.parametrize("spoilt", [b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08", b"II*\0\x08\0\0\0"])
def test_an_index_whose_pictures_are_not_there_leaves_all_frames(spoilt):
    files = [views(frame, FRAMES[-1]) for frame in FRAMES[:3]]
    firsts = [file[: file.index(b"\xff\xd9\xff\xd8") + 2].replace(b"II*\0\x08\0\0\0", spoilt) for file in files]
    notes: list[str] = []
    assert len(list(stream(io.BytesIO(b"".join(firsts)), notes))) == 3 and notes == []


# ---------------------------------------------------------------- files that are no frames


def test_files_of_other_systems_are_no_frames(tmp_path):
    for number, frame in enumerate(FRAMES):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame)
        (tmp_path / f"._{number}.png").write_bytes(b"\0\5\x16\7")
    assert open_source(str(tmp_path)).count == 4
    with pytest.raises(InputError, match="no images here"):
        open_source(f"{tmp_path}/._*.png")


@pytest.mark.parametrize("pattern", ["**/*.jpg", "*/*.jpg", "clip/../*/*.jpg", "c*/**/*"])
def test_folders_of_other_systems_hold_no_frames(tmp_path, pattern):
    below = tmp_path / ".cache"  # as a user names it, it is no stray
    for name in ("clip", "clip/@eaDir", "@eaDir", "clip/__MACOSX/clip"):
        (below / name).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(below / name / "1.jpg"), FRAMES[0])
    assert open_source(f"{below}/{pattern}").count == 1


def test_two_files_of_one_frame_are_an_error(tmp_path):
    cv2.imwrite(str(tmp_path / "0001.jpg"), FRAMES[0])
    cv2.imwrite(str(tmp_path / "0001.png"), FRAMES[0])
    with pytest.raises(InputError, match=r"both 0001\.jpg and 0001\.png; which are the frames\?"):
        open_source(str(tmp_path))


def test_bytes_after_a_jpegs_end_are_passed_over_and_told():
    files = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in FRAMES]
    notes: list[str] = []
    data = b"".join(file + left for file, left in zip(files, (b"\0" * 40, b"", b"SEFT\xff\xd8\0", b"\n"), strict=True))
    assert len(list(stream(io.BytesIO(data), notes))) == 4
    assert notes == ["bytes that are no image follow frame 1, and perhaps others: passed over"]
    with pytest.raises(InputError, match="frame 2 is neither JPEG nor PNG"):
        list(stream(io.BytesIO(files[0] + b"x" * (1 << 21) + files[1])))
