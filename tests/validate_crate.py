"""Validate a crate and its data sets' descriptions by the validators of both standards, without a network.

    python -m tests.validate_crate DIR CONTEXT

CONTEXT is RO-Crate 1.1's context as a file, which the package rocrate 0.11 has (`rocrate/data/ro-crate.jsonld`). It is
put into the validator's cache, since crates name it by its address. `make test-crate` installs all of it aside.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import requests

ADDRESS = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "provenance-run-crate-0.5"


class Held(requests.adapters.BaseAdapter):
    """Answers every request with some bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data

    def send(self, request: Any, *_: Any, **__: Any) -> Any:
        from urllib3 import HTTPResponse

        head = {"Content-Type": "application/ld+json"}
        raw = HTTPResponse(io.BytesIO(self.data), headers=head, status=200, preload_content=False)
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing is open."""


def keep(context: Path, cache: Path) -> None:
    """Put RO-Crate's context into a cache of the validator."""
    from requests_cache import CachedSession

    session = CachedSession(cache_name=str(cache), expire_after=-1, backend="sqlite")
    session.mount("https://", Held(context.read_bytes()))
    assert session.get(ADDRESS).json()["@id"] == ADDRESS, f"{context}: not RO-Crate 1.1's context"


def crate(folder: Path, context: Path) -> int:
    """Validate a crate against the profile Provenance Run Crate and those that it extends; the exit status."""
    with tempfile.TemporaryDirectory() as place:
        cache = Path(place) / "cache"
        keep(context, cache)
        options = ["--offline", "--cache-path", str(cache), "--profile-identifier", PROFILE, "--no-paging", "--verbose"]
        run = "from rocrate_validator.cli import cli; cli()"
        return subprocess.run([sys.executable, "-c", run, "validate", *options, str(folder)], check=False).returncode


def data_sets(folder: Path) -> int:
    """Validate the descriptions of a crate's data sets, and load the records of each."""
    import mlcroissant

    found = sorted(folder.glob("data-sets/*/croissant.json"))
    for path in found:
        records = list(mlcroissant.Dataset(jsonld=path).records("sequences"))
        lines = (path.parent / "sequences.csv").read_text().splitlines()[1:]
        print(f"{path.relative_to(folder)}: valid, {len(records)} records of {len(lines)} lines")
        if len(records) != len(lines):
            return 1
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(crate(Path(sys.argv[1]), Path(sys.argv[2])) or data_sets(Path(sys.argv[1])))
