"""Sentences that others published, read into a data set's table."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dat import records
from dat.base.errors import InputError
from dat.benchmarks import published
from dat.cli.data import data
from dat.datasets import importing, sentences
from tests.parts import small_sets as small

DAY = "2026-11-30"
WANTED = published.lists("otb100")["otb100"]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """OTB99-Lang as it is published: queries apart from videos, training and testing apart."""
    texts = {"OTB_query_train/Basketball": "the player in green\r\n", "OTB_query_test/Biker": "\ufeffhead of the rider"}
    texts |= {"OTB_query_test/Jogging-1": "the woman\n in white", "OTB_query_test/Human4": "the man"}
    for name, text in texts.items():
        records.write_bytes(tmp_path / "OTB_sentences" / f"{name}.txt", text.encode())
    records.write_text(tmp_path / "OTB_sentences/OTB_videos/Biker/groundtruth_rect.txt", "1,2,3,4\n")
    return tmp_path / "OTB_sentences"


def test_otb99_is_read_from_its_release(release: Path) -> None:
    read = importing.otb99(release, WANTED, DAY)
    assert {name: one.sentence for name, one in read.items()} == {
        "Basketball": "the player in green",
        "Biker": "head of the rider",
        "Jogging-1": "the woman in white",
        "Human4-2": "the man",
    }
    assert {(one.annotator, one.date) for one in read.values()} == {(importing.OTB99, DAY)}
    assert set(importing.otb99(release / "OTB_query_train", WANTED, DAY)) == {"Basketball"}


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("Nix", b"a nix", r"Nix\.txt: no sequence 'Nix' in this data set"),
        ("Deer", b" \n", r"Deer\.txt: no sentence of Deer"),
        ("Human4-2", b"a man", r"Human4.*: a second sentence of Human4-2, beside .*Human4"),
        ("Deer", b"the\n\xff deer", r"Deer\.txt:2: the byte 0xff is not UTF-8"),
    ],
)
def test_a_wrong_query_is_named(release: Path, file: str, text: bytes, words: str) -> None:
    (release / "OTB_query_test" / f"{file}.txt").write_bytes(text)
    with pytest.raises(InputError, match=words):
        importing.otb99(release, WANTED, DAY)


def test_a_folder_without_queries_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="below OTB_query_train or OTB_query_test; name the release's folder"):
        importing.otb99(tmp_path, WANTED, DAY)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_plain_csv_needs_two_columns_in_any_order(tmp_path: Path, delimiter: str) -> None:
    rows = ["sentence", "sequence"], ['"the woman, left; there"', "jogging(2)"]
    (tmp_path / "s.csv").write_text("".join(delimiter.join(row) + "\n" for row in rows))
    read = importing.table(tmp_path / "s.csv", WANTED, "me", DAY)
    assert read == {"Jogging-2": sentences.Sentence("Jogging-2", "the woman, left; there", "me", DAY)}


def test_who_and_when_are_the_files_where_it_says(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("sequence,sentence,annotator,date\nDeer,a deer,you,2020-02-03\nCoke,a can,,\n")
    read = importing.table(tmp_path / "s.csv", WANTED, "me", DAY)
    assert {name: (one.annotator, one.date) for name, one in read.items()} == {
        "Deer": ("you", "2020-02-03"),
        "Coke": ("me", DAY),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ":1: columns ; 'sequence' and 'sentence' belong"),
        ("name,text\nDeer,a deer\n", ":1: columns name,text"),
        ("sequence,sentence\nDeer,a deer, left\n", ":2: not 2 values; put a sentence with separators in quotes"),
        ("sequence,sentence\nDeer\n", ":2: not 2 values"),
        ("sequence,sentence\nDear,a deer\n", ":2: no sequence 'Dear'"),
        ("sequence,sentence\nDeer,a\ndeer,b\n", ":3: a second sentence of Deer, beside .*:2"),
        ("sequence,sentence\nDeer,\n", ":2: no sentence of Deer"),
        ('sequence,sentence\nDeer,"a\n', ":2: not CSV"),
        ("sequence,sentence,date\nDeer,a,3.2.2020\n", r":2: date '3\.2\.2020' is not YYYY-MM-DD"),
    ],
)
def test_a_wrong_line_of_csv_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        importing.table(tmp_path / "s.csv", WANTED, "me", DAY)


# ---------------------------------------------------------------- the commands


def call(*arguments: object) -> Result:
    return CliRunner().invoke(data, ["sentences", *map(str, arguments)])


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile whose otb100 has a table with one sentence, of Biker."""
    settings = small.profile(tmp_path / "paper", synthetic=False)
    lists, file = {"otb100": ["Basketball", "Biker", "Deer", "Human4-2", "Jogging-1"]}, "data/otb100/sentences.csv"
    small.describe(settings, "otb100", name="otb100", root="none", lists=lists, sentences=file)
    records.write_text(settings.path / file, "sequence,sentence,annotator,date\nBiker,mine,me,2026-11-25\n")
    monkeypatch.chdir(settings.path)
    return settings.path / file


def test_an_import_leaves_what_is_there_unless_told(table: Path, release: Path) -> None:
    done = call("import", "otb99", release)
    assert done.exit_code == 0 and "otb100: 3 sentences written" in done.output
    assert "left as they are" in done.output and "Biker" in done.output.split("left as they are")[1]
    assert "without a sentence: Deer" in done.output
    assert sentences.read(table)["Biker"].sentence == "mine" and len(sentences.read(table)) == 4
    assert "4 sentences written" in call("import", "otb99", release, "--replace").output
    assert sentences.read(table)["Biker"].sentence == "head of the rider"


def test_csv_is_imported_into_the_set_that_is_named(table: Path, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("sequence,sentence\ndeer,the deer\n")
    assert call("import", "otb100", tmp_path / "s.csv", "--annotator", "you").exit_code == 0
    assert sentences.read(table)["Deer"].annotator == "you"
    assert isinstance(call("import", "tlp", tmp_path / "s.csv").exception, Exception)


def test_check_names_words_that_no_network_knows(table: Path) -> None:
    assert "unknown words are not looked for" in call("check", "otb100").output
    vocabulary = {"length": 16, "words": ["the"]}
    records.write_json(table.parents[2] / "training/language/vocabulary.json", vocabulary)
    done = call("check", "otb100")
    assert "Biker: the networks do not know: mine" in done.output and done.exit_code == 0
