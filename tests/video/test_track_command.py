"""`dat track`: checks before weights, and all that it writes."""

import json
import os
import stat
import subprocess
import sys

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from dat.base.errors import DatError, InputError, MissingError, ParamsError
from dat.cli.track import track
from dat.video import request as requests
from tests.parts.tracking_parts import ROOT, video, write_frames, write_weights

FRAMES, TRUTH = video(count=5)
BOX = "20,30,18,24"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("track")
    write_frames(folder / "clip", FRAMES)
    write_weights(folder / "weights")
    return folder


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    from dat.video import request
    from tests.parts.tracking_parts import settings

    monkeypatch.chdir(ROOT)
    real = request.home

    def small():
        found = real()
        object.__setattr__(found, "root", found.root.model_copy(update={"tracking": settings()}))
        return found

    monkeypatch.setattr(request, "home", small)


def call(place, *options, source=None, box=BOX, weights="weights"):
    own = [str(source or place / "clip"), "--box", box, "--weights", str(place / weights), *options]
    result = CliRunner().invoke(track, own, standalone_mode=False)
    if isinstance(result.exception, DatError):
        raise result.exception
    assert result.exception is None, result.output
    return result


def test_boxes_scores_and_times_are_written(place, tmp_path):
    out, facts = tmp_path / "boxes.txt", tmp_path / "run.json"
    result = call(place, "--out", str(out), "--json", str(facts), "--text", "the red square")
    rows = out.read_text().splitlines()
    assert rows[0] == "20.0000,30.0000,18.0000,24.0000" and len(rows) == 5
    found = json.loads(facts.read_text())
    assert len(found["frames"]) == 5 and found["frames_per_second"] > 0
    assert set(found["frames"][1]) == {"score", "source", "seconds"}
    assert found["attention"] == "jtnl" and result.stdout == ""


def test_without_out_the_boxes_go_to_standard_output(place):
    result = call(place, "--variant", "salnet", "--frames", "2")
    assert len(result.stdout.splitlines()) == 2


def test_the_origin_holds_for_the_box_and_for_the_output(place):
    zero = call(place, "--variant", "salnet").stdout.splitlines()
    one = call(place, "--variant", "salnet", "--origin", "1", box="21,31,18,24").stdout.splitlines()
    shift = np.array([list(map(float, row.split(","))) for row in one]) - [
        list(map(float, row.split(","))) for row in zero
    ]
    assert shift == pytest.approx(np.tile([1, 1, 0, 0], (5, 1)), abs=1e-3)


def test_without_a_sentence_it_says_that_attention_is_from_the_target_alone(place):
    assert "attention is from the target alone" in call(place, "--frames", "2").stderr
    assert "attention is from the target alone" in call(place, "--frames", "2", "--text", "  ").stderr


def test_a_long_sentence_and_unknown_words_are_told(place):
    said = call(place, "--frames", "2", "--text", "the red " + "square " * 100).stderr
    assert "102 words; the first 16 count" in said
    assert "zebra" in call(place, "--frames", "2", "--text", "the zebra").stderr
    assert "target alone" in call(place, "--frames", "2", "--text", "красный квадрат").stderr


def test_a_video_is_h264_with_even_sides_and_its_index_in_front(place, tmp_path):
    import av

    out = tmp_path / "out.mp4"
    call(place, "--video", str(out), "--show-attention", "--text", "the red square")
    with av.open(str(out)) as container:
        shown = container.streams.video[0]
        assert (shown.codec_context.name, shown.pix_fmt) == ("h264", "yuv420p")
        assert shown.width % 2 == shown.height % 2 == 0
        assert sum(1 for _ in container.decode(video=0)) == 5
    data = out.read_bytes()
    assert data.find(b"moov") < data.find(b"mdat")
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_folder_a_glob_and_a_stream_of_the_same_frames_give_the_same_boxes(place):
    files = sorted((place / "clip").iterdir())
    folder = call(place, "--frames", "3").stdout
    assert call(place, "--frames", "3", source=place / "clip" / "00*.png").stdout == folder
    own = ["-", "--box", BOX, "--weights", str(place / "weights"), "--frames", "3"]
    data = b"".join(file.read_bytes() for file in files)
    assert CliRunner().invoke(track, own, input=data, standalone_mode=False).stdout == folder


def test_start_and_frames_choose_the_part(place):
    rows = call(place, "--variant", "salnet", "--start", "2", "--frames", "3", box="23,31,18,24").stdout.splitlines()
    assert len(rows) == 3 and rows[0].startswith("23.0000,31.0000")


