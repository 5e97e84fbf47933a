"""The run's own numbers, read from the scores of `dat evaluate` and from the trainings' metrics."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dat.base.errors import InputError, MissingError
from dat.base.naming import shown
from dat.base.outside import matching
from dat.base.params import Settings
from dat.evaluation import statistics
from dat.records import read_json

CURVE_STEPS = {"success": 0.05, "precision": 1.0}
"""The distance between a curve's thresholds: overlap, and pixels."""


@dataclass(frozen=True)
class Number:
    """A score and, where it is known, its 95 % interval (`interval`) or its spread over seeds (`spread`)."""

    value: float
    interval: tuple[float, float] | None = None
    spread: float | None = None

    @property
    def tells(self) -> bool:
        """Whether its interval leaves anything out: of two sequences it is all that the score can be."""
        return not (self.interval and self.interval[0] <= 0 and self.interval[1] >= 1)


def not_enough(sequences: int) -> str:
    """What is shown in the place of a score that its interval does not bound."""
    return f"{sequences} sequence{'' if sequences == 1 else 's'}: not enough to tell"


@dataclass(frozen=True)
class Difference:
    """A paired difference a - b of two variants: its size, its 95 % interval, its p value for this pair alone, and how
    many sequences would tell it from none (None where that is not known)."""

    value: float
    interval: tuple[float, float]
    p: float
    needed: int | None = None

    @property
    def tells(self) -> bool:
        """Whether its interval leaves anything out: of two sequences it is all that a difference of shares can be."""
        return not (self.interval[0] <= -1 and self.interval[1] >= 1)


@dataclass(frozen=True)
class Scores:
    """The scores of one benchmark, or of a subset of the benchmark `parent`: the object that `dat evaluate` writes."""

    name: str
    data: dict[str, Any]
    parent: str = ""

    @property
    def file(self) -> str:
        """The file of these scores, below the profile."""
        return f"reports/metrics/{self.parent or self.name}.json"

    @property
    def data_set(self) -> str:
        """The data set's own name (`synthetic-otb100`)."""
        return shown(self.data.get("data_set", self.name))

    @property
    def variants(self) -> list[str]:
        """The variants that were scored."""
        return list(self.data.get("variants", {}))

    @property
    def baselines(self) -> dict[str, dict[str, Any]]:
        """The scores of other trackers, whose raw results lie in `baselines/`, by name."""
        return dict(self.data.get("baselines", {}))

    def runs(self, tracker: str) -> list[dict[str, Any]]:
        """The scores of a variant's seeds, or the one of a baseline."""
        runs = [run for name, run in sorted(self.data["trackers"].items()) if name.split("@seed-")[0] == tracker]
        return runs or [run for name, run in self.baselines.items() if name == tracker]

    def number(self, tracker: str, metric: str) -> Number | None:
        """A variant's score, the mean over its seeds, or a baseline's; None when this run has none."""
        entry = self.data.get("variants", {}).get(tracker) or self.baselines.get(tracker)
        if not entry or entry.get(metric) is None:
            return None
        low_high = entry.get(f"{metric}_interval")
        interval = (float(low_high[0]), float(low_high[1])) if low_high else None
        return Number(float(entry[metric]), interval, entry.get("spread", {}).get(metric))

    def curve(self, variant: str, metric: str) -> list[tuple[str, float]]:
        """Points of a curve, the mean over seeds: threshold as text, value. Empty when this run has none."""
        curves = [run["curves"][metric] for run in self.runs(variant) if metric in run.get("curves", {})]
        step = CURVE_STEPS[metric]
        means = [sum(values) / len(values) for values in zip(*curves, strict=True)]
        return [(f"{index * step:.10g}", float(mean)) for index, mean in enumerate(means)]

    def band(self, variant: str, metric: str) -> list[tuple[float, float]]:
        """The 95 % interval of each point of a curve; empty when this run has none."""
        ends = self.data.get("variants", {}).get(variant, {}).get("curve_intervals", {}).get(metric, [])
        return [(float(low), float(high)) for low, high in ends]

    def difference(self, a: str, b: str, metric: str) -> Difference | None:
        """The paired difference a - b of two variants; None when the scores have no such pair."""
        for pair in self.data.get("pairs", []):
            names = tuple(str(pair[side]).split("@seed-")[0] for side in ("a", "b"))
            if pair["metric"] == metric and names in ((a, b), (b, a)):
                low, high = (float(end) for end in pair["interval"])
                value, p = float(pair["difference"]), float(pair.get("p_uncorrected", pair["p"]))
                needed = statistics.sequences_needed(self._differences(a, b, metric))
                ends = (low, high) if names == (a, b) else (-high, -low)
                return Difference(value if names == (a, b) else -value, ends, p, needed)
        return None

    def _differences(self, a: str, b: str, metric: str) -> list[float]:
        """The differences a - b of the sequences, means over seeds; none of a score that no sequence has alone."""
        means = []
        for variant in (a, b):
            runs = [run.get("sequences", {}) for run in self.runs(variant)]
            every = (
                [[table[name][metric] for table in runs] for name in runs[0]] if runs and _each(runs, metric) else []
            )
            means.append([sum(values) / len(values) for values in every])
        return [one - two for one, two in zip(*means, strict=True)] if len(means[0]) == len(means[1]) else []

    def completeness(self, variant: str) -> str:
        """Empty when every sequence was scored, else `37 of 51 sequences`."""
        scored = [(run["scored"], run["expected"]) for run in self.runs(variant) if not run.get("complete", True)]
        return f"{scored[0][0]} of {scored[0][1]} sequences" if scored else ""

    def sequences(self) -> int:
        """How many sequences the benchmark has in this run."""
        return max((int(run["expected"]) for run in self.data["trackers"].values()), default=0)


