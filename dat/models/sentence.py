"""Sentences: the vocabulary, and the convolutional encoder over words [R37]."""

from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dat import records
from dat.errors import InputError
from dat.models.layers import initialise

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

    def tokens(self, sentence: str) -> Tensor:
        """(length,) int64; cut or padded. A word seen with punctuation only is looked up without it."""
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
        found = records.read_json(path)
        try:
            return cls(found["words"], found["length"])
        except (KeyError, TypeError) as error:
            raise InputError(f"{path}: not a vocabulary (expected length and words): train it again") from error


class SentenceNet(nn.Module):
    """Word numbers (B,16) -> (B,16,channels): an embedding and `layers` 1-D convolutions, ReLU between."""

    def __init__(
        self,
        vocabulary: int,
        channels: int = 512,
        kernel: int = 3,
        layers: int = 3,
        init: str = "default",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, channels, padding_idx=PAD)
        self.layers = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in range(layers))
        initialise(self, init, generator or torch.Generator().manual_seed(0))

    @property
    def channels(self) -> int:
        """Values a word becomes: 512 at the paper's setting."""
        return self.embedding.embedding_dim

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens).mT  # (B,512,16)
        for i, layer in enumerate(self.layers):
            x = layer(x) if i == len(self.layers) - 1 else F.relu(layer(x))
        out: Tensor = x.mT
        return out  # (B,16,512)


def anchor(encoded: Tensor, tokens: Tensor, kind: str = "mean") -> Tensor:
    """One vector a sentence, over its real words' columns [R9]: (B,16,512), (B,16) -> (B,512); `mean` or `max`.

    A sentence without words gives 0.
    """
    real = (tokens != PAD)[:, :, None]  # (B,16,1)
    if kind == "max":
        return torch.where(real.any(1), encoded.masked_fill(~real, -torch.inf).amax(1), 0)
    if kind == "mean":
        return torch.where(real, encoded, 0).sum(1) / real.sum(1).clamp_min(1)
    raise ValueError(f"salnet_training.anchor is {kind!r}; expected mean or max")
