"""`dat data sentences`: sentences about targets, checked, imported from what others published, and written."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path

import click

from dat.base import params
from dat.base.errors import InputError, MissingError
from dat.base.naming import shown
from dat.base.params import Settings
from dat.benchmarks import published
from dat.datasets import finding, importing, sentences, sets
from dat.datasets.sentences import Sentence
from dat.models.vocabulary import Vocabulary


@click.group("sentences")
def group() -> None:
    """Sentences about targets: check the tables, import what others wrote, write your own.

    Example: dat data sentences check
    """


@group.command("check")
@click.argument("names", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Check the tables: lines that are wrong or too long, sequences without a sentence, words no network knows.

    Example: dat data sentences check otb100
    """
    settings, odd = params.load(), 0
    file = settings.path / "training" / "language" / "vocabulary.json"
    vocabulary = Vocabulary.load(file) if file.is_file() else None
    if vocabulary is None:
        click.echo(f"{file}: not there yet, so unknown words are not looked for; dvc repro language makes it")
    for name in names or tuple(settings.root.datasets):
        try:
            data = sets.load(settings, name)
        except MissingError as error:
            if name in names:
                raise
            click.echo(f"{name}: {error}")
            continue
        if data.table is None:
            file_of_each = finding.layout(data.layout).sentence
            click.echo(f"{name}: no table of sentences{f' ({file_of_each} of each target)' if file_of_each else ''}")
            continue
        table = data.sentences()
        remarks = sentences.remarks(table, data.wanted)
        missing = [wish for wish in data.wanted if wish not in table]
        click.echo(f"{name}: {len(table)} sentences for {len(data.wanted)} targets in {data.table}")
        for remark in [*remarks, *(_unknown(table, vocabulary) if vocabulary else [])]:
            click.echo(f"  {shown(remark)}")
        if missing:
            click.echo(f"  none, so attention from the target alone: {', '.join(missing)}")
        odd += len(remarks)
    if odd:
        raise click.exceptions.Exit(1)


def _unknown(table: Mapping[str, Sentence], vocabulary: Vocabulary) -> list[str]:
    """A line a sentence that has words which the networks were not trained on."""
    words = {name: vocabulary.unknown(one.sentence) for name, one in table.items()}
    return [f"{name}: the networks do not know: {', '.join(strange)}" for name, strange in words.items() if strange]


def _table(settings: Settings, name: str) -> tuple[sets.DataSet, Path]:
    """A data set and its table, which can be written to. Raises InputError where there is none."""
    data = sets.load(settings, name)
    if data.table is None or name in settings.root.synthetic:
        raise InputError(f"{data.file}: '{name}' has no table of sentences to write to; 'sentences' there names one")
    return data, data.table


def _add(data: sets.DataSet, table: Path, new: Mapping[str, Sentence]) -> None:
    """Write sentences into a table, beside those that it has."""
    old = data.sentences() if table.is_file() else {}
    sentences.write(table, ({**old, **new}).values())


@group.command("import")
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--annotator", default="unknown", help="Who wrote them, where a CSV file does not say.")
@click.option("--replace", is_flag=True, help="Take them also where there is a sentence already.")
def import_(name: str, path: Path, annotator: str, replace: bool) -> None:
    """Import sentences: NAME otb99 takes OTB99-Lang's release for otb100, a data set's name a CSV file for that set.

    The file's first line says which columns are `sequence` and `sentence` (and `annotator` and `date`, if any).

    \b
    Example: dat data sentences import otb99 /data/OTB_sentences
             dat data sentences import vot2016 vot2016.csv --annotator "A. Person"
    """
    settings, today = params.load(), date.today().isoformat()
    data, table = _table(settings, "otb100" if name == "otb99" else name)
    if name == "otb99":
        imported = importing.otb99(path.expanduser(), data.wanted, today)
    else:
        imported = importing.table(path.expanduser(), data.wanted, annotator, today)
    before = data.sentences() if table.is_file() else {}
    stay = sorted(sequence for sequence in imported if sequence in before and not replace)
    new = {sequence: one for sequence, one in imported.items() if sequence not in stay}
    _add(data, table, new)
    click.echo(f"{data.key}: {len(new)} sentences written to {table}")
    if stay:
        click.echo(f"left as they are, since there is one already (--replace takes the imported): {', '.join(stay)}")
    missing = [wish for wish in data.wanted if wish not in before and wish not in new]
    if missing:
        click.echo(f"without a sentence: {', '.join(missing)}")


@group.command("write")
@click.argument("name")
@click.argument("sequence", required=False)
@click.argument("sentence", required=False)
@click.option("--annotator", required=True, help="Who writes.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="When, YYYY-MM-DD (default: today).")
def write(name: str, sequence: str | None, sentence: str | None, annotator: str, day: datetime | None) -> None:
    """Write sentences: without SEQUENCE and SENTENCE a page on this machine shows target after target.

    The page answers on this machine alone and saves each sentence as it is entered; Enter leads on. Ctrl-C ends it.

    \b
    Example: dat data sentences write vot2016 --annotator "A. Person"
             dat data sentences write otb100 Deer "the deer in front" --annotator "A. Person"
    """
    data, table = _table(params.load(), name)
    when = (day.date() if day else date.today()).isoformat()

    def save(target: str, text: str) -> None:
        _add(data, table, {target: Sentence(target, " ".join(text.split()), annotator, when)})

    if sequence is None or sentence is None:
        if sequence is not None:
            raise click.UsageError("SENTENCE is missing; without SEQUENCE, too, a page opens")
        _serve(data, table, save)
        return
    if sequence not in data.wanted:
        raise InputError(f"{name}: no sequence '{sequence}' in its lists; dat data status shows the sets")
    save(sequence, sentence)
    click.echo(shown(f"{sequence}: {data.sentences()[sequence].sentence}"))


def _serve(data: sets.DataSet, table: Path, save: Callable[[str, str], None]) -> None:
    """Answer for the page until Ctrl-C."""
    from dat.cli.writing import PageState, Server

    if data.folder is None:
        raise MissingError(f"{data.key}: its images are not on this machine; run dat data link {data.key} PATH")
    places, missing = finding.find(data.layout, data.folder, data.wanted)
    if missing:
        click.echo(f"not there, so not shown: {', '.join(missing)}", err=True)
    if not places:
        raise MissingError(f"{data.folder}: no sequence of {data.name} in it; run dat data link {data.key} PATH")
    facts = published.facts(data.name)

    def picture(name: str) -> bytes:
        from dat.datasets.images import encode_jpeg, read_image
        from dat.datasets.sheet import boxed

        target = places[name].read(facts.get(name))
        image, box = read_image(target.frames[0]), target.boxes[0]
        return encode_jpeg(boxed(image, box) if box else image)

    def written() -> dict[str, str]:
        return {name: one.sentence for name, one in (data.sentences() if table.is_file() else {}).items()}

    with Server(PageState(data.key, list(places), picture, written, save)) as server:
        click.echo(f"open {server.address} in a browser of this machine; Ctrl-C ends")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo(f"{len(places.keys() & written())} of {len(places)} have a sentence in {table}")
