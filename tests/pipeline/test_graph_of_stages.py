"""dvc.yaml against the code: DVC sees no imports, so what a stage imports must lie under its deps."""

import configparser
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from dat import records
from dat.base import params
from dat.cli import VERBS
from dat.datasets import sets
from dat.pipeline.stages import STAGES
from dat.report import figures
from workflow import graph
from workflow.graph import LISTS, READ_LISTS

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ("paper", "mdnet", "further")
GRAPH: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def body(name: str) -> dict[str, Any]:
    stage: dict[str, Any] = GRAPH[name]
    return stage.get("do", stage)


def paths(name: str, *kinds: str) -> list[str]:
    found = []
    for kind in kinds:
        found += [next(iter(one)) if isinstance(one, dict) else one for one in body(name).get(kind, [])]
    return found


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_a_dvc_project_with_the_checkouts_cache(name: str) -> None:
    """And the same files are no outputs."""
    home = ROOT / "profiles" / name
    assert (home / ".dvcignore").read_text() == (ROOT / ".dvcignore").read_text()
    config = configparser.ConfigParser()
    config.read(home / ".dvc" / "config")
    assert (home / ".dvc" / config["cache"]["dir"]).resolve() == (ROOT / ".dvc" / "cache").resolve()


def test_dvc_at_the_top_does_not_see_the_other_profiles() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "dvc", "stage", "list", "--all", "--name-only"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert "report" in listed and not [name for name in listed if "profiles" in name]


def test_dvc_shows_a_runs_numbers_on_a_screen() -> None:
    """The details are outputs, and no metrics."""
    lines = subprocess.run(
        [sys.executable, "-m", "dvc", "metrics", "show"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(lines) == 2 and "otb100.dat-jtnl" in lines[0]
    assert max(map(len, lines)) < 200


def test_dvc_and_the_command_line_name_the_same_stages() -> None:
    assert set(GRAPH) == set(STAGES)


@pytest.mark.parametrize("name", graph.WHOLE)
def test_the_paper_and_the_further_profile_have_the_same_graph(name: str) -> None:
    """A copy and no link, which DVC cannot follow in another commit (`dvc metrics diff`)."""
    copy = ROOT / "profiles" / name / "dvc.yaml"
    assert not copy.is_symlink()
    assert copy.read_bytes() == (ROOT / "dvc.yaml").read_bytes(), "make graph"


def test_the_mdnet_profile_has_the_stages_that_train_nothing() -> None:
    copy = ROOT / "profiles" / "mdnet" / "dvc.yaml"
    assert copy.read_text() == graph.without_training((ROOT / "dvc.yaml").read_text()), "make graph"
    stages = YAML(typ="safe").load(copy)["stages"]
    assert set(stages) == {"index", "salnet", "benchmark", "evaluate", "report"}
    wanted = [one for body in stages.values() for one in body.get("do", body)["deps"] if one.startswith("training")]
    assert not wanted, "no stage is there that makes it"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profiles_data_sets_have_the_records_that_their_indices_need(profile: str) -> None:
    """No stage makes them there, so without them DVC runs none."""
    home = ROOT / "profiles" / profile
    settings = params.load(home)
    for name in settings.root.datasets:
        if sets.is_described(settings, name):
            continue  # when it is linked
        made = records.read_json(home / "data" / f"{name}.record.json")
        assert made["outputs"] == [records.file_facts(home / "data" / f"{name}.json", home)]


def test_the_mdnet_profile_lists_the_same_sequences() -> None:
    paper, mdnet = (records.read_json(ROOT / "profiles" / name / "data" / "otb100.json") for name in PROFILES[:2])
    assert mdnet["lists"] == paper["lists"]


def test_the_code_of_the_stages_is_as_the_imports_say() -> None:
    text = (ROOT / "dvc.yaml").read_text()
    assert graph.written(text) == text, "make graph"
    without = "\n".join(line for line in text.split("\n") if not line.endswith('dat/training/domains.py"'))
    assert without != text and graph.written(without) == text
    assert max(map(len, text.split("\n"))) <= 120


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("dat/training/grounding.py", {"encoder"}),
        ("dat/training/gpgnet.py", {"encoder", "gpgnet"}),
        ("dat/training/domains.py", {"salnet"}),
        ("dat/tracking/csrdcf/hog.py", {"benchmark"}),
        ("dat/video/request.py", set()),
        ("dat/audit/walk.py", set()),
    ],
)
def test_an_edit_reruns_the_stages_that_need_the_module(module: str, stages: set[str]) -> None:
    assert (ROOT / module).is_file()
    declared = {name: [path.removeprefix("${root}/") for path in paths(name, "deps")] for name in STAGES}
    assert {
        name for name in STAGES if any(module == one or module.startswith(f"{one}/") for one in declared[name])
    } == stages


def modules_below(path: str) -> list[str]:
    """A module, or all modules of a folder."""
    below = sorted((ROOT / path).rglob("*.py"))
    return [str(file.relative_to(ROOT)) for file in below] or [path]


@pytest.mark.parametrize("name", STAGES)
def test_everything_a_stage_imports_is_declared(name: str) -> None:
    declared = [path.removeprefix("${root}/") for path in paths(name, "deps") if path.startswith("${root}/")]
    verb = VERBS["train" if STAGES[name].trains else name][0]
    modules = [module for module in (STAGES[name].module, STAGES[name].jobs, verb, "dat.cli.stages") if module]
    closure = {path for module in modules for path in records.code_closure(module)}
    undeclared = {path for path in closure if not any(path == one or path.startswith(f"{one}/") for one in declared)}
    assert not undeclared
    others = (LISTS, "workflow/dat", *STAGES[name].files)
    modules = [path for one in declared if one not in others for path in modules_below(one)]
    unused = sorted({*modules} - closure)
    assert {"workflow/dat", *STAGES[name].files} <= set(declared)
    assert not unused
    assert (LISTS in declared) == bool(closure & READ_LISTS)


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_runs_through_exec(name: str) -> None:
    assert body(name)["cmd"].startswith("exec ${root}/workflow/dat ")


