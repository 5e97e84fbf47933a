"""README's pictures: which frames of a lost target are shown, and what Chromium draws of a page."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import readme_pictures
from dat.base.errors import InputError, MissingError


def test_the_frames_are_before_while_and_after_the_target_is_away() -> None:
    absent = [False] * 10 + [True] * 8 + [False] * 12
    shown = readme_pictures.moments(absent, [4, 20, 25])
    assert list(shown) == [8, 14, 20, 28]
    assert "arrow" in shown[20] and "dashed" in shown[20]


@pytest.mark.parametrize(("away", "redetections"), [([False] * 9, [4]), ([False] * 4 + [True] * 4, [2]), ([True], [])])
def test_a_target_that_is_not_lost_and_found_again_is_no_picture(away: list[bool], redetections: list[int]) -> None:
    with pytest.raises(InputError, match="another --address"):
        readme_pictures.moments(away, redetections)


def test_a_page_that_is_not_there_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="make repro makes it"):
        readme_pictures.top(tmp_path / "index.html", "chromium")


@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium; on Debian: apt-get install chromium")
@pytest.mark.xdist_group("browser")
def test_the_top_of_a_page_is_drawn_at_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a page.html").write_text("<body style='margin:0;background:#f00'><div style='height:5000px'>")
    picture = cv2.imdecode(np.frombuffer(readme_pictures.top(tmp_path / "a page.html"), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None and (picture == [0, 0, 255]).all()
    assert picture.shape == (readme_pictures.HEIGHT, readme_pictures.WIDTH, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["a page.html"]
