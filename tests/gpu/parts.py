"""What `make test-gpu` tries and measures: each part takes a device and gives its figures.

A part raises AssertionError where what it finds is beyond its bound. All but the last run on a processor too.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from dat import records
from dat.base import devices, params
from dat.base.sections import Tracking
from dat.models.exactness import exact
from dat.models.gpgnet import GPGNet
from dat.models.salnet import SALNet
from dat.regions import boxes
from dat.tracking.attention import Attention
from dat.tracking.mdnet.features import MOST, Features
from dat.tracking.mdnet.tracker import MDNetTracker
from dat.training import runner, salnet
from dat.training.checkpoints import Checkpoints
from tests.gpu import launches
from tests.parts import training_sets
from tests.parts.tracking_parts import video

ROOT = Path(__file__).resolve().parents[2]
OVERLAP, LOSS, RESUMED, AT_ONCE = 0.99, 1e-3, 1e-6, 1e-3
"""Bounds: mean overlap of boxes with the processor's, and the relative difference of losses from its; of weights from
those of a training that was not interrupted; of features that were computed fewer at a time."""
AIM = 100
"""Frames a second of a card with `crops` that are wanted; fewer are no failure."""

Figures = dict[str, Any]


def paper() -> Tracking:
    """The paper profile's settings of the tracker."""
    return params.load(ROOT / "profiles" / "paper").root.tracking


@dataclass(frozen=True)
class Size:
    """How much a part computes: the networks' width, frames and their (width, height), the tracker's settings, steps of
    a training, the side of matrices, jobs at a time. The tests' own is small."""

    width: float = 1.0
    frames: int = 60
    shape: tuple[int, int] = (1280, 720)
    settings: Tracking = field(default_factory=paper)
    steps: int = 6
    side: int = 8192
    jobs: int = 4

    def video(self, count: int | None = None) -> tuple[list[Any], np.ndarray]:
        """Frames (H, W, 3) of a moving target, and its boxes (F, 4)."""
        return video(count or self.frames, *self.shape)


