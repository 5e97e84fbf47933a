"""What the toolkits themselves make of the same files: run inside an environment that has got10k and vot-toolkit.

python toolkits.py otb ANNOTATIONS RESULTS OUT.npz     got10k's scoring of trackers' text files (Tiger1 with 354 rows)
python toolkits.py vot TRUTH.json RESULTS OUT.npz      VOT's own overlaps and curve of one tracker's repetitions
python toolkits.py overlaps PAIRS.npz OUT.npz          VOT's own overlaps of pairs of regions

Times in OUT.npz are processor seconds. Nothing here is needed by the package.
"""

import io
import json
import sys
import time
from pathlib import Path

import numpy as np


def otb(annotations: Path, results: Path, out: Path) -> None:
    """got10k's way from files to curves, without plots: loadtxt, _calc_metrics, _calc_curves, as its report does."""
    from got10k.experiments import ExperimentOTB

    experiment = ExperimentOTB.__new__(ExperimentOTB)
    experiment.nbins_iou, experiment.nbins_ce = 21, 51
    found, reading, scoring = {}, 0.0, 0.0
    for tracker in sorted(results.iterdir()):
        curves = []
        for path in sorted(annotations.glob("*.txt")):
            start = time.process_time()
            truth = np.loadtxt(io.StringIO(path.read_text().replace(",", " ")))
            boxes = np.loadtxt(tracker / path.name, delimiter=",")
            middle = time.process_time()
            boxes[0] = truth[0]
            curves.append(experiment._calc_curves(*experiment._calc_metrics(boxes, truth)))
            reading += middle - start
            scoring += time.process_time() - middle
        found[f"success/{tracker.name}"] = np.array([success for success, _ in curves])
        found[f"precision/{tracker.name}"] = np.array([precision for _, precision in curves])
    np.savez(out, reading=reading, scoring=scoring, **found)


def _region(numbers: list[float]) -> object:
    from vot.region.shapes import Polygon, Rectangle

    if len(numbers) == 4:
        return Rectangle(*numbers)
    return Polygon(list(zip(numbers[0::2], numbers[1::2], strict=True)))


def vot(truth: Path, results: Path, out: Path) -> None:
    """The toolkit's parser, rasters and EAO curve on a tracker's folder of sequences."""
    from vot.analysis.supervised import compute_eao_curve, locate_failures_inits
    from vot.region.io import parse_region
    from vot.region.raster import calculate_overlaps

    regions = {
        name: [_region(row) for row in entry["gt_rect"]] for name, entry in json.loads(truth.read_text()).items()
    }
    first = next(iter(regions.values()))
    calculate_overlaps(first, first)  # compiled before the clock starts
    times = [time.process_time()]
    runs = {
        name: [
            [parse_region(line) for line in path.read_text().splitlines()]
            for path in sorted((results / name).glob("*.txt"))
        ]
        for name in regions
    }
    times.append(time.process_time())
    overlaps, success = [], []
    for name, trajectories in runs.items():
        for trajectory in trajectories:
            values = calculate_overlaps(trajectory, regions[name], None)
            failures, starts = locate_failures_inits(trajectory)
            pieces = (
                [(a, b, False) for a, b in zip(starts, failures, strict=False)]
                if failures
                else [(0, len(values), True)]
            )
            pieces += [(starts[-1], len(values), True)] if failures and len(starts) > len(failures) else []
            overlaps += [values[a:b] for a, b, _ in pieces]
            success += [whole for _, _, whole in pieces]
    times.append(time.process_time())
    curve = compute_eao_curve(overlaps, [1] * len(overlaps), success)
    times.append(time.process_time())
    np.savez(out, curve=curve, times=np.diff(times))


def pairs(given: Path, out: Path) -> None:
    """Overlaps of pairs of regions, rows of eight numbers of which `counts` are used."""
    from vot.region.raster import calculate_overlap

    data = np.load(given)
    size = tuple(int(side) for side in data["size"]) if data["size"].size else None
    values = [
        calculate_overlap(_region(list(map(float, a[:m]))), _region(list(map(float, b[:n]))), size)
        for a, m, b, n in zip(data["a"], data["counts_a"], data["b"], data["counts_b"], strict=True)
    ]
    np.savez(out, overlaps=np.array(values))


if __name__ == "__main__":
    command, *places = sys.argv[1:]
    {"otb": otb, "vot": vot, "overlaps": pairs}[command](*map(Path, places))
