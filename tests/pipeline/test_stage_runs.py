"""What surrounds a stage: nothing is put in place when something was changed meanwhile, or by a process without the
lock."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dat import records
from dat.base import executor, params
from dat.base.errors import ChangedError, DatError, LockedError, MissingError
from dat.pipeline import running as stages
from dat.records import Job

ROOT = Path(__file__).resolve().parents[2]
Work = Callable[[Job], None]


class Fake:
    """A stage `fake` that copies a file, in a profile of its own; `during` is what happens while it runs."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.during: Work = lambda job: None
        text = (ROOT / "params.yaml").read_text().replace("\nroot: .\n", f"\nroot: {home}\n")
        (home / "params.yaml").write_text(text)
        records.write_text(home / "in" / "a.txt", "old")
        stage = stages.Stage(
            "dat.regions.boxes",
            lambda s, k: {"in": "in"},
            lambda s, k: {"out": "out.txt"},
            lambda s, k: "out.record.json",
            "dat fake",
        )
        monkeypatch.setattr(stages, "STAGES", {"fake": stage})
        monkeypatch.setattr(stages, "_run", self._work)
        monkeypatch.chdir(home)

    def _work(self, module: str, job: Job) -> bool:
        job.settings.section("evaluation.seed", object)
        records.write_bytes(job.outputs["out"], (job.inputs["in"] / "a.txt").read_bytes())
        self.during(job)
        return True

    def refused(self, during: Work, kind: type[DatError], what: str) -> None:
        """The stage is run while that happens, and the error names it; the earlier output stays."""
        self.during = lambda job: None
        stages.run_stage("fake")
        old = (self.home / "out.record.json").read_bytes()
        self.during = during
        with pytest.raises(kind, match=what):
            stages.run_stage("fake")
        assert (self.home / "out.record.json").read_bytes() == old
        assert not list(self.home.glob(".*.tmp"))


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    return Fake(tmp_path, monkeypatch)


def test_the_record_names_inputs_and_all_that_was_loaded(fake: Fake) -> None:
    stages.run_stage("fake")
    record = records.read_json(fake.home / "out.record.json")
    assert [fact["path"] for fact in record["inputs"]] == ["in/a.txt"]
    assert {"dat/regions/boxes.py", "dat/pipeline/running.py", "dat/base/used.py"} <= set(record["code"])
    assert "dat/cli/__init__.py" not in record["code"], "the dispatcher decides no number"
    assert record["params"] == {"evaluation.seed": 0, "numerics": "portable"}


def test_an_input_that_changed_meanwhile_is_named(fake: Fake) -> None:
    fake.refused(lambda job: records.write_text(fake.home / "in/a.txt", "new"), ChangedError, r"in/a\.txt: changed")


def test_an_input_that_came_meanwhile_is_named(fake: Fake) -> None:
    fake.refused(lambda job: records.write_text(fake.home / "in/b.txt", "new"), ChangedError, r"in/b\.txt: changed")


def test_a_setting_that_changed_meanwhile_is_named(fake: Fake) -> None:
    def change(old: str, new: str) -> None:
        path = fake.home / "params.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    fake.during = lambda job: change("fanout: {batch: 16", "fanout: {batch: 9")  # one that it did not read
    stages.run_stage("fake")
    change("fanout: {batch: 9", "fanout: {batch: 16")
    fake.refused(
        lambda job: change("10000, seed: 0", "10000, seed: 1"), ChangedError, r"yaml: evaluation\.seed changed"
    )


def test_code_that_changed_meanwhile_is_named(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(job: Job) -> None:
        monkeypatch.setitem(stages.used.CODE, "dat/regions/boxes.py", "0" * 64)

    fake.refused(change, ChangedError, r"dat/regions/boxes\.py: changed")


def test_only_the_process_that_has_the_lock_puts_outputs_in_place(fake: Fake) -> None:
    lock = params.load(fake.home).place / "locks" / "fake"

    def another(job: Job) -> None:
        with pytest.raises(LockedError, match=r"fake: process \d+ is at it"):
            stages.run_stage("fake")

    fake.during = another
    stages.run_stage("fake")
    fake.refused(lambda job: lock.unlink(), LockedError, "removed while this process worked")

    def taken(job: Job) -> None:
        lock.unlink()
        lock.touch()

    fake.refused(taken, LockedError, "removed while this process worked")


def test_a_stage_that_asks_a_cluster_says_before_its_work_that_the_plugin_is_not_there(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the profile that is shipped; a stage without jobs of its own does not look."""
    monkeypatch.setenv("SNAKEMAKE_PROFILE", str(ROOT / "workflow" / "profiles" / "slurm"))
    monkeypatch.setattr(executor.importlib.util, "find_spec", lambda name: None)
    stages.run_stage("fake")
    monkeypatch.setattr(stages, "STAGES", {"fake": replace(stages.STAGES["fake"], jobs="dat.fanout.job")})
    fake.during = lambda job: pytest.fail("the work began")
    with pytest.raises(
        MissingError, match=r"snakemake-executor-plugin-slurm is not there; pip install 'dat\[slurm\]'$"
    ):
        stages.run_stage("fake")
    assert (fake.home / "out.txt").read_text() == "old"


def test_a_stage_with_jobs_says_before_its_work_which_extra_brings_snakemake(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
    (fake.home / "out.txt").write_text("old")
    monkeypatch.setattr(executor.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(stages, "STAGES", {"fake": replace(stages.STAGES["fake"], jobs="dat.fanout.job")})
    fake.during = lambda job: pytest.fail("the work began")
    with pytest.raises(MissingError, match=r"^package snakemake is not there; pip install 'dat\[pipeline\]', or make"):
        stages.run_stage("fake")
    assert (fake.home / "out.txt").read_text() == "old"


def test_what_killed_processes_left_is_swept_from_outputs_and_inputs(fake: Fake) -> None:
    gone = 2**22 + 1  # beyond the highest number of a process
    left = [
        fake.home / name
        for name in (
            f".out.txt.{gone}.abcdef.tmp",
            f"..out.txt.{gone}.abcdef.tmp.{gone}.abcdef.tmp",
            f"in/.b.json.{gone}.abcdef.tmp",
        )
    ]
    for path in left:
        path.touch()
    stages.run_stage("fake")
    assert not any(path.exists() for path in left)
