"""Records: hashes, whole files, code closures."""

import fnmatch
import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from dat import records
from dat.base.errors import InputError
from dat.report import metrics

ROOT = Path(__file__).resolve().parents[2]


def test_hashes_are_those_of_hashlib(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert records.sha256_file(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest() == records.sha256_bytes(b"abc")
    (tmp_path / "large").write_bytes(large := b"abcd" * (1 << 18) + b"e")  # is not read whole
    assert records.sha256_file(tmp_path / "large") == hashlib.sha256(large).hexdigest()


def test_json_hash_ignores_the_order_of_keys() -> None:
    assert records.sha256_json({"a": 1, "b": [1.5]}) == records.sha256_json({"b": [1.5], "a": 1})
    assert records.sha256_json({"a": 1}) != records.sha256_json({"a": 1.5})


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    records.write_json(path, {"old": 1})
    with pytest.raises(ValueError, match="Out of range"):
        records.write_json(path, {"new": float("nan")})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        records.write_json(path, {"new": 2})
    assert json.loads(path.read_text()) == {"old": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]


def test_what_the_dead_left_deep_in_a_folder_is_removed_and_never_read(tmp_path: Path) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    group = tmp_path / "weights" / "salnet" / "core"
    dead, mine = group / f".x.{process.pid}.abcdef.tmp", records.temporary(group / "x")
    for folder in (group / "x", dead, mine):
        records.write_text(folder / "metrics.json", "{}")
    whole = [f"salnet/core/{name}" for name in ("notes.tmp", "x/metrics.json")]
    (group / "notes.tmp").touch()  # a user's
    (group / f".mine.{process.pid}.old.tmp").touch()
    assert [file["path"] for file in records.folder_files(tmp_path / "weights")] == whole
    assert [training.name for training in metrics.read_trainings(tmp_path / "weights", tmp_path)] == ["x"]
    records.sweep(tmp_path / "weights")
    assert sorted(path.name for path in group.iterdir()) == sorted(
        ["x", "notes.tmp", mine.name, f".mine.{process.pid}.old.tmp"]
    )


def test_dvc_does_not_see_temporary_names_either() -> None:
    patterns = (ROOT / ".dvcignore").read_text().split()
    assert any(fnmatch.fnmatch(records.temporary(Path("x")).name, pattern) for pattern in patterns)


def test_broken_json_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": 1,\n"b": }')
    with pytest.raises(InputError, match=r"x\.json:2"):
        records.read_json(tmp_path / "x.json")


def test_the_closure_holds_imports_inside_functions_and_packages() -> None:
    closure = records.code_closure("dat.fanout.job")
    wanted = [
        "__init__",
        "regions/boxes",
        "datasets/manifest",
        "models/salnet",
        "records/__init__",
        "tracking/__init__",
        "fanout/unit",
    ]
    assert {f"dat/{name}.py" for name in wanted} <= set(closure)
    assert not any(path.startswith(("dat/report", "dat/audit", "dat/cli", "dat/training")) for path in closure)


def test_parents_are_the_records_beside_and_within(tmp_path: Path) -> None:
    (tmp_path / "training" / "frames").mkdir(parents=True)
    (tmp_path / "training" / "frames" / "record.json").write_text("{}")
    (tmp_path / "training" / "lasot.jsonl").write_text("{}")
    (tmp_path / "training" / "lasot.record.json").write_text("{}")
    (tmp_path / "training" / "other.record.json").write_text("{}")
    beside = records.parents([tmp_path / "training" / "lasot.jsonl"], tmp_path)
    within = records.parents([tmp_path / "training" / "frames"], tmp_path)
    assert [one["path"] for one in beside] == ["training/lasot.record.json"]
    assert [one["path"] for one in within] == ["training/frames/record.json"]
    assert beside[0]["sha256"] == hashlib.sha256(b"{}").hexdigest()


def test_what_is_not_known_is_absent() -> None:
    facts = records.environment()
    assert "threads" not in facts
    assert facts["device"] == "cpu"
    assert all(facts["packages"].values())


@pytest.mark.parametrize("below", ["", "project"])
def test_a_changed_checkout_is_never_clean(tmp_path: Path, below: str) -> None:
    top = tmp_path / below  # a repository may hold more than the checkout
    profile = top / "profiles" / "paper"

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)

    for name in ("dat/__init__.py", "params.yaml", "profiles/paper/params.yaml"):
        records.write_text(top / name, "old\n")
    records.write_text(tmp_path / ".gitignore", "*.pyc\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Begin"]):
        git(*command)
    records.write_text(top / "dat" / "a.pyc", "ignored")
    assert records.commit(top).keys() == records.commit(profile).keys() == {"commit"}
    seen = set()
    for name in ("dat/__init__.py", "params.yaml", "dat/new.py", "workflow/new.smk", "dat/new.py"):
        records.write_text(top / name, f"{len(seen)}\n")
        facts = records.commit(profile)
        assert facts == records.commit(top) and facts["patch"] not in seen, name
        seen.add(facts["patch"])


def test_a_folder_outside_of_git_has_no_commit(tmp_path: Path) -> None:
    records.write_text(tmp_path / "dat" / "__init__.py", "")
    assert records.commit(tmp_path) == {}
