"""`dat weights get` against a server on this machine that resumes, breaks off, lies, or does not resume."""

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dat import cli
from dat.cli import downloads, weights
from dat.cli.downloads import Source
from dat.errors import InputError, JobError

BODY = bytes(range(256)) * 12000  # 3 MB: more than a piece


@dataclass
class Web:
    """What the server does, and the requests that it saw: the first byte asked for and sent."""

    body: bytes = BODY
    ranges: bool = True
    partial: bool = False  # calls an answer partial that is from the beginning
    breaks: int | None = None  # bytes after which the connection is cut
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def web() -> Iterator[Web]:
    found = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            found.asked.append(wanted)
            if found.status is not None:
                self.send_error(found.status)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and found.ranges else 0
            if start >= len(found.body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(found.body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            partly = wanted and (found.ranges or found.partial)
            self.send_response(206 if partly else 200)
            if partly:
                self.send_header("Content-Range", f"bytes {start}-{len(found.body) - 1}/{len(found.body)}")
            self.send_header("Content-Length", str(len(found.body) - start))
            self.end_headers()
            piece = found.body[start:]
            self.wfile.write(piece if found.breaks is None else piece[: found.breaks])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_port}/weights.bin"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def source(web: Web) -> Source:
    checksum = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
    return Source("weights.bin", web.address, checksum, "nobody's", "network.vgg16", len(BODY))


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_file_is_fetched_once(web: Web, source: Source, tmp_path: Path) -> None:
    place = downloads.fetch(source, tmp_path / "new")
    assert place.read_bytes() == BODY and names(tmp_path / "new") == ["weights.bin"]
    downloads.fetch(source, tmp_path / "new")
    assert web.asked == [None]


@pytest.mark.parametrize("size", [len(BODY), None])
def test_cut_half_way_the_same_call_goes_on(web: Web, source: Source, tmp_path: Path, size: int | None) -> None:
    web.breaks, source = 2_000_000, replace(source, bytes=size)
    with pytest.raises(JobError, match=r"broke off after \d+ bytes; the same command goes on"):
        downloads.fetch(source, tmp_path)
    kept = (tmp_path / "weights.bin.part").stat().st_size
    assert 1_000_000 < kept <= 2_000_000 and names(tmp_path) == ["weights.bin.part"]
    web.breaks = None
    assert downloads.fetch(source, tmp_path).read_bytes() == BODY
    assert web.asked == [None, f"bytes={kept}-"] and names(tmp_path) == ["weights.bin"]


@pytest.mark.parametrize("partial", [False, True])
def test_a_server_that_does_not_resume_starts_over(
    web: Web, source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str], partial: bool
) -> None:
    web.ranges, web.partial = False, partial
    (tmp_path / "weights.bin.part").write_bytes(b"x" * 1000)
    assert downloads.fetch(source, tmp_path).read_bytes() == BODY
    assert "does not resume" in capsys.readouterr().err


@pytest.mark.parametrize("body", [BODY[:-1] + b"!", BODY[:-1], b"<html>moved</html>"])
def test_wrong_bytes_leave_nothing(web: Web, source: Source, tmp_path: Path, body: bytes) -> None:
    web.body = body
    with pytest.raises(InputError, match=r"not the file expected .*nothing is kept"):
        downloads.fetch(source, tmp_path)
    assert names(tmp_path) == []


def test_a_spoilt_beginning_is_found_and_dropped(web: Web, source: Source, tmp_path: Path) -> None:
    (tmp_path / "weights.bin.part").write_bytes(b"?" + BODY[1:1000])
    with pytest.raises(InputError, match="nothing is kept"):
        downloads.fetch(source, tmp_path)
    assert downloads.fetch(source, tmp_path).read_bytes() == BODY


def test_a_part_that_is_whole_is_only_checked(web: Web, source: Source, tmp_path: Path) -> None:
    (tmp_path / "weights.bin.part").write_bytes(BODY)
    assert downloads.fetch(source, tmp_path).read_bytes() == BODY
    assert web.asked == [f"bytes={len(BODY)}-"]


def test_a_part_that_is_too_long_is_removed(web: Web, source: Source, tmp_path: Path) -> None:
    (tmp_path / "weights.bin.part").write_bytes(BODY + b"more")
    with pytest.raises(JobError, match=r"is shorter than weights\.bin\.part, which is removed"):
        downloads.fetch(source, tmp_path)
    assert names(tmp_path) == []


def test_another_file_in_its_place_is_refused_and_left(web: Web, source: Source, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"weights\.bin: not the file of .*remove it"):
        downloads.fetch(source, tmp_path)
    assert (tmp_path / "weights.bin").read_bytes() == b"mine" and web.asked == []


@pytest.mark.parametrize("status", [404, 500])
def test_an_error_of_the_server_is_named(web: Web, source: Source, tmp_path: Path, status: int) -> None:
    web.status = status
    with pytest.raises(JobError, match=rf"{status} .*put a copy at .*weights\.bin"):
        downloads.fetch(source, tmp_path)
    assert names(tmp_path) == []


def test_offline_is_one_message(source: Source, tmp_path: Path) -> None:
    nobody = replace(source, address="http://127.0.0.1:9/weights.bin")
    with pytest.raises(JobError, match=r"cannot be reached; go online, or put a copy of the file at .*weights\.bin"):
        downloads.fetch(nobody, tmp_path)


def test_a_git_checksum_is_gits(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(BODY)
    said = subprocess.run(
        ["git", "hash-object", "weights.bin"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    source = Source("weights.bin", "", f"git:{said[:7]}", "", "")
    assert downloads.matches(tmp_path / "weights.bin", source)
    assert not downloads.matches(tmp_path / "weights.bin", replace(source, checksum="git:0000000"))


def test_the_command_shows_the_licence_first_and_says_what_to_set(
    web: Web, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights, "PUBLIC", {"small": source})
    fetch = downloads.fetch

    def watched(wanted: Source, folder: Path) -> Path:
        assert "licence: nobody's" in capsys.readouterr().out and web.asked == []
        return fetch(wanted, folder)

    monkeypatch.setattr(weights, "fetch", watched)
    cli.run_in_process(["weights", "get", "small", "--to", str(tmp_path)])
    assert (tmp_path / "weights.bin").read_bytes() == BODY
    assert f"network.vgg16: {tmp_path / 'weights.bin'} in params.yaml" in capsys.readouterr().out


def test_unless_told_otherwise_it_goes_below_the_profile(
    web: Web, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights, "PUBLIC", {"small": source})
    (tmp_path / "params.yaml").write_text((Path(__file__).parents[2] / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    cli.run_in_process(["weights", "get", "small"])
    assert (tmp_path / "data" / "weights" / "weights.bin").read_bytes() == BODY
    assert "network.vgg16: data/weights/weights.bin in params.yaml" in capsys.readouterr().out


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(InputError, match=r"'vgg19'; there are: vgg-m, vgg16, mdnet-vot-otb, mdnet-imagenet-vid"):
        cli.run_in_process(["weights", "get", "vgg19"])


def test_the_list_says_where_from_and_on_what_terms(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run_in_process(["weights", "list"])
    said = capsys.readouterr().out
    for source in weights.PUBLIC.values():
        assert all(part in said for part in (source.address, source.licence, source.checksum, source.param))


def test_vgg16_is_torchvisions_own_file() -> None:
    from torchvision.models import VGG16_Weights

    assert weights.PUBLIC["vgg16"].address == VGG16_Weights.IMAGENET1K_V1.url
