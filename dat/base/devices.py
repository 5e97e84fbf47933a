"""GPUs: which there are, which of them a run uses, and which of them a process gets.

nvidia-smi is asked, not torch, which takes seconds to load and finds a card that no driver works for. A card is named
to CUDA by its UUID: its index there need not be nvidia-smi's.
"""

import fcntl
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dat.base.errors import InputError

QUERY = ("nvidia-smi", "--query-gpu=index,uuid,memory.total,compute_mode", "--format=csv,noheader,nounits")
JOB_MEMORY, MOST_JOBS = 8192, 8
"""MiB of a card for each job, and jobs a card at most, where `fanout.slots_per_gpu` leaves it to the card's memory."""
PERIOD = 0.1
CLOSED = "closed"
"""A run's folder with a file for each card that did not open, by its UUID: a line that says why."""
REFUSALS = {
    "driver on your system is too old": "update the driver, or compute on the processor (DAT_DEVICES=cpu)",
    "busy or unavailable": "another program has this card: wait until it has ended, or name other cards (DAT_DEVICES)",
    "out of memory": "another program fills this card: wait until it has ended, or name other cards (DAT_DEVICES)",
    "no kernel image": "the card is older than torch's build: name other cards (DAT_DEVICES), or cpu",
}
"""What to do about a card that does not open, by what CUDA says."""


@dataclass(frozen=True)
class Card:
    """A GPU: nvidia-smi's index, its UUID, its memory in MiB, and whether one process at a time may use it."""

    index: str
    uuid: str
    memory: int
    exclusive: bool = False

    def named(self, name: str) -> bool:
        """Whether `name` is its index or the beginning of its UUID, as CUDA reads names."""
        return name == self.index or (name.startswith(("GPU-", "MIG-")) and self.uuid.startswith(name))


def _present() -> list[Card]:
    """All cards that the driver shows; none where there is no driver, or it does not work. What nvidia-smi says beside
    cards (a warning, with a status of its own) is passed on."""
    try:
        answer = subprocess.run(QUERY, capture_output=True, text=True, errors="replace", timeout=60)
    except FileNotFoundError:
        return []
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"dat: nvidia-smi: {error}; no GPU is used", file=sys.stderr, flush=True)
        return []
    present, others = [], []
    for line in filter(str.strip, answer.stdout.splitlines()):
        match [part.strip() for part in line.split(",")]:
            case [index, uuid, memory, mode] if index.isdigit() and uuid.startswith("GPU-"):
                room = int(memory) if memory.isdigit() else 0
                present.append(Card(index, uuid, room, mode.startswith("Exclusive")))
            case _:
                others.append(line.strip())
    if others or answer.returncode:
        said = next(iter([*others, *answer.stderr.strip().splitlines()]), f"status {answer.returncode}")
        there = ", ".join(card.index for card in present)
        what = f"there are: {there}" if there else "no GPU is used"
        print(f"dat: nvidia-smi: {said}; {what}", file=sys.stderr, flush=True)
    return present


def visible() -> list[Card]:
    """The cards that CUDA_VISIBLE_DEVICES leaves, in its order; as for CUDA, its first unknown name ends the list."""
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    if names is None:
        return _present()
    cards = _present() if names.strip() else []
    listed: list[Card] = []
    for name in map(str.strip, names.split(",")):
        card = next((card for card in cards if card.named(name)), None)
        if card is None and name.startswith("MIG-"):
            card = Card(name, name, 0)
        if card is None:
            break
        listed.append(card)
    return listed


def chosen(setting: str) -> list[Card]:
    """The cards that a run uses: those of DAT_DEVICES, or of the setting: `all`, `cpu` (none), or names with commas.

    Raises InputError for a card that is not visible here.
    """
    where = "DAT_DEVICES" if os.environ.get("DAT_DEVICES") else "fanout.devices"
    names = os.environ.get("DAT_DEVICES") or setting
    if names == "cpu":
        return []
    cards = visible()
    if names == "all":
        return cards
    picked = []
    for name in filter(None, map(str.strip, names.split(","))):
        card = next((card for card in cards if card.named(name)), None)
        if card is None:
            there = ", ".join(card.index for card in cards) or "none"
            raise InputError(f"{where}: no GPU '{name}' here; there are: {there}; name one of them, all or cpu")
        picked.append(card)
    return list(dict.fromkeys(picked))


def kind(numerics: str, setting: str) -> str:
    """`cuda` or `cpu`: portable numerics compute on the processor, native ones on the chosen cards if there are any.

    Raises InputError where DAT_DEVICES names cards for portable numerics.
    """
    if numerics == "portable":
        named = os.environ.get("DAT_DEVICES", "")
        if named not in ("", "all", "cpu"):
            raise InputError(
                f"DAT_DEVICES={named}: numerics: portable computes on the processor, for the same bytes everywhere; "
                "unset it, or set numerics: native in params.yaml"
            )
        return "cpu"
    return "cuda" if chosen(setting) else "cpu"


def slots(cards: Sequence[Card], per_card: int) -> dict[str, int]:
    """How many jobs each card takes at a time, by UUID; `per_card` 0: as many as its memory has room for.

    One in an exclusive compute mode takes one.
    """
    room = {card.uuid: per_card or min(MOST_JOBS, max(1, card.memory // JOB_MEMORY)) for card in cards}
    return room | {card.uuid: 1 for card in cards if card.exclusive}


def refused(device: str, error: Exception) -> InputError:
    """One line for a device that torch cannot use: its own words, and what to do."""
    reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(". ")
    remedy = next(
        (what for words, what in REFUSALS.items() if words in reason), "name other cards (DAT_DEVICES), or cpu"
    )
    return InputError(f"{device}: {reason}; {remedy}")


def opening(room: dict[str, int], closed: Path | None) -> dict[str, int]:
    """The room on the cards that have no file in the folder `closed`, which names those that did not open; all of it
    where none is left, so that what asks for one hears why."""
    refusing = {path.name for path in closed.iterdir()} if closed and closed.is_dir() else set()
    return {uuid: count for uuid, count in room.items() if uuid not in refusing} or room


def take(folder: Path, room: dict[str, int], closed: Path | None = None) -> str:
    """Wait for a free slot, hold it until this process ends, and let CUDA see that card alone. Returns its UUID.

    A slot is an exclusive flock on a file; the kernel frees it when its holder ends, kill -9 included. All cards'
    first slots are taken before any second one. Cards in `closed` have none (`opening`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    order = [(number, uuid) for uuid, count in room.items() for number in range(count)]
    random.Random(os.getpid()).shuffle(order)
    order.sort(key=lambda slot: slot[0])
    while True:
        free = opening(room, closed)
        for number, uuid in (slot for slot in order if slot[1] in free):
            descriptor = os.open(folder / f"{uuid}-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            os.environ["CUDA_VISIBLE_DEVICES"] = uuid
            return uuid
        time.sleep(PERIOD)
