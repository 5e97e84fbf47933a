"""The files of the report's tables, cell by cell against the run's scores and the paper's numbers.

A cell that differs is named by file and line, row and column, with the text that it shows and the one that it should.
"""

import csv
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dat.audit import page
from dat.audit.checks import Check, compare, missing
from dat.audit.expected import PAGE, PAIR, REDETECTION, STEPS, TABLES, addresses
from dat.audit.files import json_object
from dat.audit.printed import RECOMPUTED, UNTOLD, Claim, Printed, decimals, holm, verdict
from dat.base import naming, outside
from dat.base.errors import DatError
from dat.benchmarks import words
from dat.benchmarks.words import BENCHMARKS, named

CLAIMS, SUMMARY = f"{TABLES}/claims.csv", f"{TABLES}/summary.json"
SUMMARISED = ("success", "eao")
"""A benchmark's score in the summary is the first of these that it has."""

SAID = {"holds": "better", "the reverse": "worse", "cannot tell": "cannot tell"}
"""What the page says of the method, by the verdict on its difference from the baseline."""
TEXT_CLAIMS, TIMED = "figure-10", "5"
"""Where the page judges the claims of the paper's text, and the table with a column of training's seconds."""
CLAIM_HEADS = ("The paper's claim", "Where", "Paper", "Ours, 95 % interval", "p (Holm)", "Here")
METRICS = {name: metric for metric, name in words.METRICS.items()}
_OURS = re.compile(r"\((?P<benchmark>[\w+-]+)\) (?P<metric>[\w ]+), ours")
_PAPER = re.compile(r"(?P<benchmark>.+) (?P<metric>success|precision|EAO|frames a second|found again), paper")
_LETTERS = {"space": " ", "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^"}
_ESCAPED = re.compile(rf"\\(?:({'|'.join(_LETTERS)})(?: |$)|([&%$#_{{}}]))")
Expected = Mapping[str, str]


@dataclass(frozen=True)
class Cell:
    """A place in a file of the report: what it shows, and what it should; None where no such cell belongs."""

    line: int
    row: str
    column: str
    found: str | None
    expected: str | None

    def check(self, file: str) -> Check:
        """The comparison of both."""
        subject = f"{file}:{self.line}, row {self.row}, column {self.column}"
        if self.expected is None:
            return Check("shown", "differs", subject, "nothing", self.found)
        return compare("shown", subject, self.expected, self.found)


def behind(file: str) -> list[str]:
    """The files that show what a table or figure `reports/tables/table-1.csv` shows, itself first."""
    number = Path(file).stem
    return (
        [file, f"{TABLES}/{number}.md", f"{TABLES}/{number}.tex", CLAIMS, SUMMARY, PAGE]
        if number.startswith("table-")
        else [file]
    )


def checks(printed: Printed, file: str) -> list[Check]:
    """Every cell of a file of `reports/tables` that does not show what it should, and how many do."""
    path = printed.numbers.settings.path / file
    if not path.is_file():
        return (
            [] if file in (SUMMARY, PAGE) else [missing("shown", file, "a file of the report; run dvc repro -f report")]
        )
    try:
        results = [cell.check(file) for cell in _cells(printed, file, path)]
    except (DatError, csv.Error) as error:
        return [missing("shown", f"{file}: {error}", "cells that can be read")]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return [missing("shown", f"{file}: reports/metrics: {type(error).__name__} {error}", "scores that can be read")]
    bad, good = [check for check in results if check.verdict != "verified"], len(results)
    good -= len(bad)
    counted = [Check("shown", "verified", file, f"{good} cells", f"{good} cells")] if good else []
    return [*bad, *counted]


def _cells(printed: Printed, file: str, path: Path) -> Iterator[Cell]:
    if file == SUMMARY:
        return _summary(printed, path)
    if file == PAGE:
        return _page(printed, path)
    if file.endswith(".md"):
        return _markdown(printed, path)
    if file.endswith(".tex"):
        return _latex(printed, path)
    if file == CLAIMS:
        return _claims(printed.claims, path)
    cells = _table if path.name.startswith("table-") else _points
    return itertools.chain(cells(printed, path), _left_out(printed, file, path))


