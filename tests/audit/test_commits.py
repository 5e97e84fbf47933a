"""The code of a record against the commit that its run file names."""

import hashlib
import shutil
from pathlib import Path

import pytest

from dat import records
from dat.audit import show
from dat.audit.commits import Commits
from dat.audit.walk import Walk
from dat.base import params
from tests.parts import fake_checkout
from tests.parts.fake_checkout import git

TEXTS = {"dat/a.py": "a\n", "dat/inner/b b.py": "b\n", "dat/empty.py": "", "Snakefile": "s\n", "docs/c.md": "c\n"}
CODE = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in TEXTS.items() if name != "docs/c.md"}


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        records.write_text(tmp_path / name, text)
    git(tmp_path, "init", "-q")
    fake_checkout.commit(tmp_path, "One")
    return tmp_path


def run_of(top: Path) -> dict[str, str]:
    return {"commit": git(top, "rev-parse", "HEAD").strip()}


def test_code_is_compared_with_the_commits_bytes_and_not_with_the_working_trees(top: Path) -> None:
    run, commits = run_of(top), Commits(top)
    (top / "dat/a.py").write_text("another\n")
    assert {check.verdict for check in commits.checks("runs/one.json", run, CODE)} == {"verified"}
    other = {**CODE, "dat/a.py": records.sha256_file(top / "dat/a.py"), "dat/none.py": "0" * 64}
    found = {check.subject: check.verdict for check in commits.checks("runs/one.json", run, other)}
    assert found == {
        f"runs/one.json, commit {run['commit'][:12]}: dat/a.py": "differs",
        f"runs/one.json, commit {run['commit'][:12]}: dat/none.py": "missing",
        f"runs/one.json, commit {run['commit'][:12]}": "verified",
    }
    fake_checkout.commit(top, "Two")
    assert {check.verdict for check in commits.checks("runs/two.json", run_of(top), CODE | {"dat/a.py": ""})} == {
        "differs", "verified",
    }  # fmt: skip
    assert not commits.notes()


def test_a_commit_that_is_not_here_and_a_changed_checkout_are_said_and_no_failure(top: Path) -> None:
    commits, run = Commits(top), run_of(top)
    assert not commits.checks("runs/one.json", {"commit": "a" * 40}, CODE)
    assert not commits.checks("runs/one.json", {"commit": "--help"}, CODE)
    assert not commits.checks("runs/one.json", {**run, "patch": "b" * 64}, CODE)
    assert not commits.checks("runs/one.json", {}, CODE)
    alone = "the code of its runs is compared with the working tree alone"
    assert commits.notes() == [
        f"commit --help is not in this repository: {alone}",
        f"commit aaaaaaaaaaaa is not in this repository: {alone}",
        f"commit {run['commit'][:12]} had uncommitted changes: {alone}",
    ]


def test_without_git_no_commit_is_known(top: Path) -> None:
    commit = run_of(top)["commit"]
    assert Commits(top).known(commit) and not Commits(top).known("a" * 40)
    shutil.rmtree(top / ".git")
    assert not Commits(top).known(commit)


def test_a_module_changed_together_with_its_hash_is_told_by_the_commit(tmp_path: Path) -> None:
    """Every hash is made anew after the change; the run files still name the commit."""
    fake_checkout.build(tmp_path)
    name, module = "otb100/dat-jtnl@seed-0/Star", tmp_path / "dat/regions/boxes.py"
    path, commit = tmp_path / f"results/{name}.json", run_of(tmp_path)
    module.write_text("# changed\n" + module.read_text())
    made = records.read_json(path)
    made["code"]["dat/regions/boxes.py"] = records.sha256_file(module)
    records.write_json(path, made)
    records.write_json(tmp_path / f"runs/{name}.json", {**commit, "record": records.sha256_json(made)})
    walk = Walk(params.load(tmp_path))
    found = show.differences([walk.audit(one) for one in walk.resolve("otb100/dat-jtnl/Star/success")])
    named = f"runs/{name}.json, commit {commit['commit'][:12]}: dat/regions/boxes.py"
    assert [check.subject for check in found if check.name == "commit"] == [named]
