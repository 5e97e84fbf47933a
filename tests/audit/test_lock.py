"""dvc.lock read without DVC: the same hashes as DVC's own, and what each kind of change is called."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dat import records
from dat.audit import graph, lock
from dat.audit.files import Files
from dat.audit.walk import Walk
from dat.base import params
from dat.base.errors import InputError

DVC_YAML = """
stages:
  one:
    cmd: mkdir -p out/deep && echo a > out/a.txt && echo b > out/deep/b.txt && echo c > "out/a b.txt"
    params: [seed]
    deps: [code]
    outs: [out]
  two:
    cmd: cp out/a.txt sum.txt
    deps: [out]
    outs: [sum.txt]
"""


def dvc(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "dvc", "--quiet", *arguments]
    subprocess.run(
        command, cwd=folder, check=True, env={"DVC_NO_ANALYTICS": "1", "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lock written by DVC itself."""
    folder = tmp_path_factory.mktemp("repository")
    dvc(folder, "init", "--no-scm")
    (folder / ".dvcignore").write_text("# what DVC does not see\n__pycache__/\n*.pyc\n")
    for name in ("code/main.py", "code/__pycache__/main.pyc", "code/stray.pyc", "code/Zeta.py", "code/part/x.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "dvc.yaml").write_text(DVC_YAML)
    (folder / "params.yaml").write_text("seed: 1.0e-4\n")
    dvc(folder, "repro")
    return folder


def opened(folder: Path, params: dict[str, float] | None = None) -> lock.Lock:
    stages = lock.read(folder / "dvc.lock")
    return lock.Lock(folder, Files.at(folder), stages, params or {"seed": 1e-4}, graph.read(folder / "dvc.yaml"))


def verdicts(found: list[lock.Check]) -> dict[str, str]:
    return {check.subject: check.verdict for check in found}


def test_hashes_agree_with_dvc(repository: Path) -> None:
    found = opened(repository)
    checks = found.checks("one", "") + found.checks("two", "")
    assert len(checks) == 7 + 2 * (5 + 1)
    sizes = {check.subject: check.verdict for check in checks if check.name == "lock size"}
    assert sizes == {"dvc.lock one": "verified", "dvc.lock two": "verified"}
    assert {check.verdict for check in checks} == {"verified"}


def test_a_changed_output_and_dependency_differ(repository: Path) -> None:
    (repository / "out/deep/b.txt").chmod(0o644)
    (repository / "out/deep/b.txt").write_text("other\n")
    found = opened(repository)
    try:
        assert verdicts(found.checks("one", ""))["dvc.lock one: out"] == "differs"
    finally:
        (repository / "out/deep/b.txt").write_text("b\n")


def test_a_stage_that_ran_on_an_older_output_is_stale(repository: Path) -> None:
    found = opened(repository)
    found.stages["two"]["deps"][0]["md5"] = "0" * 32 + ".dir"
    assert verdicts(found.checks("two", ""))["dvc.lock two: out"] == "differs"


def test_a_changed_size_differs_and_a_stage_too_many_is_named(repository: Path) -> None:
    found = opened(repository)
    (out,) = found.stages["one"]["outs"]
    assert (out["size"], out["nfiles"]) == (6, 3)
    out["nfiles"] = 4
    for name, subject in (("one", "dvc.lock one: out"), ("two", "dvc.lock two: out")):
        assert verdicts(found.checks(name, ""))[subject] == "differs"
    (size,) = [check for check in found.checks("one", "") if check.name == "lock size" and check.verdict == "differs"]
    assert (size.expected, size.found) == ("6 bytes in 4 files", "6 bytes in 3 files")
    assert found.others() == []
    assert [check.subject for check in lock.Lock(*_other(found)).others()] == ["dvc.lock three"]


def _other(found: lock.Lock) -> tuple[Any, ...]:
    return found.home, found.files, {**found.stages, "three": found.stages["two"]}, found.params, found.graph


def test_changed_params_and_commands_differ(repository: Path) -> None:
    found = opened(repository, {"seed": 2.0})
    checks = {check.name: check for check in found.checks("one", "mkdir other")}
    assert (checks["lock params"].verdict, checks["lock params"].expected, checks["lock params"].found) == (
        "differs",
        1e-4,
        2.0,
    )
    assert checks["lock command"].verdict == "differs"


def test_missing_things_are_missing(repository: Path, tmp_path: Path) -> None:
    found = lock.Lock(tmp_path, Files(), lock.read(repository / "dvc.lock"), {}, {})
    assert set(verdicts(found.checks("one", "")[1:]).values()) == {"missing"}


def test_the_stage_of_a_path(repository: Path) -> None:
    found = opened(repository)
    assert [found.stage_of(path) for path in ("out", "out/deep/b.txt", "sum.txt", "elsewhere")] == [
        "one",
        "one",
        "two",
        None,
    ]


def test_no_lock_has_no_stages(tmp_path: Path) -> None:
    assert lock.read(tmp_path / "dvc.lock") == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        json.dumps({"schema": "2.0"}),
        json.dumps({"stages": {"one": None}}),
        json.dumps({"stages": {"one": {"outs": [{"path": "out"}]}}}),
        json.dumps({"stages": {"one": {"deps": [{"path": "out", "md5": 7}]}}}),
    ],
)
def test_a_broken_lock_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(InputError, match=r"dvc\.lock: not a lock"):
        lock.read(tmp_path / "dvc.lock")


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("exec ./workflow/dat benchmark", "verified"),
        ("exec ../../workflow/dat benchmark", "verified"),
        ("exec ./workflow/dat evaluate", "differs"),
        ("exec ./workflow/dat benchmark otb2013", "differs"),
        ("exec ./workflow/dat benchmark; rm x", "differs"),
    ],
)
def test_a_command_is_compared_with_the_key_of_its_stage(tmp_path: Path, said: str, verdict: str) -> None:
    found = lock.Lock(tmp_path, Files(), {"benchmark@otb100": {"cmd": said}}, {}, {})
    assert found.checks("benchmark@otb100", "dat benchmark otb100")[0].verdict == verdict


