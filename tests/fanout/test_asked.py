"""Where jobs compute is asked of a job where Snakemake's profile names a cluster: the device and the key are its."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dat import records
from dat.base import devices, supervise
from dat.base.errors import InputError
from dat.base.params import Settings
from dat.fanout import job, plan, store
from dat.fanout import stage as fanout
from dat.fanout.unit import Unit
from dat.pipeline import running
from dat.pipeline.stages import STAGES
from tests.parts import small_sets as small

SLURM = Path(__file__).resolve().parents[2] / "workflow" / "profiles" / "slurm"
ANSWER = {"device": "cuda", "environment": {"device": "a card of the cluster's", "cuda": "13.0"}}


@pytest.fixture
def benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> records.Job:
    """The stage on a set of one sequence, on a machine without a GPU."""
    monkeypatch.setenv("SNAKEMAKE_PROFILE", str(SLURM))
    monkeypatch.setenv("DAT_CACHE", str(tmp_path / "store"))
    settings = small.profile(tmp_path / "p")
    small.otb(tmp_path / "p/data/otb100", "Disc", 3)
    small.describe(settings, "otb100", lists={"otb100": ["Disc"]})
    small.run_index(settings, "otb100")
    inputs = {"manifest": settings.path / "testing/otb100.jsonl"}
    return records.Job("otb100", settings, inputs, {"results": tmp_path / "results"}, "cpu")


def snakemake(status: int) -> Any:
    """A Snakemake whose one job answers, or fails."""

    def run(call: list[str], environment: dict[str, str], log: Path, tick: Any) -> int:
        asked = records.read_json(log.parent / "plan.json")
        assert "jobs" not in asked and asked["devices"] == "all" and asked["numerics"] == "portable"
        log.write_text("WorkflowError: no partition\n")
        records.write_json(log.parent / plan.ANSWER, ANSWER)
        return status

    return run


def test_device_and_environment_of_a_run_are_those_of_its_jobs(
    benchmark: records.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[records.Job, dict[str, Any]]] = []
    monkeypatch.setattr(fanout.supervise, "run", snakemake(0))
    monkeypatch.setattr(plan, "units", lambda *_: [])
    monkeypatch.setattr(fanout, "track", lambda job, shared, found, places: ran.append((job, shared)))
    fanout.run(benchmark)
    monkeypatch.delenv("SNAKEMAKE_PROFILE")
    fanout.run(benchmark)
    (there, asked), (here, own) = ran
    assert (there.device, asked["environment"]) == ("cuda", ANSWER["environment"])
    assert (here.device, own["environment"]) == (
        "cpu",
        records.environment("cpu", benchmark.settings.root.tracking.threads),
    )


def test_a_cluster_gives_jobs_their_cards_whatever_the_run_itself_is_inside_of(
    benchmark: records.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = [devices.Card("0", "GPU-a", 16384), devices.Card("1", "GPU-b", 16384)]
    monkeypatch.setattr(devices, "chosen", lambda setting: cards)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    here = replace(benchmark, device="cuda")
    monkeypatch.setenv("SNAKEMAKE_PROFILE", str(SLURM))
    assert fanout._room(here) == {}
    for profile in (str(SLURM.with_name("default")), ""):
        monkeypatch.setenv("SNAKEMAKE_PROFILE", profile)
        assert fanout._room(here) == {"GPU-a": 2, "GPU-b": 2}
    assert fanout._room(benchmark) == {}


@pytest.mark.parametrize(("named", "asked"), [("0,2", "all"), ("", "all"), ("cpu", "cpu")])
def test_the_machine_that_a_cluster_is_asked_from_looks_for_no_card(
    benchmark: records.Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, asked: str
) -> None:
    """A login node without a GPU: cards that are named are this machine's, and no job elsewhere hears of them."""
    root = benchmark.settings.root
    fanned = root.fanout.model_copy(update={"devices": "0,2"})
    settings = Settings(benchmark.settings.path, root.model_copy(update={"numerics": "native", "fanout": fanned}))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("DAT_DEVICES", named)
    assert running.choose_device(STAGES["benchmark"], settings) == "cpu"
    heard = []

    def run(call: list[str], environment: dict[str, str], log: Path, tick: Any) -> int:
        heard.append((records.read_json(log.parent / "plan.json")["devices"], environment.get("DAT_DEVICES")))
        records.write_json(log.parent / plan.ANSWER, ANSWER)
        return 0

    monkeypatch.setattr(fanout.supervise, "run", run)
    fanout._asked(replace(benchmark, settings=settings), tmp_path / "work")
    assert heard == [(asked, named if named == "cpu" else None)]
    monkeypatch.setenv("SNAKEMAKE_PROFILE", str(SLURM.with_name("default")))
    if named != "cpu":
        with pytest.raises(InputError, match="no GPU '0' here"):
            running.choose_device(STAGES["benchmark"], settings)
    assert fanout.environment()["DAT_DEVICES"] == named


