"""The two pictures of README, from the finished run: a lost target that is found again, and the top of the report.

    python -m benchmarks.readme_pictures [--address redetection/dat-jtnl/ReturnArrow] [--page reports/index.html]

Writes docs/images/tracked.png and docs/images/report.png. The boxes are the stored ones that were scored, drawn as
`dat show` draws them; the words beside them say what arrow, dashes and colours are. The report is the page as Debian's
Chromium shows it, 1200 pixels wide.
"""

import argparse
import io
import itertools
import shutil
import subprocess
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dat import records
from dat.base import naming, params
from dat.base.errors import InputError, MissingError
from dat.datasets.images import Image
from dat.records import write_bytes
from dat.report.drawing import styled
from dat.video import stored
from dat.video.drawing import BAR
from dat.video.stored import Stored

IMAGES = Path("docs/images")
WIDTH, HEIGHT = 1200, 1000
COLOURS = (
    "Box: the tracker's, orange where the attention map (the glow) gave the candidate. "
    "White, dashed: what was annotated. Bar: the tracker's score, with a line at one half."
)
WORDS: Any = {"ha": "center", "va": "baseline"}


def moments(absent: Sequence[bool], redetections: Sequence[int]) -> dict[int, str]:
    """Frames (from 0) before the target goes, while it is away, as it is found again, and later; and their words.

    Raises InputError when it never goes, or is not found again after it has gone.
    """
    gone = next((frame for frame, away in enumerate(absent) if away), 0)
    again = [frame for frame in redetections if frame > gone > 0]
    if not again:
        raise InputError("the target of this sequence is not lost and found again; give another --address")
    back = next(frame for frame in itertools.count(gone) if frame >= len(absent) or not absent[frame])
    return {
        gone - 2: "in sight",
        (gone + back) // 2: "out of sight: the box stays where it was last seen",
        again[0]: "found again: the map led the tracker far away. The arrow goes from the box that was held "
        "(orange, dashed) to the one found",
        min(again[0] + 8, len(absent) - 1): "followed from there",
    }


def tracked(result: Stored, threads: int) -> bytes:
    """A PNG of a stored result at its four moments, the sentence above, words below each frame."""
    from matplotlib.figure import Figure

    shown = moments([bool(flag) for flag in result.sequence.absent], result.redetections)
    pictures: dict[int, Image] = {
        at: picture for at, picture in enumerate(stored.pictures(result, threads=threads)) if at in shown
    }
    height, width = result.sequence.size[1], result.sequence.size[0]
    with styled():
        made = Figure(figsize=(12, 3.65))
        places = made.subplots(1, len(shown), gridspec_kw={"left": 0.005, "right": 0.995, "wspace": 0.03})
        made.subplots_adjust(top=0.91, bottom=0.24)
        made.text(
            0.5, 0.945, f'The sentence: "{naming.shown(result.sequence.sentence or "none")}"', **WORDS, fontsize=12
        )
        for axes, (at, words) in zip(places, shown.items(), strict=True):
            picture = pictures[at]
            axes.imshow(picture[: picture.shape[1] * height // width + BAR])
            axes.set_axis_off()
            text = "\n".join(textwrap.wrap(f"Frame {at + 1}: {words}", 44))
            axes.text(0.5, -0.03, text, **WORDS | {"va": "top"}, fontsize=8.5, transform=axes.transAxes)
        made.text(0.5, 0.03, COLOURS, **WORDS, fontsize=8.5)
        out = io.BytesIO()
        made.savefig(out, format="png", dpi=90, metadata={"Software": None})
    return _compressed(out.getvalue())


def top(page: Path, chromium: str | None = None) -> bytes:
    """A PNG of the top of a page. Raises MissingError without a page or without Chromium."""
    program = chromium or next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), "")
    if not program:
        raise MissingError("there is no chromium to draw the report with; on Debian: apt-get install chromium")
    if not page.is_file():
        raise MissingError(f"{page}: not there; make repro makes it")
    out = records.temporary(Path("report.png")).absolute().with_suffix(".png")
    try:
        subprocess.run(
            [program, "--headless=new", "--no-sandbox", "--hide-scrollbars", "--virtual-time-budget=10000",
             f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={out}", page.absolute().as_uri()],
            check=True, capture_output=True,
        )  # fmt: skip
        return _compressed(out.read_bytes())
    finally:
        records.remove(out)


def _compressed(png: bytes) -> bytes:
    """A PNG as small as it can be without loss."""
    import cv2

    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    return bytes(cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1])


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="redetection/dat-jtnl/ReturnArrow")
    parser.add_argument("--page", type=Path, default=Path("reports/index.html"))
    asked = parser.parse_args()
    settings = params.load()
    result = stored.read(settings, *stored.find(settings, asked.address))
    for name, png in (("tracked", tracked(result, settings.root.tracking.threads)), ("report", top(asked.page))):
        write_bytes(settings.top / IMAGES / f"{name}.png", png)
        print(settings.top / IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
