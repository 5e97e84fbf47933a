"""Stage `encoder@KIND`: the attention networks' encoders, where no VGG-16 of ImageNet is at hand.

That of pictures is taught which words of a video's sentence fit a picture of the target: a part of a selected frame, or
the video's patch laid at some size on another frame. That of sentences, as the language stage left it, is then taught
to foretell what the other sees. Videos that any attention network holds out are left out here too.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from dat import records
from dat.base import params, sections
from dat.base.errors import InputError
from dat.base.sections import Language, NetworkSettings, Train
from dat.models import weights
from dat.models.arithmetic import Linear
from dat.models.gpgnet import Encoder, standardised
from dat.models.layers import initialise, scaled
from dat.models.optimisers import Adam
from dat.models.vocabulary import Vocabulary
from dat.training import distributed, grounding, losses, runner
from dat.training.attention_data import AttentionData, dark
from dat.training.checkpoints import Checkpoints
from dat.training.gpgnet import SENTENCE, split_videos
from dat.training.runner import Clock, Row

Pixels = NDArray[np.uint8]
COMMON = 0.5
"""Words of more than this share of the sentences tell nothing ("the")."""


class Tagger(nn.Module):
    """(B,3,side,side) in 0..255 -> (B,words) scores: the encoder, each channel's largest value, one linear layer."""

    def __init__(self, encoder: Encoder, channels: int, words: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = Linear(channels, words)

    def forward(self, pictures: Tensor) -> Tensor:
        out: Tensor = self.head(standardised(self.encoder(pictures), (2, 3)).amax((2, 3)))
        return out


def tagged(sentences: list[str], vocabulary: Vocabulary, least: int) -> tuple[NDArray[np.float32], list[int]]:
    """Which words each sentence has, (S,words) of 0 and 1, and which words: those that `least` sentences have, and
    no more than half. Raises InputError when no word is left.
    """
    has = np.zeros((len(sentences), len(vocabulary)), np.float32)
    for row, sentence in zip(has, sentences, strict=True):
        tokens = vocabulary.tokens(sentence).numpy()
        row[tokens[tokens > 1]] = 1  # neither padding nor unknown
    count = has.sum(0)
    words = np.flatnonzero((count >= least) & (count <= COMMON * len(sentences)))
    if len(words) == 0:
        raise InputError(f"encoder: no word is in {least} sentences or more; lower encoder.*.least")
    return has[:, words], words.tolist()


def window(rng: np.random.Generator, frame: Pixels, mask: NDArray[np.bool_], side: int) -> Pixels:
    """A part (side,side,3) of a frame (H,W,3) that has the middle of the target's mask (H,W) in it."""
    corner = []
    for axis, size in enumerate(mask.shape):
        seen = np.flatnonzero(mask.any(1 - axis))
        middle = int(seen[0] + seen[-1]) // 2
        corner.append(int(rng.integers(max(0, middle - side + 1), min(middle, size - side) + 1)))
    y, x = corner
    return frame[y : y + side, x : x + side]


def pasted(rng: np.random.Generator, patch: Pixels, frame: Pixels, side: int, smallest: int) -> Pixels:
    """A part (side,side,3) of a frame, on it a patch at `smallest` to `side` pixels, its aspect changed by a tenth."""
    h, w, _ = frame.shape
    y, x = int(rng.integers(h - side + 1)), int(rng.integers(w - side + 1))
    cut = frame[y : y + side, x : x + side].copy()
    size, aspect = np.exp(rng.uniform(np.log(smallest), np.log(side))), np.exp(rng.uniform(-0.1, 0.1))
    tall, wide = (int(np.clip(value, smallest, side)) for value in (size * aspect, size / aspect))
    y, x = int(rng.integers(side - tall + 1)), int(rng.integers(side - wide + 1))
    cut[y : y + tall, x : x + wide] = cv2.resize(patch, (wide, tall), interpolation=cv2.INTER_AREA)
    return cut


@dataclass(frozen=True)
class PictureBatch:
    """Samples (B,), their pictures and words, the latter (B,words), of this process only the pictures it computes."""

    samples: NDArray[np.int64]
    pictures: Tensor
    words: Tensor


class EncoderTask:
    """Binary cross-entropy of words over drawn pictures, Adam, the rate falling to 0."""

    lower = "encoder.*.batch"

    def __init__(
        self,
        data: AttentionData,
        vocabulary: Vocabulary,
        held_out: set[str],
        settings: sections.EncoderSettings,
        kind: str,
        network: NetworkSettings,
        seed: int,
        device: str = "cpu",
    ) -> None:
        self.data, self.settings, self.seed, self.device = data, settings, seed, device
        height, width = data.frame_pixels(data.usable[0]).shape[:2]
        if not settings.smallest <= settings.side <= min(height, width):
            raise InputError(
                f"encoder.{kind}: side is {settings.side}, which must lie between smallest ({settings.smallest}) and "
                f"the frames' {min(height, width)} (subsample.height and width)"
            )
        inside = [i for i in data.usable if data.sentence(i).strip() and data.mask_pixels(i).max() > 127]
        inside = [i for i in inside if not dark(data.frame_pixels(i))]
        self.rows = np.array([i for i in inside if data.sequence(i) not in held_out])
        self.held_out = np.array([i for i in inside if data.sequence(i) in held_out])
        if len(self.rows) == 0:
            raise InputError("encoder: no frame shows a target with a sentence in a video that is not held out")
        videos = {data.sequence(i): data.sentence(i) for i in inside}
        tags, self.words = tagged(list(videos.values()), vocabulary, settings.least)
        self.tags = dict(zip(videos, tags, strict=True))
        self.without_patch = {data.sequence(i) for i in inside if dark(data.patch_pixels(i))}
        source = runner.generator(seed, 0)
        module = Tagger(Encoder(network.width, kind), scaled(512, network.width), len(self.words))
        initialise(module, network.init, source)
        self.module = module.to(device)
        self.optimiser = Adam(self.module.parameters(), lr=settings.rate)
        self.every = -(-settings.steps // 10)
        self.steps = settings.steps

    def batch(self, step: int) -> PictureBatch:
        rng = np.random.default_rng([self.seed, 5, step])
        samples = rng.choice(self.rows, self.settings.batch)
        return self._drawn(rng, samples, distributed.computed(len(samples)))

    def _drawn(self, rng: np.random.Generator, samples: NDArray[np.int64], rows: slice) -> PictureBatch:
        """The pictures `own` of these samples: all are drawn, so that each is the same in any number of processes."""
        pictures = np.stack([self._picture(rng, int(i)) for i in samples])[rows]
        words = np.stack([self.tags[self.data.sequence(int(i))] for i in samples])
        return PictureBatch(
            samples,
            torch.from_numpy(pictures).to(self.device).permute(0, 3, 1, 2).float(),
            torch.from_numpy(words).to(self.device),
        )

    def _picture(self, rng: np.random.Generator, i: int) -> Pixels:
        """As often a window of the frame as the patch, if it is not dark, on another; every second one mirrored."""
        side = self.settings.side
        if rng.random() < 0.5 or self.data.sequence(i) in self.without_patch:
            cut = window(rng, self.data.frame_pixels(i), self.data.mask_pixels(i)[:, :, 0] > 127, side)
        else:
            other = self.data.frame_pixels(int(rng.choice(self.rows)))
            cut = pasted(rng, self.data.patch_pixels(i), other, side, self.settings.smallest)
        return cut[:, ::-1] if rng.random() < 0.5 else cut

    def loss(self, batch: PictureBatch) -> dict[str, Tensor]:
        scores = losses.as_float32(distributed.gather(self.module(batch.pictures), len(batch.samples)))
        return {"loss": F.binary_cross_entropy_with_logits(scores, batch.words, reduction="sum") / len(batch.samples)}

    def rate(self, step: int) -> float:
        return min(1.0, (step + 1) / max(1, self.settings.warm_up)) * runner.decayed(step, self.steps, "cosine")

    def samples(self, batch: PictureBatch) -> list[str]:
        return [self.data.name(int(i)) for i in batch.samples]

    def validate(self) -> Row:
        """Of a held-out picture's n words, the share that is among the n of the highest scores."""
        if len(self.held_out) == 0:
            return {}
        batch = self._drawn(np.random.default_rng([self.seed, 8]), self.held_out, slice(None))
        order = self.module(batch.pictures).argsort(dim=1, descending=True, stable=True).cpu()
        right = batch.words.cpu().gather(1, order)  # 1 where the word of that rank is one
        count = batch.words.cpu().sum(1)
        among = torch.arange(right.shape[1]) < count[:, None]
        return {"held_out_words": float(((right * among).sum(1) / count.clamp_min(1))[count > 0].double().mean())}


def held_out_videos(folder: Path, settings: params.Settings) -> set[str]:
    """The videos that the attention networks hold out, each by the frames that it can use."""
    share, seed = settings.section("gpgnet_training.held_out", float), settings.section("train", Train).seed
    names: set[str] = set()
    for version in settings.section("gpgnet", dict).values():
        videos = AttentionData(folder, list(version.inputs), None).videos
        names |= split_videos(videos, share, seed)[1]
    return names


def run(job: records.Job) -> None:
    """Write weights of both encoders, metrics and curves."""
    folder, out, settings = job.inputs["frames"].parent, job.outputs["weights"], job.settings
    shared = settings.section("train", Train)
    settings_of = settings.section(f"encoder.{job.key}", sections.EncoderSettings)
    language, network = settings.section("language", Language), settings.section("network", NetworkSettings)
    held_out = held_out_videos(folder, settings)
    checkpoints, clock = Checkpoints.of(job, __name__), Clock()
    with runner.exact(shared.threads, job.device):
        sentence, vocabulary = weights.load_sentence(job.inputs["language"], job.device)
        data = AttentionData(folder, ["target"], None)
        task = EncoderTask(data, vocabulary, held_out, settings_of, job.key, network, shared.seed, job.device)
        rows = runner.train(task, shared, checkpoints, f"encoder {job.key}", clock, out)
        module = sentence.train().requires_grad_(True)
        grounded = grounding.prepare(
            data, vocabulary, held_out, task.module.encoder, module, settings_of.sentence, shared.seed
        )
        apart = replace(checkpoints, folder=checkpoints.folder / SENTENCE)
        last = runner.train(grounded, shared, apart, "sentence encoder", clock, out / SENTENCE)[-1]
    if not distributed.first():
        return
    weights.save(out, task.module.encoder, {"kind": "encoder", "encoder": job.key, "width": network.width})
    weights.save(
        out / SENTENCE, nn.ModuleDict({SENTENCE: module}), {"kind": "language", "language": params.plain(language)}
    )
    vocabulary.save(out / SENTENCE / "vocabulary.json")
    facts = {"pictures": len(task.rows), "words": len(task.words)}
    figures = {k: v for k, v in rows[-1].items() if k != "step"} | {
        k: v for k, v in last.items() if k.startswith("held")
    }
    records.write_json(out / "metrics.json", facts | figures)
    checkpoints.clear()
    if job.timing:
        runner.write_timing(job, "encoder", clock)
