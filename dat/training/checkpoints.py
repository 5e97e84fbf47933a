"""Checkpoints: where a killed training goes on; outside a stage's outputs, under a key of what decides them."""

import hashlib
import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dat import records

KEPT = 2
DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one training, `step-00000200.pt` and so on, in `folder`: a sha256 and what torch saved.

    `inputs` are the files that their key speaks of.
    """

    folder: Path
    inputs: records.Snapshot | None = None

    @classmethod
    def of(cls, job: records.Job, module: str) -> "Checkpoints":
        """Those of a job: the key is the hash of the code, the inputs' contents, the settings read and the device.

        Call it when all settings have been read: what is read later would not be in the key.
        """
        inputs = records.Snapshot.of([path for _, path in sorted(job.inputs.items())], job.settings.path)
        decides = {
            "code": records.code_used(module),
            "data": inputs.facts,
            "params": job.settings.read,
            "key": job.key,
            "device": job.device,
            "torch": torch.__version__,
        }
        return cls(job.settings.top / ".dat" / "checkpoints" / records.sha256_json(decides), inputs)

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Write the state after `step` steps whole, then drop all but the last two.

        Raises ChangedError when an input has changed since: the state would be of other data than its key says.
        """
        if self.inputs:
            self.inputs.check()
        data = io.BytesIO()
        torch.save(state, data)
        whole = data.getvalue()
        records.write_bytes(self.folder / f"step-{step:08d}.pt", hashlib.sha256(whole).digest() + whole)
        for old in self._files()[:-KEPT]:
            old.unlink(missing_ok=True)

    def load(self) -> dict[str, Any] | None:
        """The newest state that is whole, or None."""
        for file in reversed(self._files()):
            try:
                data = file.read_bytes()
            except OSError:
                continue
            if hashlib.sha256(data[DIGEST:]).digest() == data[:DIGEST]:  # else the one before it is as good, only older
                state: dict[str, Any] = torch.load(io.BytesIO(data[DIGEST:]), map_location="cpu", weights_only=True)
                return state
        return None

    def clear(self) -> None:
        """Remove them all: the training is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("step-*.pt"))
