"""`dat weights get` against a server on this machine that resumes, breaks off, lies, or does not resume."""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks import rehearsal
from dat import cli
from dat.base import params
from dat.base.errors import InputError, JobError, LockedError
from dat.base.public import Source
from dat.cli import downloads, weights

BODY = bytes(range(256)) * 12000  # 3 MB: more than a piece


@dataclass
class Web:
    """What the server does, and the requests that it saw: the first byte asked for and sent."""

    body: bytes = BODY
    ranges: bool = True
    partial: bool = False  # calls an answer partial that is from the beginning
    breaks: int | None = None  # bytes after which the connection is cut
    status: int | None = None
    packed: bool = False  # says that the body is packed
    endless: float | None = None  # a body without end: seconds between its pieces
    moved: str | None = None  # where it sends the client
    asked: list[str | None] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def web() -> Iterator[Web]:
    found, stopped = Web(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            found.asked.append(wanted)
            if found.moved is not None:
                self.send_response(302)
                self.send_header("Location", found.moved)
                self.end_headers()
                return
            if found.endless is not None:
                self.endless(found.endless)
                return
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
            if found.packed:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            piece = found.body[start:]
            self.wfile.write(piece if found.breaks is None else piece[: found.breaks])

        def endless(self, pause: float) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not stopped.wait(pause):
                    self.wfile.write(b"x" * (1 if pause else 1 << 16))

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_port}/weights.bin"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    stopped.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def source(web: Web) -> Source:
    checksum = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
    return Source("weights.bin", web.address, checksum, "nobody's", "network.vgg16", len(BODY))


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def begun(folder: Path) -> Path:
    """Where a download that was begun waits."""
    (folder / ".partial").mkdir()
    return folder / ".partial" / "weights.bin"


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
    kept = (tmp_path / ".partial" / "weights.bin").stat().st_size
    assert 1_000_000 < kept <= 2_000_000 and names(tmp_path) == [".partial"]
    web.breaks = None
    assert downloads.fetch(source, tmp_path).read_bytes() == BODY
    assert web.asked == [None, f"bytes={kept}-"] and names(tmp_path) == ["weights.bin"]


@pytest.mark.parametrize("partial", [False, True])
def test_a_server_that_does_not_resume_starts_over(
    web: Web, source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str], partial: bool
) -> None:
    web.ranges, web.partial = False, partial
    begun(tmp_path).write_bytes(b"x" * 1000)
    assert downloads.fetch(source, tmp_path).read_bytes() == BODY
    assert "does not resume" in capsys.readouterr().err


@pytest.mark.parametrize("body", [BODY[:-1] + b"!", BODY[:-1], b"<html>moved</html>"])
def test_wrong_bytes_leave_nothing(web: Web, source: Source, tmp_path: Path, body: bytes) -> None:
    web.body = body
    with pytest.raises(InputError, match=r"not the file expected .*nothing is kept"):
        downloads.fetch(source, tmp_path)
    assert names(tmp_path) == []


def test_a_spoilt_beginning_is_found_and_dropped(web: Web, source: Source, tmp_path: Path) -> None:
    begun(tmp_path).write_bytes(b"?" + BODY[1:1000])
    with pytest.raises(InputError, match="nothing is kept"):
        downloads.fetch(source, tmp_path)
    assert downloads.fetch(source, tmp_path).read_bytes() == BODY


def test_a_part_that_is_whole_is_only_checked(web: Web, source: Source, tmp_path: Path) -> None:
    begun(tmp_path).write_bytes(BODY)
    assert downloads.fetch(source, tmp_path).read_bytes() == BODY
    assert web.asked == [f"bytes={len(BODY)}-"]


def test_a_part_that_is_too_long_is_removed(web: Web, source: Source, tmp_path: Path) -> None:
    begun(tmp_path).write_bytes(BODY + b"more")
    with pytest.raises(JobError, match="is shorter than what was kept, which is removed"):
        downloads.fetch(source, tmp_path)
    assert names(tmp_path) == []


def test_another_file_in_its_place_is_refused_and_left(web: Web, source: Source, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"weights\.bin: not the file expected .*remove it"):
        downloads.fetch(source, tmp_path)
    assert (tmp_path / "weights.bin").read_bytes() == b"mine" and web.asked == []


