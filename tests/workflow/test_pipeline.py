"""The tiny project, brought up by `dvc repro`: a second run is a no-op, every number is audited, tampering is named."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dat.regions import boxes as geometry
from tests.forging import forge

from .conftest import Project

pytestmark = pytest.mark.slow


def ran(said: str) -> set[str]:
    return {line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")}


SEQUENCES = ("Doubles", "Return", "Wall")
Rows = NDArray[np.float64]


def truth(project: Project, sequence: str) -> Rows:
    """The target's boxes (N, 4)."""
    text = (project.path / "data" / "otb100" / sequence / "groundtruth_rect.txt").read_text()
    return np.array([line.replace(",", " ").split() for line in text.splitlines()], np.float64)


def found(project: Project, variant: str, sequence: str) -> Rows:
    """A variant's boxes (N, 4)."""
    file = project.path / "results" / "otb100" / f"{variant}@seed-0" / f"{sequence}.txt"
    return np.loadtxt(file, delimiter=",")


def sources(project: Project, variant: str, sequence: str) -> list[str]:
    """Where each frame's winner came from."""
    file = project.path / "results" / "otb100" / f"{variant}@seed-0" / f"{sequence}.json"
    return list(json.loads(file.read_text())["facts"]["sources"])


def distances(boxes: Rows, others: Rows) -> Rows:
    """Between the boxes' centres, row by row, in pixels."""
    centres, other = (rows[:, :2] + rows[:, 2:] / 2 for rows in (boxes, others))
    return np.asarray(np.linalg.norm(centres - other, axis=1), np.float64)


def motion(boxes: Rows) -> float:
    """Pixels a frame, on average."""
    return float(distances(boxes[1:], boxes[:-1]).mean())


def test_targets_move_and_boxes_with_them(finished: Project) -> None:
    """A tracker that stands still, or jumps about, would make no difference to any test that compares boxes."""
    assert all(motion(truth(finished, sequence)) > 2.5 for sequence in SEQUENCES)
    target, boxes = truth(finished, "Doubles"), found(finished, "pymdnet", "Doubles")
    assert 0.5 * motion(target) < motion(boxes) < 2 * motion(target)
    still = np.broadcast_to(target[0], target.shape)
    assert distances(boxes, target).mean() < 0.5 * distances(still, target).mean()
    assert geometry.overlap(boxes, target).mean() > 0.35


def test_attention_finds_a_target_that_the_search_around_the_last_box_does_not(finished: Project) -> None:
    """Behind its wall the target is lost; where it comes out, only candidates from the attention map reach it."""
    with_map = [source for sequence in SEQUENCES for source in sources(finished, "dat-to", sequence)]
    without = [source for sequence in SEQUENCES for source in sources(finished, "pymdnet", sequence)]
    assert "global" in with_map and set(without) == {"local"}
    target, near, far = truth(finished, "Wall"), *(found(finished, name, "Wall") for name in ("pymdnet", "dat-to"))
    jump = int(np.flatnonzero((near != far).any(1))[0])
    assert sources(finished, "dat-to", "Wall")[jump] == "global", "the boxes differ from there on"
    assert geometry.overlap(far, target)[-1] > 0.4 and geometry.overlap(near, target)[-1] < 0.1


def test_again_runs_nothing(project: Project) -> None:
    first = {path: path.read_bytes() for path in (project.path / "reports").rglob("*") if path.is_file()}
    lock = (project.path / "dvc.lock").read_bytes()
    assert ran(project.run("dvc", "repro")) == set()
    assert project.run("dvc", "status", "-q") == ""
    assert {path: path.read_bytes() for path in first} == first
    assert (project.path / "dvc.lock").read_bytes() == lock


def test_a_set_whose_index_record_is_gone_is_indexed_again(project: Project) -> None:
    """What `dat data link` does to a set, so that the next run looks at it."""
    (project.path / "testing" / "otb100.record.json").unlink()
    assert ran(project.run("dvc", "repro")) == {"index@otb100"}


