"""Each way to tamper with a finished run is caught by the check that is meant for it, which names the thing."""

import functools
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dat import records
from dat.audit import graph, kept, lock, origin, seal, show
from dat.audit.checks import Check
from dat.audit.walk import Walk
from dat.base import params, used
from dat.base.params import Settings
from dat.datasets import manifest as manifests
from dat.fanout import store
from dat.report import claims, figures, metrics, page, players, readings, tables
from tests.parts import fake_checkout, fake_profile

SCORE, CELL, POINT = "otb100/dat-jtnl/success", "table/3/dat-jtnl/otb100-success", "figure/10/dat-jtnl-success/0.5"
OTB, BOXES = "reports/metrics/otb100.json", "results/otb100/dat-jtnl@seed-0"
VOT, EAO = "reports/metrics/vot2016.json", "vot2016/pymdnet/eao"
STAR, BAR = "reports/players/otb100/Star.js", "table/2/pymdnet/vot2016-eao"
PAGE = "reports/index.html"


@dataclass
class Run:
    """A finished run that can be tampered with and put back."""

    home: Path
    settings: Settings
    _held: dict[Path, bytes | None] = field(default_factory=dict)

    def _keep(self, name: str) -> Path:
        path = self.home / name
        self._held.setdefault(path, path.read_bytes() if path.is_file() else None)
        return path

    def write(self, name: str, text: str | bytes) -> None:
        """Write a file."""
        path = self._keep(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file, once."""
        text = (self.home / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new, 1))

    def json(self, name: str, change: Callable[[Any], object]) -> None:
        """Change what a JSON file holds."""
        data = records.read_json(self.home / name)
        change(data)
        self.write(name, json.dumps(data, sort_keys=True, indent=1) + "\n")

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._keep(name).unlink()

    def fit(self) -> None:
        """Every record and the lock made anew, so that all hashes fit what is there now."""
        for path in (*self.home.rglob("*.json"), self.home / "dvc.lock", self.home / "dvc.yaml"):
            if "checkout" not in path.parts:
                self._keep(path.relative_to(self.home).as_posix())
        for path in sorted(self.home.glob(f"{BOXES}/*.json")):
            made = records.read_json(path)
            made["outputs"] = [records.file_facts(path.parent / fact["path"], path.parent) for fact in made["outputs"]]
            records.write_json(path, made)
        steps = (
            ("results/otb100", ["testing/otb100.jsonl", "weights"], ["results/otb100"], "benchmark otb100"),
            ("reports/metrics/otb100.", ["testing/otb100.jsonl", "results/otb100"], [OTB], "evaluate otb100"),
            ("reports/metrics/vot2016.", ["testing/vot2016.jsonl", "results/vot2016"], [VOT], "evaluate vot2016"),
            ("reports/index.", ["reports/metrics", "weights"], ["reports/tables", "reports/figures"], "report"),
        )
        for place, inputs, outputs, command in steps:
            name = f"{place}record.json" if place.endswith(".") else f"{place}/record.json"
            fake_profile.record(self.home, name, inputs, outputs, command)
        fake_profile.lock(self.home, self.settings)

    def restore(self) -> None:
        """Put everything back."""
        for path, data in self._held.items():
            if data is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(data)
        self._held.clear()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    home = tmp_path_factory.mktemp("run")
    fake_profile.build(home)
    fake_checkout.take_code(home, home / "checkout")
    settings = params.load(home)
    of = metrics.read_scores(home / "reports/metrics", settings, partial=True)
    tables_, figures_ = tables.build_all(of, "fake"), figures.build_all(of)
    trainings = list(metrics.read_trainings(home / "weights", home / "training/language"))
    drawn = {figure.number: b"<svg></svg>" for figure in figures_}
    text = claims.of_table(claims.IN_TEXT, of)
    content = page.Content(settings, of, tables_, text, figures_, drawn, [], trainings, readings.in_force(settings))
    (home / PAGE).write_text(page.render(content))
    players.write(home / "reports/players", settings, home / "results", home / "testing", of)
    return Run(home, settings)


@pytest.fixture
def run(made: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("DAT_CACHE", str(made.home / "store"))
    for module in (lock, graph):
        monkeypatch.setattr(module, "read", _once(module.read))
    yield made
    made.restore()
    shutil.rmtree(made.home / "store", ignore_errors=True)


@functools.cache
def _parsed(read: Callable[[Path], dict[str, Any]], path: Path, text: bytes) -> dict[str, Any]:
    return read(path)


def _once(read: Callable[[Path], dict[str, Any]]) -> Callable[[Path], dict[str, Any]]:
    """A reader of YAML that reads the same bytes once: the reader is slow, and most tamperings leave them alone."""
    return lambda path: _parsed(read, path, path.read_bytes() if path.is_file() else b"")


def failed(run: Run, addresses: str, settings: Settings | None = None) -> list[Check]:
    walk = Walk(settings or run.settings, stages=addresses == "all")
    found = [address for text in addresses.split() for address in walk.resolve(text)]
    return show.differences([walk.audit(address) for address in found])


# ---------------------------------------------------------------- the tamperings


def locked(stage: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Run], None]:
    return lambda run: run.json("dvc.lock", lambda data: change(data["stages"][stage]))


def graphed(stage: str, part: str, value: object) -> Callable[[Run], None]:
    return lambda run: run.json("dvc.yaml", lambda data: data["stages"][stage].update({part: value}))


def edited(name: str, old: str, new: str) -> Callable[[Run], None]:
    return lambda run: run.edit(name, old, new)


def jsoned(name: str, change: Callable[[Any], object]) -> Callable[[Run], None]:
    return lambda run: run.json(name, change)


def box(run: Run) -> None:
    lines = (run.home / BOXES / "Star.txt").read_text().splitlines()
    run.write(f"{BOXES}/Star.txt", "\n".join([*lines[:4], "1.0000,2.0000,3.0000,4.0000", *lines[5:]]) + "\n")


def same_size_and_time(run: Run) -> None:
    """What DVC's own state would not look at: other bytes of the same number, with the old time."""
    name = "weights/salnet/core/pymdnet/weights.safetensors"
    facts, data = (run.home / name).stat(), (run.home / name).read_bytes()
    run.write(name, bytes([data[0] ^ 1]) + data[1:])
    os.utime(run.home / name, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def stored(run: Run, change: Callable[[Path, dict[str, Any]], object]) -> None:
    made = records.read_json(run.home / BOXES / "Star.json")
    entry = store.entry(run.home / "store", made["key"])
    records.write_json(entry / "record.json", made)
    records.write_json(entry / "run.json", {"record": records.sha256_json(made)})
    records.write_bytes(entry / "Star.txt", (run.home / BOXES / "Star.txt").read_bytes())
    assert {check.verdict for check in kept.checks(run.home / "store", Walk(run.settings).files, made)} == {"verified"}
    change(entry, made)


def of_results(run: Run, name: str) -> Path:
    """Where DVC's cache has a file of the results of otb100, with the list of all of them, as DVC puts them there."""
    folder = run.home / "results/otb100"
    files = Walk(run.settings).files
    listed, whole = files.listing(folder), files.md5(folder)
    assert whole is not None
    entries = json.dumps([{"md5": md5, "relpath": path} for path, md5 in listed.items()])
    place = fake_checkout.cached(run.settings.top, str(listed[name]))
    for path, text in ((fake_checkout.cached(run.settings.top, whole), entries.encode()),
                       (place, (folder / name).read_bytes())):  # fmt: skip
        run.write(os.path.relpath(path, run.home), text)
    return place


def box_in_cache(run: Run) -> None:
    """A changed box whose file DVC's cache has as it was."""
    of_results(run, "dat-jtnl@seed-0/Star.txt")
    box(run)


def row(name: str, sequence: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Run], None]:
    """A manifest's row with its digest fixed up."""

    def tamper(run: Run) -> None:
        lines = (run.home / name).read_text().splitlines()
        at = next(index for index, line in enumerate(lines) if f'"sequence":"{sequence}"' in line)
        data = json.loads(lines[at])
        change(data)
        data["digest"] = manifests.row_digest(data)
        lines[at] = records.canonical(data).decode()
        run.write(name, "\n".join(lines) + "\n")

    return tamper


def fitted(change: Callable[[Run], None]) -> Callable[[Run], None]:
    """A change with all hashes fixed up after it."""

    def tamper(run: Run) -> None:
        change(run)
        run.fit()

    return tamper


def frame_of_a_test(data: dict[str, Any]) -> None:
    data["files"][3][2] = records.sha256_bytes(b"Wall 3")


def named_as_a_test(run: Run) -> None:
    run.edit("training/lasot.jsonl", '"name":"synthetic-lasot"', '"name":"synthetic-otb100"')
    run.edit("training/lasot.jsonl", '"sequence":"cup-1"', '"sequence":"Wall"')


def dropped(data: dict[str, Any]) -> None:
    del data["trackers"]["dat-jtnl@seed-0"]["sequences"]["Wall"]


def added(data: dict[str, Any]) -> None:
    sequences = data["trackers"]["dat-jtnl@seed-0"]["sequences"]
    sequences["Other"] = sequences["Wall"]


def higher(data: dict[str, Any]) -> None:
    data["variants"]["dat-jtnl"]["success"] += 0.01


def sequence_higher(data: dict[str, Any]) -> None:
    data["trackers"]["dat-jtnl@seed-0"]["sequences"]["Wall"]["success"] += 0.01


def curve(data: dict[str, Any]) -> None:
    data["subsets"]["otb100-similar"]["trackers"]["dat-jtnl@seed-0"]["curves"]["success"][10] += 0.01


def interval(data: dict[str, Any]) -> None:
    data["variants"]["dat-jtnl"]["success_interval"][0] -= 0.05


def band(data: dict[str, Any]) -> None:
    data["variants"]["dat-jtnl"]["curve_intervals"]["success"][10][0] -= 0.001


def paired(metric: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Any], None]:
    """A change to the first paired difference of a metric."""
    return lambda data: change(next(pair for pair in data["pairs"] if pair["metric"] == metric))


