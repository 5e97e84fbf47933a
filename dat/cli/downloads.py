"""Files from public addresses: bounded in size, time and redirects, resumed, and checked before they get their name.

What arrives waits in a folder of its own, `.partial`, whose files are never links.
"""

import fcntl
import os
import re
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import requests

from dat import records
from dat.base import naming, opening, outside
from dat.base.errors import InputError, JobError, LockedError
from dat.base.public import CHUNK, Source, matches
from dat.progress import progress

QUIET = 30.0
"""Seconds without a byte after which a transfer is broken off."""

SECONDS = 3600.0
"""Seconds that a call may take in all; the next one goes on."""

REDIRECTS = 5
MOST = 2 << 30
"""Bytes of a file whose size nobody published."""


def pin_of(place: Path) -> Path:
    """Where the sha256 of the first download of an unchecked file is kept, as `sha256sum --check` reads it."""
    return place.with_name(f"{place.name}.sha256")


def pinned(place: Path) -> str | None:
    """The sha256 that a file had when it was first fetched; None when it never was."""
    pin = pin_of(place)
    return outside.read_text(pin, most=opening.MB).partition(" ")[0].strip() if pin.is_file() else None


def _wrong(path: Path, source: Source, place: Path) -> str:
    """What is wrong with a file that is or becomes `place`, in words; empty when nothing is. Pins an unchecked one."""
    if not matches(path, source):
        return f"not the file expected ({source.checksum}" + (f", {source.bytes} bytes)" if source.bytes else ")")
    if source.checked:
        return ""
    digest, first = records.sha256_file(path), pinned(place)
    if first is None:
        records.write_text(pin_of(place), f"{digest}  {place.name}\n")
    return "" if first in (None, digest) else f"not the file that was fetched first ({pin_of(place)})"


def fetch(source: Source, folder: Path, bar: bool = True) -> Path:
    """The file in `folder`, downloaded unless it is there. What arrives waits in `.partial` until it is checked.

    A file whose published checksum is too short to check it has to be the one that was fetched first (`pinned`).
    Without `bar` nothing says how far it is, as is right where several are fetched at once.

    Raises InputError when it is not the file that its checksum says or too large (what arrived is then removed, a file
    that was there stays), and JobError when the address cannot be reached, leads astray, or the transfer breaks off or
    takes too long; the same call then goes on.
    """
    place, part = folder / source.file, folder / ".partial" / source.file
    if place.exists():
        wrong = _wrong(place, source, place)
        if wrong:
            raise InputError(f"{place}: {wrong}; remove it to fetch it again from {source.address}")
        return place
    with _own(part) as file:
        try:
            with _within(SECONDS, source):
                _transfer(source, place, file, bar)
            file.flush()
            wrong = _wrong(part, source, place)
            if wrong:
                reason = f"sent {file.tell()} bytes that are {wrong}; nothing is kept"
                raise InputError(f"{source.address}: {reason}; try again, or from another network")
            os.replace(part, place)
        except requests.exceptions.RequestException as error:
            raise JobError(_failed(error, source, place, file)) from error
        except ValueError as error:  # lengths and addresses that are none, some of which requests passes on
            reason = f"answers what is no HTTP ({naming.shown(error)[: naming.SHOWN]})"
            raise JobError(f"{source.address}: {reason}; put a copy of the file at {place}") from error
        except InputError:
            file.truncate(0)
            raise
        finally:
            if not os.fstat(file.fileno()).st_size:
                part.unlink(missing_ok=True)
            with suppress(OSError):
                part.parent.rmdir()
    return place


def _own(part: Path) -> BinaryIO:
    """A file of our own to go on with, at its end. Raises InputError for a link, or what is no regular file,
    and LockedError when another process is at it."""
    if part.parent.is_symlink():
        raise InputError(f"{part.parent}: a link, which is not followed; remove it")
    part.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.fdopen(os.open(part, flags, 0o666), "r+b")
    except OSError as error:
        raise InputError(f"{part}: a link, or no file to write to ({error.strerror}); remove it") from None
    facts = os.fstat(file.fileno())
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
        file.close()
        raise InputError(f"{part}: leads to another place; remove {part.parent}")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise LockedError(f"{part.name}: another process fetches it; wait for it or end it") from None
    file.seek(0, os.SEEK_END)
    return file


@contextmanager
def _within(seconds: float, source: Source) -> Iterator[None]:
    """Raises JobError in what it surrounds once the time is over: no server can hold it, whatever it trickles."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise JobError(f"{source.address}: not done in {seconds:g} seconds; the same command goes on from there")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _failed(error: requests.exceptions.RequestException, source: Source, place: Path, file: BinaryIO) -> str:
    """What went wrong with a transfer, and what to do."""
    size, kinds = file.tell(), (requests.exceptions.TooManyRedirects, requests.exceptions.InvalidSchema)
    if isinstance(error, (*kinds, requests.exceptions.InvalidURL)):
        return f"{source.address}: leads astray ({error}); put a copy of the file at {place}"
    if isinstance(error, requests.exceptions.ConnectionError) and not size:
        return f"{source.address}: cannot be reached; go online, or put a copy of the file at {place}"
    return f"{source.address}: broke off after {size} bytes; the same command goes on from there"


def _transfer(source: Source, place: Path, file: BinaryIO, bar: bool) -> None:
    """Bring `file` to its full length; start over when the server does not go on where it ends."""
    have, most = file.tell(), source.bytes or MOST
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.Session() as session:
        session.max_redirects = REDIRECTS
        with session.get(source.address, headers=headers, stream=True, timeout=QUIET) as answer:
            if answer.status_code == 416:  # nothing comes after what is there
                if not answer.headers.get("Content-Range", "").endswith(f"/{have}"):
                    file.truncate(0)
                    raise JobError(f"{source.address}: is shorter than what was kept, which is removed; fetch again")
                return
            _accept(answer, source, place, have)
            if have and (answer.status_code != 206 or _start(answer) != have):
                print(f"{source.address}: does not resume; from the beginning", file=sys.stderr)
                have = file.seek(0)
                file.truncate()
            length = answer.headers.get("Content-Length")
            total = have + int(length) if length else source.bytes
            with progress(total=total, desc=source.file, unit="B") if bar else nullcontext() as shown:
                for piece in answer.iter_content(CHUNK):
                    if file.tell() + len(piece) > most:
                        raise InputError(f"{source.address}: sends more than {most} bytes; nothing is kept")
                    file.write(piece)
                    if shown is not None:
                        shown.update(file.tell() - shown.n)


def _accept(answer: requests.Response, source: Source, place: Path, have: int) -> None:
    """Raises JobError for an answer that is not the file (a part of it only where `have` bytes are there), that is
    packed, or that came from https by plain http."""
    if answer.status_code not in ((200, 206) if have else (200,)):
        raise JobError(
            f"{source.address}: {answer.status_code} {answer.reason}; if it has moved, put a copy at {place}"
        )
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise JobError(f"{source.address}: sends it packed, which was not asked for; put a copy at {place}")
    urls = [one.url for one in (*answer.history, answer)]
    if source.address.startswith("https:") and not all(url.startswith("https:") for url in urls):
        raise JobError(f"{source.address}: leads astray (to {urls[-1]}, not https); put a copy at {place}")


def _start(answer: requests.Response) -> int | None:
    """The place of the first byte of a partial answer."""
    match = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(match[1]) if match else None
