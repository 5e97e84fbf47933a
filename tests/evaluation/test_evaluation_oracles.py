"""Other toolkits on the same boxes: got10k and VOT's own in their environment, pysot's and pytracking's rules restated.

The environment (.dat/toolkits) is made by `make bench-evaluate`; without it those tests say so and skip.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dat.benchmarks import catalogue
from dat.evaluation import definitions, ground_truth, results, score
from dat.evaluation.definitions import OnePass
from dat.evaluation.one_pass import curves as one_pass
from dat.evaluation.vot import rasters as regions

ROOT = Path(__file__).resolve().parents[2]
Array = np.ndarray[Any, np.dtype[np.float64]]


@pytest.fixture(scope="session")
def toolkit() -> Callable[..., Any]:
    """Runs a command of benchmarks/toolkits.py and loads what it wrote."""
    python = ROOT / ".dat/toolkits/bin/python"
    if not (ROOT / ".dat/toolkits/made").exists():
        pytest.skip("no toolkits here: make bench-evaluate makes their environment")

    def run(out: Path, command: str, *places: Path) -> Any:
        script = ROOT / "benchmarks/toolkits.py"
        subprocess.run([python, script, command, *places, out], check=True, capture_output=True)
        return np.load(out)

    return run


# ---------------------------------------------------------------- got10k


def otb_files(real_data: Path, place: Path) -> tuple[Path, Path]:
    """Annotations and two real trackers as comma-separated files under the same names, Tiger1 with all 354 rows."""
    benchmark = catalogue.find("otb100")
    truth = ground_truth.read(real_data / "annotations/otb100", benchmark)
    rule = definitions.find("otb-toolkit-1.1", "one-pass")
    assert isinstance(rule, OnePass)
    for folder in ("annotations", "results/UDT", "results/SRDCF"):
        (place / folder).mkdir(parents=True)
    for name, target in truth.targets.items():
        write(place / f"annotations/{name}.txt", target.boxes)
    for tracker in ("UDT", "SRDCF"):
        found = results.read(real_data / "results/otb100" / tracker, truth, rule)
        for name, boxes in found.boxes.items():
            write(
                place / f"results/{tracker}/{name}.txt",
                np.concatenate([truth.targets[name].boxes, boxes])[-len(truth.targets[name].boxes) :],
            )
    return place / "annotations", place / "results"


def write(path: Path, boxes: Array) -> None:
    """Rows of a result file, exact."""
    path.write_text("".join(",".join(map(repr, row)) + "\n" for row in boxes.tolist()))


def test_got10k_scores_every_sequence_of_real_trackers_the_same(
    real_data: Path, tmp_path: Path, toolkit: Callable[..., Any]
) -> None:
    annotations, folder = otb_files(real_data, tmp_path)
    theirs = toolkit(tmp_path / "out.npz", "otb", annotations, folder)
    benchmark, rule = catalogue.find("otb100"), definitions.find("got10k", "one-pass")
    assert isinstance(rule, OnePass)
    truth = ground_truth.read(annotations, benchmark)
    for tracker in ("UDT", "SRDCF"):
        boxes = results.read(folder / tracker, truth, rule)
        found = one_pass.evaluate(boxes, [truth.targets[name] for name in sorted(truth.targets)], rule)
        assert found.success == pytest.approx(theirs[f"success/{tracker}"], abs=1e-15)
        assert found.precision == pytest.approx(theirs[f"precision/{tracker}"], abs=1e-15)


# ---------------------------------------------------------------- pysot's and pytracking's rules, frame by frame


def plain_overlap(a: list[float], b: list[float]) -> float:
    """Intersection over union of two boxes."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def distance(a: list[float], b: list[float]) -> float:
    """Between two centres."""
    return float(np.hypot(a[0] + a[2] / 2 - b[0] - b[2] / 2, a[1] + a[3] / 2 - b[1] - b[3] / 2))


def pysot(truth: Array, boxes: Array) -> tuple[float, float]:
    """Nothing is repaired, the first row counts; truths with a value of 0 or less miss, centres of 0 or less hit."""
    overlaps = [plain_overlap(a, b) if min(a) > 0 else -1 for a, b in zip(truth.tolist(), boxes.tolist(), strict=True)]
    errors = [
        distance(a, b) if a[0] + a[2] / 2 > 0 and a[1] + a[3] / 2 > 0 else -1
        for a, b in zip(truth.tolist(), boxes.tolist(), strict=True)
    ]
    steps = np.arange(0, 1.05, 0.05)
    return float(np.mean([np.mean(np.array(overlaps) > step) for step in steps])), float(
        np.mean(np.array(errors) <= 20)
    )


def pytracking(truth: Array, boxes: Array) -> tuple[float, float]:
    """The first row is the truth; truths with a value of 0 or less miss both."""
    boxes = boxes.copy()
    boxes[0] = truth[0]
    rows = list(zip(truth.tolist(), boxes.tolist(), strict=True))
    overlaps = np.array([plain_overlap(a, b) if min(a) > 0 else -1 for a, b in rows])
    errors = np.array([distance(a, b) if min(a) > 0 else np.inf for a, b in rows])
    steps = np.arange(0, 1.05, 0.05)
    return float(np.mean([np.mean(overlaps > step) for step in steps])), float(np.mean(errors <= 20))


