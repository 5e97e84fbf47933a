"""What a training costs beyond its network, at the paper's sizes: is the loader the limit, does it work beside?

    python -m benchmarks.bench_train [--steps 2] [--batch 20] [--device cpu] [--bf16] [--part gpgnet,salnet]

GPGNet: steps of the real training loop (decoding, loss, clipping, Adagrad) against forward and backward alone on random
tensors that are already on the device. SALNet: the same, and how long the loop waits for regions, which a thread cuts
beside the computation, against how long cutting takes; with one computing thread on a CPU, so that a core is left. Data
are drawn: LaSOT's videos for GPGNet, videos of 1280 x 720 for SALNet, no frame kept in memory.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import torch

from benchmarks import figures
from dat import records
from dat.base import params
from dat.training import gpgnet, runner, salnet
from dat.training.attention_data import AttentionData
from dat.training.domains import FrameCache
from tests.parts import training_sets

ROOT = Path(__file__).resolve().parents[1]
PAPER = ROOT / "profiles" / "paper" / "params.yaml"
FEW = (
    (r"(?m)^root: .*$", "root: ."),
    (r"\.\./\.\./annotations", "annotations"),
    (r"(?m)^(subsample: \{step: )\d+", r"\g<1>2"),
    (r", every: \d+", ""),
    (r"(?m)^(train: .*threads: )\d+", r"\g<1>1"),
    (r"vgg_m: \S+, vgg16: [^}]+", "vgg_m: none, vgg16: none"),
)
"""What of the paper profile does not suit a few short videos in a folder of their own."""


def paper(folder: Path, shape: tuple[int, int]) -> params.Settings:
    """The paper profile in `folder`, with drawn videos of `shape` (H, W)."""
    return training_sets.make(folder, *FEW, shape=shape, source=PAPER)


def wait(device: str) -> None:
    """Until the device has done what it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def seconds(step: Callable[[int], object], count: int, device: str) -> float:
    """Seconds of a step, the first one, a warm-up, left out."""
    step(0)
    wait(device)
    start = time.perf_counter()
    for number in range(1, count + 1):
        step(number)
    wait(device)
    return (time.perf_counter() - start) / count


def looped(task: runner.Task, count: int, bf16: bool, device: str) -> tuple[float, float]:
    """Seconds of a step of the training loop itself, and of it those that it waits for its batch."""
    shared, state, clock = SimpleNamespace(clip=10.0, bf16=bf16), runner._State(), runner.Clock()
    task.steps = count + 2  # one more is begun, as in the middle of a training
    waited = []

    def step(number: int) -> None:
        before = clock.seconds["batch"]
        runner._step(task, number, batches, shared, state, clock)
        waited.append(clock.seconds["batch"] - before)

    with runner.Prefetched(task) as batches:
        return seconds(step, count, device), sum(waited[1:]) / count


def bare(task: runner.Task, compute: Callable[[], torch.Tensor], count: int, bf16: bool, device: str) -> float:
    """Seconds of forward and backward alone."""

    def step(_: int) -> None:
        task.optimiser.zero_grad()
        with runner.autocast(task.module, bf16):
            loss = compute()
        loss.backward()

    return seconds(step, count, device)


def attention(made: params.Settings, chosen: argparse.Namespace, table: figures.Table) -> None:
    """GPGNet, both inputs."""
    folder = made.path / "training"
    module, vocabulary = gpgnet.build(folder, ["target", "language"], made)
    data = AttentionData(folder, ["target", "language"], vocabulary, memory=0)
    training = made.root.gpgnet_training.model_copy(update={"batch": chosen.batch, "epochs": 100})
    task = gpgnet.GpgnetTask(data, module.to(chosen.device), training, 0, chosen.device)
    task.rows = task.rows.repeat(-(-chosen.batch // len(task.rows)))  # as many frames as a batch wants
    rows, real = task.batch(0)
    random = {k: torch.rand_like(v) * 255 if v.is_floating_point() else v for k, v in real.items()}
    random["mask"] = (random["mask"] > 128).float()
    loop, _ = looped(task, chosen.steps, chosen.bf16, chosen.device)
    alone = bare(task, lambda: task.loss((rows, random))["loss"], chosen.steps, chosen.bf16, chosen.device)
    load = seconds(lambda step: task.batch(0), 5, chosen.device)
    table.add(f"GPGNet, a step of the training, {len(rows)} frames", f"{loop:.3f} s")
    table.add("forward and backward alone", f"{alone:.3f} s: the loop runs at {100 * alone / loop:.0f} % of its rate")
    table.add("its batch is made in", f"{load:.3f} s, {len(rows) / load:,.0f} frames a second")


def regions(made: params.Settings, chosen: argparse.Namespace, table: figures.Table) -> None:
    """SALNet with graph and sentences."""
    if chosen.device == "cpu":
        torch.set_num_threads(1)
    job = records.Job("salnet", made, {"training": made.path / "training"}, {}, device=chosen.device)
    task = salnet.prepare(job, made.root.salnet["salnet"])
    task.cache = FrameCache(memory=0)
    batch = task.batch(0)
    count = 5 * chosen.steps
    cutting = seconds(task.batch, count, chosen.device)
    alone = bare(task, lambda: task.loss(batch)["loss"], count, chosen.bf16, chosen.device)
    loop, waited = looped(task, count, chosen.bf16, chosen.device)
    table.add(f"SALNet, a step of the training, {len(batch.labels)} regions", f"{loop:.3f} s")
    table.add("forward and backward alone", f"{alone:.3f} s: the loop runs at {100 * alone / loop:.0f} % of its rate")
    beside = f"{100 * (1 - waited / cutting):.0f} % of it is done beside the computation"
    table.add("cutting its regions", f"{cutting:.3f} s, for which the loop waits {waited:.3f} s: {beside}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--part", default="salnet,gpgnet")
    chosen = parser.parse_args()
    table = figures.Table("what", "figure")
    with tempfile.TemporaryDirectory() as work:
        for name, part in (("salnet", regions), ("gpgnet", attention)):
            if name in chosen.part.split(","):
                shape = (720, 1280) if name == "salnet" else training_sets.SHAPE
                with runner.exact(torch.get_num_threads(), "cpu"):
                    part(paper(Path(work) / name, shape), chosen, table)
    figures.write(__file__, table)


if __name__ == "__main__":
    main()
