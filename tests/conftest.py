"""What all tests share: portable numerics, real data (DAT_TEST_DATA), and the run's weights, where there are any."""

import os
import resource
from pathlib import Path

import pytest

from dat import numerics
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
        without = set() if numerics._has_avx512() else {"OPENCV_CPU_DISABLE"}  # OpenCV would complain in every process
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


@pytest.hookimpl(tryfirst=True)  # before the plugin reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For `make test`, which shares the tests out between two processes: those of a file stay together, and so do
    those of tests/workflow, which come first: they wait for processes of their own most of the time."""
    workflow = ROOT / "tests" / "workflow"
    for item in items:
        file = workflow if item.path.is_relative_to(workflow) else item.path
        item.add_marker(pytest.mark.xdist_group(str(file.relative_to(ROOT))))
    items.sort(key=lambda item: not item.path.is_relative_to(workflow))


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
