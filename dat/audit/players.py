"""The page's players against the stored boxes: each box, overlap and truth that they show, frame by frame.

A player's numbers are rounded: boxes and truth to two decimals of a pixel, overlaps to six.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dat.audit import recompute_vot
from dat.audit.checks import Check, compare, missing
from dat.audit.scores import Results
from dat.base import outside
from dat.base.errors import DatError
from dat.datasets import manifest as manifests

FOLDER = "reports/players"
INDEX = f"{FOLDER}/index.js"
PIXELS, SHARES = 0.0051, 1.1e-6
"""What rounding leaves of a box and of an overlap, single precision of VOT's files included."""

_SEQUENCE = re.compile(r'\(window\.datSequences \?\?= \{\}\)\[("(?:[^"\\]|\\.)*")\] = (\{.*\});\n', re.DOTALL)
_INDEX = re.compile(r"window\.datPlayers = (\{.*\});\n", re.DOTALL)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """A stored result: boxes (F,4) that count from 0 and overlaps (F,), NaN where there are none; the frame (from 0) in
    which the target is lost first."""

    boxes: Floats
    overlap: Floats
    lost: int | None


@dataclass
class Players:
    """The players of a profile; what was compared is remembered."""

    results: Results
    _known: dict[tuple[str, str], dict[str, list[Check]]] = field(default_factory=dict)

    def checks(self, benchmark: str, tracker: str, sequence: str) -> list[Check]:
        """What a sequence's player shows, of one tracker; nothing where the report has no players."""
        if not (self.results.settings.path / FOLDER).is_dir():
            return []
        key = (benchmark, sequence)
        if key not in self._known:
            self._known[key] = self._checked(benchmark, sequence)
        return [*self._known[key][""], *self._known[key].get(tracker, [])]

    def _checked(self, benchmark: str, sequence: str) -> dict[str, list[Check]]:
        """The checks of a player by tracker; "" has those of what it shows of the sequence."""
        file = f"{FOLDER}/{benchmark}/{sequence}.js"
        rows = self.results.sequences(self.results.manifest_of(benchmark))
        if sequence not in rows:
            return {"": [missing("player", f"{file}: no row of the manifest", "the sequence")]}
        try:
            key, shown = self._read(file, _SEQUENCE)
            return self._of(benchmark, file, key == f"{benchmark}/{sequence}", rows[sequence], shown)
        except (DatError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
            return {"": [missing("player", file, "a player that can be read; run dvc repro -f report")]}

    def _read(self, file: str, form: re.Pattern[str]) -> tuple[str, Any]:
        """The key and the value that a script sets. Raises ValueError when it has another form."""
        found = form.fullmatch(outside.read_text(self.results.settings.path / file, most=1 << 30))
        if found is None:
            raise ValueError(file)
        *keys, value = map(json.loads, found.groups())
        return "".join(keys), value

    def _of(
        self, benchmark: str, file: str, named: bool, row: manifests.Sequence, shown: Mapping[str, Any]
    ) -> dict[str, list[Check]]:
        files = [path for path, *_ in row.row["files"]]
        facts = {"frames": files, "size": list(row.size), "sentence": row.sentence}
        own = [compare("player", f"{file}: {key}", fact or "none", shown[key] or "none") for key, fact in facts.items()]
        own.append(compare("player", f"{file}: its name", True, named))
        own += _frames(file, "truth", _truth(row), _filled(shown["truth"]), PIXELS)
        there = self._trackers(benchmark, row.name)
        own.append(compare("player", f"{file}: trackers", there, sorted(shown["trackers"])))
        checks = {"": own}
        for tracker in there:
            track, entry = self._track(benchmark, tracker, row), shown["trackers"].get(tracker)
            if entry is None or track is None:
                continue
            boxes = _frames(file, f"{tracker}, boxes", track.boxes, _filled(entry["boxes"]), PIXELS)
            shares = _frames(file, f"{tracker}, overlaps", track.overlap[:, None], _filled(entry["overlap"], 1), SHARES)
            checks[tracker] = [*boxes, *shares, *self._listed(benchmark, tracker, row.name, track)]
        return checks

    def _trackers(self, benchmark: str, sequence: str) -> list[str]:
        """Our runs that have a result of a sequence."""
        root = self.results.settings.root
        every = [f"{one}@seed-{seed}" for one in root.benchmarks[benchmark].variants for seed in root.seeds]
        return sorted(tracker for tracker in every if self._path(benchmark, tracker, sequence).is_file())

    def _path(self, benchmark: str, tracker: str, sequence: str) -> Path:
        folder = self.results.settings.path / "results" / benchmark / tracker
        vot = self.results.settings.root.benchmarks[benchmark].protocol == "vot"
        return folder / (f"baseline/{sequence}/{sequence}_001.txt" if vot else f"{sequence}.txt")

    def _track(self, benchmark: str, tracker: str, row: manifests.Sequence) -> Track | None:
        """A stored result; of VOT's repetitions the first. None of a VOT definition that is not known here."""
        if self.results.settings.root.benchmarks[benchmark].protocol != "vot":
            origin = self.results.origin(benchmark)
            boxes = np.array(self.results.boxes(benchmark, tracker, row.name)[1]) - [origin, origin, 0, 0]
            shares = np.where(np.isnan(row.boxes).any(1), np.nan, _overlaps(boxes, row.boxes))
            return Track(boxes, shares, _first((shares == 0) & ~np.asarray(row.absent, bool)))
        run = recompute_vot.read_regions(self._path(benchmark, tracker, row.name))
        shares = np.array(recompute_vot.overlaps(run, self.results.truth(benchmark, row.name), bounded=False))
        boxes = np.array([region if len(region) == 4 else (math.nan,) * 4 for region in run])
        return Track(boxes, shares, _first(np.array([region == (recompute_vot.FAILURE,) for region in run])))

    # ------------------------------------------------------------ the index

    @cached_property
    def _index(self) -> Mapping[str, Any]:
        """The index's benchmarks; none where it cannot be read."""
        try:
            return dict(self._read(INDEX, _INDEX)[1]["benchmarks"])
        except (DatError, OSError, ValueError, KeyError, TypeError):
            return {}

    def _listed(self, benchmark: str, tracker: str, sequence: str, track: Track) -> list[Check]:
        """What the index says of a track: its mean overlap, and the frame in which the target is lost."""
        subject = f"{INDEX}: {benchmark}/{sequence}, {tracker}"
        try:
            shown = self._index[benchmark]["sequences"][sequence]["trackers"][tracker]
            mean, lost = shown["mean"], shown["lost"]
        except (KeyError, TypeError):
            return [missing("player", subject, "its mean overlap")]
        known = track.overlap[~np.isnan(track.overlap)]
        held = round(float(known.mean()), 6) if len(known) else None
        near = held == mean or (held is not None and mean is not None and abs(held - mean) <= SHARES)
        same = near and lost == track.lost
        said = f"mean {held}, lost in frame {track.lost}"
        return [compare("player", subject, said, said if same else f"mean {mean}, lost in frame {lost}")]


def _first(flags: NDArray[np.bool_]) -> int | None:
    return int(np.argmax(flags)) if flags.any() else None


def _truth(row: manifests.Sequence) -> Floats:
    """What was annotated in each frame: the four numbers of a box or the eight of a polygon, NaN behind and where
    nothing was."""
    regions = row.row.get("regions") or [None] * len(row.row["boxes"])
    pairs = zip(regions, row.row["boxes"], strict=True)
    return _filled([region if region and len(region) == 8 else box for region, box in pairs], 8)


def _filled(rows: Sequence[Any], width: int = 8) -> Floats:
    """Rows of up to so many numbers, or single numbers, as a table; NaN where there are none."""
    table = np.full((len(rows), width), np.nan)
    for at, row in enumerate(rows):
        if row is not None:
            values = [row] if isinstance(row, int | float) else row
            table[at, : len(values)] = values
    return table


def _frames(file: str, what: str, held: Floats, shown: Floats, error: float) -> list[Check]:
    """A table of frames against the one that is shown: a check that names the first frame that differs."""
    width = max(held.shape[1], shown.shape[1])
    one, other = (np.pad(t, ((0, 0), (0, width - t.shape[1])), constant_values=np.nan) for t in (held, shown))
    if len(one) != len(other):
        return [compare("player", f"{file}: {what}", f"{len(one)} frames", f"{len(other)} frames")]
    same = (np.abs(one - other) <= error) | (np.isnan(one) & np.isnan(other))
    wrong = np.flatnonzero(~same.all(1))
    if not len(wrong):
        return [Check("player", "verified", f"{file}: {what}", f"{len(one)} frames", f"{len(one)} frames")]
    at = int(wrong[0])
    return [Check("player", "differs", f"{file}: {what}, frame {at + 1}", _said(one[at]), _said(other[at]))]


def _said(values: Floats) -> str:
    return ", ".join(f"{value:.10g}" for value in values if not math.isnan(value)) or "none"


def _overlaps(boxes: Floats, truth: Floats) -> Floats:
    """Intersection over union of boxes as areas (F,); 0 where a value is NaN."""
    low = np.maximum(boxes[:, :2], truth[:, :2])
    high = np.minimum(boxes[:, :2] + boxes[:, 2:], truth[:, :2] + truth[:, 2:])
    shared = np.where((high > low).all(1), np.prod(high - low, axis=1), 0.0)
    whole = boxes[:, 2:].prod(1) + truth[:, 2:].prod(1) - shared
    share = np.divide(shared, whole, out=np.zeros(len(boxes)), where=(whole > 0) & (shared > 0))
    return np.asarray(share, np.float64)
