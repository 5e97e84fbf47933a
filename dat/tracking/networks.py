"""From weights folders to the networks that a tracker uses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dat.models import weights
from dat.tracking.attention import Attention

if TYPE_CHECKING:
    from dat.models.salnet import SALNet

SIZE = (96, 128)
"""Height and width of a frame for a network whose weights do not say at what size it was trained."""


def salnet(folder: Path, device: str) -> SALNet:
    """The classifier's network. Raises MissingError when there are no weights."""
    return weights.load_salnet(folder, device)


def attention(folder: Path | None, device: str) -> Attention | None:
    """The attention network with its vocabulary, ready for one sequence; None without a folder."""
    if folder is None:
        return None
    network, vocabulary = weights.load_gpgnet(folder, device)
    _, facts = weights.read(folder)
    size = int(facts.get("height", SIZE[0])), int(facts.get("width", SIZE[1]))
    context, target = float(facts.get("patch_context", 0.0)), int(facts.get("mask_target", 1))
    return Attention(network, vocabulary, size, context, target)
