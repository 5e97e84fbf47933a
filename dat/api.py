"""The Python interface: a tracker, the scores of result files, and the provenance of a number.

Boxes are x,y,w,h in pixels; the top left corner of the top left pixel is (0, 0). Everything raises subclasses of
`DatError`, whose message is one line that names the file, line or sequence and the remedy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dat.base import numerics

numerics.prepare_import()

import numpy as np  # noqa: E402
from numpy.typing import ArrayLike, NDArray  # noqa: E402

from dat.audit.checks import Audit, Check, Node  # noqa: E402
from dat.base.errors import DatError, InputError, MissingError  # noqa: E402

if TYPE_CHECKING:
    import pandas

    from dat.tracking.follower import TrackerState

__all__ = [
    "Audit",
    "Check",
    "DatError",
    "InputError",
    "MissingError",
    "Node",
    "Tracker",
    "audit",
    "evaluate",
    "frames",
    "scores",
    "table",
]

Image = NDArray[np.uint8]


class Tracker:
    """Follows one target from its box in the first frame, with or without a sentence about it.

    `variant` is one of params.yaml's: `dat-jtnl` is DAT with attention from target and language, `pymdnet` the
    baseline, `csrdcf` needs no weights. `weights` is a folder of weights other than the run's, `device` cpu, cuda or
    auto. What is drawn at random depends on the seed and on the name that `start` is given.

    Raises ParamsError for an unknown variant, MissingError when there are no weights, InputError for a device that is
    not there.
    """

    def __init__(
        self,
        variant: str = "dat-jtnl",
        *,
        weights: Path | None = None,
        features: Literal["crops", "shared"] | None = None,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        from dat.adapters.factory import TrackerFactory

        self._supply = TrackerFactory(variant, weights, features=features, seed=seed, device=device).check()
        self._state: TrackerState | None = None

    def start(self, image: Image, box: ArrayLike, text: str | None = None, name: str = "video") -> None:
        """Begin with the target's box (4,) in an image (H, W, 3) RGB and a sentence about it, if there is one.

        Raises InputError for a box without an area or wholly outside of the image.
        """
        self._state = replace(self._supply, text=text).start(name, image, box)

    def update(self, image: Image) -> NDArray[np.float64]:
        """The target's box (4,) in the next image (H, W, 3) RGB. Raises InputError before `start`."""
        return self._started.update(image)

    @property
    def score(self) -> float:
        """The score of the last frame's best candidate: the classifier's, 0 to 1 (params.yaml: `tracking.failure`)."""
        return self._started.score

    @property
    def lost(self) -> bool:
        """Whether the last frame's best candidate failed, so that the box is the last good one."""
        return self._started.lost

    @property
    def redetected(self) -> bool:
        """Whether the last frame's box was found again far from the one before."""
        return self._started.redetected

    @property
    def attention(self) -> NDArray[np.float32] | None:
        """The last frame's attention map (h, w), 0 to 1 over the whole frame; None without an attention network."""
        return self._started.attention

    @property
    def _started(self) -> TrackerState:
        if self._state is None:
            raise InputError("the tracker has not started: call start(image, box) with the first frame")
        return self._state


def frames(source: str | Path, start: int = 1, count: int | None = None) -> Iterator[Image]:
    """The frames (H, W, 3) RGB of a video file, a folder of images, a glob or a camera's number, from number `start`.

    Raises InputError naming the file or frame that cannot be read.
    """
    from dat.video.sources import open_source

    return (frame.image for frame in open_source(str(source), start, count).frames())


def scores(
    results: Path,
    benchmark: str,
    annotations: Path,
    *,
    definition: str | None = None,
    lengths: Literal["strict", "cut"] = "strict",
    bootstrap: tuple[int, int] = (10_000, 0),
) -> dict[str, Any]:
    """The scores of every tracker's result files below `results`, as `dat evaluate --json` writes them.

    `bootstrap` is the number of resamples of the intervals and their seed. Raises InputError naming the first wrong
    file, and for an unknown benchmark or definition.
    """
    from dat.evaluation import score

    return score.files(benchmark, annotations, results, definition, lengths, bootstrap)


def table(scores: Mapping[str, Any]) -> pandas.DataFrame:
    """A row a tracker of what `scores` gives: how many sequences were scored of how many, then its scores.

    >>> tracker = {"scored": 2, "expected": 3, "success": 0.5, "success_interval": [0.4, 0.6], "sequences": {}}
    >>> frame = table({"trackers": {"MDNet": tracker}})
    >>> frame.loc["MDNet", ["scored", "expected", "success", "success_low", "success_high"]].tolist()
    [2.0, 3.0, 0.5, 0.4, 0.6]
    """
    import pandas

    rows = {name: dict(_numbers(entry)) for name, entry in scores["trackers"].items()}
    return pandas.DataFrame.from_dict(rows, orient="index")


def _numbers(entry: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in entry.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield key, value
        elif key.endswith("_interval"):
            name = key.removesuffix("_interval")
            yield from ((f"{name}_low", value[0]), (f"{name}_high", value[1]))


def evaluate(results: Path, benchmark: str, annotations: Path, **options: Any) -> pandas.DataFrame:
    """The scores of every tracker below `results`: a row a tracker (see `scores`, which takes the same options)."""
    return table(scores(results, benchmark, annotations, **options))


def audit(address: str, profile: Path | None = None) -> Audit:
    """The provenance of a number of a run, checked; an address is `otb100/dat-jtnl/success` or another of `dat audit`.

    `profile` is the folder of its params.yaml (default: the nearest upwards). The audit's `value` and `verdict` say
    what the number is and whether it holds, its `node` what it rests on, `node.path_to(file)` why it rests on a file.
    Raises InputError for an address that does not exist, naming the nearest ones, and MissingError without a dvc.lock.
    """
    from dat.audit.walk import Walk
    from dat.base import params

    walk = Walk(params.load(profile))
    return walk.audit(walk.find(address))
