"""What is read quickly, for LaSOT's millions of rows and images, against the careful way, which has the messages."""

import itertools
from pathlib import Path

import pytest

from dat.base.errors import InputError
from dat.datasets import rows, targets
from tests.parts import small_sets as small

USUAL = (
    "1,2,3,4\n5,6,7,8\n",
    "1,2,3,4",
    "-5,06,7.25,0\n1,2,3,999999999\n\n",
    "1,2,3,4\r\n5,6,7,8\r\n",
    "\ufeff1,2,3,4\n",
)
UNUSUAL = ("1 2 3 4\n", "1,2,3,4,\n", "NaN,NaN,NaN,NaN\n1,2,3,4\n", "1,2,3,4\n\n5,6,7,8\n", "1e2,2,3,4\n", "1, 2,3,4\n")
WRONG = (
    "",
    "1,2,3\n",
    "1,2,3,4,5\n",
    "1,,3,4\n",
    ",2,3,4\n",
    "1234567890,2,3,4\n",
    "inf,2,3,4\n",
    "1_0,2,3,4\n",
    "٣,2,3,4\n",
)


def outcome(read: object, *arguments: object) -> object:
    """A sequence as a list, or what the error says."""
    try:
        return list(read(*arguments))  # type: ignore[operator]
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("text", [*USUAL, *UNUSUAL, *WRONG])
def test_boxes_are_those_of_the_careful_way(tmp_path: Path, text: str) -> None:
    path = tmp_path / "groundtruth.txt"
    path.write_bytes(text.encode())

    def careful() -> list[targets.Box | None]:
        return [targets.internal(row, 1) for row in rows.read_rows(path, 4)]

    assert outcome(targets.read_boxes, path, 1) == outcome(careful)
    assert (rows.usual_fours(path) is not None) == (text in USUAL)


def test_some_of_the_boxes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(small.boxes(5))
    boxes = targets.read_boxes(tmp_path / "a.txt", 1)
    assert list(boxes[1:3]) == [boxes[1], boxes[2]] == [[10, 11, 16, 8], [11, 11, 16, 8]] and boxes[-1] == boxes[4]


NAMES = {
    "consecutive": [f"{n:04d}.jpg" for n in range(8, 12)],
    "from 0": [f"{n:03d}.PNG" for n in range(4)],
    "wider": [f"{n}.jpg" for n in range(8, 12)],
    "a gap": ["0001.jpg", "0003.jpg"],
    "twice": ["0001.jpg", "001.jpg"],
    "two endings": ["0001.jpg", "0002.png"],
    "beside": ["._0008.jpg", "0008.jpg", "0009.jpg", "notes.txt"],
    "negative": ["-1.jpg"],
    "no number": ["0008.jpg", "000x.jpg"],
    "no image": ["0008.txt", "0009.txt"],
    "another script": ["٣.jpg"],
    "nothing": [],
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_images_are_those_of_the_careful_way(tmp_path: Path, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names:
        (tmp_path / name).touch()
    ranges = list(itertools.product((None, 0, 1, 8, 9), (None, 0, 1, 9, 20)))
    quick = [outcome(targets.images, tmp_path, *limits) for limits in ranges]
    monkeypatch.setattr(targets, "_run", lambda _: range(0))
    assert quick == [outcome(targets.images, tmp_path, *limits) for limits in ranges]


def test_lasot_takes_the_quick_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose real files of boxes, all 1,400, are of this form."""
    small.lasot(tmp_path, "cat-1", 3)
    for name in ("read_rows", "_numbered"):
        monkeypatch.setattr(targets, name, lambda *_: pytest.fail("the careful way"))
    assert len(targets.read_boxes(tmp_path / "cat/cat-1/groundtruth.txt", 1)) == 3
    assert len(targets.images(tmp_path / "cat/cat-1/img")) == 3
