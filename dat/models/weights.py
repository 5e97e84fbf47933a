"""Weights on disk: our own folders (safetensors), and readers of the public starting weights."""

import io
import json
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from dat import records
from dat.base import opening, used
from dat.base.errors import InputError, MissingError
from dat.base.sections import GraphSettings, Language, NetworkSettings
from dat.models.gpgnet import GPGNet
from dat.models.salnet import SALNet
from dat.models.sentence import SentenceNet
from dat.models.vocabulary import Vocabulary

M = TypeVar("M", bound=nn.Module)

FILE = "weights.safetensors"
LARGEST = 2048 * opening.MB
VGGM_LAYERS = {"conv1": 0, "conv2": 4, "conv3": 8}  # entries of `layers` in imagenet-vgg-m.mat
PYMDNET = {  # keys of both generations of py-MDNet -> ours
    "conv1.0": "vggm.conv1",
    "conv2.0": "vggm.conv2",
    "conv3.0": "vggm.conv3",
    "fc4.0": "fc4",  # April 2019 and later
    "fc4.1": "fc4",  # 2017
    "fc5.1": "fc5",
}


def save(folder: Path, module: nn.Module, metadata: dict[str, Any]) -> None:
    """Write folder/weights.safetensors, metadata as one JSON block; a network's domain layers are left out."""
    from safetensors.torch import save as to_bytes

    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in module.state_dict().items()
        if not name.startswith("branches.")
    }
    folder.mkdir(parents=True, exist_ok=True)
    records.write_bytes(folder / FILE, to_bytes(tensors, {"dat": json.dumps(metadata, sort_keys=True)}))


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and metadata of a folder or of a .safetensors file of ours."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    file = path / FILE if path.is_dir() else path
    if not file.exists():
        raise MissingError(f"{file}: no weights there; `make repro` (or `dat train`) makes them")
    data = used.read(file, LARGEST)
    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        return tensors, opening.parse_json(header.get("__metadata__", {}).get("dat", "{}"), file)
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{file}: not a readable safetensors file ({error})") from error


def load_salnet(folder: Path, device: str = "cpu") -> SALNet:
    """The SALNet of a weights folder, without domain layers, in evaluation mode."""
    tensors, metadata = read(folder)
    _expect(folder, metadata, "salnet")
    network = NetworkSettings.model_construct(**metadata["network"])
    graph = GraphSettings.model_construct(**metadata["graph"]) if metadata.get("graph") else None
    model = SALNet(network, graph, metadata["nodes"], metadata["layers"])
    return _filled(model, tensors, folder, device)


def load_gpgnet(folder: Path, device: str = "cpu") -> tuple[GPGNet, Vocabulary | None]:
    """The GPGNet of a weights folder in evaluation mode, and its vocabulary if it has language."""
    tensors, metadata = read(folder)
    _expect(folder, metadata, "gpgnet")
    vocabulary = Vocabulary.load(folder / "vocabulary.json") if "language" in metadata["inputs"] else None
    model = GPGNet(
        metadata["inputs"],
        NetworkSettings.model_construct(**metadata["network"]),
        Language.model_construct(**metadata["language"]) if vocabulary else None,
        vocabulary=len(vocabulary) if vocabulary else 0,
        shared_encoder=metadata["shared_encoder"],
        repeat=metadata.get("repeat", False),
        encoder=metadata.get("encoder", "vgg16"),
    )
    return _filled(model, tensors, folder, device), vocabulary


def load_sentence(folder: Path, device: str = "cpu") -> tuple[SentenceNet, Vocabulary]:
    """The sentence encoder and vocabulary of the language stage."""
    tensors, metadata = read(folder)
    _expect(folder, metadata, "language")
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    language = metadata["language"]
    model = SentenceNet(len(vocabulary), language["channels"], language["kernel"], language["layers"])
    sentence_tensors = {k.removeprefix("sentence."): v for k, v in tensors.items() if k.startswith("sentence.")}
    return _filled(model, sentence_tensors, folder, device), vocabulary


def _expect(folder: Path, metadata: dict[str, Any], kind: str) -> None:
    if metadata.get("kind") != kind:
        raise InputError(f"{folder}: weights of kind {metadata.get('kind')!r}, expected {kind!r}")


def _filled(model: M, tensors: dict[str, Tensor], where: Path, device: str) -> M:
    assign(model, tensors, where)
    return model.to(device).eval().requires_grad_(False)


def assign(module: nn.Module, tensors: dict[str, Tensor], where: Path | str) -> None:
    """Copy `tensors` into `module`; every name and shape must fit, both ways, else InputError says which do not."""
    expected = module.state_dict()
    problems = [f"missing {name}" for name in expected if name not in tensors]
    problems += [f"left over {name}" for name in tensors if name not in expected]
    problems += [
        f"{name} is {tuple(tensors[name].shape)}, expected {tuple(expected[name].shape)}"
        for name in expected
        if name in tensors and tensors[name].shape != expected[name].shape
    ]
    if problems:
        raise InputError(f"{where}: does not fit the network: {'; '.join(problems[:4])}")
    module.load_state_dict(tensors)


