"""How far apart the nodes of a trained network's graphs are, by layer, under each reading of its adjacency [R4]."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dat.models.graph import ADJACENCIES, Graph

DIGITS = 4
"""Of a share that is drawn: more would not be seen."""


def relative(nodes: NDArray[np.float64]) -> float:
    """The spread between the nodes of graphs (G,N,d): the root of the mean squared distance from a graph's mean node,
    over the nodes' own root mean square, as a mean over graphs. 0 where all nodes of a graph are the same."""
    apart = np.square(nodes - nodes.mean(1, keepdims=True)).sum((1, 2))
    size = np.square(nodes).sum((1, 2))
    shares = np.sqrt(np.divide(apart, size, out=np.zeros_like(size), where=size > 0))
    return float(f"{shares.mean():.{DIGITS}g}")


def by_reading(graph: Graph, nodes: Sequence[Tensor]) -> dict[str, list[float]]:
    """Of batches of graphs (G,N,d) the relative spread of the features and behind each layer, by adjacency."""
    found = {}
    with torch.no_grad():
        for kind in ADJACENCIES:
            layers = zip(*(graph.behind(one, kind) for one in nodes), strict=True)
            found[kind] = [relative(torch.cat(parts).double().cpu().numpy()) for parts in layers]
    return found
