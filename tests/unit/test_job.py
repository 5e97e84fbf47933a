"""A job of a benchmark: what one sequence does to the others."""

from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from dat import records
from dat.datasets import manifest
from dat.errors import InputError, JobError
from dat.tracking import job, plan

FAULTS = {
    "InputError": InputError("B: 0001.png: an image that cannot be opened"),
    "cv2.error": cv2.error("OpenCV: too many pixels"),
    "MemoryError": MemoryError("no memory for an array"),
    "AssertionError": AssertionError("not so"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_sequence_that_fails_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    units = [plan.Unit(f"{name}0" * 4, "csrdcf", 0, name, "none", None, None, 1) for name in "ABC"]
    head = {"name": "own", "layout": "otb", "root": "data", "lists": {}, "linked": True}
    rows = [{"sequence": name, "frames": 1, "files": [], "boxes": []} for name in "ABC"]
    manifest.write(tmp_path / "own.jsonl", head, rows)
    facts = {"home": str(tmp_path), "store": str(tmp_path / "store"), "manifest": str(tmp_path / "own.jsonl")}
    records.write_json(tmp_path / "plan.json", {**facts, "jobs": [[asdict(unit) for unit in units]]})
    tracked = []

    def one(planned: object, unit: plan.Unit, *_: object) -> None:
        tracked.append(unit.sequence)
        if unit.sequence == "B":
            raise FAULTS[fault]

    monkeypatch.setattr(job, "_one", one)
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
