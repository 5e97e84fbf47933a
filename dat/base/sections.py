"""The sections of params.yaml: what each holds, of which type, within which bounds."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Number = Annotated[int, Field(ge=1)]
Vgg = Literal["vgg11", "vgg13", "vgg16", "vgg19"]
Decay = Literal["none", "cosine"]
Input = Literal["target", "language"]
Similarity = Literal["distance", "euclidean", "dot", "cosine"]
Adjacency = Literal["g", "w", "binary", "threshold"]
Classification = Literal["softmax", "sigmoid"]
Triplets = Literal["all", "hardest", "sum"]
Init = Literal["orthogonal", "normal", "mdnet", "default"]
Last = Literal["normal", "default"]
"""How the layer of two outputs starts: N(0, .01) without bias (MDNet's of 2019), or as torch does (2017) [R31]."""


LAYOUTS = Path(__file__).resolve().parents[1] / "datasets" / "layouts"


def layout_names() -> list[str]:
    """The names of the layouts in which data sets may lie: a module each in `dat/datasets/layouts`."""
    return sorted(path.stem for path in LAYOUTS.glob("[!_]*.py"))


def _layout(name: str) -> str:
    if name not in (names := layout_names()):
        raise PydanticCustomError("layout", "No layout; there are {names}", {"names": ", ".join(names)})
    return name


class Section(BaseModel):
    """A section of params.yaml: exact types, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Synthetic(Section):
    """An embedded data set: its seed, how many videos of how many frames, and the frames' size in pixels."""

    seed: int
    videos: Number
    frames: Annotated[int, Field(ge=3)]  # a target that leaves the view goes, is away, and comes back
    width: Number
    height: Number


class Dataset(Section):
    """A data set's layout on disk, the path of its manifest, without the ending, and its table of sentences or none.

    Its manifest lists every frame, or (LaSOT, of which `subsample` reads every n-th) every `every`-th.
    """

    layout: Annotated[str, AfterValidator(_layout)]
    manifest: str
    sentences: str
    every: Number = 1


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


class NetworkSettings(Section):
    """SALNet's size, initialisation and starting weights; standardise is [R40]."""

    width: Positive
    fc4: Number
    standardise: bool
    init: Init
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
    decay: Decay
    dropout: Share
    held_out: Share


class Grounding(Section):
    """The training in which a sentence encoder learns to foretell what a picture encoder sees; `dropout` is the share
    of words that are made unknown."""

    steps: Number
    batch: Number
    rate: Positive
    dropout: Share


class EncoderSettings(Section):
    """The training that teaches an encoder of GPGNet to see: its pictures' `side` and the `smallest` that a patch is on
    one, in pixels; how many sentences have a word at `least` for it to count."""

    steps: Number
    batch: Number
    rate: Positive
    warm_up: Count
    side: Annotated[int, Field(ge=32)]  # four poolings leave two cells a side, the least that can be standardised
    smallest: Number
    least: Number
    sentence: Grounding


class Gpgnet(Section):
    """A version of GPGNet: the frames that it is trained from, beside which its masks and, if it reads sentences, the
    sentence encoder lie (`none` where it reads none, or is taken from a file), and which inputs it has [R18]."""

    from_: str = Field(alias="from")
    masks: str
    language: str
    inputs: list[Input]


class GpgnetTraining(Section):
    """GPGNet's training; over the first `warm_up` steps the rate rises to its value. `decoder_init` is how the decoder
    starts, as `network.init` says it of the rest.

    A training frame and its mask are moved around by up to `shift` of their sides, over the edge to the other side.
    """

    optimiser: Literal["adagrad", "adam"]
    rate: Positive
    warm_up: Count
    decay: Decay
    batch: Number
    epochs: Number
    held_out: Share
    shift: Share
    encoder: Vgg
    shared_encoder: bool
    decoder_init: Init
    freeze_language: bool
    patch_context: float
    short_sentences: Literal["pad", "repeat"]


class GraphSettings(Section):
    """Readings R3 to R7 of the graph."""

    similarity: Similarity
    adjacency: Adjacency
    self_loops: bool
    width: Number
    scope: Literal["batch", "frame"]


class Salnet(Section):
    """A SALNet: what it is trained from, its graph, and lambda of (7) (null: no triplet loss); `adjacency` where its
    reading [R4] is another than `graph.adjacency`."""

    group: str
    from_: str = Field(alias="from")
    nodes: Count
    layers: Count
    triplet: float | None
    adjacency: Adjacency | None = None


class SalnetTraining(Section):
    """SALNet's multi-domain training: the rates of convolutions, of fc4, fc5 and the graph, and of a domain's layer
    [R38]; the anchors' encoder is frozen or trained on [R12]; iterations, where not 0, end it before the cycles do, and
    lasot_domains, where not 0, is how many of LaSOT's videos are domains at most [R12]. `dropout` is before fc5 and a
    domain's layer, `dropout_fc4` before fc4, where MDNet's of 2017 has it too; `branch_init` starts domains' layers."""

    cycles: Number
    iterations: Count
    frames_per_batch: Number
    positives: Number
    negatives: Number
    optimiser: Literal["adam", "sgd"]
    rate: Positive
    fc_rate: Positive
    branch_rate: Positive
    decay: Decay
    dropout: Share
    dropout_fc4: Share
    branch_init: Last
    loss: Classification
    triplets: Triplets
    triplet_on: Literal["feature", "graph"]
    margin: float
    anchor: Literal["mean", "max", "rectified"]
    normalise: bool
    freeze_language: bool
    domains: Literal["paper", "same"]
    lasot_domains: Count
    held_out: Share


class Variant(Section):
    """What a tracker uses online: a SALNet by group and name (null: CSR-DCF, without weights of its own), and a version
    of GPGNet or none."""

    salnet: str | None
    attention: Literal["none", "to", "nl", "jtnl"]

    @property
    def reads_sentences(self) -> bool:
        """Whether its attention is told the sentence about a target, where there is one [R27]."""
        return self.attention in ("nl", "jtnl")


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


class BatchSettings(Section):
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


class AttentionSettings(Section):
    """From the attention map to regions [R20], and whose size candidates have there [R21]."""

    box: Literal["region", "target"]
    threshold: Share
    least: Share
    regions: Number


class RedetectionSettings(Section):
    """When a jump counts as a re-detection [R25], and the score that it must exceed, no less than `failure_score`.

    `follow`: always, or where the first frame's classifier agrees: to it, too, the local ones fail, these are better.
    """

    overlap: Share
    score: float
    follow: Literal["always", "agreed"]


class Tracking(Section):
    """Everything a tracker reads; `mdnet` is the generation whose sampler numbers hold [R31]."""

    mdnet: Literal["v1", "v2"]
    threads: Number
    features: Literal["crops", "shared"]
    candidates: Candidates
    first: FirstFrame
    update: Update
    batch: BatchSettings
    loss: Literal["mean", "sum"]
    momentum: Share
    weight_decay: float
    clip: Positive
    dropout: Share
    dropout_fc4: Share
    fc6_init: Last
    failure: Literal["softmax", "raw"]
    failure_score: float
    on_failure: Literal["hold", "keep"]
    box_regression: BoxRegression
    attention: AttentionSettings
    redetection: RedetectionSettings


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

    def file_of_colour_names(self, home: Path) -> Path | None:
        """The file of colour names below the profile's folder, or None for the approximation [R29]."""
        return None if self.colour_names == "none" else home / self.colour_names


class VotSettings(Section):
    """VOT's re-start protocol."""

    repetitions: Number


class Fanout(Section):
    """Units in a Snakemake job at most, and jobs at a time on this machine: on `cores`, or with native numerics on
    the GPUs of `devices` (all, cpu, or names with commas), `slots_per_gpu` on each (0: as its memory has room)."""

    batch: Number
    cores: Number
    devices: str
    slots_per_gpu: Count


class BenchmarkSettings(Section):
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
    numerics: Literal["portable", "native"]
    synthetic: dict[str, Synthetic]
    datasets: dict[str, Dataset]
    subsample: Subsample
    masks: Masks
    train: Train
    network: NetworkSettings
    language: Language
    encoder: dict[Vgg, EncoderSettings]
    gpgnet: dict[str, Gpgnet]
    gpgnet_training: GpgnetTraining
    graph: GraphSettings
    salnet: dict[str, Salnet]
    salnet_training: SalnetTraining
    variants: dict[str, Variant]
    seeds: list[int]
    tracking: Tracking
    csrdcf: Csrdcf
    vot: VotSettings
    fanout: Fanout
    benchmarks: dict[str, BenchmarkSettings]
    evaluation: Evaluation
