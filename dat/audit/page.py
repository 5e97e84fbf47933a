"""The numbers that the report's page shows, read from its HTML by their addresses."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from dat.audit.addresses import Address
from dat.audit.printed import decimals
from dat.base import outside
from dat.base.errors import DatError

ADDRESS = "data-address"
VOID = ("br", "hr", "img", "input", "wbr")
"""Elements of HTML without an end."""


@dataclass
class Cell:
    """All the text of an element that has an address: what stands beside it in small print, and the rest."""

    number: str = ""
    small: list[str] = field(default_factory=list)

    def wrong(self, number: str, small: Sequence[str]) -> str:
        """What of it is neither this number nor one of these texts in small print; empty where nothing is."""
        others = [text for text in self.small if text.strip() not in small]
        return ", ".join([self.number.strip()] * (self.number.strip() != number) + others)


class _Numbers(HTMLParser):
    """Collects the text of each element that has an address."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, list[Cell]] = {}
        self._open: list[str] = []
        self._cell = Cell()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(ADDRESS)
        if address:
            self._open, self._cell = [tag], Cell()
            self.shown.setdefault(address, []).append(self._cell)
        elif self._open and tag not in VOID:
            self._open.append(tag)
            if tag == "small":
                self._cell.small.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            last = len(self._open) - 1 - self._open[::-1].index(tag)
            self._open = self._open[:last]

    def handle_data(self, data: str) -> None:
        if "small" in self._open:
            self._cell.small[-1] += data
        elif self._open:
            self._cell.number += data


class _Rows(HTMLParser):
    """Collects the texts of the cells of each table's row, with the row's line, by the section or figure around it."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, list[tuple[int, list[str]]]] = {}
        self._within = self.rows.setdefault("", [])
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("id")
        if tag in ("section", "figure") and name:
            self._within = self.rows.setdefault(name, [])
        if tag == "tr":
            self._within.append((self.getpos()[0], []))
        if tag in ("small", "br"):
            self.handle_data(" ")
        self._in_cell = tag in ("td", "th") or (self._in_cell and tag != "tr")
        if tag in ("td", "th") and self._within:
            self._within[-1][1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th", "tr")

    def handle_data(self, data: str) -> None:
        if self._in_cell and self._within and self._within[-1][1]:
            self._within[-1][1][-1] += data


def rows(path: Path) -> dict[str, list[tuple[int, list[str]]]]:
    """The rows of the page's tables, line and the texts of the cells, by the name of the section or figure.

    Raises InputError when the page cannot be read.
    """
    parser = _Rows()
    parser.feed(outside.read_text(path))
    return {
        name: [(line, [cell.strip() for cell in cells]) for line, cells in found] for name, found in parser.rows.items()
    }


def numbers(path: Path) -> dict[str, list[Cell]]:
    """What the page shows at each address; empty where there is no page that can be read."""
    parser = _Numbers()
    try:
        parser.feed(outside.read_text(path))
    except (DatError, OSError):
        return {}
    return parser.shown


def text(address: Address, value: float) -> str:
    """A number as the page prints it: scores with fixed decimals, of a training's metrics whole numbers as such and
    others with four significant digits."""
    if address.kind == "train":
        return f"{value:.0f}" if float(value).is_integer() and abs(value) >= 1 else f"{value:.4g}"
    return f"{value:.{decimals(address.metric) if address.kind == 'table' else 3}f}"
