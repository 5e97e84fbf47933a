"""Other trackers whose raw results are there: beside the paper's numbers, in figures 7, 8 and 10, and never as ours."""

import csv
import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dat.audit import expected
from dat.audit import page as audited
from dat.audit.addresses import Numbers
from dat.audit.printed import Printed
from dat.base import naming, params
from dat.benchmarks import words
from dat.records import Job, read_json, write_json
from dat.report import drawing, figures, metrics, stage, tables
from dat.report.metrics import Scores
from tests.parts import fake_scores
from tests.report.test_page import ROOT, job

MARKUP = "<b>$x$ & |y"


def with_baselines(folder: Path) -> None:
    """Put two other trackers into scores: one of the paper's, whole, and one whose name has markup, in part."""
    for name, sequences in (("otb100", ["Disc-1", "Disc-2", "Star"]), ("tc128", ["Disc-1", "Disc-2", "Star"])):
        scores = read_json(folder / f"{name}.json")
        for part, of in (
            (scores, sequences),
            *((inner, sequences[:2]) for inner in scores.get("subsets", {}).values()),
        ):
            entries: dict[str, Any] = fake_scores.benchmark_scores(name, ["SiamFC", MARKUP], of)["trackers"]
            part["baselines"] = {tracker.partition("@")[0]: entry for tracker, entry in entries.items()}
            part["baselines"][MARKUP] |= {"complete": False, "scored": 1, "missing": of[1:]}
        write_json(folder / f"{name}.json", scores)
    scores = read_json(folder / "vot2016.json")
    others = fake_scores.benchmark_scores("vot2016", ["SiamFC", MARKUP], ["Disc-1", "Disc-2", "Star"], "vot")[
        "trackers"
    ]
    write_json(
        folder / "vot2016.json", scores | {"baselines": {name.partition("@")[0]: of for name, of in others.items()}}
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder, settings = tmp_path_factory.mktemp("report"), params.load(ROOT)
    fake_scores.write_scores(folder / "metrics", settings)
    fake_scores.write_trainings(folder / "weights", folder / "language", settings)
    with_baselines(folder / "metrics")
    one = job(folder, settings, folder / "out")
    stage.run(one)
    return one


@pytest.fixture(scope="module")
def scores(made: Job) -> dict[str, Scores]:
    return metrics.read_scores(made.inputs["metrics"], made.settings, partial=False)


def test_the_value_stands_beside_the_printed_one(made: Job, scores: dict[str, Scores]) -> None:
    rows = list(csv.DictReader(io.StringIO((made.outputs["tables"] / "table-1.csv").read_text())))
    (cell,) = [row for row in rows if (row["row"], row["benchmark"], row["metric"]) == ("SiamFC", "otb100", "success")]
    assert (float(cell["ours"]), cell["paper"]) == (scores["otb100"].baselines["SiamFC"]["success"], "0.582")
    first = tables.build_all(scores, "embedded")[0]
    assert first.recomputed == (MARKUP, "SiamFC") and first.rows[0] == MARKUP
    text = tables.to_markdown(first)
    assert "recomputed here from files in baselines/" in text
    assert f"| {naming.markdown(MARKUP)} |" in text and f"| {MARKUP} |" not in text
    assert all(MARKUP not in one.rows and not one.recomputed for one in tables.build_all(scores, "embedded")[2:])


def test_the_page_says_whose_they_are_and_runs_nothing_of_a_name(made: Job) -> None:
    html = made.outputs["page"].read_text()
    assert html.count("recomputed here</small>") == 6, "two trackers, two scores of OTB-100 and EAO"
    assert "1 of 3 sequences" in html and MARKUP not in html
    shown = audited.numbers(made.outputs["page"])
    value = read_json(made.inputs["metrics"] / "otb100.json")["baselines"]["SiamFC"]["success"]
    assert shown["table/1/SiamFC/otb100-success"][0].number == f"{value:.3f}"
    assert 'id="source/otb100/SiamFC"' in html and 'id="source/otb100-similar/SiamFC"' in html
    assert "baselines/otb100/SiamFC" in html
    assert '<tr class="other"><th scope="row">SiamFC' in html


def test_their_curves_are_in_figures_8_and_10(scores: dict[str, Scores]) -> None:
    _, eight, nine, ten = figures.build_all(scores)
    for figure in (eight, ten):
        names = [series.name for series in figure.series]
        assert f"{MARKUP}-success" in names and "SiamFC-precision" in names
        label = next(series.label for series in figure.series if series.name == f"{MARKUP}-success")
        assert label.endswith("sequences") and "1 of" in label
        assert b"<svg" in drawing.render(figure)[0]
    assert not any("SiamFC" in series.name for series in nine.series)


def test_their_recomputed_scores_are_in_figure_7_and_audited(
    made: Job, scores: dict[str, Scores], tmp_path: Path
) -> None:
    seven = figures.build_all(scores)[0]
    assert [at.variant for at in seven.series[0].points] == ["csrdcf", "csrdcf+attention", MARKUP, "SiamFC"]
    labels = [text.get_text() for text in drawing.draw(seven).axes[0].get_yticklabels()]
    assert labels[1:4] == ["CSR-DCF + attention", f"{MARKUP} (recomputed)", "SiamFC (recomputed)"]
    shutil.copytree(made.inputs["metrics"], tmp_path / "reports/metrics")
    wanted = expected.addresses(Printed(Numbers(replace(made.settings, path=tmp_path))))["reports/tables/figure-7.csv"]
    rows = csv.DictReader(io.StringIO((made.outputs["tables"] / "figure-7.csv").read_text()))
    assert [row["address"] for row in rows] == wanted and "figure/7/eao/SiamFC" in wanted


def test_many_trackers_are_told_apart(scores: dict[str, Scores]) -> None:
    """There are six colours."""
    one = scores["tc128"]
    many = {f"tracker {n}": one.baselines["SiamFC"] for n in range(9)}
    figure = figures.build_all({"tc128": Scores("tc128", {**one.data, "baselines": many})})[1]
    looks = [(line.get_color(), line.get_linestyle()) for line in drawing.draw(figure).axes[0].get_lines()]
    assert len(looks) == 11 == len(set(looks))


def test_they_are_no_variants_and_no_claims(scores: dict[str, Scores]) -> None:
    first = tables.build_all(scores, "embedded")[0]
    assert not any(claim for claim in first.claims.judged if "SiamFC" in (claim.a, claim.b))
    assert not {"SiamFC", MARKUP} & set(scores["otb100"].variants) and words.named(MARKUP) == MARKUP
