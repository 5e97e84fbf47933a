"""What else has a sequence's result: the job store's entry, against the result, since jobs put it there when they had
tracked it; and of a changed result, the frame that differs from a copy."""

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


def first_other(copies: Mapping[str, Path | None], files: Files, wanted: str, changed: Path) -> str:
    """Of a changed result file, which frame is the first that differs, in words, from the first of `copies` (by where
    they are) whose sha256 is the wanted one.

    Empty where there is no such copy, or a file cannot be read.
    """
    where = next((name for name, path in copies.items() if path and files.sha256(path) == wanted), None)
    whole = copies.get(where or "")
    if whole is None:
        return ""
    try:
        old, new = (outside.read_text(path).splitlines() for path in (whole, changed))
    except (DatError, OSError):
        return ""
    differing = (number for number, pair in enumerate(zip(old, new, strict=False), 1) if pair[0] != pair[1])
    first = next(differing, min(len(old), len(new)) + 1)
    return f": frame {first} is the first that differs from the copy in {where}"
