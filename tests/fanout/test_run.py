"""The per-sequence job: files, facts, the re-start protocol."""

import hashlib
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from dat import records
from dat.base import params
from dat.base.errors import InputError, JobError, MissingError
from dat.cli.track import track
from dat.fanout import run
from dat.tracking import restarts as vot
from dat.tracking.parts import parts
from dat.video import request
from tests.parts.tracking_parts import ROOT, settings, unit_folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return unit_folder(tmp_path_factory.mktemp("unit"))


def job(place, out, **changes):
    folder, truth = place
    paths = [f"Clip/{number:04d}.png" for number in range(1, len(truth) + 1)]
    files = [[path, 0, records.sha256_file(folder / "data" / path)] for path in paths]
    row = {"sequence": "Clip", "files": files, "boxes": truth.tolist(), "size": [120, 90], "sentence": "a red square"}
    sections = {
        "tracking": params.plain(settings()),
        "csrdcf": params.plain(params.load(ROOT).root.csrdcf),
        "vot": {"repetitions": 2},
    }
    weights = folder / "weights"
    whole = parts(params.load(ROOT).root.variants["dat-jtnl"], "a red square", weights, None)
    made = replace(whole, **{name: changes.pop(name) for name in ("salnet", "gpgnet") if name in changes})
    work = run.UnitInputs("one-pass", row, folder / "data", made, 0, 1, sections, out, 1)
    return replace(work, **changes)


def test_one_pass_draws_as_the_first_repetition(place, tmp_path):
    own = run._Run(job(place, tmp_path, gpgnet=None, seed=7), "cpu")
    number = int(hashlib.sha256(b"Clip").hexdigest()[:16], 16)
    assert own.tracker().entropy == own.tracker(0).entropy == [7, number, 0, 0]
    assert own.tracker(2).entropy == [7, number, 2, 0]


def test_dat_track_gives_the_benchmarks_boxes_by_the_sequences_name(place, tmp_path, monkeypatch):
    folder, truth = place
    run.run(job(place, tmp_path, seed=3), "cpu")
    monkeypatch.chdir(ROOT)
    home = request.home()
    object.__setattr__(home, "root", home.root.model_copy(update={"tracking": settings()}))
    monkeypatch.setattr(request, "home", lambda: home)

    def tracked(*options):
        box = ",".join(str(value + shift) for value, shift in zip(truth[0], (1, 1, 0, 0), strict=True))
        own = [str(folder / "data" / "Clip"), "--box", box, "--origin", "1", "--text", "a red square", "--seed", "3"]
        own += ["--weights", str(folder / "weights"), "--out", str(tmp_path / "boxes.txt"), *options]
        done = CliRunner().invoke(track, own, standalone_mode=False)
        assert done.exception is None, done.output
        return (tmp_path / "boxes.txt").read_bytes()

    stored = (tmp_path / "Clip.txt").read_bytes()
    assert tracked("--sequence", "Clip", "--json", str(tmp_path / "run.json")) == stored
    assert records.read_json(tmp_path / "run.json")["record"]["asked"]["sequence"] == "Clip"
    assert tracked() != stored and tracked("--sequence", "Clap") != stored


def test_one_pass_writes_a_row_a_frame_in_the_benchmarks_origin(place, tmp_path):
    facts = run.run(job(place, tmp_path), "cpu")
    lines = (tmp_path / "Clip.txt").read_text().splitlines()
    assert lines[0] == "21.0000,31.0000,18.0000,24.0000"
    assert len(lines) == 6
    assert all(re.fullmatch(r"(-?\d+\.\d{4},){3}-?\d+\.\d{4}", line) for line in lines)
    assert len(facts["scores"]) == len(facts["sources"]) == 6
    assert set(facts["sources"]) <= {"local", "global"} and facts["redetections"] == []


def test_a_unit_gives_the_same_bytes_twice_alone_or_after_another(place, tmp_path):
    run.run(job(place, tmp_path / "a"), "cpu")
    run.run(job(place, tmp_path / "b", seed=5), "cpu")
    run.run(job(place, tmp_path / "c"), "cpu")
    first, other, again = ((tmp_path / name / "Clip.txt").read_bytes() for name in "abc")
    assert first == again != other


def test_vot_writes_a_file_a_repetition_with_different_draws(place, tmp_path):
    facts = run.run(job(place, tmp_path, protocol="vot", origin=0, gpgnet=None), "cpu")
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.txt"))
    assert files == [f"baseline/Clip/Clip_00{number}.txt" for number in (1, 2)]
    one, two = ((tmp_path / name).read_text().splitlines() for name in files)
    assert one[0] == "1" and len(one) == 6 and one != two
    assert len(facts["001"]["scores"]) == 6 and set(facts) == {"001", "002"}


