"""The tracker, a local data set and an experiment for the got10k toolkit, which must be installed beside this package.

    from dat.adapters.got10k import DatTracker, LocalExperiment, LocalOTB

    experiment = LocalExperiment(LocalOTB("data/OTB"), "results", "reports")
    experiment.run(DatTracker())
    experiment.report(["dat-jtnl"])

The toolkit hands on boxes as a data set's files have them. It subtracts nothing: its OTB class gives x and y that count
from 1, as OTB's files do, and expects results that count from 1. `DatTracker` takes the origin off on the way in and
puts it back on the way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dat.adapters.factory import TrackerFactory, as_rgb, name_of
from dat.base.errors import InputError, MissingError
from dat.benchmarks import published
from dat.datasets import finding
from dat.datasets.images import Image
from dat.datasets.rows import read_rows
from dat.tracking.follower import TrackerState

try:
    from got10k.datasets import OTB
    from got10k.experiments import ExperimentOTB
    from got10k.trackers import Tracker
except ModuleNotFoundError as error:
    raise MissingError(
        f"the package '{error.name}' is not installed; docs/adapters.md says how to add got10k"
    ) from None


class DatTracker(Tracker):  # type: ignore[misc]
    """Ours as a `got10k.trackers.Tracker`.

    `origin` is what the data set's files count pixels from: 1 (OTB, TC128, LaSOT) or 0. Boxes in and out have it.
    Every start on a sequence draws the same numbers, so the tracker is deterministic; other seeds are other trackers.
    """

    def __init__(self, factory: TrackerFactory | None = None, name: str | None = None, origin: int = 1) -> None:
        self.factory = (factory or TrackerFactory()).check()
        super().__init__(name=name or self.factory.variant, is_deterministic=True)
        self._shift = np.array([origin, origin, 0, 0], np.float64)
        self._sequence: str | None = None
        self._tracker: TrackerState | None = None

    def init(self, image: Any, box: Any) -> None:
        """Start on a box x,y,w,h of the toolkit in a PIL image or an array. Raises InputError for a bad one.

        The sequence's name is that of `track`, else of the folder that the image was read from, else empty.
        """
        name = name_of(getattr(image, "filename", "") or "") if self._sequence is None else self._sequence
        self._tracker = self.factory.start(name, self._pixels(image), np.asarray(box, np.float64) - self._shift)

    def update(self, image: Any) -> NDArray[np.float64]:
        """The box x,y,w,h (4,) in the next image, counted like the one of `init`."""
        if self._tracker is None:
            raise InputError(f"{self.name}: update before init")
        return self._tracker.update(self._pixels(image)) + self._shift

    def track(self, img_files: Sequence[str], box: Any, visualize: bool = False) -> Any:
        """The toolkit's loop over files, with the sequence's name known: boxes (N, 4) and seconds (N,)."""
        self._sequence = getattr(img_files, "sequence", None) or name_of(img_files[0])
        try:
            return super().track(img_files, box, visualize=visualize)
        finally:
            self._sequence = None

    def _pixels(self, image: Any) -> Image:
        return as_rgb(image, f"{self.name}: frame")


class Files(list[str]):
    """Frames of a sequence, which know its name: one folder may hold two targets."""

    sequence: str = ""


class LocalOTB(OTB):  # type: ignore[misc]
    """OTB sequences in a folder, whole or in part: nothing is downloaded, and nothing else needs to be there.

    `sequences` are names in any spelling (default: all that are there), `frames` the most frames of each. Names, ranges
    of images and targets are those of `dat evaluate`; boxes stay as the files have them, counted from 1.
    Raises InputError when the folder has none of them or a sequence is broken.
    """

    def __init__(self, root_dir: str | Path, sequences: Iterable[str] = (), frames: int | None = None) -> None:
        self.root_dir, self.version, self.frames = str(root_dir), "local", frames
        sources, absent = finding.find("otb", Path(root_dir), sequences)
        if absent or not sources:
            raise InputError(f"{root_dir}: {', '.join(absent) or 'OTB sequences'} not there; name a folder of them")
        self._found = {published.spelled(target.name): target for target in sources.values()}
        self.seq_names = list(self._found)
        self.seq_dirs = [str(sources.folder) for sources in self._found.values()]

    def __len__(self) -> int:
        return len(self.seq_names)

    def __getitem__(self, index: int | str) -> tuple[Files, NDArray[np.float64]]:
        """A sequence by number or name: files, and boxes (N, 4) counted from 1."""
        name = index if isinstance(index, str) else self.seq_names[index]
        if name not in self._found:
            raise InputError(f"{self.root_dir}: no sequence {name}; there are {', '.join(self.seq_names)}")
        target = self._found[name].read(published.facts("otb100").get(name))
        files = Files(map(str, target.frames[: self.frames]))
        files.sequence = name
        boxes = np.array(read_rows(target.annotations[0], 4), np.float64)
        return files, boxes[: self.frames]


class LocalExperiment(ExperimentOTB):  # type: ignore[misc]
    """The toolkit's OTB experiment on a data set that is given: it runs, scores and plots as the toolkit does."""

    def __init__(self, dataset: OTB, result_dir: str | Path = "results", report_dir: str | Path = "reports") -> None:
        self.dataset = dataset
        self.result_dir, self.report_dir = str(result_dir), str(report_dir)
        self.nbins_iou, self.nbins_ce = 21, 51
