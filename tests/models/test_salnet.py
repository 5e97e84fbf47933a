"""SALNet at the paper's sizes against numbers worked out by hand, and the parts that differ online."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dat.models import salnet, vggm
from dat.models.layers import Dropout, initialise, scaled, set_generator
from dat.models.salnet import OnlineHead, SALNet

GRAPH = SimpleNamespace(similarity="distance", adjacency="g", self_loops=True, width=512)


def network(width: float = 0.125, **other: object) -> SimpleNamespace:
    defaults = {"fc4": 512, "standardise": True, "init": "orthogonal", "normalisation": "vgg-m"}
    return SimpleNamespace(width=width, **(defaults | other))


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def crops(n: int, seed: int = 0) -> Tensor:
    return torch.randint(-128, 128, (n, 3, 107, 107), generator=torch.Generator().manual_seed(seed)).float()


@pytest.fixture(scope="module")
def paper() -> SALNet:
    return SALNet(network(1, init="normal"), GRAPH, nodes=32, layers=3, domains=2)


def test_parameter_counts_at_the_paper_setting(paper: SALNet) -> None:
    vgg = paper.vggm
    assert [count(c) for c in (vgg.conv1, vgg.conv2, vgg.conv3)] == [14_208, 614_656, 1_180_160]
    assert count(vgg) == 1_809_024
    assert count(paper.fc4) == 4608 * 512 + 512 == 2_359_808
    assert count(paper.fc5) == 512 * 512 + 512 == 262_656
    assert count(paper.graph) == 3 * 512 * 512
    assert count(paper.branches[0]) == 1024 * 2 + 2


def test_a_branch_without_graph_has_mdnets_1026() -> None:
    assert count(SALNet(network(1, init="normal"), domains=1).branches) == 1_026


def test_fc4_may_have_4608_units() -> None:
    assert SALNet(network(1, fc4=4608, init="normal")).fc4.out_features == 4608


def test_shapes_at_the_paper_setting(paper: SALNet) -> None:
    shapes = []
    hooks = [c.register_forward_hook(lambda m, i, o: shapes.append(tuple(o.shape))) for c in paper.vggm.children()]
    with torch.no_grad():
        features = paper.conv(crops(2))
        assert features.shape == (2, 4608)
        assert paper.embed(features).shape == (2, 512)
    for hook in hooks:
        hook.remove()
    assert shapes == [(2, 96, 51, 51), (2, 256, 11, 11), (2, 512, 3, 3)]


def test_features_are_in_channel_height_width_order(paper: SALNet) -> None:
    with torch.no_grad():
        kept: list[Tensor] = []
        hook = paper.vggm.conv3.register_forward_hook(lambda m, i, o: kept.append(o.clone()))
        features = paper.conv(crops(1))
        hook.remove()
    assert torch.equal(features[0].view(512, 3, 3), kept[0][0].relu())


def test_width_rounds_and_has_a_floor_of_four() -> None:
    assert [scaled(c, 0.125) for c in (96, 256, 512, 16)] == [12, 32, 64, 4]
    assert SALNet(network()).conv(crops(1)).shape == (1, 576)


@pytest.mark.parametrize(("name", "torchs"), [("vgg-m", (5, 5e-4, 0.75, 2.0)), ("v2", (2, 1e-4, 0.75, 1.0))])
def test_normalisation_equals_torchs_with_its_arguments(name: str, torchs: tuple[int, float, float, float]) -> None:
    x = torch.randn(2, 9, 5, 4, generator=torch.Generator().manual_seed(1)).abs() * 300
    torch.testing.assert_close(vggm.normalise(x, vggm.NORMALISATIONS[name]), F.local_response_norm(x, *torchs))


def test_normalisation_matches_a_loop() -> None:
    x = torch.randn(1, 6, 1, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 200
    v = x.flatten().tolist()
    slow = [a / (2 + 1e-4 * sum(b * b for b in v[max(0, c - 2) : c + 3])) ** 0.75 for c, a in enumerate(v)]
    assert vggm.normalise(x, vggm.NORMALISATIONS["vgg-m"]).flatten().tolist() == pytest.approx(slow, rel=1e-12)


@pytest.mark.parametrize(("name", "torchs"), [("vgg-m", (5, 5e-4, 0.75, 2.0)), ("v2", (2, 1e-4, 0.75, 1.0))])
@pytest.mark.parametrize("channels", [1, 2, 9])
def test_activation_without_gradients_is_the_same(
    name: str, torchs: tuple[int, float, float, float], channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vggm, "CHUNK", 7 * channels)  # several pieces, the last one shorter
    x = torch.randn(2, channels, 5, 4, generator=torch.Generator().manual_seed(1)) * 300
    x = x.contiguous(memory_format=torch.channels_last)
    expected = F.local_response_norm(F.relu(x), *torchs)
    kind = vggm.NORMALISATIONS[name]
    torch.testing.assert_close(vggm.activate(x.clone(memory_format=torch.preserve_format), kind), expected)
    with_gradients = x.clone(memory_format=torch.preserve_format).requires_grad_() * 1
    torch.testing.assert_close(vggm.activate(with_gradients, kind), expected)
    monkeypatch.setattr(vggm.exactness, "whole", lambda device: True)  # the way of a GPU
    torch.testing.assert_close(vggm.activate(x, kind), expected)


@pytest.mark.parametrize("name", list(vggm.NORMALISATIONS))
def test_normalisation_gradient(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vggm, "CHUNK", 12)  # several pieces, the last one shorter
    x = torch.randn(1, 5, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 100
    assert torch.autograd.gradcheck(lambda v: vggm.normalise(v, vggm.NORMALISATIONS[name]), (x.requires_grad_(),))


def test_standardised_features_have_mean_zero_and_a_damped_spread() -> None:
    f = torch.randn(50, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) * torch.tensor(
        [1.0, 5, 0, 2]
    )
    found = salnet.standardise(f)
    torch.testing.assert_close(found.mean(0), torch.zeros(4, dtype=torch.float64))
    expected = f.std(0, correction=0) / (f.std(0, correction=0) + 0.1 * f.std(correction=0))
    torch.testing.assert_close(found.std(0, correction=0), expected, rtol=1e-5, atol=1e-6)


def test_training_scores_follow_the_groups() -> None:
    model = SALNet(network(), GRAPH, nodes=4, layers=2, domains=3)
    groups = torch.tensor([[3, 0, 1, 2], [7, 4, 5, 6]])
    scores, features, joined = model(crops(9), 1, groups)
    assert scores.shape == (8, 2) and features.shape == (8, 64) and joined.shape == (8, 128)
    torch.testing.assert_close(features, model.describe(model.conv(crops(9)))[groups.flatten()])
    torch.testing.assert_close(joined[:, :64], features)


def test_another_domain_scores_otherwise() -> None:
    model = SALNet(network(), domains=2)
    one, other = (model(crops(4), k, torch.arange(4)[None])[0] for k in (0, 1))
    assert not torch.allclose(one, other)


def test_online_head_copies_the_shared_layers_and_draws_a_new_one() -> None:
    model = SALNet(network(), GRAPH, nodes=4, layers=2, domains=2)
    head = OnlineHead(model, torch.Generator().manual_seed(5))
    features = model.conv(crops(6)).detach()
    head.fit(features)
    torch.testing.assert_close(head.embed(head.prepare(features)), model.embed(salnet.standardise(features)))
    assert head(features).shape == (6, 2)
    with torch.no_grad():
        head.fc4.weight.zero_()
    assert model.fc4.weight.abs().sum() > 0
    again = OnlineHead(model, torch.Generator().manual_seed(5))
    assert torch.equal(again.fc6.weight, head.fc6.weight)


def test_online_head_leaves_features_alone_when_trained_without_standardising() -> None:
    model = SALNet(network(standardise=False))
    head = OnlineHead(model, torch.Generator().manual_seed(0))
    features = model.conv(crops(3)).detach()
    head.fit(features)
    torch.testing.assert_close(head.embed(head.prepare(features)), model.embed(features))


@pytest.mark.parametrize("kind", ["orthogonal", "normal"])
def test_initial_weights_have_hes_spread(kind: str) -> None:
    for layer in (nn.Linear(600, 100), nn.Linear(50, 400), nn.Conv2d(12, 32, 5)):
        initialise(layer, kind, torch.Generator().manual_seed(0))
        assert float(layer.weight.detach().std()) == pytest.approx((2 / layer.weight[0].numel()) ** 0.5, rel=0.05)
        assert float(layer.bias.detach().abs().sum()) == 0


def test_initial_weights_of_mdnet_and_of_torch() -> None:
    linear, conv = nn.Linear(400, 300), nn.Conv2d(12, 64, 5)
    for layer, spread, bias in ((linear, 0.01, 0.1), (conv, (2 / 300) ** 0.5, 0.0)):
        initialise(layer, "mdnet", torch.Generator().manual_seed(0))
        assert float(layer.weight.detach().std()) == pytest.approx(spread, rel=0.05)
        assert layer.bias.tolist() == pytest.approx([bias] * len(layer.bias))
    for layer, fan_in in ((linear, 400), (conv, 300)):
        initialise(layer, "default", torch.Generator().manual_seed(0))
        for values in (layer.weight.detach(), layer.bias.detach()):
            assert 0.9 < float(values.abs().max()) * fan_in**0.5 <= 1
            assert float(values.std()) == pytest.approx((3 * fan_in) ** -0.5, rel=0.2)


@pytest.mark.parametrize("kind", ["orthogonal", "normal", "mdnet", "default"])
def test_a_domains_layer_begins_with_mdnets_spread_whatever_the_others_have(kind: str) -> None:
    branches = SALNet(network(0.25, init=kind), domains=20).branches
    values = torch.cat([branch.weight.detach().flatten() for branch in branches])
    assert float(values.std()) == pytest.approx(0.01, rel=0.05) and abs(float(values.mean())) < 0.001
    assert not any(branch.bias.any() for branch in branches)


def test_the_layer_of_two_outputs_begins_as_in_2019_or_as_torch_does() -> None:
    """`default` is the release of 2017's [R31]: uniform in +-1/sqrt(512), the bias too."""
    model = SALNet(network(1), domains=20, branch_init="default")
    online = [OnlineHead(model, torch.Generator().manual_seed(seed), fc6_init="default").fc6 for seed in range(20)]
    for layers in (model.branches, online):
        for name in ("weight", "bias"):
            values = torch.cat([getattr(layer, name).detach().flatten() for layer in layers])
            assert 0.8 < float(values.abs().max()) * 512**0.5 <= 1 and float(values.std()) > 0.4 / 512**0.5
    small = OnlineHead(model, torch.Generator().manual_seed(0)).fc6
    assert float(small.weight.detach().std()) == pytest.approx(0.01, rel=0.1) and not small.bias.any()


