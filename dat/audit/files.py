"""Hashes of files, each file read once an audit, and DVC's hash of a folder."""

import fnmatch
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dat.base import opening, outside
from dat.base.errors import DatError
from dat.records import read_json

CHUNK = 1 << 20


@dataclass
class Files:
    """Hashes of files and folders; what is not there or cannot be read has none. `ignored`: .dvcignore's patterns."""

    ignored: tuple[str, ...] = ("__pycache__/",)
    _known: dict[Path, tuple[str, str] | None] = field(default_factory=dict)
    _folders: dict[Path, str | None] = field(default_factory=dict)
    _sizes: dict[Path, str | None] = field(default_factory=dict)

    @classmethod
    def at(cls, top: Path) -> "Files":
        """Hashes below a checkout's top, by its .dvcignore."""
        path = top / ".dvcignore"
        lines = outside.read_text(path).splitlines() if path.is_file() else []
        return cls(tuple(line.strip() for line in lines if line.strip() and not line.startswith("#")))

    def _hashes(self, path: Path) -> tuple[str, str] | None:
        """sha256 and md5 of a file, from one reading."""
        if path not in self._known:
            try:
                self._known[path] = _read(path)
            except (OSError, DatError):  # not there, no file, or nobody may read it
                self._known[path] = None
        return self._known[path]

    def sha256(self, path: Path) -> str | None:
        """sha256 in hex; None when there is no such file."""
        hashes = self._hashes(path)
        return hashes[0] if hashes else None

    def md5(self, path: Path) -> str | None:
        """What dvc.lock holds of a file, or of a folder (ending in `.dir`); None when neither is there."""
        if path.is_dir():
            if path not in self._folders:
                try:
                    self._folders[path] = self._folder(path)
                except OSError:
                    self._folders[path] = None
            return self._folders[path]
        hashes = self._hashes(path)
        return hashes[1] if hashes else None

    def size(self, path: Path) -> str | None:
        """The bytes of a file, or of a folder's files and how many these are; None when neither is there."""
        if path not in self._sizes:
            try:
                files = self._below(path) if path.is_dir() else [path]
                size = sum(file.stat().st_size for file in files)
                self._sizes[path] = sized(size, len(files) if path.is_dir() else None)
            except OSError:
                self._sizes[path] = None
        return self._sizes[path]

    def _folder(self, path: Path) -> str:
        """The md5 of the JSON list of a folder's files, by parts of their path."""
        entries = [{"md5": md5, "relpath": name} for name, md5 in self.listing(path).items()]
        return hashlib.md5(json.dumps(entries, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"

    def listing(self, path: Path) -> dict[str, str | None]:
        """The md5 of a folder's files by their path within it, in DVC's order; of a file, its md5 under its name."""
        if not path.is_dir():
            return {path.name: self.md5(path)} if path.is_file() else {}
        names = {file.as_posix().removeprefix(f"{path.as_posix()}/"): file for file in self._below(path)}
        return {name: self.md5(names[name]) for name in sorted(names, key=lambda name: name.split("/"))}

    def _below(self, path: Path) -> list[Path]:
        paths: list[Path] = []
        for entry in path.iterdir():
            if entry.is_dir():
                paths += [] if self._is_ignored(entry.name + "/") else self._below(entry)
            elif not self._is_ignored(entry.name):
                paths.append(entry)
        return paths

    def _is_ignored(self, name: str) -> bool:
        """Whether a name (a folder's ends in a slash) fits a pattern of .dvcignore."""
        return any(fnmatch.fnmatch(name, pattern.lstrip("/")) for pattern in self.ignored)


def sized(size: Any, files: Any) -> str:
    """How a size is told: bytes, and of a folder the number of its files.

    >>> sized(20, None), sized(20, 3)
    ('20 bytes', '20 bytes in 3 files')
    """
    return f"{size} bytes" if files is None else f"{size} bytes in {files} files"


def json_object(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is none that can be read."""
    try:
        content = read_json(path) if path.is_file() else None
    except (DatError, OSError):
        content = None
    return content if isinstance(content, dict) else {}


def _read(path: Path) -> tuple[str, str]:
    """sha256 and md5 of a regular file; a small one, as frames are, is read at once."""
    try:
        data = opening.read(path, CHUNK, path)
        return hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False).hexdigest()
    except opening.TooLarge:
        sha, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with opening.opened(path, opening.ANY) as file:
        while chunk := file.read(CHUNK):
            sha.update(chunk)
            md5.update(chunk)
    return sha.hexdigest(), md5.hexdigest()
