"""Files: hashes, writing whole (under a temporary name, then renamed), locks, and what has changed since."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dat.base import opening, outside, used
from dat.base.errors import ChangedError, InputError, LockedError

_MADE = re.compile(r"^\..*\.(\d+)\.[0-9a-f]{6}\.tmp$")
"""A temporary name and the process that made it."""

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def sha256_bytes(data: bytes) -> str:
    """sha256 in hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """sha256 of a regular file's bytes, in hex."""
    try:
        return sha256_bytes(opening.read(path, opening.MB, path))
    except opening.TooLarge:
        pass
    with opening.opened(path, opening.ANY) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: the bytes that are hashed."""
    return _CANONICAL(value).encode()


def sha256_json(value: Any) -> str:
    """sha256 of a value's canonical JSON."""
    return sha256_bytes(canonical(value))


def temporary(path: Path) -> Path:
    """A name beside `path` that no reader looks at."""
    return path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:6]}.tmp")


def _is_temporary(name: str) -> bool:
    """Whether a file's or folder's name is a temporary one: what .dvcignore keeps from DVC."""
    return name.startswith(".") and name.endswith(".tmp")


def sweep(path: Path) -> None:
    """Remove what processes that were killed left beside `path` or anywhere in it under temporary names, or those of
    such."""
    found = [left for dots in (".", "..") for left in path.parent.glob(f"{dots}{path.name}.*.tmp")]
    for directory, folders, names in os.walk(path):
        found += [Path(directory, name) for name in (*folders, *names) if _is_temporary(name)]
        folders[:] = [name for name in folders if not _is_temporary(name)]
    for left in found:
        made = _MADE.search(left.name)
        if made and not _living(int(made[1])):
            remove(left)


def _living(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole: under a temporary name, then renamed.

    Raises InputError where a folder, a pipe or a device stands: a file in its place would be the end of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    name = temporary(path)
    try:
        name.write_bytes(data)
        put(name, path)
    finally:
        name.unlink(missing_ok=True)


def put(name: Path, path: Path) -> None:
    """Rename a file. Raises InputError where `path` is something else than a file."""
    if wrong := opening.no_file(path):
        raise InputError(f"{path}: {wrong}, which is not written over; give another name")
    os.replace(name, path)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole, with newlines as given."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys and unrounded floats. NaN is refused: what is not known is absent."""
    write_text(path, json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, read: Callable[..., bytes] = outside.read_bytes) -> Any:
    """Read JSON; `read` gives its bytes. Raises InputError naming the file, and the line where it is not JSON."""
    return opening.parse_json(read(path, most=opening.JSON), path)


@contextmanager
def locked(path: Path, name: str) -> Iterator[Callable[[], None]]:
    """Hold a file's flock; the kernel frees it on any death. Gives a function that raises when it is no longer ours.

    Raises LockedError when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = f"process {pid}" if (pid := file.read().strip()) else "another process"
            raise LockedError(f"{name}: {holder} is at it in this profile; wait for it or end it") from None
        file.truncate(0)
        print(os.getpid(), file=file, flush=True)

        def owned() -> None:
            if not path.exists() or not os.path.samestat(path.stat(), os.fstat(file.fileno())):
                raise LockedError(f"{name}: {path} was removed while this process worked; nothing was kept: run again")

        yield owned


def files_below(path: Path) -> Iterator[Path]:
    """The files of a folder in order of path, or the file itself; records' own included, temporary ones left out."""
    if path.is_dir():
        for directory, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not _is_temporary(name))
            yield from (Path(directory, name) for name in sorted(names) if not _is_temporary(name))
    elif path.exists():
        yield path


def file_facts(path: Path, base: Path) -> dict[str, Any]:
    """Path (relative to base), bytes and sha256 of a file."""
    return {"path": path.relative_to(base).as_posix(), "bytes": path.stat().st_size, "sha256": sha256_file(path)}


def folder_files(path: Path, base: Path | None = None) -> list[dict[str, Any]]:
    """The facts of a folder's files (or of one file), by path; paths are relative to `base` (default: the folder)."""
    base = base or (path if path.is_dir() else path.parent)
    return [file_facts(file, base) for file in files_below(path)]


@dataclass(frozen=True)
class Snapshot:
    """Some files and folders as they were: the facts of their files (paths relative to `base`), and how to tell that
    one has changed since, even if it has the same bytes again."""

    paths: Sequence[Path]
    base: Path
    facts: list[dict[str, Any]]
    states: dict[Path, tuple[int, ...]]

    @classmethod
    def of(cls, paths: Sequence[Path], base: Path) -> "Snapshot":
        """As they are now."""
        states = {file: _state(file) for path in paths for file in files_below(path)}
        return cls(paths, base, [file_facts(file, base) for file in states], states)

    def changed(self) -> list[Path]:
        """The files that have changed, come or gone since."""
        now = {file: _state(file) for path in self.paths for file in files_below(path)}
        both = now.keys() & self.states.keys()
        return sorted((now.keys() ^ self.states.keys()) | {file for file in both if now[file] != self.states[file]})

    def check(self) -> None:
        """Raises ChangedError naming a file that has changed, come or gone since, or of which other bytes were used."""
        for file in self.changed():
            raise ChangedError(f"{file}: changed while it was in use; nothing was kept: run again")
        used.check_files({self.base / fact["path"]: fact["sha256"] for fact in self.facts})


def _state(path: Path) -> tuple[int, ...]:
    """What a change of a file changes, also one that is undone before anyone looks."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns
