"""The record of a run of `dat track`, and its audit: what was changed since is named."""

import io
import json
import shutil
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner

from dat.audit import retrain, tracked
from dat.audit.checks import Audit
from dat.audit.walk import Walk
from dat.base.errors import InputError
from dat.cli.track import track
from dat.video import request
from tests.parts.tracking_parts import ROOT, settings, video, write_frames, write_weights

FRAMES, _ = video(count=3)
BOX = ["--box", "20,30,18,24", "--text", "the red square"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with frames, weights and the JSON and boxes of a run on them."""
    monkeypatch.chdir(ROOT)
    real = request.home()
    object.__setattr__(real, "root", real.root.model_copy(update={"tracking": settings()}))
    monkeypatch.setattr(request, "home", lambda: real)
    write_frames(tmp_path / "clip", FRAMES)
    write_weights(tmp_path / "weights")
    run(tmp_path, str(tmp_path / "clip"))
    return tmp_path


def run(place: Path, source: str, *options: str, data: bytes = b"") -> None:
    files = ["--weights", str(place / "weights"), "--out", str(place / "boxes.txt"), "--json", str(place / "run.json")]
    done = CliRunner().invoke(track, [source, *BOX, *files, *options], input=data, standalone_mode=False)
    assert done.exception is None, done.output


def audit(place: Path) -> Audit:
    return tracked.audit(Walk(request.home()), place / "run.json")


def failed(place: Path) -> dict[str, str]:
    """The subjects of checks that do not hold, by their names."""
    return {check.name: check.subject for check in audit(place).checks if check.verdict != "verified"}


def test_a_run_that_nothing_has_touched_is_verified(place: Path) -> None:
    found = audit(place)
    assert found.verdict == "verified", failed(place)
    assert {"frames", "result file", "inputs", "code", "params"} <= {check.name for check in found.checks}
    shutil.move(place / "clip" / "0002.png", place / "gone.png")
    assert audit(place).verdict == "differs"


def test_another_frame_box_or_weight_is_named(place: Path) -> None:
    frame = sorted((place / "clip").iterdir())[1]
    kept = frame.read_bytes()
    cv2.imwrite(str(frame), 255 - cv2.imread(str(frame)))
    assert set(failed(place)) == {"frames"}
    frame.write_bytes(kept)
    boxes = (place / "boxes.txt").read_text()
    (place / "boxes.txt").write_text(boxes.replace("20.0000", "21.0000", 1))
    assert failed(place) == {"result file": "boxes.txt"}
    (place / "boxes.txt").write_text(boxes)
    weights = place / "weights/gpgnet/jtnl/vocabulary.json"
    weights.write_text(weights.read_text() + "\n")
    assert failed(place)["inputs"].endswith("vocabulary.json")


def test_another_setting_is_named_but_not_one_that_the_call_gave(place: Path) -> None:
    other = settings().model_copy(update={"failure_score": 0.25, "features": "crops"})
    run(place, str(place / "clip"), "--features", "shared")
    root = request.home().root.model_copy(update={"tracking": other})
    object.__setattr__(request.home(), "root", root)
    assert "tracking.failure_score" in failed(place)["params"]
    assert "tracking.features" not in json.loads((place / "run.json").read_text())["record"]["params"]


def test_part_of_a_source_and_a_pattern_are_read_again_as_they_were(place: Path) -> None:
    run(place, str(place / "clip" / "00*.png"), "--start", "2", "--frames", "2")
    assert audit(place).verdict == "verified"
    asked = json.loads((place / "run.json").read_text())["record"]["asked"]
    assert (asked["start"], asked["frames"], asked["box"]) == (2, 2, [20, 30, 18, 24])


def test_a_stream_cannot_be_read_again_and_is_unknown(place: Path) -> None:
    data = io.BytesIO(b"".join(file.read_bytes() for file in sorted((place / "clip").iterdir())))
    run(place, "-", data=data.getvalue())
    assert audit(place).verdict == "unknown" and set(failed(place)) == {"frames"}


def test_a_run_with_another_profiles_networks_cannot_be_trained_again(place: Path) -> None:
    with pytest.raises(
        InputError, match=r"run\.json: --replay-training needs a number with a network that this profile"
    ):
        retrain.behind(Walk(request.home()), [audit(place)])


def test_a_file_without_a_record_is_told(place: Path) -> None:
    facts = json.loads((place / "run.json").read_text())
    for bad in ({**facts, "record": {}}, {**facts, "record": facts["record"] | {"source": 3}}, {}, [], 3):
        (place / "run.json").write_text(json.dumps(bad))
        with pytest.raises(InputError, match=r"run\.json: not the JSON of a run with its record"):
            audit(place)
