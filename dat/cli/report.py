"""`dat report`: the report stage."""

import click

from dat.pipeline.running import run_stage
from dat.pipeline.stages import PARTIAL


@click.command()
@click.option("--partial", is_flag=True, help="Report what is there at this moment, in reports/partial.")
def report(partial: bool) -> None:
    """Write tables, figures, players and reports/index.html from this run's scores.

    A partial report says so at its top, and leaves a whole one as it is.

    Examples: dat report; dat report --partial
    """
    run_stage("report", PARTIAL if partial else "", partial=partial)
    if partial:
        click.echo("reports/partial/index.html")
