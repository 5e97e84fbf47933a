"""A class's name means one thing among what a reader has open together."""

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "dat"


def places() -> dict[str, set[str]]:
    """The modules that define a class, by its name."""
    found = defaultdict[str, set[str]](set)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].add(path.relative_to(PACKAGE).as_posix())
    return found


def test_settings_are_called_like_nothing_else() -> None:
    """`Graph` is the network's, `GraphSettings` a section of params.yaml."""
    shared = {name for name, there in places().items() if "base/sections.py" in there and len(there) > 1}
    assert shared == set()


def test_a_name_is_one_class_of_a_package() -> None:
    for package in ("training", "tracking", "models", "datasets", "fanout"):
        for name, there in places().items():
            inside = sorted(place for place in there if place.startswith(f"{package}/"))
            assert len(inside) < 2, f"{name}: {inside}"


def test_what_was_called_batch_truth_or_run_says_of_what() -> None:
    shared = {name for name, there in places().items() if len(there) > 1}
    assert not shared & {"Batch", "Truth", "Target", "Tracker", "Plan", "Run", "Regions", "Benchmark"}
