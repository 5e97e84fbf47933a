"""GPGNet's data: the selected frames, their masks, each video's patch and sentence, by number."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dat.base.errors import InputError
from dat.datasets.images import decode_grey, decode_image
from dat.datasets.shards import Shards
from dat.models.vocabulary import Vocabulary

Pixels = NDArray[np.uint8]
MEMORY = 2 << 30  # bytes of decoded frames that are kept
DARK = 10.0  # grey levels, 0..255


def dark(picture: Pixels) -> bool:
    """Whether a picture (H,W,3) shows nothing to learn from: its values' standard deviation is below `DARK`."""
    return float(picture.std()) < DARK


class AttentionData:
    """`training/frames` and `training/masks`, sample by sample.

    Frames are kept decoded while they fit in `memory` bytes (all of them in the embedded profile). A video without a
    visible frame has no patch, and a video without a sentence none: asking a network for that input leaves it out.
    """

    def __init__(
        self, folder: Path, inputs: Sequence[str], vocabulary: Vocabulary | None, memory: int = MEMORY
    ) -> None:
        self.frames, self.masks = Shards(folder / "frames"), Shards(folder / "masks")
        self.patches = Shards(folder / "frames", "patches.csv")
        self.inputs, self.vocabulary = inputs, vocabulary
        self.patch = {row["sequence"]: i for i, row in enumerate(self.patches.rows)}
        self.mask = {(row["sequence"], row["frame"]): i for i, row in enumerate(self.masks.rows)}
        self.usable = [i for i, row in enumerate(self.frames.rows) if self._usable(row)]
        if not self.usable:
            raise InputError(f"{folder}: no frame has a mask and what the inputs {', '.join(inputs)} need")
        self._kept: dict[tuple[str, int], Pixels] = {}
        self._room = memory

    def _usable(self, row: dict[str, str]) -> bool:
        if (row["sequence"], row["frame"]) not in self.mask:
            return False  # R28: masks.absent drop
        if "language" in self.inputs and not row["sentence"].strip():
            return False
        return "target" not in self.inputs or row["sequence"] in self.patch

    @property
    def videos(self) -> list[str]:
        """The videos that have usable frames, in order."""
        return list(dict.fromkeys(self.frames.rows[i]["sequence"] for i in self.usable))

    def name(self, i: int) -> str:
        """Sequence and frame of a sample, for messages."""
        row = self.frames.rows[i]
        return f"{row['sequence']}:{row['frame']}"

    def sequence(self, i: int) -> str:
        """The video of a sample."""
        return self.frames.rows[i]["sequence"]

    def absent(self, i: int) -> bool:
        """Whether the target is not in the frame."""
        return self.frames.rows[i]["absent"] == "1"

    def sentence(self, i: int) -> str:
        """The sentence of a sample's video."""
        return self.frames.rows[i]["sentence"]

    def _picture(self, kind: str, shards: Shards, i: int) -> Pixels:
        if (kind, i) not in self._kept:
            data, name = shards.read(i), shards.name(i)
            picture = decode_grey(data, name)[:, :, None] if kind == "mask" else decode_image(data, name)
            if picture.nbytes > self._room:
                return picture
            self._room -= picture.nbytes
            self._kept[kind, i] = picture
        return self._kept[kind, i]

    def frame_pixels(self, i: int) -> Pixels:
        """(H,W,3) uint8 of a sample's frame."""
        return self._picture("frame", self.frames, i)

    def patch_pixels(self, i: int) -> Pixels:
        """(H,W,3) uint8: the patch of a sample's video."""
        return self._picture("patch", self.patches, self.patch[self.sequence(i)])

    def mask_pixels(self, i: int) -> Pixels:
        """(H,W,1) uint8: 255 where the mask is 1."""
        row = self.frames.rows[i]
        return self._picture("mask", self.masks, self.mask[row["sequence"], row["frame"]])

    def batch(self, samples: NDArray[np.int64] | list[int], device: str = "cpu") -> dict[str, Tensor]:
        """Frames (B,3,H,W) in 0..255, masks (B,1,H,W) of 0 and 1, and what the inputs need.

        Patches come once a video, (P,3,H,W), with `patch_of` (B,) saying which is whose; tokens are (B,16).
        """
        numbers = [int(i) for i in samples]
        batch = {
            "frame": _stacked([self.frame_pixels(i) for i in numbers], device).float(),
            "mask": (_stacked([self.mask_pixels(i) for i in numbers], device) > 127).float(),
        }
        if "target" in self.inputs:
            first = {self.sequence(i): i for i in numbers}
            order = {video: k for k, video in enumerate(first)}
            batch["patch"] = _stacked([self.patch_pixels(i) for i in first.values()], device).float()
            batch["patch_of"] = torch.tensor([order[self.sequence(i)] for i in numbers], device=device)
        if self.vocabulary is not None:
            batch["tokens"] = torch.stack([self.vocabulary.tokens(self.sentence(i)) for i in numbers]).to(device)
        return batch


def _stacked(pictures: list[Pixels], device: str) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).to(device).permute(0, 3, 1, 2)  # channels-last without a copy
