"""Every file that a stage opens is one that DVC watches for it, or one that such a file lists with its hash."""

import json
import os
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from dat import records
from dat.base import params
from dat.datasets import index
from dat.models.salnet import SALNet
from tests.parts.matconvnet import matconvnet

from .conftest import Project

pytestmark = pytest.mark.slow


NO_INPUT = ("dat/cli/__init__.py", ".dat", ".git", ".gitignore", ".dvc", ".dvcignore", "params.yaml")
"""No dependencies: the dispatcher, which decides no number, the job store and work, where DVCLive looks for a
repository, and settings, watched one by one."""


def computes(command: list[str]) -> bool:
    """Whether a command is the project's own: a verb of `dat`, a job or the jobs' scheduler."""
    return bool({"dat.fanout.job", "snakemake"} & set(command)) or any(Path(word).name == "dat" for word in command)


def opened(project: Project) -> dict[str, set[str]]:
    """What each stage opened to read while the project was brought up: paths below it."""
    found: dict[str, set[str]] = defaultdict(set)
    for log in project.opened.glob("*.jsonl"):
        for line in log.read_text().splitlines():
            command, stage, path = json.loads(line)
            if computes(command):
                found[stage].add(Path(path).relative_to(project.path).as_posix())
    return found


def listed(project: Project, paths: list[str]) -> set[str]:
    """The raw files that manifests among the paths list with their hashes, and the manifests that networks are from."""
    found = set()
    left = [file for one in paths for file in (project.path / one).rglob("record.json") if one.startswith("weights")]
    while left:
        record = json.loads(left.pop().read_text())
        before = {fact["path"] for fact in record["parents"]} - found
        found |= before | {fact["path"] for fact in record["inputs"] if fact["path"].endswith(".jsonl")}
        left += [project.path / path for path in before if (project.path / path).is_file()]
    for path in (file for one in paths for file in [project.path / one, *(project.path / one).rglob("*.jsonl")]):
        if path.suffix == ".jsonl":
            head, *rows = map(json.loads, path.read_text().splitlines())
            facts = [fact for row in rows for fact in [*row["files"], *row["annotations"]]]
            found |= {f"{head['root']}/{name}" for name, _, _ in facts}
    return found


def below(path: str, places: list[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def undeclared(project: Project, stage: dict[str, Any], paths: set[str]) -> set[str]:
    declared = [os.path.normpath(one["path"]) for one in [*stage["deps"], *stage["outs"]]]
    paths = {path for path in paths if not below(path, [*declared, *NO_INPUT])}
    paths = {path for path in paths if not (Path(path).suffix in (".tmp", ".pyc") or ".tmp/" in path)}
    return paths - listed(project, declared)


def test_every_file_that_a_stage_opens_is_declared(finished: Project) -> None:
    lock = yaml.safe_load((finished.path / "dvc.lock").read_text())["stages"]
    found = opened(finished)
    assert set(found) == set(lock)
    for name in (name for name in lock if name.startswith("index@")):
        found[name] -= records.code_in(*index.CODE).keys()  # hashed: whether what is remembered is of the same code
    assert {name: left for name in lock if (left := undeclared(finished, lock[name], found[name]))} == {}
    assert "data/otb100/sentences.csv" in found["index@otb100"]
    assert "dat/tracking/mdnet/online.py" in found["benchmark@otb100"], "jobs are watched too"


def test_other_trackers_results_and_starting_weights_are_declared(project: Project) -> None:
    """What the tiny project has none of. The start is a file like VGG-M's, the other tracker's boxes are our own."""
    text = (project.path / "params.yaml").read_text()
    text = text.replace("vgg_m: none", "vgg_m: start.mat", 1).replace("  cycles: 4\n", "  cycles: 1\n", 1)
    (project.path / "params.yaml").write_text(text)
    network = params.load(project.path).root.network
    matconvnet(project.path / "start.mat", SALNet(network, generator=torch.Generator().manual_seed(9)).vggm)
    other = project.path / "baselines" / "otb100" / "Other"
    shutil.copytree(project.path / "results" / "otb100" / "pymdnet@seed-0", other)
    stages = ("salnet@pymdnet", "evaluate@otb100")
    project.reproduce_watched("-s", *stages)
    lock = yaml.safe_load((project.path / "dvc.lock").read_text())["stages"]
    found = opened(project)
    assert {name: undeclared(project, lock[name], found[name]) for name in stages} == {name: set() for name in stages}
    assert "start.mat" in found["salnet@pymdnet"]
    files = {path.relative_to(project.path).as_posix() for path in other.glob("*.txt")}
    assert files and files <= found["evaluate@otb100"]


def test_a_changed_sentence_changes_the_manifest(project: Project) -> None:
    table = project.path / "data" / "otb100" / "sentences.csv"
    lines = table.read_text().splitlines()
    lines[1] = lines[1].replace(",", ",indeed ", 1)
    table.chmod(0o644)
    table.write_text("\n".join(lines) + "\n")
    assert "index@otb100" in project.run("dvc", "status", "index@otb100")


def test_files_that_settings_name_are_watched(project: Project) -> None:
    changes = {
        "salnet@pymdnet": ("vgg_m: none", "vgg_m: start-m.file"),
        "gpgnet@to": ("vgg16: training/encoder/vgg16", "vgg16: start-16.file"),
        "benchmark@otb100": ("\n  colour_names: none", "\n  colour_names: start-colours.file"),
    }
    params = project.path / "params.yaml"
    text = params.read_text()
    for old, new in changes.values():
        assert text.count(old) == 1
        text = text.replace(old, new)
    params.write_text(text)
    status = json.loads(project.run("dvc", "status", "--json", *changes))
    for stage, (_, new) in changes.items():
        assert new.partition(": ")[2] in json.dumps(status[stage]), stage
