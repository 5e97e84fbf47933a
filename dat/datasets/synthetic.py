"""Stage `synthetic@SET`: an embedded data set of drawn videos, on disk as the real one would be.

The same seed gives the same bytes; each video draws from its own child of the set's seed.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dat import records
from dat.base.errors import InputError
from dat.base.sections import Synthetic
from dat.datasets.scenery import programme, textures
from dat.datasets.scenery.programme import Entry
from dat.datasets.scenery.rendering import render
from dat.datasets.scenery.scenes import compose
from dat.datasets.scenery.truth import AFTER, GAP, truth
from dat.datasets.scenery.writers import WRITERS, Take, write_list, write_vot2016
from dat.progress import progress

WORDED = "2026-11-25"
"""The date in the table of sentences: when the forms of the sentences were written."""

TRIES = 50
"""How often a video is drawn at most until its target comes back in time."""


def film(
    entry: Entry, seed: np.random.SeedSequence, size: tuple[int, int], frames: int, photos: tuple[str, ...]
) -> Take:
    """Compose, draw and describe one video."""
    scene_seed, word_seed = seed.spawn(2)
    video = render(compose(scene_seed, entry.recipe, entry.kind, size, frames, photos))
    seeds = word_seed.spawn(len(video.scene.targets))
    return Take(entry.name, video.images, [truth(video, target, child) for target, child in enumerate(seeds)])


def film_of_return(
    entry: Entry, seed: np.random.SeedSequence, size: tuple[int, int], frames: int, photos: tuple[str, ...]
) -> Take:
    """As `film`, drawn again until the target is away once and comes back in time to be found again.

    Raises InputError when it never does.
    """
    for child in seed.spawn(TRIES):
        take = film(entry, child, size, frames, photos)
        if take.truths[0].comes_back:
            return take
    raise InputError(
        f"params.yaml: synthetic.redetection: {entry.name}: in {frames} frames the target does not leave for "
        f"{GAP[0]} to {GAP[1]} and come back {AFTER} before the end; ask for 42 frames or another seed"
    )


def takes(key: str, layout: str, section: Synthetic) -> Iterator[tuple[Entry, Take]]:
    """The videos of a set, one after another."""
    entries = programme.programme(key, layout, section.videos)
    photos = textures.PHOTOS["testing" if layout in programme.BENCHMARKS else "training"]
    seeds = np.random.SeedSequence(section.seed).spawn(len(entries))
    draw = film_of_return if key == "redetection" else film
    for entry, seed in zip(entries, seeds, strict=True):
        yield entry, draw(entry, seed, (section.width, section.height), section.frames, photos)


def sentences(pairs: list[tuple[str, str]]) -> str:
    """The table of sentences (sequence, sentence, annotator, date) as CSV."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["sequence", "sentence", "annotator", "date"])
    table.writerows([name, sentence, "synthetic", WORDED] for name, sentence in pairs)
    return text.getvalue()


def write_videos(raw: Path, key: str, layout: str, section: Synthetic) -> list[tuple[str, str]]:
    """Draw a set's videos into the folder `raw`, one after another; every sequence's name with its sentence."""
    writer = WRITERS.get(key if layout == "vot" or key == "redetection" else layout, write_vot2016)
    sentences_of: list[tuple[str, str]] = []
    bar = progress(total=section.videos, desc=f"synthetic {key}", unit="video")
    with bar:
        for index, (entry, take) in enumerate(takes(key, layout, section)):
            writer(raw, take, index)
            sentences_of += [(name, facts.sentence) for name, facts in zip(entry.targets, take.truths, strict=True)]
            bar.update(len(entry.targets))
    return sentences_of


def write(raw: Path, key: str, layout: str, section: Synthetic) -> dict[str, object]:
    """Make a data set in the folder `raw`; the facts for `data/<key>.json`."""
    sentences_of = write_videos(raw, key, layout, section)
    table = raw / "sentences.csv" if layout in programme.BENCHMARKS else None
    if table:
        records.write_text(table, sentences(sentences_of))
    if layout == "vot":
        write_list(raw, [name for name, _ in sentences_of])
    return {
        "name": f"synthetic-{key}",
        "layout": layout,
        "root": f"data/{key}",
        "lists": programme.lists(key, layout, programme.programme(key, layout, section.videos)),
        "sentences": f"data/{key}/{table.name}" if table else None,
        "digest": records.sha256_json(records.folder_files(raw)),
    }


def run(job: records.Job) -> None:
    """Write the raw folder `outputs["raw"]` and its description `outputs["set"]`."""
    section = job.settings.section(f"synthetic.{job.key}", Synthetic)
    layout = job.settings.section(f"datasets.{job.key}.layout", str)
    records.write_json(job.outputs["set"], write(job.outputs["raw"], job.key, layout, section))
