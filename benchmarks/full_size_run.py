"""A made-up finished run of the paper's size: 44,660 training frames, 100 sequences by 22 variants by 3 seeds.

Files are small, but for the weights; records are as long as real ones. Scores and tables are those of the stages.
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dat import records
from dat.base import params
from dat.base.params import Settings
from dat.datasets import manifest
from dat.evaluation import stage as evaluation
from dat.report import claims, figures, metrics, published, stage, tables
from tests.parts import fake_profile  # the tests' small run, whose records and lock are made in the same way

ROOT = Path(__file__).resolve().parents[1]


SEEDS, LENGTH = (0, 1, 2), 830
VIDEOS, FRAMES = 1015, 44
WEIGHTS = 8 << 20
"""Bytes of a network."""

Array = np.ndarray[Any, Any]


def _record(
    home: Path, name: str, inputs: list[str], outputs: list[str], command: str, settings: dict[str, Any] | None = None
) -> None:
    """A stage's record."""
    fake_profile.record(home, name, inputs, outputs, command, {"seeds": list(SEEDS), **(settings or {})})


def _settings(home: Path) -> Settings:
    """The root's settings with OTB-2013 alone, the paper's 22 variants on it, and three seeds."""
    data = params.plain(params.load(ROOT).root)
    chosen = published.POINTS["otb2013"]
    data["variants"] = {name: data["variants"].get(name, data["variants"]["dat-jtnl"]) for name in chosen}
    data["benchmarks"] = {"otb2013": {**data["benchmarks"]["otb2013"], "variants": list(chosen)}}
    (home / "checkout").symlink_to(ROOT)
    data |= {"root": "checkout", "profile": "full", "seeds": list(SEEDS)}
    data["evaluation"] = {"resamples": 50, "seed": 0}
    data["subsample"]["step"] = 1
    records.write_json(home / "params.yaml", data)
    return params.load(home)


def _data_set(home: Path, name: str, place: str, layout: str, videos: list[str], length: int, lists: Any) -> None:
    """Raw files of a data set, its manifest, and their records."""
    folder = home / "data" / name

    def rows() -> Iterator[dict[str, Any]]:
        for video in videos:
            (folder / video / "img").mkdir(parents=True)
            for frame in range(length):
                (folder / video / "img" / f"{frame + 1:08}.jpg").write_bytes(f"{name} {video} {frame}".encode() * 8)
            (folder / video / "groundtruth.txt").write_text(f"{video}\n")
            facts = [[one["path"], one["bytes"], one["sha256"]] for one in records.folder_files(folder / video, folder)]
            row = {"sequence": video, "frames": length, "size": [320, 240], "boxes": truth(video, length).tolist()}
            row |= {"files": facts[1:], "annotations": facts[:1], "attributes": []}
            yield row | {"sentence": f"the {video}" if layout == "lasot" else None}

    records.write_json(home / "data" / f"{name}.json", {"name": f"synthetic-{name}", "layout": layout, "lists": lists})
    head = {"name": f"synthetic-{name}", "layout": layout, "root": f"data/{name}", "lists": lists, "linked": True}
    manifest.write(home / place / f"{name}.jsonl", head, rows())
    raw = [f"data/{name}", f"data/{name}.json"]
    _record(home, f"data/{name}.record.json", [], raw, f"synthetic {name}")
    made = f"{place}/{name}.record.json"
    _record(home, made, [f"data/{name}.json"], [f"{place}/{name}.jsonl"], f"index {name}")


def truth(name: str, length: int) -> Array:
    """Boxes that wander, x,y,w,h in pixels, origin 0: (length, 4); higher than wide, so that no other order fits."""
    rng = np.random.default_rng(sum(map(ord, name)))
    places = np.cumsum(rng.uniform(-3, 3, (length, 2)), axis=0) + 100
    return np.round(np.concatenate([places, rng.uniform((20, 60), (30, 80), (length, 2))], axis=1), 2)


