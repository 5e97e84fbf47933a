"""The table that ends `make repro`: seconds of each stage's last run beside its budget in workflow/budgets.yaml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dat import records
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
