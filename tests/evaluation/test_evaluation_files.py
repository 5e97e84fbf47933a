"""Reading anybody's result files: formats, lengths, and everything that can be wrong with them."""

import time
from pathlib import Path

import numpy as np
import pytest

from dat.base.errors import InputError
from dat.benchmarks import catalogue
from dat.evaluation import definitions, ground_truth, matlab, results, score
from dat.evaluation.definitions import OnePass
from dat.evaluation.ground_truth import GroundTruth, SequenceTruth
from dat.evaluation.vot import files as vot_files
from dat.evaluation.vot.rasters import Regions, regions


def rule(name: str = "otb-toolkit-1.1") -> OnePass:
    """A one-pass definition."""
    found = definitions.find(name, "one-pass")
    assert isinstance(found, OnePass)
    return found


# ---------------------------------------------------------------- one-pass files


def boxes(count: int, gap: str = ",") -> str:
    """Rows of boxes."""
    return "".join(gap.join((f"{10 + i}", "20.5", "30", "40")) + "\n" for i in range(count))


def one(
    tmp_path: Path, content: str | bytes, frames: int = 5, name: str = "Deer.txt", **options: str
) -> results.TrackerResults:
    """A tracker `T` with one file, read against a truth of so many frames."""
    folder = tmp_path / "T"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    target = SequenceTruth("Deer", np.tile([10.0, 20, 30, 40], (frames, 1)))
    definition = rule(options.get("definition", "otb-toolkit-1.1"))
    lengths: results.Lengths = "cut" if options.get("lengths") == "cut" else "strict"
    return results.read(folder, GroundTruth(("Deer",), {"Deer": target}), definition, lengths)


@pytest.mark.parametrize("gap", [",", "\t", " ", ", ", ";", " ,"])
def test_delimiters(tmp_path: Path, gap: str) -> None:
    found = one(tmp_path, boxes(5, gap))
    assert found.boxes["Deer"][4].tolist() == [14, 20.5, 30, 40]


def test_windows_lines_byte_order_mark_and_no_last_newline(tmp_path: Path) -> None:
    found = one(tmp_path, b"\xef\xbb\xbf" + boxes(5).replace("\n", "\r\n").rstrip().encode())
    assert len(found.boxes["Deer"]) == 5


