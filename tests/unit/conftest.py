"""What unit tests share: the small finished run, made once."""

from pathlib import Path

import fake_profile
import pytest


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of `fake_profile`. Tests must not change it."""
    home = tmp_path_factory.mktemp("run")
    fake_profile.build(home)
    return home
