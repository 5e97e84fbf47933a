"""The picture of a number's graph: a box a thing, a column a step away from the number, a line for each "rests on"."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dat.audit.checks import Node, Verdict
from dat.audit.tree import ordered

WIDTH, HEIGHT = 142, 26
"""Of a box, in pixels of the picture."""
ACROSS, DOWN = 176, 34
"""From one column, and from one row, to the next."""
LONGEST = 20
"""Letters of a box's words."""


@dataclass(frozen=True)
class Box:
    """A thing of the graph: `id` is its anchor on the page, (x, y) the box's top left corner."""

    id: str
    words: str
    verdict: Verdict
    x: int
    y: int


@dataclass(frozen=True)
class Picture:
    """Boxes and the lines between them (an SVG path's `d`), and the picture's size in pixels."""

    boxes: list[Box]
    lines: list[str]
    width: int
    height: int


def of(root: Node, ids: Mapping[int, str], words: Callable[[Node], str]) -> Picture:
    """The picture of a graph without cycles. Raw sequences are left out: a data set's box stands for them.

    A thing stands one column further than the furthest thing that rests on it.
    """
    nodes = [node for node in ordered(root) if node.name not in ("raw", "player")]
    columns: dict[int, int] = {id(root): 0}
    for node in nodes:
        for child in node.children:
            columns[id(child)] = max(columns.get(id(child), 0), columns[id(node)] + 1)
    rows, places = dict[int, int](), dict[int, tuple[int, int]]()
    for node in nodes:
        column = columns[id(node)]
        row = rows[column] = rows.get(column, -1) + 1
        places[id(node)] = (ACROSS * column, DOWN * row)
    boxes = [Box(ids[id(node)], _short(words(node)), node.verdict, *places[id(node)]) for node in nodes]
    lines = [
        _line(places[id(node)], places[id(child)])
        for node in nodes
        for child in dict.fromkeys(node.children)
        if id(child) in places
    ]
    width, height = ACROSS * max(rows) + WIDTH, DOWN * max(rows.values()) + HEIGHT
    return Picture(boxes, lines, width, height)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _line(one: tuple[int, int], other: tuple[int, int]) -> str:
    """A curve from a box's right edge to another's left one."""
    (x, y), (u, v) = (one[0] + WIDTH, one[1] + HEIGHT // 2), (other[0], other[1] + HEIGHT // 2)
    middle = (u - x) // 2
    return f"M{x} {y}C{x + middle} {y} {u - middle} {v} {u} {v}"
