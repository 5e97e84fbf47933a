"""`dat weights`: public starting weights, from their authors' addresses. None of them is part of this project."""

from pathlib import Path

import click

from dat.base import params
from dat.base.errors import InputError
from dat.base.public import PUBLIC, Source
from dat.cli.downloads import fetch, pin_of, pinned


@click.group()
def weights() -> None:
    """Public starting weights: where they come from, fetching them.

    Example: dat weights get vgg-m
    """


def _facts(source: Source) -> str:
    size = f"{source.bytes / 1e6:.0f} MB" if source.bytes else "size not published"
    worth = source.checksum if source.checked else f"{source.checksum}..., too short to check it"
    return f"  from {source.address} ({size}, {worth})\n  licence: {source.licence}"


@weights.command("list")
def list_() -> None:
    """Name, address, size, checksum and licence of each, and which setting takes it.

    Example: dat weights list
    """
    for name, source in PUBLIC.items():
        click.echo(f"{name}, for {source.param}\n{_facts(source)}")


@weights.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to (default: data/weights of the profile).",
)
def get(names: tuple[str, ...], folder: Path | None) -> None:
    """Fetch some: of each its licence first, then the file, checked; after a break the same command goes on.

    Where no checksum of 128 bits is published the file is unchecked, and has to stay the one that was fetched first.

    Example: dat weights get vgg-m vgg16
    """
    for name in names:
        if name not in PUBLIC:
            raise InputError(f"no public weights of the name '{name}'; there are: {', '.join(PUBLIC)}")
    for name in names:
        _get(name, folder)


def _get(name: str, folder: Path | None) -> None:
    source = PUBLIC[name]
    click.echo(f"{name}\n{_facts(source)}")
    home = params.load().path if folder is None else folder
    place = fetch(source, home / "data" / "weights" if folder is None else folder)
    right = "right" if source.checked else f"unchecked: no full checksum is published; it has sha256 {pinned(place)}"
    noted = "" if source.checked else f", kept in {pin_of(place).name}"
    click.echo(f"{place}: there and {right}{noted}")
    todo = "put it below the profile and" if folder else ""
    path = "its path there" if folder else place.relative_to(home)
    click.echo(f"to use it, {todo} write {source.param}: {path} in params.yaml".replace("  ", " "))
