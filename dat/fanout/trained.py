"""What a benchmark's networks were trained on, by their records: nothing that they are scored on."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dat import records
from dat.base.errors import InputError
from dat.datasets import manifest as manifests


def check(home: Path, manifest: manifests.Manifest, names: Sequence[str], networks: Iterable[str]) -> None:
    """Look that no network (folders below the profile `home`) was trained from a list with a sequence of these names.

    Of a network without a record, or of one that was taken from a file, nothing is known; of one whose list is not here
    that is printed.

    Raises InputError naming the network, the list and a sequence, or a list that is not the one of the training.
    """
    for network in networks:
        for path, sha256 in dict(_lists(home, network)).items():
            if not (home / path).is_file():
                unknown = "whether it was trained on a sequence of the benchmark is not known"
                print(f"{network}: {path} is not here, so {unknown}", file=sys.stderr)
                continue
            if manifests.read_header(home / path)["name"] != manifest.header["name"]:
                continue
            if records.sha256_file(home / path) != sha256:
                raise InputError(f"{path}: not the list that {network} was trained from; dvc repro trains it again")
            trained = {row["sequence"] for row in manifests.rows(home / path)}
            if seen := [name for name in names if name in trained]:
                raise InputError(f"{network}: {trained_on(path, seen, len(names))}")


def trained_on(path: str, seen: Sequence[str], total: int) -> str:
    """That a network was trained from a list with sequences that it would be scored on, and the remedy."""
    where = f"trained from {path}, in which are {len(seen)} of the benchmark's {total} sequences, such as {seen[0]}"
    return f"{where}; use networks that were trained without them, as in profiles/further [R30]"


def _lists(home: Path, network: str) -> Iterator[tuple[str, str]]:
    """Path and sha256 of the manifests that a network's record, or one before it, names among its inputs."""
    left, seen = [f"{network}/record.json"], set[str]()
    while left:
        path = left.pop()
        if path in seen or not (home / path).is_file():
            continue
        seen.add(path)
        record = records.read_json(home / path)
        yield from ((fact["path"], fact["sha256"]) for fact in record["inputs"] if fact["path"].endswith(".jsonl"))
        left += [parent["path"] for parent in record["parents"]]
