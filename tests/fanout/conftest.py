"""A plan of one unit, which a real job tracks in a second."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from dat import records
from dat.base import supervise
from dat.fanout import plan
from dat.fanout.unit import ENTRY, Unit, common_facts, key_of
from tests.parts import small_sets as small


@pytest.fixture
def planned(tmp_path: Path) -> tuple[Path, Unit, dict[str, Any]]:
    """The plan of one CSR-DCF unit on a set of two sequences; its path, the unit and the plan itself."""
    settings = small.profile(tmp_path / "p")
    small.otb(tmp_path / "p/data/otb100", "Disc", 3)
    small.otb(tmp_path / "p/data/otb100", "Star", 3)
    small.describe(settings, "otb100", lists={"otb100": ["Disc", "Star"]})
    manifest = small.read_index(settings, "otb100")
    sections = plan.settings_of(settings, "one-pass")
    environment = records.environment("cpu", 1)
    shared = common_facts("one-pass", 1, manifest.header, environment, records.code_closure(ENTRY))
    unit = Unit("", "csrdcf", 0, "Disc", "none", None, None, 3)
    key = key_of(shared, unit, sections, manifest.sequences["Disc"].digest)
    unit = Unit(**{**asdict(unit), "key": key})
    facts = {
        "home": str(settings.path),
        "manifest": str(settings.path / "testing/otb100.jsonl"),
        "numerics": "portable",
        "slots": {},
        "place": supervise.place(),
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