def _left_out(printed: Printed, file: str, path: Path) -> Iterator[Cell]:
    """The numbers that the scores have for a table or figure, and that it does not."""
    there = {row["address"] for _, row in _rows(path)}
    for address in addresses(printed).get(file, []):
        if address not in there:
            yield Cell(0, address, "address", None, "a row")


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV with their lines from 1."""
    reader = csv.DictReader(io.StringIO(outside.read_text(path), newline=""))
    for row in reader:
        yield reader.line_num, {key: naming.from_cell(value or "") for key, value in row.items() if key is not None}


# ---------------------------------------------------------------- CSV


def _facts(printed: Printed, benchmark: str, variant: str, metric: str) -> dict[str, str]:
    """Interval, profile and data set of a score of this run, as CSV has them."""
    low, high = printed.interval(benchmark, variant, metric) or ("", "")
    profile = printed.numbers.settings.profile
    return {"low": _full(low), "high": _full(high), "profile": profile, "data_set": printed.data_set(benchmark)}


def _full(value: float | str) -> str:
    return value if isinstance(value, str) else repr(value)


def _table(printed: Printed, path: Path) -> Iterator[Cell]:
    """The cells of a table; the paper's rows must all be there. A row's own number is checked with its address."""
    table, there = path.stem.rpartition("-")[2], set()
    for line, row in _rows(path):
        benchmark, variant, metric = row["benchmark"], row["row"], row["metric"]
        ours = printed.score(benchmark, variant, metric)
        wanted = {"paper": printed.paper.get((table, benchmark, variant, metric), "")}
        address = f"table/{table}/{variant}/{benchmark}-{metric}"
        wanted |= {"address": address if ours is not None else ""}
        if ours is None:
            wanted |= dict.fromkeys(("ours", "low", "high", "profile", "data_set"), "")
        else:
            wanted |= _facts(printed, benchmark, variant, metric)
        there.add((benchmark, variant, metric))
        yield from _compared(line, f"{variant} {benchmark} {metric}", row, wanted)
    for number, benchmark, variant, metric in printed.paper:
        if number == table and (benchmark, variant, metric) not in there:
            yield Cell(0, f"{variant} {benchmark} {metric}", "row", None, "a row")


def _points(printed: Printed, path: Path) -> Iterator[Cell]:
    """The points of a figure."""
    figure, counts = path.stem.rpartition("-")[2], dict[tuple[str, str, str, str], int]()
    for line, row in _rows(path):
        series, benchmark, variant, metric = row["series"], row["benchmark"], row["variant"], row["metric"]
        address = f"figure/{figure}/{series}/{row['x']}"
        if series == f"{variant}-{metric}":
            at = counts.setdefault((series, benchmark, variant, metric), 0)
            counts[series, benchmark, variant, metric] += 1
            low, high = printed.band(benchmark, variant, metric, at) or ("", "")
            wanted = _facts(printed, benchmark, variant, metric) | {"low": _full(low), "high": _full(high)}
            wanted |= {"x": f"{at * STEPS[metric]:.10g}"}
        else:
            wanted = _facts(printed, benchmark, variant, metric)
        yield from _compared(line, f"{series} {row['x']}", row, wanted | {"address": address})


def _claims(claims: Sequence[Claim], path: Path) -> Iterator[Cell]:
    """The judged claims, in their order."""
    rows = list(_rows(path))
    for (line, row), claim in zip(rows, claims, strict=False):
        numbers = {key: repr(getattr(claim, key)) for key in ("ours", "low", "high", "p")}
        numbers |= {key: "" if (at := getattr(claim, key)) is None else repr(at) for key in ("paper", "needed")}
        facts = {key: getattr(claim, key) for key in ("table", "a", "b", "benchmark", "metric", "verdict", "data_set")}
        yield from _compared(
            line, f"{claim.table} {claim.a} {claim.b} {claim.benchmark} {claim.metric}", row, numbers | facts
        )
    yield Cell(0, "all", "claims", str(len(rows)), str(len(claims)))


def _compared(line: int, name: str, row: Mapping[str, str], wanted: Expected) -> Iterator[Cell]:
    """A cell for each column that is known; numbers are equal when their values are."""
    for column, expected in wanted.items():
        text = row.get(column)
        yield Cell(line, name, column, expected if text is not None and _same(text, expected) else text, expected)


def _same(shown: str, expected: str) -> bool:
    try:
        return shown == expected or float(shown) == float(expected)
    except ValueError:
        return False


def last_point(path: Path, column: str) -> tuple[float | str | None, int]:
    """The last value of a column of a table with tabs, and its line; None where there is none."""
    try:
        rows = list(csv.DictReader(outside.read_text(path).splitlines(), delimiter="\t"))
        text = (rows[-1].get(column) if rows else None) or ""
    except (DatError, csv.Error):
        return None, 0
    try:
        return float(text), len(rows) + 1
    except ValueError:
        return text or None, len(rows) + 1


# ---------------------------------------------------------------- the summary


def _summary(printed: Printed, path: Path) -> Iterator[Cell]:
    """The few scores that `dvc metrics show` prints: of each benchmark, none of its subsets."""
    shown = {(name, variant): value for name, values in json_object(path).items() for variant, value in values.items()}
    known = {(name, one): printed.score(name, one, metric) for name, metric in _in_short(printed) for one in PAIR}
    scores = {place: score for place, score in known.items() if score is not None}
    for name, variant in dict.fromkeys((*shown, *scores)):
        found, score = shown.get((name, variant)), scores.get((name, variant))
        pair = [None if value is None else repr(value) for value in (found, score)]
        yield Cell(0, name, variant, *pair)


def _in_short(printed: Printed) -> Iterator[tuple[str, str]]:
    """Each benchmark that has a score of baseline or method, no subset of one, and its metric in short."""
    for name, of in printed.numbers.scores.items():
        there = [one for one in SUMMARISED if any(printed.score(name, tracker, one) is not None for tracker in PAIR)]
        if there and name == of.parent:
            yield name, there[0]


# ---------------------------------------------------------------- the page


def _page(printed: Printed, path: Path) -> Iterator[Cell]:
    """The cells of the page's tables: those in short, each table's, and the claims below it and below figure 10."""
    found = page.rows(path)
    heads, *short = _brief(printed)
    yield from _matched("brief", heads, [heads, *short], found.get("brief", []))
    columns = [*printed.columns, REDETECTION]
    for table in dict.fromkeys(number for number, *_ in columns):
        place = f"table-{table}"
        if order := _order(printed.numbers.settings.path / TABLES / f"{place}.csv"):
            heads, wanted = _page_table(printed, table, [at[1:] for at in columns if at[0] == table], order)
            rows = [row for row in found.get(place, []) if not _is_claim(row[1]) and row[1] != list(CLAIM_HEADS)]
            yield from _matched(place, heads, wanted, rows)
    for table in dict.fromkeys(claim.table for claim in printed.claims):
        place = f"table-{table}" if table.isdecimal() else TEXT_CLAIMS
        claims = [claim for claim in printed.claims if claim.table == table]
        yield from _judged(claims, found.get(place, []), f"{place}: all")


def _matched(
    place: str, heads: Sequence[str], wanted: Sequence[list[str]], found: Sequence[tuple[int, list[str]]]
) -> Iterator[Cell]:
    """The cells of a table's rows, each against the row with the same first cell. Rows of heads, whose cells are
    several columns wide, have no names of columns."""
    rest = {row[0]: row for row in wanted}
    for line, cells in found:
        row, expected = f"{place}: {cells[0] if cells else ''}", rest.pop(cells[0], None) if cells else None
        if expected is None:
            yield Cell(line, row, heads[0], "a row", None)
            continue
        for at, (text, one) in enumerate(itertools.zip_longest(cells, expected)):
            known = len(expected) == len(heads) > at
            yield Cell(line, row, heads[at] if known else f"number {at + 1}", text, one)
    for name in rest:
        yield Cell(0, f"{place}: {name}", heads[0], None, "a row")


def _brief(printed: Printed) -> list[list[str]]:
    """The rows in short: baseline and method on each benchmark, their paired difference and what it says."""
    baseline, method = PAIR
    short = list(_in_short(printed))
    pairs = {name: pair for name, metric in short if (pair := printed.difference(name, method, baseline, metric))}
    p_values = dict(zip(pairs, holm([pair[3] for pair in pairs.values()]), strict=True))
    rows = [["Benchmark", named(baseline), named(method), "Difference", "The method is"]]
    for name, metric in short:
        scores = printed.numbers.scores[name]
        seeds = max(len(scores.trackers(one, None)) for one in PAIR)
        size = f"{printed.sequences(name)} sequences, {seeds} seed{'' if seeds == 1 else 's'}"
        row = [f"{BENCHMARKS.get(name, name)} {words.METRICS[metric]}, {size}"]
        for one in PAIR:
            score, between = printed.score(name, one, metric), printed.between(name, one, metric)
            text = "–" if score is None else printed.too_few(name, one, metric) or f"{score:.3f}"
            row.append(f"{text} {between}".strip())
        if name in pairs:
            value, low, high, _ = pairs[name]
            bounded = f"{value:+.3f} {low:+.3f} to {high:+.3f}"
            row += [UNTOLD if low <= -1 and high >= 1 else bounded, SAID[verdict(low, high, p_values[name])]]
        rows.append(row if name in pairs else [*row, "–", "–"])
    return rows


def _page_table(
    printed: Printed, table: str, columns: Sequence[tuple[str, str]], order: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    """The names of a table's columns on the page, two a score, the paper's and ours; and its rows, the two of heads
    first. Speeds of ours are no output of the pipeline: a script writes them."""
    names = [f"{BENCHMARKS[benchmark]} {words.METRICS[metric]}" for benchmark, metric in columns]
    known = {one: naming.shown(printed.data_set(one)) for one, _ in columns if printed.scores(one)}
    sets = ["this machine" if metric == "fps" else known.get(one, "not in this run") for one, metric in columns]
    rows = [["Tracker", *names], [text for one in sets for text in ("paper", f"ours {one}")]]
    for variant in order:
        rows.append([named(variant)])
        for benchmark, metric in columns:
            paper = printed.paper.get((table, benchmark, variant, metric), "")
            rows[-1] += [paper or "–", "–" if metric == "fps" else _on_page(printed, benchmark, variant, metric)]
    heads = ["Tracker", *(f"{name}, {whose}" for name in names for whose in ("paper", "ours"))]
    if table == TIMED:
        texts = ("training seconds", "training seconds", "ours this machine", *["–"] * len(order))
        for row, text in zip((heads, *rows), texts, strict=True):
            row.append(text)
    return heads, rows


def _on_page(printed: Printed, benchmark: str, variant: str, metric: str) -> str:
    """A score in a table of the page, with its small print."""
    score, own = printed.score(benchmark, variant, metric), {*printed.numbers.settings.root.variants, *words.VARIANTS}
    if score is None:
        return "missing" if variant in own else "–"
    text = printed.too_few(benchmark, variant, metric) or f"{score:.{decimals(metric)}f}"
    small = printed.beside(benchmark, variant, metric)
    return " ".join([text, *(one for one in small if one != RECOMPUTED or variant not in own)])


# ---------------------------------------------------------------- Markdown and LaTeX


def _markdown(printed: Printed, path: Path) -> Iterator[Cell]:
    """The cells of a table in Markdown, and those of the claims below it."""
    table = path.stem.rpartition("-")[2]
    lines = [(number, _split(line)) for number, line in enumerate(outside.read_text(path).splitlines(), 1)]
    rows = [(number, cells) for number, cells in lines if cells and set("".join(cells)) - set("-:")]
    score_rows = [(number, cells) for number, cells in rows if cells[0] != CLAIM_HEADS[0] and not _is_claim(cells)]
    yield from _scores(printed, table, score_rows, _order(path.with_suffix(".csv")))
    yield from _judged([claim for claim in printed.claims if claim.table == table], rows)


def _judged(claims: Sequence[Claim], rows: Sequence[tuple[int, list[str]]], whole: str = "all") -> Iterator[Cell]:
    """The cells of those rows that judge the paper's claims."""
    judged = [row for row in rows if _is_claim(row[1])]
    for (line, cells), claim in zip(judged, claims, strict=False):
        for column, text, expected in zip(CLAIM_HEADS, cells, claim.words(), strict=False):
            yield Cell(line, claim.words()[0], column, text, expected)
    yield Cell(0, whole, "claims", str(len(judged)), str(len(claims)))


