"""How a process computes: what `exact` sets, and that freed memory is used again."""

import platform
import subprocess
import sys

import pytest
import torch

from dat.models import exactness

FAULTS = """
import resource, sys
import torch
from dat.models import exactness
if sys.argv[1] == "kept":
    exactness.keep_freed()
def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(40):
    torch.zeros(16 << 20)
before = pages()
for _ in range(5):
    torch.zeros(16 << 20)
print(pages() - before)
"""
PAGES = 5 * (64 << 20) // 4096
"""What five tensors of 64 MiB need, when the system hands out their pages anew each time."""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc lets a process keep what it freed")
def test_freed_memory_is_used_again() -> None:
    assert faults("kept") < PAGES / 100
    if faults("given back") < PAGES / 100:
        pytest.skip("this system hands out large pages, so there is nothing to save")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"), True),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(handle)`"), False),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), False),
        (ValueError("CUBLAS_STATUS_ALLOC_FAILED"), False),
    ],
)
def test_an_error_of_memory_is_told_from_others(error: Exception, expected: bool) -> None:
    assert exactness.out_of_memory(error) == expected


def test_exact_sets_threads_and_algorithms_and_turns_tf32_off() -> None:
    code = (
        "import os, torch\nfrom dat.models.exactness import exact\n"
        "torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = True\n"
        "torch.backends.cuda.matmul.allow_tf32 = True\nexact(1)\n"
        "assert torch.get_num_threads() == 1 and torch.are_deterministic_algorithms_enabled()\n"
        "assert not (torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32)\n"
        "assert not torch.backends.cudnn.benchmark and os.environ['CUBLAS_WORKSPACE_CONFIG'] == ':4096:8'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


SPREAD = """
import threading, torch
from dat.models.exactness import spread
torch.set_num_threads(3)
both = threading.Barrier(3)

def part(number):
    both.wait(30)
    return number * number, torch.get_num_threads(), threading.current_thread() is threading.main_thread()

found = spread(part, range(9))
assert found == [(n * n, 1, False) for n in range(9)], found
assert torch.get_num_threads() == 3
later = []
thread = threading.Thread(target=lambda: later.append((torch.ones(1 << 20).sum(), torch.get_num_threads())[1]))
thread.start(); thread.join()
assert later == [3], later
try:
    spread(lambda n: 1 // n, [1, 0])
except ZeroDivisionError:
    print("told")
torch.set_num_threads(1)
assert spread(lambda n: threading.current_thread() is threading.main_thread(), [1, 2]) == [True, True]
"""


def test_parts_are_spread_over_threads_that_compute_alone_and_come_back_in_order() -> None:
    done = subprocess.run([sys.executable, "-c", SPREAD], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "told\n"), done.stderr
