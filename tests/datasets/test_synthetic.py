"""The embedded data sets: the same bytes twice, the real layouts, true lists, photographs of their own."""

import csv
import itertools
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from dat import records
from dat.base import params
from dat.base.errors import InputError
from dat.base.sections import Synthetic
from dat.datasets import synthetic
from dat.datasets.scenery import programme, textures

ROOT = Path(__file__).parents[2]
LAYOUTS = {"lasot": "lasot", "tlp": "tlp", "dtb70": "dtb70", "otb100": "otb", "tc128": "tc128"}
LAYOUTS |= {"vot2014": "vot", "vot2016": "vot"}
SMALL = {"lasot": 11, "tlp": 7, "dtb70": 3, "otb100": 6, "tc128": 2, "vot2014": 2, "vot2016": 2}
FRAMES = 8


def section(seed: int, videos: int) -> Synthetic:
    return Synthetic(seed=seed, videos=videos, frames=FRAMES, width=192, height=144)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict]]:
    """All seven sets, small, and what their JSON says."""
    root = tmp_path_factory.mktemp("data")
    return root, {
        key: synthetic.write(root / key, key, layout, section(10 + place, SMALL[key]))
        for place, (key, layout) in enumerate(LAYOUTS.items())
    }


def numbers(path: Path, delimiter: str = ",") -> np.ndarray:
    return np.loadtxt(path, delimiter=delimiter, ndmin=2)


def sequences(root: Path, key: str) -> list[Path]:
    return sorted(path for path in (root / key).glob("*/*" if key == "lasot" else "*") if path.is_dir())


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    facts = [
        synthetic.write(tmp_path / name, "tlp", "tlp", section(seed, 2))
        for name, seed in [("a", 5), ("b", 5), ("c", 6)]
    ]
    assert records.folder_files(tmp_path / "a") == records.folder_files(tmp_path / "b")
    assert facts[0]["digest"] == facts[1]["digest"] != facts[2]["digest"]


def test_several_processes_give_the_bytes_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = synthetic.write(tmp_path / "one", "lasot", "lasot", section(5, 5))
    monkeypatch.setattr(synthetic, "EACH", 2)
    monkeypatch.setattr(synthetic.os, "sched_getaffinity", lambda pid: {0, 1, 2})
    started = []

    def pool(processes: int, *arguments: object, **more: object) -> object:
        started.append(processes)
        return ProcessPoolExecutor(processes, *arguments, **more)

    monkeypatch.setattr(synthetic, "ProcessPoolExecutor", pool)
    assert synthetic.write(tmp_path / "two", "lasot", "lasot", section(5, 5)) == alone
    assert started == [2]


@pytest.mark.parametrize(("key", "layout"), LAYOUTS.items())
def test_three_frames_hold_every_recipe(tmp_path: Path, key: str, layout: str) -> None:
    videos = SMALL[key] if layout == "otb" else len(programme.TRAINING)  # more of OTB's have to come back in time
    short = Synthetic(seed=1, videos=videos, frames=3, width=160, height=120)
    synthetic.write(tmp_path / key, key, layout, short)
    assert len(list((tmp_path / key).rglob("*.jpg"))) >= 3 * short.videos - 3  # one of OTB's has two targets


def test_a_video_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    synthetic.write(tmp_path / "two", "tlp", "tlp", section(5, 2))
    synthetic.write(tmp_path / "three", "tlp", "tlp", section(5, 3))
    two = {fact["path"]: fact["sha256"] for fact in records.folder_files(tmp_path / "two")}
    three = {fact["path"]: fact["sha256"] for fact in records.folder_files(tmp_path / "three")}
    assert two.items() <= three.items()


def test_no_two_frames_of_all_sets_are_equal(made: tuple[Path, dict[str, dict]]) -> None:
    hashes = [records.sha256_file(path) for path in sorted(made[0].rglob("*.jpg"))]
    assert len(hashes) == FRAMES * (sum(SMALL.values()) - 1)
    assert len(set(hashes)) == len(hashes)


def test_the_profile_gives_every_set_a_seed_of_its_own() -> None:
    settings = params.load(ROOT)
    seeds = [section.seed for section in settings.root.synthetic.values()]
    assert len(set(seeds)) == len(seeds) == len(SMALL)


