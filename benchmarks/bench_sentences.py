"""The sentence encoder against a bag of words, on LaSOT's 1,400 real sentences, in one run.

    python -m benchmarks.bench_sentences [--splits 5] [--data FOLDER] [--set dropout=0.5 ...]

Both tell the class of the object from the sentence. Splits of 80 to 20 grouped by the sentence's text: a sentence that
occurs twice is on one side only. Encoder: the language stage's own task at the paper profile's settings. Bag of words:
logistic regression on which words occur, scikit-learn's default strength. Then the share of unknown words in the
benchmarks' sentences that lie in `annotations/`.
"""

import argparse
import os
import tarfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks import figures
from dat.base import params
from dat.datasets import sentences as tables
from dat.models.vocabulary import Vocabulary, words
from dat.training import runner
from dat.training.language import LanguageTask, class_name

ROOT = Path(__file__).resolve().parents[1]


def lasot(folder: Path) -> tuple[list[str], list[str]]:
    """Sentences and classes of LaSOT's videos, by name."""
    found = {}
    with tarfile.open(folder / "lasot" / "lasot_annotations.tar.xz") as archive:
        for member in archive:
            if member.name.endswith("/nlp.txt"):
                text = archive.extractfile(member).read().decode().strip()
                found[Path(member.name).parent.name] = text
    return [found[name] for name in sorted(found)], [class_name(name) for name in sorted(found)]


def bag_of_words(task: LanguageTask) -> float:
    """Held-out accuracy of a logistic regression on the task's split, words and labels."""
    from sklearn.linear_model import LogisticRegression

    there = np.zeros((len(task.sentences), len(task.vocabulary)))
    for row, tokens in enumerate(task.tokens.numpy()):
        there[row, tokens[tokens > 0]] = 1
    labels = task.labels.numpy()
    model = LogisticRegression(max_iter=1000).fit(there[~task.held_out], labels[~task.held_out])
    return float((model.predict(there[task.held_out]) == labels[task.held_out]).mean())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DAT_TEST_DATA", "")))
    parser.add_argument("--set", nargs="*", default=[], help="other settings of the section language, as name=value")
    options = parser.parse_args()
    settings = params.load(ROOT / "profiles" / "paper")
    language = settings.root.language
    changes = {name: type(getattr(language, name))(value) for name, value in (one.split("=") for one in options.set)}
    language = language.model_copy(update={"held_out": 0.2} | changes)  # the paper's training holds nothing out
    sentences, classes = lasot(options.data)
    different = len({sentence.lower() for sentence in sentences})
    about = f"{len(sentences):,} sentences, {different:,} different, {len(set(classes))} classes."
    table, accuracies = figures.Table("split", "held out", "encoder", "bag of words", "seconds"), []
    for seed in range(options.splits):
        start = time.process_time()
        with runner.exact(torch.get_num_threads(), "cpu"):
            task = LanguageTask(sentences, classes, language, seed)
            rows = runner.train(task, settings.root.train)
        accuracies.append((rows[-1]["held_out_accuracy"], bag_of_words(task)))
        seconds = time.process_time() - start
        table.add(seed, int(task.held_out.sum()), *(f"{value:.3f}" for value in accuracies[-1]), f"{seconds:.0f}")
    table.add("mean", "", *(f"{value:.3f}" for value in np.mean(accuracies, axis=0)), "")
    figures.write(__file__, about, table, unknown_words(Vocabulary.of(sentences, language.words)))


def unknown_words(vocabulary: Vocabulary) -> figures.Table:
    """The share of the benchmarks' words that LaSOT's sentences do not have."""
    table = figures.Table("sentences of", "words that LaSOT's do not have", "of", "share")
    for path in sorted((ROOT / "annotations").rglob("*.csv")):
        texts = [row.sentence for row in tables.read(path).values()]
        unknown = [word for text in texts for word in vocabulary.unknown(text)]
        total = sum(len(words(text)[: vocabulary.length]) for text in texts)
        share = 100 * len(unknown) / max(1, total)
        table.add(path.stem, len(unknown), total, f"{share:.1f} %")
        print(", ".join(sorted(set(unknown))))
    return table


if __name__ == "__main__":
    main()
