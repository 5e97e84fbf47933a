"""`dat data get` against a server on this machine that breaks off, lies, leads astray, or sends something else."""

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from dat.base import public
from dat.base.errors import DatError, InputError, JobError
from dat.cli import getting
from dat.cli.data import data
from tests.parts import small_sets as small


@dataclass
class Web:
    """Bodies by path, and what the server does wrong with one: the bytes after which it cuts the connection once, the
    length that it says, a status, an address that it sends the client to."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    length: dict[str, int] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    made = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, start = self.path, int((self.headers.get("Range") or "bytes=0-")[6:-1])
            made.asked.append(f"{path}:{start}")
            body = made.bodies.get(path, b"")
            if path in made.moved:
                self.send_response(302)
                self.send_header("Location", made.moved[path])
                self.end_headers()
                return
            if path in made.status or path not in made.bodies:
                self.send_error(made.status.get(path, 404))
                return
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(made.length.pop(path, len(body)) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.end_headers()
            self.wfile.write(body[start:][: made.cut.pop(path, None)])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(getting, "OTB", f"{made.address}/")
    monkeypatch.setattr(getting, "VOT", {"vot2014": f"{made.address}/vot2014/description.json"})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, body in members.items():
            file.writestr(name.replace("__", "/").replace("_txt", ".txt").replace("_jpg", ".jpg"), body)
    return buffer.getvalue()


def picture() -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", noise)[1].tobytes()


def sequence(name: str = "", frames: int = 2) -> bytes:
    """An OTB sequence as its archive: a folder of its name, images and boxes."""
    top = f"{name}__" if name else ""
    images = {f"{top}img__{number:04d}_jpg": picture() for number in range(1, frames + 1)}
    return zipped(**images, **{f"{top}groundtruth_rect_txt": small.boxes(frames).encode()})


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile with three targets of another data set than the real one, so that their lengths are their own."""
    settings = small.profile(tmp_path / "paper", synthetic=False)
    lists = {"otb100": ["Deer", "Jogging-1", "Jogging-2", "Woman"]}
    small.describe(settings, "otb100", name="otb100", root="none", lists=lists)
    small.describe(settings, "vot2014", name="vot2014", root="none", lists={"vot2014": ["ball", "car"]})
    small.describe(settings, "lasot", name="lasot", root="none", lists={"lasot": ["cat-1"]})
    monkeypatch.setattr("dat.benchmarks.published.facts", lambda name: {})
    monkeypatch.delenv("DAT_DATA", raising=False)
    monkeypatch.chdir(settings.path)
    return settings.path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(data, list(map(str, arguments)))


def raised(done: Result, kind: type[DatError]) -> str:
    assert isinstance(done.exception, kind), done.exception
    return str(done.exception)


def root_of(paper: Path) -> Path:
    return paper / "data" / "raw" / "otb100"


def below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def plan_of(names: list[str], root: Path) -> list[getting.Download]:
    return getting.plan("otb100", names, root)


def test_otb_is_fetched_a_folder_at_a_time_in_parallel_and_linked(web: Web, paper: Path) -> None:
    web.bodies = {f"/{name}.zip": sequence(name) for name in ("Deer", "Woman")}
    two = zipped(**{f"Jogging__img__000{n}_jpg": picture() for n in (1, 2)})
    with zipfile.ZipFile(buffer := io.BytesIO(two), "a") as file:
        for target in (1, 2):
            file.writestr(f"Jogging/groundtruth_rect.{target}.txt", small.boxes(2))
    web.bodies["/Jogging.zip"] = buffer.getvalue()
    done = call("get", "otb100")
    assert done.exit_code == 0, done.exception
    assert "3 of 3 folders fetched" in done.output and "4 of 4 targets" in done.output
    assert Path((paper / "data/otb100.path").read_text().strip()) == root_of(paper)
    assert {path.name for path in root_of(paper).iterdir()} == {"Deer", "Jogging", "Woman", ".downloads"}
    assert all(name.endswith(".sha256") for name in below(root_of(paper) / ".downloads"))
    assert f"unchecked: no full checksum is published of 3 archives such as {web.address}/Deer.zip" in done.output
    asked, again = list(web.asked), call("get", "otb100").output
    assert "0 of 3 folders fetched" in again and "unchecked" not in again and web.asked == asked


def test_one_sequence_alone(web: Web, paper: Path) -> None:
    web.bodies = {"/Deer.zip": sequence("Deer")}
    done = call("get", "otb100", "--sequence", "Deer", "--to", "elsewhere")
    assert "1 of 1 folders" in done.output and "1 of 4 targets" in done.output
    assert web.asked == ["/Deer.zip:0"]
    assert "no sequence Dear" in raised(call("get", "otb100", "--sequence", "Dear"), InputError)


def test_a_cut_transfer_goes_on_where_it_was_cut(web: Web, tmp_path: Path) -> None:
    web.bodies, web.cut = {"/Deer.zip": sequence("Deer", 40)}, {"/Deer.zip": 70_000}
    (deer,) = plan_of(["Deer"], tmp_path)
    with pytest.raises(JobError, match=r"broke off after \d+ bytes; the same command goes on"):
        getting.one(deer, tmp_path)
    assert not (tmp_path / "Deer").exists()
    getting.one(deer, tmp_path)
    assert len(below(tmp_path / "Deer")) == 41
    assert web.asked[0] == "/Deer.zip:0" and int(web.asked[1].rpartition(":")[2]) > 0


