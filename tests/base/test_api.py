"""The Python interface: what docs/api.md shows is run, and what it names is there."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

from dat import api
from tests.parts.tracking_parts import video, write_frames

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "api.md").read_text()
TRACKER, SCORES, AUDIT = re.findall(r"```python\n(.*?)```", TEXT, re.S)


def test_the_documented_names_are_the_exported_ones() -> None:
    table = TEXT.split("## Names")[1]
    assert set(re.findall(r"`(\w+)`", table)) == set(api.__all__)
    assert all(getattr(api, name).__doc__ for name in api.__all__)


def test_the_doctests_run() -> None:
    assert doctest.testmod(api) == (0, 3)


def test_the_documented_tracker_follows_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images, truth = video(count=4)
    write_frames(tmp_path / "clip", images)
    monkeypatch.chdir(tmp_path)
    code = TRACKER.replace("dat-jtnl", "csrdcf").replace("clip.mp4", "clip").replace("(21, 31, 18, 24)", "truth[0]")
    exec(code, {"truth": truth})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    last = np.array([float(word) for word in re.findall(r"-?[\d.]+", lines[-1].rpartition("]")[0])])
    assert np.abs(last - truth[-1]).max() < 8


def test_a_tracker_that_has_not_started_says_so() -> None:
    tracker = api.Tracker("csrdcf")
    with pytest.raises(api.InputError, match="has not started"):
        tracker.update(np.zeros((8, 8, 3), np.uint8))


def test_the_documented_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("results/Half", "annotations/Deer"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "annotations/Deer/groundtruth_rect.txt").write_text("10,10,20,20\n" * 71)
    (tmp_path / "results/Half/Deer.txt").write_text("10,10,20,20\n" + "20,10,20,20\n" * 70)
    monkeypatch.chdir(tmp_path)
    exec(SCORES, {})
    out = capsys.readouterr().out
    assert re.search(r"Half +0\.\d+ ", out) and "expected" in out
    frame = api.evaluate(Path("results"), "otb100", Path("annotations"))
    assert frame.loc["Half", "scored"] == 1 and frame.loc["Half", "expected"] == 100
    assert 0.33 < frame.loc["Half", "success"] < 0.36  # 70 of 71 overlaps are a third


def test_an_audit_of_a_number_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(api.MissingError, match=r"params\.yaml"):
        api.audit("otb100/x/success", tmp_path)
