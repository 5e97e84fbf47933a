"""Python runs this when it starts: notes what the process opens to read of the project in DAT_TEST_PROJECT."""

import json
import os
import sys
from pathlib import Path


def _watch(project: str, log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    command, stage = list(sys.orig_argv), os.environ.get("DVC_STAGE", "")

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        reads = isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE == os.O_RDONLY
        path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100
        if reads and path.startswith(f"{project}/") and os.path.isfile(path):  # noqa: PTH113
            os.write(descriptor, (json.dumps([command, stage, path]) + "\n").encode())

    sys.addaudithook(hook)


if "DAT_TEST_OPENED" in os.environ:
    _watch(os.environ["DAT_TEST_PROJECT"], str(Path(os.environ["DAT_TEST_OPENED"]) / f"{os.getpid()}.jsonl"))
