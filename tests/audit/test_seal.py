"""The seal: the same for the same run, another for any other byte, and not to be forged with the run when committed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from dat import records
from dat.audit import seal, show
from dat.audit.checks import Check
from dat.audit.walk import Walk
from dat.base import params
from dat.base.errors import InputError, MissingError
from dat.cli import run_in_process, timings
from tests.forging import forge
from tests.parts import fake_checkout, fake_profile

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run with its code, a git repository of its own, with its seal committed."""
    home = Path(shutil.copytree(run, tmp_path / "copy", symlinks=True))
    fake_checkout.take_code(home, home)
    text = (home / "params.yaml").read_text()
    (home / "params.yaml").write_text(text.replace('"root": "checkout"', '"root": "."'))
    fake_profile.lock(home, params.load(home))
    monkeypatch.chdir(home)
    run_in_process(["audit", "--seal"])
    for command in (["init", "-q"], ["add", "reports/seal.json"], ["commit", "-q", "-m", "Seal the run"]):
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *command], cwd=home, check=True)
    return home


def test_make_repro_ends_with_the_seal(copy: Path) -> None:
    root = seal.read(copy / seal.FILE).root
    assert timings.seal_facts(params.load(copy)) == {"seal": root, "sealed": True}
    scores = copy / "reports/metrics/otb100.json"
    scores.write_text(scores.read_text() + " ")
    changed = timings.seal_facts(params.load(copy))
    assert changed["seal"] != root and not changed["sealed"]
    scores.unlink()
    assert timings.seal_facts(params.load(copy)) == {}


def sealed(capsys: pytest.CaptureFixture[str]) -> str:
    """What `dat audit --sealed` prints where something differs."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        run_in_process(["audit", "--sealed"])
    assert caught.value.code == 1
    return capsys.readouterr().out


def wrong(home: Path) -> list[Check]:
    """The checks of all numbers that do not hold."""
    walk = Walk(params.load(home), stages=True)
    return show.differences([walk.audit(address) for address in walk.resolve("all")])


def forge_a_box(home: Path) -> None:
    """Move a box by a ten-thousandth of a pixel, and make every hash fit."""
    name = "results/otb100/dat-jtnl@seed-0/Star.txt"
    lines = (home / name).read_text().splitlines()
    x, rest = lines[3].split(",", 1)
    lines[3] = f"{float(x) + 0.0001:.4f},{rest}"
    forge(home, name, ("\n".join(lines) + "\n").encode())


def test_the_same_run_has_the_same_seal_wherever_it_lies(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    run_in_process(["audit", "--sealed"])
    said = capsys.readouterr().out
    assert said.startswith("sealed: root ") and said.rstrip().endswith("and the commit's")
    files = [path for path in copy.rglob("*") if path.is_file() and ".git" not in path.parts]
    others = ("runs/", "reports/seal", "annotations/", "dat/", "workflow/", "Snakefile", ".dvcignore")
    count = sum(not path.relative_to(copy).as_posix().startswith(others) for path in files)
    assert seal.read(copy / seal.FILE).files == count  # every file of the run, but the run files and the code
    before = seal.read(copy / seal.FILE)
    shutil.rmtree(copy / "runs")
    run_in_process(["audit", "--seal"])
    assert seal.read(copy / seal.FILE) == before


def test_a_forged_run_breaks_the_seal_and_the_branch_is_named(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forge_a_box(copy)
    assert not wrong(copy), "no other check notices"
    said = sealed(capsys)
    assert "results/otb100/dat-jtnl@seed-0" in said and "dvc.lock" in said
    assert "results/otb100/pymdnet@seed-0" not in said and "weights" not in said


def test_a_forged_seal_is_not_the_commits(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forge_a_box(copy)
    run_in_process(["audit", "--seal"])
    said = sealed(capsys)
    assert said.startswith("the commit's seal: differs in ") and "results/otb100/dat-jtnl@seed-0" in said


def test_a_seal_that_was_edited_is_refused(copy: Path) -> None:
    facts = records.read_json(copy / seal.FILE)
    facts["branches"]["dvc.lock"] = "0" * 64
    records.write_json(copy / seal.FILE, facts)
    with pytest.raises(InputError, match="its root is not the hash of its branches"):
        run_in_process(["audit", "--sealed"])
    (copy / seal.FILE).write_text('{"root": 5}')
    with pytest.raises(InputError, match="not a seal"):
        run_in_process(["audit", "--sealed"])
    (copy / seal.FILE).unlink()
    with pytest.raises(MissingError, match="no seal; dat audit --seal writes one"):
        run_in_process(["audit", "--sealed"])


def test_a_project_below_the_top_of_a_repository_has_its_seal(copy: Path) -> None:
    held = seal.committed(Walk(params.load(copy)))
    top = copy.parent / "top"
    top.mkdir()
    (copy / ".git").rename(top / ".git")
    home = copy.rename(top / "project")
    for command in (
        ["rm", "-q", "--cached", seal.FILE],
        ["add", f"project/{seal.FILE}"],
        ["commit", "-q", "-m", "Move the project"],
    ):
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *command], cwd=top, check=True)
    assert held is not None and seal.committed(Walk(params.load(home))) == held


def test_a_run_that_is_not_whole_is_not_sealed(copy: Path) -> None:
    (copy / "weights/salnet/core/pymdnet/weights.safetensors").unlink()
    shutil.rmtree(copy / "results/vot2016")
    with pytest.raises(MissingError, match="results/vot2016: not there; dvc repro"):
        run_in_process(["audit", "--seal"])


def test_the_committed_seal_is_of_the_committed_lock_and_settings() -> None:
    files = Walk(params.load(ROOT)).files
    held = seal.read(ROOT / seal.FILE).branches
    for name in seal.SETTINGS:
        assert held[name] == seal.branch_hash({name: str(files.sha256(ROOT / name))}), f"{name}: dat audit --seal"
