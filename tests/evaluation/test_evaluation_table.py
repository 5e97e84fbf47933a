"""The table that `dat evaluate` prints: in a pipe, on a narrow terminal, with names that are markup."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dat.cli.evaluate import by_hand
from dat.evaluation import score, table

NAMES = ["[bold]A[/bold]", ":smile:", "\x1b[31mred", "漢字", "a tracker of many words"]


def scores() -> dict[str, Any]:
    one = {"scored": 1, "expected": 2, "complete": False, "missing": ["B\x1b[2J"], "ignored": [], "cut": []}
    one |= {"success": 0.5, "success_interval": [0.1, 0.9], "precision": 0.25}
    pair = {"a": NAMES[0], "b": NAMES[1], "metric": "success", "difference": 0.1, "interval": [0.05, 0.15]}
    pairs = [pair | {"p": 0.04, "verdict": "a beats b"}]
    return {"benchmark": "tnl2k", "definition": "lasot", "trackers": dict.fromkeys(NAMES, one), "pairs": pairs}


def test_in_a_pipe_every_tracker_is_one_whole_line_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    lines = table.terminal(scores()).splitlines()
    assert lines[1] == "tracker                  success                                   precision"
    assert lines[4] == "[bold]A[/bold]           0.5000 [0.100, 0.900] (1 of 2 sequences)  0.2500 (1 of 2 sequences)"
    assert lines[6] == "漢字                     0.5000 [0.100, 0.900] (1 of 2 sequences)  0.2500 (1 of 2 sequences)"
    assert lines[-1] == "[bold]A[/bold] - :smile:  success  +0.1000     [+0.0500, +0.1500]  0.0400    a beats b"


def test_names_are_shown_as_they_are_typed() -> None:
    text = table.terminal(scores())
    assert "\x1b" not in text
    assert r"\x1b[31mred  " in text and r"no result for B\x1b[2J" in text and ":smile:: no result" in text


@pytest.mark.parametrize("width", [60, 20])
def test_on_a_narrow_terminal_cells_are_wrapped_between_words_and_nothing_is_lost(width: int) -> None:
    wide, narrow = (table.terminal(scores(), chosen) for chosen in (None, width))
    assert sorted(narrow.split()) == sorted(wide.split())
    grid = narrow.split("\n1 paired")[0].splitlines()[1:-5]
    assert max(map(len, grid)) <= max(width, 41)


def test_a_wide_terminal_is_a_pipe() -> None:
    assert table.terminal(scores(), 200) == table.terminal(scores())


def test_only_a_terminal_wraps_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int | None]()
    monkeypatch.setenv("COLUMNS", "33")
    monkeypatch.setattr(score, "files", lambda *_: scores())
    monkeypatch.setattr(table, "terminal", lambda data, width: str(asked.append(width)))
    for is_terminal in (True, False):
        monkeypatch.setattr(sys.stdout, "isatty", lambda answer=is_terminal: answer)
        by_hand("tnl2k", tmp_path, tmp_path, None, "strict", None, None, None, None, None, 100, 0)
    assert asked == [33, None]


def test_a_process_that_scores_starts_without_rich() -> None:
    code = "import sys; from dat.cli import evaluate; from dat.evaluation import table; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
