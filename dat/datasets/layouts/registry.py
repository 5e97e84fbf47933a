"""The layouts in which data sets lie on disk, by the name that params.yaml gives them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from dat import naming
from dat.datasets.layouts import otb as layouts_otb
from dat.datasets.layouts import training as layouts_training
from dat.datasets.layouts import vot as layouts_vot
from dat.datasets.targets import Found
from dat.errors import InputError


@dataclass(frozen=True)
class Layout:
    """How a data set lies on disk: what its files count pixels from, and what a sequence looks like."""

    origin: int
    find: Callable[[Path], list[Found]]
    looks: str


LAYOUTS = {
    "lasot": Layout(1, layouts_training.find_lasot, "<class>/<class>-<n>/groundtruth.txt"),
    "tlp": Layout(1, layouts_training.find_tlp, "<Name>/groundtruth_rect.txt"),
    "dtb70": Layout(1, layouts_training.find_dtb70, "<Name>/groundtruth_rect.txt"),
    "otb": Layout(1, layouts_otb.find_otb, "<Name>/groundtruth_rect.txt"),
    "tc128": Layout(1, layouts_otb.find_tc128, "<Name>/<Name>_gt.txt"),
    "vot": Layout(0, layouts_vot.find_vot, "<name>/groundtruth.txt"),
}


def layout(name: str) -> Layout:
    """The layout of a name. Raises InputError when there is none."""
    if name not in LAYOUTS:
        raise InputError(f"no layout '{name}'; there are {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def canonical(name: str) -> str:
    """A target's name without case and without what may stand before a target's number: `Jogging(2)` is `jogging2`."""
    return re.sub(r"[-._() \[\]]", "", name.lower())


def find(name: str, root: Path, wanted: Iterable[str]) -> tuple[dict[str, Found], list[str]]:
    """The targets of a layout in a folder by name, in order of name; and the wanted ones that are not there.

    With `wanted` names only those are returned, spelled as there, whatever the spelling on disk; else all.
    Raises InputError when the folder cannot be listed, two folders stand for one name, or a name is not plain.
    """
    found = _by_name(layout(name).find(root))
    for place in found.values():
        naming.part(place.name, place.folder, "sequence")
    names = sorted(set(wanted))
    if not names:
        return {target.name: target for target in sorted(found.values(), key=lambda target: target.name)}, []
    chosen = {wish: target for wish in names if (target := found.get(canonical(wish)) or _bare(wish, found))}
    return chosen, [wish for wish in names if wish not in chosen]


def _by_name(found: list[Found]) -> dict[str, Found]:
    named: dict[str, Found] = {}
    for target in found:
        other = named.setdefault(canonical(target.name), target)
        if other is not target:
            raise InputError(f"{target.folder}: '{target.name}' is there twice, also as {other.folder}; move one away")
    return named


def _bare(wish: str, found: dict[str, Found]) -> Found | None:
    """`Human4-2` in a folder that has one file of boxes only."""
    return found.get("human4") if wish == "Human4-2" else None
