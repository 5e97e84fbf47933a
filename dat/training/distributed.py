"""One training in several processes, as `torchrun` starts them: the same batches, losses and weights as in one.

Each process computes its share of a batch up to where samples meet; there `gather` puts the shares together, and the
loss is that of the whole batch in every process. Gradients are added up over processes. The first process writes.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def processes() -> int:
    """How many take part; 1 without `torchrun`."""
    return dist.get_world_size() if dist.is_initialized() else 1


def first() -> bool:
    """Whether this process is the one that validates, writes and prints."""
    return not dist.is_initialized() or dist.get_rank() == 0


@contextlib.contextmanager
def group(device: str) -> Iterator[None]:
    """Join the processes that `torchrun` started (WORLD_SIZE and so on), with gloo on CPUs and nccl on GPUs."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield
        return
    if device.startswith("cuda"):
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def share(count: int) -> slice:
    """This process's part of `count` samples, in order; it may be empty where there are few."""
    if not dist.is_initialized():
        return slice(0, count)
    rank, world = dist.get_rank(), dist.get_world_size()
    return slice(count * rank // world, count * (rank + 1) // world)


def computed(count: int) -> slice:
    """What to compute of `count` samples: the share, or one sample that `gather` leaves out where it is empty."""
    mine = share(count)
    return mine if mine.stop > mine.start or count == 0 else slice(0, 1)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor, count: int) -> Tensor:
        ctx.count, ctx.part = count, len(part)
        mine = share(count)
        whole = part.new_zeros(count, *part.shape[1:])
        whole[mine] = part[: mine.stop - mine.start]
        dist.all_reduce(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        whole, mine = gradient.clone().contiguous(), share(ctx.count)
        dist.all_reduce(whole)
        back = whole.new_zeros(ctx.part, *whole.shape[1:])
        back[: mine.stop - mine.start] = whole[mine]
        return back, None


def gather(part: Tensor, count: int) -> Tensor:
    """(count,...) of all processes from the (n,...) that each has `computed`, in order, with gradients.

    Its gradient is the sum over processes: with a loss divided by their number, that of the one loss.
    """
    if not dist.is_initialized():
        return part
    whole: Tensor = _Gather.apply(part.contiguous(), count)
    return whole


def add_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Make every gradient the sum over processes, in one exchange."""
    if not dist.is_initialized():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    for gradient, part in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def broadcast(value: Any) -> Any:
    """The first process's value, in all."""
    if not dist.is_initialized():
        return value
    box = [value]
    dist.broadcast_object_list(box)
    return box[0]
