"""Tables 1 to 6: the paper's numbers as printed, ours beside them, and what each table says of itself."""

import csv
import io
from pathlib import Path

import pytest

from dat.audit import shown
from dat.base import params
from dat.base.errors import InputError, MissingError
from dat.base.params import Settings
from dat.records import write_json
from dat.report import claims, drawing, figures, footnotes, metrics, published, tables
from tests.parts import fake_scores

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def settings() -> Settings:
    return params.load(ROOT)


@pytest.fixture(scope="module")
def scores(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, metrics.Scores]:
    folder = tmp_path_factory.mktemp("metrics")
    fake_scores.write_scores(folder, settings)
    return metrics.read_scores(folder, settings, partial=False)


def cells(table: tables.Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(tables.to_csv(table))))


def test_every_printed_number_of_the_paper_is_in_a_table(scores: dict[str, metrics.Scores]) -> None:
    shown = {
        (str(table.number), cell["benchmark"], cell["row"], cell["metric"]): cell["paper"]
        for table in tables.build_all(scores, "embedded")
        for cell in cells(table)
        if cell["paper"]
    }
    assert shown == {key: value for key, value in published.values().items() if key[0] != "text"}


def test_ours_is_the_score_in_full(scores: dict[str, metrics.Scores]) -> None:
    cell = next(cell for cell in cells(tables.build_all(scores, "embedded")[3]) if cell["row"] == "pymdnet+gcn")
    assert float(cell["ours"]) == scores["otb2013"].data["variants"]["pymdnet+gcn"]["precision"]
    assert cell["address"] == "table/4/pymdnet+gcn/otb2013-precision"
    assert (cell["paper"], cell["profile"], cell["data_set"]) == ("0.905", "embedded", "synthetic-otb100")


def test_a_dash_of_the_paper_stays_empty(scores: dict[str, metrics.Scores]) -> None:
    row = tables.build_all(scores, "embedded")[0].row("RASNet")
    assert [cell.paper for cell in row] == ["0.892", "0.670", "", "0.641"]
    assert not any(cell.ours for cell in row)


def test_markdown_names_profile_and_data_set(scores: dict[str, metrics.Scores]) -> None:
    for table in tables.build_all(scores, "embedded"):
        text = tables.to_markdown(table)
        assert "profile embedded, data set synthetic-" in text
        assert all(f"[{note.mark}]" in text for note in table.footnotes)


def test_footnotes_of_contradictions_are_where_they_belong(scores: dict[str, metrics.Scores]) -> None:
    marks = {table.number: {note.mark for note in table.footnotes} for table in tables.build_all(scores, "embedded")}
    assert "R22" in marks[1] & marks[4]
    assert "R24" in marks[2] and "R23" in marks[3] and "R19" in marks[4] & marks[5]


@pytest.mark.parametrize(
    ("target", "both", "word"), [(0.6, 0.5, "more than"), (0.5, 0.6, "less than"), (0.5, 0.5, "the same as")]
)
def test_the_verdict_on_target_only_is_computed(target: float, both: float, word: str) -> None:
    data = {"variants": {"dat-to": {"success": target}, "dat-jtnl": {"success": both}}, "trackers": {}}
    said = footnotes.target_or_both(metrics.Scores("otb100", data))
    assert f"{target:.3f}, {word} the {both:.3f} of both" in said


@pytest.mark.parametrize(("with_one", "compared"), [(9, False), (49, False), (50, True), (99, True)])
def test_versions_are_not_compared_where_most_targets_lack_a_sentence(with_one: int, compared: bool) -> None:
    """For those without one all versions of the attention network have one input."""
    data = {
        "variants": {"dat-to": {"success": 0.6}, "dat-jtnl": {"success": 0.5}},
        "trackers": {},
        "sentences": {"targets": 100, "with_one": with_one, "variants": ["dat-jtnl"]},
    }
    said = footnotes.target_or_both(metrics.Scores("otb100", data))
    assert ("more than" in said) == compared
    assert compared or said.startswith(f"In this run {with_one} of 100 targets have a sentence; for the others")


def test_the_verdict_turns_a_pair_round_and_reads_its_interval() -> None:
    data = {
        "variants": {"dat-to": {"success": 0.6}, "dat-jtnl": {"success": 0.5}},
        "trackers": {},
        "pairs": [
            {
                "a": "dat-jtnl",
                "b": "dat-to",
                "metric": "success",
                "difference": -0.1,
                "interval": [-0.2, 0.05],
                "p": 0.3,
            }
        ],
    }
    assert "[-0.050, +0.200] includes zero" in footnotes.target_or_both(metrics.Scores("otb100", data))


