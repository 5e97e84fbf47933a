"""The files that docs/architecture.md and CONTRIBUTING.md name are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("dat", "docs", "profiles", "tests", "workflow", "benchmarks")


def named(text: str) -> list[str]:
    """Paths in backticks, but for patterns with a NAME; `x.py` belongs to the folder before it on the line."""
    paths = []
    for line in text.splitlines():
        folder = ""
        for name in re.findall(r"`([a-z0-9_./-]+)`", line):
            if name.partition("/")[0] in TOPS and "/" in name:
                paths.append(name)
                folder = name if name.endswith("/") else folder
            elif name.endswith(".py") and folder:
                paths.append(folder + name)
    return paths


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_file_that_is_named_is_there(page: str) -> None:
    paths = named((ROOT / page).read_text(encoding="utf-8"))
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_a_name_alone_belongs_to_the_folder_before_it() -> None:
    assert named("| x | `dat/a/`: `b.py`; `c.py`, `dat/d.py` |") == ["dat/a/", "dat/a/b.py", "dat/a/c.py", "dat/d.py"]
