"""What the end of `make repro` says and tells the page: headline numbers, and what was measured on this machine."""

import json
import re
import shutil
from pathlib import Path

import pytest

from dat import records
from dat.base import params
from dat.base.params import Settings
from dat.cli import timings
from dat.report import brief
from tests.parts import fake_profile


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return fake_profile.build(tmp_path_factory.mktemp("run"))


def test_headlines_are_scores_with_intervals_of_baseline_and_method(run: Settings) -> None:
    scores = records.read_json(run.path / "reports/metrics/otb100.json")["variants"]
    lines = timings.headlines(run)
    assert len(lines) == 1  # VOT2016 has no method in this run
    values = [scores[name]["success"] for name in ("pymdnet", "dat-jtnl")]
    assert [float(word) for word in re.findall(r"(\d\.\d{3}) \[", lines[0])] == [round(value, 3) for value in values]
    assert lines[0].startswith("OTB-100 success: pyMDNet ") and lines[0].endswith(" (6 sequences)")


def test_decided_benchmarks_come_first_and_there_are_three(run: Settings, tmp_path: Path) -> None:
    home = Path(shutil.copytree(run.path, tmp_path / "copy", symlinks=True))
    data = json.loads((home / "params.yaml").read_text())
    one = records.read_json(home / "reports/metrics/otb100.json")
    one.pop("subsets")
    for name in ("otb2013", "tc128", "vot2014"):
        data["benchmarks"][name] = data["benchmarks"]["otb100"]
        records.write_json(home / f"reports/metrics/{name}.json", one)
    pair = {"a": "dat-jtnl", "b": "pymdnet", "metric": "success", "p": 1e-4, "p_uncorrected": 1e-4}
    records.write_json(
        home / "reports/metrics/tc128.json", one | {"pairs": [pair | {"difference": 0.2, "interval": [0.1, 0.3]}]}
    )
    records.write_json(home / "params.yaml", data)
    lines = timings.headlines(params.load(home))
    assert len(lines) == 3 and lines[0].startswith("TC128") and "; the method is better (" in lines[0]
    assert all("cannot tell" in line for line in lines[1:])


def test_a_second_line_of_a_benchmark_comes_after_those_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brief, "_decided", lambda _: [("a", "a 1"), ("a", "a 2"), ("b", "b 1")])
    monkeypatch.setattr(brief, "_compared", lambda _: [("c", "c 1"), ("a", "a 3")])
    assert brief.headlines({}) == ["a 1", "b 1", "c 1"]


def test_scores_that_cannot_be_read_have_no_headlines(tmp_path: Path) -> None:
    settings = fake_profile.settings_file(tmp_path)
    assert timings.headlines(settings) == []
    records.write_json(tmp_path / "reports/metrics/otb100.json", {"trackers": {"pymdnet@seed-0": {}}, "variants": 5})
    assert timings.headlines(settings) == []


def test_frames_a_second_are_those_of_all_repetitions_less_what_they_skip(run: Settings, tmp_path: Path) -> None:
    home = Path(shutil.copytree(run.path, tmp_path / "copy", symlinks=True))
    for name, seconds in (("Ring", 2.0), ("Cube", 3.0)):
        records.write_json(home / f"runs/vot2016/csrdcf@seed-0/{name}.json", {"seconds": seconds})
    for seed, seconds in ((0, 4.0), (1, 2.0)):
        folder = home / f"results/otb100/dat-jtnl@seed-{seed}"
        folder.mkdir(exist_ok=True)
        shutil.copy(home / "results/otb100/dat-jtnl@seed-0/Disc.txt", folder / "Star.txt")
        records.write_json(home / f"runs/otb100/dat-jtnl@seed-{seed}/Star.json", {"seconds": seconds})
    records.write_json(
        home / "runs/salnet@pymdnet.json", {"stage": "salnet@pymdnet", "seconds": 33.5, "started": "2026-11-30"}
    )
    for path in (home / "runs").glob("*.json"):
        records.write_json(path, {"started": "2026-11-29", **records.read_json(path)})
    found = timings.measured(params.load(home))
    frames = fake_profile.FRAMES
    skipped = 4  # after the failure of the second repetition
    assert found["fps/vot2016/csrdcf"] == pytest.approx(2 * (3 * frames - skipped) / 5)
    assert found["fps/otb100/dat-jtnl"] == pytest.approx(2 * frames / 6)
    assert found["training/pymdnet"] == 33.5 and "fps/otb100/pymdnet" not in found


def test_linked_data_sets_are_found_where_they_lie(run: Settings, tmp_path: Path) -> None:
    home = Path(shutil.copytree(run.path, tmp_path / "copy", symlinks=True))
    path = home / "testing/otb100.jsonl"
    path.write_text(path.read_text().replace('"root":"data/otb100"', '"root":"data/otb100.path"', 1))
    assert timings.roots(params.load(home)) == {}
    (home / "data/otb100.path").write_text(f"{tmp_path}/a set\n")
    assert timings.roots(params.load(home)) == {"data/otb100.path": f"file://{tmp_path}/a%20set"}
