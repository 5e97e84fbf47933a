"""Where the user's own copy of a data set lies: linking a folder to a set of the profile, and what is where."""

from dataclasses import dataclass
from pathlib import Path

from dat.base.errors import InputError, MissingError
from dat.base.params import Settings
from dat.benchmarks import published
from dat.datasets import finding, manifest, sets
from dat.datasets.layouts import otb99
from dat.records import file_facts, write_json, write_text


@dataclass(frozen=True)
class FolderCheck:
    """What a folder holds of a data set: targets found, and those that are missing."""

    folder: Path
    found: list[str]
    missing: list[str]


def look(data: sets.DataSet, folder: Path) -> FolderCheck:
    """What a folder holds of a data set; its first target is read. Raises InputError saying what is wrong with it."""
    if not folder.is_dir():
        wrong = "not a folder" if folder.exists() else "not there"
        raise InputError(f"{folder}: {wrong}; name the folder that holds the sequences of {data.name}")
    targets, missing = finding.find(data.layout, folder, data.wanted)
    if not targets:
        raise InputError(f"{folder}: {_wrong(data, folder)}")
    name, place = next(iter(targets.items()))
    place.read(published.facts(data.name).get(name))
    return FolderCheck(folder, list(targets), missing)


def _wrong(data: sets.DataSet, folder: Path) -> str:
    """Why no target was found in a folder or below it."""
    looks = finding.layout(data.layout).looks
    others = finding.layout(data.layout).find(folder)
    named = f"; it has {len(others)} others, such as {others[0].name}" if others else ""
    return f"no sequence of {data.name} in it ({looks} is expected){named}; link the folder that holds the sequences"


def check_linkable(settings: Settings, key: str) -> None:
    """Raises InputError where the profile has no such data set, or makes it itself."""
    sets.path(settings, key)
    if key in settings.root.synthetic:
        made = f"the profile '{settings.profile}' makes '{key}' itself (dat synthetic {key})"
        raise InputError(f"{settings.path / 'params.yaml'}: {made}; change into profiles/paper to link real data")


def _describe(settings: Settings, key: str, folder: Path) -> None:
    """Write `data/<set>.json` of a set whose list is what its folder holds (of OTB99-Lang, the test queries' targets),
    and the record of it."""
    layout = settings.root.datasets[key].layout
    targets = finding.find(layout, folder, ())[0]
    names = [name for name, target in targets.items() if layout != "otb99" or otb99.tested(target)]
    if not names:
        raise InputError(f"{folder}: no sequence in it; {finding.layout(layout).looks} is expected")
    file, table = sets.path(settings, key), settings.root.datasets[key].sentences
    facts = {"name": key, "layout": layout, "lists": {key: names}, "sentences": None if table == "none" else table}
    write_json(file, facts)
    made = {"code": {}, "command": f"dat data link {key}", "environment": {}, "inputs": [], "params": {}, "parents": []}
    write_json(file.with_suffix(".record.json"), {**made, "outputs": [file_facts(file, settings.path)]})


def link(settings: Settings, key: str, folder: Path) -> FolderCheck:
    """Write `data/<set>.path`, and take the index's record away: DVC then indexes the set again in its next run.

    A set of which no list is published here is described as it is there.

    Raises InputError where the profile makes the set itself, or the folder is not one.
    """
    check_linkable(settings, key)
    if sets.is_described(settings, key):
        _describe(settings, key, folder.expanduser().absolute())
    seen = look(sets.load(settings, key), folder.expanduser().absolute())
    write_text(settings.path / "data" / f"{key}.path", f"{seen.folder}\n")
    sets.manifest_path(settings, key).with_suffix(".record.json").unlink(missing_ok=True)
    return seen


@dataclass(frozen=True)
class Status:
    """A data set of the profile: where it is, how many targets of how many its manifest has, and what is wrong."""

    key: str
    name: str
    where: str
    targets: int
    wanted: int
    frames: int
    sentences: int
    wrong: str


def status(settings: Settings, key: str) -> Status:
    """What is where of a data set, from its description and its manifest; no image is read."""
    try:
        data = sets.load(settings, key)
    except MissingError as error:
        return Status(key, "-", "-", 0, 0, 0, 0, str(error))
    where = str(data.folder) if data.linked and data.folder else "-" if data.folder is None else data.root
    counts, wrong = _counts(sets.manifest_path(settings, key))
    if data.folder is None:
        wrong = f"not linked: dat data link {key} PATH" if data.linked else f"not made: dat synthetic {key}"
    return Status(key, data.name, where, counts[0], len(data.wanted), counts[1], counts[2], wrong)


def _counts(path: Path) -> tuple[tuple[int, int, int], str]:
    """Targets, frames and sentences of a manifest, and what is wrong with it."""
    try:
        rows = [(row["frames"], bool(row.get("sentence"))) for row in manifest.rows(path)]
    except (InputError, MissingError) as error:
        return (0, 0, 0), str(error)
    return (len(rows), sum(frames for frames, _ in rows), sum(with_sentence for _, with_sentence in rows)), ""


def sequence(settings: Settings, key: str, name: str) -> manifest.Sequence:
    """A target of a set's manifest, its name spelled in any way. Raises InputError when there is none."""
    sets.path(settings, key)
    path = sets.manifest_path(settings, key)
    wish = finding.canonical(name)
    names = []
    for entry in manifest.sequences(path):
        if entry.name == name or finding.canonical(entry.name) == wish:
            return entry
        names.append(entry.name)
    some = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    raise InputError(f"{path}: no sequence '{name}' among {len(names)}: {some}")
