"""`dat track`: one target in a video, a folder of images, a camera or a stream."""

from pathlib import Path

import click

from dat.base.naming import shown
from dat.video import request as requests

OUT = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("source")
@click.option("--box", required=True, metavar="X,Y,W,H", help="The target's box in the first frame used.")
@click.option(
    "--text", metavar="SENTENCE", help="A sentence about the target; without it, attention is from the target alone."
)
@click.option("--out", type=OUT, help="Boxes, a row x,y,w,h a frame; without it they go to standard output.")
@click.option("--video", type=OUT, help="An MP4 with box, score and re-detections drawn in.")
@click.option("--show-attention", is_flag=True, help="Lay the attention map over the video.")
@click.option("--variant", default="dat-jtnl", show_default=True, help="Which tracker; params.yaml lists them.")
@click.option(
    "--weights", type=click.Path(file_okay=False, path_type=Path), help="The weights folder, if not the root profile's."
)
@click.option(
    "--features", type=click.Choice(["crops", "shared"]), help="How features are computed; default as in params.yaml."
)
@click.option("--start", type=click.IntRange(1), default=1, metavar="N", help="The first frame to use, from 1.")
@click.option("--frames", type=click.IntRange(1), metavar="N", help="At most so many frames.")
@click.option(
    "--origin",
    type=click.Choice(["0", "1"]),
    default="0",
    show_default=True,
    help="What box and output count pixels from.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--sequence",
    default="",
    metavar="NAME",
    help="Draw the random numbers that a benchmark draws for its sequence NAME and this seed.",
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, or auto.")
@click.option(
    "--json", "json_", type=OUT, help="Of each frame the score, the winner's source and the seconds; frames a second."
)
def track(
    source: str,
    box: str,
    text: str | None,
    out: Path | None,
    video: Path | None,
    show_attention: bool,
    variant: str,
    weights: Path | None,
    features: str | None,
    start: int,
    frames: int | None,
    origin: str,
    seed: int,
    sequence: str,
    device: str,
    json_: Path | None,
) -> None:
    """Track one target through SOURCE: a folder of images, a glob, a video file, a camera number, or - (JPEG or PNG
    images one after another on standard input).

    Example: dat track clip.mp4 --box 48,60,30,42 --text "the red car on the left" --out boxes.txt --video out.mp4
    """
    outputs = requests.Outputs(out, video, json_, show_attention, int(origin))
    outputs.check(source)
    checked = requests.check(
        source,
        box,
        text=text,
        variant=variant,
        weights=weights,
        features=features,
        start=start,
        frames=frames,
        origin=int(origin),
        sequence=sequence,
    )
    if show_attention and video is None:
        click.echo("--show-attention needs --video to show it in", err=True)
    from dat.video import run as tracking

    tracking.run(checked, outputs, seed, device, lambda line: click.echo(shown(line), err=True))
