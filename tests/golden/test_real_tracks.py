"""Real video: what `make repro` trained follows real targets, and so does CSR-DCF. Outside truth: OTB's boxes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dat.base import params
from dat.datasets.images import read_image
from dat.datasets.layouts import otb, vot
from dat.regions import boxes
from dat.tracking.csrdcf.tracker import CsrDcf

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 60

pytestmark = pytest.mark.slow


def truth(real_data: Path, name: str) -> np.ndarray:
    base, _, target = name.partition("-")
    file = real_data / "otb" / base / (f"groundtruth_rect.{target}.txt" if target else "groundtruth_rect.txt")
    rows = [line.replace(",", " ").split() for line in file.read_text().splitlines()]
    return np.array(rows, np.float64)


def test_dat_follows_real_targets(real_data: Path, run_weights: Path, tmp_path: Path) -> None:
    means = {}
    for name in ("Crossing", "Deer", "Couple", "Jogging-1"):
        wanted, out = truth(real_data, name)[:FRAMES], tmp_path / f"{name}.txt"
        call = [sys.executable, "-m", "dat", "track", str(real_data / "otb" / name.partition("-")[0] / "img")]
        call += ["--box", ",".join(f"{value:g}" for value in wanted[0]), "--origin", "1"]
        call += ["--frames", str(FRAMES), "--out", str(out), "--json", str(tmp_path / "run.json")]
        done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "target alone" in done.stderr, "without a sentence it says where attention comes from"
        found = np.loadtxt(out, delimiter=",")
        assert found.shape == wanted.shape
        assert len(json.loads((tmp_path / "run.json").read_text())["frames"]) == FRAMES
        means[name] = float(boxes.overlap(found, wanted).mean())
    assert np.mean(list(means.values())) >= 0.5, means


def test_csrdcf_follows_real_targets(real_data: Path) -> None:
    """Needs no weights. David's images begin with number 300, as its boxes do."""
    means = {}
    for name in ("Crossing", "Deer", "David", "Couple", "Jogging-1"):
        wanted = truth(real_data, name)[:FRAMES] - [1, 1, 0, 0]
        files = sorted((real_data / "otb" / name.partition("-")[0] / "img").iterdir())[:FRAMES]
        tracker = CsrDcf(params.load(ROOT).root.csrdcf)
        tracker.init(read_image(files[0]), wanted[0])
        found = [wanted[0], *(tracker.update(read_image(file)) for file in files[1:])]
        means[name] = float(boxes.overlap(np.array(found), wanted).mean())
    assert min(means.values()) >= 0.6 and np.mean(list(means.values())) >= 0.75, means


def test_layouts_count_pixels_from_what_their_files_say() -> None:
    assert otb.ORIGIN == 1
    assert vot.ORIGIN == 0
