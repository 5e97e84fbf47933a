"""What is known of a data set's files, remembered a file a target: what has not changed is neither read nor hashed.

A file is known by its size, its times of change and its inode, a folder by the same: a file that comes, goes or gets
another name changes its folder. Where all that a row was made of is as it was, the row is as it was.
"""

import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dat.base import opening
from dat.base.errors import InputError, refusal
from dat.base.outside import read_bytes
from dat.records import canonical, remove, sha256_file, write_bytes

THREADS = 8
TICK_NS = 50_000_000
"""A file changed this shortly before it was hashed may change again without a new time: it is not remembered."""

State = list[int]


@dataclass
class CachedTarget:
    """What is remembered of a target: the states of its files and folders, sha256 and picture size by file, and its
    line of the manifest with the key of all else that decides it.

    A file has three lines: root, key and states, which decide whether the row is as it was; the row; the rest."""

    key: str = ""
    states: dict[str, State] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    size: list[Any] = field(default_factory=list)
    line: bytes = b""


class Hashes:
    """What is known of the targets of a data set below `root`, a file each in the folder `memory`.

    A memory that is unreadable or about another folder counts as none.
    """

    def __init__(self, memory: Path, root: Path) -> None:
        self.memory, self.root, self.read = memory, root, 0
        self.pool = ThreadPoolExecutor(THREADS)
        self._asked: set[str] = set()

    def line(self, name: str, key: str) -> bytes | None:
        """The row that was remembered of a target, if all that it was made of is as it was."""
        self._asked.add(name)
        known = self._load(name, whole=False)
        if not known.line or known.key != key:
            return None
        try:
            same = all(self.state(f"{self.root}/{path}") == state for path, state in known.states.items())
        except InputError:
            return None
        return known.line if same else None

    def target(self, name: str) -> "TargetFiles":
        """The files of a target, to be asked for facts while its row is made."""
        self._asked.add(name)
        return TargetFiles(self, name, self._load(name))

    def forget(self) -> None:
        """Forget the targets that were not asked for."""
        for path in self.memory.glob("*.json"):
            if path.stem not in self._asked:
                remove(path)

    def _path(self, name: str) -> Path:
        return self.memory / f"{name}.json"

    def _load(self, name: str, whole: bool = True) -> CachedTarget:
        path = self._path(name)
        try:
            first, line, rest = read_bytes(path, most=opening.JSON).split(b"\n")
            facts = opening.parse_json(first, path)
            if facts.pop("root") == str(self.root):
                return CachedTarget(**facts, line=line, **(opening.parse_json(rest, path) if whole else {}))
        except (InputError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return CachedTarget()

    def _save(self, name: str, known: CachedTarget) -> None:
        first = canonical({"root": str(self.root), "key": known.key, "states": known.states})
        rest = canonical({"hashes": known.hashes, "size": known.size})
        write_bytes(self._path(name), b"\n".join([first, known.line, rest]))

    def below(self, path: Path) -> str:
        """A path as it leads from the root: `Path.relative_to` takes longer than to hash a small file."""
        text, root = str(path), f"{self.root}/"
        return text[len(root) :] if text.startswith(root) else path.relative_to(self.root).as_posix()

    def state(self, path: Path | str) -> State:
        """Size, times of change and inode. Raises InputError when the file is not there."""
        try:
            status = os.stat(path)  # noqa: PTH116 (fifty thousand paths need not be made)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {refusal(error)}") from None
        return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


class TargetFiles:
    """The files of one target; to be made before its folders are read."""

    def __init__(self, hashes: Hashes, name: str, known: CachedTarget) -> None:
        self.hashes, self.name, self.known = hashes, name, known
        self.new = CachedTarget()
        self._late = time.time_ns() - TICK_NS
        self._sure = True

    def facts(self, paths: Sequence[Path]) -> list[list[Any]]:
        """Path below the root, bytes and sha256 of each file. Raises InputError when one cannot be read."""
        late = time.time_ns() - TICK_NS
        names = [self.hashes.below(path) for path in paths]
        states = [self.hashes.state(path) for path in paths]
        values = [
            self.known.hashes.get(name) if self.known.states.get(name) == state else None
            for name, state in zip(names, states, strict=True)
        ]
        hashes = self._filled(paths, values)
        for name, state, value in zip(names, states, hashes, strict=True):
            self._sure &= max(state[1], state[2]) < self._late
            if max(state[1], state[2]) < late:
                self.new.states[name], self.new.hashes[name] = state, value
        return [[name, state[0], value] for name, state, value in zip(names, states, hashes, strict=True)]

    def _filled(self, paths: Sequence[Path], values: Sequence[str | None]) -> list[str]:
        """The hashes, those that are not known from the files, several at a time."""
        todo = [path for path, value in zip(paths, values, strict=True) if value is None]
        self.hashes.read += len(todo)
        if not todo:
            return [value for value in values if value is not None]
        share = -(-len(todo) // THREADS)
        shares = [todo[at : at + share] for at in range(0, len(todo), share)]
        fresh = (value for values in self.hashes.pool.map(_hash_all, shares) for value in values)
        return [next(fresh) if value is None else value for value in values]

    def size(self, path: Path, digest: str) -> list[int]:
        """Width and height of an image whose hash is known."""
        from dat.datasets.images import image_size

        size = self.known.size
        self.new.size = size if size and size[0] == digest else [digest, *image_size(path)]
        return list(self.new.size[1:])

    def folders(self, paths: Iterable[Path]) -> None:
        """The folders that were looked into."""
        for path in paths:
            state = self.hashes.state(path)
            self._sure &= max(state[1], state[2]) < self._late
            self.new.states[self.hashes.below(path)] = state

    def keep(self, key: str, line: bytes) -> None:
        """Remember the row's line, where each of its files and folders is old enough to be known again; and hashes."""
        if self._sure:
            self.new.key, self.new.line = key, line
        self.hashes._save(self.name, self.new)


def _hash_all(paths: Sequence[Path]) -> list[str]:
    return [_hash(path) for path in paths]


def _hash(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {refusal(error)}") from None


def memory_path(start: Path, name: str) -> Path:
    """Where the memory of a data set lies: below `.dat` at the top of the git checkout, else of the profile."""
    top = next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)
    return top / ".dat" / "index" / name
