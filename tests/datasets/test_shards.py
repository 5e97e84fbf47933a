"""Shards: the same bytes every time, read by offset."""

import pickle
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dat.base.errors import InputError, MissingError
from dat.datasets.shards import Shards, Writer, write_table

COLUMNS = ("sequence", "frame", "shard", "offset", "length")


def write(folder: Path, members: list[bytes], size: int = 2) -> None:
    with Writer(folder, "frames") as writer:
        rows = [
            {"sequence": "A", "frame": i + 1, **writer.add(i // size, f"A_{i + 1:08d}.jpg", data)}
            for i, data in enumerate(members)
        ]
    write_table(folder / "index.csv", COLUMNS, rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(members=st.lists(st.binary(max_size=1500), min_size=1, max_size=7), size=st.integers(1, 4))
def test_members_read_back(tmp_path: Path, members: list[bytes], size: int) -> None:
    write(tmp_path, members, size)
    shards = Shards(tmp_path)
    assert list(shards) == members
    shards.close()


def test_tar_sees_the_same_members(tmp_path: Path) -> None:
    write(tmp_path, [b"one", b"two" * 400, b""])
    with tarfile.open(tmp_path / "frames-000000.tar") as tar:
        assert tar.getnames() == ["A_00000001.jpg", "A_00000002.jpg"]
        assert tar.extractfile("A_00000002.jpg").read() == b"two" * 400  # type: ignore[union-attr]
    assert (tmp_path / "frames-000001.tar").is_file()


def test_bytes_are_the_same_every_time(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / name, [b"one", b"two"])
    for file in ("frames-000000.tar", "index.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_shards_go_into_other_processes(tmp_path: Path) -> None:
    write(tmp_path, [b"one", b"two"])
    shards = Shards(tmp_path)
    assert shards.read(0) == b"one"
    assert pickle.loads(pickle.dumps(shards)).read(1) == b"two"


def test_a_short_shard_is_named_with_the_line(tmp_path: Path) -> None:
    write(tmp_path, [b"one", b"x" * 5000])
    with (tmp_path / "frames-000000.tar").open("r+b") as file:
        file.truncate(2000)
    with pytest.raises(InputError, match=r"index\.csv:3: \d+ bytes of 5000 in frames-000000\.tar"):
        Shards(tmp_path).read(1)


def test_a_lost_shard_is_named(tmp_path: Path) -> None:
    write(tmp_path, [b"one"])
    (tmp_path / "frames-000000.tar").unlink()
    with pytest.raises(InputError, match=r"index\.csv:2: frames-000000\.tar cannot be read"):
        Shards(tmp_path).read(0)


def test_no_index_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="run dat subsample"):
        Shards(tmp_path)


def test_a_cut_index_is_named(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("sequence,frame,shard,offset,length\nA,1,frames-0\n")
    with pytest.raises(InputError, match=":2: cut short"):
        Shards(tmp_path)
    (tmp_path / "index.csv").write_text("sequence,frame\nA,1\n")
    with pytest.raises(InputError, match=":1: no column shard, offset, length"):
        Shards(tmp_path)
