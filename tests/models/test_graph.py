"""Equations (1) to (3) against slow float64 loops, their gradients and their edges."""

import math

import pytest
import torch
from torch import Tensor

from dat.models import graph


def nodes(n: int, d: int = 6) -> Tensor:
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(n * 100 + d))


def slow_similarity(a: Tensor, b: Tensor, kind: str) -> float:
    squared = sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True))
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    lengths = math.sqrt(sum(float(x) ** 2 for x in a)) * math.sqrt(sum(float(y) ** 2 for y in b))
    root = math.sqrt(len(a))
    return {"distance": -squared / root, "euclidean": -math.sqrt(squared), "dot": dot / root, "cosine": dot / lengths}[
        kind
    ]


def slow_weights(g: Tensor, kind: str) -> list[list[float]]:
    n = len(g)
    rows = []
    for i in range(n):
        e = [0.0 if i == j else math.exp(slow_similarity(g[i], g[j], kind)) for j in range(n)]
        rows.append([v / sum(e) if n > 1 else 0.0 for v in e])
    return rows


def slow_adjacency(w: list[list[float]], self_loops: bool) -> list[list[float]]:
    rows = []
    for i, row in enumerate(w):
        e = [0.0 if i == j and not self_loops else math.exp(v) for j, v in enumerate(row)]
        rows.append([v / sum(e) for v in e])
    return rows


@pytest.mark.parametrize("kind", graph.SIMILARITIES)
def test_equation_1_matches_a_loop(kind: str) -> None:
    g = nodes(5)
    torch.testing.assert_close(graph.weights(g, kind), torch.tensor(slow_weights(g, kind), dtype=torch.float64))


@pytest.mark.parametrize("self_loops", [True, False])
@pytest.mark.parametrize("kind", graph.SIMILARITIES)
def test_equation_2_matches_a_loop(kind: str, self_loops: bool) -> None:
    g = nodes(4)
    expected = torch.tensor(slow_adjacency(slow_weights(g, kind), self_loops), dtype=torch.float64)
    torch.testing.assert_close(graph.adjacency(g, kind, "g", self_loops), expected)


def test_equation_3_matches_a_loop_and_keeps_the_feature() -> None:
    layer = graph.Graph(6, 3, 2, "distance", "g").double()
    g = nodes(4)
    a = slow_adjacency(slow_weights(g, "distance"), True)
    x = [[float(v) for v in row] for row in g]
    for linear in layer.layers:
        w = linear.weight.detach()
        mixed = [[sum(a[i][j] * x[j][k] for j in range(4)) for k in range(len(x[0]))] for i in range(4)]
        x = [[max(0.0, sum(row[k] * float(w[o, k]) for k in range(len(row)))) for o in range(3)] for row in mixed]
    out = layer(g)
    torch.testing.assert_close(out[:, 6:], torch.tensor(x, dtype=torch.float64))
    torch.testing.assert_close(out[:, :6], g)


def test_the_diagonal_takes_part_in_equation_2_as_printed() -> None:
    assert torch.all(graph.adjacency(nodes(4)).diagonal() > 0)
    assert torch.all(graph.adjacency(nodes(4), self_loops=False).diagonal() == 0)


@pytest.mark.parametrize("kind", graph.ADJACENCIES)
def test_rows_sum_to_one_with_more_than_one_node(kind: str) -> None:
    rows = graph.adjacency(nodes(7), "distance", kind).sum(-1)
    torch.testing.assert_close(rows, torch.ones(7, dtype=torch.float64))


def test_one_node_sees_itself_or_nothing() -> None:
    assert graph.weights(nodes(1)).tolist() == [[0.0]]
    assert graph.adjacency(nodes(1)).tolist() == [[1.0]]
    assert graph.adjacency(nodes(1), self_loops=False).tolist() == [[0.0]]


@pytest.mark.parametrize("kind", graph.SIMILARITIES)
def test_alike_nodes_share_equally_and_have_finite_gradients(kind: str) -> None:
    g = torch.ones(4, 6, dtype=torch.float64, requires_grad=True)
    w = graph.weights(g, kind)
    torch.testing.assert_close(w, (torch.ones(4, 4, dtype=torch.float64) - torch.eye(4, dtype=torch.float64)) / 3)
    graph.adjacency(g, kind).square().sum().backward()
    assert g.grad is not None and torch.isfinite(g.grad).all()


@pytest.mark.parametrize("kind", graph.SIMILARITIES)
def test_gradients(kind: str) -> None:
    g = nodes(4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: graph.adjacency(x, kind), (g,))
    assert torch.autograd.gradcheck(graph.Graph(6, 3, 2, kind, "g").double(), (g,))


def test_far_nodes_do_not_overflow() -> None:
    assert torch.isfinite(graph.adjacency(nodes(5) * 1e4)).all()


def test_graphs_of_a_batch_do_not_mix() -> None:
    layer = graph.Graph(6, 3, 1, "distance", "g").double()
    a, b = nodes(4), nodes(4, 6) * 2
    torch.testing.assert_close(layer(torch.stack([a, b]))[1], layer(b))


def test_unknown_similarity_is_named() -> None:
    with pytest.raises(ValueError, match=r"graph.similarity is 'near'"):
        graph.similarity(nodes(3), "near")


def test_unknown_adjacency_is_named() -> None:
    with pytest.raises(ValueError, match=r"graph.adjacency is 'h'"):
        graph.adjacency(nodes(3), kind="h")


def test_alike_nodes_are_at_a_distance_of_zero_beside_others() -> None:
    """Three nodes, two of them alike and the third at a distance of 5."""
    found = graph.similarity(torch.tensor([[0.0, 0], [0, 0], [3, 4]], dtype=torch.float64), "euclidean")
    torch.testing.assert_close(found, -torch.tensor([[0.0, 0, 5], [0, 0, 5], [5, 5, 0]], dtype=torch.float64))
