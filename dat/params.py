"""Settings: one loader of params.yaml, used by the package, the workflow and the tests.

`load()` checks every value (no unknown keys, no numbers written as text) and names the line that is wrong.
A stage asks for sections by their dotted path; what it asked for is what its record and DVC's lock hold.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dat.errors import MissingError, ParamsError

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Number = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A section of params.yaml: exact types, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Synthetic(Section):
    """An embedded data set: its seed, how many videos of how many frames, and the frames' size in pixels."""

    seed: int
    videos: Number
    frames: Number
    width: Number
    height: Number


class Dataset(Section):
    """A data set's layout on disk and the path of its manifest, without the ending."""

    layout: Literal["lasot", "tlp", "dtb70", "otb", "tc128", "vot"]
    manifest: str


class Subsample(Section):
    """The selection from LaSOT [R30] and the size in pixels at which GPGNet sees a frame."""

    step: Number
    split: Literal["all", "train"]
    shard: Number
    height: Number
    width: Number


class Masks(Section):
    """Mask polarity [R1] and what an absent target gives [R28]."""

    target: Literal[0, 1]
    absent: Literal["background", "drop"]


class Train(Section):
    """What all trainings share; `bf16` computes forward and loss in bfloat16, weights stay float32."""

    seed: int
    threads: Number
    bf16: bool
    clip: Positive
    checkpoint: Number


class Network(Section):
    """SALNet's size, initialisation and starting weights; standardise is [R40]."""

    width: Positive
    crop: Number
    fc4: Number
    standardise: bool
    init: Literal["orthogonal", "normal", "mdnet", "default"]
    normalisation: Literal["vgg-m", "v2"]
    vgg_m: str
    vgg16: str


class Language(Section):
    """The sentence encoder [R37] and its training; dropout is the share of words made unknown."""

    words: Number
    channels: Number
    kernel: Number
    layers: Number
    epochs: Number
    batch: Number
    rate: Positive
    decay: Literal["none", "cosine"]
    dropout: Share
    held_out: Share


class Gpgnet(Section):
    """A version of GPGNet: what it is trained from and which inputs it has [R18]."""

    from_: str = Field(alias="from")
    inputs: list[Literal["target", "language"]]


class GpgnetTraining(Section):
    """GPGNet's training; over the first `warm_up` steps the rate rises to its value."""

    optimiser: Literal["adagrad", "adam"]
    rate: Positive
    warm_up: Count
    batch: Number
    epochs: Number
    held_out: Share
    shared_encoder: bool
    freeze_language: bool
    patch_context: float
    short_sentences: Literal["pad", "repeat"]


class Graph(Section):
    """Readings R3 to R7 of the graph."""

    similarity: Literal["distance", "euclidean", "dot", "cosine"]
    adjacency: Literal["g", "w", "binary"]
    self_loops: bool
    width: Number
    scope: Literal["batch", "frame"]


class Salnet(Section):
    """A SALNet: what it is trained from, its graph, and lambda of (7) (null: no triplet loss)."""

    group: str
    from_: str = Field(alias="from")
    nodes: Count
    layers: Count
    triplet: float | None


class SalnetTraining(Section):
    """SALNet's multi-domain training; iterations, where not 0, end it before the cycles do, and lasot_domains, where
    not 0, is how many of LaSOT's videos are domains at most [R12]."""

    cycles: Number
    iterations: Count
    frames_per_batch: Number
    positives: Number
    negatives: Number
    optimiser: Literal["adam", "sgd"]
    rate: Positive
    branch_rate: Positive
    decay: Literal["none", "cosine"]
    dropout: Share
    loss: Literal["softmax", "sigmoid"]
    triplets: Literal["all", "hardest", "sum"]
    triplet_on: Literal["feature", "graph"]
    margin: float
    anchor: Literal["mean", "max"]
    normalise: bool
    domains: Literal["paper", "same"]
    lasot_domains: Count
    held_out: Share


class Variant(Section):
    """What a tracker uses online: a SALNet by group and name (null: CSR-DCF, without weights of its own), and a version
    of GPGNet or none."""

    salnet: str | None
    attention: Literal["none", "to", "nl", "jtnl"]


class Candidates(Section):
    """Candidates of a frame: how many around the last box, how many around each region [R21], who wins [R34]."""

    local: Number
    translation: Positive
    scale: Positive
    valid: bool
    lost_translation: Positive
    global_: Count = Field(alias="global")
    best: Number
    winner: Literal["mean", "argmax"]


class FirstFrame(Section):
    """Samples and steps of the first frame."""

    positives: Number
    negatives: Number
    iterations: Number
    rate: Positive
    fc6_factor: Positive


class Update(Section):
    """Samples and steps of an update; interval of the long ones, lengths of both memories, in frames."""

    positives: Number
    negatives: Number
    iterations: Number
    rate: Positive
    fc6_factor: Positive
    interval: Number
    long: Number
    short: Number