def of_no_benchmark(run: Run) -> None:
    """Scores of a benchmark that the settings do not have, shown on the page."""
    run.write("reports/metrics/another.json", (run.home / OTB).read_bytes())
    run.edit(PAGE, CELL, "another/dat-jtnl/success")


def undeclared(stage: str, path: str) -> Callable[[Run], None]:
    """A dependency taken out of a stage, in dvc.lock and dvc.yaml alike."""

    def tamper(run: Run) -> None:
        run.json("dvc.lock", lambda data: remove(data, lambda dep: dep["path"] == path))
        run.json("dvc.yaml", lambda data: remove(data, lambda dep: dep == f"./{path}"))

    def remove(data: dict[str, Any], named: Callable[[Any], bool]) -> None:
        deps = data["stages"][stage]["deps"]
        deps.remove(next(dep for dep in deps if named(dep)))

    return tamper


def unset(stage: str, name: str) -> Callable[[Run], None]:
    """A section of the settings taken out of a stage, in dvc.lock and dvc.yaml alike."""

    def tamper(run: Run) -> None:
        run.json("dvc.lock", lambda data: data["stages"][stage]["params"]["params.yaml"].pop(name))
        run.json("dvc.yaml", lambda data: data["stages"][stage]["params"].remove(name))

    return tamper


