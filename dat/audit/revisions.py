"""A run as a commit or the working tree has it: its lock, records and numbers, and the hashes of its outputs' files.

Git holds a commit's lock and reports. What else its outputs had comes from DVC's cache, by the lock's hashes, or from
the working tree where the same bytes lie; what neither has is absent. Nothing is written but a temporary folder.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from dat.audit import lock
from dat.audit.addresses import Address, Numbers
from dat.audit.files import Files
from dat.base import naming
from dat.base.errors import DatError, InputError, MissingError
from dat.base.params import Settings
from dat.records import is_record, read_json, write_bytes

WORKING_TREE = "the working tree"


@dataclass(frozen=True)
class Output:
    """An output: its md5 as it is (None: not there), the lock's, and its files' md5 where they are known."""

    md5: str | None
    locked: str | None
    files: Mapping[str, str | None] | None


@dataclass(frozen=True)
class PipelineRun:
    """A run. `home` holds its files while it is read; `commit` is the one that it is compared as, "" in none.

    `records` are by stage, `numbers` by address, and `sources` names the files that a number comes from, its
    scores' file before the table that prints it.
    """

    name: str
    commit: str
    stages: Mapping[str, Any]
    outputs: Mapping[str, Output]
    records: Mapping[str, Mapping[str, Any]]
    numbers: Mapping[str, Address]
    sources: Mapping[str, tuple[str, ...]]

    @cached_property
    def makers(self) -> dict[str, str]:
        """The stage that makes each output."""
        return {out["path"]: name for name, stage in self.stages.items() for out in stage.get("outs", [])}

    def makers_of(self, path: str) -> list[str]:
        """The stages whose outputs are a path, lie within it or hold it."""
        return list(dict.fromkeys(stage for out, stage in self.makers.items() if _overlap(out, path)))

    @property
    def numerics(self) -> str | None:
        """The setting `numerics` that its records name; None where they name none or several."""
        named = {record.get("environment", {}).get("numerics") for record in self.records.values()} - {None}
        return str(named.pop()) if len(named) == 1 else None


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


# ---------------------------------------------------------------- git


def git(at: Path, *arguments: str, given: bytes | None = None) -> bytes:
    """What git answers at a folder, `given` on its standard input. Raises InputError with git's first line when it
    refuses. Nothing is fetched."""
    if shutil.which("git") is None:
        raise InputError("git is not installed, and runs are compared by commits; install git")
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
    command = ["git", "-C", str(at), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, check=False, env=quiet)
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").partition("\n")[0].removeprefix("fatal: ")
        raise InputError(f"{at}: git {arguments[0]}: {reason}")
    return done.stdout


def _lines(answer: bytes) -> list[str]:
    return [line for line in answer.decode().split("\0") if line]


def check_checkout(at: Path) -> None:
    """Raises InputError when `at` is not in a git checkout, or git does not trust it."""
    try:
        git(at, "rev-parse", "--show-toplevel")
    except InputError as error:
        raise InputError(f"{error}; clone the project with git, whose commits are read here") from None


def commit_of(at: Path, revision: str) -> str:
    """The commit that a revision names. Raises InputError when it names none."""
    try:
        answer = git(at, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except InputError:
        raise InputError(f"{revision}: no such revision here; name a commit, branch or tag of git log") from None
    return answer.decode().strip()


def check_lock(at: Path, revision: str, commit: str) -> None:
    """Raises MissingError when a commit's profile has no dvc.lock."""
    if not git(at, "ls-tree", "-z", "--name-only", commit, "--", "dvc.lock"):
        where = git(at, "rev-parse", "--show-prefix").decode().strip()
        raise MissingError(f"{revision}: there is no {where}dvc.lock in it; name a commit that holds a run")


def changed_files(top: Path, old: PipelineRun, new: PipelineRun) -> list[str]:
    """The files below `top` that differ between two runs' commits, or a commit and the working tree."""
    commits = [run.commit for run in (old, new) if run.name != WORKING_TREE]
    names = _lines(git(top, "diff", "--name-only", "--no-renames", "--relative", "-z", *commits))
    if new.name == WORKING_TREE:
        names += _lines(git(top, "ls-files", "--others", "--exclude-standard", "-z"))
    return sorted(set(names))


# ---------------------------------------------------------------- the working tree


def working_tree(settings: Settings) -> PipelineRun:
    """The run in the working tree: its lock, and its files as they are on disk.

    Raises MissingError when there is no dvc.lock.
    """
    home, files = settings.path, Files.at(settings.top)
    if not (home / "dvc.lock").is_file():
        raise MissingError(f"{home / 'dvc.lock'}: not there, so there is no run to compare; run dvc repro there")
    stages = lock.read(home / "dvc.lock")
    outputs = {
        path: Output(files.md5(home / path), md5, files.listing(home / path)) for path, md5 in locked(stages).items()
    }
    return _run(WORKING_TREE, commit_of(home, "HEAD"), settings, stages, outputs)


