"""Each layout, on real sequences where we have them, and on broken folders."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from dat.base.errors import InputError
from dat.benchmarks import published
from dat.cli.data import data
from dat.datasets import finding
from dat.datasets.layouts import lasot
from dat.datasets.layouts import vot as layouts_vot
from dat.datasets.rows import read_rows
from dat.datasets.targets import Target
from tests.parts import small_sets as small


def read(layout: str, root: Path, name: str, real: str = "") -> Target:
    found, missing = finding.find(layout, root, [name])
    assert not missing
    return found[name].read(published.facts(real).get(name))


@pytest.mark.parametrize(
    ("name", "first", "frames", "image"),
    [
        ("Couple", [50, 46, 25, 62], 140, "Couple/img/0001.jpg"),
        ("Crossing", [204, 150, 17, 50], 120, "Crossing/img/0001.jpg"),
        ("David", [128, 79, 64, 78], 471, "David/img/0300.jpg"),
        ("Deer", [305, 4, 95, 65], 71, "Deer/img/0001.jpg"),
        ("Football1", [152, 104, 26, 43], 74, "Football1/img/0001.jpg"),
        ("Freeman1", [252, 65, 23, 28], 326, "Freeman1/img/0001.jpg"),
        ("Jogging-1", [110, 97, 25, 101], 307, "Jogging/img/0001.jpg"),
        ("Jogging-2", [179, 78, 37, 114], 307, "Jogging/img/0001.jpg"),
        ("Skiing", [445, 180, 29, 26], 81, "Skiing/img/0001.jpg"),
    ],
)
def test_real_otb_sequences(real_data: Path, name: str, first: list[int], frames: int, image: str) -> None:
    target = read("otb", real_data / "otb", name, "otb100")
    assert target.boxes[0] == first
    assert len(target.boxes) == len(target.frames) == frames == published.facts("otb100")[name].frames
    assert target.frames[0] == real_data / "otb" / image


def test_football1_needs_its_published_range(real_data: Path) -> None:
    with pytest.raises(InputError, match="74 rows for 81 images of Football1"):
        read("otb", real_data / "otb", "Football1", "synthetic-otb100")


def test_real_vot_sequence(real_data: Path) -> None:
    target = layouts_vot.read(real_data / "vot" / "vot2014-car", None)
    assert len(target.frames) == 252
    assert target.regions and target.regions[0] == [6, 193, 6, 166, 49, 166, 49, 193]
    assert target.boxes[0] == [6, 166, 43, 27]
    assert target.tags and sorted(target.tags) == [
        "camera_motion",
        "illum_change",
        "motion_change",
        "occlusion",
        "size_change",
    ]
    assert {len(flags) for flags in target.tags.values()} == {252}
    assert target.practical and target.practical[0] == 0.035922


def test_every_real_tc128_file_has_the_listed_rows(real_data: Path) -> None:
    facts = {name.lower(): fact.frames for name, fact in published.facts("tc128").items()}
    files = list((real_data / "annotations" / "tc128").glob("*_gt.txt"))
    assert len(files) == 129
    for path in files:
        assert len(read_rows(path, 4)) == facts[path.name.removesuffix("_gt.txt").lower()]


@pytest.mark.parametrize("spelling", ["jogging.2", "Jogging(2)", "JOGGING_2", "jogging2", "Jogging-2"])
def test_names_are_understood_in_every_spelling(spelling: str) -> None:
    assert finding.canonical(spelling) == finding.canonical("Jogging-2")


def test_folders_are_found_in_any_case(tmp_path: Path) -> None:
    small.otb(tmp_path, "faceocc1")
    found, missing = finding.find("otb", tmp_path, ["FaceOcc1", "Deer"])
    assert (list(found), missing) == (["FaceOcc1"], ["Deer"])


def test_an_empty_file_of_boxes_is_no_target(tmp_path: Path) -> None:
    folder = small.otb(tmp_path, "Human4")
    (folder / "groundtruth_rect.1.txt").write_text("")
    (folder / "groundtruth_rect.txt").rename(folder / "groundtruth_rect.2.txt")
    assert list(finding.find("otb", tmp_path, [])[0]) == ["Human4-2"]


def test_human4_with_one_file_is_its_second_target(tmp_path: Path) -> None:
    small.otb(tmp_path, "Human4")
    assert list(finding.find("otb", tmp_path, ["Human4-2"])[0]) == ["Human4-2"]


def test_five_digits_and_tabs(tmp_path: Path) -> None:
    small.frames(tmp_path / "Board" / "img", 3, digits=5)
    (tmp_path / "Board" / "groundtruth_rect.txt").write_text("1\t2\t3\t4\n1, 2 3\t4\n0\t0\t0\t0\n")
    target = read("otb", tmp_path, "Board")
    assert target.boxes == [[0, 1, 3, 4], [0, 1, 3, 4], [-1, -1, 0, 0]]
    assert target.frames[2].name == "00003.jpg"


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    folder = small.otb(tmp_path, "Deer", 5)
    (folder / "img" / "0003.jpg").unlink()
    with pytest.raises(InputError, match="image 3 is missing of 1 to 5"):
        read("otb", tmp_path, "Deer")


def test_a_range_that_is_not_there_is_named(tmp_path: Path) -> None:
    small.otb(tmp_path, "David", 5)
    with pytest.raises(InputError, match="no images numbered 300 to 770"):
        read("otb", tmp_path, "David", "otb100")


def test_tc128_takes_the_range_of_its_frames_file(tmp_path: Path) -> None:
    small.frames(tmp_path / "Hurdle_ce2" / "img", 9)
    (tmp_path / "Hurdle_ce2" / "Hurdle_ce2_gt.txt").write_text(small.boxes(4))
    (tmp_path / "Hurdle_ce2" / "Hurdle_ce2_frames.txt").write_text("3,6\n")
    assert [path.name for path in read("tc128", tmp_path, "Hurdle_ce2").frames] == [f"000{n}.jpg" for n in range(3, 7)]


def test_tc128_reads_two_targets_of_one_folder(tmp_path: Path) -> None:
    small.frames(tmp_path / "Jogging" / "img", 3)
    for name in ("Jogging1", "jogging2"):
        (tmp_path / "Jogging" / f"{name}_gt.txt").write_text(small.boxes(3))
    found, missing = finding.find("tc128", tmp_path, ["Jogging1", "Jogging2"])
    assert not missing
    assert found["Jogging2"].read(None).annotations[0].name == "jogging2_gt.txt"


def test_a_frames_file_with_something_else_is_named(tmp_path: Path) -> None:
    small.frames(tmp_path / "Bee_ce" / "img", 3)
    (tmp_path / "Bee_ce" / "Bee_ce_gt.txt").write_text(small.boxes(3))
    (tmp_path / "Bee_ce" / "Bee_ce_frames.txt").write_text("one,3\n")
    with pytest.raises(InputError, match=r"Bee_ce_frames\.txt:1: 'one'"):
        read("tc128", tmp_path, "Bee_ce")


def test_lasot_joins_both_flags(tmp_path: Path) -> None:
    folder = small.lasot(tmp_path, "cat-2", 4, absent=(3,))
    (folder / "full_occlusion.txt").write_text("0,1,0,0")
    target = read("lasot", tmp_path, "cat-2")
    assert (target.absent, target.sentence) == ([0, 1, 0, 1], "the only cat-2")


def test_lasot_reads_the_toolkits_one_file_of_flags(tmp_path: Path) -> None:
    folder = small.lasot(tmp_path, "cat-2", 3)
    (folder / "out_of_view.txt").unlink()
    (folder / "absent.txt").write_text("0\n0\n1\n")
    assert read("lasot", tmp_path, "cat-2").absent == [0, 0, 1]


def test_lasot_with_short_flags_names_both_numbers(tmp_path: Path) -> None:
    folder = small.lasot(tmp_path, "cat-2", 4)
    (folder / "out_of_view.txt").unlink()
    (folder / "absent.txt").write_text("0\n0\n1\n")
    with pytest.raises(InputError, match=r"absent\.txt: 3 rows for 4 rows of groundtruth\.txt"):
        read("lasot", tmp_path, "cat-2")


def test_lasot_without_flags_says_which_files_belong_there(tmp_path: Path) -> None:
    (small.lasot(tmp_path, "cat-2") / "out_of_view.txt").unlink()
    with pytest.raises(InputError, match=r"cat-2: neither absent\.txt nor"):
        read("lasot", tmp_path, "cat-2")


def test_lasot_videos_come_by_number(tmp_path: Path) -> None:
    for name in ("cat-10", "cat-2", "bird-3"):
        small.lasot(tmp_path, name, 1)
    assert [video.name for video in lasot.videos(tmp_path)] == ["bird-3", "cat-2", "cat-10"]


def test_tlp_lost_frames_are_absent(tmp_path: Path) -> None:
    small.frames(tmp_path / "Boat" / "img", 2, digits=5)
    (tmp_path / "Boat" / "groundtruth_rect.txt").write_text("1,5,6,7,8,0\n2,0,0,0,0,1\n")
    target = read("tlp", tmp_path, "Boat")
    assert (target.boxes, target.absent) == ([[4, 5, 7, 8], [-1, -1, 0, 0]], [0, 1])


@pytest.mark.parametrize(("line", "found"), [("3,1,1,1,1,0", "frame 3 where 2"), ("2,1,1,1,1,7", "'7' where 0")])
def test_tlp_names_the_line_that_is_wrong(tmp_path: Path, line: str, found: str) -> None:
    small.frames(tmp_path / "Boat" / "img", 2, digits=5)
    (tmp_path / "Boat" / "groundtruth_rect.txt").write_text(f"1,5,6,7,8,0\n{line}\n")
    with pytest.raises(InputError, match=f"groundtruth_rect.txt:2: {found}"):
        read("tlp", tmp_path, "Boat")


def vot(root: Path, lines: str, count: int, colour: bool) -> Path:
    small.frames(root / "car" / "color" if colour else root / "car", count, digits=8)
    (root / "car" / "groundtruth.txt").write_text(lines)
    return root / "car"


@pytest.mark.parametrize("colour", [False, True])
def test_vot_reads_both_places_of_images_and_both_kinds_of_region(tmp_path: Path, colour: bool) -> None:
    vot(tmp_path, "1,2,3,4\n0,0,10,0,10,5,0,5\n", 2, colour)
    target = read("vot", tmp_path, "car")
    assert target.boxes == [[1, 2, 3, 4], [0, 0, 10, 5]]
    assert target.frames[0].parent.name == ("color" if colour else "car")


def test_vot_images_in_both_places_are_an_error(tmp_path: Path) -> None:
    folder = vot(tmp_path, "1,2,3,4\n" * 2, 2, True)
    (folder / "color" / "00000001.jpg").rename(folder / "00000001.jpg")
    with pytest.raises(InputError, match=r"car: both 00000001\.jpg and color/; which are the frames\?"):
        read("vot", tmp_path, "car")


def test_vot_short_tags_are_continued_with_zeros(tmp_path: Path) -> None:
    (vot(tmp_path, "1,2,3,4\n" * 4, 4, True) / "occlusion.tag").write_text("0\n1\n")
    assert read("vot", tmp_path, "car").tags == {"occlusion": [0, 1, 0, 0]}


def test_vot_long_tags_are_refused(tmp_path: Path) -> None:
    (vot(tmp_path, "1,2,3,4\n" * 2, 2, True) / "occlusion.tag").write_text("0\n1\n1\n")
    with pytest.raises(InputError, match=r"occlusion\.tag: 3 values for 2 images"):
        read("vot", tmp_path, "car")


def test_vot_unknown_regions_have_no_box(tmp_path: Path) -> None:
    vot(tmp_path, "1,2,3,4\nnan,nan,nan,nan\n", 2, False)
    target = read("vot", tmp_path, "car")
    assert (target.boxes, target.regions) == ([[1, 2, 3, 4], None], [[1, 2, 3, 4], []])


def test_a_target_without_a_known_box_is_named_by_its_file(tmp_path: Path) -> None:
    vot(tmp_path, "nan,nan,nan,nan\n3,4,0,5\n", 2, False)
    with pytest.raises(InputError, match=r"car/groundtruth\.txt: none of the 2 boxes of car is known and has an area"):
        read("vot", tmp_path, "car")


def test_vot_takes_the_sequences_of_its_list(tmp_path: Path) -> None:
    vot(tmp_path, "1,2,3,4\n", 1, False)
    (tmp_path / "list.txt").write_text("ball\n")
    assert finding.find("vot", tmp_path, [])[0] == {}


# ---------------------------------------------------------------- a user's own


def own(root: Path, name: str, boxes: str = "10,20,30,8\n", beginning: str = "frame_", inner: str = "") -> Path:
    """A folder of a user's own: three images, boxes."""
    for number in (8, 9, 10):
        small.picture(root / name / inner / f"{beginning}{number}.png", number)
    (root / name / "boxes.txt").write_text(boxes)
    return root / name


