"""The paper profile's whole graph on look-alikes of the real data sets, with narrow networks and few steps.

    python -m benchmarks.rehearsal [--share 1.0] [--frames 6] [--folder FOLDER] [--short]

Counts are the real ones: videos and frames of the training sets (LaSOT with its real annotations, DAT_TEST_DATA), all
sequences of the benchmarks, all variants and seeds, so all units. Frames are hard links to a few JPEG files, the
benchmarks' to others than the training sets'. What is small: networks, steps, `--frames` a benchmark's sequence.
`--share` takes the first part of each set's targets. `--short`, which CI runs, takes two targets of each set, and of
the graph one benchmark with the variants SHORT, one seed, and the networks that these need; it writes no figures.

It types the README's lines under ROAD, in which `/data` is the look-alikes' folder, but for the one that gets weights
(FETCHES). It ends with an error where one of them does, where a stage has not run, a unit is missing, or a stage took
more than MEMORY.
"""

import argparse
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from benchmarks import figures
from dat import records
from dat.base import params
from dat.benchmarks import published
from dat.preflight import graph
from tests import real_data

ROOT = Path(__file__).resolve().parents[1]
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080), (4096, 2304))
"""Width and height of the pictures that frames are links to: a video has the smallest that holds its boxes."""
PICTURES = 3
LINKS = 60_000
"""Links to one file; ext4 has at most 65,000."""
ROAD = "## The paper's tables"
"""The README's section whose first block of lines is typed."""
FETCHES = ["dat", "weights", "get"]
"""How a line begins that is not typed, since it fetches what others publish."""
MEMORY = 2 * 2**30
"""Bytes that no stage may exceed, at any share."""

SMALL: dict[str, Any] = {
    "numerics": "portable",
    "train.threads": 2,
    "network.width": 0.05,
    "network.vgg_m": "none",
    "network.vgg16": "none",
    "subsample.height": 48,
    "subsample.width": 64,
    "language.channels": 26,
    "language.epochs": 1,
    "gpgnet_training.batch": 256,
    "gpgnet_training.epochs": 1,
    "salnet_training.iterations": 4,
    "salnet_training.positives": 8,
    "salnet_training.negatives": 24,
    "tracking.candidates.local": 16,
    "tracking.candidates.global": 4,
    "tracking.first.positives": 16,
    "tracking.first.negatives": 32,
    "tracking.first.iterations": 1,
    "tracking.update.positives": 4,
    "tracking.update.negatives": 8,
    "tracking.update.iterations": 1,
    "tracking.batch.positives": 8,
    "tracking.batch.negatives": 16,
    "tracking.batch.pool": 32,
    "tracking.box_regression.samples": 20,
    "csrdcf.template": 60,
    "csrdcf.scales.number": 5,
    "vot.repetitions": 2,
    "fanout.batch": 64,
    "fanout.cores": 2,
    "evaluation.resamples": 200,
}
"""What is narrower or shorter than in profiles/paper/params.yaml, by the setting's dotted name."""

SHORT = ("pymdnet", "dat-jtnl")
"""The variants of `--short`, on the benchmark that the road names."""