def test_a_changed_raw_frame_is_made_again(project: Project) -> None:
    frame = sorted((project.path / "data" / "otb100").rglob("*.jpg"))[0]
    wanted = frame.read_bytes()
    frame.chmod(0o644)
    frame.write_bytes(wanted + b"more")
    assert "'synthetic@otb100' is cached" in project.run("dvc", "repro", "index@otb100")
    assert frame.read_bytes() == wanted


def test_the_lock_fits_in_a_clone_without_data(project: Project) -> None:
    for name in ("data", "training", "testing", "weights", "results", ".dat"):
        shutil.rmtree(project.path / name)
    shutil.rmtree(project.path / ".dvc" / "cache")
    said = project.run("dvc", "repro", "--dry", "--allow-missing")
    assert {stage.partition("@")[0] for stage in ran(said)} <= {"index"}


def test_a_changed_setting_is_seen_without_data(project: Project) -> None:
    params = project.path / "params.yaml"
    params.write_text(params.read_text().replace("momentum: 0.9", "momentum: 0.8"))
    shutil.rmtree(project.path / "results")
    said = project.run("dvc", "repro", "--dry", "--allow-missing", "benchmark")
    assert "benchmark@otb100" in ran(said)


def test_a_new_frame_in_a_raw_set_is_noticed(project: Project) -> None:
    frame = sorted((project.path / "data" / "otb100").rglob("*.jpg"))[0]
    shutil.copy(sorted(frame.parent.glob("*.jpg"))[1], frame)
    before = (project.path / "testing" / "otb100.jsonl").read_text()
    project.run("dat", "index", "otb100")
    assert (project.path / "testing" / "otb100.jsonl").read_text() != before


def audit(project: Project, status: int) -> list[dict[str, object]]:
    project.run("dat", "audit", "all", "--json", "audit.json", status=status)
    found = json.loads((project.path / "audit.json").read_text())
    assert isinstance(found, list)
    return found


def test_every_number_of_an_untouched_run_is_verified(project: Project) -> None:
    assert {one["verdict"] for one in audit(project, 0)} == {"verified"}


def test_what_someone_changed_is_named(project: Project) -> None:
    """A box, a raw frame and a network, each by a check of its own."""
    boxes = next((project.path / "results" / "otb100" / "pymdnet@seed-0").glob("*.txt"))
    lines = boxes.read_text().splitlines()
    x, rest = lines[1].split(",", 1)
    boxes.unlink()
    boxes.write_text("\n".join([lines[0], f"{float(x) + 3:.4f},{rest}", *lines[2:]]) + "\n")
    frame = sorted((project.path / "data" / "otb100").rglob("*.jpg"))[3]
    frame.chmod(0o644)
    frame.write_bytes(frame.read_bytes() + b"\0")
    network = next((project.path / "weights" / "salnet").rglob("weights.safetensors"))
    network.chmod(0o644)
    network.write_bytes(network.read_bytes()[:-1] + b"\1")
    checks = [check for one in audit(project, 1) for check in one["checks"]]  # type: ignore[attr-defined]
    differing = {check["subject"] for check in checks if check["verdict"] == "differs"}
    for name in (boxes.name, frame.name, network.relative_to(project.path).as_posix()):
        assert any(name in subject for subject in differing), name


def checked(project: Project, number: str, *options: str, status: int = 0) -> tuple[list[dict[str, str]], str]:
    """The checks of a number's audit, and what it printed."""
    said = project.run("dat", "audit", number, *options, "--json", "audit.json", status=status)
    checks: list[dict[str, str]] = json.loads((project.path / "audit.json").read_text())["checks"]
    return checks, said


def wrong(checks: list[dict[str, str]]) -> list[dict[str, str]]:
    return [check for check in checks if check["verdict"] != "verified"]


