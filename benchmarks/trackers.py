"""A finished run's trackers, followed through a clip: what several benchmarks do."""

from collections.abc import Sequence

import numpy as np

from dat.base import params
from dat.datasets.images import Image
from dat.tracking import build
from dat.tracking.mdnet.tracker import MDNetTracker
from dat.video import request


def tracker_of(
    settings: params.Settings, variant: str, name: str, sentence: str, seed: int = 0, features: str | None = None
) -> MDNetTracker:
    """A tracker with the networks of the profile's run, on a CPU; `features` is a mode other than the settings'."""
    tracking = settings.root.tracking
    if features:
        tracking = tracking.model_copy(update={"features": features})
    networks = build.load(request.find_parts(settings, variant, None, sentence), "cpu")
    assert networks.salnet is not None, f"{variant} has no SALNet"
    return MDNetTracker(tracking, networks.salnet, networks.attention, name, seed)


def follow(
    tracker: MDNetTracker, images: Sequence[Image], box: np.ndarray, sentence: str | None = None
) -> tuple[np.ndarray, int]:
    """Boxes (F, 4), the first being the given one, and how many re-detections the tracker counted."""
    tracker.init(images[0], box, sentence)
    found, again = [box], 0
    for image in images[1:]:
        found.append(tracker.update(image))
        again += tracker.redetected
    return np.array(found), again
