"""The whole run as a Workflow Run RO-Crate (Provenance Run Crate 0.5), for tools that know nothing of this project.

Small files of text are copied: the graph, settings, records, scores, tables, the seal. All others are named by their
bytes (`ni:///sha-256;...`, RFC 6920), with path, size and sha256, and a folder of many by the hash over its files.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from dat.audit import croissant, seal
from dat.audit.crate_files import Contents, described, named_by
from dat.audit.walk import Walk
from dat.base.errors import InputError, MissingError
from dat.records import remove, sha256_bytes, temporary

Record = Mapping[str, Any]
Unit = tuple[str, str, Record]
"""A tracked sequence: its name, the folder of its results, and its record."""

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
"""What RO-Crate 1.1 has no word for, from the profile's own terms."""

LICENCE = "https://spdx.org/licenses/Apache-2.0"


def write(folder: Path, walk: Walk) -> str:
    """Write the crate of the run into a folder that is empty or not there; the seal's root.

    Raises InputError where the folder holds something or a file is not what its record says, MissingError where a
    record, a file or the package rocrate is not there.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: holds something already; name a folder that is empty or not there")
    try:
        import rocrate.rocrate
    except ImportError:
        raise MissingError("--crate needs the package rocrate: pip install 'dat[crate]'") from None
    sealed = seal.of(walk)
    crate = rocrate.rocrate.ROCrate(version="1.1")
    made = _Crate(walk, crate, Contents(walk, crate))
    made.fill(sealed)
    whole = temporary(folder.absolute())
    try:
        crate.write(whole)
        os.replace(whole, folder)
    finally:
        remove(whole)
    return sealed.root


@dataclass
class _Crate:
    """A crate as it is filled."""

    walk: Walk
    crate: Any
    contents: Contents

    def fill(self, sealed: seal.Seal) -> None:
        """Add the whole run."""
        stages = {name: self.contents.record(name) for name in self.walk.lock.stages}
        runs = {name: self.walk.json(f"runs/{name}.json") for name in stages}
        times = sorted(time for run in runs.values() for time in _times(run).values())
        self._root(sealed, times)
        units = self._unit_records()
        tools = self._tools(stages, units)
        fan_out = self._fan_out(tools)
        actions = {}
        for name, record in stages.items():
            used = [tools[_base(name)], *(fan_out if _base(name) == "benchmark" else [])]
            actions[name] = self._action(f"#stage-{name}", name, record, runs[name], used, record["outputs"])
        tracked = [self._unit(unit, tools["job"]) for unit in units]
        run = self._workflow(
            list(stages), {name: tool for name, tool in tools.items() if name != "job"}, fan_out, actions, times
        )
        for name in self.walk.settings.root.datasets:
            self._data_set(name)
        self.crate.root_dataset["mentions"] = [*run, *actions.values(), *tracked]
        for entity in self.crate.get_entities():
            facts = entity.properties()
            facts |= {key: of[0] for key, of in facts.items() if isinstance(of, list) and len(of) == 1}

    def _root(self, sealed: seal.Seal, times: Sequence[str]) -> None:
        crate, profile = self.crate, self.walk.settings.profile
        crate.metadata.extra_terms.update(TERMS)
        crate.name = f"DAT, run of profile {profile}"
        crate.description = (
            f"What stands behind the report of the profile {profile}: every stage with its code, settings, inputs and "
            "outputs, each file by its sha256. Files that are not in this folder are named by their bytes."
        )
        crate.license = self.contents.add(LICENCE, "CreativeWork", name="Apache License 2.0", identifier=LICENCE)
        crate.datePublished = times[-1] if times else datetime.now(UTC).date().isoformat()
        crate.root_dataset["identifier"] = self.contents.add(
            "#seal", "PropertyValue", name="seal", propertyID="root of reports/seal.json", value=sealed.root
        )
        profiles = [
            self.contents.add(link, "CreativeWork", name=name, version=version)
            for link, (name, version) in PROFILES.items()
        ]
        crate.root_dataset["conformsTo"] = profiles

    # ------------------------------------------------------------ what ran

    def _unit_records(self) -> list[Unit]:
        """Each tracked sequence's name, folder of results, and record."""
        units: list[Unit] = []
        for benchmark in self.walk.settings.root.benchmarks:
            for name in sorted(self.walk.json(f"results/{benchmark}/manifest.json")):
                tracker, _, sequence = name.partition("/")
                record = self.walk.unit_record(benchmark, tracker, sequence)
                units += [(f"{benchmark}/{name}", f"results/{benchmark}/{tracker}", record)] if record else []
        return units

    def _tools(self, stages: Mapping[str, Record], units: Sequence[Unit]) -> dict[str, Any]:
        """The tools, one a kind of stage, with their packages and modules; `job` is what tracks a sequence."""
        records: dict[str, list[Record]] = {}
        for name, record in stages.items():
            records.setdefault(_base(name), []).append(record)
        if units:
            records["job"] = [record for _, _, record in units]
        return {kind: self._tool(kind, entries) for kind, entries in records.items()}

    def _tool(self, kind: str, records: Sequence[Record]) -> Any:
        packages = {item for record in records for item in record["environment"].get("packages", {}).items()}
        code = sorted({item for record in records for item in record["code"].items()})
        needs = [
            self.contents.add(f"#package-{name}-{version}", "SoftwareApplication", name=name, softwareVersion=version)
            for name, version in sorted(packages)
        ]
        return self.contents.add(
            f"#tool-{kind}",
            "SoftwareApplication",
            name=f"dat, stage {kind}" if kind != "job" else "dat job, the tracker on one sequence",
            softwareVersion=f"sha256 {seal.branch_hash(dict(code))} over its modules",
            softwareRequirements=needs,
            hasPart=[self.contents.named(path, sha256, None) for path, sha256 in code],
        )

    def _fan_out(self, tools: Mapping[str, Any]) -> list[Any]:
        """Snakemake's workflow, which the benchmarks' stages run to track many sequences at a time."""
        path = self.walk.settings.top / "Snakefile"
        if "benchmark" not in tools or "job" not in tools or not path.is_file():
            return []
        facts = self._workflow_facts("Snakefile", path) | {"hasPart": [tools["job"]]}
        return [self.crate.add_workflow(path, "Snakefile", properties=facts, lang="snakemake")]

    def _action(
        self, place: str, name: str, record: Record, run: Record, tools: list[Any], outputs: Iterable[Record]
    ) -> Any:
        """One run of a tool: its inputs, settings and surroundings, its outputs, and when it ran."""
        value = self.contents.value
        settings = [value(key, of) for key, of in sorted(record["params"].items())]
        environment = {key: of for key, of in record["environment"].items() if key != "packages"}
        values = [value(key, of, "environment") for key, of in sorted(environment.items())]
        facts = {"seed": record.get("seed"), "commit": run.get("commit"), "uncommitted patch": run.get("patch")}
        values += [value(key, of, "run") for key, of in facts.items() if of is not None]
        status = {"actionStatus": "http://schema.org/CompletedActionStatus"}
        properties = {"name": name, "description": record["command"], **status, **_times(run)}
        used, made = [*self.contents.all(record["inputs"]), *settings, *values], self.contents.all(outputs)
        return self.crate.add_action(tools, place, object=used, result=made, properties=properties)

    def _unit(self, unit: Unit, tool: Any) -> Any:
        """What tracked a sequence; its results are among those of its benchmark's stage."""
        name, folder, record = unit
        made = [{**fact, "path": f"{folder}/{fact['path']}"} for fact in record["outputs"]]
        place, run = f"#unit-{name.replace('/', '-')}", self.walk.json(f"runs/{name}.json")
        return self._action(place, name, record, run, [tool], made)

    def _workflow(
        self,
        stages: Sequence[str],
        tools: Mapping[str, Any],
        fan_out: Sequence[Any],
        actions: Mapping[str, Any],
        times: Sequence[str],
    ) -> list[Any]:
        """The graph of stages with its steps; the run as a whole, and DVC's running of it."""
        contents, home = self.contents, self.walk.settings.path
        settings, lock = (contents.copy(name, home / name) for name in ("params.yaml", "dvc.lock"))
        report = [contents.files[path] for path in sorted(contents.files) if path.startswith("reports/")]
        steps = [
            contents.add(f"#step-{name}", "HowToStep", name=name, position=str(number), workExample=tools[_base(name)])
            for number, name in enumerate(stages, 1)
        ]
        facts = self._workflow_facts("DAT, the graph of stages", home / "dvc.yaml")
        facts |= {"@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"], "step": steps}
        facts |= {"hasPart": [*tools.values(), *fan_out], "input": [self._parameter("settings", [settings])]}
        facts |= {"output": [self._parameter("scores and tables", report)]} if report else {}
        lang = self._language("DVC", "https://dvc.org/")
        workflow = self.crate.add_workflow(home / "dvc.yaml", "dvc.yaml", properties=facts, main=True, lang=lang)
        spans = {"startTime": times[0], "endTime": times[-1]} if times else {}
        properties = {"name": "the run", **spans}
        whole = self.crate.add_action(
            workflow, "#run", object=[settings], result=[lock, *report], properties=properties
        )
        controls = [
            contents.add(f"#control-{name}", "ControlAction", name=f"run {name}", instrument=step, object=actions[name])
            for step, name in zip(steps, stages, strict=True)
        ]
        engine = contents.add("#engine", "SoftwareApplication", name="DVC", url="https://dvc.org/")
        ran = {"instrument": engine, "object": controls, "result": whole}
        return [whole, contents.add("#organised", "OrganizeAction", name="dvc repro", **ran)]

    def _workflow_facts(self, name: str, path: Path) -> dict[str, Any]:
        sha256 = self.walk.files.sha256(path)
        if sha256 is None:
            raise MissingError(f"{path}: not there; git checkout brings it back")
        return {**described(path.name, sha256, path.stat().st_size), "name": name, "version": f"sha256 {sha256}"}

    def _language(self, name: str, link: str) -> Any:
        from rocrate.model.computerlanguage import ComputerLanguage

        facts = {"name": name, "identifier": {"@id": link}, "url": {"@id": link}}
        return self.crate.add(ComputerLanguage(self.crate, f"#{name.lower()}", properties=facts))

    def _parameter(self, name: str, examples: Sequence[Any]) -> Any:
        place, facts = f"#parameter-{name.replace(' ', '-')}", {"name": name, "additionalType": "File"}
        parameter = self.contents.add(place, "FormalParameter", workExample=list(examples), **facts)
        for example in examples:
            example["exampleOfWork"] = parameter
        return parameter

    # ------------------------------------------------------------ data sets

    def _data_set(self, name: str) -> None:
        """A data set as Croissant describes it, and the table of its sequences."""
        path = f"{self.walk.settings.root.datasets[name].manifest}.jsonl"
        manifest, sha256 = self.walk.results.manifest(path), self.walk.files.sha256(self.walk.settings.path / path)
        if manifest is None or sha256 is None:
            return
        for file, text in croissant.describe(manifest, path, named_by(sha256), sha256).items():
            data = text.encode()
            facts = described(file, sha256_bytes(data), len(data)) | {"name": f"data set {name}: {file}"}
            self.crate.add_file(StringIO(text), f"data-sets/{name}/{file}", properties=facts)


def _base(stage: str) -> str:
    return stage.partition("@")[0]


def _times(run: Mapping[str, Any]) -> dict[str, str]:
    """When a run began and ended, where its run file says so."""
    if "started" not in run or "seconds" not in run:
        return {}
    end = datetime.fromisoformat(run["started"]) + timedelta(seconds=run["seconds"])
    return {"startTime": run["started"], "endTime": end.isoformat(timespec="seconds")}