def read_vggm(path: Path) -> dict[str, Tensor]:
    """conv1 to conv3 of MatConvNet's imagenet-vgg-m.mat as `conv1.weight`, ...: (H,W,in,out) -> (out,in,H,W)."""
    if not path.is_file():
        raise MissingError(f"{path}: no weights file there; `dat weights get vgg-m` fetches it")
    data = used.read(path, LARGEST)
    try:
        layers = opening.read_matlab(data, LARGEST)["layers"].ravel()
        return {
            f"{name}.{kind}": value
            for name, index in VGGM_LAYERS.items()
            for kind, value in _vggm_layer(layers[index]).items()
        }
    except (KeyError, IndexError, ValueError, NotImplementedError) as error:
        raise InputError(f"{path}: not MatConvNet's VGG-M (a cell `layers` with weights at entries 0, 4, 8)") from error


def _vggm_layer(cell: Any) -> dict[str, Tensor]:
    layer = cell[0, 0]
    if "weights" in layer.dtype.names:
        pair = layer["weights"].ravel()
        filters, bias = pair if len(pair) == 2 else pair[0].ravel()
    else:  # files from before MatConvNet tidied its layers
        filters, bias = layer["filters"], layer["biases"]
    weight = torch.from_numpy(filters.astype("float32")).permute(3, 2, 0, 1).contiguous()
    return {"weight": weight, "bias": torch.from_numpy(bias.astype("float32").ravel())}


def _plain_tensors(path: Path) -> Any:
    """What a .pth holds, if that is tensors in plain containers: a pickle that wants more is refused, not run.

    Raises MissingError when there is no file.
    """
    if not path.is_file():
        raise MissingError(f"{path}: no weights file there; `dat weights list` says where public ones come from")
    data = used.read(path, LARGEST)
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a broken or a hostile pickle may fail in any way
        raise InputError(f"{path}: not a file of plain tensors, so not opened ({type(error).__name__})") from None


def read_pymdnet(path: Path) -> tuple[dict[str, Tensor], str]:
    """The ten tensors of a py-MDNet .pth (`shared_layers`), of either generation, under our names, and the response
    normalisation that its generation was trained with [R33]."""
    loaded = _plain_tensors(path)
    if not isinstance(loaded, dict) or set(loaded) != {"shared_layers"}:
        raise InputError(f"{path}: expected one key shared_layers, found {_some(loaded)}")
    tensors: dict[str, Tensor] = {}
    for key, value in loaded["shared_layers"].items():
        layer, _, kind = key.rpartition(".")
        if layer not in PYMDNET or kind not in ("weight", "bias"):
            raise InputError(f"{path}: the tensor {key} belongs to no layer of MDNet")
        tensors[f"{PYMDNET[layer]}.{kind}"] = value
    if len(tensors) != 10:
        raise InputError(f"{path}: {len(tensors)} tensors of MDNet's 10: {', '.join(sorted(tensors))}")
    return tensors, "v2" if "fc4.0.weight" in loaded["shared_layers"] else "vgg-m"


def _some(keys: object) -> str:
    return ", ".join(list(map(str, keys))[:4]) if isinstance(keys, dict) else type(keys).__name__


def read_encoder(source: str, kind: str, profile: Path) -> dict[str, Tensor]:
    """Starting weights of GPGNet's encoder, a VGG of `kind`: a folder of the stage `encoder`, else as `read_vgg16`.

    A path counts from the folder `profile`. Raises InputError when the weights are of another kind.
    """
    place = profile / source
    if not place.exists():
        raise MissingError(
            f"{place}: no weights there; `dat train encoder {kind}` makes a folder of its kind, "
            "`dat weights get vgg16` fetches ImageNet's"
        )
    if place.is_dir():
        tensors, metadata = read(place)
        _expect(Path(source), metadata, "encoder")
        of = metadata["encoder"]
    else:
        tensors, of = read_vgg16(place), "vgg16"
    if of != kind:
        raise InputError(f"network.vgg16 {source} is a {of}, gpgnet_training.encoder is {kind}: make it {of}")
    return tensors


def read_vgg16(source: Path) -> dict[str, Tensor]:
    """VGG-16 through conv4_3 under `Encoder`'s names, from the file of torchvision's state dict."""
    tensors = _plain_tensors(source)
    names = _vgg16_names()
    missing = [name for name in names if name not in (tensors if isinstance(tensors, dict) else ())]
    if missing:
        raise InputError(f"{source}: not torchvision's VGG-16, {missing[0]} is missing")
    return {ours: tensors[theirs] for theirs, ours in names.items()}


def _vgg16_names() -> dict[str, str]:
    """torchvision counts convolutions, ReLUs and poolings through; we count within a block."""
    names, index = {}, 0
    for block, convolutions in enumerate((2, 2, 3, 3)):
        for i in range(convolutions):
            for kind in ("weight", "bias"):
                names[f"features.{index}.{kind}"] = f"blocks.{block}.{2 * i}.{kind}"
            index += 2
        index += 1
    return names
