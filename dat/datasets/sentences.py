"""Sentences about targets: `nlp.txt` beside a video, or a CSV table of a data set with who wrote what and when."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dat.base import naming
from dat.base.errors import InputError
from dat.base.outside import read_text
from dat.records import write_text

COLUMNS = ("sequence", "sentence", "annotator", "date")
WORDS = 16
"""The language encoder reads that many words; the rest of a sentence is lost."""


@dataclass(frozen=True)
class Sentence:
    """A sentence about a target, who wrote it, and when (YYYY-MM-DD)."""

    sequence: str
    sentence: str
    annotator: str
    date: str


def read(path: Path) -> dict[str, Sentence]:
    """A table of sentences by sequence. Raises InputError naming file and line: columns, duplicates, empty, no date."""
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    entries: dict[str, Sentence] = {}
    try:
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise InputError(f"{path}:1: columns {','.join(reader.fieldnames or ())}; {','.join(COLUMNS)} belong here")
        for row in reader:
            _add(entries, row, f"{path}:{reader.line_num}")
    except csv.Error as error:
        raise InputError(f"{path}:{reader.reader.line_num}: not CSV: {error}; close every quote") from None
    return entries


def _add(entries: dict[str, Sentence], row: dict[str, str | None], where: str) -> None:
    if None in row or any(value is None for value in row.values()):
        raise InputError(f"{where}: {len(COLUMNS)} values belong on a line; put a sentence with commas in quotes")
    values = {key: " ".join(naming.from_cell(row[key] or "").split()) for key in COLUMNS}
    for key in ("sequence", "sentence", "annotator"):
        if not values[key]:
            raise InputError(f"{where}: no {key}; fill it in or remove the line")
    if not _is_date(values["date"]):
        raise InputError(f"{where}: date '{values['date']}' is not YYYY-MM-DD; correct it")
    if values["sequence"] in entries:
        raise InputError(f"{where}: a second sentence for {values['sequence']}; remove one")
    entries[values["sequence"]] = Sentence(**values)


def _is_date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def write(path: Path, entries: Iterable[Sentence]) -> None:
    """Write a table of sentences, in order of sequence."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for one in sorted(entries, key=lambda sentence: sentence.sequence):
        table.writerow(map(naming.cell, (one.sequence, one.sentence, one.annotator, one.date)))
    write_text(path, text.getvalue())


def remarks(entries: dict[str, Sentence], names: Iterable[str]) -> list[str]:
    """What is odd about a table: sequences that the data set has not, sentences longer than the encoder reads."""
    known = set(names)
    unknown = [f"{name}: not a sequence of this data set" for name in entries if known and name not in known]
    lengths = {name: len(sentence.sentence.split()) for name, sentence in entries.items()}
    return unknown + [f"{n}: {words} words, of which {WORDS} are read" for n, words in lengths.items() if words > WORDS]
