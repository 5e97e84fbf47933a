"""Tables 1 to 5, and our own 6: the run's numbers beside the paper's, as cells, and as CSV, Markdown and LaTeX."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dat.base import naming
from dat.benchmarks import words
from dat.report import claims, footnotes, published
from dat.report.metrics import Number, Scores, not_enough

COLUMNS = ("row", "benchmark", "metric", "ours", "paper", "address", "low", "high", "profile", "data_set")
"""The columns of a table's CSV: `low` and `high` bound the 95 % interval of `ours`."""

RULES = "".join(f"\\providecommand{{\\{rule}}}{{\\hline}}\n" for rule in ("toprule", "midrule", "bottomrule"))
"""What LaTeX takes for booktabs' rules where that package is not loaded."""

METRICS = words.METRICS


@dataclass(frozen=True)
class Cell:
    """One number of a table: ours (None when this run has none), and the paper's as printed (empty for a dash)."""

    row: str
    benchmark: str
    metric: str
    ours: Number | None
    paper: str
    address: str
    incomplete: str = ""
    sequences: int = 0

    @property
    def text(self) -> str:
        """Ours with the decimals that the paper prints (EAO has four); empty when this run has none, and of too few
        sequences how many they are."""
        if self.ours and not self.ours.tells:
            return not_enough(self.sequences)
        return f"{self.ours.value:.{4 if self.metric == 'eao' else 3}f}" if self.ours else ""


@dataclass(frozen=True)
class Table:
    """A table of the paper: its rows, its columns (benchmark, metric), a cell for each, what it claims and whether that
    holds here, and its footnotes.

    `data_sets` has, for each benchmark that this run scored, the name of the data set that our numbers are of;
    `recomputed` are the other trackers whose numbers in our columns are computed here from their raw results.
    """

    number: int
    title: str
    profile: str
    data_sets: Mapping[str, str]
    rows: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    cells: Mapping[tuple[str, str, str], Cell]
    claims: claims.Claims
    footnotes: tuple[footnotes.Footnote, ...]
    recomputed: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """What every table says of itself: the profile and the data sets that its own numbers are of."""
        sets = ", ".join(dict.fromkeys(self.data_sets.values())) or "none in this run"
        others = f"; recomputed here from files in baselines/: {', '.join(self.recomputed)}" if self.recomputed else ""
        return f"Our numbers: profile {self.profile}, data set {sets}{others}"

    def row(self, name: str) -> list[Cell]:
        """The cells of a row, a column each."""
        return [self.cells[name, *column] for column in self.columns]


@dataclass(frozen=True)
class TablePlan:
    """What a table holds: its columns, and its rows given the paper's trackers and the run's variants; one that
    `compares` has the other trackers too whose raw results are there."""

    number: int
    title: str
    columns: tuple[tuple[str, str], ...]
    rows: Callable[[list[str], list[str]], list[str]]
    notes: tuple[str, ...]
    compares: bool = False


def _both(extra: Iterable[str] = ()) -> Callable[[list[str], list[str]], list[str]]:
    """The paper's rows, with `extra` variants of ours before its last one."""
    return lambda paper, ours: [*paper[:-1], *(name for name in extra if name in ours and name not in paper), paper[-1]]


def _ours(paper: list[str], ours: list[str]) -> list[str]:
    """Our variants alone, in the order in which they have words."""
    return [*(name for name in words.VARIANTS if name in ours), *(name for name in ours if name not in words.VARIANTS)]


OTB = (("otb2013", "precision"), ("otb2013", "success"), ("otb100", "precision"), ("otb100", "success"))
PLANS = (
    TablePlan(1, "Comparison on OTB-2013 and OTB-100", OTB, _both(), ("R22", "R12"), compares=True),
    TablePlan(
        2,
        "Comparison on VOT2016",
        (("vot2016", "eao"), ("vot2016", "fps")),
        _both(["pymdnet"]),
        ("R24", "R12"),
        compares=True,
    ),
    TablePlan(3, "Attention from target, language and both, on OTB-100", OTB[2:], _both(), ("R23", "R12")),
    TablePlan(
        4, "Parts of SALNet's training, on OTB-2013", OTB[:2], _both(["pymdnet+gcn-near"]), ("R19", "R22", "R12", "R4")
    ),
    TablePlan(5, "Graph layers, on OTB-2013", (OTB[1],), _both(), ("R19",)),
)
OWN = TablePlan(6, "Is a lost target found again? Not in the paper", (("redetection", "redetected"),), _ours, (), True)
"""Of a benchmark that the paper does not have; no run needs to have it."""


def _cell(plan: TablePlan, row: str, column: tuple[str, str], scores: Mapping[str, Scores]) -> Cell:
    benchmark, metric = column
    entry = scores.get(benchmark)
    return Cell(
        row,
        benchmark,
        metric,
        entry.number(row, metric) if entry else None,
        published.printed(str(plan.number), benchmark, row, metric),
        f"table/{plan.number}/{row}/{benchmark}-{metric}",
        entry.completeness(row) if entry else "",
        entry.sequences() if entry else 0,
    )