WRONG = {
    "text": ("1,2,3,4\n1,2,x,4\n" + boxes(3), 2, "'x' is not a number"),
    "a header": ("x,y,w,h\n" + boxes(5), 1, "is not a number"),
    "too few numbers": ("1,2,3,4\n1,2,3\n1,2,3,4\n1\n1,2,3,4\n", 2, "3 numbers where"),
    "too many numbers": ("1,2,3,4\n1,2,3,4,5\n" + boxes(3), 2, "5 numbers where"),
    "the wrong split": ("1,2,3\n4,1,2,3,4\n" + boxes(3), 1, "3 numbers where"),
    "a number left out": ("1,2,3,4\n1,2,,3,4\n" + boxes(3), 2, "nothing between two commas"),
    "a first number left out": ("1,2,3,4\n ;1;2;3;4\n" + boxes(3), 2, "nothing between two commas"),
    "short": (boxes(3), 4, "3 rows for 5 frames"),
    "empty": ("", 1, "0 rows for 5 frames"),
    "binary": (b"1,2,3,4\n\x89PNG\x00\x01", 2, "binary"),
    "other binary": (b"\xff\xfe\xfd\xfc", 1, "is not a number"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_file_is_an_error_naming_tracker_sequence_and_line(tmp_path: Path, kind: str) -> None:
    content, line, said = WRONG[kind]
    with pytest.raises(InputError) as error:
        one(tmp_path, content)
    message = str(error.value)
    assert "tracker T, sequence Deer" in message
    assert f"line {line} " in message
    assert f"Deer.txt:{line}" in message
    assert said in message
    assert "\n" not in message


def test_ten_million_rows_are_refused_at_once(tmp_path: Path) -> None:
    start = time.process_time()  # of this process alone: whatever else the machine does
    with pytest.raises(InputError, match=r"tracker T, sequence Deer, line 6 .*more rows"):
        one(tmp_path, b"1,2,3,4\n" * 10_000_000)
    assert time.process_time() - start < 4


def test_longer_files_are_forgiven_and_said_where_the_toolkit_ignores_them(tmp_path: Path) -> None:
    assert one(tmp_path, boxes(7)).cut == ["Deer"]
    with pytest.raises(InputError, match="7 rows for 5 frames"):
        one(tmp_path, boxes(7), definition="got10k")


def test_short_files_are_cut_on_demand_and_by_tc128(tmp_path: Path) -> None:
    assert len(one(tmp_path, boxes(3), lengths="cut").boxes["Deer"]) == 3
    found = one(tmp_path, boxes(3), definition="tc128")
    assert (len(found.boxes["Deer"]), found.cut) == (3, ["Deer"])


def test_a_row_less_is_forgiven_where_the_last_truth_is_no_box(tmp_path: Path) -> None:
    target = SequenceTruth("Board", np.array([[1.0, 2, 3, 4], [1, 2, 3, 4], [0, 0, 0, 0]]))
    found, cut = results.fit(target.boxes[:2], target, rule(), "strict", "T", tmp_path)
    assert (len(found), cut) == (3, True)
    with pytest.raises(InputError):
        results.fit(target.boxes[:1], target, rule(), "strict", "T", tmp_path)


def test_rows_that_pytracking_adds_are_boxes_at_the_corner_that_are_not_repaired(tmp_path: Path) -> None:
    target = SequenceTruth("Deer", np.tile([10.0, 20, 30, 40], (4, 1)))
    found, cut = results.fit(target.boxes[:2], target, rule("pytracking"), "strict", "T", tmp_path)
    assert cut and found[2:].tolist() == pytest.approx(np.zeros((2, 4)), abs=1e-300)
    assert (found[2:, 2:] > 0).all()


@pytest.mark.parametrize(
    ("rows", "name", "first"), [(349, "otb-toolkit-1.1", 5), (354, "otb-toolkit-1.1", 5), (354, "got10k", 0)]
)
def test_tiger_is_scored_from_frame_six(tmp_path: Path, rows: int, name: str, first: int) -> None:
    truth = np.arange(354.0)[:, None] + np.ones(4)
    target = SequenceTruth("Tiger1", truth, omit=5)
    found, cut = results.fit(truth[354 - rows :], target, rule(name), "strict", "T", tmp_path)
    assert found[0].tolist() == truth[first].tolist()
    assert len(found) == 354 - first
    assert not cut


def test_other_files_are_listed_and_the_nearest_spelling_wins(tmp_path: Path) -> None:
    folder = tmp_path / "T"
    (folder / "times").mkdir(parents=True)
    for name in ("Deer_time.txt", "times/Deer_time.txt", "deer.txt", "notes.md"):
        (folder / name).write_text("0.1\n")
    found = one(tmp_path, boxes(5))
    assert found.ignored == ["Deer_time.txt", "deer.txt", "notes.md", "times/Deer_time.txt"]


def test_a_level_in_between_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "T/baseline").mkdir(parents=True)
    found = one(tmp_path, boxes(5), name="baseline/deer.txt")
    assert found.missing == []


@pytest.mark.parametrize("links", [{"a": ".", "b": "."}, {"a": "baseline", "b": "baseline"}, {"a": ".."}])
def test_links_to_folders_that_are_read_anyway_have_an_end(tmp_path: Path, links: dict[str, str]) -> None:
    (tmp_path / "T/baseline").mkdir(parents=True)
    for name, target in links.items():
        (tmp_path / "T" / name).symlink_to(target)
    with pytest.raises(InputError, match=r"T.*already; remove the link"):
        one(tmp_path, boxes(5))


def test_two_files_of_one_sequence_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "T").mkdir()
    (tmp_path / "T/DEER.txt").write_text(boxes(5))
    with pytest.raises(InputError, match=r"sequence Deer: both .*deer\.txt|sequence Deer: both .*DEER\.txt"):
        one(tmp_path, boxes(5), name="deer.txt")


