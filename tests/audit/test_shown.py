"""Every cell that the report's files show is compared with scores and paper; one that was changed is named."""

import re
from pathlib import Path

import pytest

from dat import records
from dat.audit import expected, pairs, printed, shown
from dat.audit.addresses import Numbers
from dat.audit.checks import Check
from dat.audit.walk import Walk
from dat.base import params
from dat.evaluation import statistics
from dat.report import brief, claims, figures, metrics, page, published, readings, stage, tables
from tests.parts import fake_profile, fake_scores

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("run")
    fake_profile.build(home)
    return home


@pytest.fixture(scope="module")
def numbers(run: Path) -> Numbers:
    return Numbers(params.load(run))


def failed(numbers: Numbers, file: str) -> list[Check]:
    return [check for check in shown.checks(printed.Printed(numbers), file) if check.verdict != "verified"]


def test_every_file_of_tables_shows_what_scores_and_paper_say(run: Path, numbers: Numbers) -> None:
    files = sorted(path.relative_to(run).as_posix() for path in (run / "reports/tables").iterdir())
    counts = {file: [check.found for check in shown.checks(printed.Printed(numbers), file)] for file in files}
    assert not [check for file in files for check in failed(numbers, file)]
    assert len(counts) == 20 and counts["reports/tables/table-3.csv"] == ["54 cells"]


OURS = "| DAT, target and language |"
TEX = "DAT, target and language &"
CASES = [
    ("table-3.md", OURS, "| **", "| **9", "otb100) precision, ours", "**9"),
    ("table-3.md", OURS, " 0.646 ", " 0.640 ", "OTB-100 success, paper", "0.640"),
    ("table-3.md", OURS, " [", " [9", "otb100) precision, ours", "[9"),
    ("table-3.md", OURS, "target and language", "no", "column Tracker", "DAT, no"),
    ("table-1.md", "| SINT++", "|  |", "| **0.9** |", "otb2013) precision, ours", "**0.9**"),
    ("table-1.md", "| DAT, target and language beats", "cannot tell", "holds", "column Here", "holds"),
    ("table-2.md", "| pyMDNet", "| **", "| **9", "EAO, ours", "**9"),
    ("table-3.tex", TEX, "{", "{9", "otb100) precision, ours", "**9"),
    ("table-3.tex", TEX, " 0.646 ", " 0.640 ", "OTB-100 success, paper", "0.640"),
    ("table-3.tex", TEX, "target and language", "no", "column Tracker", "DAT, no"),
    ("table-3.tex", "Tracker", "precision, paper &", "precision, paper & &", "column columns", "4"),
    ("table-1.tex", "SINT++", "&  &", r"& \textbf{0.9} &", "otb2013) precision, ours", "**0.9**"),
    ("table-3.csv", "dat-jtnl,otb100,success", ",0.646,", ",0.640,", "column paper", "0.640"),
    ("table-3.csv", "dat-jtnl,otb100,success", ",fake,", ",paper,", "column profile", "paper"),
    ("table-3.csv", "dat-jtnl,otb100,success", "table/3", "table/4", "column address", "table/4"),
    ("claims.csv", "1,dat-jtnl,pymdnet,otb100,success", "success,0.0", "success,0.9", "column paper", "0.9"),
    ("figure-10.csv", "dat-jtnl-success", "fake", "paper", "column profile", "paper"),
    ("figure-10.csv", "dat-jtnl-success", "success/0,1.0,", "success/0,0.5,", "column low", "0.5"),
]


@pytest.mark.parametrize(("name", "start", "old", "new", "column", "found"), CASES)
def test_a_changed_cell_is_named_by_line_row_and_column(
    run: Path, numbers: Numbers, name: str, start: str, old: str, new: str, column: str, found: str
) -> None:
    path = run / "reports/tables" / name
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    at = next(index for index, line in enumerate(lines) if line.startswith(start))
    assert old in lines[at]
    lines[at] = lines[at].replace(old, new, 1)
    try:
        path.write_text("".join(lines))
        said = failed(numbers, f"reports/tables/{name}")
    finally:
        path.write_text(text)
    check = next(check for check in said if column in check.subject)
    assert check.verdict == "differs" and found in str(check.found) and check.expected != check.found
    assert check.subject.startswith(f"reports/tables/{name}:{at + 1}, row ")


def test_a_row_of_the_paper_that_was_taken_away_is_missing(run: Path, numbers: Numbers) -> None:
    path = run / "reports/tables/table-5.csv"
    text = path.read_text()
    try:
        path.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("layers-3,")))
        said = failed(numbers, "reports/tables/table-5.csv")
    finally:
        path.write_text(text)
    assert [(check.verdict, check.subject.partition(", ")[2]) for check in said] == [
        ("missing", "row layers-3 otb2013 success, column row")
    ]


