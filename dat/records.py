"""Records: what decided a result, beside the result; and runs: what happened to happen, outside of it.

The *record* is the same in every run, and with portable numerics on every machine. The *run* holds times, host,
processor and commit, and no stage depends on it. Files are written under a temporary name and renamed.
"""

import fcntl
import functools
import hashlib
import json
import os
import platform
import resource
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from dat import numerics, opening, outside, used
from dat.errors import ChangedError, LockedError
from dat.params import Settings

T = TypeVar("T")

PACKAGES = (
    "av",
    "numpy",
    "opencv-python-headless",
    "pandas",
    "safetensors",
    "scikit-image",
    "scipy",
    "torch",
    "torchvision",
)
"""The packages whose versions can change a number."""


@dataclass(frozen=True)
class Job:
    """What a stage's `run` gets: its key ("" if it has none), settings, input and output paths, device."""

    key: str
    settings: Settings
    inputs: dict[str, Path]
    outputs: dict[str, Path]
    device: str = "cpu"
    timing: bool = False


def progress(items: Iterable[T] | None = None, total: int | None = None, desc: str = "", unit: str = "it") -> Any:
    """A bar on a terminal, a line every half minute elsewhere, on stderr."""
    from tqdm import tqdm

    slow = 0.1 if sys.stderr.isatty() else 30.0
    return tqdm(
        items,
        total=total,
        desc=desc,
        unit=unit,
        mininterval=slow,
        maxinterval=slow,
        file=sys.stderr,
        dynamic_ncols=True,
    )


# ---------------------------------------------------------------- hashes


def sha256_bytes(data: bytes) -> str:
    """sha256 in hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """sha256 of a regular file's bytes, in hex."""
    with opening.opened(path, opening.ANY) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: the bytes that are hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256_json(value: Any) -> str:
    """sha256 of a value's canonical JSON."""
    return sha256_bytes(canonical(value))


# ---------------------------------------------------------------- files


def temporary(path: Path) -> Path:
    """A name beside `path` that no reader looks at."""
    return path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:6]}.tmp")


def sweep(path: Path) -> None:
    """Remove what processes that were killed left beside `path` or in it under temporary names, or those of such."""
    beside = [left for dots in (".", "..") for left in path.parent.glob(f"{dots}{path.name}.*.tmp")]
    for left in [*beside, *(path.glob(".*.tmp") if path.is_dir() else ())]:
        pid = left.name.split(".")[-3]
        if pid.isdigit() and not _living(int(pid)):
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
    """Write a file whole: under a temporary name, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = temporary(path)
    try:
        name.write_bytes(data)
        os.replace(name, path)
    finally:
        name.unlink(missing_ok=True)


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


def is_record(path: Path) -> bool:
    """Whether a file is a stage's record."""
    return path.name == "record.json" or path.name.endswith(".record.json")


def files_below(path: Path) -> Iterator[Path]:
    """The files of a folder in order of path, or the file itself; temporary names and records' own files included."""
    if path.is_dir():
        for directory, folders, names in os.walk(path):
            folders.sort()
            yield from (Path(directory, name) for name in sorted(names) if not name.endswith(".tmp"))
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


# ---------------------------------------------------------------- code


PACKAGE = Path(__file__).resolve().parent


@functools.cache
def _imports() -> Any:
    import grimp

    return grimp.build_graph("dat", cache_dir=None)