@pytest.mark.parametrize("inner", ["", "img"])
@pytest.mark.parametrize("beginning", ["", "frame_", "2024-11-30 cat"])
def test_a_users_own_images_come_by_number(tmp_path: Path, beginning: str, inner: str) -> None:
    own(tmp_path, "cat", beginning=beginning, inner=inner)
    target = read("plain", tmp_path, "cat")
    assert [path.name for path in target.frames] == [f"{beginning}{n}.png" for n in (8, 9, 10)]
    assert target.boxes == [[10, 20, 30, 8], None, None] and target.sentence is None


def test_a_users_own_has_a_box_an_image_and_a_sentence(tmp_path: Path) -> None:
    folder = own(tmp_path, "cat", "1 2 3 4\nNaN NaN NaN NaN\n5;6;7;8\n")
    (folder / "sentence.txt").write_text("the cat\non the left\n")
    target = read("plain", tmp_path, "cat")
    assert target.boxes == [[1, 2, 3, 4], None, [5, 6, 7, 8]]
    assert (target.sentence, [path.name for path in target.annotations]) == (
        "the cat on the left",
        ["boxes.txt", "sentence.txt"],
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "boxes.txt").write_text(""), r"boxes\.txt:1: no box; write x,y,w,h"),
        (lambda folder: (folder / "boxes.txt").write_text("nan,nan,nan,nan"), r"boxes\.txt:1: no box"),
        (lambda folder: (folder / "boxes.txt").write_text("1,2,3,4\n1,2,3,4"), r"2 rows for 3 images of cat"),
        (lambda folder: (folder / "frame_9.png").unlink(), "image 9 is missing of 8 to 10"),
        (lambda folder: (folder / "frame_9.png").rename(folder / "cat.png"), r"should be 'cat' and its number"),
        (
            lambda folder: (folder / "frame_9.png").rename(folder / "9.png"),
            r"frame_10\.png: an image's name should be its",
        ),
        (lambda folder: (folder / "frame_9.png").rename(folder / "frame_10.jpg"), "the same number as frame_10"),
        (lambda folder: small.picture(folder / "img/1.png"), "both frame_10.png and img/; which are the frames"),
    ],
)
def test_what_is_wrong_with_a_users_own_is_named(tmp_path: Path, change, words: str) -> None:
    change(own(tmp_path, "cat"))
    with pytest.raises(InputError, match=words):
        read("plain", tmp_path, "cat")


