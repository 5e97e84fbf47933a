"""Parts that do not belong together are refused or told: layouts, flags, choices among files, rows and frames."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dat.base.errors import InputError
from dat.benchmarks import catalogue
from dat.benchmarks.names import Names
from dat.evaluation import definitions, fitting, ground_truth, matlab, score, table
from dat.evaluation import results as result_files
from dat.evaluation.definitions import OnePass
from dat.evaluation.ground_truth import GroundTruth, SequenceTruth
from dat.evaluation.vot import files as vot_files
from tests.evaluation.test_evaluation_files import cell, save

NAMES = ("Deer", "Bolt")


def walk(frames: int = 60, step: float = 3.0, start: float = 40.0) -> np.ndarray:
    """A truth (N,4) that moves."""
    rows = np.tile([start, 30.0, 40, 25], (frames, 1))
    rows[:, 0] += step * np.arange(frames)
    return rows


def write(path: Path, rows: np.ndarray | str | bytes) -> Path:
    """A text file of rows, or of a text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(rows, np.ndarray):
        rows = "".join(",".join(f"{value:g}" for value in row) + "\n" for row in rows)
    path.write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    return path


def rule(name: str = "otb-toolkit-1.1") -> OnePass:
    """A one-pass definition."""
    found = definitions.find(name, "one-pass")
    assert isinstance(found, OnePass)
    return found


def truth(frames: int = 60) -> GroundTruth:
    """Two targets."""
    return GroundTruth(NAMES, {name: SequenceTruth(name, walk(frames, 3 + place)) for place, name in enumerate(NAMES)})


def read(folder: Path, **options: Any) -> result_files.TrackerResults:
    """The tracker of a folder, beside `truth`."""
    return result_files.read(folder, truth(), rule(options.pop("definition", "otb-toolkit-1.1")), **options)


def flags_of(folder: Path, benchmark: str = "tnl2k") -> tuple[GroundTruth, np.ndarray | None]:
    """The truth in a folder, and the absence flags of its only sequence."""
    found = ground_truth.read(folder, catalogue.find(benchmark))
    (target,) = found.targets.values()
    return found, target.absent


# ---------------------------------------------------------------- layouts


@pytest.mark.parametrize("where", ["annos", "annos/gt_rect"])
def test_tnl2k_is_read_as_it_is_published(tmp_path: Path, where: str) -> None:
    write(tmp_path / "annos/gt_rect/A_video.txt", walk(3))
    write(tmp_path / "annos/absent/A_video.txt", "0\n1\n0\n")
    write(tmp_path / "annos/att/A_video_attribute.txt", "0,0,1\n")
    found, absent = flags_of(tmp_path / where)
    assert (found.expected, found.notes) == (("A_video",), [])
    assert absent is not None and absent.tolist() == [False, True, False]


def test_a_flag_too_many_is_cut_and_told_where_it_is_zero(tmp_path: Path) -> None:
    write(tmp_path / "gt_rect/A.txt", walk(3))
    write(tmp_path / "absent/A.txt", "0\n1\n0\n0\n")
    found, absent = flags_of(tmp_path)
    assert absent is not None and len(absent) == 3
    assert "a flag more than the 3 boxes" in found.notes[0]
    wrong = {"0\n1\n0\n1\n": "4 flags for 3 boxes", "0\n1\n": "2 flags", "0\n.5\n0\n": "value 2 is 0.5"}
    for flags, message in wrong.items():
        write(tmp_path / "absent/A.txt", flags)
        with pytest.raises(InputError, match=rf"A\.txt: {message}"):
            flags_of(tmp_path)
    (tmp_path / "absent/A.txt").rename(tmp_path / "absent/B.txt")
    with pytest.raises(InputError, match="0 files of the flags of A"):
        flags_of(tmp_path)


def lasot(tmp_path: Path, *names: str) -> catalogue.Benchmark:
    """LaSOT with short sequences."""
    for name in names:
        write(tmp_path / "cat" / name / "groundtruth.txt", walk(4))
    entries = {name: catalogue.Fact(4) for name in names}
    return catalogue.Benchmark("lasot", "one-pass", "lasot", entries, truth="groundtruth.txt", flags=True)


def test_one_of_two_flag_files_is_an_error(tmp_path: Path) -> None:
    found = lasot(tmp_path, "cat-1")
    write(tmp_path / "cat/cat-1/out_of_view.txt", "0,0,0,1")
    with pytest.raises(InputError, match=r"cat-1: out_of_view\.txt without the other"):
        ground_truth.read(tmp_path, found)
    write(tmp_path / "cat/cat-1/full_occlusion.txt", "0,1,0,0")
    absent = ground_truth.read(tmp_path, found).targets["cat-1"].absent
    assert absent is not None and absent.tolist() == [False, True, False, True]


