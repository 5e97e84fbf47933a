"""What an audit found, for people (a tree on the terminal) and for programs (JSON)."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dat import used
from dat.audit.checks import Audit, Check, Node, Verdict, worst
from dat.naming import shown
from dat.records import sha256_json

if TYPE_CHECKING:
    from rich.tree import Tree

MARKS: dict[Verdict, str] = {
    "verified": "[green]✓[/]",
    "unknown": "[yellow]?[/]",
    "missing": "[red]∅[/]",
    "differs": "[red]✗[/]",
}
MOST = 20
"""How many of a node's failed checks are listed on the terminal."""


WORDS: dict[Verdict, str] = {"verified": "verified", "differs": "differ", "missing": "missing", "unknown": "unknown"}


def trusted() -> list[str]:
    """What no check of an audit covers, and what it therefore takes as it is."""
    own = {name: digest for name, digest in used.CODE.items() if name.startswith("dat/audit/")}
    return [
        f"the audit's own code (sha256 {sha256_json(own)[:16]} over {len(own)} files of dat/audit)",
        "that records, dvc.lock and scores were not all rewritten alike: only making the results again can tell",
        "that the job store's entries were made by jobs",
        "times, hosts and commits in the run files",
    ]


def tally(checks: Sequence[Check]) -> str:
    """`139 checks` when all hold, else `139 checks, 137 verified, 2 differ`."""
    counts = Counter(check.verdict for check in checks)
    told = [f"{counts[verdict]} {word}" for verdict, word in WORDS.items() if counts[verdict]]
    return f"{len(checks)} checks" + (f", {', '.join(told)}" if set(counts) - {"verified"} else "")


def tree(node: Node, seen: set[int]) -> dict[str, Any]:
    """A node and what it rests on as JSON; a node that was told before is only named."""
    facts: dict[str, Any] = {"name": node.name, "subject": node.subject, "verdict": node.verdict}
    if id(node) in seen:
        return facts | {"told": True}
    seen.add(id(node))
    facts["checks"] = dict(sorted(Counter(check.verdict for check in node.checks).items()))
    if node.children:
        facts["rests_on"] = [tree(child, seen) for child in node.children]
    return facts


def one(audit: Audit) -> dict[str, Any]:
    """An audit as JSON, all its checks in full."""
    return {
        "address": audit.address,
        "value": audit.value,
        "verdict": audit.verdict,
        "checks": [check.facts() for check in audit.checks],
        "tree": tree(audit.node, set()) | {"trusted": trusted()},
    }


def many(audits: Sequence[Audit]) -> list[dict[str, Any]]:
    """Audits as JSON. A verified thing's checks are in full under the first address that rests on it, then a sum."""
    told: dict[int, str] = {}
    seen: set[int] = set()
    found = []
    for audit in audits:
        checks: list[dict[str, Any]] = []
        for node in audit.node.below():
            if node.verdict == "verified" and id(node) in told and node.checks:
                checks.append(_summary(node, told[id(node)]).facts())
            else:
                checks += [check.facts() for check in node.checks]
                told.setdefault(id(node), audit.address)
        facts = {"address": audit.address, "value": audit.value, "verdict": audit.verdict, "checks": checks}
        found.append(facts | {"tree": tree(audit.node, seen) | {"trusted": trusted()}})
    return found


def _summary(node: Node, address: str) -> Check:
    """A verified node that was told in full under another address."""
    return Check(node.name, "verified", node.subject, f"see {address}", f"{len(node.checks)} checks verified")


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
        found = "nothing found" if check.found is None else f"found {_plain(_short(check.found))}"
        values = f"expected {_plain(_short(check.expected))}, {found}"
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
            found = f"{_plain(_short(check.found))} [dim]{_plain(check.subject)}[/]"
            root.add(f"{MARKS['verified']} [bold]{check.name}[/] {found}")


def terminal(audit: Audit) -> "Tree":
    """The audit of one number as a tree that a person can read."""
    from rich.tree import Tree

    value = "" if audit.value is None else f" = {audit.value:.6g}"
    said = f"[bold]{audit.verdict}[/], {tally(audit.checks)}"
    root = Tree(f"{MARKS[audit.verdict]} [bold]{_plain(audit.address)}[/]{value}: {said}", guide_style="dim")
    _values(root, audit.node)
    _grow(root, audit.node, set())
    return root


def differences(audits: Sequence[Audit]) -> list[Check]:
    """The checks of many audits that did not hold, each once, in order."""
    found: dict[tuple[str, str], Check] = {}
    for node in {id(node): node for audit in audits for node in audit.node.below()}.values():
        for check in node.checks:
            if check.verdict != "verified":
                found.setdefault((check.name, check.subject), check)
    return list(found.values())


def summary(audits: Sequence[Audit]) -> "Tree":
    """The audits of many numbers: how many hold, and what does not."""
    from rich.tree import Tree

    verdicts = Counter(audit.verdict for audit in audits)
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    nodes = {id(node): node for audit in audits for node in audit.node.below()}
    total = tally([check for node in nodes.values() for check in node.checks])
    root = Tree(
        f"{MARKS[worst([audit.verdict for audit in audits])]} [bold]{len(audits)} numbers[/]: {said} ({total})",
        guide_style="dim",
    )
    _failed(root, differences(audits))
    return root