def played(
    sequence: str, change: Callable[[dict[str, Any]], object], benchmark: str = "otb100"
) -> Callable[[Run], None]:
    """A change to what a player shows."""

    def tamper(run: Run) -> None:
        name = f"reports/players/{benchmark}/{sequence}.js"
        head, _, text = (run.home / name).read_text().partition(" = ")
        shown = json.loads(text.removesuffix(";\n"))
        change(shown)
        run.write(name, f"{head} = {json.dumps(shown)};\n")

    return tamper


def moved(boxes: list[Any], frame: int) -> None:
    boxes[frame] = [boxes[frame][0] + 0.02, *boxes[frame][1:]]


def in_cell(old: str, new: str) -> Callable[[Run], None]:
    """A change to the number in a cell of the page."""
    pattern = f'(?<="{re.escape(CELL)}">)<a[^>]*><b>{old}</b></a>'
    return lambda run: run.write(PAGE, re.sub(pattern, new, (run.home / PAGE).read_text()))


def on_page(old: str, new: str, count: int = 1) -> Callable[[Run], None]:
    """A change to the first place of the page that a pattern finds, or to all with a count of 0."""

    def tamper(run: Run) -> None:
        text, places = re.subn(old, new, (run.home / PAGE).read_text(), count=count)
        assert places
        run.write(PAGE, text)

    return tamper