def test_no_flags_are_told_and_flags_of_some_alone_are_an_error(tmp_path: Path) -> None:
    found = lasot(tmp_path, "cat-1", "cat-2")
    assert "no absence flags of 2 sequences" in ground_truth.read(tmp_path, found).notes[0]
    write(tmp_path / "cat/cat-2/absent.txt", "0\n0\n0\n1\n")
    with pytest.raises(InputError, match=r"no absence flags of cat-1, which other sequences have \(1 of 2"):
        ground_truth.read(tmp_path, found)


def test_what_is_known_of_the_truth_stands_beside_the_numbers(tmp_path: Path) -> None:
    write(tmp_path / "anno/A.txt", walk(30))
    write(tmp_path / "results/T/A.txt", walk(30))
    data = score.files("tnl2k", tmp_path / "anno", tmp_path / "results", bootstrap=(100, 0))
    assert "no absence flags of 1 sequences" in data["notes"][0]
    assert data["notes"][0] in table.terminal(data)


# ---------------------------------------------------------------- one file of several


@pytest.mark.parametrize(
    ("benchmark", "own"), [("otb100", "groundtruth_rect.txt"), ("lasot", "groundtruth.txt"), ("tc128", "Deer_gt.txt")]
)
def test_the_file_with_the_benchmarks_own_name_is_the_truth(tmp_path: Path, benchmark: str, own: str) -> None:
    for name in ("groundtruth.txt", "groundtruth_rect.txt", "Deer_gt.txt"):
        write(tmp_path / "Deer" / name, walk(71, start=40 if name == own else 80))
    notes: list[str] = []
    found = ground_truth._best(ground_truth._spellings(tmp_path), Names(["Deer"]), catalogue.find(benchmark), notes)
    assert found["Deer"].name == own
    assert len(notes) == 2 and own in notes[0]


def test_two_truths_that_are_equally_good_are_an_error_unless_they_are_equal(tmp_path: Path) -> None:
    for place in ("new", "old"):
        write(tmp_path / place / "Deer.txt", walk(71))
    assert ground_truth.read(tmp_path, catalogue.find("otb100")).notes == []
    write(tmp_path / "old/Deer.txt", walk(71, start=50))
    with pytest.raises(InputError, match=r"Deer: both .*new/Deer\.txt and .*old/Deer\.txt"):
        ground_truth.read(tmp_path, catalogue.find("otb100"))


def test_files_of_other_systems_are_no_results_and_no_truth(tmp_path: Path) -> None:
    for place in ("T/Deer.txt", "T/._Deer.txt", "__MACOSX/T/._Deer.txt", "T/__MACOSX/Deer.txt", ".Trash/Deer.txt"):
        write(tmp_path / place, b"\0\5\26\7" if "_" in place or "Trash" in place else walk())
    assert [folder.name for folder in result_files.tracker_folders(tmp_path)] == ["T"]
    found = read(tmp_path / "T")
    assert (list(found.boxes), found.ignored, found.notes) == (["Deer"], [], [])
    files = ground_truth._spellings(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for _, path in files] == ["T/Deer.txt"]


@pytest.mark.parametrize("second", ["Deer.txt", "Bolt.txt"])
def test_trackers_a_level_down_are_told_and_nothing_is_to_be_removed(tmp_path: Path, second: str) -> None:
    write(tmp_path / "OTB100/A/Deer.txt", walk())
    write(tmp_path / "OTB100/B" / second, walk())
    with pytest.raises(InputError, match=rf"where these are trackers, give --results {tmp_path}/OTB100") as error:
        read(tmp_path / "OTB100")
    assert "remove" not in str(error.value)


def test_results_of_two_folders_are_not_mixed(tmp_path: Path) -> None:
    write(tmp_path / "T/Deer.txt", walk())
    write(tmp_path / "T/old/Bolt.txt", walk())
    with pytest.raises(InputError, match=r"results in .*T and in .*old; move what is not its result out"):
        read(tmp_path / "T")


def test_folders_of_sequences_and_classes_are_one_tracker(tmp_path: Path) -> None:
    for name in NAMES:
        write(tmp_path / "T" / name / f"{name}_001.txt", walk(60, 3 + NAMES.index(name)))
        write(tmp_path / "T" / name / f"{name}_002.txt", walk())
    found = read(tmp_path / "T")
    assert list(found.boxes) == list(NAMES)
    assert "not 2 repetitions such as Bolt/Bolt_002.txt" in found.notes[0]
    for name in ("cat-1", "dog-1"):
        write(tmp_path / "L" / name[:3] / f"{name}.txt", walk())
    assert set(result_files.find_files(tmp_path / "L", Names(["cat-1", "dog-1"])).files) == {"cat-1", "dog-1"}


