"""Drawings of frames, masks, boxes, maps, overlap over time and trainings: figures 4 to 6 and 11, and further.

They have no points in `reports/tables`: what they show are inputs of the stage. The same inputs give the same bytes.
"""

import struct
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dat.base import naming
from dat.base.errors import DatError, MissingError
from dat.base.outside import matching, read_text
from dat.base.params import Settings
from dat.base.sections import Subsample
from dat.benchmarks import catalogue, words
from dat.datasets import images, manifest
from dat.datasets.shards import Shards
from dat.evaluation import statistics
from dat.evaluation.text import read_boxes
from dat.records import read_json
from dat.regions import boxes
from dat.report.drawing import COLOURS, saved, styled
from dat.report.footnotes import GRAPHS
from dat.report.metrics import Scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

Boxes = npt.NDArray[np.float64]

BENCHMARK = "otb100"
"""The benchmark whose sequences figure 11 and the overlap over time are of."""
TRACKERS = {"dat-jtnl": "#ff7f2a", "salnet": "#f0e442", "pymdnet": "#56b4e9"}
"""Whose boxes figure 11 shows, and their colours on frames."""
WIDTHS = {"dat-jtnl": 2.8, "salnet": 1.9, "pymdnet": 1.1}
"""Of lines on frames: the later ones are the thinner, so that boxes in one place all show."""
DASHES: dict[str, Any] = {"dat-jtnl": "-", "salnet": ":", "pymdnet": "--"}
CURVES = {"dat-jtnl": COLOURS[1], "salnet": COLOURS[4], "pymdnet": COLOURS[2]}
COLUMNS = 5
"""Frames of a sequence, or pictures of a row."""


@dataclass(frozen=True)
class Picture:
    """A drawing: `name` is 4, 11 or a word, `caption` what it shows; without bytes `caption` is what this run lacks."""

    name: str
    title: str
    caption: str
    svg: bytes = b""
    png: bytes = b""

    @property
    def label(self) -> str:
        """What the drawing is called: those of the paper by number."""
        if not self.name[0].isdigit():
            return "Beyond the paper"
        return f"Figure{'s' if '-' in self.name else ''} {self.name.replace('-', ' and ')}"

    @property
    def early(self) -> bool:
        """Whether the paper has it before figures 7 to 10."""
        return self.name[0] in "456"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the PNG in pixels."""
        width, height = struct.unpack(">II", self.png[16:24])
        return width, height


@dataclass(frozen=True)
class PictureInputs:
    """What pictures are drawn from: the stage's inputs by role, and its scores."""

    inputs: Mapping[str, Path]
    settings: Settings
    scores: Mapping[str, Scores]


Draw = Callable[[PictureInputs], tuple["Drawing", str]]


def _grid(rows: int, columns: int, height: float, width: float = 9.2) -> tuple["Drawing", Any]:
    """A drawing with axes (rows, columns), `height` inches a row."""
    from matplotlib.figure import Figure as Drawing
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    made = Drawing(figsize=(width, height * rows + 0.35), layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.03))
    return made, made.subplots(rows, columns, squeeze=False)


def _show(axes: "Axes", picture: npt.NDArray[Any], **look: Any) -> None:
    """A picture without ticks and grid, in the middle of its axes."""
    axes.imshow(picture, interpolation="bilinear", **look)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for side in axes.spines.values():
        side.set_visible(False)


def _box(axes: "Axes", box: npt.ArrayLike, colour: str, width: float, dash: str = "-") -> None:
    """The outline of a box x,y,w,h in pixels, origin 0; a wide one on a dark ground that parts it from the frame."""
    from matplotlib.patches import Rectangle

    x, y, w, h = (float(value) for value in np.asarray(box))
    if not np.isfinite([x, y, w, h]).all():
        return
    grounds = [(width + 1.4, "#000000", "-")] if width > 1.5 and dash == "-" else []
    for line, colour_of, dash_of in (*grounds, (width, colour, dash)):
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), w, h, fill=False, edgecolor=colour_of, lw=line, ls=dash_of))


