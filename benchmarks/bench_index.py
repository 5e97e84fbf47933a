"""`make bench-index`: `dat index lasot` at LaSOT's full size, cold and warm: seconds, peak of memory, bytes.

The annotations are the real ones (DAT_TEST_DATA), 1,400 videos; their 3.52 million frames are links to a few small
pictures, so that what is measured is the index and not a disk. Warm is the same again, with all that was remembered.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks import figures
from dat.base import numerics

ROOT = Path(__file__).resolve().parents[1]
PAPER = ROOT / "profiles" / "paper"
LINKS = 60_000
"""To one picture: ext4 allows 65,000."""


def pictures(folder: Path, count: int) -> list[Path]:
    """Small pictures, each another one."""
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.random.default_rng(number).integers(0, 256, (24, 32, 3), dtype=np.uint8))
    return paths


def lasot(folder: Path, archive: Path) -> int:
    """LaSOT with its real annotations, and links in place of its frames; the number of frames."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    texts = sorted((folder / "annotations").rglob("groundtruth.txt"))
    lengths = [len(path.read_text().split()) for path in texts]
    aside = folder / "pictures"
    aside.mkdir()
    sources = itertools.cycle(pictures(aside, 2 * sum(lengths) // LINKS + 1))
    for path, length in zip(texts, lengths, strict=True):
        images, source = path.parent / "img", next(sources)
        images.mkdir()
        for number in range(1, length + 1):
            os.link(source, images / f"{number:08d}.jpg")
    return sum(lengths)


def profile(folder: Path, data: Path) -> Path:
    """A profile with the paper's settings that has `data` linked."""
    (folder / "data").mkdir(parents=True)
    text = (PAPER / "params.yaml").read_text().replace("\nroot: ../..\n", f"\nroot: {ROOT}\n")
    text = re.sub(r"sentences: \.\./[^},]*", "sentences: none", text)  # other sets', which lie outside of this profile
    (folder / "params.yaml").write_text(text)
    for name in ("lasot.json", "lasot.record.json"):
        shutil.copyfile(PAPER / "data" / name, folder / "data" / name)
    (folder / "data" / "lasot.path").write_text(f"{data}\n")
    return folder


def measure(name: str, home: Path, table: figures.Table) -> bytes:
    """Run the stage in a process of its own, add what it took to a table, and return the manifest."""
    call = [sys.executable, "-m", "dat", "index", "lasot"]
    clock = time.perf_counter()
    child = subprocess.Popen(call, cwd=home, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    lines = child.stderr.read().strip().splitlines()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - clock
    if status:
        raise SystemExit("\n".join(lines))
    processor, memory = f"{usage.ru_utime + usage.ru_stime:.1f} s", f"{usage.ru_maxrss / 1024:.0f} MB"
    table.add(name, f"{seconds:.1f} s", processor, memory)
    print(lines[-1], flush=True)
    return (home / "training" / "lasot.jsonl").read_bytes()


def main() -> int:
    """Build the set, run the stage twice, print the figures; the exit status is 1 where the two manifests differ."""
    data = os.environ.get("DAT_TEST_DATA")
    archive = Path(data or "none") / "lasot" / "lasot_annotations.tar.xz"
    if not archive.is_file():
        print("bench-index: set DAT_TEST_DATA to the folder with lasot/lasot_annotations.tar.xz", file=sys.stderr)
        return 2
    numerics.prepare("native")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count, table = lasot(folder, archive), figures.Table("", "time", "of processors", "largest memory")
        home = profile(folder / "profile", folder / "annotations")
        cold, warm = measure("cold", home, table), measure("warm", home, table)
        memory = sum(path.stat().st_size for path in (home / ".dat" / "index").rglob("*.json"))
        size = f"manifest {len(cold) / 1e6:.1f} MB, what is remembered {memory / 1e6:.1f} MB"
        figures.write(__file__, f"{count:,} frames; {size}.", table)
        print("cold and warm: the same bytes" if cold == warm else "cold and warm DIFFER")
        return 0 if cold == warm else 1


if __name__ == "__main__":
    sys.exit(main())