def test_a_level_in_between_is_told_unless_it_is_an_experiment(tmp_path: Path) -> None:
    write(tmp_path / "OTB100/A/Deer.txt", walk())
    write(tmp_path / "T/baseline/Deer.txt", walk())
    assert read(tmp_path / "OTB100").notes == ["its results lie in A"]
    assert read(tmp_path / "T").notes == []


def test_a_trackers_own_folder_is_not_taken_for_trackers(tmp_path: Path) -> None:
    for name in NAMES:
        write(tmp_path / "T" / name / f"{name}_001.txt", walk())
    with pytest.raises(InputError, match=rf"its folders are sequences \(Bolt, ...\); give --results {tmp_path}"):
        result_files.tracker_folders(tmp_path / "T", NAMES)


def test_loose_results_beside_folders_are_told(tmp_path: Path) -> None:
    write(tmp_path / "T/Deer.txt", walk())
    write(tmp_path / "names.txt", "Deer\n")
    assert [folder.name for folder in result_files.tracker_folders(tmp_path, NAMES)] == ["T"]
    write(tmp_path / "bolt.txt", walk())
    with pytest.raises(InputError, match=r"bolt\.txt beside folders such as T; a tracker's files belong in a folder"):
        result_files.tracker_folders(tmp_path, NAMES)


def test_which_of_two_spellings_is_scored_is_told(tmp_path: Path) -> None:
    write(tmp_path / "T/Deer.txt", walk())
    write(tmp_path / "T/deer.txt", walk())
    found = read(tmp_path / "T")
    assert found.notes == ["Deer: Deer.txt is scored, not deer.txt"]
    assert found.ignored == ["deer.txt"]


def test_a_spelling_of_two_sequences_is_nobodys() -> None:
    names = Names(["Car-1", "Car1", "Deer"])
    assert names.match("car_1") is None
    assert [names.match(name).sequence for name in ("Car-1", "Car1", "DEER")] == ["Car-1", "Car1", "Deer"]  # type: ignore[union-attr]


# ---------------------------------------------------------------- rows and frames


@pytest.mark.parametrize("lengths", ["strict", "cut"])
@pytest.mark.parametrize("definition", ["otb-toolkit-1.1", "tc128", "pytracking"])
def test_rows_without_the_first_are_never_cut(tmp_path: Path, lengths: str, definition: str) -> None:
    write(tmp_path / "T/Deer.txt", walk()[1:])
    with pytest.raises(InputError, match=r"Deer\.txt:1\): 59 rows for 60 frames, and it does not begin with") as error:
        read(tmp_path / "T", lengths=lengths, definition=definition)
    assert "--lengths" not in str(error.value)


def test_a_target_that_stands_still_may_lack_its_last_row(tmp_path: Path) -> None:
    target = SequenceTruth("Deer", walk(step=0))
    jitter = target.boxes + np.random.default_rng(0).normal(0, 1, target.boxes.shape)
    jitter[0] = target.boxes[0]
    write(tmp_path / "T/Deer.txt", jitter[:-1])
    found = result_files.read(tmp_path / "T", GroundTruth(("Deer",), {"Deer": target}), rule("tc128"))
    assert (len(found.boxes["Deer"]), found.cut) == (59, ["Deer"])


def test_rows_that_begin_right_and_fit_the_frame_after_are_not_cut(tmp_path: Path) -> None:
    rows = np.concatenate([walk()[:1], walk()[2:]])
    write(tmp_path / "T/Deer.txt", rows)
    with pytest.raises(InputError, match=r"59 rows for 60 frames, and from row 2 on they fit .* 1 frame later better"):
        read(tmp_path / "T", lengths="cut")


@pytest.mark.parametrize("lengths", ["strict", "cut"])
@pytest.mark.parametrize(
    ("row", "times", "said"), [(0, 1, "from row 2 on .* 1 frame"), (3, 4, "from row 8 on .* 4 frames")]
)
def test_rows_that_fit_the_frame_before_are_not_forgiven(
    tmp_path: Path, lengths: str, row: int, times: int, said: str
) -> None:
    write(tmp_path / "T/Deer.txt", np.insert(walk(), [row] * times, walk()[row], 0))
    with pytest.raises(
        InputError, match=rf"{60 + times} rows for 60 frames, and {said} earlier better.*: leave them out"
    ):
        read(tmp_path / "T", lengths=lengths)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (np.delete(walk(), 50, 0), "59 rows for 60 frames, and from row 51 on they fit the truth 1 frame later"),
        (
            np.insert(walk(), 50, walk()[50], 0),
            "61 rows for 60 frames, and from row 52 on they fit the truth 1 frame earl",
        ),
    ],
)
def test_rows_that_fit_other_frames_from_a_later_row_on_are_told_beside_the_number(
    tmp_path: Path, rows: np.ndarray, said: str
) -> None:
    write(tmp_path / "T/Deer.txt", rows)
    (note,) = read(tmp_path / "T", lengths="cut").notes
    assert note.startswith(f"Deer: {said}")