@pytest.mark.parametrize("lie", [-40, 1000])
def test_a_length_that_is_not_the_bodys(web: Web, tmp_path: Path, lie: int) -> None:
    body = sequence("Deer")
    web.bodies, web.length = {"/Deer.zip": body}, {"/Deer.zip": len(body) + lie}
    (deer,) = plan_of(["Deer"], tmp_path)
    with pytest.raises(DatError, match="not a zip archive" if lie < 0 else "broke off"):
        getting.one(deer, tmp_path)
    assert not (tmp_path / "Deer").exists()
    getting.one(deer, tmp_path)  # said rightly, the same call brings it, whatever the first try had
    assert len(below(tmp_path / "Deer")) == 3


@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://127.0.0.1/Deer.zip"])
def test_a_server_cannot_lead_to_files(web: Web, tmp_path: Path, where: str) -> None:
    web.moved = {"/Deer.zip": where}
    with pytest.raises(JobError, match="leads astray"):
        getting.one(plan_of(["Deer"], tmp_path)[0], tmp_path)


def test_hostile_archives_leave_nothing(web: Web, tmp_path: Path) -> None:
    for body in (zipped(**{"..__..__evil": b"x"}), b"<html>", zipped(**{"__etc__evil": b"x"})):
        web.bodies = {"/Deer.zip": body}
        with pytest.raises(InputError):
            getting.one(plan_of(["Deer"], tmp_path / "root")[0], tmp_path / "root")
        assert below(tmp_path) == set()


def test_one_that_fails_does_not_keep_the_others(web: Web, tmp_path: Path) -> None:
    web.bodies, web.status = {"/Deer.zip": sequence("Deer"), "/Woman.zip": b""}, {"/Woman.zip": 500}
    with pytest.raises(JobError, match=r"^Woman: .*500 .*; the same command fetches what is missing"):
        getting.get(plan_of(["Deer", "Woman"], tmp_path), tmp_path)
    assert (tmp_path / "Deer").is_dir() and not (tmp_path / "Woman").exists()


# ---------------------------------------------------------------- VOT


def bundle(web: Web, **changes: object) -> None:
    """A bundle of two sequences, as VOT describes one: addresses below the description's, checksums."""
    entries = []
    for name in ("ball", "car"):
        files = {"annotations": zipped(groundtruth_txt=b"1,2,3,4\n"), "color": zipped(**{"00000001_jpg": picture()})}
        parts = {}
        for kind, body in files.items():
            web.bodies[f"/vot2014/{kind}/{name}.zip"] = body
            parts[kind] = {"url": f"{kind}/{name}.zip", "checksum": hashlib.sha1(body).hexdigest()}
        entry = {"name": name, "fps": 30, "annotations": parts["annotations"], "channels": {"color": parts["color"]}}
        entries.append(entry | (changes if name == "car" else {}))
    web.bodies["/vot2014/description.json"] = json.dumps({"name": "vot2014", "sequences": entries}).encode()


def test_vot_is_fetched_by_its_description(web: Web, paper: Path) -> None:
    bundle(web)
    done = call("get", "vot2014")
    assert done.exit_code == 0 and "2 of 2 targets" in done.output, done.exception
    assert "unchecked" not in done.output  # the description has their checksums
    root = paper / "data/raw/vot2014"
    assert below(root / "ball") == {"groundtruth.txt", "color/00000001.jpg"}
    assert below(root / ".downloads") == {"description.json", "description.json.sha256"}


def test_a_file_that_is_not_what_the_description_says_is_refused(web: Web, tmp_path: Path) -> None:
    bundle(web)
    ball, car = getting.plan("vot2014", ["ball", "car"], tmp_path)
    web.bodies["/vot2014/color/car.zip"] = zipped(**{"00000001_jpg": b"another"})
    getting.one(ball, tmp_path)
    with pytest.raises(InputError, match=r"not the file expected \(sha1:"):
        getting.one(car, tmp_path)
    assert not (tmp_path / "car" / "color").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "../car"}, "the sequence '../car' begins with a dot"),
        ({"name": "bus"}, "no sequence car in it"),
        ({"channels": {}}, "an entry without name, annotations and colours"),
        ({"annotations": {"url": "x/.zip/"}}, "the archive '.zip' begins with a dot"),
        ({"annotations": {"url": "/"}}, "the archive '' is empty"),
    ],
)
def test_a_description_that_leads_astray_is_named(
    web: Web, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    bundle(web, **changes)
    with pytest.raises(InputError, match=words):
        getting.plan("vot2014", ["ball", "car"], tmp_path)


def test_a_description_that_is_none_is_named(web: Web, tmp_path: Path) -> None:
    for number, body in enumerate((b"<html>", b"[1]", b"{}")):
        web.bodies["/vot2014/description.json"] = body
        with pytest.raises(InputError, match=r"description\.json"):
            getting.plan("vot2014", ["ball"], tmp_path / str(number))


# ---------------------------------------------------------------- without a direct address


def test_the_others_have_a_page_and_what_to_put_where(paper: Path) -> None:
    words = raised(call("get", "lasot"), InputError)
    assert "lasot/download.html" in words and "dat data link lasot FOLDER" in words
    assert "no data set 'nosuch'" in raised(call("get", "nosuch"), InputError)


def test_every_set_of_the_paper_profile_has_a_page() -> None:
    from dat.base import params

    assert set(params.load(small.ROOT / "profiles/paper").root.datasets) <= set(getting.PAGES)


def test_an_embedded_set_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small.profile(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "dat synthetic otb100" in raised(call("get", "otb100"), InputError)


def test_downloads_without_a_checksum_are_pinned() -> None:
    assert not public.Source("a.zip", "http://x/a.zip", "sha256:").checked
