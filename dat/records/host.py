"""What of a machine decides a result: packages, and with native numerics or on a GPU the machine itself."""

import functools
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from dat.base import devices, numerics

PACKAGES = (
    "av",
    "numpy",
    "opencv-python-headless",
    "pandas",
    "safetensors",
    "scikit-image",
    "scipy",
    "torch",
    "torchvision",
)
"""The packages whose versions can change a number."""


def processor() -> str:
    """The processor's model as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


@functools.cache
def versions() -> dict[str, str]:
    """Versions of the packages that can change a number."""
    versions_of: dict[str, str] = {}
    for name in PACKAGES:
        try:
            versions_of[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions_of


def machine() -> dict[str, str]:
    """This machine: Python, platform and processor."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
    }


def environment(device: str = "cpu", threads: int | None = None) -> dict[str, Any]:
    """What of the machine decides a result: with portable numerics on a CPU, nothing but packages and threads.

    What is not known is absent. Raises InputError where CUDA cannot be used.
    """
    facts: dict[str, Any] = {"packages": versions(), "device": device, **numerics.facts()}
    if threads is not None:
        facts["threads"] = threads
    if device.startswith("cuda") or numerics.kind() == "native":
        facts |= machine()
    if device.startswith("cuda"):
        import torch

        try:
            facts["device"] = torch.cuda.get_device_name(device)
        except (RuntimeError, AssertionError) as error:
            raise devices.refused(device, error) from None
        facts["cuda"] = str(torch.version.cuda)
    return facts
