"""The report stage on made-up scores: its files, and the page in one piece."""

import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dat import records
from dat.audit import page as audited
from dat.audit.addresses import Address
from dat.base import params
from dat.base.params import Settings
from dat.cli import run_in_process
from dat.pipeline.stages import PARTIAL
from dat.records import Job
from dat.report import brief, claims, figures, metrics, page, readings, sources, stage, tables
from dat.report.metrics import Number, Scores, Training
from tests.parts import fake_profile, fake_scores

ROOT = Path(__file__).resolve().parents[2]


def job(folder: Path, settings: Settings, out: Path) -> Job:
    inputs = {role: folder / role for role in ("metrics", "weights", "language", "results", "manifests")}
    places = {role: out / role for role in ("tables", "figures", "players")}
    return Job("", settings, inputs, {**places, "page": out / "index.html"})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder, settings = tmp_path_factory.mktemp("report"), params.load(ROOT)
    fake_scores.write_scores(folder / "metrics", settings)
    fake_scores.write_trainings(folder / "weights", folder / "language", settings)
    one = job(folder, settings, folder / "out")
    stage.run(one)
    return one


@pytest.fixture(scope="module")
def html(made: Job) -> str:
    return made.outputs["page"].read_text()


def test_all_files_are_there(made: Job) -> None:
    tables = (
        {f"table-{n}.{kind}" for n in range(1, 7) for kind in ("csv", "md", "tex")}
        | {f"figure-{n}.csv" for n in (7, 8, 9, 10)}
        | {"claims.csv", "summary.json"}
    )
    drawn = {f"figure-{n}.{kind}" for n in (7, 8, 9, 10) for kind in ("svg", "png")}
    assert {path.name for path in made.outputs["tables"].iterdir()} == tables
    assert {path.name for path in made.outputs["figures"].iterdir()} == drawn


def test_the_summary_has_the_baseline_and_the_method_by_the_score_of_each_benchmark(made: Job) -> None:
    found = records.read_json(made.outputs["tables"] / "summary.json")
    scores = {path.stem: records.read_json(path) for path in (made.inputs["metrics"]).glob("*.json")}
    assert {"otb100", "vot2014"} < set(found)
    subsets = {name: inner for one in scores.values() for name, inner in one.get("subsets", {}).items()}
    for name, variants in found.items():
        of = (scores | subsets)[name]["variants"]
        assert set(variants) == {"pymdnet", "dat-jtnl"} & set(of)
        for variant, value in variants.items():
            assert value == of[variant].get("success", of[variant].get("eao"))


def test_a_second_run_writes_the_same_bytes(made: Job, tmp_path: Path) -> None:
    outputs = {role: tmp_path / path.name for role, path in made.outputs.items()}
    stage.run(replace(made, outputs=outputs))
    for role, path in made.outputs.items():
        for file in [path] if path.is_file() else sorted(path.rglob("*.*")):
            other = outputs[role] if path.is_file() else outputs[role] / file.relative_to(path)
            assert file.read_bytes() == other.read_bytes(), file.name


