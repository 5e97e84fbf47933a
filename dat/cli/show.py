"""`dat show`: the stored result of a benchmark's sequence as a video."""

from pathlib import Path

import click


@click.command()
@click.argument("address", metavar="BENCHMARK/VARIANT@seed-N/SEQUENCE")
@click.option("--against", metavar="VARIANT", help="Draw the stored boxes of another tracker too, in blue.")
@click.option(
    "--video",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT",
    help="The MP4 to write; without it BENCHMARK-VARIANT@seed-N-SEQUENCE.mp4 in this folder.",
)
def show(address: str, against: str | None, video: Path | None) -> None:
    """Watch the run that was scored: a sequence's stored boxes, what was annotated (white, dashed) and its sentence on
    the frames, and the attention.

    Nothing is tracked: the boxes are those of the result file, which dat audit verifies. The attention map is computed
    again, by the network that the result's record names. Without a seed the first of params.yaml is shown.

    Example: dat show otb100/dat-jtnl/Return --against salnet --video return.mp4
    """
    from dat.base import outside, params
    from dat.progress import progress
    from dat.video import stored
    from dat.video.drawing import VideoWriter

    outside.output(video, "--video", ".mp4", ".m4v")
    settings = params.load()
    benchmark, tracker, sequence = stored.find(settings, address)
    result, other = stored.read(settings, benchmark, tracker, sequence), None
    if against is not None:
        name = against if "@" in against else f"{against}@{tracker.partition('@')[2]}"
        other = stored.read(settings, *stored.find(settings, f"{benchmark}/{name}/{sequence}"))
    out = video or Path(f"{benchmark}-{tracker}-{sequence}.mp4")
    with VideoWriter(out, stored.RATE) as writer:
        for picture in progress(
            stored.pictures(result, other, settings.root.tracking.threads), total=result.frames, unit="frame"
        ):
            writer.add(picture)
    click.echo(out)
