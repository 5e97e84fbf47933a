"""Lost targets: flags of absence, boxes that find the target or not, and a small benchmark of them as files."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from dat.datasets import manifest
from dat.records import Job, write_text
from tests.parts import small_sets

BOX = [40.0, 30.0, 20.0, 10.0]
FAR = [100.0, 80.0, 20.0, 10.0]
AWAY = "000" + "1" * 5 + "0" * 13
"""Gone in frame 3, back in frame 8, whose window ends with frame 18."""

HELD = "1" * 8
HITS = {"Wall": HELD + "0" * 5 + "1" * 8, "Away": HELD + "0" * 13}
"""Frames in which a tracker's box is the target's, by target: it finds the first again."""


def boxes(hits: str) -> npt.NDArray[np.float64]:
    """Boxes (N,4) on the target where a hit is 1, elsewhere without overlap."""
    return np.array([BOX if hit == "1" else FAR for hit in hits])


def write_results(folder: Path, hits: dict[str, str]) -> None:
    """A tracker's files, which count from 1."""
    for name, line in hits.items():
        rows = boxes(line) + np.array([1, 1, 0, 0])
        write_text(folder / f"{name}.txt", "".join(",".join(map(str, row)) + "\n" for row in rows.tolist()))


def job(folder: Path) -> Job:
    """`evaluate@redetection` on the targets of `HITS`, which stand still."""
    settings = small_sets.profile(folder)
    row = {"frames": len(AWAY), "files": [], "annotations": [], "boxes": [BOX] * len(AWAY), "sentence": None}
    row |= {"size": [160, 120], "attributes": [], "absent": [int(flag) for flag in AWAY]}
    path = folder / "testing/otb100.jsonl"
    head = {"name": "synthetic-otb100", "linked": True, "root": "data/otb100", "layout": "otb"}
    head |= {"lists": {"redetection": list(HITS)}}
    manifest.write(path, head, [{**row, "sequence": name} for name in HITS])
    inputs = {"manifest": path, "results": folder / "results/redetection"}
    return Job("redetection", settings, inputs, {"metrics": folder / "reports/metrics/redetection.json"})
