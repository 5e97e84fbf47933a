"""`dat plan`: before a run, everything that it lacks at once, and what lies ahead."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dat.base.naming import shown

if TYPE_CHECKING:
    from dat.preflight.estimates import Disk, StageEstimate
    from dat.preflight.missing import Missing


@click.command()
@click.argument("stages", metavar="[STAGE...]", nargs=-1)
@click.option(
    "--json", "out", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path), help="Write all of it here."
)
def plan(stages: tuple[str, ...], out: Path | None) -> None:
    """What `dvc repro STAGE...` lacks here, with the command that gets each, and what it has to do. Starts nothing.

    A STAGE is one of dvc.yaml (evaluate@otb100), or all of a kind (evaluate); without one it is all. Hours are those
    of the last runs on this machine; a stage whose inputs come out as they were is skipped after all.

    Exit status: 0 nothing is missing; 1 something is; 2 there is no such stage, or params.yaml is wrong.

    Example: cd profiles/paper && dat plan evaluate@otb100
    """
    from dat.base import params
    from dat.preflight import estimates, graph, missing
    from dat.records import write_json

    settings = params.load()
    graph_of_stages = graph.read(settings, stages)
    coming = estimates.stages(settings, graph_of_stages)
    room = estimates.disk(settings, graph_of_stages, coming)
    lacking = missing.everything(settings, graph_of_stages, room)
    if out is not None:
        rows = {"missing": [asdict(one) for one in lacking], "stages": [asdict(one) for one in coming]}
        write_json(out, {**rows, "disk": asdict(room)})
    show(settings.profile, len(graph_of_stages.order), lacking, coming, room)
    if lacking:
        sys.exit(1)


def show(
    profile: str, total: int, lacking: "Sequence[Missing]", coming: "Sequence[StageEstimate]", room: "Disk"
) -> None:
    """Print what is missing, and what lies ahead."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> Table:
        made = Table(title=title, title_justify="left")
        for name in columns:
            made.add_column(name, justify="right" if name in right else "left", overflow="fold")
        for row in rows:
            made.add_row(*(escape(shown(cell)) for cell in row))
        return made

    console = Console(emoji=False)
    if lacking:
        rows = [(one.what, one.without, one.get) for one in lacking]
        console.print(table(f"Missing, profile {profile}", ("what", "without it", "get it by"), rows))
    numbers = ("units", "done", "frames to do", "hours")
    if coming:
        title = f"Ahead: {len(coming)} of {total} stages at most"
        console.print(table(title, ("stage", *numbers), _rows(coming), numbers))
    for line in _summary(lacking, coming, room):
        console.print(escape(line))


def _rows(coming: "Sequence[StageEstimate]") -> list[tuple[str, ...]]:
    """A row for each benchmark, and one for all other stages of a kind that follow each other."""
    rows = []
    for kind, group in groupby(coming, key=lambda one: one.stage if one.units else one.stage.partition("@")[0]):
        these = list(group)
        name = these[0].stage if len(these) == 1 else f"{kind}, {len(these)} stages"
        counts = [f"{number:,}" for number in (these[0].units, these[0].done, these[0].frames) if number is not None]
        rows.append((name, *(counts or ("", "", "")), _hours(these)))
    return rows


def _hours(these: "Sequence[StageEstimate]") -> str:
    known = [one.hours for one in these if one.hours is not None]
    return f"{sum(known):.2f}" if len(known) == len(these) else "unknown"


def _summary(lacking: "Sequence[Missing]", coming: "Sequence[StageEstimate]", room: "Disk") -> list[str]:
    """The lines below the tables."""
    hours = [one.hours for one in coming if one.hours is not None]
    known = f"{sum(hours):.2f}" if hours else "unknown"
    unknown = len(coming) - len(hours)
    more = f"; {unknown} stages were never measured on this machine" if unknown else ""
    stops = sum(one.stops for one in lacking)
    sentence = f"{len(lacking)} things are missing, {stops} of which stop a stage" if lacking else "nothing is missing"
    if not coming:
        return ["nothing to run", sentence]
    sizes = f"{room.needed / 1e9:.2f} GB needed" + (
        f" and what {len(room.unknown)} stages write" if room.unknown else ""
    )
    return [f"hours: {known}{more}", f"disk: {sizes}, {room.free / 1e9:.0f} GB free", sentence]
