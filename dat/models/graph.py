"""The graph over samples: equations (1) to (3)."""

import itertools
import math
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dat.base.sections import Adjacency, Similarity
from dat.models.arithmetic import Linear, product, square_root

SIMILARITIES, ADJACENCIES = get_args(Similarity), get_args(Adjacency)
ABOVE = 1e-4
"""By what share of its row's mean a weight must be above it: rounding does not tell alike weights apart."""


def similarity(nodes: Tensor, kind: str = "distance") -> Tensor:
    """S of (1) [R3]: (...,N,d) -> (...,N,N), larger is nearer.

    distance: -|a - b|^2 / sqrt(d); euclidean: -|a - b|; dot: a.b / sqrt(d); cosine.
    """
    if kind == "cosine":
        unit = F.normalize(nodes, dim=-1)
        return product(unit, unit.mT)
    inner = product(nodes, nodes.mT)  # (...,N,N)
    if kind == "dot":
        return inner / math.sqrt(nodes.shape[-1])
    square = inner.diagonal(dim1=-2, dim2=-1)  # (...,N)
    squared = (square[..., :, None] + square[..., None, :] - 2 * inner).clamp_min(0)
    if kind == "distance":
        return -squared / math.sqrt(nodes.shape[-1])
    if kind == "euclidean":
        apart = squared > 0  # the root's slope at 0 is infinite: alike nodes get none
        return -torch.where(apart, square_root(torch.where(apart, squared, 1)), 0)
    raise ValueError(f"graph.similarity is {kind!r}; expected one of {', '.join(SIMILARITIES)}")


def weights(nodes: Tensor, kind: str = "distance") -> Tensor:
    """W of (1): (...,N,d) -> (...,N,N); rows sum to 1 over the other nodes, the diagonal is 0 (all 0 for one node)."""
    return _softmax_of_others(similarity(nodes, kind))


def _softmax_of_others(scores: Tensor) -> Tensor:
    n = scores.shape[-1]
    if n == 1:
        return torch.zeros_like(scores)
    diagonal = torch.eye(n, dtype=torch.bool, device=scores.device)
    return scores.masked_fill(diagonal, -math.inf).softmax(-1)


def adjacency(nodes: Tensor, similarity: str = "distance", kind: str = "g", self_loops: bool = True) -> Tensor:
    """A_hat of (3) [R4, R5]: (...,N,d) -> (...,N,N).

    g: (2), the softmax over a row of W, whose zero diagonal takes part when `self_loops`; w: (1) alone;
    binary: all ones, normalised; threshold: D^-1/2 (A + I) D^-1/2, where A_ij is 1 if W_ij or W_ji is above the mean of
    a row of W, 1 / (N - 1), and I is left out without `self_loops`. No gradient goes through A.
    """
    if kind == "w":
        return weights(nodes, similarity)
    if kind == "threshold":
        return _normalised(_stronger(weights(nodes, similarity)), self_loops)
    if kind == "g":
        scores = weights(nodes, similarity)
    elif kind == "binary":
        scores = nodes.new_zeros(*nodes.shape[:-1], nodes.shape[-2])
    else:
        raise ValueError(f"graph.adjacency is {kind!r}; expected one of {', '.join(ADJACENCIES)}")
    return scores.softmax(-1) if self_loops else _softmax_of_others(scores)


def _stronger(w: Tensor) -> Tensor:
    """W (...,N,N) of (1) -> 1 where two nodes are nearer than the mean of either's row, else 0; symmetric."""
    above = w * (w.shape[-1] - 1) > 1 + ABOVE
    return (above | above.mT).to(w.dtype)


def _normalised(a: Tensor, self_loops: bool) -> Tensor:
    """D^-1/2 (A + I) D^-1/2 (Kipf and Welling, 2017), D the rows' sums; a node without any neighbour gets none."""
    if self_loops:
        a = a + torch.eye(a.shape[-1], dtype=a.dtype, device=a.device)
    degree = a.sum(-1)
    root = torch.where(degree > 0, degree.clamp_min(1).rsqrt(), 0)
    return root[..., :, None] * a * root[..., None, :]


class Graph(nn.Module):
    """`layers` graph convolutions (3), ReLU after each; the output joins the untouched feature [R7, R14].

    (G,N,d) -> (G,N,d + width). The adjacency is that of the incoming features, the same in every layer.
    """

    def __init__(
        self, features: int, width: int, layers: int, similarity: str, adjacency: str, self_loops: bool = True
    ) -> None:
        super().__init__()
        sizes = [features] + [width] * layers
        self.layers = nn.ModuleList(Linear(a, b, bias=False) for a, b in itertools.pairwise(sizes))
        self.similarity, self.adjacency, self.self_loops = similarity, adjacency, self_loops
        self.out_features = features + width

    def forward(self, nodes: Tensor) -> Tensor:
        return torch.cat([nodes, self.behind(nodes, self.adjacency)[-1]], -1)

    def behind(self, nodes: Tensor, kind: str) -> list[Tensor]:
        """The nodes (G,N,d) themselves and behind each layer (G,N,width), with an adjacency of this kind [R4]."""
        a = adjacency(nodes, self.similarity, kind, self.self_loops)  # (G,N,N)
        outputs = [nodes]
        for layer in self.layers:
            outputs.append(F.relu(product(a, layer(outputs[-1]))))  # (G,N,width)
        return outputs