def test_a_wrong_file_among_many_is_named_with_its_own_line(tmp_path: Path) -> None:
    names = ("Deer", "Bolt", "Couple")
    (tmp_path / "T").mkdir()
    for name in names:
        (tmp_path / "T" / f"{name}.txt").write_text("\n" + boxes(5) + "\n\n")
    truth = GroundTruth(names, {name: SequenceTruth(name, np.tile([10.0, 20, 30, 40], (5, 1))) for name in names})
    assert [len(found) for found in results.read(tmp_path / "T", truth, rule()).boxes.values()] == [5, 5, 5]
    (tmp_path / "T/Couple.txt").write_text(boxes(2) + "\n1,2,3\n" + boxes(2))
    with pytest.raises(InputError, match=r"sequence Couple, line 4 .*Couple\.txt:4.*3 numbers"):
        results.read(tmp_path / "T", truth, rule())
    (tmp_path / "T/Couple.txt").write_text(boxes(2) + "1,2,3,four\n" + boxes(2))
    with pytest.raises(InputError, match=r"sequence Couple, line 3 .*'four'"):
        results.read(tmp_path / "T", truth, rule())


# ---------------------------------------------------------------- .mat


def save(path: Path, **content: object) -> Path:
    """A `.mat` file."""
    from scipy.io import savemat

    savemat(path, content)
    return path


def cell(*structs: dict[str, object]) -> np.ndarray:
    """A MATLAB cell."""
    found = np.empty((1, len(structs)), object)
    found[0] = structs
    return found


def test_rect_structs_and_bare_arrays(tmp_path: Path) -> None:
    rows = np.arange(12.0).reshape(3, 4)
    first = {"res": rows, "type": "rect", "len": 3}
    tables = (
        save(tmp_path / "a.mat", results=cell(first, {"res": rows + 1, "type": "rect"})),
        save(tmp_path / "b.mat", result=rows),
        save(tmp_path / "c.mat", results=first),
        save(tmp_path / "d.mat", results=cell({"res": rows.T[:, :], "transformType": "rect"})),
    )
    for path, number in zip(tables, (2, 1, 1, 1), strict=True):
        found, plain, runs = matlab.read_boxes(path, "T")
        assert plain and runs == number
        assert found.tolist() == rows.tolist()


def test_several_runs_in_a_mat_are_said_beside_the_number(tmp_path: Path) -> None:
    """A file of TRE holds 20, of which the first is the one-pass run; a struct array and cells in cells too."""
    rows = np.tile([10.0, 20, 30, 40], (5, 1))
    first, other = {"res": rows, "type": "rect"}, {"res": rows + 1, "type": "rect"}
    inner = np.empty((1, 2), object)
    inner[0] = [cell(first), cell(other)]
    array = np.array([(rows, "rect"), (rows + 1, "rect"), (rows + 2, "rect")], [("res", object), ("type", object)])
    said = []
    for results_ in (cell(first, other), inner, array, cell(first)):
        found = one(tmp_path, save(tmp_path / "any.mat", results=results_).read_bytes(), name="Deer.mat")
        assert found.boxes["Deer"].tolist() == rows.tolist()
        said.append(found.notes)
    told = "several runs in 1 of 1 files (Deer.mat: {}, ...): the first of each is scored, as OTB's toolkit does"
    assert said == [[told.format(2)], [told.format(2)], [told.format(3)], []]


def test_affine_types_become_boxes_by_the_toolkits_own_rules(tmp_path: Path) -> None:
    still = [50.0, 60.0, 1.0, 0.0, 0.0, 1.0]
    flipped = [50.0, 60.0, -1.0, 0.0, 0.0, 1.0]
    path = save(tmp_path / "a.mat", results=cell({"res": [still, flipped], "type": "ivtAff", "tmplsize": [9, 5]}))
    found, plain, _ = matlab.read_boxes(path, "T")
    assert not plain
    assert found.tolist() == [[45, 57, 9, 5], [54, 57, -9, 5]]
    corners = [[10.4, 30.5, 30.5, 10.4], [20.0, 20.0, 44.6, 44.6]]
    path = save(tmp_path / "b.mat", results=cell({"res": corners, "type": "4corner"}))
    assert matlab.read_boxes(path, "T")[0].tolist() == [[10, 20, 22, 26]]
    row = [1.0, 0.0, 0.0, 1.0, 20.0, 10.0]
    path = save(tmp_path / "c.mat", results=cell({"res": [row], "type": "L1Aff", "tmplsize": [8, 6]}))
    assert matlab.read_boxes(path, "T")[0].tolist() == [[11, 21, 6, 8]]
    path = save(
        tmp_path / "d.mat", results=cell({"res": [[2.0, 0.0, 50, 60]], "type": "SIMILARITY", "tmplsize": [11, 7]})
    )
    assert matlab.read_boxes(path, "T")[0].tolist() == [[40, 54, 23, 15]]


