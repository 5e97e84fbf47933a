"""Addresses: from the text that names a number to where this run has it.

<benchmark>/<variant>[@seed-N]/<metric>             a score; without a seed the mean over seeds
<benchmark>/<variant>[@seed-N]/<sequence>/<metric>  one sequence's
table/<n>/<row>/<benchmark>-<metric>                a cell of a table
figure/<n>/<series>/<x>                             a point of a figure
train/<network>/<name>/<metric>                     a training's
all                                                 every number of the report
"""

import csv
import difflib
import io
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dat.base.errors import InputError, MissingError
from dat.base.outside import matching, read_text
from dat.base.params import Settings
from dat.records import is_record, read_json


@dataclass(frozen=True)
class Address:
    """Where a number is. `at` is the place on a curve, `printed` the value in line `line` of the report's table `file`.

    `wrong` says why the file, or this row of it, cannot be read; `text` is then the row's address or the file.
    """

    text: str
    kind: str
    benchmark: str = ""
    variant: str = ""
    seed: int | None = None
    sequence: str = ""
    metric: str = ""
    at: int | None = None
    printed: float | None = None
    file: str = ""
    line: int = 0
    wrong: str = ""


@dataclass(frozen=True)
class Scores:
    """The scores in `file` of a benchmark or of a subset of one; `parent` is the benchmark that was run."""

    name: str
    parent: str
    file: str
    data: Mapping[str, Any]

    @cached_property
    def baselines(self) -> Mapping[str, Any]:
        """The scores of other trackers, whose raw results lie in `baselines/`, by name."""
        others = self.data.get("baselines")
        return others if isinstance(others, dict) else {}

    @cached_property
    def runs(self) -> Mapping[str, Any]:
        """The scores of each of our runs and of each baseline."""
        return {**self.baselines, **self.data["trackers"]}

    def trackers(self, variant: str, seed: int | None) -> list[str]:
        """The runs that a variant's score is the mean of; of a baseline its one."""
        names = [name for name in self.runs if name.partition("@seed-")[0] == variant]
        return [name for name in names if seed is None or name == f"{variant}@seed-{seed}"]

    def behind(self, address: Address) -> list[tuple[str, str]]:
        """(tracker, sequence) of the results that a score is computed from."""
        trackers = self.trackers(address.variant, address.seed)
        given = [address.sequence] if address.sequence else None
        return [(one, name) for one in trackers for name in given or self.runs[one].get("sequences", {})]

    def shown(self, address: Address) -> float | None:
        """The number that the scores' file has at an address; None when it has none."""
        runs = [self.runs[name] for name in self.trackers(address.variant, address.seed)]
        whole = address.at is None and address.seed is None and not address.sequence
        if whole and address.variant not in self.baselines:
            value = self.data.get("variants", {}).get(address.variant, {}).get(address.metric)
            return None if value is None else float(value)
        values = [_value(run, address) for run in runs]
        known = [float(value) for value in values if value is not None]
        return sum(known) / len(known) if known and len(known) == len(values) else None


def _value(run: Mapping[str, Any], address: Address) -> float | None:
    if address.at is not None:
        curve = run.get("curves", {}).get(address.metric, [])
        return curve[address.at] if address.at < len(curve) else None
    inner = run.get("sequences", {}).get(address.sequence, {}) if address.sequence else run
    value = inner.get(address.metric)
    return value if isinstance(value, int | float) else None