def test_rows_too_many_or_few_at_the_end_are_told_nothing(tmp_path: Path) -> None:
    for rows in (walk()[:-3], np.concatenate([walk(), walk()[-1:]])):
        write(tmp_path / "T/Deer.txt", rows)
        assert read(tmp_path / "T", lengths="cut").notes == []


def test_a_shift_that_changes_the_overlap_by_a_hundredth_is_an_error() -> None:
    slow = walk(step=0.5)
    rows = np.concatenate([slow[:1], slow])
    gained = fitting._gains(rows, slow, 1)[0]
    assert 0.01 < gained < 0.03
    assert "from row 2 on" in fitting.moved(rows, slow, whole=True)
    still = walk(step=0.1)
    assert fitting.moved(np.concatenate([still[:1], still]), still, whole=True) == ""


@pytest.mark.parametrize("lengths", ["strict", "cut"])
def test_rows_for_images_before_the_first_are_told_by_the_row_that_fits(tmp_path: Path, lengths: str) -> None:
    before = np.tile([500.0, 400, 20, 20], (30, 1))
    write(tmp_path / "T/Deer.txt", np.concatenate([before, walk()]))
    with pytest.raises(InputError, match=r"90 rows for 60 frames, and the first box, 40,30,40,25, is row 31: leave"):
        read(tmp_path / "T", lengths=lengths)


def test_a_first_row_that_is_another_box_is_told(tmp_path: Path) -> None:
    write(tmp_path / "T/Deer.txt", np.concatenate([walk()[1:], walk()[-1:]]))
    write(tmp_path / "T/Bolt.txt", walk(60, 4) + 0.5)
    assert read(tmp_path / "T").notes == [
        "the first row is not the first box of Deer: do rows and frames belong together?",
        "Deer: as many rows as frames, but from row 1 on they fit the truth 1 frame later better "
        "(mean overlap 1.000, not 0.860): are rows before it missing?",
    ]


def missing(rows: np.ndarray, at: int = 0) -> np.ndarray:
    """Rows without one, whose last is there twice instead."""
    return np.concatenate([np.delete(rows, at, 0), rows[-1:]])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            missing(walk(step=9)),
            "from row 1 on they fit the truth 1 frame later better (mean overlap 1.000, not 0.633)",
        ),
        (missing(walk(step=9), 9), "from row 10 on they fit the truth 1 frame later better"),
        (missing(walk(step=9), 35), "from row 36 on they fit the truth 1 frame later better"),
        (missing(missing(missing(walk(step=9)))), "from row 1 on they fit the truth 3 frames later better"),
        (walk(step=9)[[0, *range(59)]], "from row 2 on they fit the truth 1 frame earlier better"),
    ],
)
@pytest.mark.parametrize("definition", ["otb-toolkit-1.1", "pysot"])
def test_rows_of_the_right_number_that_are_a_frame_off_are_told(
    tmp_path: Path, rows: np.ndarray, said: str, definition: str
) -> None:
    write(tmp_path / "T/Deer.txt", rows)
    found = result_files.read(
        tmp_path / "T", GroundTruth(("Deer",), {"Deer": SequenceTruth("Deer", walk(step=9))}), rule(definition)
    )
    gap = "too many" if "earlier" in said else "missing"
    assert found.notes[-1].startswith(f"Deer: as many rows as frames, but {said}")
    assert found.notes[-1].endswith(f"are rows before it {gap}?")


@pytest.mark.parametrize("number", [np.inf, -1e300, 2e6])
def test_a_number_that_is_no_pictures_is_told(tmp_path: Path, number: float) -> None:
    rows = walk()
    rows[[7, 20], 0] = number, np.nan
    write(tmp_path / "T/Deer.txt", rows)
    truth = GroundTruth(("Deer",), {"Deer": SequenceTruth("Deer", walk())})
    (note,) = result_files.read(tmp_path / "T", truth, rule()).notes
    assert note.startswith("Deer, row 8: a number over 1e+06, where pixels belong (such rows: 1, in 1 of 1 sequences)")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ([*range(20), *range(19, 44), *range(45, 60)], "rows 21 to 45 fit the truth 1 frame earlier better"),
        ([*range(20), *range(21, 46), *range(45, 60)], "rows 21 to 45 fit the truth 1 frame later better"),
        ([*range(10), *range(8, 43), *range(45, 60)], "rows 11 to 45 fit the truth 2 frames earlier better"),
    ],
)
def test_rows_between_others_that_are_a_frame_off_are_told(order: list[int], said: str) -> None:
    """The rows before and after them are right."""
    true = walk(step=9)
    (note,) = fitting.shifted({"Deer": true[order]}, {"Deer": true})
    assert note.startswith(f"Deer: as many rows as frames, but {said} (mean overlap over all rows 0.")
    assert note.endswith("more): are rows missing at one end of them, and too many at the other?")
    slow = walk(step=1)
    assert fitting.shifted({"Deer": slow[order]}, {"Deer": slow}) == []


