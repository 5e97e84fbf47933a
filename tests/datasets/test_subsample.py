"""The selection, against LaSOT's real annotations; and the stage on a small set."""

import csv
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest

from dat.base.errors import InputError
from dat.datasets import images, subsample
from dat.datasets.shards import Shards
from dat.records import Job
from tests.parts import small_sets as small


@pytest.fixture(scope="module")
def annotations(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LaSOT's annotation files."""
    folder = tmp_path_factory.mktemp("lasot")
    with tarfile.open(real_data / "lasot" / "lasot_annotations.tar.xz") as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.2 and 3.11.3 have none
        tar.extractall(folder)
    return folder / "annotations"


def test_every_80th_frame_of_real_lasot(annotations: Path, tmp_path: Path) -> None:
    assert subsample.write_selection(annotations, tmp_path / "s.csv", 80) == 44660
    with (tmp_path / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["sequence", "frame", "x", "y", "w", "h", "absent", "sentence"]
    assert sum(row["absent"] == "1" for row in rows) == 1212
    assert sum(float(row["w"]) <= 0 or float(row["h"]) <= 0 for row in rows) == 315
    assert len({row["sequence"] for row in rows}) == 1400
    last = next(row for row in reversed(rows) if row["sequence"] == "zebra-9")
    lines = (annotations / "zebra" / "zebra-9" / "groundtruth.txt").read_text().split()
    flags = re.findall("[01]", (annotations / "zebra" / "zebra-9" / "absent.txt").read_text())
    at = (len(lines) - 1) // 80 * 80
    assert int(last["frame"]) == at + 1
    assert [last[key] for key in "xywh"] == lines[at].split(",")
    assert last["absent"] == flags[at]


def test_the_order_is_class_then_number(tmp_path: Path) -> None:
    for name in ("cat-10", "cat-9", "bird-1"):
        small.lasot(tmp_path, name, 3)
    chosen = [(row["sequence"], row["frame"]) for row in subsample.select(tmp_path, 2)]
    assert chosen == [(name, frame) for name in ("bird-1", "cat-9", "cat-10") for frame in (1, 3)]


def test_numbers_stay_as_written(tmp_path: Path) -> None:
    folder = small.lasot(tmp_path, "cat-1", 1)
    (folder / "groundtruth.txt").write_text("1.50,2,3e1,4\n")
    assert [next(subsample.select(tmp_path, 80))[key] for key in "xywh"] == ["1.50", "2", "3e1", "4"]


@pytest.mark.parametrize(
    ("text", "found"), [("1,2,x,4\n" * 5, r"cat-1/groundtruth\.txt:1: 'x'"), ("1,2,3,4\n" * 4, "5 rows for 4 rows")]
)
def test_bad_annotations_are_named(tmp_path: Path, text: str, found: str) -> None:
    (small.lasot(tmp_path, "cat-1") / "groundtruth.txt").write_text(text)
    with pytest.raises(InputError, match=found):
        list(subsample.select(tmp_path, 80))


def test_a_folder_without_videos_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match=str(folder)):
            list(subsample.select(folder, 80))


@pytest.fixture
def settings(tmp_path: Path) -> small.params.Settings:
    """A profile with a LaSOT of two videos; in the first the target comes in its second frame."""
    settings = small.profile(tmp_path / "p", replace=(("split: all", "split: train"), ("shard: 1000", "shard: 2")))
    root = settings.path / "data" / "lasot"
    folder = small.lasot(root, "cat-10", 5, absent=(0,))
    (folder / "groundtruth.txt").write_text("0,0,0,0\n" + "17,9,32,16\n" * 4)
    small.lasot(root, "cat-9", 4)
    small.lasot(root, "cat-11", 4)
    lists = {"lasot": ["cat-9", "cat-10", "cat-11"], "lasot-train": ["cat-9", "cat-10"]}
    small.describe(settings, "lasot", lists=lists)
    return settings


def run(settings: small.params.Settings) -> Path:
    output = settings.path / "frames"
    subsample.run(Job("", settings, {"manifest": small.run_index(settings, "lasot")}, {"frames": output}))
    return output


def test_the_stage_writes_small_frames_and_a_patch_a_video(settings: small.params.Settings) -> None:
    shards = Shards(output := run(settings))
    assert [(row["sequence"], row["frame"]) for row in shards.rows] == [
        ("cat-9", "1"),
        ("cat-9", "3"),
        ("cat-10", "1"),
        ("cat-10", "3"),
        ("cat-10", "5"),
    ]
    assert [row["shard"] for row in shards.rows] == [f"frames-00000{n}.tar" for n in (0, 0, 1, 1, 2)]
    row = shards.rows[3]
    assert [row[key] for key in ("x", "y", "w", "h", "absent", "sentence", "width", "height")] == [
        *("16.0", "8.0", "32.0", "16.0"),
        *("0", "the only cat-10", "64", "48"),
    ]
    whole = images.read_image(settings.path / "data/lasot/cat/cat-10/img/00000003.jpg")
    small_frame = images.decode_image(shards.read(3), "frame")
    assert small_frame.shape == (96, 128, 3)
    np.testing.assert_allclose(small_frame, images.resize(whole, 96, 128), atol=60)
    assert abs(small_frame.mean() - whole.mean()) < 2
    patches = Shards(output, "patches.csv")
    assert [(row["sequence"], row["frame"]) for row in patches.rows] == [("cat-9", "1"), ("cat-10", "2")]
    assert images.decode_image(patches.read(1), "patch").shape == (96, 128, 3)


def test_the_stage_writes_the_same_bytes_again(settings: small.params.Settings) -> None:
    first = {path.name: path.read_bytes() for path in run(settings).iterdir()}
    assert {path.name: path.read_bytes() for path in run(settings).iterdir()} == first


def test_a_split_that_is_not_listed_is_named(settings: small.params.Settings) -> None:
    small.describe(settings, "lasot")
    with pytest.raises(InputError, match=r"no list '\.\.\.-train'"):
        run(settings)


def test_a_frame_changed_since_it_was_indexed_is_named(settings: small.params.Settings) -> None:
    path = small.run_index(settings, "lasot")
    small.picture(settings.path / "data/lasot/cat/cat-9/img/00000003.jpg", 99)
    with pytest.raises(InputError, match=r"cat-9/img/00000003\.jpg: not the file that was indexed"):
        subsample.run(Job("", settings, {"manifest": path}, {"frames": settings.path / "frames"}))


def test_a_patch_is_the_box_without_context() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:20, 30:50] = 200
    assert (images.cut_patch(image, [30, 10, 20, 10], 8, 16) == 200).all()
    assert images.cut_patch(image, [30, 10, 20, 10], 8, 16, context=0.5).min() == 0


@pytest.mark.parametrize("box", [[-5, -5, 10, 10], [55, 35, 20, 20], [3.2, 3.2, 0.1, 0.1], [-30, 5, 10, 10]])
def test_a_patch_at_the_border_keeps_its_size(box: list[float]) -> None:
    assert images.cut_patch(np.zeros((40, 60, 3), np.uint8), box, 8, 16).shape == (8, 16, 3)


def test_a_patch_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="a target patch needs a box with an area"):
        images.cut_patch(np.zeros((40, 60, 3), np.uint8), [1, 1, 0, 5], 8, 16)
