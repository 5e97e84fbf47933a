"""Files from public addresses: resumed where the server allows it, checked before they get their name."""

import hashlib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import requests

from dat import records
from dat.errors import InputError, JobError

CHUNK = 1 << 20
TIMEOUT = 30.0  # seconds without a byte


@dataclass(frozen=True)
class Source:
    """A public file. `checksum` is `sha256:`, `md5:` or `git:` (a blob's name) and at least the first hex digits."""

    file: str
    address: str
    checksum: str
    licence: str
    param: str  # what of params.yaml takes its path
    bytes: int | None = None  # where it is known


def matches(path: Path, source: Source) -> bool:
    """Whether a file has the size and checksum of its source."""
    size = path.stat().st_size
    kind, _, wanted = source.checksum.partition(":")
    if kind == "git":
        digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    else:
        digest = hashlib.new(kind, usedforsecurity=False)
    if source.bytes not in (None, size):
        return False
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest().startswith(wanted)


def fetch(source: Source, folder: Path) -> Path:
    """The file in `folder`, downloaded unless it is there. What arrives waits in `<file>.part` until it is checked.

    Raises InputError when it is not the file that its checksum says (a `.part` is then removed, a file that was there
    stays), and JobError when the address cannot be reached or the transfer breaks off; the same call then goes on.
    """
    place, part = folder / source.file, folder / f"{source.file}.part"
    if place.exists():
        if not matches(place, source):
            raise InputError(
                f"{place}: not the file of {source.address} ({source.checksum}); remove it and fetch again"
            )
        return place
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _transfer(source, place, part)
    except requests.exceptions.ConnectionError as error:
        if part.exists():
            raise JobError(_broken(source, part)) from error
        raise JobError(
            f"{source.address}: cannot be reached; go online, or put a copy of the file at {place}"
        ) from error
    except requests.exceptions.RequestException as error:
        raise JobError(_broken(source, part)) from error
    if not matches(part, source):
        size = part.stat().st_size
        part.unlink()
        raise InputError(
            f"{source.address}: sent {size} bytes that are not the file expected ({source.checksum}"
            + (f", {source.bytes} bytes)" if source.bytes else ")")
            + "; nothing is kept; try again, or from another network"
        )
    os.replace(part, place)
    return place


def _broken(source: Source, part: Path) -> str:
    size = part.stat().st_size if part.exists() else 0
    return f"{source.address}: broke off after {size} bytes; the same command goes on from there"


def _transfer(source: Source, place: Path, part: Path) -> None:
    """Bring `part` to its full length; start over when the server does not go on where it ends."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(source.address, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:  # nothing comes after what is there
            if not answer.headers.get("Content-Range", "").endswith(f"/{have}"):
                part.unlink()
                raise JobError(f"{source.address}: is shorter than {part.name}, which is removed; fetch again")
            return
        if not answer.ok:
            raise JobError(
                f"{source.address}: {answer.status_code} {answer.reason}; if it has moved, put a copy at {place}"
            )
        if answer.status_code != 206 or _start(answer) != have:
            if have:
                print(f"{source.address}: does not resume; from the beginning", file=sys.stderr)
            have = 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else source.bytes
        with (
            part.open("ab" if have else "wb") as file,
            records.progress(total=total, desc=source.file, unit="B") as bar,
        ):
            bar.update(have)
            for piece in answer.iter_content(CHUNK):
                bar.update(file.write(piece))


def _start(answer: requests.Response) -> int | None:
    """The place of the first byte of a partial answer."""
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else None
