"""What all tests share: real data, found through DAT_TEST_DATA, and the run's weights, where there are any."""

from pathlib import Path

import pytest

from tests.real_data import folder

ROOT = Path(__file__).resolve().parent.parent


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
