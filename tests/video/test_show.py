"""`dat show`: what was stored is what is drawn, and what cannot be drawn is named."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dat import records
from dat.base import params
from dat.base.errors import DatError
from dat.cli import run_in_process
from dat.datasets import manifest
from dat.video import stored
from dat.video.drawing import LOCAL, OTHER, TRUTH, enlargement
from tests.parts import fake_profile
from tests.parts.tracking_parts import video, write_weights

FRAMES, TRUE = video(count=4)
TIMES = enlargement(90, 120)
PLACE = {"dat-jtnl": (60.0, 10.0, 20.0, 20.0), "pymdnet": (90.0, 60.0, 20.0, 20.0)}
"""Where the trackers' boxes are, far from each other and from the target."""


def rows(box: tuple[float, ...]) -> str:
    """A result file of OTB's, which counts from 1."""
    return f"{box[0] + 1:.4f},{box[1] + 1:.4f},{box[2]:.4f},{box[3]:.4f}\n" * len(FRAMES)


def result(path: Path, text: str, facts: object, inputs: list[dict[str, str]]) -> None:
    """A result file, and its record beside it."""
    records.write_text(path, text)
    records.write_json(path.parent / f"{path.stem.removesuffix('_001')}.json", {"inputs": inputs, "facts": facts})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile with stored results: two trackers on OTB's Star, one on VOT's Cube; also the working directory."""
    fake_profile.settings_file(tmp_path)
    write_weights(tmp_path / "weights")
    files = []
    for number, frame in enumerate(FRAMES, 1):
        path = tmp_path / "data" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), frame[..., ::-1])
        files.append([path.name, path.stat().st_size, records.sha256_file(path)])
    row = {"frames": 4, "size": [120, 90], "boxes": TRUE.tolist(), "files": files, "sentence": "the red square"}
    for name, layout, sequence in (("otb100", "otb", "Star"), ("vot2016", "vot", "Cube")):
        head = {"name": name, "layout": layout, "root": "data", "lists": {}, "linked": True}
        tilted = [[x + 9, y, x + 18, y + 12, x + 9, y + 24, x, y + 12] for x, y, _, _ in TRUE.tolist()]
        regions = {"regions": tilted} if layout == "vot" else {}
        manifest.write(tmp_path / f"testing/{name}.jsonl", head, [row | regions | {"sequence": sequence}])
    facts = {"scores": [0.9] * 4, "sources": ["local"] * 4, "redetections": [3]}
    weights = [{"path": "weights/gpgnet/jtnl/weights.safetensors"}]
    folder = tmp_path / "results"
    result(folder / "otb100/dat-jtnl@seed-0/Star.txt", rows(PLACE["dat-jtnl"]), facts, weights)
    result(folder / "otb100/pymdnet@seed-0/Star.txt", rows(PLACE["pymdnet"]), facts | {"redetections": []}, [])
    again = {"scores": [0.9], "sources": ["local"], "redetections": []}
    text = "1\n50,20,30,30\n2\n0\n"
    result(folder / "vot2016/pymdnet@seed-0/baseline/Cube/Cube_001.txt", text, {"001": again}, [])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pictures(address: str, against: str | None = None) -> list[np.ndarray]:
    settings = params.load()
    results = [stored.read(settings, *stored.find(settings, name)) for name in (address, against) if name]
    return list(stored.pictures(*results))


def left_side(picture: np.ndarray, box: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """The colours on a box's left side."""
    x, y, _, h = (round(value * TIMES) for value in box)
    return picture[y : y + h, x]


def test_the_stored_boxes_and_the_truth_are_drawn_in_their_colours(home: Path) -> None:
    for index, picture in enumerate(pictures("otb100/dat-jtnl/Star", "otb100/pymdnet@seed-0/Star")[:3]):
        assert (left_side(picture, PLACE["dat-jtnl"]) == LOCAL).all()
        assert (left_side(picture, PLACE["pymdnet"]) == OTHER).all()
        assert 0.2 < (left_side(picture, TRUE[index]) == TRUTH).all(1).mean() < 0.9  # dashed
    alone = pictures("otb100/dat-jtnl/Star")[0]
    assert not (alone == OTHER).all(2).any()


def test_a_re_detection_is_shown_from_its_frame_on(home: Path) -> None:
    edges = [tuple(picture[0, 300].tolist()) for picture in pictures("otb100/dat-jtnl/Star")]
    assert len(set(edges[:3])) == 1 and edges[3] == (255, 176, 32)


