"""The adapters to other people's toolkits, against stand-ins; the real peers are in test_adapters_peers.py."""

import importlib
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dat.adapters import factory as factories
from dat.adapters import trax
from dat.adapters.factory import TrackerFactory, as_rgb, name_of, read_sentences
from dat.base.errors import InputError, MissingError
from tests.parts.tracking_parts import ROOT, video, write_frames, write_weights

FRAMES, TRUTH = video(count=4)


class Recorder:
    """Stands in for a tracker: keeps what it is given, and moves by (5, 5)."""

    def __init__(self):
        self.starts, self.seen, self.box, self.score = [], [], None, 0.5

    def start(self, sequence, image, box):
        self.name = sequence
        self.init(image, box)
        return self

    def init(self, image, box, sentence=None):
        self.starts.append(list(map(float, box)))
        self.seen.append(image)
        self.box = np.array(box, float)

    def update(self, image):
        self.seen.append(image)
        self.box = self.box + np.array([5.0, 5, 0, 0])
        return self.box.copy()

    def check(self):
        return self

    variant = "recorder"

    def sentence(self, name):
        return None


# ---------------------------------------------------------------- got10k


class PeerTracker:
    """got10k's base class, its loop over files included."""

    def __init__(self, name, is_deterministic=False):
        self.name, self.is_deterministic = name, is_deterministic

    def track(self, img_files, box, visualize=False):
        boxes = np.zeros((len(img_files), 4))
        boxes[0] = box
        for number, file in enumerate(img_files):
            image = Image.open(file)
            image = image if image.mode == "RGB" else image.convert("RGB")
            if number == 0:
                self.init(image, box)
            else:
                boxes[number] = self.update(image)
        return boxes, np.zeros(len(img_files))


@pytest.fixture
def peer(monkeypatch):
    """dat.adapters.got10k with stand-ins for the toolkit's three classes."""
    parts = {
        "trackers": {"Tracker": PeerTracker},
        "datasets": {"OTB": object},
        "experiments": {"ExperimentOTB": object},
    }
    for name in ("got10k", *(f"got10k.{part}" for part in parts)):
        module = ModuleType(name)
        vars(module).update(parts.get(name.partition(".")[2], {}))
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "dat.adapters.got10k", raising=False)
    yield importlib.import_module("dat.adapters.got10k")
    sys.modules.pop("dat.adapters.got10k", None)


def test_the_files_origin_is_taken_off_on_the_way_in_and_put_back_on_the_way_out(peer):
    inner = Recorder()
    outer = peer.DatTracker(inner)
    outer.init(FRAMES[0], np.array([21.0, 31, 18, 24]))
    assert inner.starts == [[20, 30, 18, 24]]
    assert outer.update(FRAMES[1]).tolist() == [26, 36, 18, 24]
    zero = peer.DatTracker(inner, origin=0)
    zero.init(FRAMES[0], [21.0, 31, 18, 24])
    assert inner.starts[-1] == [21, 31, 18, 24]
    assert zero.update(FRAMES[1]).tolist() == [26, 36, 18, 24]


def test_pil_images_arrays_and_grey_frames_arrive_as_rgb(peer):
    inner = Recorder()
    outer = peer.DatTracker(inner, name="other")
    assert isinstance(outer, PeerTracker) and (outer.name, outer.is_deterministic) == ("other", True)
    grey = FRAMES[0][..., 0]
    for picture in (Image.fromarray(FRAMES[0]), FRAMES[0], Image.fromarray(grey), grey, grey[..., None]):
        outer.init(picture, (21, 31, 18, 24))
        seen = inner.seen[-1]
        wanted = FRAMES[0] if np.ndim(picture) == 3 and np.shape(picture)[2] == 3 else np.stack([grey] * 3, -1)
        assert (seen == wanted).all() and seen.dtype == np.uint8 and seen.flags.writeable


def test_the_sequences_name_is_the_data_sets_else_the_folders(peer, tmp_path):
    write_frames(tmp_path / "Jogging/img", FRAMES)
    files = peer.Files(str(path) for path in sorted((tmp_path / "Jogging/img").iterdir()))
    inner = Recorder()
    boxes, _ = peer.DatTracker(inner).track(list(files), np.array([21.0, 31, 18, 24]))
    assert inner.name == "Jogging" and boxes[:, 0].tolist() == [21, 26, 31, 36]
    files.sequence = "Jogging-2"
    outer = peer.DatTracker(inner)
    outer.track(files, np.array([21.0, 31, 18, 24]))
    assert inner.name == "Jogging-2"
    outer.init(Image.open(files[0]), (21, 31, 18, 24))
    assert inner.name == "Jogging"


