"""The figures of a benchmark: printed as they come, and written to docs/measured, from which the page is made."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dat import records

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "measured"

Cell = str | int | float


class Table:
    """Rows under `columns`; a row is printed when it is added."""

    def __init__(self, *columns: str) -> None:
        self.columns, self.rows = list(columns), list[list[Cell]]()

    def add(self, *cells: Cell) -> None:
        """Add a row and print it."""
        assert len(cells) == len(self.columns), f"{len(cells)} cells under {len(self.columns)} columns"
        self.rows.append(list(cells))
        print(" | ".join(text(cell) for cell in cells), flush=True)


def text(cell: Cell) -> str:
    """A cell as the page shows it: a number with all of its digits, thousands apart."""
    return cell if isinstance(cell, str) else f"{cell:,}"


def command(name: str, arguments: Sequence[str]) -> str:
    """What was typed; of a path of this machine only its end, since the figures are committed."""
    shown = [Path(one).name if Path(one.rpartition("=")[2]).is_absolute() else one for one in arguments]
    return " ".join(["python", "-m", f"benchmarks.{name}", *shown])


def write(path: str, *blocks: Table | str, folder: Path = FOLDER) -> None:
    """Write the figures of the benchmark whose `__file__` is `path`, in place of those of an earlier run.

    A block is a table, or a sentence in Markdown. The file is named after the benchmark, without `bench_`.
    """
    name = Path(path).stem
    facts: dict[str, Any] = records.commit(ROOT) | {
        "command": command(name, sys.argv[1:]),
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "processor": records.processor(),
        "figures": [block if isinstance(block, str) else vars(block) for block in blocks],
    }
    target = folder / f"{name.removeprefix('bench_')}.json"
    records.write_json(target, facts)
    print(f"written: {target.relative_to(folder.parents[1])}; make measured puts it on the page", file=sys.stderr)
