"""What all tests share: real data, found through DAT_TEST_DATA, and the run's weights, where there are any."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets and results; the test says so when it skips."""
    folder = Path(os.environ.get("DAT_TEST_DATA") or ROOT.parent / "shared" / "data").absolute()
    if not folder.is_dir():
        pytest.skip("no real data here: DAT_TEST_DATA names no folder")
    return folder


@pytest.fixture(scope="session")
def run_weights() -> Path:
    """The weights that `make repro` made in this checkout; tests that judge them skip where there are none."""
    folder = ROOT / "weights"
    if not (folder / "salnet" / "core" / "salnet" / "weights.safetensors").is_file():
        pytest.skip("no weights of a run here: make repro makes them")
    return folder
