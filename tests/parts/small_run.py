"""A pipeline of seven stages in a small git checkout, quick enough to run again after every change.

What a stage makes is a digest of its code (comments aside), settings, inputs and `arithmetic`; its record, dvc.lock and
DVC's cache are written as the real ones are.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dat import records
from dat.base import params
from tests.parts.fake_profile import md5

ROOT = Path(__file__).resolve().parents[2]
PORTABLE = {"packages": {"torch": "2.15.0", "numpy": "2.4.6"}, "numerics": "portable", "threads": 1, "device": "cpu"}
NATIVE = {**PORTABLE, "numerics": "native", "processor": "Maker A", "platform": "Linux x86_64", "python": "3.11.7"}
VARIANTS = {"pymdnet": ["core/pymdnet"], "salnet": ["core/salnet"], "dat-jtnl": ["core/salnet", "jtnl"]}
IGNORED = "/testing/\n/weights/\n/results/\n/runs/\n/.dvc/cache/\n/reports/index.record.json\n/reports/run.js\n"
CODE = ("datasets/index.py", "training/salnet.py", "training/gpgnet.py", "models/net.py", "tracking/loop.py",
        "evaluation/score.py", "report/page.py")  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """A stage: its inputs, its modules, the code that dvc.yaml lists, its settings, its outputs and its record."""

    inputs: Sequence[str]
    modules: Sequence[str]
    listed: Sequence[str]
    settings: Sequence[str]
    outputs: Sequence[str]
    record: str


def _training(kind: str, name: str, path: str) -> Stage:
    modules = [f"dat/training/{kind}.py", "dat/models/net.py"]
    settings = [f"{kind}.{name}", "train.seed"]
    return Stage(
        ["testing/tc128.jsonl"], modules, ["dat/models", "dat/training"], settings, [path], f"{path}/record.json"
    )


STAGES = {
    "report": Stage(["reports/metrics", "weights"], ["dat/report/page.py"], ["dat/report"], ["profile"],
                    ["reports/tables", "reports/index.record.json"], "reports/index.record.json"),
    "index@tc128": Stage(["data/tc128.json"], ["dat/datasets/index.py"], ["dat/datasets/index.py"], ["datasets.tc128"],
                         ["testing/tc128.jsonl", "testing/tc128.record.json"], "testing/tc128.record.json"),
    "gpgnet@jtnl": _training("gpgnet", "jtnl", "weights/gpgnet/jtnl"),
    "salnet@pymdnet": _training("salnet", "pymdnet", "weights/salnet/core/pymdnet"),
    "salnet@salnet": _training("salnet", "salnet", "weights/salnet/core/salnet"),
    "benchmark@tc128": Stage(["testing/tc128.jsonl", "weights/salnet/core", "weights/gpgnet"], ["dat/tracking/loop.py"],
                             ["dat/tracking"], ["tracking.momentum", "variants"], ["results/tc128"],
                             "results/tc128/record.json"),
    "evaluate@tc128": Stage(["results/tc128"], ["dat/evaluation/score.py"], ["dat/evaluation"], ["evaluation.seed"],
                            ["reports/metrics/tc128.json", "reports/metrics/tc128.record.json"],
                            "reports/metrics/tc128.record.json"),
}  # fmt: skip
ORDER = ("index@tc128", "gpgnet@jtnl", "salnet@pymdnet", "salnet@salnet", "benchmark@tc128", "evaluate@tc128", "report")
"""The order to run in; dvc.lock has another."""


@dataclass
class Project:
    """A checkout at `top` whose profile is at `home`, with a run of it.

    `arithmetic` stands for how the processor adds up: no record holds it.
    """

    top: Path
    below: str = "."
    environment: dict[str, Any] = field(default_factory=lambda: dict(PORTABLE))
    arithmetic: str = ""
    settings: params.Settings | None = None

    @property
    def home(self) -> Path:
        """The profile's folder."""
        return self.top / self.below

    def git(self, *arguments: str) -> str:
        """Run git as somebody."""
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(self.top), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self, message: str = "Lock the run") -> None:
        """Commit all that is not ignored."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def write(self, path: str, text: str) -> None:
        """Write a file of the profile, also one that DVC made read-only."""
        records.write_text(self.home / path, text)

    def replace(self, path: str, old: str, new: str) -> None:
        """Change a file's text."""
        text = (self.home / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new, 1))

    def code(self, path: str, line: str) -> None:
        """Add a line to a module of the checkout."""
        records.write_text(self.top / path, (self.top / path).read_text() + line + "\n")

    # ------------------------------------------------------------ running

    def run(self) -> None:
        """Run every stage, fill the cache, write the lock."""
        self.settings = params.load(self.home)
        for name in ORDER:
            self._run(name)
        stages = {name: self._locked(name) for name in STAGES}
        records.write_json(self.home / "dvc.lock", {"schema": "2.0", "stages": stages})

    def _digest(self, *parts: Any) -> str:
        return records.sha256_json([*parts, self.arithmetic])

    def _effect(self, name: str) -> list[Any]:
        """What decides a stage's outputs beside its inputs: code without comments, and settings."""
        code = [(self.top / path).read_text().splitlines() for path in STAGES[name].modules]
        return [[line for line in lines if not line.startswith("#")] for lines in code] + [self._params(name)]

    def _params(self, name: str) -> dict[str, Any]:
        sections = self._sections(name).items()
        return {key: value for dotted, section in sections for key, value in params.leaves(section, dotted).items()}

    def _sections(self, name: str) -> dict[str, Any]:
        assert self.settings is not None
        return {dotted: params.plain(self.settings.section(dotted, object)) for dotted in STAGES[name].settings}

    def _run(self, name: str) -> None:
        for path in STAGES[name].outputs:
            records.remove(self.home / path)
        kind, _, key = name.partition("@")
        getattr(self, f"_{kind}")(key, self._effect(name))
        stage = STAGES[name]
        facts = [
            [fact for path in paths for fact in records.folder_files(self.home / path, self.home)]
            for paths in (stage.inputs, [path for path in stage.outputs if path != stage.record])
        ]
        record = {
            "inputs": facts[0],
            "outputs": facts[1],
            "code": {path: records.sha256_file(self.top / path) for path in stage.modules},
            "params": self._params(name),
            "environment": self.environment,
            "command": f"dat {name.replace('@', ' ')}",
            "parents": records.parents([self.home / path for path in stage.inputs], self.home),
        }
        records.write_json(self.home / stage.record, record)

    def _index(self, key: str, effect: list[Any]) -> None:
        self.write("testing/tc128.jsonl", self._digest(effect, (self.home / "data/tc128.json").read_text()) + "\n")

    def _network(self, folder: str, effect: list[Any]) -> None:
        digest = self._digest(effect, (self.home / "testing/tc128.jsonl").read_text())
        self.write(f"{folder}/weights.safetensors", digest)
        records.write_json(self.home / folder / "metrics.json", {"loss": int(digest[:6], 16) / 16**6})

    def _gpgnet(self, key: str, effect: list[Any]) -> None:
        self._network(f"weights/gpgnet/{key}", effect)

    def _salnet(self, key: str, effect: list[Any]) -> None:
        self._network(f"weights/salnet/core/{key}", effect)

    def _benchmark(self, key: str, effect: list[Any]) -> None:
        for variant, networks in VARIANTS.items():
            places = [f"salnet/{name}" if "/" in name else f"gpgnet/{name}" for name in networks]
            texts = [(self.home / "weights" / place / "weights.safetensors").read_text() for place in places]
            *code, settings = effect
            mine = {k: v for k, v in settings.items() if not k.startswith("variants.") or k.split(".")[1] == variant}
            self.write(f"results/{key}/{variant}@seed-0/A.txt", self._digest(code, mine, texts) + "\n")
            records.write_json(
                self.home / f"results/{key}/{variant}@seed-0/A.json", {"code": records.sha256_json(effect)}
            )

    def _evaluate(self, key: str, effect: list[Any]) -> None:
        boxes = {name: (self.home / f"results/{key}/{name}@seed-0/A.txt").read_text() for name in VARIANTS}
        scores = {name: int(self._digest(effect, text)[:6], 16) / 16**6 for name, text in boxes.items()}
        trackers = {f"{name}@seed-0": {"success": score} for name, score in scores.items()}
        variants = {name: {"success": score} for name, score in scores.items()}
        records.write_json(self.home / f"reports/metrics/{key}.json", {"trackers": trackers, "variants": variants})

    def _report(self, key: str, effect: list[Any]) -> None:
        variants = records.read_json(self.home / "reports/metrics/tc128.json")["variants"]
        rows = [
            f"{name},tc128,success,{scores['success']!r},table/1/{name}/tc128-success"
            for name, scores in variants.items()
        ]
        self.write("reports/tables/table-1.csv", "\n".join(["row,benchmark,metric,ours,address", *rows]) + "\n")
        self.write("reports/tables/notes.md", f"{effect}\n")

    # ------------------------------------------------------------ what DVC does

    def _locked(self, name: str) -> dict[str, Any]:
        stage, up = STAGES[name], "/".join([".."] * len(Path(self.below).parts)) or "."
        code = [(f"{up}/{path}", md5(self.top / path)) for path in stage.listed]
        data = [(path, md5(self.home / path)) for path in stage.inputs]
        outs = [(path, self._cache(path)) for path in stage.outputs]
        deps, made = (
            [{"path": path, "hash": "md5", "md5": value} for path, value in paths] for paths in (code + data, outs)
        )
        return {
            "cmd": f"exec {up}/workflow/dat {name}",
            "deps": deps,
            "params": {"params.yaml": self._sections(name)},
            "outs": made,
        }

    def _cache(self, path: str) -> str:
        """Put an output into the cache, unless git has it; its md5."""
        store, place = self.top / ".dvc/cache/files/md5", self.home / path
        value = md5(place)
        if path.startswith(("reports/metrics", "reports/tables")):
            return value
        files = sorted(file for file in place.rglob("*") if file.is_file()) if place.is_dir() else [place]
        for file in files:
            records.write_bytes(store / md5(file)[:2] / md5(file)[2:], file.read_bytes())
        if place.is_dir():
            entries = [{"md5": md5(file), "relpath": file.relative_to(place).as_posix()} for file in files]
            records.write_text(store / value[:2] / value[2:], json.dumps(entries))
        return value

    def forget(self) -> None:
        """Remove DVC's cache, as a clone has none."""
        shutil.rmtree(self.top / ".dvc" / "cache")


def build(top: Path, below: str = ".", environment: dict[str, Any] | None = None) -> Project:
    """A checkout with a committed run; the profile lies at `below`."""
    project = Project(top, below, dict(environment or PORTABLE))
    top.mkdir(exist_ok=True)
    project.git("init", "-q", "-b", "main")
    up = "/".join([".."] * len(Path(below).parts)) or "."
    project.write("params.yaml", (ROOT / "params.yaml").read_text().replace("root: .", f"root: {up}", 1))
    for name in CODE:
        records.write_text(top / "dat" / name, f"{name}\n")
    project.write("data/tc128.json", "frames\n")
    project.write(".gitignore", IGNORED)
    records.write_text(top / ".gitignore", "/.dvc/cache/\n" + (IGNORED if below == "." else ""))
    project.run()
    project.commit()
    return project
