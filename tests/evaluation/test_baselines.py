"""Raw results of other trackers in `baselines/`: scored as our own are, beside them and never among them."""

import json
from pathlib import Path
from typing import Any

import pytest

from dat.base.errors import ChangedError, InputError
from dat.benchmarks import catalogue
from dat.evaluation import baselines, ground_truth, stage
from dat.records import Job, read_json, sha256_file
from tests import real_data
from tests.evaluation.test_evaluation_stage import NAMES, job, rows, vot_lines, write_boxes

TARGETS = rows(NAMES, 1)


@pytest.fixture
def otb(tmp_path: Path) -> Job:
    """`evaluate@otb100` on five targets: a variant of ours, and two other trackers."""
    made = job(
        tmp_path,
        "otb100",
        "otb100",
        {"layout": "otb", "lists": {"otb100": NAMES, "otb100-similar": NAMES[3:]}},
        TARGETS,
    )
    write_boxes(made.inputs["results"], "pymdnet@seed-0", TARGETS, 6.0)
    folder = made.settings.path / "baselines/otb100"
    folder.mkdir(parents=True)
    write_boxes(folder, "SRDCF", TARGETS, 3.0)
    write_boxes(folder, "KCF", TARGETS[:2], 0.0)
    (folder / "README.md").write_text("whose these are\n")
    return made


def test_the_same_boxes_have_the_same_scores_as_a_variant_of_ours(otb: Job) -> None:
    write_boxes(otb.settings.path / "baselines/otb100", "Same", TARGETS, 6.0)
    stage.run(otb)
    found = read_json(otb.outputs["metrics"])
    for scores in (found, found["subsets"]["otb100-similar"]):
        ours, same = scores["trackers"]["pymdnet@seed-0"], scores["baselines"]["Same"]
        assert {key: value for key, value in same.items() if key != "files"} == ours
    assert set(found["trackers"]) == {"pymdnet@seed-0"} and set(found["variants"]) == {"pymdnet"}
    assert found["baselines"]["SRDCF"]["success"] > found["baselines"]["Same"]["success"]


@pytest.mark.skipif(not real_data.folder().is_dir(), reason="DAT_TEST_DATA is not there")
def test_real_results_score_what_is_published_of_them(tmp_path: Path) -> None:
    """SRDCF's files are MATLAB's, and its Tiger1 has 349 rows."""
    targets = []
    truth = ground_truth.read(real_data.folder() / "annotations/otb100", catalogue.find("otb100"))
    for name, target in truth.targets.items():
        facts = {"frames": len(target.boxes), "boxes": (target.boxes - [1, 1, 0, 0]).tolist()}
        targets.append(rows([name], 0)[0] | facts)
    header = {"layout": "otb", "lists": {"otb100": [row["sequence"] for row in targets]}}
    made = job(tmp_path, "otb100", "otb100", header, targets)
    write_boxes(made.inputs["results"], "pymdnet@seed-0", targets, 0.0)
    (tmp_path / "baselines/otb100").mkdir(parents=True)
    for name in ("SRDCF", "SiamFC-3s"):
        (tmp_path / "baselines/otb100" / name).symlink_to(real_data.folder() / "results/otb100" / name)
    stage.run(made)
    found = read_json(made.outputs["metrics"])["baselines"]
    assert found["SRDCF"]["precision"] == pytest.approx(0.789494, abs=1e-6)
    assert found["SRDCF"]["success"] == pytest.approx(0.597966, abs=1e-6)
    assert round(found["SiamFC-3s"]["success"], 3) == 0.582


def test_what_a_tracker_lacks_is_said_and_a_subset_has_those_that_have_some_of_it(otb: Job) -> None:
    stage.run(otb)
    found = read_json(otb.outputs["metrics"])
    part = found["baselines"]["KCF"]
    assert (part["complete"], part["scored"], part["missing"]) == (False, 2, NAMES[2:])
    assert set(found["subsets"]["otb100-similar"]["baselines"]) == {"SRDCF"}
    assert found["subsets"]["otb100-similar"]["baselines"]["SRDCF"]["scored"] == 2


def test_each_file_is_named_with_its_hash(otb: Job) -> None:
    stage.run(otb)
    files = read_json(otb.outputs["metrics"])["baselines"]["KCF"]["files"]
    place = otb.settings.path / "baselines/otb100/KCF"
    wanted = {f"baselines/otb100/KCF/{path.name}": sha256_file(path) for path in place.iterdir()}
    assert {fact["path"]: fact["sha256"] for fact in files} == wanted