PYMDNET, JTNL = "weights/salnet/core/pymdnet", "weights/gpgnet/jtnl"
TAMPERINGS: dict[str, tuple[Callable[[Run], None], str, str, str]] = {
    # the graph: dvc.lock and dvc.yaml
    "a stage taken out of dvc.lock": (jsoned("dvc.lock", lambda data: data["stages"].pop("evaluate@otb100")), SCORE,
        "lock", f"dvc.lock: {OTB}"),
    "a command in dvc.lock": (
        locked("evaluate@otb100", lambda stage: stage.update(cmd="exec ./workflow/dat forge")), SCORE,
        "lock command", "dvc.lock evaluate@otb100"),
    "an output's hash in dvc.lock": (locked("gpgnet@jtnl", lambda stage: stage["outs"][0].update(md5="0" * 32)), SCORE,
        "lock output", f"dvc.lock gpgnet@jtnl: {JTNL}"),
    "a dependency's hash in dvc.lock": (
        locked("gpgnet@jtnl", lambda stage: stage["deps"][0].update(md5="0" * 32)), SCORE,
        "lock dependency", "dvc.lock gpgnet@jtnl: training/lasot.jsonl"),
    "a dependency taken out of dvc.lock": (locked("gpgnet@jtnl", lambda stage: stage["deps"].pop(0)), SCORE,
        "dvc.yaml", "dvc.yaml gpgnet@jtnl: deps"),
    "a setting in dvc.lock": (
        locked("gpgnet@jtnl", lambda stage: stage["params"]["params.yaml"].update(seeds=[1])), SCORE,
        "lock params", "dvc.lock gpgnet@jtnl: params.yaml seeds"),
    "a stage taken out of dvc.yaml": (jsoned("dvc.yaml", lambda data: data["stages"].pop("evaluate@otb100")), SCORE,
        "dvc.yaml", "dvc.yaml evaluate@otb100"),
    "a command in dvc.yaml": (graphed("gpgnet@jtnl", "cmd", "exec ./workflow/dat forge"), SCORE,
        "dvc.yaml", "dvc.yaml gpgnet@jtnl: cmd"),
    "an output in dvc.yaml": (graphed("gpgnet@jtnl", "outs", ["weights/gpgnet/to"]), SCORE,
        "dvc.yaml", "dvc.yaml gpgnet@jtnl: outs"),
    "a setting taken out of dvc.yaml": (graphed("gpgnet@jtnl", "params", ["seeds"]), SCORE,
        "dvc.yaml", "dvc.yaml gpgnet@jtnl: params"),
    "an output without a hash in dvc.lock": (locked("gpgnet@jtnl", lambda stage: stage["outs"][0].pop("md5")), SCORE,
        "lock", "dvc.lock: not a lock of DVC"),
    "another folder to run in, in dvc.yaml": (graphed("gpgnet@jtnl", "wdir", "elsewhere"), SCORE,
        "dvc.yaml", "dvc.yaml gpgnet@jtnl: others"),
    "a stage more in dvc.lock": (
        jsoned("dvc.lock", lambda data: data["stages"].update(other=data["stages"]["salnet@pymdnet"])), "all",
        "lock", "dvc.lock other"),
    "an output's size in dvc.lock": (locked("gpgnet@jtnl", lambda stage: stage["outs"][0].update(size=7)), SCORE,
        "lock size", f"dvc.lock gpgnet@jtnl: {JTNL}"),
    "an output's number of files in dvc.lock": (
        locked("gpgnet@jtnl", lambda stage: stage["outs"][0].update(nfiles=7)), SCORE,
        "lock size", f"dvc.lock gpgnet@jtnl: {JTNL}"),
    "a dependency's size in dvc.lock": (locked("gpgnet@jtnl", lambda stage: stage["deps"][0].update(size=7)), SCORE,
        "lock size", "dvc.lock gpgnet@jtnl: training/lasot.jsonl"),
    "a raw file's size in dvc.lock": (locked("index@otb100", lambda stage: stage["deps"][0].update(size=7)), "all",
        "lock size", "dvc.lock index@otb100: annotations/otb100.csv"),
    # what no stage depends on
    "a module that a stage does not depend on": (undeclared("benchmark@otb100", "checkout/dat/regions/boxes.py"), SCORE,
        "declared", f"{BOXES}/Star.json: dat/regions/boxes.py"),
    "a module that a training does not depend on": (
        undeclared("salnet@pymdnet", "checkout/dat/regions/boxes.py"), SCORE,
        "declared", f"{PYMDNET}/record.json: dat/regions/boxes.py"),
    "frames that a stage does not depend on": (undeclared("benchmark@otb100", "testing/otb100.jsonl"), SCORE,
        "declared", f"{BOXES}/Star.json: testing/otb100.jsonl"),
    "weights that a stage does not depend on": (undeclared("benchmark@otb100", "weights"), SCORE,
        "declared", f"{BOXES}/Star.json: {JTNL}/weights.safetensors"),
    "sentences that a stage does not depend on": (undeclared("index@otb100", "annotations/otb100.csv"), SCORE,
        "declared", "testing/otb100.record.json: annotations/otb100.csv"),
    "a setting that a stage does not depend on": (unset("benchmark@otb100", "tracking"), SCORE,
        "declared", f"{BOXES}/Star.json: tracking.threads"),
    # outputs against dvc.lock and records
    "a weight, with the file's size and time": (same_size_and_time, SCORE, "lock output", f"salnet@pymdnet: {PYMDNET}"),
    "weights": (edited(f"{PYMDNET}/weights.safetensors", "core", "main"), SCORE,
        "inputs", f"Star.json: {PYMDNET}/weights.safetensors"),
    "a file more among the weights": (lambda run: run.write(f"{JTNL}/more.txt", "more"), SCORE, "lock output", JTNL),
    "a training's metrics": (edited(f"{JTNL}/metrics.json", "0.25", "0.5"), "train/gpgnet/jtnl/loss",
        "metrics", f"{JTNL}/metrics.json"),
    "a training's curve": (edited(f"{JTNL}/dvclive/plots/metrics/loss.tsv", "0.25", "0.125"), "train/gpgnet/jtnl/loss",
        "shown", f"{JTNL}/dvclive/plots/metrics/loss.tsv:3, column loss"),
    # code
    "a module": (edited("checkout/dat/regions/boxes.py", "import", "import  "), SCORE,
        "code", "Star.json: dat/regions/boxes.py"),
    "a module's hash in a record": (
        jsoned(f"{BOXES}/Star.json", lambda data: data["code"].update({"dat/regions/boxes.py": "0"})),
        SCORE, "code", "Star.json: dat/regions/boxes.py"),
    "a module taken away": (lambda run: run.remove("checkout/dat/regions/boxes.py"), SCORE,
        "code", "Star.json: dat/regions/boxes.py"),
    "the Snakefile": (
        edited("checkout/Snakefile", "\n", "\n\n"), SCORE, "code", "results/otb100/record.json: Snakefile"),
    "a rule of Snakemake": (edited("checkout/workflow/rules/track.smk", "\n", "\n\n"), SCORE,
        "code", "workflow/rules/track.smk"),
    "the page's template": (edited("checkout/dat/report/templates/page.html", "<", " <"), CELL,
        "code", "reports/index.record.json: dat/report/templates/page.html"),
    "the paper's numbers": (
        edited("checkout/dat/report/published.csv", "3,otb100,dat-jtnl,success,0.646", "3,otb100,dat-jtnl,success,0.6"),
        CELL,
        "shown", "reports/tables/table-3.csv:9, row dat-jtnl otb100 success, column paper"),
    # settings
    "a line of params.yaml": (jsoned("params.yaml", lambda data: data["tracking"].update(threads=2)), SCORE,
        "params", "Star.json: tracking.threads"),
    "a setting that the stage alone read": (
        jsoned("params.yaml", lambda data: data["evaluation"].update(resamples=7)), SCORE,
        "lock params", "evaluate@otb100: params.yaml evaluation"),
    # records
    "a record's settings": (jsoned(f"{JTNL}/record.json", lambda data: data["params"].update({"train.seed": 5})), SCORE,
        "params", f"{JTNL}/record.json: train.seed"),
    "a stage's record": (jsoned("reports/metrics/otb100.record.json", lambda data: data.update(seed=7)), SCORE,
        "run file", "runs/evaluate@otb100.json"),
    "a network's record": (jsoned(f"{JTNL}/record.json", lambda data: data.update(command="dat forge")), SCORE,
        "parents", f"Star.json: {JTNL}/record.json"),
    "a sequence's record": (jsoned(f"{BOXES}/Star.json", lambda data: data.update(seed=7)), SCORE,
        "lock output", "benchmark@otb100: results/otb100"),
    "a record taken away": (lambda run: run.remove(f"{BOXES}/Star.json"), SCORE, "record", f"{BOXES}/Star.json"),
    "a hash taken out of a sequence's record": (
        jsoned(f"{BOXES}/Star.json", lambda data: data["parents"][0].pop("sha256")), SCORE,
        "record", f"{BOXES}/Star.json"),
    "a record whose inputs are no list": (
        jsoned(f"{JTNL}/record.json", lambda data: data.update(inputs={})), SCORE, "record", f"{JTNL}/record.json"),
    "a record whose module has no hash": (
        jsoned(f"{JTNL}/record.json", lambda data: data["code"].update({"dat/models/net.py": None})), SCORE,
        "record", f"{JTNL}/record.json"),
    "a key": (jsoned("results/otb100/manifest.json", lambda data: data.update({"dat-jtnl@seed-0/Star": "0"})), SCORE,
        "key", "Star.json in results/otb100/manifest.json"),
    "a run file": (jsoned("runs/evaluate@otb100.json", lambda data: data.update(record="0")), SCORE,
        "run file", "runs/evaluate@otb100.json"),
    "boxes in the job store": (
        lambda run: stored(run, lambda entry, _: (entry / "Star.txt").write_text("1,2,3,4\n")), SCORE,
        "store", ": Star.txt"),
    "a box, DVC's cache having the old ones": (box_in_cache, SCORE,
        "result file", f"{BOXES}/Star.txt: frame 5 is the first that differs from the copy in DVC's cache"),
    "a record in the job store": (lambda run: stored(run, lambda entry, made: records.write_json(
        entry / "record.json", made | {"seed": 3})), SCORE, "store", "record.json"),
    # data
    "a frame's pixels": (lambda run: run.write("data/otb100/Wall/img/0003.jpg", b"another"), SCORE,
        "raw files", "testing/otb100.jsonl Wall: Wall/img/0003.jpg"),
    "a frame of a training video": (lambda run: run.write("data/tlp/Kite/img/0003.jpg", b"another"), SCORE,
        "raw files", "training/domains/tlp.jsonl Kite: Kite/img/0003.jpg"),
    "a frame more": (lambda run: run.write("data/otb100/Wall/img/0013.jpg", b"another"), SCORE,
        "raw files", "testing/otb100.jsonl Wall: Wall/img/0013.jpg"),
    "a frame under another name": (lambda run: run.write("data/tlp/Kite/img/0003.PNG", b"another"), SCORE,
        "raw files", "training/domains/tlp.jsonl Kite: Kite/img/0003.PNG"),
    "a frame taken away": (
        lambda run: run.remove("data/otb100/Wall/img/0003.jpg"), SCORE, "raw files", "Wall/img/0003.jpg"),
    "a file of true boxes": (
        edited("data/otb100/Wall/groundtruth.txt", "1", "2"), SCORE, "raw files", "Wall/groundtruth.txt"),
    "a sentence": (edited("annotations/otb100.csv", "the Star", "the Moon"), SCORE,
        "inputs", "testing/otb100.record.json: annotations/otb100.csv"),
    "a true box in the manifest": (edited("testing/otb100.jsonl", '"size":[320,240]', '"size":[321,240]'), SCORE,
        "manifest row", "testing/otb100.jsonl Disc"),
    "a true box in the manifest, digest and all": (
        row("testing/otb100.jsonl", "Wall", lambda data: data["boxes"][2].reverse()),
        SCORE, "inputs", "Wall.json: testing/otb100.jsonl Wall"),
    # completeness
    "a sequence taken out of the scores": (fitted(jsoned(OTB, dropped)), SCORE, "sequences", "dat-jtnl@seed-0"),
    "a sequence added to the scores": (fitted(jsoned(OTB, added)), SCORE, "sequences", "dat-jtnl@seed-0"),
    "a seed taken out of the scores": (fitted(jsoned(OTB, lambda data: data["trackers"].pop("dat-jtnl@seed-0"))), SCORE,
        "sequences", "seeds of dat-jtnl"),
    # computed again
    "a score, all hashes fixed": (fitted(jsoned(OTB, higher)), SCORE, "recomputed", f"{OTB}: {SCORE}"),
    "a box, all hashes fixed": (fitted(box), SCORE, "recomputed", f"{OTB}: {SCORE}"),
    "a point of a curve, all hashes fixed": (fitted(jsoned(OTB, curve)), POINT, "recomputed", f"{OTB}: {POINT}"),
    "an interval in the scores, all hashes fixed": (fitted(jsoned(OTB, interval)), CELL,
        "shown", "table-3.csv:9, row dat-jtnl otb100 success, column low"),
    "a sequence's score": (fitted(jsoned(OTB, sequence_higher)), SCORE,
        "sequence scores", f"{OTB}: otb100 success: dat-jtnl@seed-0/Wall"),
    "an end of an interval": (fitted(jsoned(OTB, interval)), SCORE,
        "interval", f"{OTB}: otb100 dat-jtnl success, 95 % interval"),
    "an interval taken away": (
        fitted(jsoned(OTB, lambda data: data["variants"]["dat-jtnl"].pop("success_interval"))), SCORE,
        "interval", f"{OTB}: otb100 dat-jtnl success, 95 % interval"),
    "an interval that is no interval": (
        fitted(jsoned(OTB, lambda data: data["variants"]["dat-jtnl"].update(success_interval=["low", "high"]))), SCORE,
        "interval", f"{OTB}: otb100 dat-jtnl success, 95 % interval"),
    "an interval without its end": (
        fitted(jsoned(OTB, lambda data: data["variants"]["dat-jtnl"].update(success_interval=[0.5]))), CELL,
        "page", f"{PAGE}: {CELL}: reports/metrics: IndexError"),
    "an end of a curve's band": (
        fitted(jsoned(OTB, lambda data: band(data["subsets"]["otb100-similar"]))), POINT,
        "interval", f"{OTB}: otb100-similar dat-jtnl success, point 10, 95 % interval"),
    "an end of EAO's interval": (
        fitted(jsoned(VOT, lambda data: data["variants"]["pymdnet"].update(eao_interval=[0.1, 1.0]))), EAO,
        "interval", f"{VOT}: vot2016 pymdnet eao, 95 % interval"),
    "an end of a paired difference's interval": (
        fitted(jsoned(OTB, paired("success", lambda pair: pair["interval"].reverse()))), CELL,
        "paired differences", f"{OTB}: otb100 dat-jtnl against pymdnet, success, interval"),
    "a p value of EAO": (fitted(jsoned(VOT, paired("eao", lambda pair: pair.update(p=0.25, p_uncorrected=0.25)))), BAR,
        "paired differences", f"{VOT}: vot2016 csrdcf against pymdnet, eao, p"),
    # what was trained on
    "the number of training videos": (edited(f"{JTNL}/metrics.json", '"videos": 2', '"videos": 3'), SCORE,
        "training set", f"{JTNL}/metrics.json: videos"),
    "the number of domains": (edited(f"{PYMDNET}/metrics.json", '"domains": 1', '"domains": 2'), SCORE,
        "training set", f"{PYMDNET}/metrics.json: domains"),
    "a frame of the selection": (edited("training/frames/index.csv", "bird-1,3,", "bird-1,4,"), SCORE,
        "training set", "training/frames/index.csv: bird-1 frame 3"),
    "a test frame in training": (row("training/lasot.jsonl", "cup-1", frame_of_a_test), SCORE,
        "no test in training", "testing/otb100.jsonl against training/lasot.jsonl"),
    "a test sequence in training": (named_as_a_test, SCORE,
        "no test in training", "testing/otb100.jsonl against training/lasot.jsonl"),
    # what is shown
    "a cell of a table in CSV": (
        edited("reports/tables/table-3.csv", "dat-jtnl,otb100,success,0.", "dat-jtnl,otb100,success,0.9"),
        CELL, "printed", "reports/tables/table-3.csv:9, column ours"),
    "a cell of a table in Markdown": (edited("reports/tables/table-3.md", "language | **", "language | **9"), CELL,
        "shown", "reports/tables/table-3.md:10, row DAT, target and language, column synthetic-otb100 (otb100) p"),
    "a verdict on a claim": (edited("reports/tables/claims.csv", "cannot tell", "holds"), CELL,
        "shown", "reports/tables/claims.csv:2, row 1 dat-jtnl pymdnet otb100 precision, column verdict"),
    "a point of a figure": (
        edited("reports/tables/figure-10.csv", "dat-jtnl,success,0.5,", "dat-jtnl,success,0.5,7"), POINT,
        "printed", "reports/tables/figure-10.csv:"),
    "a figure's drawing": (lambda run: run.write("reports/figures/figure-10.png", b"another"), POINT,
        "outputs", "reports/index.record.json: reports/figures/figure-10.png"),
    "a box in a player": (played("Star", lambda shown: moved(shown["trackers"]["dat-jtnl@seed-0"]["boxes"], 4)), CELL,
        "player", f"{STAR}: dat-jtnl@seed-0, boxes, frame 5"),
    "a box taken out of a player": (
        played("Star", lambda shown: shown["trackers"]["dat-jtnl@seed-0"]["boxes"].pop()), CELL,
        "player", f"{STAR}: dat-jtnl@seed-0, boxes"),
    "an overlap in a player": (
        played("Star", lambda shown: shown["trackers"]["dat-jtnl@seed-0"]["overlap"].reverse()), CELL,
        "player", f"{STAR}: dat-jtnl@seed-0, overlaps, frame 1"),
    "a true box in a player": (played("Star", lambda shown: moved(shown["truth"], 2)), CELL,
        "player", f"{STAR}: truth, frame 3"),
    "a sentence in a player": (played("Star", lambda shown: shown.update(sentence="the Moon")), CELL,
        "player", f"{STAR}: sentence"),
    "a frame in a player": (played("Star", lambda shown: shown["frames"].reverse()), CELL, "player", f"{STAR}: frames"),
    "a tracker in a player": (
        played("Star", lambda shown: shown["trackers"].update(other=shown["trackers"]["dat-jtnl@seed-0"])), CELL,
        "player", f"{STAR}: trackers"),
    "another sequence's player": (
        lambda run: run.write(STAR, (run.home / STAR.replace("Star", "Wall")).read_text()), CELL,
        "player", f"{STAR}: its name"),
    "code in a player": (lambda run: run.write(STAR, (run.home / STAR).read_text() + "alert(1)\n"), CELL,
        "player", STAR),
    "a player taken away": (lambda run: run.remove(STAR), CELL, "player", STAR),
    "a box of VOT in a player": (
        played("Ring", lambda shown: moved(shown["trackers"]["pymdnet@seed-0"]["boxes"], 4), "vot2016"), BAR,
        "player", "reports/players/vot2016/Ring.js: pymdnet@seed-0, boxes, frame 5"),
    "a mean overlap in the players' index": (edited("reports/players/index.js", '"mean":0.', '"mean":1.'), CELL,
        "player", "reports/players/index.js: otb100/Disc, dat-jtnl@seed-0"),
    "a cell of the page": (in_cell(r"0\.(\d+)", r"0.9\1"), CELL, "page", f"{PAGE}: {CELL}"),
    "a cell of the page, rounded to nothing": (in_cell(r"\d\.\d+", "1"), CELL, "page", f"{PAGE}: {CELL}"),
    "text before a number in bold": (in_cell(r"([^<]+)", r"9<b>\1</b>"), CELL, "page", f"{PAGE}: {CELL}"),
    "text behind a number in bold": (in_cell(r"([^<]+)", r"<b>\1</b>9"), CELL, "page", f"{PAGE}: {CELL}"),
    "an interval on the page": (
        in_cell(r"([^<]+)", r"\1<small>0.600 to 0.601</small>"), CELL, "page", f"{PAGE}: {CELL}"),
    "a difference of a claim on the page": (
        on_page(r'(data-label="Ours, 95 % interval">)[+-]0', r"\1+9"), CELL, "shown", "column Ours, 95 % interval"),
    "a verdict on the page": (on_page('(data-label="Here">)cannot tell', r"\1holds"), CELL, "shown", "column Here"),
    "a claim taken out of the page": (on_page("<tr><th[^>]*>[^<]* beats .*?</tr>", ""), CELL,
        "shown", f"{PAGE}:0, row table-1: all, column claims"),
    "all claims taken out of the page": (on_page('(?s)<details class="claims".*?</details>', "", 0), CELL,
        "shown", f"{PAGE}:0, row table-1: all, column claims"),
    "the claims of the text taken out of the page": (
        on_page('(?s)(<figure[^>]*"figure-10">.*?)<details class="claims".*?</details>', r"\1"), CELL,
        "shown", f"{PAGE}:0, row figure-10: all, column claims"),
    "a difference at the page's top": (on_page('(data-label="Difference">)[+-]0', r"\1+9"), CELL,
        "shown", ", row brief: OTB-100 success, 6 sequences, 1 seed, column Difference"),
    "a verdict at the page's top": (on_page('(data-label="The method is">)[a-z ]+', r"\1better"), CELL,
        "shown", "column The method is"),
    "the number of sequences at the page's top": (on_page("6 sequences, 1 seed", "9 sequences, 1 seed"), CELL,
        "shown", f"{PAGE}:0, row brief: OTB-100 success, 6 sequences, 1 seed, column Benchmark"),
    "the table at the page's top": (on_page('(?s)<table class="brief">.*?</table>', ""), CELL,
        "shown", f"{PAGE}:0, row brief: OTB-100 success, 6 sequences, 1 seed, column Benchmark"),
    "the paper's number on the page": (
        on_page('(?s)("table-3">.*?<td class="num first">)0', r"\g<1>9"), CELL,
        "shown", ", row table-3: SALNet, column OTB-100 precision, paper"),
    "a number of ours on the page that the run has not": (
        on_page('(?s)("table-1">.*?<td class="num ours none">)–', r"\g<1>0.9"), CELL,
        "shown", ", column OTB-2013 precision, ours"),
    "a row of a table of the page": (on_page('(?s)("table-1">.*?<tbody>.*?)<tr.*?</tr>', r"\1"), CELL,
        "shown", f"{PAGE}:0, row table-1: "),
    "a row of a table of the page twice": (on_page('(?s)("table-1">.*?<tbody>\\s*)(<tr.*?</tr>)', r"\1\2\2"), CELL,
        "shown", ", row table-1: "),
    "a whole table of the page": (on_page('(?s)<section[^>]*"table-5">.*?</section>', ""), CELL,
        "shown", f"{PAGE}:0, row table-5: 3 layers, column Tracker"),
    "a data set in the head of a table of the page": (
        on_page('(?s)("table-3">.*?)synthetic-otb100(</small>)', r"\1otb100\2"), CELL,
        "shown", ", row table-3: paper, column number 2"),
    "the addresses of the page": (lambda run: run.write(PAGE, (run.home / PAGE).read_text().replace("data-", "")), CELL,
        "page", f"{PAGE}: {CELL}"),
    "a cell of the page for a number that is not there": (edited(PAGE, CELL, "otb100/none/success"), "all",
        "printed", f"{PAGE}: otb100/none/success"),
    "a cell of the page for a benchmark that is not in the settings": (of_no_benchmark, "all",
        "printed", f"{PAGE}: another/dat-jtnl/success"),
}  # fmt: skip


