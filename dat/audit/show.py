"""What an audit found, for people (a tree on the terminal) and for programs (JSON)."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dat.audit.checks import Audit, Check, Node, Verdict, worst
from dat.audit.explain import listed
from dat.audit.origin import Origin
from dat.audit.walk import Walk
from dat.base import params, used
from dat.base.errors import InputError
from dat.base.naming import shown
from dat.records import sha256_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.tree import Tree

MARKS: dict[Verdict, str] = {
    "verified": "[green]✓[/]",
    "unknown": "[yellow]?[/]",
    "not checked": "[yellow]–[/]",
    "missing": "[red]∅[/]",
    "differs": "[red]✗[/]",
}
MOST = 20
"""How many of a node's failed checks are listed on the terminal."""


WORDS: dict[Verdict, str] = {
    "verified": "verified",
    "differs": "differ",
    "missing": "missing",
    "not checked": "not checked",
    "unknown": "unknown",
}


def trusted() -> list[str]:
    """What no check of an audit covers, and what it therefore takes as it is."""
    modules = {name: digest for name, digest in used.CODE.items() if name.startswith("dat/audit/")}
    return [
        f"the audit's own code (sha256 {sha256_json(modules)[:16]} over {len(modules)} files of dat/audit)",
        "that records, dvc.lock and scores were not all rewritten alike: only making the results again can tell",
        "that the job store's entries were made by jobs",
        "times, hosts and commits in the run files, and what reports/run.js shows of them",
        "that requirements.lock and the commit checked out now are the run's: records have what was loaded",
    ]


def tally(checks: Sequence[Check]) -> str:
    """`139 checks` when all hold, else `139 checks, 137 verified, 2 differ`."""
    counts = Counter(check.verdict for check in checks)
    parts = [f"{counts[verdict]} {word}" for verdict, word in WORDS.items() if counts[verdict]]
    return f"{len(checks)} checks" + (f", {', '.join(parts)}" if set(counts) - {"verified"} else "")


def tree(node: Node, seen: set[int]) -> dict[str, Any]:
    """A node and what it rests on as JSON; a node that was told before is only named."""
    facts: dict[str, Any] = {"name": node.name, "subject": node.subject, "verdict": node.verdict}
    if id(node) in seen:
        return facts | {"told": True}
    seen.add(id(node))
    facts["checks"] = dict(sorted(Counter(check.verdict for check in node.checks).items()))
    if node.children:
        facts["rests_on"] = _rests_on(node, seen)
    return facts


def _rests_on(node: Node, seen: set[int]) -> list[dict[str, Any]]:
    """A node's children as JSON; several that were told before, and hold, are one."""
    quiet = [child for child in node.children if id(child) in seen and child.verdict == "verified"]
    folded = set(map(id, quiet)) if len(quiet) > 1 else set()
    branches = [tree(child, seen) for child in node.children if id(child) not in folded]
    if folded:
        branches.append({"name": "shared", "subject": f"{len(quiet)} things", "verdict": "verified", "told": True})
    return branches


def one(audit: Audit, origin: Origin | None = None) -> dict[str, Any]:
    """An audit as JSON, all its checks in full."""
    return {
        "address": audit.address,
        "value": audit.value,
        "verdict": audit.verdict,
        **({} if origin is None else {"origin": dict(origin.facts)}),
        "checks": [check.facts() for check in audit.checks],
        "tree": tree(audit.node, set()) | {"trusted": trusted()},
    }


def many(audits: Sequence[Audit]) -> list[dict[str, Any]]:
    """Audits as JSON. A thing's checks are in full under the first address that rests on it; then those that are all
    verified are one sum, and of each other one there is a line."""
    texts: dict[int, str] = {}
    seen: set[int] = set()
    lines = []
    for audit in audits:
        checks: list[dict[str, Any]] = []
        shared: list[Node] = []
        for node in audit.node.below():
            if id(node) in texts and node.checks:
                shared.append(node)
            else:
                checks += [check.facts() for check in _folded(node)]
                texts.setdefault(id(node), audit.address)
        checks += [check.facts() for check in _shared(shared, texts)]
        facts = {"address": audit.address, "value": audit.value, "verdict": audit.verdict, "checks": checks}
        lines.append(facts | {"tree": tree(audit.node, seen) | {"trusted": trusted()}})
    return lines