def test_a_partial_benchmark_says_how_many_sequences() -> None:
    run = {"complete": False, "scored": 37, "expected": 51}
    data = {"variants": {"pymdnet": {"success": 0.5}}, "trackers": {"pymdnet@seed-0": run}, "data_set": "otb100"}
    table = tables.build_all({"otb2013": metrics.Scores("otb2013", data)}, "paper")[3]
    assert "37 of 51 sequences" in tables.to_markdown(table)


def test_missing_scores_name_the_stage_unless_partial(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"evaluate@otb2013"):
        metrics.read_scores(tmp_path, settings, partial=False)
    assert metrics.read_scores(tmp_path, settings, partial=True) == {}
    assert len(tables.build_all({}, "embedded")) == 5


def test_a_file_that_is_no_scores_is_named(settings: Settings, tmp_path: Path) -> None:
    write_json(tmp_path / "otb2013.json", {"benchmark": "otb2013"})
    with pytest.raises(InputError, match=r"otb2013\.json"):
        metrics.read_scores(tmp_path, settings, partial=True)


def test_points_of_figures(scores: dict[str, metrics.Scores]) -> None:
    seven, eight, nine, ten = figures.build_all(scores)
    assert [series.name for series in seven.series] == ["eao", "accuracy", "robustness"]
    assert [[at.x for at in series.points] for series in seven.series] == [["csrdcf", "csrdcf+attention"]] * 3
    assert seven.data_set == "synthetic-vot2016, synthetic-vot2014" and not seven.lacks
    assert [len(series.points) for series in eight.series] == [21, 21, 51, 51]
    assert [at.x for at in nine.series[0].points] == ["0", "0.1", "1"]
    assert [series.name for series in nine.series] == ["lambda", "lambda-precision", "nodes", "nodes-precision"]
    assert [at.x for at in nine.series[3].points] == ["0", "20", "32"]
    assert [series.paper for series in nine.series[2:]] == [
        *((("0", 0.655), ("32", 0.671)), (("0", 0.88), ("32", 0.905))),
    ]
    assert seven.series[0].paper[:2] == (("CCOT", 0.331), ("DAT, target and language", 0.3045))
    assert nine.count == "n = 3 sequences, 1 seed" and ten.count == "n = 2 sequences, 1 seed"
    assert "lambda-0p2" in nine.lacks and "nodes-70" in nine.lacks
    assert {series.benchmark for series in ten.series} == {"otb100-similar"}


def test_the_csv_of_points_has_addresses_that_are_unique(scores: dict[str, metrics.Scores]) -> None:
    rows = list(csv.DictReader(io.StringIO(figures.to_csv(figures.build_all(scores)[1], "embedded"))))
    addresses = [row["address"] for row in rows]
    assert "figure/8/dat-jtnl-success/0.15" in addresses and "figure/8/pymdnet-precision/20" in addresses
    assert len(set(addresses)) == len(addresses) == 144
    assert {row["data_set"] for row in rows} == {"synthetic-tc128"}


def test_figure_7_has_each_points_own_data_set_and_interval(scores: dict[str, metrics.Scores]) -> None:
    rows = list(csv.DictReader(io.StringIO(figures.to_csv(figures.build_all(scores)[0], "embedded"))))
    assert [row["address"] for row in rows][:2] == ["figure/7/eao/csrdcf", "figure/7/eao/csrdcf+attention"]
    assert [row["data_set"] for row in rows] == ["synthetic-vot2016"] * 2 + ["synthetic-vot2014"] * 4
    own = scores["vot2016"].data["variants"]["csrdcf"]
    assert float(rows[0]["y"]) == own["eao"] and [float(rows[0]["low"]), float(rows[0]["high"])] == own["eao_interval"]


def test_figure_7_of_a_run_without_the_pair_says_what_it_lacks(scores: dict[str, metrics.Scores]) -> None:
    data = {"variants": {"csrdcf": {"eao": 0.3}}, "trackers": {}}
    seven = figures.build_all({"vot2016": metrics.Scores("vot2016", data)})[0]
    assert seven.lacks == ("csrdcf+attention on vot2016", "vot2014")
    assert [len(series.points) for series in seven.series] == [1]