@functools.cache
def code_closure(module: str) -> dict[str, str]:
    """The files of the package that a module needs, itself and every package's `__init__` included: path to sha256.

    Imports inside functions count, and what a package's `__init__` imports. Paths begin with `dat/`.
    """
    graph, modules, more = _imports(), set[str](), {module}
    while more:
        modules |= more
        needed = {found for name in more for found in graph.find_upstream_modules(name)}
        more = (needed | {name.rpartition(".")[0] for name in modules | needed if "." in name}) - modules
    files = (PACKAGE.parent / Path(*name.split(".")) for name in sorted(modules))
    found = (folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py") for folder in files)
    return {file.relative_to(PACKAGE.parent).as_posix(): sha256_file(file) for file in found}


def code_used(*modules: str) -> dict[str, str]:
    """The files of the package that these modules need: path to sha256, as loaded where this process has loaded it."""
    return {path: used.CODE.get(path, now) for module in modules for path, now in code_closure(module).items()}


# ---------------------------------------------------------------- environment


def processor() -> str:
    """The processor's model as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


@functools.cache
def versions() -> dict[str, str]:
    """Versions of the packages that can change a number."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str]:
    """This machine: Python, platform and processor."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
    }


def environment(device: str = "cpu", threads: int | None = None) -> dict[str, Any]:
    """What of the machine decides a result: with portable numerics on a CPU, nothing but packages and threads.

    What is not known is absent.
    """
    facts: dict[str, Any] = {"packages": versions(), "device": device, **numerics.facts()}
    if threads is not None:
        facts["threads"] = threads
    if device.startswith("cuda") or numerics.kind() == "native":
        facts |= machine()
    if device.startswith("cuda"):
        import torch

        facts["device"] = torch.cuda.get_device_name(device)
        facts["cuda"] = str(torch.version.cuda)
    return facts


# ---------------------------------------------------------------- record and run


def parents(inputs: Iterable[Path], base: Path) -> list[dict[str, str]]:
    """The records that lie beside or within the inputs: path and sha256."""
    found: set[Path] = set()
    for path in inputs:
        found.update(file for file in files_below(path) if is_record(file))
        beside = path.parent / f"{path.name.split('.')[0]}.record.json"
        if path.is_file() and beside.is_file():
            found.add(beside)
        found.update(record for record in [path.parent / "record.json"] if path.is_file() and record.is_file())
    return [{"path": file.relative_to(base).as_posix(), "sha256": sha256_file(file)} for file in sorted(found)]


def make_record(
    *,
    code: Mapping[str, str],
    inputs: Sequence[Mapping[str, Any]],
    outputs: Sequence[Mapping[str, Any]],
    params: Mapping[str, Any],
    environment: Mapping[str, Any],
    command: str,
    parents: Sequence[Mapping[str, str]],
    seed: int | None = None,
) -> dict[str, Any]:
    """A record (FORMATS): what decided a result."""
    record: dict[str, Any] = {
        "inputs": list(inputs),
        "outputs": list(outputs),
        "code": dict(code),
        "params": dict(params),
        "environment": dict(environment),
        "command": command,
        "parents": list(parents),
    }
    if seed is not None:
        record["seed"] = seed
    return record


def _git(*arguments: str, at: Path) -> bytes | None:
    if shutil.which("git") is None:
        return None
    done = subprocess.run(["git", "-C", str(at), *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def commit(at: Path) -> dict[str, str]:
    """The git commit of the checkout at `at` and the sha256 of its uncommitted patch, where there are any."""
    facts: dict[str, str] = {}
    head = _git("rev-parse", "HEAD", at=at)
    patch = _git("diff", "HEAD", "--", "dat", "workflow", "Snakefile", "dvc.yaml", "params.yaml", "profiles", at=at)
    if head:
        facts["commit"] = head.decode().strip()
    if patch:
        facts["patch"] = sha256_bytes(patch)
    return facts


@dataclass(frozen=True)
class Clock:
    """The start of a run, in wall-clock time and on a monotonic clock."""

    started: datetime
    ticks: float

    @classmethod
    def start(cls) -> "Clock":
        """Now."""
        return cls(datetime.now(UTC), time.monotonic())

    def run(self, record: Path, at: Path | None) -> dict[str, Any]:
        """The run file's facts for the record at a path."""
        return self.run_facts(sha256_file(record), at)

    def run_facts(self, record: str, at: Path | None) -> dict[str, Any]:
        """The run file's facts: when, how long, how much memory (bytes), where, by which commit, for which record."""
        memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return {
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - self.ticks, 3),
            "peak_memory": memory * 1024,
            "host": socket.gethostname(),
            **machine(),
            "record": record,
            **(commit(at) if at else {}),
        }
