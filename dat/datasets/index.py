"""Stage `index`: the manifest of a data set, every file with its hash.

Frames are hashed once: what the file system says of each is remembered outside of the stage's output, and so are rows.
Of a set of which stages read every n-th frame (`datasets.NAME.every`) no other is listed, so no other can be read.
Where the raw data are not on this machine, a manifest that is there is kept, else one marked as not linked is written.
"""

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from dat.base import opening
from dat.base.errors import InputError, MissingError
from dat.base.naming import shown
from dat.base.outside import read_bytes
from dat.base.sections import Dataset
from dat.benchmarks import published
from dat.datasets import finding, manifest, sets
from dat.datasets.hashes import Hashes, TargetFiles, memory_path
from dat.datasets.targets import Target, TargetFolder
from dat.progress import progress
from dat.records import Job, code_in, sha256_json, write_bytes

CODE = ("__init__.py", "progress.py", "base", "benchmarks", "datasets", "records")
"""The parts of the package that can decide a row: where one has changed, rows are made again."""


def run(job: Job) -> None:
    """Write the manifest of the data set `job.key`. Raises InputError naming the file, and the line, that is wrong."""
    data = sets.read(job.inputs["set"], job.key, job.settings)
    section: Dataset = job.settings.section(f"datasets.{job.key}", Dataset)
    if data.layout != section.layout:
        wrong = f"layout '{data.layout}' where params.yaml says '{section.layout}' for {job.key}; correct one of them"
        raise InputError(f"{data.file}: {wrong}")
    if data.table is not None and data.table != (job.settings.path / section.sentences).resolve():
        wrong = f"'sentences' is not what params.yaml says for {job.key}: {section.sentences}; correct one of them"
        raise InputError(f"{data.file}: {wrong}")
    head = {"name": data.name, "layout": data.layout, "root": data.root, "lists": dict(data.lists)}
    if data.folder is None:
        _without(data, head, sets.manifest_path(job.settings, job.key), job.outputs["manifest"])
    else:
        _with(data, head, data.folder, job.outputs["manifest"], section.every)


def _without(data: sets.DataSet, head: dict[str, Any], old: Path, output: Path) -> None:
    """The raw data are not here: keep the manifest that is, or say that there is none."""
    try:
        same_set = manifest.header(old)["name"] == data.name
    except (MissingError, InputError):
        same_set = False
    where = data.profile / data.root
    if same_set:
        write_bytes(output, read_bytes(old, most=opening.MANIFEST))
        _say(f"{data.key}: no data at {where}; kept the manifest that is there")
    else:
        manifest.write(output, {**head, "linked": False}, [])
        _say(f"{data.key}: no data at {where}; not linked: run dat data link {data.key} PATH")


def _with(data: sets.DataSet, head: dict[str, Any], folder: Path, output: Path, every: int) -> None:
    targets, missing = finding.find(data.layout, folder, data.wanted)
    if not targets:
        looks = finding.layout(data.layout).looks
        raise InputError(f"{folder}: no sequence of {data.name} in it; {looks} is expected; link another folder")
    own = data.name if data.key in data.name else f"{data.name}-{data.key}"  # a profile may have two parts of a set
    hashes = Hashes(memory_path(data.profile.absolute(), own), folder)
    manifest.write(output, {**head, "linked": True}, _lines(data, targets, hashes, every, str(output)))
    hashes.forget()
    lost = f"; not there: {_some(missing)}" if missing else ""
    _say(f"{data.key}: {len(targets)} of {len(targets) + len(missing)} targets, {hashes.read} files read{lost}")


def _some(names: list[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _say(text: str) -> None:
    print(shown(text), file=sys.stderr)


def _lines(
    data: sets.DataSet, targets: dict[str, TargetFolder], hashes: Hashes, every: int, where: str
) -> Iterator[bytes]:
    """The rows' lines for the manifest `where`."""
    facts, written = published.facts(data.name), data.sentences()
    code = sha256_json(code_in(*CODE))
    for name, place in progress(targets.items(), total=len(targets), desc=f"index {data.key}"):
        sentence, fact = written[name].sentence if name in written else None, facts.get(name)
        key = sha256_json([code, data.layout, every, sentence, vars(fact) if fact else None])
        line = hashes.line(name, key)
        if line is None:
            files = hashes.target(name)
            target = place.read(fact)
            line = manifest.line(_row(name, target, sentence, files, every), where)
            files.folders({place.folder, *(path.parent for path in (target.frames[0], *target.annotations))})
            files.keep(key, line)
        yield line


def _row(name: str, target: Target, sentence: str | None, hashes: TargetFiles, every: int) -> manifest.Row:
    """The manifest's row of a target; what the layout does not have is left out."""
    numbers = chosen(target, every)
    files = hashes.facts([target.frames[number] for number in numbers])
    row = {
        "sequence": name,
        "frames": len(target.frames),
        "files": files,
        "annotations": hashes.facts(target.annotations),
        "boxes": [target.boxes[number] for number in numbers],
        "sentence": sentence or target.sentence,
        "size": hashes.size(target.frames[0], files[0][2]),
        "attributes": target.attributes,
    }
    more = {key: getattr(target, key) for key in ("absent", "regions", "tags", "practical")}
    if every > 1:
        more |= {"numbers": list(numbers), "absent": target.absent and [target.absent[number] for number in numbers]}
    return row | {key: value for key, value in more.items() if value is not None}


def chosen(target: Target, every: int) -> Sequence[int]:
    """The frames (from 0) that the manifest lists: each `every`-th, and the first in which the target is in sight."""
    if every == 1:
        return range(len(target.frames))
    absent = target.absent or [0] * len(target.boxes)
    sights = (number for number, box in enumerate(target.boxes) if box and min(box[2:]) > 0 and not absent[number])
    return sorted({*range(0, len(target.frames), every), *islice(sights, 1)})
