"""Records: what decided a result, beside the result; and runs: what happened to happen, outside of it.

The *record* is the same in every run, and with portable numerics on every machine. The *run* holds times, host,
processor and commit, and no stage depends on it. Files are written under a temporary name and renamed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dat.records.code import PACKAGE, code_closure, code_in, code_loaded, code_used
from dat.records.files import (
    Snapshot,
    canonical,
    file_facts,
    files_below,
    folder_files,
    locked,
    put,
    read_json,
    remove,
    sha256_bytes,
    sha256_file,
    sha256_json,
    sweep,
    temporary,
    write_bytes,
    write_json,
    write_text,
)
from dat.records.host import PACKAGES, environment, machine, processor, versions
from dat.records.record import Clock, commit, forget_peak, is_record, make_record, parents, peak_memory

if TYPE_CHECKING:
    from dat.base.params import Settings

__all__ = [
    "PACKAGE",
    "PACKAGES",
    "Clock",
    "Job",
    "Snapshot",
    "canonical",
    "code_closure",
    "code_in",
    "code_loaded",
    "code_used",
    "commit",
    "environment",
    "file_facts",
    "files_below",
    "folder_files",
    "forget_peak",
    "is_record",
    "locked",
    "machine",
    "make_record",
    "parents",
    "peak_memory",
    "processor",
    "put",
    "read_json",
    "remove",
    "sha256_bytes",
    "sha256_file",
    "sha256_json",
    "sweep",
    "temporary",
    "versions",
    "write_bytes",
    "write_json",
    "write_text",
]


@dataclass(frozen=True)
class Job:
    """What a stage's `run` gets: its key ("" if it has none), settings, input and output paths, device."""

    key: str
    settings: "Settings"
    inputs: dict[str, Path]
    outputs: dict[str, Path]
    device: str = "cpu"
    timing: bool = False
