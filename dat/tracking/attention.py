"""The attention of a whole frame: the target's picture and sentence are encoded once, each frame is attended to."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from dat.base.errors import InputError
from dat.datasets.images import Image, cut_patch, resize
from dat.models.gpgnet import GPGNet
from dat.models.vocabulary import Vocabulary


class Attention:
    """GPGNet over the frames of one sequence. `size` is the (height, width) at which it was trained to see a frame.

    `target` is what the target was in the masks that it learnt from, 1 or 0 [R1].
    """

    def __init__(
        self,
        network: GPGNet,
        vocabulary: Vocabulary | None,
        size: tuple[int, int],
        context: float = 0.0,
        target: int = 1,
    ) -> None:
        self.target = target
        self.network, self.vocabulary, self.size, self.context = network.eval(), vocabulary, size, context
        self._device = next(network.parameters()).device
        self._patch: Tensor | None = None
        self._sentence: Tensor | None = None

    @torch.inference_mode()
    def start(self, image: Image, box: ArrayLike, sentence: str | None) -> None:
        """Encode the target's patch [R17] and its sentence. Raises InputError when the network needs a sentence."""
        if "target" in self.network.inputs:
            self._patch = self.network.encode_patch(
                self._tensor(cut_patch(image, _within(box, image), *self.size, self.context))
            )
        if "language" in self.network.inputs:
            if not sentence or self.vocabulary is None:
                raise InputError("this attention network needs a sentence about the target")
            tokens = self.vocabulary.tokens(sentence)[None].to(self._device)
            self._sentence = self.network.encode_sentence(tokens)

    @torch.inference_mode()
    def map(self, image: Image) -> NDArray[np.float32]:
        """Where the target may be: (h, w) of `size`, 0 to 1, over the whole image."""
        logits = self.network.attend(self._tensor(resize(image, *self.size)), self._patch, self._sentence)
        logits = logits if self.target else -logits
        return np.asarray(logits[0, 0].float().sigmoid().cpu().numpy(), np.float32)

    def _tensor(self, image: Image) -> Tensor:
        return torch.from_numpy(image).permute(2, 0, 1)[None].to(self._device).float()


def _within(box: ArrayLike, image: Image) -> NDArray[np.float64]:
    """The box, at least a pixel wide and high."""
    x, y, w, h = np.asarray(box, np.float64)
    return np.array([x, y, max(w, 1.0), max(h, 1.0)])
