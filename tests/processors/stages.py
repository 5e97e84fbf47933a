"""Verbs of the project in one process: `python -m tests.processors.stages PROJECT "synthetic lasot" "train language"`.

One process for all, since an emulator takes most of a minute to import PyTorch.
"""

import os
import shlex
import sys

from tests.conftest import prepare

prepare()

from dat.cli import run_in_process  # noqa: E402

if __name__ == "__main__":
    os.chdir(sys.argv[1])
    for verb in sys.argv[2:]:
        run_in_process(shlex.split(verb))
