"""Weights that come from a file and not from a training: which file it was, and whose."""

import sys
from pathlib import Path

from dat import records
from dat.base import public

SOURCE = "source.json"
"""Of a folder of weights: the file that the network, or the start of its training, was taken from."""


def say(place: Path) -> None:
    """Print that a network is taken as it is."""
    print(f"{place}: taken as it is, nothing is trained", file=sys.stderr)


def write_source(folder: Path, file: Path, home: Path) -> None:
    """Write which file weights are from: its path below the profile `home`, its sha256, and where its checksum is that
    of public weights, their name, address and licence."""
    facts = {"file": file.relative_to(home).as_posix(), "sha256": records.sha256_file(file)}
    name = public.known(file)
    if name is not None:
        source = public.PUBLIC[name]
        facts |= {"name": name, "address": source.address, "licence": source.licence, "checksum": source.checksum}
        facts |= {"checked": "whole" if source.checked else "in part"}
    records.write_json(folder / SOURCE, facts)
