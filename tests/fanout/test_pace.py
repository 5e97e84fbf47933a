"""How far a run is: what jobs note, the line's numbers against ones worked by hand, and its form."""

import io
import sys
from pathlib import Path

import pytest

from dat.fanout import failures, logs, pace
from dat.fanout.unit import Unit
from dat.progress import described, progress


def unit(key: str, cost: int, salnet: str | None = "weights/salnet/core/pymdnet") -> Unit:
    return Unit(key, "pymdnet", 0, key, "none", salnet, None, cost)


def done(units: int, **shares: tuple[int, int, float]) -> pace.Progress:
    return pace.Progress(units, {kind: pace.KindProgress(*share) for kind, share in shares.items()})


def test_time_left_takes_each_kinds_own_pace() -> None:
    """300 frames of .1 s and 900 of .01 s are left: 39 s of work, of two jobs at a time 19.5 s."""
    run = pace.Pace([unit("a", 400), unit("b", 1000, None)])
    assert run.text(done(0), 5.0) == "0 of 2 units"
    run.text(done(0, tracking=(50, 50, 5.0), csrdcf=(50, 50, 0.5)), 10.0)
    now = done(0, tracking=(100, 100, 10.0), csrdcf=(100, 100, 1.0))
    assert pace.seconds_left(run.whole, now) == pytest.approx(39.0)
    assert run.text(now, 12.75) == "0 of 2 units, 36.4 frames/s, 0:20 left"


def test_a_kind_that_was_not_measured_has_the_pace_of_all() -> None:
    whole = {"tracking": 100, "csrdcf": 100}
    assert pace.seconds_left(whole, done(1, tracking=(100, 100, 10.0))) == pytest.approx(10.0)


def test_the_time_before_the_first_frame_and_what_the_store_had_do_not_count() -> None:
    """Two jobs track 10 frames a second each after 60 s of start; 1,000 of 4,000 frames were there before."""
    run = pace.Pace([unit(str(index), 1000) for index in range(4)])
    for second in range(60):
        assert run.text(done(1, tracking=(1000, 0, 0.0)), second) == "1 of 4 units"
    run.text(done(1, tracking=(1020, 20, 2.0)), 61.0)
    line = run.text(done(1, tracking=(1040, 40, 4.0)), 62.0)
    assert line == "1 of 4 units, 20.0 frames/s, 2:28 left"


def test_a_job_notes_what_it_has_done_also_within_a_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    notes = pace.Notes(tmp_path / "0.json")
    notes.skip(unit("a", 30))
    notes.begin(unit("b", 100))
    for _ in range(50):
        now[0] += 0.1
        notes.frame()
    half = pace.noted(tmp_path)
    assert half.units == 1 and 70 < half.frames <= 80 and 40 < half.tracked <= 50
    assert half.seconds == pytest.approx(half.tracked / 10)
    notes.end(failed=False)
    notes.begin(unit("c", 20, None))
    notes.end(failed=True)
    both = pace.noted(tmp_path)
    assert (both.units, both.frames, both.tracked, both.seconds) == (3, 150, 100, pytest.approx(5.0))


def test_jobs_are_added_up_and_a_broken_note_waits(tmp_path: Path) -> None:
    for number in range(3):
        pace.Notes(tmp_path / f"{number}.json").skip(unit("a", 10))
    (tmp_path / "3.json").write_text("{")
    assert (pace.noted(tmp_path).units, pace.noted(tmp_path).frames) == (3, 30)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with described(10, "otb100: 0 of 2 units") as bar:
        bar.n = 5
        bar.set_description_str("otb100: 1 of 2 units, 3.0 frames/s, 0:02 left", refresh=False)
        bar.update(0)
    for _ in progress(range(2), total=2, desc="masks"):
        pass
    return stream.getvalue()


def test_without_a_terminal_there_are_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(monkeypatch, io.StringIO())
    assert "\r" not in text and "\n\n" not in text and "█" not in text
    lines = text.splitlines()
    assert lines[:2] == ["otb100: 0 of 2 units", "otb100: 1 of 2 units, 3.0 frames/s, 0:02 left"]
    assert "2/2" in lines[-1] and lines[-1].startswith("masks: 100%")


def test_a_terminal_has_a_bar_that_is_drawn_over(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(monkeypatch, Terminal())
    assert "\r" in text and " 50%|" in text and "1 of 2 units, 3.0 frames/s, 0:02 left" in text


def test_failures_are_shown_with_the_end_of_their_logs(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / "failed").mkdir(exist_ok=True)
        (tmp_path / "failed" / f"k{number:02}.txt").write_text(f"Seq{number:02}: pymdnet@seed-0: broken\n")
    (tmp_path / logs.FOLDER).mkdir()
    text = "".join(f"line {number}\n\n" for number in range(30))
    (tmp_path / logs.FOLDER / "k01.log").write_text(text)
    lines = failures.summary(tmp_path)
    assert lines[1] == "failed: Seq01: pymdnet@seed-0: broken"
    assert lines[2:10] == [f"    line {number}" for number in range(22, 30)]
    assert lines[10].startswith("failed: Seq02") and lines[-1].startswith("failed: 2 more (")
    assert failures.line(tmp_path, tmp_path / "none").startswith("Seq00: pymdnet@seed-0: broken (and 11 more: ")


def test_a_units_log_has_what_libraries_print_and_the_streams_come_back(tmp_path: Path) -> None:
    with logs.written(tmp_path / "a" / "unit.log"):
        print("from Python")
        import os

        os.write(2, b"from C\n")
    assert logs.tail(tmp_path / "a" / "unit.log") == ["from Python", "from C"]
    assert logs.tail(tmp_path / "none.log") == []
