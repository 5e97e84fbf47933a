"""The run of an earlier commit, laid out in a temporary folder: what git has of it, its outputs from DVC's cache.

The working tree is left alone. What the cache lacks is not there, and what rests on it is not checked.
"""

import contextlib
import io
import shutil
import signal
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import FrameType

from dat.audit import lock
from dat.audit.checks import Audit, Check, Node
from dat.audit.revisions import Store, check_checkout, check_lock, commit_of, git, locked
from dat.base import naming, params
from dat.base.errors import DatError, MissingError, ParamsError
from dat.base.params import Settings
from dat.datasets import manifest

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class EarlierRun:
    """A commit's run. `lacking` holds what DVC's cache has not: files by their path below the profile and within their
    output, and `partial` the outputs that are therefore not whole."""

    revision: str
    commit: str
    settings: Settings
    lacking: set[str] = field(default_factory=set)
    partial: set[str] = field(default_factory=set)
    _made: dict[int, tuple[Node, Node]] = field(default_factory=dict)

    def audited(self, audit: Audit) -> Audit:
        """The audit with what could not be had as not checked, and places as the commit has them."""
        return Audit(audit.address, audit.value, self._node(audit.node))

    def _node(self, node: Node) -> Node:
        """The node with places as the commit has them; what many numbers share stays shared.

        Both are kept, so that an `id` stays one node's.
        """
        if id(node) not in self._made:
            checks = [self._check(check) for check in node.checks]
            shortened = Node(
                node.name, self.named(node.subject), checks, list(map(self._node, node.children)), node.uses
            )
            self._made[id(node)] = node, shortened
        return self._made[id(node)][1]

    def _check(self, check: Check) -> Check:
        subject, expected = (
            self.named(one) if isinstance(one, str) else one for one in (check.subject, check.expected)
        )
        about = f"{subject} {expected}"
        unanswered = check.found is None or check.verdict in ("missing", "unknown")
        lacks_file = unanswered and any(path in about for path in self.lacking | self.partial)
        if lacks_file or (
            check.name in ("lock output", "lock size") and check.subject.rpartition(": ")[2] in self.partial
        ):
            return Check(check.name, "not checked", subject, expected, "not in DVC's cache")
        return Check(check.name, check.verdict, subject, expected, check.found)

    def named(self, text: str) -> str:
        """A text in which the temporary folder is called by the revision."""
        return text.replace(f"{self.settings.top}/", f"{self.revision}:")


@contextlib.contextmanager
def unpacked(settings: Settings, revision: str) -> Iterator[EarlierRun]:
    """The run of a commit while it is looked at; its folder goes at the end, also when TERM or HUP ends the process.

    Raises InputError for an unknown revision, MissingError when there is no dvc.lock in it or DVC's cache has none of
    its outputs, ParamsError when its settings have another form.
    """
    check_checkout(settings.path)
    commit = commit_of(settings.path, revision)
    check_lock(settings.path, revision, commit)
    with _folder() as top:
        home = top / git(settings.path, "rev-parse", "--show-prefix").decode().strip()
        whole = Path(git(settings.path, "rev-parse", "--show-toplevel").decode().strip())
        with tarfile.open(fileobj=io.BytesIO(git(whole, "archive", "--format=tar", commit))) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python before 3.11.4 has none
            archive.extractall(top)
        try:
            earlier = EarlierRun(revision, commit, params.load(home))
            _link(earlier, Store(settings.top, settings.path))
            _data_sets(settings.path, home)
            yield earlier
        except ParamsError as error:
            todo = "git worktree add shows it with its own code"
            raise ParamsError(f"{_named(error, top, revision)}; its settings have another form: {todo}") from None
        except DatError as error:
            raise type(error)(_named(error, top, revision)) from None


def _named(error: DatError, top: Path, revision: str) -> str:
    return str(error).replace(f"{top}/", f"{revision}:")


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder that goes at the end."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in SIGNALS}
    folder = Path(tempfile.mkdtemp(prefix="dat-audit-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for number, handler in before.items():
            signal.signal(number, handler)


def _link(run: EarlierRun, store: Store) -> None:
    """Put links to DVC's cache in the place of each output that git has not. Raises MissingError when there is none."""
    home = run.settings.path
    outputs = locked(lock.read(home / "dvc.lock"))
    wanted = {path: md5 for path, md5 in outputs.items() if not (home / path).exists()}
    had = [_output(run, store, naming.below(path, home / "dvc.lock"), md5) for path, md5 in wanted.items()]
    if wanted and not any(had):
        where = store.cached("")
        raise MissingError(f"{run.revision}: DVC's cache ({where}) has none of its outputs; dvc fetch brings them")


def _output(run: EarlierRun, store: Store, path: str, md5: str | None) -> bool:
    """Link an output's files; whether the cache has any."""
    listing = store.listing(md5, PurePosixPath(path).name) if md5 else None
    if listing is None or md5 is None:
        run.lacking.add(path)
        run.partial.add(path)
        return False
    base, had = run.settings.path / (path if md5.endswith(".dir") else PurePosixPath(path).parent), False
    for name, (_, place) in listing.items():
        target = base / naming.below(name, path)
        if place.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(place.resolve())
            had = True
        else:
            run.lacking.add(target.relative_to(run.settings.path).as_posix())
            run.lacking.update({name} if "/" in name else ())
            run.partial.add(path)
    return had


def _data_sets(profile: Path, home: Path) -> None:
    """Name the folders of raw data sets that lie outside of the checkout: git has them not, manifests their hashes."""
    for link in profile.glob("data/*.path"):
        target = home / link.relative_to(profile)
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = manifest.resolve(profile, link.relative_to(profile).as_posix())
        target.write_text(f"{folder}\n")
