"""The page of `dat data sentences write`: what it saves, what it refuses, and in a browser by the keyboard alone."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from dat import records
from dat.base.errors import InputError
from dat.cli.writing import MOST, PageState, Server
from dat.datasets import sentences
from tests.parts import small_sets as small

CHROMIUM = shutil.which("chromium")


class Page:
    """The page of three targets, and the requests of a browser."""

    def __init__(self) -> None:
        self.written = {"Disc": "the disc"}
        self.server = Server(
            PageState("set", ["Star", "Disc", "<Box>"], self.picture, lambda: self.written, self.written.__setitem__)
        )
        self.root = f"/{self.server.token}"

    @staticmethod
    def picture(name: str) -> bytes:
        if name == "Disc":
            raise InputError("Disc: no image")
        return b"\xff\xd8" + name.encode()

    def ask(
        self, path: str, body: str | None = None, method: str = "", **headers: str | None
    ) -> http.client.HTTPResponse:
        """Sends exactly these headers; the answer with its body in `text`."""
        port = self.server.server_port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        whole = {"Host": f"127.0.0.1:{port}", "Content-Length": None if body is None else str(len(body))} | headers
        connection.putrequest(method or ("GET" if body is None else "POST"), path, skip_host=True)
        for name, value in whole.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(None if body is None else body.encode())
        answer = connection.getresponse()
        answer.text = answer.read().decode("latin-1")
        connection.close()
        return answer


@pytest.fixture
def page() -> Iterator[Page]:
    made = Page()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_it_begins_at_the_first_target_without_a_sentence(page: Page) -> None:
    assert page.server.address == f"http://127.0.0.1:{page.server.server_port}{page.root}/0"
    text = page.ask(f"{page.root}/0").text
    assert "set: Star" in text and "target 1 of 3; 1 have a sentence" in text and "autofocus" in text
    assert page.ask(f"{page.root}/0.jpg").text.endswith("Star")


def test_a_sentence_is_saved_and_the_next_target_without_one_comes(page: Page) -> None:
    answer = page.ask(f"{page.root}/0", urlencode({"sentence": " the  red star,\n left "}))
    assert (answer.status, answer.headers["Location"]) == (303, f"{page.root}/2")
    assert page.written == {"Disc": "the disc", "Star": "the red star, left"}
    answer = page.ask(f"{page.root}/2", urlencode({"sentence": '"<b>&é'}))
    assert answer.headers["Location"] == f"{page.root}/0", "the last one leads on in turn"
    assert page.written["<Box>"] == '"<b>&é'
    text = page.ask(f"{page.root}/2").text
    assert "&lt;Box&gt;" in text and "&quot;&lt;b&gt;&amp;" in text and "<Box>" not in text and "All have one" in text


@pytest.mark.parametrize(("text", "words"), [("  ", "no sentence: write one"), ("a " * 17, "17 words, of which 16")])
def test_what_is_no_sentence_is_said_and_stays_in_the_form(page: Page, text: str, words: str) -> None:
    answer = page.ask(f"{page.root}/0", urlencode({"sentence": text}))
    assert answer.status == 200 and words in answer.text and f'value="{text.strip()}"' in answer.text
    assert set(page.written) == {"Disc"}


def test_what_cannot_be_saved_is_said(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, text: str) -> None:
        raise OSError(28, "No space left on device")

    page.server.state = PageState("set", ["Star"], page.picture, dict, full)
    assert "No space left" in page.ask(f"{page.root}/0", "sentence=star").text
    assert page.ask(f"{page.root}/0.jpg").status == 200


def test_a_picture_that_cannot_be_read_is_said(page: Page) -> None:
    answer = page.ask(f"{page.root}/1.jpg")
    assert (answer.status, answer.text) == (404, "Disc: no image")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("{root}/0", {"Host": "evil.example"}, 403),
        ("{root}/0", {"Host": "evil.example:{port}"}, 403),
        ("{root}/0", {"Host": None}, 403),
        ("{root}/0", {"Origin": "http://evil.example"}, 403),
        ("{root}/0", {"Origin": "null"}, 403),
        ("{root}/0", {"Origin": "https://127.0.0.1:{port}"}, 403),
        ("/0", {}, 404),
        ("/wrong/0", {}, 404),
        ("/", {}, 404),
        ("{root}", {}, 404),
        ("{root}/3", {}, 404),
        ("{root}/-1", {}, 404),
        ("{root}/../../etc/passwd", {}, 404),
        ("{root}/" + "9" * 5000, {}, 404),
        ("{root}/0", {"Content-Length": str(MOST + 1)}, 413),
        ("{root}/0", {"Content-Length": None}, 413),
        ("{root}/0", {"Content-Length": "-1"}, 413),
    ],
)
def test_nothing_else_is_answered(page: Page, path: str, headers: dict[str, str | None], status: int) -> None:
    port = str(page.server.server_port)
    named = {name: value and value.replace("{port}", port) for name, value in headers.items()}
    answer = page.ask(path.replace("{root}", page.root), "sentence=evil", **named)
    assert answer.status == status and set(page.written) == {"Disc"}
    if status != 413:
        assert page.ask(path.replace("{root}", page.root), **named).status == status


def test_its_own_form_and_name_are_answered(page: Page) -> None:
    for name in ("localhost", "127.0.0.1"):
        host = f"{name}:{page.server.server_port}"
        answer = page.ask(f"{page.root}/0", "sentence=star", Host=host, Origin=f"http://{host}")
        assert answer.status == 303
    assert "frame-ancestors 'none'" in page.ask(f"{page.root}/0").headers["Content-Security-Policy"]


def test_it_listens_on_the_loopback_alone(page: Page) -> None:
    assert page.server.socket.getsockname()[0] == "127.0.0.1"


# ---------------------------------------------------------------- the command, and a browser


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """A profile whose otb100, linked, lacks the sentences of two of three targets."""
    settings = small.profile(tmp_path / "paper", synthetic=False)
    lists, table = {"otb100": ["Disc", "Square", "Star"]}, "data/otb100/sentences.csv"
    small.describe(settings, "otb100", name="own-otb100", root="none", lists=lists, sentences=table)
    for name in lists["otb100"]:
        small.otb(tmp_path / "OTB", name, 2)
    records.write_text(settings.path / "data/otb100.path", f"{tmp_path / 'OTB'}\n")
    records.write_text(settings.path / table, "sequence,sentence,annotator,date\nSquare,mine,me,2026-11-25\n")
    return settings.path


@pytest.fixture
def command(profile: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command at work, and the address that it printed."""
    call = [sys.executable, "-m", "dat", "data", "sentences", "write", "otb100", "--annotator", "A. Person"]
    environment = {**os.environ, "PYTHONPATH": str(small.ROOT)}
    with subprocess.Popen(
        call,
        cwd=profile,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    ) as process:
        assert process.stdout is not None
        address = re.match(r"open (http://127\.0\.0\.1:\d+/\S+/\d+) in a browser", process.stdout.readline())
        assert address
        yield process, address[1]
        process.kill()


