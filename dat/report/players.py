"""What the page's players show: the stored boxes of every tracker on every sequence, the truth and the overlaps.

A file of JavaScript a sequence, which the page loads when it is looked at (a page from disk may load scripts, no data),
and an index of all. Each sets one value, written as JSON in ASCII, so that no name or sentence can be code. Pixels
count from 0. Frames are named below their data set's root and not copied.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dat.base.errors import MissingError
from dat.base.params import Settings
from dat.base.sections import BenchmarkSettings
from dat.benchmarks import catalogue
from dat.benchmarks.vot import FAILED
from dat.datasets import manifest as manifests
from dat.evaluation import definitions, text
from dat.evaluation.definitions import Vot
from dat.evaluation.stage import listed, vot_target
from dat.evaluation.vot import expected_overlap as vot
from dat.evaluation.vot import files as vot_files
from dat.records import write_text
from dat.regions import boxes as geometry
from dat.report.metrics import Scores

Floats = npt.NDArray[np.float64]
INDEX = "index.js"
BOX_DECIMALS, OVERLAP_DECIMALS = 2, 6


@dataclass(frozen=True)
class PlayerTrack:
    """A tracker's result on a sequence: boxes (F,4), origin 0, NaN without one; overlaps (F,) with the truth, NaN where
    there is nothing to compare; the first frame (from 0) in which the target is lost, None where it never is."""

    boxes: Floats
    overlap: Floats
    lost: int | None

    def row(self) -> dict[str, Any]:
        """What the index says of it."""
        known = self.overlap[~np.isnan(self.overlap)]
        mean = round(float(known.mean()), OVERLAP_DECIMALS) if len(known) else None
        return {"mean": mean, "lost": self.lost}


def write(folder: Path, settings: Settings, results: Path, manifest_folder: Path, scores: Mapping[str, Scores]) -> None:
    """Write the players of all benchmarks of the settings: `index.js` and `<benchmark>/<sequence>.js`.

    `results` and `manifest_folder` are the profile's `results` and `testing`; a benchmark, tracker or sequence that has
    none there is named in the index with the command that makes it. Raises InputError naming a damaged file's line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    benchmarks = {}
    for name, entry in settings.section("benchmarks", dict).items():
        home = settings.path / f"{settings.section(f'datasets.{entry.data}.manifest', str)}.jsonl"
        try:
            data = manifests.read(manifest_folder / home.name)
            benchmarks[name] = _benchmark(folder / name, name, entry, data, settings, results / name)
        except MissingError as error:
            benchmarks[name] = {"missing": _below(str(error), settings.path)}
    subsets = {name: _subset(name, score.parent, benchmarks) for name, score in scores.items() if score.parent}
    _define(folder / INDEX, "datPlayers", {"benchmarks": benchmarks, "subsets": subsets})


def _below(text: str, home: Path) -> str:
    """A message without the place of the profile on this machine."""
    return text.replace(f"{home}/", "")


