"""CONTRIBUTING's recipes: what is added in the one place that a recipe names works wherever it is used."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dat import records
from dat.base import sections, used
from dat.base.errors import InputError, ParamsError
from dat.benchmarks import catalogue, words
from dat.datasets import finding, layouts, linking, manifest, sets
from dat.evaluation import score, stage
from dat.preflight import matrix
from dat.records import Job
from dat.report import figures
from dat.report import stage as report
from tests.parts import small_sets as small

LAYOUT = '''"""Two frames a video: `<Name>/box.csv` with `x,y,w,h` counted from 0."""

from functools import partial
from pathlib import Path

from dat.benchmarks.published import Fact
from dat.datasets.rows import read_rows
from dat.datasets.targets import Layout, Target, TargetFolder, folders_with, images, internal


def find(root: Path) -> list[TargetFolder]:
    return [TargetFolder(video.name, video, partial(read, video)) for video in folders_with(root, "box.csv")]


def read(folder: Path, fact: Fact | None) -> Target:
    annotation = folder / "box.csv"
    boxes = [internal(row, 0) for row in read_rows(annotation, 4)]
    return Target(folder.name, images(folder / "img"), boxes, [annotation])


LAYOUT = Layout(find, "<Name>/box.csv")
'''
OTHER = (("tc128: {layout: tc128,", "tc128: {layout: pairs,"),)


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A layout `pairs`, as if its module lay beside the others."""
    place = tmp_path / "layouts"
    place.mkdir()
    for path in Path(layouts.__path__[0]).glob("*.py"):
        (place / path.name).symlink_to(path)
    (place / "pairs.py").write_text(LAYOUT)
    monkeypatch.setattr(sections, "LAYOUTS", place)
    monkeypatch.setattr(layouts, "__path__", [*layouts.__path__, str(place)])
    yield
    if sys.modules.pop(f"{layouts.__name__}.pairs", None):  # else later tests would find it loaded, and gone
        delattr(layouts, "pairs")
    used.CODE.pop("dat/datasets/layouts/pairs.py", None)


@pytest.mark.usefixtures("layout")
def test_a_layout_is_one_module(tmp_path: Path) -> None:
    settings = small.profile(tmp_path / "p", synthetic=False, replace=OTHER)
    raw = tmp_path / "p/data/tc128"
    small.frames(raw / "Wall/img", 2)
    (raw / "Wall/box.csv").write_text("5,6,7,8\n6,6,7,8\n")
    small.describe(settings, "tc128", lists={"tc128": ["Wall"]})
    assert linking.look(sets.load(settings, "tc128"), raw).found == ["Wall"]
    read = small.read_index(settings, "tc128").sequences["Wall"]
    assert read.boxes.tolist() == [[5, 6, 7, 8], [6, 6, 7, 8]]
    with pytest.raises(InputError, match=r"<Name>/box\.csv is expected"):
        linking.look(sets.load(settings, "tc128"), tmp_path / "layouts")


def test_what_is_no_layout_is_told_with_its_line_and_those_that_there_are(tmp_path: Path) -> None:
    known = "dtb70, lasot, otb, otb99, plain, tc128, tlp, tnl2k, vot$"
    said = rf"params\.yaml:\d+: 'datasets.tc128.layout' is 'pairs': no layout; there are {known}"
    with pytest.raises(ParamsError, match=said):
        small.profile(tmp_path, replace=OTHER)
    with pytest.raises(InputError, match=f"no layout 'pairs'; there are {known}"):
        finding.layout("pairs")