def test_scores_that_cannot_be_read_are_named_and_not_the_end(run: Path) -> None:
    other = Numbers(params.load(run))
    other.scores["otb100"].data["variants"]["dat-jtnl"]["success_interval"] = ["low", "high"]
    (check,) = failed(other, "reports/tables/table-3.csv")
    assert check.verdict == "missing" and "reports/metrics: ValueError" in check.subject


def test_the_audit_knows_the_reports_heads_and_level() -> None:
    assert shown.CLAIM_HEADS == claims.HEADS
    assert printed.SIGNIFICANT == statistics.SIGNIFICANT
    assert tuple(expected.AMOUNTS.values()) == (published.LAMBDAS, published.NODES)
    assert metrics.CURVE_STEPS == expected.STEPS and shown.SUMMARISED == brief.SCORES


def test_a_point_of_a_curve_that_was_taken_away_is_told(run: Path, numbers: Numbers) -> None:
    path = run / "reports/tables/figure-10.csv"
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    at = next(index for index, line in enumerate(lines) if ",success,0.5," in line)
    try:
        path.write_text("".join(lines[:at] + lines[at + 1 :]))
        said = failed(numbers, "reports/tables/figure-10.csv")
    finally:
        path.write_text(text)
    assert said[-1].verdict == "missing" and "row figure/10/pymdnet-success/0.5, column address" in said[-1].subject


TAKEN = [
    ("figure-10.csv", r"pymdnet-success,.*\n", "figure/10/pymdnet-success/0.35"),
    ("table-2.csv", r"pymdnet,.*\n", "table/2/pymdnet/vot2016-eao"),
]


@pytest.mark.parametrize(("name", "pattern", "told"), TAKEN)
def test_what_the_scores_have_and_a_file_leaves_out_is_missing(
    run: Path, numbers: Numbers, name: str, pattern: str, told: str
) -> None:
    path = run / "reports/tables" / name
    text = path.read_text()
    try:
        path.write_text(re.sub(pattern, "", text))
        said = failed(numbers, f"reports/tables/{name}")
    finally:
        path.write_text(text)
    assert any(check.verdict == "missing" and told in check.subject for check in said)


def test_the_summary_has_the_scores_of_each_benchmark(run: Path, numbers: Numbers) -> None:
    path, file = run / "reports/tables/summary.json", "reports/tables/summary.json"
    whole = brief.summary(metrics.read_scores(run / "reports/metrics", numbers.settings, partial=False))
    try:
        for part, told in ((whole, []), ({**whole, "otb100": {"pymdnet": whole["otb100"]["pymdnet"]}}, ["missing"])):
            records.write_json(path, part)
            said = failed(numbers, file)
            assert [check.verdict for check in said] == told
    finally:
        path.unlink()
    assert said[0].subject == f"{file}:0, row otb100, column dat-jtnl"


def test_a_table_or_figure_that_is_gone_is_one_missing_thing(run: Path) -> None:
    walk, path = Walk(params.load(run)), run / "reports/tables/figure-10.csv"
    held = path.rename(path.with_suffix(".away"))
    try:
        gone = [address.wrong for address in walk.resolve("all") if address.wrong]
    finally:
        held.rename(path)
    (wrong,) = gone
    assert wrong.startswith("reports/tables/figure-10.csv: not there, and the scores have ")
    assert not [address for address in walk.resolve("all") if address.wrong]


def test_the_audit_expects_the_numbers_that_the_report_has(tmp_path: Path) -> None:
    settings = params.load(ROOT)
    for name in ("params.yaml", "dat"):
        (tmp_path / name).symlink_to(ROOT / name)
    folder = tmp_path / "reports" / "metrics"
    fake_scores.write_scores(folder, settings)
    scores = records.read_json(folder / "otb100.json")
    for part in (scores, scores["subsets"]["otb100-similar"]):
        made = fake_scores.benchmark_scores("otb100", ["SiamFC", "Another"], ["Disc-1"])["trackers"]
        part["baselines"] = {name.partition("@")[0]: entry for name, entry in made.items()}
    scores["variants"]["pymdnet"]["spread"] = {"success": 0.01}
    untold = {"difference": 0.1, "interval": [-1.0, 1.0], "p": 1.0, "p_uncorrected": 1.0}
    scores["pairs"] = [{"a": "dat-jtnl", "b": "pymdnet", "metric": "success", **untold}]
    scores["baselines"]["Another"] |= {"complete": False, "scored": 1, "expected": 2}
    records.write_json(folder / "otb100.json", scores)
    of = metrics.read_scores(folder, settings, partial=False)
    text, made, drawn = claims.of_table(claims.IN_TEXT, of), tables.build_all(of, "made"), figures.build_all(of)
    stage.write_tables(tmp_path / "reports/tables", made, drawn, text, "made")
    svg = {figure.number: b"<svg></svg>" for figure in drawn}
    content = page.Content(settings, of, made, text, drawn, svg, [], [], readings.in_force(settings))
    records.write_text(tmp_path / expected.PAGE, page.render(content))
    numbers = Numbers(params.load(tmp_path))
    assert not failed(numbers, expected.PAGE) and not failed(numbers, "reports/tables/table-1.md")
    assert page.render(content).count("too few sequences</td>") == 2, "in short, and below table 1"
    small = re.findall("<small[^>]*>([^<]*)</small>", page.render(content))
    assert {"± 0.010", "recomputed here", "1 of 2 sequences"} < set(small)
    wanted = [one for there in expected.addresses(printed.Printed(numbers)).values() for one in there]
    found = [address.text for address in numbers.every()]
    assert sorted(wanted) == sorted(found) and len(wanted) > 300
    assert any("Another" in one for one in wanted)