def _folded(node: Node) -> list[Check]:
    """A node's checks; those of a sequence that hold are one, but for its result files."""
    if node.name not in ("sequence", "raw"):
        return node.checks
    shown = [check for check in node.checks if check.verdict != "verified" or check.name == "result file"]
    rest = len(node.checks) - len(shown)
    return [*shown, Check(node.name, "verified", node.subject, "as recorded", f"{rest} checks")] if rest else shown


def _shared(nodes: Sequence[Node], texts: Mapping[int, str]) -> list[Check]:
    """Nodes that were told in full under other addresses: a check for each that does not hold, and one for the rest."""
    verdicts = [worst([check.verdict for check in node.checks]) for node in nodes]
    shared = [
        Check(node.name, verdict, node.subject, f"see {texts[id(node)]}", tally(node.checks))
        for node, verdict in zip(nodes, verdicts, strict=True)
        if verdict != "verified"
    ]
    good = [node for node, verdict in zip(nodes, verdicts, strict=True) if verdict == "verified"]
    if good:
        count = sum(len(node.checks) for node in good)
        text = f"{count} checks verified"
        shared.append(Check("shared", "verified", f"{len(good)} things told above", "in full once", text))
    return shared


# ---------------------------------------------------------------- the terminal


def _line(node: Node) -> str:
    counts = tally(node.checks) if node.checks else ""
    return f"{MARKS[node.verdict]} [dim]{node.name}[/] {_plain(node.subject)} [dim]{counts}[/]"


def _plain(text: Any) -> str:
    from rich.markup import escape

    return escape(shown(text))


def _short(value: Any) -> str:
    text = str(value)
    is_hash = len(text) >= 32 and all(letter in "0123456789abcdef." for letter in text.removesuffix(".dir"))
    return text[:12] + "…" if is_hash else text if len(text) <= 80 else text[:79] + "…"


CAUSES = ("code", "params", "raw files", "manifest row", "result file", "key", "record")
"""Checks that say why others fail: they are told first."""


def _first(check: Check) -> int:
    return CAUSES.index(check.name) if check.name in CAUSES else len(CAUSES)


def _failed(branch: "Tree", checks: Sequence[Check]) -> None:
    bad = sorted((check for check in checks if check.verdict != "verified"), key=_first)
    for check in bad[:MOST]:
        actual = "nothing found" if check.found is None else f"found {_plain(_short(check.found))}"
        values = f"expected {_plain(_short(check.expected))}, {actual}"
        head = f"{MARKS[check.verdict]} [bold]{check.name}[/] {check.verdict}"
        branch.add(f"{head}: {_plain(check.subject)} [dim]({values})[/]")
    if len(bad) > MOST:
        branch.add(f"[red]and {len(bad) - MOST} more[/]")


def _grow(branch: "Tree", node: Node, seen: set[int]) -> None:
    """The node's failed checks, and what it rests on.

    Verified sequences of a data set are one line, and what was told before is not told again when it is verified.
    """
    _failed(branch, node.checks)
    quiet = [child for child in node.children if child.name == "raw" and child.verdict == "verified"]
    if len(quiet) > 1:
        checks = [check for child in quiet for check in child.checks]
        branch.add(f"{MARKS['verified']} [dim]raw[/] {len(quiet)} sequences [dim]{tally(checks)}[/]")
        seen.update(map(id, quiet))
    for child in node.children:
        if id(child) not in seen:
            seen.add(id(child))
            _grow(branch.add(_line(child)), child, seen)
        elif child.verdict != "verified":
            branch.add(f"{MARKS[child.verdict]} [dim]{child.name} {_plain(child.subject)}, as above[/]")


def _values(root: "Tree", node: Node) -> None:
    """The number's own checks that hold, with what was found."""
    for check in node.checks:
        if check.verdict == "verified":
            value = f"{_plain(_short(check.found))} [dim]{_plain(check.subject)}[/]"
            root.add(f"{MARKS['verified']} [bold]{check.name}[/] {value}")


def terminal(audit: Audit, origin: Origin | None = None, full: bool = False) -> "Tree":
    """The audit of one number as a tree that a person can read: where it comes from, its own checks, what does not
    hold, and of the rest how much there is of each kind, or with `full` everything that it rests on."""
    from rich.tree import Tree

    value = "" if audit.value is None else f" = {audit.value:.6g}"
    verdict = f"[bold]{audit.verdict}[/], {tally(audit.checks)}"
    root = Tree(f"{MARKS[audit.verdict]} [bold]{_plain(audit.address)}[/]{value}: {verdict}", guide_style="dim")
    for line in filter(None, [origin.words(audit), *origin.lines()] if origin else []):
        root.add(f"[dim]{_plain(line)}[/]")
    _values(root, audit.node)
    if full:
        _grow(root, audit.node, set())
    else:
        _fold(root, audit)
    return root