def _latex(printed: Printed, path: Path) -> Iterator[Cell]:
    """The cells of a table in LaTeX, whose rows end in two backslashes."""
    lines = enumerate(outside.read_text(path).splitlines(), 1)
    rows = [(number, _split_latex(line)) for number, line in lines if line.endswith("\\\\")]
    yield from _scores(printed, path.stem.rpartition("-")[2], rows, _order(path.with_suffix(".csv")))


def _split_latex(line: str) -> list[str]:
    """The cells of a row, with Markdown's stars for bold."""
    cells = re.split(r"(?<!\\)&", line.removesuffix("\\\\"))
    bold = (re.sub(r"\\textbf\{(.*?)\}", r"**\1**", cell.strip()) for cell in cells)
    return [_ESCAPED.sub(lambda match: _LETTERS.get(match[1]) or match[2], cell) for cell in bold]


def _is_claim(cells: Sequence[str]) -> bool:
    return len(cells) == len(CLAIM_HEADS) and " beats " in cells[0]


def _split(line: str) -> list[str]:
    """The cells of a line of a table; none of another line."""
    if not line.startswith("|"):
        return []
    return [re.sub(r"\\(.)", r"\1", cell.strip()) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _order(path: Path) -> list[str]:
    """The rows of a table's CSV by name, each once; none where it cannot be read."""
    return list(dict.fromkeys(row["row"] for _, row in _rows(path))) if path.is_file() else []


def _scores(
    printed: Printed, table: str, rows: Sequence[tuple[int, list[str]]], order: Sequence[str]
) -> Iterator[Cell]:
    if not rows:
        yield Cell(0, "all", "rows", None, "a table")
        return
    (_, heads), *body = rows
    columns = list(_columns(heads[1:]))
    yield Cell(rows[0][0], "the head", "columns", str(len(columns)), str(len(heads) - 1))
    for (line, cells), variant in zip(body, order, strict=False):
        name = named(variant)
        yield Cell(line, name, "Tracker", cells[0], name)
        for head, text, (whose, benchmark, metric) in zip(heads[1:], cells[1:], columns, strict=False):
            if whose == "paper":
                expected = printed.paper.get((table, benchmark, variant, metric), "")
            else:
                expected = _ours(printed, benchmark, variant, metric)
            yield Cell(line, name, head, text, expected)
    yield Cell(0, "all", "rows", str(len(body)), str(len(order)))


def _columns(heads: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Whose number a column shows, and of which benchmark and metric, by its head."""
    by_name = {name: benchmark for benchmark, name in BENCHMARKS.items()}
    for head in heads:
        ours, paper = _OURS.search(head), _PAPER.fullmatch(head)
        if ours:
            yield "ours", ours["benchmark"], METRICS[ours["metric"]]
        elif paper:
            yield "paper", by_name.get(paper["benchmark"], paper["benchmark"]), METRICS[paper["metric"]]


def _ours(printed: Printed, benchmark: str, variant: str, metric: str) -> str:
    """A score with its interval, as Markdown shows it without its stars."""
    score, ends = printed.score(benchmark, variant, metric), printed.interval(benchmark, variant, metric)
    if score is None:
        return ""
    part = printed.scored(benchmark, variant)
    if few := printed.too_few(benchmark, variant, metric):
        return f"**{few}**{f' ({part})' if part else ''}"
    interval = f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else ""
    return f"**{score:.{decimals(metric)}f}**{interval}{f' ({part})' if part else ''}"
