"""The report's page in a browser: Debian's Chromium, without a window, on a made-up run read from disk."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from dat import records
from dat.base import params
from dat.base.params import Settings
from dat.cli import timings
from dat.datasets import manifest
from dat.pipeline.stages import STAGES
from dat.records import Job
from dat.report import players, stage
from dat.report.figures import Figure
from tests.parts import fake_profile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; on Debian: apt-get install chromium")
MARKUP = 'a<img src=x onerror="window.ran=1"> & "b"'
PAGE = "reports/index.html"


def written(home: Path, settings: Settings) -> None:
    """The report of a run, where `dat report` puts it; all figures are the first, since drawings take long."""
    of, drawn = STAGES["report"], stage.write_figures
    inputs = {role: home / path for role, path in of.inputs(settings, "").items()}
    outputs = {role: home / path for role, path in of.outputs(settings, "").items()}

    def first(folder: Path, figures: list[Figure]) -> dict[int, bytes]:
        svg = drawn(folder, figures[:1])[figures[0].number]
        return {figure.number: svg for figure in figures}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "write_figures", first)
        stage.run(Job("", settings, inputs, outputs))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose frames are pictures, one of whose sequences has markup in its name and sentence."""
    home = tmp_path_factory.mktemp("a run")
    settings = fake_profile.build(home)
    picture = cv2.imencode(".jpg", np.full((240, 320, 3), 90, np.uint8))[1].tobytes()
    for path in (home / "data").rglob("*.jpg"):
        path.write_bytes(picture)
    renamed(home, "Wall", MARKUP)
    fake_profile.score(home, settings)
    written(home, settings)
    for path in (home / "runs").glob("*.json"):
        records.write_json(path, {**records.read_json(path), "started": "2026-11-30T06:00:00+00:00"})
    timings.write_run(settings, {"verdict": "reproduced: all of it", "notes": [], "equal": True})
    return home


def renamed(home: Path, old: str, new: str) -> None:
    """Give a sequence of OTB another name, and a sentence with a script."""
    path = home / "testing/otb100.jsonl"
    data = manifest.read(path)
    lists = {name: [new if one == old else one for one in these] for name, these in data.header["lists"].items()}
    rows = [one.row for one in data.sequences.values()]
    row = next(row for row in rows if row["sequence"] == old)
    row |= {"sequence": new, "sentence": "</script><script>window.ran=1</script>"}
    manifest.write(path, data.header | {"lists": lists}, rows)
    for file in (home / "results/otb100").glob(f"*/{old}.*"):
        file.rename(file.with_name(new + file.suffix))


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser: "Browser", home: Path) -> Iterator[Any]:
    """A function that opens a run's page; at the end no script may have failed."""
    errors: list[str] = []
    contexts = []

    def opening(place: Path = home, **facts: Any) -> "Page":
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **facts})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((place / PAGE).as_uri())
        return page

    yield opening
    for context in contexts:
        context.close()
    assert not errors


def played(page: "Page") -> str:
    """What the player says of the frame."""
    page.locator(".player").wait_for()
    return page.locator(".now").inner_text()


def successes(page: "Page") -> list[str]:
    """What table 1 shows of the paper's success on OTB-100, from top to bottom."""
    return [cell.strip() for cell in page.locator("#table-1 tbody td:nth-child(8)").all_text_contents()]


def test_it_opens_with_what_ran_and_whether_it_reproduced(opened: Any) -> None:
    head = opened().locator("header").inner_text()
    assert "reproduced: all of it" in head and "synthetic-otb100" in head and "fake" in head
    assert head.count("not known here") == 2 and "06:00:00 UTC" in head  # commit, machine: the run files have none


