"""`dat data`: what is where, linking the user's own copies, showing a sequence."""

from pathlib import Path

import click

from dat import params
from dat.cli.sentences import group
from dat.datasets import linking
from dat.naming import shown


@click.group()
def data() -> None:
    """Data sets: what is where, what is wrong with it, linking and showing.

    Example: cd profiles/paper && dat data link otb100 ~/data/OTB100
    """


@data.command()
def status() -> None:
    """What is where, and what is wrong with it.

    Example: dat data status
    """
    settings = params.load()
    found = [linking.status(settings, key) for key in settings.root.datasets]
    table: list[tuple[str, ...]] = [("set", "name", "targets", "frames", "sentences", "where", "to do")]
    for one in found:
        targets = f"{one.targets} of {one.wanted}"
        facts = (one.key, one.name, targets, f"{one.frames}", f"{one.sentences}", one.where, one.wrong or "-")
        table.append(tuple(map(shown, facts)))
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]) - 1)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)]
        click.echo("  ".join([*cells, row[-1]]).rstrip())


@data.command()
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
def link(name: str, path: Path) -> None:
    """Say where a real data set lies; its layout is checked first.

    Example: dat data link otb100 ~/data/OTB100
    """
    found = linking.link(params.load(), name, path)
    click.echo(
        f"{name}: {len(found.found)} of {len(found.found) + len(found.missing)} targets in {shown(found.folder)}"
    )
    if found.missing:
        click.echo(f"not there: {', '.join(found.missing)}")
    click.echo(f"next: dat index {name} (dvc repro does it)")


@data.command()
@click.argument("name")
@click.argument("sequence")
def show(name: str, sequence: str) -> None:
    """The facts of one sequence, from the manifest.

    Example: dat data show otb100 Jogging-2
    """
    found = linking.sequence(params.load(), name, sequence)
    first = found.row["boxes"][0]
    facts = {
        "sequence": found.name,
        "frames": found.row["frames"],
        "size": "{} x {} pixels".format(*found.size),
        "first image": found.files[0][0],
        "first box": "unknown" if first is None else ",".join(f"{value:g}" for value in first) + " (x,y,w,h; origin 0)",
        "absent": f"{int(found.absent.sum())} frames" if "absent" in found.row else "not annotated",
        "sentence": found.sentence or "none: attention from the target alone",
        "attributes": " ".join(found.attributes) or "none",
        "digest": found.digest,
    }
    for key, value in facts.items():
        click.echo(f"{key + ':':<13}{shown(value)}")


data.add_command(group)