def test_blank_lines_and_comments_of_dvcignore_are_no_patterns(tmp_path: Path) -> None:
    (tmp_path / ".dvcignore").write_text("# what is not hashed\n\n__pycache__/\n  *.tmp  \n   \n")
    assert Files.at(tmp_path).ignored == ("__pycache__/", "*.tmp")


def test_a_lock_of_another_profile_is_one_line(tmp_path: Path) -> None:
    stages = {
        "report": {"params": {"params.yaml": {"profile": "paper", "variants": {}}}},
        "masks": {"cmd": "dat masks"},
    }
    lock.check_profile(tmp_path / "dvc.lock", stages, "paper")
    lock.check_profile(tmp_path / "dvc.lock", {"masks": {"cmd": "dat masks"}}, "embedded")
    other = {"report": {"params": {"params.yaml": {"profile": "embedded"}}}, "encoder@vgg11": stages["report"]}
    for held in (stages, {"encoder@vgg11": stages["report"]}, other):
        with pytest.raises(InputError, match=r"dvc\.lock: of the profile 'paper'.* of 'embedded'; put this"):
            lock.check_profile(tmp_path / "dvc.lock", held, "embedded")


def test_an_audit_refuses_a_lock_of_another_profile(run: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(run, tmp_path / "copy", symlinks=True))
    found = records.read_json(home / "dvc.lock")
    found["stages"].setdefault("report", {})["params"] = {"params.yaml": {"profile": "paper"}}
    records.write_json(home / "dvc.lock", found)
    walk = Walk(params.load(home))
    with pytest.raises(InputError, match="of the profile 'paper'"):
        walk.audit(walk.resolve("otb100/dat-jtnl/success")[0])
