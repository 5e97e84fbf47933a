"""The numbers that the report's page shows, read from its HTML by their addresses."""

from html.parser import HTMLParser
from pathlib import Path

from dat.base import outside
from dat.base.errors import DatError

ADDRESS = "data-address"


class _Numbers(HTMLParser):
    """Collects the text of each element that has an address; of one with a bold part, that part's."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, list[str]] = {}
        self._address, self._tag, self._bold = "", "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(ADDRESS)
        if address:
            self._address, self._tag, self._bold = address, tag, False
            self.shown.setdefault(address, []).append("")
        elif self._address and tag == "b":
            self._bold = True
            self.shown[self._address][-1] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == self._tag or (self._bold and tag == "b"):
            self._address, self._tag = "", ""

    def handle_data(self, data: str) -> None:
        if self._address:
            self.shown[self._address][-1] += data.strip()


def numbers(path: Path) -> dict[str, list[str]]:
    """What the page shows at each address; empty where there is no page that can be read."""
    parser = _Numbers()
    try:
        parser.feed(outside.read_text(path))
    except (DatError, OSError):
        return {}
    return parser.shown


def shows(text: str, value: float) -> bool:
    """Whether a text is this value, rounded to the text's decimals or to four significant ones."""
    decimals = len(text.partition(".")[2])
    return text in (f"{value:.{decimals}f}", f"{value:.4g}")