@pytest.mark.parametrize(
    "box", ["1,2,3", "a,b,c,d", "10,10,0,20", "10,10,5,-1", "9000,9000,20,20", "nan,1,20,20", "inf,1,2,3"]
)
def test_a_bad_box_is_told_even_without_weights(place, box):
    with pytest.raises(InputError, match="box"):
        call(place, box=box, weights="none")


@pytest.mark.parametrize(
    ("box", "told"),
    [
        ("20,30,1e9,24", "over 4 times the width or height of the frame, which has 120x90 pixels .*0001.png"),
        ("-100,-400,240,361", "over 4 times the width or height"),
        ("20,30,1e-9,24", "under 0.1 pixels"),
        ("20,30,18,0.09", "under 0.1 pixels"),
    ],
)
def test_a_box_in_which_nothing_can_be_seen_is_told_before_anything_is_tracked(place, box, told):
    with pytest.raises(InputError, match=f"--box {box}: .*{told}"):
        call(place, box=box, weights="none")


@pytest.mark.parametrize("features", ["crops", "shared"])
@pytest.mark.parametrize("box", ["-200,-150,480,360", "20,30,18,0.1"])
def test_the_largest_and_the_smallest_box_are_tracked(place, box, features):
    found = call(place, "--variant", "salnet", "--frames", "2", "--features", features, box=box)
    assert len(found.stdout.splitlines()) == 2


def test_a_source_that_is_a_pipe_or_without_a_name_says_what_to_give(place, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=r"pipe: a pipe, which is no file; .*: - < .*pipe"):
        call(place, source=tmp_path / "pipe", weights="none")
    with pytest.raises(InputError, match="SOURCE is an empty name"):
        call(place, source=" ", weights="none")


