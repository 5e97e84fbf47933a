"""The audit of what was found again: every address of it comes out a second time, and a changed box is noticed."""

from pathlib import Path

import pytest

from dat.audit import printed, shown
from dat.audit.addresses import Numbers
from dat.audit.checks import Check
from dat.audit.scores import Results
from dat.evaluation import stage
from dat.records import Job
from dat.report import claims, metrics, tables
from dat.report import stage as report
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


@pytest.fixture
def shown_files(made: Job) -> Path:
    """The folder of the report's tables of that run."""
    home = made.settings.path
    scores = metrics.read_scores(home / "reports/metrics", made.settings, partial=True)
    text = claims.of_table(claims.IN_TEXT, scores)
    report.write_tables(home / "reports/tables", tables.build_all(scores, "embedded"), [], text, "embedded")
    return home / "reports/tables"


def failed(made: Job, file: str) -> list[Check]:
    """What is wrong in a file of the tables."""
    checks = shown.checks(printed.Printed(Numbers(made.settings)), f"reports/tables/{file}")
    return [check for check in checks if check.verdict != "verified"]


def test_our_own_table_shows_what_the_scores_say(made: Job, shown_files: Path) -> None:
    assert not [check for file in ("table-6.csv", "table-6.md", "claims.csv") for check in failed(made, file)]
    text = (shown_files / "table-6.md").read_text()
    assert "| DAT, target and language | **0.500** [0.095, 0.905] |  |" in text
    assert "| DAT, target and language beats SALNet | Lost targets found again | in words |" in text
    assert "- To tell DAT, target and language from SALNet in Lost targets found again takes about 16 sequences" in text
    assert Numbers(made.settings).find("table/6/dat-jtnl/redetection-redetected").printed == 0.5


@pytest.mark.parametrize(
    ("file", "old", "new", "column"),
    [
        ("table-6.md", "**0.500**", "**0.900**", "found again, ours"),
        ("table-6.csv", ",0.5,", ",0.5,0.7,", "column paper"),
        ("claims.csv", ",16", ",12", "column needed"),
        ("table-6.md", "in words", "+0.100", "column Paper"),
    ],
)
def test_a_changed_cell_is_noticed(made: Job, shown_files: Path, file: str, old: str, new: str, column: str) -> None:
    text = (shown_files / file).read_text()
    assert old in text
    (shown_files / file).write_text(text.replace(old, new))
    assert column in failed(made, file)[0].subject
