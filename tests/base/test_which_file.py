"""docs/architecture.md's table of which file is looked into: each is there, and has what is named."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").partition("## Which file")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| (.+?) \| `([\w/]+\.py)` \| (.+?) \|$", TEXT, re.MULTILINE)
ASKED = (
    *("equations 1, 2 and 3", "equations 4, 6 and 7", "equation 8", "box regression", "hard negatives", "restarts"),
    *("success", "expected overlap", "bootstrap", "the failure rule", "a unit's key", "drawing candidates"),
    *("cutting regions", "LaSOT", "R40", "a setting's type", "a benchmark", "each layout", "backbone", "a figure"),
)


def named(path: Path) -> set[str]:
    """What a module defines at its top, and the methods of its classes."""
    found = set[str]()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


@pytest.mark.parametrize(("question", "file", "there"), ROWS, ids=[row[0] for row in ROWS])
def test_the_file_that_a_question_leads_to_has_what_is_named(question: str, file: str, there: str) -> None:
    names = re.findall(r"`([^`]+)`", there)
    assert names and set(names) <= named(ROOT / file)


def test_every_row_was_read_and_every_question_is_answered() -> None:
    assert len(ROWS) == len([line for line in TEXT.splitlines() if line.startswith("| ")]) - 1 >= 40
    assert not [asked for asked in ASKED if not any(asked in question for question, _, _ in ROWS)]


@pytest.mark.parametrize("document", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_the_files_that_are_named_are_there(document: str) -> None:
    """But those whose names stand for any: NAME.csv."""
    text = (ROOT / document).read_text(encoding="utf-8").partition("\n## Where things are")[0]
    paths = re.findall(r"`((?:dat|docs|tests|benchmarks|workflow|profiles)/[\w./]+)`", text)
    paths = [path for path in paths if not re.search(r"[A-Z]{3}", path)]
    assert len(paths) > 5 and [path for path in paths if not (ROOT / path).exists()] == []
