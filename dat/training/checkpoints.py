"""Checkpoints: where a killed training goes on; outside a stage's outputs, under a key of what decides them."""

import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dat import records

KEPT = 2


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one training, `step-00000200.pt` and so on, in `folder`."""

    folder: Path

    @classmethod
    def of(cls, job: records.Job, module: str) -> "Checkpoints":
        """Those of a job: the key is the hash of the code, the inputs' contents, the settings read and the device.

        Call it when all settings have been read: what is read later would not be in the key.
        """
        decides = {
            "code": records.code_used(module),
            "data": {name: records.folder_files(path) for name, path in sorted(job.inputs.items())},
            "params": job.settings.read,
            "key": job.key,
            "device": job.device,
            "torch": torch.__version__,
        }
        return cls(job.settings.top / ".dat" / "checkpoints" / records.sha256_json(decides))

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Write the state after `step` steps whole, then drop all but the last two."""
        data = io.BytesIO()
        torch.save(state, data)
        records.write_bytes(self.folder / f"step-{step:08d}.pt", data.getvalue())
        for old in self._files()[:-KEPT]:
            old.unlink(missing_ok=True)

    def load(self) -> dict[str, Any] | None:
        """The newest state that can be read, or None."""
        for file in reversed(self._files()):
            try:
                state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
            except (OSError, RuntimeError, EOFError, ValueError, KeyError):
                continue  # damaged: the one before it is as good, only older
            return state
        return None

    def clear(self) -> None:
        """Remove them all: the training is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("step-*.pt"))
