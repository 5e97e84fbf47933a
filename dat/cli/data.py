"""`dat data`: what is where, linking the user's own copies, showing a sequence, and sentences."""

from datetime import date
from pathlib import Path

import click

from dat import params
from dat.datasets import linking, sentences, sets
from dat.errors import InputError
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


@data.group("sentences")
def sentence_group() -> None:
    """Sentences about targets: check the tables, write one.

    Example: dat data sentences check
    """


@sentence_group.command("check")
@click.argument("names", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Check the tables of sentences: lines that are wrong, sequences that have none.

    Example: dat data sentences check otb100
    """
    settings, odd = params.load(), 0
    for name in names or tuple(settings.root.datasets):
        found = sets.load(settings, name)
        if found.table is None:
            beside = " (nlp.txt beside each video)" if found.layout == "lasot" else ""
            click.echo(f"{name}: no table of sentences{beside}")
            continue
        table = found.sentences()
        remarks = sentences.remarks(table, found.wanted)
        missing = [wish for wish in found.wanted if wish not in table]
        click.echo(f"{name}: {len(table)} sentences for {len(found.wanted)} targets in {found.table}")
        for remark in remarks:
            click.echo(f"  {shown(remark)}")
        if missing:
            click.echo(f"  none, so attention from the target alone: {', '.join(missing)}")
        odd += len(remarks)
    if odd:
        raise click.exceptions.Exit(1)


@sentence_group.command("write")
@click.argument("name")
@click.argument("sequence")
@click.argument("sentence")
@click.option("--annotator", required=True, help="Who wrote it.")
@click.option("--date", "day", default=None, help="When, YYYY-MM-DD (default: today).")
def write(name: str, sequence: str, sentence: str, annotator: str, day: str | None) -> None:
    """Write the sentence of one sequence into the table of its data set.

    Example: dat data sentences write otb100 Deer "the deer in front" --annotator "A. Person"
    """
    settings = params.load()
    found = sets.load(settings, name)
    if found.table is None or name in settings.root.synthetic:
        raise InputError(f"{found.file}: '{name}' has no table of sentences to write to; 'sentences' there names one")
    if sequence not in found.wanted:
        raise InputError(f"{name}: no sequence '{sequence}' in its lists; dat data status shows the sets")
    table = found.sentences() if found.table.is_file() else {}
    new = sentences.Sentence(sequence, " ".join(sentence.split()), annotator, day or date.today().isoformat())
    sentences.write(found.table, (table | {sequence: new}).values())
    click.echo(shown(f"{sequence}: {new.sentence}"))
