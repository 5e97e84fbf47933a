"""Sequence names as people spell them: any case; the target's number after `-`, `.`, `_`, nothing, or in brackets."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

BARE = {"jogging": "1", "skating2": "1", "human4": "2"}
"""Folders with two targets, and the target that their bare name stands for."""

DECORATED = 4
"""What a tail adds to a spelling's distance."""

_SEPARATORS = re.compile(r"[-._()\s]+")


def key(name: str) -> str:
    """A spelling without case, separators and brackets.

    >>> key("Jogging(2)"), key("human4_2"), key("Yo-yos_ce1")
    ('jogging2', 'human42', 'yoyosce1')
    """
    return _SEPARATORS.sub("", name.lower())


@dataclass(frozen=True)
class Match:
    """A name that was understood, and how far its spelling is from the benchmark's (0 equal, 3 a bare folder name)."""

    sequence: str
    distance: int


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names by spelling, without the spellings that stand for several."""
    spellings: dict[str, set[str]] = {}
    for spelling, name in pairs:
        spellings.setdefault(spelling, set()).add(name)
    return {spelling: names.pop() for spelling, names in spellings.items() if len(names) == 1}


class Names:
    """The sequence names of a benchmark, found under any spelling in use."""

    def __init__(self, sequences: Iterable[str]) -> None:
        self.sequences = tuple(sequences)
        self._exact = set(self.sequences)
        self._lower = _unambiguous((name.lower(), name) for name in self.sequences)
        self._keys = _unambiguous((key(name), name) for name in self.sequences)
        self._bare = self._bare_names(self._keys)

    @staticmethod
    def _bare_names(keys: Mapping[str, str]) -> dict[str, str]:
        bare = {folder: keys[folder + number] for folder, number in BARE.items() if folder + number in keys}
        return {folder: name for folder, name in bare.items() if folder not in keys}

    def match(self, spelling: str) -> Match | None:
        """The sequence that a spelling means, or None."""
        if spelling in self._exact:
            return Match(spelling, 0)
        if spelling.lower() in self._lower:
            return Match(self._lower[spelling.lower()], 1)
        plain = key(spelling.removeprefix("tpl_"))
        if plain in self._keys:
            return Match(self._keys[plain], 2)
        return Match(self._bare[plain], 3) if plain in self._bare else None

    def match_decorated(self, spelling: str, tracker: str) -> Match | None:
        """As `match`, and where that fails without a tail that names the tracker (`Bolt_MEEM_LAB`, `Bolt_SRDCF`)."""
        match = self.match(spelling)
        parts = spelling.split("_")
        for cut in range(len(parts) - 1, 0, -1):
            tail = {key(parts[cut]), key("_".join(parts[cut:]))}
            if match is None and key(tracker) in tail:
                match = self.match("_".join(parts[:cut]))
                match = Match(match.sequence, match.distance + DECORATED) if match else None
        return match
