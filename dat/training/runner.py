"""The training loop that all three trainings share: plain PyTorch, exact to resume.

A task's batch is a function of the seed and the step alone, and so is what dropout drops: a checkpoint needs only the
weights, the optimiser and the curve so far, and a resumed training ends in the same bytes.
"""

import contextlib
import math
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor, nn

from dat import records
from dat.base.errors import JobError
from dat.base.sections import Train
from dat.models import exactness
from dat.models.layers import set_generator
from dat.models.optimisers import Optimiser
from dat.progress import progress
from dat.training import curves, distributed, losses
from dat.training.checkpoints import Checkpoints

Row = dict[str, float]


class Task(Protocol):
    """What a training brings: a network, its optimiser, and batches by number."""

    steps: int
    every: int  # steps between two rows of the curve
    seed: int
    lower: str  # the params to lower when memory runs out

    @property
    def module(self) -> nn.Module:
        """The network."""

    @property
    def optimiser(self) -> Optimiser:
        """Its optimiser."""

    def batch(self, step: int) -> Any:
        """The batch of a step (from 0), the same whenever it is asked for; perhaps in other threads at once."""

    def loss(self, batch: Any) -> dict[str, Tensor]:
        """`loss`, which is descended, and any parts worth a curve: of the whole batch, in every process."""

    def rate(self, step: int) -> float:
        """What the optimiser's learning rates are multiplied by in a step."""

    def samples(self, batch: Any) -> Sequence[str]:
        """What to call the batch's samples in a message."""

    def validate(self) -> Row:
        """Held-out figures, at a row of the curve; the module is in evaluation mode."""


def generator(*numbers: int) -> torch.Generator:
    """A generator of torch's for these numbers; different lists give unrelated streams."""
    state = np.random.SeedSequence([len(numbers), *numbers]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(state[0]) << 31 ^ int(state[1]))


def decayed(step: int, steps: int, kind: str) -> float:
    """What learning rates are multiplied by in a step: 1, or with `cosine` half a wave down from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * step / steps)) if kind == "cosine" else 1.0


@contextlib.contextmanager
def exact(threads: int, device: str) -> Iterator[None]:
    """Compute exactly inside; threads and the choice of algorithms are as before afterwards.

    Raises InputError where the device does not open.
    """
    before = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    exactness.exact(threads)
    exactness.open_device(device)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_deterministic_debug_mode(before[1])


def autocast(module: nn.Module, wanted: bool) -> torch.autocast:
    """bfloat16 for convolutions and products inside, where it is wanted; weights and gradients stay float32."""
    device = next(module.parameters()).device.type
    return torch.autocast(device, torch.bfloat16, enabled=wanted)


@dataclass
class Clock:
    """Seconds spent by part of a step."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the seconds inside under a name."""
        start = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - start


class Sequential:
    """A task's batches in order, each made when it is wanted."""

    def __init__(self, task: Task, first: int = 0) -> None:
        self._task, self._step = task, first

    def take(self) -> Any:
        """The next batch."""
        self._step += 1
        return self._task.batch(self._step - 1)

    def settle(self) -> None:
        """Wait until no batch is being made: what the task reads is the caller's alone."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass


class Prefetched(Sequential):
    """A task's batches in order, made by threads while the steps before them are computed: as many ahead as threads."""

    def __init__(self, task: Task, first: int = 0, threads: int = 1) -> None:
        super().__init__(task, first)
        self._device = next(task.module.parameters()).device
        self._pool = exactness.alone(threads)
        self._ahead = deque[Future[Any]]()
        for _ in range(threads):
            self._start()

    def _start(self) -> None:
        if self._step < self._task.steps:
            self._ahead.append(self._pool.submit(self._make, self._step))
            self._step += 1

    def _make(self, step: int) -> Any:
        # the current card is a thread's own choice
        with torch.cuda.device(self._device) if self._device.type == "cuda" else contextlib.nullcontext():
            return self._task.batch(step)

    def take(self) -> Any:
        if not self._ahead:
            raise IndexError("the task has no more steps")
        batch = self._ahead.popleft().result()
        self._start()
        return batch

    def settle(self) -> None:
        wait(self._ahead)

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def batches_of(task: Task, first: int) -> Sequential:
    """Prefetched on a GPU, in as many threads as the training has (`train.threads`), since a card may compute SALNet's
    regions faster than one cuts them. On a CPU all cores are at work, and more threads of Python's slow them down."""
    device = next(task.module.parameters()).device
    return Prefetched(task, first, torch.get_num_threads()) if device.type == "cuda" else Sequential(task, first)


