"""What ends `make repro`: seconds of each stage's last run beside its budget, and whether the run was reproduced.

The verdict, with the commit, machine and date of the run files, also goes to `reports/run.js`, which the page shows. It
is no stage's output, since reports that are hashed hold no times.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dat import params, records
from dat.audit import seal as seals
from dat.audit.diff import compare
from dat.audit.walk import Walk
from dat.errors import DatError
from dat.naming import shown
from dat.params import Settings, read_yaml


def last_runs(home: Path) -> dict[str, dict[str, Any]]:
    """The run files of the stages of a profile, by stage name, in the order in which they ran."""
    found = [records.read_json(path) for path in sorted((home / "runs").glob("*.json"))]
    return {run["stage"]: run for run in sorted(found, key=lambda run: str(run["started"]))}


def budget_of(stage: str, budgets: Mapping[str, float]) -> float | None:
    """A stage's budget in seconds: its own, or that of its kind."""
    value = budgets.get(stage, budgets.get(stage.partition("@")[0]))
    return None if value is None else float(value)


def show(settings: Settings) -> None:
    """Print the table. Stages that did not run again show their last run's time."""
    budgets = read_yaml(settings.top / "workflow" / "budgets.yaml")
    table = Table(title=f"Seconds per stage (last run), profile {settings.profile}")
    for name in ("stage", "seconds", "budget", ""):
        table.add_column(name, justify="left" if name in ("stage", "") else "right")
    runs = last_runs(settings.path)
    for stage, run in runs.items():
        budget = budget_of(stage, budgets)
        over = budget is not None and run["seconds"] > budget
        table.add_row(
            escape(shown(stage)),
            f"{run['seconds']:.1f}",
            "-" if budget is None else f"{budget:.0f}",
            "over" if over else "",
        )
    total, limit = sum(run["seconds"] for run in runs.values()), float(budgets["total"])
    table.add_section()
    table.add_row("total", f"{total:.0f}", f"{limit:.0f}", "over" if total > limit else "")
    Console(emoji=False).print(table)


def verdict(settings: Settings) -> None:
    """Print whether the run equals the committed one, on the last line, and write `reports/run.js` for the page.

    Where there is nothing to compare with, the line says why.
    """
    try:
        comparison = compare(settings)
        line, notes, equal = comparison.verdict, comparison.notes, comparison.equal
    except DatError as error:
        line, notes, equal = f"not compared: {error}", [], False
    for note in notes:
        click.echo(shown(f"note: {note}"))
    seal = seal_facts(settings)
    if seal:
        click.echo(f"seal {seal['seal']}{', the committed one' if seal['sealed'] else ', not the committed one'}")
    click.echo(shown(line))
    write_run(settings.path, {"verdict": line, "notes": notes, "equal": equal, **seal})


def seal_facts(settings: Settings) -> dict[str, Any]:
    """The root of the seal of all behind the report, and whether it is the committed one; empty without such a one."""
    try:
        walk = Walk(settings)
        now, committed = seals.of(walk), seals.committed(walk)
    except DatError:
        return {}
    return {"seal": now.root, "sealed": now.root == committed.root} if committed else {}


def write_run(home: Path, facts: Mapping[str, Any]) -> None:
    """Write `reports/run.js`: `facts`, what the run files say of the run, and the page that all of this is about."""
    page = home / "reports" / "index.html"
    if page.is_file():
        mark = re.search(r'data-page="([0-9a-f]+)"', page.read_text(encoding="utf-8"))
        run = {**facts, **run_facts(last_runs(home)), **({"page": mark[1]} if mark else {})}
        records.write_text(page.with_name("run.js"), f"window.datRun = {json.dumps(run, sort_keys=True)};\n")


def run_facts(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Commit, whether its files were changed, processors and date of the stages' last runs.

    Date, commit and patch are those of the stage that ran last. What is not known is absent.
    """
    if not runs:
        return {}
    last = list(runs.values())[-1]
    facts: dict[str, Any] = {"date": last["started"]}
    if "commit" in last:
        facts |= {"commit": last["commit"], "clean": "patch" not in last}
    processors = sorted({str(run["processor"]) for run in runs.values() if "processor" in run})
    return facts | ({"processors": processors} if processors else {})


@click.command(hidden=True)
def timings() -> None:
    """Seconds of each stage's last run beside its budget, and whether the committed run was reproduced."""
    settings = params.load()
    show(settings)
    verdict(settings)