@pytest.mark.parametrize("status", [404, 500, 204, 304, 206, 999])
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
    assert "put it below the profile and write network.vgg16: its path there in params.yaml" in capsys.readouterr().out


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


def test_several_are_fetched_by_one_command_if_all_are_known(
    web: Web, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "PUBLIC", {"one": source, "two": replace(source, file="other.bin")})
    with pytest.raises(InputError, match="'three'"):
        cli.run_in_process(["weights", "get", "one", "three", "--to", str(tmp_path)])
    assert web.asked == []
    cli.run_in_process(["weights", "get", "one", "two", "--to", str(tmp_path)])
    assert names(tmp_path) == ["other.bin", "weights.bin"]


def test_the_readmes_line_fetches_what_the_paper_profile_starts_from(
    web: Web, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = [line for line in rehearsal.road() if line[: len(rehearsal.FETCHES)] == rehearsal.FETCHES]
    served = {"address": web.address, "checksum": source.checksum, "bytes": source.bytes}
    monkeypatch.setattr(weights, "PUBLIC", {name: replace(one, **served) for name, one in weights.PUBLIC.items()})
    shutil.copy(Path(__file__).parents[2] / "profiles" / "paper" / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    cli.run_in_process(line[1:])
    network = params.load(tmp_path).root.network
    assert [(tmp_path / name).read_bytes() == BODY for name in (network.vgg_m, network.vgg16)] == [True, True]


def test_the_list_says_where_from_and_on_what_terms(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run_in_process(["weights", "list"])
    said = capsys.readouterr().out
    for source in weights.PUBLIC.values():
        assert all(part in said for part in (source.address, source.licence, source.checksum, source.param))


def test_vgg16_is_torchvisions_own_file() -> None:
    from torchvision.models import VGG16_Weights

    assert weights.PUBLIC["vgg16"].address == VGG16_Weights.IMAGENET1K_V1.url


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("size", [1_000_000, None])
def test_a_body_without_end_is_stopped_at_the_files_size(
    web: Web, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int | None
) -> None:
    monkeypatch.setattr(downloads, "MOST", 2_000_000)
    web.endless, source = 0.0, replace(source, bytes=size)
    with pytest.raises(InputError, match=rf"sends more than {size or 2_000_000} bytes; nothing is kept"):
        downloads.fetch(source, tmp_path)
    assert names(tmp_path) == []


def test_a_body_that_trickles_is_stopped_when_the_time_is_over(
    web: Web, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "SECONDS", 0.4)
    web.endless, start = 0.05, time.monotonic()
    with pytest.raises(JobError, match=r"not done in 0\.4 seconds; the same command goes on"):
        downloads.fetch(source, tmp_path)
    assert time.monotonic() - start < 5


def test_a_chain_of_redirects_ends(web: Web, source: Source, tmp_path: Path) -> None:
    web.moved = web.address
    with pytest.raises(JobError, match=r"leads astray \(Exceeded 5 redirects.*put a copy"):
        downloads.fetch(source, tmp_path)
    assert len(web.asked) == 6 and names(tmp_path) == []


@pytest.mark.parametrize("where", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_nothing_but_http_is_followed(web: Web, source: Source, tmp_path: Path, where: str) -> None:
    web.moved = where
    for address in (web.address, where):
        with pytest.raises(JobError, match="leads astray"):
            downloads.fetch(replace(source, address=address), tmp_path)
    assert names(tmp_path) == []


def test_https_does_not_lead_to_plain_http(source: Source, tmp_path: Path) -> None:
    import requests

    answer = requests.Response()
    answer.status_code, answer.url = 200, "http://127.0.0.1/weights.bin"
    with pytest.raises(JobError, match="not https"):
        downloads._accept(answer, replace(source, address="https://127.0.0.1/weights.bin"), tmp_path, 0)
    downloads._accept(answer, source, tmp_path, 0)


def test_a_packed_body_is_not_unpacked(web: Web, source: Source, tmp_path: Path) -> None:
    web.packed = True
    with pytest.raises(JobError, match="sends it packed"):
        downloads.fetch(source, tmp_path)


@pytest.mark.parametrize("kind", ["symbolic", "hard", "pipe", "folder", "nowhere"])
def test_nothing_is_written_through_a_link(web: Web, source: Source, tmp_path: Path, kind: str) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    elsewhere = tmp_path / "elsewhere"
    if kind in ("folder", "nowhere"):
        elsewhere.mkdir()
        (tmp_path / ".partial").symlink_to(elsewhere if kind == "folder" else elsewhere / "none")
    else:
        part = begun(tmp_path)
        make = {"symbolic": part.symlink_to, "hard": part.hardlink_to, "pipe": lambda _: os.mkfifo(part)}
        make[kind](mine)
    with pytest.raises(InputError, match="remove"):
        downloads.fetch(source, tmp_path)
    assert mine.read_bytes() == b"mine" and web.asked == []
    assert not elsewhere.exists() or not names(elsewhere)


def test_a_link_in_the_files_place_is_replaced_and_not_followed(web: Web, source: Source, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").symlink_to(tmp_path / "nowhere")
    place = downloads.fetch(source, tmp_path)
    assert not place.is_symlink() and place.read_bytes() == BODY and not (tmp_path / "nowhere").exists()


def test_a_second_process_waits_its_turn(web: Web, source: Source, tmp_path: Path) -> None:
    with downloads._own(begun(tmp_path)), pytest.raises(LockedError, match="another process fetches it"):
        downloads.fetch(source, tmp_path)


# ---------------------------------------------------------------- files that nobody published a whole checksum of


@pytest.fixture
def short(source: Source) -> Source:
    blob = hashlib.sha1(b"blob %d\0" % len(BODY) + BODY).hexdigest()
    return replace(source, checksum=f"git:{blob[:7]}")


def test_a_short_checksum_checks_nothing() -> None:
    checked = {name: source.checked for name, source in weights.PUBLIC.items()}
    assert checked == {"vgg-m": True, "vgg16": True, "mdnet-vot-otb": False, "mdnet-imagenet-vid": False}


def test_an_unchecked_file_is_said_to_be_and_pinned(
    web: Web, short: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights, "PUBLIC", {"small": short})
    cli.run_in_process(["weights", "get", "small", "--to", str(tmp_path)])
    said, digest = capsys.readouterr().out, hashlib.sha256(BODY).hexdigest()
    assert (
        "too short to check it" in said and f"unchecked: no full checksum is published; it has sha256 {digest}" in said
    )
    assert (tmp_path / "weights.bin.sha256").read_text() == f"{digest}  weights.bin\n"
    assert "there and right" not in said


def test_another_file_under_the_same_short_checksum_is_refused(
    web: Web, short: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = downloads.fetch(short, tmp_path)
    monkeypatch.setattr(downloads, "matches", lambda path, source: True)  # as a forged file of 28 bits would
    place.write_bytes(b"forged")
    with pytest.raises(InputError, match=r"not the file that was fetched first .*weights\.bin\.sha256"):
        downloads.fetch(short, tmp_path)
    place.unlink()
    web.body = BODY[:-1] + b"?"
    with pytest.raises(InputError, match=r"not the file that was fetched first.*nothing is kept"):
        downloads.fetch(short, tmp_path)
    assert names(tmp_path) == ["weights.bin.sha256"]


HEAD = b"HTTP/1.1 200 OK\r\n"
ODD = {
    "a length of letters": HEAD + b"Content-Length: abc\r\n\r\nxx",
    "a length of thousands of digits": HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nxx",
    "a negative piece": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nxx",
    "moved to a broken address": b"HTTP/1.1 302 F\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
    "moved to no host": b"HTTP/1.1 302 F\r\nLocation: http://a..b/\r\nContent-Length: 0\r\n\r\n",
    "moved nowhere": b"HTTP/1.1 302 F\r\nContent-Length: 0\r\n\r\n",
    "a part that was not asked for": b"HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 2\r\n\r\nxx",
}


@pytest.mark.parametrize("kind", ODD)
def test_an_answer_that_is_no_file_is_told_and_never_pinned(tmp_path: Path, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(ODD[kind])

        thread = threading.Thread(target=answer)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/weights.bin"
        with pytest.raises(JobError, match=r"weights\.bin: .*; .*put a copy .*at .*weights\.bin"):
            downloads.fetch(Source("weights.bin", address, "sha256:"), tmp_path)
        thread.join()
    assert names(tmp_path) == []
