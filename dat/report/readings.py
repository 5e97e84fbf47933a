"""The readings R1 to R40 of the paper, each with the value in force in this run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dat.base.params import Settings, plain

MATTERS: tuple[tuple[str, str, str], ...] = (
    ("R1", "Polarity of the masks", "masks.target"),
    ("R2", "Units of fc4", "network.fc4"),
    ("R3", "Similarity S of (1)", "graph.similarity"),
    ("R4", "Adjacency in (3); a network may have another", "graph.adjacency salnet.*.adjacency"),
    ("R5", "The diagonal in (2)", "graph.self_loops"),
    ("R6", "What a graph's nodes are", "graph.scope salnet.*.nodes"),
    ("R7", "Width and number of graph layers", "graph.width salnet.*.layers"),
    ("R8", "Loss (4)", "salnet_training.loss"),
    ("R9", "The triplet's anchor", "salnet_training.anchor salnet_training.normalise"),
    ("R10", "Which triplets", "salnet_training.triplets"),
    ("R11", "Which feature meets the anchor", "salnet_training.triplet_on"),
    (
        "R12",
        "The triplet's encoder, frozen or not; domains of language variants",
        "salnet_training.freeze_language salnet_training.domains salnet_training.lasot_domains",
    ),
    ("R13", "Batch size 8: frames of one video", "salnet_training.frames_per_batch"),
    ("R14", "Input of the domain layers", "= feature and graph output in training, feature online"),
    ("R15", "VGG-Net to 12x16x512: through the fourth block and its pooling, mirrored back", "gpgnet_training.encoder"),
    ("R16", "One encoder for frame and patch", "gpgnet_training.shared_encoder"),
    ("R17", "Target patch: the first visible frame's box, context", "gpgnet_training.patch_context"),
    ("R18", "Inputs of GPGNet's versions", "gpgnet.*.inputs"),
    ("R19", "Table 4's .671 against table 5's .663 and .671", "= printed side by side, footnoted"),
    ("R20", "Attention regions", "tracking.attention"),
    ("R21", "Candidates, local and global", "tracking.candidates.local tracking.candidates.global"),
    ("R22", "Table 1 against table 4", "= different variants, footnoted"),
    ("R23", "Target only exceeds both in table 3", "= footnoted, the verdict computed"),
    ("R24", "Frames a second in table 2", "= as printed, footnoted; only EAO is compared"),
    ("R25", "A re-detection: overlap with the last box below, score above", "tracking.redetection"),
    ("R26", "The local sampler after a jump", "= around the new box, as after any success"),
    ("R27", "A video without a sentence", "= attention from the target alone, and said"),
    ("R28", "Masks of an absent target", "masks.absent"),
    ("R29", "CSR-DCF's colour names: a table's file, or none for 11 colours in CIE Lab", "csrdcf.colour_names"),
    ("R30", "Frames selected from LaSOT", "subsample.step subsample.split"),
    (
        "R31",
        "Which MDNet: the numbers of 2017 (v1) or of 2019 (v2), both with 2019's affine crop; dropout before fc4, how "
        "the layer of two outputs starts",
        "tracking.mdnet tracking.dropout_fc4 tracking.fc6_init salnet_training.dropout_fc4 salnet_training.branch_init",
    ),
    ("R32", "What counts as failure", "tracking.failure tracking.failure_score"),
    ("R33", "Border fill (grey, or with v2 128,0,0) and normalisation", "tracking.mdnet network.normalisation"),
    ("R34", "The winner: mean of the best, within one group", "tracking.candidates.winner tracking.candidates.best"),
    ("R35", "Ablations of nodes and layers: graph only; of lambda: both", "salnet.*.triplet"),
    ("R36", "Graphs in a batch of 128", "= floor(128 / N), each a quarter positive, the rest sits out"),
    ("R37", "The sentence network", "language.layers language.kernel language.channels"),
    (
        "R38",
        "Optimiser of SALNet; rates of convolutions, fully connected layers and a domain's layer",
        "salnet_training.optimiser salnet_training.rate salnet_training.fc_rate salnet_training.branch_rate "
        "salnet_training.cycles train.clip",
    ),
    ("R39", "SR of table 5", "= success, the mean over 21 thresholds"),
    (
        "R40",
        "Standardised features (before fc4, before GPGNet's decoder), initialisation, also of the decoder",
        "network.standardise network.init gpgnet_training.decoder_init",
    ),
)
"""Id, matter, and where the value in force is: params, or (after `= `) fixed words."""


@dataclass(frozen=True)
class Reading:
    """A reading: its id, what it is about, and the value in force."""

    mark: str
    matter: str
    value: str


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "+".join(map(str, value))
    return "none" if value is None else f"{value}"


def _dig(values: Any, names: list[str]) -> Any:
    for name in names:
        values = values[name]
    return values


def _in_force(settings: Settings, path: str) -> str:
    """The value at a dotted path; a star stands for every entry of a map, equal values told once."""
    section, *names = path.split(".")
    values = plain(settings.section(section, object))
    if names[0] != "*":
        return f"{path}: {_text(_dig(values, names))}"
    by_value: dict[str, list[str]] = {}
    for entry, inner in values.items():
        by_value.setdefault(_text(_dig(inner, names[1:])), []).append(entry)
    words = "; ".join(f"{value} ({', '.join(entries)})" for value, entries in by_value.items())
    return f"{path}: {words}"


def in_force(settings: Settings) -> list[Reading]:
    """All readings with their value in force."""
    rows = []
    for mark, matter, where in MATTERS:
        value = where[2:] if where.startswith("= ") else "\n".join(_in_force(settings, path) for path in where.split())
        rows.append(Reading(mark, matter, value))
    return rows
