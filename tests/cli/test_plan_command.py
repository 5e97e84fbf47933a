"""`dat plan`: what a run lacks, and what lies ahead of it, on the paper profile's files and on a made-up run."""

import errno
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dat import records
from dat.base import executor, numerics, params
from dat.base.errors import REMEDIES, InputError
from dat.base.params import Settings
from dat.cli.plan import plan as command
from dat.datasets import manifest
from dat.fanout import plan, store
from dat.fanout.unit import ENTRY, common_facts
from dat.preflight import estimates, graph, matrix, missing
from dat.preflight.graph import Stages
from tests.parts import fake_profile, small_sets

ROOT = Path(__file__).resolve().parents[2]
ROOM = estimates.Disk(1, 1, [])
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # DVC's


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SNAKEMAKE_PROFILE", "DAT_DEVICES", "DAT_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("DAT_CACHE", str(tmp_path / "store"))


def repository(home: Path) -> None:
    from dvc.repo import Repo

    Repo.init(str(home), no_scm=True).close()


@pytest.fixture
def paper(tmp_path: Path) -> Settings:
    """The paper profile's committed files alone, without a data set."""
    return committed(tmp_path, "paper")


def committed(folder: Path, name: str) -> Settings:
    """A profile's committed files in a folder."""
    home, source = folder / name, ROOT / "profiles" / name
    (home / "data").mkdir(parents=True)
    (home / "baselines").mkdir()
    shutil.copy(source / "baselines" / "README.md", home / "baselines")
    (home / "checkout").symlink_to(ROOT)
    for name in ("dvc.yaml", "none"):
        shutil.copy(source / name, home)
    for path in (source / "data").glob("*.json"):
        shutil.copy(path, home / "data")
    text = (source / "params.yaml").read_text().replace("root: ../..", "root: checkout")
    (home / "params.yaml").write_text(text.replace("../../annotations", "checkout/annotations"))
    for path in (home / "data").glob("*.json"):
        path.write_text(path.read_text().replace("../../annotations", "checkout/annotations"))
    return params.load(home)


@pytest.fixture
def fake(tmp_path: Path) -> Settings:
    """A made-up run of the embedded profile, up to date for DVC."""
    home = tmp_path / "fake"
    home.mkdir()
    settings = fake_profile.build(home)
    locked = records.read_json(home / "dvc.lock")["stages"]
    records.write_json(home / "dvc.yaml", {"stages": written(locked)})
    repository(home)
    return settings


def written(locked: dict[str, Any]) -> dict[str, Any]:
    """A dvc.yaml for the stages of a dvc.lock, which DVC itself takes: keys by `foreach`, outputs without a cache."""
    stages: dict[str, Any] = {}
    for name, facts in locked.items():
        base, _, key = name.partition("@")
        outs = [{fact["path"]: {"cache": False}} for fact in facts["outs"]]
        body = {"cmd": facts["cmd"], "deps": [fact["path"] for fact in facts["deps"]], "outs": outs}
        body["params"] = ["evaluation", "seeds"]
        if not key:
            stages[base] = body
            continue
        place = fake_profile.SETS.get(key, "testing")  # where the manifest lies
        text = json.dumps(body).replace(f"{place}/{key}.", "${item}/${key}.").replace(key, "${key}")
        stages.setdefault(base, {"foreach": {}, "do": json.loads(text)})["foreach"][key] = place
    return stages


