"""What this process has used: the code that it has loaded and the files that it has read, hashed as they were used.

A result belongs to the bytes that made it, not to what lies there before or afterwards. So a module's hash is that of
the bytes that were compiled (kept compiled by their hash: Python's own cache goes by time and size), and an input is
read once: the bytes that are hashed are those that are decoded.
"""

import hashlib
import marshal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType, ModuleType

TOP = Path(__file__).resolve().parents[2]
CODE: dict[str, str] = {}
"""Files of the package that were loaded or read: path (`dat/regions/boxes.py`) to sha256."""

FILES: dict[Path, set[str]] = {}
"""Inputs that were read: path to the sha256 of their bytes; more than one where a file changed between two reads."""


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class _Loader(SourceFileLoader):
    """Loads a module from bytes whose hash is noted."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        digest = _hash(source)
        CODE[fullname.replace(".", "/") + ("/__init__.py" if self.is_package(fullname) else ".py")] = digest
        cached, head = cache_from_source(path, optimization="hashed"), bytes.fromhex(digest)
        with suppress(OSError, EOFError, ValueError, TypeError):
            data = self.get_data(cached)
            if data.startswith(head):
                compiled: CodeType = marshal.loads(data[len(head) :])
                return compiled
        code: CodeType = self.source_to_code(source, path)
        if not sys.dont_write_bytecode:
            self.set_data(cached, head + marshal.dumps(code))
        return code


class _Finder:
    """Finds the package's modules as Python does, and lets `_Loader` load them."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not name.startswith("dat."):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def watch() -> None:
    """Note the package's modules from now on, and this one and the `__init__`s above it, which are loaded already."""
    if not any(finder is _Finder for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder)
        for name in ("dat/__init__.py", "dat/base/__init__.py", "dat/base/used.py"):
            code(name)


def code(name: str) -> bytes:
    """The bytes of a file of the package (`dat/report/published.csv`), noted as code."""
    data = (TOP / name).read_bytes()
    CODE[name] = _hash(data)
    return data


def read(path: Path, most: int) -> bytes:
    """The bytes of an input, noted. Raises InputError when it cannot be read or has more than `most` bytes."""
    from dat.base import outside

    data = outside.read_bytes(path, most=most)
    FILES.setdefault(path.absolute(), set()).add(_hash(data))
    return data


def check_loaded(planned: Mapping[str, str]) -> None:
    """Raises ChangedError naming a file that was loaded and is not the planned one (path below the top to sha256)."""
    from dat.base.errors import ChangedError

    for name, digest in sorted(CODE.items()):
        if planned.get(name) != digest:
            raise ChangedError(
                f"{TOP / name}: not the code that this run was planned with; nothing was kept: run again"
            )


def check_code(code: Mapping[str, str]) -> None:
    """Raises ChangedError naming a file of `code` (path below the top to sha256) that has changed since."""
    from dat.base.errors import ChangedError

    for name, digest in sorted(code.items()):
        path = TOP / name
        if not path.is_file() or _hash(path.read_bytes()) != digest:
            raise ChangedError(f"{path}: changed while it was in use; nothing was kept: run again")


def check_files(planned: Mapping[Path, str]) -> None:
    """Raises ChangedError naming a planned file (path to sha256) of which other bytes were read."""
    from dat.base.errors import ChangedError

    for path, digest in planned.items():
        if FILES.get(path.absolute(), {digest}) != {digest}:
            raise ChangedError(f"{path}: changed between planning and use; nothing was kept: run again")
