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


def test_a_thresholded_graph_by_hand() -> None:
    """Four nodes on a line, S = -distance: W's rows are above a third for the nearest node alone (.88, .73, .67, .84):
    0-1, 1-2 and 2-3 are edges, and degrees with the loops 2, 3, 3, 2."""
    g = torch.tensor([[1.0], [2], [4], [8]], dtype=torch.float64)
    assert [round(max(row), 2) for row in slow_weights(g, "euclidean")] == [0.88, 0.73, 0.67, 0.84]
    r, s = 1 / math.sqrt(6), 1 / 3
    expected = [[1 / 2, r, 0, 0], [r, s, s, 0], [0, s, s, r], [0, 0, r, 1 / 2]]
    found = graph.adjacency(g, "euclidean", "threshold")
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
    q = 1 / math.sqrt(2)
    without = [[0, q, 0, 0], [q, 0, 1 / 2, 0], [0, 1 / 2, 0, q], [0, 0, q, 0]]
    found = graph.adjacency(g, "euclidean", "threshold", self_loops=False)
    torch.testing.assert_close(found, torch.tensor(without, dtype=torch.float64))


@pytest.mark.parametrize("self_loops", [True, False])
@pytest.mark.parametrize("kind", graph.SIMILARITIES)
def test_a_thresholded_graph_matches_a_loop(kind: str, self_loops: bool) -> None:
    g, n = nodes(9), 9
    w = slow_weights(g, kind)
    a = [[float(i != j and max(w[i][j], w[j][i]) * (n - 1) > 1.0001) for j in range(n)] for i in range(n)]
    for i in range(n):
        a[i][i] = float(self_loops)
    expected = [[a[i][j] / math.sqrt(sum(a[i]) * sum(a[j])) for j in range(n)] for i in range(n)]
    found = graph.adjacency(torch.stack([g, 2 * g]), kind, "threshold", self_loops)
    torch.testing.assert_close(found[0], torch.tensor(expected, dtype=torch.float64))
    assert {0.0} < {value for row in a for value in row}, "some are neighbours, some are not"


def test_alike_nodes_have_no_neighbours_above_the_mean() -> None:
    g = torch.full((5, 7), 0.3)
    assert torch.equal(graph.adjacency(g, kind="threshold"), torch.eye(5))
    assert not graph.adjacency(g, kind="threshold", self_loops=False).any()
    assert graph.adjacency(nodes(1), kind="threshold").tolist() == [[1.0]]


def spread(x: Tensor) -> float:
    """How far nodes differ, of their size: mean over values of the deviation between nodes, over the mean size."""
    return float(x.std(0, correction=0).mean() / x.abs().mean())


def test_targets_and_others_stay_apart_where_equation_2_makes_all_nodes_alike() -> None:
    """Eight near one place and twenty-four near another, as in a graph of a batch; behind three layers' mixing."""
    g = nodes(32, 16) / 4
    g[:8] += 1.5
    left = {}
    for kind in graph.ADJACENCIES:
        a = graph.adjacency(g, "distance", kind)
        left[kind] = spread(a @ a @ a @ g) / spread(g)
    assert left["g"] < 0.01 and left["binary"] < 1e-9
    assert left["w"] > 0.3 and left["threshold"] > 0.3


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


def test_behind_each_layer_are_the_nodes_of_a_network_of_so_many() -> None:
    layer = graph.Graph(6, 6, 3, "distance", "threshold").double()
    g = nodes(5)[None]
    outputs = layer.behind(g, "g")
    assert [tuple(one.shape) for one in outputs] == [(1, 5, 6)] * 4 and torch.equal(outputs[0], g)
    a = graph.adjacency(g, "distance", "g")
    torch.testing.assert_close(outputs[2], torch.relu(a @ outputs[1] @ layer.layers[1].weight.T))
    assert torch.equal(layer(g)[..., 6:], layer.behind(g, "threshold")[-1])


def test_the_diagonal_takes_part_in_equation_2_as_printed() -> None:
    assert torch.all(graph.adjacency(nodes(4)).diagonal() > 0)
    assert torch.all(graph.adjacency(nodes(4), self_loops=False).diagonal() == 0)


@pytest.mark.parametrize("kind", ["g", "w", "binary"])
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