def test_holms_correction_by_hand() -> None:
    assert printed.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert printed.holm([0.5, 0.9]) == [1.0, 1.0] and printed.holm([]) == []


@pytest.mark.parametrize(("text", "value", "line"), [
    ("step\tloss\n1\t0.5\n2\t0.25\n", 0.25, 3), ("step\tloss\n1\tx\n", "x", 2), ("step\tloss\n", None, 1),
])  # fmt: skip
def test_the_last_point_of_a_curve(tmp_path: Path, text: str, value: object, line: int) -> None:
    (tmp_path / "loss.tsv").write_text(text)
    assert shown.last_point(tmp_path / "loss.tsv", "loss") == (value, line)


PAIRS = [
    ("difference", 0.5, "difference"), ("interval", [0.9, 0.95], "interval"), ("p_uncorrected", 0.9, "p by Holm"),
    ("p_uncorrected", 0.9, "p"),
    ("p", 0.01, "p by Holm"), ("verdict", "holds", "verdict"),
]  # fmt: skip


def wrong(numbers: Numbers, benchmark: str) -> list[str]:
    """The paired differences that do not hold, each of its benchmark."""
    found = [check for check in pairs.checks(printed.Printed(numbers), benchmark) if check.verdict != "verified"]
    assert {(check.name, check.verdict) for check in found} <= {("paired differences", "differs")}
    return [check.subject.removeprefix(f"reports/metrics/{benchmark}.json: {benchmark} ") for check in found]


@pytest.mark.parametrize(("key", "value", "told"), PAIRS)
@pytest.mark.parametrize(("benchmark", "metric"), [("otb100", "success"), ("vot2016", "eao")])
def test_a_changed_paired_difference_is_named(
    run: Path, benchmark: str, metric: str, key: str, value: object, told: str
) -> None:
    numbers = Numbers(params.load(run))
    assert not wrong(numbers, benchmark)
    pair = next(one for one in numbers.scores[benchmark].data["pairs"] if one["metric"] == metric)
    pair[key] = value
    assert f"{pair['a']} against {pair['b']}, {metric}, {told}" in wrong(numbers, benchmark)


@pytest.mark.parametrize(("benchmark", "metric"), [("otb100", "success"), ("vot2016", "eao")])
def test_the_end_of_a_pairs_interval_a_little_off_is_told_by_that_alone(run: Path, benchmark: str, metric: str) -> None:
    numbers = Numbers(params.load(run))
    pair = next(one for one in numbers.scores[benchmark].data["pairs"] if one["metric"] == metric)
    pair["interval"][0] += 0.0001
    assert wrong(numbers, benchmark) == [f"{pair['a']} against {pair['b']}, {metric}, interval"]


@pytest.mark.parametrize(("benchmark", "metric"), [("otb100", "success"), ("vot2016", "eao")])
def test_a_p_value_and_its_correction_changed_together_are_told(run: Path, benchmark: str, metric: str) -> None:
    numbers = Numbers(params.load(run))
    changed = [one for one in numbers.scores[benchmark].data["pairs"] if one["metric"] == metric]
    for pair in changed:
        pair |= {"p": 0.001, "p_uncorrected": 0.001, "verdict": pairs._verdict(*pair["interval"], 0.001, metric)}
    assert [one.rpartition(", ")[2] for one in wrong(numbers, benchmark)] == ["p"] * len(changed)


def test_paired_differences_that_cannot_be_read_are_named_and_not_the_end(run: Path) -> None:
    numbers = Numbers(params.load(run))
    numbers.scores["otb100"].data["pairs"][0]["interval"] = ["low", "high"]
    (check,) = pairs.checks(printed.Printed(numbers), "otb100")
    assert check.verdict == "missing" and check.subject.startswith("reports/metrics/otb100.json: otb100: ValueError")
