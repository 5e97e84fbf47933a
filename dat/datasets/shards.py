"""Shards: tar files of about a thousand small pictures, with an index that says where each lies.

A member is read by its offset and length (`pread`), so many processes may read one shard. The tar files can also be
read as WebDataset. `index.csv` has a row a member: sequence, frame (from 1), shard (the tar file), offset, length.
"""

import csv
import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from dat.base import naming, opening
from dat.base.errors import InputError, MissingError
from dat.records import write_text

Row = Mapping[str, Any]


def write_table(path: Path, columns: Iterable[str], rows: Iterable[Row]) -> None:
    """Write a CSV table whole; floats with all their digits, None as nothing."""
    text = io.StringIO()
    table = csv.DictWriter(text, list(columns), lineterminator="\n")
    table.writeheader()
    table.writerows({key: naming.cell(value) for key, value in row.items()} for row in rows)
    write_text(path, text.getvalue())


def read_table(path: Path, columns: Iterable[str]) -> list[dict[str, str]]:
    """The rows of a CSV table. Raises MissingError without it, InputError naming the line when columns are missing."""
    try:
        with io.TextIOWrapper(opening.opened(path, opening.JSON), encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except FileNotFoundError:
        raise MissingError(f"{path}: not there; run dat subsample, then dat masks") from None
    lacking = [name for name in columns if name not in (reader.fieldnames or ())]
    if lacking:
        raise InputError(f"{path}:1: no column {', '.join(lacking)}; run the stage that made it again")
    for line, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise InputError(f"{path}:{line}: cut short, or with too many values; run the stage that made it again")
        naming.part(row.get("shard", "none"), f"{path}:{line}", "shard")
    return [{key: naming.from_cell(value) for key, value in row.items()} for row in rows]


class Writer:
    """Writes members into `<prefix>-000000.tar`, `<prefix>-000001.tar`, ... of a folder, the same bytes every time."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.folder, self.prefix = folder, prefix
        self._tar: tarfile.TarFile | None = None
        self._name = ""

    def add(self, shard: int, member: str, data: bytes) -> dict[str, Any]:
        """Append a member to a shard, which is begun when it is not the last one; where it lies."""
        name = f"{self.prefix}-{shard:06d}.tar"
        if name != self._name:
            self.close()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._tar = tarfile.open(self.folder / name, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
            self._name = name
        assert self._tar is not None
        info = tarfile.TarInfo(naming.part(member, self.folder / name, "member"))
        info.size, info.mode = len(data), 0o644
        offset = self._tar.offset + tarfile.BLOCKSIZE
        self._tar.addfile(info, io.BytesIO(data))
        return {"shard": name, "offset": offset, "length": len(data)}

    def close(self) -> None:
        """Finish the last shard."""
        if self._tar is not None:
            self._tar.close()
            self._tar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Shards:
    """The members of a folder of shards, by their place in the index. Can be copied into other processes.

    `rows` is the index: a dict of text a member. Raises MissingError when there is no index.
    """

    def __init__(self, folder: Path, index: str = "index.csv") -> None:
        self.folder, self._index = folder, str(folder / index)
        self.rows = read_table(folder / index, ("sequence", "shard", "offset", "length"))
        self._open: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[bytes]:
        return (self.read(i) for i in range(len(self)))

    def name(self, i: int) -> str:
        """What to call a member in a message: the index and the line."""
        return f"{self._index}:{i + 2}"

    def read(self, i: int) -> bytes:
        """The bytes of member i. Raises InputError naming shard and line when the shard is not there or too short."""
        row = self.rows[i]
        try:
            offset, length = int(row["offset"]), int(row["length"])
            if not 0 <= length <= opening.IMAGE:
                raise ValueError(f"a picture of {length} bytes")
            data = os.pread(self._file(row["shard"]), length, offset)
        except (OSError, ValueError) as error:
            raise InputError(f"{self.name(i)}: {row['shard']} cannot be read: {error}; run the stage again") from None
        if len(data) != length:
            raise InputError(f"{self.name(i)}: {len(data)} bytes of {length} in {row['shard']}; run the stage again")
        return data

    def _file(self, shard: str) -> int:
        if shard not in self._open:
            opening.check(self.folder / shard)
            opened = os.open(self.folder / shard, os.O_RDONLY | os.O_CLOEXEC)
            if self._open.setdefault(shard, opened) != opened:  # another thread was first
                os.close(opened)
        return self._open[shard]

    def close(self) -> None:
        """Close the shards."""
        while self._open:
            os.close(self._open.popitem()[1])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def __del__(self) -> None:
        if getattr(self, "_open", None):
            self.close()
