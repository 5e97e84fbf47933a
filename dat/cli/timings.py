"""What ends `make repro`: seconds of each stage's last run beside its budget, whether the run was reproduced, its three
headline numbers, and where the report is.

The verdict, with the commit, machine, date and times of the run files, and where linked data sets lie, also goes to
`reports/run.js`, which the page shows. It is no stage's output, since reports that are hashed hold no times.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dat import records
from dat.audit import seal as seals
from dat.audit.diff import compare
from dat.audit.walk import Walk
from dat.base import outside, params
from dat.base.errors import DatError
from dat.base.naming import shown
from dat.base.params import Settings, read_yaml
from dat.datasets import manifest
from dat.report import brief
from dat.report.metrics import read_scores


def last_runs(home: Path) -> dict[str, dict[str, Any]]:
    """The run files of the stages of a profile, by stage name, in the order in which they ran."""
    runs = [records.read_json(path) for path in sorted((home / "runs").glob("*.json"))]
    return {run["stage"]: run for run in sorted(runs, key=lambda run: str(run["started"]))}


def budget_of(stage: str, budgets: Mapping[str, float]) -> float | None:
    """A stage's budget in seconds: its own, or that of its kind."""
    value = budgets.get(stage, budgets.get(stage.partition("@")[0]))
    return None if value is None else float(value)


def elapsed(runs: Iterable[Mapping[str, Any]]) -> float:
    """Seconds in which a stage was at work: what ran side by side is counted once.

    >>> noon, later = "2026-01-01T12:00:00+00:00", "2026-01-01T12:00:30+00:00"
    >>> elapsed([{"started": noon, "seconds": 50.0}, {"started": later, "seconds": 40.0}])
    70.0
    """
    total, until = 0.0, 0.0
    for start, seconds in sorted((datetime.fromisoformat(run["started"]).timestamp(), run["seconds"]) for run in runs):
        total += max(0.0, start + seconds - max(start, until))
        until = max(until, start + seconds)
    return total


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
    total, limit = elapsed(runs.values()), float(budgets["total"])
    table.add_section()
    table.add_row("total, side by side once", f"{total:.0f}", f"{limit:.0f}", "over" if total > limit else "")
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
    write_run(settings, {"verdict": line, "notes": notes, "equal": equal, **seal})


def headlines(settings: Settings) -> list[str]:
    """The page's three headlines (`brief.headlines`); none without scores that can be read."""
    try:
        scores = read_scores(settings.path / "reports" / "metrics", settings, partial=True)
        return brief.headlines(scores)
    except (DatError, AttributeError, KeyError, TypeError, ValueError):
        return []


def seal_facts(settings: Settings) -> dict[str, Any]:
    """The root of the seal of all behind the report, and whether it is the committed one; empty without such a one."""
    try:
        walk = Walk(settings)
        now, committed = seals.of(walk), seals.committed(walk)
    except DatError:
        return {}
    return {"seal": now.root, "sealed": now.root == committed.root} if committed else {}


def write_run(settings: Settings, facts: Mapping[str, Any]) -> None:
    """Write `reports/run.js`: `facts`, what the run files say of the run, where linked data sets lie on this machine,
    and the page that all of this is about."""
    home = settings.path
    page = home / "reports" / "index.html"
    if page.is_file():
        mark = re.search(r'data-page="([0-9a-f]+)"', page.read_text(encoding="utf-8"))
        more = {"measured": measured(settings), "roots": roots(settings)}
        run = {**facts, **more, **run_facts(last_runs(home)), **({"page": mark[1]} if mark else {})}
        records.write_text(page.with_name("run.js"), f"window.datRun = {json.dumps(run, sort_keys=True)};\n")


def run_facts(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Commit, whether its files were changed, processors, date and seconds of the stages' last runs.

    Date, commit and patch are those of the stage that ran last. What is not known is absent.
    """
    if not runs:
        return {}
    last = list(runs.values())[-1]
    facts: dict[str, Any] = {"date": last["started"], "seconds": elapsed(runs.values())}
    if "commit" in last:
        facts |= {"commit": last["commit"], "clean": "patch" not in last}
    processors = sorted({str(run["processor"]) for run in runs.values() if "processor" in run})
    return facts | ({"processors": processors} if processors else {})


def measured(settings: Settings) -> dict[str, float]:
    """What was measured on this machine and is in no output: `training/<salnet>`, its seconds, and
    `fps/<benchmark>/<variant>`, frames that were tracked for each second of its sequences' jobs, all seeds together."""
    figures = {
        f"training/{stage.partition('@')[2]}": float(run["seconds"])
        for stage, run in last_runs(settings.path).items()
        if stage.startswith("salnet@")
    }
    for benchmark in settings.root.benchmarks:
        times: dict[str, tuple[int, float]] = {}
        for folder in sorted((settings.path / "runs" / benchmark).glob("*@seed-*")):
            key = f"fps/{benchmark}/{folder.name.partition('@')[0]}"
            for unit in sorted(folder.glob("*.json")):
                frames, seconds = times.get(key, (0, 0.0))
                more = _tracked(settings.path / "results" / benchmark / folder.name, unit.name.removesuffix(".json"))
                times[key] = (frames + more, seconds + float(records.read_json(unit)["seconds"]))
        figures |= {key: frames / seconds for key, (frames, seconds) in times.items() if frames and seconds}
    return figures


def _tracked(results: Path, sequence: str) -> int:
    """How many frames a tracker's stored results of a sequence are of: VOT's repetitions too, less what they skip."""
    folders = [folder / sequence for folder in results.glob("*/")]
    files = [results / f"{sequence}.txt", *(path for folder in folders for path in outside.matching(folder, "*.txt"))]
    lines = [line for path in files if path.is_file() for line in outside.read_text(path).splitlines()]
    return sum("," in line or not line.startswith("0") for line in lines)


def roots(settings: Settings) -> dict[str, str]:
    """Where the frames of linked data sets lie on this machine, as links by the root that manifests name; a manifest
    that cannot be read names none."""
    places: dict[str, str] = {}
    for entry in settings.root.datasets.values():
        path = settings.path / f"{entry.manifest}.jsonl"
        with contextlib.suppress(DatError):
            root = str(manifest.read_header(path)["root"])
            folder = manifest.resolve(settings.path, root) if root.endswith(".path") else None
            places |= {root: folder.absolute().as_uri()} if folder else {}
    return places


@click.command(hidden=True)
def timings() -> None:
    """Seconds of each stage's last run beside its budget, whether the committed run was reproduced, and its numbers."""
    settings = params.load()
    show(settings)
    verdict(settings)
    for line in headlines(settings):
        click.echo(shown(line))
    if (settings.path / "reports" / "index.html").is_file():
        click.echo("open reports/index.html")
