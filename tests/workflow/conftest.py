"""A tiny project (tests/workflow/project) that is really run: brought up once, then copied for each test."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOOK = Path(__file__).resolve().parent / "opened"
BIN = Path(sys.executable).parent
CODE = ("dat", "workflow", "Snakefile", "dvc.yaml", ".dvcignore", "none", "baselines")


class Project:
    """A checkout-like folder with the tiny settings, a copy of the code, and its own job store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened = path.parent / "opened"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DAT_", "VIRTUAL_ENV", "SNAKEMAKE"))
        } | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(path),
            "DVC_NO_ANALYTICS": "1",
            "DAT_DEVICES": "cpu",
            "DAT_TEST_PROJECT": str(path),
        }

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start a command in the project, in a session of its own."""
        return subprocess.Popen(
            command,
            cwd=self.path,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, status: int = 0, **environment: str) -> str:
        """Run a command to its end; its status must be `status`. Returns what it printed."""
        done = subprocess.run(
            command,
            cwd=self.path,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def reproduce_watched(self, *arguments: str) -> None:
        """`dvc repro` whose processes note what they open, in `opened`."""
        self.opened.mkdir()
        watched = {"PYTHONPATH": f"{self.path}{os.pathsep}{HOOK}", "DAT_TEST_OPENED": str(self.opened)}
        self.run("dvc", "repro", "-q", *arguments, **watched)

    def processes(self) -> list[int]:
        """Living processes that were started in this project."""
        mark, found = f"DAT_TEST_PROJECT={self.path}".encode(), []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                living = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
                if living and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def results(self) -> dict[str, bytes]:
        """All files below results/, by path."""
        folder = self.path / "results"
        return {
            str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()
        }


def copy_code(path: Path) -> None:
    """Make a folder at `path`, which is not there yet, with what a run needs of this repository."""
    path.mkdir()
    for name in CODE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, path / name)


def bring_up(path: Path) -> Project:
    """Make the tiny project at `path`, which is not there yet, and run all its stages."""
    copy_code(path)
    shutil.copy(ROOT / "tests" / "workflow" / "project" / "params.yaml", path)
    shutil.copy(ROOT / ".gitignore", path)
    project = Project(path)
    project.run("git", "init", "-q", ".")
    project.run("dvc", "init", "-q")
    project.run("git", "add", "dat", "workflow", "Snakefile")  # a run reads what git does not know of its code
    project.run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "start", "--allow-empty")
    project.reproduce_watched()
    return project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tiny project after `dvc repro`. Tests must not change it."""
    return bring_up(tmp_path_factory.mktemp("tiny") / "a project")


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the finished project that a test may change."""
    copy = tmp_path / "a project"
    shutil.copytree(finished.path, copy, symlinks=True)
    yield Project(copy)
    for pid in Project(copy).processes():
        os.kill(pid, 9)


@pytest.fixture
def until() -> Callable[[Callable[[], bool], float], bool]:
    """Wait for a condition: `until(lambda: ..., seconds)`."""
    import time

    def wait(condition: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.02)
        return condition()

    return wait
