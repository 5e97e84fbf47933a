"""`docs/readings.md` explains every reading that the report lists and the code cites."""

import re

import pytest

from dat.report.readings import MATTERS
from tests.parts.fake_profile import ROOT

TEXT = (ROOT / "docs" / "readings.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (R\d+)\n(.*?)(?=^#|\Z)", TEXT, re.MULTILINE | re.DOTALL))
CITED = sorted({mark for path in ROOT.glob("dat/**/*.py") for mark in re.findall(r"\bR\d+\b", path.read_text("utf-8"))})


@pytest.mark.parametrize(("mark", "where"), [(mark, where) for mark, _, where in MATTERS])
def test_a_reading_is_explained_with_its_settings(mark, where):
    settings = [] if where.startswith("= ") else where.replace("*", "NAME").split()
    assert len(SECTIONS[mark].split()) > 15
    assert [name for name in settings if f"`{name}`" not in SECTIONS[mark]] == []


def test_no_reading_is_explained_that_there_is_not_and_none_cited():
    assert set(SECTIONS) == {mark for mark, *_ in MATTERS} and len(SECTIONS) == 40
    assert set(CITED) <= set(SECTIONS)