def test_an_output_that_cannot_be_written_is_told_before_the_work(place, tmp_path):
    """A pipe or a device would be gone, replaced by a file."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "file").touch()
    wrong = {"pipe": "a pipe, which is not written over", "link": "a pipe", "file/x": "Not a directory"}
    wrong |= {"file/y/x": "Not a directory", "x" * 300: "File name too long"}
    for option in ("--out", "--json", "--video"):
        for name, told in wrong.items():
            with pytest.raises(InputError, match=f"{option} .*{told}"):
                call(place, option, str(tmp_path / name), weights="none")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("name", ["none", "none.mp4"])
def test_a_missing_source_is_named_even_without_weights(place, name):
    with pytest.raises(InputError, match=name):
        call(place, source=place / name, weights="none")


def test_missing_weights_name_make_repro(place):
    with pytest.raises(MissingError, match="make repro"):
        call(place, weights="none")


def test_an_unknown_variant_is_told_with_those_that_there_are(place):
    with pytest.raises(ParamsError, match=r"nosuch.*dat-jtnl"):
        call(place, "--variant", "nosuch")


def test_csrdcf_needs_no_weights_and_says_that_it_reads_no_sentence(place):
    result = call(place, "--variant", "csrdcf", "--text", "the red square", weights="none")
    assert len(result.stdout.splitlines()) == 5 and "csrdcf does not use the sentence" in result.stderr


def test_csrdcf_with_attention_reads_the_sentence_or_says_that_there_is_none(place):
    told = call(place, "--variant", "csrdcf+attention", "--text", "the red square")
    silent = call(place, "--variant", "csrdcf+attention")
    assert "target alone" in silent.stderr and "target alone" not in told.stderr
    assert told.stdout != silent.stdout
    with pytest.raises(MissingError, match="make repro"):
        call(place, "--variant", "csrdcf+attention", weights="none")


def test_a_sequences_name_that_cannot_be_one_is_told(place):
    with pytest.raises(InputError, match=r"--sequence: the name 'data/Deer' has a separator of folders"):
        call(place, "--sequence", "data/Deer", weights="none")


def test_a_device_that_is_not_there_is_told(place):
    with pytest.raises(InputError, match="cuda:77"):
        call(place, "--device", "cuda:77")


def test_after_an_unreadable_frame_the_boxes_before_it_are_written_and_named(place, tmp_path):
    write_frames(tmp_path / "clip", FRAMES)
    (tmp_path / "clip" / "0003.png").write_bytes(b"broken")
    out, facts, shown = tmp_path / "out.txt", tmp_path / "run.json", tmp_path / "out.mp4"
    options = ("--variant", "salnet", "--out", str(out), "--json", str(facts), "--video", str(shown))
    with pytest.raises(InputError, match=r"0003\.png.*the boxes of the 2 frames before are in .*out\.txt"):
        call(place, *options, source=tmp_path / "clip")
    assert out.read_text() == call(place, "--variant", "salnet", "--frames", "2").stdout
    found = json.loads(facts.read_text())
    assert len(found["frames"]) == 2 and "0003.png" in found["stopped"]
    assert shown.exists()


def test_a_card_without_memory_is_one_line_and_the_boxes_before_are_kept(place, tmp_path, monkeypatch):
    """Where fewer candidates at a time are no help: the third frame's, and the networks' own."""
    import torch

    from dat.tracking import build
    from dat.tracking.mdnet.tracker import MDNetTracker

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB\nof which")

    real, out, images = MDNetTracker.update, tmp_path / "out.txt", []
    monkeypatch.setattr(
        MDNetTracker, "update", lambda self, image: full() if images else images.append(image) or real(self, image)
    )
    line = r"^the card is out of memory; .*--device cpu; the boxes of the 2 frames before are in .*out\.txt$"
    with pytest.raises(InputError, match=line):
        call(place, "--variant", "salnet", "--out", str(out))
    assert len(out.read_text().splitlines()) == 2
    monkeypatch.setattr(build, "load", full)
    with pytest.raises(InputError, match=r"^the card is out of memory; .*--device cpu$"):
        call(place, "--variant", "salnet")


def test_without_out_the_boxes_before_an_error_go_to_standard_output(place, tmp_path):
    write_frames(tmp_path / "clip", FRAMES)
    (tmp_path / "clip" / "0003.png").write_bytes(b"broken")
    own = [str(tmp_path / "clip"), "--box", BOX, "--weights", str(place / "weights"), "--variant", "salnet"]
    result = CliRunner().invoke(track, own, standalone_mode=False)
    assert len(result.stdout.splitlines()) == 2 and "are in standard output" in str(result.exception)


def test_an_error_in_the_first_frame_writes_nothing(place, tmp_path):
    with pytest.raises(InputError, match="all of one value"):
        cv2.imwrite(str(tmp_path / "1.png"), np.full((90, 120), 700, np.uint16))
        call(place, "--out", str(tmp_path / "out.txt"), source=tmp_path)
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--video", "out.gif"), r"--video out\.gif: a \.mp4 file is written"),
        (("--json", "run.csv"), r"--json run\.csv: a \.json file is written"),
        (("--out", "boxes.json"), r"--out boxes\.json: a \.txt file is written"),
        (("--out", "a.txt", "--json", "a.json", "--video", "clip.mp4"), r"--video clip\.mp4: SOURCE is the same file"),
        (("--out", "a", "--json", "./a"), r"--json a: --out is the same file"),
    ],
)
def test_outputs_that_cannot_be_right_are_refused_before_anything(place, options, message):
    with pytest.raises(InputError, match=message):
        call(place, *options, source="clip.mp4", weights="none")


@pytest.mark.parametrize(
    "box",
    ["20;30;18;24", "20\t30\t18\t24", "[20, 30, 18, 24]", "(20 30 18 24)", " 20.0,30, 18,24,", "\ufeff20,30,18,24\r"],
)
def test_a_box_is_four_numbers_between_any_signs(box):
    assert requests.parse_box(box, 0).tolist() == [20, 30, 18, 24]


@pytest.mark.parametrize("box", ["10,5;20,5;30,0;40,0", "1_0,2,3,4", "[1,2,3", "1,,2", "20,30,,18,24", ";20;30;18;24"])
def test_other_boxes_are_told(box):
    with pytest.raises(InputError, match="four"):
        requests.parse_box(box, 0)


def test_a_box_that_may_be_corners_is_told(place):
    assert "not the corners" in call(place, "--frames", "2", box="60,40,78,64").stderr
    assert "corners" not in call(place, "--frames", "2").stderr


def test_what_was_done_to_frames_is_told_and_in_the_json(place, tmp_path):
    for number, frame in enumerate(FRAMES):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame[..., ::-1].astype(np.uint16) * 10 + 5000)
    facts = tmp_path / "run.json"
    result = call(place, "--variant", "salnet", "--json", str(facts), source=f"{tmp_path}/*.png")
    assert "16 bits a colour" in result.stderr
    assert "16 bits a colour" in json.loads(facts.read_text())["notes"][0]


def test_checking_a_call_needs_no_torch():
    code = "import sys, dat.cli.track; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_settings_are_the_root_profiles_wherever_in_a_checkout_it_is_called(monkeypatch, tmp_path):
    for folder in (ROOT, ROOT / "profiles" / "paper", tmp_path):
        monkeypatch.chdir(folder)
        assert requests.home().path.resolve() == ROOT
