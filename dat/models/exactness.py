"""How a process computes: the same numbers in every run on the same machine, in memory that is used again."""

import ctypes
import functools
import os
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from dat.base import devices

Part = TypeVar("Part")
Result = TypeVar("Result")

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # mallopt's numbers, malloc.h
_NO_MEMORY = re.compile(r"CU[A-Z_]+_ALLOC(ATION)?_FAILED|CUDA error: out of memory")
_LARGE, _NEVER = 1 << 30, (1 << 31) - 1


def exact(threads: int) -> None:
    """Fixed threads, deterministic algorithms, no TF32, no trying out of algorithms; freed memory is kept."""
    keep_freed()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms without its imports of the compiler
    # Deterministic mode would fill all new memory with NaN first: a twentieth of the time, for what is never read.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False


def open_device(device: str) -> None:
    """Begin to compute on a device, before anything else does. Raises InputError where it does not work: the driver is
    too old, another program has the card or fills its memory."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise devices.refused(device, error) from None


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that a card's memory does not do: torch's own, or one of CUDA's libraries, which torch
    passes on as a RuntimeError with their name of it."""
    return isinstance(error, torch.OutOfMemoryError) or bool(
        isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error))
    )


def keep_freed() -> None:
    """Let the C library keep what is freed, for the next tensor, instead of giving it back to the system.

    Networks ask for the same tens of megabytes again and again; each time the system would hand out pages anew and
    clear them, which takes as long as the arithmetic. Does nothing where the C library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_MMAP_THRESHOLD, _LARGE)
    mallopt(_TRIM_THRESHOLD, _NEVER)


def whole(device: torch.device) -> bool:
    """Whether a device wants a batch at once: a GPU, where each kernel's launch costs. A CPU wants pieces that fit its
    cache."""
    return device.type != "cpu"


def spread(function: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """`function` of each part, in order, on torch's threads, each of which computes its parts alone.

    Where every operation is divided over the threads instead, all of them wait for the slowest at each one.
    """
    threads = torch.get_num_threads()
    if threads == 1 or len(parts) < 2:
        return [function(part) for part in parts]
    return list(_workers(threads).map(function, parts))


def alone(count: int) -> ThreadPoolExecutor:
    """So many threads in which torch uses no others: a second team of threads would take the first one's processors."""
    before, ready = torch.get_num_threads(), threading.Barrier(count + 1)

    def begin() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # when it is first asked, a thread takes what was last set in any of them
        ready.wait()

    pool = ThreadPoolExecutor(count, "alone", begin)
    for _ in range(count):
        pool.submit(int)  # each starts a thread, since those before it wait
    ready.wait()
    torch.set_num_threads(before)  # what is set in one thread is the default of those that start later
    return pool


_workers = functools.cache(alone)
