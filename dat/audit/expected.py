"""The numbers that the scores say the report has: each address of its tables and figures, by the file that has it.

What a report leaves out is told by nothing that stands in it.
"""

from collections.abc import Iterable, Iterator, Mapping

from dat.audit.printed import Printed

TABLES, PAGE = "reports/tables", "reports/index.html"
REDETECTION = ("6", "redetection", "redetected")
"""Our own table: of all variants that this run scored."""
MORE = {"2": ("pymdnet",)}
"""Rows of a table that the paper does not have."""
COMPARED = ("1", "2", "6")
"""The tables that have the other trackers too whose raw results are there."""
PAIR, FILTERS = ("pymdnet", "dat-jtnl"), ("csrdcf", "csrdcf+attention")
CURVES = {"8": "tc128", "10": "otb100-similar"}
"""Figures of curves, a pair of variants and the other trackers, and their benchmarks."""
STEPS = {"success": 0.05, "precision": 1.0}
"""The distance between the thresholds of a curve."""
BARS = (("eao", "vot2016"), ("accuracy", "vot2014"), ("robustness", "vot2014"))
AMOUNTS = {
    "lambda": tuple(f"lambda-{n}" for n in ("0", "0p1", "0p2", "0p3", "0p5", "0p8", "1")),
    "nodes": tuple(f"nodes-{n}" for n in (0, 20, 28, 32, 43, 50, 70)),
}
"""The variants of figure 9, by what they vary."""


def addresses(printed: Printed) -> Mapping[str, list[str]]:
    """The addresses that each file of `reports/tables` has to have, by its path."""
    found: dict[str, list[str]] = {}
    for address in dict.fromkeys((*_cells(printed), *_points(printed))):
        kind, number, *_ = address.split("/")
        found.setdefault(f"{TABLES}/{kind}-{number}.csv", []).append(address)
    return found


def _cells(printed: Printed) -> Iterator[str]:
    for table, benchmark, metric in (*printed.columns, REDETECTION):
        columns = [column for column in (*printed.columns, REDETECTION) if column[0] == table]
        rows = [*printed.rows(table), *MORE.get(table, ())]
        for one in dict.fromkeys(name for _, name, _ in columns):
            rows += printed.variants(one) if table == REDETECTION[0] else []
            rows += printed.baselines(one) if table in COMPARED else []
        yield from (
            f"table/{table}/{row}/{benchmark}-{metric}"
            for row in rows
            if printed.score(benchmark, row, metric) is not None
        )


def _points(printed: Printed) -> Iterator[str]:
    for metric, benchmark in BARS:
        names = _scored(printed, benchmark, (*FILTERS, *printed.baselines(benchmark)), metric)
        yield from (f"figure/7/{metric}/{name}" for name in names)
    for kind, variants in AMOUNTS.items():
        for metric in STEPS:
            series = kind if metric == "success" else f"{kind}-{metric}"
            names = _scored(printed, "otb2013", variants, metric)
            yield from (f"figure/9/{series}/{name.rpartition('-')[2].replace('p', '.')}" for name in names)
    for figure, benchmark in CURVES.items():
        for metric, step in STEPS.items():
            for name in _scored(printed, benchmark, (*PAIR, *printed.baselines(benchmark)), metric):
                count = len(printed.curve(benchmark, name, metric))
                yield from (f"figure/{figure}/{name}-{metric}/{at * step:.10g}" for at in range(count))


def _scored(printed: Printed, benchmark: str, variants: Iterable[str], metric: str) -> list[str]:
    """Those that this run has a score of."""
    return [name for name in variants if printed.score(benchmark, name, metric) is not None]
