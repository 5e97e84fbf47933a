"""The files and values of a crate, each once."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dat.audit import seal
from dat.audit.walk import Walk
from dat.base.errors import InputError, MissingError
from dat.records import is_record

COPIED = ("reports/metrics/", "reports/tables/")
LARGEST = 4 << 20
"""Files of more bytes are not copied."""
MOST = 200
"""An output of more files is one folder."""


KINDS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".lock": "application/yaml",
    ".md": "text/markdown",
    ".tex": "text/x-tex",
    ".png": "image/png",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".tar": "application/x-tar",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
}


def described(path: str, sha256: str, size: int | None) -> dict[str, Any]:
    """What a crate says of a file: its path in the run, sha256, bytes, and kind."""
    kind = KINDS.get(Path(path).suffix, "application/octet-stream")
    known = {} if size is None else {"contentSize": str(size)}
    return {"name": path, "sha256": sha256, "encodingFormat": kind, **known}


def named_by(sha256: str) -> str:
    """The name of bytes by their sha256, as RFC 6920 has it."""
    return "ni:///sha-256;" + base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")


@dataclass
class Contents:
    """What a crate holds of a run; `files` and `values` are its entities by path, and by name and value."""

    walk: Walk
    crate: Any
    files: dict[str, Any] = field(default_factory=dict)
    values: dict[tuple[str, str], Any] = field(default_factory=dict)

    def add(self, place: str, kind: str, /, **facts: Any) -> Any:
        """Something that is no file."""
        from rocrate.model.contextentity import ContextEntity

        return self.crate.add(ContextEntity(self.crate, place, properties={"@type": kind, **facts}))

    def record(self, stage: str) -> Mapping[str, Any]:
        """A stage's record. Raises MissingError where there is none, InputError where an output is not as recorded."""
        outputs = [str(out["path"]) for out in self.walk.lock.stages[stage].get("outs", [])]
        names = [path if is_record(Path(path)) else f"{path}/record.json" for path in outputs]
        record_of_it = next((record for name in names if (record := self.walk.json(name))), None)
        if record_of_it is None:
            raise MissingError(f"{stage}: its record is not there; dvc repro or dvc pull brings it back")
        for fact in record_of_it["outputs"]:
            now = self.walk.files.sha256(self.walk.settings.path / fact["path"])
            if now != fact["sha256"]:
                raise InputError(f"{fact['path']}: not what {stage} made; dat audit all says what else differs")
        return record_of_it

    def _file(self, path: str, sha256: str, size: int | None) -> Any:
        """A file, once: copied where it is small and text, else by its name and hash."""
        if path not in self.files:
            place = self.walk.settings.path / path
            copied = (is_record(Path(path)) or path.startswith(COPIED)) and (size or 0) <= LARGEST
            self.files[path] = self.copy(path, place) if copied else self.named(path, sha256, size)
        return self.files[path]

    def copy(self, name: str, place: Path) -> Any:
        """A file that the crate holds itself. Raises MissingError where there is none."""
        if name not in self.files:
            sha256 = self.walk.files.sha256(place)
            if sha256 is None:
                raise MissingError(f"{place}: not there; git checkout, dvc repro or dvc pull brings it back")
            facts = described(name, sha256, place.stat().st_size)
            self.files[name] = self.crate.add_file(place, name, properties=facts)
        return self.files[name]

    def named(self, path: str, sha256: str, size: int | None) -> Any:
        """A file by its bytes; where the run has them under several paths, one thing with several names."""
        known = self.crate.get(named_by(sha256))
        if known is not None:
            known["alternateName"] = sorted({*known.get("alternateName", []), path} - {known["name"]})
            return known
        return self.crate.add_file(named_by(sha256), properties=described(path, sha256, size))

    def all(self, facts: Iterable[Mapping[str, Any]]) -> list[Any]:
        """Files and rows of manifests that a record names; of an output with many, its folder."""
        folders: dict[str, list[Mapping[str, Any]]] = {}
        for fact in facts:
            parts = Path(fact["path"]).parents
            out = next((str(part) for part in parts if str(part) in self.walk.lock.outputs), fact["path"])
            folders.setdefault(out, []).append(fact)
        entries = []
        for out, inner in folders.items():
            entries += [self._folder(out, inner)] if len(inner) > MOST else [self.one(fact) for fact in inner]
        return list({one.id: one for one in entries}.values())

    def one(self, fact: Mapping[str, Any]) -> Any:
        """A file, or a row of a manifest by its hash."""
        if "sequence" in fact:
            name = f"{fact['path']} {fact['sequence']}"
            return self.value(name, fact["sha256"], "sha256 of a manifest's row")
        return self._file(fact["path"], fact["sha256"], fact.get("bytes"))

    def _folder(self, path: str, facts: Sequence[Mapping[str, Any]]) -> Any:
        sha256 = seal.branch_hash({fact["path"]: fact["sha256"] for fact in facts})
        size = sum(fact.get("bytes", 0) for fact in facts)
        description = f"{len(facts)} files; its sha256 is over lines of their sha256 and path, in order of the paths"
        known = self.crate.get(named_by(sha256) + "/")
        if known is not None:
            return known
        properties = {"name": path, "sha256": sha256, "contentSize": str(size), "description": description}
        return self.crate.add_dataset(named_by(sha256), properties=properties)

    def value(self, name: str, value: Any, kind: str = "setting") -> Any:
        """A setting, or a row of a manifest by its hash, as it was used."""
        text = value if isinstance(value, str) else json.dumps(value)
        if (name, text) not in self.values:
            count = sum(known == name for known, _ in self.values)
            place = f"#value-{len(self.values)}" if count or kind != "setting" else f"#setting-{name}"
            self.values[name, text] = self.add(place, "PropertyValue", name=name, value=text, propertyID=kind)
        return self.values[name, text]