def _fold(root: "Tree", audit: Audit) -> None:
    """What does not hold, and a line for each kind of thing that the number rests on."""
    _failed(root, differences([audit]))
    kinds: dict[str, list[Node]] = {}
    for node in list(audit.node.below())[1:]:
        kinds.setdefault(node.name, []).append(node)
    for name, nodes in kinds.items():
        checks = [check for node in nodes for check in node.checks]
        mark = MARKS[worst([check.verdict for check in checks])]
        which = listed([node.subject for node in nodes], 3)
        root.add(f"{mark} [dim]{name}[/] {_plain(which)} [dim]{tally(checks)}[/]")
    root.add("[dim]--full shows all of it, --stages each stage whole, --why PATH one path[/]")


def why(audit: Audit, wanted: str) -> "Tree":
    """The path from a number to a file, a folder or a setting. Raises InputError where the number rests on no such."""
    from rich.tree import Tree

    path = audit.node.path_to(wanted)
    if not path:
        raise InputError(
            f"--why {wanted}: {audit.address} does not rest on it; dat audit --uses {wanted} says what does"
        )
    root = branch = Tree(f"{MARKS[path[0].verdict]} [bold]{_plain(audit.address)}[/]", guide_style="dim")
    for node in path[1:]:
        branch = branch.add(f"{MARKS[node.verdict]} [dim]{node.name}[/] {_plain(node.subject)}")
    branch.add(_plain(wanted))
    return root


def relative(walk: Walk, wanted: str) -> str:
    """A file as the graph names it: below the profile, or below the checkout's top; a setting as it is, and a line of
    the settings, `params.yaml:16`, as the setting that stands there. Raises InputError where none does."""
    file, _, line = wanted.rpartition(":") if re.search(r":\d+$", wanted) else (wanted, "", "")
    settings = walk.settings.path / "params.yaml"
    if Path(file).absolute() == settings.absolute():
        return _setting(settings, int(line or 0))
    path = Path(wanted).absolute()
    if not path.exists():
        return wanted
    for place in (walk.settings.path.absolute(), walk.settings.top):
        if path.is_relative_to(place):
            return path.relative_to(place).as_posix()
    return path.as_posix()


def _setting(path: Path, line: int) -> str:
    """The section or setting whose key stands in a line of params.yaml. Raises InputError where there is not one."""
    there = list(_keys(params.read_yaml(path), line - 1))
    if len(there) != 1:
        found = f"has {', '.join(there)}" if there else "has no setting's name"
        what = f"line {line} {found}; name a setting" if line else "every number rests on some of it; name a setting"
        raise InputError(f"{path}: {what}: tracking.redetection.score, or its line, params.yaml:16")
    return there[0]


def _keys(data: Any, line: int, prefix: str = "") -> Iterator[str]:
    """The dotted names of the outermost keys in a line, from 0, of a map that knows its lines."""
    for key, value in data.items():
        if data.lc.key(key)[0] == line:
            yield f"{prefix}{key}"
        elif isinstance(value, Mapping):
            yield from _keys(value, line, f"{prefix}{key}.")


def console() -> "Console":
    """Standard output, 200 wide where it is no terminal."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 200)


def differences(audits: Sequence[Audit]) -> list[Check]:
    """The checks of many audits that did not hold, each once, in order."""
    differing: dict[tuple[str, str], Check] = {}
    for node in _every(audits):
        for check in node.checks:
            if check.verdict != "verified":
                differing.setdefault((check.name, check.subject), check)
    return list(differing.values())


def _every(audits: Sequence[Audit]) -> Iterator[Node]:
    """The nodes of many audits, each once."""
    seen: set[int] = set()
    for audit in audits:
        yield from audit.node.below(seen)


def summary(audits: Sequence[Audit]) -> "Tree":
    """The audits of many numbers: how many hold, and what does not."""
    from rich.tree import Tree

    verdicts = Counter(audit.verdict for audit in audits)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    total = tally([check for node in _every(audits) for check in node.checks])
    root = Tree(
        f"{MARKS[worst([audit.verdict for audit in audits])]} [bold]{len(audits)} numbers[/]: {counts} ({total})",
        guide_style="dim",
    )
    _failed(root, differences(audits))
    return root
