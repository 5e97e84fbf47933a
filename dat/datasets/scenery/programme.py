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
REDETECTION = (
    Recipe("Wall", hide="full", hidden=0.2, slow=0.0, others=2, pan=20),
    Recipe("Return", leaves=True, similar=1, others=1),
    Recipe("Away", leaves=True, others=3, pan=50),
)
"""The target is covered or leaves once, and is back in time to be found again: sequences of the set `redetection`."""

TWINS = Recipe("Twins", similar=1, others=1, targets=2, pan=40)
MORE = tuple(recipe for recipe in TRAINING if not recipe.opposite)

TC128 = (
    Recipe("pillar", hide="partial", similar=1, others=1),
    Recipe("spin", similar=1, others=2, spin=True, dim=0.4),
    *MORE,
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
    """One folder to come: its name, recipe, and the target's kind."""

    name: str
    recipe: Recipe
    kind: str

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
    """Four named after what happens, then a folder of two targets (counted as two), then more."""
    twins = videos >= len(OTB) + 2
    recipes = [*OTB, *([TWINS] if twins else [])]
    more = max(videos - len(OTB) - 2 * twins, 0)
    recipes = [*recipes[:videos], *(MORE[index % len(MORE)] for index in range(more))]
    names = [recipe.name for recipe in recipes[: len(recipes) - more]]
    names += [unique(MORE[index % len(MORE)].name.capitalize() + "X", index, len(MORE)) for index in range(more)]
    return _named(names, recipes, 4)


def redetection(videos: int) -> list[Entry]:
    """Each recipe with each kind, named after both."""
    entries = by_kind(videos, REDETECTION, 0)
    period = len(REDETECTION) * len(KINDS)
    names = [entry.recipe.name + entry.kind.capitalize() for entry in entries]
    return [replace(entry, name=unique(names[at], at, period)) for at, entry in enumerate(entries)]


def programme(key: str, layout: str, videos: int) -> list[Entry]:
    """The folders of a data set; `videos` counts targets."""
    if key == "redetection":
        return redetection(videos)
    if layout == "lasot":
        return lasot(videos)
    if layout == "otb":
        return otb(videos)
    recipes, shift = {"tlp": (TRAINING, 3), "dtb70": (DRONE, 6), "tc128": (TC128, 8)}.get(
        layout, (VOT2016, 5) if key == "vot2016" else (VOT2014, 2)
    )
    return by_kind(videos, recipes, shift, lower=layout == "vot")


def lists(key: str, layout: str, entries: Sequence[Entry]) -> dict[str, list[str]]:
    """The set's lists of sequences. LaSOT's every fifth video is its test split; OTB-2013 is the first four."""
    names = [name for entry in entries for name in entry.targets]
    if layout == "lasot":
        train = [name for index, name in enumerate(names) if index % 5 != 4]
        return {key: sorted(names), f"{key}-train": train, f"{key}-test": names[4::5]}
    if layout == "otb" and key != "redetection":
        similar = [name for entry in entries if entry.recipe.similar for name in entry.targets]
        return {key: names, "otb2013": names[: len(OTB)], f"{key}-similar": similar}
    return {key: names}
