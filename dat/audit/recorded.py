"""What the record of a stage or of a sequence says, against what is there: files, code, settings, parents, dvc.lock.

Every file is read once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from dat.audit import commits, graph, lock, players, scores, training
from dat.audit.addresses import Numbers
from dat.audit.checks import Check, compare, group, missing
from dat.audit.files import Files, json_object
from dat.audit.printed import Printed
from dat.audit.revisions import Store
from dat.base.errors import DatError, InputError
from dat.base.params import Settings, leaves, plain, read_yaml
from dat.datasets import manifest as manifests
from dat.fanout import store
from dat.records import sha256_json

PARTS = frozenset({"code", "command", "inputs", "outputs", "params", "parents"})
"""What every record has."""


@dataclass
class Recorded:
    """A profile's files, dvc.lock and records, each against what it says of the others. `unrun` holds the stages and
    units that were looked at and have no run file."""

    settings: Settings
    unrun: set[str] = field(default_factory=set, init=False)
    _listings: dict[str, dict[str, Path]] = field(default_factory=dict, init=False)

    @cached_property
    def numbers(self) -> Numbers:
        """The run's numbers."""
        return Numbers(self.settings)

    @cached_property
    def printed(self) -> Printed:
        """What the report's cells should show."""
        return Printed(self.numbers)

    @cached_property
    def files(self) -> Files:
        """Hashes of files."""
        return Files.at(self.settings.top)

    @cached_property
    def params(self) -> dict[str, Any]:
        """The settings in force, by dotted path."""
        return {key[1:]: value for key, value in leaves(plain(self.settings.root), "").items()}

    @cached_property
    def lock(self) -> lock.Lock:
        """dvc.lock of the profile."""
        stages, wrong = dict[str, Any](), dict[str, str]()
        for name, read in (("dvc.lock", lock.read), ("dvc.yaml", graph.read)):
            try:
                stages[name] = read(self.settings.path / name)
            except InputError as error:
                stages[name], wrong[name] = {}, str(error)
        lock.check_profile(self.settings.path / "dvc.lock", stages["dvc.lock"], self.settings.profile)
        written = read_yaml(self.settings.path / "params.yaml")  # as DVC reads it: without what is there by default
        return lock.Lock(self.settings.path, self.files, stages["dvc.lock"], written, stages["dvc.yaml"], wrong)

    @cached_property
    def commits(self) -> commits.Commits:
        """The commits that run files name."""
        return commits.Commits(self.settings.top)

    @cached_property
    def store(self) -> Path:
        """The job store."""
        return store.location(self.settings.top)

    @cached_property
    def results(self) -> scores.Results:
        """The run's result files, scored again."""
        return self.printed.results

    @cached_property
    def players(self) -> players.Players:
        """What the page's players show."""
        return players.Players(self.results)

    @cached_property
    def trainings(self) -> training.Trainings:
        """The run's training sets, counted again."""
        return training.Trainings(self.settings, self.results)

    # ------------------------------------------------------------ records

    def checked(self, name: str, record: Mapping[str, Any]) -> list[Check]:
        """A record's inputs, code, settings and parents against what is there now."""
        return [*self._decided(name, record), *self._inputs(name, record), *self._parents(name, record)]

    def _uses(self, record: Mapping[str, Any]) -> set[str]:
        """The files and settings that a record names."""
        files = {fact["path"] for kind in ("inputs", "outputs") for fact in record[kind]}
        return files | {*record["code"], *record["params"]}

    def _parents(self, name: str, record: Mapping[str, Any]) -> list[Check]:
        """The records of the inputs against their hashes in this one."""
        hashes = {parent["path"]: (parent["sha256"], self._sha256(parent["path"])) for parent in record["parents"]}
        return group("parents", name, hashes)

    def _inputs(self, name: str, record: Mapping[str, Any]) -> list[Check]:
        """Every input against its hash in the record; a sequence's row of a manifest is one."""
        hashes = {}
        for fact in record["inputs"]:
            sequence = fact.get("sequence")
            now = self._row_digest(fact["path"], sequence) if sequence else self._sha256(fact["path"])
            hashes[f"{fact['path']} {sequence}" if sequence else fact["path"]] = (fact["sha256"], now)
        return group("inputs", name, hashes)

    def _decided(self, name: str, record: Mapping[str, Any]) -> list[Check]:
        """Code and settings of a record against those of the checkout."""
        top, code, settings = self.settings.top, record["code"], record["params"]
        now = {file: (sha256, self.files.sha256(top / file)) for file, sha256 in code.items()}
        checks = group("code", name, now)
        absent = object()
        for dotted, value in settings.items():
            held = self.params.get(dotted, absent)
            if held is absent:
                checks.append(missing("params", f"{name}: {dotted}", str(value)))
            elif held != value:
                checks.append(Check("params", "differs", f"{name}: {dotted}", value, held))
        same = len(settings) - sum(check.name == "params" for check in checks)
        return (
            [*checks, Check("params", "verified", name, f"{same} as recorded", f"{same} as recorded")]
            if same
            else checks
        )

    def _locked(self, name: str, record: Mapping[str, Any], dependencies: bool = True) -> list[Check]:
        """What dvc.lock says of the stage that makes a record's outputs, and whether it depends on all that it read."""
        if not record["outputs"]:
            return []
        stage = self.lock.stage_of(record["outputs"][0]["path"])
        if stage is None and record["outputs"][0]["path"] in self._committed:
            return []
        if stage is None:
            where = self.lock.wrong.get("dvc.lock", f"dvc.lock: {record['outputs'][0]['path']}")
            return [missing("lock", where, "a stage that makes it")]
        checks = self.lock.checks(stage, record["command"].removeprefix("dat "), dependencies)
        return checks + self.lock.declared(stage, name, record)

    @property
    def _committed(self) -> set[str]:
        """The descriptions of data sets that no stage makes: they are committed with the profile."""
        root = self.settings.root
        return {f"data/{key}.json" for key in root.datasets if key not in root.synthetic}

    def _run(self, name: str, sha256: str | None, record: Mapping[str, Any]) -> list[Check]:
        """The run file of a stage or unit, where there is one, against its record's hash, and the record's code against
        the commit that the run file names. It is in no clone."""
        path = self.settings.path / "runs" / f"{name}.json"
        if not path.exists():
            self.unrun.add(name)
            return []
        run, subject = json_object(path), f"runs/{name}.json"
        held = compare("run file", subject, sha256, run.get("record"))
        return [held, *self.commits.checks(subject, run, record["code"])]

    def _rows(self, name: str) -> Mapping[str, manifests.Sequence]:
        return self.results.sequences(name)

    def _row_digest(self, name: str, sequence: str) -> str | None:
        row = self._rows(name).get(sequence)
        return sha256_json({key: value for key, value in row.row.items() if key != "digest"}) if row else None

    # ------------------------------------------------------------ files

    def _cached(self, name: str) -> Path | None:
        """Where DVC's cache has, or would have, what dvc.lock says that a file of an output was; None where neither
        tells."""
        outputs = self.lock.outputs
        out = next((one for one in (name, *map(str, PurePosixPath(name).parents)) if one in outputs), None)
        if out is None:
            return None
        if out not in self._listings:
            self._listings[out] = self._listing(outputs[out][1], PurePosixPath(out).name)
        within = PurePosixPath(name).relative_to(out).as_posix() if out != name else PurePosixPath(name).name
        return self._listings[out].get(within)

    def _listing(self, md5: str, name: str) -> dict[str, Path]:
        """The files of an output by their path within it, in DVC's cache; none where it has not their list."""
        try:
            found = Store(self.settings.top, self.settings.path).listing(md5, name) or {}
        except (DatError, OSError, KeyError, TypeError):
            return {}
        return {file: path for file, (_, path) in found.items()}

    def _sha256(self, name: str) -> str | None:
        return self.files.sha256(self.settings.path / name)

    def _record(self, path: Path) -> dict[str, Any] | None:
        """A record, or None where there is none with all its parts, or one of them has another form."""
        record = json_object(path)
        return record if record.keys() >= PARTS and _well_formed(record) else None

    def json(self, name: str) -> dict[str, Any]:
        """A JSON object below the profile, empty where there is none that can be read."""
        return json_object(self.settings.path / name)


def _well_formed(record: Mapping[str, Any]) -> bool:
    """Whether a record's files have a path and a sha256 each, code a hash a module, and settings a name."""
    files = [record["inputs"], record["outputs"], record["parents"]]
    if not all(isinstance(facts, list) for facts in files):
        return False
    return (
        all(isinstance(fact, dict) and {"path", "sha256"} <= fact.keys() for facts in files for fact in facts)
        and all(isinstance(fact[key], str) for facts in files for fact in facts for key in ("path", "sha256"))
        and all(isinstance(record[part], dict) for part in ("code", "params"))
        and all(isinstance(digest, str) for digest in record["code"].values())
    )
