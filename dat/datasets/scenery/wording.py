"""Sentences about embedded objects: true, at most 16 words, and fitting no other object of the video."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

WAYS = ("left", "right", "up", "down")
"""Against and along x, against and along y."""
AS_NOUN = {"striped": "stripes", "checked": "checks", "dotted": "dots", "speckled": "speckles"}


@dataclass(frozen=True)
class Traits:
    """What can be said of an object. `direction` is None where it is not one; in a mention None is "not said"."""

    colour: str | None
    pattern: str | None
    kind: str | None
    direction: str | None = None


def direction(boxes: npt.NDArray[np.float64], least: float) -> str | None:
    """The direction in which boxes (F,4) move, or None.

    None below `least` pixels from first to last, between two directions, and where much of the way goes back.
    """
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    moved = centres[-1] - centres[0]
    axis = int(np.argmax(np.abs(moved)))
    walked = np.abs(np.diff(centres[:, axis])).sum()
    if abs(moved[axis]) < max(least, 0.7 * walked) or abs(moved[1 - axis]) > 0.6 * abs(moved[axis]):
        return None
    return WAYS[2 * axis + int(moved[axis] > 0)]


def fits(mention: Traits, traits: Traits) -> bool:
    """Whether all that is said is true of an object."""
    return all(word is None or word == trait for word, trait in zip(astuple(mention), astuple(traits), strict=True))


def mention(target: Traits, others: Sequence[Traits], brief: bool = False) -> Traits:
    """What to say of the target so that no other object fits: colour, pattern, kind, and the direction unless `brief`.

    Brief or not, the other is said where the one does not single it out.
    Raises ValueError when two objects are the same in everything.
    """
    mentions = [Traits(target.colour, target.pattern, target.kind, target.direction)]
    mentions.insert(0 if brief else 1, Traits(target.colour, target.pattern, target.kind))
    for words in mentions:
        if not any(fits(words, other) for other in others):
            return words
    raise ValueError(f"two objects of one video are both {target}")


def _article(word: str) -> str:
    return ("an " if word[0] in "aeiou" else "a ") + word


def sentence(rng: np.random.Generator, mentioned: Traits, others: Sequence[Traits]) -> str:
    """A sentence with what is to be said, in one of several forms."""
    kind, pattern, colour = mentioned.kind or "object", mentioned.pattern or "", mentioned.colour or ""
    name = f"{colour} {pattern} {kind}"
    forms = [f"the {name}", f"{_article(name)}", f"the {pattern} {colour} {kind}", name]
    if pattern in AS_NOUN:
        forms.append(f"the {colour} {kind} with {AS_NOUN[pattern]}")
    text = forms[rng.integers(len(forms))]
    if mentioned.direction:
        text += [
            f" moving {mentioned.direction}",
            f" going {mentioned.direction}",
            f" that moves {mentioned.direction}",
        ][rng.integers(3)]
    alike = [other for other in others if other.kind == kind]
    if alike and rng.random() < 0.5:
        text += f" near another {kind}" if len(alike) == 1 else f" among other {plural(kind)}"
    return text


def plural(kind: str) -> str:
    """The plural of a kind's name."""
    return kind + ("es" if kind.endswith("s") else "s")
