"""`make test-processors`: the same bytes here and on other processors, which Debian's qemu-user emulates.

    python -m tests.processors.compare [--short] [--processors EPYC,Haswell]

Compares a table of single operations (`operations.py`), then the outputs of all stages of `tests/workflow/project`, to
which a VOT benchmark and CSR-DCF are added, and a track, by hash. `--short` compares the operations and one training on
the one processor that is of another maker than this one: what CI has time for. Ends with status 1 where something
differs, 2 where there is no emulator.

The emulator ends in a segmentation fault in torch's `grid_sample` at AVX2, which gathers pixels by vector instructions.
What needs it (SALNet's training, the tracker) is compared with ATEN_CPU_CAPABILITY=default on both sides: torch's own
loops then run without AVX2, everything else with it.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dat import records
from dat.base import numerics

ROOT = Path(__file__).resolve().parents[2]
EMULATOR, LEAST = "qemu-x86_64", (7, 2)
CODE = ("dat", "workflow", "dvc.yaml", "annotations", "Snakefile")
SETS = ("lasot", "tlp", "dtb70", "otb100", "vot2014")
SMALLER = {  # of the tiny project's settings: an emulator takes ten to twenty times as long
    "videos: 3, frames: 16,": "videos: 3, frames: 8,",
    "batch: 4, epochs: 8,": "batch: 4, epochs: 1,",
    "cycles: 4\n": "cycles: 1\n",
    "positives: 16\n": "positives: 4\n",
    "negatives: 48\n": "negatives: 12\n",
    "candidates: {local: 64,": "candidates: {local: 12,",
    "global: 16, best: 5,": "global: 6, best: 3,",
    "first: {positives: 32, negatives: 64, iterations: 15,": "first: {positives: 8, negatives: 24, iterations: 3,",
    "update: {positives: 8, negatives: 16,": "update: {positives: 4, negatives: 12,",
    "box_regression: {samples: 50,": "box_regression: {samples: 20,",
    "fanout: {batch: 1, cores: 2,": "fanout: {batch: 100, cores: 1,",
    "vot: {repetitions: 5}": "vot: {repetitions: 2}",
}
ADDED = {  # the other protocol and the other tracker
    "\ndatasets:\n": "  vot2014: {seed: 15, videos: 1, frames: 12, width: 160, height: 120}\n",
    "\nsubsample:": "  vot2014: {layout: vot, manifest: testing/vot2014, sentences: data/vot2014/sentences.csv}\n",
    "\nseeds:": "  csrdcf: {salnet: null, attention: none}\n",
    "\nevaluation:": "  vot2014: {data: vot2014, protocol: vot, salnet: weights/salnet/core, gpgnet: weights/gpgnet, "
    "variants: [pymdnet, csrdcf]}\n",
}
BEFORE = [
    *(f"{verb} {name}" for name in SETS for verb in ("synthetic", "index")),
    "subsample",
    "masks",
    "train language",
]
AFTER = ["train encoder vgg16", "train gpgnet to"]
GATHERING = ["train salnet pymdnet"]
TRACKING = ["benchmark otb100", "benchmark vot2014"]
SCORING = ["evaluate otb100", "evaluate vot2014", "report"]


def other_processors() -> list[str]:
    """EPYC and Haswell, the one of another maker than this machine's first."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return ["EPYC", "Haswell"] if "GenuineIntel" in text else ["Haswell", "EPYC"]


def emulator_version() -> tuple[int, ...]:
    """The emulator's version; () where there is none."""
    if shutil.which(EMULATOR) is None:
        return ()
    found = re.search(r"(\d+)\.(\d+)", subprocess.run([EMULATOR, "--version"], capture_output=True, text=True).stdout)
    return (int(found[1]), int(found[2])) if found else ()


def python(*arguments: str, processor: str | None = None, plain_loops: bool = False) -> str:
    """Run this Python here or on an emulated processor; returns standard output."""
    names = (*numerics.VARIABLES, *numerics.THREADS, *numerics.CHANGING, *numerics.FEWER_THREADS)
    environment = {name: value for name, value in os.environ.items() if name not in names} | {"PYTHONPATH": str(ROOT)}
    if plain_loops:  # the other variables before any library is loaded, which the tests' `prepare` does at once here
        environment |= {**numerics.VARIABLES, **numerics.THREADS, "ATEN_CPU_CAPABILITY": "default"}
    emulated = [EMULATOR, "-cpu", processor] if processor else []
    environment["DAT_TEST_EMULATOR"] = " ".join(emulated)
    command = [*emulated, sys.executable, *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "TCG doesn't support" not in line]
        raise SystemExit(
            f"{processor or 'this processor'}: {' '.join(arguments[:3])} failed:\n" + "\n".join(said[-15:])
        )
    return done.stdout