def test_a_small_shift_is_told_of_many_sequences_in_one_line() -> None:
    true = {f"S{place}": walk(step=0.5, start=30.0 + place) for place in range(fitting.MANY)}
    late = {name: rows[[0, *range(59)]] for name, rows in true.items()}
    assert fitting.shifted(true, true) == fitting.shifted(dict(list(late.items())[1:]), true) == []
    (note,) = fitting.shifted(late, true)
    assert note.startswith(
        "the rows of 10 of 10 sequences fit the truth a frame earlier better (mean overlap about 0.02"
    )
    (note,) = fitting.shifted({name: missing(rows) for name, rows in true.items()}, true)
    assert "a frame later better" in note and note.endswith("is the first row missing?")


def test_rows_of_a_few_frames_are_not_asked_for_others() -> None:
    assert fitting.shifted({"Deer": walk(2)[::-1]}, {"Deer": walk(2)}) == []


def test_tiger_s_first_row_is_compared_with_its_own_frame(tmp_path: Path) -> None:
    target = SequenceTruth("Deer", walk(), omit=5)
    for rows in (walk(), walk()[5:]):
        write(tmp_path / "T/Deer.txt", rows)
        found = result_files.read(tmp_path / "T", GroundTruth(("Deer",), {"Deer": target}), rule())
        assert (len(found.boxes["Deer"]), found.notes) == (55, [])
    write(tmp_path / "T/Deer.txt", np.concatenate([walk()[5:], walk()[-1:]]))
    found = result_files.read(tmp_path / "T", GroundTruth(("Deer",), {"Deer": target}), rule("otb-toolkit-1.1"))
    assert (len(found.boxes["Deer"]), found.notes) == (55, [])
    write(tmp_path / "T/Deer.txt", walk()[:57])
    with pytest.raises(InputError, match="57 rows for 55 frames, and the first box, 55,30,40,25, is row 6"):
        result_files.read(tmp_path / "T", GroundTruth(("Deer",), {"Deer": target}), rule())


READ_AS = {
    "corners": lambda rows: np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:]], 1),
    "inclusive corners": lambda rows: np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:] - 1], 1),
    "centre": lambda rows: np.concatenate([rows[:, :2] + rows[:, 2:] / 2, rows[:, 2:]], 1),
    "y,x,h,w": lambda rows: rows[:, [1, 0, 3, 2]],
}


@pytest.mark.parametrize("kind", READ_AS)
@pytest.mark.parametrize("given", [True, False])
def test_rows_that_are_no_widths_are_told(tmp_path: Path, kind: str, given: bool) -> None:
    target = SequenceTruth("Deer", walk() + np.array([0, 40, 0, 0]))
    rows = READ_AS[kind](target.boxes)
    rows[0] = target.boxes[0] if given else rows[0]
    write(tmp_path / "T/Deer.txt", rows)
    with pytest.raises(InputError, match=rf"tracker T, sequence Deer: rows fit the truth as {kind.split()[-1]}"):
        result_files.read(tmp_path / "T", GroundTruth(("Deer",), {"Deer": target}), rule())


@pytest.mark.parametrize("kind", ["corners", "centre"])
def test_a_truth_that_is_no_widths_is_told(tmp_path: Path, kind: str) -> None:
    rows = walk() + np.array([0, 40, 0, 0])
    write(tmp_path / "T/Deer.txt", rows)
    target = SequenceTruth("Deer", READ_AS[kind](rows))
    with pytest.raises(
        InputError, match=rf"--annotations, sequence Deer: the truth fits the rows of tracker T as {kind}"
    ):
        result_files.read(tmp_path / "T", GroundTruth(("Deer",), {"Deer": target}), rule())


def test_a_first_row_of_corners_is_enough_where_the_target_is_lost(tmp_path: Path) -> None:
    rows = np.tile([900.0, 900, 950, 950], (60, 1))
    rows[0] = READ_AS["corners"](walk())[0]
    write(tmp_path / "T/Deer.txt", rows)
    with pytest.raises(InputError, match="rows fit the truth as corners"):
        read(tmp_path / "T")


