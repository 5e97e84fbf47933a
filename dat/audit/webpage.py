"""The audit of one number as a page of its own: the number's graph, to be opened thing by thing, without a network."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from dat.audit import picture, show, tree
from dat.audit.checks import Audit, Check, Node, Verdict, worst
from dat.audit.origin import Origin
from dat.audit.tree import TreeNode
from dat.audit.walk import Walk
from dat.base import used
from dat.base.naming import shown
from dat.records import write_text

KINDS = {
    "number": "number",
    "scores": "file of scores",
    "report": "table of the report",
    "shown": "shown file",
    "pairs": "variant comparison",
    "player": "player",
    "sequence": "tracked sequence",
    "fan-out": "tracking stage",
    "index": "indexing stage",
    "stage": "stage",
    "data set": "data set",
    "training sets": "training comparison",
    "raw": "raw sequence",
    "replay": "sequence tracked again",
    "retrained": "network trained again",
}
"""What the nodes of a graph are called."""

TEMPLATES = ("number.html", "number.css", "number.js")

MOST = 100
"""How many rows of a table are shown; of what is longer, the record is named."""
FEW = 12
"""How many things of a kind stand side by side unfolded; of more raw sequences there is a line each."""

Row = tuple[str, str]


@dataclass(frozen=True)
class Facts:
    """A table of what a record says: its head, some rows, and how many more there are."""

    title: str
    rows: Sequence[Row]
    more: int = 0


@dataclass(frozen=True)
class Group:
    """Things of one kind that stand side by side; `lines` has one for each raw sequence where there are many."""

    kind: str
    verdict: Verdict
    items: Sequence["NodeView"]
    lines: Sequence[tuple[str, Node, Sequence[str]]] = ()

    @property
    def title(self) -> str:
        """How many of what."""
        count = len(self.items) or len(self.lines)
        return f"{count} {self.kind}{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class NodeView:
    """What the page shows of a node: `failed` are its checks that do not hold, `links` what it rests on elsewhere."""

    id: str
    kind: str
    title: str
    verdict: Verdict
    checks: str
    held: Sequence[Check]
    failed: Sequence[Check]
    facts: Sequence[Facts]
    links: Sequence[Row]
    groups: Sequence[Group]


def write(path: Path, walk: Walk, audit: Audit, origin: Origin) -> None:
    """Write the page of one number's audit, its modules as links to the checkout's files.

    The same audit of the same run gives the same bytes, in the same place.
    """
    top = os.path.relpath(walk.settings.top, path.absolute().parent)
    write_text(path, render(walk, audit, origin, quote(Path(top).as_posix())))


def render(walk: Walk, audit: Audit, origin: Origin, top: str = "") -> str:
    """The page as HTML; `top` leads from the page to the checkout, for links to code."""
    from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape

    texts = {name: used.code(f"dat/audit/templates/{name}").decode() for name in TEMPLATES}
    environment = Environment(
        loader=DictLoader(texts), autoescape=select_autoescape(["html"]), undefined=StrictUndefined
    )
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters["shown"] = shown
    nodes = list(audit.node.below())
    ids = {id(node): f"n{number}" for number, node in enumerate(nodes)}
    page = _Page(walk, ids)
    return environment.get_template("number.html").render(
        audit=audit,
        tally=show.tally(audit.checks),
        origin=list(filter(None, [origin.words(audit), *origin.lines()])),
        steps=_steps(nodes),
        differences=show.differences([audit]),
        number=page.thing(tree.of(audit.node)),
        top=top,
        picture=picture.of(audit.node, ids, page.words),
        box=(picture.WIDTH, picture.HEIGHT),
        trusted=show.trusted(),
        few=FEW,
    )


def _steps(nodes: Sequence[Node]) -> list[tuple[str, Verdict]]:
    """What the number rests on, kind by kind, with the verdict of each kind."""
    counts = Counter(node.name for node in nodes)
    steps = []
    for name, kind in KINDS.items():
        if counts[name]:
            verdicts = [check.verdict for node in nodes if node.name == name for check in node.checks]
            steps.append((f"{counts[name]} {kind}{'' if counts[name] == 1 else 's'}", worst(verdicts)))
    return steps


@dataclass(frozen=True)
class _Page:
    """The things of a page; `ids` are the nodes' anchors."""

    walk: Walk
    ids: Mapping[int, str]

    def thing(self, place: TreeNode) -> NodeView:
        """What is shown of a node and of all that stands below it."""
        node = place.node
        checks = show.tally(node.checks) if node.checks else ""
        links = [(self.ids[id(other)], self._title(other)) for other in place.elsewhere]
        kind, title = KINDS.get(node.name, node.name), self._title(node)
        held = [check for check in node.checks if check.verdict == "verified"]
        failed = [check for check in node.checks if check.verdict != "verified"]
        facts = [facts for facts in self._facts(node) if facts.rows]
        return NodeView(
            self.ids[id(node)], kind, title, node.verdict, checks, held, failed, facts, links, self._groups(place)
        )

    def words(self, node: Node) -> str:
        """A few words for a node: a stage's name, a sequence's, or what kind of thing it is."""
        if node.name == "stage":
            return self._title(node).partition(": ")[0]
        if node.name == "sequence":
            return PurePosixPath(node.subject).stem
        if node.name == "data set":
            return f"{len(node.children)} of {PurePosixPath(node.subject).name}"
        return KINDS.get(node.name, node.name)

    def _title(self, node: Node) -> str:
        """A node's name; a stage's and the file that says what it did."""
        record = self.walk.json(node.subject) if node.name == "stage" else {}
        made = (record.get("outputs") or [{}])[0].get("path")
        stage = self.walk.lock.stage_of(made) if made else None
        return f"{stage}: {node.subject}" if stage else node.subject

    def _groups(self, place: TreeNode) -> list[Group]:
        kinds: dict[str, list[TreeNode]] = {}
        for below in place.below:
            kinds.setdefault(below.node.name, []).append(below)
        return [self._group(kinds[name], name) for name in sorted(kinds, key=_rank)]

    def _group(self, places: Sequence[TreeNode], name: str) -> Group:
        verdict = worst([place.node.verdict for place in places])
        if name == "raw" and len(places) > FEW:
            lines = [(self.ids[id(place.node)], place.node, self._row(place.node)) for place in places]
            return Group(KINDS[name], verdict, (), lines)
        return Group(KINDS.get(name, name), verdict, [self.thing(place) for place in places])

    # ------------------------------------------------------------ what records say

    def _facts(self, node: Node) -> list[Facts]:
        if node.name == "raw":
            return self._frames(node)
        name = "reports/index.record.json" if node.name == "report" else node.subject
        if node.name == "number":
            return [self._formula(node)]
        record = (
            self.walk.json(name) if node.name not in ("data set", "training sets", "shown", "player", "pairs") else {}
        )
        places = [place.as_posix() for place in PurePosixPath(node.subject).parents]

        def behind(fact: Mapping[str, Any]) -> bool:
            """Whether the number rests on a file that the record names, itself or below one of the record's folders."""
            return any(
                (place / PurePosixPath(fact["path"])).as_posix() in node.uses for place in map(PurePosixPath, places)
            )

        files = {kind: [_file(fact) for fact in record.get(kind, []) if behind(fact)] for kind in ("outputs", "inputs")}
        return [
            Facts("How", self._how(node, record)),
            _table("Made", files["outputs"]),
            _table("From", files["inputs"]),
            Facts("Settings", [(key, str(value)) for key, value in sorted(record.get("params", {}).items())]),
            Facts("Code", sorted(record.get("code", {}).items())),
        ]

    def _formula(self, node: Node) -> Facts:
        """How a score is computed: its definition, and the scores of the sequences that it is the mean of."""
        address = self.walk.numbers.find(node.subject)
        scores = self.walk.numbers.scores.get(address.benchmark)
        if scores is None:
            return Facts("Read from", [(address.file, address.metric)])
        rows = [("file", scores.file), ("definition", str(scores.data.get("definition", "")))]
        for tracker, sequence in scores.behind(address):
            value = scores.runs[tracker].get("sequences", {}).get(sequence, {}).get(address.metric)
            rows.append((f"{tracker} {sequence}", "" if value is None or address.at is not None else f"{value:.6g}"))
        return Facts(f"{address.metric}, computed from these sequences", rows)

    def _how(self, node: Node, record: Mapping[str, Any]) -> list[Row]:
        """Command, seed, packages, and what the run file says: when, where, and by which commit."""
        environment = record.get("environment", {})
        facts = {key: record[key] for key in ("command", "seed", "key") if key in record}
        facts |= {key: environment[key] for key in ("numerics", "device", "threads") if key in environment}
        packages = environment.get("packages", {})
        if packages:
            facts["packages"] = ", ".join(f"{name} {version}" for name, version in sorted(packages.items()))
        run = self.walk.json(f"runs/{self._run(node, record)}.json")
        words = {"started": "started", "seconds": "seconds", "host": "host", "processor": "processor"}
        words |= {"commit": "commit", "patch": "uncommitted patch"}
        facts |= {word: run[key] for key, word in words.items() if key in run}
        return [(key, str(value)) for key, value in facts.items()]

    def _run(self, node: Node, record: Mapping[str, Any]) -> str:
        """The name of the run file of what a record is of."""
        path = PurePosixPath(node.subject)
        if node.name in ("sequence", "fan-out"):
            parts = [part for part in path.with_suffix("").parts[1:] if part != "baseline"]
            return f"benchmark@{parts[0]}" if node.name == "fan-out" else "/".join(parts)
        made = (record.get("outputs") or [{}])[0].get("path")
        return (self.walk.lock.stage_of(made) if made else None) or "none"

    # ------------------------------------------------------------ raw sequences

    def _raw(self, node: Node) -> Mapping[str, Any]:
        manifest, _, sequence = node.subject.partition(" ")
        row = self.walk.results.sequences(manifest).get(sequence)
        return row.row if row else {}

    def _row(self, node: Node) -> list[str]:
        row = self._raw(node)
        frames = len(row.get("files", []))
        return [f"{frames} frames", str(row.get("sentence") or ""), str(row.get("digest", ""))]

    def _frames(self, node: Node) -> list[Facts]:
        row = self._raw(node)
        files = [*row.get("annotations", []), *row.get("files", [])]
        facts = {"sentence": row.get("sentence"), "size": row.get("size"), "manifest row": row.get("digest")}
        head = [(key, str(value)) for key, value in facts.items() if value is not None]
        return [
            Facts("Sequence", head),
            _table("Annotations and frames", [(path, sha256) for path, _, sha256 in files]),
        ]


def _rank(name: str) -> int:
    return list(KINDS).index(name) if name in KINDS else len(KINDS)


def _file(fact: Mapping[str, Any]) -> Row:
    sequence = f" {fact['sequence']}" if "sequence" in fact else ""
    return f"{fact['path']}{sequence}", fact["sha256"]


def _table(title: str, rows: Sequence[Row]) -> Facts:
    return Facts(title, rows[:MOST], max(0, len(rows) - MOST))