def test_training_and_testing_share_no_photograph_and_the_wheel_has_all() -> None:
    assert not set(textures.PHOTOS["training"]) & set(textures.PHOTOS["testing"])
    for name in (*textures.PHOTOS["training"], *textures.PHOTOS["testing"]):
        assert textures.photo(name).shape[2] == 3


def test_facts_of_a_set(made: tuple[Path, dict[str, dict]]) -> None:
    root, facts = made
    for key, layout in LAYOUTS.items():
        found = facts[key]
        assert (found["name"], found["layout"], found["root"]) == (f"synthetic-{key}", layout, f"data/{key}")
        assert len(found["lists"][key]) == len(set(found["lists"][key])) == SMALL[key]
        assert found["sentences"] == (f"data/{key}/sentences.csv" if layout in programme.BENCHMARKS else None)
        assert found["digest"] == records.sha256_json(records.folder_files(root / key))


def test_images_are_there_and_of_the_size(made: tuple[Path, dict[str, dict]]) -> None:
    places = {
        "lasot": "img/00000008",
        "tlp": "img/00008",
        "dtb70": "img/00008",
        "otb100": "img/0008",
        "tc128": "img/0008",
    }
    places |= {"vot2014": "00000008", "vot2016": "color/00000008"}
    for key, place in places.items():
        for folder in sequences(made[0], key):
            image = cv2.imread(str(folder / f"{place}.jpg"))
            assert image.shape == (144, 192, 3), folder
            assert len(list(folder.rglob("*.jpg"))) == FRAMES


def test_lasot_has_eight_classes_flags_and_sentences(made: tuple[Path, dict[str, dict]]) -> None:
    videos = sequences(made[0], "lasot")
    assert len({video.parent.name for video in videos}) >= 8
    for video in videos:
        boxes = numbers(video / "groundtruth.txt")
        out = np.array((video / "out_of_view.txt").read_text().split(","), dtype=int)
        covered = np.array((video / "full_occlusion.txt").read_text().split(","), dtype=int)
        assert boxes.shape == (FRAMES, 4) and len(out) == len(covered) == FRAMES
        assert (boxes[out == 1] == 0).all() and (boxes[out == 0, 2:] > 0).all()
        assert not (out[0] or covered[0] or (out & covered).any())
        assert video.parent.name in (video / "nlp.txt").read_text()


def test_lasot_lists_split_the_videos(made: tuple[Path, dict[str, dict]]) -> None:
    lists = made[1]["lasot"]["lists"]
    assert sorted([*lists["lasot-train"], *lists["lasot-test"]]) == lists["lasot"]


def test_tlp_rows_count_frames_and_say_when_the_target_is_lost(made: tuple[Path, dict[str, dict]]) -> None:
    lost = {}
    for folder in sequences(made[0], "tlp"):
        table = numbers(folder / "groundtruth_rect.txt")
        assert table.shape == (FRAMES, 6)
        assert table[:, 0].tolist() == list(range(1, FRAMES + 1))
        lost[folder.name] = table[:, 5].sum()
    leaving = [
        e.name for e in programme.programme("tlp", "tlp", SMALL["tlp"]) if e.recipe.leaves or e.recipe.hide == "full"
    ]
    assert leaving and all(lost[name] > 0 for name in leaving)
    assert all(count == 0 for name, count in lost.items() if name not in leaving)


def test_otb_mixes_delimiters_and_has_a_folder_of_two_targets(made: tuple[Path, dict[str, dict]]) -> None:
    root, facts = made
    files = sorted((root / "otb100").glob("*/groundtruth_rect*.txt"))
    assert {"\t" in path.read_text() for path in files} == {True, False}
    twins = sorted(path.name for path in (root / "otb100" / "Twins").glob("*.txt"))
    assert twins == ["attrs.txt", "groundtruth_rect.1.txt", "groundtruth_rect.2.txt"]
    lists = facts["otb100"]["lists"]
    assert len(lists["otb2013"]) == 4 and set(lists["otb2013"]) < set(lists["otb100"])
    assert lists["otb100"][-2:] == ["Twins-1", "Twins-2"]
    assert set(lists["otb100-similar"]) == {"Twins-1", "Twins-2", "Return", "Doubles"}