def test_boxes_that_count_from_zero_are_told(tmp_path: Path) -> None:
    for place, name in enumerate(NAMES):
        write(tmp_path / "T" / f"{name}.txt", walk(60, 3 + place) - [1, 1, 0, 0])
    assert "2 of 2 first rows are the first box less one pixel" in read(tmp_path / "T").notes[0]
    assert read(tmp_path / "T", origin=0).notes == []


def test_a_tracker_that_loses_its_target_is_told_nothing(tmp_path: Path) -> None:
    rows = walk()
    rows[5:] = [300, 200, 40, 25]
    write(tmp_path / "T/Deer.txt", rows)
    assert read(tmp_path / "T").notes == []


def test_published_results_fit_and_are_told_nothing(real_data: Path) -> None:
    for name in ("otb100", "tc128"):
        data = score.files(name, real_data / "annotations" / name, real_data / "results" / name, bootstrap=(100, 0))
        assert "notes" not in data
        assert all("notes" not in entry for entry in data["trackers"].values())


def test_overlaps_by_hand() -> None:
    a = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 0, 10], [np.nan, 0, 10, 10]])
    assert fitting.overlaps(a, np.array([5.0, 0, 10, 10])).tolist() == [1 / 3, 1 / 3, 0, 0]


# ---------------------------------------------------------------- .mat


def test_a_cell_of_rows_is_all_of_them_and_other_cells_are_told(tmp_path: Path) -> None:
    rows = walk(5)
    cells = np.empty((1, 5), object)
    cells[0] = [row[None] for row in rows]
    assert matlab.read_boxes(save(tmp_path / "a.mat", results=cells), "T")[0].tolist() == rows.tolist()
    cells[0, 3] = np.ones((2, 4))
    with pytest.raises(InputError, match=r"T \(.*a\.mat\): a cell of 5 whose first has one row"):
        matlab.read_boxes(save(tmp_path / "a.mat", results=cells), "T")


def test_several_tables_and_moved_starts_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="both `result` and `res`"):
        matlab.read_boxes(save(tmp_path / "a.mat", result=walk(5), res=walk(5)), "T")
    with pytest.raises(InputError, match="a run of SRE"):
        matlab.read_boxes(
            save(tmp_path / "a.mat", results=cell({"res": walk(5), "type": "rect", "shiftType": "left"})), "T"
        )


def test_a_mat_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "T").mkdir()
    save(tmp_path / "T/Deer.mat", results=walk(20))
    with pytest.raises(InputError, match=r"sequence Deer \(.*Deer\.mat\): 20 rows for 60 frames") as error:
        read(tmp_path / "T")
    assert ", line" not in str(error.value)


# ---------------------------------------------------------------- VOT


def vot_truth(frames: int = 40) -> vot_files.VotTruth:
    """Two sequences of boxes."""
    targets = {
        name: vot_files._json_target(name, {"gt_rect": walk(frames, 3 + place).tolist()}, Path("a.json"))
        for place, name in enumerate(NAMES)
    }
    return vot_files.VotTruth(NAMES, targets)


def run_text(rows: np.ndarray, codes: dict[int, int]) -> str:
    """A run's lines: codes by frame, else boxes."""
    lines = [",".join(f"{value:g}" for value in row) for row in rows]
    return "".join(f"{codes.get(frame, line)}\n" for frame, line in enumerate(lines))


RESTART = {10: 2, 11: 0, 12: 0, 13: 0, 14: 0, 15: 1}


def vot_tracker(tmp_path: Path, codes: dict[int, int], rows: np.ndarray | None = None) -> vot_files.VotResults:
    """A tracker with one run of one sequence."""
    write(tmp_path / "T/baseline/Deer/Deer_001.txt", run_text(walk(40) if rows is None else rows, codes))
    return vot_files.read_tracker(tmp_path / "T", vot_truth())


@pytest.mark.parametrize(
    ("codes", "line", "said"),
    [
        ({}, 1, "not a run with restarts: the first row is a region"),
        ({0: 1, 10: 2}, 12, "no restart 5 frames after a failure"),
        ({0: 1} | RESTART | {14: 1, 15: 1}, 15, "a restart that is not 5 frames after a failure"),
        ({0: 1, 20: 1}, 21, "a restart that is not 5 frames after a failure"),
        ({0: 1, 10: 2, 11: 0, 12: 0, 13: 0, 14: 0}, 16, "no restart 5 frames after a failure"),
    ],
)
def test_a_run_without_restarts_is_told(tmp_path: Path, codes: dict[int, int], line: int, said: str) -> None:
    with pytest.raises(InputError, match=rf"tracker T, sequence Deer, line {line} .*{said}"):
        vot_tracker(tmp_path, codes)