def test_an_update_before_a_start_is_an_error(peer):
    with pytest.raises(InputError, match="before init"):
        peer.DatTracker(Recorder()).update(FRAMES[0])


def test_a_local_folder_is_a_data_set_with_boxes_as_in_its_files(peer, tmp_path):
    for folder, names in {
        "Alpha": ["groundtruth_rect.txt"],
        "Twins": ["groundtruth_rect.1.txt", "groundtruth_rect.2.txt"],
    }.items():
        write_frames(tmp_path / folder / "img", FRAMES)
        for number, name in enumerate(names):
            (tmp_path / folder / name).write_text("".join(f"{i + 1}\t{number},18 24\n" for i in range(4)))
    data = peer.LocalOTB(tmp_path)
    assert (data.seq_names, len(data)) == (["Alpha", "Twins-1", "Twins-2"], 3)
    part = peer.LocalOTB(tmp_path, ["twins.2"], frames=3)
    files, boxes = part["Twins-2"]
    assert len(files) == 3 and files.sequence == "Twins-2"
    assert boxes.tolist() == [[1, 1, 18, 24], [2, 1, 18, 24], [3, 1, 18, 24]]
    with pytest.raises(InputError, match="Bolt"):
        peer.LocalOTB(tmp_path, ["Bolt", "Alpha"])
    with pytest.raises(InputError, match=r"Alpha.*Twins-1"):
        data["Bolt"]


def test_without_the_toolkit_it_says_where_to_read_how_to_add_it():
    code = "import dat.adapters.got10k"
    for name, module in (("got10k", code), ("vot-trax", "from dat.adapters import trax; trax.serve(None)")):
        hidden = "import sys; sys.modules.update({'got10k': None, 'got10k.datasets': None, 'trax': None}); "
        found = subprocess.run(
            [sys.executable, "-c", hidden + module], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert MissingError.__name__ in found.stderr and name in found.stderr and "docs/adapters.md" in found.stderr


# ---------------------------------------------------------------- TraX


class Rectangle:
    type = "rectangle"

    def __init__(self, x, y, w, h):
        self.values = (x, y, w, h)

    def bounds(self):
        return self.values


class Polygon(list):
    type = "polygon"


class FakeImage:
    """A frame of a client: by path, as a file's bytes, or in memory."""

    def __init__(self, kind, content):
        self.kind, self.content = kind, content

    def type(self):
        return self.kind

    def path(self):
        return str(self.content)

    buffer = array = lambda self: self.content


class Client:
    """Plays requests to the server and keeps its answers."""

    def __init__(self, *requests):
        self.requests, self.answers = iter([*requests, SimpleNamespace(type="quit")]), []

    def wait(self):
        return next(self.requests)

    def status(self, objects):
        self.answers += objects


def ask(kind, image, *regions):
    return SimpleNamespace(type=kind, image={"color": image}, objects=[(region, {}) for region in regions])


MEMORY = FakeImage("memory", FRAMES[0])


def test_a_rectangle_goes_in_and_rectangles_come_out_counted_from_0():
    inner, client = Recorder(), Client(ask("initialize", MEMORY, Rectangle(20, 30, 18, 24)), ask("frame", MEMORY))
    trax.loop(client, inner, Rectangle)
    assert inner.starts == [[20, 30, 18, 24]]
    assert [region.values for region, _ in client.answers] == [(20, 30, 18, 24), (25, 35, 18, 24)]
    assert client.answers[1][1] == {"confidence": "0.500000"}


def test_of_a_polygon_the_bounds_are_taken():
    inner = Recorder()
    corners = Polygon([(10, 4), (30, 2), (34, 20), (12, 24)])
    trax.loop(Client(ask("initialize", MEMORY, corners)), inner, Rectangle)
    assert inner.starts == [[10, 2, 24, 22]]


def test_frames_come_by_path_as_bytes_or_in_memory(tmp_path):
    write_frames(tmp_path / "car/color", FRAMES[:1])
    file = tmp_path / "car/color/0001.png"
    inner, box = Recorder(), Rectangle(20, 30, 18, 24)
    images = [FakeImage("path", file), FakeImage("buffer", file.read_bytes()), MEMORY]
    trax.loop(Client(*(ask("initialize", image, box) for image in images)), inner, Rectangle)
    assert all((seen == FRAMES[0]).all() for seen in inner.seen) and len(inner.seen) == 3
    trax.loop(Client(ask("initialize", images[0], box)), inner, Rectangle)
    assert inner.name == "car"


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ([ask("frame", MEMORY)], "before the target"),
        ([ask("initialize", MEMORY)], "0 targets"),
        ([ask("initialize", MEMORY, Rectangle(1, 1, 5, 5), Rectangle(1, 1, 5, 5))], "2 targets"),
        ([ask("initialize", MEMORY, SimpleNamespace(type="mask"))], "type mask"),
        (
            [ask("initialize", MEMORY, Rectangle(1, 1, 5, 5)), ask("frame", MEMORY, Rectangle(1, 1, 5, 5))],
            "second target",
        ),
        ([ask("initialize", FakeImage("path", "none/0001.jpg"), Rectangle(1, 1, 5, 5))], r"none/0001\.jpg"),
        ([ask("initialize", FakeImage("buffer", b"broken"), Rectangle(1, 1, 5, 5))], "not a readable image"),
    ],
)
def test_a_request_that_cannot_be_followed_is_named(requests, words):
    with pytest.raises(InputError, match=words):
        trax.loop(Client(*requests), Recorder(), Rectangle)


