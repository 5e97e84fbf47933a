"""The walk from a number to raw files. Every file is read once; a thing that many numbers rest on is looked at once."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from dat.audit import expected, kept, page, pairs, players
from dat.audit import shown as cells
from dat.audit.addresses import Address, Scores
from dat.audit.checks import Audit, Check, Node, Verdict, compare, group, missing
from dat.audit.expected import PAGE
from dat.audit.files import json_object
from dat.audit.recorded import Recorded
from dat.base.errors import InputError, MissingError
from dat.base.outside import listed_names
from dat.benchmarks import published
from dat.datasets import manifest as manifests
from dat.datasets.targets import IMAGES
from dat.fanout import store
from dat.records import sha256_json


@dataclass
class Walk(Recorded):
    """An audit of numbers of one profile; what was looked at is remembered.

    A number's graph holds what it rests on and nothing else; with `stages` it holds each stage on the way whole.
    """

    stages: bool = False
    _nodes: dict[str, Node] = field(default_factory=dict)

    # ------------------------------------------------------------ numbers

    def find(self, text: str) -> Address:
        """The number that a text names.

        Raises InputError naming the text when there is no such number, MissingError when there is no dvc.lock.
        """
        address = self.numbers.find(text)
        self._check_locked()
        return address

    def resolve(self, text: str) -> list[Address]:
        """The numbers that a text names: one, or every number of the report for `all`.

        Raises what `find` does, and for `all` MissingError when there are none at all or the run never finished.
        """
        if text != "all":
            return [self.find(text)]
        addresses = self.numbers.every()
        self._check_locked()
        self._check_finished()
        return addresses + self._files_gone() + self._else_on_page({address.text for address in addresses})

    def _check_locked(self) -> None:
        """Raises MissingError where there is no dvc.lock."""
        lock = self.settings.path / "dvc.lock"
        if not os.path.lexists(lock):
            todo = "put the committed one back (git checkout -- dvc.lock), or run dvc repro"
            raise MissingError(f"{lock}: not there, so nothing says what the run's files were; {todo}")

    def _check_finished(self) -> None:
        """Raises MissingError where a benchmark of the settings has no scores, none of the report's tables and figures
        is there, or nothing of what the scores are made from, as in a clone."""
        home, there = self.settings.path, self.numbers.scores
        scores = [f"reports/metrics/{name}.json" for name in self.settings.root.benchmarks]
        gone = [file for file in scores if not os.path.lexists(home / file)]
        if gone:
            more = f" (nor are {len(gone) - 1} more benchmarks' scores)" if len(gone) > 1 else ""
            instead = f", or name a number that is there: dat audit {next(iter(there))}/VARIANT/METRIC" if there else ""
            todo = f"so the run is not finished, or they were taken away; run dvc repro{instead}"
            raise MissingError(f"{home / gone[0]}: not there{more}, {todo}")
        wanted = expected.addresses(self.printed)
        if wanted and not any(os.path.lexists(home / file) for file in wanted):
            raise MissingError(
                f"{home / expected.TABLES}: no table is there, so the run is not finished; run dvc repro"
            )
        made_from = [f"results/{name}" for name in self.settings.root.benchmarks]
        made_from += [self.results.manifest_of(name) for name in self.settings.root.benchmarks]
        if made_from and not any(os.path.lexists(home / file) for file in made_from):
            raise MissingError(
                f"{home / made_from[0]}: not there, nor are other results, so only the report's own files are here; "
                "dvc pull or dvc repro brings the run that they are from"
            )

    def _files_gone(self) -> list[Address]:
        """The tables and figures that are not there, and have to be by the scores."""
        gone = []
        for file, there in expected.addresses(self.printed).items():
            if not (self.settings.path / file).is_file():
                wrong = f"{file}: not there, and the scores have {len(there)} numbers for it; run dvc repro -f report"
                gone.append(Address(file, "table", file=file, wrong=wrong))
        return gone

    def _else_on_page(self, known: set[str]) -> list[Address]:
        """The numbers that the page shows and no table has; of one that the run has not, what is wrong."""
        others = []
        for text in self._page:
            if text not in known:
                try:
                    others.append(self.numbers.find(text))
                except InputError as error:
                    others.append(Address(text, "page", file=PAGE, wrong=f"{PAGE}: {error}"))
        return others

    def audit(self, address: Address) -> Audit:
        """The audit of a number."""
        if address.wrong:
            unread = missing("printed", address.wrong, "numbers that can be read")
            return Audit(address.text, None, Node("number", address.text, [unread]))
        node = self._training(address) if address.kind == "train" else self._score(address)
        node.checks.extend(self._on_page(address))
        if self.stages:
            node.children.append(self.whole_lock())
        value = (
            address.printed if address.printed is not None else self.numbers.scores[address.benchmark].shown(address)
        )
        return Audit(address.text, value, node)

    def whole_lock(self) -> Node:
        """The stages of dvc.lock that dvc.yaml does not have."""
        if "lock" not in self._nodes:
            self._nodes["lock"] = Node("lock", "dvc.lock", self.lock.others())
        return self._nodes["lock"]

    @cached_property
    def _page(self) -> dict[str, list[page.Cell]]:
        return page.numbers(self.settings.path / PAGE)

    def _on_page(self, address: Address) -> list[Check]:
        """A number of the report as the page shows it, in each place."""
        subject, shown = f"{PAGE}: {address.text}", self._page.get(address.text, [])
        if not shown and (address.printed is None or not (self.settings.path / PAGE).is_file()):
            return []
        value = address.printed
        if value is None and address.benchmark in self.numbers.scores:
            value = self.numbers.scores[address.benchmark].shown(address)
        if not shown or value is None:
            return [missing("page", subject, "a number" if value is None else f"{value:.4g}")]
        whole = address.at is None and address.seed is None and not address.sequence
        place = address.benchmark, address.variant, address.metric
        try:
            few, small = (self.printed.too_few(*place), self.printed.beside(*place)) if whole else ("", [])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            where = f"{subject}: reports/metrics: {type(error).__name__} {error}"
            return [missing("page", where, "scores that can be read")]
        expected = few or page.text(address, value)
        wrong = [text for cell in shown if (text := cell.wrong(expected, small))]
        verdict: Verdict = "differs" if wrong else "verified"
        return [Check("page", verdict, subject, f"{value:.6g}", ", ".join(wrong or [expected]))]

    def _training(self, address: Address) -> Node:
        """A training's metric rests on its weights' record."""
        name = (PurePosixPath(address.file).parent / "record.json").as_posix()
        record = self._record(self.settings.path / name) or {"outputs": []}
        recorded = {fact["path"]: fact["sha256"] for fact in record["outputs"]}.get(
            address.file, "a file of the record"
        )
        checks = [compare("metrics", address.file, recorded, self._sha256(address.file))]
        checks += self._curve(address)
        return Node("number", address.text, checks, [self.record(name)], {address.file})

    def _curve(self, address: Address) -> list[Check]:
        """The last point of a training's curve, which `dvc plots` draws, against its metric; none where it has none."""
        name = (PurePosixPath(address.file).parent / "dvclive/plots/metrics" / f"{address.metric}.tsv").as_posix()
        path = self.settings.path / name
        if not path.is_file():
            return []
        last, line = cells.last_point(path, address.metric)
        return [compare("shown", f"{name}:{line}, column {address.metric}", address.printed, last)]

    def _score(self, address: Address) -> Node:
        """A score rests on the scores' file, the result files of its sequences, and what made them."""
        scores = self.numbers.scores.get(address.benchmark)
        if scores is None:
            return Node(
                "number", address.text, [missing("scores", f"reports/metrics: {address.benchmark}", "a file of scores")]
            )
        shown, checks = scores.shown(address), []
        if address.printed is not None:
            column = "ours" if address.kind == "table" else "y"
            subject = f"{address.file}:{address.line}, column {column}: {address.text}"
            checks.append(compare("printed", subject, shown, address.printed))
        checks += [*self.results.again(scores, address, shown), *self.printed.intervals.check(scores, address)]
        behind = scores.behind(address)
        if address.variant in scores.baselines:
            return Node("number", address.text, checks, self._baseline(scores, address, behind), {scores.file})
        units = [self.unit(scores.parent, tracker, name) for tracker, name in behind]
        made = f"reports/metrics/{scores.parent}.record.json"
        children = [self.record(made) if self.stages else self.scored(made, scores, behind), *units]
        if not self.stages:
            children.append(self.indexed(self.results.manifest_of(scores.parent)))
        children.append(self.apart(scores.parent, units))
        if address.file:
            children += [self.report(address.file), *map(self.shown, cells.behind(address.file))]
            children += [self.compared(scores.name)]
            played = [self.player(scores.parent, tracker, name) for tracker, name in behind]
            children += [node for node in played if node.checks]
        return Node("number", address.text, checks, children, {scores.file, *filter(None, [address.file])})

    def _baseline(self, scores: Scores, address: Address, behind: Sequence[tuple[str, str]]) -> list[Node]:
        """What a baseline's score rests on: what scored it, raw results, truth, and the report that shows it."""
        made, manifest = f"reports/metrics/{scores.parent}.record.json", self.results.manifest_of(scores.parent)
        children = [self.record(made) if self.stages else self.scored(made, scores, [])]
        children += [self.raw_results(scores.parent, address.variant), self.indexed(manifest)]
        children += [self.raw(manifest, sequence) for _, sequence in behind]
        if address.file:
            children += [self.report(address.file), *map(self.shown, cells.behind(address.file))]
        return children

    def raw_results(self, benchmark: str, tracker: str) -> Node:
        """The raw results of a baseline against the hashes of those that were scored: other, more or fewer files."""
        folder = f"baselines/{benchmark}/{tracker}"
        if folder not in self._nodes:
            entry = self.numbers.scores[benchmark].baselines.get(tracker, {})
            scored = {fact["path"]: fact["sha256"] for fact in entry.get("files", [])}
            place = self.settings.path / folder
            now = {f"{folder}/{name}" for name in self.files.listing(place)} if place.is_dir() else set()
            pairs = {path: (scored.get(path, "no file"), self._sha256(path)) for path in sorted({*scored, *now})}
            checks = group("raw results", folder, pairs) or [missing("raw results", folder, "result files")]
            self._nodes[folder] = Node("baseline", folder, checks, uses={*scored, folder})
        return self._nodes[folder]

    def scored(self, name: str, scores: Scores, behind: Sequence[tuple[str, str]]) -> Node:
        """What made a file of scores: its hash, code and settings, and those of its inputs that a number rests on."""
        key = f"scored {name} {sorted(behind)}"
        if key not in self._nodes:
            node = self._nodes[key] = Node("scores", name)
            record = self._record(self.settings.path / name)
            if record is None:
                node.checks.append(missing("record", name, "a stage's record"))
                return node
            files = {
                f"results/{scores.parent}/{file}" for unit in behind for file in self._files_of(scores.parent, *unit)
            }
            manifest = self.results.manifest_of(scores.parent)
            inputs = [fact for fact in record["inputs"] if fact["path"] in files | {manifest}]
            narrowed = {**record, "inputs": inputs}
            node.checks.extend(self._report(scores.file, name, narrowed, "evaluate@" + scores.parent))
            node.checks.extend(self._inputs(name, narrowed))
            node.uses.update(self._uses(narrowed))
        return self._nodes[key]

    def _files_of(self, benchmark: str, tracker: str, sequence: str) -> list[str]:
        """A sequence's result files, as its record names them, below the benchmark's results."""
        record = self._record(self._unit_path(benchmark, tracker, sequence))
        return [f"{tracker}/{fact['path']}" for fact in record["outputs"]] if record else []

    def report(self, file: str) -> Node:
        """The report's table that prints a number: its hash, and the code and settings that wrote it.

        What the other numbers of the report rest on is not looked at.
        """
        key, name = f"report {file}", "reports/index.record.json"
        if key not in self._nodes:
            record = self._record(self.settings.path / name)
            self._nodes[key] = Node("report", file, self._report(file, name, record) if record else [])
            self._nodes[key].uses.update({file, *record["code"], *record["params"]} if record else ())
            if record is None:
                self._nodes[key].checks.append(missing("record", name, "a stage's record"))
        return self._nodes[key]

    def apart(self, benchmark: str, units: Sequence[Node]) -> Node:
        """Whether the networks behind sequences were trained on none of their benchmark."""
        networks = {id(node): node for unit in units for node in unit.children if node.name == "stage"}
        key = f"apart {benchmark} {sorted(node.subject for node in networks.values())}"
        if key not in self._nodes:
            seen: set[int] = set()
            below = [node for network in networks.values() for node in network.below(seen)]
            sets = sorted({node.subject for node in below if node.name == "data set"})
            test = self.results.manifest_of(benchmark)
            checks = [self.trainings.apart(test, name) for name in sets]
            self._nodes[key] = Node("training sets", ", ".join(sets) or "none", checks)
        return self._nodes[key]

    def shown(self, file: str) -> Node:
        """The cells of a file of the report's tables against scores and the paper's numbers."""
        key = f"shown {file}"
        if key not in self._nodes:
            self._nodes[key] = Node("shown", file, cells.checks(self.printed, file), uses={file})
        return self._nodes[key]

    def compared(self, benchmark: str) -> Node:
        """The paired differences of a benchmark's variants, from which the report's claims are judged."""
        key = f"pairs {benchmark}"
        if key not in self._nodes:
            file = self.numbers.scores[benchmark].file
            self._nodes[key] = Node("pairs", f"{file}: {benchmark}", pairs.checks(self.printed, benchmark), uses={file})
        return self._nodes[key]

    def player(self, benchmark: str, tracker: str, sequence: str) -> Node:
        """What the page's player of a sequence shows of a tracker."""
        key = f"player {benchmark} {tracker} {sequence}"
        if key not in self._nodes:
            checks, file = (
                self.players.checks(benchmark, tracker, sequence),
                f"{players.FOLDER}/{benchmark}/{sequence}.js",
            )
            self._nodes[key] = Node("player", f"{file}, {tracker}", checks, uses={file})
        return self._nodes[key]

    def _report(self, file: str, name: str, record: Mapping[str, Any], stage: str = "report") -> list[Check]:
        recorded = {fact["path"]: fact["sha256"] for fact in record["outputs"]}.get(file, "a file of the record")
        others = {fact["path"]: (fact["sha256"], self._sha256(fact["path"])) for fact in record["outputs"]}
        checks = [compare("outputs", file, recorded, self._sha256(file)), *group("outputs", name, others)]
        checks += [*self._decided(name, record), *self._run(stage, self._sha256(name), record)]
        return checks + self._locked(name, record, dependencies=False)

    # ------------------------------------------------------------ per-sequence results

    def unit(self, benchmark: str, tracker: str, sequence: str) -> Node:
        """One sequence's result files, their record, and the weights and frames that made them."""
        key = f"unit {benchmark} {tracker} {sequence}"
        if key not in self._nodes:
            self._nodes[key] = self._unit(benchmark, tracker, sequence)
        return self._nodes[key]

    def _unit_path(self, benchmark: str, tracker: str, sequence: str) -> Path:
        folder = self.settings.path / "results" / benchmark / tracker
        vot = self.settings.root.benchmarks[benchmark].protocol == "vot"
        return (folder / "baseline" / sequence if vot else folder) / f"{sequence}.json"

    def _unit(self, benchmark: str, tracker: str, sequence: str) -> Node:
        folder = self.settings.path / "results" / benchmark / tracker
        path = self._unit_path(benchmark, tracker, sequence)
        name = path.relative_to(self.settings.path).as_posix()
        record = self._record(path)
        if record is None:
            return Node("sequence", name, [missing("record", name, "the record of this sequence")])
        outputs = {
            fact["path"]: (fact["sha256"], self.files.sha256(folder / fact["path"])) for fact in record["outputs"]
        }
        prefix = folder.relative_to(self.settings.path).as_posix()
        checks = [
            compare("result file", f"{prefix}/{file}{self._frame(record, prefix, file, pair)}", *pair)
            for file, pair in outputs.items()
        ]
        keys = json_object(self.settings.path / "results" / benchmark / "manifest.json")
        planned = keys.get(f"{tracker}/{sequence}")
        checks.append(compare("key", f"{name} in results/{benchmark}/manifest.json", planned, record.get("key")))
        checks += [*self._decided(name, record), *self._inputs(name, record)]
        checks += self.lock.declared(f"benchmark@{benchmark}", name, record)
        checks += [
            *self._run(f"{benchmark}/{tracker}/{sequence}", sha256_json(record), record),
            *kept.checks(self.store, self.files, record),
        ]
        raw = [self.raw(fact["path"], sequence) for fact in record["inputs"] if "sequence" in fact]
        above = [*self.above(record), *([] if self.stages else [self.fanned_out(benchmark)])]
        uses = {f"{prefix}/{file}" for file in outputs} | self._uses({**record, "outputs": []})
        return Node("sequence", name, checks + self._parents(name, record), [*above, *raw], uses)

    def _frame(self, record: Mapping[str, Any], folder: str, file: str, pair: tuple[str, str | None]) -> str:
        """Of a changed result file (below `folder`, which is below the profile), the frame that differs."""
        if pair[0] == pair[1]:
            return ""
        stored = store.entry(self.store, str(record.get("key"))) / file
        copies = {"the job store": stored, "DVC's cache": self._cached(f"{folder}/{file}")}
        return kept.first_other(copies, self.files, pair[0], self.settings.path / folder / file)

    def fanned_out(self, benchmark: str) -> Node:
        """The stage that gave a benchmark's sequences to their jobs: its code and settings, not its other results."""
        return self._maker("fan-out", f"results/{benchmark}/record.json", f"benchmark@{benchmark}")

    def indexed(self, manifest: str) -> Node:
        """The stage that made a manifest: its code and settings, and the record of what it read, not its other rows."""
        name = manifest.removesuffix(".jsonl") + ".record.json"
        return self._maker("index", name, self.lock.stage_of(manifest) or "", inputs=True)

    def _maker(self, kind: str, name: str, stage: str, inputs: bool = False) -> Node:
        """A stage without what it rests on."""
        key = f"{kind} {name}"
        if key not in self._nodes:
            record = self._record(self.settings.path / name)
            node = self._nodes[key] = Node(kind, name)
            if record is None:
                node.checks.append(missing("record", name, "a stage's record"))
                return node
            node.checks.extend(self.checked(name, record) if inputs else self._decided(name, record))
            node.checks.extend(self._run(stage, self._sha256(name), record))
            node.checks.extend(self._locked(name, record, dependencies=False))
            read = [fact["path"] for fact in record["inputs"]] if inputs else []
            node.uses.update({*record["code"], *record["params"], name, *read})
        return self._nodes[key]

    # ------------------------------------------------------------ records of stages

    def above(self, record: Mapping[str, Any]) -> list[Node]:
        """The records of a record's inputs, which lie below the profile."""
        return [self.record(parent["path"]) for parent in record["parents"] if not Path(parent["path"]).is_absolute()]

    def record(self, name: str) -> Node:
        """A stage's record (its path below the profile): outputs, inputs, code, params, dvc.lock, and its parents."""
        key = f"record {name}"
        if key not in self._nodes:
            node = self._nodes[key] = Node("stage", name)
            self._fill(node, name)
        return self._nodes[key]

    def _fill(self, node: Node, name: str) -> None:
        record = self._record(self.settings.path / name)
        if record is None:
            node.checks.append(missing("record", name, "a stage's record"))
            return
        outputs = {fact["path"]: (fact["sha256"], self._sha256(fact["path"])) for fact in record["outputs"]}
        node.uses.update(self._uses(record))
        node.checks.extend(group("outputs", name, outputs))
        node.checks.extend(self._inputs(name, record) + self._decided(name, record) + self._locked(name, record))
        node.checks.extend(self.trainings.counted(name, record))
        stage = self.lock.stage_of(record["outputs"][0]["path"]) if record["outputs"] else None
        node.checks.extend(self._run(stage, self._sha256(name), record) if stage else [])
        for fact in record["outputs"]:
            if fact["path"].endswith(".jsonl"):
                node.children.append(self.manifest(fact["path"]))
        node.checks.extend(self._parents(name, record))
        node.children.extend(self.above(record))

    # ------------------------------------------------------------ manifests and raw files

    def manifest(self, name: str) -> Node:
        """A manifest's sequences, down to their raw files."""
        key = f"manifest {name}"
        if key not in self._nodes:
            rows = self._rows(name)
            checks = [] if rows else [Check("raw files", "unknown", name, "a linked data set", "none")]
            self._nodes[key] = Node("data set", name, checks, [self.raw(name, sequence) for sequence in rows])
        return self._nodes[key]

    def raw(self, name: str, sequence: str) -> Node:
        """A sequence's raw frames and annotations against its manifest, and the row's own hash."""
        key = f"raw {name} {sequence}"
        if key not in self._nodes:
            self._nodes[key] = self._raw(name, sequence)
        return self._nodes[key]

    def _raw(self, name: str, sequence: str) -> Node:
        subject, rows = f"{name} {sequence}", self._rows(name)
        if sequence not in rows:
            return Node("raw", subject, [missing("manifest row", subject, "a row of the manifest")])
        row = rows[sequence].row
        checks = [compare("manifest row", subject, row["digest"], manifests.row_digest(row))]
        root = rows[sequence].root
        if root is None or not root.is_dir():
            return Node("raw", subject, [*checks, Check("raw files", "missing", subject, str(root or "a link"), None)])
        facts = [*row["files"], *row.get("annotations", [])]
        pairs = {path: (sha256, self.files.sha256(root / path)) for path, _, sha256 in facts}
        pairs |= self._unlisted(name, root, row)
        uses = {self._below(root / path) for path in pairs} | {f"{name} {sequence}", sequence}
        return Node("raw", subject, [*checks, *group("raw files", subject, pairs)], uses=uses)

    def _unlisted(self, name: str, root: Path, row: manifests.Row) -> dict[str, tuple[str, str | None]]:
        """Images beside a sequence's frames that its row does not list; an index made now would have them.

        There are none where a range says which images are frames, or where only each n-th is listed.
        """
        manifest = self.results.manifest(name)
        header = manifest.header if manifest else {"name": ""}
        fact = published.facts(header["name"]).get(row["sequence"])
        spans = [path for path, *_ in row.get("annotations", []) if path.endswith("_frames.txt")]
        if spans or (fact and fact.first is not None) or header.get("layout") == "otb99" or "numbers" in row:
            return {}
        listed = {path for path, *_ in row["files"]}
        folders = sorted({path.rpartition("/")[0] for path in listed})
        there = [
            f"{folder}/{file}" for folder in folders if (root / folder).is_dir() for file in self._images(root / folder)
        ]
        return {path: ("no frame", self.files.sha256(root / path)) for path in there if path not in listed}

    def _images(self, folder: Path) -> list[str]:
        """The names of a folder's images; none where it cannot be listed, of which its frames tell."""
        try:
            return [name for name in listed_names(folder) if PurePosixPath(name).suffix.lower() in IMAGES]
        except InputError:
            return []

    def _below(self, path: Path) -> str:
        """A file's path below the profile, or whole where it lies elsewhere."""
        home = self.settings.path
        return path.relative_to(home).as_posix() if path.is_relative_to(home) else path.as_posix()

    def unit_record(self, benchmark: str, tracker: str, sequence: str) -> dict[str, Any]:
        """The record of a sequence's result, empty where there is none."""
        return json_object(self._unit_path(benchmark, tracker, sequence))
