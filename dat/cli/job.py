"""`dat job`: one job of a benchmark's plan, what Snakemake calls."""

import os
import sys
from pathlib import Path

import click

from dat import records
from dat.base import numerics


@click.command(hidden=True)
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("number", type=int)
@click.argument("done", type=click.Path(dir_okay=False, path_type=Path))
def job(plan: Path, number: int, done: Path) -> None:
    """One job of a benchmark's plan, in a process of its own that loads nothing but what its units' keys hold."""
    numerics.prepare(records.read_json(plan)["numerics"])
    arguments = [str(plan), str(number), str(done)]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "dat.fanout.job", *arguments])
