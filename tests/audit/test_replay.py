"""Boxes that were made again, against the stored ones: equal, near on another machine, and neither."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dat.audit import replay

STORED = [f"{10 + 5 * at},20,40,40" for at in range(10)]


def check(folder: Path, numerics: str, again: list[str], stored: list[str] = STORED) -> tuple[str, str, str]:
    """The verdict on boxes made again, its subject and what it found."""
    walk: Any = SimpleNamespace(settings=SimpleNamespace(root=SimpleNamespace(numerics=numerics)))
    for name, lines in (("stored.txt", stored), ("again.txt", again)):
        (folder / name).write_text("\n".join(lines) + "\n")
    found = replay._check(walk, folder / "stored.txt", folder / "again.txt", "a.txt")
    return found.verdict, found.subject, str(found.found)


def moved(share: float) -> list[str]:
    """The boxes, each from the fourth on wider by a share of its width, so that it overlaps by 1 / (1 + share)."""
    return [*STORED[:3], *(line.rpartition(",40,")[0] + f",{40 * (1 + share)},40" for line in STORED[3:])]


@pytest.mark.parametrize(("share", "verdict", "overlap"), [
    (0.01, "verified", "0.9931"), (0.014, "verified", "0.9903"),
    (0.015, "differs", "0.9897"), (1.0, "differs", "0.6500"),
])  # fmt: skip
def test_elsewhere_the_mean_overlap_decides(tmp_path: Path, share: float, verdict: str, overlap: str) -> None:
    subject = "a.txt: frame 4 is the first that differs"
    assert check(tmp_path, "native", moved(share)) == (verdict, subject, overlap)


def test_with_portable_numerics_near_is_not_enough(tmp_path: Path) -> None:
    assert check(tmp_path, "portable", moved(1e-6))[0] == "differs"
    assert check(tmp_path, "portable", STORED)[0] == check(tmp_path, "native", STORED)[0] == "verified"


def test_a_code_in_the_place_of_a_box_or_a_frame_less_is_never_near(tmp_path: Path) -> None:
    assert check(tmp_path, "native", [*STORED[:9], "2"]) == (
        "differs",
        "a.txt: frame 10 is the first that differs",
        "2",
    )
    assert check(tmp_path, "native", STORED[:9]) == ("differs", "a.txt", "9 frames")


def test_codes_in_both_in_the_place_of_a_box_count_for_nothing(tmp_path: Path) -> None:
    stored, again = (["1", *rows[1:8], "2", "0"] for rows in (STORED, moved(0.01)))
    subject = "a.txt: frame 4 is the first that differs"
    assert check(tmp_path, "native", again, stored) == ("verified", subject, f"{(2 + 5 / 1.01) / 7:.4f}")


def test_each_units_results_are_compared_with_its_own_repetitions_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(folder: Path, lines: list[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("Star.txt", "Wall.txt"):
            (folder / name).write_text("\n".join(lines) + "\n")
        for at in (1, 2):
            (folder / "cross").mkdir(exist_ok=True)
            (folder / "cross" / f"cross_00{at}.txt").write_text("\n".join(lines) + "\n")

    def again(walk: Any, benchmark: str, units: list[tuple[str, str]], folder: Path) -> Path:
        tracked.append((benchmark, units))
        for tracker, _ in units:
            write(folder / tracker, STORED)
        return folder

    for benchmark in ("otb100", "vot2016"):
        write(tmp_path / "results" / benchmark / "salnet@seed-0", STORED)
    (tmp_path / "results/vot2016/salnet@seed-0/cross/cross_002.txt").write_text("\n".join(moved(1)) + "\n")
    tracked: list[tuple[str, list[tuple[str, str]]]] = []
    monkeypatch.setattr(replay, "_again", again)
    root = SimpleNamespace(numerics="portable")
    walk: Any = SimpleNamespace(settings=SimpleNamespace(root=root, path=tmp_path, place=tmp_path / ".dat"))
    wanted = [
        ("otb100", "salnet@seed-0", "Star"),
        ("vot2016", "salnet@seed-0", "cross"),
        ("vot2016", "salnet@seed-0", "none"),
    ]
    nodes = replay.replay(walk, wanted)
    assert tracked == [(name, [one[1:] for one in wanted if one[0] == name]) for name in ("otb100", "vot2016")]
    assert [[(check.verdict, check.subject) for check in node.checks] for node in nodes] == [
        [("verified", "results/otb100/salnet@seed-0/Star.txt")],
        [
            ("verified", "results/vot2016/salnet@seed-0/cross/cross_001.txt"),
            ("differs", "results/vot2016/salnet@seed-0/cross/cross_002.txt: frame 4 is the first that differs"),
        ],
        [("missing", "vot2016/salnet@seed-0/none")],
    ]
    assert not [*(tmp_path / ".dat").iterdir()]
