"""The page of one number: every thing of its graph once, links that lead somewhere, no network, nothing but text."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from dat import records
from dat.audit import origin, picture, tree, webpage
from dat.audit.checks import Audit, Check, Node
from dat.audit.origin import Origin
from dat.audit.walk import Walk
from dat.base import params
from dat.cli import run_in_process

ADDRESS = "otb100/dat-jtnl/success"
MARKUP = '<img src="x">&"\'</details>'


def rendered(home: Path, text: str = ADDRESS) -> tuple[Audit, str]:
    walk = Walk(params.load(home))
    (address,) = walk.resolve(text)
    audit = walk.audit(address)
    return audit, webpage.render(walk, audit, origin.of(walk, address))


class Page(HTMLParser):
    """Collects ids, links, what a page would fetch, and which elements are open at the end."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self.tags.append(tag)
        self.ids += [facts["id"]] if facts.get("id") else []
        self.links += [link for key in ("href", "src") if (link := facts.get(key))]
        self.open += [tag] if tag not in ("meta", "br") else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_shared_thing_stands_beside_those_that_rest_on_it() -> None:
    r"""n - a - w - f, n - b - w, b - own: w stands below n, f below w, own below b."""
    frames = Node("raw", "f")
    weights, own = Node("stage", "w", [], [frames]), Node("raw", "own")
    one, other = Node("sequence", "a", [], [weights]), Node("sequence", "b", [], [weights, own])
    root = tree.of(Node("number", "n", [], [one, other]))
    below = {place.node.subject: [inner.node.subject for inner in place.below] for place in root.walk()}
    assert below == {"n": ["a", "b", "w"], "a": [], "b": ["own"], "own": [], "w": ["f"], "f": []}
    elsewhere = {place.node.subject: [node.subject for node in place.elsewhere] for place in root.walk()}
    assert elsewhere == {"n": [], "a": ["w"], "b": ["w"], "own": [], "w": [], "f": []}


@pytest.mark.parametrize("address", [ADDRESS, "table/3/dat-jtnl/otb100-success", "train/gpgnet/jtnl/loss",
                                     "vot2016/pymdnet/Ring/failures"])  # fmt: skip
def test_every_thing_of_the_graph_stands_on_the_page_once(run: Path, address: str) -> None:
    audit, html = rendered(run, address)
    page = Page(html)
    assert page.open == [] and len(page.ids) == len(set(page.ids))
    things = list(audit.node.below())[1:]
    steps = html[html.index('class="steps"') : html.index("</ol>")]
    assert {node.name for node in audit.node.below()} <= set(webpage.KINDS), "the page has words for each kind"
    assert sum(int(number) for number in re.findall(r"(\d+) [a-z]", steps)) == len(things) + 1
    assert set(page.ids) == {f"n{number}" for number in range(1, len(things) + 1)} | {"close", "rests"}
    assert all(link[0] == "#" and link[1:] in page.ids for link in page.links)
    assert all(node.subject in html for node in things)


def test_the_picture_has_a_box_for_each_thing_that_opens_it(run: Path) -> None:
    audit, html = rendered(run)
    nodes = list(audit.node.below())
    ids = {id(node): f"n{number}" for number, node in enumerate(nodes)}
    made = picture.of(audit.node, ids, lambda node: node.subject)
    drawn = {box.id: box for box in made.boxes}
    assert drawn.keys() == {ids[id(node)] for node in nodes if node.name != "raw"}
    assert len({(box.x, box.y) for box in made.boxes}) == len(made.boxes), "no box covers another"
    pairs = [(node, child) for node in nodes for child in dict.fromkeys(node.children) if child.name != "raw"]
    assert all(drawn[ids[id(a)]].x < drawn[ids[id(b)]].x for a, b in pairs) and len(made.lines) == len(pairs)
    assert max(box.x for box in made.boxes) + picture.WIDTH == made.width
    svg = html[html.index("<svg") : html.index("</svg>")]
    assert set(re.findall(r'href="#(n\d+)"', svg)) == drawn.keys() - {"n0"} and svg.count("<path") == len(pairs)
    assert "gpgnet@jtnl" in svg and ">Wall<" in svg