def _each(runs: list[dict[str, Any]], metric: str) -> bool:
    """Whether all runs have a score of the same sequences each."""
    return all(table.keys() == runs[0].keys() and all(metric in one for one in table.values()) for table in runs)


@dataclass(frozen=True)
class Training:
    """One training's metrics: `address` is `train/<network>/<name>`, `file` theirs below the profile.

    `taken` is what its `source.json` says of the file that the weights, or their start, were taken from.
    """

    network: str
    name: str
    metrics: dict[str, float]
    file: str
    taken: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Its address without the metric."""
        return f"train/{self.network}/{self.name}"


def read_scores(folder: Path, settings: Settings, partial: bool) -> dict[str, Scores]:
    """Scores of each benchmark of the settings, and of its subsets under their own names.

    Raises MissingError naming the stage when a benchmark has no scores, unless the report may be partial.
    """
    by_benchmark: dict[str, Scores] = {}
    for name in settings.section("benchmarks", dict):
        path = folder / f"{name}.json"
        if path.is_file():
            data = read_json(path)
            if not isinstance(data, dict) or "trackers" not in data:
                raise InputError(
                    f"{path}: 'trackers' is missing, so these are no scores; run dvc repro evaluate@{name}"
                )
            by_benchmark[name] = Scores(name, data)
            for subset, inner in data.get("subsets", {}).items():
                by_benchmark[subset] = Scores(
                    subset, {**{k: data.get(k) for k in ("data_set", "definition")}, **inner}, name
                )
        elif not partial:
            raise MissingError(f"{path} is missing; run dvc repro evaluate@{name}, or dat report --partial")
    return by_benchmark


def _flat(path: Path) -> dict[str, float]:
    values = read_json(path)
    return {key: float(value) for key, value in values.items() if isinstance(value, int | float)}


def _taken(folder: Path) -> dict[str, str]:
    path = folder / "source.json"
    return {key: shown(value) for key, value in read_json(path).items()} if path.is_file() else {}


def read_trainings(weights: Path, language: Path) -> Iterator[Training]:
    """The metrics of every training that this run has: the sentence encoder, GPGNet's versions, the SALNets."""
    if (language / "metrics.json").is_file():
        yield Training("language", "encoder", _flat(language / "metrics.json"), "training/language/metrics.json")
    paths = matching(weights, "gpgnet/*/metrics.json")
    paths += sorted(matching(weights, "salnet/*/*/metrics.json"), key=lambda path: path.parent.name)
    for path in paths:
        place = path.relative_to(weights)
        yield Training(
            place.parts[0], path.parent.name, _flat(path), f"weights/{place.as_posix()}", _taken(path.parent)
        )