def test_missing_weights_name_the_command(place, tmp_path):
    with pytest.raises(MissingError, match="make repro"):
        run.run(job(place, tmp_path, salnet=tmp_path / "none"), "cpu")


FULL = [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), RuntimeError("CUBLAS_STATUS_ALLOC_FAILED")]


@pytest.mark.parametrize("error", FULL)
@pytest.mark.parametrize("where", ["load", "tracker"])
def test_a_card_without_memory_for_a_tracker_is_one_line(place, tmp_path, monkeypatch, error, where):
    def full(*_):
        raise error

    monkeypatch.setattr(run.build, where, full)
    with pytest.raises(JobError, match=r"^out of memory; lower fanout.slots_per_gpu"):
        run.run(job(place, tmp_path), "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="the card would open")
def test_a_card_that_torch_cannot_use_is_one_line(place, tmp_path):
    with pytest.raises(InputError, match=r"^cuda: .+cpu\)?$"):
        run.run(job(place, tmp_path), "cuda")


def test_a_missing_frame_is_named(place, tmp_path):
    own = job(place, tmp_path)
    own.row["files"][2][0] = "Clip/lost.png"
    with pytest.raises(InputError, match=r"lost\.png"):
        run.run(own, "cpu")


def test_a_frame_that_is_not_the_indexed_one_is_named(place, tmp_path):
    """Another picture of the same size, as good to track on."""
    own = job(place, tmp_path)
    own.row["files"][2][0] = "Clip/0002.png"
    with pytest.raises(InputError, match=r"0002\.png: not the file that was indexed"):
        run.run(own, "cpu")


class Script:
    """A tracker that gives prepared boxes and remembers its starts."""

    def __init__(self, found):
        self.found, self.starts, self.now = found, [], 0

    def init(self, image, box, sentence=None):
        self.starts.append((image, list(box)))

    def update(self, image):
        return np.array(self.found[image], float)


def play(found, regions, size=(100, 100)):
    tracker = Script(found)
    return vot.run(tracker, lambda index: index, regions, size, None), tracker


def test_a_failure_is_coded_skipped_and_restarted_five_frames_later():
    here, away = (10, 10, 20, 20), (60, 60, 20, 20)
    found = [here, here, away, here, here, here, here, here, here]
    lines, tracker = play(found, [here] * 9)
    assert lines == [1, here, 2, 0, 0, 0, 0, 1, here]
    assert [image for image, _ in tracker.starts] == [0, 7]


def test_a_failure_near_the_end_is_not_restarted():
    here, away = (10, 10, 20, 20), (60, 60, 20, 20)
    lines, tracker = play([here, here, away, here], [here] * 4)
    assert lines == [1, here, 2, 0] and len(tracker.starts) == 1


def test_a_restart_may_land_on_the_last_frame():
    here, away = (10, 10, 20, 20), (60, 60, 20, 20)
    lines, _ = play([here, away, here, here, here, here, here], [here] * 7)
    assert lines == [1, 2, 0, 0, 0, 0, 1]


def test_touching_a_polygons_bounds_alone_is_a_failure():
    diamond = [50, 30, 70, 50, 50, 70, 30, 50]
    assert not vot.meets((30, 30, 5, 5), diamond, (100, 100))
    assert vot.meets((45, 45, 5, 5), diamond, (100, 100))
    assert not vot.meets((70, 50, 5, 5), diamond, (100, 100))


def test_only_what_lies_in_the_frame_counts_and_nan_is_a_failure():
    assert not vot.meets((105, 10, 10, 10), (90, 10, 30, 10), (100, 100))
    for wrong in (float("nan"), float("inf")):
        assert not vot.meets((wrong, 10, 10, 10), (90, 10, 30, 10), (100, 100))
        assert not vot.meets((10, 10, 10, 10), (10, 10, wrong, 10), (100, 100))
        for place in range(8):
            corners = [10, 10, 30, 10, 30, 30, 10, 30]
            assert vot.meets((10, 10, 10, 10), corners, (100, 100))
            corners[place] = wrong
            assert not vot.meets((10, 10, 10, 10), corners, (100, 100))


def test_the_tracker_starts_on_a_polygons_bounds():
    _, tracker = play([(1, 1, 1, 1)], [[50, 30, 70, 50, 50, 70, 30, 50]])
    assert tracker.starts[0][1] == [30, 30, 40, 40]
