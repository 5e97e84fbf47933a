"""`dat repro`: trainings at the same time end in the bytes and the dvc.lock of `dvc repro`."""

import re
import shutil
from datetime import datetime

import pytest

from dat import records

from .conftest import Project

pytestmark = pytest.mark.slow
TRAININGS = ("language", "encoder@vgg16", "gpgnet@to", "salnet@pymdnet")


def forget(project: Project) -> None:
    """Take away what trainings have made, here and in the cache."""
    for folder in ("weights", "training/language", "training/encoder", ".dvc/cache"):
        shutil.rmtree(project.path / folder, ignore_errors=True)
    for name in TRAININGS:
        (project.path / "runs" / f"{name}.json").unlink(missing_ok=True)


def weights(project: Project) -> dict[str, bytes]:
    """The files that trainings have made."""
    files = (file for folder in ("weights", "training") for file in (project.path / folder).rglob("*"))
    return {str(file.relative_to(project.path)): file.read_bytes() for file in files if file.is_file()}


def span(project: Project, stage: str) -> tuple[float, float]:
    """When a stage began and ended, in seconds."""
    run = records.read_json(project.path / "runs" / f"{stage}.json")
    start = datetime.fromisoformat(run["started"]).timestamp()
    return start, start + run["seconds"]


def test_two_at_a_time_end_in_the_bytes_of_one_after_another(project: Project) -> None:
    lock, before, results = (project.path / "dvc.lock").read_bytes(), weights(project), project.results()
    forget(project)
    output = project.run("dat", "repro", "--at-once", "2")
    assert re.search(r"^4 trainings( and \d+ other stages)?, 2 at a time$", output, re.MULTILINE)
    assert (project.path / "dvc.lock").read_bytes() == lock
    assert weights(project) == before
    assert project.results() == results
    spans = {name: span(project, name) for name in TRAININGS}
    assert spans["language"][1] <= spans["encoder@vgg16"][0], "the encoder needs the language network"
    others = [spans[name] for name in TRAININGS if name != "salnet@pymdnet"]
    start, end = spans["salnet@pymdnet"]
    assert any(start < other_end and other_start < end for other_start, other_end in others)
    assert "4 trainings" not in project.run("dat", "repro"), "nothing is stale"
