"""The stages: of each its entry module, and its inputs, outputs and record as paths below the profile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dat.base import sections
from dat.base.params import Settings

Paths = Callable[[Settings, str], dict[str, str]]


@dataclass(frozen=True)
class Stage:
    """A stage: its entry module, and its inputs, outputs and record as paths below the profile.

    `jobs` is the module that the stage's jobs run in processes of their own, `files` are files below the checkout's top
    that decide how. `packages` are imported late, by it or by others: without them hours of work would end in an error.
    """

    module: str
    inputs: Paths
    outputs: Paths
    record: Callable[[Settings, str], str]
    command: str
    threads: Callable[[Settings], int] = lambda settings: 1
    seed: Callable[[Settings, str], int | None] = lambda settings, key: None
    jobs: str | None = None
    files: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def trains(self) -> bool:
        """Whether it trains a network."""
        return self.module.startswith("dat.training.")


def _manifest(settings: Settings, key: str) -> str:
    return str(settings.section(f"datasets.{key}.manifest", str))


def _benchmark(settings: Settings, key: str) -> sections.BenchmarkSettings:
    benchmark: sections.BenchmarkSettings = settings.section(f"benchmarks.{key}", sections.BenchmarkSettings)
    return benchmark


def _benchmark_manifest(settings: Settings, key: str) -> str:
    return f"{_manifest(settings, _benchmark(settings, key).data)}.jsonl"


def _salnet(settings: Settings, key: str) -> str:
    return f"weights/salnet/{settings.section(f'salnet.{key}', sections.Salnet).group}/{key}"


def _named(role: str, path: str) -> dict[str, str]:
    """An input that a setting names; without one it says `none`."""
    return {} if path == "none" else {role: path}


def _attention(settings: Settings, key: str) -> dict[str, str]:
    version: sections.Gpgnet = settings.section(f"gpgnet.{key}", sections.Gpgnet)
    return {"frames": version.from_} | _named("masks", version.masks) | _named("language", version.language)


def _training(settings: Settings) -> int:
    return int(settings.root.train.threads)


def _training_seed(settings: Settings, key: str) -> int:
    return int(settings.root.train.seed)


_TRAINING_PACKAGES = ("torch", "safetensors", "dvclive")

PARTIAL = "--partial"
"""The report's key when scores may be missing."""


def _reports(key: str) -> str:
    """Where a report lies: a partial one never in a whole one's place."""
    return "reports/partial" if key == PARTIAL else "reports"


STAGES: Mapping[str, Stage] = {
    "synthetic": Stage(
        "dat.datasets.synthetic",
        lambda s, k: {},
        lambda s, k: {"raw": f"data/{k}", "set": f"data/{k}.json"},
        lambda s, k: f"data/{k}.record.json",
        "dat synthetic",
        seed=lambda s, k: int(s.section(f"synthetic.{k}", sections.Synthetic).seed),
        packages=("skimage",),
    ),
    "index": Stage(
        "dat.datasets.index",
        lambda s, k: {"set": f"data/{k}.json"} | _named("sentences", s.root.datasets[k].sentences),
        lambda s, k: {"manifest": f"{_manifest(s, k)}.jsonl"},
        lambda s, k: f"{_manifest(s, k)}.record.json",
        "dat index",
    ),
    "subsample": Stage(
        "dat.datasets.subsample",
        lambda s, k: {"manifest": "training/lasot.jsonl"},
        lambda s, k: {"frames": "training/frames"},
        lambda s, k: "training/frames/record.json",
        "dat subsample",
    ),
    "masks": Stage(
        "dat.datasets.masks",
        lambda s, k: {"frames": "training/frames"},
        lambda s, k: {"masks": "training/masks"},
        lambda s, k: "training/masks/record.json",
        "dat masks",
    ),
    "language": Stage(
        "dat.training.language",
        lambda s, k: {"manifest": "training/lasot.jsonl"},
        lambda s, k: {"language": "training/language"},
        lambda s, k: "training/language/record.json",
        "dat train language",
        _training,
        _training_seed,
        packages=_TRAINING_PACKAGES,
    ),
    "encoder": Stage(
        "dat.training.encoder",
        lambda s, k: {"frames": "training/frames", "masks": "training/masks", "language": "training/language"},
        lambda s, k: {"weights": f"training/encoder/{k}"},
        lambda s, k: f"training/encoder/{k}/record.json",
        "dat train encoder",
        _training,
        _training_seed,
        packages=_TRAINING_PACKAGES,
    ),
    "gpgnet": Stage(
        "dat.training.gpgnet",
        lambda s, k: _attention(s, k) | _named("vgg16", s.root.network.vgg16),
        lambda s, k: {"weights": f"weights/gpgnet/{k}"},
        lambda s, k: f"weights/gpgnet/{k}/record.json",
        "dat train gpgnet",
        _training,
        _training_seed,
        packages=_TRAINING_PACKAGES,
    ),
    "salnet": Stage(
        "dat.training.salnet",
        lambda s, k: (
            {"training": s.section(f"salnet.{k}", sections.Salnet).from_} | _named("vgg_m", s.root.network.vgg_m)
        ),
        lambda s, k: {"weights": _salnet(s, k)},
        lambda s, k: f"{_salnet(s, k)}/record.json",
        "dat train salnet",
        _training,
        _training_seed,
        packages=_TRAINING_PACKAGES,
    ),
    "benchmark": Stage(
        "dat.fanout.stage",
        lambda s, k: (
            {"manifest": _benchmark_manifest(s, k), "salnet": _benchmark(s, k).salnet}
            | _named("gpgnet", _benchmark(s, k).gpgnet)
            | _named("names", s.root.csrdcf.colour_names)
        ),
        lambda s, k: {"results": f"results/{k}"},
        lambda s, k: f"results/{k}/record.json",
        "dat benchmark",
        lambda s: int(s.root.tracking.threads),
        jobs="dat.fanout.job",
        files=("Snakefile", "dat/cli/job.py", "workflow/profiles", "workflow/rules", "workflow/schemas"),
        packages=("torch", "safetensors", "snakemake"),
    ),
    "evaluate": Stage(
        "dat.evaluation.stage",
        lambda s, k: {"manifest": _benchmark_manifest(s, k), "results": f"results/{k}"},
        lambda s, k: {"metrics": f"reports/metrics/{k}.json"},
        lambda s, k: f"reports/metrics/{k}.record.json",
        "dat evaluate",
        seed=lambda s, k: int(s.root.evaluation.seed),
    ),
    "report": Stage(
        "dat.report.stage",
        lambda s, k: {
            "metrics": "reports/metrics",
            "weights": "weights",
            "language": "training/language",
            "frames": "training/frames",
            "masks": "training/masks",
            "results": "results",
            "manifests": "testing",
        },
        lambda s, k: {
            "tables": f"{_reports(k)}/tables",
            "figures": f"{_reports(k)}/figures",
            "players": f"{_reports(k)}/players",
            "page": f"{_reports(k)}/index.html",
        },
        lambda s, k: f"{_reports(k)}/index.record.json",
        "dat report",
        packages=("jinja2", "matplotlib", "pandas", "seaborn"),  # jinja2 is what pandas writes LaTeX with
    ),
}

TRAININGS = tuple(name for name, stage in STAGES.items() if stage.trains)
"""The stages that train a network, in the order in which one may need another's."""