def call(home: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.chdir(home)
    return CliRunner().invoke(command, list(arguments), catch_exceptions=False)


def by(lacking: list[missing.Missing]) -> dict[str, missing.Missing]:
    return {one.what: one for one in lacking}


def chosen(*run: str) -> Stages:
    """Stages that would run, as if DVC had said so."""
    return Stages(list(run), list(run), {}, {name: [] for name in run}, dict.fromkeys(run, 0))


def test_all_that_the_paper_profile_lacks_is_named_at_once(
    paper: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(numerics, "kind", lambda: "native")
    repository(paper.path)
    done = call(paper.path, monkeypatch, "--json", str(tmp_path / "plan.json"))
    assert done.exit_code == 1
    said = json.loads((tmp_path / "plan.json").read_text())
    lacking = {one["what"]: one for one in said["missing"]}
    sets = [
        f"data set {name}: not linked" for name in ("lasot", "tlp", "dtb70", "otb100", "tc128", "vot2014", "vot2016")
    ]
    files = {"file data/weights/vgg16-397923af.pth": "vgg16", "file data/weights/imagenet-vgg-m.mat": "vgg-m"}
    assert set(list(lacking)[:9]) == {*sets, *files}, "what stops a stage comes first, and nothing else does"
    assert all(lacking[name]["stops"] and lacking[name]["get"].startswith("dat data link ") for name in sets)
    assert all(lacking[file]["get"] == f"dat weights get {name}" for file, name in files.items())
    others = [
        "sentences of otb2013: 9 of 51 have one",
        "sentences of otb100: 9 of 100 have one",
        "sentences of tc128: 8 of 129 have one",
        "sentences of vot2014: 1 of 25 have one",
        "sentences of vot2016: 0 of 60 have one",
        "GPU: nvidia-smi shows none",
    ]
    assert list(lacking)[9:] == others and not any(lacking[name]["stops"] for name in others)
    assert lacking["sentences of otb100: 9 of 100 have one"]["without"].startswith("dat-nl, dat-jtnl: attention")
    coming = {one["stage"]: one for one in said["stages"]}
    assert len(coming) == 43 and "15 things are missing, 9 of which stop a stage" in done.output
    vot = coming["benchmark@vot2014"]
    assert (vot["units"], vot["done"], vot["frames"]) == (25 * (2 * 3 + 2), 0, 10213 * (15 * 2 * 3 + 2))
    assert coming["benchmark@otb100"]["done"] == 3 * 3 * 51, "those that otb2013 will have run"
    assert "hours: unknown; 43 stages were never measured" in done.output
    assert all(one["hours"] is None for one in coming.values()), "nothing was measured here"


def test_the_further_profile_says_what_its_benchmarks_lack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of sets that linking describes too, which no file describes before."""
    further = committed(tmp_path, "further")
    repository(further.path)
    for key in ("lasot-test", "tnl2k"):
        done = call(further.path, monkeypatch, f"evaluate@{key}", "--json", str(tmp_path / "plan.json"))
        said = json.loads((tmp_path / "plan.json").read_text())
        lacking = [one["what"] for one in said["missing"] if one["stops"]]
        sets = ["lasot", "tlp", "dtb70", key]
        assert sorted(lacking[:-2]) == sorted(f"data set {name}: not linked" for name in sets), done.output
        assert all("data/weights/" in file for file in lacking[-2:]), "and nothing of the other benchmarks"
        (stage,) = [one for one in said["stages"] if one["stage"] == f"benchmark@{key}"]
        assert stage["units"] == (280 * 5 * 3 if key == "lasot-test" else None), "sentences come with the data"
        assert not any(one["what"].startswith("sentences") for one in said["missing"])


def test_networks_that_would_be_trained_on_a_benchmark_are_told_before(tmp_path: Path) -> None:
    settings = committed(tmp_path, "further")
    assert not list(missing._trained(settings, chosen("benchmark@lasot-test", "benchmark@tnl2k")))
    shutil.copy(ROOT / "profiles" / "paper" / "data" / "lasot.json", settings.path / "data")
    (found,) = missing._trained(settings, chosen("benchmark@lasot-test", "benchmark@tnl2k"))
    assert found.stops and found.without == "benchmark@lasot-test stops"
    said = (
        "networks of lasot-test: trained from training/lasot.jsonl, in which are 280 of the benchmark's 280 sequences"
    )
    assert found.what.startswith(said)
    benchmark = settings.root.benchmarks["lasot-test"].model_copy(update={"variants": ["pymdnet"]})
    root = settings.root.model_copy(update={"benchmarks": {"lasot-test": benchmark}})
    alone = Settings(settings.path, root)
    assert not list(missing._trained(alone, chosen("benchmark@lasot-test"))), "its domains are TLP and DTB70"


def test_a_folder_with_some_of_the_sequences_stops_the_benchmarks_that_want_the_others(
    paper: Settings, tmp_path: Path
) -> None:
    small_sets.otb(tmp_path / "OTB", "Woman", 597)
    records.write_text(paper.path / "data" / "otb100.path", f"{tmp_path / 'OTB'}\n")
    (some,) = missing._data(paper, chosen("index@otb100", "benchmark@otb2013"))
    assert some.what == "data set otb100: 99 of 100 sequences, such as Basketball"
    assert some.stops and some.without == "benchmark@otb2013 stops"
    (left_out,) = missing._data(paper, chosen("index@otb100"))
    assert not left_out.stops and left_out.without == "they are left out"
    stages = Stages(["index@otb100"], ["index@otb100"], {"none": ["index@otb100"]}, {"index@otb100": []}, {})
    assert [one.what for one in missing.everything(paper, stages, ROOM)] == ["file none", left_out.what]


def test_files_that_nothing_makes_are_named_with_the_command_that_fetches_them(paper: Settings) -> None:
    absent = {"data/weights/imagenet-vgg-m.mat": ["salnet@a", "salnet@b"], "names.npy": ["benchmark@otb100"]}
    stages = Stages(["salnet@a"], ["salnet@a"], absent, {"salnet@a": []}, {})
    found = by(missing.everything(paper, stages, ROOM))
    weights = found["file data/weights/imagenet-vgg-m.mat"]
    assert (weights.get, weights.without) == ("dat weights get vgg-m", "2 stages stop, such as salnet@a")
    assert found["file names.npy"].get == "put it there"
    assert "starting weights vgg-m" not in found


def test_networks_that_would_start_from_random_numbers_are_told(paper: Settings) -> None:
    """But not those that are taken from weights."""
    network = paper.root.network.model_copy(update={"vgg_m": "none"})
    salnets = dict(paper.root.salnet)
    salnets["salnet"] = salnets["salnet"].model_copy(update={"from_": "data/weights/mine.safetensors"})
    changed = {"network": network, "salnet": salnets}
    settings = Settings(paper.path, paper.root.model_copy(update=changed))
    (found,) = missing._weights(settings, chosen("salnet@pymdnet", "salnet@salnet", "gpgnet@to"))
    assert (found.what, found.without) == ("starting weights vgg-m", "1 salnet starts from random numbers")
    assert "dat weights get vgg-m, then network.vgg_m: data/weights/imagenet-vgg-m.mat" in found.get
    assert not list(missing._weights(settings, chosen("salnet@salnet")))


def test_a_schedulers_plugin_is_missed_before_any_result_is_removed(
    paper: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNAKEMAKE_PROFILE", str(ROOT / "workflow" / "profiles" / "slurm"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(executor.importlib.util, "find_spec", lambda name: None)
    found = by(list(missing._packages(chosen("benchmark@otb100"))))
    assert found["package snakemake-executor-plugin-slurm"].get == "pip install 'dat[slurm]'"
    assert found["program sbatch"].stops
    assert list(missing._packages(chosen("evaluate@otb100"))) == []
    monkeypatch.setattr(executor.importlib.util, "find_spec", lambda name: object())
    assert list(by(list(missing._packages(chosen("benchmark@otb100"))))) == ["program sbatch"]
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "nowhere")
    (wrong,) = missing._packages(chosen("benchmark@otb100"))
    assert wrong.without.startswith("SNAKEMAKE_PROFILE=nowhere: no config.yaml")


@pytest.mark.parametrize(
    ("numeric", "named", "run", "expected"),
    [
        ("native", None, "benchmark@otb100", ["GPU: nvidia-smi shows none"]),
        ("native", "cpu", "benchmark@otb100", []),
        ("native", "3", "benchmark@otb100", ["GPU"]),
        ("native", None, "evaluate@otb100", []),
        ("portable", None, "benchmark@otb100", []),
    ],
)
def test_a_gpu_is_missed_where_one_is_wanted(
    paper: Settings, monkeypatch: pytest.MonkeyPatch, numeric: str, named: str | None, run: str, expected: list[str]
) -> None:
    if named:
        monkeypatch.setenv("DAT_DEVICES", named)
    settings = Settings(paper.path, paper.root.model_copy(update={"numerics": numeric}))
    assert [one.what for one in missing._gpu(settings, chosen(run))] == expected


@pytest.mark.parametrize("profile", ["slurm", "nowhere"])
def test_no_gpu_is_missed_here_where_a_cluster_computes(
    paper: Settings, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    monkeypatch.setenv("SNAKEMAKE_PROFILE", str(ROOT / "workflow" / "profiles" / profile))
    monkeypatch.setenv("DAT_DEVICES", "3")
    assert not list(missing._gpu(paper, chosen("benchmark@otb100")))
    assert [one.what for one in missing._gpu(paper, chosen("benchmark@otb100", "salnet@salnet"))] == ["GPU"]


def test_a_finished_run_lacks_nothing_and_has_nothing_to_do(fake: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    done = call(fake.path, monkeypatch)
    assert done.exit_code == 0 and "nothing to run" in done.output and "nothing is missing" in done.output


def test_an_unknown_stage_is_answered_with_the_nearest_names(fake: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"no stage 'evaluate@otb10'; near it: evaluate@otb100") as error:
        call(fake.path, monkeypatch, "evaluate@otb10")
    assert error.value.status == 2


def test_what_depends_on_a_change_runs_and_nothing_else(fake: Settings) -> None:
    raw = fake.path / "data" / "otb100.json"
    raw.write_text(raw.read_text() + "\n")
    found = graph.read(fake, ["evaluate"])
    assert {"index@otb100", "benchmark@otb100", "evaluate@otb100"} <= set(found.run)
    assert set(found.order) - set(found.run) >= {"synthetic@vot2016", "index@vot2016", "index@lasot"}, "of other sets"
    assert "report" not in found.order
    assert found.order.index("index@otb100") < found.order.index("benchmark@otb100")
    assert graph.read(fake, ["index@vot2016"]).run == []


def real_keys(settings: Settings, key: str) -> dict[tuple[str, int | None, str], str]:
    """The keys that the fan-out gives a benchmark's units."""
    table = manifest.read(settings.path / "testing" / f"{key}.jsonl")
    benchmark = settings.root.benchmarks[key]
    environment, code = records.environment("cpu", 1), records.code_closure(ENTRY)
    shared = common_facts(benchmark.protocol, 1, table.header, environment, code)
    units = plan.units(settings, benchmark, table, table.header["lists"][key], shared)
    return {(unit.variant, unit.draws, unit.sequence): unit.key for unit in units}


def test_units_in_the_store_are_done_unless_their_weights_are_made_again(fake: Settings, tmp_path: Path) -> None:
    for name in ("salnet/core/salnet", "gpgnet/to"):
        records.write_bytes(fake.path / "weights" / name / "weights.safetensors", name.encode())
    keys = real_keys(fake, "otb100")
    for at in (("pymdnet", 0, "Disc"), ("pymdnet", 0, "Star"), ("dat-jtnl", 0, "Star")):
        store.entry(tmp_path / "store", keys[at]).mkdir(parents=True)
    (one,) = estimates.stages(fake, chosen("benchmark@otb100"))
    assert (one.units, one.done, one.frames) == (12, 3, 9 * fake_profile.FRAMES)
    *_, one = estimates.stages(fake, chosen("gpgnet@to", "benchmark@otb100"))
    assert one.done == 2, "the made-up sequences have no sentence, so dat-jtnl's attention is gpgnet@to's"
    *_, one = estimates.stages(fake, chosen("salnet@pymdnet", "benchmark@otb100"))
    assert one.done == 1


def test_hours_are_those_of_this_machines_runs_and_else_unknown(fake: Settings) -> None:
    for name, host, pace in (("Disc", socket.gethostname(), 360.0), ("Star", "elsewhere", 1.0)):
        run = {"host": host, "seconds": pace * fake_profile.FRAMES}
        records.write_json(fake.path / "runs/otb100/pymdnet@seed-0" / f"{name}.json", run)
    (one,) = estimates.stages(fake, chosen("benchmark@otb100"))
    assert one.hours is None, "no sequence with attention was measured"
    benchmark = fake.root.benchmarks["otb100"].model_copy(update={"variants": ["pymdnet"]})
    root = fake.root.model_copy(update={"benchmarks": {"otb100": benchmark}})
    (one,) = estimates.stages(Settings(fake.path, root), chosen("benchmark@otb100"))
    assert one.hours == pytest.approx(6 * fake_profile.FRAMES * 360 / 3600 / fake.root.fanout.cores)


def test_a_disk_without_room_for_the_run_is_missing_with_both_numbers(
    paper: Settings, fake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = Stages([], [], {}, {}, {})
    (found,) = missing.everything(paper, stages, estimates.Disk(900 * 10**9, 10 * 10**9, []))
    assert found.what == "room on the disk: about 900.00 GB are needed, 10.00 GB are free" and found.stops
    assert found.get == REMEDIES[errno.ENOSPC]
    monkeypatch.setattr(estimates, "disk", lambda *_: estimates.Disk(2, 1, []))
    done = call(fake.path, monkeypatch)
    assert done.exit_code == 1 and "1 things are missing" in done.output


def test_it_needs_no_torch(fake: Settings) -> None:
    code = "import sys; from dat import cli; cli.run_in_process(['plan', 'index']); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=fake.path, check=True, capture_output=True)


def test_units_that_are_the_same_thing_have_one_key_in_all_benchmarks(paper: Settings) -> None:
    """OTB-2013's sequences are OTB-100's: one result of pymdnet and dat-jtnl for both; CSR-DCF draws nothing."""
    units: dict[str, Any] = {key: matrix.units(paper, key, matrix.targets(paper, key)) for key in paper.root.benchmarks}
    names = {key: {unit.key for unit in found} for key, found in units.items()}
    assert len(names["otb2013"]) == 20 * 3 * 51
    assert len(names["otb2013"] & names["otb100"]) == 3 * 3 * 51
    assert len({unit.key for unit in units["vot2014"] if unit.variant == "csrdcf"}) == 25
