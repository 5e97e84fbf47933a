"""The table of operations that `make test-processors` compares has all that trainings and trackers compute with."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from dat.fanout import run
from dat.training import gpgnet, salnet
from tests.fanout.test_run import job
from tests.parts import training_sets
from tests.parts.tracking_parts import unit_folder
from tests.processors import operations

SHORT = (
    (r"(?m)^    \{steps: \d+(.*sentence: \{steps: )\d+", r"    {steps: 1\g<1>1"),
    (r"(?m)^(language: .*epochs: )\d+", r"\g<1>1"),
    (r"(?m)^(salnet_training:\n  cycles: )\d+", r"\g<1>1"),
    *training_sets.FEW_SAMPLES,
    (r"(?m)^(gpgnet_training: .*epochs: )\d+", r"\g<1>1"),
)
EXACT = {
    *("_local_scalar_dense", "all", "argmax", "bitwise_or", "lt", "maximum", "minimum", "ne", "relu_", "rsub", "sort"),
    *("detach_", "new_empty_strided", "roll", "set_", "split_with_sizes"),
    *("zero_", "zeros"),
}
"""What compares, moves, fills, or rounds once, and stands alone in no row of the table: one answer on any processor."""


class Seen(TorchDispatchMode):
    """Notes the name of each operation that torch computes, gradients' too; of one made of others, those."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with self:
            parts = func.decompose(*args, **(kwargs or {}))
        if parts is not NotImplemented:
            return parts
        half = [value for value in args[1:] if isinstance(value, float) and abs(value) == 0.5]
        name = str(func.overloadpacket).removeprefix("aten.")
        self.names.add(
            f"{name} {half[0]}" if half and name.startswith("pow") else name
        )  # MKL's root, not torch's power
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("root", [lambda x, half: x**half, torch.float_power])
def test_a_root_in_any_spelling_is_no_power(root: Any) -> None:
    with Seen() as seen:
        root(torch.ones(3), 0.5)
    assert "pow 0.5" in seen.names and "pow" not in seen.names


@pytest.mark.slow
def test_every_operation_of_trainings_and_trackers_is_in_the_table(tmp_path: Path) -> None:
    with Seen() as table:
        for group in (*operations.GROUPS, operations.gathers):
            assert dict(group())
    with Seen() as used:
        made = training_sets.make(tmp_path, *SHORT)
        training_sets.stage(salnet.run, made, "salnet", {"training": "training"}, {"weights": "salnet"})
        inputs = {name: f"training/{name}" for name in ("frames", "masks", "language")}
        training_sets.stage(gpgnet.run, made, "jtnl", inputs, {"weights": "jtnl"})
        place = unit_folder(tmp_path / "unit")
        run.run(job(place, tmp_path / "dat"), "cpu")
        run.run(job(place, tmp_path / "csrdcf", salnet=None), "cpu")
    assert len(used.names) > 80
    assert used.names - table.names == EXACT, "add a row to tests/processors/operations.py"
