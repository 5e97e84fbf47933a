"""The audit of one run of `dat track`, by the record in its JSON: frames, boxes, weights, code and settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dat.audit.checks import Audit, Check, Node, compare
from dat.audit.walk import Walk
from dat.base.errors import DatError, InputError
from dat.records import read_json
from dat.video import sources
from dat.video.provenance import Pixels


def audit(walk: Walk, path: Path) -> Audit:
    """The audit of the run whose JSON lies at a path; `walk` is of the profile whose weights and settings it used.

    Raises InputError where the file has no record of a run.
    """
    try:
        record = read_json(path)["record"]
        results = [
            compare("result file", fact["path"], fact["sha256"], walk.files.sha256(path.parent / fact["path"]))
            for fact in record["outputs"]
        ]
        checks = [*results, _frames(path.parent, record["source"], record["asked"])]
        return Audit(
            str(path), None, Node("run", str(path), checks + walk.checked(str(path), record), walk.above(record))
        )
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: not the JSON of a run with its record; dat track --json writes one") from None


def _frames(folder: Path, source: Mapping[str, Any], asked: Mapping[str, Any]) -> Check:
    """The frames read again, against those that were tracked."""
    place = folder / source["path"]
    if not place.exists() and not sources.is_glob(place.name):
        known = source["path"] == "standard input" or source["path"].startswith("camera ")
        why = "a stream that cannot be read again" if known else None
        return Check("frames", "unknown" if known else "missing", source["path"], source["sha256"], why)
    try:
        images = sources.open_source(str(place), asked["start"], source["frames"]).frames()
        digest: Any = Pixels.of(frame.image for frame in images).facts()["sha256"]
    except DatError as error:
        digest = str(error)
    return compare("frames", source["path"], source["sha256"], digest)