class Links(HTMLParser):
    """Collects what a page would fetch, its ids, and the addresses of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: list[str] = []
        self.anchors: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        link = facts.get("src") or facts.get("href") or facts.get("xlink:href") or ""
        (self.anchors if link.startswith("#") else self.fetched).append(link.lstrip("#")) if link else None
        self.ids += [facts["id"]] if facts.get("id") else []
        self.addresses += [facts["data-address"]] if facts.get("data-address") else []


@pytest.fixture(scope="module")
def links(html: str) -> Links:
    found = Links()
    found.feed(html)
    return found


def test_the_page_needs_no_network(html: str, links: Links) -> None:
    assert [link for link in links.fetched if not link.startswith("figures/figure-")] == ["run.js", "players/index.js"]
    assert "@import" not in html and not re.search(r"url\((?!#)", html)


def test_the_page_shows_the_run_files_verdict_as_text(html: str) -> None:
    """`make repro` writes run.js for the page that has this mark; the mark is the sha256 of the rest."""
    mark = re.search(r'<body data-page="([0-9a-f]{64})">', html)
    assert mark and mark[1] == records.sha256_bytes(html.replace(mark[1], "").encode())
    assert html.index('<script src="run.js"></script>') < html.index("window.datRun")
    assert "textContent" in html and "innerHTML" not in html and "run.seal" in html
    head = html[html.index("<header>") : html.index("</header>")]
    assert "is not known here: <code>make repro</code>" in head and head.count(">not known here</dd>") == 4


def test_links_within_the_page_lead_somewhere(links: Links) -> None:
    assert set(links.anchors) <= set(links.ids)


def test_numbers_carry_addresses(links: Links) -> None:
    wanted = {
        "table/4/pymdnet+gcn/otb2013-precision",
        "figure/9/lambda/0.1",
        "figure/7/robustness/csrdcf+attention",
        "figure/8/pymdnet-success/0.5",
        "train/gpgnet/jtnl/loss",
    }
    assert wanted <= set(links.addresses)


def test_every_number_leads_to_what_it_comes_from(html: str, links: Links) -> None:
    """By a link, which keyboards and phones reach, to a row of the page."""
    cells = re.findall(r'data-address="([^"]+)"><a class="from" href="#([^"]+)"', html)
    assert len(cells) == len(links.addresses) > 100
    targets = dict(cells)
    assert targets["table/4/pymdnet+gcn/otb2013-precision"] == "source/otb2013/pymdnet+gcn"
    assert targets["figure/10/pymdnet-success/0.5"] == "source/otb100-similar/pymdnet"
    assert targets["figure/7/robustness/csrdcf+attention"] == "source/vot2014/csrdcf+attention"
    assert targets["train/gpgnet/jtnl/loss"] == "source/train/gpgnet/jtnl"
    assert set(targets.values()) <= set(links.ids)
    files = dict(re.findall(r'<tr id="source/([^"]+)">.*?<code>([^<]+)</code>', html))
    assert files["otb100-similar/pymdnet"] == "reports/metrics/otb100.json"
    assert files["train/gpgnet/jtnl"] == "weights/gpgnet/jtnl/metrics.json"
    assert files["train/salnet/pymdnet"] == "weights/salnet/core/pymdnet/metrics.json"
    assert files["train/language/encoder"] == "training/language/metrics.json"


def test_numbers_in_links_are_read_by_the_audit(made: Job) -> None:
    shown = audited.numbers(made.outputs["page"])
    scores = records.read_json(made.inputs["metrics"] / "otb2013.json")["variants"]
    assert shown["table/4/pymdnet+gcn/otb2013-precision"][0].number == f"{scores['pymdnet+gcn']['precision']:.3f}"
    assert len(shown) > 100
    assert all(re.fullmatch(r"[-+.e0-9]+", cell.number.strip()) for cells in shown.values() for cell in cells)


@pytest.mark.parametrize("value", [0.606, 1.0, 0.0, 40.0, 2304.0, 1.2341e-5, -0.5, 0.25, 123456.7])
def test_the_audit_expects_what_the_page_prints(value: float) -> None:
    assert audited.text(Address("", "train", metric="loss"), value) == page.compact(value)
    assert audited.text(Address("", "figure", metric="eao"), value) == figures.Point("", value, "").text
    for metric in ("success", "eao"):
        cell = tables.Cell("", "", metric, Number(value, None, None), "", "")
        assert audited.text(Address("", "table", metric=metric), value) == cell.text


def test_sources_are_files_sequences_seeds_and_networks() -> None:
    run = {"sequences": {"a": {}, "b": {}}}
    data = {
        "data_set": "set", "variants": {"dat-to": {}, "csrdcf": {}},
        "trackers": {"dat-to@seed-0": run, "dat-to@seed-1": run, "csrdcf@seed-0": {"sequences": {"a": {}}}},
    }  # fmt: skip
    training = Training(
        "gpgnet", "to", {"frames": 2304.0, "videos": 576.0, "loss": 1.0}, "weights/gpgnet/to/metrics.json"
    )
    settings = params.load(ROOT)
    both, plain, trained = sources.of(settings, {"part": Scores("part", data, "otb100")}, [training])
    assert (both.id, both.file) == ("part/dat-to", "reports/metrics/otb100.json")
    assert (both.data, both.seeds) == ("2 sequences of set", "0, 1")
    assert both.networks == ("weights/salnet/core/salnet", "weights/gpgnet/to")
    assert (plain.data, plain.seeds, plain.networks) == ("1 sequence of set", "0", ())
    assert (trained.id, trained.file) == ("train/gpgnet/to", "weights/gpgnet/to/metrics.json")
    assert (trained.data, trained.seeds) == ("2,304 frames, 576 videos", "0")


def test_profile_data_sets_and_origin_are_said(html: str) -> None:
    assert "Report of profile <em>embedded</em>" in html
    assert (
        "trained from scratch" in html and "taught which words fit them" in html and "Reading R40 is in force" in html
    )
    assert "training frames are shifted by up to 50% of their sides" in html
    assert "encoder is VGG-11;" in html
    assert "videos that dat synthetic makes" in html and html.count("synthetic-otb100") >= 5


def test_points_that_this_run_lacks_are_named(html: str) -> None:
    part = html[html.index('id="points"') : html.index('id="readings"')]
    assert "nodes-43" in part and "lambda-0p8" in part


def test_every_reading_has_a_value_in_force(html: str) -> None:
    found = readings.in_force(params.load(ROOT))
    assert [reading.mark for reading in found] == [f"R{n}" for n in range(1, 41)]
    assert all(reading.value and f">{reading.mark}<" in html for reading in found)
    assert "0.125 of the paper" in html


def test_files_that_networks_come_from_are_named_with_licence_and_source() -> None:
    public = {"file": "data/weights/a.pth", "sha256": "ab" * 32, "name": "mdnet", "address": "https://example.org/a"}
    public |= {"licence": "research only", "checksum": "git:dac969f", "checked": "in part"}
    own = {"file": "start.mat", "sha256": "cd" * 32}
    rows = [
        Training("salnet", "pymdnet", {"trained": 0.0}, "a", public),
        Training("salnet", "salnet", {"trained": 1.0}, "b", own),
        Training("gpgnet", "to", {"trained": 1.0}, "c"),
        Training("language", "encoder", {}, "d"),
    ]
    first, second, third, *_ = page.origin(params.load(ROOT), rows)
    assert first == (
        "salnet pymdnet: taken as it is, not trained here, from data/weights/a.pth (mdnet by git:dac969f, all that is "
        "published of a checksum; https://example.org/a; licence: research only)."
    )
    assert second.startswith("salnet salnet: its training starts from start.mat (a file of the user's, whose source")
    assert second.endswith(f"sha256 {'cd' * 32}).") and third == "Without a file to start from: gpgnet to."
    assert "trained from scratch" in page.origin(params.load(ROOT), rows[2:])[0]


def test_the_paper_profile_is_told_as_it_is() -> None:
    said = " ".join(page.origin(params.load(ROOT / "profiles" / "paper")))
    assert "R40 is off" in said and "width" not in said and "shifted" not in said and "encoder" not in said


def test_a_whole_report_does_not_say_that_it_is_partial(html: str) -> None:
    assert "partial" not in html.replace(".partial", "").lower()


def test_a_partial_report_of_nothing(tmp_path: Path) -> None:
    settings = params.load(ROOT)
    for name in ("metrics", "weights", "language"):
        (tmp_path / name).mkdir()
    one = replace(job(tmp_path, settings, tmp_path / "out"), key=PARTIAL)
    stage.run(one)
    page = one.outputs["page"].read_text()
    assert "none in this run" in page and "<title>PARTIAL: DAT" in page
    head = page[page.index("<header>") : page.index("</header>")]
    assert "Partial report" in head and "No TC128 yet: <code>dvc repro evaluate@tc128</code>" in head
    assert "No training of salnet pymdnet yet: <code>dvc repro salnet@pymdnet</code>" in head


def test_a_partial_report_lies_apart_and_leaves_the_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when benchmarks have no scores and results are missing; it is no run, so it writes no run file."""
    fake_profile.build(tmp_path)
    records.write_text(tmp_path / "reports/index.html", "whole")
    shutil.rmtree(tmp_path / "results/vot2016")
    (tmp_path / "reports/metrics/vot2016.json").unlink()
    places = ("reports/tables", "reports/figures", "reports/index.html", "reports/index.record.json", "runs")
    before = [records.folder_files(tmp_path / place) for place in places]
    monkeypatch.chdir(tmp_path)
    run_in_process(["report", "--partial"])
    assert [records.folder_files(tmp_path / place) for place in places] == before
    partial = (tmp_path / "reports/partial/index.html").read_text()
    assert "No VOT2016 yet: <code>dvc repro evaluate@vot2016</code>" in partial and 'data-top="../../"' in partial
    made = {path.relative_to(tmp_path / "reports/partial").parts[0] for path in tmp_path.glob("reports/partial/*")}
    assert made == {"index.html", "index.record.json", "tables", "figures", "players"}


