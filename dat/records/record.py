"""Records: what decided a result, beside the result; and runs: what happened to happen, outside of it."""

import contextlib
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dat.records.files import files_below, sha256_bytes, sha256_file
from dat.records.host import machine


def is_record(path: Path) -> bool:
    """Whether a file is a stage's record."""
    return path.name == "record.json" or path.name.endswith(".record.json")


def parents(inputs: Iterable[Path], base: Path) -> list[dict[str, str]]:
    """The records that lie beside or within the inputs: path and sha256."""
    paths: set[Path] = set()
    for path in inputs:
        paths.update(file for file in files_below(path) if is_record(file))
        beside = path.parent / f"{path.name.split('.')[0]}.record.json"
        if path.is_file() and beside.is_file():
            paths.add(beside)
        paths.update(record for record in [path.parent / "record.json"] if path.is_file() and record.is_file())
    return [{"path": file.relative_to(base).as_posix(), "sha256": sha256_file(file)} for file in sorted(paths)]


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


CODE, SETTINGS = ("dat", "workflow"), ("Snakefile", "dvc.yaml", "params.yaml", "profiles")
"""What of a checkout decides a result, below its top; of the code's folders, files that git does not know yet too."""


def commit(at: Path) -> dict[str, str]:
    """The git commit of the checkout that holds the folder `at` (its top, or a profile), and the sha256 of what is not
    committed of it, where there is any: git's patch, and the name and sha256 of each new file of the code."""
    facts: dict[str, str] = {}
    top = next((folder for folder in (at, *at.parents) if (folder / "dat" / "__init__.py").is_file()), at)
    head = _git("rev-parse", "HEAD", at=top)
    patch = _git("diff", "HEAD", "--", *CODE, *SETTINGS, at=top) or b""
    new = _git("ls-files", "--others", "--exclude-standard", "-z", "--", *CODE, at=top) or b""
    for name in sorted(filter(None, new.decode(errors="surrogateescape").split("\0"))):
        sha256 = sha256_file(top / name) if (top / name).is_file() else ""
        patch += f"{sha256}  {name}\n".encode(errors="surrogateescape")
    if head:
        facts["commit"] = head.decode().strip()
    if head and patch:
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


def forget_peak() -> None:
    """Let `peak_memory` count from now on, where the kernel allows that."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def peak_memory() -> int:
    """The most memory (bytes) that this process had at a time, since `forget_peak`."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    most = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
    return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if most is None else most)