def test_a_run_without_its_first_row_is_not_to_be_cut(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a run with restarts: the first row is a region") as error:
        vot_tracker(tmp_path, {}, walk(40)[1:])
    assert "--lengths" not in str(error.value)


@pytest.mark.parametrize(
    "codes",
    [
        {0: 1} | RESTART,
        {0: 1, 34: 2, 35: 0, 36: 0, 37: 0, 38: 0, 39: 1},
        {0: 1, 34: 2, 35: 0, 36: 0, 37: 0, 38: 0, 39: 0},
        {0: 1, 37: 2, 38: 0, 39: 0},
        {0: 1} | RESTART | {20: 2, 21: 0, 22: 0, 23: 0, 24: 0, 25: 1},
    ],
)
def test_runs_with_restarts_are_read(tmp_path: Path, codes: dict[int, int]) -> None:
    (run,) = vot_tracker(tmp_path, codes).runs["Deer"]
    assert {int(frame): int(run.codes[frame]) for frame in np.flatnonzero(run.codes != -1)} == codes


@pytest.mark.parametrize("more", [0, 1])
def test_a_row_too_many_and_one_too_few_do_not_make_up_for_one_another(tmp_path: Path, more: int) -> None:
    first, second = {0: 1, 34: 2, 35: 0, 36: 0, 37: 0, 38: 0}, {0: 1, 1: 1}  # cut in the middle, two sound runs
    for number, (rows, codes) in enumerate([(39, first), (41, second), (40, {0: 1})][: 2 + more], 1):
        write(tmp_path / f"T/baseline/Deer/Deer_00{number}.txt", run_text(walk(rows), codes))
    with pytest.raises(InputError, match=r"Deer_001\.txt:40.*39 rows for 40 frames"):
        vot_files.read_tracker(tmp_path / "T", vot_truth())


def test_a_vot_run_that_is_a_frame_off_is_told(tmp_path: Path) -> None:
    late = np.concatenate([walk(40)[:1], walk(40)[:-1]])
    assert vot_tracker(tmp_path, {0: 1} | RESTART).notes == []
    (note,) = vot_tracker(tmp_path, {0: 1} | RESTART, late).notes
    assert note.startswith("Deer: as many rows as frames, but from row 2 on they fit the truth 1 frame earlier better")


def test_a_vot_run_that_is_not_there_before_others_is_told(tmp_path: Path) -> None:
    for number in (1, 2, 4):
        write(tmp_path / f"T/baseline/Deer/Deer_00{number}.txt", run_text(walk(40), {0: 1}))
    (note,) = vot_files.read_tracker(tmp_path / "T", vot_truth()).notes
    assert note.startswith("Deer: run 3 is not there, and run 4 is (1 of 1 sequences lack such runs)")
    write(tmp_path / "T/baseline/Deer/Deer_003.txt", run_text(walk(40), {0: 1}))
    assert vot_files.read_tracker(tmp_path / "T", vot_truth()).notes == []


def test_corners_in_a_vot_run_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tracker T, sequence Deer: rows fit the truth as corners"):
        vot_tracker(tmp_path, {0: 1}, READ_AS["corners"](walk(40)))


@pytest.mark.parametrize("gap", [";", " ", "\t", ", "])
def test_decimal_commas_in_a_vot_run_are_refused(tmp_path: Path, gap: str) -> None:
    text = run_text(walk(40) + 0.25, {0: 1}).replace(",", gap).replace(".", ",")
    write(tmp_path / "T/baseline/Deer/Deer_001.txt", text)
    with pytest.raises(InputError, match=r"sequence Deer, line 2 .*eight numbers, or four with decimal commas"):
        vot_files.read_tracker(tmp_path / "T", vot_truth())


def test_decimal_commas_in_one_of_two_runs_are_refused(tmp_path: Path) -> None:
    text = run_text(walk(40) + 0.25, {0: 1})
    write(tmp_path / "T/baseline/Deer/Deer_001.txt", text)
    write(tmp_path / "T/baseline/Deer/Deer_002.txt", text.replace(",", ";").replace(".", ","))
    with pytest.raises(InputError, match=r"Deer_002\.txt:2.*eight numbers, or four with decimal commas"):
        vot_files.read_tracker(tmp_path / "T", vot_truth())


@pytest.mark.parametrize("experiment", ["unsupervised", "realtime", "region_noise"])
def test_another_experiment_is_not_the_baseline(tmp_path: Path, experiment: str) -> None:
    write(tmp_path / "T" / experiment / "Deer/Deer_001.txt", run_text(walk(40), {0: 1}))
    found = vot_files.read_tracker(tmp_path / "T", vot_truth())
    assert (found.runs, list(found.noise)) == ({}, ["Deer"] if experiment == "region_noise" else [])
    assert result_files.tracker_folders(tmp_path / "T") == [tmp_path / "T"]


def test_vot_trackers_a_level_down_are_told(tmp_path: Path) -> None:
    for name in ("A", "B"):
        write(tmp_path / "VOT" / name / "baseline/Deer/Deer_001.txt", run_text(walk(40), {0: 1}))
    with pytest.raises(InputError, match=rf"where these are trackers, give --results {tmp_path}/VOT"):
        vot_files.read_tracker(tmp_path / "VOT", vot_truth())


def lost(tmp_path: Path, codes: dict[int, int]) -> dict[str, Any]:
    """The scores of a tracker that stands where the target is not from frame 17 on."""
    rows = walk(41)
    rows[16:] = [400, 300, 40, 25]
    truths = {"ball2": {"gt_rect": walk(41).tolist()}}
    write(tmp_path / "truth.json", b"\xef\xbb\xbf" + json.dumps(truths).encode())
    write(tmp_path / "results/T/baseline/ball2/ball2_001.txt", run_text(rows, codes))
    write(tmp_path / "names.txt", "ball2\r\n".encode("utf-16"))
    return score.files(
        "vot2019", tmp_path / "truth.json", tmp_path / "results", bootstrap=(100, 0), subset=tmp_path / "names.txt"
    )


def test_a_target_that_is_lost_without_a_failure_is_told_beside_the_number(tmp_path: Path) -> None:
    data = lost(tmp_path, {0: 1} | RESTART)
    assert "ball2: 25 frames without overlap and without a failure" in data["trackers"]["T"]["notes"][0]
    assert data["trackers"]["T"]["notes"][0] in table.terminal(data)


def test_a_tracker_that_never_fails_and_is_lost_has_no_runs_with_restarts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tracker T, sequence ball2: 25 frames without overlap"):
        lost(tmp_path, {0: 1})


def vot_folder(tmp_path: Path, name: str, **files: str | bytes) -> None:
    """A sequence folder of VOT."""
    write(tmp_path / name / "groundtruth.txt", "\ufeff1,2,3,4\n1,2,3,4\n")
    for file, content in files.items():
        write(tmp_path / name / file.replace("_", "."), content)


def small_vot(*names: str) -> catalogue.Benchmark:
    """VOT with sequences of two frames."""
    return catalogue.Benchmark("vot2016", "vot", "vot-matlab-2016", {name: catalogue.Fact(2) for name in names})


def test_tags_and_differences_are_as_long_as_the_video(tmp_path: Path) -> None:
    vot_folder(tmp_path, "bag", occlusion_tag=b"\xef\xbb\xbf1\n", practical_value="0.5\n0.6\n")
    target = vot_files.read_truth(tmp_path, small_vot("bag")).targets["bag"]
    assert target.tags["occlusion"].tolist() == [True, False]
    for file, content, said in (
        ("occlusion.tag", "1\n0\n1\n", r"occlusion\.tag: 3 values for 2 frames"),
        ("occlusion.tag", "0,1\n1,0\n", r"occlusion\.tag:1\): 2 numbers where one belongs; write one a line"),
        ("occlusion.tag", "0\n1,0\n", r"occlusion\.tag:2\): 2 numbers where one belongs; write one a line"),
        ("practical.value", "0.5\n", r"practical\.value: 1 values for 2 frames"),
        ("groundtruth.txt", "1,2,3,4\n10,5;20,5;30,0;40,0\n", r"groundtruth\.txt:2\): eight numbers, or four"),
    ):
        kept = (tmp_path / "bag" / file).read_bytes()
        write(tmp_path / "bag" / file, content)
        with pytest.raises(InputError, match=said):
            vot_files.read_truth(tmp_path, small_vot("bag"))
        write(tmp_path / "bag" / file, kept)


def test_sizes_of_some_images_alone_bound_nothing(tmp_path: Path) -> None:
    import cv2

    for name in ("bag", "ball"):
        vot_folder(tmp_path, name)
    cv2.imwrite(str(tmp_path / "bag/00000001.png"), np.zeros((20, 30, 3), np.uint8))
    found = vot_files.read_truth(tmp_path, small_vot("bag", "ball"))
    assert {target.size for target in found.targets.values()} == {None}
    assert "no image of 1 sequences such as ball: all are scored unbounded" in found.notes
    vot_folder(tmp_path, "BAG")
    with pytest.raises(InputError, match="BAG and bag are both bag"):
        vot_files.read_truth(tmp_path, small_vot("bag", "ball"))
