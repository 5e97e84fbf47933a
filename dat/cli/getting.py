"""Data sets from their makers' own addresses: OTB a sequence at a time, VOT by the description of its bundle.

What needs a form, a licence or a file host that serves no direct address has its page here, and what to put where.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from dat.base import naming, opening
from dat.base.errors import DatError, InputError, JobError
from dat.base.outside import read_bytes
from dat.base.public import Source
from dat.benchmarks.names import BARE
from dat.cli.archives import unpack
from dat.cli.downloads import fetch, pin_of
from dat.progress import progress

PARALLEL = 4
"""Transfers at a time: the servers are universities'."""

OTB = "http://cvlab.hanyang.ac.kr/tracker_benchmark/seq_new/"
"""OTB's own archives, one a folder of images; the benchmark's page links to them."""

VOT = {
    "vot2014": "https://data.votchallenge.net/vot2014/dataset/description.json",
    "vot2016": "https://data.votchallenge.net/vot2016/main/description.json",
}
"""The descriptions of the bundles that VOT's toolkit fetches."""

PAGES: Mapping[str, tuple[str, str]] = {
    "otb100": ("http://cvlab.hanyang.ac.kr/tracker_benchmark/datasets.html", "a folder a sequence, Basketball/img"),
    "vot2014": ("https://www.votchallenge.net/vot2014/dataset.html", "a folder a sequence, ball/groundtruth.txt"),
    "vot2016": ("https://www.votchallenge.net/vot2016/dataset.html", "a folder a sequence, bag/groundtruth.txt"),
    "lasot": ("http://vision.cs.stonybrook.edu/~lasot/download.html", "unpack the classes, airplane/airplane-1/img"),
    "tlp": ("https://amoudgl.github.io/tlp/", "unpack the videos, Alladin/img and Alladin/groundtruth_rect.txt"),
    "dtb70": ("https://github.com/flyers/drone-tracking", "unpack the videos, Animal1/img"),
    "tc128": (
        "https://www.dabi.temple.edu/~hbling/data/TColor-128/TColor-128.html",
        "a folder a sequence, Ball_ce1/img",
    ),
    "otb99-lang": ("https://github.com/QUVA-Lab/lang-tracker", "OTB_videos/Deer/img and OTB_query_test/Deer.txt"),
    "tnl2k": (
        "https://github.com/wangxiao5791509/TNL2K_evaluation_toolkit",
        "the test videos, a folder a sequence with imgs, and the toolkit's annos/absent beside them",
    ),
}
"""Of each data set by its own name: the official page, and what its folder looks like."""


@dataclass(frozen=True)
class Archive:
    """An archive, and the folder that it unpacks to."""

    source: Source
    folder: Path


@dataclass(frozen=True)
class Download:
    """The archives of a sequence's folder, in the order in which they are unpacked."""

    name: str
    archives: tuple[Archive, ...]

    @property
    def is_unpacked(self) -> bool:
        """Whether all of it is unpacked already."""
        return all(archive.folder.is_dir() for archive in self.archives)


def plan(name: str, wanted: Iterable[str], root: Path) -> list[Download]:
    """The archives of a data set's targets `wanted`, to be unpacked below `root`. VOT's description is fetched for it.

    Raises InputError for a data set without direct addresses, naming its page, and what `fetch` raises.
    """
    if name == "otb100":
        folders = sorted({_folder(target) for target in wanted})
        return [_otb(folder, root) for folder in folders]
    if name in VOT:
        return list(_vot(VOT[name], set(wanted), root))
    raise InputError(f"{name}: no direct address; {by_hand(name)}")


def by_hand(name: str) -> str:
    """Where a data set is to be had, and what to do with it."""
    page, looks = PAGES.get(name, ("", ""))
    where = f"get it at {page} ({looks}), then" if page else "get it from its makers, then"
    return f"{where} dat data link {name} FOLDER"