def keys(name: str) -> list[str]:
    return (
        list(params.plain(params.load(ROOT).section(GRAPH[name]["foreach"][2:-1], object)))
        if "foreach" in GRAPH[name]
        else [""]
    )


def resolved(name: str, key: str, *kinds: str) -> set[str]:
    """Paths of one stage as DVC resolves them."""
    settings = params.load(ROOT)
    item = params.plain(settings.section(f"{GRAPH[name]['foreach'][2:-1]}.{key}", object)) if key else {}
    found = set()
    for path in paths(name, *kinds):
        for field, value in item.items():
            path = path.replace(f"${{item.{field}}}", str(value))
        path = path.replace("${key}", key)
        found.add(re.sub(r"\$\{((?:network|csrdcf)\.\w+)\}", lambda named: settings.section(named[1], object), path))
    return found


@pytest.mark.parametrize(
    ("data", "users"),
    [
        ("training/domains/dtb70", {"salnet": "*"}),
        ("training/domains/tlp", {"salnet": "*"}),
        ("training/lasot", {"subsample": "", "language": "", "salnet": "language"}),
        ("testing/vot2016", {"benchmark": "vot2016", "evaluate": "vot2016", "report": ""}),
    ],
)
def test_a_data_set_that_is_linked_again_reruns_only_what_uses_it(data: str, users: dict[str, str]) -> None:
    """DTB70's videos are SALNet's alone; GPGNet and the sentence encoder are LaSOT's."""
    with_sentences = {key for key, entry in params.load(ROOT).root.salnet.items() if entry.triplet is not None}
    wanted = {name: {"*": set(keys("salnet")), "language": with_sentences}.get(of, {of}) for name, of in users.items()}
    found: dict[str, set[str]] = {}
    for name, key in ((stage, one) for stage in STAGES if stage != "index" for one in keys(stage)):
        if any(f"{data}.jsonl" == dep or f"{data}.jsonl".startswith(f"{dep}/") for dep in resolved(name, key, "deps")):
            found.setdefault(name, set()).add(key)
    assert found == wanted


@pytest.mark.parametrize("name", STAGES)
def test_inputs_outputs_and_records_are_declared(name: str) -> None:
    stage = STAGES[name]
    for key in keys(name):
        settings = params.load(ROOT)
        outputs = {*stage.outputs(settings, key).values(), stage.record(settings, key)}
        declared = resolved(name, key, "outs", "metrics")
        inside = {path for path in outputs if any(path.startswith(f"{one}/") for one in declared)}
        assert outputs - inside == declared
        assert set(stage.inputs(settings, key).values()) <= resolved(name, key, "deps")


@pytest.mark.parametrize(
    ("setting", "line", "name", "key", "role"),
    [
        ("csrdcf.colour_names", "colour_names: none", "benchmark", "otb100", "names"),
        ("network.vgg_m", "vgg_m: none", "salnet", "pymdnet", "vgg_m"),
        ("network.vgg16", "vgg16: training/encoder/vgg11", "gpgnet", "to", "vgg16"),
    ],
)
def test_a_file_that_a_setting_names_is_a_dependency_and_an_input(
    tmp_path: Path, setting: str, line: str, name: str, key: str, role: str
) -> None:
    """So that its hash is in the record, and is compared when the stage is over."""
    text = (ROOT / "params.yaml").read_text()
    assert text.count(line) == 1
    (tmp_path / "params.yaml").write_text(text.replace(line, f"{line.partition(':')[0]}: own.npy"))
    assert STAGES[name].inputs(params.load(tmp_path), key)[role] == "own.npy"
    assert f"${{{setting}}}" in paths(name, "deps")
    assert "none" not in STAGES[name].inputs(params.load(ROOT), key).values()


def test_dvc_draws_the_reports_points_by_series_in_all_profiles() -> None:
    plots: list[dict[str, Any]] = YAML(typ="safe").load(ROOT / "dvc.yaml")["plots"]
    named = {name: entry for plot in plots for name, entry in plot.items() if name.startswith("figure-")}
    assert {name: entry["y"] for name, entry in named.items()} == {
        name: {f"reports/tables/{name}.csv": "y"} for name in named
    }
    templates = [
        (ROOT / place / ".dvc/plots/figure.json").read_text() for place in ("", "profiles/paper", "profiles/further")
    ]
    assert len(set(templates)) == 1 and {entry["template"] for entry in named.values()} == {"figure"}
    drawn = json.loads(templates[0])["encoding"]
    assert drawn["color"]["field"] == figures.COLUMNS[0] and named["figure-8"]["x"] in figures.COLUMNS


def test_every_curve_that_is_drawn_is_some_stages_output() -> None:
    plots: list[dict[str, Any]] = YAML(typ="safe").load(ROOT / "dvc.yaml")["plots"]
    drawn = [file for plot in plots for entry in plot.values() for file in entry["y"]]
    outputs = {
        path
        for name in ("language", "encoder", "gpgnet", "salnet")
        for key in keys(name)
        for path in resolved(name, key, "outs")
    }
    outputs |= resolved("report", "", "outs")
    points = {f"figure-{number}" for number in (8, 9, 10)}
    assert {"language", "encoder", "gpgnet", "salnet"} | points == {name for plot in plots for name in plot}
    assert drawn and all(any(Path(file).is_relative_to(out) for out in outputs) for file in drawn)
