"""The plan of a benchmark: its units, their keys, and the jobs that the missing ones are packed into.

A unit is one (variant, seed, sequence). Its key is the sha256 of everything that decides its result, and of nothing
else: variants that differ in name only share it, and it does not change with the run's other sequences.
"""

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dat import params, records
from dat.datasets.manifest import Manifest
from dat.errors import MissingError
from dat.params import Settings

ENTRY = "dat.tracking.unit"
SCHEMA = 1
ORIGIN = {"otb": 1, "tc128": 1, "lasot": 1, "vot": 0, "tlp": 1, "dtb70": 1}
"""What a layout's files count pixels from (FORMATS); VOT's are as written."""


@dataclass(frozen=True)
class Unit:
    """One (variant, seed, sequence): its key, and what the job needs to know. Folders are below the profile."""

    key: str
    variant: str
    seed: int
    sequence: str
    attention: str
    salnet: str
    gpgnet: str | None
    cost: int

    @property
    def tracker(self) -> str:
        """The name of the tracker's folder in the results."""
        return f"{self.variant}@seed-{self.seed}"


def sections(settings: Settings, protocol: str) -> dict[str, Any]:
    """The settings that a unit reads, as plain data."""
    names = ["tracking", "vot"] if protocol == "vot" else ["tracking"]
    return {name: params.plain(settings.section(name)) for name in names}


def weights(home: Path, folder: str) -> dict[str, str]:
    """The files of a network that decide a result: path below the profile to sha256. Raises MissingError."""
    names = ("weights.safetensors", "vocabulary.json")
    found = {
        f"{folder}/{name}": records.sha256_file(home / folder / name)
        for name in names
        if (home / folder / name).is_file()
    }
    if not found:
        raise MissingError(f"{home / folder}: no weights; dvc repro makes them (dat train)")
    return found


def attention_for(version: str, sentence: str | None) -> str:
    """The version of GPGNet for a sequence: without a sentence, attention is from the target alone [R27]."""
    return "to" if version in ("nl", "jtnl") and not sentence else version


def units(
    settings: Settings,
    benchmark: params.Benchmark,
    manifest: Manifest,
    names: Sequence[str],
    environment: Mapping[str, Any],
) -> list[Unit]:
    """All units of a benchmark with their keys, in order of variant, seed and sequence."""
    shared = {
        "schema": SCHEMA,
        "code": records.code_closure(ENTRY),
        "protocol": benchmark.protocol,
        "sections": sections(settings, benchmark.protocol),
        "environment": dict(environment),
        "origin": ORIGIN[manifest.header["layout"]],
    }
    files: dict[str, dict[str, str]] = {}
    repetitions = settings.root.vot.repetitions if benchmark.protocol == "vot" else 1
    found = []
    for variant_name in benchmark.variants:
        variant: params.Variant = settings.section(f"variants.{variant_name}")
        salnet = f"weights/salnet/{variant.salnet}"
        for seed in settings.section("seeds"):
            for name in names:
                sequence = manifest.sequences[name]
                version = attention_for(variant.attention, sequence.sentence)
                gpgnet = None if version == "none" else f"weights/gpgnet/{version}"
                for folder in filter(None, (salnet, gpgnet)):
                    files.setdefault(folder, weights(settings.path, folder))
                hashes = [files[folder] for folder in (salnet, gpgnet) if folder]
                parts = {**shared, "weights": hashes, "seed": seed, "sequence": sequence.digest}
                cost = len(sequence.files) * repetitions
                key = records.sha256_json(parts)
                found.append(Unit(key, variant_name, seed, name, version, salnet, gpgnet, cost))
    return found


def pack(missing: Iterable[Unit], batch: int, cores: int) -> list[list[Unit]]:
    """Units into jobs of about equal cost (frames): at most `batch` units each on average, and no core idle.

    Longest first, each to the job with the least so far. Units of one key are one.
    """
    distinct = list({unit.key: unit for unit in missing}.values())
    if not distinct:
        return []
    number = min(len(distinct), cores * math.ceil(len(distinct) / (batch * cores)))
    heap: list[tuple[int, int]] = [(0, index) for index in range(number)]
    jobs: list[list[Unit]] = [[] for _ in range(number)]
    for unit in sorted(distinct, key=lambda unit: (-unit.cost, unit.key)):
        load, index = heapq.heappop(heap)
        jobs[index].append(unit)
        heapq.heappush(heap, (load + unit.cost, index))
    return jobs
