"""The job store: whole entries or none."""

import errno
import os
import resource
from pathlib import Path

import pytest

from dat import records
from dat.base import opening
from dat.base.errors import LockedError
from dat.cli import run_in_process
from dat.fanout import store

KEY = "ab" * 32


def finished(place: Path, text: str = "1,2,3,4\n") -> dict[str, object]:
    folder = store.workspace(place)
    (folder / "Deer.txt").write_text(text)
    record = {"key": KEY, "outputs": records.folder_files(folder)}
    store.put(place, KEY, folder, record, {"seconds": 1})
    return record


def test_an_entry_comes_back(tmp_path: Path) -> None:
    assert store.record(tmp_path, KEY) is None
    wanted = finished(tmp_path)
    assert store.record(tmp_path, KEY) == wanted
    assert [entry.name for entry in store.entries(tmp_path)] == [KEY]


def test_the_first_of_two_equal_results_stays(tmp_path: Path) -> None:
    finished(tmp_path)
    finished(tmp_path, "9,9,9,9\n")
    assert (store.entry(tmp_path, KEY) / "Deer.txt").read_text() == "1,2,3,4\n"
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("damage", ["file", "record", "missing", "run"])
def test_a_damaged_entry_is_taken_away(tmp_path: Path, damage: str) -> None:
    finished(tmp_path)
    folder = store.entry(tmp_path, KEY)
    if damage == "file":
        (folder / "Deer.txt").write_text("1,2,3,5\n")
    elif damage == "record":
        (folder / "record.json").write_text("{")
    elif damage == "run":
        (folder / "run.json").unlink()
    else:
        (folder / "Deer.txt").unlink()
    assert store.record(tmp_path, KEY) is None
    assert not folder.exists()


@pytest.mark.parametrize("name", ["record.json", "run.json", "Deer.txt"])
@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ESTALE, errno.EACCES])
def test_an_entry_that_the_system_does_not_let_be_read_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    wanted, real = finished(tmp_path), os.open

    def refusing(path: str, *rest: int) -> int:
        if Path(path).name == name:
            raise OSError(number, os.strerror(number), path)
        return real(path, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(opening.os, "open", refusing)
        with pytest.raises(OSError, match=os.strerror(number)) as error:
            store.record(tmp_path, KEY)
    assert error.value.errno == number and store.record(tmp_path, KEY) == wanted


def test_an_entry_stays_where_no_more_files_may_be_open(tmp_path: Path) -> None:
    wanted, limits = finished(tmp_path), resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        with pytest.raises(OSError, match="Too many open files"):
            store.record(tmp_path, KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert store.record(tmp_path, KEY) == wanted


def test_the_store_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAT_CACHE", raising=False)
    assert store.location(tmp_path) == tmp_path / ".dat" / "store"
    monkeypatch.setenv("DAT_CACHE", str(tmp_path / "other"))
    assert store.location(tmp_path) == tmp_path / "other"


def test_cleaning_takes_what_killed_jobs_left_and_not_while_a_run_uses_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAT_CACHE", str(tmp_path))
    finished(tmp_path)
    left = store.workspace(tmp_path)
    (left / "Deer.txt").write_text("1,2")
    with store.held(tmp_path), store.held(tmp_path):
        with pytest.raises(LockedError, match="a benchmark uses the store"):
            run_in_process(["cache", "clean"])
        assert left.exists() and store.record(tmp_path, KEY) is not None
    run_in_process(["cache", "clean", "--days", "1"])
    assert not left.exists() and store.record(tmp_path, KEY) is not None
    run_in_process(["cache", "clean"])
    assert store.record(tmp_path, KEY) is None
    with store.cleaning(tmp_path), pytest.raises(LockedError, match="dat cache clean"), store.held(tmp_path):
        pass
