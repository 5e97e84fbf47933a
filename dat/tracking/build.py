"""From parts to a tracker: networks from their weights folders, and the tracker that uses them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dat.base.sections import Csrdcf, Tracking
from dat.models import weights
from dat.models.salnet import SALNet
from dat.tracking.attention import Attention
from dat.tracking.csrdcf.tracker import CsrDcf
from dat.tracking.follower import TrackerState
from dat.tracking.mdnet.tracker import MDNetTracker
from dat.tracking.parts import Parts

SIZE = (96, 128)
"""Height and width of a frame for a network whose weights do not say at what size it was trained."""


@dataclass(frozen=True)
class Networks:
    """A tracker's networks on their device: its classifier (CSR-DCF has none), and its attention network or none."""

    salnet: SALNet | None
    attention: Attention | None


def load(parts: Parts, device: str) -> Networks:
    """The networks of a tracker. Raises MissingError when there are no weights."""
    salnet = None if parts.salnet is None else weights.load_salnet(parts.salnet, device)
    return Networks(salnet, None if parts.gpgnet is None else attention(parts.gpgnet, device))


def attention(folder: Path, device: str) -> Attention:
    """An attention network with its vocabulary. Raises MissingError when there are no weights."""
    network, vocabulary = weights.load_gpgnet(folder, device)
    _, facts = weights.read(folder)
    size = int(facts.get("height", SIZE[0])), int(facts.get("width", SIZE[1]))
    context, target = float(facts.get("patch_context", 0.0)), int(facts.get("mask_target", 1))
    return Attention(network, vocabulary, size, context, target)


def tracker(
    networks: Networks,
    settings: Tracking | Csrdcf,
    colour_names: Path | None,
    draws: tuple[str, int, int],
) -> TrackerState:
    """A tracker that has not started yet: MDNet's loop over a SALNet, or by its settings CSR-DCF.

    `draws` are the sequence's name, the seed and the repetition, on which the tracker's random numbers depend; CSR-DCF
    draws none.
    """
    if isinstance(settings, Csrdcf):
        return CsrDcf(settings, networks.attention, colour_names)
    assert networks.salnet is not None, "a variant without a SALNet is CSR-DCF"
    return MDNetTracker(settings, networks.salnet, networks.attention, *draws)