def test_accuracy_against_speed_is_drawn_where_the_seconds_are_known(opened: Any, home: Path, tmp_path: Path) -> None:
    """In the page's own files are none: they would differ from run to run."""
    page = opened()
    assert "there is none of this run" in page.locator("#speed .status").inner_text()
    assert page.locator("#speed svg").count() == 0
    copy = Path(shutil.copytree(home, tmp_path / "copy", symlinks=True))
    path = copy / "reports/run.js"
    facts = json.loads(path.read_text().removeprefix("window.datRun = ").removesuffix(";\n"))
    measured = {"fps/otb100/pymdnet": 8.0, "fps/otb100/dat-jtnl": 2.5, "fps/vot2016/pymdnet": 3.0}
    path.write_text(f"window.datRun = {json.dumps(facts | {'measured': measured})};\n")
    page = opened(copy)
    assert page.locator("#speed .status").is_hidden() and page.locator("#speed svg").count() == 1
    assert page.locator("#speed circle").count() == 2 and page.locator("#speed line.ends").count() == 2
    rows = page.locator("#speed li").all_inner_texts()
    success = records.read_json(copy / "reports/metrics/otb100.json")["variants"]["dat-jtnl"]["success"]
    assert rows[0] == f"DAT, target and language: 2.50 frames a second, success {success:.3f}"
    assert rows[1].startswith("pyMDNet: 8.00")
    places = [float(page.locator("#speed circle").nth(at).get_attribute("cx")) for at in (0, 1)]
    assert places[0] < places[1]
    path.write_text(f"window.datRun = {json.dumps(facts | {'measured': measured, 'page': 'of another run'})};\n")
    assert opened(copy).locator("#speed svg").count() == 0


def test_a_table_sorts_by_a_column_and_back(opened: Any) -> None:
    page = opened()
    numbers = [float(cell) for cell in successes(page) if cell != "–"]
    lacks = len(successes(page)) - len(numbers)
    assert len(numbers) > 5 and lacks and numbers != sorted(numbers)
    head = page.locator("#table-1 thead tr:last-child button.sort").nth(6)
    head.click()
    assert [float(cell) for cell in successes(page)[:-lacks]] == sorted(numbers, reverse=True)
    head.press("Enter")
    assert [float(cell) for cell in successes(page)[:-lacks]] == sorted(numbers)
    assert successes(page)[-lacks:] == ["–"] * lacks
    assert page.locator("#table-1 [aria-sort=ascending]").count() == 1


def test_the_papers_other_trackers_are_folded_away(opened: Any) -> None:
    page = opened()
    other = page.locator("#table-1 tbody tr", has_text="SINT++")
    assert not other.is_visible()
    page.locator("#table-1 button.fold").click()
    assert other.is_visible()


def test_a_long_table_is_filtered(opened: Any) -> None:
    page = opened()
    rows = page.locator(".readings tbody tr")
    every = rows.count()
    page.locator("#readings + .card .filter").fill("R15")
    assert 1 <= rows.filter(visible=True).count() < every
    assert "R15" in rows.filter(visible=True).first.inner_text()


def test_a_number_opens_its_provenance(opened: Any) -> None:
    page = opened()
    page.locator("#table-1 [data-address='table/1/dat-jtnl/otb100-success'] a").click()
    panel = page.locator("dialog[open]")
    assert "dat audit table/1/dat-jtnl/otb100-success" in panel.inner_text()
    assert "reports/metrics/otb100.json" in panel.inner_text()


def test_a_sequence_plays_and_is_scrubbed(opened: Any) -> None:
    page = opened()
    assert "of 12" in played(page) and "pyMDNet: overlap" in played(page)
    assert page.locator(".screen polygon").count() == 3
    page.locator(".screen img").wait_for(state="visible")
    page.locator(".scrub").fill("0")
    assert played(page).startswith("Frame 1 of 12")
    page.locator(".on").click()
    assert played(page).startswith("Frame 2 of 12")
    page.locator(".play").click()
    page.wait_for_function("document.querySelector('.now').textContent.startsWith('Frame 12 of')")
    page.wait_for_function("document.querySelector('.play').textContent === 'Play'")
    page.locator(".timeline").click(position={"x": 1, "y": 20})
    assert played(page).startswith("Frame 1 of 12")


def test_differences_and_links_lead_to_a_sequence_and_frame(opened: Any) -> None:
    page = opened()
    played(page)
    page.locator(".differences a", has_text="Star").first.click()
    page.wait_for_function("document.querySelector('select[name=sequence]').value === 'Star'")
    page.evaluate("location.hash = '#play/vot2016/Ring/pymdnet@seed-0/csrdcf@seed-0/5'")
    page.wait_for_function("document.querySelector('.now').textContent.startsWith('Frame 6 of')")
    assert page.locator("select[name=second]").input_value() == "csrdcf@seed-0"


