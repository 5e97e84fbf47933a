"""`make bench-csrdcf`: CSR-DCF against OpenCV's tracker CSRT on real video, in one run, one thread each.

Needs DAT_TEST_DATA (OTB's images). OpenCV's contributed modules live in an environment of their own, .dat/csrt, which
is made on the first run. A line a clip with mean overlap and frames a second of both, ratios last.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks import figures, real_clips
from dat.base import params
from dat.datasets.images import read_image
from dat.regions import boxes
from dat.tracking.csrdcf.tracker import CsrDcf
from tests import real_data

ROOT = Path(__file__).resolve().parents[1]
PLACE, PACKAGE = ROOT / ".dat" / "csrt", "opencv-contrib-python-headless==4.12.0.88"


def our_run(files: list[Path], box):
    """Boxes, and frames a second after the first."""
    images = [read_image(file) for file in files]
    tracker, found = CsrDcf(params.load(ROOT).root.csrdcf), [box]
    tracker.init(images[0], box)
    clock = time.perf_counter()
    found += [tracker.update(image) for image in images[1:]]
    return np.array(found), (len(images) - 1) / (time.perf_counter() - clock)


def csrt_python() -> Path:
    """The environment with CSRT, made if it is not there."""
    python = PLACE / "bin" / "python"
    if not (PLACE / "made").exists():
        print(f"making {PLACE} ({PACKAGE})", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(PLACE)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", PACKAGE], check=True, stdout=sys.stderr)
        (PLACE / "made").touch()
    return python


CSRT = """
import json, sys, time, cv2
cv2.setNumThreads(1)
asked = json.load(open(sys.argv[1]))
images = [cv2.imread(file) for file in asked["files"]]
tracker, found = cv2.TrackerCSRT_create(), [asked["box"]]
tracker.init(images[0], [round(value) for value in asked["box"]])
clock = time.perf_counter()
for image in images[1:]:
    done, box = tracker.update(image)
    found.append(list(box) if done else found[-1])
rate = (len(images) - 1) / (time.perf_counter() - clock)
json.dump({"boxes": found, "rate": rate}, open(sys.argv[2], "w"))
"""


def csrt_run(files: list[Path], box):
    """The same of CSRT; where it gives no box, its last one stays."""
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder) / "asked.json", Path(folder) / "told.json"
        asked.write_text(json.dumps({"files": [str(file) for file in files], "box": list(box)}))
        subprocess.run([str(csrt_python()), "-c", CSRT, str(asked), str(told)], check=True)
        found = json.loads(told.read_text())
    return np.array(found["boxes"]), found["rate"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--data", type=Path, default=real_data.folder())
    chosen = parser.parse_args()
    if not (chosen.data / "otb").is_dir():
        parser.error("no real videos: give --data or DAT_TEST_DATA, a folder with otb/ in it")
    cv2.setNumThreads(1)
    about = f"First {chosen.frames} frames, ours with OpenCV {cv2.__version__}, CSRT with {PACKAGE}."
    rows, table = [], figures.Table("target", "CSRT, overlap", "ours", "CSRT, frames a second", "ours", "ratio")
    for name in real_clips.TARGETS:
        clip = real_clips.clip(name, chosen.frames, place=chosen.data)
        runs = [run(clip.files, clip.truth[0]) for run in (csrt_run, our_run)]
        row = [(float(boxes.overlap(found, clip.truth).mean()), rate) for found, rate in runs]
        rows.append(row)
        (theirs, slow), (ours, rate) = row
        table.add(name, f"{theirs:.3f}", f"{ours:.3f}", f"{slow:.1f}", f"{rate:.1f}", f"{rate / slow:.2f}x")
    means = np.array(rows).mean(0)
    ratios = np.array(rows)[:, 1, 1] / np.array(rows)[:, 0, 1]
    ratio = f"{np.exp(np.log(ratios).mean()):.2f}x"
    table.add("all; ratios' geometric mean", f"{means[0, 0]:.3f}", f"{means[1, 0]:.3f}", "", "", ratio)
    figures.write(__file__, about, table)


if __name__ == "__main__":
    main()