# ---------------------------------------------------------------- in short


def pair(metric: str, difference: float, interval: tuple[float, float], p: float) -> dict[str, Any]:
    """A paired difference of the method and the baseline, as scores have it."""
    names = {"a": "dat-jtnl@seed-0", "b": "pymdnet@seed-0"}
    return {**names, "metric": metric, "difference": difference, "interval": interval, "p_uncorrected": p, "p": 1.0}


def of(name: str, pairs: list[dict[str, Any]], **variants: float) -> Scores:
    """Scores of a benchmark of five sequences."""
    trackers = {f"{variant}@seed-0": {"expected": 5} for variant in variants}
    return Scores(name, {
        "trackers": trackers, "pairs": pairs,
        "variants": {variant: {"success": value} for variant, value in variants.items()},
    })  # fmt: skip


def test_in_short_a_method_is_better_only_if_it_is_so_by_holm_over_the_rows() -> None:
    """Two p values of .03 are both .06 after the correction."""
    better, worse = pair("success", 0.1, (0.05, 0.15), 0.01), pair("success", -0.1, (-0.15, -0.05), 0.01)
    scores = {
        "otb100": of("otb100", [better], pymdnet=0.5, **{"dat-jtnl": 0.6}),
        "tc128": of("tc128", [worse], pymdnet=0.5, **{"dat-jtnl": 0.4}),
        "otb2013": of("otb2013", [], pymdnet=0.5),
    }
    found = {row.benchmark: row for row in brief.rows(scores)}
    assert [found[name].verdict for name in scores] == ["better", "worse", ""]
    assert (found["otb100"].sequences, found["otb100"].seeds, found["otb100"].p) == (5, 1, 0.02)
    assert found["otb2013"].method is None and found["otb2013"].baseline is not None
    both = [pair("success", 0.1, (0.05, 0.15), 0.03)]
    doubtful = brief.rows({name: of(name, both, pymdnet=0.5, **{"dat-jtnl": 0.6}) for name in ("otb100", "tc128")})
    assert [row.verdict for row in doubtful] == ["cannot tell"] * 2
    assert brief.summary(scores) == {
        "otb100": {"pymdnet": 0.5, "dat-jtnl": 0.6}, "tc128": {"pymdnet": 0.5, "dat-jtnl": 0.4},
        "otb2013": {"pymdnet": 0.5},
    }  # fmt: skip