def test_modules_lead_to_the_checkouts_files(run: Path, tmp_path: Path) -> None:
    walk = Walk(params.load(run))
    (address,) = walk.resolve(ADDRESS)
    audit, out = walk.audit(address), tmp_path / "a b" / "page.html"
    webpage.write(out, walk, audit, origin.of(walk, address))
    links = [unquote(link) for link in Page(out.read_text()).links if link[0] != "#"]
    wanted = records.read_json(run / "results/otb100/dat-jtnl@seed-0/Wall.json")["code"]
    assert wanted and all(any(link.endswith(f"/{name}") for link in links) for name in wanted)
    assert all((out.parent / link).is_file() for link in links if link.endswith("regions/boxes.py"))


def test_what_stands_elsewhere_is_linked(run: Path) -> None:
    assert len(Page(rendered(run)[1]).links) > 3


def test_hashes_settings_code_sentences_and_values_are_shown(run: Path) -> None:
    _, html = rendered(run)
    record = records.read_json(run / "results/otb100/dat-jtnl@seed-0/Wall.json")
    shown = [*(fact["sha256"] for fact in [*record["outputs"], *record["inputs"]]), *record["code"].values()]
    shown += [*record["code"], *record["params"], record["key"], "torch 2.15.0", "dat benchmark otb100"]
    for fact in records.read_json(run / "weights/gpgnet/jtnl/record.json")["outputs"]:
        shown += [fact["path"], fact["sha256"]]
    shown += [records.sha256_file(run / f"data/otb100/Wall/img/{frame:04}.jpg") for frame in (1, 12)]
    scores = records.read_json(run / "reports/metrics/otb100.json")["trackers"]["dat-jtnl@seed-0"]["sequences"]
    shown += [f"{one['success']:.6g}" for one in scores.values()]
    assert [text for text in shown if f">{text}<" not in html and text not in html] == []
    others = run / "results/otb100/pymdnet@seed-0/Wall.txt"
    assert records.sha256_file(others) not in html and "pymdnet@seed-0" not in html


def test_the_page_has_the_same_bytes_again_and_needs_no_network(run: Path) -> None:
    html = rendered(run)[1]
    assert html == rendered(run)[1]
    assert not re.search(r"https?:|url\(|@import", html) and not {"img", "link", "iframe"} & set(Page(html).tags)


def test_what_does_not_hold_is_named_first(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy", symlinks=True))
    (copy / "data/otb100/Wall/img/0003.jpg").write_bytes(b"another picture")
    html = rendered(copy)[1]
    first = html[html.index("What does not hold") : html.index("What it rests on")]
    assert "Wall/img/0003.jpg" in first and '<p class="verdict differs">' in html


def test_names_are_shown_as_text(run: Path) -> None:
    walk = Walk(params.load(run))
    kinds = [*webpage.KINDS][1:]
    failed = Check("code", "differs", MARKUP, MARKUP, MARKUP + "2")
    shared = [Node(kind, f"{MARKUP} {kind}", [failed], [], {MARKUP}) for kind in kinds]
    raw = [Node("raw", f"{MARKUP} {number}") for number in range(webpage.FEW + 1)]
    root = Node("number", ADDRESS, [failed], [Node("sequence", MARKUP, [], shared), *shared, *raw])
    html = webpage.render(walk, Audit(MARKUP, 0.5, root), Origin({"hosts": [MARKUP], "commits": [MARKUP]}))
    assert "<img" not in html and html.count("&lt;img") > 20
    assert Page(html).open == []


def test_many_raw_sequences_are_a_line_each(run: Path) -> None:
    walk = Walk(params.load(run))
    raw = [Node("raw", f"testing/otb100.jsonl {name}") for name in ("Wall", *map(str, range(webpage.FEW)))]
    html = webpage.render(walk, Audit(ADDRESS, 0.5, Node("number", ADDRESS, [], raw)), Origin({}))
    row = walk.results.sequences("testing/otb100.jsonl")["Wall"].row
    assert f'<td>12 frames</td><td></td><td class="hash">{row["digest"]}</td>' in html
    assert row["files"][0][2] not in html


def test_the_command_writes_the_page_of_one_number(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    run_in_process(["audit", ADDRESS, "--html", str(tmp_path / "a.html")])
    written = re.sub(r'<a href="[^#"][^"]*">([^<]*)</a>', r"\1", (tmp_path / "a.html").read_text())
    assert written == rendered(run)[1], "but for the links to code"


@pytest.mark.parametrize("names", [["all"], [ADDRESS, "vot2016/pymdnet/eao"], ["run.json"]])
def test_a_page_of_many_numbers_is_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="--html is of one number"):
        run_in_process(["audit", *names, "--html", str(tmp_path / "a.html")])
