"""Whether a test video is in a training set: by a sequence's name in one data set, or by the bytes of a frame."""

from types import SimpleNamespace
from typing import Any

import pytest

from dat.audit.training import Trainings


def manifest(data_set: str, **frames: str) -> Any:
    """A data set of sequences of one frame each, by the frame's hash."""
    rows = {name: SimpleNamespace(row={"files": [("1.jpg", 9, digest)]}) for name, digest in frames.items()}
    return SimpleNamespace(header={"name": data_set}, sequences=rows)


@pytest.mark.parametrize(("training", "overlap"), [
    (manifest("otb100", Cat="c"), "none"),
    (manifest("otb100", Ball="b"), "1: Ball"),  # made anew, perhaps written by another encoder
    (manifest("tlp", Ball="b"), "none"),
    (manifest("tlp", Cat="c", Dog="a"), "1: Dog/1.jpg"),
    (manifest("otb100", Ball="a"), "2: Ball, Ball/1.jpg"),
])  # fmt: skip
def test_a_test_video_in_training_is_named(training: Any, overlap: str) -> None:
    there = {"test": manifest("otb100", Ball="a", Car="x"), "training": training}
    results: Any = SimpleNamespace(manifest=there.get)
    settings: Any = None
    check = Trainings(settings, results).apart("test", "training")
    assert (check.verdict, check.found) == ("verified" if overlap == "none" else "differs", overlap)


def test_a_manifest_that_is_gone_is_missing() -> None:
    results: Any = SimpleNamespace(manifest={"test": manifest("otb100", Ball="a")}.get)
    settings: Any = None
    assert Trainings(settings, results).apart("test", "training").verdict == "missing"
