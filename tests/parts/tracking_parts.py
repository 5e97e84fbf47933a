"""What the tracker's tests share: tiny networks, settings that are quick, and a moving target on noise."""

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import torch

from dat.base import params
from dat.models import weights
from dat.models.gpgnet import GPGNet
from dat.models.salnet import SALNet
from dat.models.vocabulary import Vocabulary

ROOT = Path(__file__).resolve().parents[2]
NETWORK = {"width": 0.05, "fc4": 512, "standardise": True, "init": "orthogonal", "normalisation": "vgg-m"}
LANGUAGE = {"channels": 8, "kernel": 3, "layers": 1}


def salnet(seed=0):
    network = SALNet(SimpleNamespace(**NETWORK), generator=torch.Generator().manual_seed(seed))
    return network.eval().requires_grad_(False)


def settings(**changes):
    """The embedded profile's settings with small counts; `section__field=value` changes one."""
    own = params.load(ROOT).root.tracking
    small = {
        "candidates__local": 48,
        "candidates__global_": 16,
        "first__positives": 30,
        "first__negatives": 120,
        "first__iterations": 25,
        "update__iterations": 4,
        "batch__pool": 128,
        "box_regression__samples": 60,
    }
    for name, value in (small | changes).items():
        section, _, key = name.partition("__")
        inner = getattr(own, section).model_copy(update={key: value}) if key else value
        own = own.model_copy(update={section: inner})
    return own


def video(count=8, width=120, height=90, step=(3, 1), seed=0):
    """Frames (H, W, 3) with a bright patterned target that moves over soft noise, and its boxes (N, 4)."""
    rng = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(rng.integers(0, 140, (height, width, 3)).astype(np.uint8), (0, 0), 3)
    target = np.zeros((24, 18, 3), np.uint8)
    target[:, :9], target[:, 9:], target[8:14] = (250, 60, 40), (250, 230, 60), (30, 40, 250)
    frames, boxes = [], []
    for index in range(count):
        x, y = 20 + step[0] * index, 30 + step[1] * index
        frame = ground.copy()
        frame[y : y + 24, x : x + 18] = target
        frames.append(frame)
        boxes.append((x, y, 18, 24))
    return frames, np.array(boxes, float)


def write_weights(folder):
    """A weights folder with one small network for every variant."""
    for name in ("core/pymdnet", "core/salnet"):
        facts = {"kind": "salnet", "network": NETWORK, "graph": None, "nodes": 0, "layers": 0}
        weights.save(folder / "salnet" / name, salnet(), facts)
    vocabulary = Vocabulary(["a", "red", "square", "the"])
    for version, inputs in {"to": ["target"], "nl": ["language"], "jtnl": ["target", "language"]}.items():
        network = GPGNet(inputs, SimpleNamespace(**NETWORK), SimpleNamespace(**LANGUAGE), len(vocabulary))
        facts = {"kind": "gpgnet", "inputs": inputs, "network": NETWORK, "language": LANGUAGE}
        weights.save(folder / "gpgnet" / version, network, facts | {"shared_encoder": True, "height": 32, "width": 48})
        if "language" in inputs:
            vocabulary.save(folder / "gpgnet" / version / "vocabulary.json")


def write_frames(folder, frames):
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, start=1):
        cv2.imwrite(str(folder / f"{number:04d}.png"), frame[..., ::-1])


def unit_folder(folder):
    """A folder with the frames of a clip and the weights of a unit's networks; the folder and the clip's boxes."""
    frames, truth = video(count=6)
    write_frames(folder / "data" / "Clip", frames)
    write_weights(folder / "weights")
    return folder, truth
