"""`make mutation`: how many small changes of the code does the suite notice?

    python -m tests.mutation [--sample 300] [--skip 0] [--seed 0] [--part dat/evaluation] [--seconds 20]
                              [--only FILE:LINE]

Lists the changes of the parts (`changes.py`), draws a sample, and makes each in a copy of the tree. A change is tried
by the tests that execute its line, the quickest first, until one fails or `--seconds` of them have passed; of a line
that only an import executes, by those of its module. Which these are is recorded first, by coverage (minutes), and kept
in `.dat` until the code or a test file changes. Tests marked slow, tests/workflow and processes that tests start do not
count.
"""

import argparse
import os
import random
import shutil
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

from dat.base import numerics
from tests import real_data
from tests.mutation.changes import Mutant, mutants
from tests.mutation.running import PARTS, ROOT, Chosen, forked, modules, recorded, tests_of

HEAVY = ("coverage", "cv2", "hypothesis", "matplotlib.pyplot", "pandas", "pydantic", "scipy.stats", "torch")
PASSED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def write(path: Path, text: str) -> None:
    """Write a module whose bytecode may be there already: by size and second it could be taken for the new one's."""
    path.write_text(text)
    for stale in path.parent.glob(f"__pycache__/{path.stem}.*"):
        stale.unlink()


def tried(mutant: Mutant, place: Path, chosen: list[list[str]], seconds: float) -> str:
    """What becomes of a mutant: killed, timeout (it hangs, which would be noticed) or survived."""
    path = place / mutant.file
    whole = path.read_text()
    status: int | None = 0
    write(path, mutant.text)
    for names in chosen:
        if names and status in PASSED:
            files = [*dict.fromkeys(name.partition("::")[0] for name in names)]
            status = forked(place, [*files, "-x"], 60 + 3 * seconds, partial(Chosen, names))
    write(path, whole)
    return "timeout" if status is None else "survived" if status in PASSED else "killed"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--skip", type=int, default=0, help="leave out the sample's first: another process tries them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", action="append", default=[], metavar="FILE:LINE")
    options = parser.parse_args()
    numerics.prepare("portable")
    for name in HEAVY:
        try:
            __import__(name)
        except ImportError:
            parser.error(f"{name} is missing: uv pip install {name}")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "tree"
        for file in filter(None, listed.split("\0")):
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, place / file, follow_symlinks=False)
        os.environ |= {"PYTHONPATH": str(place), "DAT_TEST_DATA": str(real_data.folder())}
        known = recorded(place)
        files = modules(place, options.part or PARTS)
        changes = [one for path in files for one in mutants(str(path.relative_to(place)), path.read_text())]
        random.Random(options.seed).shuffle(changes)  # so that a smaller sample is the beginning of a larger one
        sample = [one for one in changes if one.place in options.only]
        sample = sample if options.only else changes[options.skip : options.sample]
        count = dict.fromkeys(("killed", "survived", "timeout"), 0)
        try:
            for mutant in sample:
                chosen, began = tests_of(mutant, known, options.seconds), time.monotonic()
                said = tried(mutant, place, chosen, options.seconds)
                count[said] += 1
                took = f"{said:8} {time.monotonic() - began:5.1f} s {sum(map(len, chosen)):4} tests"
                print(f"{took}  {mutant.place}  {mutant.before}  ->  {mutant.after}", flush=True)
        except KeyboardInterrupt:
            print("interrupted: of those before,")
        done = sum(count.values())
        rate = 1 - count["survived"] / max(done, 1)
        print(f"{done} of {len(changes)} changes, seed {options.seed}: {count}, {rate:.1%} noticed")


if __name__ == "__main__":
    main()
