"""What each embedded data set shows: its videos' recipes, names and lists."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dat.datasets.scenery.actors import Recipe
from dat.datasets.scenery.shapes import KINDS

TRAINING = (
    Recipe("similar", similar=2, others=1),
    Recipe("wander", others=3, pan=50),
    Recipe("zoom", similar=1, others=1, zoom=1.75),
    Recipe("wall", hide="full", others=2),
    Recipe("dash", speed=24, shutter=0.6, others=2),
    Recipe("spin", similar=1, others=2, spin=True, dim=0.3),
    Recipe("leave", leaves=True, similar=1, others=1),
    Recipe("pillar", hide="partial", similar=1, others=1, spin=True),
    Recipe("shake", shake=5, pan=60, shutter=0.6, dim=0.45, others=3),
    Recipe("cross", similar=1, crossing=True, others=1, defocus=1.2),
    Recipe("opposite", opposite=True, others=1, pan=20),
)
"""In turn. A number of recipes that shares no factor with that of the kinds: each kind meets each recipe."""

LASOT = (*TRAINING, *(replace(recipe, night=True) for recipe in TRAINING[:-1]))
"""Each recipe by day, and all but one by night: in LaSOT's long videos the first picture is often no good likeness."""

DRONE = tuple(
    replace(r, leaves=False, defocus=0.0, spin=True, pan=40 if r.hide else 90, shake=max(r.shake, 2.5))
    for r in TRAINING
    if not (r.leaves or r.hide == "full")
)
"""DTB70: a moving camera; the target stays in view, since that set has no flags for absence."""

OTB = (
    Recipe("Wall", hide="full", others=2, pan=20),
    Recipe("Return", leaves=True, similar=1, others=1),
    Recipe("Doubles", similar=2, others=1, zoom=1.75, crossing=True),
    Recipe("Dash", speed=25, shutter=0.5, others=2, shake=2, dim=0.4),
)
LOST = (
    Recipe("Wall", hide="full", hidden=0.2, slow=0.0, others=2, pan=20),
    Recipe("Return", leaves=True, similar=1, others=1),
    Recipe("Away", leaves=True, others=3, pan=50),
)
"""The target is covered or leaves once, and is back in time to be found again: OTB's list `redetection`."""

OLDER = 2
"""So many of OTB's sequences of lost targets, the first, are in its older list too."""

TWINS = Recipe("Twins", similar=1, others=1, targets=2, pan=40)

TC128 = (
    Recipe("pillar", hide="partial", similar=1, others=1),
    Recipe("spin", similar=1, others=2, spin=True, dim=0.4),
    *(recipe for recipe in TRAINING if not recipe.opposite),
)
VOT2014 = (
    Recipe("zoom", similar=1, others=1, zoom=1.75),
    Recipe("shake", others=2, shake=5, pan=60, shutter=0.5),
    *DRONE,
)
VOT2016 = (
    Recipe("cross", similar=1, crossing=True, others=1),
    Recipe("dim", others=2, spin=True, dim=0.5, pan=60),
    *DRONE,
)

BENCHMARKS = ("otb", "tc128", "vot")
"""Layouts whose videos test: their photographs are none of the training's."""


@dataclass(frozen=True)
class Entry:
    """One folder to come: its name, recipe, the target's kind, and whether it is lost once and comes back in time."""

    name: str
    recipe: Recipe
    kind: str
    lost: bool = False

    @property
    def targets(self) -> list[str]:
        """Names of the sequences that the folder holds."""
        count = self.recipe.targets
        return [self.name] if count == 1 else [f"{self.name}-{n}" for n in range(1, count + 1)]


def _named(names: Sequence[str], recipes: Sequence[Recipe], shift: int) -> list[Entry]:
    kinds = [KINDS[(index + shift) % len(KINDS)] for index in range(len(names))]
    return [Entry(name, recipes[index % len(recipes)], kinds[index]) for index, name in enumerate(names)]


def unique(name: str, index: int, period: int) -> str:
    """A name for the second, third, ... use: Disc, DiscB, DiscC (a digit would mean a target of one folder)."""
    turn = index // period
    if turn == 0:
        return name
    return name + (chr(ord("A") + turn) if turn < 26 else "Z" * (turn - 24))


def lasot(videos: int) -> list[Entry]:
    """Classes are the kinds of object."""
    names = [f"{KINDS[index % len(KINDS)]}-{index // len(KINDS) + 1}" for index in range(videos)]
    return _named(names, LASOT, 0)


def by_kind(videos: int, recipes: Sequence[Recipe], shift: int, lower: bool = False) -> list[Entry]:
    """Names are kinds, with a letter from the second on."""
    kinds = [KINDS[(index + shift) % len(KINDS)] for index in range(videos)]
    names = [unique(kind.capitalize(), index, len(KINDS)) for index, kind in enumerate(kinds)]
    return _named([name.lower() for name in names] if lower else names, recipes, shift)


def otb(videos: int) -> list[Entry]:
    """Four named after what happens, then a folder of two targets (counted as two), then targets that are lost, each
    recipe with each kind, named after both."""
    twins = videos >= len(OTB) + 2
    first = [*OTB, *([TWINS] if twins else [])][:videos]
    named = _named([recipe.name for recipe in first], first, 4)
    entries = by_kind(max(videos - len(OTB) - 2 * twins, 0), LOST, 0)
    period = len(LOST) * len(KINDS)
    names = [unique(entry.recipe.name + entry.kind.capitalize(), at, period) for at, entry in enumerate(entries)]
    return named + [replace(entry, name=name, lost=True) for entry, name in zip(entries, names, strict=True)]


def programme(key: str, layout: str, videos: int) -> list[Entry]:
    """The folders of a data set; `videos` counts targets."""
    if layout == "lasot":
        return lasot(videos)
    if layout == "otb":
        return otb(videos)
    recipes, shift = {"tlp": (TRAINING, 3), "dtb70": (DRONE, 6), "tc128": (TC128, 8)}.get(
        layout, (VOT2016, 5) if key == "vot2016" else (VOT2014, 2)
    )
    return by_kind(videos, recipes, shift, lower=layout == "vot")


def lists(key: str, layout: str, entries: Sequence[Entry]) -> dict[str, list[str]]:
    """The set's lists of sequences. LaSOT's every fifth video is its test split; OTB-2013 is the first four of OTB and
    the first lost targets."""
    names = [name for entry in entries for name in entry.targets]
    if layout == "lasot":
        train = [name for index, name in enumerate(names) if index % 5 != 4]
        return {key: sorted(names), f"{key}-train": train, f"{key}-test": names[4::5]}
    if layout == "otb":
        lost = [entry.name for entry in entries if entry.lost]
        similar = [name for entry in entries if entry.recipe.similar for name in entry.targets]
        made = {key: names, "otb2013": names[: len(OTB)] + lost[:OLDER], f"{key}-similar": similar}
        return made | ({"redetection": lost} if lost else {})
    return {key: names}
