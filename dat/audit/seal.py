"""The seal of a run: one hash over everything that stands behind the report, as a tree of hashes (Merkle).

A leaf is a file, a branch an output of the run (of results, each tracker's folder), the root all branches. Only
branches and root are written: which file of a branch is another, the audit tells. Nothing in it depends on the machine
or the time, so under portable numerics everybody's run has the same root.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dat.audit.files import Files
from dat.audit.lock import Lock
from dat.audit.revisions import git
from dat.audit.walk import Walk
from dat.base.errors import DatError, InputError, MissingError
from dat.records import read_json, write_json

FILE = "reports/seal.json"
SETTINGS = ("dvc.lock", "dvc.yaml", "params.yaml")
"""What stands behind the report beside the outputs of its stages."""


@dataclass(frozen=True)
class Seal:
    """The root's hash, how many files it is over, and the hash of each branch by its path."""

    root: str
    files: int
    branches: Mapping[str, str]

    def facts(self) -> dict[str, Any]:
        """The seal as JSON has it."""
        return {"root": self.root, "files": self.files, "branches": dict(self.branches)}

    def differences(self, other: "Seal") -> list[str]:
        """The branches that are not the same in both, or in one alone."""
        names = self.branches.keys() | other.branches.keys()
        return sorted(name for name in names if self.branches.get(name) != other.branches.get(name))


def branch_hash(entries: Mapping[str, str]) -> str:
    """The sha256 of named hashes: a line each, in order of the names."""
    return hashlib.sha256(
        "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(entries.items())).encode()
    ).hexdigest()


def _branch(path: str) -> str:
    """The branch that an output's file belongs to: of results, its tracker's folder."""
    parts = PurePosixPath(path).parts
    return "/".join(parts[:3]) if parts[0] == "results" and len(parts) > 3 else ""


def of(walk: Walk) -> Seal:
    """The seal of what is there now. Raises MissingError naming an output of the run that is not."""
    branches: dict[str, dict[str, str]] = {}
    for out in (*SETTINGS, *sorted(_outputs(walk.lock))):
        for path, sha256 in _leaves(walk.files, walk.settings.path, out).items():
            branches.setdefault(_branch(path) or out, {})[path] = sha256
    hashes = {name: branch_hash(files) for name, files in branches.items()}
    return Seal(branch_hash(hashes), sum(map(len, branches.values())), hashes)


def _outputs(lock: Lock) -> list[str]:
    if not lock.outputs:
        raise MissingError(f"{lock.home / 'dvc.lock'}: no stage has run; dvc repro makes what a seal is of")
    return list(lock.outputs)


def _leaves(files: Files, home: Path, out: str) -> dict[str, str]:
    place = home / out
    names = [f"{out}/{name}" for name in files.listing(place)] if place.is_dir() else [out]
    hashes = {name: files.sha256(home / name) for name in names}
    missing = [name for name, sha256 in hashes.items() if sha256 is None]
    if missing or not hashes:
        raise MissingError(
            f"{home / (missing[0] if missing else out)}: not there; dvc repro or dvc pull brings it back"
        )
    return {name: sha256 for name, sha256 in hashes.items() if sha256 is not None}


def write(walk: Walk) -> Seal:
    """Write the seal of what is there now."""
    seal = of(walk)
    write_json(walk.settings.path / FILE, seal.facts())
    return seal


def read(path: Path) -> Seal:
    """A seal that was written. Raises MissingError or InputError."""
    if not path.is_file():
        raise MissingError(f"{path}: no seal; dat audit --seal writes one")
    return _seal(read_json(path), str(path))


def committed(walk: Walk) -> Seal | None:
    """The seal of the commit that is checked out; None where it has none, or there is no git."""
    name = f"HEAD:./{FILE}"  # from the profile's folder, wherever the repository begins
    try:
        text = git(walk.settings.path, "show", name)
    except DatError:
        return None
    return _seal(_json(text), name)


def _json(text: bytes) -> Any:
    """What a text holds; None, which is no seal, where it is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _seal(content: Any, where: str) -> Seal:
    try:
        seal = Seal(
            str(content["root"]), int(content["files"]), {str(k): str(v) for k, v in content["branches"].items()}
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        raise InputError(f"{where}: not a seal; dat audit --seal writes one") from None
    if branch_hash(seal.branches) != seal.root:
        raise InputError(f"{where}: its root is not the hash of its branches: it was changed after it was written")
    return seal
