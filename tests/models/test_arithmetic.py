"""Products and roots: against float64, with gradients, and nowhere else asked of the library that answers by maker."""

import ast
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from dat.models import arithmetic

PACKAGE = Path(arithmetic.__file__).resolve().parents[1]
ROOMS = ("models", "training", "tracking")
PRODUCTS = {
    *("matmul", "mm", "bmm", "addmm", "addbmm", "baddbmm", "addmv", "mv", "einsum", "tensordot", "inner", "cdist"),
    *("dot", "vdot", "outer", "ger", "addr", "kron", "chain_matmul", "multi_dot", "vecdot", "matrix_power"),
    *("linear", "Linear", "Bilinear", "bilinear", "MultiheadAttention", "scaled_dot_product_attention", "LSTM", "GRU"),
    *("LazyLinear", "RNN", "RNNCell", "LSTMCell", "GRUCell", "__matmul__", "__rmatmul__", "__imatmul__"),
}
ROOTS = {
    *("sqrt", "sqrt_", "_foreach_sqrt", "_foreach_sqrt_", "atan", "atan_", "arctan", "arctan_", "optim"),
    *("LPPool1d", "LPPool2d", "LPPool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d"),
}
"""What of MKL's elementwise functions answers by maker, torch's optimisers and pools that take roots among it."""
POWERS = {"pow", "pow_", "float_power", "float_power_", "_foreach_pow", "_foreach_pow_", "__pow__", "__ipow__"}
HALVES = ("0.5", "-0.5", "1 / 2", "-1 / 2", "-(1 / 2)")
LINALG = ("torch.linalg", "linalg")
"""All of it is MKL's, and some of it products."""
LAPACK = ("cholesky",)
"""What of it MKL answers alike for every maker, as `dat.base.numerics` sets MKL_CBWR."""
ALLOWED_OWNERS = {"np", "math", "arithmetic", "torch.backends.cuda"}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def derivatives(function, *inputs: Tensor) -> list[Tensor]:
    """The value and the gradients of its weighted sum with respect to every input."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    value = function(*leaves)
    weights = random(*value.shape, seed=9).to(value.dtype)
    return [value.detach(), *torch.autograd.grad((value * weights).sum(), leaves)]


@pytest.mark.parametrize("shape", [(5, 7), (1, 7), (2, 3, 7), (300, 7)])
def test_linear_and_its_gradients_are_those_of_float64(shape: tuple[int, ...]) -> None:
    inputs = [random(*shape), random(4, 7, seed=1), random(4, seed=2)]
    expected = derivatives(F.linear, *(x.double() for x in inputs))
    for ours, exact in zip(derivatives(arithmetic.linear, *inputs), expected, strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("a", "b"), [((4, 5), (5, 6)), ((3, 4, 5), (3, 5, 6)), ((3, 4, 5), (5, 6)), ((2, 3, 4, 5), (2, 3, 5, 1))]
)
def test_products_and_their_gradients_are_those_of_float64(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    inputs = [random(*a), random(*b, seed=1)]
    expected = derivatives(torch.matmul, *(x.double() for x in inputs))
    for ours, exact in zip(derivatives(arithmetic.product, *inputs), expected, strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=1e-5, atol=1e-4)


def test_transposed_and_strided_inputs_are_read_as_they_are() -> None:
    wide = random(8, 20)
    a, b = wide[:, ::2], wide[:, 1::2]
    torch.testing.assert_close(arithmetic.product(a, b.mT), (a.double() @ b.double().mT).float(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(arithmetic.product(a.mT, b), (a.double().mT @ b.double()).float(), rtol=1e-5, atol=1e-5)


def test_the_order_of_sums_does_not_depend_on_the_number_of_threads() -> None:
    a, b, before = random(64, 5000), random(48, 5000, seed=1), torch.get_num_threads()
    try:
        values = []
        for threads in (1, 2, 3, 4):
            torch.set_num_threads(threads)
            values.append(derivatives(arithmetic.linear, a, b))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(x, y) for other in values[1:] for x, y in zip(values[0], other, strict=True))


def test_nothing_in_gives_nothing_out_and_float64_stays_float64() -> None:
    assert arithmetic.linear(torch.zeros(0, 7), random(4, 7)).shape == (0, 4)
    x, w = random(3, 7).double(), random(4, 7, seed=1).double()
    assert torch.equal(arithmetic.linear(x, w), F.linear(x, w))


def test_the_square_root_is_exact_where_it_can_be_and_close_elsewhere() -> None:
    assert arithmetic.square_root(torch.tensor([0.0, 1.0, 4.0, 0.25])).tolist() == [0.0, 1.0, 2.0, 0.5]
    x = torch.rand(10_000, generator=torch.Generator().manual_seed(3)) * 100
    torch.testing.assert_close(arithmetic.square_root(x).double(), x.double().sqrt(), rtol=3e-7, atol=0)


def offences(source: str) -> list[str]:
    """Calls and operators of a module that imports torch and that MKL would answer."""
    tree = ast.parse(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [node.module or "" for node in imports if isinstance(node, ast.ImportFrom)]
    names += [name.name for node in imports if isinstance(node, ast.Import) for name in node.names]
    if not any(name.split(".")[0] == "torch" for name in names):
        return []
    return [f"line {node.lineno}: {ast.unparse(node)}" for node in ast.walk(tree) if _offends(node)]


def _offends(node: ast.AST) -> bool:
    """Functions count where they are read, called or not (`map(torch.sqrt, rows)`), layers where they are made."""
    match node:
        case ast.ImportFrom(module=str(module), names=names):
            # a bare name cannot be told from one of our own where it is called
            wrong = PRODUCTS | ROOTS | POWERS | {"linalg", "*"}
            torchs, whole = module.split(".")[0] == "torch", module in ("torch.linalg", "torch.optim")
            return torchs and any((whole and name.name not in LAPACK) or name.name in wrong for name in names)
        case ast.Import(names=names):
            return any(name.name in ("torch.linalg", "torch.optim") for name in names)
        case ast.AugAssign(op=operator, value=right) | ast.BinOp(op=operator, right=right):
            return isinstance(operator, ast.MatMult) or (isinstance(operator, ast.Pow) and ast.unparse(right) in HALVES)
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in POWERS:
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            return any(ast.unparse(value) in HALVES for value in values)
        case ast.Call(func=ast.Attribute(attr=name, value=value)) | ast.Attribute(attr=name, value=value) if name[
            0
        ].isupper() == isinstance(node, ast.Call):
            owner = ast.unparse(value)
            mkls = name in PRODUCTS | ROOTS or (owner in LINALG and name not in LAPACK)
            return owner not in ALLOWED_OWNERS and mkls
    return False


def test_products_and_roots_stand_in_one_place() -> None:
    modules = [file for room in ROOMS for file in (PACKAGE / room).rglob("*.py") if file.stem != "arithmetic"]
    assert len(modules) > 30
    wrong = {str(file.relative_to(PACKAGE)): lines for file in modules if (lines := offences(file.read_text()))}
    assert not wrong, "use dat.models.arithmetic"


@pytest.mark.parametrize(
    "line",
    [
        "a @ b",
        "a.sqrt()",
        "torch.sqrt(a)",
        "a ** 0.5",
        "a.pow(0.5)",
        "torch.bmm(a, b)",
        "F.linear(a, b)",
        "nn.Linear(2, 2)",
        "a.dot(b)",
        "torch.outer(a, b)",
        "torch.ger(a, b)",
        "torch.linalg.solve(a, b)",
        "a; a @= b",
        "a; a **= 0.5",
        "list(map(torch.sqrt, a))",
        "torch._foreach_sqrt(a)",
        "a.atan()",
        "a ** (1 / 2)",
        "pow(a, 0.5)",
        "a.pow(exponent=0.5)",
        "torch.float_power(a, 0.5)",
        "a.__matmul__(b)",
        "nn.GRUCell(2, 2)",
        "torch.optim.Adam(a)",
        "F.lp_pool2d(a, 2, 2)",
    ],
)
def test_what_is_forbidden_elsewhere_is_seen(line: str) -> None:
    assert offences(f"import torch\nx = {line}\n")
    assert not offences(f"import numpy as np\nx = {line}\n")


@pytest.mark.parametrize("name", ["matmul", "sqrt as root", "linalg", "nn, mm", "atan"])
def test_a_bare_name_of_torch_is_seen_where_it_is_imported(name: str) -> None:
    assert offences(f"from torch import {name}\n") and not offences(f"from numpy import {name}\n")
    assert offences("def f():\n    from torch.nn.functional import linear\n")
    assert offences("import torch.linalg as algebra\n") and offences("from torch import *\n")
    assert offences("from torch.linalg import svd\n") and offences("from torch.optim import Adam\n")
    assert not offences("from torch.linalg import cholesky\n")
    assert not offences("from torch import Tensor, nn\n") and offences("from torch import nn\nx = a @ b\n")