def _words(text: object, width: int = 26, lines: int = 2) -> str:
    """A data set's words on a few short lines."""
    return "\n".join(textwrap.wrap(naming.shown(text), width, max_lines=lines, placeholder=" …"))


# ---------------------------------------------------------------- figure 4


def figure_4(source: PictureInputs) -> tuple["Drawing", str]:
    """Frames of the attention network's training set, their masks, and each mask on its frame."""
    frames, masks = Shards(source.inputs["frames"]), Shards(source.inputs["masks"])
    seen = [i for i, row in enumerate(frames.rows) if row["absent"] == "0"]
    drawn = [seen[at] for at in np.linspace(0, len(seen) - 1, min(COLUMNS, len(seen))).astype(int)]
    if not drawn:
        raise MissingError("training/frames: no frame shows its target; run dat subsample")
    made, axes = _grid(3, len(drawn), 1.5)
    for column, i in enumerate(drawn):
        frame = images.decode_image(frames.read(i), frames.name(i))
        mask = images.decode_image(masks.read(i), masks.name(i))[:, :, 0]
        row = frames.rows[i]
        _show(axes[0, column], frame)
        _show(axes[1, column], mask, cmap="gray", vmin=0, vmax=255)
        _show(axes[2, column], _tinted(frame, mask))
        axes[0, column].set_title(f"{naming.shown(row['sequence'])[:24]}, frame {row['frame']}", fontsize=8)
        axes[2, column].set_xlabel(_words(row["sentence"] or "no sentence"), fontsize=7.5)
    for row_of, word in zip(axes, ("frame", "mask", "both"), strict=True):
        row_of[0].set_ylabel(word)
    count = len({row["sequence"] for row in frames.rows})
    return made, f"{len(drawn)} of the {len(frames)} training frames (of {count} videos), evenly over the index."


