"""A job's failures: each is one line that names the unit, and the others go on."""

import errno
import fcntl
import mmap
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dat import records
from dat.base import devices, supervise
from dat.base.errors import ChangedError, InputError, JobError, of_system
from dat.datasets import finding, manifest
from dat.fanout import failures, job, stage, store
from dat.fanout.unit import ENTRY, Unit, common_facts, key_of
from dat.models import exactness
from dat.tracking.csrdcf import colours


def checked(planned: tuple[Path, Unit, dict[str, Any]], **changes: Any) -> None:
    """The comparison of what decided the unit with the plan, some of which is changed."""
    _, unit, facts = planned
    job.check({**facts, **changes}, unit, manifest.read(Path(facts["manifest"])))


@pytest.fixture(autouse=True)
def only_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has loaded nothing else; the index of the plan's set loads the module of its layout."""
    finding.layout("otb")
    closure = records.code_closure(ENTRY)
    monkeypatch.setattr(job.used, "CODE", {name: closure[name] for name in job.used.CODE.keys() & closure.keys()})
    monkeypatch.setattr(job.used, "FILES", {})


def test_a_record_is_the_same_whichever_benchmark_computed_it(
    planned: tuple[Path, Unit, dict[str, Any]], tmp_path: Path
) -> None:
    """Two benchmarks share a unit of one key, and either may come first."""
    path, unit, facts = planned
    found = []
    for benchmark in ("otb100", "otb2013"):
        place = tmp_path / benchmark
        records.write_json(path, {**facts, "benchmark": benchmark, "store": str(place)})
        job.run(path, 0, tmp_path / "done" / benchmark)
        assert records.read_json(store.entry(place, unit.key) / store.RUN)["benchmark"] == benchmark
        found.append((store.entry(place, unit.key) / store.RECORD).read_bytes())
    assert found[0] == found[1]


