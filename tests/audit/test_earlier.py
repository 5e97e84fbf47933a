"""`dat audit --rev`: a commit's numbers from git and DVC's cache, whatever the working tree holds."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from dat import records
from dat.audit import earlier
from dat.audit.addresses import Numbers
from dat.audit.checks import Audit, Check, Node
from dat.audit.walk import Walk
from dat.base import params
from dat.base.errors import InputError, MissingError, ParamsError
from dat.cli import run_in_process
from tests.parts import fake_checkout
from tests.parts.fake_checkout import git

SCORE = "otb100/dat-jtnl/success"
STAR = "results/otb100/dat-jtnl@seed-0/Star.txt"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("earlier") / "checkout"
    home.mkdir()
    fake_checkout.build(home)
    fake_checkout.run_anew(home)
    return home


@pytest.fixture
def home(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two runs, of HEAD~1 and HEAD; nothing is left in the folder for temporary files."""
    place = Path(shutil.copytree(original, tmp_path / "checkout"))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    monkeypatch.chdir(place)
    return place


def left(home: Path) -> list[Path]:
    return list((home.parent / "scratch").iterdir())


@pytest.mark.parametrize(("path", "found", "verdict"), [
    ("weights/a/model.pt", None, "not checked"), ("results/otb100/a.txt", None, "not checked"),
    ("results/otb100/a.txt", "other", "differs"), ("results/otb100/b.txt", None, "differs"),
])  # fmt: skip
def test_only_what_the_cache_has_not_is_not_checked(tmp_path: Path, path: str, found: str | None, verdict: str) -> None:
    settings: Any = SimpleNamespace(top=tmp_path)
    run = earlier.EarlierRun("HEAD~1", "c0ffee", settings, {"results/otb100/a.txt"}, {"weights/a"})
    check = Check("result file", "differs", f"{tmp_path}/{path}", "1", found)
    (seen,) = run.audited(Audit(None, 0.5, Node("unit", "a", [check]))).node.checks  # type: ignore[arg-type]
    assert (seen.verdict, seen.subject) == (verdict, f"HEAD~1:{path}")


def audited(home: Path, revision: str, text: str = SCORE) -> list[Audit]:
    with earlier.unpacked(params.load(home), revision) as run:
        walk = Walk(run.settings, stages=text == "all")
        return [run.audited(walk.audit(address)) for address in walk.resolve(text)]


def failed(audits: list[Audit]) -> dict[tuple[str, str], str]:
    return {
        (check.name, check.subject): check.verdict
        for audit in audits
        for check in audit.checks
        if check.verdict != "verified"
    }


def test_two_commits_numbers_are_each_verified(home: Path) -> None:
    (old,), (new,) = audited(home, "HEAD~1"), audited(home, "HEAD")
    assert {old.verdict, new.verdict} == {"verified"} and old.value != new.value
    assert new.value == Numbers(params.load(home)).scores["otb100"].data["variants"]["dat-jtnl"]["success"]


def test_the_working_tree_is_neither_used_nor_changed(home: Path) -> None:
    fake_checkout.remove_outputs(home)
    (home / "dvc.lock").write_text("{}")
    before = git(home, "status", "--porcelain", "--ignored")
    found = audited(home, "HEAD~1", "all")
    assert len(found) > 100 and not failed(found)
    nodes = [node for audit in found for node in audit.node.below()]
    subjects = [node.subject for node in {id(node): node for node in nodes}.values() if node.name == "raw"]
    assert len(subjects) == len(set(subjects))  # what numbers share is one thing
    assert git(home, "status", "--porcelain", "--ignored") == before and left(home) == []


def test_code_that_moved_on_without_a_run_is_named_in_its_commit_alone(home: Path) -> None:
    (home / "dat/regions/boxes.py").write_text((home / "dat/regions/boxes.py").read_text() + "# more\n")
    fake_checkout.commit(home, "Change a module")
    subjects = [subject for name, subject in failed(audited(home, "HEAD")) if name == "code"]
    assert f"{STAR.replace('.txt', '.json')}: dat/regions/boxes.py" in subjects
    assert not failed(audited(home, "HEAD~1")) and not failed(audited(home, "HEAD~2"))


def test_a_tampered_file_of_the_cache_is_named(home: Path) -> None:
    md5 = fake_checkout.fake_profile.md5(home / STAR)
    fake_checkout.cached(home, md5).write_text("1,2,3,4\n")
    found = failed(audited(home, "HEAD"))
    assert found["result file", STAR] == "differs" and not failed(audited(home, "HEAD~1"))


def test_what_the_cache_lacks_is_named_and_not_checked(home: Path) -> None:
    fake_checkout.cached(home, fake_checkout.fake_profile.md5(home / STAR)).unlink()
    frame = home / "data/otb100/Wall/img/0003.jpg"
    fake_checkout.cached(home, fake_checkout.fake_profile.md5(frame)).unlink()
    (audit,) = audited(home, "HEAD")
    found = failed([audit])
    assert audit.verdict == "not checked" and set(found.values()) == {"not checked"}, found
    assert ("result file", STAR) in found
    assert ("raw files", "testing/otb100.jsonl Wall: Wall/img/0003.jpg") in found
    assert ("lock output", "dvc.lock benchmark@otb100: results/otb100") in found
    assert any(name == "recomputed" and f"HEAD:{STAR}" in subject for name, subject in found)


