"""The crate of a run: every file by the hash that its record has, every stage with its settings, and both standards'
validators where they are installed (`make test-crate`)."""

import base64
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dat import records
from dat.audit import crate, crate_files, croissant, seal
from dat.audit.walk import Walk
from dat.base import params
from dat.base.errors import InputError, MissingError
from dat.cli import run_in_process
from dat.datasets import manifest
from tests.parts import fake_profile

ROOT = Path(__file__).resolve().parents[2]
TRACKER = "dat-jtnl@seed-0"
CONTEXT = "context/rocrate/data/ro-crate.jsonld"
"""RO-Crate 1.1's context, as `make test-crate` installs it."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("run")
    fake_profile.build(home)
    path = home / "runs/gpgnet@jtnl.json"
    facts = {"started": "2026-01-02T03:04:05+00:00", "seconds": 61.2, "commit": "c0ffee"}
    records.write_json(path, records.read_json(path) | facts)
    return home


Things = Mapping[str, Mapping[str, Any]]


def things(folder: Path) -> Things:
    """The things of a crate by their names."""
    return {one["@id"]: one for one in json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]}


def linked(found: Things, one: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """What a thing's property leads to."""
    links = one.get(key, [])
    return [found[link["@id"]] for link in (links if isinstance(links, list) else [links])]


