"""GPUs, with an nvidia-smi of the tests' own: which a run uses, and that no card ever gets more jobs than its slots."""

import multiprocessing
import os
import signal
from collections import Counter
from pathlib import Path

import pytest
import torch

from dat import records
from dat.base import devices, params
from dat.base.errors import InputError
from dat.models import exactness
from dat.pipeline import running as stages
from dat.training import runner

ROOT = Path(__file__).resolve().parents[2]
CARDS = 8


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DAT_DEVICES", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


def driver(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, status: int = 0) -> None:
    """An nvidia-smi that prints this, first on the PATH."""
    program = folder / "bin" / "nvidia-smi"
    program.parent.mkdir()
    (folder / "answer").write_text(text)
    program.write_text(f"#!/bin/sh\ncat '{folder}/answer'\nexit {status}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def eight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, monkeypatch, "".join(f"{n}, GPU-{n}a{n}, {24576}, Default\n" for n in range(CARDS)))


def indices(cards: list[devices.Card]) -> str:
    return "".join(card.index for card in cards)


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(
    ("visible", "named", "setting", "expected"),
    [
        (None, None, "all", "01234567"),
        (None, None, "cpu", ""),
        (None, None, "3,1,3", "31"),
        (None, "2", "all", "2"),
        (None, "cpu", "all", ""),
        (None, "", "4", "4"),
        ("", None, "all", ""),
        ("-1", None, "all", ""),
        ("5,2", None, "all", "52"),
        ("5,2", "2", "all", "2"),
        ("GPU-6a", None, "all", "6"),
        ("1,9,2", None, "all", "1"),  # as CUDA reads it
    ],
)
def test_the_cards_of_a_run(
    visible: str | None, named: str | None, setting: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("CUDA_VISIBLE_DEVICES", visible), ("DAT_DEVICES", named)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert indices(devices.chosen(setting)) == expected
    assert devices.kind("native", setting) == ("cuda" if expected else "cpu")


@pytest.mark.usefixtures("eight")
def test_a_card_that_is_not_there_is_named_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"fanout.devices: no GPU '8' here; there are: 0, 1, 2, 3, 4, 5, 6, 7"):
        devices.chosen("0,8")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("DAT_DEVICES", "2")
    with pytest.raises(InputError, match=r"DAT_DEVICES: no GPU '2' here; there are: 1;"):
        devices.chosen("all")


@pytest.mark.usefixtures("eight")
def test_portable_numerics_use_no_card_and_refuse_named_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert devices.kind("portable", "all") == "cpu"
    monkeypatch.setenv("DAT_DEVICES", "0")
    with pytest.raises(InputError, match="portable computes on the processor"):
        devices.kind("portable", "all")


def test_without_a_driver_that_works_there_is_no_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    driver(tmp_path, monkeypatch, "NVIDIA-SMI has failed because it could not communicate with the driver\n", 9)
    assert devices.chosen("all") == []
    assert "could not communicate with the driver; no GPU is used" in capfd.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert devices.chosen("all") == []


ROWS = "0, GPU-a, 24576, Default\n1, GPU-b, [N/A], [N/A]\n"
WARNING = "WARNING: infoROM is corrupted at gpu 0000:02:00.0"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (ROWS, 0, ""),
        (f"{ROWS}{WARNING}\n", 14, f"dat: nvidia-smi: {WARNING}; there are: 0, 1\n"),
        (f"{WARNING}\n\n{ROWS}", 0, f"dat: nvidia-smi: {WARNING}; there are: 0, 1\n"),
        (ROWS, 14, "dat: nvidia-smi: status 14; there are: 0, 1\n"),
        (
            f"{ROWS}Unable to determine a, b, c\nAnother\n",
            15,
            "dat: nvidia-smi: Unable to determine a, b, c; there are: 0, 1\n",
        ),
        (
            f"{ROWS}2, [Unknown Error], 24576, Default\n",
            0,
            "dat: nvidia-smi: 2, [Unknown Error], 24576, Default; there are: 0, 1\n",
        ),
        ("No devices were found\n", 0, "dat: nvidia-smi: No devices were found; no GPU is used\n"),
        ("", 0, ""),
    ],
)
def test_cards_are_taken_whatever_else_the_driver_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    text: str,
    status: int,
    said: str,
) -> None:
    """Its warnings have a status of their own (14); what is not understood is told in one line."""
    driver(tmp_path, monkeypatch, text, status)
    expected = [devices.Card("0", "GPU-a", 24576), devices.Card("1", "GPU-b", 0)]
    assert devices.chosen("all") == (expected if "GPU" in text else [])
    assert capfd.readouterr().err == said


def test_a_card_takes_as_many_jobs_as_its_memory_has_room_for() -> None:
    cards = [devices.Card(str(n), f"GPU-{n}", memory) for n, memory in enumerate((6144, 24576, 143771, 0))]
    assert list(devices.slots(cards, 0).values()) == [1, 3, 8, 1]
    assert list(devices.slots(cards, 2).values()) == [2, 2, 2, 2]


def test_a_card_in_an_exclusive_mode_takes_one_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, monkeypatch, "0, GPU-a, 81559, Exclusive_Process\n1, GPU-b, 81559, Default\n")
    assert devices.slots(devices.chosen("all"), 0) == {"GPU-a": 1, "GPU-b": 8}
    assert devices.slots(devices.chosen("all"), 3) == {"GPU-a": 1, "GPU-b": 3}


