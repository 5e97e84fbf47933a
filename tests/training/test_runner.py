"""The training loop: exact to resume, and it stops where it should."""

import copy
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dat import records
from dat.base.errors import JobError
from dat.models.layers import Dropout
from dat.models.optimisers import OPTIMISERS, SGD, Adagrad, Adam, Optimiser
from dat.training import runner
from dat.training.checkpoints import Checkpoints

SETTINGS = SimpleNamespace(clip=10.0, checkpoint=3, bf16=False)
HALF = SimpleNamespace(clip=10.0, checkpoint=3, bf16=True)


class Killed(Exception):
    pass


@dataclass
class Line:
    """Fits a line, with dropout; breaks off or goes wrong at a step."""

    steps: int = 10
    every: int = 4
    seed: int = 0
    lower: str = "line.batch"
    stop: int | None = None
    wrong: int | None = None
    seen: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.module = nn.Sequential(nn.Linear(4, 8), Dropout(0.5), nn.Linear(8, 1))
        source = runner.generator(self.seed)
        for p in self.module.parameters():
            nn.init.normal_(p, generator=source)
        self.optimiser = Adam(self.module.parameters(), 0.1)

    def rate(self, step: int) -> float:
        return 1 - step / self.steps

    def batch(self, step: int) -> Tensor:
        if step == self.stop:
            raise Killed
        self.seen.append(step)
        x = torch.randn(5, 4, generator=runner.generator(self.seed, 9, step))
        return x * math.nan if step == self.wrong else x

    def loss(self, batch: Tensor) -> dict[str, Tensor]:
        error = (self.module(batch) - batch.sum(1, keepdim=True)).square().mean()
        return {"loss": error, "error": error}

    def samples(self, batch: Any) -> list[str]:
        return ["car-1:4", "car-1:9"]

    def validate(self) -> dict[str, float]:
        assert not self.module.training and not torch.is_grad_enabled()
        return {"held_out": float(self.module(torch.ones(1, 4)))}


def weights_of(task: Line) -> list[Tensor]:
    return [p.detach().clone() for p in task.module.parameters()]


