"""Where real data sets and results lie, for tests and benchmarks."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """The folder that DAT_TEST_DATA names, else the usual place beside the checkout; it may be absent."""
    return Path(os.environ.get("DAT_TEST_DATA") or ROOT.parent / "shared" / "data").absolute()