def test_one_origin_boxes_lie_inside_the_image(made: tuple[Path, dict[str, dict]]) -> None:
    files = [
        *made[0].glob("otb100/*/groundtruth*"),
        *made[0].glob("tc128/*/*_gt.txt"),
        *made[0].glob("dtb70/*/groundtruth*"),
    ]
    assert len(files) == 6 + 2 + 3
    for path in files:
        boxes = numbers(path, "\t" if "\t" in path.read_text() else ",")
        assert boxes.shape == (FRAMES, 4)
        assert (boxes[:, :2] >= 1).all() and (boxes[:, 2:] > 0).all()
        assert (boxes[:, :2] - 1 + boxes[:, 2:] <= np.array([192, 144]) + 0.01).all()


def test_tc128_says_which_frames(made: tuple[Path, dict[str, dict]]) -> None:
    for folder in sequences(made[0], "tc128"):
        assert (folder / f"{folder.name}_frames.txt").read_text() == f"1,{FRAMES}\n"


def test_vot_has_polygons_tags_and_a_list(made: tuple[Path, dict[str, dict]]) -> None:
    for key, ending in {"vot2014": "label", "vot2016": "tag"}.items():
        folders = sequences(made[0], key)
        assert (made[0] / key / "list.txt").read_text().split() == made[1][key]["lists"][key]
        for folder in folders:
            assert numbers(folder / "groundtruth.txt").shape == (FRAMES, 8)
            tags = sorted(folder.glob(f"*.{ending}"))
            assert len(tags) == 5 and all(len(path.read_text().split()) == FRAMES for path in tags)
            assert (folder / "practical.value").exists() == (key == "vot2014")


def test_benchmarks_have_a_sentence_a_target(made: tuple[Path, dict[str, dict]]) -> None:
    for key in ("otb100", "tc128", "vot2014", "vot2016"):
        with (made[0] / key / "sentences.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [row["sequence"] for row in rows] == made[1][key]["lists"][key]
        assert all(row["sentence"] and row["annotator"] == "synthetic" for row in rows)


@pytest.mark.parametrize("videos", [1, 3, 5, 6, 40])
def test_names_are_unique_and_counted_by_target(videos: int) -> None:
    for key, layout in LAYOUTS.items():
        names = [name for entry in programme.programme(key, layout, videos) for name in entry.targets]
        assert len({name.lower() for name in names}) == len(names) == videos


def test_a_lost_target_comes_back_once_and_in_time(tmp_path: Path) -> None:
    lost = ["WallArrow", "ReturnCrescent", "AwayCross"]
    facts = synthetic.write(tmp_path, "otb100", "otb", Synthetic(seed=7, videos=9, frames=42, width=160, height=120))
    lists = cast(dict[str, list[str]], facts["lists"])
    assert lists["redetection"] == lists["otb100"][-3:] == lost
    assert lists["otb2013"] == ["Wall", "Return", "Doubles", "Dash", *lost[:2]]
    for folder in sequences(tmp_path.parent, tmp_path.name):
        assert (folder / "absent.txt").exists() == (folder.name in lost)
    for folder in (tmp_path / name for name in lost):
        flags = (folder / "absent.txt").read_text().split()
        runs = [(flag, len(list(run))) for flag, run in itertools.groupby(flags)]
        assert [flag for flag, _ in runs] == ["0", "1", "0"]
        assert 12 <= runs[1][1] <= 20 and runs[2][1] >= 11
        assert len(numbers(folder / "groundtruth_rect.txt", "," if folder.name == "ReturnCrescent" else "\t")) == 42


def test_a_video_too_short_for_a_return_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "TRIES", 2)
    short = Synthetic(seed=7, videos=7, frames=8, width=96, height=72)
    with pytest.raises(InputError, match=r"otb100: WallArrow: in 8 frames the target does not leave for 12 to 20"):
        synthetic.write(tmp_path, "otb100", "otb", short)


@pytest.mark.parametrize("videos", [1, 30, 61])
def test_names_of_what_is_lost_are_unique(videos: int) -> None:
    entries = [entry for entry in programme.programme("otb100", "otb", 6 + videos) if entry.lost]
    assert len({entry.name.lower() for entry in entries}) == len(entries) == videos
    assert len({(entry.recipe.name, entry.kind) for entry in entries}) == min(videos, 30)
