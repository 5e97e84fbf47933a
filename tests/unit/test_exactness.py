"""How a process computes: what `exact` sets, and that freed memory is used again."""

import platform
import subprocess
import sys

import pytest

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


def test_exact_sets_threads_and_algorithms_and_turns_tf32_off() -> None:
    code = (
        "import os, torch\nfrom dat.models.exactness import exact\n"
        "torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = True\nexact(1)\n"
        "assert torch.get_num_threads() == 1 and torch.are_deterministic_algorithms_enabled()\n"
        "assert not (torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32)\n"
        "assert not torch.backends.cudnn.benchmark and os.environ['CUBLAS_WORKSPACE_CONFIG'] == ':4096:8'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