def _selection(home: Path) -> None:
    videos = manifest.read(home / "training/lasot.jsonl").sequences.values()
    rows = [f"{one.name},{at + 1},{fact[2]},{one.sentence}" for one in videos for at, fact in enumerate(one.files)]
    for name, lines in (("frames/index", rows), ("frames/patches", rows[::FRAMES]), ("masks/index", rows)):
        text = "\n".join(["sequence,frame,source_sha256,sentence", *lines]) + "\n"
        records.write_text(home / "training" / f"{name}.csv", text)
    step = {"subsample.step": 1, "subsample.split": "all"}
    for verb, name, read in (("subsample", "frames", "training/lasot.jsonl"), ("masks", "masks", "training/frames")):
        _record(home, f"training/{name}/record.json", [read], [f"training/{name}"], verb, step)


def _networks(home: Path, settings: Settings, videos: int) -> dict[str, list[str]]:
    """The networks of each variant, made where they are not there: their folders below the profile."""
    counts = {"salnet": {"domains": 1}, "gpgnet": {"frames": videos * FRAMES, "videos": videos}}
    found: dict[str, list[str]] = {}
    for name in settings.root.benchmarks["otb2013"].variants:
        one = settings.root.variants[name]
        found[name] = [
            f"weights/salnet/{one.salnet}",
            *([f"weights/gpgnet/{one.attention}"] * (one.attention != "none")),
        ]
    lasot = min(settings.root.salnet_training.lasot_domains, videos)
    for folder in sorted(set(itertools.chain(*found.values()))):
        kind, key = folder.split("/")[1], folder.rpartition("/")[2]
        facts = {"loss": 0.25, "steps": 10, **counts[kind]}
        if kind == "salnet" and settings.root.salnet[key].triplet is not None:
            facts["domains"] += lasot
        weights = np.random.default_rng(len(folder)).bytes(WEIGHTS - 64) + folder.encode().ljust(64)
        records.write_bytes(home / folder / "weights.safetensors", weights)
        records.write_json(home / folder / "metrics.json", facts)
        inputs = fake_profile.TRAINING
        _record(home, f"{folder}/record.json", inputs, [folder], f"train {kind} {key}")
    return found


def _units(home: Path, settings: Settings, networks: dict[str, list[str]]) -> None:
    """Boxes and records of every variant, seed and sequence."""
    code = records.code_closure("dat.tracking.mdnet.tracker")
    read = {key[1:]: value for key, value in params.leaves(params.plain(settings.root.tracking), "").items()}
    read = {f"tracking.{key}": value for key, value in read.items()}
    rows, keys = manifest.read(home / "testing/otb100.jsonl").sequences, {}
    for at, (variant, folders) in enumerate(networks.items()):
        weights = [records.file_facts(home / folder / "weights.safetensors", home) for folder in folders]
        parents = records.parents([home / folder for folder in folders], home)
        for seed, (name, row) in itertools.product(SEEDS, rows.items()):
            folder = home / "results/otb2013" / f"{variant}@seed-{seed}"
            noise = np.random.default_rng([at, seed, len(keys)]).normal(0, 1 + at / 20, (LENGTH, 4))
            boxes = truth(name, LENGTH) + np.array([1, 1, 0, 0]) + noise
            records.write_text(folder / f"{name}.txt", "%.4f,%.4f,%.4f,%.4f\n" * LENGTH % tuple(boxes.ravel().tolist()))
            key = keys[f"{variant}@seed-{seed}/{name}"] = records.sha256_json([variant, seed, name])
            inputs = [*weights, {"path": "testing/otb100.jsonl", "sequence": name, "sha256": row.digest}]
            made = records.make_record(
                code=code,
                inputs=inputs,
                outputs=[records.file_facts(folder / f"{name}.txt", folder)],
                params=read,
                environment={"numerics": "portable", "device": "cpu", "packages": {"torch": "2.15.0"}},
                command="dat benchmark otb2013",
                parents=parents,
                seed=seed,
            )
            records.write_json(folder / f"{name}.json", {**made, "key": key})
            run = {"record": records.sha256_json({**made, "key": key}), "seconds": 1.0}
            records.write_json(home / "runs/otb2013" / folder.name / f"{name}.json", run)
    records.write_json(home / "results/otb2013/manifest.json", keys)
    inputs = ["testing/otb100.jsonl", "weights"]
    _record(home, "results/otb2013/record.json", inputs, ["results/otb2013"], "benchmark otb2013")