def test_a_replay_names_the_frame_of_a_box_that_was_changed_with_all_its_hashes(project: Project) -> None:
    """By a ten-thousandth of a pixel, which changes no score: every other check of the audit holds."""
    checks, said = checked(project, "otb100/pymdnet/success", "--replay", "1")
    assert "1 units, 1 to run" in said  # nothing that was kept is used
    (again,) = [check for check in checks if check["name"] == "replay"]
    assert again["verdict"] == "verified" and again["found"].endswith("the same bytes")
    name = f"results/otb100/pymdnet@seed-0/{Path(again['subject']).name}"
    lines = (project.path / name).read_text().splitlines()
    x, rest = lines[2].split(",", 1)
    other = [*lines[:2], f"{float(x) + 0.0001:.4f},{rest}", *lines[3:]]
    forge(project.path, name, ("\n".join(other) + "\n").encode())
    checks, _ = checked(project, "otb100/pymdnet/success", "--replay", "all", status=1)
    (found,) = wrong(checks)
    assert found["name"] == "replay" and found["found"] == lines[2]
    assert found["subject"].endswith(f"{Path(name).name}: frame 3 is the first that differs")


def test_training_again_names_the_network_that_was_changed_with_all_its_hashes(project: Project) -> None:
    """Every other check of the audit holds, and nothing of the checkout is changed."""
    name = "weights/gpgnet/to/weights.safetensors"
    data = (project.path / name).read_bytes()
    forge(project.path, name, data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
    project.run("git", "status")  # of a copy, git's index knows other times until then
    before = stamps(project.path)
    checks, said = checked(project, "train/gpgnet/to/loss", "--replay-training", status=1)
    trained = ["training/language", "training/encoder/vgg16", "weights/gpgnet/to"]
    assert all(f"{folder} {seconds(project, folder):.0f} s" in said for folder in trained)
    assert f"3 trainings, {sum(seconds(project, folder) for folder in trained) / 60:.1f} minutes" in said
    (found,) = wrong(checks)
    assert (found["name"], found["subject"]) == ("retrained", name)
    assert "largest difference" in found["found"] and "1 of" in found["found"]
    good = [check["subject"] for check in checks if check["name"] == "retrained" and check not in wrong(checks)]
    assert good == trained, "of gpgnet's files the others are the same"
    assert "the first network that differs: weights/gpgnet/to" in said
    assert stamps(project.path) == before


def seconds(project: Project, folder: str) -> float:
    """How long a training took, by its run file."""
    kind, key = folder.split("/")[1], "/".join(folder.split("/")[2:])
    return float(json.loads((project.path / "runs" / f"{kind}{key and '@'}{key}.json").read_text())["seconds"])


def stamps(home: Path) -> dict[str, int]:
    """When each file was changed, that of the audit itself and compiled code aside."""
    files = [path for path in home.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path): path.stat().st_mtime_ns for path in files if path.name != "audit.json"}


def test_records_say_what_was_read_and_nothing_that_changes(project: Project) -> None:
    record = json.loads((project.path / "weights" / "salnet" / "core" / "pymdnet" / "record.json").read_text())
    assert {"inputs", "outputs", "code", "params", "environment", "seed", "command", "parents"} == set(record)
    assert record["params"]["salnet.pymdnet.nodes"] == 0
    assert not {"started", "seconds", "host", "commit"} & set(record)
    run = json.loads((project.path / "runs" / "salnet@pymdnet.json").read_text())
    assert {"started", "seconds", "peak_memory", "host", "commit", "record"} <= set(run)


def test_params_in_the_lock_are_those_that_were_read(project: Project) -> None:
    """What a record says was read, DVC watches: else a change of it would leave the stage up to date."""
    import yaml

    lock = yaml.safe_load((project.path / "dvc.lock").read_text())["stages"]
    for record_path in [
        *(project.path / "data").glob("*.record.json"),
        *(project.path / "weights").rglob("record.json"),
        *(project.path / "training").rglob("*record.json"),
        project.path / "results" / "otb100" / "record.json",
        project.path / "reports" / "metrics" / "otb100.record.json",
        project.path / "reports" / "index.record.json",
    ]:
        record = json.loads(Path(record_path).read_text())
        relative = record_path.relative_to(project.path).as_posix()
        stage = next(
            one
            for one in lock.values()
            if any(relative == out["path"] or relative.startswith(out["path"] + "/") for out in one["outs"])
        )
        watched = tuple(stage.get("params", {}).get("params.yaml", {}))
        unwatched = [
            name for name in record["params"] if not any(name == one or name.startswith(f"{one}.") for one in watched)
        ]
        assert not unwatched, relative
