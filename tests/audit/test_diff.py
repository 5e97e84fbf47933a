"""`dat diff` on small real checkouts: what differs, why, and what is not known."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dat.audit.causes import Cause, among, locked_causes, recorded_causes, recorded_environment
from dat.audit.diff import Comparison, compare
from dat.base import params
from dat.base.errors import DatError
from dat.cli import run_in_process
from tests.parts import small_run
from tests.parts.small_run import NATIVE, PORTABLE, Project

NUMBERS = 6
"""A score for each of three variants, a loss for each of three networks."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return small_run.build(tmp_path_factory.mktemp("diff") / "checkout")


@pytest.fixture
def project(original: Project, tmp_path: Path) -> Project:
    return Project(Path(shutil.copytree(original.top, tmp_path / "checkout")))


def compared(project: Project, old: str | None = None, new: str | None = None) -> Comparison:
    return compare(params.load(project.home), old, new)


def stages(comparison: Comparison) -> dict[str, str]:
    return {stage.name: stage.text for stage in comparison.stages}


def numbers(comparison: Comparison) -> dict[str, list[str]]:
    return {number.address: [cause.text for cause in number.causes] for number in comparison.numbers}


def test_a_value_of_more_than_forty_letters_is_cut() -> None:
    cause = Cause("settings", "name", "a" * 40, "b" * 41)
    assert cause.text == f"settings name {'a' * 40} → {'b' * 39}…"


def test_three_causes_are_in_the_words_and_how_many_there_are_more() -> None:
    three, four = (among([Cause("code", f"{name}.py") for name in names]) for names in ("abc", "abcd"))
    assert three.count(".py") == 3 and not three.endswith("more")
    assert four == f"{three} and 1 more"


def test_a_run_again_is_reproduced(project: Project) -> None:
    project.run()
    comparison = compared(project)
    assert comparison.verdict == "reproduced: 6 of 6 numbers and 7 of 7 stages equal the committed run"
    assert comparison.equal and comparison.notes == []


def test_changed_code_is_the_first_stages_cause_and_the_others_follow(project: Project) -> None:
    project.code("dat/training/salnet.py", "rate = 2")
    project.run()
    comparison = compared(project)
    cause = "code dat/training/salnet.py"
    assert stages(comparison) == {
        "salnet@pymdnet": cause,
        "salnet@salnet": cause,
        "benchmark@tc128": "follows from salnet@pymdnet, salnet@salnet",
        "evaluate@tc128": "follows from salnet@pymdnet, salnet@salnet",
        "report": "follows from salnet@pymdnet, salnet@salnet",
    }
    assert comparison.verdict == (
        "not reproduced: 5 of 6 numbers and 5 of 7 stages differ from the committed run; "
        "first: salnet@pymdnet, because of code dat/training/salnet.py"
    )
    assert numbers(comparison) == {
        **{f"table/1/{name}/tc128-success": [cause] for name in small_run.VARIANTS},
        **{f"train/salnet/{name}/loss": [cause] for name in ("pymdnet", "salnet")},
    }


def test_a_comment_changes_records_alone(project: Project) -> None:
    project.code("dat/models/net.py", "# why")
    project.run()
    comparison = compared(project)
    assert comparison.numbers == []
    assert all(stage.records_alone for stage in comparison.stages)
    assert (
        "0 of 6 numbers and 6 of 7 stages differ from the committed run, in their records alone;" in comparison.verdict
    )
    assert set(comparison.stages[0].record) == {"code"}


def test_a_number_is_explained_by_its_own_networks(project: Project) -> None:
    project.replace(
        "params.yaml",
        "salnet: {group: core, from: training, nodes: 32",
        "salnet: {group: core, from: training, nodes: 33",
    )
    project.replace(
        "params.yaml",
        "language: training/language, inputs: [target, language]}",
        "language: training/language, inputs: [target]}",
    )
    project.run()
    comparison = compared(project)
    nodes = "settings salnet.salnet.nodes 32 → 33"
    inputs = "settings gpgnet.jtnl.inputs ['target', 'language'] → ['target']"
    assert numbers(comparison) == {
        "table/1/salnet/tc128-success": [nodes],
        "table/1/dat-jtnl/tc128-success": [inputs, nodes],
        "train/salnet/salnet/loss": [nodes],
        "train/gpgnet/jtnl/loss": [inputs],
    }
    assert [(cause.text, count) for cause, _, count in comparison.causes] == [(inputs, 2), (nodes, 3)]


