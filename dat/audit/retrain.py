"""`dat audit --replay-training`: the networks behind numbers trained again from scratch, and their weights compared.

Each is trained by the command of its record, in a process of its own and in a temporary profile: the settings, and
links to the files that its record says it read. Checkpoints and DVC's cache are of a checkout, and a temporary profile
has none. Nothing in the checkout is written but that folder, below `.dat`, which goes when the training has ended.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dat import records
from dat.audit.checks import Audit, Check, Node, Verdict, missing
from dat.audit.walk import Walk
from dat.base import naming, params, used
from dat.base.errors import DatError, InputError, JobError, MissingError
from dat.datasets import manifest as manifests
from dat.models import weights
from dat.pipeline.stages import TRAININGS

PROCESS = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "DVC_STAGE")
"""What `torchrun` and DVC tell the processes that they start."""


@dataclass(frozen=True)
class Network:
    """A network that a number rests on: the folder of its weights and its record, below the profile.

    `seconds` is how long the training took that made it, None where no run file tells.
    """

    folder: str
    kind: str
    key: str
    record: Mapping[str, Any]
    seconds: float | None


def behind(walk: Walk, audits: Sequence[Audit]) -> list[Network]:
    """The networks that numbers rest on and this profile has trained, in the order of training.

    Raises InputError where there is none, or where the settings are no longer those that one was trained with;
    MissingError naming an input that is gone.
    """
    nodes = {node.subject for audit in audits for node in audit.node.below() if node.name == "stage"}
    networks = [network for name in sorted(nodes) if (network := network_of(walk, name)) is not None]
    if not networks:
        texts = ", ".join(audit.address for audit in audits)
        raise InputError(
            f"{texts}: --replay-training needs a number with a network that this profile ({walk.settings.path}) trained"
        )
    for network in networks:
        _check(walk, network)
    return sorted(networks, key=lambda network: (TRAININGS.index(network.kind), network.folder))


def network_of(walk: Walk, name: str) -> Network | None:
    """The network whose record lies at a path below the profile; None where it is no training's."""
    record = walk.json(name)
    words = str(record.get("command", "")).split()
    if words[:2] != ["dat", "train"] or words[2:3] not in [[kind] for kind in TRAININGS]:
        return None
    kind, key = words[2], " ".join(words[3:])
    run = walk.json(f"runs/{kind}@{key}.json" if key else f"runs/{kind}.json")
    seconds = run.get("seconds")
    known = float(seconds) if isinstance(seconds, int | float) else None
    return Network(PurePosixPath(name).parent.as_posix(), kind, key, record, known)


def _check(walk: Walk, network: Network) -> None:
    """Raises InputError or MissingError where a training could not be the one of the record."""
    for dotted, value in network.record["params"].items():
        if walk.params.get(dotted) != value:
            now = f"{walk.settings.path / 'params.yaml'}: {dotted} is {walk.params.get(dotted)!r}"
            raise InputError(f"{now}, {network.folder} was trained with {value!r}; set that to train it again")
    for name in _inputs(network):
        if not (walk.settings.path / naming.below(name, f"{network.folder}/record.json")).is_file():
            raise MissingError(f"{walk.settings.path / name}: not there, and {network.folder} was trained from it")


def _inputs(network: Network) -> list[str]:
    """The files that a training read, below the profile, and the records of what made them."""
    return [str(fact["path"]) for part in ("inputs", "parents") for fact in network.record[part]]


def notice(networks: Sequence[Network]) -> str:
    """Which trainings are to come, and how long they took the last time."""
    known = [network.seconds for network in networks if network.seconds is not None]
    least = "" if len(known) == len(networks) else "more than "
    each = [f"{one.folder} {'unknown' if one.seconds is None else f'{one.seconds:.0f} s'}" for one in networks]
    count = f"{len(networks)} training{'' if len(networks) == 1 else 's'}"
    return f"{count}, {least}{sum(known) / 60:.1f} minutes when they were made: {', '.join(each)}"


