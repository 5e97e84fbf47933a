"""What a unit prints while it runs, libraries included: a file each, of which the end is kept or shown."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = "units"
LINES = 8
"""Of a unit's log that are kept in its run file, and shown where it failed."""

BYTES = 16384


@contextlib.contextmanager
def written(path: Path) -> Iterator[None]:
    """Meanwhile all that this process and what it starts print goes into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    with path.open("w", encoding="utf-8", errors="replace", buffering=1) as file:
        before = os.dup(1), os.dup(2)
        try:
            for number in (1, 2):
                os.dup2(file.fileno(), number)
            with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
                yield
        finally:
            for number, descriptor in zip((1, 2), before, strict=True):
                os.dup2(descriptor, number)
                os.close(descriptor)


def tail(path: Path) -> list[str]:
    """The last lines of a log; none where there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-LINES:]
