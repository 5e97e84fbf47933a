"""The plan of a benchmark: its units, and the jobs that the missing ones are packed into."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dat import records
from dat.base import params
from dat.base.params import Settings
from dat.base.sections import BenchmarkSettings, Csrdcf, Section, Variant
from dat.datasets.manifest import Manifest
from dat.fanout.unit import Unit, files_of, key_of
from dat.tracking.parts import parts

ANSWER = "environment.json"
"""What the job that is asked where it computes writes."""


SHARES, LEAST, START = 2, 0.125, 80
"""A job's share of what is left is one of so many times the cores; the least share, of the longest unit; and the frames
that are tracked in the time that a job takes to start (four seconds)."""


def settings_of(settings: Settings, protocol: str) -> dict[str, Any]:
    """The settings that units read, as plain data."""
    names = ["tracking", "csrdcf", "vot"] if protocol == "vot" else ["tracking", "csrdcf"]
    return {name: params.plain(settings.section(name, Section)) for name in names}


def units(
    settings: Settings,
    benchmark: BenchmarkSettings,
    manifest: Manifest,
    names: Sequence[str],
    shared: Mapping[str, Any],
) -> list[Unit]:
    """All units of a benchmark with their keys, in order of variant, seed and sequence."""
    read = settings_of(settings, benchmark.protocol)
    table = settings.section("csrdcf", Csrdcf).file_of_colour_names(Path())
    repetitions = read["vot"]["repetitions"] if benchmark.protocol == "vot" else 1
    hashes: dict[tuple[str | None, ...], dict[str, Any]] = {}
    planned = []
    for variant_name in benchmark.variants:
        variant = settings.section(f"variants.{variant_name}", Variant)
        for seed in settings.section("seeds", list):
            for name in names:
                sequence = manifest.sequences[name]
                made = parts(variant, sequence.sentence, Path("weights"), table)
                whole = (made.salnet, made.gpgnet, made.colour_names)
                salnet, gpgnet, colour_names = paths = tuple(path.as_posix() if path else None for path in whole)
                cost = len(sequence.files) * (repetitions if salnet else 1)
                unit = Unit("", variant_name, seed, name, made.version, salnet, gpgnet, cost, colour_names)
                if paths not in hashes:
                    decide = files_of(settings.path, unit)
                    facts = [records.file_facts(path, settings.path) for path in decide]
                    hashes[paths] = {"files": facts, "parents": records.parents(decide, settings.path)}
                unit = replace(unit, **hashes[paths])
                planned.append(replace(unit, key=key_of(shared, unit, read, sequence.digest)))
    return planned


def pack(missing: Iterable[Unit], batch: int, cores: int) -> list[list[Unit]]:
    """Units into jobs in the order in which they are to start, longest units first; units of one key are one.

    Guided self-scheduling (Polychronopoulos and Kuck, IEEE Transactions on Computers 36(12), 1987): a job gets the
    share of what is left that one of `SHARES` times `cores` jobs would get, so jobs shrink towards the end and level
    out what estimates (frames) have missed. A job has at most `batch` units; a share is `LEAST` of the longest unit,
    and what is tracked while another job would start.
    """
    distinct = sorted({unit.key: unit for unit in missing}.values(), key=lambda unit: (-unit.cost, unit.key))
    if not distinct:
        return []
    left, least = sum(unit.cost for unit in distinct), max(LEAST * distinct[0].cost, START)
    jobs: list[list[Unit]] = []
    share = 0.0
    for unit in distinct:
        if share <= 0 or len(jobs[-1]) == batch:
            jobs.append([])
            share = max(left / (SHARES * cores), least)
        jobs[-1].append(unit)
        share, left = share - unit.cost, left - unit.cost
    return jobs
