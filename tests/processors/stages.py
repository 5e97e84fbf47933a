"""Verbs of the project in one process: `python -m tests.processors.stages PROJECT "synthetic lasot" "train language"`.

One process for all, since an emulator takes most of a minute to import PyTorch. A benchmark's jobs are processes of
their own all the same, one after another: Snakemake's would be this machine's, not the emulator's (DAT_TEST_EMULATOR).
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

CODE = os.environ.get("ATEN_CPU_CAPABILITY", "avx2")  # importing conftest names portable numerics' own

from tests.conftest import prepare  # noqa: E402

prepare()

from dat import records  # noqa: E402
from dat.cli import run_in_process  # noqa: E402

JOB = (
    "import sys; from tests.conftest import prepare; prepare()\n"
    "from dat.fanout.job import main; sys.exit(main(sys.argv[1:]))"
)


def run_jobs(call: Sequence[str], directory: Path, tick: Callable[[], None] = lambda: None) -> None:
    """In the place of Snakemake: the jobs of the plan in `directory`."""
    emulator = shlex.split(os.environ.get("DAT_TEST_EMULATOR", ""))
    for number in range(len(records.read_json(directory / "plan.json")["jobs"])):
        files = [str(directory / "plan.json"), str(number), str(directory / "done" / str(number))]
        command = [*emulator, sys.executable, "-c", JOB, *files]
        subprocess.run(command, env=os.environ | {"ATEN_CPU_CAPABILITY": CODE}, check=True)


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    for verb in sys.argv[2:]:
        if verb.startswith("benchmark "):
            from dat.fanout import stage

            stage._snakemake = run_jobs
        run_in_process(shlex.split(verb))
