"""Zip archives from outside, unpacked below a new folder or not at all.

Refused are members that lead elsewhere (absolute, `..`), that are links or devices, that come twice or under the name
of a folder, and archives that grow: pictures are packed already, so one that unpacks to a hundred times its size holds
something else. What an operating system left behind (`__MACOSX`) is left out.
"""

import errno
import lzma
import os
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from dat import records
from dat.base import naming, opening, outside
from dat.base.errors import InputError

GROWTH = 100
"""Times an archive's size, and `SMALL` beside, that it may have when it is unpacked."""

SMALL = 64 * opening.MB
MEMBERS = 200_000

_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, UnicodeDecodeError, OverflowError),
)
"""What zipfile and its four decoders raise for a file that is none."""


def unpack(archive: Path, folder: Path) -> None:
    """The files of a zip archive in `folder`, which appears whole or not at all.

    A folder of `folder`'s name that holds all of them in the archive is left out. Raises InputError naming the archive
    and the member that is refused or broken; OSError where the disk refuses.
    """
    with opening.opened(archive, opening.ANY) as file:
        try:
            with zipfile.ZipFile(file) as packed:
                _unpack(packed, archive, folder)
        except _BROKEN as error:
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise  # the disk's; bz2's has no number, and a place before the file is invalid
            raise InputError(f"{archive}: not a zip archive that can be read: {error}; fetch it again") from None


def _unpack(packed: zipfile.ZipFile, archive: Path, folder: Path) -> None:
    members = _members(packed, archive, folder.name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = records.temporary(folder)
    try:
        temporary.mkdir()
        for path, member in members.items():
            place = temporary / path
            place.parent.mkdir(parents=True, exist_ok=True)
            with packed.open(member) as source, place.open("xb") as target:
                shutil.copyfileobj(source, target)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _members(packed: zipfile.ZipFile, archive: Path, name: str) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """What is to be unpacked, by the path that it gets. Raises InputError naming the member that is refused."""
    infos, size = packed.infolist(), archive.stat().st_size
    total = sum(info.file_size for info in infos)
    if len(infos) > MEMBERS or total > GROWTH * size + SMALL:
        grown = f"{len(infos)} files of {total} bytes from {size}"
        raise InputError(f"{archive}: {grown}, more than pictures unpack to; nothing is unpacked, remove it")
    chosen: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for info in infos:
        path = PurePosixPath(info.filename)
        where = f"{archive}: member '{naming.shown(info.filename)[: naming.SHOWN]}'"
        if path.is_absolute() or ".." in path.parts:
            raise InputError(f"{where} leads elsewhere; nothing is unpacked, remove it")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InputError(f"{where} is a link or a device; nothing is unpacked, remove it")
        if info.is_dir() or any(map(outside.stray, path.parts)):
            continue
        naming.below(str(path), where, "member")
        if path in chosen:
            raise InputError(f"{where} is there twice; nothing is unpacked, fetch the archive again")
        chosen[path] = info
    return _checked(chosen, archive, name)


def _checked(
    chosen: dict[PurePosixPath, zipfile.ZipInfo], archive: Path, name: str
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The members without the folder that holds all of them. Raises InputError where a file has a folder's name."""
    both = {parent for path in chosen for parent in path.parents} & set(chosen)
    if both:
        raise InputError(f"{archive}: '{min(both)}' is a file and a folder; nothing is unpacked, remove it")
    if not chosen:
        raise InputError(f"{archive}: no file in it; fetch it again")
    if all(len(path.parts) > 1 and path.parts[0].lower() == name.lower() for path in chosen):
        return {path.relative_to(path.parts[0]): info for path, info in chosen.items()}
    return chosen