def _report(home: Path, settings: Settings) -> None:
    """Scores and tables, by the stages' own code."""
    inputs = {"manifest": home / "testing/otb100.jsonl", "results": home / "results/otb2013"}
    file = "reports/metrics/otb2013.json"
    evaluation.run(records.Job("otb2013", settings, inputs, {"metrics": home / file}))
    paths = ["testing/otb100.jsonl", "results/otb2013"]
    _record(home, "reports/metrics/otb2013.record.json", paths, [file], "evaluate otb2013")
    scores = metrics.read_scores(home / "reports/metrics", settings, partial=True)
    made, text = tables.build_all(scores, "full"), claims.of_table(claims.IN_TEXT, scores)
    stage.write_tables(home / "reports/tables", made, figures.build_all(scores), text, "full")
    shown = ["reports/tables"]
    _record(home, "reports/index.record.json", ["reports/metrics", "weights"], shown, "report")


def _lock(home: Path, settings: Settings, networks: dict[str, list[str]]) -> None:
    stages: dict[str, tuple[list[str], list[str]]] = {}
    for data, place in (("otb100", "testing"), ("lasot", "training"), ("tlp", "training/domains")):
        stages[f"synthetic@{data}"] = ([], [f"data/{data}", f"data/{data}.json", f"data/{data}.record.json"])
        stages[f"index@{data}"] = ([f"data/{data}.json"], [f"{place}/{data}.jsonl", f"{place}/{data}.record.json"])
    stages["subsample"] = (["training/lasot.jsonl"], ["training/frames"])
    stages["masks"] = (["training/frames"], ["training/masks"])
    for folder in sorted(set(itertools.chain(*networks.values()))):
        stages[f"{folder.split('/')[1]}@{folder.rpartition('/')[2]}"] = (fake_profile.TRAINING, [folder])
    stages["benchmark@otb2013"] = (["testing/otb100.jsonl", "weights"], ["results/otb2013"])
    outs = ["reports/metrics/otb2013.json", "reports/metrics/otb2013.record.json"]
    stages["evaluate@otb2013"] = (["testing/otb100.jsonl", "results/otb2013"], outs)
    stages["report"] = (["reports/metrics", "weights"], ["reports/tables", "reports/index.record.json"])
    fake_profile.write_lock(home, settings, stages)


def build(home: Path, share: float = 1.0) -> dict[str, int]:
    """Make the run at `home`, with a share of its sequences and training videos; what it has of each kind."""
    settings = _settings(home)
    names = [f"Test{at:03}" for at in range(max(2, round(100 * share)))]
    videos = [f"video-{at}" for at in range(max(2, round(VIDEOS * share)))]
    lists = {"otb100": names, "otb2013": names}
    _data_set(home, "otb100", "testing", "otb", names, LENGTH, lists)
    _data_set(home, "lasot", "training", "lasot", videos, FRAMES, {"lasot": videos})
    _data_set(home, "tlp", "training/domains", "tlp", ["Kite"], FRAMES, {"tlp": ["Kite"]})
    _selection(home)
    networks = _networks(home, settings, len(videos))
    _units(home, settings, networks)
    _report(home, settings)
    _lock(home, settings, networks)
    units = len(json.loads((home / "results/otb2013/manifest.json").read_text()))
    return {"training frames": len(videos) * FRAMES, "results": units, "boxes": units * LENGTH}
