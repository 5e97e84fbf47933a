"""`dat cache`: the store of finished per-sequence jobs."""

import shutil
import time
from pathlib import Path

import click

from dat.base import params
from dat.fanout import store


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@click.group()
def cache() -> None:
    """The store of finished per-sequence jobs.

    Example: dat cache status
    """


@cache.command()
def status() -> None:
    """Where the store is, how many results it holds and how large it is. Example: dat cache status"""
    place = store.location(params.load().top)
    entries = list(store.entries(place))
    click.echo(f"{place}: {len(entries)} results, {sum(map(_size, entries)) / 1e6:.1f} MB")


@cache.command()
@click.option("--days", type=float, default=0.0, help="Only results older than this many days.")
def clean(days: float) -> None:
    """Remove finished results, and what killed jobs left; the next run makes them again.

    Example: dat cache clean --days 30
    """
    place = store.location(params.load().top)
    with store.cleaning(place):
        old = [entry for entry in store.entries(place) if time.time() - entry.stat().st_mtime >= days * 86400]
        left = store.left_over(place)
        freed = sum(map(_size, [*old, *left]))
        for folder in [*old, *left]:
            shutil.rmtree(folder)
    more = f" and what {len(left)} killed jobs left" if left else ""
    click.echo(f"{place}: removed {len(old)} results{more}, {freed / 1e6:.1f} MB")
