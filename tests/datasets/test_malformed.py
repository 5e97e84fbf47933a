# ruff: noqa: E501 (a table, a file a line)
"""Broken files, one a line of a table: each is named with its line and what to do, or is read rightly."""

import errno
import os
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from dat.base import opening
from dat.base.errors import InputError
from dat.datasets import manifest
from dat.datasets.images import read_image
from tests.parts import small_sets as small

BOXES = [[9, 11, 16, 8], [10, 11, 16, 8], [11, 11, 16, 8]]
"""What `small.boxes(3)` says, counted from 0."""

SETS = {"otb": "otb100", "lasot": "lasot", "tlp": "tlp", "tc128": "tc128", "vot": "vot2016"}
Spoil = Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    """What is done to the folder of a sound sequence `Star` of three frames, and what comes of it: the words of the
    error, or without any the boxes."""

    name: str
    spoil: Spoil
    error: str = ""
    boxes: tuple[int | None, ...] = (0, 1, 2)
    layout: str = "otb"


def write(name: str, data: bytes | str) -> Spoil:
    """Write a file of the sequence's folder."""
    return lambda folder: (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)


def truth(data: bytes | str) -> Spoil:
    return write("groundtruth_rect.txt", data)


def edit(old: str, new: str) -> Spoil:
    """Change the text of the boxes."""
    return truth(small.boxes(3).replace(old, new))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, bits: int = 8, frames: int = 0) -> bytes:
    """A PNG of these sides whose picture is short; with `frames` it says that it is animated."""
    head = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    more = chunk(b"acTL", struct.pack(">II", frames, 0)) if frames else b""
    picture = chunk(b"IDAT", zlib.compress(bytes(64)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + picture + chunk(b"IEND", b"")


def encoded(picture: np.ndarray, ending: str) -> bytes:
    return bytes(cv2.imencode(ending, picture)[1])


NOISE = np.random.default_rng(5).integers(0, 256, (48, 64, 3), dtype=np.uint8)
JPEG = encoded(NOISE, ".jpg")


def frame(data: bytes, number: int = 2) -> Spoil:
    return write(f"img/{number:04d}.jpg", data)


def instead(name: str, make: Callable[[Path], object]) -> Spoil:
    """Put something else in a file's place."""

    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return spoil


def renamed(old: str, new: str) -> Spoil:
    return lambda folder: (folder / old).rename(folder / new)


ROW = "10,12,16,8\n"
CASES = [
    # the file of boxes
    Case("empty", truth(""), r"groundtruth_rect\.txt: 0 rows for 3 images of Star; fetch the sequence again"),
    Case("blank", truth(" \n\n"), r"groundtruth_rect\.txt: 0 rows for 3 images"),
    Case("short", truth(ROW * 2), r"groundtruth_rect\.txt: 2 rows for 3 images"),
    Case("long", truth(ROW * 4), r"groundtruth_rect\.txt: 4 rows for 3 images"),
    Case("NaN", edit("11,12,16,8", "NaN,NaN,NaN,NaN"), boxes=(0, None, 2)),
    Case("one NaN", edit("11,12,16,8", "11,12,nan,8"), boxes=(0, None, 2)),
    Case("text", edit("11,12,16,8", "eleven,12,16,8"), r"groundtruth_rect\.txt:2: 'eleven' where a number belongs; corr"),
    Case("header", truth("x,y,w,h\n" + small.boxes(3)), r"groundtruth_rect\.txt:1: 'x' where a number belongs; correct"),
    Case("infinite", edit("16,8\n12", "inf,8\n12"), r"groundtruth_rect\.txt:2: 'inf' where a number of pixels or frames belongs; corr"),
    Case("underscore", edit("11,12", "1_1,12"), r"groundtruth_rect\.txt:2: '1_1' where a number of pixels or frames belongs"),
    Case("mark of UTF-8", truth("\ufeff" + small.boxes(3))),
    Case("UTF-16", truth(small.boxes(3).encode("utf-16"))),
    Case("half UTF-16", truth(b"\xff\xfe1"), r"groundtruth_rect\.txt:1: begins with the mark of utf-16 .*save it as UTF-8"),
    Case("Latin 1", truth("10,12,16,8\n\xb11,12,16,8".encode("latin-1")), r"txt:2: the byte 0xb1 is not UTF-8; save"),
    Case("zeros", truth(b"10,12,16,8\n\0\0\0\0"), r"groundtruth_rect\.txt:2: a binary file, where text was expected; save"),
    Case("CRLF", truth(small.boxes(3).replace("\n", "\r\n"))),
    Case("CR", truth(small.boxes(3).replace("\n", "\r"))),
    Case("no end of line", truth(small.boxes(3).rstrip())),
    Case("blank lines at the end", truth(small.boxes(3) + "\n \n")),
    Case("blank line within", edit("11,12,16,8\n", "11,12,16,8\n\n"), r"txt:3: 0 numbers where 4 belong; write 4 a line"),
    Case("tabs", truth(small.boxes(3, "\t"))),
    Case("blanks", truth(small.boxes(3, "  "))),
    Case("semicolons", truth(small.boxes(3, ";"))),
    Case("mixed delimiters", truth("10\t12 16,8\n11;12;16;8\n12, 12, 16, 8,\n")),
    Case("decimal commas", truth("10,0;12,0;16,0;8,0\n" * 3), r"txt:1: 8 numbers where 4 belong; write 4 a line, decimals with a point"),
    Case("three numbers", edit("11,12,16,8", "11,12,16"), r"groundtruth_rect\.txt:2: 3 numbers where 4 belong; write 4 a line"),
    Case("no number of pixels", edit("11,12", "1e300,12"), r"rect\.txt:2: '1e300' where a number of pixels or frames belongs; corr"),
    Case("no permission", lambda folder: (folder / "groundtruth_rect.txt").chmod(0), r"groundtruth_rect\.txt: cannot be read: Permission denied; "),
    # the images
    Case("missing frame", lambda folder: (folder / "img/0002.jpg").unlink(), r"img: image 2 is missing of 1 to 3; extract"),
    Case("extra frame", frame(JPEG, 4), r"groundtruth_rect\.txt: 3 rows for 4 images of Star"),
    Case("no frames", lambda folder: [one.unlink() for one in (folder / "img").iterdir()], r"img: no images; extract the"),
    Case("no folder", renamed("img", "images"), r"img: cannot be listed: No such file or directory; "),
    Case("numbers from 0", renamed("img/0003.jpg", "img/0000.jpg")),
    Case("numbers without zeros", renamed("img/0002.jpg", "img/2.jpg")),
    Case("one number twice", frame(JPEG, 2) and write("img/2.jpg", JPEG), r"2\.jpg: the same number as 0002\.jpg; move one"),
    Case("a name without a number", write("img/cover.jpg", JPEG), r"cover\.jpg: an image's name should be its number; move"),
    Case("an index of Windows", write("img/Thumbs.db", b"x")),
    Case("a Mac's file", write("img/._0001.jpg", b"x")),
    Case("zero bytes", frame(b""), r"0002\.jpg: .*0 bytes.*; fetch or extract it again"),
    Case("no picture", frame(b"<html>moved</html>"), r"0002\.jpg: not a readable image \(18 bytes\); fetch or extract it"),
    Case("half a JPEG", frame(JPEG[: len(JPEG) // 2]), r"0002\.jpg: not a readable image \(\d+ bytes\); fetch or extract it again"),
    Case("half a PNG", frame(encoded(NOISE, ".png")[:3000]), r"0002\.jpg: not a readable image: it ends in the middle; "),
    Case("16 bits", frame(encoded(NOISE.astype(np.uint16) * 256, ".png")), r"0002\.jpg: 16 bits a colour, where 8 belong; conv"),
    Case("grey", frame(encoded(NOISE[..., 0], ".jpg"))),
    Case("animated", frame(png(64, 48, frames=3)), r"0002\.jpg: 3 pictures in one file, where one belongs; extract them"),
    Case("huge", frame(png(60000, 60000)), r"0002\.jpg: not a readable image: over \d+ pixels; make it smaller"),
    Case("a loop", instead("img/0002.jpg", lambda path: path.symlink_to(path.name)), r"0002\.jpg: cannot be read: Too many levels.*; "),
    Case("a link to nowhere", instead("img/0002.jpg", lambda path: path.symlink_to("none")), r"0002\.jpg: cannot be read: No such file.*; "),
    Case("a folder", instead("img/0002.jpg", Path.mkdir), r"0002\.jpg: a folder where a regular file belongs; put the file"),
    Case("a pipe as a frame", instead("img/0002.jpg", os.mkfifo), r"0002\.jpg: a pipe where a regular file belongs; put the"),
    Case("no permission for a frame", lambda folder: (folder / "img/0002.jpg").chmod(0), r"0002\.jpg: cannot be read: Permission denied; "),
    # names
    Case("a name with a line's end", lambda folder: folder.rename(folder.with_name("Star\n2")), r"the sequence 'Star\\n2' has a character that does not print; give it a plain name"),
    Case("a name that is no text", lambda folder: os.rename(folder, os.fsencode(folder.parent) + b"/\xff"), r"has a character that does not print; give it"),
    Case("a name with a blank", lambda folder: folder.rename(folder.with_name("Star "))  , r"the sequence 'Star ' is empty, or begins or ends with a blank; give"),
    # what other layouts have beside
    Case("flags too short", write("full_occlusion.txt", "0,0"), r"out_of_view\.txt: 3 rows for 2 rows of full_occlusion", layout="lasot"),
    Case("a flag of 2", write("out_of_view.txt", "0,2,0"), r"out_of_view\.txt:1: '2' \(value 2\) where 0 or 1 belongs", layout="lasot"),
    Case("a sentence in Latin 1", write("nlp.txt", b"the caf\xe9"), r"nlp\.txt:1: the byte 0xe9 is not UTF-8; save the", layout="lasot"),
    Case("a frame twice", truth("1,10,12,16,8,0\n1,11,12,16,8,0\n3,12,12,16,8,0\n"), r"txt:2: frame 1 where 2 belongs; ", layout="tlp"),
    Case("lost or not", truth("1,10,12,16,8,0\n2,11,12,16,8,5\n3,12,12,16,8,0\n"), r"txt:2: '5' where 0 \(in view\) or 1.*; ", layout="tlp"),
    Case("no range", write("Star_frames.txt", "1"), r"Star_frames\.txt:1: 1 numbers where 2 belong", layout="tc128"),
    Case("a range beyond", write("Star_frames.txt", "2,9"), r"img: image 4 is missing of 2 to 9; extract", layout="tc128"),
    Case("six numbers", write("groundtruth.txt", "1,2,3,4,5,6\n" * 3), r"groundtruth\.txt:1: 6 numbers where 4 or 8 belong; write 4 or 8 a line", layout="vot"),
    Case("a tag too long", write("occlusion.tag", "0\n0\n0\n1\n"), r"occlusion\.tag: 4 values for 3 images; fetch", layout="vot"),
    Case("a tag too short", write("occlusion.tag", "0\n"), boxes=(0, 1, 2), layout="vot"),
]  # fmt: skip


def sound(root: Path, layout: str) -> Path:
    """A sequence of three frames in a layout."""
    folder = small.otb(root, "Star")
    if layout == "lasot":
        return small.lasot(root / "lasot", "Star-1", 3)
    if layout == "tlp":
        rows = [f"{n + 1},{10 + n},12,16,8,0\n" for n in range(3)]
        (folder / "groundtruth_rect.txt").write_text("".join(rows))
    if layout == "tc128":
        (folder / "groundtruth_rect.txt").rename(folder / "Star_gt.txt")
    if layout == "vot":
        (folder / "groundtruth_rect.txt").unlink()
        (folder / "img").rename(folder / "color")
        (folder / "groundtruth.txt").write_text("".join(f"{9 + n},11,16,8\n" for n in range(3)))
    return folder


def read(root: Path, layout: str, profile: Path) -> manifest.Sequence:
    """Index the folder, and decode every frame as trackers do."""
    settings = small.profile(profile)
    key = SETS[layout]
    (settings.path / "data").mkdir()
    (settings.path / "data" / key).symlink_to(root)
    small.describe(settings, key, name="own-set", lists={})
    (sequence,) = small.read_index(settings, key).sequences.values()
    for path, (_, _, digest) in zip(sequence.frames, sequence.files, strict=True):
        assert read_image(path, digest).shape == (48, 64, 3)
    return sequence


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without any right is closed for root, too."""
    plain = opening._open

    def guarded(path: Path, most: int, where: object) -> tuple[int, int]:
        if not Path(path).stat().st_mode & 0o444:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return plain(path, most, where)

    monkeypatch.setattr(opening, "_open", guarded)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_file_is_named_or_read_rightly(tmp_path: Path, case: Case) -> None:
    root = tmp_path / "sets"
    folder = sound(root, case.layout)
    case.spoil(folder)
    root = root / "lasot" if case.layout == "lasot" else root
    if not case.error:
        wanted = [None if place is None else BOXES[place] for place in case.boxes]
        assert read(root, case.layout, tmp_path / "profile").row["boxes"] == wanted
        return
    with pytest.raises(InputError) as raised:
        read(root, case.layout, tmp_path / "profile")
    text = str(raised.value)
    assert re.search(case.error, text), text
    assert "\n" not in text and "; " in text, "one line, with what to do"


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 60 and len({case.name for case in CASES}) == len(CASES)