def tracker(device: str, size: Size, features: str = "crops", attention: bool = False) -> MDNetTracker:
    """A tracker with seeded random weights."""
    facts = {"width": size.width, "fc4": 512, "standardise": False, "init": "orthogonal", "normalisation": "v2"}
    network = SALNet(SimpleNamespace(**facts), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.vggm.conv3.weight.mul_(0.1)  # features of about the size that trained ones have
    network = network.eval().requires_grad_(False).to(device)
    guide = GPGNet(["target"], SimpleNamespace(**facts)).to(device) if attention else None
    settings = size.settings.model_copy(update={"features": features})
    return MDNetTracker(settings, network, guide and Attention(guide, None, (192, 256)), "clip", 0)


def wait(device: str) -> None:
    """Until the device has done what it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def followed(found: MDNetTracker, frames: list[Any], start: Any, device: str) -> tuple[np.ndarray, float]:
    """Boxes (F, 4) and the seconds that the frames after the first took."""
    found.init(frames[0], start)
    wait(device)
    clock, got = time.perf_counter(), [start]
    got += [found.update(frame) for frame in frames[1:]]
    wait(device)
    return np.array(got), time.perf_counter() - clock


def card(device: str) -> Figures:
    """What computes here. Raises InputError where it does not open."""
    facts = {"torch": torch.__version__, "device": records.environment(device).get("device", device)}
    if device.startswith("cuda"):
        call = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        answer = subprocess.run(call, capture_output=True, text=True, timeout=60, check=False).stdout.split()
        major, minor = torch.cuda.get_device_capability(device)
        facts |= {"driver": answer[0] if answer else "unknown", "cuda": str(torch.version.cuda)}
        facts |= {"cards": len(devices.visible()), "capability": f"{major}.{minor}"}
    return facts


def boxes_agree(device: str, size: Size) -> Figures:
    """The tracker's boxes on the device and on the processor, which takes minutes: half of the frames."""
    frames, truth = size.video(size.frames // 2)
    figures = Figures()
    for features in ("crops", "shared"):
        here, there = (followed(tracker(name, size, features), frames, truth[0], name)[0] for name in ("cpu", device))
        figures[f"{features}, mean overlap"] = overlap = float(boxes.overlap(here, there).mean())
        assert overlap > OVERLAP, f"{features}: mean overlap {overlap:.4f} with the processor's boxes"
    return figures


def _task(made: params.Settings, device: str, steps: int) -> salnet.SalnetTask:
    """A training of so many steps, a row of its curve each."""
    job = records.Job("salnet", made, {"training": made.path / "training"}, {}, device=device)
    task = salnet.prepare(job, made.root.salnet["salnet"])
    task.steps, task.every = steps, 1
    return task


def trainings_agree(device: str, size: Size) -> Figures:
    """SALNet's losses on the device and on the processor, and a training that goes on from a checkpoint."""
    with tempfile.TemporaryDirectory() as name:
        made, steps = training_sets.make(Path(name)), size.steps
        shared = made.root.train.model_copy(update={"checkpoint": steps // 2})
        whole = _task(made, device, steps)
        rows = runner.train(whole, shared)
        own = rows if device == "cpu" else runner.train(_task(made, "cpu", steps), shared)
        apart = max(abs(a["loss"] / b["loss"] - 1) for a, b in zip(rows, own, strict=True))
        assert apart < LOSS, f"losses differ by {apart:.2g} from the processor's"
        checkpoints, task = Checkpoints(Path(name) / "checkpoints"), _task(made, device, steps)
        runner.train(task, shared, checkpoints)  # its last checkpoint is that of the middle
        again = _task(made, device, steps)
        runner.train(again, shared, checkpoints)
    pairs = zip(whole.module.state_dict().values(), again.module.state_dict().values(), strict=True)
    resumed = max(float((a - b).abs().max()) for a, b in pairs if a.numel())
    assert resumed <= RESUMED, f"weights of a resumed training differ by {resumed:.2g}"
    return {"losses, largest relative difference": apart, "resumed, largest difference of a weight": resumed}


def launches_a_frame(device: str, size: Size) -> Figures:
    """Kernels that a frame launches without an update of the classifier, and on average over ten frames with one."""
    frames, truth = size.video(12)
    few = {"positives": 30, "negatives": 60, "iterations": 2}  # in the first frame, which is not counted
    own = size.settings.model_copy(update={"first": size.settings.first.model_copy(update=few)})
    count = launches.profiled if device.startswith("cuda") else launches.counted
    figures = Figures()
    for name, features, attention in (
        ("crops", "crops", False),
        ("shared", "shared", False),
        ("guided", "crops", True),
    ):
        found = tracker(device, replace(size, settings=own), features, attention)
        followed(found, frames[:2], truth[0], device)
        if not device.startswith("cuda"):
            launches.to_meta(found)
        counts = [count(found, frame) for frame in frames[2:]]
        figures[f"{name}, without an update"] = min(counts)
        figures[f"{name}, mean"] = float(np.mean(counts))
    return figures


def speed(device: str, size: Size) -> Figures:
    """Frames a second with `crops`, and the share of what products of float32 matrices reach on the device."""
    frames, truth = size.video()
    followed(tracker(device, size), frames[:2], truth[0], device)  # libraries load at the first use
    _, seconds = followed(tracker(device, size), frames, truth[0], device)
    found = tracker(device, size)
    found.init(frames[0], truth[0])
    with FlopCounterMode(display=False) as counter:
        for frame in frames[1:]:
            found.update(frame)
    work = counter.get_total_flops() / (len(frames) - 1)
    rate, peak = (len(frames) - 1) / seconds, _products(device, size.side)
    figures = {"frames a second": rate, "GFLOP a frame": work / 1e9, "TFLOP/s of products": peak / 1e12}
    return figures | {"share of that": rate * work / peak}


def _products(device: str, side: int) -> float:
    """Operations a second of the best of five products of square matrices."""
    a, best = torch.rand(side, side, device=device), float("inf")
    for _ in range(5):
        wait(device)
        clock = time.perf_counter()
        a @ a
        wait(device)
        best = min(best, time.perf_counter() - clock)
    return 2 * side**3 / best


def _job(folder: Path, room: dict[str, int], device: str, size: Size, out: Any) -> None:
    """A process that takes a slot and follows the target."""
    if room:
        devices.take(folder, room)
    exact(1)
    frames, truth = size.video()
    out.put(followed(tracker(device, size), frames, truth[0], device))


def jobs_at_once(device: str, size: Size) -> Figures:
    """Frames a second of all jobs together, one and several of them at a time in slots of one card, and if one of both
    is what is wanted of a card."""
    cards = devices.visible()[:1] if device.startswith("cuda") else []
    spawn = multiprocessing.get_context("spawn")
    figures, found = Figures(), list[np.ndarray]()
    for jobs in (1, size.jobs):
        with tempfile.TemporaryDirectory() as name:
            out = spawn.Queue()
            call = (Path(name), devices.slots(cards, jobs), device, size, out)
            started = [spawn.Process(target=_job, args=call, daemon=True) for _ in range(jobs)]
            for one in started:
                one.start()
            ended = [out.get(timeout=600) for _ in started]
            for one in started:
                one.join()
        found += [boxes_of for boxes_of, _ in ended]
        rates = ((size.frames - 1) / seconds for _, seconds in ended)
        figures[f"{jobs} at a time, frames a second"] = sum(rates)
    assert all(np.array_equal(one, found[0]) for one in found), "boxes depend on the jobs beside"
    return figures | aim(max(figures.values()))


def aim(rate: float) -> Figures:
    """Whether a card's frames a second are what is wanted."""
    return {f"aim {AIM}": "reached" if rate >= AIM else "missed"}


def out_of_memory(device: str, size: Size) -> Figures:
    """Features where a card's memory does not do for all candidates at a time: fewer at a time, and the same."""
    network, (frames, truth) = tracker(device, size).salnet, size.video(1)
    image = torch.from_numpy(frames[0]).permute(2, 0, 1).to(device)
    moved = np.random.default_rng(0).uniform(-9, 9, (MOST, 4)) * [1, 1, 0, 0]
    places = (truth[0] + moved).astype(np.float32)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    wanted = Features(network, "crops", 128.0)(image, places)
    peak = torch.cuda.max_memory_reserved(device)
    torch.cuda.empty_cache()
    own = Features(network, "crops", 128.0)
    try:
        torch.cuda.set_per_process_memory_fraction(0.6 * peak / torch.cuda.get_device_properties(device).total_memory)
        got = own(image, places)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    apart = float((got - wanted).abs().max() / wanted.abs().max())
    assert own.most < MOST, "the memory did for all"
    assert apart < AT_ONCE, f"features of fewer at a time differ by {apart:.2g}"
    return {"candidates at a time": own.most, "largest relative difference": apart}


PARTS = (boxes_agree, trainings_agree, launches_a_frame, speed, jobs_at_once, out_of_memory)