def build(plan: TablePlan, scores: Mapping[str, Scores], profile: str) -> Table:
    """A table from the run's scores."""
    names = [benchmark for benchmark, _ in plan.columns]
    ours = [variant for name in names if name in scores for variant in scores[name].variants]
    others = [name for of in scores.values() if of.name in names for name in of.baselines] if plan.compares else []
    printed = published.trackers(str(plan.number))
    rows = (*dict.fromkeys(name for name in others if name not in printed), *plan.rows(printed, ours))
    cells = {(row, *column): _cell(plan, row, column, scores) for row in rows for column in plan.columns}
    sets = {name: scores[name].data_set for name in dict.fromkeys(names) if name in scores}
    notes = tuple(footnotes.of(mark, scores) for mark in plan.notes)
    judged = claims.of_table(str(plan.number), scores)
    recomputed = tuple(row for row in rows if row in others and any(cells[row, *at].ours for at in plan.columns))
    return Table(plan.number, plan.title, profile, sets, rows, plan.columns, cells, judged, notes, recomputed)


def build_all(scores: Mapping[str, Scores], profile: str) -> list[Table]:
    """Tables 1 to 5, and table 6 where this run has its benchmark."""
    return [build(plan, scores, profile) for plan in (*PLANS, *([OWN] if "redetection" in scores else []))]


def _values(cell: Cell, table: Table) -> list[str]:
    """A cell as a row of CSV, its values in full."""
    low, high = cell.ours.interval if cell.ours and cell.ours.interval else ("", "")
    ours = repr(cell.ours.value) if cell.ours else ""
    address = cell.address if cell.ours else ""
    whose = (table.profile, table.data_sets[cell.benchmark]) if cell.ours else ("", "")
    facts = (cell.row, cell.benchmark, cell.metric, ours, cell.paper, address, low, high, *whose)
    return [value if isinstance(value, str) else repr(value) for value in facts]


def to_csv(table: Table) -> str:
    """A table as CSV, a line a cell; `ours` is the full value, `paper` as printed, `address` what `dat audit` takes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in table.rows:
        for cell in table.row(row):
            if cell.ours or cell.paper:
                writer.writerow(map(naming.cell, _values(cell, table)))
    return out.getvalue()


def _markdown_row(values: Iterable[str]) -> str:
    return "| " + " | ".join(values) + " |"


def _shown(cell: Cell) -> list[str]:
    """Ours and the paper's, as Markdown shows them."""
    ours = f"**{cell.text}**" if cell.ours else ""
    if cell.ours and cell.ours.interval and cell.ours.tells:
        ours += f" [{cell.ours.interval[0]:.3f}, {cell.ours.interval[1]:.3f}]"
    if cell.ours and cell.incomplete:
        ours += f" ({cell.incomplete})"
    return [ours, cell.paper] if cell.metric != "fps" else [cell.paper]


def _bold_latex(cell: object) -> str:
    """A cell of `_shown` in LaTeX's words: what is bold in Markdown is bold."""
    return re.sub(r"\*\*(.*?)\*\*", r"\\textbf{\1}", str(cell))


def heads(table: Table) -> list[str]:
    """The heads of a table's columns, two a score: ours with its data set's name, and the paper's."""
    heads: list[str] = []
    for benchmark, metric in table.columns:
        paper = f"{words.BENCHMARKS[benchmark]} {METRICS[metric]}, paper"
        count = max((table.cells[row, benchmark, metric].sequences for row in table.rows), default=0)
        ours = f"{table.data_sets.get(benchmark, benchmark)} ({benchmark}) {METRICS[metric]}, ours, n = {count}"
        heads += [ours, paper] if metric != "fps" else [paper]
    return heads


def _claims(judged: claims.Claims) -> list[str]:
    """The claims of a table and their verdicts, as lines of Markdown."""
    lines = ["## Does it hold here?", "", judged.summary, ""]
    if judged.judged:
        lines += [_markdown_row(claims.HEADS), _markdown_row(["---", "---", "---:", "---:", "---:", "---"])]
        lines += [*map(_markdown_row, claims.rows(judged.judged)), "", *(f"- {cost}." for cost in judged.costs)]
        lines += [""] if judged.costs else []
    return lines


def to_markdown(table: Table) -> str:
    """A table as Markdown, with its head, the verdicts on its claims, and its footnotes."""
    names = map(naming.markdown, heads(table))
    caption = f"{naming.markdown(table.head)}. In brackets: the 95 % interval over sequences."
    lines = [f"# Table {table.number}: {table.title}", "", caption, ""]
    lines += [_markdown_row(["Tracker", *names]), _markdown_row(["---", *["---:"] * len(heads(table))])]
    for row in table.rows:
        shown = [value for cell in table.row(row) for value in _shown(cell)]
        lines.append(_markdown_row([naming.markdown(words.named(row)), *shown]))
    lines += ["", *_claims(table.claims), *(f"- [{note.mark}] {note.text}" for note in table.footnotes)]
    return "\n".join(lines) + "\n"


def to_latex(table: Table) -> str:
    """A table as LaTeX's tabular, for \\input: with booktabs its rules are that package's, without it plain lines."""
    import pandas

    columns = ["Tracker", *heads(table)]
    rows = [[words.named(row), *(value for cell in table.row(row) for value in _shown(cell))] for row in table.rows]
    styled = pandas.DataFrame(rows, columns=columns).style.hide(axis="index")
    styled = styled.format(_bold_latex, subset=pandas.Index(columns[1:]))
    styled = styled.format(escape="latex", subset=pandas.Index(columns[:1]))
    styled = styled.format_index(escape="latex", axis="columns")
    text = styled.to_latex(hrules=True, column_format="l" + "r" * len(heads(table)))
    caption = f"Table {table.number}: {table.title}. {table.head}. In brackets: the 95 % interval over sequences."
    return f"% {naming.shown(caption)}\n{RULES}{text}"
