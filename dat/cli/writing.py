"""A page on this machine to write sentences: each target's first frame with its box, and a line to type in.

It answers on the loopback alone, to its own name (no other site's name that was made to lead here), below an address
that nobody else can guess, and to forms that it sent itself. Plain forms and links: it works without scripts.
"""

import html
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from dat.base.errors import DatError, InputError
from dat.datasets.sentences import WORDS

MOST = 1 << 14
"""Bytes of a form: a sentence is a few dozen words."""

CLOSED = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"


@dataclass(frozen=True)
class PageState:
    """What the page works on: the targets' names, a target's picture (JPEG), all sentences now, and how to save one."""

    name: str
    targets: Sequence[str]
    picture: Callable[[str], bytes]
    sentences: Callable[[], Mapping[str, str]]
    save: Callable[[str, str], None]


class Server(ThreadingHTTPServer):
    """The page's server; `address` is where it is to be opened."""

    daemon_threads = True

    def __init__(self, state: PageState) -> None:
        self.state, self.token, self.lock = state, secrets.token_urlsafe(16), threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}

    @property
    def address(self) -> str:
        """The first target without a sentence."""
        return f"http://127.0.0.1:{self.server_port}/{self.token}/{self.next(-1)}"

    def next(self, place: int) -> int:
        """The first target after `place` that has no sentence, from the top where there is none; else the next one."""
        number, written = len(self.state.targets), self.state.sentences()
        order = [(place + step) % number for step in range(1, number + 1)]
        return next((one for one in order if self.state.targets[one] not in written), order[0])


class Handler(BaseHTTPRequestHandler):
    """Answers for one target a page: `/TOKEN/<number>` is its form, `/TOKEN/<number>.jpg` its picture."""

    server: Server
    timeout = 60

    def do_GET(self) -> None:
        """A page or a picture."""
        if (place := self._place()) is None:
            return
        target = self.server.state.targets[place]
        if not self.path.endswith(".jpg"):
            self._page(place)
            return
        try:
            self._send(200, self.server.state.picture(target), "image/jpeg")
        except (DatError, OSError) as error:
            self._send(404, str(error).encode(), "text/plain; charset=utf-8")

    def do_POST(self) -> None:
        """Save a sentence, then lead to the next target without one."""
        if (place := self._place()) is None:
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MOST:
            self._send(413, b"a form of this page is shorter", "text/plain")
            return
        form = parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"))
        text = " ".join(form.get("sentence", [""])[0].split())
        try:
            if not text:
                raise InputError("no sentence: write one, or go on without")
            if (words := len(text.split())) > WORDS:
                raise InputError(f"{words} words, of which {WORDS} would be read: shorten it; nothing is saved")
            with self.server.lock:
                self.server.state.save(self.server.state.targets[place], text)
        except (DatError, OSError) as error:
            self._page(place, text, str(error))
            return
        self.send_response(303)
        self.send_header("Location", f"/{self.server.token}/{self.server.next(place)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _place(self) -> int | None:
        """The target's number that the address names; None where the answer was a refusal."""
        origin = self.headers.get("Origin")
        if self.headers.get("Host") not in self.server.hosts or (
            origin is not None and origin.removeprefix("http://") not in self.server.hosts
        ):
            self._send(403, b"this page answers on its own machine, under its own name", "text/plain")
            return None
        _, token, *rest = f"{self.path}/".split("/")
        number = rest[0].removesuffix(".jpg") if rest else ""
        known = secrets.compare_digest(token.encode(), self.server.token.encode())
        right = number.isascii() and number.isdigit() and int(number[:9]) < len(self.server.state.targets)
        if not known or not right:
            self._send(404, b"no such page: open the address that the command printed", "text/plain")
            return None
        return int(number)

    def _page(self, place: int, text: str | None = None, wrong: str = "") -> None:
        """The form of a target with its sentence, or with one that was refused."""
        state, number, written = self.server.state, len(self.server.state.targets), self.server.state.sentences()
        have = sum(target in written for target in state.targets)
        text = written.get(state.targets[place], "") if text is None else text
        page = PAGE.format(
            title=html.escape(f"{state.name}: {state.targets[place]}"),
            count=f"target {place + 1} of {number}; {have} have a sentence",
            place=place,
            before=(place - 1) % number,
            after=(place + 1) % number,
            text=html.escape(text, quote=True),
            wrong=html.escape(wrong),
            done="All have one: end the command with Ctrl-C, or go on correcting." if have == number else "",
        )
        self._send(200, page.encode(), "text/html; charset=utf-8")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CLOSED)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "same-origin")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 16px sans-serif; margin: 1rem auto; max-width: 60rem }}
img {{ max-width: 100%; max-height: 70vh }}
input {{ font: inherit; width: 100%; box-sizing: border-box; padding: .4rem }}
.wrong {{ color: #a00 }}
</style>
<h1>{title}</h1>
<p>{count}</p>
<img src="{place}.jpg" alt="the first frame, the target in a yellow box">
<form method="post" action="{place}">
<p><label for="sentence">What tells the target in the box from everything else here, in at most 16 words</label>
<input id="sentence" name="sentence" value="{text}" autofocus autocomplete="off" maxlength="400"></p>
<p class="wrong" role="alert">{wrong}</p>
<p><button>Save, and on (Enter)</button>
<a accesskey="p" href="{before}">the one before</a>
<a accesskey="n" href="{after}">the next one</a></p>
</form>
<p>{done}</p>
</html>
"""