def test_a_run_that_nobody_touched_is_verified(run: Run) -> None:
    assert failed(run, "all") == []


def test_a_run_whose_hashes_were_all_made_anew_is_verified(run: Run) -> None:
    """So that what `fit` is used for is caught by what it does not hide."""
    run.fit()
    assert failed(run, "all") == []


@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_tampering_is_caught_by_its_check_and_by_name(run: Run, what: str) -> None:
    tamper, address, name, subject = TAMPERINGS[what]
    tamper(run)
    found = failed(run, address, params.load(run.home) if run.home / "params.yaml" in run._held else None)
    assert [check for check in found if check.name == name and subject in check.subject], [
        (check.name, check.subject) for check in found
    ]
    assert {check.verdict for check in found} <= {"differs", "missing", "unknown"}


def test_what_no_stage_depends_on_is_caught_by_that_alone_and_said_in_the_verdict(run: Run) -> None:
    walk = Walk(run.settings)
    (address,) = walk.resolve(SCORE)
    said = (
        "6 sequences, 72 frames of the data set synthetic-otb100; 2 networks: weights/gpgnet/jtnl, trained on 12 frames"
    )
    words = origin.of(walk, address).words(walk.audit(address))
    assert words.startswith(
        f"verified: {said} of 2 videos, data sets synthetic-lasot, synthetic-tlp; {PYMDNET}, trained"
    )
    assert "; nothing undeclared; not checked: 6 of its 14 run files" in words
    undeclared("index@otb100", "annotations/otb100.csv")(run)
    assert {(check.name, check.found) for check in failed(run, SCORE)} == {("declared", "undeclared")}
    walk = Walk(run.settings)
    words = origin.of(walk, address).words(walk.audit(address))
    assert "; undeclared: testing/otb100.record.json: annotations/otb100.csv; not checked: " in words
    assert words.startswith(f"differs: {said}")


