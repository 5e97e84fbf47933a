"""`make test-gpu` itself, on the processor: its parts run there but one, and a machine without a card is told so."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dat import records
from dat.models import exactness
from tests.gpu import __main__ as script
from tests.gpu import parts
from tests.parts import tracking_parts

SMALL = parts.Size(
    width=0.05,
    frames=4,
    shape=(120, 90),
    settings=tracking_parts.settings(update__interval=2),
    steps=2,
    side=64,
    jobs=2,
)


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of a card, on `meta` too."""
    monkeypatch.setattr(exactness, "whole", lambda device: True)


@pytest.mark.usefixtures("whole")
def test_a_frame_on_a_card_launches_few_kernels() -> None:
    """Counted on `meta`, with the paper's updates."""
    update = parts.paper().update
    size = replace(SMALL, settings=SMALL.settings.model_copy(update={"update": update}))
    figures = parts.launches_a_frame("cpu", size)
    quiet = {name: figures[f"{name}, without an update"] for name in ("crops", "shared", "guided")}
    assert quiet["crops"] <= 80 and max(quiet.values()) < 150, quiet
    assert figures["crops, mean"] - quiet["crops"] < 80, figures  # one update in ten frames


def test_the_script_prints_and_writes_the_figures_of_all_parts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trainings and the jobs at a time, which take longer, apart."""
    monkeypatch.setattr(parts, "PARTS", (parts.boxes_agree, parts.speed, parts.out_of_memory))
    assert script.main(["--device", "cpu"], tmp_path / "gpu.json", SMALL) == 0
    written, printed = records.read_json(tmp_path / "gpu.json"), capsys.readouterr().out
    assert written["boxes agree"] == {"crops, mean overlap": 1.0, "shared, mean overlap": 1.0}
    assert 0 < written["speed"]["share of that"] < 1 and written["card"]["device"] == "cpu"
    assert "frames a second" in printed and "all parts hold" in printed.splitlines()[-1]


def test_a_part_beyond_its_bound_is_told_and_the_others_are_heard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "OVERLAP", 1.0)
    monkeypatch.setattr(parts, "PARTS", (parts.boxes_agree, parts.speed))
    assert script.main(["--device", "cpu"], tmp_path / "gpu.json", SMALL) == 1
    written, said = records.read_json(tmp_path / "gpu.json"), capsys.readouterr().out.splitlines()
    assert written["boxes agree"] == {"failed": "crops: mean overlap 1.0000 with the processor's boxes"}
    assert written["speed"]["frames a second"] > 0 and said[-1].startswith("test-gpu: failed: boxes agree (")


def test_a_training_agrees_with_itself_also_from_a_checkpoint() -> None:
    figures = parts.trainings_agree("cpu", SMALL)
    assert set(figures.values()) == {0.0}


def test_jobs_take_slots_and_give_the_same_boxes() -> None:
    figures = parts.jobs_at_once("cpu", SMALL)
    assert list(figures) == ["1 at a time, frames a second", "2 at a time, frames a second", "aim 100"]
    assert figures["aim 100"] in ("reached", "missed")


def test_frames_a_second_are_held_against_the_aim() -> None:
    assert [parts.aim(rate)["aim 100"] for rate in (99.9, 100.0)] == ["missed", "reached"]


def test_without_a_card_it_is_one_line_and_status_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    done = subprocess.run(
        [sys.executable, "-m", "tests.gpu"], cwd=parts.ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "test-gpu: nvidia-smi shows no GPU that is visible here: run it on a machine with one"
    ]
