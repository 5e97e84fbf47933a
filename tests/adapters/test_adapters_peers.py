"""The adapters under the real toolkits, which live in an environment of their own, .dat/toolkits.

It is made by `make bench-evaluate`; without it these tests say so and skip. The packages of this environment are lent
to it, so that the tracker runs where the toolkit is.
"""

import json
import os
import shlex
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dat.benchmarks import catalogue
from dat.evaluation import definitions, ground_truth, results, score
from dat.evaluation.definitions import OnePass
from tests.parts.tracking_parts import ROOT, video, write_frames, write_weights

BIN = ROOT / ".dat/toolkits/bin"
PATHS = f"{ROOT}{os.pathsep}{sysconfig.get_paths()['purelib']}"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BIN.parent / "made").exists(), reason="no toolkits here: make bench-evaluate makes them"),
]

FRAMES, TRUTH = video(count=6)


def got10k(data: Path, out: Path, name: str, weights: Path | None = None) -> Any:
    """Track, if there are weights, and score a folder of OTB sequences by got10k's own experiment."""
    code = """if True:
        import sys
        from pathlib import Path
        from dat.adapters.got10k import DatTracker, LocalExperiment, LocalOTB
        from dat.adapters.factory import TrackerFactory
        data, out, name, weights = sys.argv[1:]
        experiment = LocalExperiment(LocalOTB(data), Path(out) / "results", Path(out) / "reports")
        if weights:
            experiment.run(DatTracker(TrackerFactory(weights=Path(weights), device="cpu"), name))
        experiment.report([name])
    """
    command = [BIN / "python", "-c", code, data, out, name, weights or ""]
    environment = os.environ | {"PYTHONPATH": PATHS, "MPLBACKEND": "agg"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((out / "reports" / name / "performance.json").read_text())[name]


def test_got10k_runs_the_tracker_and_scores_it(tmp_path: Path) -> None:
    for name in ("First", "Second"):
        write_frames(tmp_path / "data" / name / "img", FRAMES)
        rows = "".join(f"{x + 1:g},{y + 1:g},{w:g},{h:g}\n" for x, y, w, h in TRUTH)
        (tmp_path / "data" / name / "groundtruth_rect.txt").write_text(rows)
    write_weights(tmp_path / "weights")
    found = got10k(tmp_path / "data", tmp_path, "dat", tmp_path / "weights")
    boxes = np.loadtxt(tmp_path / "results/dat/First.txt", delimiter=",")
    assert boxes.shape == (6, 4) and boxes[0].tolist() == [21, 31, 18, 24]
    assert found["overall"]["success_score"] > 0.5 and set(found["seq_wise"]) == {"First", "Second"}
    assert (boxes[1:] != np.loadtxt(tmp_path / "results/dat/Second.txt", delimiter=",")[1:]).any()


def test_its_score_of_result_files_on_real_sequences_is_ours(real_data: Path, tmp_path: Path) -> None:
    names = ["Couple", "Crossing", "David", "Deer", "Football1", "Freeman1", "Jogging-1", "Jogging-2", "Skiing"]
    rule = definitions.find("got10k", "one-pass")
    assert isinstance(rule, OnePass)
    truth = ground_truth.read(real_data / "annotations/otb100", catalogue.find("otb100"))
    boxes = results.read(real_data / "results/otb100/UDT", truth, rule).boxes
    (tmp_path / "results/UDT").mkdir(parents=True)
    for name in names:
        rows = "".join(",".join(map(repr, row)) + "\n" for row in boxes[name].tolist())
        (tmp_path / "results/UDT" / f"{name}.txt").write_text(rows)
    theirs = got10k(real_data / "otb", tmp_path, "UDT")
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n")
    listed = tmp_path / "names.txt"
    ours = score.files("otb100", real_data / "otb", tmp_path / "results", "got10k", "strict", (100, 0), None, listed)[
        "trackers"
    ]["UDT"]
    assert set(theirs["seq_wise"]) == set(names)
    for kind in ("success", "precision"):
        assert ours[kind] == pytest.approx(theirs["overall"][f"{kind}_score"], abs=1e-15)
        for name in names:
            assert ours["sequences"][name][kind] == pytest.approx(theirs["seq_wise"][name][f"{kind}_score"], abs=1e-15)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace of the VOT toolkit with one sequence of six frames, its regions polygons."""
    write_weights(tmp_path / "weights")
    (tmp_path / "sequences/square/color").mkdir(parents=True)

    for number, frame in enumerate(FRAMES, start=1):
        cv2.imwrite(str(tmp_path / f"sequences/square/color/{number:08d}.jpg"), frame[..., ::-1])
    corners = [(x, y, x + w, y, x + w, y + h, x, y + h) for x, y, w, h in TRUTH]
    rows = "".join(",".join(f"{value:g}" for value in row) + "\n" for row in corners)
    (tmp_path / "sequences/square/groundtruth.txt").write_text(rows)
    (tmp_path / "sequences/square/sequence").write_text("name=square\nfps=30\nchannels.color=color/%08d.jpg\n")
    (tmp_path / "sequences/list.txt").write_text("square\n")
    (tmp_path / "config.yaml").write_text("registry:\n- ./trackers.ini\nstack: ./stack.yaml\nsequences: sequences\n")
    (tmp_path / "stack.yaml").write_text(
        "title: Trial\nexperiments:\n  baseline:\n    type: unsupervised\n    repetitions: 1\n"
        "    analyses:\n      - type: average_accuracy\n        burnin: 0\n"
    )
    command = [
        str(BIN / "python"),
        "-m",
        "dat.adapters.trax",
        "--device",
        "cpu",
        "--weights",
        str(tmp_path / "weights"),
    ]
    (tmp_path / "trackers.ini").write_text(
        f"[dat]\nlabel = DAT\nprotocol = trax\ntimeout = 120\n"
        f"command = {shlex.join(map(str, command))}\n"
        f"env_PYTHONPATH = {PATHS}\n"
    )
    return tmp_path


@pytest.fixture
def vot(workspace: Path) -> Callable[..., str]:
    """Runs a command of the toolkit in the workspace and returns all that it printed."""

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [BIN / "vot", "--registry", "trackers.ini", *arguments],
            cwd=workspace,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return done.stdout

    return run


def test_the_vot_toolkit_tests_evaluates_and_scores_the_tracker(workspace: Path, vot: Callable[..., str]) -> None:
    said = vot("test", "--sequence", "sequences/square", "dat")
    assert "Test concluded successfuly" in said, said
    assert "attention is from the target alone" in said
    assert "Evaluation concluded successfuly" in vot("evaluate", "dat")
    scores = workspace / "results/dat/baseline/square/square_001_confidence.value"
    assert len(scores.read_text().split()) == 6
    vot("analysis", "--name", "trial", "dat")
    found = json.loads((workspace / "analysis/trial.json").read_text())["results"]["baseline"]["results"]
    assert found[0][0][0] > 0.5


def test_the_vot_toolkit_is_told_why_a_tracker_stopped(workspace: Path, vot: Callable[..., str]) -> None:
    (workspace / "sequences/square/color/00000003.jpg").write_bytes(b"broken")
    said = vot("test", "--sequence", "sequences/square", "dat")
    assert "00000003.jpg: not a readable image" in said and "concluded" not in said