def test_a_run_file_has_the_units_own_peak_of_memory_and_what_it_printed(
    planned: tuple[Path, Unit, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is in its record."""
    path, unit, _ = planned
    make, forgotten = store.workspace, []

    def printing(place: Path) -> Path:
        print("a library's warning")
        return make(place)

    monkeypatch.setattr(job.store, "workspace", printing)
    monkeypatch.setattr(job.records, "forget_peak", lambda: forgotten.append(True))
    monkeypatch.setattr(job.records, "peak_memory", lambda: 12345)
    job.run(path, 0, tmp_path / "done")
    entry = store.entry(tmp_path / "store", unit.key)
    run, record = records.read_json(entry / store.RUN), records.read_json(entry / store.RECORD)
    assert run["log"] == ["a library's warning"] and run["peak_memory"] == 12345 and forgotten
    assert not {"log", "peak_memory", "seconds"} & set(record)
    assert records.read_json(tmp_path / "work/pace/0.json")["units"] == 1


def test_a_peak_of_memory_is_forgotten() -> None:
    def peak_with(size: int) -> int:
        records.forget_peak()
        with mmap.mmap(-1, size) as pages:  # no heap, which may keep what is freed
            for start in range(0, size, mmap.PAGESIZE):
                pages[start] = 1
        return records.peak_memory()

    large, small = peak_with(300 << 20), peak_with(1)
    assert large - small > 200 << 20, (large, small)


def test_the_key_covers_all_that_the_record_says(planned: tuple[Path, Unit, dict[str, Any]]) -> None:
    _, unit, facts = planned
    weights = {"path": "weights/weights.safetensors", "bytes": 3, "sha256": "0" * 64}
    changes = [{"files": [weights]}, {"files": [{**weights, "bytes": 4}]}, {"parents": [{"path": "a", "sha256": "b"}]}]
    units = [unit, *(Unit(**{**asdict(unit), **change}) for change in changes)]
    keys = [key_of(facts["shared"], each, facts["sections"], "0") for each in units]
    for origin, name in ((1, "tc128"), (0, "otb100")):
        other = common_facts(
            "one-pass", origin, {"name": name}, facts["shared"]["environment"], facts["shared"]["code"]
        )
        keys.append(key_of(other, unit, facts["sections"], "0"))
    assert len(set(keys)) == len(keys)


def test_what_was_planned_passes(planned: tuple[Path, Unit, dict[str, Any]]) -> None:
    checked(planned)


def test_other_settings_code_machine_or_rows_than_planned_are_named(
    planned: tuple[Path, Unit, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, facts = planned
    sections = {**facts["sections"], "csrdcf": {**facts["sections"]["csrdcf"], "sigma": 2.0}}
    with pytest.raises(ChangedError, match="not the row or the settings that were planned"):
        checked(planned, sections=sections)
    with pytest.raises(ChangedError, match="threads is 2, the run was planned with 1"):
        checked(planned, threads=2)
    path = Path(facts["manifest"])
    text = path.read_text()
    path.write_text(text.replace('"frames":3', '"frames":2', 1))
    with pytest.raises(ChangedError, match=r"otb100\.jsonl: not the row"):
        checked(planned)
    path.write_text(text)
    monkeypatch.setitem(job.used.CODE, "dat/fanout/store.py", "0" * 64)
    with pytest.raises(ChangedError, match=r"fanout/store\.py: not the code that this run was planned with"):
        checked(planned)


def test_a_table_of_colour_names_is_the_one_that_was_planned_and_in_the_record(
    planned: tuple[Path, Unit, dict[str, Any]], tmp_path: Path
) -> None:
    path, unit, facts = planned
    table = Path(facts["home"]) / "names.npy"
    np.save(table, np.zeros((colours.ROWS, 10), np.float32))
    own = replace(unit, colour_names="names.npy", files=[records.file_facts(table, table.parent)])
    row = manifest.read(Path(facts["manifest"])).sequences["Disc"]
    own = replace(own, key=key_of(facts["shared"], own, facts["sections"], row.digest))
    assert own.key != unit.key
    records.write_json(path, {**facts, "jobs": [[asdict(own)]]})
    before = table.read_bytes()
    np.save(table, np.ones((colours.ROWS, 10), np.float32))
    with pytest.raises(JobError, match=r"names\.npy: changed between planning and use; nothing was kept"):
        job.run(path, 0, tmp_path / "done")
    assert store.record(tmp_path / "store", own.key) is None
    table.write_bytes(before)
    job.used.FILES.clear()
    job.run(path, 0, tmp_path / "done")
    record = store.record(tmp_path / "store", own.key)
    assert record is not None and own.files[0] in record["inputs"]


def test_what_the_system_refuses_is_one_line_with_a_remedy(
    planned: tuple[Path, Unit, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/store/tmp")

    monkeypatch.setattr(job, "_track", refuse)
    with pytest.raises(JobError, match=r"Disc: csrdcf@seed-0: /store/tmp: Permission denied; give yourself the right"):
        job.run(planned[0], 0, planned[0].parent / "done")
    assert "Traceback" not in capsys.readouterr().err
    assert of_system(OSError(errno.EIO, "Input/output error", "/x")) == "/x: Input/output error"


FULL = "No space left on device; free some space"


def test_a_full_disk_below_a_units_log_is_told_with_its_remedy(
    planned: tuple[Path, Unit, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, unit, _ = planned
    (path.parent / "units").mkdir()
    (path.parent / "units" / f"{unit.key}.log").symlink_to("/dev/full")
    monkeypatch.setattr(job, "_track", lambda *_: print("a library's warning"))
    with pytest.raises(JobError, match=rf"^Disc: csrdcf@seed-0: .*{FULL}"):
        job.run(path, 0, path.parent / "done")
    assert FULL in (path.parent / "failed" / f"{unit.key}.txt").read_text() and FULL in capsys.readouterr().err


@pytest.mark.parametrize("name", ["0.json", "failed"])
def test_a_full_disk_is_told_where_a_job_cannot_write_its_notes(
    planned: tuple[Path, Unit, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Also where the note that a unit failed has no room: the job's last line says it."""
    real = records.write_text

    def full(path: Path, text: str) -> None:
        if name in path.parts:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, text)

    def track(context: object, unit: Unit) -> None:
        if name == "failed":
            raise InputError("0001.png: cannot be read")

    monkeypatch.setattr(records.files, "write_text", full)
    monkeypatch.setattr(job.records, "write_text", full)
    monkeypatch.setattr(job, "_track", track)
    with pytest.raises(JobError, match=r"0001\.png: cannot" if name == "failed" else FULL):
        job.run(planned[0], 0, planned[0].parent / "done")


def test_a_run_says_why_a_job_ended_outside_of_any_unit(tmp_path: Path) -> None:
    """An earlier line, or one of a job that went well, is no reason."""
    log = tmp_path / "snakemake.log"
    log.write_text("Error in rule track:\n")
    records.write_text(tmp_path / "log/0.txt", "dat: nvidia-smi: a warning\nDisc is tracked\n")
    assert failures.line(tmp_path, log).startswith("Snakemake failed: Error in rule track:")
    records.write_text(tmp_path / "log/1.txt", f"a line\ndat: /store/tmp: {FULL}\n")
    records.write_text(tmp_path / "log/2.txt", f"dat: /store/tmp: {FULL}\n")
    assert failures.line(tmp_path, log) == f"/store/tmp: {FULL}"
    records.write_text(tmp_path / "log/3.txt", "dat: /x: Stale file handle\n")
    assert failures.line(tmp_path, log) == f"/store/tmp: {FULL} (and 1 more: {tmp_path / 'log'})"
    records.write_text(tmp_path / "failed/a.txt", "Disc: csrdcf: its own words\n")
    assert failures.line(tmp_path, log) == "Disc: csrdcf: its own words"


def test_a_disk_that_has_no_room_for_a_jobs_words_is_told_by_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "snakemake.log"
    log.write_text("")

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    assert failures.line(tmp_path, log).startswith("Snakemake failed: nothing said")
    assert list(tmp_path.iterdir()) == [log]
    monkeypatch.setattr(records, "write_bytes", full)
    assert failures.line(tmp_path, log).startswith(f"{tmp_path / 'probe'}: {FULL}")


FAULTS = {
    "InputError": InputError("B: 0001.png: an image that cannot be opened"),
    "cv2.error": cv2.error("OpenCV: too many pixels"),
    "MemoryError": MemoryError("no memory for an array"),
    "AssertionError": AssertionError("not so"),
}


def test_a_job_whose_units_are_there_does_little_more_than_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks for no commit, and writes once what it has done: of a thousand such units each costs a few
    milliseconds."""
    units = [Unit(f"{name}0" * 32, "csrdcf", 0, name, "none", None, None, 5) for name in "abc"]
    for unit in units:
        store.put(
            tmp_path / "store", unit.key, store.workspace(tmp_path / "store"), {"key": unit.key, "outputs": []}, {}
        )
    manifest.write(tmp_path / "own.jsonl", {"name": "own", "root": "data", "lists": {}, "linked": True}, [])
    facts = {"numerics": "portable", "slots": {}, "place": "elsewhere", "manifest": str(tmp_path / "own.jsonl")}
    facts |= {"store": str(tmp_path / "store"), "jobs": [[asdict(unit) for unit in units]]}
    records.write_json(tmp_path / "plan.json", facts)
    notes, write = [], job.pace.Notes.write
    monkeypatch.setattr(job.pace.Notes, "write", lambda own: (notes.append(own), write(own)))
    monkeypatch.setattr(job.pace, "PERIOD", 1e9)
    monkeypatch.setattr(job.records, "commit", lambda *_: pytest.fail("asked for the commit"))
    job.run(tmp_path / "plan.json", 0, tmp_path / "done")
    done = job.pace.noted(tmp_path / job.pace.FOLDER)
    assert (done.units, done.frames, len(notes)) == (3, 15, 1) and (tmp_path / "done").exists()


def test_a_job_loads_what_checks_settings_only_where_it_tracks() -> None:
    """pydantic and the sections take as long as all else that a job loads before its first unit."""
    loaded = "import sys, dat.fanout.job; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", loaded], capture_output=True, text=True, check=True)
    assert "dat.fanout.store" in done.stdout.split()
    assert not {"pydantic", "dat.base.sections", "dat.fanout.plan", "torch"} & set(done.stdout.split())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_sequence_that_fails_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    units = [Unit(f"{name}0" * 4, "csrdcf", 0, name, "none", None, None, 1) for name in "ABC"]
    head = {"name": "own", "layout": "otb", "root": "data", "lists": {}, "linked": True}
    rows = [{"sequence": name, "frames": 1, "files": [], "boxes": []} for name in "ABC"]
    manifest.write(tmp_path / "own.jsonl", head, rows)
    facts = {
        "numerics": "portable",
        "slots": {},
        "home": str(tmp_path),
        "place": supervise.place(),
        "store": str(tmp_path / "store"),
        "manifest": str(tmp_path / "own.jsonl"),
    }
    records.write_json(tmp_path / "plan.json", {**facts, "jobs": [[asdict(unit) for unit in units]]})
    tracked = []

    def one(planned: object, unit: Unit, *_: object) -> None:
        tracked.append(unit.sequence)
        if unit.sequence == "B":
            raise FAULTS[fault]

    monkeypatch.setattr(job, "_track", one)
    monkeypatch.setattr(job.supervise, "die_with_supervisor", lambda: None)
    with pytest.raises(JobError, match=r"^B: csrdcf@seed-0: "):
        job.run(tmp_path / "plan.json", 0, tmp_path / "done")
    assert tracked == ["A", "B", "C"] and not (tmp_path / "done").exists()
    failed = [path.read_text() for path in (tmp_path / "failed").iterdir()]
    assert len(failed) == 1 and str(FAULTS[fault]) in failed[0]


def test_the_picture_that_fails_is_real() -> None:
    """OpenCV's own error is none of Python's kinds, so only a clause for every kind holds it."""
    kinds = (OSError, RuntimeError, ValueError, ArithmeticError, LookupError, TypeError)
    with pytest.raises(cv2.error) as caught:
        cv2.resize(np.zeros((0, 0), np.uint8), (1, 1))
    assert not isinstance(caught.value, kinds)


class BegunAgain(Exception):
    """In place of the process's own new beginning."""


@pytest.fixture
def cards(planned: tuple[Path, Unit, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plan for two cards of an nvidia-smi of the test's own, of which one does not open; the plan's path."""
    path, _, facts = planned
    program = path.parent / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nprintf '0, GPU-bad, 8192, Default\\n1, GPU-good, 8192, Default\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")  # restored afterwards
    monkeypatch.delenv("DAT_DEVICES", raising=False)
    room = devices.slots(devices.visible(), 1)
    records.write_json(path, {**facts, "slots": room, "cards": str(path.parent / "cards")})

    def opened(device: str) -> None:
        if os.environ["CUDA_VISIBLE_DEVICES"] in ("GPU-bad", os.environ.get("ALSO_BAD")):
            raise devices.refused("cuda", RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable"))

    def begin_again(program: str, arguments: list[str]) -> None:
        assert arguments[-3:] == [str(path), "0", str(path.parent / "done" / "0")]
        raise BegunAgain

    monkeypatch.setattr(exactness, "open_device", opened)
    monkeypatch.setattr(exactness, "exact", lambda threads: None)
    monkeypatch.setattr(job.os, "execv", begin_again)
    return path


def until_done(path: Path) -> int:
    """Run the plan's job as often as it begins again, which is told."""
    for times in range(5):
        try:
            job.run(path, 0, path.parent / "done" / "0")
        except BegunAgain:
            continue
        return times
    raise AssertionError("the job begins again and again")


def test_a_card_that_does_not_open_gets_no_more_jobs_of_a_run(cards: Path) -> None:
    """Whichever card comes first, the job ends on the other one, and a second job never asks for the first."""
    (cards.parent / "cards").mkdir()
    (cards.parent / "cards" / "GPU-good-0").touch()
    with (cards.parent / "cards" / "GPU-good-0").open("w") as slot:
        fcntl.flock(slot, fcntl.LOCK_EX)  # another job has the good card meanwhile
        with pytest.raises(BegunAgain):
            job.run(cards, 0, cards.parent / "done" / "0")
    assert not (cards.parent / "failed").exists()
    said = (cards.parent / devices.CLOSED / "GPU-bad").read_text().splitlines()
    assert len(said) == 1 and said[0].startswith("GPU-bad: cuda: CUDA error: all CUDA-capable devices are busy")
    assert until_done(cards) == 0 and os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-good"
    assert (cards.parent / "done" / "0").exists()


@pytest.mark.parametrize("around", ["SLURM_JOB_ID", "KUBERNETES_SERVICE_HOST"])
def test_jobs_of_a_run_inside_of_an_allocation_take_slots_too(
    cards: Path, monkeypatch: pytest.MonkeyPatch, around: str
) -> None:
    """`salloc --gres=gpu:8`, or a pod with eight cards, and jobs that this machine starts there."""
    monkeypatch.setenv(around, "17")
    monkeypatch.setattr(job, "_track", lambda *_: None)
    until_done(cards)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-good"


def test_a_job_that_a_cluster_has_started_sees_the_cards_that_it_was_given(
    cards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "_track", lambda *_: None)
    records.write_json(cards, {**records.read_json(cards), "slots": {}})
    assert until_done(cards) == 0 and os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert not (cards.parent / "cards").exists()


def test_where_no_card_opens_the_sequences_say_why(cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALSO_BAD", "GPU-good")

    def track(*_: object) -> None:
        exactness.open_device("cuda")

    monkeypatch.setattr(job, "_track", track)
    with pytest.raises(JobError, match=r"^Disc: csrdcf@seed-0: cuda: CUDA error: all CUDA-capable"):
        until_done(cards)
    assert len(list((cards.parent / devices.CLOSED).iterdir())) == 1


def test_a_run_says_once_which_card_gets_no_more_jobs(
    cards: Path, planned: tuple[Path, Unit, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    line = "GPU-bad: cuda: busy; no more jobs of this run go there"
    records.write_text(cards.parent / devices.CLOSED / "GPU-bad", f"{line}\n")
    with stage._line("otb100", [planned[1]], cards.parent) as tick:
        tick(last=True)
        tick(last=True)
    said = [text for text in capsys.readouterr().err.splitlines() if "GPU-bad" in text]
    assert said == [f"otb100: {line}"]