def test_figure_7_has_what_the_paper_prints_where_this_run_has_no_vot() -> None:
    seven = figures.build_all({})[0]
    assert seven.lacks == ("vot2016", "vot2014") and not figures.to_csv(seven, "embedded").splitlines()[1:]
    (eao,) = seven.series
    assert not eao.points and eao.paper[:2] == (("CCOT", 0.331), ("DAT, target and language", 0.3045))
    axes = drawing.draw(seven).axes[0]
    assert len(axes.get_lines()) == 9 and not axes.texts[0].get_text().startswith("no points")


def test_several_seeds_give_the_mean_curve() -> None:
    runs = {f"pymdnet@seed-{n}": {"curves": {"success": [1.0, n / 2]}} for n in (0, 1)}
    assert metrics.Scores("tc128", {"trackers": runs}).curve("pymdnet", "success") == [("0", 1.0), ("0.05", 0.25)]


def scores_of(pairs: list[tuple[str, str, float, tuple[float, float], float]]) -> dict[str, metrics.Scores]:
    """OTB-2013's success with these paired differences: a, b, difference, interval, p of the pair alone."""
    entries = [
        {"a": a, "b": b, "metric": "success", "difference": value, "interval": list(ends), "p": 1.0, "p_uncorrected": p}
        for a, b, value, ends, p in pairs
    ]
    return {"otb2013": metrics.Scores("otb2013", {"pairs": entries, "data_set": "otb100", "trackers": {}})}


@pytest.mark.parametrize(
    ("near", "said"),
    [(0.62, "near nodes agrees better"), (0.7, "the printed equation agrees better"), (None, "not have")],
)
def test_table_4_has_the_graph_of_near_nodes_and_says_which_reading_agrees(near: float | None, said: str) -> None:
    """The paper's graph changes success by +.016; here by .05 as printed."""
    success = {"pymdnet": 0.6, "pymdnet+gcn": 0.65} | ({} if near is None else {"pymdnet+gcn-near": near})
    data = {"variants": {name: {"success": value} for name, value in success.items()}, "trackers": {}}
    data["data_set"] = "otb100"
    table = tables.build_all({"otb2013": metrics.Scores("otb2013", data)}, "paper")[3]
    assert ("pymdnet+gcn-near" in table.rows) == (near is not None)
    (note,) = [one.text for one in table.footnotes if one.mark == "R4"]
    assert said in note and ("by +0.016, in this run by +0.050 as printed" in note) == (near is not None)


def test_every_a_beats_b_of_a_table_is_a_claim() -> None:
    """Table 4 by hand: three trackers, two scores, no two alike; language leads in precision, the graph in success."""
    found = {(a, b, metric): gain for a, b, _, metric, gain in claims.printed("4")}
    assert found == {
        ("pymdnet+gcn", "pymdnet", "precision"): 0.025,
        ("pymdnet+language", "pymdnet", "precision"): 0.033,
        ("pymdnet+language", "pymdnet+gcn", "precision"): 0.008,
        ("pymdnet+gcn", "pymdnet", "success"): 0.016,
        ("pymdnet+language", "pymdnet", "success"): 0.013,
        ("pymdnet+gcn", "pymdnet+language", "success"): 0.003,
    }
    assert not [claim for claim in claims.printed("2") if claim[3] == "fps"]


def test_a_claims_verdict_is_of_its_own_direction_and_corrected_for_the_table() -> None:
    """Three judged claims: Holm multiplies .001, .03, .5 by 3, 2, 1. The pairs are stored either way round."""
    pairs = [
        ("pymdnet", "pymdnet+gcn", -0.1, (-0.15, -0.05), 0.001),
        ("pymdnet+language", "pymdnet", 0.05, (0.01, 0.09), 0.03),
        ("pymdnet+language", "pymdnet+gcn", 0.01, (-0.02, 0.04), 0.5),
    ]
    found = claims.of_table("4", scores_of(pairs))
    told = {(claim.a, claim.b): (claim.ours.value, claim.p, claim.verdict) for claim in found.judged}
    assert told == {
        ("pymdnet+gcn", "pymdnet"): (0.1, pytest.approx(0.003), "holds"),
        ("pymdnet+language", "pymdnet"): (0.05, pytest.approx(0.06), "cannot tell"),
        ("pymdnet+gcn", "pymdnet+language"): (-0.01, pytest.approx(0.5), "cannot tell"),
    }
    assert found.others == 3
    assert found.summary.startswith("Of 3 claims that this run can judge 1 hold here, 2 cannot be told. 3 more")