REFUSED = [
    (
        "The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver by\nmore",
        "update the driver",
    ),
    ("CUDA error: all CUDA-capable devices are busy or unavailable\nCUDA kernel errors might", "another program has"),
    ("CUDA error: out of memory\nCUDA kernel errors might", "another program fills this card"),
    ("CUDA error: no kernel image is available for execution on the device", "older than torch's build"),
    ("CUDA error: something new", "name other cards"),
    ("", "name other cards"),
]


@pytest.mark.parametrize(("text", "remedy"), REFUSED)
def test_a_card_that_does_not_open_is_one_line_with_a_remedy(
    text: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr(torch, "zeros", refuse)
    monkeypatch.setattr(torch.cuda, "get_device_name", refuse)
    for call in (lambda: exactness.open_device("cuda"), lambda: records.environment("cuda")):
        with pytest.raises(InputError) as error:
            call()
        line = str(error.value)
        assert error.value.status == 2 and "\n" not in line
        assert line.startswith(f"cuda: {text.partition(chr(10))[0] or 'RuntimeError'}; ") and remedy in line


@pytest.mark.skipif(torch.cuda.is_available(), reason="the card would open")
def test_a_training_on_a_card_that_torch_cannot_use_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"^cuda: .+; .*cpu\)?$"), runner.exact(1, "cuda"):
        pass


@pytest.mark.usefixtures("eight")
def test_fifty_jobs_at_once_on_eight_cards_with_three_slots_each(tmp_path: Path) -> None:
    """Never more on a card than its slots, all cards in use, and a killed job's slot is free again."""
    room = devices.slots(devices.chosen("all"), 0)
    fork = multiprocessing.get_context("fork")
    taken = fork.SimpleQueue()

    def job() -> None:
        uuid = devices.take(tmp_path / "cards", room)
        taken.put((os.getpid(), uuid, os.environ["CUDA_VISIBLE_DEVICES"]))
        signal.pause()

    jobs = [fork.Process(target=job, daemon=True) for _ in range(50)]
    for one in jobs:
        one.start()
    waiting, held, busiest = {one.pid: one for one in jobs}, Counter[str](), 0
    running: list[tuple[int, str]] = []
    for _ in range(50):
        if len(running) == 24:
            busiest += 1
            pid, uuid = running.pop(0)
            waiting[pid].kill()
            waiting[pid].join()
            held[uuid] -= 1
        pid, uuid, seen = taken.get()
        running.append((pid, uuid))
        held[uuid] += 1
        assert seen == uuid and max(held.values()) <= 3
    assert busiest == 26 and held == Counter(dict.fromkeys(room, 3))
    assert taken.empty()
    for one in jobs:
        one.kill()
        one.join()


def test_a_first_slot_of_every_card_comes_before_a_second(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    taken = fork.SimpleQueue()
    done = fork.Event()

    def hold() -> None:
        taken.put(devices.take(tmp_path / "cards", {"GPU-a": 2, "GPU-b": 2}))
        done.wait(60)
        os._exit(0)

    jobs, order = [], []
    for _ in range(4):
        jobs.append(fork.Process(target=hold, daemon=True))
        jobs[-1].start()
        order.append(taken.get())
    done.set()
    for one in jobs:
        one.join(60)
    assert set(order[:2]) == set(order[2:]) == {"GPU-a", "GPU-b"}


@pytest.mark.usefixtures("eight")
def test_a_card_that_did_not_open_gets_no_job_while_others_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # restored afterwards
    room = {card.uuid: 1 for card in devices._present()[:3]}
    closed = tmp_path / "closed"
    closed.mkdir()
    for uuid in ("GPU-0a0", "GPU-2a2"):
        (closed / uuid).touch()
    assert devices.take(tmp_path / "cards", room, closed) == "GPU-1a1"
    (closed / "GPU-1a1").touch()
    assert {devices.take(tmp_path / "cards", room, closed) for _ in range(2)} == {"GPU-0a0", "GPU-2a2"}


def settings(tmp_path: Path, numerics: str, setting: str = "all") -> params.Settings:
    """The root profile's settings with other numerics and devices, in a folder of the test's own."""
    known = params.load(ROOT)
    fanout = known.root.fanout.model_copy(update={"devices": setting})
    root = known.root.model_copy(update={"numerics": numerics, "fanout": fanout, "root": "."})
    return params.Settings(tmp_path, root)


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize("around", ["", "SLURM_JOB_ID", "KUBERNETES_SERVICE_HOST"])
def test_trainings_at_once_get_cards_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, around: str) -> None:
    """Also of those that DAT_DEVICES or the settings name, and in an allocation or a pod that has all eight; a stage
    that is no training holds none."""
    if around:
        monkeypatch.setenv(around, "17")
    native = settings(tmp_path, "native", "6,4")
    fork = multiprocessing.get_context("fork")
    taken = fork.SimpleQueue()

    def train() -> None:
        device = stages.choose_device(stages.STAGES["salnet"], native)
        taken.put((device, os.environ.get("CUDA_VISIBLE_DEVICES")))
        signal.pause()

    jobs = [fork.Process(target=train, daemon=True) for _ in range(2)]
    for one in jobs:
        one.start()
    assert {taken.get() for _ in jobs} == {("cuda", "GPU-6a6"), ("cuda", "GPU-4a4")}
    assert stages.choose_device(stages.STAGES["benchmark"], native) == "cuda"
    assert stages.choose_device(stages.STAGES["salnet"], settings(tmp_path, "portable")) == "cpu"
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    for one in jobs:
        one.kill()
        one.join()