def test_a_box_with_all_hashes_fixed_is_caught_by_the_score_and_its_interval_alone(run: Run) -> None:
    fitted(box)(run)
    assert {check.name for check in failed(run, SCORE)} == {"recomputed", "sequence scores", "interval"}


@pytest.mark.parametrize("change", [
    lambda run, place: place.unlink(),
    lambda run, place: place.write_text("1,2,3,4\n"),
    lambda run, place: [path.write_text("[1]") for path in place.parent.parent.glob("*/*.dir")],
    lambda run, place: [path.write_text("{") for path in place.parent.parent.glob("*/*.dir")],
    lambda run, place: run.json("dvc.lock", lambda data: data["stages"].pop("benchmark@otb100")),
])  # fmt: skip
def test_a_changed_box_without_a_copy_in_dvcs_cache_names_the_file(
    run: Run, change: Callable[[Run, Path], object]
) -> None:
    place = of_results(run, "dat-jtnl@seed-0/Star.txt")
    box(run)
    change(run, place)
    found = [check.subject for check in failed(run, SCORE) if check.name == "result file"]
    assert found == [f"{BOXES}/Star.txt"]


def test_a_score_with_all_hashes_fixed_is_caught_where_it_is_shown(run: Run) -> None:
    fitted(jsoned(OTB, higher))(run)
    found = {check.subject.partition(",")[0]: check for check in failed(run, CELL)}
    value = records.read_json(run.home / OTB)["variants"]["dat-jtnl"]["success"]
    shown = found["reports/tables/table-3.csv:9"]
    assert shown.expected == value and shown.found == pytest.approx(value - 0.01)
    assert f"**{value:.3f}**" in found["reports/tables/table-3.md:10"].expected


def test_a_whole_run_rewritten_alike_breaks_the_seal(run: Run) -> None:
    before = seal.of(Walk(run.settings))
    fitted(box)(run)
    assert {BOXES, "dvc.lock"} <= set(before.differences(seal.of(Walk(run.settings))))


def test_what_is_taken_on_trust_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said = show.trusted()
    assert [line.partition(" (")[0] for line in said[:1]] == ["the audit's own code"]
    run = "requirements.lock and the commit checked out now are the run's"
    for words in ("not all rewritten alike", "job store's entries were made by jobs", "times, hosts and commits", run):
        assert len([line for line in said if words in line]) == 1
    monkeypatch.setitem(used.CODE, "dat/audit/walk.py", "0" * 64)
    assert show.trusted()[0] != said[0] and show.trusted()[1:] == said[1:]