@pytest.mark.parametrize("name", ["results/otb100", "data/otb100", "testing/otb100.jsonl", "weights/gpgnet/jtnl"])
def test_an_output_that_the_cache_lacks_whole_is_not_checked(home: Path, name: str) -> None:
    fake_checkout.cached(home, fake_checkout.fake_profile.md5(home / name)).unlink()
    (audit,) = audited(home, "HEAD")
    found = failed([audit])
    assert audit.verdict == "not checked" and set(found.values()) == {"not checked"}, found
    assert any(name in f"{check.subject} {check.expected}" for check in audit.checks if check.verdict == "not checked")


def test_what_differs_outweighs_what_is_not_checked(home: Path) -> None:
    fake_checkout.cached(home, fake_checkout.fake_profile.md5(home / STAR)).unlink()
    (home / "reports/metrics/otb100.json").write_text(
        (home / "reports/metrics/otb100.json").read_text().replace("otb-toolkit-1.1", "other")
    )
    fake_checkout.commit(home, "Change the scores")
    (audit,) = audited(home, "HEAD")
    assert audit.verdict == "differs"


@pytest.mark.parametrize(("revision", "error", "said"), [
    ("nothing", InputError, "^nothing: no such revision here"),
    ("empty", MissingError, r"^empty: there is no dvc\.lock in it"),
])  # fmt: skip
def test_a_revision_that_holds_no_run_is_one_line(home: Path, revision: str, error: type[Exception], said: str) -> None:
    git(home, "switch", "-q", "--orphan", "empty")
    git(home, "commit", "-q", "--allow-empty", "-m", "Empty")
    git(home, "switch", "-q", "main")
    with pytest.raises(error, match=said):
        audited(home, revision)
    assert left(home) == []


def test_a_cache_that_is_gone_is_one_line(home: Path) -> None:
    shutil.rmtree(home / ".dvc/cache")
    with pytest.raises(MissingError, match=r"^HEAD: DVC's cache \(.*md5\) has none of its outputs; dvc fetch"):
        audited(home, "HEAD")
    assert left(home) == []


def test_settings_of_another_form_are_one_line(home: Path) -> None:
    data = records.read_json(home / "params.yaml")
    records.write_json(home / "params.yaml", {**data, "new": 1})
    fake_checkout.commit(home, "Add a setting")
    records.write_json(home / "params.yaml", data)
    with pytest.raises(ParamsError, match=r"^HEAD:params\.yaml:.*unknown key 'new'.*another form: git worktree add"):
        audited(home, "HEAD")
    assert left(home) == []


def test_the_command_names_the_commit(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_in_process(["audit", SCORE, "--rev", "HEAD~1", "--json", str(home / "a.json")])
    said = capsys.readouterr().out
    assert said.startswith(f"of commit {git(home, 'rev-parse', 'HEAD~1').strip()}\n") and "verified" in said
    assert json.loads((home / "a.json").read_text())["commit"] == git(home, "rev-parse", "HEAD~1").strip()


def test_a_cache_that_is_half_deleted_is_one_message(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What holds is still shown; what differs is a finding (status 1) all the same."""
    fake_checkout.cached(home, fake_checkout.fake_profile.md5(home / STAR)).unlink()
    lacks = (
        r"^HEAD: 1 of 1 numbers not checked, otb100/dat-jtnl/success first: DVC's cache lacks a part of results/otb100;"
    )
    with pytest.raises(MissingError, match=lacks) as done:
        run_in_process(["audit", SCORE, "--rev", "HEAD", "--json", str(home / "a.json")])
    assert done.value.status == 2
    said = capsys.readouterr().out
    assert "not checked" in said and json.loads((home / "a.json").read_text())["verdict"] == "not checked"
    (home / "reports/metrics/otb100.json").write_text(
        (home / "reports/metrics/otb100.json").read_text().replace("otb-toolkit-1.1", "other")
    )
    fake_checkout.commit(home, "Change the scores")
    with pytest.raises(SystemExit) as caught:
        run_in_process(["audit", SCORE, "--rev", "HEAD"])
    assert caught.value.code == 1


@pytest.mark.parametrize("more", [["--replay", "1"], ["--uses", "weights"], ["run.json"], ["--sealed"]])
def test_what_needs_the_working_tree_is_refused(home: Path, more: list[str]) -> None:
    with pytest.raises(click.UsageError, match="--rev"):
        run_in_process(["audit", SCORE, "--rev", "HEAD", *more])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_it_is_interrupted(home: Path, number: int) -> None:
    code = (
        "import signal, tempfile, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background ignores it
        f"tempfile.tempdir = {str(home.parent / 'scratch')!r}\n"
        "from dat.base import params\n"
        "from dat.audit import earlier\n"
        "with earlier.unpacked(params.load(), 'HEAD'):\n"
        "    print('there', flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-P", "-c", code]
    where = {**os.environ, "PYTHONPATH": str(fake_checkout.ROOT)}
    with subprocess.Popen(command, env=where, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None and process.stdout.readline() == b"there\n"
        assert len(left(home)) == 1
        process.send_signal(number)
        assert process.wait(300) != 0, "it was cut short"
    assert left(home) == []
