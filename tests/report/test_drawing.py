"""Drawings: the same points give the same bytes, and nothing in them changes from day to day."""

import re
import struct

import pytest

from dat.report import drawing
from dat.report.figures import Figure, Point, Series


def figure(number: int = 8, lift: float = 0.0) -> Figure:
    def series(name: str) -> Series:
        drawn = tuple(Point(f"{x / 4:g}", 1 - x / 5 + lift, name, (0.1, 0.9)) for x in range(5))
        return Series(f"{name}-success", "tc128", "success", name, drawn)

    panels = tuple((title, "x", (series("pymdnet"), series("dat-jtnl"))) for title in ("Success", "Precision"))
    return Figure(number, "Curves", "synthetic-tc128", panels)


@pytest.fixture(scope="module")
def rendered() -> tuple[bytes, bytes]:
    return drawing.render(figure())


def test_the_same_points_give_the_same_bytes(rendered: tuple[bytes, bytes]) -> None:
    assert drawing.render(figure()) == rendered


def test_other_points_give_other_bytes(rendered: tuple[bytes, bytes]) -> None:
    svg, png = drawing.render(figure(lift=0.01))
    assert svg != rendered[0] and png != rendered[1]


def test_no_date_in_either(rendered: tuple[bytes, bytes]) -> None:
    svg, png = rendered
    assert b"<dc:date>" not in svg and not re.search(rb"20[2-9]\d-\d\d-\d\d", svg)
    assert b"tIME" not in png and b"Software" not in png


def test_a_png_of_good_size(rendered: tuple[bytes, bytes]) -> None:
    width, height = struct.unpack(">II", rendered[1][16:24])
    assert width > 1200 and 1 < width / height < 4


def test_figure_7_draws_a_mark_and_an_interval_for_each_tracker_and_the_papers_hollow() -> None:
    pair = tuple(Point(name, 0.3, name, (0.2, 0.4)) for name in ("csrdcf", "csrdcf+attention"))
    eao = Series("eao", "vot2016", "eao", "EAO", pair, paper=(("CCOT", 0.331),))
    axes = drawing.draw(
        Figure(7, "Pair", "a", (("VOT2016", "x", (eao,)),), count="n = 2 sequences, 1 seed", kind="rows")
    ).axes[0]
    lines = axes.get_lines()
    assert [len(line.get_xdata()) for line in lines] == [2, 1, 2, 1, 1]
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        *("CSR-DCF (ours)", "CSR-DCF + attention", "CCOT (paper)"),
    ]
    assert lines[-1].get_markerfacecolor() == "white" and list(lines[-1].get_xdata()) == [0.331]
    assert (axes.get_title(loc="left"), axes.get_xlabel()) == ("EAO", "VOT2016: x")


def test_figure_9_has_true_distances_bands_and_the_papers_values() -> None:
    drawn = tuple(Point(x, 0.5, "nodes", (0.4, 0.6)) for x in ("0", "0.1", "1"))
    series = Series("nodes", "otb2013", "success", "success", drawn, paper=(("0.1", 0.671),))
    figure = Figure(9, "Nodes", "a", (("Nodes", "N", (series,)),), count="n = 4 sequences, 1 seed", kind="amounts")
    made = drawing.draw(figure)
    axes = made.axes[0]
    ours, paper = axes.get_lines()
    assert list(ours.get_xdata()) == [0, 0.1, 1] and list(paper.get_ydata()) == [0.671]
    band = axes.collections[-1]
    assert {tuple(point) for point in band.get_paths()[0].vertices} >= {(0.0, 0.4), (1.0, 0.6)}
    foot = made._supxlabel.get_text()
    assert "n = 4 sequences, 1 seed" in foot and "hollow: the paper's" in foot and "bands: 95 %" in foot


def test_figure_7_begins_at_zero_even_where_all_is_zero_or_unbounded() -> None:
    pair = tuple(Point(name, 0.0, name, (0.0, float("inf"))) for name in ("csrdcf", "csrdcf+attention"))
    panels = (("VOT2014", "x", (Series("r", "vot2014", "r", "R", pair),)),)
    drawn = drawing.draw(Figure(7, "Pair", "a", panels, kind="rows"))
    assert drawn.axes[0].get_xlim() == (0, 1)


@pytest.mark.parametrize("panels", [(), (("Weight", "λ", (Series("lambda", "otb2013", "success", "ours", ()),)),)])
def test_a_figure_without_points_says_so(panels: tuple[tuple[str, str, tuple[Series, ...]], ...]) -> None:
    svg, png = drawing.render(Figure(9, "Nothing", "", panels, kind="amounts"))
    assert svg.count(b"<g id=") > 3 and png.startswith(b"\x89PNG")