class Batch(Section):
    """A step's batch and the pool its hard negatives come from."""

    positives: Number
    negatives: Number
    pool: Number


class BoxRegression(Section):
    """Ridge regression of the box."""

    samples: Count
    alpha: Positive
    scale: Positive
    checked: bool


class Attention(Section):
    """From the attention map to regions [R20], and whose size candidates have there [R21]."""

    box: Literal["region", "target"]
    threshold: Share
    least: Share
    regions: Number


class Redetection(Section):
    """When a jump counts as a re-detection [R25]."""

    overlap: Share


class Tracking(Section):
    """Everything a tracker reads; `mdnet` is the generation whose sampler numbers hold [R31]."""

    mdnet: Literal["v1", "v2"]
    threads: Number
    features: Literal["crops", "shared"]
    candidates: Candidates
    first: FirstFrame
    update: Update
    batch: Batch
    loss: Literal["mean", "sum"]
    momentum: Share
    weight_decay: float
    clip: Positive
    dropout: Share
    failure: Literal["softmax", "raw"]
    failure_score: float
    on_failure: Literal["hold", "keep"]
    box_regression: BoxRegression
    attention: Attention
    redetection: Redetection


class Admm(Section):
    """The constrained filter's optimisation: mu grows by beta up to mu_max; lambda is mu times `regularisation`."""

    mu: Positive
    beta: Annotated[float, Field(ge=1)]
    mu_max: Positive
    iterations: Count
    regularisation: Positive


class Segmentation(Section):
    """CSR-DCF's mask: bins of a colour channel, the histograms' rate, the share of background before the picture is
    seen, the bounds of the spatial prior, the area in pixels at which smoothing runs, its stop, and the mask's."""

    bins: Literal[2, 4, 8, 16, 32]
    rate: Share
    background: Positive
    least: Share
    most: Share
    area: Number
    iterations: Count
    change: Positive
    threshold: Share
    smallest: Share


class Scales(Section):
    """DSST's scale filter: number of scales and their step, the filter's rate, the most pixels of a model, the label's
    sigma in units of the root of the number, and what is added to the denominator."""

    number: Number
    step: Annotated[float, Field(gt=1)]
    rate: Share
    area: Number
    sigma: Positive
    regularisation: Positive


class Csrdcf(Section):
    """CSR-DCF: the file of colour names [R29] or none, window and template in pixels, the largest cell of the
    features, the label's sigma in cells, the rates of filter and channel weights, the least weight of a channel by
    detection, and the mean difference of grey levels below which a frame is the last one again."""

    colour_names: str
    padding: Positive
    template: Number
    cell: Number
    sigma: Positive
    filter_rate: Share
    weight_rate: Share
    least_weight: Share
    duplicate: Annotated[float, Field(ge=0)]
    admm: Admm
    segmentation: Segmentation
    scales: Scales


class Vot(Section):
    """VOT's re-start protocol."""

    repetitions: Number
    skip: Number
    burn_in: Count


class Fanout(Section):
    """Units in a Snakemake job, and jobs at a time on this machine."""

    batch: Number
    cores: Number


class Benchmark(Section):
    """A benchmark: its data set, its protocol, where its networks lie, and the variants that run on it."""

    data: str
    protocol: Literal["one-pass", "vot"]
    salnet: str
    gpgnet: str
    variants: list[str]


class Evaluation(Section):
    """The bootstrap."""

    resamples: Number
    seed: int


class Root(Section):
    """The whole of params.yaml."""

    profile: str
    root: str
    synthetic: dict[str, Synthetic]
    datasets: dict[str, Dataset]
    subsample: Subsample
    masks: Masks
    train: Train
    network: Network
    language: Language
    gpgnet: dict[str, Gpgnet]
    gpgnet_training: GpgnetTraining
    graph: Graph
    salnet: dict[str, Salnet]
    salnet_training: SalnetTraining
    variants: dict[str, Variant]
    seeds: list[int]
    tracking: Tracking
    csrdcf: Csrdcf
    vot: Vot
    fanout: Fanout
    benchmarks: dict[str, Benchmark]
    evaluation: Evaluation


def plain(value: Any) -> Any:
    """A section as plain data, with the keys that the file has."""
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


def leaves(value: Any, prefix: str) -> dict[str, Any]:
    """Plain data as dotted paths and values; lists are values."""
    if isinstance(value, Mapping):
        found: dict[str, Any] = {}
        for key, item in value.items():
            found |= leaves(item, f"{prefix}.{key}")
        return found
    return {prefix: value}


