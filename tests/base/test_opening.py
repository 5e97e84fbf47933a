"""Files from outside that are no files, have no end, or grow without end: one message at once, each in its reader."""

import ast
import io
import json
import os
import stat
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from dat import records
from dat.audit import lock, recompute
from dat.base import numerics, opening, outside, params, used
from dat.base.errors import DatError, InputError, ParamsError
from dat.benchmarks import catalogue
from dat.datasets import images, manifest, rows, sentences, shards
from dat.evaluation import ground_truth, matlab, text
from dat.evaluation.vot import files as vot_files
from dat.evaluation.vot.rasters import regions
from dat.models import weights
from dat.tracking.csrdcf import colours
from dat.video import sources, splitting

NOWHERE = regions(np.full((3, 8), np.nan), np.full(3, 8))

READERS: dict[str, Callable[[Path], object]] = {
    "bytes": lambda path: outside.read_bytes(path, most=1000),
    "text": outside.read_text,
    "input": lambda path: used.read(path, 1000),
    "sha256": records.sha256_file,
    "json": records.read_json,
    "yaml": params.read_yaml,
    "manifest": manifest.read_header,
    "numbers": lambda path: rows.read_rows(path, 4),
    "sentences": sentences.read,
    "table": lambda path: shards.read_table(path, ["sequence"]),
    "image": images.read_image,
    "result": lambda path: text.read_boxes(path, 3, "tracker T, sequence S"),
    "result.mat": lambda path: matlab.read_boxes(path, "tracker T, sequence S"),
    "repetition": lambda path: vot_files.read_run(path, NOWHERE, "tracker T, sequence S", "strict"),
    "truth.json": vot_files._from_json,
    "flags": lambda path: ground_truth._flags(path, 3, []),
    "list": lambda path: catalogue.subset(catalogue.find("tnl2k"), path),
    "audited": recompute.read_boxes,
    "colours.npy": colours._numbers,
    "colours.mat": colours._numbers,
    "weights.pth": lambda path: opening.check(path),
}


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_regular_file_is_told_at_once(tmp_path: Path, reader: str, kind: str) -> None:
    place = tmp_path / reader
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    else:
        place.mkdir()
    with pytest.raises(DatError, match=f"a {kind} where a regular file belongs|no such file") as caught:
        READERS[reader](place)
    assert str(place) in str(caught.value)


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_weights_are_regular_files(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "weights.safetensors"
    os.mkfifo(place) if kind == "pipe" else place.symlink_to("/dev/zero")
    with pytest.raises(InputError, match=f"a {kind} where a regular file belongs"):
        weights.read(tmp_path)
    with pytest.raises(DatError, match="no weights file there"):
        weights.read_vggm(place)


def test_a_file_has_at_most_the_stated_size(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 10)
    assert outside.read_bytes(tmp_path / "x", most=10) == b"x" * 10
    with pytest.raises(InputError, match="10 bytes where at most 9 belong"):
        outside.read_bytes(tmp_path / "x", most=9)


def test_a_file_that_is_longer_than_it_says_is_not_read_to_its_end() -> None:
    """Files of /proc say that they are empty."""
    assert outside.read_bytes(Path("/proc/self/maps"), most=1 << 20)
    with pytest.raises(InputError, match="more than 100 bytes"):
        outside.read_bytes(Path("/proc/self/maps"), most=100)


def test_opening_leaves_nothing_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for place in (tmp_path, Path("/dev/zero")):
        with pytest.raises(InputError):
            opening.opened(place, 10)
    opening.check(Path(__file__))
    assert len(os.listdir("/proc/self/fd")) == before


# ---------------------------------------------------------------- nested and repeated


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000, "9" * 10_000])
def test_json_nested_thousands_deep_is_told(tmp_path: Path, body: str) -> None:
    (tmp_path / "x.json").write_text(body)
    for read in (records.read_json, vot_files._from_json, manifest.read_header):
        with pytest.raises(InputError, match=r"x\.json.*(JSON)"):
            read(tmp_path / "x.json")


TWICE = {
    '{"Deer": 1,\n"Deer": 2}': 2,
    '{"a": [{"Deer": 1, "x": 0, "Deer": 1}]}': 1,
    '{"a": {"Deer": 1},\n"b": {"Deer": "Deer: {"},\n"c": {"\\"Deer": 1, "Deer": 0,\n\n"D\\u0065er" : 2}}': 5,
    '{"a": "\\\\",\n"Deer": 1, "n": "}{]",\n"Deer": 1}': 3,
}


