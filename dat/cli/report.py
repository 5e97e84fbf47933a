"""`dat report`: the report stage."""

import click

from dat.pipeline.running import run_stage


@click.command()
@click.option("--partial", is_flag=True, help="Report what is there when some benchmarks have no scores yet.")
def report(partial: bool) -> None:
    """Write tables, figures and reports/index.html from this run's scores.

    Examples: dat report; dat report --partial
    """
    run_stage("report", "--partial" if partial else "", partial=partial)
