"""A number of another tracker, from its raw results in `baselines/` to the report, and back by `dat audit`."""

import shutil
from pathlib import Path

import pytest

from dat.audit import show
from dat.audit.walk import Walk
from dat.base import params
from dat.base.errors import InputError
from dat.cli import run_in_process
from tests.parts import fake_profile


@pytest.fixture(scope="module")
def scored(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run with SiamFC's results of all sequences, and scores and tables anew."""
    home = Path(shutil.copytree(run, tmp_path_factory.mktemp("baselines") / "run", symlinks=True))
    folder = home / "baselines/otb100/SiamFC"
    shutil.copytree(home / "results/otb100/dat-jtnl@seed-0", folder, ignore=shutil.ignore_patterns("*.json"))
    for path in folder.iterdir():
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines[:3], *lines[2:-1]]) + "\n")
    fake_profile.score(home, params.load(home))
    return home


@pytest.fixture
def copy(scored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(scored, tmp_path / "copy", symlinks=True))


def failed(home: Path, text: str) -> list[tuple[str, str, str]]:
    walk = Walk(params.load(home))
    audits = [walk.audit(address) for address in walk.resolve(text)]
    return [(check.name, check.verdict, check.subject) for check in show.differences(audits)]


ADDRESSES = (
    "otb100/SiamFC/success",
    "otb100/SiamFC/Star/precision",
    "otb100-similar/SiamFC/success",
    "table/1/SiamFC/otb100-precision",
    "figure/10/SiamFC-success/0.5",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_baselines_numbers_are_computed_again(scored: Path, address: str) -> None:
    walk = Walk(params.load(scored))
    (audit,) = [walk.audit(one) for one in walk.resolve(address)]
    assert audit.verdict == "verified"
    checks = {check.name: check for check in audit.checks}
    assert checks["recomputed"].found == pytest.approx(audit.value, abs=1e-9)
    assert {"raw results", "manifest row", "code"} <= set(checks)


def test_all_of_the_report_is_verified_with_it(scored: Path) -> None:
    assert not failed(scored, "all")
    addresses = {address.text for address in Walk(params.load(scored)).resolve("all")}
    assert {"table/1/SiamFC/otb100-success", "figure/10/SiamFC-precision/20"} <= addresses


@pytest.mark.parametrize("change", ["other", "gone", "more"])
def test_raw_results_that_changed_are_named(copy: Path, change: str) -> None:
    path = copy / "baselines/otb100/SiamFC" / ("Star_2.txt" if change == "more" else "Star.txt")
    if change == "gone":
        path.unlink()
    else:
        path.write_text("1,1,2,2\n")
    found = failed(copy, "otb100/SiamFC/success")
    assert any(name == "raw results" and path.name in subject for name, _, subject in found)
    assert not failed(copy, "otb100/pymdnet/success")


def test_a_form_that_the_audit_does_not_read_is_unknown_and_not_verified(copy: Path) -> None:
    folder = copy / "baselines/otb100/SiamFC"
    (folder / "Star.txt").rename(folder / "star.txt")
    fake_profile.score(copy, params.load(copy))
    walk = Walk(params.load(copy))
    (audit,) = [walk.audit(one) for one in walk.resolve("otb100/SiamFC/success")]
    assert {check.name: check.verdict for check in audit.checks}["recomputed"] == "unknown"
    assert audit.verdict == "unknown"


def test_the_command_shows_it(
    scored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(scored)
    run_in_process(["audit", "otb100/SiamFC/success", "--html", "number.html"])
    assert "baselines/otb100/SiamFC" in capsys.readouterr().out
    assert "SiamFC" in (scored / "number.html").read_text()
    with pytest.raises(InputError, match="nearest: otb100/SiamFC/success"):
        run_in_process(["audit", "otb100/SiamFx/success"])