def test_without_any_the_scores_are_as_before(otb: Job) -> None:
    stage.run(otb)
    found = read_json(otb.outputs["metrics"])
    for one in (found, *found["subsets"].values()):
        del one["baselines"]
    (otb.settings.path / "baselines").rename(otb.settings.path / "elsewhere")
    stage.run(otb)
    assert read_json(otb.outputs["metrics"]) == json.loads(json.dumps(found))


def test_the_settings_of_other_benchmarks_are_not_read(otb: Job) -> None:
    """Its stage depends on its own alone; that a folder is a benchmark's is told by their names."""
    stage.run(otb)
    assert {name.split(".")[1] for name in otb.settings.read if name.startswith("benchmarks.")} == {"otb100"}


def as_corners(path: Path, row: dict[str, Any]) -> None:
    """A file whose rows look as if they were corners; a VOT run where its folder is a sequence's."""
    corners = [f"{x + 1},{y + 1},{x + w},{y + h}" for x, y, w, h in row["boxes"]]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*(["1"] if path.stem.endswith("_001") else corners[:1]), *corners[1:]]) + "\n")


@pytest.mark.parametrize(
    ("key", "layout", "file"), [("otb100", "otb", "{0}.txt"), ("vot2016", "vot", "baseline/{0}/{0}_001.txt")]
)
def test_what_numbers_mean_is_guessed_of_other_trackers_alone(tmp_path: Path, key: str, layout: str, file: str) -> None:
    """Ours are as our code wrote them; one that lost its target may look like anything."""
    targets = rows(NAMES[:2], 2)
    made = job(tmp_path, key, key, {"layout": layout, "lists": {key: NAMES[:2]}}, targets)
    for row in targets:
        as_corners(made.inputs["results"] / "pymdnet@seed-0" / file.format(row["sequence"]), row)
    stage.run(made)
    for row in targets:
        as_corners(tmp_path / "baselines" / key / "Other" / file.format(row["sequence"]), row)
    with pytest.raises(InputError, match=r"tracker Other, sequence Wall: rows fit the truth as corners x1,y1,x2,y2"):
        stage.run(made)


def test_vot_has_them_too(tmp_path: Path) -> None:
    names = ["ball", "car"]
    targets = rows(names, 2, regions=True)
    made = job(tmp_path, "vot2016", "vot2016", {"layout": "vot", "lists": {"vot2016": names}}, targets)
    for place in (made.inputs["results"] / "pymdnet@seed-0", tmp_path / "baselines/vot2016/CCOT"):
        for row in targets:
            folder = place / "baseline" / row["sequence"]
            folder.mkdir(parents=True)
            (folder / f"{row['sequence']}_001.txt").write_text(vot_lines(row, 2.0, 8))
    stage.run(made)
    found = read_json(made.outputs["metrics"])
    assert found["baselines"]["CCOT"]["eao"] == found["variants"]["pymdnet"]["eao"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("otb-100/KCF/Wall.txt", r"otb-100: no benchmark of params\.yaml"),
        ("otb100/Wall.txt", r"Wall\.txt: a result file outside a tracker's folder"),
        ("otb100/dat-jtnl/Wall.txt", r"dat-jtnl: a variant of params\.yaml has this name"),
        ("otb100/dat-jtnl@seed-0/Wall.txt", r"a variant of params\.yaml has this name"),
        ("otb100/Empty/notes.md", r"no result file of otb100 in any tracker's folder \(Empty\)"),
        ("otb100/Short/Wall.txt", r"tracker Short, sequence Wall.*1 rows for 20 frames"),
    ],
)
def test_what_cannot_be_scored_stops_the_stage(otb: Job, wrong: str, message: str) -> None:
    path = otb.settings.path / "baselines" / wrong
    path.parent.mkdir(parents=True, exist_ok=True)
    x, y, w, h = TARGETS[0]["boxes"][0]
    path.write_text(f"{x + 1},{y + 1},{w},{h}\n")
    with pytest.raises(InputError, match=message):
        stage.run(otb)


def test_a_file_that_changes_meanwhile_is_noticed(otb: Job) -> None:
    with pytest.raises(ChangedError, match=r"KCF/Wall\.txt"), baselines.of(otb.settings, "otb100") as others:
        assert [folder.name for folder in others.folders] == ["KCF", "SRDCF"]
        (others.folders[0] / "Wall.txt").write_text("1,1,2,2\n")
