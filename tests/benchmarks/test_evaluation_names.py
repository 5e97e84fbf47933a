"""Reading anybody's spellings of sequences, and anybody's numbers: property tests of both parsers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dat.base.errors import InputError
from dat.benchmarks import catalogue
from dat.benchmarks.names import Names, key
from dat.evaluation import numbers, text

OTB = Names(catalogue.find("otb100").sequences)
PLAIN = st.decimals(min_value=-9_999_999, max_value=9_999_999, places=4).map(str)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Jogging(2)", "Jogging-2"),
        ("jogging_1", "Jogging-1"),
        ("Jogging.2", "Jogging-2"),
        ("jogging1", "Jogging-1"),
        ("Jogging", "Jogging-1"),
        ("Skating2", "Skating2-1"),
        ("skating2(2)", "Skating2-2"),
        ("Human4", "Human4-2"),
        ("human4_2", "Human4-2"),
        ("Skating1", "Skating1"),
        ("faceocc1", "FaceOcc1"),
    ],
)
def test_every_spelling_in_use_is_understood(spelling: str, name: str) -> None:
    match = OTB.match(spelling)
    assert match is not None
    assert match.sequence == name


@pytest.mark.parametrize("spelling", ["Human4-1", "Basketball_time", "Jogging-3", "groundtruth", ""])
def test_other_names_are_nobodys(spelling: str) -> None:
    assert OTB.match(spelling) is None


def test_no_two_sequences_of_a_benchmark_have_one_key() -> None:
    for name in catalogue.NAMES:
        sequences = catalogue.find(name).sequences
        assert len({key(sequence) for sequence in sequences}) == len(sequences)


def test_tc128_names_and_decorations() -> None:
    names = Names(catalogue.find("tc128").sequences)
    pairs = {"Jogging_2": "Jogging2", "Jogging": "Jogging1", "tpl_Yo_yos_ce1": "Yo-yos_ce1", "Skating2": "Skating2"}
    assert {spelling: match.sequence for spelling in pairs if (match := names.match(spelling))} == pairs
    decorated = names.match_decorated("Ball_ce3_MEEM_LAB", "MEEM")
    assert decorated is not None
    assert decorated.sequence == "Ball_ce3"
    assert names.match_decorated("Ball_ce3_time", "MEEM") is None


# ---------------------------------------------------------------- numbers


@settings(deadline=None)
@given(
    st.lists(st.tuples(PLAIN, PLAIN, PLAIN, PLAIN), min_size=1, max_size=20),
    st.sampled_from([",", "\t", " ", ", ", ";"]),
)
def test_plain_numbers_are_what_float_makes_of_them(rows: list[tuple[str, ...]], gap: str) -> None:
    data = "\n".join(gap.join(row) for row in rows).encode()
    values, lines = numbers.parse(data)
    assert values.tolist() == [float(word) for row in rows for word in row]
    assert lines.tolist() == [line for line in range(len(rows)) for _ in range(4)]


@settings(deadline=None)
@given(st.lists(st.floats(allow_infinity=False), min_size=1, max_size=12))
def test_any_float_survives_its_repr(values: list[float]) -> None:
    data = "\n".join(map(repr, values)).encode()
    found, _ = text.parse(data, "here", Path("f.txt"))
    assert np.array_equal(found, np.array(values), equal_nan=True)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_numbers_or_an_error_with_a_line(data: bytes) -> None:
    try:
        values, lines = text.parse(data, "T", Path("f.txt"))
    except InputError as error:
        assert "line " in str(error)
    else:
        assert len(values) == len(lines)


@pytest.mark.parametrize("word", ["1-2", "1.2.3", "--1", ".", "-", "1_000", "0x10", "one", "1e", "e5"])
def test_what_is_no_number_is_an_error_with_its_line(word: str) -> None:
    with pytest.raises(InputError, match=r"line 2 .*f\.txt:2.*is not a number"):
        text.parse(f"1\n{word}\n".encode(), "T, sequence S", Path("f.txt"))
