"""Weights on disk: ours both ways, and the public files' formats, made here."""

import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dat.base.errors import InputError, MissingError
from dat.models import weights
from dat.models.gpgnet import Encoder, GPGNet
from dat.models.salnet import SALNet
from dat.models.vggm import VGGM
from dat.models.vocabulary import Vocabulary
from tests.parts.matconvnet import matconvnet

NETWORK = {"width": 0.05, "fc4": 512, "standardise": True, "init": "normal", "normalisation": "vgg-m"}
GRAPH = {"similarity": "distance", "adjacency": "g", "self_loops": True, "width": 512}


def salnet(domains: int = 0) -> SALNet:
    return SALNet(SimpleNamespace(**NETWORK), SimpleNamespace(**GRAPH), 4, 1, domains)


def salnet_facts() -> dict[str, object]:
    return {"kind": "salnet", "network": NETWORK, "graph": GRAPH, "nodes": 4, "layers": 1}


def pymdnet_keys(fc4: str) -> dict[str, torch.Tensor]:
    model = SALNet(SimpleNamespace(**NETWORK))
    names = {"conv1.0": model.vggm.conv1, "conv2.0": model.vggm.conv2, "conv3.0": model.vggm.conv3}
    names |= {fc4: model.fc4, "fc5.1": model.fc5}
    return {f"{name}.{kind}": getattr(layer, kind).data for name, layer in names.items() for kind in ("weight", "bias")}


def test_salnet_comes_back_without_its_domain_layers(tmp_path: Path) -> None:
    model = salnet(domains=3)
    weights.save(tmp_path / "w", model, salnet_facts())
    again = weights.load_salnet(tmp_path / "w")
    assert len(again.branches) == 0 and not again.training
    assert torch.equal(again.vggm.conv2.weight, model.vggm.conv2.weight)
    assert torch.equal(again.graph.layers[0].weight, model.graph.layers[0].weight)


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        weights.save(tmp_path / name, salnet(), salnet_facts())
    assert (tmp_path / "a" / weights.FILE).read_bytes() == (tmp_path / "b" / weights.FILE).read_bytes()


def test_gpgnet_comes_back_with_its_vocabulary(tmp_path: Path) -> None:
    vocabulary, language = Vocabulary(["car", "red"]), {"channels": 8, "kernel": 3, "layers": 3}
    model = GPGNet(["language"], SimpleNamespace(**NETWORK), SimpleNamespace(**language), len(vocabulary))
    facts = {"kind": "gpgnet", "inputs": ["language"], "network": NETWORK, "language": language, "shared_encoder": True}
    weights.save(tmp_path, model, facts)
    vocabulary.save(tmp_path / "vocabulary.json")
    again, words = weights.load_gpgnet(tmp_path)
    assert words is not None and words.known == ["car", "red"]
    tokens = words.tokens("red car")[None]
    assert torch.equal(again.encode_sentence(tokens), model.encode_sentence(tokens))


def test_missing_weights_say_what_makes_them(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="make repro"):
        weights.load_salnet(tmp_path)


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    weights.save(tmp_path, salnet(), salnet_facts() | {"kind": "gpgnet"})
    with pytest.raises(InputError, match="kind 'gpgnet', expected 'salnet'"):
        weights.load_salnet(tmp_path)


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / weights.FILE).write_bytes(b"not safetensors at all")
    with pytest.raises(InputError, match=r"weights\.safetensors"):
        weights.read(tmp_path)


@pytest.mark.parametrize(("fc4", "normalisation"), [("fc4.0", "v2"), ("fc4.1", "vgg-m")])
def test_pymdnet_of_both_generations(tmp_path: Path, fc4: str, normalisation: str) -> None:
    tensors = pymdnet_keys(fc4)
    torch.save({"shared_layers": tensors}, tmp_path / "mdnet.pth")
    model = SALNet(SimpleNamespace(**NETWORK), generator=torch.Generator().manual_seed(1))
    ours, trained_with = weights.read_pymdnet(tmp_path / "mdnet.pth")
    weights.assign(model, ours, "mdnet.pth")
    assert trained_with == normalisation
    assert torch.equal(model.fc4.weight, tensors[f"{fc4}.weight"])
    assert torch.equal(model.vggm.conv1.bias, tensors["conv1.0.bias"])