def _folder(target: str) -> str:
    """The folder of a target, which may hold two: `Jogging` of `Jogging-2`."""
    folder, _, number = target.rpartition("-")
    return folder if number.isdigit() and folder.lower() in BARE else target


def _otb(folder: str, root: Path) -> Download:
    source = Source(f"{folder}.zip", f"{OTB}{folder}.zip", "sha256:")
    return Download(folder, (Archive(source, root / folder),))


def _vot(address: str, wanted: set[str], root: Path) -> Iterator[Download]:
    """The sequences of a bundle's description: annotations, and the channel of colours, each an archive."""
    file = fetch(Source("description.json", address, "sha256:"), root / ".downloads")
    whole = opening.parse_json(read_bytes(file, most=opening.TEXT), file)
    names = set[str]()
    for entry in whole.get("sequences", ()) if isinstance(whole, dict) else ():
        try:
            name, parts = entry["name"], (entry["annotations"], entry["channels"]["color"])
            sources = [_vot_source(part, address) for part in parts]
        except (KeyError, TypeError):
            raise InputError(f"{file}: an entry without name, annotations and colours; {_again(file)}") from None
        naming.part(name, file, "sequence")
        names.add(name)
        if name in wanted:
            folder = root / name
            yield Download(name, (Archive(sources[0], folder), Archive(sources[1], folder / "color")))
    lacking = sorted(wanted - names)
    if lacking:
        raise InputError(f"{file}: no sequence {', '.join(lacking)} in it; {_again(file)}")


def _again(file: Path) -> str:
    return f"remove {file.parent} to fetch it again"


def _vot_source(part: Mapping[str, Any], address: str) -> Source:
    kinds = {32: "md5", 40: "sha1", 64: "sha256"}
    checksum, url = str(part.get("checksum") or ""), urljoin(address, str(part["url"]))
    kind = kinds.get(len(checksum))
    file = naming.part(Path(urlsplit(url).path).name, address, "archive")
    return Source(file, url, f"{kind}:{checksum.lower()}" if kind else "sha256:")


def unchecked(sequences: Iterable[Download]) -> list[str]:
    """The addresses that are still to be fetched and of whose files no full checksum is published."""
    wanted = [archive for sequence in sequences for archive in sequence.archives if not archive.folder.is_dir()]
    return [archive.source.address for archive in wanted if not archive.source.checked]


def get(sequences: Sequence[Download], root: Path) -> int:
    """Fetch and unpack what is not there yet, several at a time; how many sequences were.

    Raises JobError naming the first that failed, when the others are done; the same call goes on.
    """
    missing, failed = [sequence for sequence in sequences if not sequence.is_unpacked], dict[str, DatError]()
    if len(missing) == 1:
        one(missing[0], root, bar=True)
        return 1
    with (
        progress(total=len(missing), desc="get", unit="sequence") as bar,
        ProcessPoolExecutor(PARALLEL, mp_context=get_context("spawn")) as pool,
    ):
        running = {pool.submit(one, sequence, root): sequence.name for sequence in missing}
        for future in as_completed(running):
            bar.update(1)
            try:
                future.result()
            except DatError as error:
                failed[running[future]] = error
    if failed:
        name = min(failed)
        more = f" (and {len(failed) - 1} more of {len(missing)} failed)" if len(failed) > 1 else ""
        raise JobError(f"{name}: {failed[name]}{more}; the same command fetches what is missing")
    return len(missing)


def one(sequence: Download, root: Path, bar: bool = False) -> None:
    """Fetch and unpack a sequence; its archives are removed then. Raises what `fetch` and `unpack` do."""
    for archive in sequence.archives:
        if archive.folder.is_dir():
            continue
        place = root / ".downloads" / sequence.name
        file = fetch(archive.source, place, bar)
        try:
            unpack(file, archive.folder)
        except InputError:
            pin_of(file).unlink(missing_ok=True)  # what cannot be unpacked is not what a later file has to be
            raise
        finally:
            file.unlink(missing_ok=True)