@pytest.mark.parametrize(
    ("kind", "size", "rows", "box"),
    [
        # corners one and three, (-4.5, -2.5) and (4.5, 2.5): 45, 55.7 and 55, 64.3, cut to whole numbers
        ("ivtAff", [9, 5], [[50, 60, 1, 0.2, 0.4, 1]], [45, 55, 10, 9]),
        # rows 1 + .5 + 20 to 8 + 3 + 20, columns .25 + 1 + 10 to 2 + 6 + 10
        ("L1Aff", [8, 6], [[1, 0.5, 0.25, 1, 20, 10]], [11, 22, 8, 10]),
        # x + y / 2 + 50 and x / 4 + y + 60 for x of -5 and 6, y of -3 and 4: 43.5 to 58, 55.75 to 65.5
        ("LK_Aff", [11, 7], [[0, 0.5, 50], [0.25, 0, 60]], [44, 56, 15, 11]),
        # a quarter turn at twice the size: 50 - 2 y, 60 + 2 x
        ("SIMILARITY", [11, 7], [[2, np.pi / 2, 50, 60]], [42, 50, 15, 23]),
        # sixty degrees at twice the size: 50 + x - 3^.5 y, 60 + 3^.5 x + y
        ("SIMILARITY", [11, 7], [[2, np.pi / 3, 50, 60]], [38, 48, 24, 27]),
    ],
)
def test_turned_and_sheared_templates_by_hand(
    tmp_path: Path, kind: str, size: list[int], rows: list[list[float]], box: list[float]
) -> None:
    path = save(tmp_path / "a.mat", results=cell({"res": rows, "type": kind, "tmplsize": size}))
    assert matlab.read_boxes(path, "T")[0].tolist() == [box]


MATS: dict[str, dict[str, object]] = {
    "another variable": {"net": np.ones(3)},
    "strings": {"results": "hello"},
    "a wrong shape": {"results": cell({"res": np.ones((3, 5)), "type": "rect"})},
    "an unknown type": {"results": cell({"res": np.ones((3, 4)), "type": "ellipse"})},
    "struct": {"results": {"weights": 3}},
    "complex numbers": {"results": np.ones((3, 4)) + 1j},
    "complex numbers in a struct": {"results": cell({"res": np.ones((3, 4)) * 2j, "type": "rect"})},
    "a complex template": {"results": cell({"res": np.ones((3, 4)), "type": "SIMILARITY", "tmplsize": [2j, 3]})},
}


@pytest.mark.parametrize("kind", [*MATS, "text"])
def test_a_mat_of_another_program_is_an_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "Deer.mat"
    if kind == "text":
        path.write_text("not a mat file at all, only text that is long enough to be read as one" * 4)
    else:
        save(path, **MATS[kind])
    with pytest.raises(InputError, match=r"tracker T, sequence Deer .*Deer\.mat"):
        matlab.read_boxes(path, "tracker T, sequence Deer")


def test_what_a_mat_of_another_program_holds_is_told(tmp_path: Path) -> None:
    for names, said in ((("net", "age"), "age, net"), ((), "nothing")):
        path = save(tmp_path / "Deer.mat", **dict.fromkeys(names, np.ones(3)))
        with pytest.raises(InputError, match=rf"no `results` in it \(but {said}\)"):
            matlab.read_boxes(path, "T")


@pytest.mark.parametrize("row", ["NaN,NaN,NaN,NaN", "1,2,NaN,4", "1,2,0,4", "1,2,-3,-4"])
def test_a_truth_without_a_known_box_is_told_by_file_and_sequence(tmp_path: Path, row: str) -> None:
    (tmp_path / "Deer").mkdir()
    (tmp_path / "Deer/groundtruth_rect.txt").write_text(f"{row}\n" * 71)
    with pytest.raises(InputError, match=r"Deer/groundtruth_rect\.txt: none of the 71 boxes of Deer is known and has"):
        ground_truth.read(tmp_path, catalogue.find("otb100"))
    (tmp_path / "Deer/groundtruth_rect.txt").write_text(f"{row}\n" * 70 + "1,2,3,4\n")
    assert len(ground_truth.read(tmp_path, catalogue.find("otb100")).targets["Deer"].boxes) == 71


