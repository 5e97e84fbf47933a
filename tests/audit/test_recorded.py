"""Which files are taken for records: those whose parts all have their form."""

from pathlib import Path
from typing import Any

import pytest

from dat import records
from dat.audit import recorded

FILE = {"path": "data/a", "sha256": "1"}
WHOLE: dict[str, Any] = {
    "code": {"dat/a.py": "1", "dat/b.py": "2"},
    "command": "dat a",
    "inputs": [FILE],
    "outputs": [FILE],
    "params": {},
    "parents": [],
}


@pytest.mark.parametrize("changes", [
    {"code": {"dat/a.py": "1", "dat/b.py": None}}, {"code": ["dat/a.py"]}, {"params": []}, {"parents": {}},
    {"inputs": [FILE, {"path": "data/b"}]}, {"outputs": [FILE, {"path": "data/b", "sha256": 1}]}, {"outputs": ["a"]},
])  # fmt: skip
def test_a_record_with_one_part_of_another_form_is_none(tmp_path: Path, changes: dict[str, Any]) -> None:
    record = recorded.Recorded._record
    path = tmp_path / "record.json"
    records.write_json(path, WHOLE)
    assert record(None, path) == WHOLE  # type: ignore[arg-type]
    records.write_json(path, WHOLE | changes)
    assert record(None, path) is None  # type: ignore[arg-type]
    records.write_json(path, {key: of for key, of in WHOLE.items() if key != next(iter(changes))})
    assert record(None, path) is None  # type: ignore[arg-type]
