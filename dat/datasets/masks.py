"""Stage `masks`: where the target is in each frame of `training/frames`, as PNG shards beside them.

The target's box, in pixels of the small frame, is 255 and the rest 0 [R1, default]; an absent target, or one without a
box, gives background alone [R28, default] or no mask at all.
"""

import numpy as np
import numpy.typing as npt

from dat.base.sections import Masks
from dat.datasets.images import decode_image, encode_png
from dat.datasets.shards import Shards, Writer, write_table
from dat.progress import progress
from dat.records import Job

COLUMNS = ("sequence", "frame", "shard", "offset", "length")
Mask = npt.NDArray[np.uint8]


def rasterise(box: npt.ArrayLike, height: int, width: int) -> npt.NDArray[np.bool_]:
    """The pixels (height, width) whose centres a box x,y,w,h (pixels, origin 0) covers.

    A box with an area that covers no centre, but lies in the image, gets the pixel nearest to its own centre.
    """
    x, y, w, h = np.asarray(box, dtype=np.float64)
    pixels = np.zeros((height, width), dtype=bool)
    if not (w > 0 and h > 0) or x >= width or y >= height or x + w <= 0 or y + h <= 0:
        return pixels
    pixels[_covered(y, h, height), _covered(x, w, width)] = True
    return pixels


def _covered(start: float, length: float, limit: int) -> slice:
    """The pixels whose centres lie in [start, start + length), at least one."""
    low, high = int(np.ceil(start - 0.5)), int(np.ceil(start + length - 0.5))
    if high <= low:
        low = int(start + length / 2)
        high = low + 1
    low = min(max(low, 0), limit - 1)
    return slice(low, max(min(high, limit), low + 1))


def draw(row: dict[str, str], height: int, width: int, target: int = 1) -> Mask:
    """The mask (height, width), 255 and 0, of a row of the frames' index. `target` 0 turns it around [R1]."""
    x, y, w, h = (float(row[key]) for key in "xywh")
    across, down = width / int(row["width"]), height / int(row["height"])
    inside = rasterise((x * across, y * down, w * across, h * down), height, width) & (row["absent"] != "1")
    return np.where(inside == bool(target), np.uint8(255), np.uint8(0))


def run(job: Job) -> None:
    """Write a mask for each frame, in shards of the frames' numbers, and `index.csv`."""
    settings = job.settings.section("masks", Masks)
    frames = Shards(job.inputs["frames"])
    seen_rows = [row for row in frames.rows if settings.absent == "background" or row["absent"] != "1"]
    height, width = decode_image(frames.read(0), frames.name(0)).shape[:2] if seen_rows else (0, 0)
    rows = []
    with Writer(job.outputs["masks"], "masks") as writer:
        for row in progress(seen_rows, total=len(seen_rows), desc="masks"):
            member = f"{row['sequence']}_{int(row['frame']):08d}.png"
            shard = int(row["shard"].removesuffix(".tar").rpartition("-")[2])
            place = writer.add(shard, member, encode_png(draw(row, height, width, settings.target)))
            rows.append({"sequence": row["sequence"], "frame": row["frame"], **place})
    write_table(job.outputs["masks"] / "index.csv", COLUMNS, rows)
