"""`dat data`: what is where, linking the user's own copies, showing a sequence."""

import os
from pathlib import Path

import click

from dat.base import params
from dat.base.errors import InputError
from dat.base.naming import shown
from dat.base.outside import output
from dat.base.params import Settings
from dat.cli.sentences import group
from dat.datasets import linking, sets
from dat.records import write_bytes


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
    states = [linking.status(settings, key) for key in settings.root.datasets]
    table: list[tuple[str, ...]] = [("set", "name", "targets", "frames", "sentences", "where", "to do")]
    for one in states:
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
    _link(params.load(), name, path)


def _link(settings: Settings, name: str, path: Path) -> None:
    look = linking.link(settings, name, path)
    total = len(look.found) + len(look.missing)
    click.echo(f"{name}: {len(look.found)} of {total} targets in {shown(look.folder)}")
    if look.missing:
        click.echo(f"not there: {', '.join(look.missing)}")
    click.echo(f"next: dat index {name} (dvc repro does it)")


@data.command()
@click.argument("name")
@click.option("--sequence", "sequences", multiple=True, metavar="S", help="Only this one; may be repeated.")
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to (default: $DAT_DATA/NAME, else data/raw/NAME of the profile).",
)
def get(name: str, sequences: tuple[str, ...], folder: Path | None) -> None:
    """Fetch a data set that has direct addresses (otb100, vot2014, vot2016), unpack and link it; of the others, say
    where they are to be had.

    After a break the same command goes on; sequences that are there are not fetched again. Archives of which no
    checksum is published are unchecked, which is said, and have to stay those that were fetched first.

    Example: dat data get otb100 --sequence Deer
    """
    from dat.cli import getting

    settings = params.load()
    linking.check_linkable(settings, name)
    if sets.is_described(settings, name):
        raise InputError(f"{name}: no direct address; {getting.by_hand(name)}")
    described = sets.load(settings, name)
    strange = sorted(set(sequences) - set(described.wanted))
    if strange:
        raise InputError(f"{name}: no sequence {', '.join(strange)} in its lists; dat data status shows the sets")
    common = os.environ.get("DAT_DATA")
    root = folder or (Path(common) / name if common else settings.path / "data" / "raw" / name)
    plan = getting.plan(described.name, sequences or described.wanted, root.absolute())
    unchecked = getting.unchecked(plan)
    number = getting.get(plan, root.absolute())
    click.echo(f"{name}: {number} of {len(plan)} folders fetched, the others were there")
    if unchecked:
        some = f"{len(unchecked)} archives such as {shown(unchecked[0])}"
        pins = shown(root / ".downloads")
        click.echo(f"unchecked: no full checksum is published of {some}; the sha256 of each is kept below {pins}")
    _link(settings, name, root)


@data.command()
@click.argument("name")
@click.argument("sequence", required=False)
@click.option(
    "--out",
    metavar="PNG",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Of a whole set: where its first frames with their boxes are drawn.",
)
def show(name: str, sequence: str | None, out: Path | None) -> None:
    """The facts of one sequence, from the manifest; or with --out a contact sheet of the whole set.

    \b
    Example: dat data show otb100 Jogging-2
             dat data show otb100 --out otb100.png
    """
    if (sequence is None) == (out is None):
        raise click.UsageError("name one SEQUENCE to read its facts, or with --out PNG draw the whole set")
    if sequence is not None:
        _facts(name, sequence)
    elif out is not None:
        _sheet(name, out)


def _sheet(name: str, out: Path) -> None:
    """Draw a data set's contact sheet."""
    from dat.datasets import manifest, sheet
    from dat.datasets.images import encode_png

    output(out, "--out", ".png")
    settings = params.load()
    sets.path(settings, name)
    targets = list(manifest.sequences(sets.manifest_path(settings, name)))
    picture, number = sheet.contact_sheet(targets)
    write_bytes(out, encode_png(picture))
    rest = f" (the first of {len(targets)})" if number < len(targets) else ""
    click.echo(f"{name}: {number} targets{rest} in {out}")


def _facts(name: str, sequence: str) -> None:
    """Print what the manifest says of a sequence."""
    entry = linking.sequence(params.load(), name, sequence)
    first = entry.row["boxes"][0]
    facts = {
        "sequence": entry.name,
        "frames": entry.row["frames"],
        "size": "{} x {} pixels".format(*entry.size),
        "first image": entry.files[0][0],
        "first box": "unknown" if first is None else ",".join(f"{value:g}" for value in first) + " (x,y,w,h; origin 0)",
        "absent": f"{int(entry.absent.sum())} frames" if "absent" in entry.row else "not annotated",
        "sentence": entry.sentence or "none: attention from the target alone",
        "attributes": " ".join(entry.attributes) or "none",
        "digest": entry.digest,
    }
    for key, value in facts.items():
        click.echo(f"{key + ':':<13}{shown(value)}")


@data.command()
@click.argument("video", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
def frames(video: Path, folder: Path) -> None:
    """Cut a video into PNG images for a data set of your own (layout plain), as a player shows it.

    FOLDER is made, and is there only when all of it is.

    Example: dat data frames clips/cat/cat.mp4 clips/cat/img
    """
    from dat.datasets.images import encode_png
    from dat.records import remove, temporary
    from dat.video import sources

    if folder.exists():
        raise InputError(f"{folder}: is there already; remove it, or name another")
    source = sources.open_source(str(video))
    part, number = temporary(folder), 0
    part.mkdir(parents=True)
    try:
        for number, frame in enumerate(source.frames(), 1):
            write_bytes(part / f"{number:08d}.png", encode_png(frame.image))
        os.replace(part, folder)
    finally:
        if part.exists():
            remove(part)
    for note in source.notes:
        click.echo(shown(note), err=True)
    click.echo(f"{number} images in {folder}")


data.add_command(group)
