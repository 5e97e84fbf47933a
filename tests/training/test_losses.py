"""Losses (4), (6), (7) against slow float64 loops, their gradients and their edges."""

import math

import pytest
import torch
from torch import Tensor

from dat.training import losses


def scores(n: int = 6) -> Tensor:
    return torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(n))


LABELS = torch.tensor([1, 0, 0, 1, 0, 0])
ANCHOR = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)


def features() -> Tensor:
    return torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(9))


def slow_cross_entropy(p: list[float], labels: Tensor) -> float:
    terms = [math.log(q) if y else math.log(1 - q) for q, y in zip(p, labels.tolist(), strict=True)]
    return -sum(terms) / len(terms)


def unit(v: list[float]) -> list[float]:
    length = math.sqrt(sum(x * x for x in v))
    return [x / length for x in v]


def slow_pairs(anchor: Tensor, rows: Tensor, labels: Tensor, margin: float, normalise: bool) -> list[float]:
    turn = unit if normalise else list
    v = turn(anchor.tolist())
    far = [sum((a - b) ** 2 for a, b in zip(v, turn(row), strict=True)) for row in rows.tolist()]
    near = [d for d, y in zip(far, labels.tolist(), strict=True) if y]
    other = [d for d, y in zip(far, labels.tolist(), strict=True) if not y]
    return [max(0.0, p - n + margin) for p in near for n in other]


def test_equation_4_is_the_cross_entropy_of_the_softmax() -> None:
    p = [math.exp(t) / (math.exp(b) + math.exp(t)) for b, t in scores().tolist()]
    assert float(losses.classification(scores(), LABELS)) == pytest.approx(slow_cross_entropy(p, LABELS), rel=1e-12)


def test_equation_4_with_a_sigmoid() -> None:
    p = [1 / (1 + math.exp(-t)) for _, t in scores().tolist()]
    found = float(losses.classification(scores(), LABELS, "sigmoid"))
    assert found == pytest.approx(slow_cross_entropy(p, LABELS), rel=1e-12)


@pytest.mark.parametrize("normalise", [True, False])
def test_equation_6_matches_a_loop(normalise: bool) -> None:
    pairs = slow_pairs(ANCHOR, features(), LABELS, 1.0, normalise)
    found = {k: float(losses.triplet(ANCHOR, features(), LABELS, 1.0, k, normalise)) for k in losses.TRIPLETS}
    assert found["sum"] == pytest.approx(sum(pairs), rel=1e-12)
    assert found["all"] == pytest.approx(sum(pairs) / 8, rel=1e-12)
    assert found["hardest"] == pytest.approx(max(pairs), rel=1e-12)


def test_equation_7() -> None:
    c, t = torch.tensor(2.0), torch.tensor(3.0)
    assert float(losses.total(c, t, 0.1)) == pytest.approx(2.3)
    assert float(losses.total(c, None, 0.1)) == 2.0


@pytest.mark.parametrize("labels", [torch.zeros(6), torch.ones(6)])
def test_without_positives_or_negatives_there_is_no_triplet(labels: Tensor) -> None:
    rows = features().requires_grad_()
    loss = losses.triplet(ANCHOR, rows, labels)
    loss.backward()
    assert float(loss.detach()) == 0 and torch.equal(rows.grad, torch.zeros_like(rows))
    assert math.isfinite(float(losses.classification(scores(), labels)))


def test_a_satisfied_margin_costs_nothing_and_pulls_nowhere() -> None:
    rows = torch.tensor([[0.5, -1.0, 2.0], [-0.5, 1.0, -2.0]], dtype=torch.float64, requires_grad=True)
    loss = losses.triplet(ANCHOR, rows, torch.tensor([1, 0]))  # distances 0 and 4 on the sphere
    loss.backward()
    assert float(loss.detach()) == 0 and torch.equal(rows.grad, torch.zeros_like(rows))


def test_no_samples_give_no_classification_loss() -> None:
    assert float(losses.classification(torch.zeros(0, 2), torch.zeros(0))) == 0


@pytest.mark.parametrize("kind", losses.CLASSIFICATION)
def test_classification_gradient(kind: str) -> None:
    assert torch.autograd.gradcheck(lambda s: losses.classification(s, LABELS, kind), (scores().requires_grad_(),))


@pytest.mark.parametrize("kind", losses.TRIPLETS)
def test_triplet_gradient(kind: str) -> None:
    rows = features().requires_grad_()
    assert torch.autograd.gradcheck(lambda f: losses.triplet(ANCHOR, f, LABELS, kind=kind), (rows,))


def test_attention_loss_is_the_mean_over_pixels() -> None:
    logits, masks = torch.tensor([[[[0.0, 2.0]]]]), torch.tensor([[[[1.0, 0.0]]]])
    assert float(losses.attention(logits, masks)) == pytest.approx((math.log(2) + math.log(1 + math.exp(2))) / 2)


def test_extreme_scores_stay_finite() -> None:
    big = torch.tensor([[1e4, -1e4], [-1e4, 1e4]])
    assert losses.finite(losses.classification(big, torch.tensor([1, 0])))


def test_unknown_kinds_are_named() -> None:
    with pytest.raises(ValueError, match=r"salnet_training.loss is 'hinge'"):
        losses.classification(scores(), LABELS, "hinge")
    with pytest.raises(ValueError, match=r"salnet_training.triplets is 'some'"):
        losses.triplet(ANCHOR, features(), LABELS, kind="some")