def _tinted(frame: images.Image, mask: npt.NDArray[np.uint8]) -> images.Image:
    """The frame in half light but where the mask is white; whole numbers only."""
    lit = (mask > 127)[:, :, None]
    return np.where(lit, frame, frame // 3).astype(np.uint8)


# ---------------------------------------------------------------- figures 5 and 6

VERSIONS = {"to": "target only", "nl": "language only", "jtnl": "target and language"}
"""GPGNet's in words."""


def figures_5_and_6(source: PictureInputs) -> tuple["Drawing", str]:
    """Held-out frames, their targets, and the attention maps from the target's picture, the sentence, and both."""
    samples = {name: _samples(source, name) for name in VERSIONS}
    common = [row for row in samples["jtnl"] if all(row in of for of in samples.values())]
    if not common:
        raise MissingError("weights/gpgnet: its versions have no held-out frame in common; train them on the same data")
    made, axes = _grid(len(common), 2 + len(VERSIONS), 1.4)
    misses = dict.fromkeys(VERSIONS, 0)
    for row_of, key in zip(axes, common, strict=True):
        frame, patch, mask, _ = samples["jtnl"][key]
        _show(row_of[0], frame)
        _show(row_of[1], patch)
        for one, name in zip(row_of[2:], VERSIONS, strict=True):
            attention = samples[name][key][-1][:, :, 0]
            _show(one, attention, cmap="magma", vmin=0, vmax=max(1, int(attention.max())))
            missed = not mask[attention == attention.max()].any()
            misses[name] += int(missed)
            one.set_xlabel(f"highest {attention.max() / 255:.2f}{', off the target' if missed else ''}", fontsize=7)
        for one in (row_of[0], *row_of[2:]):
            _box(one, _bounds(mask), "#ffffff", 1.2, "--")
        row_of[0].set_xlabel(_words(key[2] or "no sentence", 28), fontsize=7)
    for one, title in zip(
        axes[0], ("frame", "target", *(f"map, {words_of}" for words_of in VERSIONS.values())), strict=True
    ):
        one.set_title(title, fontsize=7.5)
    caption = (
        "held-out videos' frames, evenly over them; dashed: the target. Each map is as bright as its own highest value."
    )
    off = ", ".join(f"{VERSIONS[name]} {count}" for name, count in misses.items())
    fail = f"Of these {len(common)} frames a map is highest off the target in: {off}."
    return made, f"The paper draws its own frames; these are {caption} {fail}"


def maps_that_fail(source: PictureInputs) -> tuple["Drawing", str]:
    """Of all held-out frames those whose maps are worst, a version a pair of rows: the frame, and its map."""
    facts = {name: _facts(source, name, "worst") for name in VERSIONS}
    read = {name: _samples(source, name, "worst", facts[name]["rows"]) for name in VERSIONS}
    made, axes = _grid(2 * len(VERSIONS), max(len(of) for of in read.values()), 1.32)
    for one in axes.flat:
        one.set_axis_off()
    for (name, samples), pair in zip(read.items(), axes.reshape(len(VERSIONS), 2, -1), strict=True):
        for row, (frame, _, mask, attention), above, below in zip(
            facts[name]["rows"], samples.values(), *pair, strict=False
        ):
            for one, shown in ((above, frame), (below, attention[:, :, 0])):
                one.set_axis_on()
                _show(one, shown, cmap="magma", vmin=0, vmax=max(1, int(shown.max())))
                _box(one, _bounds(mask), "#ffffff", 1.2, "--")
            above.set_xlabel(_words(row["sentence"] or "no sentence", 28), fontsize=7)
            below.set_xlabel(f"average precision {row['average_precision']:.3f}", fontsize=7)
        pair[0, 0].set_ylabel(VERSIONS[name].replace(" and ", "\nand "), fontsize=8)
        pair[1, 0].set_ylabel("its map", fontsize=8)
    off = ", ".join(f"{VERSIONS[name]} {of['off_target']} of {of['frames']}" for name, of in facts.items())
    return made, (
        "The held-out frames whose maps have the lowest average precision, of a video its lowest alone; dashed: the "
        f"target. Of all held-out frames that show their target, a map is highest off it in: {off}."
    )


Sample = tuple[npt.NDArray[Any], ...]


def _facts(source: PictureInputs, version: str, name: str) -> Any:
    """What a version of GPGNet says of its sample maps, or of its worst."""
    path = source.inputs["weights"] / "gpgnet" / version / f"{name}.json"
    if not path.is_file():
        raise MissingError(f"weights/gpgnet/{version}/{name}.json is not there; run dvc repro gpgnet@{version}")
    return read_json(path)


def _samples(
    source: PictureInputs, version: str, name: str = "samples", rows: Any = None
) -> dict[tuple[str, str, str], Sample]:
    """Maps of a version of GPGNet: frame, patch (black without one), where the target is (H,W), and map; (H,W,3) but
    for that; by video, frame and sentence."""
    rows = rows or _facts(source, version, name)
    picture = images.read_image(source.inputs["weights"] / "gpgnet" / version / f"{name}.png")
    size = source.settings.section("subsample", Subsample)
    strips = picture.reshape(len(rows), size.height, -1, size.width, 3).swapaxes(1, 2)
    samples: dict[tuple[str, str, str], Sample] = {}
    white = source.settings.section("masks.target", int)
    for row, (frame, *others) in zip(rows, strips, strict=True):
        patch = others[0] if len(others) == 3 else np.zeros_like(frame)
        mask = (others[-2][:, :, 0] > 127) == white
        samples[row["sequence"], row["frame"], row["sentence"]] = (frame, patch, mask, others[-1])
    return samples


def _bounds(mask: npt.NDArray[np.bool_]) -> Boxes:
    """The box x,y,w,h round what is true in a mask (H,W), origin 0; NaN where nothing is."""
    if not mask.any():
        return np.full(4, np.nan)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1], np.float64)


# ---------------------------------------------------------------- figure 11 and overlap over time


