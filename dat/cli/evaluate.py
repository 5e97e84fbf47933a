"""`dat evaluate`: the stage, and by hand the scores of any tracker's result files."""

import shutil
import sys
from pathlib import Path
from typing import Any

import click

from dat.base import supervise
from dat.base.errors import InputError
from dat.benchmarks.catalogue import NAMES


@click.command(short_help="A benchmark's scores; by hand, score any tracker's result files.")
@click.argument("name", required=False)
@click.option("--benchmark", metavar="NAME", help=f"One of {'|'.join(NAMES)}.")
@click.option("--annotations", type=click.Path(path_type=Path), metavar="PLACE", help="The benchmark's ground truth.")
@click.option("--results", type=click.Path(path_type=Path), metavar="DIR", help="Result files: a folder a tracker.")
@click.option("--definition", metavar="NAME", help="How scores are computed; default: as the benchmark itself does.")
@click.option(
    "--lengths",
    type=click.Choice(["strict", "cut"]),
    default="strict",
    help="`cut`: score the common part of odd files.",
)
@click.option("--json", "json_out", type=click.Path(path_type=Path), metavar="OUT.json", help="All scores as JSON.")
@click.option("--csv", "csv_out", type=click.Path(path_type=Path), metavar="OUT.csv", help="Scores as CSV.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="DIR", help="Success and precision plots.")
@click.option("--compare", nargs=2, metavar="A B", help="Compare these two trackers only.")
@click.option("--sequences", type=click.Path(path_type=Path), metavar="FILE", help="Score these alone: a name a line.")
@click.option("--resamples", default=10_000, show_default=True, help="Bootstrap resamples of the sequences.")
@click.option("--seed", default=0, show_default=True, help="Seed of the resamples.")
def evaluate(name: str | None, **options: Any) -> None:
    """Score the benchmark NAME of this profile (a stage), or anybody's result files.

    Examples: dat evaluate otb2013

    dat evaluate --benchmark otb100 --annotations anno --results results --json out.json
    """
    wanted = ("benchmark", "annotations", "results")
    by_options = any(options[option] for option in wanted)
    name = name or (None if by_options else supervise.stage_key() or None)
    if name is not None:
        if by_options:
            raise InputError("give either a stage's NAME, or --benchmark with --annotations and --results, not both")
        from dat.pipeline.running import run_stage

        run_stage("evaluate", name)
        return
    missing = [f"--{option}" for option in wanted if not options[option]]
    if missing:
        raise InputError(
            f"{', '.join(missing)} wanting: dat evaluate --benchmark NAME --annotations PLACE --results DIR"
        )
    by_hand(**options)


def by_hand(
    benchmark: str,
    annotations: Path,
    results: Path,
    definition: str | None,
    lengths: Any,
    json_out: Path | None,
    csv_out: Path | None,
    plot: Path | None,
    compare: tuple[str, str] | None,
    sequences: Path | None,
    resamples: int,
    seed: int,
) -> None:
    """Score the trackers of a folder and print a table."""
    from dat.base import outside
    from dat.evaluation import score, table
    from dat.records import write_json, write_text

    outside.output(json_out, "--json", ".json")
    outside.output(csv_out, "--csv", ".csv")

    if resamples < 100:
        raise InputError(f"--resamples {resamples}: an interval wants at least 100")
    scores = score.files(benchmark, annotations, results, definition, lengths, (resamples, seed), compare, sequences)
    if json_out:
        write_json(json_out, scores)
    if csv_out:
        write_text(csv_out, table.as_csv(scores))
    if plot:
        from dat.evaluation import plots

        for path in plots.draw(scores, plot):
            click.echo(f"wrote {path}", err=True)
    click.echo(table.terminal(scores, shutil.get_terminal_size().columns if sys.stdout.isatty() else None))
