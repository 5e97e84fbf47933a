"""Public weights: their authors' addresses, checksums and licences, and which file of weights a setting names.

None of these files is part of this project.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dat.base import opening

CHUNK = 1 << 16
BITS = 128
"""Bits of a checksum below which another file can be made to fit."""

ENDINGS = (".safetensors", ".pth", ".mat")
"""Of a file of weights: ours, py-MDNet's and torchvision's, MatConvNet's."""

OURS = "weights.safetensors"
"""The weights in a folder that a training wrote."""


@dataclass(frozen=True)
class Source:
    """A public file. `checksum` is `sha256:`, `sha1:`, `md5:` or `git:` (a blob's name) and the hex digits that are
    published: the first, all, or none."""

    file: str
    address: str
    checksum: str
    licence: str = ""
    param: str = ""  # what of params.yaml takes its path
    bytes: int | None = None  # where it is known

    @property
    def checked(self) -> bool:
        """Whether the published checksum is long enough to tell the file from any other."""
        return 4 * len(self.checksum.partition(":")[2]) >= BITS


MDNET = "POSTECH's: research use only, no redistribution; a commercial use needs its licence"
PUBLIC: Mapping[str, Source] = {
    "vgg-m": Source(
        "imagenet-vgg-m.mat",
        "http://www.vlfeat.org/matconvnet/models/imagenet-vgg-m.mat",
        "md5:29294d5f62578c96a3533859514235f2",  # the table in MatConvNet's documentation
        "none is stated; credit Chatfield et al., Return of the Devil in the Details, BMVC 2014",
        "network.vgg_m",
    ),
    "vgg16": Source(
        "vgg16-397923af.pth",
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "sha256:397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        "BSD 3-Clause (torchvision); trained on ImageNet, whose images are for research",
        "network.vgg16",
        553433881,
    ),
    "mdnet-vot-otb": Source(
        "mdnet_vot-otb.pth",
        "https://github.com/hyeonseobnam/py-MDNet/raw/master/models/mdnet_vot-otb.pth",
        "git:23dade7",
        MDNET,
        "salnet.NAME.from",
    ),
    "mdnet-imagenet-vid": Source(
        "mdnet_imagenet_vid.pth",
        "https://github.com/hyeonseobnam/py-MDNet/raw/master/models/mdnet_imagenet_vid.pth",
        "git:dac969f",
        MDNET,
        "salnet.NAME.from",
    ),
}
"""By the name that `dat weights get` takes."""


def matches(path: Path, source: Source) -> bool:
    """Whether a file has the size and checksum of its source."""
    with opening.opened(path, opening.ANY) as file:
        size = os.fstat(file.fileno()).st_size
        kind, _, wanted = source.checksum.partition(":")
        name, start = ("sha1", b"blob %d\0" % size) if kind == "git" else (kind, b"")
        digest = hashlib.new(name, start, usedforsecurity=False)
        while piece := file.read(CHUNK):
            digest.update(piece)
    return source.bytes in (None, size) and digest.hexdigest().startswith(wanted)


def known(path: Path) -> str | None:
    """The name of the public weights that a file is by its checksum, whatever it is called; None for another."""
    return next((name for name, source in PUBLIC.items() if matches(path, source)), None)


def command(path: Path) -> str:
    """The command that gets a public file of this name; empty where none is called so."""
    return next((f"dat weights get {name}" for name, source in PUBLIC.items() if source.file == path.name), "")


def weights_of(place: Path) -> Path | None:
    """The file of weights that a network's `from` names: itself, told by its ending, or that of a folder of weights.

    None where it is a folder to train from.
    """
    if place.suffix in ENDINGS:
        return place
    inside = place / OURS
    return inside if inside.is_file() else None