def write_video(path: Path, count: int) -> None:
    """A video of noise."""
    import av

    path.parent.mkdir(parents=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        noise = np.random.default_rng(0).integers(0, 256, (count, 48, 64, 3), dtype=np.uint8)
        for picture in noise:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def test_a_video_is_cut_into_images_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "cat" / "cat.mp4", 4)
    (tmp_path / "cat" / "boxes.txt").write_text("10,20,30,8\n")
    with pytest.raises(
        InputError, match=r"cat\.mp4: a video; cut it into images first: dat data frames .*cat\.mp4 .*img"
    ):
        read("plain", tmp_path, "cat")
    for done, words in ((0, "4 images"), (1, "")):
        answer = CliRunner().invoke(data, ["frames", str(tmp_path / "cat/cat.mp4"), str(tmp_path / "cat/img")])
        assert (answer.exit_code, words in answer.output) == (done, True)
    assert len(read("plain", tmp_path, "cat").frames) == 4
    assert sorted(path.name for path in (tmp_path / "cat").iterdir()) == ["boxes.txt", "cat.mp4", "img"]


def test_what_is_no_video_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "cat.mp4").write_bytes(b"RIFF" + bytes(64))
    answer = CliRunner().invoke(data, ["frames", str(tmp_path / "cat.mp4"), str(tmp_path / "img")])
    assert isinstance(answer.exception, InputError) and [path.name for path in tmp_path.iterdir()] == ["cat.mp4"]


