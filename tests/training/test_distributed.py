"""Two processes, really started, against one: the same curve, one that writes; and the pieces by hand."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from dat import records
from dat.base import params
from dat.training import distributed
from tests.parts import training_sets

ROOT = Path(__file__).resolve().parents[2]
CHANGES = (
    (r"(?m)^(salnet_training:\n  cycles: )\d+", r"\g<1>1"),
    (r"(?m)^(  frames_per_batch: )\d+", r"\g<1>2"),
    (r"(?m)^(  positives: )\d+", r"\g<1>8"),
    (r"(?m)^(  negatives: )\d+", r"\g<1>25"),  # 33: unequal shares
    (r"(?m)^(  dropout: )[\d.]+(\n  dropout_fc4: [\d.]+\n  branch_init)", r"\g<1>0.5\2"),
    (r"(?m)^(gpgnet_training: .*batch: )\d+", r"\g<1>5"),  # 15 frames less 3: the last of an epoch has 2
    (r"(?m)^(gpgnet_training: .*epochs: )\d+", r"\g<1>2"),
    (r"(?m)^(language: .*epochs: )\d+", r"\g<1>4"),
    (r"(?m)^(language: .*dropout: )[\d.]+", r"\g<1>0.2"),
    (r"vgg16: training/encoder/vgg11", "vgg16: none"),  # every training starts from the same weights
    (r"(?m)^(language: .*batch: )\d+", r"\g<1>3"),  # 4 sentences: the last batch has 1, and one process none
)
DOUBLE = """
import torch
from dat import cli
from dat.models import arithmetic
torch.set_default_dtype(torch.float64)
torch.float32, torch.Tensor.float = torch.float64, torch.Tensor.double
arithmetic._replaced = lambda a, b: False
"""
"""Trains in float64, in which the order of sums, another one in two processes, shows in the last digits only."""

STAGES = {
    "language": (["language"], "training/language"),
    "encoder": (["encoder", "vgg11"], "training/encoder/vgg11"),
    "gpgnet": (["gpgnet", "jtnl"], "weights/gpgnet/jtnl"),
    "salnet": (["salnet", "salnet"], "weights/salnet/core/salnet"),
}

ALL = f"""
import os
ports = os.environ.get("MASTER_PORT", "").split(",")
for number, arguments in enumerate({[arguments for arguments, _ in STAGES.values()]}):
    os.environ["MASTER_PORT"] = ports[number % len(ports)]
    cli.run_in_process(["train", *arguments])