@pytest.mark.parametrize("body", TWICE)
def test_a_name_that_json_has_twice_is_told_by_line(tmp_path: Path, body: str) -> None:
    (tmp_path / "x.json").write_text(body)
    with pytest.raises(InputError, match=rf"x\.json:{TWICE[body]}: .*'Deer' is there twice"):
        records.read_json(tmp_path / "x.json")


def test_an_endless_number_is_told_by_line(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(f'{{"a": 0.{"1" * 5000},\n"{"3" * 5000}": 1,\n"b": [-{"9" * 5000}]}}')
    with pytest.raises(InputError, match=r"x\.json:3: .*a number of 5001 digits"):
        records.read_json(tmp_path / "x.json")


@pytest.mark.parametrize(
    "value", ["9" * 5000, "9" * 400, "-0x" + "f" * 9000, "0b" + "1" * 30_000, "!!int x", "2024-13-45", "!!bool x"]
)
def test_a_value_of_settings_that_is_none_of_its_kind_is_told_by_line(tmp_path: Path, value: str) -> None:
    (tmp_path / "params.yaml").write_text(f"a: 1\nb:\n  - {{c: {value}}}\n")
    with pytest.raises(ParamsError, match=r"params\.yaml:3: not YAML: '.{1,60}' is no (int|timestamp|bool) that"):
        params.load(tmp_path)
    with pytest.raises(InputError, match="not a lock of DVC"):
        lock.read(tmp_path / "params.yaml")


BOMB = "a0: &a0 [1, 1]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))


def test_yaml_with_aliases_is_told_by_line(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(BOMB)
    with pytest.raises(ParamsError, match=r"params\.yaml:2: .*an alias .*write the value itself"):
        params.load(tmp_path)
    (tmp_path / "dvc.lock").write_text(f"stages:\n{BOMB}".replace("\na", "\n  a"))
    with pytest.raises(InputError, match="not a lock of DVC"):
        lock.read(tmp_path / "dvc.lock")


def test_yaml_nested_thousands_deep_is_told(tmp_path: Path) -> None:
    for body, told in (("a: " + "[" * 20_000, "1: .*brackets nested over"), ("- " * 20_000, " nested too deep")):
        (tmp_path / "params.yaml").write_text(body)
        with pytest.raises(ParamsError, match=rf"params\.yaml:{told}"):
            params.load(tmp_path)
        with pytest.raises(InputError, match="not a lock of DVC"):
            lock.read(tmp_path / "params.yaml")


def test_settings_of_megabytes_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("# x\n" * 100_000)
    with pytest.raises(ParamsError, match="400000 bytes where at most"):
        params.load(tmp_path)


def test_settings_that_are_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    os.mkfifo(tmp_path / "inner/params.yaml")
    (tmp_path / "params.yaml").write_text("numerics: native\n")
    assert numerics.setting(tmp_path / "inner") == "native"


# ---------------------------------------------------------------- MATLAB


def packed(path: Path, size: int) -> None:
    """A small file that is an array of `size` bytes when it is unpacked."""
    savemat(path, {"results": np.zeros((size // 32, 4))}, do_compression=True)
    assert path.stat().st_size < size // 100


def test_a_mat_bomb_is_told_and_takes_no_memory(tmp_path: Path) -> None:
    packed(tmp_path / "bomb.mat", 100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=rf"sequence S .*more than {opening.MATLAB} bytes when it is unpacked"):
            matlab.read_boxes(tmp_path / "bomb.mat", "tracker T, sequence S")
        with pytest.raises(InputError, match="when it is unpacked"):
            colours.read(tmp_path / "bomb.mat")
        assert tracemalloc.get_traced_memory()[1] < 3 * opening.MATLAB
    finally:
        tracemalloc.stop()


def test_many_small_parts_are_as_large_as_one(tmp_path: Path) -> None:
    savemat(tmp_path / "bomb.mat", {f"x{i}": np.zeros(1 << 19) for i in range(9)}, do_compression=True)
    with pytest.raises(ValueError, match="when it is unpacked"):
        opening.read_matlab((tmp_path / "bomb.mat").read_bytes())


@pytest.mark.parametrize("compressed", [True, False])
def test_other_mat_files_are_what_scipy_reads(tmp_path: Path, compressed: bool) -> None:
    values = {"results": np.arange(12.0).reshape(3, 4), "type": "rect", "cell": np.array([1, "a"], dtype=object)}
    savemat(tmp_path / "x.mat", values, do_compression=compressed)
    found, wanted = opening.read_matlab((tmp_path / "x.mat").read_bytes()), loadmat(tmp_path / "x.mat")
    assert found.keys() == wanted.keys() and all(np.array_equal(found[key], wanted[key]) for key in values)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("damage", [lambda data: data[:200], lambda data: data[:140] + b"?" * 60 + data[200:]])
def test_a_damaged_mat_file_is_told(tmp_path: Path, damage: Callable[[bytes], bytes], packed: bool) -> None:
    savemat(tmp_path / "x.mat", {"results": np.random.default_rng(0).random((50, 4))}, do_compression=packed)
    (tmp_path / "x.mat").write_bytes(damage((tmp_path / "x.mat").read_bytes()))
    with pytest.raises(InputError, match="not a MATLAB file that can be read"):
        matlab.read_boxes(tmp_path / "x.mat", "tracker T, sequence S")


# ---------------------------------------------------------------- pictures


def png(width: int, height: int) -> bytes:
    """A PNG file of one colour, of any size, in few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"\0" * 100)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_a_picture_over_opencvs_limit_is_named(tmp_path: Path) -> None:
    (tmp_path / "0001.png").write_bytes(png(1 << 16, 1 << 15))
    with pytest.raises(cv2.error):
        cv2.imdecode(np.frombuffer((tmp_path / "0001.png").read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    with pytest.raises(InputError, match=r"0001\.png: not a readable image: .*make it smaller"):
        images.read_image(tmp_path / "0001.png")


def ends_early(where: bytes, place: int) -> bytes:
    """A PNG animation of three pictures, with a part `where` whose length reaches `place` bytes beyond the file."""
    animation = cv2.Animation()
    animation.frames = [np.full((9, 9, 3), shade, np.uint8) for shade in (0, 90, 200)]
    animation.durations = np.full(3, 40, np.int32)
    _, data = cv2.imencodeanimation(".png", animation)
    start = data.tobytes().index(where) - 4
    return data.tobytes()[:start] + struct.pack(">I", len(data) - start - 8 + place) + data.tobytes()[start + 4 :]


@pytest.mark.parametrize("where", [b"IHDR", b"IDAT", b"fdAT", b"IEND"])
@pytest.mark.parametrize("place", [1, 0xFFFF0000])
def test_a_png_whose_part_ends_after_the_file_reaches_no_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: bytes, place: int
) -> None:
    """It would set aside four gigabytes."""
    (tmp_path / "a.png").write_bytes(ends_early(where, place))
    for name in ("imdecode", "imdecodeanimation"):
        monkeypatch.setattr(cv2, name, lambda *_: pytest.fail("decoded"))
    for read in (images.read_image, lambda path: list(sources.open_source(str(path)).frames())):
        with pytest.raises(InputError, match=r"a\.png: .*(ends in the middle|3 pictures)"):
            read(tmp_path / "a.png")


def test_a_large_pictures_offset_beyond_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II+\0\x08\0\0\0" + b"\xff" * 8)
    with pytest.raises(InputError, match=r"a\.tif: not a readable image"):
        list(sources.open_source(str(tmp_path / "a.tif")).frames())


def test_a_frame_over_the_limit_of_pixels_is_named(tmp_path: Path) -> None:
    """In a process of its own, since OpenCV reads its limit once."""
    (tmp_path / "1.png").write_bytes(png(20_000, 20_000))
    call = [sys.executable, "-m", "dat", "track", str(tmp_path / "1.png"), "--box", "1,1,9,9"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"1.png: not a readable image: over {opening.PIXELS} pixels; make it smaller" in done.stderr


def test_a_chunk_of_four_gigabytes_in_a_stream_is_named() -> None:
    whole = images.encode_png(np.zeros((4, 4), np.uint8))
    huge = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 0xFFFFFFF0, b"IDAT") + b"x" * 100
    found = splitting.split_images(io.BytesIO(whole + huge))
    assert next(found) == whole
    with pytest.raises(InputError, match=rf"standard input: frame 2 is larger than {opening.IMAGE} bytes"):
        next(found)


def test_coded_data_without_end_in_a_stream_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "IMAGE", 100_000)
    jpeg = images.encode_jpeg(np.zeros((8, 8, 3), np.uint8))
    endless = jpeg[:-2] + b"x" * 200_000
    assert list(splitting.split_images(io.BytesIO(jpeg * 3))) == [jpeg] * 3
    with pytest.raises(InputError, match="frame 1 is larger than 100000 bytes"):
        list(splitting.split_images(io.BytesIO(endless)))


JPEG = images.encode_jpeg(np.zeros((8, 8, 3), np.uint8))
ENDLESS = {
    "coded data": (JPEG[:-2], b"x", "is larger than"),
    "0xFF in coded data": (JPEG[:-2], b"\xff", "is larger than"),
    "stuffed zeros": (JPEG[:-2], b"\xff\0", "is larger than"),
    "segments": (JPEG[:2], b"\xff\xe0\0\2", "has more than"),
    "scans": (JPEG[:2], b"\xff\xda\0\2", "has more than"),
    "chunks": (b"\x89PNG\r\n\x1a\n", b"\0\0\0\0tEXtsums", "has more than"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_picture_without_end_is_named_in_seconds(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Byte for byte, 256 MB of it took minutes."""
    monkeypatch.setattr(opening, "IMAGE", 32 * opening.MB)
    head, more, message = ENDLESS[kind]
    file, start = io.BytesIO(head + more * (opening.IMAGE // len(more) + 1)), time.process_time()
    with pytest.raises(InputError, match=f"frame 1 {message}"):
        list(splitting.split_images(file))
    assert time.process_time() - start < 8


@pytest.mark.parametrize("length", [0, 1])
def test_a_segment_shorter_than_its_length_is_no_jpeg(length: int) -> None:
    with pytest.raises(InputError, match="frame 1 ends in the middle"):
        list(splitting.split_images(io.BytesIO(JPEG[:2] + bytes([0xFF, 0xE0, 0, length]) + JPEG[2:])))


@pytest.mark.parametrize("block", [1, 2, 3, 7, 1 << 16])
def test_blocks_end_anywhere_in_a_picture(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    filled = images.encode_jpeg(noise)[:-2] + b"\xff\xff\xff\xd9"
    files = [images.encode_jpeg(noise), images.encode_png(noise), filled, JPEG]
    monkeypatch.setattr(splitting, "BLOCK", block)
    assert list(splitting.split_images(io.BytesIO(b"".join(files)))) == files


def test_a_picture_is_read_before_the_one_after_it_comes() -> None:
    read, write = os.pipe()
    os.write(write, JPEG)
    with os.fdopen(read, "rb") as stream, os.fdopen(write, "wb"):
        assert next(splitting.split_images(stream)) == JPEG


def test_a_stream_that_begins_late_is_waited_for(tmp_path: Path) -> None:
    """Pipes are refused as files, and are what standard input is."""
    read, write = os.pipe()
    data = images.encode_png(np.zeros((4, 4), np.uint8))
    with os.fdopen(read, "rb") as stream:
        threading.Timer(0.1, lambda: (os.write(write, data), os.close(write))).start()
        assert list(splitting.split_images(stream)) == [data]


def test_json_is_text_in_utf_8(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\xef\xbb\xbf" + json.dumps({"a": "\u00e9"}, ensure_ascii=False).encode())
    assert records.read_json(tmp_path / "x.json") == {"a": "\u00e9"}
    (tmp_path / "x.json").write_bytes(b'{"a":\n"\xff"}')
    with pytest.raises(InputError, match=r"x\.json:2: not text in UTF-8"):
        records.read_json(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("length", "shard", "told"),
    [
        ("9" * 13, "a.tar", "a picture of 9999999999999 bytes"),
        ("-1", "a.tar", "a picture of -1"),
        ("1", "b.tar", "a pipe"),
    ],
)
def test_a_shard_is_a_file_and_its_members_are_pictures(tmp_path: Path, length: str, shard: str, told: str) -> None:
    (tmp_path / "a.tar").write_bytes(b"x" * 1024)
    os.mkfifo(tmp_path / "b.tar")
    (tmp_path / "index.csv").write_text(f"sequence,shard,offset,length\nA,{shard},0,{length}\n")
    with pytest.raises(InputError, match=told):
        shards.Shards(tmp_path).read(0)


def results(compressed: bool, depth: int = 0) -> bytes:
    """A small file of results: a cell of a struct, in `depth` more cells."""
    struct = {"type": "rect", "res": np.arange(12.0).reshape(3, 4) + 0.5, "len": 3.0, "box": np.array([[1j]])}
    cell = np.empty((1, 1), object)
    cell[0, 0] = struct
    for _ in range(depth):
        cell, inner = np.empty((1, 1), object), cell
        cell[0, 0] = inner
    file = io.BytesIO()
    savemat(file, {"results": cell, "note": "a text"}, do_compression=compressed)
    return file.getvalue()


def same(one: object, other: object) -> bool:
    """Whether values of MATLAB are of the same kind and size and hold the same."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.dtype.names:
        fits = one.dtype.names == other.dtype.names and one.shape == other.shape
        return fits and all(same(one[name], other[name]) for name in one.dtype.names)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.dtype == object == other.dtype:
        return one.shape == other.shape and all(map(same, one.flat, other.flat))
    return np.shape(one) == np.shape(other) and bool(np.all(one == other))


@pytest.mark.parametrize("compressed", [True, False])
def test_a_changed_byte_of_a_mat_file_is_an_error_or_changes_what_it_stands_for(compressed: bool) -> None:
    """Scipy's reader ends the process at one in a hundred, and what follows a wrong kind or size is read as another.

    Without packing nothing guards the numbers and names themselves; shapes stay, but for the order of sizes.
    """
    data, generator = results(compressed), np.random.default_rng(0)
    whole = opening.read_matlab(data)
    told = other = 0
    for place in generator.integers(124, len(data), 1000):
        changed = bytearray(data)
        changed[place] = generator.integers(256)
        try:
            found = opening.read_matlab(bytes(changed))
        except (ValueError, NotImplementedError):
            told += 1
            continue
        other += not all(same(found.get(name), whole[name]) for name in ("results", "note"))
    assert told > 400 and (other == 0 if compressed else 0 < other < 300)


def element(kind: int, content: bytes) -> bytes:
    return kind.to_bytes(4, "little") + len(content).to_bytes(4, "little") + content + b"\0" * (-len(content) % 8)


def array(kind: int, sizes: tuple[int, ...], *parts: bytes, name: bytes = b"x") -> bytes:
    """An array of a MATLAB file, of a class."""
    shape = b"".join(size.to_bytes(4, "little") for size in sizes)
    head = element(6, kind.to_bytes(8, "little")) + element(5, shape) + element(1, name)
    return element(14, head + b"".join(parts))


HEAD = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
ONE = element(9, bytes(8))
UNFIT = {
    "of no known kind of numbers": (array(6, (1, 1), element(200, bytes(8))), "no part that belongs"),
    "of more numbers than its size": (array(6, (1, 1), element(9, bytes(16))), "do not fit its size and class"),
    "of numbers of another class": (array(6, (1, 1), element(12, bytes(8))), "do not fit its size and class"),
    "with more behind its numbers": (array(6, (1, 1), ONE, ONE), "does not end where its parts do"),
    "of a negative size": (array(6, (1, 1 << 31), ONE), "no whole number"),
    "of one dimension": (array(6, (1,), ONE), "impossible size"),
    "of an endless size": (array(1, (1 << 20, 1 << 20)), "impossible size"),
    "of a class that is not known": (array(40, (1, 1), ONE), r"no known class \(40\)"),
    "of a text that is too short": (array(4, (1, 9), element(1, b"rect")), "a text does not fit"),
    "of a cell without content": (array(1, (1, 1)), "no part that belongs"),
    "of fields without a width": (array(2, (1, 1), element(5, bytes(4)), element(1, b"")), "fields do not fit"),
    "of a field without an end": (
        array(2, (1, 1), element(5, b"\4\0\0\0"), element(1, b"type"), array(6, (1, 1), ONE)), "has no end"),
    "that is there twice": (2 * array(6, (1, 1), ONE), "'x' is there twice"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNFIT)
def test_an_array_whose_parts_do_not_fit_is_told(what: str) -> None:
    content, said = UNFIT[what]
    with pytest.raises(ValueError, match=said):
        opening.read_matlab(HEAD + content)


def test_cells_nested_thousands_deep_are_told() -> None:
    """They would fill the stack of scipy's reader, which ends the process."""
    assert same(opening.read_matlab(results(False, 40))["note"], np.array(["a text"]))
    content = array(6, (1, 1), ONE)
    for _ in range(3000):
        content = array(1, (1, 1), content)
    with pytest.raises(ValueError, match="cells nested over 50 deep"):
        opening.read_matlab(HEAD + content)


def test_arrays_that_fit_are_what_scipy_reads() -> None:
    text = array(4, (1, 2), element(16, "äb".encode()), name=b"t")
    found = opening.read_matlab(HEAD + array(6, (1, 2), element(2, b"\1\2")) + text)
    assert found["x"].tolist() == [[1, 2]] and found["t"].tolist() == ["äb"]


def test_a_file_without_the_head_of_a_mat_file_is_told() -> None:
    with pytest.raises(ValueError, match="its head is not that of a MATLAB file"):
        opening.read_matlab(HEAD[:126] + b"?M" + array(6, (1, 1), ONE))


def test_what_is_no_file_is_not_written_over(tmp_path: Path) -> None:
    """A rename would put a file in the place of a device, as `/dev/null`, for all programs."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, told in (("pipe", "a pipe"), ("folder", "a folder")):
        with pytest.raises(InputError, match=f"{name}: {told}, which is not written over"):
            records.write_text(tmp_path / name, "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert opening.no_file(Path("/dev/null")) == "a device" and opening.no_file(tmp_path / "none") == ""


# ---------------------------------------------------------------- no other way in

ALLOWED = {
    # `opening` itself, and what the kernel writes
    ("base/opening.py", "_open"),
    ("base/numerics.py", "_flagged"),
    ("base/supervise.py", "_stat"),
    ("base/supervise.py", "_watched"),
    ("cli/watch.py", "stages_at_work"),
    ("base/supervise.py", "place"),
    ("records/host.py", "processor"),
    ("records/record.py", "peak_memory"),
    # code and pictures of installed packages
    ("base/used.py", "code"),
    ("base/used.py", "check_code"),
    ("datasets/scenery/textures.py", "photo"),
    # what was read through `opening` before, and is a value or an archive's member by now
    ("audit/earlier.py", "unpacked"),
    ("cli/archives.py", "_unpack"),
    ("tracking/csrdcf/colours.py", "_numbers"),
    # decoders of pictures, which `opening.check` goes before
    ("video/sources.py", "_video"),
    ("video/sources.py", "_video_pictures"),
    # files that this process or one of its jobs writes: locks, logs, downloads, outputs, checkpoints
    ("base/devices.py", "take"),
    ("base/supervise.py", "run"),
    ("cli/__init__.py", "main"),
    ("cli/downloads.py", "_own"),
    ("cli/timings.py", "write_run"),
    ("datasets/manifest.py", "write"),
    ("datasets/shards.py", "Shards._file"),
    ("datasets/shards.py", "Writer.add"),
    ("fanout/failures.py", "_failed"),
    ("fanout/failures.py", "line"),
    ("fanout/logs.py", "tail"),
    ("fanout/logs.py", "written"),
    ("fanout/stage.py", "_line.tick"),
    ("fanout/store.py", "_flock"),
    ("records/files.py", "locked"),
    ("training/checkpoints.py", "Checkpoints.load"),
    ("video/drawing.py", "VideoWriter.add"),
}
"""Files and functions that may open one by themselves."""

CALLS = {"np.load", "np.loadtxt", "np.genfromtxt", "np.fromfile", "json.load", "cv2.imread"}


class Opening(ast.NodeVisitor):
    """The functions that open a file in another way than by `opening`, `outside` and `used`."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.found: set[str] = set()

    def named(self, node: Any) -> None:
        self.inside.append(node.name)
        self.generic_visit(node)
        self.inside.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = named

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        of_a_path = last in ("read_text", "read_bytes") and "." in name and not node.args  # outside's take the path
        if name in CALLS or last == "open" or of_a_path:
            self.found.add(".".join(self.inside))
        self.generic_visit(node)


def opened_in(code: str) -> set[str]:
    visitor = Opening()
    visitor.visit(ast.parse(code))
    return visitor.found


def test_no_other_function_opens_a_file_by_itself() -> None:
    package = Path(opening.__file__).parents[1]
    files = {path.relative_to(package).as_posix(): path for path in package.rglob("*.py")}
    found = {(name, function) for name, path in files.items() for function in opened_in(path.read_text())}
    assert found <= ALLOWED, f"read it by dat.base.outside, used or opening: {sorted(found - ALLOWED)}"
    assert len(found) > 20


WAYS = ["open(p)", "p.open()", "io.open(p)", "p.read_text(encoding='utf-8')", "Path(p).read_bytes()"]


@pytest.mark.parametrize("call", [*WAYS, *(f"{name}(p)" for name in sorted(CALLS))])
def test_each_way_to_open_a_file_is_seen(call: str) -> None:
    assert opened_in(f"class A:\n def b(p):\n  return {call}\n") == {"A.b"}
    assert opened_in("def b(p):\n  return outside.read_text(p), read_bytes(p), opening.opened(p, 3)\n") == set()
