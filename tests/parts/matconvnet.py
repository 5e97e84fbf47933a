"""A file like MatConvNet's imagenet-vgg-m.mat."""

from pathlib import Path

import numpy as np

from dat.models.vggm import VGGM


def matconvnet(path: Path, model: VGGM, tidy: bool = True) -> None:
    """A file like imagenet-vgg-m.mat: a cell of structs, the convolutions at 0, 4 and 8, filters (H,W,in,out)."""
    import scipy.io

    cells = np.empty((1, 9), dtype=object)
    for i in range(9):
        cells[0, i] = {"type": "relu", "name": f"layer{i}"}
    for i, layer in ((0, model.conv1), (4, model.conv2), (8, model.conv3)):
        filters = layer.weight.detach().permute(2, 3, 1, 0).numpy()
        bias = layer.bias.detach().numpy()[:, None]
        pair = np.empty((1, 2), dtype=object)
        pair[0, 0], pair[0, 1] = filters, bias
        cells[0, i] = {"type": "conv"} | ({"weights": pair} if tidy else {"filters": filters, "biases": bias})
    scipy.io.savemat(path, {"layers": cells})