def _subset(name: str, parent: str, benchmarks: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    return {"of": parent, "sequences": benchmarks.get(parent, {}).get("lists", {}).get(name, [])}


def _define(path: Path, name: str, value: Any, key: str = "") -> None:
    """Write a script that sets a window's value, or an entry of one, and does nothing else."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    place = f"(window.{name} ??= {{}})[{json.dumps(key)}]" if key else f"window.{name}"
    write_text(path, f"{place} = {text};\n")


def _benchmark(
    folder: Path, name: str, entry: BenchmarkSettings, data: manifests.Manifest, settings: Settings, results: Path
) -> dict[str, Any]:
    """Write the sequences of a benchmark; what the index has of it."""
    trackers = [f"{variant}@seed-{seed}" for variant in entry.variants for seed in settings.section("seeds", list)]
    there = [tracker for tracker in trackers if (results / tracker).is_dir()]
    sequences = {}
    for sequence in data.header["lists"].get(name, []):
        row = data.sequences[sequence]
        played = dict(_played(name, row, data, entry, results, there))
        _define(folder / f"{sequence}.js", "datSequences", _sequence(row, played), f"{name}/{sequence}")
        sequences[sequence] = {"frames": len(row.files), "trackers": {one: played[one].row() for one in played}}
    return {
        "data_set": data.header["name"],
        "root": data.header["root"],
        "lists": data.header["lists"],
        "sequences": sequences,
        "trackers": trackers,
        "lacks": [tracker for tracker in trackers if tracker not in there],
    }


def _sequence(row: manifests.Sequence, played: Mapping[str, PlayerTrack]) -> dict[str, Any]:
    """All that is shown of a sequence."""
    return {
        "frames": [file[0] for file in row.files],
        "size": list(row.size),
        "sentence": row.sentence,
        "truth": [_region(row, index) for index in range(len(row.files))],
        "trackers": {
            tracker: {"boxes": _rounded(one.boxes, BOX_DECIMALS), "overlap": _rounded(one.overlap, OVERLAP_DECIMALS)}
            for tracker, one in played.items()
        },
    }


def _region(row: manifests.Sequence, index: int) -> list[float] | None:
    """What was annotated in a frame: a box of four numbers, or a polygon's corners; None where nothing was."""
    region = row.regions[index] if row.regions is not None else None
    values = region if region and len(region) == 8 else row.boxes[index].tolist()
    return [round(value, BOX_DECIMALS) for value in values] if all(map(math.isfinite, values)) else None


def _rounded(values: Floats, decimals: int) -> list[Any]:
    """Numbers, or rows of such, rounded; None for one that is not known."""
    rows: list[Any] = np.round(values, decimals).tolist()
    return [row if np.isfinite(row).all() else None for row in rows]


def _played(
    name: str,
    row: manifests.Sequence,
    data: manifests.Manifest,
    entry: BenchmarkSettings,
    results: Path,
    trackers: list[str],
) -> Iterator[tuple[str, PlayerTrack]]:
    """The results of those trackers that have one on a sequence; of VOT's repetitions the first."""
    for tracker in trackers:
        inside = f"baseline/{row.name}/{row.name}_001.txt" if entry.protocol == "vot" else f"{row.name}.txt"
        path, label = results / tracker / inside, f"tracker {tracker}, sequence {row.name}"
        if path.is_file() and entry.protocol == "vot":
            yield tracker, _restarted(path, label, row, name, data)
        elif path.is_file():
            yield tracker, _one_pass(path, label, row, catalogue.find(name).origin)


def _one_pass(path: Path, label: str, row: manifests.Sequence, origin: int) -> PlayerTrack:
    """Lost is a target that is in sight and whose box has no part of it."""
    boxes = text.read_boxes(path, len(row.files), label)[: len(row.files)] - [origin, origin, 0, 0]
    boxes = np.concatenate([boxes, np.full((len(row.files) - len(boxes), 4), np.nan)])
    overlap = np.where(np.isnan(row.boxes).any(1), np.nan, geometry.overlap(boxes, row.boxes))
    return PlayerTrack(boxes, overlap, _first((overlap == 0) & ~row.absent))


def _restarted(path: Path, label: str, row: manifests.Sequence, name: str, data: manifests.Manifest) -> PlayerTrack:
    """Lost is a target in the frame in which the run failed; no frame of a restart is compared."""
    definition = definitions.find(listed(name, data).definition, "vot")
    assert isinstance(definition, Vot)
    target = vot_target(row)
    run, *_ = vot_files.read_run(path, target.regions, label, "strict")
    measured = vot.frame_overlaps(target, [run], definition)
    tracked = run.codes == vot_files.TRACKED
    overlap = np.where(tracked, measured.accuracy[0], np.nan)
    boxes = np.where((tracked & run.regions.rectangle)[:, None], run.regions.values[:, :4].astype(np.float64), np.nan)
    return PlayerTrack(boxes, overlap, _first(run.codes == FAILED))


def _first(flags: npt.NDArray[np.bool_]) -> int | None:
    return int(np.argmax(flags)) if flags.any() else None
