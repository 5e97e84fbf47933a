"""`dat data` and `dat subsample` as a user calls them."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from dat import records
from dat.base.errors import DatError, InputError, MissingError
from dat.cli.data import data
from dat.cli.subsample import subsample
from tests.parts import small_sets as small


def call(command: object, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])  # type: ignore[arg-type]


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> small.params.Settings:
    """A profile that makes no data set itself, as working directory; and an OTB folder `OTB/all` beside it."""
    settings = small.profile(tmp_path / "paper", synthetic=False)
    small.describe(
        settings,
        "otb100",
        name="otb100",
        root="none",
        lists={"otb100": ["Deer", "Woman"]},
        sentences="data/otb100/sentences.csv",
    )
    records.write_text(
        settings.path / "data/otb100/sentences.csv", "sequence,sentence,annotator,date\nDeer,the deer,me,2026-11-25\n"
    )
    small.otb(tmp_path / "OTB" / "all", "Woman", 597)
    monkeypatch.chdir(settings.path)
    monkeypatch.delenv("DAT_DATA", raising=False)
    return settings


def test_link_writes_the_path_and_says_what_is_missing(paper: small.params.Settings) -> None:
    done = call(data, "link", "otb100", "../OTB/all")
    assert done.exit_code == 0
    assert "1 of 2 targets" in done.output and "not there: Deer" in done.output
    assert Path((paper.path / "data/otb100.path").read_text().strip()).samefile(paper.path.parent / "OTB/all")


@pytest.mark.parametrize("inner", ["", "OTB50", "OTB/OTB50", "Deer", "OTB50/Deer"])
def test_a_folder_above_the_sequences_is_linked_too(paper: small.params.Settings, tmp_path: Path, inner: str) -> None:
    home = tmp_path / "above"
    small.otb(home / inner, "Deer", 71)
    assert "1 of 2 targets" in call(data, "link", "otb100", home).output
    deer = small.read_index(paper, "otb100").sequences["Deer"]
    assert deer.files[0][0] == str(Path(inner) / "Deer/img/0001.jpg") and deer.frames[70].is_file()


def test_two_copies_below_a_folder_are_told_and_the_nearest_is_taken(
    paper: small.params.Settings, tmp_path: Path
) -> None:
    home = tmp_path / "above"
    small.otb(home / "a", "Deer", 71)
    small.otb(home / "b", "Deer", 3)
    done = call(data, "link", "otb100", home)
    assert isinstance(done.exception, InputError)
    assert "above/b/Deer: 'Deer' is there twice, also as" in str(done.exception)
    small.otb(home, "Deer", 71)  # Woman is looked for below, where these two are again
    assert "1 of 2 targets" in call(data, "link", "otb100", home).output


def test_folders_that_lead_in_a_circle_end(paper: small.params.Settings, tmp_path: Path) -> None:
    small.otb(tmp_path / "above", "Deer", 71)
    (tmp_path / "above" / "again").symlink_to(tmp_path / "above")
    assert "1 of 2 targets" in call(data, "link", "otb100", tmp_path / "above").output


def test_a_set_is_drawn_as_a_contact_sheet(paper: small.params.Settings, tmp_path: Path) -> None:
    small.otb(tmp_path / "OTB" / "all", "Deer", 71)
    (tmp_path / "OTB/all/Deer/groundtruth_rect.txt").write_text("NaN,NaN,NaN,NaN\n" * 70 + "3,4,16,8\n")
    call(data, "link", "otb100", "../OTB/all")
    small.run_index(paper, "otb100")
    done = call(data, "show", "otb100", "--out", "sheet.png")
    assert done.exit_code == 0 and "2 targets in sheet.png" in done.output
    drawn = cv2.imread("sheet.png")[..., ::-1]
    yellow = (drawn == (255, 255, 0)).all(axis=-1)
    assert drawn.shape == (168 * 2, 200, 3) or drawn.shape == (168, 400, 3)
    rows, columns = np.nonzero(yellow)
    scale, top, left = 200 / 64, drawn.shape[0] - 168, drawn.shape[1] - 200  # Woman is the second: 9,11,16,8
    assert abs(rows.min() - top - 11 * scale) <= 2 and abs(columns.min() - left - 9 * scale) <= 2
    assert abs(rows.max() - top - 19 * scale) <= 2 and abs(columns.max() - left - 25 * scale) <= 2


@pytest.mark.parametrize("arguments", [("otb100",), ("otb100", "Deer", "--out", "a.png")])
def test_show_is_of_one_sequence_or_of_a_set(paper: small.params.Settings, arguments: tuple[str, ...]) -> None:
    assert call(data, "show", *arguments).exit_code == 2


def test_show_prints_the_facts_of_a_target(paper: small.params.Settings) -> None:
    call(data, "link", "otb100", "../OTB/all")
    small.run_index(paper, "otb100")
    done = call(data, "show", "otb100", "woman")
    for part in ("597", "64 x 48 pixels", "9,11,16,8 (x,y,w,h; origin 0)", "attention from the target alone"):
        assert part in done.output
    assert "1 of 2" in call(data, "status").output


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("link", "otb100", "none"), "none: not there"),
        (("link", "otb100", "."), "<Name>/groundtruth_rect.txt is expected"),
        (("link", "nosuch", "."), "no data set 'nosuch'; there are lasot"),
        (("show", "otb100", "Deer"), "run dat index otb100"),
        (("sentences", "write", "otb100", "Nix", "a", "--annotator", "me"), "no sequence 'Nix'"),
    ],
)
def test_wrong_calls_say_what_to_do(paper: small.params.Settings, arguments: tuple[str, ...], found: str) -> None:
    done = call(data, *arguments)
    assert isinstance(done.exception, DatError) and done.exception.status == 2
    with pytest.raises(DatError, match=found):
        raise done.exception


def test_a_broken_first_sequence_is_named_when_linking(paper: small.params.Settings) -> None:
    (paper.path.parent / "OTB/all/Woman/groundtruth_rect.txt").write_text("1,2,3,x\n")
    done = call(data, "link", "otb100", "../OTB/all")
    assert isinstance(done.exception, InputError) and "groundtruth_rect.txt:1: 'x'" in str(done.exception)
    assert not (paper.path / "data/otb100.path").exists()


def test_link_is_refused_where_the_profile_makes_the_set(paper: small.params.Settings) -> None:
    small.profile(paper.path, synthetic=True)
    done = call(data, "link", "otb100", "../OTB/all")
    assert isinstance(done.exception, InputError) and "dat synthetic otb100" in str(done.exception)


def test_show_names_the_sequences_that_there_are(paper: small.params.Settings) -> None:
    call(data, "link", "otb100", "../OTB/all")
    small.run_index(paper, "otb100")
    done = call(data, "show", "otb100", "Nix")
    assert isinstance(done.exception, InputError) and "no sequence 'Nix' among 1: Woman" in str(done.exception)


def test_status_tells_what_is_to_do(paper: small.params.Settings) -> None:
    done = call(data, "status")
    assert done.exit_code == 0
    assert "not linked: dat data link otb100 PATH" in done.output


def test_sentences_are_checked_and_written(paper: small.params.Settings) -> None:
    done = call(data, "sentences", "check", "otb100")
    assert done.exit_code == 0 and "target alone: Woman" in done.output
    assert call(data, "sentences", "write", "otb100", "Woman", "the  woman, left", "--annotator", "me").exit_code == 0
    assert "Woman" not in call(data, "sentences", "check", "otb100").output
    assert '"the woman, left"' in (paper.path / "data/otb100/sentences.csv").read_text()


def test_a_strange_sentence_ends_with_status_1(paper: small.params.Settings) -> None:
    with (paper.path / "data/otb100/sentences.csv").open("a") as file:
        file.write("Nix,the nix,me,2026-11-25\n")
    assert call(data, "sentences", "check").exit_code == 1


def test_subsample_by_hand(tmp_path: Path) -> None:
    small.lasot(tmp_path / "LaSOT", "cat-1", 5)
    done = call(subsample, "--annotations", tmp_path / "LaSOT", "--list", tmp_path / "l.csv", "--step", 2)
    assert (done.exit_code, done.output) == (0, f"3 frames in {tmp_path / 'l.csv'}\n")


@pytest.mark.parametrize("arguments", [("--list", "l.csv"), ("--annotations", "x"), ("--step", "4"), ("--step", "0")])
def test_half_a_call_is_refused(arguments: tuple[str, ...]) -> None:
    assert call(subsample, *arguments).exit_code == 2


def test_the_commands_and_the_stage_import_neither_torch_nor_pandas() -> None:
    code = "import sys, dat.cli.data, dat.cli.subsample, dat.datasets.index, dat.datasets.subsample, dat.datasets.masks"
    check = "assert not {'torch', 'pandas', 'cv2', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{code}\n{check}"], check=True, cwd=small.ROOT)


ENTRY = "  tlp: {layout: tlp, manifest: training/domains/tlp, sentences: none}\n"


@pytest.fixture
def further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> small.params.Settings:
    """A profile with OTB99-Lang, TNL2K and two parts of LaSOT, as working directory."""
    more = "  {0}: {{layout: {1}, manifest: testing/{0}, sentences: none}}\n"
    kinds = {"otb99-lang": "otb99", "tnl2k": "tnl2k", "lasot-test": "lasot"}
    entries = ENTRY + "".join(more.format(*kind) for kind in kinds.items())
    settings = small.profile(tmp_path / "profile", synthetic=False, replace=((ENTRY, entries),))
    monkeypatch.chdir(settings.path)
    monkeypatch.delenv("DAT_DATA", raising=False)
    return settings


def test_sets_without_a_published_list_are_described_as_they_are_linked(
    further: small.params.Settings, tmp_path: Path
) -> None:
    """Of OTB99-Lang the targets with a test query, as `dat evaluate` has it."""
    (tmp_path / "OTB" / "OTB_query_test").mkdir(parents=True)
    (tmp_path / "OTB" / "OTB_query_train").mkdir()
    for name, part in (("Star", "test"), ("Disc", "train")):
        small.otb(tmp_path / "OTB" / "OTB_videos", name)
        (tmp_path / "OTB" / f"OTB_query_{part}" / f"{name}.txt").write_text(f"the {name}\n")
    small.frames(tmp_path / "TNL2K" / "cat" / "imgs", 3)
    (tmp_path / "TNL2K" / "cat" / "groundtruth.txt").write_text(small.boxes(3))
    assert "dat data link tnl2k PATH writes it" in call(data, "status").output
    assert "1 of 1 targets" in call(data, "link", "tnl2k", tmp_path / "TNL2K").output
    assert "1 of 1 targets" in call(data, "link", "otb99-lang", tmp_path / "OTB").output
    one, other = (small.read_index(further, key) for key in ("otb99-lang", "tnl2k"))
    assert one.header["lists"] == {"otb99-lang": ["Star"]} and one.sequences["Star"].sentence == "the Star"
    assert (other.header["name"], other.header["lists"]) == ("tnl2k", {"tnl2k": ["cat"]})


def test_sentences_are_checked_beside_sets_that_nothing_describes_yet(further: small.params.Settings) -> None:
    for key in further.root.datasets.keys() - {"otb99-lang", "tnl2k"}:
        small.describe(further, key, name=key, lists={key: ["A"]}, sentences=None)
    said = call(data, "sentences", "check")
    assert said.exit_code == 0 and "lasot-test: no table of sentences (nlp.txt of each target)" in said.output
    assert "dat data link tnl2k PATH writes it" in said.output
    assert isinstance(call(data, "sentences", "check", "tnl2k").exception, MissingError)


def test_what_cannot_be_fetched_has_its_page_before_it_is_described(further: small.params.Settings) -> None:
    for name, page in (("otb99-lang", "lang-tracker"), ("tnl2k", "TNL2K_evaluation_toolkit")):
        said = str(call(data, "get", name).exception)
        assert page in said and f"then dat data link {name} FOLDER" in said


def test_two_parts_of_a_set_do_not_forget_each_others_files(further: small.params.Settings, tmp_path: Path) -> None:
    for key, name in (("lasot", "cat-1"), ("lasot-test", "cat-2")):
        small.lasot(tmp_path / "LaSOT", name)
        small.describe(further, key, name="lasot", root="none", lists={key: [name]})
        assert "1 of 1 targets" in call(data, "link", key, tmp_path / "LaSOT").output
        small.run_index(further, key)
    assert len(list((further.path / ".dat" / "index").glob("*/cat-*.json"))) == 2


def test_a_users_own_set_is_described_as_it_is_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = ENTRY + "  clips: {layout: plain, manifest: testing/clips, sentences: none}\n"
    settings = small.profile(tmp_path / "profile", replace=((ENTRY, own),))
    monkeypatch.chdir(settings.path)
    (tmp_path / "clips").mkdir()
    assert isinstance(call(data, "link", "clips", tmp_path / "clips").exception, InputError)
    assert not (settings.path / "data").exists()
    for name in ("cat", "dog"):
        small.picture(tmp_path / "clips" / name / "1.png")
        (tmp_path / "clips" / name / "boxes.txt").write_text("1,2,3,4\n")
        assert "of" in call(data, "link", "clips", tmp_path / "clips").output
    manifest = small.read_index(settings, "clips")
    assert manifest.header["lists"] == {"clips": ["cat", "dog"]} and list(manifest.sequences) == ["cat", "dog"]
    made = records.read_json(settings.path / "data/clips.record.json")
    assert made["outputs"] == [records.file_facts(settings.path / "data/clips.json", settings.path)]
