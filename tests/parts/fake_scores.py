"""Made-up scores in the form of `dat evaluate`, for tests of the report."""

import math
from pathlib import Path
from typing import Any

from dat.base.params import Settings
from dat.records import write_json


def _number(*names: str) -> float:
    """A score between 0.3 and 0.9 that depends on the names alone."""
    return 0.3 + 0.6 * (sum(ord(letter) * (at + 1) for at, letter in enumerate("/".join(names))) % 997) / 997


def _curves(success: float, precision: float) -> dict[str, list[float]]:
    return {
        "success": [1 / (1 + math.exp(12 * (at / 20 - success))) for at in range(21)],
        "precision": [precision * (1 - math.exp(-at / 8)) for at in range(51)],
    }


def _whole(sequences: list[str]) -> dict[str, Any]:
    """What a complete result says of itself."""
    count = len(sequences)
    return {"complete": True, "expected": count, "scored": count, "missing": [], "ignored": [], "cut": []}


def _one_pass(benchmark: str, variant: str, sequences: list[str]) -> dict[str, Any]:
    success, precision = _number(benchmark, variant, "s"), _number(benchmark, variant, "p")
    each = {name: {"frames": 40, "success": _number(variant, name), "precision": _number(name)} for name in sequences}
    bounds = {
        "success_interval": [success - 0.1, success + 0.1],
        "precision_interval": [precision - 0.1, precision + 0.1],
    }
    return {
        **_whole(sequences),
        **bounds,
        "success": success,
        "precision": precision,
        "curves": _curves(success, precision),
        "sequences": each,
    }


def _vot(benchmark: str, variant: str, sequences: list[str]) -> dict[str, Any]:
    eao = _number(benchmark, variant, "eao") / 2
    scores = {"accuracy": 0.5, "robustness": 1.5, "failures": 3.0, "eao": eao, "eao_interval": [eao - 0.05, eao + 0.05]}
    return {
        **_whole(sequences),
        **scores,
        "curves": {"expected_overlap": [1.0, eao]},
        "sequences": {name: {"frames": 40} for name in sequences},
    }


def _redetection(benchmark: str, variant: str, sequences: list[str]) -> dict[str, Any]:
    again = {name: float(_number(variant, name) > 0.6) for name in sequences}
    share = sum(again.values()) / len(again)
    each = {name: {"frames": 40, "gone": 12, "back": 28, "redetected": value} for name, value in again.items()}
    return {**_whole(sequences), "redetected": share, "redetected_interval": [share / 2, 0.9], "sequences": each}


def benchmark_scores(name: str, variants: list[str], sequences: list[str], kind: str = "one-pass") -> dict[str, Any]:
    """The object that `dat evaluate` writes for a benchmark of one seed."""
    score = {"vot": _vot, "redetection": _redetection}.get(kind, _one_pass)
    trackers = {f"{variant}@seed-0": score(name, variant, sequences) for variant in variants}
    metrics = ("eao", "accuracy", "robustness", "failures", "success", "precision", "redetected")
    shown: dict[str, Any] = {}
    for variant in variants:
        run = trackers[f"{variant}@seed-0"]
        shown[variant] = {"seeds": [0], **{key: run[key] for key in run if key.removesuffix("_interval") in metrics}}
    return {"benchmark": name, "definition": "made-up", "trackers": trackers, "variants": shown, "pairs": []}


def write_scores(folder: Path, settings: Settings) -> None:
    """Scores of every benchmark of the settings, with the look-alikes subset of OTB-100."""
    for name, benchmark in settings.root.benchmarks.items():
        sequences = ["Disc-1", "Disc-2", "Star"]
        kind = name if name == "redetection" else benchmark.protocol
        data = benchmark_scores(name, benchmark.variants, sequences, kind)
        data |= {"profile": settings.profile, "data_set": f"synthetic-{benchmark.data}"}
        if name == "otb100":
            data["subsets"] = {"otb100-similar": benchmark_scores("otb100-similar", benchmark.variants, sequences[:2])}
        write_json(folder / f"{name}.json", data)


def write_trainings(weights: Path, language: Path, settings: Settings) -> None:
    """Training metrics of every network of the settings."""
    write_json(language / "metrics.json", {"held_out_accuracy": 0.912345, "sentences": 28})
    for name in settings.root.gpgnet:
        write_json(
            weights / "gpgnet" / name / "metrics.json", {"loss": 0.0312, "held_out_iou": _number(name), "images": 400}
        )
    for name, entry in settings.root.salnet.items():
        write_json(
            weights / "salnet" / entry.group / name / "metrics.json",
            {"loss": 0.1021, "held_out_accuracy": _number(name)},
        )
