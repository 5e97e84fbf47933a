"""Raw results of other trackers, `baselines/<benchmark>/<tracker>` below the profile, to be scored as our own are."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dat.base import naming
from dat.base.errors import InputError
from dat.base.outside import listed
from dat.base.params import Settings
from dat.records import Snapshot

FOLDER = "baselines"
_ENDINGS = (".txt", ".mat")


@dataclass(frozen=True)
class Baselines:
    """The trackers' folders of one benchmark, and their files as they were before they were read."""

    folders: tuple[Path, ...]
    snapshot: Snapshot

    def of_sequences(self, whole: Mapping[str, Mapping[str, Any]], names: Collection[str]) -> list[Path]:
        """The folders that have results of some of these sequences; `whole` are the scores of the whole benchmark, of
        which all folders are while it has none."""
        if not whole:
            return list(self.folders)
        return [one for one in self.folders if not {*names}.isdisjoint(whole[one.name].get("sequences", {}))]

    def files(self, tracker: str) -> list[dict[str, Any]]:
        """Path below the profile, bytes and sha256 of each file of a tracker."""
        folder = next(one for one in self.folders if one.name == tracker)
        start = f"{folder.relative_to(self.snapshot.base).as_posix()}/"
        return [fact for fact in self.snapshot.facts if fact["path"].startswith(start)]


@contextmanager
def of(settings: Settings, benchmark: str) -> Iterator[Baselines]:
    """The baselines of a benchmark, none where the folder has none.

    Raises InputError for a folder that is no benchmark's, for a file outside a tracker's folder and for a tracker that
    has the name of a variant of ours, ChangedError when a file has changed meanwhile.
    """
    place = settings.path / FOLDER
    known = settings.root.benchmarks  # their names, which decide no score: none is noted as read
    for path in listed(place) if place.is_dir() else []:
        if path.is_dir() and path.name not in known:
            raise InputError(f"{path}: no benchmark of params.yaml; its folders are {', '.join(known)}: rename it")
    folders = tuple(_trackers(place / benchmark, settings))
    snapshot = Snapshot.of(folders, settings.path)
    yield Baselines(folders, snapshot)
    snapshot.check()


def _trackers(place: Path, settings: Settings) -> Iterator[Path]:
    for path in listed(place) if place.is_dir() else []:
        if path.suffix.lower() in _ENDINGS and path.is_file():
            raise InputError(f"{path}: a result file outside a tracker's folder; move it into {place / 'TRACKER'}")
        if not path.is_dir():
            continue
        naming.part(path.name, str(place), "tracker")
        if path.name.partition("@")[0] in settings.section("variants", dict):
            raise InputError(f"{path}: a variant of params.yaml has this name; rename the folder")
        yield path
