"""Unpacking archives that someone made on purpose."""

import io
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from dat.base import opening
from dat.base.errors import InputError
from dat.cli import archives


def packed(path: Path, members: dict[str, bytes], modes: dict[str, int] | None = None, **more: int) -> Path:
    """A zip archive; `modes` are the files' types and rights."""
    with zipfile.ZipFile(path, "w", **more) as file:  # type: ignore[arg-type]
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = file.compression
            info.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            file.writestr(info, data)
    return path


def below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


BOMB = 2 * opening.MB + 12345


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "SMALL", opening.MB)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "OTB" / "Deer"


@pytest.mark.parametrize("top", ["", "Deer/", "deer/"])
def test_the_files_lie_in_the_folder_with_or_without_one_in_the_archive(tmp_path: Path, place: Path, top: str) -> None:
    members = {f"{top}img/0001.jpg": b"1", f"{top}groundtruth_rect.txt": b"2", "__MACOSX/Deer/._img": b"3"}
    archives.unpack(packed(tmp_path / "a.zip", members), place)
    assert below(place) == {"img/0001.jpg": b"1", "groundtruth_rect.txt": b"2"}
    assert [path.name for path in place.parent.iterdir()] == ["Deer"]


MODES = {"link": stat.S_IFLNK, "device": stat.S_IFCHR, "block": stat.S_IFBLK, "pipe": stat.S_IFIFO}
HOSTILE = {
    "up": ("../evil", b"x", r"member '\.\./evil' leads elsewhere"),
    "up inside": ("img/../../evil", b"x", "leads elsewhere"),
    "absolute": ("/tmp/evil", b"x", "leads elsewhere"),
    "backslash": ("img\\..\\evil", b"x", "has a separator of folders"),
    "escape": ("img/\x1b[2J.jpg", b"x", "has a character that does not print"),
    "long": ("a" * 300, b"x", "is longer than"),
    "file and folder": ("groundtruth_rect.txt/evil", b"x", "is a file and a folder"),
    "link": ("img/link", b"/etc/passwd", "is a link or a device"),
    "device": ("img/device", b"", "is a link or a device"),
    "block": ("img/block", b"", "is a link or a device"),
    "pipe": ("img/pipe", b"", "is a link or a device"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_member_leaves_nothing(tmp_path: Path, place: Path, kind: str) -> None:
    name, data, words = HOSTILE[kind]
    modes = {name: MODES[kind] | 0o777} if kind in MODES else {}
    archive = packed(tmp_path / "a.zip", {"groundtruth_rect.txt": b"1,2,3,4", name: data}, modes)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=f"a.zip.*{words}"):
        archives.unpack(archive, place)
    assert sorted(path for path in tmp_path.rglob("*") if path != place.parent) == before
    assert not Path("/tmp/evil").exists()


def test_a_bomb_is_not_unpacked(tmp_path: Path, place: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"0001.jpg": bytes(BOMB)}, compression=zipfile.ZIP_DEFLATED)
    assert archive.stat().st_size < 200_000
    with pytest.raises(InputError, match=rf"1 files of {BOMB} bytes from \d+, more than pictures"):
        archives.unpack(archive, place)
    assert not place.exists()


def test_a_bomb_that_lies_about_its_size_is_cut_there(tmp_path: Path, place: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"0001.jpg": bytes(BOMB)}, compression=zipfile.ZIP_DEFLATED)
    data, size = archive.read_bytes(), struct.pack("<I", BOMB)
    assert data.count(size) == 2  # beside the member, and in the directory at the end
    archive.write_bytes(data.replace(size, struct.pack("<I", 1000)))
    with pytest.raises(InputError, match="not a zip archive that can be read: Bad CRC-32"):
        archives.unpack(archive, place)
    assert list(place.parent.iterdir()) == []


def test_many_members_are_not_unpacked(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MEMBERS", 2)
    with pytest.raises(InputError, match="3 files of 3 bytes"):
        archives.unpack(packed(tmp_path / "a.zip", dict.fromkeys("abc", b"x")), place)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_comes_twice_is_refused(tmp_path: Path, place: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a", b"1")
        file.writestr("a", b"2")
    with pytest.raises(InputError, match="member 'a' is there twice"):
        archives.unpack(tmp_path / "a.zip", place)


def whole() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("img/0001.jpg", bytes(range(256)) * 20)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>moved</html>", whole()[:-30], whole()[:40] + b"?" + whole()[41:], zlib.compress(b"x")],
    ids=["empty", "page", "cut", "spoilt", "no zip"],
)
def test_what_is_no_whole_archive_is_said(tmp_path: Path, place: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.zip: not a zip archive that can be read: .*; fetch it again"):
        archives.unpack(tmp_path / "a.zip", place)
    assert not place.exists()


def test_an_archive_with_a_password_or_without_files_is_said(tmp_path: Path, place: Path) -> None:
    archive = packed(tmp_path / "a.zip", {"a": b"1"})
    data = bytearray(archive.read_bytes())
    data[6] |= 1  # encrypted, says the member
    data[data.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(data)
    with pytest.raises(InputError, match="encrypted"):
        archives.unpack(archive, place)
    with pytest.raises(InputError, match="no file in it"):
        archives.unpack(packed(tmp_path / "b.zip", {".hidden": b"x"}), place)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_in_any_packing_is_told_and_leaves_nothing(tmp_path: Path, method: int) -> None:
    archive, told = packed(tmp_path / "a.zip", {"x": bytes(range(256)) * 4}, compression=method), 0
    data = archive.read_bytes()
    for at in range(31, len(data) - 8):
        archive.write_bytes(data[:at] + b"\xff" * 8 + data[at + 8 :])
        try:
            archives.unpack(archive, tmp_path / "out" / str(at))
        except InputError as error:
            told += "a.zip" in str(error)
            assert not list((tmp_path / "out").glob(f"*{at}*"))
    assert told > 40