def test_the_page_opens_with_the_scores_in_short(html: str, made: Job) -> None:
    text = html[html.index('id="brief"') : html.index('class="notice"')]
    scores = records.read_json(made.inputs["metrics"] / "otb100.json")["variants"]
    for variant in ("pymdnet", "dat-jtnl"):
        assert f'data-address="otb100/{variant}/success"' in text
        assert f"<b>{scores[variant]['success']:.3f}</b>" in text
    assert html.index('id="brief"') < html.index('id="table-1"')


def test_the_head_answers_what_a_reader_asks_first(html: str) -> None:
    head = html[html.index("<header>") : html.index("</header>")]
    asked = ["Did it reproduce?", "Does the method work here?", "Against what?", "How sure?", "From which data?"]
    assert re.findall(r"<dt>([^<]*[?])</dt>", head) == asked
    assert "Of the paper&#39;s claims this run can judge" in head or "can judge none of the paper&#39;s claims" in head
    assert "pyMDNet (the paper&#39;s baseline), SALNet (the method without attention)" in head
    assert "over the 3 sequences of a benchmark, 1 seed." in head
    assert "synthetic-otb100 (3 sequences), synthetic-tc128" in head and "nothing of how the method does" in head


def test_the_answers_are_of_what_this_run_has(tmp_path: Path) -> None:
    whole = {"trackers": {f"pymdnet@seed-{n}": {"expected": 9} for n in (0, 1)}, "variants": {"pymdnet": {}}}
    other = {"trackers": {}, "variants": {}, "baselines": {"CCOT": {"expected": 4}}, "data_set": "otb100"}
    scores = [Scores("otb2013", {**whole, "data_set": "otb100"}), Scores("otb100", other)]
    said = page._against(scores)
    assert said == (
        "pyMDNet (the paper's baseline), tracked in this run as the method is. "
        "The numbers of other trackers are the paper's own; computed again here from raw results: CCOT."
    )
    assert "over the 9 sequences of a benchmark, 2 seeds." in page._how_sure(scores)
    assert page._data(scores) == "otb100 (9 sequences)."