@pytest.fixture(scope="module")
def made(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("rocrate", reason="needs the package rocrate: make test-crate installs it aside")
    folder = tmp_path_factory.mktemp("crate") / "new"
    crate.write(folder, Walk(params.load(run)))
    return folder


def test_a_folder_that_holds_something_is_left_alone(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").write_text("mine")
    monkeypatch.chdir(run)
    for place in (tmp_path, tmp_path / "mine"):
        with pytest.raises(InputError, match="holds something already"):
            run_in_process(["audit", "--crate", str(place)])
    assert (tmp_path / "mine").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


def test_without_its_package_a_crate_says_how_to_install_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rocrate", None)
    monkeypatch.setitem(sys.modules, "rocrate.rocrate", None)
    with pytest.raises(MissingError, match=r"pip install 'dat\[crate\]'"):
        crate.write(tmp_path / "new", Walk(params.load(run)))


def test_every_file_has_the_hash_of_its_bytes(made: Path) -> None:
    found = things(made)
    files = [one for one in found.values() if "File" in one["@type"]]
    assert len(files) > 50
    for one in files:
        if one["@id"].startswith("ni:"):
            named = base64.urlsafe_b64decode(one["@id"].removeprefix("ni:///sha-256;") + "=").hex()
            assert named == one["sha256"] and "=" not in one["@id"]
        else:
            assert records.sha256_file(made / one["@id"]) == one["sha256"]
            assert str((made / one["@id"]).stat().st_size) == one["contentSize"]
    held = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert held == {one["@id"] for one in files if not one["@id"].startswith("ni:")} | {"ro-crate-metadata.json"}


def test_every_stage_is_an_action_with_what_its_record_says(run: Path, made: Path) -> None:
    found, walk = things(made), Walk(params.load(run))
    for name, stage in walk.lock.stages.items():
        action = found[f"#stage-{name}"]
        places = [Path(out["path"]) for out in stage["outs"]]
        path = next(run / (out if records.is_record(out) else out / "record.json") for out in places
                    if records.is_record(out) or (run / out / "record.json").is_file())  # fmt: skip
        record = records.read_json(path)
        outputs = {fact["sha256"] for fact in record["outputs"]}
        assert {one["sha256"] for one in linked(found, action, "result")} == outputs
        used = linked(found, action, "object")
        inputs = {fact["sha256"] for fact in record["inputs"]}
        assert {one["sha256"] for one in used if "sha256" in one} == inputs
        settings = {one["name"]: one["value"] for one in used if one.get("propertyID") == "setting"}
        texts = {key: of if isinstance(of, str) else json.dumps(of) for key, of in record["params"].items()}
        assert settings == texts and action["description"] == record["command"]
        code = {one["sha256"] for tool in linked(found, action, "instrument") for one in linked(found, tool, "hasPart")
                if "sha256" in one}  # fmt: skip
        assert code >= set(record["code"].values())
    action = found["#stage-gpgnet@jtnl"]
    assert (action["startTime"], action["endTime"]) == ("2026-01-02T03:04:05+00:00", "2026-01-02T03:05:06+00:00")
    assert {"name": "commit", "value": "c0ffee"}.items() <= {
        key: value for one in linked(found, action, "object") if one["name"] == "commit" for key, value in one.items()
    }.items()
    assert found["./"]["datePublished"] == action["endTime"]


def test_every_tracked_sequence_is_an_action_with_its_weights_row_and_packages(run: Path, made: Path) -> None:
    found = things(made)
    record = records.read_json(run / f"results/otb100/{TRACKER}/Wall.json")
    action = found[f"#unit-otb100-{TRACKER}-Wall"]
    (boxes,) = linked(found, action, "result")
    assert (boxes["name"], boxes["sha256"]) == (f"results/otb100/{TRACKER}/Wall.txt", record["outputs"][0]["sha256"])
    assert "alternateName" not in boxes
    used = linked(found, action, "object")
    assert {fact["sha256"] for fact in record["inputs"]} <= {one.get("sha256", one.get("value")) for one in used}
    environment = {one["name"] for one in used if one.get("propertyID") == "environment"}
    assert environment == record["environment"].keys() - {"packages"}
    (tool,) = linked(found, action, "instrument")
    assert [one["name"] for one in linked(found, tool, "softwareRequirements")] == ["torch"]
    count = sum(len(json.loads((run / f"results/{name}/manifest.json").read_text())) for name in ("otb100", "vot2016"))
    assert sum(place.startswith("#unit-") for place in found) == count


def test_the_crate_has_the_seal_and_the_same_bytes_again(run: Path, made: Path, tmp_path: Path) -> None:
    walk = Walk(params.load(run))
    assert crate.write(tmp_path, walk) == seal.of(walk).root == things(made)["#seal"]["value"]
    for path in (path for path in made.rglob("*") if path.is_file()):
        assert path.read_bytes() == (tmp_path / path.relative_to(made)).read_bytes(), path


def test_an_output_of_many_files_is_one_folder(
    run: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crate_files, "MOST", 20)
    crate.write(tmp_path / "new", Walk(params.load(run)))
    facts = records.read_json(run / "data/otb100.record.json")["outputs"]
    inner = {fact["path"]: fact["sha256"] for fact in facts if fact["path"].startswith("data/otb100/")}
    found = things(tmp_path / "new")
    (folder,) = [one for one in linked(found, found["#stage-synthetic@otb100"], "result") if one["@type"] == "Dataset"]
    assert (folder["name"], folder["sha256"]) == ("data/otb100", seal.branch_hash(inner))
    assert not [one for one in found.values() if str(one.get("name")).startswith("data/otb100/")]


def test_a_file_that_is_not_what_its_stage_made_is_named(run: Path, made: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy", symlinks=True))
    (copy / "weights/gpgnet/jtnl/weights.safetensors").write_bytes(b"others")
    with pytest.raises(InputError, match=r"weights/gpgnet/jtnl/weights\.safetensors: not what gpgnet@jtnl made"):
        crate.write(tmp_path / "new", Walk(params.load(copy)))
    assert not (tmp_path / "new").exists() and len(list(tmp_path.iterdir())) == 1


def test_a_crate_that_cannot_be_put_in_place_leaves_nothing(
    run: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(crate.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        crate.write(tmp_path / "new", Walk(params.load(run)))
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_is_described_with_a_table_of_its_sequences(run: Path) -> None:
    found = manifest.read(run / "testing/otb100.jsonl")
    files = croissant.describe(found, "testing/otb100.jsonl", "ni:///x", "0" * 64)
    lines = files["sequences.csv"].splitlines()
    assert lines[0] == "sequence,frames,width,height,sentence,sha256"
    assert lines[3] == f"Wall,12,320,240,,{found.sequences['Wall'].digest}"
    said = json.loads(files["croissant.json"])
    assert said["name"] == "synthetic-otb100" and "6 sequences, 72 frames" in said["description"]
    table, whole = said["distribution"]
    assert table["sha256"] == records.sha256_bytes(files["sequences.csv"].encode())
    assert (whole["contentUrl"], whole["sha256"]) == ("ni:///x", "0" * 64)
    assert [one["name"] for one in said["recordSet"][0]["field"]] == lines[0].split(",")


def test_both_standards_validators_pass_it(made: Path, tmp_path: Path) -> None:
    context = next((path for place in sys.path if (path := Path(place) / CONTEXT).is_file()), None)
    if context is None or not all(map(importlib.util.find_spec, ("rocrate_validator", "mlcroissant"))):
        pytest.skip("needs roc-validator, mlcroissant and RO-Crate's context: make test-crate installs them aside")
    command = [sys.executable, "-m", "tests.validate_crate"]
    done = subprocess.run([*command, str(made), str(context)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[OK] RO-Crate is a valid provenance-run-crate-0.5" in done.stdout
    assert "data-sets/otb100/croissant.json: valid, 6 records of 6 lines" in done.stdout
    wrong = Path(shutil.copytree(made, tmp_path / "wrong"))
    data = json.loads((wrong / "ro-crate-metadata.json").read_text())
    for one in data["@graph"]:
        one.pop("instrument", None)
    (wrong / "ro-crate-metadata.json").write_text(json.dumps(data))
    done = subprocess.run([*command, str(wrong), str(context)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "instrument" in done.stdout
