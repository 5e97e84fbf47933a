"""How far a long command is: a bar on a terminal, plain lines elsewhere."""

import io
import sys
from collections.abc import Iterable
from typing import Any, TextIO, TypeVar

T = TypeVar("T")

TERMINAL_SECONDS, LINE_SECONDS = 0.1, 30.0
"""Between two drawings of the bar, and between two lines."""


class _Lines(io.TextIOBase):
    """Makes a line of each drawing of a bar, which goes back to the start of its line instead."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        if line := text.strip():
            self.stream.write(f"{line}\n")
        return len(text)

    def flush(self) -> None:
        self.stream.flush()


def progress(items: Iterable[T] | None = None, total: int | None = None, desc: str = "", unit: str = "it") -> Any:
    """A bar on a terminal, a line every half minute elsewhere, on stderr."""
    shape = {} if sys.stderr.isatty() else {"ncols": 0}
    return _bar(items, total=total, desc=desc, unit=unit, **shape)


def described(total: int, desc: str) -> Any:
    """A bar of `total` steps that says what its description says and nothing else: set `n` and the description."""
    form = "{percentage:3.0f}%|{bar}| {desc}" if sys.stderr.isatty() else "{desc}"
    return _bar(None, total=total, desc=desc, bar_format=form, miniters=0)


def _bar(items: Iterable[T] | None, **options: Any) -> Any:
    from tqdm import tqdm

    terminal = sys.stderr.isatty()
    seconds = TERMINAL_SECONDS if terminal else LINE_SECONDS
    stream = sys.stderr if terminal else _Lines(sys.stderr)
    return tqdm(items, mininterval=seconds, maxinterval=seconds, file=stream, dynamic_ncols=terminal, **options)
