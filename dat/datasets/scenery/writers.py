"""Writing embedded videos as the real data sets lie on disk: one function a layout, called once a video.

Boxes go out in each benchmark's own origin: from 1 (LaSOT, TLP, DTB70, OTB, TC128), VOT as it is. The real sets' whole
pixels are kept, except where theirs have fractions (VOT, and some of TC128).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dat.base.errors import InputError
from dat.datasets.scenery.truth import SceneTruth
from dat.records import write_bytes, write_text

Array = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]
QUALITY = 90


@dataclass(frozen=True)
class AnnotatedVideo:
    """A video with its name, and the truth of each of its targets (two in a folder of two); whether that is lost."""

    name: str
    images: Sequence[Image]
    truths: Sequence[SceneTruth]
    lost: bool = False


def write_images(folder: Path, images: Sequence[Image], digits: int) -> None:
    """JPEG files numbered from 1; `images` are RGB."""
    for number, image in enumerate(images, start=1):
        done, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if not done:
            raise InputError(f"{folder}: image {number} of shape {image.shape} cannot be encoded as JPEG")
        write_bytes(folder / f"{number:0{digits}d}.jpg", data.tobytes())


def whole_pixels(boxes: Array, origin: int = 1) -> npt.NDArray[np.int64]:
    """Boxes with their edges on whole pixels, at least one pixel wide and high, counted from `origin`: (F,4)."""
    low, high = np.rint(boxes[:, :2]), np.rint(boxes[:, :2] + boxes[:, 2:])
    return np.concatenate([low + origin, np.maximum(high - low, 1)], axis=1).astype(np.int64)


def rows(values: npt.NDArray[np.generic], delimiter: str = ",", form: str = "") -> str:
    """A text table, a line a row."""
    return "".join(delimiter.join(format(value, form) for value in row) + "\n" for row in values.tolist())


def write_lasot(root: Path, take: AnnotatedVideo, index: int) -> None:
    """`<class>/<class>-<n>/img/00000001.jpg`; a box of a target out of view is 0,0,0,0."""
    truth, folder = take.truths[0], root / take.name.rpartition("-")[0] / take.name
    write_images(folder / "img", take.images, 8)
    values = whole_pixels(truth.boxes)
    values[truth.outside] = 0
    write_text(folder / "groundtruth.txt", rows(values))
    write_text(folder / "full_occlusion.txt", ",".join(str(int(flag)) for flag in truth.covered))
    write_text(folder / "out_of_view.txt", ",".join(str(int(flag)) for flag in truth.outside))
    write_text(folder / "nlp.txt", truth.sentence)


def write_tlp(root: Path, take: AnnotatedVideo, index: int) -> None:
    """`<Name>/img/00001.jpg` and rows `frame,x,y,w,h,lost`."""
    truth = take.truths[0]
    write_images(root / take.name / "img", take.images, 5)
    numbers = np.arange(1, len(truth.boxes) + 1)[:, None]
    table = np.concatenate([numbers, whole_pixels(truth.boxes), truth.absent[:, None].astype(np.int64)], axis=1)
    write_text(root / take.name / "groundtruth_rect.txt", rows(table))


def write_dtb70(root: Path, take: AnnotatedVideo, index: int) -> None:
    """`<Name>/img/00001.jpg` and rows `x,y,w,h`."""
    write_images(root / take.name / "img", take.images, 5)
    write_text(root / take.name / "groundtruth_rect.txt", rows(whole_pixels(take.truths[0].boxes)))


def write_otb(root: Path, take: AnnotatedVideo, index: int) -> None:
    """`<Name>/img/0001.jpg`; commas in every other folder, tabs in the rest; `.1` and `.2` for two targets.

    A folder's attributes are those that hold for all of its targets. One whose target is lost has LaSOT's `absent.txt`
    too, a flag a line: 1 while less than half of it is to be seen.
    """
    folder, delimiter = root / take.name, ",\t"[index % 2]
    write_images(folder / "img", take.images, 4)
    for number, truth in enumerate(take.truths, start=1):
        part = f".{number}" if len(take.truths) > 1 else ""
        write_text(folder / f"groundtruth_rect{part}.txt", rows(whole_pixels(truth.boxes), delimiter))
    shared = [name for name in take.truths[0].attributes if all(name in truth.attributes for truth in take.truths)]
    write_text(folder / "attrs.txt", ", ".join(shared))
    if take.lost:
        write_text(folder / "absent.txt", rows(take.truths[0].away[:, None].astype(np.int64)))


def write_tc128(root: Path, take: AnnotatedVideo, index: int) -> None:
    """`<Name>/img/0001.jpg`, `<Name>_gt.txt` (fractions in every other one) and `<Name>_frames.txt`."""
    folder, boxes = root / take.name, take.truths[0].boxes
    write_images(folder / "img", take.images, 4)
    table = rows(boxes + np.array([1, 1, 0, 0]), form=".2f") if index % 2 else rows(whole_pixels(boxes))
    write_text(folder / f"{take.name}_gt.txt", table)
    write_text(folder / f"{take.name}_frames.txt", f"1,{len(boxes)}\n")


def write_tags(folder: Path, truth: SceneTruth, ending: str) -> None:
    """VOT's tags: a file a tag, 0 or 1 a frame."""
    for tag, flags in truth.tags.items():
        write_text(folder / f"{tag}.{ending}", rows(flags[:, None].astype(np.int64)))


def write_vot2014(root: Path, take: AnnotatedVideo, index: int) -> None:
    """`<name>/00000001.jpg`, polygons, `*.label`, `practical.value`."""
    folder, truth = root / take.name, take.truths[0]
    write_images(folder, take.images, 8)
    write_text(folder / "groundtruth.txt", rows(truth.polygons, form=".2f"))
    write_tags(folder, truth, "label")
    side = np.sqrt(truth.boxes[:, 2:].prod(1))
    write_text(folder / "practical.value", rows((2 / side)[:, None], form=".6f"))


def write_vot2016(root: Path, take: AnnotatedVideo, index: int) -> None:
    """The newer copies: `<name>/color/00000001.jpg`, polygons, `*.tag`."""
    folder, truth = root / take.name, take.truths[0]
    write_images(folder / "color", take.images, 8)
    write_text(folder / "groundtruth.txt", rows(truth.polygons, form=".4f"))
    write_tags(folder, truth, "tag")


def write_list(root: Path, names: Sequence[str]) -> None:
    """VOT's `list.txt` at the top."""
    write_text(root / "list.txt", "".join(f"{name}\n" for name in names))


WRITERS: dict[str, Callable[[Path, AnnotatedVideo, int], None]] = {
    "lasot": write_lasot,
    "tlp": write_tlp,
    "dtb70": write_dtb70,
    "otb": write_otb,
    "tc128": write_tc128,
    "vot2014": write_vot2014,
    "vot2016": write_vot2016,
}
"""By layout: a writer gets the set's folder, a video and its place in the set. VOT's two go by the data
set's key."""
