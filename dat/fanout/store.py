"""The job store: finished per-sequence results by the hash of what decides them.

DVC deletes a stage's outputs before it runs it, so results live here, outside of any stage: `<store>/<kk>/<key>/` holds
the files, `record.json` and `run.json`. An entry appears whole (a folder renamed into place) or not at all. That a job
made it is taken on trust: its files are compared with its record, and the record's key with its name.
"""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dat import records
from dat.base import naming, opening
from dat.base.errors import InputError, LockedError

RECORD = "record.json"
RUN = "run.json"


def location(top: Path) -> Path:
    """Where the store of a checkout lies: DAT_CACHE, or `.dat/store` at its top."""
    named = os.environ.get("DAT_CACHE")
    return Path(named).expanduser().absolute() if named else top / ".dat" / "store"


def entry(store: Path, key: str) -> Path:
    """The folder of a key."""
    return store / key[:2] / key


def record(store: Path, key: str) -> dict[str, Any] | None:
    """The record of a complete entry, with its run file, each of whose files has the recorded hash; None otherwise.

    An entry that is damaged is taken away, so that its job runs again: a file is missing, is not JSON, or has another
    hash or key. Raises OSError where the system does not let one be read, which says nothing of the entry.
    """
    folder = entry(store, key)
    if not folder.is_dir():
        return None
    try:
        content: dict[str, Any] = records.read_json(folder / RECORD, _bytes)
        records.read_json(folder / RUN, _bytes)
        whole = content["key"] == key and all(
            records.sha256_file(folder / naming.below(fact["path"], folder)) == fact["sha256"]
            for fact in content["outputs"]
        )
    except (InputError, KeyError, TypeError, FileNotFoundError, NotADirectoryError):
        whole = False
    if whole:
        return content
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _bytes(path: Path, most: int) -> bytes:
    """A file's bytes. Raises OSError where the system refuses them, InputError where it is no regular file."""
    return opening.read(path, most, path)


def workspace(store: Path) -> Path:
    """A fresh folder in the store for a job to write into."""
    folder = store / "tmp" / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    return folder


def put(store: Path, key: str, folder: Path, record: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """Make a job's folder the entry of its key. An entry that is there already stays: it has the same content."""
    records.write_json(folder / RECORD, record)
    records.write_json(folder / RUN, run)
    place = entry(store, key)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(folder, place)
    except OSError:
        if not place.is_dir():
            raise
        shutil.rmtree(folder)


@contextmanager
def held(store: Path) -> Iterator[None]:
    """While a run uses the store: nobody cleans it."""
    with _flock(store, fcntl.LOCK_SH):
        yield


@contextmanager
def cleaning(store: Path) -> Iterator[None]:
    """Have the store alone. Raises LockedError while a run uses it."""
    with _flock(store, fcntl.LOCK_EX):
        yield


@contextmanager
def _flock(store: Path, kind: int) -> Iterator[None]:
    store.mkdir(parents=True, exist_ok=True)
    with (store / "lock").open("a") as file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            user = "a benchmark uses" if kind == fcntl.LOCK_EX else "dat cache clean is cleaning"
            raise LockedError(f"{store}: {user} the store; wait until it is done") from None
        yield


def left_over(store: Path) -> list[Path]:
    """What killed jobs were writing; while the store is `held`, also what living ones are."""
    return sorted((store / "tmp").glob("*"))


def entries(store: Path) -> Iterator[Path]:
    """The folders of all entries, in order of key."""
    for group in sorted(store.glob("[0-9a-f][0-9a-f]")):
        yield from sorted(path for path in group.iterdir() if path.is_dir())
