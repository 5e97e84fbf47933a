"""Hashes of many files, remembered by what the file system says of each: an unchanged file is not read again."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dat import opening
from dat.errors import InputError, refusal
from dat.outside import read_bytes
from dat.records import canonical, sha256_file, write_bytes

THREADS = 8
SAVE_SECONDS = 60.0
TICK_NS = 50_000_000
"""A file changed this shortly before it was hashed may change again without a new time: it is not remembered."""


class Hashes:
    """sha256 of files below `root`, remembered in a file by size, times of change and inode.

    The memory is thrown away when it is unreadable or about another folder. Call `save` at the end.
    """

    def __init__(self, memory: Path, root: Path) -> None:
        self.memory, self.root = memory, root
        self._old, self._sizes = self._load()
        self._seen: dict[str, list[Any]] = {}
        self._saved, self.read = time.monotonic(), 0

    def _load(self) -> tuple[dict[str, list[Any]], dict[str, list[int]]]:
        try:
            found = opening.parse_json(read_bytes(self.memory, most=opening.MANIFEST), self.memory)
            if found["root"] == str(self.root):
                return dict(found["files"]), dict(found["sizes"])
        except (InputError, ValueError, KeyError, TypeError):
            pass
        return {}, {}

    def facts(self, paths: Sequence[Path]) -> list[list[Any]]:
        """Path below the root, bytes and sha256 of each file. Raises InputError when one cannot be read."""
        late = time.time_ns() - TICK_NS
        names = [path.relative_to(self.root).as_posix() for path in paths]
        states = [self._state(path) for path in paths]
        known = [self._old.get(name) for name in names]
        hashes = [old[4] if old and old[:4] == state else None for old, state in zip(known, states, strict=True)]
        self._fill(paths, hashes)
        for name, state, value, old in zip(names, states, hashes, known, strict=True):
            if max(state[1], state[2]) < late:
                self._seen[name] = old if old and old[:4] == state else [*state, value]
        if time.monotonic() - self._saved > SAVE_SECONDS:
            self.save()
        return [[name, state[0], value] for name, state, value in zip(names, states, hashes, strict=True)]

    def _fill(self, paths: Sequence[Path], hashes: list[str | None]) -> None:
        """Hash the files that are not known, several at a time."""
        todo = [index for index, value in enumerate(hashes) if value is None]
        self.read += len(todo)
        if todo:
            with ThreadPoolExecutor(THREADS) as pool:
                for index, value in zip(todo, pool.map(_hash, [paths[index] for index in todo]), strict=True):
                    hashes[index] = value

    def _state(self, path: Path) -> list[int]:
        try:
            found = path.stat()
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {refusal(error)}") from None
        return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]

    def size(self, path: Path, digest: str) -> list[int]:
        """Width and height of an image whose hash is known."""
        if digest not in self._sizes:
            from dat.datasets.images import image_size

            self._sizes[digest] = list(image_size(path))
        return self._sizes[digest]

    def save(self, final: bool = False) -> None:
        """Write the memory; `final` forgets the files that were not asked for."""
        kept = self._seen if final else {**self._old, **self._seen}
        used = {state[4] for state in kept.values()}
        sizes = {digest: size for digest, size in self._sizes.items() if digest in used}
        if kept != self._old or not self.memory.exists():
            write_bytes(self.memory, canonical({"root": str(self.root), "files": kept, "sizes": sizes}))
        self._old = dict(kept)
        self._saved = time.monotonic()


def _hash(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {refusal(error)}") from None


def memory_path(start: Path, name: str) -> Path:
    """Where the memory of a data set lies: below `.dat` at the top of the git checkout, else of the profile."""
    top = next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)
    return top / ".dat" / "index" / f"{name}.json"