def test_a_key_left_over_in_pymdnet_is_an_error(tmp_path: Path) -> None:
    torch.save({"shared_layers": pymdnet_keys("fc4.0") | {"fc6.1.weight": torch.zeros(2)}}, tmp_path / "m.pth")
    with pytest.raises(InputError, match=r"fc6\.1\.weight belongs to no layer"):
        weights.read_pymdnet(tmp_path / "m.pth")


def test_a_missing_tensor_in_pymdnet_is_an_error(tmp_path: Path) -> None:
    tensors = pymdnet_keys("fc4.0")
    del tensors["fc5.1.bias"]
    torch.save({"shared_layers": tensors}, tmp_path / "m.pth")
    with pytest.raises(InputError, match="9 tensors of MDNet's 10"):
        weights.read_pymdnet(tmp_path / "m.pth")


class _Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.mkdir, (Path("harm"),)


def test_a_pickle_that_wants_more_than_tensors_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"shared_layers": _Harm()}, tmp_path / "m.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Harm()))
    for name in ("m.pth", "plain.pth"):
        with pytest.raises(InputError, match="not opened"):
            weights.read_pymdnet(tmp_path / name)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("read", [weights.read_pymdnet, weights.read_vggm, weights.read_vgg16])
def test_a_weights_file_that_is_not_there_is_told_as_such(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(MissingError, match="no weights file there; `dat weights"):
        read(tmp_path / "weights.pth")


def test_a_vgg16_that_is_no_state_dict_is_refused(tmp_path: Path) -> None:
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Harm()))
    with pytest.raises(InputError, match=r"not torchvision's VGG-16"):
        weights.read_vgg16(tmp_path / "list.pth")
    with pytest.raises(InputError, match="not opened"):
        weights.read_vgg16(tmp_path / "plain.pth")


@pytest.mark.parametrize("tidy", [True, False])
def test_vggm_from_matconvnet(tmp_path: Path, tidy: bool) -> None:
    model = VGGM(0.05)
    torch.nn.init.normal_(model.conv1.bias)
    matconvnet(tmp_path / "vgg-m.mat", model, tidy)
    found = weights.read_vggm(tmp_path / "vgg-m.mat")
    assert list(found) == list(model.state_dict())
    for name, value in model.state_dict().items():
        assert torch.equal(found[name], value), name


def test_another_mat_file_is_refused(tmp_path: Path) -> None:
    import scipy.io

    scipy.io.savemat(tmp_path / "other.mat", {"x": np.zeros(3)})
    with pytest.raises(InputError, match=r"other\.mat: not MatConvNet's VGG-M"):
        weights.read_vggm(tmp_path / "other.mat")


def test_vgg16_names_are_torchvisions(tmp_path: Path) -> None:
    from torchvision.models import vgg16

    with torch.device("meta"):
        shapes = {name: tuple(value.shape) for name, value in vgg16(weights=None).state_dict().items()}
    ours = {name: tuple(value.shape) for name, value in Encoder(1).state_dict().items()}
    names = weights._vgg16_names()
    assert {names[theirs]: shapes[theirs] for theirs in names} == ours


def test_vgg16_from_a_file(tmp_path: Path) -> None:
    encoder = Encoder(0.1)
    theirs = {theirs: encoder.state_dict()[ours] for theirs, ours in weights._vgg16_names().items()}
    torch.save(theirs | {"classifier.0.weight": torch.zeros(1)}, tmp_path / "vgg16.pth")
    found = weights.read_vgg16(tmp_path / "vgg16.pth")
    weights.assign(Encoder(0.1), found, "vgg16.pth")
    assert torch.equal(found["blocks.3.4.weight"], encoder.blocks[3][4].weight)


def test_a_shape_that_does_not_fit_is_named() -> None:
    with pytest.raises(InputError, match=r"conv1\.weight is \(10, 3, 7, 7\), expected \(5, 3, 7, 7\)"):
        weights.assign(VGGM(0.05), VGGM(0.1).state_dict(), "file")
