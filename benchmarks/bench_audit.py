"""`make bench-audit`: `dat audit all` of a run of the paper's size, and its hashing against plain hashlib's.

Makes the run in a temporary folder first, or in that of `--at` unless it is there (minutes, not counted): 44,660
training frames, 100 sequences by 22 variants by 3 seeds, 5.48 million boxes. A line a figure, beside its limit.
"""

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import figures, full_size_run
from dat.audit.files import Files

SECONDS, MEMORY, JSON, RATE = 300, 1024, 10, 0.8
"""Limits: of an audit, seconds, MB of memory and MB of `--json`; and of hashing, its share of plain hashlib's rate."""

CHUNK = 1 << 20


def plain(paths: list[Path]) -> None:
    """sha256 and md5 of files, as shortly as Python can."""
    for path in paths:
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                sha256.update(chunk)
                md5.update(chunk)
        sha256.hexdigest(), md5.hexdigest()


def audits(paths: list[Path]) -> None:
    """The same by the audit's reader."""
    files = Files()
    for path in paths:
        files.sha256(path)


def hashing(home: Path, table: figures.Table) -> None:
    """Both readers on the same files, in turns; the least seconds of each count."""
    paths = [path for path in home.rglob("*") if path.is_file() and "checkout" not in path.parts]
    paths = [path for path in paths if path.suffix != ".jpg"] + [path for path in paths if path.suffix == ".jpg"][
        :10_000
    ]
    size = sum(path.stat().st_size for path in paths)
    seconds: dict[str, list[float]] = {"plain": [], "audit": []}
    for _ in range(3):
        for name, read in (("plain", plain), ("audit", audits)):
            began = time.perf_counter()
            read(paths)
            seconds[name].append(time.perf_counter() - began)
    best = {name: min(values) for name, values in seconds.items()}
    row = f"{best['audit']:.2f} s, hashlib {best['plain']:.2f} s: {best['plain'] / best['audit']:.0%} of its rate"
    table.add(f"hashing {len(paths):,} files, {size / 1e6:.0f} MB", row, f"at least {RATE:.0%}")


def audit(home: Path, out: Path, table: figures.Table) -> int:
    """Audit a run in a process of its own, and add what it took to a table; its exit status."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "dat", "audit", "all", "--json", str(out)]
    where = {**os.environ, "PYTHONPATH": str(full_size_run.ROOT)}
    done = subprocess.run(command, cwd=home, env=where, stdout=subprocess.PIPE, text=True, check=False)
    seconds, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    table.add("what it says", done.stdout.partition("\n")[0], "")
    spent = used.ru_utime + used.ru_stime
    table.add("`dat audit all`", f"{seconds:.0f} s, {spent:.0f} s of one core", f"at most {SECONDS} s")
    table.add("largest memory", f"{used.ru_maxrss / 1024:.0f} MB", f"at most {MEMORY} MB")
    table.add("its `--json`", f"{out.stat().st_size / 1e6:.1f} MB", f"at most {JSON} MB")
    return done.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the sequences and training videos")
    parser.add_argument("--at", type=Path, help="the folder of the run, which stays")
    given = parser.parse_args()
    table = figures.Table("what", "figure", "limit")
    with tempfile.TemporaryDirectory() as scratch:
        home = given.at or Path(scratch, "run")
        if not (home / "dvc.lock").is_file():
            home.mkdir(parents=True)
            began = time.perf_counter()
            counts = ", ".join(f"{count:,} {what}" for what, count in full_size_run.build(home, given.share).items())
            table.add("a run of this size", f"made in {time.perf_counter() - began:.0f} s: {counts}", "")
        hashing(home, table)
        status = audit(home.resolve(), Path(scratch, "audit.json"), table)
    figures.write(__file__, table)
    sys.exit(status)


if __name__ == "__main__":
    main()
