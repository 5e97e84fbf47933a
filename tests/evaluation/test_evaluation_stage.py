"""The stage: our own results against a manifest, one seed and several."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dat.base.errors import InputError, MissingError
from dat.datasets import manifest
from dat.evaluation import stage
from dat.records import Job, read_json
from tests.parts import small_sets

FRAMES = 20


def rows(names: list[str], seed: int, regions: bool = False) -> list[dict[str, Any]]:
    """Manifest rows of targets that move, origin 0."""
    rng, found = np.random.default_rng(seed), []
    for name in names:
        start = rng.uniform(20, 60, 2)
        boxes = [[*(start + frame), 30.0, 24.0] for frame in range(FRAMES)]
        row: dict[str, Any] = {
            "sequence": name, "frames": FRAMES, "files": [], "annotations": [], "boxes": boxes, "sentence": None,
            "size": [160, 120], "attributes": ["OCC"],
        }  # fmt: skip
        if regions:
            row["regions"] = [[x, y, x + w, y, x + w, y + h, x, y + h] for x, y, w, h in boxes]
            row["tags"] = {"occlusion": [frame % 2 for frame in range(FRAMES)]}
        found.append(row)
    return found


def job(
    folder: Path,
    key: str,
    data: str,
    header: dict[str, Any],
    targets: list[dict[str, Any]],
    replace: tuple[tuple[str, str], ...] = (),
) -> Job:
    """The job of `evaluate@key`."""
    settings = small_sets.profile(folder, replace=replace)
    path = folder / f"testing/{data}.jsonl"
    manifest.write(path, {"name": f"synthetic-{data}", "linked": True, "root": f"data/{data}", **header}, targets)
    results = folder / "results" / key
    results.mkdir(parents=True)
    return Job(key, settings, {"manifest": path, "results": results}, {"metrics": folder / "out.json"})


def write_boxes(results: Path, tracker: str, targets: list[dict[str, Any]], shift: float) -> None:
    """A one-pass tracker that is always `shift` pixels off; files count from 1."""
    (results / tracker).mkdir()
    for row in targets:
        lines = [f"{x + 1 + shift:.4f},{y + 1:.4f},{w:.4f},{h:.4f}\n" for x, y, w, h in row["boxes"]]
        (results / tracker / f"{row['sequence']}.txt").write_text("".join(lines))
        (results / tracker / f"{row['sequence']}.json").write_text("{}")


NAMES = ["Wall", "Return", "Tiger1", "Twins-1", "Twins-2"]


@pytest.fixture
def otb(tmp_path: Path) -> Job:
    """`evaluate@otb100` on five embedded targets, two variants."""
    targets = rows(NAMES, 1)
    header = {"layout": "otb", "lists": {"otb100": NAMES, "otb100-similar": NAMES[3:]}}
    made = job(tmp_path, "otb100", "otb100", header, targets)
    for tracker, shift in (("pymdnet@seed-0", 6.0), ("salnet@seed-0", 0.0), ("salnet@seed-1", 2.0)):
        write_boxes(made.inputs["results"], tracker, targets, shift)
    (made.inputs["results"] / "manifest.json").write_text("{}")
    return made


def test_scores_of_every_tracker_and_variant(otb: Job) -> None:
    stage.run(otb)
    found = read_json(otb.outputs["metrics"])
    assert (found["data_set"], found["definition"]) == ("synthetic-otb100", "otb-toolkit-1.1")
    assert found["trackers"]["salnet@seed-0"]["success"] == pytest.approx(20 / 21)
    assert found["trackers"]["pymdnet@seed-0"]["ignored"] == []
    one, two = found["variants"]["pymdnet"], found["variants"]["salnet"]
    assert (one["seeds"], two["seeds"]) == ([0], [0, 1])
    assert "spread" not in one and len(one["success_interval"]) == 2
    both = [found["trackers"][f"salnet@seed-{seed}"]["success"] for seed in (0, 1)]
    assert two["success"] == pytest.approx(np.mean(both))
    assert two["spread"]["success"] == pytest.approx(np.std(both, ddof=1))
    assert {(pair["a"], pair["b"]) for pair in found["pairs"]} == {("pymdnet", "salnet")}


def test_each_point_of_a_variants_curve_has_an_interval_over_sequences(otb: Job) -> None:
    """Of the mean over seeds: at its own thresholds the band is the interval of what the score there is."""
    results = otb.inputs["results"]
    lines = (results / "pymdnet@seed-0/Wall.txt").read_text().splitlines()
    lost = [lines[0], *["1,1,5,5"] * (FRAMES - 1)]
    (results / "pymdnet@seed-0/Wall.txt").write_text("\n".join(lost) + "\n")
    stage.run(otb)
    found = read_json(otb.outputs["metrics"])["variants"]
    bands = found["pymdnet"]["curve_intervals"]
    assert [len(bands[metric]) for metric in ("success", "precision")] == [21, 51]
    assert bands["precision"][20] == found["pymdnet"]["precision_interval"]
    low, high = bands["success"][1]
    assert 0 <= low < 0.81 <= high <= 1
    assert found["salnet"]["curve_intervals"]["precision"][20] == [1.0, 1.0]


def test_the_look_alikes_are_a_subset_of_otb100(otb: Job) -> None:
    stage.run(otb)
    subset = read_json(otb.outputs["metrics"])["subsets"]["otb100-similar"]
    assert subset["trackers"]["salnet@seed-0"]["expected"] == 2
    assert sorted(subset["trackers"]["salnet@seed-0"]["sequences"]) == ["Twins-1", "Twins-2"]
    scores = [entry["success"] for entry in subset["trackers"]["pymdnet@seed-0"]["sequences"].values()]
    assert subset["variants"]["pymdnet"]["success"] == pytest.approx(np.mean(scores))


def test_real_quirks_are_not_those_of_an_embedded_set(otb: Job) -> None:
    stage.run(otb)
    assert read_json(otb.outputs["metrics"])["trackers"]["salnet@seed-0"]["sequences"]["Tiger1"]["frames"] == FRAMES


def test_sentences_that_targets_lack_stand_beside_the_scores(otb: Job) -> None:
    lines = otb.inputs["manifest"].read_text().splitlines()
    header, targets = json.loads(lines[0]), [json.loads(line) for line in lines[1:]]
    for told, whole, part in (([], (0, 5), (0, 2)), (NAMES[:3], (3, 5), (0, 2)), (NAMES, None, None)):
        for row in targets:
            row["sentence"] = f"the {row['sequence']}" if row["sequence"] in told else None
        manifest.write(otb.inputs["manifest"], header, targets)
        stage.run(otb)
        metrics = read_json(otb.outputs["metrics"])
        for scores, counts in ((metrics, whole), (metrics["subsets"]["otb100-similar"], part)):
            expected = counts and {"with_one": counts[0], "targets": counts[1], "variants": ["dat-nl", "dat-jtnl"]}
            assert scores.get("sentences") == expected


def test_the_same_bytes_again(otb: Job) -> None:
    stage.run(otb)
    first = otb.outputs["metrics"].read_bytes()
    stage.run(otb)
    assert otb.outputs["metrics"].read_bytes() == first


def test_a_missing_result_stops_the_stage(otb: Job) -> None:
    (otb.inputs["results"] / "salnet@seed-1/Wall.txt").unlink()
    with pytest.raises(MissingError, match=r"salnet@seed-1: no result of Wall .*dat benchmark otb100"):
        stage.run(otb)


def vot_lines(row: dict[str, Any], shift: float, failure: int | None) -> str:
    lines = ["1", *(f"{x + shift:.4f},{y:.4f},{w:.4f},{h:.4f}" for x, y, w, h in row["boxes"][1:])]
    if failure is not None:
        lines[failure : failure + 6] = ["2", "0", "0", "0", "0", "1"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("key", ["vot2014", "vot2016"])
def test_vot_is_scored_on_its_own_lengths(tmp_path: Path, key: str) -> None:
    targets = rows(["drop", "heart"], 2, regions=True)
    made = job(tmp_path, key, key, {"layout": "vot", "lists": {key: ["drop", "heart"]}}, targets)
    for tracker, shift, failure in (("pymdnet@seed-0", 5.0, 4), ("dat-jtnl@seed-0", 1.0, None)):
        for row in targets:
            folder = made.inputs["results"] / tracker / "baseline" / row["sequence"]
            folder.mkdir(parents=True)
            for number in range(1, 6):
                (folder / f"{row['sequence']}_{number:03d}.txt").write_text(vot_lines(row, shift, failure))
    stage.run(made)
    found = read_json(made.outputs["metrics"])
    ours = found["variants"]["dat-jtnl"]
    assert found["bounded"]
    assert (ours["robustness"], found["variants"]["pymdnet"]["failures"]) == (0, 2)
    assert 0.8 < ours["accuracy"] < 1
    assert ("eao" in ours, "ranks" in found) == ((True, False) if key == "vot2016" else (False, True))
    if key == "vot2016":
        assert found["interval"] == [FRAMES, FRAMES]
        assert ours["eao"] > found["variants"]["pymdnet"]["eao"]


@pytest.mark.parametrize("known", [True, False])
def test_vot_is_scored_on_regions_or_on_boxes_where_there_are_none(tmp_path: Path, known: bool) -> None:
    targets = rows(["drop"], 2)
    diamonds = [[x + 15, y, x + 30, y + 12, x + 15, y + 24, x, y + 12] for x, y, _, _ in targets[0]["boxes"]]
    if known:
        targets[0]["regions"] = diamonds
    made = job(tmp_path, "vot2016", "vot2016", {"layout": "vot", "lists": {"vot2016": ["drop"]}}, targets)
    folder = made.inputs["results"] / "salnet@seed-0/baseline/drop"
    folder.mkdir(parents=True)
    lines = ["1", *(",".join(f"{value:.4f}" for value in corners) for corners in diamonds[1:])]
    (folder / "drop_001.txt").write_text("\n".join(lines))
    stage.run(made)
    accuracy = read_json(made.outputs["metrics"])["trackers"]["salnet@seed-0"]["accuracy"]
    assert accuracy == 1 if known else 0.45 < accuracy < 0.6  # a diamond is half of its box


def test_noise_counts_in_ranks_where_every_tracker_has_it(tmp_path: Path) -> None:
    targets = rows(["drop"], 2, regions=True)
    targets[0]["tags"] = {}
    made = job(tmp_path, "vot2014", "vot2014", {"layout": "vot", "lists": {"vot2014": ["drop"]}}, targets)
    found = []
    for tracker, experiment, shift in (
        ("dat-jtnl@seed-0", "baseline", 1.0),
        ("salnet@seed-0", "baseline", 9.0),
        ("dat-jtnl@seed-0", "region_noise", 9.0),
        ("salnet@seed-0", "region_noise", 1.0),
    ):
        folder = made.inputs["results"] / tracker / experiment / "drop"
        folder.mkdir(parents=True)
        (folder / "drop_001.txt").write_text(vot_lines(targets[0], shift, None))
        if (made.inputs["results"] / "salnet@seed-0").exists():
            stage.run(made)
            ranks = read_json(made.outputs["metrics"])["ranks"]
            found.append([ranks[name]["accuracy"] for name in ("dat-jtnl@seed-0", "salnet@seed-0")])
    assert found == [[1, 2], [1, 2], [1.5, 1.5]]


@pytest.mark.parametrize("key", ["lasot-test", "tnl2k", "otb99-lang"])
def test_benchmarks_beyond_the_paper_are_scored_as_dat_evaluate_does(tmp_path: Path, key: str) -> None:
    """A box where the target is away counts for nothing, but OTB99-Lang does not say where; no flags are an error."""
    targets, entry = rows(["cat-1", "cat-2"], 1), "  otb100: {layout: otb,"
    replace = (
        (entry, f"  {key}: {{layout: lasot, manifest: testing/{key}, sentences: none}}\n{entry}"),
        ("benchmarks:\n", f"benchmarks:\n  {key}: {{data: {key}, protocol: one-pass, salnet: a, gpgnet: b, "
         "variants: [pymdnet, dat-jtnl]}\n"),
    )  # fmt: skip
    header = {"layout": "lasot", "lists": {key: ["cat-1", "cat-2"]}}
    made = job(tmp_path, key, key, header, targets, replace)
    write_boxes(made.inputs["results"], "pymdnet@seed-0", targets, 0.0)
    if key != "otb99-lang":
        with pytest.raises(InputError, match="cat-1: no flags of absence, without which"):
            stage.run(made)
    for row in targets:
        row["absent"] = [0] * (FRAMES - 5) + [1] * 5
    manifest.write(made.inputs["manifest"], manifest.read_header(made.inputs["manifest"]), targets)
    stage.run(made)
    found = read_json(made.outputs["metrics"])
    assert found["definition"] == "lasot"
    seen = found["trackers"]["pymdnet@seed-0"]["sequences"]["cat-1"]["precision"]
    assert seen == pytest.approx(1 if key == "otb99-lang" else 15 / 20)