def locked(stages: Mapping[str, Any]) -> dict[str, str | None]:
    """The lock's md5 of each output."""
    return {out["path"]: out.get("md5") for stage in stages.values() for out in stage.get("outs", [])}


def _run(
    name: str, commit: str, settings: Settings, stages: Mapping[str, Any], outputs: Mapping[str, Output]
) -> PipelineRun:
    """A run whose files lie below the settings' path."""
    home, numbers = settings.path, Numbers(settings)
    records = {stage: read_json(path) for stage, path in _record_files(home, stages)}
    try:
        addresses = {address.text: address for address in numbers.every()}
    except MissingError:
        addresses = {}
    if wrong := [address.wrong for address in addresses.values() if address.wrong]:
        raise InputError(wrong[0])
    sources = {text: tuple(_sources(numbers, address)) for text, address in addresses.items()}
    return PipelineRun(name, commit, stages, outputs, records, addresses, sources)


def _record_files(home: Path, stages: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Each stage's record, beside its outputs or within one, where it is there."""
    for name, stage in stages.items():
        for out in stage.get("outs", []):
            path = home / out["path"]
            path = path if is_record(path) else path / "record.json"
            if path.is_file():
                yield name, path


def _sources(numbers: Numbers, address: Address) -> Iterator[str]:
    if address.benchmark in numbers.scores:
        yield numbers.scores[address.benchmark].file
    yield address.file


# ---------------------------------------------------------------- commits


@dataclass(frozen=True)
class Store:
    """Where bytes are found by DVC's md5: its cache below `top`, and the outputs of a run whose files are at `home`."""

    top: Path
    home: Path
    current: PipelineRun | None = None

    def cached(self, md5: str) -> Path:
        """Where DVC's cache has, or would have, the bytes of an md5."""
        return self.top / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]

    def listing(self, md5: str, name: str) -> dict[str, tuple[str, Path]] | None:
        """An output's files by their path within it, md5 and place each; `name` is its name. None: not known."""
        for path, output in self.current.outputs.items() if self.current else ():
            if output.md5 == md5 and output.files is not None:
                base = self.home / path if md5.endswith(".dir") else (self.home / path).parent
                return {file: (str(hashed), base / file) for file, hashed in output.files.items()}
        if not self.cached(md5).is_file():
            return None
        entries = read_json(self.cached(md5)) if md5.endswith(".dir") else [{"relpath": name, "md5": md5}]
        return {entry["relpath"]: (entry["md5"], self.cached(entry["md5"])) for entry in entries}


def of_commit(settings: Settings, revision: str, store: Store) -> PipelineRun:
    """The run that a commit holds, with what `store` has of its other files.

    Raises InputError for an unknown revision, MissingError when there is no dvc.lock in it.
    """
    commit = commit_of(settings.path, revision)
    with TemporaryDirectory() as scratch:
        home = Path(scratch)
        _unpack(settings.path, revision, commit, home)
        try:
            stages = lock.read(home / "dvc.lock")
            outputs = {path: _output(home, path, md5, store) for path, md5 in locked(stages).items()}
            return _run(revision, commit, replace(settings, path=home), stages, outputs)
        except DatError as error:
            raise type(error)(str(error).replace(f"{home}/", f"{revision}:")) from None


def _unpack(at: Path, revision: str, commit: str, home: Path) -> None:
    """Write the lock and the reports of a commit's profile below `home`."""
    check_lock(at, revision, commit)
    for name in _lines(git(at, "ls-tree", "-r", "-z", "--name-only", commit, "--", "dvc.lock", "reports")):
        write_bytes(home / naming.below(name, home), git(at, "cat-file", "blob", f"{commit}:./{name}"))


def _output(home: Path, path: str, md5: str | None, store: Store) -> Output:
    """An output of a commit, from git or from the store; its record and metrics are written below `home`."""
    if (home / path).exists():
        files = Files()
        return Output(files.md5(home / path), md5, files.listing(home / path))
    listing = store.listing(md5, PurePosixPath(path).name) if md5 else None
    if md5 is None or listing is None:
        return Output(md5, md5, None)
    base = home / path if md5.endswith(".dir") else (home / path).parent
    for file, (_, place) in listing.items():
        if place.is_file() and (file == "metrics.json" or is_record(Path(file))):
            (base / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place, base / file)
    return Output(md5, md5, {file: hashed for file, (hashed, _) in listing.items()})
