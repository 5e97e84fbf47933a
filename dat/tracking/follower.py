"""What all trackers have in common: what the protocols call, and what can be looked at after a frame."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dat.datasets.images import Image


class Follower(Protocol):
    """What VOT's protocol asks of a tracker. Boxes are (x, y, w, h), origin 0."""

    def init(self, image: Image, box: ArrayLike, sentence: str | None = None) -> None: ...

    def update(self, image: Image) -> NDArray[np.float64]: ...


class TrackerState(Follower, Protocol):
    """A tracker with what its last frame gave: box (4,), score, whether it was lost, where the winner came from,
    whether it was re-detected, the attention map (h, w) or None, and the first frame's size, (width, height)."""

    @property
    def box(self) -> NDArray[np.float64]: ...

    @property
    def score(self) -> float: ...

    @property
    def lost(self) -> bool: ...

    @property
    def source(self) -> Literal["local", "global"]: ...

    @property
    def redetected(self) -> bool: ...

    @property
    def attention(self) -> NDArray[np.float32] | None: ...

    @property
    def size(self) -> tuple[int, int]: ...