def operations(processor: str | None = None) -> dict[str, str]:
    """The table of operations, those that gather with plain loops."""
    arguments = ("-m", "tests.processors.operations")
    with ThreadPoolExecutor() as pool:
        most = pool.submit(python, *arguments, processor=processor)
        gathers = pool.submit(python, *arguments, "gathers", processor=processor, plain_loops=True)
    table: dict[str, str] = json.loads(most.result()) | json.loads(gathers.result())
    return table


def project(path: Path) -> Path:
    """A copy of the tiny project with smaller numbers."""
    path.mkdir(parents=True)
    for name in CODE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, path / name)
    text = (ROOT / "tests" / "workflow" / "project" / "params.yaml").read_text(encoding="utf-8")
    for old, new in SMALLER.items():
        if old not in text:
            raise SystemExit(f"tests/workflow/project/params.yaml has no '{old.strip()}' any more; mend SMALLER")
        text = text.replace(old, new)
    for before, line in ADDED.items():
        text = text.replace(before, f"\n{line}{before[1:]}", 1)
    (path / "params.yaml").write_text(text, encoding="utf-8")
    return path


def stages(path: Path, verbs: list[str], processor: str | None = None, plain_loops: bool = False) -> None:
    """Run verbs in the project."""
    python("-m", "tests.processors.stages", str(path), *verbs, processor=processor, plain_loops=plain_loops)


def track(path: Path) -> str:
    """The verb that tracks the first test sequence with the project's weights and its attention."""
    sequence = min(folder for folder in (path / "data" / "otb100").iterdir() if folder.is_dir())
    box = (sequence / "groundtruth_rect.txt").read_text(encoding="utf-8").split()[0]
    return f"track '{sequence / 'img'}' --box {box} --origin 1 --variant dat-to --out '{path / 'boxes.txt'}'"


def outputs(path: Path) -> dict[str, str]:
    """What stages and the tracker wrote: path to sha256."""
    made = [path / name for name in ("data", "training", "testing", "weights", "boxes.txt", "results", "reports")]
    return {
        file.relative_to(path).as_posix(): records.sha256_file(file)
        for part in made
        for file in records.files_below(part)
    }


def whole(path: Path, processor: str | None = None) -> dict[str, str]:
    """All stages of the project, and a track."""
    stages(path, BEFORE + AFTER, processor)
    stages(path, GATHERING, processor, plain_loops=True)
    stages(path, [track(path), *TRACKING], processor, plain_loops=True)
    stages(path, SCORING, processor)
    return outputs(path)


def short(path: Path, data: Path, processor: str | None = None) -> dict[str, str]:
    """One training, on data that this machine drew."""
    for name in ("data", "training"):
        shutil.copytree(data / name, path / name)
    stages(path, ["train language"], processor)
    return outputs(path)


def report(what: str, processor: str, here: dict[str, str], there: dict[str, str], started: float) -> bool:
    """Print how many are equal and which are not; returns whether all are."""
    differ = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    print(
        f"{processor}: {len(here) - len(differ)} of {len(here)} {what} equal, after {time.monotonic() - started:.0f} s",
        flush=True,
    )
    for name in differ[:20]:
        print(f"  differs: {name}")
    return not differ


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="operations and one training, on one other processor")
    parser.add_argument("--processors", default=",".join(other_processors()))
    chosen = parser.parse_args()
    version = emulator_version()
    if version < LEAST:
        said = f"{EMULATOR} {'.'.join(map(str, version))} does not know AVX2" if version else f"there is no {EMULATOR}"
        print(f"{said}; install qemu-user of version 7.2 or later (Debian: apt-get install qemu-user)", file=sys.stderr)
        raise SystemExit(2)
    processors = chosen.processors.split(",")[: 1 if chosen.short else None]
    with tempfile.TemporaryDirectory() as folder:
        equal = compare(Path(folder), processors, chosen.short)
    raise SystemExit(0 if equal else 1)


def compare(folder: Path, processors: list[str], few: bool) -> bool:
    """Everything here, then on each processor; whether all is equal."""
    table, here = operations(), project(folder / "here")
    if few:
        stages(here, BEFORE[:2])
        drawn = shutil.copytree(here, folder / "drawn")
        stages(here, ["train language"])
        made = outputs(here)
    else:
        made = whole(here)
    equal = True
    for processor in processors:
        started, there = time.monotonic(), project(folder / processor)
        with ThreadPoolExecutor() as pool:  # an emulator keeps one core busy, and importing PyTorch takes it a minute
            single = pool.submit(operations, processor)
            stages_there = pool.submit(short, there, drawn, processor) if few else pool.submit(whole, there, processor)
        equal &= report("operations", processor, table, single.result(), started)
        equal &= report("outputs of stages", processor, made, stages_there.result(), started)
    return equal


if __name__ == "__main__":
    main()
