"""`dat audit --replay-training`: which networks it takes, what it says of weights that differ, and what it refuses."""

import shutil
from pathlib import Path

import click
import numpy as np
import pytest
from safetensors.numpy import save

from dat import records
from dat.audit import retrain
from dat.audit.walk import Walk
from dat.base import params
from dat.base.errors import DatError, JobError
from dat.cli import run_in_process

GPGNET, SALNET = "weights/gpgnet/jtnl", "weights/salnet/core/pymdnet"


@pytest.fixture
def copy(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run, to be changed, a checkout of its own; also the working directory."""
    home = Path(shutil.copytree(run, tmp_path / "copy", symlinks=True))
    (home / "checkout").unlink()
    records.write_json(home / "params.yaml", records.read_json(home / "params.yaml") | {"root": "."})
    monkeypatch.chdir(home)
    return home


def networks(home: Path, number: str) -> list[retrain.Network]:
    walk = Walk(params.load(home))
    return retrain.behind(walk, [walk.audit(address) for address in walk.resolve(number)])


def test_the_networks_are_those_behind_the_number_in_the_order_of_training(run: Path) -> None:
    assert [one.folder for one in networks(run, "otb100/dat-jtnl/success")] == [GPGNET, SALNET]
    assert [one.folder for one in networks(run, "otb100/pymdnet/success")] == [SALNET]


def test_the_trainings_and_their_seconds_are_announced(copy: Path) -> None:
    records.write_json(copy / "runs/salnet@pymdnet.json", {"seconds": 130.0})
    records.write_json(copy / "runs/gpgnet@jtnl.json", {"seconds": 80.4})
    found = networks(copy, "otb100/dat-jtnl/success")
    assert retrain.notice(found) == (f"2 trainings, 3.5 minutes when they were made: {GPGNET} 80 s, {SALNET} 130 s")
    (copy / "runs/salnet@pymdnet.json").unlink()
    said = retrain.notice(networks(copy, "otb100/dat-jtnl/success"))
    assert "more than 1.3 minutes" in said and f"{SALNET} unknown" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["all"], "takes hours for all"),
        (["otb100/pymdnet/success", "--why", "x"], "--replay-training and --why do not go together"),
        (["--uses", "weights"], "--replay-training and --uses do not go together"),
        (["--seal"], "--replay-training and --seal do not go together"),
        (["--sealed"], "--replay-training and --sealed do not go together"),
        ([], "name a number"),
    ],
)
def test_what_it_does_not_go_with_is_refused(copy: Path, options: list[str], said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        run_in_process(["audit", *options, "--replay-training"])


def refused(number: str, said: str) -> None:
    with pytest.raises(DatError, match=said):
        run_in_process(["audit", number, "--replay-training"])


def test_what_cannot_be_trained_again_is_named_before_anything_is_trained(copy: Path) -> None:
    record = records.read_json(copy / SALNET / "record.json")
    records.write_json(copy / SALNET / "record.json", record | {"command": "dat index tlp"})
    refused("otb100/pymdnet/success", r"otb100/pymdnet/success: --replay-training needs a number with a network that")
    records.write_json(copy / SALNET / "record.json", record | {"params": {"train.seed": 7}})
    refused("otb100/pymdnet/success", rf"params\.yaml: train\.seed is 0, {SALNET} was trained with 7")
    records.write_json(
        copy / SALNET / "record.json", record | {"parents": [{"path": "training/none.json", "sha256": ""}]}
    )
    refused("otb100/pymdnet/success", rf"training/none\.json: not there, and {SALNET} was trained from it")
    records.write_json(copy / SALNET / "record.json", record | {"parents": [{"path": "../none.json", "sha256": ""}]})
    refused("otb100/pymdnet/success", rf"{SALNET}/record\.json: a part of the path")


def test_a_training_that_fails_says_which_and_leaves_nothing(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The fake run's inputs are no videos of a training set."""
    with pytest.raises(JobError, match=rf"{SALNET}: could not be trained again"):
        run_in_process(["audit", "otb100/pymdnet/success", "--replay-training"])
    assert "dat: " in capfd.readouterr().err
    assert not list(params.load(copy).place.glob("replay-training-*"))


def weights(**tensors: list[float]) -> bytes:
    return save({name: np.array(values, np.float32) for name, values in tensors.items()})


def write_outputs(run: Path, network: retrain.Network, folder: Path, others: dict[str, bytes]) -> None:
    """Write what a training writes: the run's files, but for some."""
    for fact in network.record["outputs"]:
        name = str(fact["path"])
        data = others.get(Path(name).name)
        records.write_bytes(folder / name, (run / name).read_bytes() if data is None else data)


@pytest.mark.parametrize(
    ("numerics", "again", "verdict", "said"),
    [
        ("portable", weights(a=[1, 2], b=[3]), "verified", "the same bytes"),
        ("native", weights(a=[1, 2], b=[3]), "verified", "the same bytes"),
        ("portable", weights(a=[1, 2.25], b=[3]), "differs", "largest difference 0.25, in a; 1 of 2 tensors differ"),
        ("native", weights(a=[1, 2.25], b=[3]), "unknown", "largest difference 0.25, in a; 1 of 2 tensors differ"),
        ("native", weights(a=[1, 2], b=[3, 4]), "differs", "other tensors: b"),
        ("native", weights(a=[1, 2], c=[3]), "differs", "other tensors: b, c"),
        ("native", b"none", "differs", "not a readable safetensors file"),
    ],
)
def test_the_largest_difference_of_weights_is_said(
    copy: Path, monkeypatch: pytest.MonkeyPatch, numerics: str, again: bytes, verdict: str, said: str
) -> None:
    settings = records.read_json(copy / "params.yaml")
    records.write_json(copy / "params.yaml", settings | {"numerics": numerics})
    records.write_bytes(copy / SALNET / "weights.safetensors", weights(a=[1, 2], b=[3]))
    metrics, told = (copy / SALNET / "metrics.json").read_bytes(), list[str]()

    def train(network: retrain.Network, folder: Path) -> None:
        """What a training makes, from the links that it reads."""
        inputs = [fact["path"] for fact in network.record["inputs"]]
        assert inputs and all((folder / name).is_file() for name in inputs)
        write_outputs(copy, network, folder, {"weights.safetensors": again, "metrics.json": metrics})

    monkeypatch.setattr(retrain, "_train", train)
    found = networks(copy, "otb100/pymdnet/success")
    (node,) = retrain.replay(Walk(params.load(copy)), found, told.append)
    check = next((check for check in node.checks if check.verdict != "verified"), node.checks[0])
    assert check.verdict == verdict and said in check.found
    assert (f"the first network that differs: {SALNET}" in told) == (verdict != "verified")
    assert (copy / SALNET / "weights.safetensors").read_bytes() == weights(a=[1, 2], b=[3])


def test_other_metrics_of_the_same_weights_differ(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = (copy / SALNET / "weights.safetensors").read_bytes()

    def train(network: retrain.Network, folder: Path) -> None:
        write_outputs(copy, network, folder, {"weights.safetensors": data, "metrics.json": b'{"loss": 0.5}'})

    monkeypatch.setattr(retrain, "_train", train)
    (node,) = retrain.replay(Walk(params.load(copy)), networks(copy, "otb100/pymdnet/success"), print)
    assert [(check.verdict, check.subject) for check in node.checks] == [
        ("differs", f"{SALNET}/metrics.json"),
        ("verified", SALNET),
    ]
