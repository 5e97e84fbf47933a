"""Stage `language`: the vocabulary of LaSOT's sentences, and an encoder trained to tell the object's class from one."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dat import records
from dat.base import params
from dat.base.errors import InputError
from dat.base.sections import Language, Train
from dat.datasets import manifest
from dat.models import weights
from dat.models.arithmetic import Linear
from dat.models.layers import initialise
from dat.models.optimisers import Adam
from dat.models.sentence import SentenceNet, anchor, drop_words
from dat.models.vocabulary import Vocabulary
from dat.training import distributed, losses, runner
from dat.training.checkpoints import Checkpoints
from dat.training.runner import Clock, Row


def class_name(sequence: str) -> str:
    """LaSOT's class of a video: its name without the number."""
    return sequence.rpartition("-")[0]


def grouped_split(groups: Sequence[str], share: float, seed: int) -> NDArray[np.bool_]:
    """(N,) True where held out: whole groups, in random order, until at least `share` of the rows are held out.

    A third of LaSOT's sentences repeat: the same sentence is never on both sides.
    """
    names = sorted(set(groups))
    held_out = np.zeros(len(groups), bool)
    column = np.array(groups)
    for i in np.random.default_rng([seed, 7]).permutation(len(names)):
        if held_out.sum() >= share * len(groups):
            break
        held_out |= column == names[i]
    return held_out


class Classifier(nn.Module):
    """(B,16) word numbers -> (B, classes) scores: the encoder, the mean over real words, one linear layer."""

    def __init__(self, sentence: SentenceNet, classes: int, generator: torch.Generator) -> None:
        super().__init__()
        self.sentence = sentence
        self.head = Linear(sentence.channels, classes)
        initialise(self.head, "default", generator)

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.head(anchor(self.sentence(tokens), tokens, "rectified"))
        return out


@dataclass(frozen=True)
class SentenceBatch:
    """The rows (B,) of a batch and their tokens (B,16)."""

    rows: NDArray[np.int64]
    tokens: Tensor


class LanguageTask:
    """Cross-entropy over classes, Adam, in epochs over the training sentences.

    `language.dropout` makes words unknown in training: the encoder leans on no single word, and the place of unknown
    words is trained, as a quarter of a benchmark's words are.
    """

    lower = "language.batch"

    def __init__(
        self,
        sentences: Sequence[str],
        classes: Sequence[str],
        language: Language,
        seed: int,
        device: str = "cpu",
    ) -> None:
        names = sorted(set(classes))
        self.sentences, self.seed, self.size = list(sentences), seed, language.batch
        self.held_out = grouped_split([s.lower() for s in sentences], language.held_out, seed)
        training_sentences = [s for s, out in zip(sentences, self.held_out, strict=True) if not out]
        if not training_sentences:
            raise InputError(f"language: no sentence is left to train on with language.held_out {language.held_out}")
        self.vocabulary = Vocabulary.of(sentences, language.words)
        self.dropout, self.decay = language.dropout, language.decay
        self.tokens = torch.stack([self.vocabulary.tokens(s) for s in sentences]).to(device)
        self.labels = torch.tensor([names.index(c) for c in classes], device=device)
        self.rows = np.flatnonzero(~self.held_out)
        source = runner.generator(seed, 0)
        net = SentenceNet(len(self.vocabulary), language.channels, language.kernel, language.layers, generator=source)
        self.module = Classifier(net, len(names), source).to(device)
        self.optimiser = Adam(self.module.parameters(), lr=language.rate)
        self.every = -(-len(self.rows) // self.size)  # an epoch
        self.steps = self.every * language.epochs

    def batch(self, step: int) -> SentenceBatch:
        epoch, place = divmod(step, self.every)
        order = np.random.default_rng([self.seed, 2, epoch]).permutation(self.rows)
        rows = order[place * self.size : (place + 1) * self.size]
        return SentenceBatch(
            rows, drop_words(self.tokens[rows], self.dropout, np.random.default_rng([self.seed, 6, step]))
        )

    def loss(self, batch: SentenceBatch) -> dict[str, Tensor]:
        logits = self.module(batch.tokens[distributed.computed(len(batch.rows))])
        scores = distributed.gather(logits, len(batch.rows))
        return {"loss": torch.nn.functional.cross_entropy(losses.as_float32(scores), self.labels[batch.rows])}

    def rate(self, step: int) -> float:
        return runner.decayed(step, self.steps, self.decay)

    def samples(self, batch: SentenceBatch) -> list[str]:
        return [self.sentences[i] for i in batch.rows]

    def validate(self) -> Row:
        if not self.held_out.any():
            return {}
        rows = torch.from_numpy(self.held_out)
        predicted = self.module(self.tokens[rows]).argmax(1)
        return {"held_out_accuracy": float((predicted == self.labels[rows]).double().mean())}


def described(videos: Sequence[Any]) -> tuple[list[str], list[str], list[str]]:
    """Names, sentences and classes of the videos that have a sentence, and how many had none is printed."""
    with_sentence = [video for video in videos if video.sentence]
    without = len(videos) - len(with_sentence)
    print(f"language: {len(with_sentence)} sentences, {without} videos have none", file=sys.stderr)
    if not with_sentence:
        raise InputError("language: no video of the manifest has a sentence (nlp.txt)")
    names = [video.name for video in with_sentence]
    return names, [str(video.sentence) for video in with_sentence], [class_name(name) for name in names]


def run(job: records.Job) -> None:
    """Write weights.safetensors, vocabulary.json, metrics.json and curves."""
    shared, language = (
        job.settings.section("train", Train),
        job.settings.section("language", Language),
    )
    _, sentences, classes = described(list(manifest.sequences(job.inputs["manifest"])))
    checkpoints, clock = Checkpoints.of(job, __name__), Clock()
    with runner.exact(shared.threads, job.device):
        task = LanguageTask(sentences, classes, language, shared.seed, job.device)
        rows = runner.train(task, shared, checkpoints, "language", clock, job.outputs["language"])
    if not distributed.first():
        return
    write(job.outputs["language"], task, rows, language)
    checkpoints.clear()
    if job.timing:
        runner.write_timing(job, "language", clock)


def write(folder: Path, task: LanguageTask, rows: list[Row], language: Language) -> None:
    """The stage's files."""
    metadata = {"kind": "language", "language": params.plain(language), "seed": task.seed}
    weights.save(folder, task.module, metadata)
    task.vocabulary.save(folder / "vocabulary.json")
    facts = {
        "sentences": len(task.sentences),
        "distinct": len({s.lower() for s in task.sentences}),
        "held_out": int(task.held_out.sum()),
        "classes": task.module.head.out_features,
        "words": len(task.vocabulary) - 2,
    }
    final = {name: value for name, value in rows[-1].items() if name != "step"}
    records.write_json(folder / "metrics.json", facts | final)
