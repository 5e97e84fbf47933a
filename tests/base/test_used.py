"""What a process has used: code as it was loaded, files as they were read."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dat import records
from dat.base import used
from dat.base.errors import ChangedError, InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(used, "FILES", {})
    monkeypatch.setattr(used, "CODE", dict(used.CODE))


WATCHING = ("__init__.py", "base/__init__.py", "base/used.py")


def package(place: Path, text: str = "NUMBER = 1\n") -> Path:
    """A copy of what watches, with one more module."""
    (place / "dat" / "base").mkdir(parents=True)
    for name in WATCHING:
        (place / "dat" / name).write_bytes((ROOT / "dat" / name).read_bytes())
    (place / "dat" / "more.py").write_text(text)
    return place / "dat" / "more.py"


def loaded(place: Path, before: str = "") -> tuple[int, dict[str, str]]:
    """The module's number and the noted code, in a process of its own that may keep compiled code."""
    code = (
        f"import json, dat\n{before}\nfrom dat import more\nfrom dat.base import used\n"
        "print(json.dumps([more.NUMBER, used.CODE]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=place, env={}, capture_output=True, text=True, check=True)
    number, noted = json.loads(done.stdout)
    return number, noted


def test_every_loaded_module_is_noted_with_the_hash_of_its_bytes(tmp_path: Path) -> None:
    module = package(tmp_path)
    number, noted = loaded(tmp_path)
    assert number == 1 and set(noted) == {"dat/more.py", *(f"dat/{name}" for name in WATCHING)}
    assert noted["dat/more.py"] == hashlib.sha256(module.read_bytes()).hexdigest()


def test_a_module_changed_after_it_was_loaded_keeps_the_hash_of_what_runs(tmp_path: Path) -> None:
    module = package(tmp_path)
    wanted = hashlib.sha256(module.read_bytes()).hexdigest()
    change = f"from dat import more\nopen({str(module)!r}, 'w').write('NUMBER = 2\\n')"
    assert loaded(tmp_path, change) == (1, {**loaded(tmp_path)[1], "dat/more.py": wanted})


def test_compiled_code_is_kept_by_hash_not_by_time_and_size(tmp_path: Path) -> None:
    """An edit of the same length in the same second, which Python's own cache does not see."""
    module = package(tmp_path)
    os.utime(module, (1_700_000_000, 1_700_000_000))
    assert loaded(tmp_path)[0] == 1
    assert list((tmp_path / "dat" / "__pycache__").glob("more.*opt-hashed.pyc"))
    module.write_text("NUMBER = 2\n")
    os.utime(module, (1_700_000_000, 1_700_000_000))
    assert loaded(tmp_path)[0] == 2


def test_a_file_of_which_two_contents_were_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    wanted = hashlib.sha256(b"one").hexdigest()
    assert used.read(file, 9) == b"one"
    used.check_files({file: wanted, tmp_path / "unread": "x"})
    file.write_bytes(b"two")
    used.read(file, 9)
    file.write_bytes(b"one")
    with pytest.raises(ChangedError, match="weights: changed between planning and use"):
        used.check_files({file: wanted})
    with pytest.raises(InputError, match="nothing: cannot be read"):
        used.read(tmp_path / "nothing", 9)


def test_a_module_that_was_not_planned_or_is_another_is_named() -> None:
    used.check_loaded(used.CODE)
    name = "dat/base/errors.py"
    for other in ({**used.CODE, name: "0" * 64}, {key: value for key, value in used.CODE.items() if key != name}):
        with pytest.raises(ChangedError, match=r"dat/base/errors\.py: not the code that this run was planned with"):
            used.check_loaded(other)


def test_a_file_of_the_code_that_changed_since_is_named() -> None:
    used.check_code(records.code_closure("dat.regions.boxes"))
    with pytest.raises(ChangedError, match=r"dat/regions/boxes\.py: changed while it was in use"):
        used.check_code({"dat/regions/boxes.py": "0" * 64})


def test_a_snapshot_names_what_changed_came_or_went(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    records.write_text(folder / "a", "a")
    records.write_text(folder / "b", "b")
    before = records.Snapshot.of([folder], tmp_path)
    before.check()
    (folder / "a").write_text("x")
    (folder / "a").write_text("a")  # who read it meanwhile has read other bytes
    (folder / "b").unlink()
    (folder / "c").touch()
    assert before.changed() == [folder / "a", folder / "b", folder / "c"]
    with pytest.raises(ChangedError, match="in/a: changed while it was in use"):
        before.check()