@pytest.mark.parametrize(("name", "restated"), [("pysot", pysot), ("pytracking", pytracking)])
def test_the_named_rule_is_the_restated_one(
    real_data: Path, name: str, restated: Callable[[Array, Array], tuple[float, float]]
) -> None:
    rule = definitions.find(name, "one-pass")
    assert isinstance(rule, OnePass)
    truth = ground_truth.read(real_data / "annotations/otb100", catalogue.find("otb100"))
    boxes = results.read(real_data / "results/otb100/SiamFC-3s", truth, rule)
    for sequence in ("Biker", "Board", "Crowds", "Twinnings", "Tiger1", "Deer", "Jogging-2"):
        target, own = truth.targets[sequence], boxes.boxes[sequence]
        found = one_pass.evaluate(results.TrackerResults("T", {sequence: own}, {sequence}), [target], rule)
        expected = restated(target.boxes[target.omit :], own)
        assert found.values()[0, :2].tolist() == pytest.approx(expected, abs=2.5 / 20 / len(own))


def test_what_each_definition_moves_on_a_real_tracker(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results/SiamFC-3s").symlink_to((real_data / "results/otb100/SiamFC-3s").resolve())
    by_name = {}
    for rule in definitions.ONE_PASS:
        found = score.files(
            "otb100", real_data / "annotations/otb100", tmp_path / "results", rule.name, "strict", (100, 0)
        )
        by_name[rule.name] = found["trackers"]["SiamFC-3s"]
    base = by_name["otb-toolkit-1.1"]
    moved = {
        name: (one["success"] - base["success"], one["precision"] - base["precision"]) for name, one in by_name.items()
    }
    assert moved["pytracking"][1] == pytest.approx(-(7 / 142 + 1 / 698 + 1 / 347 + 1 / 472) / 100, abs=1e-9)
    assert all(abs(success) < 0.0003 and abs(precision) < 0.0006 for success, precision in moved.values())


# ---------------------------------------------------------------- VOT's toolkit


@pytest.mark.parametrize("size", [(), (320, 240)])
def test_vots_toolkit_has_the_same_overlaps_to_the_last_bit(
    real_data: Path, tmp_path: Path, toolkit: Callable[..., Any], size: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(7)
    truth = json.loads((real_data / "annotations/vot2019.json").read_text())
    polygons = np.array([row for entry in truth.values() for row in entry["gt_rect"][::25] if len(row) == 8])[:600]
    low, high = polygons.reshape(-1, 4, 2).min(1), polygons.reshape(-1, 4, 2).max(1)
    near = np.concatenate([low, high - low], 1) + rng.normal(0, 0.15, (len(low), 4)) * np.tile(high - low, 2)
    near[:, 2:] = np.maximum(near[:, 2:], 1)
    boxes = np.concatenate([near, np.full_like(near, np.nan)], axis=1)
    given = {"a": polygons, "counts_a": np.full(len(polygons), 8), "b": boxes, "counts_b": np.full(len(boxes), 4)}
    np.savez(tmp_path / "pairs.npz", size=np.array(size), **given)
    theirs = toolkit(tmp_path / "out.npz", "overlaps", tmp_path / "pairs.npz")["overlaps"]
    ours = regions.overlaps(
        regions.regions(polygons, given["counts_a"]), regions.regions(boxes, given["counts_b"]), "toolkit", size or None
    )
    assert ours.tolist() == theirs.tolist()
    assert (theirs > 0).mean() > 0.3


def test_vots_toolkit_has_the_same_curve(real_data: Path, tmp_path: Path, toolkit: Callable[..., Any]) -> None:
    place = real_data / "annotations/vot2019.json"
    truth = {
        name: entry for name, entry in json.loads(place.read_text()).items() if name in ("agility", "ball2", "soccer2")
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    for name, entry in truth.items():
        (tmp_path / "results/Ocean/baseline" / name).mkdir(parents=True)
        lines = (real_data / f"results/vot2019/Ocean/baseline/{name}/{name}_001.txt").read_text().splitlines()
        text = "\n".join(lines[: len(entry["gt_rect"])]) + "\n"
        (tmp_path / f"results/Ocean/baseline/{name}/{name}_001.txt").write_text(text)
    theirs = toolkit(tmp_path / "out.npz", "vot", tmp_path / "truth.json", tmp_path / "results/Ocean/baseline")["curve"]
    found = score.files("vot2019", tmp_path / "truth.json", tmp_path / "results", "vot-toolkit-0.9", "strict", (100, 0))
    ours = found["trackers"]["Ocean"]["curves"]["expected_overlap"]
    assert ours[1:100] == pytest.approx(theirs[1:100].tolist(), abs=2e-7)
