"""Stage `gpgnet@VERSION`: the attention network, trained on the selected frames of LaSOT."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dat import records
from dat.base import params, public, used
from dat.base.errors import InputError
from dat.base.sections import Gpgnet, GpgnetTraining, Language, Masks, NetworkSettings, Subsample, Train
from dat.datasets.images import encode_png
from dat.models import weights
from dat.models.gpgnet import GPGNet
from dat.models.optimisers import OPTIMISERS
from dat.models.vocabulary import Vocabulary
from dat.training import adopted, distributed, losses, map_scores, runner
from dat.training.attention_data import AttentionData
from dat.training.checkpoints import Checkpoints
from dat.training.runner import Clock, Row

VOCABULARY = "vocabulary.json"
SENTENCE = "sentence"  # of an encoder's folder, the sentence encoder that goes with it
SAMPLES = 6  # rows of the picture of sample maps
WORST = 5  # rows of the picture of maps that fail


class GpgnetTask:
    """Batches of frames of the training videos; held-out videos are never trained on."""

    lower = "gpgnet_training.batch"

    def __init__(
        self,
        data: AttentionData,
        module: GPGNet,
        training: GpgnetTraining,
        seed: int,
        device: str = "cpu",
        target: int = 1,
    ) -> None:
        self.data, self.module, self.seed, self.size, self.device = data, module, seed, training.batch, device
        self.target = target
        training_videos, out = split_videos(data.videos, training.held_out, seed)
        self.rows = np.array([i for i in data.usable if data.sequence(i) in training_videos])
        self.held_out = np.array([i for i in data.usable if data.sequence(i) in out])
        if len(self.rows) == 0:
            raise InputError(f"gpgnet: no video is left to train on with gpgnet_training.held_out {training.held_out}")
        if training.freeze_language and module.sentence is not None:
            module.sentence.requires_grad_(False)
        trained = [p for p in module.parameters() if p.requires_grad]
        self.optimiser = OPTIMISERS[training.optimiser](trained, training.rate)
        self.warm_up, self.decay, self.shift = training.warm_up, training.decay, training.shift
        self.every = -(-len(self.rows) // self.size)  # an epoch
        self.steps = self.every * training.epochs

    def batch(self, step: int) -> tuple[NDArray[np.int64], dict[str, Tensor]]:
        epoch, place = divmod(step, self.every)
        order = np.random.default_rng([self.seed, 2, epoch]).permutation(self.rows)
        chosen = order[place * self.size : (place + 1) * self.size]
        rows = distributed.computed(len(chosen))
        batch = self.data.batch(chosen[rows], self.device)
        if self.shift:
            moves = shifts(
                np.random.default_rng([self.seed, 4, step]), len(chosen), self.shift, batch["mask"].shape[2:]
            )
            batch |= {name: rolled(batch[name], moves[rows]) for name in ("frame", "mask")}
        return chosen, batch

    def loss(self, batch: tuple[NDArray[np.int64], dict[str, Tensor]]) -> dict[str, Tensor]:
        predicted, masks = (
            distributed.gather(part, len(batch[0])) for part in (logits(self.module, batch[1]), batch[1]["mask"])
        )
        return {"loss": losses.attention(predicted, masks)}

    def rate(self, step: int) -> float:
        return min(1.0, (step + 1) / max(1, self.warm_up)) * runner.decayed(step, self.steps, self.decay)

    def samples(self, batch: tuple[NDArray[np.int64], dict[str, Tensor]]) -> list[str]:
        return [self.data.name(i) for i in batch[0]]

    def pieces(self, samples: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Samples in pieces of a batch at most."""
        return np.array_split(samples, -(-len(samples) // self.size)) if len(samples) else []

    def maps(self, samples: NDArray[np.int64]) -> NDArray[np.float64]:
        """(S,H,W) attention in 0..1 of these samples, high where the target is, whatever the masks' polarity [R1]."""
        predicted = []
        for piece in self.pieces(samples):
            predicted.append(logits(self.module, self.data.batch(piece, self.device)).sigmoid()[:, 0].double().cpu())
        maps = torch.cat(predicted).numpy()
        return maps if self.target else 1 - maps

    def validate(self) -> Row:
        """Figures of the held-out frames, a batch of maps at a time: all of LaSOT's would fill gigabytes."""
        figures: list[Row] = []
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            for piece in self.pieces(self.held_out):
                masks = [(self.data.mask_pixels(int(i))[:, :, 0] > 127) == self.target for i in piece]
                figures += pool.map(map_figures, self.maps(piece), masks)
        return mean_figures(figures)


def split_videos(videos: list[str], share: float, seed: int) -> tuple[set[str], set[str]]:
    """Training and held-out videos: at least one is held out when `share` is not 0, and never all."""
    count = 0 if share == 0 else min(max(1, round(share * len(videos))), len(videos) - 1)
    order = np.random.default_rng([seed, 3]).permutation(len(videos))
    out = {videos[i] for i in order[:count]}
    return set(videos) - out, out


def shifts(rng: np.random.Generator, count: int, share: float, size: Sequence[int]) -> NDArray[np.int64]:
    """Whole pixels (count,2), rows and columns, to move frames of `size` (H,W) by: up to `share` of it either way."""
    most = np.floor(share * np.array(size)).astype(np.int64)
    return rng.integers(-most, most + 1, (count, 2))


def rolled(pictures: Tensor, moves: NDArray[np.int64]) -> Tensor:
    """Pictures (B,C,H,W), each moved by its (2,) of `moves`; what leaves on one side comes in on the other."""
    result = torch.empty_like(pictures)
    for to, picture, move in zip(result, pictures, moves.tolist(), strict=True):
        to.copy_(picture.roll(move, (1, 2)))
    return result


def logits(module: GPGNet, batch: dict[str, Tensor]) -> Tensor:
    """(B,1,H,W) for a batch of `AttentionData`; a video's patch is encoded once."""
    patch = module.encode_patch(batch["patch"])[batch["patch_of"]] if "target" in module.inputs else None
    sentence = module.encode_sentence(batch["tokens"]) if "language" in module.inputs else None
    return module.attend(batch["frame"], patch, sentence)


def map_figures(map_: NDArray[np.float64], mask: NDArray[np.bool_]) -> Row:
    """Of a frame's map (H,W): the cross-entropy; and where the target is in sight, overlap, average precision, NSS."""
    p = np.clip(map_, 1e-7, 1 - 1e-7)
    row = {"held_out_bce": float(-np.where(mask, np.log(p), np.log1p(-p)).mean())}
    if mask.any():
        row |= {
            "held_out_iou": map_scores.overlap(map_, mask),
            "held_out_average_precision": map_scores.average_precision(map_, mask),
            "held_out_nss": map_scores.scanpath_saliency(map_, mask),
            "held_out_chance": map_scores.chance(mask),
        }
    return row


def mean_figures(figures: Sequence[Row]) -> Row:
    """Each figure's mean over the frames that have it."""
    names = dict.fromkeys(name for row in figures for name in row)
    return {name: float(np.mean([row[name] for row in figures if name in row])) for name in names}


def sampled(task: GpgnetTask) -> list[int]:
    """The samples of the picture for the report: evenly over the held-out ones, or over all where none is held out."""
    chosen = task.held_out if len(task.held_out) else task.rows
    return [int(chosen[at]) for at in np.linspace(0, len(chosen) - 1, min(SAMPLES, len(chosen))).astype(int)]


def picture(task: GpgnetTask, samples: Sequence[int]) -> NDArray[np.uint8]:
    """Sample maps for the report: a row a sample: frame, patch (if an input), mask, map."""
    rows = []
    for i, attention in zip(samples, task.maps(np.array(samples)), strict=True):
        grey = [task.data.mask_pixels(i), np.round(255 * attention[:, :, None]).astype(np.uint8)]
        seen = [task.data.frame_pixels(i)]
        if "target" in task.module.inputs:
            seen.append(task.data.patch_pixels(i))
        rows.append(np.concatenate([*seen, *(np.repeat(g, 3, axis=2) for g in grey)], axis=1))
    return np.concatenate(rows)


def write_samples(out: Path, task: GpgnetTask) -> None:
    """`samples.png`, and `samples.json` with the video, frame and sentence of each of its rows; where frames are held
    out, the same of the `worst` of them, and of how many the map is highest off the target."""
    samples = sampled(task)
    with torch.no_grad():
        records.write_bytes(out / "samples.png", encode_png(picture(task, samples)))
        records.write_json(out / "samples.json", _names(task, samples))
        seen, off, scores = _judged(task)
        if not seen:
            return
        chosen = worst(task, scores)
        records.write_bytes(out / "worst.png", encode_png(picture(task, chosen)))
    rows = [row | {"average_precision": scores[i]} for row, i in zip(_names(task, chosen), chosen, strict=True)]
    records.write_json(out / "worst.json", {"frames": seen, "off_target": off, "rows": rows})


def _names(task: GpgnetTask, samples: Sequence[int]) -> list[dict[str, Any]]:
    """What the rows of a picture of samples are."""
    return [{key: task.data.frames.rows[i][key] for key in ("sequence", "frame", "sentence")} for i in samples]


def _judged(task: GpgnetTask) -> tuple[int, int, dict[int, float]]:
    """How many held-out frames show their target, in how many of these the map is highest elsewhere, and the average
    precision of each one's map."""
    scores, off = {}, 0
    for piece in task.pieces(task.held_out):
        for i, one in zip(map(int, piece), task.maps(piece), strict=True):
            mask = (task.data.mask_pixels(i)[:, :, 0] > 127) == task.target
            if mask.any():
                scores[i] = map_scores.average_precision(one, mask)
                off += not mask[one == one.max()].any()
    return len(scores), off, scores


def worst(task: GpgnetTask, scores: Mapping[int, float]) -> list[int]:
    """The samples whose maps score lowest, of each video its lowest alone."""
    by_video: dict[str, int] = {}
    for i in sorted(scores, key=lambda i: (scores[i], i)):
        by_video.setdefault(task.data.sequence(i), i)
    return list(by_video.values())[:WORST]


def build(folder: Path, inputs: Sequence[str], settings: params.Settings) -> tuple[GPGNet, Vocabulary | None]:
    """A new network; with language, the sentence encoder starts as the language stage left it (SPEC 2).

    Where `network.vgg16` is a folder of the stage `encoder`, as that one left it.
    """
    network, language = settings.section("network", NetworkSettings), settings.section("language", Language)
    training, seed = settings.section("gpgnet_training", GpgnetTraining), settings.section("train", Train).seed
    vocabulary, encoder = None, None
    start = settings.path / network.vgg16
    start_of_sentences = start / SENTENCE if network.vgg16 != "none" and start.is_dir() else folder / "language"
    if "language" in inputs:
        encoder, vocabulary = weights.load_sentence(start_of_sentences)
    module = GPGNet(
        inputs,
        network,
        language,
        vocabulary=len(vocabulary) if vocabulary else 0,
        shared_encoder=training.shared_encoder,
        repeat=training.short_sentences == "repeat",
        generator=runner.generator(seed, 0),
        encoder=training.encoder,
        decoder_init=training.decoder_init,
    )
    if encoder is not None and module.sentence is not None:
        weights.assign(module.sentence, encoder.state_dict(), start_of_sentences)
    if network.vgg16 != "none":
        trained = weights.read_encoder(network.vgg16, training.encoder, settings.path)
        for target in filter(None, (module.encoder, module.patch_encoder)):
            weights.assign(target, trained, network.vgg16)
    return module, vocabulary


def metadata(key: str, inputs: Sequence[str], settings: params.Settings) -> dict[str, Any]:
    """What it takes to build the network again."""
    training, frame = settings.section("gpgnet_training", GpgnetTraining), settings.section("subsample", Subsample)
    return {
        "kind": "gpgnet",
        "height": frame.height,
        "width": frame.width,
        "patch_context": training.patch_context,
        "mask_target": settings.section("masks", Masks).target,
        "version": key,
        "inputs": inputs,
        "network": params.plain(settings.section("network", NetworkSettings)),
        "language": params.plain(settings.section("language", Language)),
        "encoder": training.encoder,
        "shared_encoder": training.shared_encoder,
        "repeat": training.short_sentences == "repeat",
        "seed": settings.section("train", Train).seed,
    }


def run(job: records.Job) -> None:
    """Write weights, vocabulary (with language), metrics, curves and samples of maps; or, where `from` names weights,
    take those. Raises InputError where `masks` or `language` is not what lies beside the frames."""
    out, settings = job.outputs["weights"], job.settings
    inputs = list(settings.section(f"gpgnet.{job.key}", Gpgnet).inputs)
    file = public.weights_of(job.inputs["frames"])
    if file is not None:
        adopt(job, inputs, file)
        return
    shared, training = (
        settings.section("train", Train),
        settings.section("gpgnet_training", GpgnetTraining),
    )
    clock, source = Clock(), _source(job, inputs)
    with runner.exact(shared.threads, job.device):
        module, vocabulary = build(source, inputs, settings)
        data = AttentionData(source, inputs, vocabulary)
        task = GpgnetTask(
            data,
            module.to(job.device),
            training,
            shared.seed,
            job.device,
            settings.section("masks", Masks).target,
        )
        facts = metadata(job.key, inputs, settings)
        checkpoints = Checkpoints.of(job, __name__)
        rows = runner.train(task, shared, checkpoints, f"gpgnet {job.key}", clock, out)
        if not distributed.first():
            return
        write_samples(out, task)
    weights.save(out, module, facts)
    if vocabulary is not None:
        vocabulary.save(out / VOCABULARY)
    if "vgg16" in job.inputs and job.inputs["vgg16"].is_file():
        adopted.write_source(out, job.inputs["vgg16"], settings.path)
    final = {name: value for name, value in rows[-1].items() if name != "step"}
    videos = {"videos": len(data.videos), "frames": len(data.usable), "held_out_frames": len(task.held_out)}
    records.write_json(out / "metrics.json", final | videos | {"steps": task.steps, "trained": 1})
    checkpoints.clear()
    if job.timing:
        runner.write_timing(job, "gpgnet", clock)


def _source(job: records.Job, inputs: Sequence[str]) -> Path:
    """The folder that frames, masks and, with language, the sentence encoder lie in, as DVC was told."""
    folder = job.inputs["frames"].parent
    for name in ("frames", "masks", *(["language"] if "language" in inputs else [])):
        if job.inputs.get(name) != folder / name:
            setting = f"gpgnet.{job.key}.{name.replace('frames', 'from')}"
            raise InputError(f"{setting}: {job.inputs.get(name, 'none')}, where {folder / name} is read; name that")
    return folder


def adopt(job: records.Job, inputs: Sequence[str], file: Path) -> None:
    """Take weights of ours for this version: a file, or a folder of weights with its vocabulary.

    Raises InputError where they are no safetensors, have other inputs than this version, or want a vocabulary that
    what `from` names has not.
    """
    source, out = job.inputs["frames"], job.outputs["weights"]
    adopted.say(file)
    if file.suffix != ".safetensors":
        raise InputError(f"{file}: a GPGNet is taken from weights of ours alone; name a .safetensors or its folder")
    records.write_bytes(out / weights.FILE, used.read(file, weights.LARGEST))
    if source.is_dir() and (source / VOCABULARY).is_file():
        records.write_bytes(out / VOCABULARY, used.read(source / VOCABULARY, weights.LARGEST))
    elif "language" in inputs:
        todo = f"let gpgnet.{job.key}.from name the folder that has both"
        raise InputError(f"{source}: a GPGNet that reads sentences needs its {VOCABULARY}; {todo}")
    module, _ = weights.load_gpgnet(out)
    if set(module.inputs) != set(inputs):
        has, wanted = "+".join(module.inputs), "+".join(inputs)
        raise InputError(f"{file}: a GPGNet with {has}, gpgnet.{job.key}.inputs are {wanted}; name another, or those")
    adopted.write_source(out, file, job.settings.path)
    records.write_json(out / "metrics.json", {"trained": 0})
