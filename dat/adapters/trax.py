"""The tracker as a TraX server, for the VOT toolkit's `trackers.ini`: `python -m dat.adapters.trax`.

Needs the package `vot-trax` (extra `vot`). Regions come as rectangles or polygons, of which the bounds are taken, and
go back as rectangles, in VOT's own coordinates, which count from 0 as ours do. With each goes `confidence`, the score.
Standard output belongs to the protocol; remarks go to standard error, which the toolkit keeps as the tracker's log.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import click
import numpy as np
from numpy.typing import NDArray

from dat.adapters.factory import TrackerFactory, as_rgb, name_of, read_sentences
from dat.base.errors import DatError, InputError, MissingError
from dat.base.naming import shown
from dat.datasets.images import Image, decode_image, read_image
from dat.tracking import restarts as vot
from dat.tracking.follower import TrackerState

Region = Any
"""A region of the package `trax`: `type` rectangle with `bounds()`, or polygon, which is a list of points."""


class Server(Protocol):
    """What the loop asks of a `trax.Server`."""

    def wait(self) -> Any: ...

    def status(self, objects: list[tuple[Region, dict[str, Any]]]) -> Any: ...


def box_of(region: Region) -> NDArray[np.float64]:
    """The box x,y,w,h (4,) around a region, origin 0. Raises InputError for a region without corners."""
    if region.type == "rectangle":
        return np.array(region.bounds(), np.float64)
    if region.type == "polygon":
        return vot.bounds(np.array([value for point in region for value in point], np.float64))
    raise InputError(f"a region of type {region.type}: the tracker starts on a rectangle or a polygon")


def pixels(image: Any) -> Image:
    """An image of the package `trax` (a path, a file's bytes, or memory) as (H, W, 3) uint8 RGB. Raises InputError."""
    kind = image.type()
    if kind == "path":
        return read_image(Path(image.path()))
    if kind == "buffer":
        return decode_image(image.buffer(), "a frame from the client")
    return as_rgb(image.array(), "a frame from the client")


def loop(server: Server, factory: TrackerFactory, rectangle: Callable[..., Region]) -> None:
    """Answer the client until it quits. `rectangle(x, y, w, h)` makes a region.

    Started again on the same sequence, the tracker draws anew, as in `dat benchmark`. Raises InputError for a request
    that cannot be followed.
    """
    tracker: TrackerState | None = None
    name = ""
    while (request := server.wait()).type != "quit":
        colour = request.image["color"]
        image = pixels(colour)
        if request.type == "initialize":
            box = box_of(_only(request.objects))
            last, name = name, name_of(colour.path()) if colour.type() == "path" else ""
            if tracker is None or name != last:
                tracker = factory.start(name, image, box)
            else:
                tracker.init(image, box, factory.sentence(name))
        elif tracker is None:
            raise InputError("a frame before the target was given")
        elif request.objects:
            raise InputError("a second target: this tracker follows one")
        else:
            tracker.update(image)
        region = rectangle(*(float(value) for value in tracker.box))
        server.status([(region, {"confidence": f"{tracker.score:.6f}"})])


def _only(objects: list[tuple[Region, Any]]) -> Region:
    if len(objects) != 1:
        raise InputError(f"{len(objects)} targets: this tracker follows one")
    return objects[0][0]


def serve(factory: TrackerFactory) -> None:
    """Serve a client on standard input and output (or the socket that it names). Raises MissingError without `trax`.

    An error of the tracker is told to the client before it is raised.
    """
    try:
        import trax
    except ModuleNotFoundError:
        raise MissingError(
            "the package 'vot-trax' is not installed; add the extra vot, as docs/adapters.md says"
        ) from None
    server = trax.Server(
        [trax.Region.RECTANGLE, trax.Region.POLYGON],
        [trax.Image.PATH, trax.Image.MEMORY, trax.Image.BUFFER],
        tracker_name=factory.variant,
        tracker_description="Describe and Attend to Track",
        tracker_family="DAT",
    )
    try:
        loop(server, factory, trax.Rectangle.create)
    except DatError as error:
        server.quit(reason=str(error))
        raise
    server.quit()


@click.command()
@click.option("--variant", default="dat-jtnl", show_default=True, help="Which tracker; params.yaml lists them.")
@click.option(
    "--weights", type=click.Path(file_okay=False, path_type=Path), help="The weights folder, if not the root profile's."
)
@click.option("--text", metavar="SENTENCE", help="A sentence for every sequence.")
@click.option(
    "--sentences",
    type=click.Path(exists=True, path_type=Path),
    metavar="PLACE",
    help="A sentence for each sequence: a CSV table, or a folder of <sequence>.txt.",
)
@click.option("--features", type=click.Choice(["crops", "shared"]), help="How features are computed.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, or auto.")
def main(
    variant: str,
    weights: Path | None,
    text: str | None,
    sentences: Path | None,
    features: str | None,
    seed: int,
    device: str,
) -> None:
    """Serve the tracker to a TraX client, such as the VOT toolkit."""
    known = read_sentences(sentences) if sentences else {}
    serve(TrackerFactory(variant, weights, text, known, features, seed, device).check())


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except (DatError, click.ClickException) as problem:
        print(f"dat: {shown(problem)}", file=sys.stderr)
        sys.exit(2)
