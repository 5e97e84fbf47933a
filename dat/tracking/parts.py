"""From a variant to the files that its tracker is made of: no torch here."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dat.base.sections import Variant


@dataclass(frozen=True)
class Parts:
    """The version of GPGNet that guides a tracker ("none": none does) and the tracker's files.

    `salnet` and `gpgnet` are weights folders: without a SALNet the tracker is CSR-DCF, which may have a file of colour
    names [R29].
    """

    version: str
    salnet: Path | None
    gpgnet: Path | None
    colour_names: Path | None = None


def parts(variant: "Variant", sentence: str | None, weights: Path, colour_names: Path | None) -> Parts:
    """The parts of a variant's tracker for a target with or without a sentence; `weights` is the folder of all weights.

    Without a sentence, attention is from the target alone [R27].
    """
    version = "to" if variant.reads_sentences and not sentence else variant.attention
    return Parts(
        version=version,
        salnet=weights / "salnet" / variant.salnet if variant.salnet else None,
        gpgnet=None if version == "none" else weights / "gpgnet" / version,
        colour_names=None if variant.salnet else colour_names,
    )