# ---------------------------------------------------------------- benchmarks with sentences


def test_otb99_is_otb_with_a_query_each(tmp_path: Path) -> None:
    for name in ("Star", "Disc", "Square"):
        small.otb(tmp_path / "OTB_videos", name)
    small.otb(tmp_path / "OTB_videos", "Deer", 71, images=75)  # OTB's own range holds
    for folder, name in (("test", "Star"), ("test", "Deer"), ("train", "Disc")):
        (tmp_path / f"OTB_query_{folder}").mkdir(exist_ok=True)
        (tmp_path / f"OTB_query_{folder}" / f"{name}.txt").write_text(f"the {name}\r\n")
    assert list(finding.find("otb99", tmp_path, [])[0]) == ["Deer", "Disc", "Star"]
    target = read("otb99", tmp_path, "Star")
    assert (target.sentence, target.annotations[-1].name) == ("the Star", "Star.txt")
    assert len(read("otb99", tmp_path, "Deer").frames) == 71
    (tmp_path / "OTB_query_test/Star.txt").write_text("\n")
    with pytest.raises(InputError, match=r"Star\.txt:1: empty, where the sentence belongs"):
        read("otb99", tmp_path, "Star")


def test_tnl2k_has_its_sentence_beside_the_images(tmp_path: Path) -> None:
    folder = tmp_path / "TNL2K_test_subset" / "cat_video_01"
    small.frames(folder / "imgs", 3, digits=5)
    (folder / "groundtruth.txt").write_text(small.boxes(3))
    (folder / "language.txt").write_text("the cat")
    target = finding.find("tnl2k", tmp_path, ["cat_video_01"])[0]["cat_video_01"].read(None)
    assert (target.sentence, target.boxes[0], len(target.frames)) == ("the cat", [9, 11, 16, 8], 3)


