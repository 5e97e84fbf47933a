"""The code of the commits that run files name, as git has it: the sha256 of every file that decides a result."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dat.audit.checks import Check, group
from dat.audit.revisions import git
from dat.base.errors import InputError

CODE = ("dat", "workflow", "Snakefile")
"""Where the files that records call code lie, below the checkout's top."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass
class Commits:
    """The commits of the checkout at `top`; what was read is remembered. `absent` holds those that are asked for and
    are not here, `changed` those of runs with uncommitted changes: of neither is any code compared."""

    top: Path
    absent: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    _files: dict[str, Mapping[str, str] | None] = field(default_factory=dict)
    _sha256: dict[str, str] = field(default_factory=dict)

    def checks(self, name: str, run: Mapping[str, object], code: Mapping[str, str]) -> list[Check]:
        """The modules of a record against the commit that its run file (at `name`) says that it was made by."""
        commit = run.get("commit")
        if not isinstance(commit, str):
            return []
        if run.get("patch"):
            self.changed.add(commit)
            return []
        files = self._of(commit)
        if files is None:
            self.absent.add(commit)
            return []
        pairs = {file: (sha256, self._sha256.get(files.get(file, ""))) for file, sha256 in code.items()}
        return group("commit", f"{name}, commit {commit[:12]}", pairs)

    def known(self, commit: str) -> bool:
        """Whether a commit is here with all of its code."""
        return self._of(commit) is not None

    def notes(self) -> list[str]:
        """What was not compared, in words."""
        alone = "the code of its runs is compared with the working tree alone"
        notes = [f"commit {commit[:12]} is not in this repository: {alone}" for commit in sorted(self.absent)]
        return notes + [
            f"commit {commit[:12]} had uncommitted changes: {alone}" for commit in sorted(self.changed - self.absent)
        ]

    def _of(self, commit: str) -> Mapping[str, str] | None:
        """The git hash of each file of a commit's code; None of a commit that is not here."""
        if commit not in self._files:
            try:
                self._files[commit] = self._read(commit) if _COMMIT.fullmatch(commit) else None
            except InputError:
                self._files[commit] = None
        return self._files[commit]

    def _read(self, commit: str) -> Mapping[str, str]:
        """A commit's files, whose bytes are hashed. Raises InputError where git has not all of them."""
        listed = git(self.top, "ls-tree", "-r", "-z", commit, "--", *CODE).decode(errors="surrogateescape").split("\0")
        entries = [line.partition("\t")[::2] for line in listed if line]
        files = {path: facts.split()[2] for facts, path in entries if facts.split()[1] == "blob"}
        wanted = sorted(set(files.values()) - self._sha256.keys())
        answer = git(self.top, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in wanted).encode())
        at = 0
        for blob in wanted:
            head, _, _ = answer[at : at + 200].partition(b"\n")
            words = head.split()
            if len(words) != 3:
                raise InputError(f"{commit}: git has not all of it")
            start, size = at + len(head) + 1, int(words[2])
            self._sha256[blob] = hashlib.sha256(answer[start : start + size]).hexdigest()
            at = start + size + 1
        return files
