"""docs/measured.md is what the figures in docs/measured give, and nothing typed."""

import re
import sys
from pathlib import Path

import pytest

from benchmarks import figures, measured
from dat import records
from dat.base.errors import InputError


def test_the_page_is_what_the_figures_give() -> None:
    assert measured.PAGE.read_text(encoding="utf-8") == measured.page(), "make measured writes it"


def test_no_figure_is_typed_into_the_prose() -> None:
    prose = (figures.FOLDER / "page.md").read_text(encoding="utf-8")
    assert re.findall(r"(?<!\w)\d[\d.,]*", re.sub(r"`[^`]*`", "", prose)) == []


def test_every_file_of_figures_is_on_the_page() -> None:
    prose = (figures.FOLDER / "page.md").read_text(encoding="utf-8")
    assert sorted(measured.PLACE.findall(prose)) == sorted(path.stem for path in figures.FOLDER.glob("*.json"))


def test_what_a_benchmark_writes_is_shown_with_its_command_date_commit_and_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "--data", "/some/place/otb", "--frames=30"])
    monkeypatch.setattr(records, "commit", lambda at: {"commit": "0123456789abcdef", "patch": "ff"})
    folder = tmp_path / "docs" / "measured"
    table = figures.Table("what", "seconds")
    table.add("all", 1234.5)
    assert capsys.readouterr().out == "all | 1,234.5\n"
    figures.write("/anywhere/bench_track.py", "In turns.", table, folder=folder)
    facts = records.read_json(folder / "track.json")
    assert facts["figures"] == ["In turns.", {"columns": ["what", "seconds"], "rows": [["all", 1234.5]]}]
    assert facts["command"] == "python -m benchmarks.bench_track --data otb --frames=30"
    assert facts["cores"] and facts["processor"] == records.processor()
    (folder / "page.md").write_text("# Measured\n\n{{ track }}\n")
    (page, source) = measured.page(folder).rsplit("\n\n", 1)
    assert page == "# Measured\n\nIn turns.\n\n| what | seconds |\n| --- | --- |\n| all | 1,234.5 |"
    assert re.fullmatch(
        r"\*`python -m benchmarks\.bench_track --data otb --frames=30`, \d{4}-\d\d-\d\d, commit 0123456789, "
        rf"with changes that were not committed, \d+ cores, {re.escape(records.processor())}\*\n",
        source,
    )


def test_figures_that_the_prose_wants_and_nobody_has_measured_are_named(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("{{ nowhere }}\n")
    with pytest.raises(InputError, match=r"nowhere\.json"):
        measured.page(tmp_path)


def test_a_row_has_a_cell_under_each_column() -> None:
    with pytest.raises(AssertionError, match="1 cells under 2 columns"):
        figures.Table("a", "b").add("only")
