"""The stages that a run would go through, asked of DVC."""

import difflib
import io
from collections.abc import Iterable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dat.base.errors import InputError
from dat.base.params import Settings


@dataclass(frozen=True)
class Stages:
    """The stages of a run in the order of the graph, and those of them that would run, at most: a stage whose inputs
    come out as they were is skipped after all.

    `absent` are dependencies that are not there and that no stage makes, as paths below the profile, with the stages
    that need them.
    """

    order: list[str]
    run: list[str]
    absent: dict[str, list[str]]
    above: dict[str, list[str]]
    bytes: dict[str, int]

    @property
    def needed(self) -> list[str]:
        """The stages that run and all that come before them."""
        needed = {*self.run, *self.before(self.run)}
        return [name for name in self.order if name in needed]

    def before(self, names: Iterable[str]) -> list[str]:
        """The stages that these need, directly or not, in order."""
        needed, more = set[str](), set(names)
        while more:
            more = {above for name in more for above in self.above[name]} - needed
            needed |= more
        return [name for name in self.order if name in needed]


def read(settings: Settings, wanted: Sequence[str]) -> Stages:
    """The stages that `dvc repro WANTED...` goes through; all of the profile without a name.

    A name is a stage (`evaluate@otb100`) or all of a kind (`evaluate`). Raises InputError for one that there is not,
    naming the nearest, and where DVC cannot read the project or another DVC is at work in it.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(settings.path)) as repo, repo.lock, redirect_stderr(io.StringIO()):
            graph = repo.index.graph
            stages = {stage.name: stage for stage in graph}
            above = {name: sorted(next_.name for next_ in graph.successors(stage)) for name, stage in stages.items()}
            order = _ordered(above, _named(list(stages), wanted))
            return _looked_at(settings.path, {name: stages[name] for name in order}, above)
    except DvcException as error:
        raise InputError(f"{settings.path}: DVC: {error}; run again when no other dvc is at work here") from None


def _named(known: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The stages of these names and kinds, all without any. Raises InputError."""
    names: list[str] = []
    for name in wanted:
        these = [stage for stage in known if name in (stage, stage.partition("@")[0])]
        if not these:
            near = difflib.get_close_matches(name, [*known, *{stage.partition("@")[0] for stage in known}], 3, 0.4)
            there = f"; near it: {', '.join(near)}" if near else ""
            raise InputError(f"no stage '{name}'{there}; dvc stage list names all")
        names += these
    return names or list(known)


def _ordered(above: dict[str, list[str]], wanted: Sequence[str]) -> list[str]:
    """The stages and all before them, each after those that it needs."""
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in ordered:
            for before in above[name]:
                visit(before)
            ordered[name] = None

    for name in wanted:
        visit(name)
    return list(ordered)


def _looked_at(home: Path, stages: dict[str, Any], above: dict[str, list[str]]) -> Stages:
    run, absent, made = (
        list[str](),
        dict[str, list[str]](),
        [out.fs_path for one in stages.values() for out in one.outs],
    )
    for name, stage in stages.items():
        if not set(above[name]).isdisjoint(run) or stage.status():
            run.append(name)
        for dep in stage.deps:
            path = str(dep.fs_path)
            if not Path(path).exists() and not any(_overlap(path, out) for out in made):
                absent.setdefault(_below(Path(path), home), []).append(name)
    sizes = {name: sum(out.meta.size or 0 for out in stage.outs if out.meta) for name, stage in stages.items()}
    return Stages(list(stages), run, absent, {name: above[name] for name in stages}, sizes)


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _below(path: Path, home: Path) -> str:
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)
