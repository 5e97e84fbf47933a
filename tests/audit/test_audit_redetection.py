"""The audit of what was found again: every address of it comes out a second time, and a changed box is noticed."""

from pathlib import Path

import pytest

from dat.audit.addresses import Numbers
from dat.audit.scores import Results
from dat.evaluation import stage
from dat.records import Job
from tests.parts.lost_targets import HELD, HITS, job, write_results

ADDRESSES = {
    "redetection/dat-jtnl/redetected": 0.5,
    "redetection/dat-jtnl@seed-0/redetected": 0.5,
    "redetection/dat-jtnl@seed-0/Wall/redetected": 1.0,
    "redetection/dat-jtnl/Away/redetected": 0.0,
    "redetection/salnet/redetected": 0.0,
}


@pytest.fixture
def made(tmp_path: Path) -> Job:
    """Scores of two trackers, one of which finds one of two targets again."""
    made = job(tmp_path)
    for tracker, hits in (("salnet@seed-0", dict.fromkeys(HITS, HELD + "0" * 13)), ("dat-jtnl@seed-0", HITS)):
        write_results(made.inputs["results"] / tracker, hits)
    stage.run(made)
    return made


def verdicts(made: Job, address: str) -> tuple[float | None, dict[str, str]]:
    """The number at an address, and the verdicts on it."""
    numbers = Numbers(made.settings)
    found, scores = numbers.find(address), numbers.scores["redetection"]
    shown = scores.shown(found)
    return shown, {check.name: check.verdict for check in Results(made.settings).again(scores, found, shown)}


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_number_comes_out_again(made: Job, address: str) -> None:
    shown, found = verdicts(made, address)
    assert shown == ADDRESSES[address]
    assert set(found.values()) == {"verified"} and "recomputed" in found


def test_a_changed_box_is_noticed(made: Job) -> None:
    write_results(made.inputs["results"] / "salnet@seed-0", {"Wall": HITS["Wall"]})
    for address in ("redetection/salnet/redetected", "redetection/salnet@seed-0/Wall/redetected"):
        assert verdicts(made, address)[1]["recomputed"] == "differs"
