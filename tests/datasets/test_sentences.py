"""Tables of sentences: the committed ones, and wrong ones."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dat.base.errors import InputError
from dat.benchmarks import published
from dat.datasets import sentences

ROOT = Path(__file__).resolve().parents[2]
HEAD = "sequence,sentence,annotator,date\n"


@pytest.mark.parametrize(("name", "count"), [("otb100", 9), ("tc128", 8), ("vot2014", 1)])
def test_the_committed_tables_fit_their_lists(name: str, count: int) -> None:
    table = sentences.read(ROOT / "annotations" / f"{name}.csv")
    assert len(table) == count
    assert sentences.remarks(table, published.lists(name)[name]) == []


def test_jogging_has_a_sentence_for_each_target() -> None:
    table = sentences.read(ROOT / "annotations" / "otb100.csv")
    assert table["Jogging-1"].sentence != table["Jogging-2"].sentence


words = st.text(st.characters(categories=["L", "P", "Nd"]), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(texts=st.lists(st.lists(words, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=5))
def test_tables_read_back(tmp_path: Path, texts: list[str]) -> None:
    table = {f"S{i}": sentences.Sentence(f"S{i}", text, 'A "B", C', "2026-11-25") for i, text in enumerate(texts)}
    sentences.write(tmp_path / "s.csv", table.values())
    assert sentences.read(tmp_path / "s.csv") == table


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sequence,sentence\n", ":1: columns sequence,sentence"),
        (HEAD + "A,the a,me\n", ":2: 4 values belong"),
        (HEAD + "A,the a, b,me,2026-01-01\n", ":2: 4 values belong"),
        (HEAD + "A,,me,2026-01-01\n", ":2: no sentence"),
        (HEAD + 'A,"the a,me,2026-01-01\n', ":2: not CSV"),
        (HEAD + "A,the a,me,2026-02-30\n", ":2: date '2026-02-30' is not YYYY-MM-DD; correct it"),
        (HEAD + "A,the a,me,2026-01-01\nA,an a,me,2026-01-01\n", ":3: a second sentence for A"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(InputError, match=found):
        sentences.read(tmp_path / "s.csv")


def test_remarks_name_strangers_and_long_sentences() -> None:
    long = sentences.Sentence("A", "word " * 17, "me", "2026-01-01")
    table = {"A": long, "B": sentences.Sentence("B", "the b", "me", "2026-01-01")}
    assert sentences.remarks(table, ["A"]) == [
        "B: not a sequence of this data set",
        "A: 17 words, of which 16 are read",
    ]
