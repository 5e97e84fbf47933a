"""The job store's entry of a sequence's result, against the result: jobs put it there when they had tracked it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dat.audit.checks import Check, compare, group
from dat.audit.files import Files, json_object
from dat.base import outside
from dat.base.errors import DatError
from dat.fanout import store
from dat.records import sha256_json


def checks(place: Path, files: Files, record: Mapping[str, Any]) -> list[Check]:
    """The entry of a result's record in the store at `place`, where there is one."""
    entry = store.entry(place, str(record.get("key")))
    if not entry.is_dir():
        return []
    same = json_object(entry / store.RECORD) == record
    results = [Check("store", "verified" if same else "differs", str(entry / store.RECORD), "the record", same)]
    results.append(
        compare("store", str(entry / store.RUN), sha256_json(record), json_object(entry / store.RUN).get("record"))
    )
    pairs = {fact["path"]: (fact["sha256"], files.sha256(entry / fact["path"])) for fact in record["outputs"]}
    return results + group("store", str(entry), pairs)


def first_other(place: Path, files: Files, record: Mapping[str, Any], folder: Path, file: str) -> str:
    """Of a result file in `folder` that is not the recorded one, which frame is the first that differs, in words.

    Empty where the store has not the recorded one either, or a file cannot be read.
    """
    wanted = next((fact["sha256"] for fact in record["outputs"] if fact["path"] == file), None)
    whole = store.entry(place, str(record.get("key"))) / file
    if wanted is None or not whole.is_file() or files.sha256(whole) != wanted:
        return ""
    try:
        old, new = (outside.read_text(path).splitlines() for path in (whole, folder / file))
    except (DatError, OSError):
        return ""
    differing = (number for number, pair in enumerate(zip(old, new, strict=False), 1) if pair[0] != pair[1])
    return f": frame {next(differing, min(len(old), len(new)) + 1)} is the first that differs from the job store's"