def test_a_claim_can_be_refuted() -> None:
    found = claims.of_table("4", scores_of([("pymdnet", "pymdnet+gcn", 0.1, (0.05, 0.15), 0.001)]))
    assert [claim.verdict for claim in found.judged] == ["the reverse"]


def test_a_run_without_the_trackers_judges_nothing() -> None:
    assert "judges none of this table's 36 claims" in claims.of_table("2", {}).summary


def test_the_csv_of_claims_has_the_numbers_in_full() -> None:
    found = claims.of_table("4", scores_of([("pymdnet", "pymdnet+gcn", 1 / 3, (0.1, 2 / 3), 0.001)]))
    row = next(csv.DictReader(io.StringIO(claims.to_csv([found]))))
    assert (row["a"], row["b"], row["paper"], row["verdict"]) == ("pymdnet+gcn", "pymdnet", "0.016", "the reverse")
    assert [float(row[key]) for key in ("ours", "low", "high", "p")] == [-1 / 3, -2 / 3, -0.1, 0.001]


def test_latex_has_the_numbers_of_markdown_and_escapes_names() -> None:
    data = {
        "variants": {"pymdnet": {"success": 0.5, "success_interval": [0.25, 0.75]}},
        "trackers": {"pymdnet@seed-0": {"complete": False, "scored": 37, "expected": 51}},
        "data_set": r"50%_of{OTB}&\more~",
    }
    text = tables.to_latex(tables.build_all({"otb2013": metrics.Scores("otb2013", data)}, "paper")[3])
    lines = text.splitlines()
    assert r"\textbf{0.500} [0.250, 0.750] (37 of 51 sequences)" in text
    assert r"50\%\_of\{OTB\}\&\textbackslash more\textasciitilde \space (otb2013) success, ours" in text
    assert lines[0].startswith("% Table 4: ") and all(line[0] in "%\\" or line.endswith(r"\\") for line in lines)
    heads = shown._split_latex(next(line for line in lines if line.startswith("Tracker")))
    assert heads[3] == f"{data['data_set']} (otb2013) success, ours, n = 51"
    for rule in ("toprule", "midrule", "bottomrule"):
        assert f"\\providecommand{{\\{rule}}}{{\\hline}}" in lines and f"\\{rule}" in lines


# ---------------------------------------------------------------- what cannot be told, and what would tell it


def per_sequence(metric: str, values: dict[str, list[float]], **more: object) -> dict[str, object]:
    """Scores of variants by sequence, one seed."""
    runs = {
        f"{name}@seed-0": {"expected": len(row), "sequences": {f"s{at}": {metric: one} for at, one in enumerate(row)}}
        for name, row in values.items()
    }
    return {"data_set": "drawn", "trackers": runs, "variants": {name: {} for name in values}, **more}


def test_what_it_would_take_to_tell_two_apart() -> None:
    """Differences .1 and .3: mean .2, spread .1414; (1.960 + .8416)^2 times their squared ratio is 3.9, and six are
    the least that a sign-flip test needs. Differences .7 and -.3: mean .2, spread .7071: 98.1."""
    for second, wanted in (([0.6, 0.2], "about 6 sequences"), ([0.0, 0.8], "about 99 sequences")):
        pair = {
            "a": "pymdnet+gcn",
            "b": "pymdnet",
            "metric": "success",
            "difference": 0.2,
            "interval": [-1, 1],
            "p": 0.5,
        }
        data = per_sequence("success", {"pymdnet+gcn": [0.7, 0.5], "pymdnet": second}, pairs=[pair])
        found = claims.of_table("4", {"otb2013": metrics.Scores("otb2013", data)})
        assert found.costs == [f"To tell pyMDNet + GCN from pyMDNet in OTB-2013 success takes {wanted} (power 0.8)"]


def test_what_is_decided_or_has_no_scores_by_sequence_costs_nothing() -> None:
    pairs = [("pymdnet+gcn", "pymdnet", 0.1, (0.05, 0.15), 0.001), ("pymdnet+language", "pymdnet", 0.0, (-1, 1), 0.5)]
    found = claims.of_table("4", scores_of(pairs))
    assert len(found.judged) == 2 and found.costs == []
    pair = {
        "a": "pymdnet+gcn",
        "b": "pymdnet",
        "metric": "success",
        "difference": 0.2,
        "interval": [0.1, 0.3],
        "p": 0.01,
    }
    data = per_sequence("success", {"pymdnet+gcn": [0.7, 0.5], "pymdnet": [0.4, 0.4]}, pairs=[pair])
    assert claims.of_table("4", {"otb2013": metrics.Scores("otb2013", data)}).costs == []


