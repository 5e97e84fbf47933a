"""A unit: one (variant, seed, sequence), what decides its result, and its key.

The key is the sha256 of everything that decides the result: variants that differ in name only share it, and it does
not change with the run's other sequences. The code in it is every module that a job can load, so a job loads little
that decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dat import records
from dat.base.errors import MissingError
from dat.tracking.parts import Parts

ENTRY = "dat.fanout.job"
"""The module that a job's process runs."""


@dataclass(frozen=True)
class Unit:
    """One (variant, seed, sequence): its key, and what the job needs to know. Folders are below the profile.

    Without a SALNet it is CSR-DCF's. `cost` is the frames that it tracks, at most. `files` are the facts of the files
    that decide its result beside the sequence's, `parents` those of their records.
    """

    key: str
    variant: str
    seed: int
    sequence: str
    attention: str
    salnet: str | None
    gpgnet: str | None
    cost: int
    colour_names: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    parents: list[dict[str, str]] = field(default_factory=list)

    @property
    def tracker(self) -> str:
        """The name of the tracker's folder in the results."""
        return f"{self.variant}@seed-{self.seed}"

    @property
    def draws(self) -> int | None:
        """The seed that its result depends on; CSR-DCF draws nothing."""
        return self.seed if self.salnet else None

    @property
    def section(self) -> str:
        """The section of the settings that its tracker reads."""
        return "csrdcf" if self.salnet is None else "tracking"

    def parts(self, home: Path) -> Parts:
        """What its tracker is made of, below the profile's folder."""
        salnet, gpgnet, names = (
            home / path if path else None for path in (self.salnet, self.gpgnet, self.colour_names)
        )
        return Parts(self.attention, salnet, gpgnet, names)

    def reads(self, sections: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the sections that this unit reads."""
        return {name: values for name, values in sections.items() if name in (self.section, "vot")}


def weights_of(folder: Path) -> list[Path]:
    """The files of a network that decide a result. Raises MissingError."""
    files = [path for name in ("weights.safetensors", "vocabulary.json") if (path := folder / name).is_file()]
    if not files:
        raise MissingError(f"{folder}: no weights; dvc repro makes them (dat train)")
    return files


def files_of(home: Path, unit: Unit) -> list[Path]:
    """All files that decide a unit's result beside the sequence's.

    Raises MissingError when weights or the file of colour names are not there.
    """
    files = [path for folder in (unit.salnet, unit.gpgnet) if folder for path in weights_of(home / folder)]
    if unit.colour_names:
        names = home / unit.colour_names
        if not names.is_file():
            raise MissingError(f"{names}: no such file, which csrdcf.colour_names names; or say none")
        files.append(names)
    return files


def common_facts(
    protocol: str, origin: int, header: Mapping[str, Any], environment: Mapping[str, Any], code: Mapping[str, str]
) -> dict[str, Any]:
    """What the records of all units of a benchmark have in common; `header` is the manifest's, and from `origin` its
    result files count pixels."""
    return {
        "code": dict(code),
        "protocol": protocol,
        "environment": dict(environment),
        "dataset": header["name"],
        "origin": origin,
    }


def key_of(shared: Mapping[str, Any], unit: Unit, sections: Mapping[str, Any], digest: str) -> str:
    """A unit's key: all that its record says, except what came out; `digest` is the sha256 of the sequence's row."""
    unit_facts = {"sections": unit.reads(sections), "seed": unit.draws, "sequence": digest}
    return records.sha256_json({**shared, **unit_facts, "files": unit.files, "parents": unit.parents})