@pytest.mark.parametrize("online", [False, True])
def test_dropout_before_fc4_drops_half_of_its_inputs_in_training_alone(online: bool) -> None:
    model = SALNet(network(standardise=False), dropout_fc4=0.5)
    part = OnlineHead(model, torch.Generator().manual_seed(0), dropout_fc4=0.5) if online else model
    x = torch.rand(64, model.vggm.features, generator=torch.Generator().manual_seed(1))
    set_generator(part, torch.Generator().manual_seed(2))
    kept = torch.empty(x.shape).bernoulli_(0.5, generator=torch.Generator().manual_seed(2))
    whole, halved = (F.relu(part.fc5(F.relu(part.fc4(rows)))) for rows in (x, x * kept * 2))
    torch.testing.assert_close(part.train().embed(x), halved)
    torch.testing.assert_close(part.eval().embed(x), whole)
    assert not torch.allclose(whole, halved)


def test_orthogonal_rows_are_orthogonal() -> None:
    layer = nn.Linear(40, 10)
    initialise(layer, "orthogonal", torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer.weight @ layer.weight.T, 2 * torch.eye(10), rtol=1e-4, atol=1e-4)


def test_dropout_can_be_replayed() -> None:
    drop, x = Dropout(0.5), torch.ones(1000)
    set_generator(drop, torch.Generator().manual_seed(1))
    one = drop(x)
    set_generator(drop, torch.Generator().manual_seed(1))
    assert torch.equal(one, drop(x)) and not torch.equal(one, drop(x))
    assert float(one.mean()) == pytest.approx(1, abs=0.1)
    assert torch.equal(drop.eval()(x), x)


def test_widths_are_rounded_and_never_under_four_unless_they_are_whole() -> None:
    assert [scaled(96, width) for width in (0.01, 0.05, 0.5, 1, 2)] == [4, 5, 48, 96, 192]
    assert scaled(3, 1) == 3


def test_only_a_padding_word_begins_at_zero() -> None:
    embeddings = nn.ModuleList([nn.Embedding(5, 3), nn.Embedding(5, 3, padding_idx=2)])
    initialise(embeddings, "orthogonal", torch.Generator().manual_seed(0))
    zero = [[not row.any() for row in embedding.weight] for embedding in embeddings]
    assert zero == [[False] * 5, [False, False, True, False, False]]