def test_a_number_of_too_few_sequences_is_none_in_the_tables_and_stays_in_their_csv() -> None:
    data = per_sequence("eao", {"pymdnet": [0.1, 0.2], "dat-jtnl": [0.1, 0.2]})
    data["variants"] = {
        "pymdnet": {"eao": 0.8288, "eao_interval": [0.0, 1.0]},
        "dat-jtnl": {"eao": 0.3, "eao_interval": [0.0, 0.9]},
    }
    table = tables.build_all({"vot2016": metrics.Scores("vot2016", data)}, "embedded")[1]
    text = tables.to_markdown(table)
    assert "| pyMDNet | **2 sequences: not enough to tell** |" in text and "0.8288" not in text
    assert "**0.3000** [0.000, 0.900]" in text
    assert next(cell for cell in cells(table) if cell["row"] == "pymdnet")["ours"] == "0.8288"


def test_our_own_table_is_there_where_the_run_has_its_benchmark(scores: dict[str, metrics.Scores]) -> None:
    made = tables.build_all(scores, "embedded")
    assert [table.number for table in made] == [1, 2, 3, 4, 5, 6]
    assert made[5].rows == ("salnet", "dat-to", "dat-nl", "dat-jtnl")
    assert "synthetic-otb100 (redetection) found again, ours, n = 3" in tables.to_markdown(made[5])
    assert len(tables.build_all({"otb100": scores["otb100"]}, "embedded")) == 5


def test_claims_in_words_are_judged_with_their_p_values_corrected() -> None:
    pairs = [
        {"a": name, "b": "salnet", "metric": "redetected", "difference": 0.5, "interval": [0.2, 0.8], "p": p}
        for name, p in (("dat-to", 0.01), ("dat-nl", 0.03), ("dat-jtnl", 0.02))
    ]
    data = per_sequence("redetected", {"salnet": [0.0, 0.0], "dat-to": [1.0, 0.0]}, pairs=pairs)
    found = claims.of_table("6", {"redetection": metrics.Scores("redetection", data)})
    assert [(claim.a, claim.p, claim.verdict) for claim in found.judged] == [
        ("dat-to", pytest.approx(0.03), "holds"), ("dat-nl", pytest.approx(0.04), "holds"),
        ("dat-jtnl", pytest.approx(0.04), "holds"),
    ]  # fmt: skip
    assert claims.of_table("6", {}).summary.startswith("This run judges none of this table's 3 claims")


@pytest.mark.parametrize(("ends", "text"), [([0.0, 1.0], "2 sequences: not enough to tell"), ([0.1, 1.0], "0.829")])
def test_a_number_of_too_few_sequences_is_none_in_the_figures_and_stays_in_their_csv(
    ends: list[float], text: str
) -> None:
    """Robustness counts failures: an interval from 0 to more than 1 is not all that it can be."""
    run = {"complete": True, "scored": 2, "expected": 2, "curves": {"success": [1.0] * 21, "precision": [1.0] * 51}}
    names, scores = ("csrdcf", "csrdcf+attention", "lambda-0", "pymdnet"), {}
    values = {"eao": 0.8288, "accuracy": 0.8288, "success": 0.8288, "precision": 0.8288}
    for name in ("vot2014", "vot2016", "otb2013", "tc128"):
        entry = {**values, **{f"{metric}_interval": ends for metric in values}}
        entry |= {"robustness": 0.5, "robustness_interval": [0.0, 1.5]}
        data = {"variants": dict.fromkeys(names, entry), "trackers": {f"{one}@seed-0": run for one in names}}
        scores[name] = metrics.Scores(name, data)
    seven, eight, nine, _ = figures.build_all(scores)
    eao, accuracy, robustness = seven.series
    assert {at.text for series in (eao, accuracy, nine.series[0]) for at in series.points} == {text}
    assert {at.text for at in robustness.points} == {"0.500"}
    assert eight.series[0].label == f"pyMDNet [{text}]"
    words = [one.get_text() for axes in drawing.draw(seven).axes[:2] for one in axes.texts]
    assert words.count(text) == 4 and ("0.829" in words) == (text == "0.829")
    assert any(text in one.get_text() for one in drawing.draw(nine).axes[0].get_legend().get_texts()) == (":" in text)
    assert ",0.8288,figure/7/eao/csrdcf," in figures.to_csv(seven, "embedded")