def replay(walk: Walk, networks: Sequence[Network], say: Callable[[str], None]) -> list[Node]:
    """Train the networks again, one after another, and compare: a node each. `say` is told of each when it is done.

    Each reads what the run's training read, not what was trained here: so each answers for itself, and the first that
    differs is where the weights come from something else. Raises JobError where one cannot be trained.
    """
    nodes = []
    for network in networks:
        begun = time.monotonic()
        walk.settings.place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="replay-training-", dir=walk.settings.place) as name:
            fill(walk, network, Path(name))
            _train(network, Path(name))
            nodes.append(_compared(walk, network, Path(name)))
        same = "the same bytes" if nodes[-1].verdict == "verified" else "not the same bytes"
        say(f"{network.folder}: {same} ({time.monotonic() - begun:.0f} s)")
    first = next((node.subject for node in nodes if node.verdict != "verified"), None)
    if first is not None:
        say(f"the first network that differs: {first}")
    return nodes


def fill(walk: Walk, network: Network, folder: Path, **changed: Any) -> None:
    """Make a profile in which the network can be trained: settings, of which some at the top may be changed, and links
    to what its record says it read."""
    records.write_json(folder / "params.yaml", params.plain(walk.settings.root) | {"root": "."} | changed)
    for name in dict.fromkeys(_inputs(network)):
        _link(walk.settings.path / name, folder / name)
    for name in (name for name in _inputs(network) if name.endswith(".jsonl")):
        head = manifests.read_header(walk.settings.path / name)
        frames, place = manifests.frames_root(walk.settings.path / name, head), folder / str(head["root"])
        if frames is None or place.is_symlink():
            continue
        if place.suffix == ".path":
            records.write_text(place, f"{frames.absolute()}\n")
        else:
            _link(frames, place)


def _link(target: Path, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target.absolute())


def _train(network: Network, folder: Path) -> None:
    """Run the training's command in a profile. Raises JobError when it fails; it has said why."""
    environment = {name: value for name, value in os.environ.items() if name not in PROCESS}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(used.TOP), environment.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "dat", "train", network.kind, *filter(None, [network.key])]
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=2, check=False)
    if done.returncode:
        raise JobError(f"{network.folder}: could not be trained again, for the reason above")


def _compared(walk: Walk, network: Network, again: Path) -> Node:
    """What a training wrote against what the run has. With native numerics only weights are compared: other last digits
    are no fault, and no bound tells how far they may lead, so the largest difference is said and the check is unknown.
    """
    native, home = walk.settings.root.numerics == "native", walk.settings.path
    names = [str(fact["path"]) for fact in network.record["outputs"]]
    names = [name for name in names if not native or name.endswith(".safetensors")]
    checks = []
    for name in names:
        old, new = (records.sha256_file(top / name) if (top / name).is_file() else None for top in (home, again))
        if old is None or new is None:
            checks.append(missing("retrained", name, "a file of the run" if old is None else "a file of the training"))
        elif old != new and name.endswith(".safetensors"):
            checks.append(_weights(name, home, again, native))
        elif old != new:
            checks.append(Check("retrained", "differs", name, old, new))
    same = len(names) - len(checks)
    if same:
        checks.append(Check("retrained", "verified", network.folder, f"{same} files", f"{same} files, the same bytes"))
    return Node("retrained", network.folder, checks or [missing("retrained", network.folder, "a file of weights")])


def _weights(name: str, home: Path, again: Path, native: bool) -> Check:
    """Two files of weights that have other bytes."""
    try:
        words, alike = difference(home / name, again / name)
    except DatError as error:
        words, alike = str(error), False
    verdict: Verdict = "unknown" if native and alike else "differs"
    return Check("retrained", verdict, name, "the same bytes", words)


def difference(old: Path, new: Path) -> tuple[str, bool]:
    """How two files of weights differ, in words, and whether they have the same tensors of the same shapes.

    Raises InputError for one that cannot be read.
    """
    (before, about), (after, about_new) = weights.read(old), weights.read(new)
    shapes = [{name: tuple(tensor.shape) for name, tensor in tensors.items()} for tensors in (before, after)]
    if shapes[0] != shapes[1]:
        others = sorted(name for name in {*before, *after} if shapes[0].get(name) != shapes[1].get(name))
        return f"other tensors: {', '.join(others[:4])}", False
    far = {name: float((before[name].double() - after[name].double()).abs().max()) for name in before}
    most = max(far, key=lambda name: far[name], default="")
    if not most or far[most] == 0:
        return "the same numbers" if about == about_new else "the same numbers, another description", True
    count = sum(value > 0 for value in far.values())
    return f"largest difference {far[most]:.3g}, in {most}; {count} of {len(far)} tensors differ", True
