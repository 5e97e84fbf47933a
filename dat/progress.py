"""How far a long command is."""

import sys
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


def progress(items: Iterable[T] | None = None, total: int | None = None, desc: str = "", unit: str = "it") -> Any:
    """A bar on a terminal, a line every half minute elsewhere, on stderr."""
    from tqdm import tqdm

    slow = 0.1 if sys.stderr.isatty() else 30.0
    return tqdm(
        items,
        total=total,
        desc=desc,
        unit=unit,
        mininterval=slow,
        maxinterval=slow,
        file=sys.stderr,
        dynamic_ncols=True,
    )