@dataclass
class _State:
    step: int = 0
    rows: list[Row] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)


def train(
    task: Task,
    settings: Train,
    checkpoints: Checkpoints | None = None,
    desc: str = "train",
    clock: Clock | None = None,
    folder: Path | None = None,
) -> list[Row]:
    """Train to the last step, from the last checkpoint if there is one; returns the curve's rows.

    Where a folder is given they are also written there, by DVCLive.

    Raises JobError naming the samples of a batch whose loss is not finite, and when memory runs out.
    """
    clock = clock or Clock()
    state = _restore(task, checkpoints)
    steps = range(state.step, task.steps)
    with batches_of(task, state.step) as batches:
        for step in progress(steps, total=len(steps), desc=desc, unit="step"):
            _step(task, step, batches, settings, state, clock)
            state.step = step + 1
            if state.step % task.every == 0 or state.step == task.steps:
                with clock.part("validation"):
                    batches.settle()
                    state.rows.append(_row(task, state))
            checkpointed = state.step % settings.checkpoint == 0 and state.step < task.steps
            if checkpointed and checkpoints and distributed.first():
                with clock.part("checkpoint"):
                    checkpoints.save(state.step, _snapshot(task, state))
    if folder is not None and distributed.first():
        curves.write(folder, state.rows)
    return state.rows


def _step(task: Task, step: int, batches: Sequential, settings: Train, state: _State, clock: Clock) -> None:
    task.module.train()
    for group in task.optimiser.param_groups:
        group["lr"] = group["initial_lr"] * task.rate(step)
    set_generator(task.module, generator(task.seed, 1, step))
    try:
        with clock.part("batch"):
            batch = batches.take()
        with clock.part("forward"), autocast(task.module, settings.bf16):
            parts = task.loss(batch)
        if not losses.finite(parts["loss"]):
            raise JobError(
                f"step {step}: the loss is {float(parts['loss'].detach())} on {', '.join(task.samples(batch))}; "
                "lower the learning rate, or look at these samples"
            )
        with clock.part("backward"):
            task.optimiser.zero_grad()
            (parts["loss"] / distributed.processes()).backward()  # type: ignore[no-untyped-call]
            distributed.add_gradients(task.module.parameters())
        with clock.part("optimiser"):
            torch.nn.utils.clip_grad_norm_(task.module.parameters(), settings.clip)
            task.optimiser.step()
    except RuntimeError as error:
        if not exactness.out_of_memory(error):
            raise
        raise JobError(f"step {step}: out of memory; lower {task.lower} in params.yaml") from None
    for name, value in parts.items():
        state.sums[name] = state.sums.get(name, 0.0) + float(value.detach())
    state.sums["_steps"] = state.sums.get("_steps", 0) + 1


def _row(task: Task, state: _State) -> Row:
    """The mean of the losses since the last row, and the held-out figures."""
    steps = state.sums.pop("_steps")
    row = {"step": state.step} | {name: total / steps for name, total in state.sums.items()}
    state.sums.clear()
    if not distributed.first():
        return row
    task.module.eval()
    with torch.no_grad():
        return row | task.validate()


def _snapshot(task: Task, state: _State) -> dict[str, Any]:
    return {
        "module": task.module.state_dict(),
        "optimiser": task.optimiser.state_dict(),
        "step": state.step,
        "rows": state.rows,
        "sums": state.sums,
    }


def _restore(task: Task, checkpoints: Checkpoints | None) -> _State:
    state = distributed.broadcast(checkpoints.load() if checkpoints and distributed.first() else None)
    if state is None:
        return _State()
    task.module.load_state_dict(state["module"])
    task.optimiser.load_state_dict(state["optimiser"])
    print(f"going on from step {state['step']}", file=sys.stderr)
    return _State(state["step"], state["rows"], state["sums"])


def write_timing(job: records.Job, stage: str, clock: Clock) -> None:
    """What `--timing` asks for: seconds by part of a step, beside the run's facts, and on stderr."""
    name = stage + (f"@{job.key}" if job.key else "")
    records.write_json(job.settings.path / "runs" / f"{name}.timing.json", dict(clock.seconds))
    whole = sum(clock.seconds.values())
    for part, seconds in sorted(clock.seconds.items(), key=lambda item: -item[1]):
        print(f"{name}: {part} {seconds:.2f} s, {100 * seconds / whole:.0f} %", file=sys.stderr)
