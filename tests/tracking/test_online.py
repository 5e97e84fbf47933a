"""The online classifier: memories, hard negatives, one step worked by hand, long and short updates."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from dat.models.salnet import OnlineHead
from dat.tracking.mdnet.online import Memory, OnlineClassifier
from tests.parts.tracking_parts import salnet, settings

WIDTH = salnet().vggm.features


def classifier(seed=0, **changes):
    head = OnlineHead(salnet(), torch.Generator().manual_seed(seed))
    return OnlineClassifier(head, settings(**changes), np.random.default_rng(seed))


def clouds(positives=30, negatives=200):
    rng = torch.Generator().manual_seed(3)
    shift = torch.randn(WIDTH, generator=rng)
    return (
        torch.randn(positives, WIDTH, generator=rng) + shift,
        torch.randn(negatives, WIDTH, generator=rng) - shift,
    )


def test_a_memory_forgets_the_oldest_frame_and_never_grows():
    memory = Memory(slots=3, rows=2, width=1, device=torch.device("cpu"))
    size = memory.buffer.numel()
    for value in range(5):
        memory.add(torch.full((2 if value % 2 else 1, 1), float(value)))
    assert memory.buffer[memory.rows(), 0].tolist() == [2, 3, 3, 4]
    assert memory.buffer[memory.rows(last=1), 0].tolist() == [4]
    assert memory.buffer.numel() == size and len(memory) == 3


def test_the_hardest_negatives_are_those_that_look_most_like_the_target():
    own = classifier()
    _, negatives = clouds()
    hard = own._hardest(negatives, 10)
    with torch.no_grad():
        scores = own.head(negatives)[:, 1].sort(descending=True).values
        found = own.head(hard)[:, 1].sort(descending=True).values
    assert torch.allclose(found, scores[:10], atol=1e-6)


def test_one_step_is_momentum_sgd_on_the_mean_cross_entropy():
    changes = {"first__iterations": 1, "clip": 1e9, "batch__positives": 4, "batch__negatives": 6, "batch__pool": 6}
    own = classifier(**changes)
    positives, negatives = clouds(4, 6)
    head = own.head
    outputs = own.head(torch.cat([positives, negatives]))
    loss = functional.cross_entropy(outputs, torch.tensor([1] * 4 + [0] * 6))
    gradients = torch.autograd.grad(loss, [head.fc4.weight, head.fc6.weight])
    first = own.settings.first
    expected = []
    for weight, gradient, factor in zip(
        (head.fc4.weight, head.fc6.weight), gradients, (1, first.fc6_factor), strict=True
    ):
        decayed = gradient + own.settings.weight_decay * weight
        expected.append((weight - first.rate * factor * decayed).detach().clone())
    own.learn(positives, negatives)
    assert torch.allclose(head.fc4.weight, expected[0], atol=1e-7)
    assert torch.allclose(head.fc6.weight, expected[1], atol=1e-7)


def test_learning_tells_the_target_from_the_rest():
    own = classifier()
    positives, negatives = clouds()
    own.learn(positives, negatives)
    _, target = own.ranking(positives)
    _, rest = own.ranking(negatives)
    assert target.mean() > 0.9 and rest.mean() < 0.1


def test_only_the_fully_connected_layers_learn():
    network = salnet()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    own = OnlineClassifier(OnlineHead(network, torch.Generator().manual_seed(0)), settings(), np.random.default_rng(0))
    own.learn(*clouds())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_short_update_uses_recent_positives_and_a_long_one_all():
    own = classifier(update__short=2, update__long=10)
    positives, negatives = clouds(13, 50)
    for _ in range(5):
        own.remember(positives, negatives)
    drawn = []
    own._train = lambda name, steps, a, b: drawn.append((len(a.rows), len(b.rows)))
    own.update(short=True)
    own.update(short=False)
    assert drawn == [(2 * 13, 2 * 50), (5 * 13, 2 * 50)]


def test_scores_are_shares_of_the_softmax_or_the_raw_output():
    positives, _ = clouds()
    ranks, scores = classifier().ranking(positives)
    outputs = classifier().head(positives)
    assert torch.allclose(scores, outputs.softmax(1)[:, 1])
    assert torch.equal(ranks.argsort(), scores.argsort())
    raw, same = classifier(failure="raw").ranking(positives)
    assert torch.equal(raw, outputs[:, 1]) and torch.equal(raw, same)


def test_momentum_carries_over_from_update_to_update():
    own = classifier()
    own.remember(*clouds(13, 50))
    own.update(short=True)
    first = own._optimisers["update"]
    own.update(short=False)
    assert own._optimisers["update"] is first
    assert first.state and all("momentum" in state for state in first.state.values())


def test_the_same_seed_learns_the_same_bits():
    one, two = classifier(4, dropout=0.5), classifier(4, dropout=0.5)
    for own in (one, two):
        own.learn(*clouds())
    assert torch.equal(one.head.fc4.weight, two.head.fc4.weight)


@pytest.mark.parametrize("counts", [(0, 5), (5, 0)])
def test_without_samples_of_one_kind_nothing_is_learnt(counts):
    own = classifier()
    before = own.head.fc6.weight.clone()
    own.learn(torch.zeros(counts[0], WIDTH), torch.zeros(counts[1], WIDTH))
    assert torch.equal(own.head.fc6.weight, before)