def test_another_variants_setting_explains_no_number(project: Project) -> None:
    project.replace(
        "params.yaml", "salnet: {salnet: core/salnet, attention: none}", "salnet: {salnet: core/salnet, attention: nl}"
    )
    project.replace("params.yaml", "momentum: 0.9", "momentum: 0.8")
    project.run()
    momentum, attention = "settings tracking.momentum 0.9 → 0.8", "settings variants.salnet.attention none → nl"
    assert numbers(compared(project)) == {
        "table/1/pymdnet/tc128-success": [momentum],
        "table/1/dat-jtnl/tc128-success": [momentum],
        "table/1/salnet/tc128-success": [momentum, attention],
    }


def test_changed_data_comes_first(project: Project) -> None:
    project.write("data/tc128.json", "other frames\n")
    project.run()
    comparison = compared(project)
    assert next(iter(stages(comparison).items())) == ("index@tc128", "data data/tc128.json")
    assert {text for name, text in stages(comparison).items() if name != "index@tc128"} == {"follows from index@tc128"}
    assert len(comparison.stages) == 7 and len(comparison.numbers) == NUMBERS


def test_a_package_is_one_cause_of_all(project: Project) -> None:
    project.environment = {**PORTABLE, "packages": {"torch": "2.16.0", "numpy": "2.4.6"}}
    project.run()
    comparison = compared(project)
    assert [(cause.text, len(names)) for cause, names, _ in comparison.causes] == [
        ("packages torch 2.15.0 → 2.16.0", 7)
    ]
    assert set(stages(comparison).values()) == {"packages torch 2.15.0 → 2.16.0"}


def test_native_runs_of_two_processors(tmp_path: Path) -> None:
    project = small_run.build(tmp_path / "checkout", environment=NATIVE)
    project.environment, project.arithmetic = {**NATIVE, "processor": "Maker B"}, "another"
    project.forget()
    project.run()
    comparison = compared(project)
    assert comparison.stages[0].text == "processor Maker A → Maker B"
    assert {cause.text for cause, _, _ in comparison.causes} == {"processor Maker A → Maker B"}
    assert comparison.notes == []


def test_a_native_run_that_has_not_come_to_its_scores(tmp_path: Path) -> None:
    """The committed scores' records are known of the one processor, a training's of the other."""
    project = small_run.build(tmp_path / "checkout", environment=NATIVE)
    committed = {path: path.read_bytes() for path in project.home.glob("reports/metrics/*")}
    project.environment, project.arithmetic = {**NATIVE, "processor": "Maker B", "threads": 2}, "another"
    project.forget()
    project.run()
    for path, content in committed.items():
        path.write_bytes(content)
    assert compared(project).stages[0].text == "processor Maker A → Maker B"


def test_native_against_portable_says_what_follows(project: Project) -> None:
    project.environment, project.arithmetic = dict(NATIVE), "another"
    project.run()
    comparison = compared(project)
    assert comparison.stages[0].text == "numerics portable → native"
    assert comparison.notes == [
        "HEAD is a run of numerics portable, the working tree one of native: their numbers are not expected to be "
        "equal; compare runs of the same setting"
    ]


def test_what_nothing_recorded_explains_is_said(project: Project) -> None:
    """As when numerics were not as portable as their name: the records know nothing of the processor."""
    project.arithmetic = "another"
    project.run()
    comparison = compared(project)
    assert comparison.stages[0].text == "nothing that is recorded"
    assert comparison.verdict.endswith("first: index@tc128, because of nothing that is recorded")


def test_a_module_that_is_imported_for_the_first_time_is_no_cause_beside_the_one_that_imports_it() -> None:
    old = {"code": {"dat/a.py": "1", "dat/b.py": "1"}, "params": {}}
    assert recorded_causes(old, {"code": {"dat/a.py": "2", "dat/b.py": "1", "dat/new.py": "1"}, "params": {}}) == [
        Cause("code", "dat/a.py")
    ]
    assert recorded_causes(old, {"code": {"dat/a.py": "1"}, "params": {}}) == [Cause("code", "dat/b.py")]


def test_what_a_record_does_not_hold_is_no_difference() -> None:
    """Records of before `numerics` held the processor; those of portable numerics do not."""
    old = {"environment": {"packages": {"torch": "1"}, "processor": "A", "python": "3.11", "device": "cpu"}}
    new = {"environment": {"packages": {"torch": "1"}, "numerics": "portable", "device": "cpu"}}
    assert [cause.text for cause in recorded_environment(old, new)] == ["numerics none recorded → portable"]


