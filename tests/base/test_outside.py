"""Other people's files: names that are no data, text with any mark and any line ends, numbers of two readings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dat.base import outside
from dat.base.errors import InputError
from dat.cli import run_in_process
from dat.datasets import rows, targets
from dat.datasets.layouts import lasot
from dat.datasets.layouts import vot as layouts_vot

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")
LINES = st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12), max_size=5)


@pytest.mark.parametrize("name", ["._Deer.txt", ".DS_Store", "__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir"])
def test_what_systems_leave_behind_is_no_data(name: str) -> None:
    assert outside.stray(name)


@pytest.mark.parametrize("name", ["Deer.txt", "groundtruth.txt", "_MACOSX", "MACOSX", "0001.jpg"])
def test_other_names_are_data(name: str) -> None:
    assert not outside.stray(name)


def test_nothing_below_a_stray_folder_is_listed_or_matched(tmp_path: Path) -> None:
    for name in ("a/1.txt", "a/._1.txt", "__MACOSX/a/1.txt", ".hidden/1.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    assert outside.listed(tmp_path) == [tmp_path / "a"]
    assert outside.matching(tmp_path, "**/*.txt") == [tmp_path / "a/1.txt"]
    with pytest.raises(InputError, match=r"--results \(.*none\): cannot be listed"):
        outside.listed(tmp_path / "none", "--results")


@given(LINES, st.sampled_from(ENCODINGS), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_text_is_the_same_in_every_encoding_with_a_mark_and_any_line_ends(
    lines: list[str], code: str, end: str
) -> None:
    text = "\n".join(["first", *lines])
    data = text.replace("\n", end).encode(code)
    assert outside.plain(data, Path("a.txt")) == text.encode()


def test_text_that_is_none_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for data, said in (
        (b"one\ntwo\0", r"a\.txt:2: a binary file"),
        (b"\xff\xfe\x00", r"a\.txt:1: begins with the mark of utf-16"),
        (b"one\ncaf\xe9", r"a\.txt:2: the byte 0xe9 is not UTF-8; save the file as UTF-8"),
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match=said):
            outside.read_text(path)


@pytest.mark.parametrize(
    ("row", "either"),
    [
        ("1,2,3,4,5,6,7,8", False),
        ("1.5,2 3,4 5,6 7,8", False),
        ("10,5;20,5;30,0;40,0", True),
        ("10,5\t20,5\t30,0\t40,0", True),
        ("-10,5 20,5 30,0 40,0", True),
        ("10,5, 20,5, 30,0, 40,0", True),
        ("10, 20, 30, 40", False),
        ("10, 20, 30, 40, 50, 60, 70, 80", False),
        ("10.0,20.0, 30.0,40.0, 50.0,60.0, 70.0,80.0", False),
        ("10,5;20;30,5;40", False),
    ],
)
def test_eight_numbers_that_may_be_four_are_refused(tmp_path: Path, row: str, either: bool) -> None:
    path = tmp_path / "groundtruth.txt"
    path.write_text(f"1,2,3,4\n{row}\n" if "." not in row else f"{row}\n")
    if either:
        with pytest.raises(InputError, match=r"groundtruth\.txt:2: eight numbers, or four with decimal commas"):
            rows.read_rows(path, 4, 8)
    else:
        assert outside.two_ways(path.read_bytes()) is None


def test_an_outputs_name_fits_its_format() -> None:
    outside.output(Path("out.MP4"), "--video", ".mp4", ".m4v")
    outside.output(Path("out"), "--video", ".mp4")
    with pytest.raises(InputError, match=r"--video out\.gif: a \.mp4 file is written"):
        outside.output(Path("out.gif"), "--video", ".mp4", ".m4v")


@pytest.mark.parametrize(
    ("command", "ending"),
    [
        ("evaluate --benchmark otb100 --annotations none --results none --json out.csv", "json"),
        ("evaluate --benchmark otb100 --annotations none --results none --csv out.json", "csv"),
        ("subsample --annotations none --list out.json", "csv"),
    ],
)
def test_commands_refuse_outputs_that_do_not_fit_before_they_read(command: str, ending: str) -> None:
    with pytest.raises(InputError, match=rf"a \.{ending} file is written"):
        run_in_process(command.split())


# ---------------------------------------------------------------- data sets


def test_images_and_tags_of_another_system_are_left_alone(tmp_path: Path) -> None:
    for name in ("1.jpg", "2.jpg", "._1.jpg", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in targets.images(tmp_path)] == ["1.jpg", "2.jpg"]
    for name in ("occlusion.tag", "._occlusion.tag"):
        (tmp_path / name).write_text("0\n")
    assert [path.name for path in layouts_vot.tag_files(tmp_path)] == ["occlusion.tag"]
    (tmp_path / "occlusion.label").write_text("1\n")
    with pytest.raises(InputError, match=r"both occlusion\.label and occlusion\.tag"):
        layouts_vot.tag_files(tmp_path)


def test_a_sentence_of_two_lines_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "nlp.txt").write_bytes("\ufeffblack  gorilla\r\n walking\r\n\r\n".encode())
    assert lasot.read_sentence(tmp_path) == "black  gorilla walking"


def test_flags_in_one_file_that_the_two_files_contradict_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "full_occlusion.txt").write_text("0,1,0")
    (tmp_path / "out_of_view.txt").write_text("0,0,1")
    (tmp_path / "absent.txt").write_text("0\n1\n1\n")
    assert lasot.absent_flags(tmp_path)[0] == [0, 1, 1]
    (tmp_path / "absent.txt").write_text("0\n1\n0\n")
    with pytest.raises(InputError, match=r"absent\.txt: not what full_occlusion\.txt and out_of_view\.txt say"):
        lasot.absent_flags(tmp_path)