# ---------------------------------------------------------------- VOT files


def vot_truth(frames: int, step: int = 2) -> Regions:
    """A target of 3 x 4 pixels that moves by `step` a frame."""
    rows = [[1.0 + step * frame, 2, 3, 4, *[np.nan] * 4] for frame in range(frames)]
    return regions(np.array(rows), np.full(frames, 4))


def vot_run(
    tmp_path: Path, content: str, truth: Regions | None = None, lengths: results.Lengths = "strict"
) -> tuple[vot_files.Repetition, bool, str]:
    """A repetition, by default of four frames in which nothing moves."""
    path = tmp_path / "bag_001.txt"
    path.write_text(content)
    return vot_files.read_run(path, truth or vot_truth(4, 0), "tracker T, sequence bag", lengths)


def test_codes_boxes_polygons_and_unknown_regions(tmp_path: Path) -> None:
    run, *_ = vot_run(tmp_path, "1\n1,2,3,4\n1,2,3,4,5,6,7,8\nnan,nan,nan,nan")
    assert run.codes.tolist() == [1, -1, -1, 0]
    assert run.regions.rectangle.tolist() == [False, True, False, True]
    assert run.regions.special.tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("1\n1,2,3\n1,2,3,4\n2\n", r"line 2 .*bag_001\.txt:2.*3 numbers"),
        ("1\n1,2,3,4\n7\n2\n", r"line 3 .*code 7"),
        ("1\n1,2,3,4\n", r"line 3 .*2 rows for 4 frames.*--lengths cut"),
        ("1\n1,2,3,4,5,6,7,8,9,10\n0\n0\n", r"line 2 .*10 numbers"),
        ("1\n1,2,3,four\n0\n0\n", r"line 2 .*'four'"),
        ("1\n1,2,,3,4\n0\n0\n", r"line 2 .*nothing between two commas"),
        ("1\n1,2,3,4\n0,0,1e9,1e9\n0\n", r"line 3 .*a number over 1e\+06"),
        ("1\n1,2,3,4\n0,0,-inf,9\n0\n", r"line 3 .*a number over 1e\+06"),
        ("1\n1,2,3,4\n0,0,99999999,9\n0\n", r"line 3 .*a number over 1e\+06"),
    ],
)
def test_a_wrong_vot_file_is_an_error_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputError, match=f"tracker T, sequence bag, {said}"):
        vot_run(tmp_path, content)


RUN = ["1", *(f"{1 + 2 * frame},2,3,4" for frame in range(1, 40))]
"""A run that follows `vot_truth(40)` to the pixel."""


@pytest.mark.parametrize("first", [1, 5, 20])
@pytest.mark.parametrize("lengths", ["strict", "cut"])
def test_a_vot_run_with_rows_missing_in_the_middle_is_not_scored(
    tmp_path: Path, first: int, lengths: results.Lengths
) -> None:
    rows = "\n".join(RUN[:first] + RUN[first + 1 :])
    with pytest.raises(InputError, match=f"39 rows for 40 frames, and from row {first + 1} on .*add them") as error:
        vot_run(tmp_path, rows, vot_truth(40), lengths)
    assert "--lengths cut" not in str(error.value)


def test_a_vot_run_of_which_nothing_meets_the_truth_is_not_cut(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"3 rows for 4 frames; no region meets the truth.*track the sequence again"):
        vot_run(tmp_path, "1\n50,60,3,4\n50,60,3,4", lengths="cut")


def test_a_vot_run_that_ends_early_is_cut_on_demand(tmp_path: Path) -> None:
    run, cut, note = vot_run(tmp_path, "\n".join(RUN[:30]), vot_truth(40), "cut")
    assert (len(run.codes), cut, note) == (30, True, "")


def test_a_vot_run_with_rows_too_many_is_cut_with_a_note(tmp_path: Path) -> None:
    assert vot_run(tmp_path, "\n".join([*RUN, RUN[-1]]), vot_truth(40), "cut")[1:] == (True, "")
    _, cut, note = vot_run(tmp_path, "\n".join([*RUN[:5], *RUN[4:]]), vot_truth(40), "cut")
    assert cut and "bag_001.txt: 41 rows for 40 frames, and from row 6 on they fit" in note


