"""What an audit finds: checks with a verdict, gathered in nodes that share their children."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

Verdict = Literal["verified", "unknown", "not checked", "missing", "differs"]
VERDICTS: tuple[Verdict, ...] = ("verified", "unknown", "not checked", "missing", "differs")
"""From best to worst: the worst of its checks is a number's verdict."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: `subject` is the file, sequence or stage; `expected` and `found` were compared."""

    name: str
    verdict: Verdict
    subject: str
    expected: Any
    found: Any

    def facts(self) -> dict[str, Any]:
        """The check as JSON has it."""
        return {key: getattr(self, key) for key in ("name", "verdict", "subject", "expected", "found")}


def compare(name: str, subject: str, expected: Any, found: Any) -> Check:
    """Verified when both are equal, missing when nothing was found, unknown when nothing is expected, else differs."""
    verdict: Verdict = "verified"
    if found is None:
        verdict = "missing"
    elif expected is None:
        verdict = "unknown"
    elif expected != found:
        verdict = "differs"
    return Check(name, verdict, subject, expected, found)


def missing(name: str, subject: str, expected: str) -> Check:
    """Something that should be there is not."""
    return Check(name, "missing", subject, expected, None)


def group(name: str, subject: str, pairs: dict[str, tuple[Any, Any]]) -> list[Check]:
    """Many comparisons of one kind: a check for each that does not hold, and one for those that do.

    `pairs` maps a thing's name to what is expected and what was found.
    """
    single = [compare(name, f"{subject}: {thing}", *pair) for thing, pair in pairs.items()]
    bad = [check for check in single if check.verdict != "verified"]
    good = len(single) - len(bad)
    return [*bad, Check(name, "verified", subject, f"{good} as recorded", f"{good} as recorded")] if good else bad


def worst(verdicts: list[Verdict]) -> Verdict:
    """The worst of some verdicts; verified when there are none."""
    return max(verdicts, key=VERDICTS.index, default="verified")


def is_or_below(name: str, wanted: str) -> bool:
    """Whether a file or a dotted setting is the wanted one, or lies in it."""
    return name == wanted or name.startswith((f"{wanted}/", f"{wanted}."))


@dataclass(frozen=True, eq=False)
class Node:
    """A thing that was audited: its own checks, and the nodes that it rests on. Nodes may be shared.

    `uses` holds what it rests on directly: files as paths below the profile (code: below the checkout's top), settings
    as dotted paths.
    """

    name: str
    subject: str
    checks: list[Check] = field(default_factory=list)
    children: list["Node"] = field(default_factory=list)
    uses: set[str] = field(default_factory=set)

    @cached_property
    def verdict(self) -> Verdict:
        """The worst verdict of its own checks and of all below."""
        return worst([*(check.verdict for check in self.checks), *(child.verdict for child in self.children)])

    def path_to(self, wanted: str) -> list["Node"]:
        """The nodes from this one to the nearest that uses a file, what lies in a folder, or a setting; else none."""
        queue, seen = [[self]], {id(self)}
        while queue:
            path = queue.pop(0)
            if any(is_or_below(name, wanted) for name in path[-1].uses):
                return path
            for child in path[-1].children:
                if id(child) not in seen:
                    seen.add(id(child))
                    queue.append([*path, child])
        return []

    def below(self, seen: set[int] | None = None) -> Iterator["Node"]:
        """This node and all below, each once, nearest to the number first."""
        seen = set() if seen is None else seen
        if id(self) not in seen:
            seen.add(id(self))
            yield self
            for child in self.children:
                yield from child.below(seen)


@dataclass(frozen=True)
class Audit:
    """The audit of one number."""

    address: str
    value: float | None
    node: Node

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all its checks."""
        return self.node.verdict

    @property
    def checks(self) -> list[Check]:
        """All its checks, each node's once."""
        return [check for node in self.node.below() for check in node.checks]