@dataclass(frozen=True)
class Numbers:
    """All numbers of a profile's run."""

    settings: Settings

    @cached_property
    def scores(self) -> dict[str, Scores]:
        """The scores of each benchmark of the settings, and of its subsets; scores of others are no numbers here."""
        by_benchmark: dict[str, Scores] = {}
        for path in matching(self.settings.path / "reports" / "metrics", "*.json"):
            data = {} if is_record(path) or path.stem not in self.settings.root.benchmarks else _readable(path)
            file = path.relative_to(self.settings.path).as_posix()
            if isinstance(data.get("trackers"), dict):
                by_benchmark[path.stem] = Scores(path.stem, path.stem, file, data)
                for name, inner in data.get("subsets", {}).items():
                    facts = {key: data[key] for key in ("definition", "data_set") if key in data}
                    by_benchmark[name] = Scores(name, path.stem, file, {**facts, **inner})
        return by_benchmark

    def _printed(self, kind: str, address_of: Callable[[str, dict[str, str]], Address]) -> Iterator[Address]:
        """The numbers in the report's tables, or in its figures' points; of what cannot be read, what is wrong."""
        for path in sorted(matching(self.settings.path / "reports" / "tables", f"{kind}-*.csv"), key=_number):
            file = path.relative_to(self.settings.path).as_posix()
            try:
                reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
                rows = [(reader.line_num, row) for row in reader]
            except (InputError, csv.Error) as error:
                yield Address(file, kind, file=file, wrong=str(error))
                continue
            for line, row in rows:
                if not row.get("address"):
                    continue
                try:
                    yield replace(address_of(file, row), line=line)
                except InputError as error:
                    yield Address(row["address"], kind, file=file, wrong=str(error))
                except KeyError as error:
                    wrong = f"{file}: {row['address']}: no column {error}; run dvc repro -f report"
                    yield Address(row["address"], kind, file=file, wrong=wrong)

    def _tables(self) -> Iterator[Address]:
        return self._printed("table", _cell)

    def _figures(self) -> Iterator[Address]:
        return self._printed("figure", _point)

    def trainings(self) -> dict[str, Path]:
        """Each training's metrics: `network/name` to the file."""
        home = self.settings.path
        files = {"language/encoder": home / "training" / "language" / "metrics.json"}
        for network, folders in (("gpgnet", "weights/gpgnet/*"), ("salnet", "weights/salnet/*/*")):
            files |= {f"{network}/{folder.name}": folder / "metrics.json" for folder in matching(home, folders)}
        return {name: path for name, path in files.items() if os.path.lexists(path)}

    def _trainings(self) -> Iterator[Address]:
        for name, path in self.trainings().items():
            file = path.relative_to(self.settings.path).as_posix()
            try:
                values = dict(read_json(path))
            except (InputError, TypeError, ValueError) as error:
                yield Address(file, "train", file=file, wrong=f"{file}: no metrics of a training: {error}")
                continue
            for metric, value in sorted(values.items()):
                if isinstance(value, int | float):
                    yield Address(f"train/{name}/{metric}", "train", metric=metric, printed=float(value), file=file)

    def every(self) -> list[Address]:
        """Every number of the report, and what of it cannot be read. Raises MissingError when there is none."""
        addresses = [*self._tables(), *self._figures(), *self._trainings()]
        if not addresses:
            raise MissingError(f"{self.settings.path / 'reports'}: there are no numbers to audit yet; run dvc repro")
        return addresses

    def find(self, text: str) -> Address:
        """The number at an address. Raises InputError naming the address when there is none, or a file on the way."""
        kind = text.partition("/")[0]
        printed = {"table": self._tables, "figure": self._figures, "train": self._trainings}
        if kind in printed:
            there = list(printed[kind]())
            match = next((address for address in there if address.text == text), None)
            unread = [address.wrong for address in there if address.text == address.file]
            if match is None and unread:
                raise InputError(unread[0])
        else:
            match = self._score(text)
        if match is None:
            raise InputError(f"{text}: no such number; {self._known(text)}")
        return match

    def _score(self, text: str) -> Address | None:
        parts = text.split("/")
        if len(parts) not in (3, 4) or parts[0] not in self.scores:
            return None
        variant, _, seed = parts[1].partition("@seed-")
        sequence = parts[2] if len(parts) == 4 else ""
        if seed and not seed.isdecimal():
            return None
        address = Address(text, "score", parts[0], variant, int(seed) if seed else None, sequence, parts[-1])
        return address if self.scores[parts[0]].shown(address) is not None else None

    def _candidates(self, text: str) -> list[str]:
        """Addresses of the kind that a text has the form of."""
        printed = {"table": self._tables, "figure": self._figures, "train": self._trainings}
        kind, parts = text.partition("/")[0], text.split("/")
        if kind in printed:
            return [address.text for address in printed[kind]()]
        candidates = []
        for name, scores in self.scores.items():
            for tracker, run in scores.runs.items():
                names = (tracker, tracker.partition("@")[0])
                inner = run.get("sequences", {}) if len(parts) == 4 else {"": run}
                for sequence, values in inner.items():
                    metrics = [key for key, value in values.items() if isinstance(value, int | float)]
                    middle = f"{sequence}/" if sequence else ""
                    candidates += [f"{name}/{one}/{middle}{metric}" for one in names for metric in metrics]
        return candidates

    def _known(self, text: str) -> str:
        """What there is instead, in a few words."""
        if not self.scores:
            return "there are no numbers here yet; run dvc repro"
        benchmark, *rest = text.split("/")
        if benchmark in self.settings.root.benchmarks and benchmark not in self.scores:
            return f"reports/metrics/{benchmark}.json has no scores or is not there; run dvc repro evaluate@{benchmark}"
        candidates = self._candidates(text)
        near = difflib.get_close_matches(text, candidates, 3, 0.75)
        near = near or list(dict.fromkeys(one for one in candidates if one.startswith(f"{text.rstrip('/')}/")))[:3]
        if near:
            return f"nearest: {', '.join(near)}"
        if benchmark in self.scores and rest:
            variants = ", ".join(sorted(self.scores[benchmark].data.get("variants", {})))
            return f"{benchmark} has the variants {variants}; an address is {benchmark}/VARIANT/METRIC"
        return (
            f"benchmarks are {', '.join(sorted(self.scores))}; others begin with table/, figure/ or train/, or are all"
        )


def _cell(file: str, row: Mapping[str, str]) -> Address:
    """The number in a row of a table."""
    where = Address(row["address"], "table", row["benchmark"], row["row"], metric=row["metric"], file=file)
    return replace(where, printed=_float(file, row, "ours"))


def _point(file: str, row: Mapping[str, str]) -> Address:
    """The number in a row of a figure's points."""
    curve = row["series"] == f"{row['variant']}-{row['metric']}"
    step = 0.05 if row["metric"] == "success" else 1.0
    at = round(_float(file, row, "x") / step) if curve else None
    where = Address(row["address"], "figure", row["benchmark"], row["variant"], metric=row["metric"], at=at)
    return replace(where, printed=_float(file, row, "y"), file=file)


def _float(file: str, row: Mapping[str, str], column: str) -> float:
    """A number of a table's row. Raises InputError naming file, address and column when it is none."""
    try:
        value = float(row[column])
    except (KeyError, TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        held = f"{column} is {row.get(column)!r}"
        raise InputError(f"{file}: {row['address']}: {held} where a number belongs; run dvc repro -f report")
    return value


def _readable(path: Path) -> Any:
    """A file of scores; empty where it cannot be read, so that its numbers are missing and not all of them."""
    try:
        content = read_json(path)
    except InputError:
        content = {}
    return content if isinstance(content, dict) else {}


def _number(path: Path) -> int:
    """The number at the end of a file's name, for order."""
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0