class Frames:
    """Pictures of each size, drawn by a seed, and hard links to them."""

    def __init__(self, folder: Path, seed: int) -> None:
        folder.mkdir(parents=True)
        self.folder, self.made, self.number = folder, 0, dict.fromkeys(SIZES, 0)
        rng = np.random.default_rng(seed)
        for width, height in SIZES:
            for index in range(PICTURES):
                coarse = rng.integers(0, 256, (height // 40, width // 40, 3), np.uint8)
                image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
                (folder / f"{width}-{index}-0.jpg").write_bytes(cv2.imencode(".jpg", image)[1].tobytes())

    def _source(self, size: tuple[int, int]) -> Path:
        count = self.number[size]
        self.number[size] += 1
        index, copy = count % PICTURES, count // PICTURES // LINKS
        path = self.folder / f"{size[0]}-{index}-{copy}.jpg"
        if not path.exists():
            shutil.copy(self.folder / f"{size[0]}-{index}-0.jpg", path)
        return path

    def link(self, folder: Path, count: int, digits: int, size: tuple[int, int], first: int = 1) -> None:
        """`count` frames in a folder, numbered from `first`."""
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(first, first + count):
            os.link(self._source(size), folder / f"{number:0{digits}d}.jpg")
        self.made += count


def size_of(boxes: Iterable[Sequence[float]]) -> tuple[int, int]:
    """The smallest size of SIZES that holds all boxes x,y,w,h."""
    rows = np.array([box for box in boxes if np.isfinite(box).all()] or [[0, 0, 1, 1]], np.float64)
    right, bottom = (rows[:, :2] + rows[:, 2:]).max(0)
    return next((size for size in SIZES if right <= size[0] and bottom <= size[1]), SIZES[-1])


def drifting(count: int) -> list[tuple[int, int, int, int]]:
    """Boxes of a target that drifts to and fro, counted from 1, in a picture of the first size."""
    steps = [abs(index % 200 - 100) for index in range(count)]
    return [(60 + step, 80 + step // 3, 50, 40) for step in steps]


def lines(rows: Iterable[Sequence[object]]) -> str:
    """A text table with commas."""
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def lasot(root: Path, names: list[str], frames: Frames) -> None:
    """Videos of LaSOT with their real annotations; the file of all flags stands for the two of LaSOT's downloads."""
    chosen, archive = set(names), real_data.folder() / "lasot" / "lasot_annotations.tar.xz"
    if not archive.is_file():
        sys.exit(f"{archive}: not there; LaSOT's annotations are needed (DAT_TEST_DATA names their folder)")
    with tarfile.open(archive) as content:
        for member in content:
            video, name = Path(member.name).parent, Path(member.name).name
            if not member.isfile() or video.name not in chosen:
                continue
            folder = root / video.parent.name / video.name
            folder.mkdir(parents=True, exist_ok=True)
            data = content.extractfile(member).read()  # type: ignore[union-attr]
            (folder / name).write_bytes(data)
            if name == "groundtruth.txt":
                boxes = [
                    [float(value) for value in re.split(r"[,\s]+", line)] for line in data.decode().split("\n") if line
                ]
                frames.link(folder / "img", len(boxes), 8, size_of(boxes))


def tlp(root: Path, name: str, count: int, frames: Frames) -> None:
    frames.link(root / name / "img", count, 5, SIZES[0])
    rows = [(index, *box, 0) for index, box in enumerate(drifting(count), 1)]
    (root / name / "groundtruth_rect.txt").write_text(lines(rows), encoding="utf-8")


def dtb70(root: Path, name: str, count: int, frames: Frames) -> None:
    frames.link(root / name / "img", count, 5, SIZES[0])
    (root / name / "groundtruth_rect.txt").write_text(lines(drifting(count)), encoding="utf-8")


def otb(root: Path, name: str, count: int, frames: Frames) -> None:
    """A target of OTB; two targets of a folder share its frames."""
    two = re.fullmatch(r"(.+)-([12])", name)
    folder, part = (root / two[1], f".{two[2]}") if two else (root / name, "")
    if not (folder / "img").exists():
        frames.link(folder / "img", count, 4, SIZES[0])
    (folder / f"groundtruth_rect{part}.txt").write_text(lines(drifting(count)), encoding="utf-8")


def tc128(root: Path, name: str, count: int, frames: Frames) -> None:
    frames.link(root / name / "img", count, 4, SIZES[0])
    (root / name / f"{name}_gt.txt").write_text(lines(drifting(count)), encoding="utf-8")


def vot(root: Path, name: str, count: int, frames: Frames) -> None:
    frames.link(root / name, count, 8, SIZES[0])
    polygons = [(x, y, x + w, y, x + w, y + h, x, y + h) for x, y, w, h in drifting(count)]
    (root / name / "groundtruth.txt").write_text(lines(polygons), encoding="utf-8")


def sentences(root: Path, names: Iterable[str]) -> None:
    """A sentence for each target, as OTB99-Lang's release has them."""
    for index, name in enumerate(names):
        folder = root / ("OTB_query_train", "OTB_query_test")[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.txt").write_text(f"the {name.lower()} that drifts to and fro\n", encoding="utf-8")


WRITERS = {"tlp": tlp, "dtb70": dtb70, "otb": otb, "tc128": tc128, "vot": vot}
TRAINING = ("lasot", "tlp", "dtb70")


def shortened(profile: Path, key: str, share: float, benchmark: bool) -> dict[str, Any]:
    """What `data/<key>.json` says, with the first part of its targets and one of each list, under a name that no
    published length is known of where a benchmark's sequences are shorter than the real ones."""
    described: dict[str, Any] = json.loads((profile / "data" / f"{key}.json").read_text(encoding="utf-8"))
    lists = described["lists"].items()
    wanted = sorted({one for _, names in lists for one in names})
    chosen = set(wanted[: max(2, round(share * len(wanted)))])
    for _, names in lists:
        chosen |= set() if chosen.intersection(names) else {names[0]}
    described["lists"] = {name: [one for one in names if one in chosen] for name, names in lists}
    if benchmark or share < 1:
        described["name"] = f"rehearsal-{key}"
    return described


def write_set(profile: Path, key: str, root: Path, frames: Frames, share: float, length: int) -> None:
    """A data set's look-alike in the folder `root`, and its description where it is a shorter one."""
    benchmark = key not in TRAINING
    facts, described = published.facts(key), shortened(profile, key, share, benchmark)
    file = profile / "data" / f"{key}.json"
    records.write_json(file, described)
    record = records.read_json(file.with_suffix(".record.json"))
    record |= {"command": "python -m benchmarks.rehearsal", "outputs": [records.file_facts(file, profile)]}
    records.write_json(file.with_suffix(".record.json"), record)
    names = sorted({name for chosen in described["lists"].values() for name in chosen})
    root.mkdir(parents=True)
    if key == "otb100":
        sentences(root.parent / "OTB_sentences", names)
    if key == "lasot":
        lasot(root, names, frames)
        return
    for name in names:
        WRITERS[described["layout"]](root, name, length if benchmark else facts[name].frames, frames)


def settings(profile: Path, short: bool = False) -> None:
    """The paper's params.yaml with what SMALL says instead, or of it only what `--short` runs. Ends the run where a
    name is none of it."""
    path = profile / "params.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for dotted, value in SMALL.items():
        *inner, last = dotted.split(".")
        section = content
        for name in inner:
            section = section[name]
        if last not in section:
            sys.exit(f"{path}: no setting {dotted}")
        section[last] = value
    if short:
        shorten(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def shorten(content: dict[str, Any]) -> None:
    """Leave of the settings one benchmark, the variants SHORT, their networks and one seed."""
    name = next(word.partition("@")[2] for line in road() for word in line if "@" in word)
    variants = {variant: content["variants"][variant] for variant in SHORT}
    salnets, versions = ({one[kind] for one in variants.values()} for kind in ("salnet", "attention"))
    content["benchmarks"] = {name: content["benchmarks"][name] | {"variants": list(SHORT)}}
    content["variants"] = variants
    content["salnet"] = {key: net for key, net in content["salnet"].items() if f"{net['group']}/{key}" in salnets}
    content["gpgnet"] = {key: net for key, net in content["gpgnet"].items() if key in versions}
    content["seeds"] = content["seeds"][:1]


def versioned() -> list[str]:
    """The checkout's files as git knows them, changes and new ones included."""
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def processor() -> float:
    """Seconds of processors that ended children took, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


IDENTITY = ("-c", "user.name=rehearsal", "-c", "user.email=rehearsal@example.org")


class Checkout:
    """A copy of the code whose paper profile is the small one, and a shell's place in it."""

    def __init__(self, path: Path, short: bool) -> None:
        self.path = self.place = path
        self.profile = path / "profiles" / "paper"
        for name in versioned():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, path / name)
        settings(self.profile, short)
        binaries, mine = Path(sys.executable).parent, ("DAT_", "SNAKEMAKE", "VIRTUAL_ENV")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(mine)} | {
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(path),
            "DVC_NO_ANALYTICS": "1",
        }
        self.type("git", "init", "-q", ".")
        self.type("git", *IDENTITY, "commit", "-qm", "start", "--allow-empty")

    def type(self, *command: str) -> None:
        """Type a command; what it prints is shown. Ends the run when it fails.

        `make` is typed in the checkout that this is a copy of, whose environment the copy uses.
        """
        print("$", *command, flush=True)
        if command[0] == "cd":
            self.place = self.place / command[1]
            return
        place = ROOT if command[0] == "make" else self.place
        started, before = time.monotonic(), processor()
        done = subprocess.run(command, cwd=place, env=self.environment, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: status {done.returncode}")
        print(f"# {time.monotonic() - started:.1f} s, {processor() - before:.1f} s of processors", flush=True)


def road() -> list[list[str]]:
    """The commands of the README's section ROAD, word by word, in their order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition(f"{ROAD}\n")[2].partition("\n## ")[0]
    block = re.search(r"(?:^    .+\n)+", section, re.MULTILINE)
    if block is None:
        sys.exit(f"README.md: no block of lines under '{ROAD}'")
    typed = [shlex.split(line, comments=True) for line in block[0].splitlines()]
    return [list(words) for line in typed for end, words in groupby(line, key=lambda word: word == "&&") if not end]


def folders() -> dict[str, str]:
    """Where the README's road finds each data set, below `/data`."""
    links = (command for command in road() if command[:3] == ["dat", "data", "link"])
    return {key: path.removeprefix("/data/") for *_, key, path in links}


def walk(checkout: Checkout, data: Path) -> None:
    """Type the README's road, with the look-alikes' folder for `/data`."""
    for command in road():
        if command[: len(FETCHES)] == FETCHES:
            print("# not typed, it fetches what others publish:", *command, flush=True)
            continue
        checkout.type(*(re.sub(r"^/data(?=/)", str(data), word) for word in command))


def stages(profile: Path, table: figures.Table) -> list[str]:
    """Add seconds and peak memory by kind of stage. Returns what is wrong: stages without a run, or over MEMORY."""
    runs = {run["stage"]: run for run in map(records.read_json, (profile / "runs").glob("*.json"))}
    order = graph.read(params.load(profile), ()).order
    wrong = [f"{name}: has not run" for name in order if name not in runs]
    for kind, names in groupby([name for name in order if name in runs], key=lambda name: name.partition("@")[0]):
        these = [runs[name] for name in names]
        seconds, peak = sum(run["seconds"] for run in these), max(run["peak_memory"] for run in these)
        table.add(f"`{kind}`", len(these), round(seconds, 1), f"{peak / 2**20:.0f} MiB")
    over = [run for run in runs.values() if run["peak_memory"] > MEMORY]
    return wrong + [f"{run['stage']}: {run['peak_memory']} bytes of memory, at most {MEMORY}" for run in over]


def units(profile: Path) -> list[str]:
    """Print how many units, one for each variant, seed and sequence, the benchmarks have. Returns what is wrong."""
    root, wrong = params.load(profile).root, []
    for name, benchmark in root.benchmarks.items():
        listed = records.read_json(profile / "data" / f"{benchmark.data}.json")["lists"][name]
        wanted = len(benchmark.variants) * len(root.seeds) * len(listed)
        number = len(records.read_json(profile / "results" / name / "manifest.json"))
        print(f"{name}: {number} units of {wanted}")
        if number != wanted:
            wrong.append(f"{name}: {number} units, not {wanted}")
    return wrong


def rehearse(top: Path, share: float, length: int, short: bool) -> None:
    """The whole run in the folder `top`. Ends with an error where something is wrong."""
    started = time.monotonic()
    checkout = Checkout(top / "checkout", short)
    train, test, data = Frames(top / "pictures" / "training", 0), Frames(top / "pictures" / "testing", 1), top / "data"
    for key, folder in folders().items():
        write_set(checkout.profile, key, data / folder, train if key in TRAINING else test, share, length)
    print(f"look-alikes: {train.made + test.made} frames, {time.monotonic() - started:.0f} s", flush=True)
    walk(checkout, data)
    table = figures.Table("stage", "how many", "seconds", "largest memory")
    wrong = stages(checkout.profile, table) + units(checkout.profile)
    about = f"Share {share:g}, {train.made + test.made:,} frames"
    spent = f"{time.monotonic() - started:.0f} s in all, {processor():.0f} s of processors"
    if short:
        print(f"{about}; {spent}.")
    else:
        figures.write(__file__, f"{about}; {spent}.", table)
    if wrong:
        sys.exit("\n".join(wrong))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--frames", type=int, default=6, help="of each sequence of a benchmark")
    parser.add_argument("--folder", type=Path, default=None, help="where everything is made; it stays there")
    parser.add_argument("--short", action="store_true", help="what CI runs: one benchmark, two variants, one seed")
    given = parser.parse_args()
    share = 0.0 if given.short else given.share
    with tempfile.TemporaryDirectory() as temporary:
        rehearse((given.folder or Path(temporary)).absolute(), share, given.frames, given.short)


if __name__ == "__main__":
    main()
