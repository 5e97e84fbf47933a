"""The stage `index`: real folders, what it remembers, what it keeps."""

import os
import shutil
from pathlib import Path

import pytest

from dat.base.errors import InputError, MissingError, ParamsError
from dat.datasets import images, index, manifest, subsample, targets
from dat.records import code_closure, code_in, sha256_file
from tests.parts import small_sets as small


def linked(folder: Path, real: Path, key: str) -> small.params.Settings:
    """A profile that has a real data set linked."""
    settings = small.profile(folder, synthetic=False)
    names = {"otb100": ["David", "Deer", "Jogging-1", "Jogging-2", "Woman"], "vot2014": ["car", "ball"]}
    small.describe(settings, key, name=key, root="none", lists={key: names[key]})
    (folder / "data" / f"{key}.path").write_text(f"{real}\n")
    return settings


def test_real_otb(tmp_path: Path, real_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = small.read_index(linked(tmp_path, real_data / "otb", "otb100"), "otb100")
    assert list(found.sequences) == ["David", "Deer", "Jogging-1", "Jogging-2"]
    assert "4 of 5 targets" in (said := capsys.readouterr().err) and "not there: Woman" in said
    deer = found.sequences["Deer"]
    assert (deer.size, len(deer.frames), deer.attributes) == ((704, 400), 71, ["MB", "FM", "IPR", "BC", "LR"])
    assert deer.files[3] == ["Deer/img/0004.jpg", deer.frames[3].stat().st_size, sha256_file(deer.frames[3])]
    assert found.header["root"] == "data/otb100.path"


def test_real_vot(tmp_path: Path, real_data: Path) -> None:
    (tmp_path / "vot").mkdir()
    (tmp_path / "vot" / "car").symlink_to(real_data / "vot" / "vot2014-car")
    found = small.read_index(linked(tmp_path / "profile", tmp_path / "vot", "vot2014"), "vot2014")
    car = found.sequences["car"]
    assert car.size == images.image_size(car.frames[0])
    assert car.regions and len(car.regions[0]) == 8
    assert sum(car.tags["camera_motion"]) == 252
    assert len(car.row["annotations"]) == 7


@pytest.fixture
def embedded(tmp_path: Path) -> small.params.Settings:
    """A profile with two sequences of its own."""
    settings = small.profile(tmp_path / "a b")
    for name in ("Disc", "Star"):
        small.otb(settings.path / "data" / "otb100", name)
    small.describe(settings, "otb100", lists={"otb100": ["Disc", "Star"]})
    return settings


def test_the_second_run_reads_no_image(embedded: small.params.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dat.datasets.hashes.TICK_NS", 0)
    first = small.run_index(embedded, "otb100").read_bytes()
    monkeypatch.setattr("dat.datasets.hashes.sha256_file", lambda path: pytest.fail(f"read {path}"))
    monkeypatch.setattr("dat.datasets.images.read_image", lambda path: pytest.fail(f"read {path}"))
    assert small.run_index(embedded, "otb100").read_bytes() == first
    assert (embedded.path / ".dat" / "index" / "synthetic-otb100" / "Disc.json").is_file()


def test_a_file_as_new_as_its_hash_is_hashed_again(
    embedded: small.params.Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dat.datasets.hashes.TICK_NS", 10**13)
    for _ in range(2):
        small.run_index(embedded, "otb100")
        assert "8 files read" in capsys.readouterr().err


def test_a_changed_image_changes_its_row_alone(embedded: small.params.Settings) -> None:
    before = small.read_index(embedded, "otb100").sequences
    path = before["Disc"].frames[1]
    state = path.stat()
    path.write_bytes(bytes([path.read_bytes()[0]]) + path.read_bytes()[1:-1] + b"\0")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    after = small.read_index(embedded, "otb100").sequences
    assert before["Disc"].digest != after["Disc"].digest
    assert before["Star"].digest == after["Star"].digest


def test_a_broken_memory_is_built_again(embedded: small.params.Settings) -> None:
    first = small.run_index(embedded, "otb100").read_bytes()
    (embedded.path / ".dat" / "index" / "synthetic-otb100" / "Disc.json").write_text("{broken")
    assert small.run_index(embedded, "otb100").read_bytes() == first


def test_digests_do_not_depend_on_the_place(embedded: small.params.Settings, tmp_path: Path) -> None:
    first = small.run_index(embedded, "otb100").read_bytes()
    shutil.copytree(embedded.path, tmp_path / "copy")
    assert small.run_index(small.params.load(tmp_path / "copy"), "otb100").read_bytes() == first


def test_sentences_come_from_the_table(embedded: small.params.Settings) -> None:
    table = "sequence,sentence,annotator,date\nDisc,the disc,me,2026-11-25\n"
    (embedded.path / "data" / "otb100" / "sentences.csv").write_text(table)
    small.describe(embedded, "otb100", lists={"otb100": ["Disc", "Star"]}, sentences="data/otb100/sentences.csv")
    found = small.read_index(embedded, "otb100").sequences
    assert (found["Disc"].sentence, found["Star"].sentence) == ("the disc", None)


def test_without_raw_data_the_manifest_is_kept(
    embedded: small.params.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    first = small.run_index(embedded, "otb100").read_bytes()
    shutil.rmtree(embedded.path / "data" / "otb100")
    path = small.run_index(embedded, "otb100")
    assert path.read_bytes() == first
    assert "kept the manifest" in capsys.readouterr().err
    assert len(manifest.read(path).sequences["Disc"].boxes) == 3


def test_without_raw_data_and_manifest_it_is_not_linked(
    embedded: small.params.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(embedded.path / "data" / "otb100")
    path = small.run_index(embedded, "otb100")
    assert "not linked" in capsys.readouterr().err
    with pytest.raises(MissingError, match="dat data link otb100 PATH"):
        manifest.read(path)


def test_the_manifest_of_another_set_is_not_kept(embedded: small.params.Settings) -> None:
    small.run_index(embedded, "otb100")
    shutil.rmtree(embedded.path / "data" / "otb100")
    small.describe(embedded, "otb100", name="otb100")
    assert manifest.read_header(small.run_index(embedded, "otb100"))["linked"] is False


def test_an_unreadable_first_image_is_named(embedded: small.params.Settings) -> None:
    (embedded.path / "data" / "otb100" / "Star" / "img" / "0001.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"Star/img/0001\.jpg: not a readable image"):
        small.run_index(embedded, "otb100")


def test_an_empty_folder_is_refused(embedded: small.params.Settings) -> None:
    shutil.rmtree(embedded.path / "data" / "otb100")
    (embedded.path / "data" / "otb100").mkdir()
    with pytest.raises(InputError, match="no sequence of synthetic-otb100"):
        small.run_index(embedded, "otb100")


def test_real_quirks_are_not_for_synthetic_names(embedded: small.params.Settings) -> None:
    small.otb(embedded.path / "data" / "otb100", "David", 3)
    small.describe(embedded, "otb100", lists={"otb100": ["David"]})
    assert len(small.read_index(embedded, "otb100").sequences["David"].frames) == 3


def test_layouts_must_agree(embedded: small.params.Settings) -> None:
    small.describe(embedded, "otb100", layout="vot")
    with pytest.raises(InputError, match=r"layout 'vot' where params\.yaml says 'otb' for otb100; correct one"):
        small.run_index(embedded, "otb100")


def test_a_table_of_sentences_that_dvc_does_not_watch_is_refused(embedded: small.params.Settings) -> None:
    small.describe(embedded, "otb100", lists={"otb100": ["Disc"]}, sentences="data/other.csv")
    with pytest.raises(InputError, match=r"otb100\.json: 'sentences' is not what params\.yaml says"):
        small.run_index(embedded, "otb100")


@pytest.fixture
def every(tmp_path: Path) -> small.params.Settings:
    """LaSOT with every second frame listed: videos of 7 frames, in one of which the target is away at first."""
    whole = "manifest: training/lasot, sentences: none"
    settings = small.profile(tmp_path, replace=((whole, f"{whole}, every: 2"),))
    small.lasot(tmp_path / "data/lasot", "cat-1", 7)
    small.lasot(tmp_path / "data/lasot", "dog-2", 7, absent=(0, 1, 2))
    small.describe(settings, "lasot", lists={"lasot-train": ["cat-1", "dog-2"]})
    return settings


def test_of_a_set_that_is_read_by_steps_only_those_frames_are_hashed(
    every: small.params.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the first one in which the target is in sight, of which its patch is."""
    found = small.read_index(every, "lasot").sequences
    assert "17 files read" in capsys.readouterr().err  # 4 and 5 frames, four files of annotations each
    assert (found["cat-1"].numbers, found["dog-2"].numbers) == ([0, 2, 4, 6], [0, 2, 3, 4, 6])
    dog = found["dog-2"]
    assert dog.count == 7 and [path.name for path in dog.frames][2] == "00000004.jpg"
    assert dog.boxes[:, 0].tolist() == [9, 11, 12, 13, 15] and dog.absent.tolist() == [True, True, False, False, False]
    assert dog.files[2] == ["dog/dog-2/img/00000004.jpg", dog.frames[2].stat().st_size, sha256_file(dog.frames[2])]
    with pytest.raises(InputError, match=r"dog-2: frame 2 is not in the manifest; set datasets\.NAME\.every to 1"):
        dog.place(1)


def test_the_selection_is_the_same_whichever_frames_the_manifest_lists(every: small.params.Settings) -> None:
    path = small.run_index(every, "lasot")
    some = subsample.choose(path, "all", 2)
    text = (every.path / "params.yaml").read_text()
    (every.path / "params.yaml").write_text(text.replace(", every: 2", ""))
    small.run_index(small.params.load(every.path), "lasot")
    assert subsample.choose(path, "all", 2) == some and len(some[0]) == 8
    assert [frame.row["frame"] for frame in some[1]] == [1, 4]


def test_a_missing_frame_is_an_error_though_its_neighbours_alone_are_listed(every: small.params.Settings) -> None:
    (every.path / "data/lasot/cat/cat-1/img/00000002.jpg").unlink()
    with pytest.raises(InputError, match="image 2 is missing of 1 to 7"):
        small.run_index(every, "lasot")


@pytest.mark.parametrize(("old", "new"), [("every: 2", "every: 3"), ("{layout: lasot", "{layout: otb")])
def test_a_step_that_stages_do_not_read_by_is_refused(every: small.params.Settings, old: str, new: str) -> None:
    path = every.path / "params.yaml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ParamsError, match=r"params\.yaml:\d+: '\d' of 'datasets.lasot.every' must be 1, or for LaSOT"):
        small.params.load(every.path)


CHANGES = {
    "a box": lambda folder: (folder / "groundtruth.txt").write_text(small.boxes(7).replace("16,8", "16,9", 1)),
    "the sentence": lambda folder: (folder / "nlp.txt").write_text("another sentence"),
    "a file that comes": lambda folder: (folder / "absent.txt").write_text(",".join("0" * 7)),
    "a frame that goes": lambda folder: (folder / "img/00000006.jpg").unlink(),
    "a listed frame": lambda folder: small.picture(folder / "img/00000003.jpg", 99),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_row_is_made_of_makes_it_again_when_it_changes(
    every: small.params.Settings, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a run that remembers nothing."""
    monkeypatch.setattr("dat.datasets.hashes.TICK_NS", 0)
    before = small.run_index(every, "lasot").read_bytes()
    CHANGES[change](every.path / "data/lasot/cat/cat-1")

    def result() -> object:
        try:
            return small.run_index(every, "lasot").read_bytes()
        except InputError as error:
            return str(error)

    warm = result()
    shutil.rmtree(every.path / ".dat")
    assert warm == result() != before


def test_an_unchanged_row_is_not_made_again_and_one_with_another_key_is(
    every: small.params.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dat.datasets.hashes.TICK_NS", 0)
    first = small.run_index(every, "lasot").read_bytes()
    monkeypatch.setattr("dat.datasets.layouts.lasot.read_boxes", lambda path, *_: pytest.fail(f"read {path}"))
    assert small.run_index(every, "lasot").read_bytes() == first
    monkeypatch.setattr("dat.datasets.index.code_in", lambda *_: {"dat/x.py": "0"})
    with pytest.raises(pytest.fail.Exception):
        small.run_index(every, "lasot")


def test_what_is_remembered_of_targets_that_are_gone_is_forgotten(embedded: small.params.Settings) -> None:
    small.run_index(embedded, "otb100")
    small.describe(embedded, "otb100", lists={"otb100": ["Disc"]})
    small.run_index(embedded, "otb100")
    assert [path.name for path in (embedded.path / ".dat/index/synthetic-otb100").iterdir()] == ["Disc.json"]


def test_a_name_that_is_not_plain_is_refused_each_time(
    every: small.params.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused is not remembered."""
    monkeypatch.setattr("dat.datasets.hashes.TICK_NS", 0)
    folder = every.path / "data/lasot/cat/cat-1/img"
    for path in folder.iterdir():
        path.rename(path.with_name(f"{path.stem}\a.jpg"))
    monkeypatch.setattr("dat.datasets.layouts.lasot.images", lambda folder: targets.Images(folder, os.listdir(folder)))
    for _ in range(2):
        with pytest.raises(InputError, match="does not print"):
            small.run_index(every, "lasot")


@pytest.mark.parametrize("cut", [b"\n", b"}"])
def test_a_memory_that_is_cut_off_counts_as_none(
    every: small.params.Settings, monkeypatch: pytest.MonkeyPatch, cut: bytes
) -> None:
    monkeypatch.setattr("dat.datasets.hashes.TICK_NS", 0)
    first = small.run_index(every, "lasot").read_bytes()
    (path,) = (every.path / ".dat/index").rglob("cat-1.json")
    path.write_bytes(path.read_bytes().rpartition(cut)[0])
    (every.path / "data/lasot/cat/cat-1/nlp.txt").write_text("another")
    second = small.run_index(every, "lasot").read_bytes()
    assert second != first
    shutil.rmtree(every.path / ".dat")
    assert small.run_index(every, "lasot").read_bytes() == second


def test_all_code_that_can_decide_a_row_makes_it_again_when_it_changes() -> None:
    files = code_in(*index.CODE)
    assert code_closure("dat.datasets.index").items() <= files.items()
    assert not any(path.startswith(("dat/cli/", "dat/report/", "dat/tracking/")) for path in files)
