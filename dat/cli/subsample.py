"""`dat subsample`: the stage; by hand, the selection alone from LaSOT's annotation files."""

from pathlib import Path

import click


@click.command()
@click.option("--annotations", type=click.Path(path_type=Path), help="A folder of LaSOT classes; no images are needed.")
@click.option("--list", "output", type=click.Path(path_type=Path), help="The CSV to write the selection to.")
@click.option("--step", type=click.IntRange(min=1), default=None, help="Every n-th frame from the first (default 80).")
def subsample(annotations: Path | None, output: Path | None, step: int | None) -> None:
    """Stage: every n-th frame of LaSOT, small, in shards. By hand, write the selection alone.

    Example: dat subsample --annotations LaSOT/annotations --list selection.csv
    """
    if annotations is None and output is None:
        if step is not None:
            raise click.UsageError("--step goes with --annotations; the stage has subsample.step in params.yaml")
        from dat.pipeline.running import run_stage

        run_stage("subsample", "")
        return
    if annotations is None or output is None:
        raise click.UsageError("--annotations and --list belong together")
    from dat.base import outside
    from dat.datasets.subsample import write_selection

    outside.output(output, "--list", ".csv")

    rows = write_selection(annotations, output, step or 80)
    click.echo(f"{rows} frames in {output}")