def test_a_difference_that_its_interval_does_not_bound_is_no_number(made: Job) -> None:
    scores = metrics.read_scores(made.inputs["metrics"], made.settings, partial=False)
    pair = {"a": "dat-jtnl", "b": "pymdnet", "metric": "success", "difference": 0.0625, "p": 1.0}
    texts = []
    for ends in ([-1.0, 1.0], [-0.9, 1.0]):
        of = Scores("tc128", {**scores["tc128"].data, "pairs": [pair | {"interval": ends}]})
        told = tables.build_all({"tc128": of}, "embedded")
        texts.append(
            page.render(
                page.Content(made.settings, {"tc128": of}, told, claims.Claims("text", (), 0), [], {}, [], [], [])
            )
        )
    assert "too few sequences</td>" in texts[0] and "+0.062" not in texts[0]
    assert "too few sequences</td>" not in texts[1] and "+0.062" in texts[1]


def test_a_run_without_scores_says_so_in_short(tmp_path: Path) -> None:
    settings = params.load(ROOT)
    one = replace(job(tmp_path, settings, tmp_path / "out"), key=PARTIAL)
    stage.run(one)
    said = one.outputs["page"].read_text()
    assert "No benchmark has been scored" in said and "it has not both trackers of any" in said


def test_the_coverage_says_how_many_targets_lack_the_sentence_that_variants_read() -> None:
    facts = {"targets": 100, "with_one": 9, "variants": ["dat-nl", "dat-jtnl"]}
    bare = {"trackers": {}, "variants": {}}
    (row,) = [row for row in page.coverage({"otb100": Scores("otb100", {**bare, "sentences": facts})}) if row.sentences]
    assert (row.benchmark, row.sentences) == ("otb100", "9 of 100 have a sentence, which dat-nl, dat-jtnl read [R27]")
    assert not any(row.sentences for row in page.coverage({"otb100": Scores("otb100", bare)}))