def test_a_setting_of_numerics_is_told_once() -> None:
    sides = [
        {"code": {}, "params": {"numerics": value}, "environment": {"numerics": value}}
        for value in ("native", "portable")
    ]
    assert [cause.text for cause in recorded_causes(*sides)] == ["settings numerics native → portable"]


def test_settings_that_a_stages_record_does_not_name_are_no_causes() -> None:
    old, new = ({"params": {"params.yaml": {"seed": seed, "rate": rate}}} for seed, rate in ((0, 1), (1, 2)))

    def causes(record: Mapping[str, Any] | None) -> list[str]:
        return [cause.text for cause in locked_causes(old, new, [], record)]

    seed, rate = "settings seed 0 → 1", "settings rate 1 → 2"
    assert causes(None) == [rate, seed]
    assert causes({"params": {"seed": 1, "steps": 5}, "code": {}}) == [seed]
    assert causes({"params": {"steps": 5}, "code": {}}) == [rate, seed]  # a record that names none of them


# ---------------------------------------------------------------- a clone, which has no cache


def test_without_the_cache_lock_and_git_name_the_causes(project: Project) -> None:
    project.code("dat/training/salnet.py", "rate = 2")
    project.code("dat/training/gpgnet.py", "# a comment in the same folder")
    project.forget()
    project.run()
    shutil.rmtree(project.home / ".dvc" / "cache")
    comparison = compared(project)
    assert stages(comparison)["salnet@pymdnet"] == "code dat/training/salnet.py"
    assert stages(comparison)["gpgnet@jtnl"] == "code dat/training/gpgnet.py"


def test_a_new_file_that_is_no_module_is_named(project: Project) -> None:
    project.write("dat/training/words.csv", "new")
    project.forget()
    project.arithmetic = "another"
    project.run()
    assert stages(compared(project))["salnet@pymdnet"].startswith("code dat/training/words.csv")


def test_numbers_that_the_committed_run_has_elsewhere_are_not_compared(project: Project) -> None:
    project.replace("params.yaml", "momentum: 0.9", "momentum: 0.8")
    project.code("dat/training/salnet.py", "rate = 2")
    project.forget()
    project.run()
    comparison = compared(project)
    assert comparison.unknown == ["train/salnet/pymdnet/loss", "train/salnet/salnet/loss"]
    assert "3 of 6 numbers and 5 of 7 stages differ" in comparison.verdict
    assert "2 numbers are not known of both" in comparison.verdict
    assert stages(comparison)["benchmark@tc128"].startswith("settings tracking.momentum 0.9 → 0.8; follows from")


def test_equal_outputs_need_no_cache(project: Project) -> None:
    project.forget()
    assert compared(project).verdict == "reproduced: 6 of 6 numbers and 7 of 7 stages equal the committed run"


def test_a_run_that_is_not_here_is_not_reproduced(project: Project) -> None:
    for name in ("weights", "testing", "results", ".dvc/cache", "reports/index.record.json"):
        place = project.home / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    comparison = compared(project)
    assert "0 of 3 numbers and 6 of 7 stages differ" in comparison.verdict
    assert {cause.text for cause, _, _ in comparison.causes} == {"outputs that are not here (dvc repro makes them)"}


# ---------------------------------------------------------------- after the run


def test_a_table_that_was_edited_is_named(project: Project) -> None:
    score = json.loads((project.home / "reports/metrics/tc128.json").read_text())["variants"]["salnet"]["success"]
    project.replace("reports/tables/table-1.csv", repr(score), "0.999")
    comparison = compared(project)
    assert stages(comparison) == {"report": "a change of reports/tables after its run"}
    assert [(number.address, number.new) for number in comparison.numbers] == [("table/1/salnet/tc128-success", 0.999)]
    assert comparison.stages[0].outputs == {"reports/tables": ("table-1.csv",)}


def test_a_number_of_equal_scores_is_explained_by_its_table_alone(project: Project) -> None:
    project.code("dat/evaluation/score.py", "# why")
    project.run()
    project.replace("reports/tables/table-1.csv", "success,0.", "success,1.")
    comparison = compared(project)
    assert list(numbers(comparison).values()) == [["a change of reports/tables after its run"]]
    assert stages(comparison)["report"].endswith("; follows from evaluate@tc128")


def test_changed_weights_are_named_though_nothing_ran(project: Project) -> None:
    project.write("weights/salnet/core/salnet/weights.safetensors", "other")
    assert stages(compared(project)) == {"salnet@salnet": "a change of weights/salnet/core/salnet after its run"}


