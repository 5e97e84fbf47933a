"""The targets of a data set in a folder, by its layout: the module of `dat/datasets/layouts` that params.yaml names.

A module is imported by its name when its layout is asked for: none is listed anywhere.
"""

import importlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dat.base import naming
from dat.base.errors import InputError
from dat.base.sections import layout_names
from dat.benchmarks.published import SPELLED
from dat.datasets.targets import Layout, TargetFolder, folders


def layout(name: str) -> Layout:
    """The layout of a name: that of `dat/datasets/layouts/NAME.py`. Raises InputError when there is none."""
    if name not in (names := layout_names()):
        raise InputError(f"no layout '{name}'; there are {', '.join(names)}")
    module: Any = importlib.import_module(f"dat.datasets.layouts.{name}")
    found: Layout = module.LAYOUT
    return found


def canonical(name: str) -> str:
    """A target's name without case and without what may stand before a target's number: `Jogging(2)` is `jogging2`."""
    return re.sub(r"[-._() \[\]]", "", name.lower())


DEPTH = 3
"""Levels of folders that are looked through: `OTB50/Deer/img` and `Deer/Deer/img` lie one below the top."""


def find(name: str, root: Path, wanted: Iterable[str]) -> tuple[dict[str, TargetFolder], list[str]]:
    """The targets of a layout in a folder by name, in order of name; and the wanted ones that are not there.

    With `wanted` names only those are returned, spelled as there, whatever the spelling on disk; else all. Those that
    are not in the folder itself are looked for in the folders below it, level by level, `DEPTH` in all.
    Raises InputError when a folder cannot be listed, two folders stand for one name, or a name is not plain.
    """
    names, look, places = sorted(set(wanted)), layout(name).find, [root]
    targets: dict[str, TargetFolder] = {}
    chosen: dict[str, TargetFolder] = {}
    for _ in range(DEPTH):
        matched = [target for place in places for target in look(place)]
        targets |= _by_name([target for target in matched if canonical(target.name) not in targets])
        chosen = {wish: target for wish in names if (target := targets.get(canonical(wish)) or _bare(wish, targets))}
        if len(chosen) == len(names) and targets:
            break
        known = {target.folder for target in targets.values()}
        places = [inner for place in places for inner in folders(place) if inner not in known]
    for target in targets.values():
        naming.part(target.name, target.folder, "sequence")
    if not names:
        return {target.name: target for target in sorted(targets.values(), key=lambda target: target.name)}, []
    return chosen, [wish for wish in names if wish not in chosen]


def _by_name(targets: list[TargetFolder]) -> dict[str, TargetFolder]:
    named: dict[str, TargetFolder] = {}
    for target in targets:
        other = named.setdefault(canonical(target.name), target)
        if other is not target:
            raise InputError(f"{target.folder}: '{target.name}' is there twice, also as {other.folder}; move one away")
    return named


def _bare(wish: str, targets: dict[str, TargetFolder]) -> TargetFolder | None:
    """`Human4-2` in a folder that has one file of boxes only, under the list's name."""
    listed = next((name for name, spelling in SPELLED.items() if spelling == wish), None)
    return None if listed is None else targets.get(canonical(listed))
