"""A profile's data sets: `data/<set>.json` says what one is, and where its files lie.

The file is made by `dat synthetic` in the embedded profile and committed in the paper's, where `data/<set>.path`,
ignored by git, names the folder on this machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dat.base import naming
from dat.base.errors import InputError, MissingError
from dat.base.params import Settings
from dat.datasets import manifest, sentences
from dat.records import read_json

DESCRIBED = ("plain", "otb99", "tnl2k")
"""Layouts of which no list is published here: linking a folder describes the set as it is there."""


@dataclass(frozen=True)
class DataSet:
    """What `data/<set>.json` says; `key` is the set's name in params.yaml, `profile` the profile's directory."""

    key: str
    profile: Path
    file: Path
    name: str
    layout: str
    lists: Mapping[str, list[str]]
    root: str
    table: Path | None

    @property
    def folder(self) -> Path | None:
        """The folder of its files; None when there is none on this machine."""
        place = manifest.resolve(self.profile, self.root)
        return place if place and place.is_dir() else None

    @property
    def linked(self) -> bool:
        """Whether its folder is the user's, not made by `dat synthetic`."""
        return self.root.endswith(".path")

    @property
    def wanted(self) -> list[str]:
        """The targets of all its lists, in order of name."""
        return sorted({name for names in self.lists.values() for name in names})

    def sentences(self) -> dict[str, sentences.Sentence]:
        """The sentences of its table; none without one."""
        return sentences.read(self.table) if self.table else {}


def read(file: Path, key: str, settings: Settings) -> DataSet:
    """The data set that a `data/<set>.json` describes. Raises InputError when it does not, MissingError without it."""
    if not file.is_file():
        raise MissingError(f"{file}: not there; run dat synthetic {key}, or restore it from git if it was committed")
    facts = read_json(file)
    _check(file, facts)
    root, table = facts.get("root") or f"data/{key}.path", facts.get("sentences")
    manifest.check_names({**facts, "root": root}, str(file))
    if table:
        naming.below(str(table).removeprefix(f"{settings.root.root}/"), file, "path of sentences")  # below the checkout
    return DataSet(
        key,
        settings.path,
        file,
        facts["name"],
        facts["layout"],
        facts["lists"],
        root,
        (settings.path / table).resolve() if table else None,
    )


def _check(file: Path, facts: Any) -> None:
    kinds = {"name": str, "layout": str, "lists": dict}
    for key, kind in kinds.items():
        if not isinstance(facts, dict) or not isinstance(facts.get(key), kind):
            raise InputError(
                f"{file}: no '{key}' of the right kind; make it again (dat synthetic) or restore it from git"
            )


def path(settings: Settings, key: str) -> Path:
    """Where the description of a data set lies. Raises InputError when params.yaml has no such set."""
    if key not in settings.root.datasets:
        raise InputError(f"no data set '{key}'; there are {', '.join(settings.root.datasets)}")
    return settings.path / "data" / f"{key}.json"


def is_described(settings: Settings, key: str) -> bool:
    """Whether linking its folder describes the data set."""
    return settings.root.datasets[key].layout in DESCRIBED


def load(settings: Settings, key: str) -> DataSet:
    """A profile's data set by key. Raises InputError when params.yaml has none of that name."""
    file = path(settings, key)
    if key in settings.root.synthetic and not file.is_file():
        raise MissingError(f"{file}: not there; run dat synthetic {key}")
    if is_described(settings, key) and not file.is_file():
        raise MissingError(f"{file}: not there; dat data link {key} PATH writes it")
    return read(file, key, settings)


def manifest_path(settings: Settings, key: str) -> Path:
    """Where the manifest of a data set lies."""
    return settings.path / f"{settings.root.datasets[key].manifest}.jsonl"