@dataclass(frozen=True)
class Track:
    """A tracker's boxes (N,4) on a sequence, x,y,w,h in pixels, origin 0, and the frames (from 0) of re-detections."""

    variant: str
    boxes: Boxes
    redetections: tuple[int, ...]


def largest_differences(scores: Scores | None, count: int = 3) -> list[str]:
    """The sequences on which method and baseline differ most: those where the method gains most, last where it loses
    most. Raises MissingError when one of them was not scored."""
    both = [_by_sequence(scores, name) if scores else {} for name in ("dat-jtnl", "pymdnet")]
    common = sorted(set(both[0]) & set(both[1]))
    if not common:
        raise MissingError(f"{BENCHMARK} has not both pymdnet and dat-jtnl; run dvc repro evaluate@{BENCHMARK}")
    ordered = sorted(common, key=lambda name: both[1][name] - both[0][name])
    return list(dict.fromkeys([*ordered[: count - 1], ordered[-1]]))


def _by_sequence(scores: Scores, variant: str) -> dict[str, float]:
    """Success of each sequence, the mean over seeds."""
    runs = [run.get("sequences", {}) for run in scores.runs(variant)]
    return {name: sum(run[name]["success"] for run in runs) / len(runs) for name in runs[0]} if runs else {}


def _tracks(source: PictureInputs, sequence: manifest.Sequence) -> list[Track]:
    """The stored boxes of the shown trackers, of each its first seed."""
    origin, tracks = catalogue.find(BENCHMARK).origin, []
    scores = source.scores[BENCHMARK]
    for variant in (name for name in TRACKERS if name in scores.variants):
        seed = min(
            int(name.partition("@seed-")[2]) for name in scores.data["trackers"] if name.startswith(f"{variant}@")
        )
        place = source.inputs["results"] / BENCHMARK / f"{variant}@seed-{seed}"
        label = f"tracker {place.name}, sequence {sequence.name}"
        rows = read_boxes(place / f"{sequence.name}.txt", len(sequence.files), label)
        facts = read_json(place / f"{sequence.name}.json").get("facts", {})
        tracks.append(Track(variant, rows - [origin, origin, 0, 0], tuple(facts.get("redetections", ()))))
    return tracks


def _sequences(source: PictureInputs) -> dict[str, manifest.Sequence]:
    """The sequences that figure 11 and the overlap over time show, in their order."""
    chosen = largest_differences(source.scores.get(BENCHMARK))
    data = source.settings.section(f"benchmarks.{BENCHMARK}.data", str)
    sequences = manifest.read(source.inputs["manifests"] / f"{data}.jsonl").sequences
    return {name: sequences[name] for name in chosen}