def test_changes_that_have_not_run_are_noted(project: Project) -> None:
    project.code("dat/evaluation/score.py", "other = 1")
    comparison = compared(project)
    assert comparison.equal
    assert comparison.notes == [
        "code or settings have changed since the last run of evaluate@tc128: that run is compared, "
        "and dvc repro makes the next"
    ]


# ---------------------------------------------------------------- revisions


def test_two_commits(project: Project) -> None:
    project.git("tag", "before")
    project.code("dat/evaluation/score.py", "other = 1")
    project.run()
    project.commit()
    project.code("dat/evaluation/score.py", "not committed")
    comparison = compared(project, "before", "HEAD")
    assert comparison.verdict == (
        "different: 3 of 6 numbers and 2 of 7 stages of HEAD differ from before; "
        "first: evaluate@tc128, because of code dat/evaluation/score.py"
    )
    assert compared(project, "before", "before").verdict == (
        "equal: 6 of 6 numbers and 7 of 7 stages of before equal before"
    )
    assert stages(compared(project, "before")) == stages(comparison)


def test_a_stage_of_one_run_alone(project: Project) -> None:
    lock = json.loads((project.home / "dvc.lock").read_text())
    del lock["stages"]["gpgnet@jtnl"]
    project.write("dvc.lock", json.dumps(lock))
    comparison = compared(project)
    assert comparison.stages[0].text == "stage gpgnet@jtnl of HEAD alone"
    assert len(comparison.why.order) == 7


def test_a_profile_in_a_folder(tmp_path: Path) -> None:
    project = small_run.build(tmp_path / "checkout", "profiles/other")
    project.code("dat/training/salnet.py", "rate = 2")
    project.forget()
    project.run()
    assert compared(project).stages[0].text == "code dat/training/salnet.py"


def _no_git(project: Project) -> None:
    shutil.rmtree(project.top / ".git")


def _no_lock(project: Project) -> None:
    (project.home / "dvc.lock").unlink()


def _no_committed_lock(project: Project) -> None:
    project.git("rm", "-q", "--cached", "dvc.lock")
    project.git("commit", "-q", "-m", "Forget the lock")


def _broken_lock(project: Project) -> None:
    text = (project.home / "dvc.lock").read_text()
    project.write("dvc.lock", "stages: [")
    project.commit()
    project.write("dvc.lock", text)


def _broken_table(project: Project) -> None:
    project.replace("reports/tables/table-1.csv", "success,0.", "success,x0.")


@pytest.mark.parametrize(
    ("change", "revisions", "message"),
    [
        (_no_git, [], "not a git repository"),
        (lambda project: None, ["nosuch"], "nosuch: no such revision here"),
        (lambda project: None, ["HEAD", "--", "-x"], "-x: no such revision here"),
        (lambda project: None, ["HEAD..HEAD"], "HEAD..HEAD: no such revision here"),
        (_no_lock, [], "dvc.lock: not there, so there is no run to compare; run dvc repro there"),
        (_no_committed_lock, [], "HEAD: there is no dvc.lock in it"),
        (_broken_lock, [], "HEAD:dvc.lock: not a lock of DVC"),
        (_broken_table, [], "reports/tables/table-1.csv: table/1/dat-jtnl/tc128-success: ours is 'x0."),
    ],
    ids=["no git", "unknown", "option", "range", "no lock", "no committed lock", "broken lock", "broken table"],
)
def test_wrong_calls_are_one_line(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Project], None],
    revisions: list[str],
    message: str,
) -> None:
    change(project)
    monkeypatch.chdir(project.home)
    with pytest.raises(DatError) as caught:
        run_in_process(["diff", *revisions])
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.status == 2


# ---------------------------------------------------------------- the command


def dat(project: Project, *arguments: str) -> int:
    """Run a command in the project; its exit status."""
    try:
        run_in_process([*arguments])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.fixture
