"""GPGNet at the paper's sizes against numbers worked out by hand, and its three versions."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

from dat.base.errors import InputError
from dat.models import gpgnet
from dat.models.gpgnet import GPGNet
from dat.models.vocabulary import Vocabulary
from dat.tracking.attention import Attention

LANGUAGE = SimpleNamespace(channels=512, kernel=3, layers=3)
SMALL = SimpleNamespace(width=0.125, standardise=False, init="orthogonal")
PAPER = SimpleNamespace(width=1, standardise=False, init="normal")
VERSIONS = {"to": ["target"], "nl": ["language"], "jtnl": ["target", "language"]}


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def small(version: str, standardise: bool = False, **other: bool | str) -> GPGNet:
    language = SimpleNamespace(channels=24, kernel=3, layers=3)
    network = SimpleNamespace(**vars(SMALL) | {"standardise": standardise})
    return GPGNet(VERSIONS[version], network, language, 10, **other)


def pictures(n: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (n, 3, 96, 128), generator=torch.Generator().manual_seed(seed)).float()


def tokens(n: int, seed: int = 0) -> Tensor:
    return torch.randint(2, 10, (n, 16), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("version", "channels"), [("to", 1024), ("nl", 1024), ("jtnl", 1536)])
def test_parameter_counts_at_the_paper_setting(version: str, channels: int) -> None:
    model = GPGNet(VERSIONS[version], PAPER, LANGUAGE, 448)
    # 64: 1,792 + 36,928; 128: 73,856 + 147,584; 256: 295,168 + 2 * 590,080; 512: 1,180,160 + 2 * 2,359,808
    assert count(model.encoder) == 38_720 + 221_440 + 1_475_328 + 5_899_776 == 7_635_264
    first, *rest = model.decoder.blocks
    assert count(first) == channels * 512 * 9 + 512 + 2 * 2_359_808
    assert [count(block) for block in rest] == [1_179_904 + 2 * 590_080, 295_040 + 147_584, 73_792 + 36_928]
    assert count(model.decoder.head) == 65


def test_a_decoder_begins_as_it_is_told_and_the_rest_with_it() -> None:
    """By He's rule the maps of a VGG-16 differ from place to place; as torch starts it, all begin alike."""
    network = SimpleNamespace(**vars(SMALL) | {"standardise": False, "init": "normal", "width": 0.125})
    spreads = {}
    for kind in ("normal", "default"):
        model = GPGNet(["target"], network, decoder_init=kind)
        with torch.no_grad():
            spreads[kind] = float(model(pictures(1), pictures(1, 1)).std())
        same = GPGNet(["target"], network)
        assert all(map(torch.equal, model.encoder.parameters(), same.encoder.parameters()))
        alike = all(map(torch.equal, model.decoder.parameters(), same.decoder.parameters()))
        assert alike == (kind == network.init)
    assert spreads["normal"] > 0.02 and spreads["default"] < spreads["normal"] / 100


def test_sizes_at_the_paper_setting() -> None:
    model = GPGNet(VERSIONS["jtnl"], PAPER, LANGUAGE, 448)
    seen: list[tuple[int, ...]] = []
    model.decoder.register_forward_hook(lambda m, i, o: seen.extend([tuple(i[0].shape), tuple(o.shape)]))
    with torch.no_grad():
        model(torch.zeros(1, 3, 192, 256), torch.zeros(1, 3, 192, 256), torch.zeros(1, 16, dtype=torch.int64))
    assert seen == [(1, 1536, 12, 16), (1, 1, 192, 256)]


@pytest.mark.parametrize("version", list(VERSIONS))
def test_a_version_has_only_its_inputs(version: str) -> None:
    model = small(version)
    wanted = {"target": pictures(2, 1), "language": tokens(2)}
    given = [wanted[name] if name in model.inputs else None for name in gpgnet.INPUTS]
    assert model(pictures(2), *given).shape == (2, 1, 96, 128)
    assert (model.sentence is None) == ("language" not in model.inputs)
    with pytest.raises(InputError, match=r"needs the input|has no language input"):
        model(pictures(2)) if version != "to" else model.encode_sentence(tokens(2))


@pytest.mark.parametrize("name", ["patch", "sentence"])
def test_both_inputs_change_the_map(name: str) -> None:
    model = small("jtnl")
    one = model(pictures(1), pictures(1, 1), tokens(1, 1))
    other = model(pictures(1), pictures(1, 2 if name == "patch" else 1), tokens(1, 2 if name == "sentence" else 1))
    assert not torch.allclose(one, other)


def test_standardised_matches_numpy_and_leaves_no_spread_at_nothing() -> None:
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for over in ((2, 3), (1, 2, 3)):
        values = x.numpy()
        centred = values - values.mean(over, keepdims=True)
        slow = centred / np.sqrt(np.square(centred).mean(over, keepdims=True) + 1e-5)
        np.testing.assert_allclose(gpgnet.standardised(x, over).numpy(), slow, rtol=1e-12)
    assert not gpgnet.standardised(torch.full((1, 2, 3, 3), 7.0), (2, 3)).any()


