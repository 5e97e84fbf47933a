"""What all tests share: portable numerics, real data (DAT_TEST_DATA), and the run's weights, where there are any."""

import os
import resource
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from dat.base import numerics
from tests.real_data import folder


def prepare() -> None:
    """Portable numerics. Where the caller's environment names other code (`ATEN_CPU_CAPABILITY=default make test`),
    this process computes with that, to show that no test depends on it; what it starts computes portably all the same.
    """
    other = [name for name, value in numerics.VARIABLES.items() if os.environ.get(name, value) != value]
    if other:
        import cv2
        import scipy.linalg
        import torch

        torch.ones(1).exp() @ torch.ones(1)  # torch looks at its variables when it first computes
        assert cv2.useOptimized() and scipy.linalg.blas.ddot([1.0], [1.0])
        for name in other:
            del os.environ[name]
        # OpenCV would complain in every process of a feature that is not there
        without = set() if numerics._flagged("avx512f") else {"OPENCV_CPU_DISABLE"}
        os.environ.update({name: value for name, value in numerics.VARIABLES.items() if name not in without})
    numerics.prepare("portable")


prepare()


def allow_many_files(wanted: int = 8192) -> None:
    """DVCLive leaves a training's repository open, 18 files each, and a hundred trainings in this one process are more
    than the 1,024 that many shells allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


allow_many_files()

ROOT = Path(__file__).resolve().parent.parent


WORKFLOW = "tests/workflow/"


def together(nodeid: str) -> str:
    """What a test shares its process with: the tests of its file; all of tests/workflow bring up one project."""
    return WORKFLOW if nodeid.startswith(WORKFLOW) else nodeid.partition("::")[0]


class Together(LoadScopeScheduling):
    """Tests that share fixtures go to one process, so that these are made once; the order is that of the tests.

    Marks of `xdist_group` would do, but xdist 3.8 puts them into an attribute that pytest 9.2 does not read.
    """

    _split_scope = staticmethod(together)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """How `make test` shares the tests out between two processes."""
    config.option.loadscopereorder = False
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest first, so that no process waits for the other at the end: tests/workflow, then files with slow tests."""
    slow = {together(item.nodeid) for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not item.nodeid.startswith(WORKFLOW), together(item.nodeid) not in slow))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets and results; the test says so when it skips."""
    found = folder()
    if not found.is_dir():
        pytest.skip("no real data here: DAT_TEST_DATA names no folder")
    return found


@pytest.fixture(scope="session")
def run_weights() -> Path:
    """The weights that `make repro` made in this checkout; tests that judge them skip where there are none."""
    weights = ROOT / "weights"
    if not (weights / "salnet" / "core" / "salnet" / "weights.safetensors").is_file():
        pytest.skip("no weights of a run here: make repro makes them")
    return weights


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of `fake_profile`. Tests must not change it."""
    from tests.parts import fake_profile  # numerics are prepared before anything that computes is loaded

    home = tmp_path_factory.mktemp("run")
    fake_profile.build(home)
    return home
