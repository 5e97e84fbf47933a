"""Stage `index`: the manifest of a data set, every file with its hash.

Frames are hashed once: what the file system says of each is remembered outside of the stage's output. Where the raw
data are not on this machine, a manifest that is there is kept, else one marked as not linked is written; both are said.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dat import opening
from dat.benchmarks import published
from dat.datasets import manifest, sets
from dat.datasets.hashes import Hashes, memory_path
from dat.datasets.layouts import registry as layouts
from dat.datasets.targets import Found, Target
from dat.errors import InputError, MissingError
from dat.naming import shown
from dat.outside import read_bytes
from dat.progress import progress
from dat.records import Job, write_bytes
from dat.sections import Dataset


def run(job: Job) -> None:
    """Write the manifest of the data set `job.key`. Raises InputError naming the file, and the line, that is wrong."""
    data = sets.read(job.inputs["set"], job.key, job.settings)
    wanted = job.settings.section(f"datasets.{job.key}", Dataset).layout
    if data.layout != wanted:
        raise InputError(f"{data.file}: layout '{data.layout}' where params.yaml says '{wanted}' for {job.key}")
    watched = job.settings.section(f"datasets.{job.key}", Dataset).sentences
    if data.table is not None and data.table != (job.settings.path / watched).resolve():
        raise InputError(f"{data.file}: 'sentences' is not the file that params.yaml says for {job.key}: {watched}")
    head = {"name": data.name, "layout": data.layout, "root": data.root, "lists": dict(data.lists)}
    if data.folder is None:
        _without(data, head, sets.manifest_path(job.settings, job.key), job.outputs["manifest"])
    else:
        _with(data, head, data.folder, job.outputs["manifest"])


def _without(data: sets.DataSet, head: dict[str, Any], old: Path, output: Path) -> None:
    """The raw data are not here: keep the manifest that is, or say that there is none."""
    try:
        kept = manifest.header(old)["name"] == data.name
    except (MissingError, InputError):
        kept = False
    where = data.profile / data.root
    if kept:
        write_bytes(output, read_bytes(old, most=opening.MANIFEST))
        _say(f"{data.key}: no data at {where}; kept the manifest that is there")
    else:
        manifest.write(output, {**head, "linked": False}, [])
        _say(f"{data.key}: no data at {where}; not linked: run dat data link {data.key} PATH")


def _with(data: sets.DataSet, head: dict[str, Any], folder: Path, output: Path) -> None:
    found, missing = layouts.find(data.layout, folder, data.wanted)
    if not found:
        looks = layouts.layout(data.layout).looks
        raise InputError(f"{folder}: no sequence of {data.name} in it; {looks} is expected; link another folder")
    hashes = Hashes(memory_path(data.profile.absolute(), data.name), folder)
    try:
        manifest.write(output, {**head, "linked": True}, _rows(data, found, hashes))
        hashes.save(final=True)
    finally:
        hashes.save()
    lost = f"; not there: {_some(missing)}" if missing else ""
    _say(f"{data.key}: {len(found)} of {len(found) + len(missing)} targets, {hashes.read} files read{lost}")


def _some(names: list[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _say(text: str) -> None:
    print(shown(text), file=sys.stderr)


def _rows(data: sets.DataSet, found: dict[str, Found], hashes: Hashes) -> Iterator[manifest.Row]:
    facts, written = published.facts(data.name), data.sentences()
    for name, place in progress(found.items(), total=len(found), desc=f"index {data.key}"):
        sentence = written[name].sentence if name in written else None
        yield _row(name, place.read(facts.get(name)), sentence, hashes)


def _row(name: str, target: Target, sentence: str | None, hashes: Hashes) -> manifest.Row:
    """The manifest's row of a target; what the layout does not have is left out."""
    files = hashes.facts(target.frames)
    row = {
        "sequence": name,
        "frames": len(files),
        "files": files,
        "annotations": hashes.facts(target.annotations),
        "boxes": target.boxes,
        "sentence": sentence or target.sentence,
        "size": hashes.size(target.frames[0], files[0][2]),
        "attributes": target.attributes,
    }
    more = {key: getattr(target, key) for key in ("absent", "regions", "tags", "practical")}
    return row | {key: value for key, value in more.items() if value is not None}