def test_a_point_of_a_curve_leads_to_the_frames_that_decide_it(opened: Any, home: Path) -> None:
    """As many as the curve falls by there, over the sequences of the subset."""
    scores = json.loads((home / "reports/metrics/otb100.json").read_text())["subsets"]["otb100-similar"]
    curve = scores["trackers"]["dat-jtnl@seed-0"]["curves"]["success"]
    at = max(range(20), key=lambda index: curve[index] - curve[index + 1])
    frames = round((curve[at] - curve[at + 1]) * 2 * fake_profile.FRAMES)
    page = opened()
    page.locator("#figure-10 summary", has_text="Points").click()
    page.locator(f"[data-address='figure/10/dat-jtnl-success/{at / 20:.10g}'] + td button").click()
    page.locator(".deciding a").first.wait_for()
    assert frames > 0 and page.locator(".deciding a").count() == frames
    page.locator(".deciding a").first.click()
    page.wait_for_function("document.querySelector('select[name=first]').value === 'dat-jtnl@seed-0'")


def test_on_a_phone_nothing_is_cut_off(opened: Any) -> None:
    page = opened(viewport={"width": 390, "height": 844})
    played(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    cut = page.evaluate(
        "[...document.querySelectorAll('.verdict, .drawing svg, .drawing img, .player select, .buttons button')]"
        ".filter(one => one.getBoundingClientRect().right > 390 || one.getBoundingClientRect().left < 0)"
        ".map(one => one.closest('[id]').id + ' ' + one.textContent)"
    )
    assert cut == [] and page.locator(".verdict").count() > 1


def test_on_a_desk_the_tables_in_short_and_of_the_paper_are_whole(opened: Any) -> None:
    page = opened()
    wide = page.evaluate(
        "[...document.querySelectorAll('#brief .scroll, [id^=table-] .scroll')]"
        ".filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.closest('[id]').id)"
    )
    assert wide == []


def test_in_the_dark_paper_is_dark_and_words_are_light(opened: Any) -> None:
    colours = "one => ['backgroundColor', 'color'].map(name => getComputedStyle(document.querySelector(one))[name])"
    for scheme, is_dark in (("dark", True), ("light", False)):
        page = opened(color_scheme=scheme)
        for one in ("header", "#players", "dialog"):
            paper, words = (sum(map(int, text[4:-1].split(","))) for text in page.evaluate(colours, one))
            assert (paper < words) is is_dark and abs(paper - words) > 300


def test_markup_of_a_data_set_is_shown_as_text(opened: Any) -> None:
    page = opened()
    played(page)
    page.locator(".differences a", has_text=MARKUP).first.click()
    page.wait_for_function("document.querySelector('.sentence').textContent.includes('</script>')")
    assert MARKUP in page.locator("select[name=sequence]").inner_text()
    assert page.evaluate("window.ran") is None


# ---------------------------------------------------------------- what is not there


@pytest.fixture
def copied(home: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(home, copy, symlinks=True)
    return copy


def test_frames_that_have_gone_are_said_in_place(opened: Any, copied: Path) -> None:
    shutil.rmtree(copied / "data/otb100")
    page = opened(copied)
    assert "overlap" in played(page)
    page.locator(".gone").wait_for()
    assert "data/otb100" in page.locator(".gone").inner_text() and "dvc repro" in page.locator(".gone").inner_text()
    assert page.locator(".screen polygon").count() == 3


def test_no_finished_sequence_and_a_variant_that_never_ran(opened: Any, copied: Path) -> None:
    settings = params.load(copied)
    shutil.rmtree(copied / "results/otb100/pymdnet@seed-0")
    players.write(copied / "reports/players", settings, copied / "results", copied / "testing", {})
    page = opened(copied)
    page.evaluate("location.hash = '#play/otb100/Star///'")
    page.wait_for_function("document.querySelector('select[name=benchmark]').value === 'otb100'")
    assert "Never run: pyMDNet; dvc repro benchmark@otb100" in page.locator(".player .lacks").inner_text()
    shutil.rmtree(copied / "results")
    players.write(copied / "reports/players", settings, copied / "results", copied / "testing", {})
    page = opened(copied)
    assert "No sequence is finished yet: dvc repro" in page.locator("#players .status").inner_text()
    assert page.locator("#table-1").is_visible() and not page.locator(".player").is_visible()


def test_without_the_players_files_the_page_says_what_makes_them(opened: Any, copied: Path) -> None:
    shutil.rmtree(copied / "reports/players")
    page = opened(copied)
    assert "dvc repro report" in page.locator("#players .status").inner_text()
    assert page.locator("#table-1 tbody tr.own").first.is_visible()
