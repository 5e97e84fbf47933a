"""Single operations of the project, forwards and backwards, hashed: `python -m tests.processors.operations`.

Prints JSON, name to sha256 of values and gradients. Two processors that agree here agree on what trainings are made of.
"""

import json
from collections.abc import Callable, Iterator

from tests.conftest import prepare

prepare()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import scipy.linalg  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from dat import records  # noqa: E402
from dat.models import arithmetic, gpgnet, graph, optimisers, salnet, vggm  # noqa: E402
from dat.models.exactness import exact  # noqa: E402
from dat.models.layers import initialise  # noqa: E402
from dat.tracking.mdnet import regression  # noqa: E402
from dat.training import losses  # noqa: E402

Function = Callable[..., Tensor]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def positive(*shape: int) -> Tensor:
    return random(*shape).abs() + 0.01


def digest(*arrays: np.ndarray | Tensor) -> str:
    parts = [x.detach().contiguous().numpy() if isinstance(x, Tensor) else np.ascontiguousarray(x) for x in arrays]
    return records.sha256_bytes(b"".join(part.tobytes() for part in parts))


def both_ways(function: Function, *inputs: Tensor) -> str:
    """The hash of an operation's value and of its gradients."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    value = function(*leaves)
    found = torch.autograd.grad((value * random(*value.shape, seed=5)).sum(), leaves, allow_unused=True)
    return digest(value, *(gradient for gradient in found if gradient is not None))


ELEMENTWISE: dict[str, Function] = {
    "exp": torch.exp,
    "log": lambda x: x.abs().add(0.1).log(),
    "log1p": lambda x: x.abs().log1p(),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "rsqrt": lambda x: x.abs().add(0.1).rsqrt(),
    "square root": lambda x: arithmetic.square_root(x.abs() + 0.1),
    "power": lambda x: (x.abs() + 0.1).pow(0.75),
    "relu": F.relu,
    "softmax": lambda x: x.softmax(-1),
    "log softmax": lambda x: x.log_softmax(-1),
    "normalise": lambda x: F.normalize(x, dim=-1),
    "sum": lambda x: x.sum(0),
    "mean": lambda x: x.mean(-1),
    "standard deviation": lambda x: x.std(0, correction=0),
    "standardised": lambda x: gpgnet.standardised(x[None, None], (2, 3)),
    "statistics": lambda x: salnet.standardise(x),
    "standard deviation and mean": lambda x: torch.cat([part.flatten() for part in torch.std_mean(x, -1)]),
    "greatest": lambda x: x.amax(-1),
    "product": lambda x: x[:, :2].prod(-1),
    "largest": lambda x: x.topk(5, dim=-1).values,
    "norm": lambda x: x.norm(),
}


def elementwise() -> Iterator[tuple[str, str]]:
    for name, function in ELEMENTWISE.items():
        yield name, both_ways(function, random(37, 61))
        yield f"{name}, long", both_ways(function, random(300, 1000))


def products() -> Iterator[tuple[str, str]]:
    for rows, inner, columns in (
        (1, 576, 64),
        (48, 576, 64),
        (48, 64, 2),
        (1024, 576, 64),
        (7, 4608, 512),
        (33, 65, 3),
    ):
        inputs = random(rows, inner), random(columns, inner, seed=1), random(columns, seed=2)
        yield f"linear {rows} x {inner} x {columns}", both_ways(arithmetic.linear, *inputs)
    yield "batched product", both_ways(arithmetic.product, random(3, 32, 32), random(3, 32, 64, seed=1))
    for kind in graph.SIMILARITIES:
        network = graph.Graph(64, 64, 3, kind, "g")
        initialise(network, "orthogonal", torch.Generator().manual_seed(1))
        yield f"graph, {kind}", both_ways(network, random(2, 32, 64))


CONVOLUTIONS = (  # images, channels in and out, side of the kernel, stride, rows and columns
    (10, 3, 8, 3, 1, 64, 80),
    (10, 8, 16, 3, 1, 32, 40),
    (10, 64, 64, 3, 1, 8, 10),
    (10, 128, 64, 3, 1, 4, 5),
    (1, 3, 8, 3, 1, 64, 80),
    (10, 8, 1, 1, 1, 64, 80),
    (20, 3, 12, 7, 2, 107, 107),
    (20, 12, 32, 5, 2, 25, 25),
    (20, 32, 64, 3, 1, 5, 5),
    (1, 3, 12, 7, 2, 160, 192),
    (1, 12, 32, 5, 2, 39, 47),
)


def convolutions() -> Iterator[tuple[str, str]]:
    for n, c, out, side, stride, rows, columns in CONVOLUTIONS:
        padding = side // 2 if stride == 1 else 0
        x = random(n, c, rows, columns).contiguous(memory_format=torch.channels_last)
        weight, bias = random(out, c, side, side, seed=1), random(out, seed=2)

        def convolve(x: Tensor, weight: Tensor, bias: Tensor, stride: int = stride, padding: int = padding) -> Tensor:
            return F.conv2d(x, weight, bias, stride, padding)

        yield (
            f"convolution {n} x {c} to {out}, {side} / {stride}, {rows} x {columns}",
            both_ways(convolve, x, weight, bias),
        )
    dilated = both_ways(lambda x, w: F.conv2d(x, w, dilation=2), random(1, 32, 20, 24), random(64, 32, 3, 3, seed=1))
    yield "dilated convolution", dilated
    yield (
        "convolution of words",
        both_ways(lambda x, w: F.conv1d(x, w, padding=1), random(8, 64, 16), random(64, 64, 3, seed=1)),
    )
    yield "adaptive pooling", both_ways(lambda x: F.adaptive_avg_pool2d(x, (5, 7)), random(2, 12, 16, 20))
    yield "pooling", both_ways(lambda x: F.max_pool2d(x, 3, 2), random(2, 12, 51, 51))
    yield "doubling", both_ways(lambda x: F.interpolate(x, scale_factor=2, mode="nearest"), random(2, 8, 10, 12))
    for kind in vggm.NORMALISATIONS.values():
        yield (
            f"normalised channels, {kind.below}",
            both_ways(lambda x, k=kind: vggm.normalise(x, k), random(2, 12, 9, 9)),
        )
        yield f"activated channels, {kind.below}", digest(vggm.activate(random(2, 12, 9, 9), kind))


def trainings() -> Iterator[tuple[str, str]]:
    for name, kind in optimisers.OPTIMISERS.items():
        weight = nn.Parameter(random(37, 11))
        optimiser = kind([weight], lr=0.01)
        for step in range(3):
            weight.grad = random(37, 11, seed=step)
            nn.utils.clip_grad_norm_([weight], 1.0)
            optimiser.step()
        yield f"optimiser {name}", digest(weight)
    labels = torch.arange(48) % 2
    yield "cross-entropy", both_ways(lambda x: losses.classification(x, labels), random(48, 2))
    words = torch.arange(60).reshape(4, 15) % 11
    yield "words", both_ways(lambda x: F.embedding(words, x, padding_idx=0), random(11, 26))
    yield "gathered and added", both_ways(lambda x: x.scatter_add(1, words, x.gather(1, words)), random(4, 20))
    masks = (random(4, 1, 16, 20, seed=1) > 0).float()
    yield "cross-entropy of maps", both_ways(lambda x: losses.attention(x, masks), random(4, 1, 16, 20))
    yield "triplets", both_ways(lambda a, x: losses.triplet(a, x, labels), random(64), random(48, 64, seed=1))
    for init in ("orthogonal", "normal", "mdnet", "default"):
        network = salnet.SALNet(NETWORK(init), generator=torch.Generator().manual_seed(3))
        yield f"initial weights, {init}", digest(*network.state_dict().values())


class NETWORK:
    width, fc4, standardise, normalisation = 0.125, 512, True, "vgg-m"

    def __init__(self, init: str) -> None:
        self.init = init


def linear_algebra() -> Iterator[tuple[str, str]]:
    for samples, features in ((300, 576), (60, 576)):
        weights = regression.ridge(random(samples, features), random(samples, 4, seed=1), 1000.0)
        yield f"ridge {samples} x {features}", digest(*weights)
    a = random(60, 20).double().numpy()
    yield "NumPy's products", digest(a @ a.T, a.T @ a[:, 0], np.dot(a.ravel(), a.ravel()))
    yield "NumPy's singular values", digest(*np.linalg.svd(a))
    yield "SciPy's solution", digest(scipy.linalg.solve(a.T @ a, a.T[:, :3], assume_a="pos"))
    yield "spectra", digest(np.fft.rfft2(a), np.fft.irfft2(np.fft.rfft2(a.astype(np.float32)), s=a.shape))


def numpy_functions() -> Iterator[tuple[str, str]]:
    rng = np.random.default_rng(0)
    for kind in (np.float32, np.float64):
        x = rng.normal(size=5000).astype(kind)
        for function in (np.exp, np.sin, np.cos, np.arctan, np.tanh, np.cbrt):
            yield f"NumPy's {function.__name__}, {kind.__name__}", digest(function(x))
        y = np.abs(x) + kind(0.1)
        for function in (np.log, np.sqrt, np.log1p, np.reciprocal):
            yield f"NumPy's {function.__name__}, {kind.__name__}", digest(function(y))
        yield f"NumPy's power, {kind.__name__}", digest(y ** kind(0.3), np.hypot(x, y), np.arctan2(x, y))
        yield f"NumPy's sums, {kind.__name__}", digest(np.array([x.sum(), x.mean(), x.std(), np.cumsum(x)[-1]]))
    yield (
        "NumPy's draws",
        digest(rng.normal(size=999), rng.uniform(size=999), rng.permutation(999), rng.gamma(2, size=99)),
    )
    yield (
        "NumPy's bins",
        digest(np.histogram(rng.normal(size=999), 20)[0], np.quantile(rng.normal(size=99), [0.025, 0.5])),
    )


def pictures() -> Iterator[tuple[str, str]]:
    rng = np.random.default_rng(1)
    image = cv2.GaussianBlur(rng.integers(0, 256, (120, 160, 3), np.uint8), (7, 7), 2)
    for name, kind in (("nearest", 0), ("bilinear", 1), ("bicubic", 2), ("area", 3)):
        yield f"resize, {name}", digest(cv2.resize(image, (53, 47), interpolation=kind))
    matrix = np.array([[0.9, 0.2, 3.3], [-0.1, 1.1, 2.2]])
    yield "warp", digest(cv2.warpAffine(image, matrix, (150, 110), flags=cv2.INTER_LINEAR))
    places = np.stack(np.meshgrid(np.arange(90), np.arange(70)), -1).astype(np.float32) * 1.37
    yield "remap", digest(cv2.remap(image, places[..., 0], places[..., 1], cv2.INTER_LINEAR))
    yield "blur", digest(cv2.GaussianBlur(image.astype(np.float32), (9, 9), 1.5))
    yield "colours", digest(cv2.cvtColor(image, cv2.COLOR_RGB2Lab), cv2.cvtColor(image, cv2.COLOR_RGB2HSV))
    jpeg = cv2.imencode(".jpg", image)[1]
    yield "JPEG", digest(jpeg, cv2.imdecode(jpeg, cv2.IMREAD_COLOR))
    outline = np.array([[10, 12], [90, 20], [70, 100]], np.int32)
    yield "polygon", digest(cv2.fillPoly(np.zeros((120, 160), np.uint8), [outline], 255, cv2.LINE_AA))


def gathers() -> Iterator[tuple[str, str]]:
    """Operations that read at computed places; see `compare.py` on the emulator."""
    grid = torch.rand(1, 60, 50, 2, generator=torch.Generator().manual_seed(0)) * 2.2 - 1.1
    for mode in ("zeros", "border"):

        def sample(x: Tensor, mode: str = mode) -> Tensor:
            return F.grid_sample(x, grid, padding_mode=mode, align_corners=False)

        yield f"sampling, {mode}", both_ways(sample, random(1, 3, 40, 50))


GROUPS = (elementwise, products, convolutions, trainings, linear_algebra, numpy_functions, pictures)


def main(groups: tuple[Callable[[], Iterator[tuple[str, str]]], ...]) -> None:
    exact(2)
    print(json.dumps({name: value for group in groups for name, value in group()}, indent=1))


if __name__ == "__main__":
    import sys

    main((gathers,) if "gathers" in sys.argv[1:] else GROUPS)
