"""What networks were trained on: counted again from manifests and selections, and kept apart from what is tested.

A test video is in a training set when both have a frame with the same bytes, or a sequence of one name in one data set.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from dat.audit.checks import Check, compare, missing
from dat.audit.files import json_object
from dat.audit.scores import Results
from dat.base import naming, outside, public
from dat.base.errors import DatError
from dat.base.params import Settings
from dat.datasets import manifest as manifests

LASOT = "training/lasot.jsonl"
FRAMES, MASKS = "training/frames", "training/masks"
DOMAINS = "training/domains/"


@dataclass
class Trainings:
    """The training sets of a profile; what was compared is remembered."""

    settings: Settings
    results: Results
    _frames: dict[str, frozenset[str]] = field(default_factory=dict)

    # ------------------------------------------------------------ test and training

    def apart(self, test: str, training: str) -> Check:
        """Whether no video of a test manifest is in a training manifest (paths below the profile)."""
        subject = f"{test} against {training}"
        ours, theirs = self.results.manifest(test), self.results.manifest(training)
        if ours is None or theirs is None:
            return missing("no test in training", subject, "two manifests that can be read")
        if test not in self._frames:
            self._frames[test] = frozenset(
                digest for row in ours.sequences.values() for _, _, digest in row.row["files"]
            )
        same = ours.header["name"] == theirs.header["name"]
        shared = [name for name in theirs.sequences if same and name in ours.sequences]
        shared += [
            f"{name}/{path}"
            for name, row in theirs.sequences.items()
            for path, _, digest in row.row["files"]
            if digest in self._frames[test]
        ]
        overlap = "none" if not shared else f"{len(shared)}: {', '.join(shared[:3])}"
        return compare("no test in training", subject, "none", overlap)

    # ------------------------------------------------------------ counted again

    def counted(self, name: str, record: Mapping[str, Any]) -> list[Check]:
        """What a training's metrics, or the selection of frames, say of the training set, counted again."""
        folder = PurePosixPath(name).parent
        try:
            if str(folder) == FRAMES:
                return [self._selection(record)]
            metrics = json_object(self.settings.path / folder / "metrics.json")
            wanted = self._counts(folder, record)
        except (DatError, KeyError, ValueError, TypeError, IndexError, csv.Error) as error:
            return [missing("training set", f"{folder}: {error}", "a training set that can be counted")]
        return [
            compare("training set", f"{folder}/metrics.json: {key}", wanted[key], metrics.get(key)) for key in wanted
        ]

    def _counts(self, folder: PurePosixPath, record: Mapping[str, Any]) -> dict[str, int]:
        parts = folder.parts
        if self._adopted(parts, record):
            return {"trained": 0}
        if parts[:2] == ("weights", "gpgnet"):
            return self._attention(folder.name)
        if parts[:2] == ("weights", "salnet"):
            return {"domains": self._domains(folder.name, record)}
        return {"sentences": len(self._sentences())} if str(folder) == "training/language" else {}

    def _adopted(self, parts: Sequence[str], record: Mapping[str, Any]) -> bool:
        """Whether a network was taken from weights, by the setting of its record."""
        place = record["params"].get(f"{parts[1]}.{parts[-1]}.from") if parts[0] == "weights" else None
        return place is not None and public.weights_of(self.settings.path / place) is not None

    def _sentences(self) -> list[str]:
        return [name for name, row in self.results.sequences(LASOT).items() if row.sentence]

    def _rows(self, name: str) -> list[dict[str, str]]:
        """A table of shards, its names as they were. Raises InputError when it cannot be read."""
        rows = csv.DictReader(outside.read_text(self.settings.path / name, most=1 << 30).splitlines())
        return [{key: naming.from_cell(value) for key, value in row.items()} for row in rows]

    def _selection(self, record: Mapping[str, Any]) -> Check:
        """The frames of the selection: every n-th of each video of the split, with the hash that its manifest has."""
        step, split = record["params"]["subsample.step"], record["params"]["subsample.split"]
        listing = self.results.manifest(LASOT)
        if listing is None:
            return missing("training set", LASOT, "a manifest that can be read")
        lists = [set(names) for name, names in listing.header["lists"].items() if name.endswith(f"-{split}")]
        names = listing.sequences.keys() if split == "all" else lists[0] if lists else set()
        wanted = {
            (name, str(number + 1), row.row["files"][row.places[number]][2] if number in row.places else "not listed")
            for name, row in listing.sequences.items()
            if name in names
            for number in range(0, row.count, step)
        }
        have = {(row["sequence"], row["frame"], row["source_sha256"]) for row in self._rows(f"{FRAMES}/index.csv")}
        if other := sorted(wanted ^ have):
            subject = f"{FRAMES}/index.csv: {other[0][0]} frame {other[0][1]}"
            counts = f"{len(have)} frames, {len(other)} of either alone"
            return Check("training set", "differs", subject, f"{len(wanted)} frames", counts)
        return compare("training set", f"{FRAMES}/index.csv", len(wanted), len(have))

    def _attention(self, name: str) -> dict[str, int]:
        """Frames and videos that an attention network can learn from: with a mask, and what its inputs need."""
        inputs = self.settings.root.gpgnet[name].inputs
        masks = {(row["sequence"], row["frame"]) for row in self._rows(f"{MASKS}/index.csv")}
        patches = {row["sequence"] for row in self._rows(f"{FRAMES}/patches.csv")}
        used = [
            row["sequence"]
            for row in self._rows(f"{FRAMES}/index.csv")
            if (row["sequence"], row["frame"]) in masks
            and ("language" not in inputs or row["sentence"].strip())
            and ("target" not in inputs or row["sequence"] in patches)
        ]
        return {"frames": len(used), "videos": len(set(used))}

    def _domains(self, name: str, record: Mapping[str, Any]) -> int:
        """Videos that show their target: of TLP and DTB70, and of LaSOT's selection where the network has a triplet."""
        inputs = sorted(fact["path"] for fact in record["inputs"] if fact["path"].endswith(".jsonl"))
        frames = sum(_seen(video) for path in inputs if path.startswith(DOMAINS) for video in self._videos(path))
        training = self.settings.root.salnet_training
        if self.settings.root.salnet[name].triplet is not None or training.domains == "same":
            frames += sum(self._lasot(training.lasot_domains))
        return frames

    def _videos(self, name: str) -> Iterator[manifests.Sequence]:
        yield from self.results.sequences(name).values()

    def _lasot(self, most: int) -> Iterator[bool]:
        """Whether each of LaSOT's domains shows its target in a selected frame."""
        chosen: dict[str, list[int]] = {}
        for row in self._rows(f"{FRAMES}/index.csv"):
            chosen.setdefault(row["sequence"], []).append(int(row["frame"]) - 1)
        videos = [video for video in self._videos(LASOT) if video.name in chosen]
        count = len(videos) if not most else min(most, len(videos))
        for at in range(count):
            video = videos[at * len(videos) // count]
            yield _seen(video, chosen[video.name])


def _seen(video: manifests.Sequence, frames: list[int] | None = None) -> bool:
    """Whether a target is in sight in a frame (from 0), with a box that has an area."""
    boxes, absent = video.boxes, video.absent
    places = range(len(boxes)) if frames is None else map(video.place, frames)
    return any(not absent[at] and all(value > 0 for value in boxes[at][2:]) for at in places)
