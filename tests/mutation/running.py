"""Which tests execute a line, and tests run in a child that already has the libraries loaded."""

import hashlib
import importlib
import json
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from dat import records
from tests.mutation.changes import Mutant

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".dat" / "mutation.json"
PARTS = ("dat/audit", "dat/evaluation", "dat/models", "dat/tracking")
CONCERNED = re.compile(r"dat\b.*\b(audit|evaluation|models|tracking|training|cli)\b|import.*(small_run|tracking_parts)")
LONGEST, LONGEST_FILE = 10, 120
"""Seconds of a processor: a longer test is not used, nor are those of a file that come later."""
ALWAYS = ("-q", "-p", "no:cacheprovider", "-m", "not slow", "-W", "ignore::pytest.PytestAssertRewriteWarning")

T = TypeVar("T")


def modules(place: Path, parts: Iterable[str] = PARTS) -> list[Path]:
    """The modules of some parts in a copy of the tree, those of packages within them too."""
    return [path for part in parts for path in sorted((place / part).rglob("*.py"))]


def out_of_time(*_: object) -> None:
    raise TimeoutError


def processor_seconds() -> float:
    """Of this process and of its children that have ended: other work beside does not lengthen them."""
    return sum(os.times()[:4])


class Recorder:
    """Which lines each test executes, under its name, and which a fixture does, under `fixture NAME`: they count for
    each test that uses it."""

    def __init__(self, file: str, place: Path) -> None:
        coverage = importlib.import_module("coverage")
        self.coverage = coverage.Coverage(
            data_file=None, source=[str(place / part) for part in PARTS], config_file=False
        )
        self.coverage.start()
        self.end = processor_seconds() + LONGEST_FILE
        self.tests: dict[str, float] = {}
        self.fixtures: dict[str, list[str]] = {}
        self.contexts = [""]
        self.took = 0.0
        self.file = file

    @contextmanager
    def context(self, name: str) -> Iterator[None]:
        self.contexts.append(name)
        self.coverage.switch_context(name)
        try:
            yield
        finally:
            self.contexts.pop()
            self.coverage.switch_context(self.contexts[-1])

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        with self.context(f"fixture {fixturedef.argname}"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self.fixtures[item.nodeid] = list(getattr(item, "fixturenames", ()))
        signal.signal(signal.SIGALRM, out_of_time)
        signal.alarm(6 * LONGEST)
        began = processor_seconds()
        try:
            with self.context(item.nodeid):
                yield
        finally:
            signal.alarm(0)
            self.took = processor_seconds() - began
            if processor_seconds() > self.end:
                item.session.shouldstop = "long enough"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed and self.took <= LONGEST:
            self.tests[report.nodeid] = round(self.took, 3)

    def save(self, out: Path, place: Path) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        lines: dict[str, dict[int, list[str]]] = {}
        for file in data.measured_files():
            lines[str(Path(file).relative_to(place))] = data.contexts_by_lineno(file)
        out.write_text(json.dumps({"tests": self.tests, "fixtures": self.fixtures, "lines": lines}))


class Chosen:
    """Runs the named tests alone, in their order."""

    def __init__(self, names: list[str]) -> None:
        self.order = {name: at for at, name in enumerate(names)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self.order), key=lambda item: self.order[item.nodeid])


def forked(
    place: Path, arguments: list[str], limit: float, plugin: Callable[[], T], after: Callable[[T], None] | None = None
) -> int | None:
    """pytest's status in a child that has the libraries loaded and neither `dat` nor the tests; None: out of time."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            os.setsid()
            os.chdir(place)
            os.dup2(os.open(place / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            os.dup2(1, 2)
            sys.path[:] = [str(place), *(one for one in sys.path if one and Path(one) != ROOT)]
            for name in [one for one in sys.modules if one.partition(".")[0] in ("dat", "tests")]:
                del sys.modules[name]
            own = plugin()
            status = int(pytest.main([*arguments, *ALWAYS], plugins=[own]))
            if after:
                after(own)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    end = time.monotonic() + limit
    try:
        while time.monotonic() < end:
            done, found = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(found)
            time.sleep(0.02)
    except BaseException:
        os.killpg(child, signal.SIGKILL)
        raise
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in sorted(files))).hexdigest()


def recorded(place: Path) -> dict[str, Any]:
    """For each test file, its tests' seconds and the lines that they execute; kept while code and file are the same."""
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    code = digest(*(place / "dat").rglob("*.py"))
    files = sorted(path for path in place.glob("tests/*/test_*.py") if path.parent.name != "workflow")
    found = {}
    for path in files:
        file, key = str(path.relative_to(place)), code + digest(path)
        if not CONCERNED.search(path.read_text()):
            continue
        if file not in kept or kept[file]["key"] != key:
            print(f"recording {file}", file=sys.stderr)
            out = place / "recorded.json"
            out.write_text('{"tests": {}, "fixtures": {}, "lines": {}}')
            status = forked(
                place, [file], 600, partial(Recorder, file, place), partial(Recorder.save, out=out, place=place)
            )
            if status not in (0, 1, 2, 5):
                print((place / "said.txt").read_text()[-3000:], file=sys.stderr)
            kept[file] = {"key": key, **json.loads(out.read_text())}
            records.write_bytes(KEPT, json.dumps(kept).encode())
        found[file] = kept[file]
    return found


def breadth(one: dict[str, Any]) -> int:
    """How many modules a file's tests execute, beyond their import."""
    return sum(any(name for names in lines.values() for name in names) for lines in one["lines"].values())


def users(one: dict[str, Any], names: Iterable[str]) -> list[str]:
    """The tests among some names of a file's record, and those that use the fixtures among them."""
    wanted = set(names)
    return [test for test, used in one["fixtures"].items() if wanted & {test, *(f"fixture {name}" for name in used)}]


def tests_of(mutant: Mutant, known: dict[str, Any], seconds: float) -> list[list[str]]:
    """The tests that execute the mutant's lines, or all of the module's where only an import does, the quickest first:
    those of the file that executes the fewest other modules, then the rest."""
    direct: dict[str, float] = {}
    around: dict[str, float] = {}
    for one in known.values():
        lines = one["lines"].get(mutant.file, {})
        here = {name for line in mutant.lines for name in lines.get(str(line), ())} - {""}
        module = {name for names in lines.values() for name in names} - {""}
        for names, into in ((here, direct), (module, around)):
            into.update({name: one["tests"][name] for name in users(one, names) if name in one["tests"]})
    took = around if mutant.on_import else direct or around  # the first test that needs a module imports it for all
    files = {name.partition("::")[0] for name in took}
    nearest = min(files, key=lambda file: (breadth(known[file]), file), default="")
    groups: list[list[str]] = [[], []]
    for name in sorted(took, key=lambda name: (not name.startswith(f"{nearest}::"), took[name], name)):
        if seconds > 0:
            groups[0 if name.startswith(f"{nearest}::") else 1].append(name)
            seconds -= took[name]
    return groups
