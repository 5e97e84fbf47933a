"""The words that a network knows, and their numbers. Reading one needs no torch."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dat import records
from dat.base import used
from dat.base.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

PAD, UNKNOWN = 0, 1
PUNCTUATION = '.,;:!?"()[]'


def words(sentence: str) -> list[str]:
    """Lower-cased words, split on white space: LaSOT's 1,400 sentences have 446 different ones."""
    return sentence.lower().split()


class Vocabulary:
    """Words and their numbers: 0 is padding, 1 an unknown word, then the words in alphabetical order."""

    def __init__(self, known: Iterable[str], length: int = 16) -> None:
        self.known = sorted(set(known))
        self.length = length
        self.number = {word: i for i, word in enumerate(self.known, start=2)}

    @classmethod
    def of(cls, sentences: Iterable[str], length: int = 16) -> "Vocabulary":
        """The vocabulary of these sentences; a sentence is cut to `length` words."""
        return cls((word for sentence in sentences for word in words(sentence)[:length]), length)

    def __len__(self) -> int:
        return len(self.known) + 2

    def tokens(self, sentence: str) -> "Tensor":
        """(length,) int64; cut or padded. A word seen with punctuation only is looked up without it."""
        import torch

        numbers = [self._number(word) for word in words(sentence)[: self.length]]
        return torch.tensor(numbers + [PAD] * (self.length - len(numbers)), dtype=torch.int64)

    def _number(self, word: str) -> int:
        return self.number.get(word, self.number.get(word.strip(PUNCTUATION), UNKNOWN))

    def unknown(self, sentence: str) -> list[str]:
        """The words of the sentence that the vocabulary does not have."""
        return [word for word in words(sentence)[: self.length] if self._number(word) == UNKNOWN]

    def save(self, path: Path) -> None:
        """Write vocabulary.json."""
        records.write_json(path, {"length": self.length, "words": self.known})

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read vocabulary.json; InputError names the file when it is not one."""
        content = records.read_json(path, used.read)
        try:
            return cls(content["words"], content["length"])
        except (KeyError, TypeError) as error:
            raise InputError(f"{path}: not a vocabulary (expected length and words): train it again") from error