# ---------------------------------------------------------------- annotations


def test_otb_folders_with_two_targets(real_data: Path) -> None:
    truth = ground_truth.read(real_data / "otb", catalogue.find("otb100"))
    assert list(truth.targets) == [
        "Couple", "Crossing", "David", "Deer", "Football1", "Freeman1", "Jogging-1", "Jogging-2", "Skiing",
    ]  # fmt: skip
    assert truth.targets["Jogging-1"].boxes[0].tolist() == [111, 98, 25, 101]
    assert truth.targets["Jogging-2"].boxes[0].tolist() == [180, 79, 37, 114]


def test_all_forms_of_annotations_are_read(tmp_path: Path) -> None:
    for place in (
        "flat/Deer.txt",
        "folders/Deer/groundtruth_rect.txt",
        "deep/animals/Deer/groundtruth.txt",
        "gt/Deer_gt.txt",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(boxes(71))
    for place in ("flat", "folders", "deep", "gt"):
        assert len(ground_truth.read(tmp_path / place, catalogue.find("otb100")).targets["Deer"].boxes) == 71


def test_lasot_absence_in_one_file_or_two(tmp_path: Path) -> None:
    name, frames = "airplane-1", catalogue.find("lasot").sequences["airplane-1"].frames
    folder = tmp_path / "airplane" / name
    folder.mkdir(parents=True)
    (folder / "groundtruth.txt").write_text(boxes(frames))
    (folder / "full_occlusion.txt").write_text(",".join("1" if i == 3 else "0" for i in range(frames)))
    (folder / "out_of_view.txt").write_text(",".join("1" if i == 5 else "0" for i in range(frames)))
    two = ground_truth.read(tmp_path, catalogue.find("lasot")).targets[name].absent
    assert two is not None
    assert np.flatnonzero(two).tolist() == [3, 5]
    for file in ("full_occlusion.txt", "out_of_view.txt"):
        (folder / file).unlink()
    (folder / "absent.txt").write_text("\n".join("1" if i == 4 else "0" for i in range(frames)))
    combined = ground_truth.read(tmp_path, catalogue.find("lasot")).targets[name].absent
    assert combined is not None
    assert np.flatnonzero(combined).tolist() == [4]
    for file in ("full_occlusion.txt", "out_of_view.txt"):
        (folder / file).write_text(",".join("0" * frames))
    with pytest.raises(InputError, match=r"absent\.txt: not what full_occlusion\.txt and out_of_view\.txt say"):
        ground_truth.read(tmp_path, catalogue.find("lasot"))


def test_otb99_lang_has_its_own_list(tmp_path: Path) -> None:
    for name in ("Deer", "Other"):
        (tmp_path / "OTB_videos" / name).mkdir(parents=True)
        (tmp_path / "OTB_videos" / name / "groundtruth_rect.txt").write_text(boxes(4))
    (tmp_path / "OTB_query_test").mkdir()
    (tmp_path / "OTB_query_test/Deer.txt").write_text("the deer in front")
    truth = ground_truth.read(tmp_path, catalogue.find("otb99-lang"))
    assert truth.expected == ("Deer",)
    assert len(truth.targets["Deer"].boxes) == 4


def test_another_benchmarks_annotation_is_an_error(real_data: Path) -> None:
    with pytest.raises(InputError, match="where tc128 has"):
        ground_truth.read(real_data / "annotations/otb100", catalogue.find("tc128"))


@pytest.mark.parametrize("benchmark", ["otb100", "vot2016", "lasot"])
def test_a_missing_folder_is_named(tmp_path: Path, benchmark: str) -> None:
    with pytest.raises(InputError, match="/none"):
        score.files(benchmark, tmp_path / "none", tmp_path)


def test_unknown_benchmarks_and_definitions_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nosuch.*there are otb2013"):
        score.files("nosuch", tmp_path, tmp_path)
    with pytest.raises(InputError, match="vot-matlab-7: not a definition"):
        score.files("otb100", tmp_path, tmp_path, "vot-matlab-7")