def test_every_layout_is_code_of_what_reads_them() -> None:
    """They are imported by their names, which grimp does not see."""
    files = {path.relative_to(small.ROOT).as_posix() for path in sections.LAYOUTS.glob("*.py")}
    assert files <= set(records.code_closure("dat.datasets.index"))
    assert not files & set(records.code_closure("dat.fanout.job")), "an edit would track all again"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A benchmark `pairs`, as if it stood among the others."""
    entry = catalogue.Benchmark("pairs", "one-pass", "otb-toolkit-1.1", title="Pairs")
    monkeypatch.setattr(catalogue, "BENCHMARKS", (*catalogue.BENCHMARKS, entry))
    yield "pairs"
    catalogue.find.cache_clear()


def one(benchmark: str) -> tuple[tuple[str, str], ...]:
    """What adds a benchmark to the settings: its entry."""
    entry = f"{benchmark}: {{data: tc128, protocol: one-pass, salnet: w, gpgnet: w, variants: [pymdnet, dat-to]}}"
    return (("\nbenchmarks:\n", f"\nbenchmarks:\n  {entry}\n"),)


def test_a_benchmark_is_one_entry(benchmark: str, tmp_path: Path) -> None:
    """It is planned, and scored by the stage and by hand."""
    settings = small.profile(tmp_path / "p", synthetic=False, replace=one(benchmark))
    raw = small.otb(tmp_path / "p/data/tc128", "Wall", 4).parent
    (raw / "Wall/groundtruth_rect.txt").rename(raw / "Wall/Wall_gt.txt")
    small.describe(settings, "tc128", lists={benchmark: ["Wall"]})
    path = small.run_index(settings, "tc128")
    targets = matrix.targets(settings, benchmark)
    assert [(unit.tracker, unit.cost) for unit in matrix.units(settings, benchmark, targets)] == [
        (f"{name}@seed-{seed}", 4) for name in ("pymdnet", "dat-to") for seed in settings.root.seeds
    ]
    for name in ("pymdnet@seed-0", "dat-to@seed-0"):
        records.write_text(tmp_path / "results" / name / "Wall.txt", small.boxes(4))
        records.write_text(tmp_path / "results" / name / "Wall.json", "{}")
    records.write_text(tmp_path / "results/manifest.json", "{}")
    out = tmp_path / "out.json"
    stage.run(Job(benchmark, settings, {"manifest": path, "results": tmp_path / "results"}, {"metrics": out}))
    assert records.read_json(out)["variants"]["pymdnet"]["success"] == pytest.approx(20 / 21)
    records.write_text(tmp_path / "truth/Wall/groundtruth_rect.txt", small.boxes(4))
    found = score.files(benchmark, tmp_path / "truth", tmp_path / "results", bootstrap=(100, 0))
    assert found["trackers"]["dat-to@seed-0"]["success"] == pytest.approx(20 / 21)


def test_a_benchmark_that_is_not_there_is_told_before_anything_is_tracked(tmp_path: Path) -> None:
    from dat.fanout import stage as fanout

    settings = small.profile(tmp_path, synthetic=False, replace=one("pairs"))
    table = manifest.Manifest({"name": "a", "layout": "otb", "lists": {"pairs": []}}, {}, tmp_path)
    with pytest.raises(InputError, match="pairs: no such benchmark; there are otb2013, "):
        fanout.planned(Job("pairs", settings, {}, {}), table)


def test_a_data_sets_list_is_a_file_and_a_benchmarks_name_a_title() -> None:
    """Titles are the page's: a benchmark that it does not show has none."""
    assert words.BENCHMARKS["otb100-similar"] == "OTB-100, look-alikes" and "otb50" not in words.BENCHMARKS
    there = {path.stem for path in (small.ROOT / "dat/benchmarks/lists").glob("*.csv")}
    assert {entry.data_set for entry in catalogue.BENCHMARKS if entry.data_set} <= there


def test_a_variant_is_settings_alone(tmp_path: Path) -> None:
    entry = ("\n\nseeds:", "\n  salnet+nl: {salnet: core/salnet, attention: nl}\n\nseeds:")
    listed = ("variants: [pymdnet, salnet, dat-to,", "variants: [pymdnet, salnet, salnet+nl, dat-to,")
    settings = small.profile(tmp_path, replace=(entry, listed))
    target = matrix.PlannedTarget("Wall", 4, "the wall")
    units = [unit for unit in matrix.units(settings, "otb100", [target]) if unit.variant == "salnet+nl"]
    assert {unit.gpgnet for unit in units} == {"weights/gpgnet/nl"}
    assert {unit.salnet for unit in units} == {"weights/salnet/core/salnet"}
    assert words.named("salnet+nl") == "salnet+nl"


def test_a_figure_is_what_build_all_gives(tmp_path: Path) -> None:
    """Whatever its number, it is drawn as its kind is: a row has no number for x."""
    at = figures.Point("salnet", 0.25, "salnet")
    drawn = figures.Series("one", "otb100", "success", "One", (at,), "synthetic-otb100")
    figure = figures.Figure(12, "One row", "synthetic-otb100", (("panel", "x", (drawn,)),), kind="rows")
    report.write_figures(tmp_path, [figure])
    assert {path.name for path in tmp_path.iterdir()} == {"figure-12.svg", "figure-12.png"}
    assert "figure/12/one/salnet" in figures.to_csv(figure, "embedded")
