"""A job's failures: each is one line that names the unit, and the others go on."""

import errno
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from dat import records
from dat.errors import ChangedError, JobError, of_system
from dat.tracking import job, plan
from tests.unit import small_sets as small


@pytest.fixture
def planned(tmp_path: Path) -> tuple[Path, plan.Unit, dict[str, Any]]:
    """The plan of one CSR-DCF unit on a set of two sequences; its path, the unit and the plan itself."""
    settings = small.profile(tmp_path / "p")
    small.otb(tmp_path / "p/data/otb100", "Disc", 3)
    small.otb(tmp_path / "p/data/otb100", "Star", 3)
    small.describe(settings, "otb100", lists={"otb100": ["Disc", "Star"]})
    manifest = small.read_index(settings, "otb100")
    sections = plan.sections(settings, "one-pass")
    environment = records.environment("cpu", 1)
    shared = plan.shared("one-pass", "otb", environment, records.code_closure(plan.ENTRY))
    unit = plan.Unit("", "csrdcf", 0, "Disc", "none", None, None, 3)
    key = plan.key(shared, unit, sections, manifest.sequences["Disc"].digest)
    unit = plan.Unit(**{**asdict(unit), "key": key})
    facts = {
        "home": str(settings.path),
        "manifest": str(settings.path / "testing/otb100.jsonl"),
        "numerics": "portable",
        "store": str(tmp_path / "store"),
        "shared": shared,
        "sections": sections,
        "threads": 1,
        "device": "cpu",
        "benchmark": "otb100",
        "jobs": [[asdict(unit)]],
    }
    records.write_json(tmp_path / "work/plan.json", facts)
    return tmp_path / "work/plan.json", unit, facts


def checked(planned: tuple[Path, plan.Unit, dict[str, Any]], **changes: Any) -> None:
    """The comparison of what decided the unit with the plan, some of which is changed."""
    from dat.datasets import manifest

    _, unit, facts = planned
    job.check({**facts, **changes}, unit, manifest.read(Path(facts["manifest"])))


@pytest.fixture(autouse=True)
def only_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has loaded nothing else."""
    closure = records.code_closure(plan.ENTRY)
    monkeypatch.setattr(job.used, "CODE", {name: closure[name] for name in job.used.CODE.keys() & closure.keys()})
    monkeypatch.setattr(job.used, "FILES", {})


def test_what_was_planned_passes(planned: tuple[Path, plan.Unit, dict[str, Any]]) -> None:
    checked(planned)


def test_other_settings_code_machine_or_rows_than_planned_are_named(
    planned: tuple[Path, plan.Unit, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, facts = planned
    sections = {**facts["sections"], "csrdcf": {**facts["sections"]["csrdcf"], "sigma": 2.0}}
    with pytest.raises(ChangedError, match="not the row or the settings that were planned"):
        checked(planned, sections=sections)
    with pytest.raises(ChangedError, match="threads is 2, the run was planned with 1"):
        checked(planned, threads=2)
    manifest = Path(facts["manifest"])
    text = manifest.read_text()
    manifest.write_text(text.replace('"frames":3', '"frames":2', 1))
    with pytest.raises(ChangedError, match=r"otb100\.jsonl: not the row"):
        checked(planned)
    manifest.write_text(text)
    monkeypatch.setitem(job.used.CODE, "dat/tracking/plan.py", "0" * 64)
    with pytest.raises(ChangedError, match=r"tracking/plan\.py: not the code that this run was planned with"):
        checked(planned)


def test_what_the_system_refuses_is_one_line_with_a_remedy(
    planned: tuple[Path, plan.Unit, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/store/tmp")

    monkeypatch.setattr(job, "_one", refuse)
    with pytest.raises(JobError, match=r"Disc: csrdcf@seed-0: /store/tmp: Permission denied; give yourself the right"):
        job.run(planned[0], 0, planned[0].parent / "done")
    assert "Traceback" not in capsys.readouterr().err
    assert of_system(OSError(errno.EIO, "Input/output error", "/x")) == "/x: Input/output error"