def figure_11(source: PictureInputs) -> tuple["Drawing", str]:
    """Frames of sequences with the boxes of several trackers and the truth."""
    chosen = _sequences(source)
    made, axes = _grid(len(chosen), COLUMNS, 1.62)
    shown: dict[str, str] = {}
    for row_of, (name, sequence) in zip(axes, chosen.items(), strict=True):
        tracks = _tracks(source, sequence)
        shown |= {track.variant: TRACKERS[track.variant] for track in tracks}
        for at, one in zip(np.linspace(0, len(sequence.files) - 1, COLUMNS).astype(int), row_of, strict=True):
            _show(one, images.read_image(sequence.frames[at], sequence.files[at][2]))
            _box(one, sequence.boxes[at], "#ffffff", 1.6)
            for track in tracks:
                if at < len(track.boxes):
                    _box(one, track.boxes[at], TRACKERS[track.variant], WIDTHS[track.variant], DASHES[track.variant])
            one.set_title(f"frame {at + 1}", fontsize=8)
            height, width = sequence.size[1], sequence.size[0]
            one.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        row_of[0].set_ylabel(_words(name, 18), fontsize=8.5)
        row_of[COLUMNS // 2].set_xlabel(_words(sequence.sentence or "no sentence", 60, 1), fontsize=8)
    _legend(made, {"truth": ("#ffffff", "-"), **{words.named(n): (c, DASHES[n]) for n, c in shown.items()}})
    data = source.scores[BENCHMARK].data_set
    return made, f"{_ours(data)}: where the method gains most on the baseline, and in the last row where it loses most."


def _ours(data_set: str) -> str:
    return f"Sequences of {data_set}, first seed"


def _legend(made: "Drawing", entries: Mapping[str, tuple[str, Any]]) -> None:
    """A legend below the drawing, on grey, since boxes are drawn in light colours."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=colour, linestyle=dash, linewidth=2.2) for colour, dash in entries.values()]
    legend = made.legend(lines, list(entries), loc="outside lower center", ncols=len(lines), fontsize=8.5, frameon=True)
    legend.get_frame().set(facecolor="#4d5866", edgecolor="none")
    for text in legend.get_texts():
        text.set_color("white")


def overlap_over_time(source: PictureInputs) -> tuple["Drawing", str]:
    """Overlap with the truth frame by frame, and where a tracker jumped to what it took for its target."""
    import seaborn

    chosen = _sequences(source)
    made, axes = _grid(len(chosen), 1, 1.75)
    for (one,), (name, sequence) in zip(axes, chosen.items(), strict=True):
        frames = np.arange(1, len(sequence.boxes) + 1)
        unseen = sequence.absent | ~np.isfinite(sequence.boxes).all(1) | (sequence.boxes[:, 2:] <= 0).any(1)
        if unseen.any():
            look: Any = {"step": "mid", "color": "#e6e9ed", "linewidth": 0}
            one.fill_between(frames, 0, 1, where=unseen, label="no target in sight", **look)
        for track in _tracks(source, sequence):
            count = min(len(track.boxes), len(frames))
            overlaps = boxes.overlap(track.boxes[:count], sequence.boxes[:count])
            overlaps[unseen[:count]] = np.nan
            look = {"color": CURVES[track.variant], "linestyle": DASHES[track.variant], "linewidth": 1.7}
            one.plot(frames[:count], overlaps, label=words.named(track.variant), **look)
            again = [at for at in track.redetections if at < count]
            marks: Any = {"color": look["color"], "marker": "v", "markersize": 8, "linestyle": "none", "clip_on": False}
            one.plot([at + 1 for at in again], [1.0] * len(again), label="re-detection", **marks) if again else None
        one.set(ylim=(0, 1.02), xlim=(1, len(frames)), ylabel="Overlap")
        one.set_title(_words(name, 60, 1), fontsize=9)
    axes[-1, 0].set_xlabel("Frame")
    seaborn.despine(fig=made)
    entries = {label: line for (one,) in axes for line, label in zip(*one.get_legend_handles_labels(), strict=True)}
    made.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=len(entries), fontsize=8.5)
    caption = "as in figure 11. A re-detection [R25] may land on the target or elsewhere."
    return made, f"{_ours(source.scores[BENCHMARK].data_set)}, {caption}"


# ---------------------------------------------------------------- attributes

LEAST = 10
"""Of fewer sequences that carry an attribute a mean says nothing: its interval is nearly all that it can be."""


def attributes(source: PictureInputs) -> tuple["Drawing", str]:
    """Success of the shown trackers on the sequences that carry an attribute, with 95 % intervals over those."""
    scores = source.scores.get(BENCHMARK)
    values = {name: _by_sequence(scores, name) for name in TRACKERS if scores and scores.runs(name)}
    if scores is None or not values:
        raise MissingError(f"{BENCHMARK} has none of {', '.join(TRACKERS)}; run dvc repro evaluate@{BENCHMARK}")
    carried = _carried(source, set.intersection(*map(set, values.values())))
    drawn = {name: of for name, of in carried.items() if len(of) >= LEAST}
    if not drawn:
        most = max(map(len, carried.values()), default=0)
        raise MissingError(
            f"no attribute is carried by {LEAST} sequences of {scores.data_set} (at most by {most}): too few to tell"
        )
    made, axes = _grid(1, 1, 1.2 + 0.3 * len(drawn))
    one, step, bootstrap = axes[0, 0], 0.8 / len(values), source.settings.root.evaluation
    for index, (tracker, by_name) in enumerate(values.items()):
        table = [np.array([[by_name[name]] for name in of]) for of in drawn.values()]
        ends = [statistics.mean_intervals(column, bootstrap.resamples, bootstrap.seed)[0] for column in table]
        rows = np.arange(len(drawn)) + (index - (len(values) - 1) / 2) * step
        one.hlines(rows, *zip(*ends, strict=True), color=CURVES[tracker], linewidth=2, alpha=0.5)
        means = [column.mean() for column in table]
        one.plot(means, rows, "o", color=CURVES[tracker], markersize=5, label=words.named(tracker))
    one.set_yticks(range(len(drawn)), [f"{naming.shown(name)[:24]}, n = {len(of)}" for name, of in drawn.items()])
    one.set(xlim=(0, 1), xlabel="Success", ylim=(len(drawn) - 0.5, -0.5))
    made.legend(loc="outside lower center", ncols=len(values), fontsize=8.5)
    few = sorted(naming.shown(name) for name in carried.keys() - drawn.keys())
    left = f" Left out, on fewer than {LEAST}: {', '.join(few)}." if few else ""
    return made, f"{scores.data_set}, means over seeds; lines: 95 % over the sequences that carry the attribute.{left}"


def _carried(source: PictureInputs, scored: set[str]) -> dict[str, list[str]]:
    """Of each attribute the scored sequences that carry it, in the order of the names."""
    data = source.settings.section(f"benchmarks.{BENCHMARK}.data", str)
    carried: dict[str, list[str]] = {}
    for name, sequence in sorted(manifest.read(source.inputs["manifests"] / f"{data}.jsonl").sequences.items()):
        for attribute in sequence.attributes if name in scored else ():
            carried.setdefault(attribute, []).append(name)
    return dict(sorted(carried.items()))


# ---------------------------------------------------------------- trainings

TRAININGS = (
    ("Sentence encoder", "language", "", "held_out_accuracy", "held-out accuracy"),
    ("GPGNet", "weights", "gpgnet/*", "held_out_bce", "held-out cross-entropy"),
    ("SALNet", "weights", "salnet/*/*", "loss", "training loss"),
)
"""What training curves are drawn: the title, the input, the folders in it, the metric, and it in words."""


def training_curves(source: PictureInputs) -> tuple["Drawing", str]:
    """The curves of every training, as `dvc plots` has them."""
    import seaborn

    made, axes = _grid(1, len(TRAININGS), 3.6)
    drawn = 0
    for one, (title, role, pattern, metric, caption) in zip(axes[0], TRAININGS, strict=True):
        top = source.inputs[role]
        folders = sorted(matching(top, pattern), key=lambda path: path.name) if pattern else [top]
        curves = {path: read_curve(path / f"dvclive/plots/metrics/{metric}.tsv") for path in folders}
        for index, (path, (x, y)) in enumerate((path, xy) for path, xy in curves.items() if xy[0]):
            look: Any = {
                "color": COLOURS[index % len(COLOURS)],
                "linestyle": ("-", "--", ":")[index // len(COLOURS) % 3],
            }
            one.plot(x, y, label=VERSIONS.get(path.name, words.named(path.name)), marker=".", linewidth=1.5, **look)
            drawn += 1
        one.set(title=title, xlabel="Step", ylabel=caption.capitalize())
        one.set_ylim(bottom=0)
        if len(one.get_lines()) > 1:
            one.legend(loc="upper left", bbox_to_anchor=(0, -0.17), ncols=1 + (len(curves) > 4), fontsize=7.5)
    seaborn.despine(fig=made)
    if not drawn:
        raise MissingError("weights: no training of this run has a curve; run dvc repro")
    seed = source.settings.section("train.seed", int)
    return made, f"{drawn} trainings, one seed each (train.seed {seed}); one run has no interval."


def read_curve(path: Path) -> tuple[list[float], list[float]]:
    """Steps and values of a curve that DVCLive wrote; empty where the training has none (its weights were given)."""
    if not path.is_file():
        return [], []
    rows = [line.split("\t") for line in read_text(path).splitlines()[1:]]
    return [float(row[0]) for row in rows], [float(row[1]) for row in rows]


LEAST_SPREAD = 1e-6
"""The lower end of the axis; what is below is drawn there."""
ADJACENCIES = {"g": "equation (2)", "w": "equation (1)", "binary": "all alike", "threshold": "near nodes"}
"""The readings of the graph's adjacency [R4] as the legend has them."""


def spread_by_layer(source: PictureInputs) -> tuple["Drawing", str]:
    """How far apart a graph's nodes are behind each of its layers, under each reading, with a network's own weights."""
    import seaborn

    files = {name: source.inputs["weights"] / "salnet" / "parts" / name / "graph.json" for name in GRAPHS}
    found = {name: read_json(path) for name, path in files.items() if path.is_file()}
    if not found:
        raise MissingError(
            f"weights/salnet/parts/{GRAPHS[0]}/graph.json is not there; run dvc repro salnet@{GRAPHS[0]}"
        )
    made, axes = _grid(1, len(found), 3.2)
    said = []
    for one, (name, facts) in zip(axes[0], found.items(), strict=True):
        for index, kind in enumerate(kind for kind in ADJACENCIES if kind in facts["spread"]):
            own = kind == facts["adjacency"]
            drawn = [max(value, LEAST_SPREAD) for value in facts["spread"][kind]]
            look: Any = {"color": COLOURS[index], "linewidth": 2.4 if own else 1.2, "linestyle": "-" if own else "--"}
            one.plot(range(len(drawn)), drawn, label=ADJACENCIES[kind], marker=".", **look)
        values = facts["spread"][facts["adjacency"]]
        reading = ADJACENCIES[facts["adjacency"]]
        said.append(f"{words.named(name)}, trained under {reading}: {values[0]:.3g} before, {values[-1]:.2g} behind")
        one.set(title=words.named(name), xlabel="Graph layer (0: the features)", ylabel="Relative spread", yscale="log")
        one.set_ylim(LEAST_SPREAD, 2)
        one.yaxis.set_major_formatter("{x:g}")  # by itself a power in formulas, which are not drawn
        one.set_xticks(range(len(values)))
        one.legend(fontsize=7.5)
    seaborn.despine(fig=made)
    caption = "Distance of a graph's nodes from their mean, of their size; 0 is the same values in all nodes [R4]. "
    return made, f"{caption}{'; '.join(said)}. Thick is the reading that a network was trained under."


PICTURES: Mapping[str, tuple[str, Draw]] = {
    "4": ("Masks of the target, what the attention network learns to draw", figure_4),
    "5-6": ("Attention maps from the target, the sentence, and both", figures_5_and_6),
    "11": ("Trackers on frames", figure_11),
    "failing": ("Attention maps that fail", maps_that_fail),
    "overlap": ("Overlap over time, with re-detections", overlap_over_time),
    "attributes": ("Success by attribute", attributes),
    "training": ("Training curves", training_curves),
    "graph": ("What the graph's equations do: how far apart its nodes stay", spread_by_layer),
}
"""Every picture: its title, and what draws it and says what it shows."""


def build_all(source: PictureInputs) -> list[Picture]:
    """Every picture; one that cannot be drawn says what this run lacks for it."""
    drawn = []
    for name, (title, draw) in PICTURES.items():
        try:
            with styled():
                made, caption = draw(source)
                drawn.append(Picture(name, title, caption, *saved(made)))
        except (DatError, KeyError) as error:
            caption = str(error).replace(f"{source.settings.path}/", "")
            drawn.append(Picture(name, title, f"Not in this run: {naming.shown(caption)}"))
    return drawn