class Browser:
    """Chromium without a window, driven through its pipe (the DevTools protocol)."""

    def __init__(self, home: Path) -> None:
        down, up = os.pipe(), os.pipe()
        call = f'exec "$0" "$@" 3<&{down[0]} 4>&{up[1]}'
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run"]
        self.process = subprocess.Popen(
            ["bash", "-c", call, str(CHROMIUM), *options, f"--user-data-dir={home}", "about:blank"],
            pass_fds=(down[0], up[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(home)},
        )
        os.close(down[0])
        os.close(up[1])
        self.out, self.into, self.number = os.fdopen(down[1], "wb"), os.fdopen(up[0], "rb"), 0
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session: str | None = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.send("Page.enable")
        self.evaluate("window.seen = 1")

    session: str | None = None

    def _read(self) -> dict[str, Any]:
        data = b""
        while not data.endswith(b"\0"):
            piece = self.into.read(1)
            assert piece, "the browser has gone"
            data += piece
        return json.loads(data[:-1])

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """What the browser answers."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.out.write(json.dumps(message).encode() + b"\0")
        self.out.flush()
        while (answer := self._read()).get("id") != self.number:
            pass
        return answer["result"]

    def loaded(self, method: str, **params: Any) -> None:
        """Send, and wait until a page has loaded after it."""
        self.send(method, **params)
        late = time.monotonic() + 120
        while self.evaluate("window.seen === undefined && document.readyState === 'complete'") is not True:
            assert time.monotonic() < late, f"no page after {method}"
        self.evaluate("window.seen = 1")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        return self.send("Runtime.evaluate", expression=expression)["result"].get("value")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.out.close()
        self.into.close()


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_in_a_browser_the_keyboard_alone_is_enough(
    command: tuple[subprocess.Popen[str], str], profile: Path, tmp_path: Path
) -> None:
    process, address = command
    browser = Browser(tmp_path / "browser")
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
    try:
        browser.loaded("Page.navigate", url=address)
        for name, place in (("Disc", 0), ("Star", 2)):
            assert browser.evaluate("document.title") == f"otb100: {name}"
            assert browser.evaluate("document.images[0].naturalWidth") == 64
            assert browser.evaluate("document.activeElement.id") == "sentence", f"{place} has the focus at once"
            browser.send("Input.insertText", text=f"the {name}, left")
            browser.loaded("Input.dispatchKeyEvent", type="keyDown", **enter)
        assert "All have one" in browser.evaluate("document.body.innerText")
    finally:
        browser.close()
    table = sentences.read(profile / "data/otb100/sentences.csv")
    assert {name: (one.sentence, one.annotator) for name, one in table.items()} == {
        "Disc": ("the Disc, left", "A. Person"),
        "Square": ("mine", "me"),
        "Star": ("the Star, left", "A. Person"),
    }
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert "3 of 3 have a sentence" in process.stdout.read() and process.wait() == 0
