"""A small finished run without networks: raw files, manifests, weights, results, scores, tables, records and dvc.lock.

Boxes and files are made up; scores are those of `dat.evaluation`, records those of `dat.records`.
"""

import hashlib
import json
import posixpath
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from dat import records
from dat.base import params
from dat.base.params import Settings
from dat.datasets import manifest
from dat.evaluation import stage as evaluation
from dat.report import claims, figures, metrics, stage, tables

ROOT = Path(__file__).resolve().parents[2]
MODULE = "dat.regions.boxes"
OTB, VOT = ("Disc", "Star", "Wall", "Gate", "Lamp", "Oval"), ("Ring", "Cube")
SETS = {"otb100": "testing", "vot2016": "testing", "lasot": "training", "tlp": "training/domains"}
"""Where the manifest of each data set lies."""

CODE = {
    "report": ["dat/report/templates/page.html", "dat/report/published.csv"],
    "benchmark": ["Snakefile", "workflow/rules/track.smk"],
}
"""What the stages' records name beside their modules."""

TRAINING = ["training/lasot.jsonl", "training/domains/tlp.jsonl", "training/frames"]
FRAMES = 12


def settings_file(home: Path) -> Settings:
    """The root's settings with two benchmarks: otb100 (pymdnet and dat-jtnl) and vot2016 (pymdnet and csrdcf)."""
    data = params.plain(params.load(ROOT).root)
    wanted = {"otb100": ["pymdnet", "dat-jtnl"], "vot2016": ["pymdnet", "csrdcf"]}
    data["benchmarks"] = {name: {**data["benchmarks"][name], "variants": variants} for name, variants in wanted.items()}
    (home / "checkout").symlink_to(ROOT)  # `root` takes no blank, and a checkout's own path may have some
    data |= {"root": "checkout", "profile": "fake"}
    data["evaluation"] = {"resamples": 50, "seed": 0}
    data["vot"]["repetitions"] = 3
    records.write_json(home / "params.yaml", data)
    return params.load(home)


def _truth(name: str, frames: int = FRAMES) -> np.ndarray[Any, Any]:
    """Boxes that wander, origin 0, with two decimals."""
    rng = np.random.default_rng(sum(map(ord, name)))
    places = np.cumsum(rng.uniform(-3, 5, (frames, 2)), axis=0) + 40
    return np.round(np.concatenate([places, rng.uniform(20, 40, (frames, 2))], axis=1), 2)


def _raw(home: Path, data: str, names: Iterable[str], layout: str, lists: dict[str, list[str]]) -> None:
    """Raw files of a data set and its manifest, each with its record."""
    folder, rows = home / "data" / data, []
    for name in names:
        boxes = _truth(name)
        for frame in range(FRAMES):
            records.write_bytes(folder / name / "img" / f"{frame + 1:04}.jpg", f"{name} {frame}".encode())
        records.write_text(folder / name / "groundtruth.txt", f"{boxes.tolist()}\n")
        files = records.folder_files(folder / name, folder)
        facts = [[fact["path"], fact["bytes"], fact["sha256"]] for fact in files]
        row = {"sequence": name, "frames": FRAMES, "size": [320, 240], "boxes": boxes.tolist(), "attributes": []}
        row |= {"files": [fact for fact in facts if "img" in fact[0]], "annotations": [facts[0]]}
        row |= {"sentence": f"the {name}" if layout == "lasot" else None}
        rows.append(row | ({"regions": boxes.tolist()} if layout == "vot" else {}))
    records.write_json(home / "data" / f"{data}.json", {"name": f"synthetic-{data}", "layout": layout, "lists": lists})
    head = {"name": f"synthetic-{data}", "layout": layout, "root": f"data/{data}", "lists": lists, "linked": True}
    place = SETS[data]
    manifest.write(home / place / f"{data}.jsonl", head, rows)
    record(home, f"data/{data}.record.json", [], [f"data/{data}", f"data/{data}.json"], f"synthetic {data}")
    sentences = f"annotations/{data}.csv"
    records.write_text(home / sentences, "sequence,sentence\n" + "".join(f"{name},the {name}\n" for name in names))
    inputs = [sentences, f"data/{data}.json"]
    record(home, f"{place}/{data}.record.json", inputs, [f"{place}/{data}.jsonl"], f"index {data}")


