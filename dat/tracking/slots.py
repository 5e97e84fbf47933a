"""Device slots: which GPU a job gets. Snakemake counts GPUs but cannot say which.

A slot is an exclusive flock on a file; the kernel frees it when its holder ends, kill -9 included.
"""

import fcntl
import os
import random
import time
from pathlib import Path

PERIOD = 0.1


def take(folder: Path, devices: list[str]) -> str:
    """Wait for a free device, hold it until this process ends, and set CUDA_VISIBLE_DEVICES to it. Returns its id."""
    folder.mkdir(parents=True, exist_ok=True)
    order = devices.copy()
    random.Random(os.getpid()).shuffle(order)
    while True:
        for device in order:
            descriptor = os.open(folder / f"device-{device}", os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            os.environ["CUDA_VISIBLE_DEVICES"] = device
            return device
        time.sleep(PERIOD)


def wanted() -> list[str]:
    """The device ids of DAT_DEVICES; none where a scheduler has chosen already, or there is no GPU to choose."""
    if any(name in os.environ for name in ("SLURM_JOB_ID", "KUBERNETES_SERVICE_HOST")):
        return []
    named = os.environ.get("DAT_DEVICES", "")
    return [] if named in ("", "cpu") else [device.strip() for device in named.split(",") if device.strip()]
