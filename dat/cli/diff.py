"""`dat diff`: which numbers, outputs and records of two runs differ, and why."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dat.audit.causes import among
from dat.base.naming import shown as printable

if TYPE_CHECKING:
    from dat.audit.diff import Comparison, NumberDifference
    from dat.audit.explain import StageDifference

MOST_CAUSES, MOST_STAGES, MOST_NUMBERS = 6, 14, 10
"""Lines of each list on the terminal; the JSON has all."""

CUT, LEAST, GAP = 1, 24, 2
"""The column of a list that is cut to fit a narrow terminal, its least letters, and the blanks between columns."""


@click.command()
@click.argument("old", metavar="[REV1", required=False)
@click.argument("new", metavar="[REV2]]", required=False)
@click.option(
    "--json", "out", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path), help="Write all differences here."
)
def diff(old: str | None, new: str | None, out: Path | None) -> None:
    """Which numbers, outputs and records differ between two commits' runs, and the fewest causes that explain it.

    REV1 is HEAD when it is not named, and is compared with the working tree when there is no REV2. Stages are in the
    order of the graph: the first that differs is on top, and those that only follow from others say so.

    Exit status: 0 nothing differs; 1 something does; 2 no git checkout, unknown revision, or no dvc.lock in it.

    Examples: dat diff; dat diff HEAD~1; dat diff v1 v2 --json diff.json
    """
    from dat.audit.diff import compare
    from dat.base import params
    from dat.records import write_json

    comparison = compare(params.load(), old, new)
    if out is not None:
        write_json(out, comparison.facts())
    show(comparison)
    if not comparison.equal:
        sys.exit(1)


def show(comparison: "Comparison") -> None:
    """Print a comparison: the verdict, the causes, the stages in order, and the largest differences of numbers."""
    sides = [f"{run.name} ({run.commit[:9]})" for run in (comparison.old, comparison.new)]
    click.secho(printable(f"{sides[0]} against {sides[1]}"), dim=True)
    click.secho(printable(comparison.verdict), bold=True, fg="green" if comparison.equal else "red")
    for note in comparison.notes:
        click.secho(printable(f"note: {note}"), fg="yellow")
    causes = [
        (f"{counted(len(stages), 'stage')}, {counted(n, 'number')}", cause.text)
        for cause, stages, n in comparison.causes
    ]
    _section("Causes", causes, MOST_CAUSES)
    stages = [(stage.name, stage.text, _what(stage)) for stage in comparison.stages]
    _section("Stages that differ, in the order of the graph", stages, MOST_STAGES)
    _section(_spread(comparison), [_values(number) for number in comparison.numbers], MOST_NUMBERS)


def counted(number: int, name: str) -> str:
    """`1 stage`, `2 stages`."""
    return f"{number} {name}{'' if number == 1 else 's'}"


def _section(title: str, rows: Sequence[tuple[str, ...]], most: int) -> None:
    """A title and the first rows; nothing when there are none. A long middle column is cut, the others are whole."""
    if not rows:
        return
    shown = [[printable(cell) for cell in row] for row in rows[:most]]
    widths = [max(len(row[index]) for row in shown) for index in range(len(shown[0]))]
    others = sum(widths) - widths[CUT] + GAP * (len(widths) - 1)
    widths[CUT] = min(widths[CUT], max(LEAST, shutil.get_terminal_size((160, 24)).columns - others))
    click.secho(f"\n{title}", bold=True)
    for row in shown:
        cells = (
            cell if len(cell) <= width else f"{cell[: width - 1]}…" for cell, width in zip(row, widths, strict=True)
        )
        click.echo((" " * GAP).join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip())
    if len(rows) > most:
        click.secho(f"and {len(rows) - most} more (--json OUT lists all)", dim=True)


def _what(stage: "StageDifference") -> str:
    """Which files differ, or which outputs where their files are not known."""
    if stage.records_alone:
        return "records alone"
    names = [name for out, files in stage.outputs.items() for name in (files or [out])]
    return ", ".join(names) if len(names) <= 2 else f"{len(names)} files"


def _spread(comparison: "Comparison") -> str:
    title = "Numbers that differ"
    if comparison.spread is None:
        return title
    largest, median = comparison.spread
    return f"{title}: those of tables and figures by at most {largest:.3g}, half of them by {median:.3g} or less"


def _values(number: "NumberDifference") -> tuple[str, ...]:
    old, new = ("none" if value is None else f"{value:.4g}" for value in (number.old, number.new))
    change = "" if number.old is None or number.new is None else f"{number.new - number.old:+.3g}"
    return number.address, among(number.causes, 1), f"{old} → {new}", change
