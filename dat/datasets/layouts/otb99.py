"""OTB99-Lang on disk: OTB's folders in `OTB_videos`, a sentence each in `OTB_query_train` or `OTB_query_test`.

Images and boxes are those of OTB, whose published ranges hold; a folder without a query is none of its targets.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from dat.base.errors import InputError
from dat.base.outside import read_text
from dat.benchmarks.published import OTB99_QUERIES as QUERIES
from dat.benchmarks.published import Fact, facts, spelled
from dat.datasets.layouts import otb
from dat.datasets.targets import Layout, Target, TargetFolder

VIDEOS = "OTB_videos"


def find(root: Path) -> list[TargetFolder]:
    """The targets that have a query."""
    videos = otb.find(root / VIDEOS) if (root / VIDEOS).is_dir() else []
    pairs = [(video, root / folder / f"{video.name}.txt") for video in videos for folder in QUERIES]
    return [
        TargetFolder(video.name, video.folder, partial(read, video, query)) for video, query in pairs if query.is_file()
    ]


def tested(target: TargetFolder) -> bool:
    """Whether a target is one of the benchmark's: its query is among the test split's."""
    return (target.folder.parents[1] / QUERIES[1] / f"{target.name}.txt").is_file()


def read(video: TargetFolder, query: Path, fact: Fact | None) -> Target:
    """A target of OTB99-Lang. Raises InputError naming the file, and the line where one is wrong."""
    text = " ".join(read_text(query).split())
    if not text:
        raise InputError(f"{query}:1: empty, where the sentence belongs; fetch it again")
    target = video.read(fact or facts("otb100").get(spelled(video.name)))
    return replace(target, annotations=[*target.annotations, query], sentence=text)


LAYOUT = Layout(find, f"{VIDEOS}/<Name>/groundtruth_rect.txt and {QUERIES[1]}/<Name>.txt", "<Name>.txt")
