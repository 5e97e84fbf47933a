"""Scores that others published, out of their raw result files, to the decimals that they printed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dat.benchmarks import catalogue
from dat.benchmarks.vot import FAILED
from dat.evaluation import definitions, score, text
from dat.evaluation.definitions import OnePass
from dat.evaluation.vot import expected_overlap as vot
from dat.evaluation.vot import files as vot_files
from dat.evaluation.vot.rasters import regions

BOOTSTRAP = (200, 0)

PUBLISHED = [
    ("otb100", "otb100", "SiamFC-3s", "0.771", "0.582"),
    ("otb100", "otb100", "CFNet-conv5", "0.777", "0.586"),
    ("otb100", "otb100", "SRDCF", "0.789494", "0.597966"),
    ("otb100", "otb100", "IVT", "0.433982", "0.319369"),
    ("otb100", "otb100", "TLD", "0.545713", "0.405640"),
    ("otb100", "otb100", "UDT", "0.7604", "0.5870"),
    ("otb2013", "otb100", "SiamFC-3s", "0.809", "0.607"),
    ("otb2013", "otb100", "CFNet-conv5", "0.785", "0.589"),
    ("otb2013", "otb100", "SRDCF", "0.837946", "0.626203"),
    ("otb2013", "otb100", "IVT", "0.502892", "0.359787"),
    ("otb2013", "otb100", "TLD", "0.552649", "0.407066"),
    ("otb50", "otb100", "SRDCF", "0.732138", "0.538754"),
    ("otb50", "otb100", "IVT", "0.324197", "0.236398"),
    ("otb50", "otb100", "TLD", "0.428697", "0.321886"),
    ("tc128", "tc128", "MEEM", "0.7081", "0.5000"),
    ("tc128", "tc128", "UDT", "0.6578", "0.5010"),
]


def tracker(data: Path, at: Path, folder: str, name: str) -> Path:
    """A results folder with one tracker of the real ones."""
    (at / "results").mkdir(exist_ok=True)
    (at / "results" / name).symlink_to((data / "results" / folder / name).resolve())
    return at / "results"


def printed(value: float, text: str) -> bool:
    """Whether a number, printed with the decimals of `text`, is `text`."""
    return abs(value - float(text)) <= 0.5001 * 10.0 ** -len(text.partition(".")[2])


@pytest.mark.parametrize(("benchmark", "folder", "name", "precision", "success"), PUBLISHED)
def test_one_pass_scores_are_those_published(
    real_data: Path, tmp_path: Path, benchmark: str, folder: str, name: str, precision: str, success: str
) -> None:
    results = tracker(real_data, tmp_path, folder, name)
    found = score.files(benchmark, real_data / "annotations" / folder, results, bootstrap=BOOTSTRAP)["trackers"][name]
    assert found["complete"]
    assert printed(found["precision"], precision)
    assert printed(found["success"], success)


@pytest.mark.parametrize(("name", "rate"), [("IVT", 0.372629), ("TLD", 0.467192), ("SRDCF", 0.728446)])
def test_success_rates_at_one_half_are_the_toolkits(real_data: Path, tmp_path: Path, name: str, rate: float) -> None:
    results = tracker(real_data, tmp_path, "otb100", name)
    found = score.files("otb100", real_data / "annotations/otb100", results, bootstrap=BOOTSTRAP)
    assert found["trackers"][name]["curves"]["success"][10] == pytest.approx(rate, abs=5e-7)


def test_udt_is_read_under_its_spellings_and_with_its_long_tiger(real_data: Path, tmp_path: Path) -> None:
    results = tracker(real_data, tmp_path, "otb100", "UDT")
    found = score.files("otb100", real_data / "annotations/otb100", results, bootstrap=BOOTSTRAP)["trackers"]["UDT"]
    assert found["sequences"]["Tiger1"]["frames"] == 349
    assert found["sequences"]["Jogging-1"]["success"] != found["sequences"]["Jogging-2"]["success"]
    assert found["cut"] == [] == found["ignored"]


def test_udt_published_number_is_near_the_mean_overlap(real_data: Path, tmp_path: Path) -> None:
    truth, boxes, rule = loaded(real_data, "UDT")
    from dat.evaluation.one_pass import curves as one_pass

    means = []
    for target in truth.targets.values():
        own, start = boxes[target.name], target.omit
        values = one_pass.overlaps(own.T, target.boxes[start:].T, rule.overlap)
        values[0] = 1
        means.append(values.mean())
    assert np.mean(means) == pytest.approx(0.595, abs=6e-4)


def loaded(data: Path, name: str) -> tuple[Any, dict[str, Any], OnePass]:
    """Truth, a tracker's boxes and OTB's definition."""
    from dat.evaluation import ground_truth, results

    benchmark = catalogue.find("otb100")
    rule = definitions.find(benchmark.definition, "one-pass")
    assert isinstance(rule, OnePass)
    truth = ground_truth.read(data / "annotations/otb100", benchmark)
    return truth, results.read(data / "results/otb100" / name, truth, rule).boxes, rule


def test_matlab_cells_give_the_one_pass_run(real_data: Path) -> None:
    from dat.evaluation import matlab

    for path in sorted((real_data / "results/otb100-mat/SiamFC-3s").glob("*.mat")):
        boxes, plain, runs = matlab.read_boxes(path, path.stem)
        expected = text.read_boxes(real_data / "results/otb100/SiamFC-3s" / f"{path.stem}.txt", 10_000, path.stem)
        assert plain and runs == 20
        assert boxes == pytest.approx(expected, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize(("definition", "eao"), [("vot-matlab-2016", "0.2973"), ("vot-toolkit-0.9", "0.2906")])
def test_ocean_by_two_definitions(real_data: Path, tmp_path: Path, definition: str, eao: str) -> None:
    results = tracker(real_data, tmp_path, "vot2019", "Ocean")
    place = real_data / "annotations/vot2019.json"
    found = score.files("vot2019", place, results, definition, "cut", BOOTSTRAP)
    assert printed(found["trackers"]["Ocean"]["eao"], eao)
    assert found["trackers"]["Ocean"]["cut"] == ["fish1"]
    assert found["bounded"] is False


def test_udt_fails_102_times_a_run_on_vot2016(real_data: Path) -> None:
    lengths = catalogue.find("vot2016").sequences
    failures = np.zeros(3)
    for name, entry in lengths.items():
        for number in range(3):
            path = real_data / "results/vot2016/UDT/baseline" / name / f"{name}_{number + 1:03d}.txt"
            unknown = regions(np.full((entry.frames, 8), np.nan), np.full(entry.frames, 8))
            run, *_ = vot_files.read_run(path, unknown, f"UDT {name}", "strict")
            failures[number] += np.count_nonzero(run.codes == FAILED)
    assert failures.tolist() == [102, 102, 102]


@pytest.mark.parametrize(("benchmark", "interval"), [("vot2016", (108, 371)), ("vot2019", (46, 291))])
def test_the_interval_follows_from_the_lengths(benchmark: str, interval: tuple[int, int]) -> None:
    lengths = [entry.frames for entry in catalogue.find(benchmark).sequences.values()]
    assert vot.interval_of(lengths) == interval == catalogue.find(benchmark).interval


@pytest.mark.parametrize(("benchmark", "folder", "frames"), [("otb100", "otb100", 59_040), ("tc128", "tc128", 55_346)])
def test_annotations_have_the_benchmarks_frames(real_data: Path, benchmark: str, folder: str, frames: int) -> None:
    from dat.evaluation import ground_truth

    truth = ground_truth.read(real_data / "annotations" / folder, catalogue.find(benchmark))
    assert tuple(truth.targets) == truth.expected
    assert sum(len(target.boxes) for target in truth.targets.values()) == frames


def test_lists_have_their_sizes() -> None:
    sizes = {
        "otb2013": 51,
        "otb50": 50,
        "otb100": 100,
        "otb100-similar": 46,
        "tc128": 129,
        "vot2014": 25,
        "vot2016": 60,
    }
    assert {name: len(catalogue.find(name).sequences) for name in sizes} == sizes
    assert len(catalogue.find("lasot").sequences) == 280
