"""A run changed so that all of its hashes fit: what somebody can do who may write to the whole checkout."""

import json
from pathlib import Path
from typing import Any

from dat import records
from dat.base import opening
from tests.parts.fake_profile import md5

PLACES = ("results", "weights", "training", "reports", "runs", ".dat/store")
"""Where a run's outputs, records and run files lie, and its kept results."""


def forge(home: Path, name: str, data: bytes) -> None:
    """Write other bytes into a file of a run, and their hash wherever the old one stands: in records, in run files, in
    dvc.lock. The hashes of the files that this changes follow, and so on; copies of the file are changed with it."""
    texts = {path: path.read_bytes() for place in PLACES for path in sorted((home / place).rglob("*.json"))}
    before, old = dict(texts), (home / name).read_bytes()
    for path in [path for place in PLACES for path in (home / place).rglob(Path(name).name)]:
        if path.read_bytes() == old:
            records.write_bytes(path, data)
    hashes = _hashes(old, data)
    while hashes:
        changed = {path: _replaced(text, hashes) for path, text in texts.items()}
        pairs = [(texts[path], text) for path, text in changed.items() if text != texts[path]]
        hashes, texts = {old: new for pair in pairs for old, new in _hashes(*pair).items()}, changed
    for path, text in texts.items():
        if text != before[path]:
            records.write_bytes(path, text)
    lock(home)


def _hashes(old: bytes, new: bytes) -> dict[bytes, bytes]:
    """What old hashes become: of the bytes, and of a record's content."""
    pairs = [(records.sha256_bytes(old), records.sha256_bytes(new))]
    if old.startswith(b"{"):
        pairs.append((records.sha256_json(json.loads(old)), records.sha256_json(json.loads(new))))
    return {before.encode(): after.encode() for before, after in pairs}


def _replaced(text: bytes, hashes: dict[bytes, bytes]) -> bytes:
    for old, new in hashes.items():
        text = text.replace(old, new)
    return text


def lock(home: Path) -> None:
    """Bring dvc.lock up to date with what the run's folders hold."""
    found: dict[str, Any] = opening.yaml_reader("safe").load((home / "dvc.lock").read_text())
    for stage in found["stages"].values():
        for fact in [*stage.get("deps", []), *stage.get("outs", [])]:
            if fact["path"].split("/")[0] in PLACES:
                fact["md5"] = md5(home / fact["path"])
    records.write_json(home / "dvc.lock", found)
