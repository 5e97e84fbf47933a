"""`dat job`: one job of a benchmark's plan, what Snakemake calls."""

import os
import sys
from pathlib import Path

import click

from dat.base import numerics, opening, outside


@click.command(hidden=True)
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("number", type=int)
@click.argument("done", type=click.Path(dir_okay=False, path_type=Path))
def job(plan: Path, number: int, done: Path) -> None:
    """One job of a benchmark's plan, in a process of its own that loads nothing but what its units' keys hold."""
    content = opening.parse_json(outside.read_bytes(plan, most=opening.JSON), plan)  # a job starts Python twice for it
    numerics.prepare(content["numerics"])
    arguments = [str(plan), str(number), str(done)]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "dat.fanout.job", *arguments])