@pytest.mark.parametrize("stop", [1, 3, 5, 8, 9])
def test_killed_and_started_again_ends_in_the_same_weights_and_curve(tmp_path: Path, stop: int) -> None:
    whole = Line()
    expected = runner.train(whole, SETTINGS)
    with pytest.raises(Killed):
        runner.train(Line(stop=stop), SETTINGS, Checkpoints(tmp_path))
    again = Line()
    rows = runner.train(again, SETTINGS, Checkpoints(tmp_path))
    assert rows == expected
    assert all(torch.equal(a, b) for a, b in zip(weights_of(whole), weights_of(again), strict=True))
    assert again.seen[0] == 3 * (stop // 3)


def test_bfloat16_changes_the_losses_a_little() -> None:
    plain, half = runner.train(Line(), SETTINGS), runner.train(task := Line(), HALF)
    assert all(a["loss"] != b["loss"] for a, b in zip(plain, half, strict=True))
    assert [row["loss"] for row in half] == pytest.approx([row["loss"] for row in plain], rel=0.03)
    assert all(p.dtype is p.grad.dtype is torch.float32 for p in task.module.parameters() if p.grad is not None)


def test_bfloat16_is_what_autocast_computes() -> None:
    """The first step by hand: the products are rounded, the sum of squares is not."""
    task, reference = Line(steps=1), Line(steps=1)
    found = runner.train(task, HALF)[0]["loss"]
    x = reference.batch(0)
    first, drop, last = reference.module
    h = (x.bfloat16() @ first.weight.bfloat16().T + first.bias.bfloat16()).detach()
    keep = torch.empty(h.shape, dtype=h.dtype).bernoulli_(0.5, generator=runner.generator(0, 1, 0))
    y = (h * keep / (1 - drop.p)) @ last.weight.bfloat16().T + last.bias.bfloat16()
    assert found == pytest.approx((y - x.sum(1, keepdim=True)).square().mean().item(), rel=0.01)


@pytest.mark.parametrize("stop", [5, 8])
def test_resumes_exactly_in_bfloat16(tmp_path: Path, stop: int) -> None:
    whole = Line()
    expected = runner.train(whole, HALF)
    with pytest.raises(Killed):
        runner.train(Line(stop=stop), HALF, Checkpoints(tmp_path))
    again = Line()
    assert runner.train(again, HALF, Checkpoints(tmp_path)) == expected
    assert all(torch.equal(a, b) for a, b in zip(weights_of(whole), weights_of(again), strict=True))


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[:100],
    "empty": lambda data: b"",
    "zeros at its head": lambda data: bytes(4096) + data[4096:],
    "zeros": lambda data: bytes(len(data)),
    "random": lambda data: np.random.default_rng(0).bytes(len(data)),
    "zeros within": lambda data: data[: len(data) // 2] + bytes(64) + data[len(data) // 2 + 64 :],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, damage: str) -> None:
    with pytest.raises(Killed):
        runner.train(Line(stop=8), SETTINGS, Checkpoints(tmp_path))
    newest = sorted(tmp_path.iterdir())[-1]
    newest.write_bytes(DAMAGES[damage](newest.read_bytes()))
    again, whole = Line(), Line()
    assert runner.train(again, SETTINGS, Checkpoints(tmp_path)) == runner.train(whole, SETTINGS)
    assert again.seen[0] == 3


def test_the_last_two_checkpoints_are_kept_and_cleared(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "key")
    for step in (3, 6, 9):
        checkpoints.save(step, {"step": step})
    assert [f.name for f in sorted(checkpoints.folder.iterdir())] == ["step-00000006.pt", "step-00000009.pt"]
    assert checkpoints.load() == {"step": 9}
    checkpoints.clear()
    assert checkpoints.load() is None and not checkpoints.folder.exists()


def test_a_loss_that_is_not_finite_names_step_and_samples() -> None:
    with pytest.raises(JobError, match=r"step 2: the loss is nan on car-1:4, car-1:9"):
        runner.train(Line(wrong=2), SETTINGS)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no room"), RuntimeError("CUBLAS_STATUS_ALLOC_FAILED")])
def test_out_of_memory_says_what_to_lower(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def full(self: Line, batch: Tensor) -> dict[str, Tensor]:
        raise error

    monkeypatch.setattr(Line, "loss", full)
    with pytest.raises(JobError, match=r"out of memory; lower line\.batch"):
        runner.train(Line(), SETTINGS)


def test_another_error_of_a_step_is_not_one_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Line, batch: Tensor) -> dict[str, Tensor]:
        raise RuntimeError("sizes do not fit")

    monkeypatch.setattr(Line, "loss", wrong)
    with pytest.raises(RuntimeError, match="sizes do not fit"):
        runner.train(Line(), SETTINGS)


def test_rows_are_means_since_the_last_row_and_the_end_has_one() -> None:
    rows = runner.train(Line(), SETTINGS)
    assert [row["step"] for row in rows] == [4, 8, 10]
    assert set(rows[0]) == {"step", "loss", "error", "held_out"}


def test_gradients_are_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    norms, real = [], Adam.step

    def step(self: Adam) -> None:
        parts = [p.grad.square().sum() for group in self.param_groups for p in group["params"]]
        norms.append(float(torch.stack(parts).sum().sqrt()))
        real(self)

    monkeypatch.setattr(Adam, "step", step)
    runner.train(Line(), SimpleNamespace(clip=0.01, checkpoint=100, bf16=False))
    assert 0 < max(norms) <= 0.01 * 1.001


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [(Adam, "Adam", {}), (Adagrad, "Adagrad", {}), (SGD, "SGD", {"momentum": 0.9, "weight_decay": 5e-4})],
)
def test_optimisers_have_torchs_numbers(ours: type[Optimiser], theirs: str, options: dict[str, float]) -> None:
    source = torch.Generator().manual_seed(0)
    start, gradients = torch.randn(5, 3, generator=source), torch.randn(6, 5, 3, generator=source)
    a, b = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    mine, expected = ours([a], 0.05), getattr(torch.optim, theirs)([b], lr=0.05, **options)
    for gradient in gradients:
        a.grad, b.grad = gradient.clone(), gradient.clone()
        mine.step()
        expected.step()
        torch.testing.assert_close(a, b)


def test_a_training_does_not_import_torchs_compiler() -> None:
    code = "import sys, dat.training.salnet\nfrom dat.models import optimisers\n"
    code += "from dat.training import runner\nfrom torch import nn\n"
    code += "with runner.exact(1, 'cpu'): optimisers.Adam(nn.Linear(2, 2).parameters(), 0.1)\n"
    code += "assert not {'torch._dynamo', 'torch._inductor'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_learning_rate_follows_the_task() -> None:
    task = Line()
    runner.train(task, SETTINGS)
    assert task.optimiser.param_groups[0]["lr"] == pytest.approx(0.1 * 0.1)


def test_generators_of_other_numbers_differ() -> None:
    draws = [torch.rand(3, generator=runner.generator(*n)).tolist() for n in ((0, 1), (1, 0), (0, 1, 0), (0, 1))]
    assert draws[0] == draws[3] and draws[0] not in draws[1:3]


def test_exact_puts_the_threads_back() -> None:
    torch.set_deterministic_debug_mode("default")
    before = torch.get_num_threads()
    with runner.exact(1, "cpu"):
        assert torch.get_num_threads() == 1 and torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == before and not torch.are_deterministic_algorithms_enabled()


@dataclass
class Watched(Line):
    """Says when a batch is being made, and wants to see the first `ahead` made at once, and the next begun within each
    step."""

    ahead: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.begun = [threading.Event() for _ in range(self.steps)]
        self.busy, self.taken = set[int](), 0
        self.together = threading.Barrier(self.ahead, timeout=10)

    def batch(self, step: int) -> Tensor:
        self.busy.add(step)
        self.begun[step].set()
        if step < self.ahead:
            self.together.wait()
        time.sleep(0.02)
        found = super().batch(step)
        self.busy.remove(step)
        return found

    def loss(self, batch: Tensor) -> dict[str, Tensor]:
        self.taken += 1
        assert all(begun.wait(10) for begun in self.begun[self.taken : self.taken + self.ahead])
        return super().loss(batch)

    def validate(self) -> dict[str, float]:
        assert not self.busy
        return super().validate()


@pytest.fixture(params=[1, 3])
def ahead(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Batches as on a GPU, by so many threads."""
    threads: int = request.param
    monkeypatch.setattr(runner, "batches_of", lambda task, first: runner.Prefetched(task, first, threads))
    return threads


def test_batches_are_made_beside_the_steps_before_and_never_beside_validation(ahead: int) -> None:
    task = Watched(ahead=ahead)
    runner.train(task, SETTINGS)
    assert sorted(task.seen) == list(range(task.steps))


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("stop", [1, 3, 8])
def test_batches_made_ahead_change_nothing(tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Killed):
        runner.train(Line(stop=stop), SETTINGS, Checkpoints(tmp_path))
    rows = runner.train(ours := Line(), SETTINGS, Checkpoints(tmp_path))
    monkeypatch.undo()
    assert rows == runner.train(theirs := Line(), SETTINGS)
    assert all(torch.equal(a, b) for a, b in zip(weights_of(ours), weights_of(theirs), strict=True))


def test_batches_that_do_not_fit_are_told_like_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Line, step: int) -> Tensor:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(Line, "batch", full)
    with pytest.raises(JobError, match=r"step 0: out of memory; lower line\.batch"):
        runner.train(Line(), SETTINGS)


def table(path: Path) -> list[tuple[str, str]]:
    first, *rows = [tuple(line.split("\t")) for line in path.read_text().splitlines()]
    assert first == ("step", path.stem)
    return rows


def test_curves_are_dvclives_files_a_table_a_figure(tmp_path: Path) -> None:
    rows = runner.train(Line(), SETTINGS, folder=tmp_path)
    found = {file.stem: table(file) for file in (tmp_path / "dvclive" / "plots" / "metrics").iterdir()}
    assert found == {name: [(str(r["step"]), repr(r[name])) for r in rows] for name in ("loss", "error", "held_out")}
    assert records.read_json(tmp_path / "dvclive" / "metrics.json") == rows[-1]


def test_curves_of_a_resumed_training_are_whole_and_those_of_an_older_one_gone(tmp_path: Path) -> None:
    runner.train(Line(), SETTINGS, folder=tmp_path / "whole")
    runner.train(Line(every=1), SETTINGS, folder=tmp_path / "killed")
    with pytest.raises(Killed):
        runner.train(Line(stop=8), SETTINGS, Checkpoints(tmp_path / "kept"), folder=tmp_path / "killed")
    runner.train(Line(), SETTINGS, Checkpoints(tmp_path / "kept"), folder=tmp_path / "killed")
    assert records.folder_files(tmp_path / "killed") == records.folder_files(tmp_path / "whole")


def test_clock_counts_by_part() -> None:
    clock = runner.Clock()
    runner.train(Line(), SETTINGS, clock=clock)
    assert set(clock.seconds) == {"batch", "forward", "backward", "optimiser", "validation"}


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_an_optimisers_state_goes_to_its_parameters_device(name: str) -> None:
    """A checkpoint is read on the CPU; a step on a GPU needs its state there. `meta` stands for another device."""
    weight = nn.Parameter(torch.ones(2, 3))
    weight.grad = torch.ones(2, 3)
    before = OPTIMISERS[name]([weight], 0.1)
    before.step()
    moved = nn.Parameter(torch.ones(2, 3, device="meta"))
    moved.grad = torch.ones(2, 3, device="meta")
    after = OPTIMISERS[name]([moved], 0.1)
    after.load_state_dict(before.state_dict())
    kept = [value for value in after.state[0].values() if isinstance(value, Tensor)]
    assert kept and {value.device.type for value in kept} == {"meta"}
    after.step()


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_a_state_of_several_parameters_goes_on_with_its_own(name: str) -> None:
    def made() -> tuple[list[nn.Parameter], Optimiser]:
        weights = [nn.Parameter(torch.ones(2, 3 + place)) for place in range(4)]
        return weights, OPTIMISERS[name]([{"params": weights[:2], "lr": 0.1}, {"params": weights[2:], "lr": 0.2}])

    def step(weights: list[nn.Parameter], own: Optimiser, scale: float) -> None:
        for place in (0, 2, 3):  # the second has no gradient
            weights[place].grad = torch.full_like(weights[place], scale * (place + 1))
        own.step()

    (whole, before), (again, after) = made(), made()
    step(whole, before, 1.0)
    for weight, kept in zip(again, whole, strict=True):
        weight.data.copy_(kept.data)
    after.load_state_dict(copy.deepcopy(before.state_dict()))
    assert sorted(after.state) == [0, 2, 3]
    step(whole, before, 0.5)
    step(again, after, 0.5)
    assert all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))