@dataclass(frozen=True)
class Settings:
    """The settings of a profile. `path` is the profile's directory, `read` what was asked for, by dotted path."""

    path: Path
    root: Root
    read: dict[str, Any] = field(default_factory=dict)

    @property
    def profile(self) -> str:
        """The profile's name."""
        return self.root.profile

    @cached_property
    def top(self) -> Path:
        """The top of the checkout, where the code lies."""
        return (self.path / self.root.root).resolve()

    def section(self, dotted: str) -> Any:
        """The section (or the entry of a map, or a value) at a dotted path; it is noted as read.

        Raises ParamsError when there is none of that name.
        """
        value: Any = self.root
        for name in dotted.split("."):
            if isinstance(value, Mapping) and name in value:
                value = value[name]
            elif isinstance(value, BaseModel) and name in type(value).model_fields:
                value = getattr(value, name)
            else:
                known = ", ".join(value if isinstance(value, Mapping) else type(value).model_fields)
                raise ParamsError(f"{self.path / 'params.yaml'}: no '{name}' for '{dotted}'; there are: {known}")
        self.read.update(leaves(plain(value), dotted))
        return value


def find(start: Path | None = None) -> Path:
    """The directory of the nearest params.yaml, upwards from `start` (default: the working directory).

    Raises MissingError when there is none.
    """
    here = (start or Path.cwd()).absolute()
    for directory in (here, *here.parents):
        if (directory / "params.yaml").is_file():
            return directory
    raise MissingError(f"{here}: no params.yaml here or above; change into a checkout of the project")


def read_yaml(path: Path) -> Any:
    """A YAML 1.2 file as data that knows its lines."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    try:
        return YAML(typ="rt", pure=True).load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ParamsError(f"{path}:{line}: not YAML: {error.problem}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: cannot be read: {error}") from None


def _plain_yaml(value: Any) -> Any:
    """ruamel's containers and scalars as Python's own."""
    if isinstance(value, Mapping):
        return {str(key): _plain_yaml(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain_yaml(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _position(data: Any, name: Any) -> int:
    """The line, from 0, of an entry of one of ruamel's containers."""
    is_map = isinstance(data, Mapping)
    container: Any = data
    return int((container.lc.key if is_map else container.lc.item)(name)[0])


def _line(data: Any, location: tuple[Any, ...]) -> int:
    """The line of params.yaml on which a location stands."""
    line = 1
    for name in location:
        try:
            line = _position(data, name) + 1
            data = data[name]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


def _complaint(path: Path, data: Any, error: ValidationError) -> str:
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")  # a typo explains what is missing
    location = tuple(first["loc"])
    name, line, found = ".".join(map(str, location)), _line(data, location), first.get("input")
    if first["type"] == "extra_forbidden":
        said = f"unknown key '{name}'; remove it or correct its spelling"
    elif first["type"] == "missing":
        said = f"'{name}' is missing; add it (profiles/paper/params.yaml and params.yaml have the same keys)"
    elif isinstance(found, str) and first["type"].startswith(("int", "float", "bool")):
        said = f"'{name}' is the text '{found}' where a number or true/false belongs; write it without quotes (1.0e-4)"
    else:
        said = f"'{name}' is {found!r}: {first['msg'][0].lower() + first['msg'][1:]}"
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path}:{line}: {said}{more}"


def _references(path: Path, data: Any, root: Root) -> None:
    """Names that point at other entries must exist. Raises ParamsError."""
    networks = {f"{entry.group}/{name}" for name, entry in root.salnet.items()}

    def missing(location: tuple[Any, ...], found: str, known: Any) -> None:
        if found not in known:
            where = f"{path}:{_line(data, location)}"
            raise ParamsError(
                f"{where}: '{found}' of '{'.'.join(map(str, location))}' is none of {', '.join(sorted(known))}"
            )

    for name, variant in root.variants.items():
        if variant.salnet is not None:
            missing(("variants", name, "salnet"), variant.salnet, networks)
        if variant.attention != "none":
            missing(("variants", name, "attention"), variant.attention, root.gpgnet)
    for name, benchmark in root.benchmarks.items():
        missing(("benchmarks", name, "data"), benchmark.data, root.datasets)
        for variant_name in benchmark.variants:
            missing(("benchmarks", name, "variants"), variant_name, root.variants)
    table = Path(root.csrdcf.colour_names)
    if table.is_absolute() or ".." in table.parts:
        where = f"{path}:{_line(data, ('csrdcf', 'colour_names'))}"
        raise ParamsError(f"{where}: 'csrdcf.colour_names' is a path below the profile, or none; put the file there")
    for name in root.synthetic:
        missing(("synthetic", name), name, root.datasets)


def load(directory: Path | None = None) -> Settings:
    """The settings of the profile at `directory` (default: the nearest one upwards from the working directory).

    Raises ParamsError naming file, line and key; MissingError when there is no params.yaml.
    """
    home = find(directory)
    path = home / "params.yaml"
    data = read_yaml(path)
    if not isinstance(data, Mapping):
        raise ParamsError(f"{path}:1: a map of sections is expected")
    values = _plain_yaml(data)
    for dotted, value in leaves(values, "").items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ParamsError(f"{path}: '{dotted[1:]}' is not a finite number")
    try:
        root = Root.model_validate(values)
    except ValidationError as error:
        raise ParamsError(_complaint(path, data, error)) from None
    _references(path, data, root)
    return Settings(home, root)
