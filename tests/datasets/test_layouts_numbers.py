"""Numbers in text files, whatever stands between them."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dat.base.errors import InputError
from dat.datasets import rows

values = st.floats(-rows.MOST, rows.MOST, width=32) | st.integers(-10_000, 10_000).map(float)
separators = st.sampled_from([",", "\t", " ", ", ", " \t", ";"])
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)


@same_folder
@given(table=st.lists(st.lists(values, min_size=4, max_size=4), min_size=1, max_size=8), data=st.data())
def test_rows_read_back_with_any_mixture_of_separators(tmp_path, table, data):
    end = data.draw(st.sampled_from(["\n", "\r\n", "\n\n\n"]))
    lines = []
    for row in table:
        words = [repr(value) for value in row]
        for word in words[1:]:
            words[0] += data.draw(separators) + word
        lines.append(words[0])
    (tmp_path / "b.txt").write_text("\n".join(lines) + end)
    assert rows.read_rows(tmp_path / "b.txt", 4) == table


@same_folder
@given(flags=st.lists(st.integers(0, 1), max_size=30), separator=st.sampled_from([",", "\n", "\t", "\r\n"]))
def test_flags_read_back_on_one_line_or_one_a_line(tmp_path, flags, separator):
    (tmp_path / "f.txt").write_text(separator.join(map(str, flags)))
    assert rows.read_flags(tmp_path / "f.txt") == flags


@same_folder
@given(text=st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20))
def test_any_other_text_is_an_input_error_or_a_row(tmp_path, text):
    path = tmp_path / "t.txt"
    path.write_text(text, encoding="utf-8")
    try:
        rows.read_rows(path, 4)
    except InputError as error:
        assert str(error).startswith(f"{path}:1: ")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,2,3,4\n1,2,x,4\n", ":2: 'x'"),
        ("1,2,3\n", ":1: 3 numbers where 4"),
        ("1,2,3,inf\n", ":1: 'inf'"),
        ("1,2,3,4\n\n1,2,3,4\n", ":2: 0 numbers"),
        ("1_0,2,3,4", ":1: '1_0'"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "b.txt").write_text(text)
    with pytest.raises(InputError, match=found):
        rows.read_rows(tmp_path / "b.txt", 4)


def test_a_flag_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("0,1,2,0")
    with pytest.raises(InputError, match=r"f\.txt:1: '2' \(value 3\)"):
        rows.read_flags(tmp_path / "f.txt")


def test_nan_is_a_number(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("NaN,NaN,nan,1\n")
    assert str(rows.read_rows(tmp_path / "b.txt", 4)) == "[[nan, nan, nan, 1.0]]"