@pytest.mark.parametrize("place", ["cat/absent.txt", "annos/absent/cat.txt"])
def test_tnl2ks_flags_of_absence_are_its_toolkits(tmp_path: Path, place: str) -> None:
    small.frames(tmp_path / "cat" / "imgs", 3, digits=5)
    (tmp_path / "cat" / "groundtruth.txt").write_text(small.boxes(3))
    assert read("tnl2k", tmp_path, "cat").absent is None
    flags = tmp_path / place
    flags.parent.mkdir(parents=True, exist_ok=True)
    for text in ("0\n1\n0\n", "0\n1\n0\n0\n"):  # one of the published files has a zero too many
        flags.write_text(text)
        target = read("tnl2k", tmp_path, "cat")
        assert target.absent == [0, 1, 0] and flags in target.annotations
    flags.write_text("0\n1\n0\n1\n")
    with pytest.raises(InputError, match=r"absent.*4 rows for 3 rows of groundtruth\.txt"):
        read("tnl2k", tmp_path, "cat")


def test_lasots_test_split_is_found_in_the_whole_set(tmp_path: Path) -> None:
    wanted = published.lists("lasot")["lasot-test"]
    assert len(wanted) == 280
    for name in ("airplane-1", "airplane-2", "zebra-17"):
        small.lasot(tmp_path, name, 2)
    found, missing = finding.find("lasot", tmp_path, wanted)
    assert list(found) == ["airplane-1", "zebra-17"] and len(missing) == 278


def test_otb_takes_flags_of_absence_where_there_are_some(tmp_path: Path) -> None:
    folder = small.otb(tmp_path, "Wall", 4)
    assert read("otb", tmp_path, "Wall").absent is None
    (folder / "absent.txt").write_text("0\n1\n1\n0\n")
    target = read("otb", tmp_path, "Wall")
    assert target.absent == [0, 1, 1, 0] and folder / "absent.txt" in target.annotations
    for text, said in (("0\n1\n", "2 rows for 4 rows of groundtruth_rect.txt"), ("0\n1\n2\n0\n", "'2' .* 0 or 1")):
        (folder / "absent.txt").write_text(text)
        with pytest.raises(InputError, match=rf"absent\.txt.*{said}"):
            read("otb", tmp_path, "Wall")