def test_the_attention_is_of_the_network_that_the_record_names(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = pictures("otb100/pymdnet/Star")[0]
    result = home / "results/otb100/pymdnet@seed-0/Star.json"
    network = [{"path": "weights/gpgnet/to/weights.safetensors"}]
    records.write_json(result, records.read_json(result) | {"inputs": network})
    assert (pictures("otb100/pymdnet/Star")[0] != without).any(2)[: 90 * TIMES].mean() > 0.5
    (home / "weights/gpgnet/to/weights.safetensors").unlink()
    with pytest.raises(DatError, match=r"gpgnet/to/weights\.safetensors"):
        pictures("otb100/pymdnet/Star")


def test_a_vot_sequence_says_where_it_started_and_failed(home: Path) -> None:
    settings = params.load()
    found = stored.read(settings, *stored.find(settings, "vot2016/pymdnet/Cube"))
    assert found.codes == {0: "started", 2: "failed", 3: "not tracked"}
    assert [found.box(index) is None for index in range(4)] == [True, False, True, True]
    assert found.box(1).tolist() == [50, 20, 30, 30]
    assert [found.line(index).partition(": ")[2] for index in range(4)] == ["started", "", "failed", "not tracked"]
    first, second, *_ = pictures("vot2016/pymdnet/Cube")
    x, y = (round(value) * TIMES for value in TRUE[0, :2] + [9, 0])
    assert tuple(first[y, x]) == TRUTH and tuple(first[y, x - 9 * TIMES]) != TRUTH, "a polygon, and no box"
    assert not (first[: 90 * TIMES] == LOCAL).all(2).any() and (second[: 90 * TIMES] == LOCAL).all(2).any()


def test_a_video_is_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import av

    run_in_process(["show", "otb100/dat-jtnl/Star", "--against", "pymdnet"])
    name = capsys.readouterr().out.strip()
    assert name == "otb100-dat-jtnl@seed-0-Star.mp4"
    with av.open(str(home / name)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 4


STAR = "results/otb100/dat-jtnl@seed-0/Star"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["otb100"], r"otb100: name BENCHMARK/VARIANT@seed-N/SEQUENCE"),
        (["otb99/dat-jtnl/Star"], r"no benchmark 'otb99'; there are: otb100, vot2016"),
        (["otb100/csrdcf/Star"], r"otb100 has no variant 'csrdcf'; there are: pymdnet, dat-jtnl"),
        (["otb100/dat-jtnl@seed-7/Star"], r"dat-jtnl@seed-7: no results there; there are: dat-jtnl@seed-0, pymdnet@"),
        (["vot2016/csrdcf/Cube"], r"csrdcf@seed-0: no results there; there are: pymdnet@seed-0"),
        (["otb100/dat-jtnl/Sun"], r"otb100: no sequence 'Sun'; there are: Star"),
        (["otb100/../Star"], r"begins with a dot"),
        (["otb100/dat-jtnl/Star", "--against", "nosuch"], r"no variant 'nosuch@seed-0'"),
        (["otb100/dat-jtnl/Star", "--video", "a.avi"], r"--video a.avi: a .mp4 file is written"),
    ],
)
def test_what_is_not_there_is_named(home: Path, options: list[str], said: str) -> None:
    with pytest.raises(DatError, match=said):
        run_in_process(["show", *options])


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (f"{STAR}.txt", "20.0000\n", "many\n", r"Star.txt:1: no box x,y,w,h: '61.0000,11.0000,20.0000,many'"),
        (f"{STAR}.txt", ",20.0000,", ",", r"Star.txt:1: no box"),
        (f"{STAR}.txt", "20.0000\n", "inf\n", r"Star.txt:1: no box"),
        (f"{STAR}.txt", "61.0000,11.0000,20.0000,20.0000\n", "", r"Star.txt:4: 3 rows for 4 frames"),
        (f"{STAR}.txt", "61", "1\n61", r"Star.txt:1: no box x,y,w,h: '1'"),
        (f"{STAR}.json", '"facts"', '"other"', r"Star.json: not the record of a result"),
        (f"{STAR}.json", ":", "", r"Star.json:\d+"),
        ("testing/otb100.jsonl", '"linked":true', '"linked":false', r"data set 'otb100' is not linked"),
        (f"{STAR}.txt", None, None, r"Star.txt: not there; dvc repro -f benchmark@otb100 makes it"),
        (f"{STAR}.json", None, None, r"Star.json: not there"),
        ("data/2.png", None, None, r"2.png: no such frame"),
        ("data/3.png", "PNG", "GIF", r"3.png: not the file that was indexed"),
    ],
)
def test_what_is_damaged_or_gone_is_named(home: Path, name: str, old: str | None, new: str | None, said: str) -> None:
    if old is None or new is None:
        (home / name).unlink()
    else:
        data = (home / name).read_bytes()
        assert old.encode() in data
        (home / name).write_bytes(data.replace(old.encode(), new.encode(), 1))
    with pytest.raises(DatError, match=said):
        run_in_process(["show", "otb100/dat-jtnl/Star"])