def test_jobs_are_packed_for_as_many_as_the_cluster_takes_at_a_time(
    benchmark: records.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    widths = []
    monkeypatch.setattr(fanout.plan, "pack", lambda units, batch, width: widths.append(width) or [])
    monkeypatch.setattr(fanout, "_gather", lambda chosen, places: None)
    places = fanout.Places(*[benchmark.settings.path / "none"] * 4)
    for profile in (str(SLURM), str(SLURM.with_name("default"))):
        monkeypatch.setenv("SNAKEMAKE_PROFILE", profile)
        fanout.track(benchmark, {}, [], places)
    assert widths == [20, benchmark.settings.root.fanout.cores]


def test_a_scheduler_that_runs_no_job_ends_the_run(benchmark: records.Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout.supervise, "run", snakemake(1))
    with pytest.raises(InputError, match=rf"no partition.*; look at the settings in {SLURM}"):
        fanout.run(benchmark)


def test_a_cluster_that_refuses_a_job_is_one_line(
    benchmark: records.Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words are those of an sbatch of the test's own, behind the plugin's; nothing that was made is touched."""
    program = tmp_path / "sbatch"
    program.write_text(
        "#!/bin/sh\necho 'sbatch: error: invalid partition specified: gone' >&2\n"
        "echo 'sbatch: error: Batch job submission failed: Invalid partition name specified' >&2\nexit 1\n"
    )
    program.chmod(0o755)

    def run(call: list[str], environment: dict[str, str], log: Path, tick: Any) -> int:
        said = subprocess.run([program], capture_output=True, text=True, check=False).stderr
        log.write_text(f"SLURM sbatch failed. The error message was: {said}\nWorkflowError: one error\n")
        return 1

    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "finished").touch()
    monkeypatch.setattr(fanout.supervise, "run", run)
    with pytest.raises(InputError) as error:
        fanout.run(benchmark)
    line = str(error.value)
    assert error.value.status == 2 and "\n" not in line and (tmp_path / "store" / "finished").exists()
    assert line.startswith("the cluster refuses the job: sbatch: error: invalid partition specified: gone (")


def test_a_later_job_that_a_cluster_refuses_is_one_line_and_loses_nothing(
    benchmark: records.Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first job answers, the second one's result is in the store, the third one is refused."""
    units = [Unit(f"{n}" * 64, "salnet", n, "Disc", "none", None, None, 1) for n in range(2)]
    place = store.location(benchmark.settings.top)

    def run(call: list[str], environment: dict[str, str], log: Path, tick: Any) -> int:
        if "jobs" in records.read_json(log.parent / "plan.json"):
            folder = store.workspace(place)
            (folder / "Disc.txt").write_text("1,2,3,4\n")
            made = {"key": units[0].key, "outputs": records.folder_files(folder)}
            store.put(place, units[0].key, folder, made, {})
            log.write_text("SLURM sbatch failed. The error message was: sbatch: error: QOSMaxSubmitJobPerUserLimit\n")
            return 1
        records.write_json(log.parent / plan.ANSWER, ANSWER)
        return 0

    monkeypatch.setattr(plan, "units", lambda *_: units)
    monkeypatch.setattr(fanout.supervise, "run", run)
    with pytest.raises(InputError) as error:
        fanout.run(benchmark)
    line = str(error.value)
    assert line.startswith("the cluster refuses the job: sbatch: error: QOSMaxSubmitJobPerUserLimit (")
    assert line.endswith(f"what is finished is kept: look at {SLURM}, run again")
    assert error.value.status == 2 and "\n" not in line
    assert store.record(place, units[0].key) and not benchmark.outputs["results"].exists()


def test_a_job_that_is_asked_tells_its_device_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job.supervise, "die_with_supervisor", lambda: None)
    question = {"numerics": "portable", "threads": 1, "devices": "all", "place": supervise.place()}
    records.write_json(tmp_path / "plan.json", question)
    job.run(tmp_path / "plan.json", job.ASK, tmp_path / plan.ANSWER)
    assert records.read_json(tmp_path / plan.ANSWER) == {"device": "cpu", "environment": records.environment("cpu", 1)}
    monkeypatch.setattr(devices, "kind", lambda numerics, setting: "cuda" if setting == "all" else "cpu")
    monkeypatch.setattr(records, "environment", lambda device, threads: {"device": f"{device} with {threads}"})
    job.run(tmp_path / "plan.json", job.ASK, tmp_path / plan.ANSWER)
    assert records.read_json(tmp_path / plan.ANSWER) == {"device": "cuda", "environment": {"device": "cuda with 1"}}


@pytest.mark.parametrize("here", [True, False])
def test_a_job_on_another_machine_does_not_look_for_the_runs_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    watched: list[bool] = []
    monkeypatch.setattr(job.supervise, "die_with_supervisor", lambda: watched.append(True))
    place = supervise.place() if here else "another start of another machine pid:[1]"
    question = {"numerics": "portable", "threads": 1, "devices": "cpu", "place": place}
    records.write_json(tmp_path / "plan.json", question)
    job.run(tmp_path / "plan.json", job.ASK, tmp_path / plan.ANSWER)
    assert bool(watched) == here
