"""profiles/mdnet as its user types it: one data set, one file of weights in MDNet's layout, the baseline's scores."""

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from dat import records
from dat.base import params, public
from dat.training import salnet
from tests.parts import training_sets

from .conftest import CODE, ROOT, Project

pytestmark = pytest.mark.slow

PROFILE = Path("profiles") / "mdnet"
NAMES = ("Crossing", "Woman")
SMALLER = (
    (r"numerics: native.*", "numerics: portable"),
    (r"(network: \{width: )1\.0", r"\g<1>0.04"),
    (r"(train: .*threads: )8", r"\g<1>1"),
    (r"seeds: .*", "seeds: [0]"),
    (r"local: 256", "local: 32"),
    (
        r"first: \{positives: 500, negatives: 5000, iterations: 50",
        "first: {positives: 30, negatives: 60, iterations: 4",
    ),
    (
        r"update: \{positives: 50, negatives: 200, iterations: 15",
        "update: {positives: 10, negatives: 20, iterations: 2",
    ),
    (r"\{samples: 1000", "{samples: 60"),
    (r"resamples: 10000", "resamples: 50"),
    (r"cores: 8", "cores: 2"),
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A checkout with the profile, its networks narrow, its list of sequences short, and nothing linked."""
    top = tmp_path / "a checkout"
    home = top / PROFILE
    shutil.copytree(ROOT / "dat", top / "dat", ignore=shutil.ignore_patterns("__pycache__"))
    for name in set(CODE) - {"dat", "dvc.yaml", "none", "baselines", ".dvcignore"}:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, top / name)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", str(PROFILE)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, top / name)
    text = (home / "params.yaml").read_text()
    for old, new in SMALLER:
        text, count = re.subn(old, new, text)
        assert count == 1, old
    (home / "params.yaml").write_text(text)
    facts = records.read_json(home / "data" / "otb100.json")
    few = facts | {"name": "two-of-otb100", "lists": {name: list(NAMES) for name in ("otb100", "otb2013")}}
    records.write_json(home / "data" / "otb100.json", few)
    made = records.read_json(home / "data" / "otb100.record.json")
    made["outputs"] = [records.file_facts(home / "data" / "otb100.json", home)]
    records.write_json(home / "data" / "otb100.record.json", made)
    shutil.copy(ROOT / ".gitignore", top)
    subprocess.run(["git", "init", "-q", "."], cwd=top, check=True)
    found = Project(home)
    found.environment["PYTHONPATH"] = str(top)
    return found


def otb(folder: Path) -> None:
    """Two sequences of 8 frames."""
    for seed, name in enumerate(NAMES):
        training_sets.dtb70(folder, name, seed, count=8)
        for file in sorted((folder / name / "img").iterdir()):
            file.rename(file.with_name(file.name[1:]))  # OTB's numbers have four digits


def weights(home: Path, file: Path) -> None:
    """A file in the layout of py-MDNet's, as wide as the settings say."""
    settings = params.load(home)
    module = salnet.new(settings, settings.root.salnet["pymdnet"], 0)
    layers = {"conv1.0": module.vggm.conv1, "conv2.0": module.vggm.conv2, "conv3.0": module.vggm.conv3}
    layers |= {"fc4.0": module.fc4, "fc5.1": module.fc5}
    tensors = {f"{name}.{kind}": getattr(one, kind).data for name, one in layers.items() for kind in ("weight", "bias")}
    file.parent.mkdir(parents=True)
    torch.save({"shared_layers": tensors}, file)


def table(home: Path) -> list[dict[str, str]]:
    """The cells of table 1."""
    with (home / "reports" / "partial" / "tables" / "table-1.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_data_set_and_one_file_give_the_baselines_row(project: Project, tmp_path: Path) -> None:
    home = project.path
    said = project.run("dat", "plan", "evaluate@otb100", "--json", "plan.json", status=1)
    lacking = {one["what"]: one["get"] for one in json.loads((home / "plan.json").read_text())["missing"]}
    source = public.PUBLIC["mdnet-imagenet-vid"]
    place = home / params.load(home).root.salnet["pymdnet"].from_
    assert place == home / "data" / "weights" / source.file, "where dat weights get puts it"
    assert lacking == {
        f"file data/weights/{source.file}": "dat weights get mdnet-imagenet-vid",
        "data set otb100: not linked": "dat data link otb100 PATH",
    }, said
    assert "dat weights get mdnet-imagenet-vid fetches it" in project.run("dat", "train", "salnet", "pymdnet", status=2)
    otb(tmp_path / "OTB")
    project.run("dat", "data", "link", "otb100", str(tmp_path / "OTB"))
    weights(home, place)
    assert "nothing is missing" in project.run("dat", "plan", "evaluate@otb100")
    project.run("dvc", "repro", "-q", "evaluate@otb100")
    scores = records.read_json(home / "reports" / "metrics" / "otb100.json")["variants"]["pymdnet"]
    assert 0 < scores["success"] < 1
    record = records.read_json(home / "weights" / "salnet" / "core" / "pymdnet" / "record.json")
    assert [one["path"] for one in record["inputs"]] == [f"data/weights/{source.file}"]
    project.run("dat", "report", "--partial")
    (row,) = [
        one
        for one in table(home)
        if one["row"] == "pymdnet" and one["benchmark"] == "otb100" and one["metric"] == "success"
    ]
    assert float(row["ours"]) == scores["success"]
    page = (home / "reports" / "partial" / "index.html").read_text()
    assert f"taken as it is, not trained here, from data/weights/{source.file}" in page
    project.run("dat", "audit", "otb100/pymdnet/success", "train/salnet/pymdnet/trained")
    place.write_bytes(place.read_bytes() + b"more")
    assert "salnet@pymdnet" in project.run("dvc", "status", "salnet@pymdnet")
    project.run("dat", "audit", "otb100/pymdnet/success", status=1)
