"""The layouts in which data sets lie on disk, by the name that params.yaml gives them."""

import re
from collections.abc import Iterable
from pathlib import Path

from dat import naming
from dat.benchmarks.published import SPELLED
from dat.datasets.layouts.dtb70 import DTB70
from dat.datasets.layouts.lasot import LASOT
from dat.datasets.layouts.otb import OTB
from dat.datasets.layouts.tc128 import TC128
from dat.datasets.layouts.tlp import TLP
from dat.datasets.layouts.vot import VOT
from dat.datasets.targets import Found, Layout
from dat.errors import InputError

LAYOUTS = {"lasot": LASOT, "tlp": TLP, "dtb70": DTB70, "otb": OTB, "tc128": TC128, "vot": VOT}


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
    """`Human4-2` in a folder that has one file of boxes only, under the list's name."""
    listed = next((name for name, spelling in SPELLED.items() if spelling == wish), None)
    return None if listed is None else found.get(canonical(listed))