# ---------------------------------------------------------------- what they share


def test_the_real_tracker_follows_and_draws_anew_when_it_is_started_again(tmp_path, monkeypatch, capsys):
    from tests.parts.tracking_parts import settings

    write_weights(tmp_path / "weights")
    real = factories.request.choose

    def small(*given):
        choice = real(*given)
        object.__setattr__(choice, "settings", settings())
        return choice

    monkeypatch.setattr(factories.request, "choose", small)
    monkeypatch.chdir(ROOT)
    told = TrackerFactory(weights=tmp_path / "weights", sentences={"car": "the red square"}, device="cpu").check()
    start = ask("initialize", MEMORY, Rectangle(20, 30, 18, 24))
    client = Client(*[start, ask("frame", FakeImage("memory", FRAMES[1]))] * 2)
    trax.loop(client, told, Rectangle)
    boxes = np.array([region.values for region, _ in client.answers])
    assert np.abs(boxes[[1, 3]] - TRUTH[1]).max() < 8 and (boxes[1] != boxes[3]).any()
    assert "attention is from the target alone" in capsys.readouterr().err
    told.start("car", FRAMES[0], TRUTH[0])
    assert "target alone" not in capsys.readouterr().err


def test_sentences_come_from_a_folder_or_a_table(tmp_path):
    (tmp_path / "Jogging-1.txt").write_text("the woman\n in black\n")
    assert read_sentences(tmp_path) == {"jogging1": "the woman in black"}
    table = tmp_path / "table.csv"
    table.write_text("sequence,sentence,annotator,date\nJogging-2,a man,me,2026-01-01\n")
    told = TrackerFactory(text="something", sentences=read_sentences(table))
    assert (told.sentence("jogging.2"), told.sentence("Deer"), TrackerFactory().sentence("Deer")) == (
        "a man",
        "something",
        None,
    )
    (tmp_path / "Deer.txt").write_text(" \n")
    with pytest.raises(InputError, match=r"Deer\.txt"):
        read_sentences(tmp_path)
    with pytest.raises(InputError, match="no sentences here"):
        read_sentences(tmp_path / "none")


def test_weights_that_are_not_there_are_told_before_a_toolkit_starts(tmp_path):
    with pytest.raises(MissingError, match="make repro"):
        TrackerFactory(weights=tmp_path).check()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("/data/Deer/img/0001.jpg", "Deer"),
        ("/vot/car/00000001.jpg", "car"),
        ("/vot/car/color/1.jpg", "car"),
        ("1.jpg", ""),
    ],
)
def test_a_frames_folder_names_the_sequence(file, name):
    assert name_of(file) == name


@pytest.mark.parametrize("picture", [np.zeros((4, 5, 2), np.uint8), np.zeros((4, 5, 3)), np.zeros(4, np.uint8)])
def test_what_is_no_picture_is_told_with_its_shape(picture):
    with pytest.raises(InputError, match=r"frame 7.*shape"):
        as_rgb(picture, "frame 7")


def test_a_deep_pil_image_is_told():
    with pytest.raises(InputError, match="frame 7: mode I;16, more than 8 bits"):
        as_rgb(Image.fromarray(np.full((4, 5), 700, np.uint16)), "frame 7")