"""
"""All trainings one after another, each pair of them at a port of its own."""


def free_ports(count: int) -> str:
    """Ports of this machine that nobody listens at, with commas between."""
    with contextlib.ExitStack() as stack:
        free = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in free:
            one.bind(("127.0.0.1", 0))
        return ",".join(str(one.getsockname()[1]) for one in free)


def two(folder: Path, code: str, groups: int = 1) -> list["subprocess.CompletedProcess[str]"]:
    """Run code in two processes with what `torchrun` gives them, with a port for each group; both must end well."""
    ports = free_ports(groups)
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": ports, "DAT_DEVICES": "cpu"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=folder,
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    done = [subprocess.CompletedProcess((), -1, *one.communicate(timeout=600)) for one in started]
    assert [one.returncode for one in started] == [0, 0], [one.stderr[-2000:] for one in done]
    return done


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> params.Settings:
    return training_sets.make(tmp_path_factory.mktemp("profile"), *CHANGES)


@pytest.fixture(scope="module")
def both(made: params.Settings) -> Iterator[tuple[Path, Path, list["subprocess.CompletedProcess[str]"]]]:
    """The profile trained by one process, and another trained by two."""
    pair = made.path.parent / f"{made.path.name}-pair"
    pair.mkdir()
    for name in ("params.yaml", "data", "training"):
        subprocess.run(["cp", "-r", made.path / name, pair / name], check=True)
    subprocess.run(
        [sys.executable, "-c", DOUBLE + ALL],
        cwd=made.path,
        env=os.environ | {"DAT_DEVICES": "cpu", "PYTHONPATH": str(ROOT)},
        check=True,
    )
    yield made.path, pair, two(pair, DOUBLE + ALL, len(STAGES))


def curve(folder: Path) -> list[dict[str, float]]:
    return [{name: float(value) for name, value in row.items()} for row in training_sets.curve(folder)]


@pytest.mark.slow
@pytest.mark.parametrize("name", STAGES)
def test_two_processes_give_the_curve_of_one(
    both: tuple[Path, Path, list["subprocess.CompletedProcess[str]"]], name: str
) -> None:
    one, pair = (curve(path / STAGES[name][1]) for path in both[:2])
    assert len(one) == len(pair) > 1
    for alone, together in zip(one, pair, strict=True):
        assert together == pytest.approx(alone, rel=1e-9)


@pytest.mark.slow
def test_the_first_process_alone_writes_and_prints(
    both: tuple[Path, Path, list["subprocess.CompletedProcess[str]"]],
) -> None:
    one, pair, said = both
    first, second = said
    assert second.stdout == second.stderr == ""
    places = [first.stderr.index(words) for words in ("sentences", "encoder vgg11", "gpgnet jtnl", "domains")]
    assert places == sorted(places)
    assert records.read_json(pair / "weights/gpgnet/jtnl/record.json")["environment"]["processes"] == 2
    assert "processes" not in records.read_json(one / "weights/gpgnet/jtnl/record.json")["environment"]
    assert not list(pair.rglob("*.tmp")) and not list(pair.rglob("step-*.pt"))


@pytest.mark.slow
def test_gather_sums_gradients_as_one_process_would(tmp_path: Path) -> None:
    """The loss's gradient for a weight before and one after the samples meet, with 5, 1 and 0 samples."""
    code = """
import torch
from dat.training import distributed as d
with d.group("cpu"):
    for count in (5, 1):
        x = torch.arange(1.0, 1 + 3 * count, dtype=torch.float64).view(count, 3)
        def loss(a, b, features): return ((features - features.mean(0)) * b).pow(2).sum() + (features * b).sin().mean()
        def pair(): return [torch.full((3,), v, dtype=torch.float64, requires_grad=True) for v in (0.3, 0.7)]
        a, b = pair()
        loss(a, b, x * a).backward()
        c, e = pair()
        (loss(c, e, d.gather(x[d.computed(count)] * c, count)) / d.processes()).backward()
        d.add_gradients([c, e])
        torch.testing.assert_close(c.grad, a.grad)
        torch.testing.assert_close(e.grad, b.grad)
    assert d.broadcast({"rank": torch.distributed.get_rank()}) == {"rank": 0}
"""
    two(tmp_path, code)


@pytest.mark.slow
def test_both_go_on_from_the_first_processs_checkpoint(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
from pathlib import Path
import pytest, torch
from tests.training.test_runner import SETTINGS, Killed, Line, weights_of
from dat.training import distributed as d, runner
from dat.training.checkpoints import Checkpoints
whole = Line()
expected = runner.train(whole, SETTINGS)
with d.group("cpu"):
    own = Path("shared" if d.first() else "nothing")
    with pytest.raises(Killed):
        runner.train(Line(stop=8), SETTINGS, Checkpoints(own))
    again = Line()
    rows = runner.train(again, SETTINGS, Checkpoints(own))
    assert again.seen[0] == 6 and Path("nothing").exists() is False
    assert rows == expected if d.first() else [row["loss"] for row in rows] == [row["loss"] for row in expected]
    assert all(torch.equal(a, b) for a, b in zip(weights_of(whole), weights_of(again), strict=True))
"""
    two(tmp_path, code)


def test_alone_nothing_is_exchanged() -> None:
    x = torch.ones(3, 2)
    assert distributed.gather(x, 3) is x and distributed.computed(3) == slice(0, 3)
    assert distributed.first() and distributed.processes() == 1 and distributed.broadcast(4) == 4


@pytest.mark.parametrize("count", [0, 1, 2, 7, 32])
def test_shares_are_all_samples_once_in_order(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 3)
    found = []
    for rank in range(3):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        found += list(range(count))[distributed.share(count)]
        computed = list(range(count))[distributed.computed(count)]
        assert computed == (list(range(count))[distributed.share(count)] or list(range(count))[:1])  # never nothing
    assert found == list(range(count))
