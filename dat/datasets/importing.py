"""Sentences that other people wrote, as they publish them: OTB99-Lang's query files, and plain CSV.

Names of sequences may be spelled in any way; one that the data set does not have is an error.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dat.base import naming
from dat.base.errors import InputError
from dat.base.outside import matching, read_text
from dat.benchmarks.names import Names
from dat.benchmarks.published import OTB99_QUERIES as QUERIES
from dat.datasets.sentences import Sentence

OTB99 = "OTB99-Lang (Li et al., CVPR 2017)"
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class _Row:
    """A sentence as it was found: `where` is its file, and the line where there is one."""

    where: str
    sequence: str
    sentence: str
    annotator: str
    date: str


def otb99(folder: Path, wanted: Iterable[str], day: str) -> dict[str, Sentence]:
    """The sentences of OTB99-Lang's release by sequence, said to be of `day`, on which they are imported.

    `folder` holds the two folders of queries, or is one of them. Raises InputError naming the file that is wrong.
    """
    inner = [folder / name for name in QUERIES if (folder / name).is_dir()]
    places = [folder] if folder.name in QUERIES else inner
    files = [path for place in places for path in matching(place, "*.txt")]
    if not files:
        raise InputError(f"{folder}: no <Name>.txt below {' or '.join(QUERIES)}; name the release's folder")
    rows = [_Row(str(path), path.stem, read_text(path), OTB99, day) for path in files]
    return _by_sequence(rows, wanted)


def table(path: Path, wanted: Iterable[str], annotator: str, day: str) -> dict[str, Sentence]:
    """The sentences of a CSV file by sequence, whose header has `sequence` and `sentence`.

    Its columns `annotator` and `date` count where they are there, else what is given. Commas, semicolons or tabs
    separate. Raises InputError naming the line that is wrong.
    """
    text = read_text(path)
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    rows = []
    try:
        columns = [name.strip() for name in reader.fieldnames or ()]
        if not {"sequence", "sentence"} <= set(columns):
            raise InputError(
                f"{path}:1: columns {','.join(columns)}; 'sequence' and 'sentence' belong on the first line"
            )
        reader.fieldnames = columns
        for row in reader:
            where = f"{path}:{reader.line_num}"
            if None in row or None in row.values():
                raise InputError(f"{where}: not {len(columns)} values; put a sentence with separators in quotes")
            cells = {key: naming.from_cell(value) for key, value in row.items()}
            rows.append(
                _Row(
                    where,
                    cells["sequence"],
                    cells["sentence"],
                    cells.get("annotator") or annotator,
                    cells.get("date") or day,
                )
            )
    except csv.Error as error:
        raise InputError(f"{path}:{reader.reader.line_num}: not CSV: {error}; close every quote") from None
    return _by_sequence(rows, wanted)


def _by_sequence(rows: Iterable[_Row], wanted: Iterable[str]) -> dict[str, Sentence]:
    """The rows under the data set's own names. Raises InputError naming one that is empty, strange or there twice."""
    names, places, chosen = Names(wanted), dict[str, str](), dict[str, Sentence]()
    for row in rows:
        match, text = names.match(row.sequence.strip()), " ".join(row.sentence.split())
        if match is None:
            raise InputError(f"{row.where}: no sequence '{naming.shown(row.sequence)}' in this data set; correct it")
        if not text:
            raise InputError(f"{row.where}: no sentence of {match.sequence}; write one, or take it away")
        if other := places.get(match.sequence):
            raise InputError(f"{row.where}: a second sentence of {match.sequence}, beside {other}; take one away")
        places[match.sequence] = row.where
        try:
            day = date.fromisoformat(row.date.strip()).isoformat()
        except ValueError:
            raise InputError(f"{row.where}: date '{naming.shown(row.date)}' is not YYYY-MM-DD; correct it") from None
        chosen[match.sequence] = Sentence(match.sequence, text, " ".join(row.annotator.split()), day)
    return chosen