def test_a_standardising_network_gives_its_decoder_inputs_of_one_size() -> None:
    """R40: per channel of the frame, and over all of the patch's and of the sentence's values."""
    model, seen = small("jtnl", standardise=True, repeat=True).double(), []
    model.decoder.register_forward_hook(lambda m, i, o: seen.append(i[0]))
    with torch.no_grad():
        model(pictures(2).double(), pictures(2, 1).double(), tokens(2))
        plain = small("jtnl").double()
        plain.load_state_dict(model.state_dict())
        plain.decoder.register_forward_hook(lambda m, i, o: seen.append(i[0]))
        plain(pictures(2).double(), pictures(2, 1).double(), tokens(2))
    frame, patch, _ = torch.split(seen[0], [64, 64, 24], 1)
    alive = torch.split(seen[1], [64, 64, 24], 1)[0].std((2, 3)) > 0.1
    assert frame.mean((2, 3)).abs().max() < 1e-12
    torch.testing.assert_close(
        frame.std((2, 3), correction=0)[alive], torch.ones(int(alive.sum())).double(), atol=1e-2, rtol=0
    )
    torch.testing.assert_close(patch.std((1, 2, 3), correction=0), torch.ones(2).double(), atol=1e-2, rtol=0)
    encoded = model.encode_sentence(tokens(2))
    torch.testing.assert_close(encoded.std((1, 2), correction=0), torch.ones(2).double(), atol=1e-2, rtol=0)
    torch.testing.assert_close(encoded.mean((1, 2)), torch.zeros(2).double(), atol=1e-12, rtol=0)


def test_a_tracker_may_encode_once_for_many_frames() -> None:
    model = small("jtnl").eval()
    patch, sentence = pictures(1, 1), tokens(1)
    with torch.no_grad():
        encoded = model.encode_patch(patch), model.encode_sentence(sentence)
        apart = torch.cat([model.attend(frame[None], *encoded) for frame in pictures(3)])
        together = model.attend(pictures(3), *encoded)
        whole = model(pictures(3), patch.expand(3, -1, -1, -1), sentence.expand(3, -1))
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together, whole, rtol=1e-4, atol=1e-5)


def test_one_encoder_or_two() -> None:
    shared, apart = small("to"), small("to", shared_encoder=False)
    assert count(apart) - count(shared) == count(shared.encoder)


@pytest.mark.parametrize(
    ("kind", "blocks"),
    [
        ("vgg11", [1_792, 73_856, 885_248]),
        ("vgg13", [38_720, 221_440, 885_248]),
        ("vgg19", [38_720, 221_440, 2_065_408]),
    ],
)
def test_other_encoders_have_vggs_convolutions(kind: str, blocks: list[int]) -> None:
    encoder = gpgnet.Encoder(1, kind)
    assert [count(block) for block in encoder.blocks[:3]] == blocks
    x = torch.randint(0, 256, (1, 3, 32, 48), generator=torch.Generator().manual_seed(0)).float()
    ours = encoder(x)
    theirs = getattr(torchvision.models, kind)()
    with torch.no_grad():
        for a, b in zip(convolutions(encoder), convolutions(theirs.features), strict=False):
            b.weight.copy_(a.weight)
            b.bias.copy_(a.bias)
        torch.testing.assert_close(theirs.features[: pooling(theirs.features, 4)](normal(x)), ours.detach())


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [part for part in module.modules() if isinstance(part, nn.Conv2d)]


def pooling(layers: nn.Sequential, number: int) -> int:
    """How many layers there are up to a pooling, that one too."""
    return [i for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)][number - 1] + 1


def normal(x: Tensor) -> Tensor:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (x / 255 - mean[:, None, None]) / std[:, None, None]


def test_the_decoder_mirrors_its_encoder() -> None:
    model = small("to", encoder="vgg19")
    counts = [[len(convolutions(block)) for block in part.blocks] for part in (model.encoder, model.decoder)]
    assert counts == [[2, 2, 4, 4], [4, 4, 2, 2]]


def test_a_word_is_a_column_when_there_are_as_many_columns_as_words() -> None:
    encoded = torch.randn(1, 16, 5, generator=torch.Generator().manual_seed(0))
    columns = gpgnet._columns(encoded, torch.zeros(2, 1, 12, 16))
    assert columns.shape == (2, 5, 12, 16)
    assert torch.equal(columns[1, :, 7, 3], encoded[0, 3])


def test_neighbouring_words_are_averaged_in_a_narrower_map() -> None:
    encoded = torch.randn(1, 16, 5, generator=torch.Generator().manual_seed(0))
    columns = gpgnet._columns(encoded, torch.zeros(1, 1, 6, 8))
    torch.testing.assert_close(columns[0, :, 2, 1], encoded[0, 2:4].mean(0))


def test_unknown_or_no_inputs_are_refused() -> None:
    for inputs in ([], ["sound"]):
        with pytest.raises(InputError, match="gpgnet inputs"):
            GPGNet(inputs, SMALL)


@pytest.mark.parametrize(("words", "sentence"), [(None, "a red car"), (["a", "red"], None), (["a", "red"], "")])
def test_attention_by_language_needs_a_sentence_and_a_vocabulary(words: list[str] | None, sentence: str | None) -> None:
    attention = Attention(small("nl"), None if words is None else Vocabulary(words), (96, 128))
    with pytest.raises(InputError, match="needs a sentence about the target"):
        attention.start(np.zeros((96, 128, 3), np.uint8), (10, 10, 20, 20), sentence)