def changed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A run of other code, to be called in."""
    project.code("dat/training/salnet.py", "rate = 2")
    project.run()
    monkeypatch.chdir(project.home)
    return project


def test_the_screen_has_verdict_causes_stages_and_numbers(changed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert dat(changed, "diff") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == compared(changed).verdict
    assert "5 stages, 5 numbers  code dat/training/salnet.py" in lines
    first = lines.index("Stages that differ, in the order of the graph") + 1
    assert lines[first].startswith("salnet@pymdnet ")
    assert any(line.startswith("table/1/salnet/tc128-success") and "→" in line for line in lines)
    assert len(lines) < 40


def test_a_name_in_dvc_lock_with_terminal_escapes_is_shown_as_it_is_typed(
    changed: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = json.loads((changed.home / "dvc.lock").read_text())
    stage = lock["stages"]["gpgnet@jtnl"]
    for name in ("ma\x1b[31ms\x1b]0;title\a", "zz\x1b[2J"):
        outs = [{"path": f"weights/{name}", "md5": "0" * 32}]
        lock["stages"][name] = {**stage, "cmd": f"echo {name}", "deps": [], "outs": outs}
    changed.write("dvc.lock", json.dumps(lock))
    assert dat(changed, "diff") == 1
    printed = capsys.readouterr().out
    assert "\x1b" not in printed and "\a" not in printed
    assert r"ma\x1b[31ms\x1b]0;title\x07" in printed
    assert r"ma\x1b[31ms" in printed.splitlines()[1]
    assert r"first: ma\x1b[31ms" in ending(changed, capsys)[0]


def test_long_lists_are_folded(
    changed: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dat.cli.diff.MOST_STAGES", 2)
    monkeypatch.setenv("COLUMNS", "60")
    dat(changed, "diff")
    printed = capsys.readouterr().out
    assert "and 3 more (--json OUT lists all)" in printed and "…" in printed


def test_the_json_has_the_same_facts(changed: Project, tmp_path: Path) -> None:
    dat(changed, "diff", "--json", str(tmp_path / "diff.json"))
    facts = json.loads((tmp_path / "diff.json").read_text())
    comparison = compared(changed)
    assert facts["verdict"] == comparison.verdict and facts["equal"] is False
    assert [stage["stage"] for stage in facts["stages"]["differ"]] == [stage.name for stage in comparison.stages]
    assert facts["stages"]["total"] == 7 and facts["numbers"]["total"] == NUMBERS
    assert facts["stages"]["differ"][0]["causes"] == [
        {"kind": "code", "name": "dat/training/salnet.py", "text": "code dat/training/salnet.py"}
    ]
    number = facts["numbers"]["differ"][0]
    assert number["address"].startswith("table/1/") and number["old"] != number["new"]
    assert facts["causes"][0]["numbers"] == 5
    assert facts["spread"]["largest"] == max(abs(at["new"] - at["old"]) for at in facts["numbers"]["differ"][:3])


def test_nothing_is_written(changed: Project) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in changed.top.rglob("*") if ".git/" not in str(path))
    dat(changed, "diff")
    assert (
        sorted((path, path.stat().st_mtime_ns) for path in changed.top.rglob("*") if ".git/" not in str(path)) == before
    )


def test_equal_runs_end_with_0(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.home)
    assert dat(project, "diff") == 0


# ---------------------------------------------------------------- the end of make repro


def ending(project: Project, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The last lines of what ends `make repro`, which must not fail: from the verdict on."""
    page = project.home / "reports/index.html"
    page.write_text('<body data-page="0a1b">')
    shutil.copytree(small_run.ROOT / "workflow", project.top / "workflow", dirs_exist_ok=True)
    run = {"stage": "report", "seconds": 1.0, "started": "2026-11-29T12:00:00+00:00", "commit": "c" * 40}
    project.write("runs/report.json", json.dumps(run | {"patch": "d" * 64, "processor": "Maker B"}))
    assert dat(project, "timings") == 0
    said = capsys.readouterr().out.splitlines()
    return said[next(at for at, line in enumerate(said) if line.startswith(("not ", "reproduced"))) :]


def run_js(project: Project) -> dict[str, object]:
    text = (project.home / "reports/run.js").read_text()
    facts: dict[str, object] = json.loads(text.removeprefix("window.datRun = ").removesuffix(";\n"))
    return facts


def test_make_repro_ends_with_the_verdict_and_tells_the_page(
    changed: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = compared(changed).verdict
    said = ending(changed, capsys)
    assert said[0] == verdict and said[-1] == "open reports/index.html"
    assert run_js(changed) == {
        "verdict": verdict,
        "notes": [],
        "equal": False,
        "commit": "c" * 40,
        "clean": False,
        "processors": ["Maker B"],
        "date": "2026-11-29T12:00:00+00:00",
        "seconds": 1.0,
        "measured": {},
        "roots": {},
        "page": "0a1b",
    }


def test_make_repro_without_git_says_so_and_does_not_fail(changed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    _no_git(changed)
    assert ending(changed, capsys)[0].startswith("not compared: ")
    assert str(run_js(changed)["verdict"]).startswith("not compared: ")


def test_make_repro_has_the_verdict_in_its_recipe() -> None:
    call = ["make", "--no-print-directory", "-n", "repro"]  # within `make test` it would print its folder at the end
    done = subprocess.run(call, cwd=small_run.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "dat timings"