def record(
    home: Path, name: str, inputs: list[str], outputs: list[str], command: str, settings: dict[str, Any] | None = None
) -> None:
    """A stage's record, as the stages' wrapper writes it."""
    facts = [
        [fact for path in paths for fact in records.folder_files(home / path, home)] for paths in (inputs, outputs)
    ]
    made = records.make_record(
        code=records.code_closure(MODULE)
        | {path: records.sha256_file(ROOT / path) for path in CODE.get(command.partition(" ")[0], [])},
        inputs=facts[0],
        outputs=[fact for fact in facts[1] if fact["path"] != name],
        params={"train.seed": 0, "seeds": [0], **(settings or {})},
        environment={"python": "3"},
        command=f"dat {command}",
        parents=records.parents([home / path for path in inputs], home),
    )
    records.write_json(home / name, made)


def _selection(home: Path) -> None:
    """Every second frame of LaSOT, its masks and patches, as tables without pictures."""
    videos = manifest.read(home / "training/lasot.jsonl").sequences.values()
    rows = [f"{one.name},{at + 1},{one.files[at][2]},{one.sentence}" for one in videos for at in range(0, FRAMES, 2)]
    for name, lines in (("frames/index", rows), ("frames/patches", rows[:: FRAMES // 2]), ("masks/index", rows)):
        text = "\n".join(["sequence,frame,source_sha256,sentence", *lines]) + "\n"
        records.write_text(home / "training" / f"{name}.csv", text)
    step = {"subsample.step": 2, "subsample.split": "all"}
    for name, inputs in (("frames", ["training/lasot.jsonl"]), ("masks", ["training/frames"])):
        command = name.replace("frames", "subsample")
        record(home, f"training/{name}/record.json", inputs, [f"training/{name}"], command, step)


def _unit(home: Path, benchmark: str, tracker: str, sequence: str, texts: dict[str, str]) -> str:
    """One sequence's result files and their record; the key."""
    data = "otb100" if benchmark == "otb100" else benchmark
    folder = home / "results" / benchmark / tracker
    for name, text in texts.items():
        records.write_text(folder / name, text)
    row = manifest.read(home / "testing" / f"{data}.jsonl").sequences[sequence]
    names = ["salnet/core/pymdnet", *(["gpgnet/jtnl"] if tracker.startswith("dat-jtnl") else [])]
    weights = [home / "weights" / name / "weights.safetensors" for name in names]
    key = records.sha256_json([benchmark, tracker, sequence])
    made = records.make_record(
        code=records.code_closure(MODULE),
        inputs=[
            *(records.file_facts(path, home) for path in weights),
            {"path": f"testing/{data}.jsonl", "sequence": sequence, "sha256": row.digest},
        ],
        outputs=[records.file_facts(folder / name, folder) for name in texts],
        params={"tracking.threads": 1},
        environment={"numerics": "portable", "device": "cpu", "packages": {"torch": "2.15.0"}},
        command=f"dat benchmark {benchmark}",
        parents=records.parents(weights, home),
        seed=0,
    )
    beside = (folder / next(iter(texts))).parent
    records.write_json(beside / f"{sequence}.json", {**made, "key": key, "facts": {"scores": [], "sources": []}})
    return key


def _rows(boxes: np.ndarray[Any, Any]) -> list[str]:
    return [",".join(f"{value:.4f}" for value in box) for box in boxes]


def _one_pass(home: Path, variants: Iterable[str]) -> None:
    keys = {}
    for index, variant in enumerate(variants):
        for name in OTB:
            noise = np.random.default_rng([index, len(name)]).normal(0, 4 + 2 * index, (FRAMES, 4))
            boxes = _truth(name) + np.array([1, 1, 0, 0]) + noise
            tracker = f"{variant}@seed-0"
            keys[f"{tracker}/{name}"] = _unit(
                home, "otb100", tracker, name, {f"{name}.txt": "\n".join(_rows(boxes)) + "\n"}
            )
    records.write_json(home / "results/otb100/manifest.json", keys)
    record(
        home, "results/otb100/record.json", ["testing/otb100.jsonl", "weights"], ["results/otb100"], "benchmark otb100"
    )


def _vot(home: Path, variants: Iterable[str]) -> None:
    keys = {}
    for tracker, name in ((f"{variant}@seed-0", name) for variant in variants for name in VOT):
        texts = {}
        for repetition in range(3):
            noise = np.random.default_rng([repetition, len(name)]).normal(0, 4, (FRAMES, 4))
            lines = ["1.0000", *_rows(_truth(name) + noise)[1:]]
            if repetition == 1:
                lines[3:8] = ["2.0000", *["0.0000"] * 4]
                lines[8] = "1.0000"
            texts[f"baseline/{name}/{name}_{repetition + 1:03}.txt"] = "\n".join(lines) + "\n"
        keys[f"{tracker}/{name}"] = _unit(home, "vot2016", tracker, name, texts)
    records.write_json(home / "results/vot2016/manifest.json", keys)
    record(
        home,
        "results/vot2016/record.json",
        ["testing/vot2016.jsonl", "weights"],
        ["results/vot2016"],
        "benchmark vot2016",
    )


def _scores(home: Path, settings: Settings, benchmark: str) -> None:
    inputs = {"manifest": home / "testing" / f"{benchmark}.jsonl", "results": home / "results" / benchmark}
    file = f"reports/metrics/{benchmark}.json"
    evaluation.run(records.Job(benchmark, settings, inputs, {"metrics": home / file}))
    paths = [f"testing/{benchmark}.jsonl", f"results/{benchmark}"]
    record(home, f"reports/metrics/{benchmark}.record.json", paths, [file], f"evaluate {benchmark}")


def _tables(home: Path, settings: Settings) -> None:
    """The report's tables, without the drawings."""
    scores = metrics.read_scores(home / "reports/metrics", settings, partial=True)
    made, text = tables.build_all(scores, "fake"), claims.of_table(claims.IN_TEXT, scores)
    stage.write_tables(home / "reports/tables", made, figures.build_all(scores), text, "fake")
    records.write_bytes(home / "reports/figures/figure-10.png", b"a drawing")
    outputs = ["reports/tables", "reports/figures"]
    record(home, "reports/index.record.json", ["reports/metrics", "weights"], outputs, "report")


def md5(path: Path) -> str:
    """DVC's hash of a file or folder, written down a second time."""
    if path.is_file():
        return hashlib.md5(path.read_bytes()).hexdigest()
    files = sorted((file for file in path.rglob("*") if file.is_file()), key=lambda file: file.relative_to(path).parts)
    entries = [{"md5": md5(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"


def hashed(path: Path) -> dict[str, Any]:
    """What DVC's lock says of a file or folder."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    sizes: dict[str, Any] = {"size": sum(file.stat().st_size for file in files)}
    return {"hash": "md5", "md5": md5(path), **sizes, **({"nfiles": len(files)} if path.is_dir() else {})}


def lock(home: Path, settings: Settings) -> None:
    """A dvc.lock of all the stages."""
    stages: dict[str, tuple[list[str], list[str]]] = {}
    for data, place in SETS.items():
        stages[f"synthetic@{data}"] = ([], [f"data/{data}", f"data/{data}.json", f"data/{data}.record.json"])
        stages[f"index@{data}"] = (
            [f"annotations/{data}.csv", f"data/{data}.json"],
            [f"{place}/{data}.jsonl", f"{place}/{data}.record.json"],
        )
    for data in ("otb100", "vot2016"):
        stages[f"benchmark@{data}"] = ([f"testing/{data}.jsonl", "weights"], [f"results/{data}"])
        outs = [f"reports/metrics/{data}.json", f"reports/metrics/{data}.record.json"]
        stages[f"evaluate@{data}"] = ([f"testing/{data}.jsonl", f"results/{data}"], outs)
    stages["subsample"] = (["training/lasot.jsonl"], ["training/frames"])
    stages["masks"] = (["training/frames"], ["training/masks"])
    stages["salnet@pymdnet"] = (TRAINING, ["weights/salnet/core/pymdnet"])
    stages["gpgnet@jtnl"] = (TRAINING, ["weights/gpgnet/jtnl"])
    stages["report"] = (
        ["reports/metrics", "weights"],
        ["reports/tables", "reports/figures", "reports/index.record.json"],
    )
    write_lock(home, settings, stages)


def write_lock(home: Path, settings: Settings, stages: dict[str, tuple[list[str], list[str]]]) -> None:
    """dvc.lock, dvc.yaml and run files of stages, of each its dependencies and outputs."""
    read = {
        name: params.plain(getattr(settings.root, name)) for name in ("evaluation", "subsample", "tracking", "train")
    }
    held = {"params.yaml": {**read, "seeds": settings.root.seeds}}
    made, graph = {}, {}
    for name, (data, outs) in stages.items():
        deps = [*data, *sorted(posixpath.join(settings.root.root, file) for file in _code(home, outs))]
        facts = [[{"path": path, **hashed(home / path)} for path in paths] for paths in (deps, outs)]
        verb = name.partition("@")[0].replace("salnet", "train salnet").replace("gpgnet", "train gpgnet")
        made[name] = {"cmd": f"exec ./workflow/dat {verb}", "deps": facts[0], "outs": facts[1], "params": held}
        graph[name] = {
            "cmd": made[name]["cmd"],
            "deps": [f"./{dep}" for dep in deps],
            "outs": outs,
            "params": [*read, "seeds"],
        }
        run = next((home / out for out in outs if out.endswith("record.json")), home / outs[0] / "record.json")
        if run.is_file():
            facts = {"stage": name, "seconds": 1.0, "record": records.sha256_file(run)}
            records.write_json(home / "runs" / f"{name}.json", facts)
    records.write_json(home / "dvc.yaml", {"stages": graph})
    records.write_json(home / "dvc.lock", {"schema": "2.0", "stages": made})


def _code(home: Path, outs: Iterable[str]) -> set[str]:
    """The code that the records among a stage's outputs name."""
    files = {file for out in outs for file in ((home / out).rglob("*.json") if (home / out).is_dir() else [home / out])}
    made = [records.read_json(file) for file in files if file.suffix == ".json"]
    return {path for record in made if isinstance(record, dict) for path in record.get("code", ())}


def build(home: Path) -> Settings:
    """Make the run at `home`."""
    settings = settings_file(home)
    _raw(home, "otb100", OTB, "otb", {"otb100": list(OTB), "otb100-similar": list(OTB[:2])})
    _raw(home, "vot2016", VOT, "vot", {"vot2016": list(VOT)})
    _raw(home, "lasot", ("bird-1", "cup-1"), "lasot", {"lasot": ["bird-1", "cup-1"]})
    _raw(home, "tlp", ("Kite",), "tlp", {"tlp": ["Kite"]})
    _selection(home)
    counts = {"salnet": {"domains": 1}, "gpgnet": {"frames": FRAMES, "videos": 2}}
    for weights in ("salnet/core/pymdnet", "gpgnet/jtnl"):
        folder, (kind, *_, key) = f"weights/{weights}", weights.split("/")
        records.write_bytes(home / folder / "weights.safetensors", weights.encode())
        records.write_json(home / folder / "metrics.json", {"loss": 0.25, "steps": 10, **counts[kind]})
        records.write_text(home / folder / "dvclive/plots/metrics/loss.tsv", "step\tloss\n5\t0.5\n10\t0.25\n")
        record(home, f"{folder}/record.json", TRAINING, [folder], f"train {kind} {key}")
    _one_pass(home, ["pymdnet", "dat-jtnl"])
    _vot(home, ["pymdnet", "csrdcf"])
    score(home, settings)
    return settings


def score(home: Path, settings: Settings) -> None:
    """Scores, tables and lock of the results that are there."""
    inputs = ["testing/otb100.jsonl", "weights"]
    record(home, "results/otb100/record.json", inputs, ["results/otb100"], "benchmark otb100")
    for benchmark in ("otb100", "vot2016"):
        _scores(home, settings, benchmark)
    _tables(home, settings)
    lock(home, settings)
