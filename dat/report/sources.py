"""What the page's numbers come from, one step back: the file of scores, its sequences, seeds and networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dat.base.naming import shown
from dat.base.params import Settings
from dat.base.sections import Train, Variant
from dat.report.metrics import Scores, Training

TRAINED_ON = ("frames", "videos", "domains", "sentences")
"""What a training's metrics say that it learned from."""


@dataclass(frozen=True)
class Source:
    """What the numbers of one variant on one benchmark, or of one training, come from; `id` is its anchor's name."""

    id: str
    file: str
    data: str
    seeds: str
    networks: tuple[str, ...]


def of(settings: Settings, scores: Mapping[str, Scores], trainings: Sequence[Training]) -> list[Source]:
    """The sources of all numbers of a report."""
    variants: dict[str, Variant] = settings.section("variants", dict) if scores else {}
    sources = []
    for score in scores.values():
        for name in score.variants:
            variant = variants.get(name)
            weights = [f"weights/salnet/{variant.salnet}"] if variant and variant.salnet else []
            weights += [f"weights/gpgnet/{variant.attention}"] if variant and variant.attention != "none" else []
            sources.append(
                Source(f"{score.name}/{name}", score.file, _sequences(score, name), _seeds(score, name), tuple(weights))
            )
        for name in score.baselines:
            where = f"{_sequences(score, name)}, results in baselines/{score.parent or score.name}/{name}"
            sources.append(Source(f"{score.name}/{name}", score.file, where, "", ()))
    return sources + [
        Source(one.address, one.file, _trained_on(one), str(settings.section("train", Train).seed), ())
        for one in trainings
    ]


def _sequences(score: Scores, variant: str) -> str:
    count = max((len(run.get("sequences", {})) for run in score.runs(variant)), default=0)
    return f"{count} sequence{'' if count == 1 else 's'} of {score.data_set}"


def _seeds(score: Scores, variant: str) -> str:
    names = [name.partition("@seed-") for name in score.data["trackers"]]
    return shown(", ".join(sorted({seed for name, _, seed in names if name == variant and seed})))


def _trained_on(training: Training) -> str:
    return ", ".join(f"{training.metrics[name]:,.0f} {name}" for name in TRAINED_ON if training.metrics.get(name))
