"""Stage `synthetic@SET`: an embedded data set of drawn videos, on disk as the real one would be.

The same seed gives the same bytes; each video draws from its own child of the set's seed.
"""

import csv
import functools
import io
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dat import records
from dat.base import supervise
from dat.base.errors import InputError
from dat.base.sections import Synthetic
from dat.datasets.scenery import programme, textures
from dat.datasets.scenery.programme import Entry
from dat.datasets.scenery.rendering import render
from dat.datasets.scenery.scenes import compose
from dat.datasets.scenery.truth import AFTER, GAP, truth
from dat.datasets.scenery.writers import WRITERS, AnnotatedVideo, write_list, write_vot2016
from dat.progress import progress

WORDED = "2026-11-25"
"""The date in the table of sentences: when the forms of the sentences were written."""

EACH = 100
"""Videos that are worth a process of their own, whose start takes as long as some twenty."""

TRIES = 50
"""How often a video is drawn at most until its target comes back in time."""


def film(
    entry: Entry, seed: np.random.SeedSequence, size: tuple[int, int], frames: int, photos: tuple[str, ...]
) -> AnnotatedVideo:
    """Compose, draw and describe one video."""
    scene_seed, word_seed = seed.spawn(2)
    video = render(compose(scene_seed, entry.recipe, entry.kind, size, frames, photos))
    seeds = word_seed.spawn(len(video.scene.targets))
    truths = [truth(video, target, child) for target, child in enumerate(seeds)]
    return AnnotatedVideo(entry.name, video.images, truths, entry.lost)


def film_of_return(
    entry: Entry, seed: np.random.SeedSequence, size: tuple[int, int], frames: int, photos: tuple[str, ...]
) -> AnnotatedVideo:
    """As `film`, drawn again until the target is away once and comes back in time to be found again.

    Raises InputError when it never does.
    """
    for child in seed.spawn(TRIES):
        take = film(entry, child, size, frames, photos)
        if take.truths[0].comes_back:
            return take
    raise InputError(
        f"params.yaml: synthetic.otb100: {entry.name}: in {frames} frames the target does not leave for "
        f"{GAP[0]} to {GAP[1]} and come back {AFTER} before the end; ask for 42 frames or another seed"
    )


def make(raw: Path, key: str, layout: str, section: Synthetic, index: int, entry: Entry) -> list[tuple[str, str]]:
    """Draw the set's video of this place and write it into the folder `raw`; its sequences' names and sentences."""
    seed = np.random.SeedSequence(section.seed, spawn_key=(index,))
    draw = film_of_return if entry.lost else film
    photos = textures.PHOTOS["testing" if layout in programme.BENCHMARKS else "training"]
    take = draw(entry, seed, (section.width, section.height), section.frames, photos)
    WRITERS.get(key if layout == "vot" else layout, write_vot2016)(raw, take, index)
    return [(name, facts.sentence) for name, facts in zip(entry.targets, take.truths, strict=True)]


def sentences(pairs: list[tuple[str, str]]) -> str:
    """The table of sentences (sequence, sentence, annotator, date) as CSV."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["sequence", "sentence", "annotator", "date"])
    table.writerows([name, sentence, "synthetic", WORDED] for name, sentence in pairs)
    return text.getvalue()


def write_videos(raw: Path, key: str, layout: str, section: Synthetic) -> list[tuple[str, str]]:
    """Draw a set's videos into the folder `raw`, many of them in several processes; each sequence with its sentence."""
    entries = programme.programme(key, layout, section.videos)
    one = functools.partial(make, raw, key, layout, section)
    processes = min(len(os.sched_getaffinity(0)), section.videos // EACH)
    with progress(total=section.videos, desc=f"synthetic {key}", unit="video") as bar:
        if processes < 2:
            return list(_counted(map(one, range(len(entries)), entries), bar))
        context, caller = get_context("spawn"), os.getpid()
        with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(caller,)) as pool:
            return list(_counted(pool.map(one, range(len(entries)), entries), bar))


def _begin(caller: int) -> None:
    """A process that draws ends with its caller, leaves an interrupt to it, and uses one core."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    supervise.end_with(caller)


def _counted(made: Iterator[list[tuple[str, str]]], bar: Any) -> Iterator[tuple[str, str]]:
    """The sequences of videos, each counted when its video is there."""
    for sequences in made:
        bar.update(len(sequences))
        yield from sequences


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
