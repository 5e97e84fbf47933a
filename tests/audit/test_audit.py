"""The walk from numbers to raw files: a run as it was made holds, and each kind of tampering is found and named."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from dat import api, records
from dat.audit import origin, page, show
from dat.audit.addresses import Address, Numbers
from dat.audit.checks import Audit, Check, Node, Verdict
from dat.audit.commits import Commits
from dat.audit.printed import Printed
from dat.audit.walk import Walk
from dat.base import params
from dat.base.errors import InputError, MissingError
from dat.cli import run_in_process
from dat.datasets import manifest as manifests
from dat.fanout import store
from tests.parts import fake_profile


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    """The run, to be tampered with."""
    return Path(shutil.copytree(run, tmp_path / "copy", symlinks=True))


def audits(home: Path, text: str = "all") -> list[Audit]:
    walk = Walk(params.load(home), stages=text == "all")
    return [walk.audit(address) for address in walk.resolve(text)]


def failed(home: Path, text: str = "all") -> list[tuple[str, str, str]]:
    return [(check.name, check.verdict, check.subject) for check in show.differences(audits(home, text))]


def test_an_untouched_run_is_verified(run: Path) -> None:
    found = audits(run)
    assert len(found) > 100
    assert {audit.verdict for audit in found} == {"verified"}


@pytest.mark.parametrize(
    "address",
    [
        "otb100/dat-jtnl/success",
        "otb100/dat-jtnl@seed-0/precision",
        "otb100/pymdnet/Wall/success",
        "otb100/pymdnet/normalized_precision",
        "otb100-similar/dat-jtnl/success",
        "vot2016/pymdnet/eao",
        "vot2016/pymdnet/accuracy",
        "vot2016/pymdnet/robustness",
        "vot2016/pymdnet/Ring/failures",
    ],
)
def test_scores_come_out_again(run: Path, address: str) -> None:
    (audit,) = audits(run, address)
    assert audit.verdict == "verified"
    again = next(check for check in audit.checks if check.name == "recomputed")
    assert again.found == pytest.approx(audit.value, abs=1e-9)


def _box(home: Path) -> str:
    path = home / "results/otb100/dat-jtnl@seed-0/Star.txt"
    lines = path.read_text().splitlines()
    lines[1] = "9" + lines[1]
    path.write_text("\n".join(lines) + "\n")
    return "Star"


def _repetition(home: Path) -> str:
    path = home / "results/vot2016/pymdnet@seed-0/baseline/Ring/Ring_002.txt"
    path.write_text(path.read_text().replace("2.0000", "0.0000"))
    return "Ring_002.txt"


def _frame(home: Path) -> str:
    (home / "data/otb100/Wall/img/0003.jpg").write_bytes(b"another picture")
    return "Wall/img/0003.jpg"


def _weights(home: Path) -> str:
    (home / "weights/salnet/core/pymdnet/weights.safetensors").write_bytes(b"other numbers")
    return "weights.safetensors"


def _score(home: Path) -> str:
    path = home / "reports/metrics/otb100.json"
    data = records.read_json(path)
    data["variants"]["pymdnet"]["success"] += 0.001
    records.write_json(path, data)
    return "reports/metrics/otb100.json: otb100/pymdnet/success"


def _cell(home: Path) -> str:
    path = home / "reports/tables/table-3.csv"
    path.write_text(path.read_text().replace("dat-jtnl,otb100,success,0.", "dat-jtnl,otb100,success,0.9"))
    return "table/3/dat-jtnl/otb100-success"


def _params(home: Path) -> str:
    path = home / "params.yaml"
    data = records.read_json(path)
    data["tracking"]["threads"] = 2
    records.write_json(path, data)
    return "tracking.threads"


def _code(home: Path) -> str:
    path = home / "results/otb100/pymdnet@seed-0/Disc.json"
    record = records.read_json(path)
    record["code"]["dat/regions/boxes.py"] = "0" * 64
    records.write_json(path, record)
    return "Disc.json: dat/regions/boxes.py"


def _key(home: Path) -> str:
    path = home / "results/otb100/manifest.json"
    records.write_json(path, records.read_json(path) | {"pymdnet@seed-0/Disc": "0" * 64})
    return "Disc.json in results/otb100/manifest.json"


def _manifest(home: Path) -> str:
    path = home / "testing/otb100.jsonl"
    path.write_text(path.read_text().replace('"size":[320,240]', '"size":[640,240]', 1))
    return "testing/otb100.jsonl Disc"


def _stale(home: Path) -> str:
    lock = records.read_json(home / "dvc.lock")
    lock["stages"]["evaluate@otb100"]["deps"][1]["md5"] = "0" * 32 + ".dir"
    records.write_json(home / "dvc.lock", lock)
    return "dvc.lock evaluate@otb100: results/otb100"


def _run_file(home: Path) -> str:
    path = home / "runs/evaluate@otb100.json"
    records.write_json(path, records.read_json(path) | {"record": "0" * 64})
    return "runs/evaluate@otb100.json"


def _graph(home: Path, part: str, value: object) -> str:
    graph = records.read_json(home / "dvc.yaml")
    graph["stages"]["evaluate@otb100"][part] = value
    records.write_json(home / "dvc.yaml", graph)
    return f"dvc.yaml evaluate@otb100: {part}"


def _command(home: Path) -> str:
    return _graph(home, "cmd", "exec ./workflow/dat benchmark")


def _dependency(home: Path) -> str:
    return _graph(home, "deps", ["testing/otb100.jsonl"])


def _another_table(home: Path) -> str:
    path = home / "reports/tables/claims.csv"
    path.write_text(path.read_text() + "more\n")
    return "reports/index.record.json: reports/tables/claims.csv"


CHANGES: list[Callable[[Path], str]] = [
    _box, _repetition, _frame, _weights, _score, _cell, _params, _code, _key, _manifest, _stale,
    _run_file, _command, _dependency, _another_table,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_a_change_is_found_and_named(copy: Path, change: Callable[[Path], str]) -> None:
    subject = change(copy)
    found = failed(copy) + failed(copy, "otb100/pymdnet/success")
    assert any(verdict == "differs" and subject in where for _, verdict, where in found), found


def test_a_changed_box_changes_the_recomputed_score(copy: Path) -> None:
    _box(copy)
    assert ("recomputed", "differs") in {
        (name, verdict) for name, verdict, _ in failed(copy, "otb100/dat-jtnl/success")
    }


def test_what_a_number_does_not_rest_on_leaves_it_alone(copy: Path) -> None:
    _box(copy)
    assert failed(copy, "vot2016/pymdnet/eao") == []
    assert failed(copy, "table/2/pymdnet/vot2016-eao") == []


@pytest.mark.parametrize(
    "name",
    [
        "results/otb100/dat-jtnl@seed-0/Star.txt",
        "results/otb100/dat-jtnl@seed-0/Star.json",
        "weights/salnet/core/pymdnet/record.json",
        "data/otb100/Wall/img/0003.jpg",
        "reports/metrics/otb100.record.json",
        "testing/otb100.record.json",
    ],
)
def test_a_file_that_is_gone_is_missing(copy: Path, name: str) -> None:
    (copy / name).unlink()
    found = failed(copy, "table/3/dat-jtnl/otb100-success")
    assert any(
        verdict == "missing" and name.removeprefix("data/otb100/") in subject for _, verdict, subject in found
    ), found


def test_a_data_set_that_is_gone_is_missing_once_a_sequence(copy: Path) -> None:
    shutil.rmtree(copy / "data/otb100")
    found = failed(copy, "otb100/pymdnet/success")
    assert sorted((verdict, subject) for name, verdict, subject in found if name == "raw files") == [
        ("missing", f"testing/otb100.jsonl {name}") for name in sorted(fake_profile.OTB)
    ]


def test_a_file_that_nobody_may_read_is_missing_and_not_the_end(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = {"weights.safetensors", "Star.txt", "vot2016.json", "table-3.csv", "figure-10.csv", "dvc.yaml"}
    real = os.open

    def refuse(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path).name in closed:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    found = failed(copy)
    for name in (
        *("weights.safetensors", "results/otb100/dat-jtnl@seed-0/Star.txt", "reports/metrics: vot2016"),
        *("table-3.csv: cannot be read", "figure-10.csv: cannot be read", "dvc.yaml: cannot be read"),
    ):
        assert any(verdict == "missing" and name in subject for _, verdict, subject in found), name


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def _no_text(path: Path) -> None:
    path.write_bytes(b"a,b\n\xff\xfe\xfa\n")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, _link_to_itself, _no_text], ids=lambda make: make.__name__)
def test_what_is_no_file_of_text_is_missing_once_and_not_the_end(copy: Path, make: Callable[[Path], None]) -> None:
    places = ("reports/tables/table-3.csv", "weights/salnet/core/pymdnet/metrics.json", "dvc.lock")
    for name in places:
        (copy / name).unlink()
        make(copy / name)
    found = failed(copy)
    for name in places:
        said = [where for check, verdict, where in found if (check, verdict) in UNREAD and f"{copy / name}:" in where]
        assert len(said) == 1, (name, found)
    assert failed(copy, "otb100/dat-jtnl/success")
    with pytest.raises(InputError, match=r"table-3\.csv"):
        audits(copy, "table/3/dat-jtnl/otb100-success")


@pytest.mark.parametrize("text", ["{}", "[1]", "null"])
@pytest.mark.parametrize(
    "name",
    [
        "reports/index.record.json",
        "reports/metrics/otb100.record.json",
        "results/otb100/dat-jtnl@seed-0/Star.json",
        "weights/salnet/core/pymdnet/record.json",
    ],
)
def test_json_that_is_no_record_is_missing_and_not_the_end(copy: Path, name: str, text: str) -> None:
    (copy / name).write_text(text)
    (copy / "results/vot2016/manifest.json").write_text(text)
    found = failed(copy)
    assert ("record", "missing", name) in found
    assert any(check == "key" and "results/vot2016/manifest.json" in subject for check, _, subject in found)


UNREAD = {("printed", "missing"), ("lock", "missing")}


def test_a_row_of_a_table_without_a_number_is_named_and_the_others_are_audited(copy: Path) -> None:
    path = copy / "reports/tables/table-3.csv"
    path.write_text(path.read_text().replace("dat-jtnl,otb100,success,0.", "dat-jtnl,otb100,success,none"))
    found = audits(copy)
    assert len(found) > 100
    (audit,) = [audit for audit in found if audit.address == "table/3/dat-jtnl/otb100-success"]
    (check,) = audit.checks
    assert check.verdict == "missing" and "table-3.csv: table/3/dat-jtnl/otb100-success: ours is 'none" in check.subject


def stored(copy: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A job store with the entry of the result of Star, and the results' folder."""
    place, folder = copy / "store", copy / "results/otb100/dat-jtnl@seed-0"
    monkeypatch.setenv("DAT_CACHE", str(place))
    record = records.read_json(folder / "Star.json")
    entry = store.entry(place, record["key"])
    records.write_json(entry / "record.json", record)
    records.write_json(entry / "run.json", {"record": records.sha256_json(record)})
    records.write_bytes(entry / "Star.txt", (folder / "Star.txt").read_bytes())
    return entry, folder


def test_a_store_entry_that_is_not_what_the_results_say_differs(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, _ = stored(copy, monkeypatch)
    record, run = records.read_json(entry / "record.json"), records.read_json(entry / "run.json")
    assert failed(copy) == []
    for other, verdict in (({}, "missing"), ({"record": "0" * 64}, "differs")):
        records.write_json(entry / "run.json", other)
        assert failed(copy) == [("store", verdict, str(entry / "run.json"))]
    records.write_json(entry / "run.json", run)
    (entry / "Star.txt").write_text("1,2,3,4\n")
    assert ("store", "differs", f"{entry}: Star.txt") in failed(copy)
    records.write_json(entry / "record.json", record | {"seed": 7})
    assert ("store", "differs", str(entry / "record.json")) in failed(copy)


def test_text_where_a_number_belongs_is_told(copy: Path) -> None:
    path = copy / "results/otb100/dat-jtnl@seed-0/Star.txt"
    path.write_text(path.read_text().replace(",", ",x", 1))
    assert any("Star.txt:1" in subject for _, _, subject in failed(copy, "otb100/dat-jtnl/success"))


def test_a_number_of_an_unknown_definition_is_not_called_verified(copy: Path) -> None:
    path = copy / "reports/metrics/otb100.json"
    path.write_text(path.read_text().replace("otb-toolkit-1.1", "another"))
    (audit,) = audits(copy, "otb100/pymdnet/success")
    assert next(check for check in audit.checks if check.name == "recomputed").verdict == "unknown"
    assert audit.verdict != "verified"


# ---------------------------------------------------------------- what is shown


def check(name: str, verdict: Verdict = "verified", subject: str = "file") -> Check:
    return Check(name, verdict, subject, 1, 1 if verdict == "verified" else 2)


def labels(tree: Any) -> list[str]:
    """The lines below a tree's root."""
    return [str(child.label) for child in tree.children]


@pytest.mark.parametrize(("count", "last"), [(20, "file"), (21, "and 1 more")])
def test_twenty_failed_checks_of_a_thing_are_shown(count: int, last: str) -> None:
    audit = Audit("n", 0.5, Node("number", "n", [check(f"c{at}", "differs") for at in range(count)]))
    (*_, line) = labels(show.terminal(audit, full=True))
    assert last in line and ("more" in line) == (count > 20)


def test_a_shared_thing_is_told_in_full_where_it_comes_first() -> None:
    shared = Node("weights", "w", [check("outputs")])
    root = Node("number", "n", [check("recomputed")], [Node("a", "a", [], [shared]), Node("b", "b", [], [shared])])
    told = show.tree(root, set())
    assert told["checks"] == {"verified": 1} and "told" not in told
    first, second = (branch["rests_on"][0] for branch in told["rests_on"])
    assert first["checks"] == {"verified": 1} and "told" not in first
    assert second == {"name": "weights", "subject": "w", "verdict": "verified", "told": True}


def test_several_verified_things_that_were_told_are_one_line_of_json_and_others_keep_their_own() -> None:
    quiet, wrong = (
        [Node("weights", name, [check("outputs")]) for name in "ab"],
        Node("weights", "c", [check("x", "differs")]),
    )
    seen: set[int] = set()
    first, second = (Node("number", name, [], [*quiet, wrong]) for name in "nm")
    show.tree(first, seen)
    again = show.tree(second, seen)["rests_on"]
    assert again == [
        {"name": "weights", "subject": "c", "verdict": "differs", "told": True},
        {"name": "shared", "subject": "2 things", "verdict": "verified", "told": True},
    ]


def test_a_sequences_checks_that_hold_are_one_in_the_json_of_many() -> None:
    checks = [check("result file"), check("key"), check("code"), check("inputs", "missing")]
    numbers = [Audit(name, 0.5, Node("number", name, [], [Node("sequence", "s", checks)])) for name in "ab"]
    (first, _) = show.many(numbers)
    assert [(one["name"], one["verdict"], one["found"]) for one in first["checks"]] == [
        ("result file", "verified", 1), ("inputs", "missing", 2), ("sequence", "verified", "2 checks"),
    ]  # fmt: skip


def test_causes_are_shown_before_what_follows_from_them() -> None:
    names = ["recomputed", "record", "printed", "raw files", "code"]
    node = Node("number", "n", [check(name, "differs") for name in names])
    lines = labels(show.terminal(Audit("a", 0.5, node), full=True))
    said = [next(name for name in names if f"[bold]{name}[/]" in line) for line in lines]
    assert said == ["code", "raw files", "record", "recomputed", "printed"]


def test_two_verified_sequences_are_one_line_and_one_is_its_own() -> None:
    raw = [Node("raw", name, [check("raw files")] * 2) for name in ("Wall", "Star")]
    (line,) = labels(show.terminal(Audit("a", 0.5, Node("number", "n", [], raw)), full=True))
    assert "2 sequences" in line and "4 checks" in line and "Wall" not in line
    (line,) = labels(show.terminal(Audit("a", 0.5, Node("number", "n", [], raw[:1])), full=True))
    assert "Wall" in line and "2 checks" in line and "sequences" not in line


# ---------------------------------------------------------------- the command


@pytest.fixture
def here(run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(run)
    return run


def test_the_command_prints_a_tree(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_in_process(["audit", "table/3/dat-jtnl/otb100-success"])
    said = capsys.readouterr().out
    assert "table/3/dat-jtnl/otb100-success = 0." in said and "verified" in said
    assert "sequence results/otb100/dat-jtnl@seed-0/" in said and "and 3 more" in said
    assert "taken on trust: the audit's own code (sha256 " in said
    run_in_process(["audit", "table/3/dat-jtnl/otb100-success", "--full"])
    assert "results/otb100/dat-jtnl@seed-0/Wall.json" in capsys.readouterr().out


def test_a_numbers_head_says_where_it_comes_from(here: Path, tmp_path: Path) -> None:
    run_in_process(["audit", "otb100/pymdnet/success", "--json", str(tmp_path / "a.json")])
    origin = json.loads((tmp_path / "a.json").read_text())["origin"]
    record = records.read_json(here / "results/otb100/pymdnet@seed-0/Wall.json")
    assert origin["packages"] == record["environment"]["packages"] and origin["numerics"] == "portable"
    assert origin["data_set"] == records.read_json(here / "reports/metrics/otb100.json")["data_set"]
    names = list(records.read_json(here / "reports/metrics/otb100.json")["trackers"]["pymdnet@seed-0"]["sequences"])
    rows = manifests.read(here / "testing/otb100.jsonl").sequences
    assert (origin["sequences"], origin["frames"]) == (len(names), sum(len(rows[name].files) for name in names))
    assert list(origin["networks"]) == ["weights/salnet/core/pymdnet"]


def test_a_number_rests_on_its_own_networks_and_sequences_alone(run: Path) -> None:
    """Not on other variants' weights, nor, a sequence's, on the other sequences; with `stages` on all of both."""
    (own,) = audits(run, "otb100/pymdnet/Wall/success")
    (whole,) = [Walk(params.load(run), True).audit(one) for one in Walk(params.load(run)).resolve(own.address)]
    for other in ("weights/gpgnet/jtnl", "results/otb100/dat-jtnl@seed-0", "results/otb100/pymdnet@seed-0/Star.txt"):
        assert not own.node.path_to(other) and whole.node.path_to(other)
    for needed in (
        "weights/salnet/core/pymdnet",
        "results/otb100/pymdnet@seed-0/Wall.txt",
        "Wall",
        "dat/regions/boxes.py",
    ):
        assert own.node.path_to(needed)
    assert len(own.checks) < len(whole.checks)


def test_the_path_from_a_number_to_a_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_in_process(["audit", "otb100/dat-jtnl/success", "--why", "data/otb100/Wall/img/0003.jpg"])
    said = capsys.readouterr().out
    assert said.index("otb100/dat-jtnl/success") < said.index("dat-jtnl@seed-0/Wall.json") < said.index("0003.jpg")
    run_in_process(["audit", "otb100/pymdnet/success", "otb100/dat-jtnl/success", "--why", "weights/gpgnet/jtnl"])
    said = capsys.readouterr().out  # of two numbers, the one that rests on it
    assert "weights/gpgnet/jtnl" in said and "otb100/pymdnet/success" not in said
    with pytest.raises(InputError, match="--why weights/nothing: otb100/dat-jtnl/success does not rest on it"):
        run_in_process(["audit", "otb100/dat-jtnl/success", "--why", "weights/nothing"])


def test_the_numbers_that_rest_on_a_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_in_process(["audit", "--uses", "weights/gpgnet/jtnl"])
    found = capsys.readouterr().out.split()
    assert "table/3/dat-jtnl/otb100-success" in found and "train/gpgnet/jtnl/loss" in found
    assert not [address for address in found if "pymdnet" in address]
    run_in_process(["audit", "--uses", "tracking.threads"])  # a setting
    found = capsys.readouterr().out.split()
    assert found and not [address for address in found if address.startswith("train/")]
    for path, users in (("data/otb100/Wall/img/0003.jpg", "otb100/"), ("Wall", "otb100/"), ("Ring", "vot2016")):
        run_in_process(["audit", "--uses", path])  # a frame; a sequence
        found = capsys.readouterr().out.split()
        others = [one for one in found if users.strip("/") not in one and not one.startswith("figure/")]
        assert found and not others, path
    run_in_process(["audit", "--uses", "data/lasot/cup-1/img/0003.jpg"])  # a frame of a training
    found = capsys.readouterr().out.split()
    assert "train/gpgnet/jtnl/loss" in found and "table/3/dat-jtnl/otb100-success" in found
    with pytest.raises(InputError, match="--uses nothing/here: no number"):
        run_in_process(["audit", "--uses", "nothing/here"])
    with pytest.raises(InputError, match="no number of the report rests on it"):
        run_in_process(["audit", "--uses", ""])


def test_a_line_of_the_settings_is_the_setting_that_stands_there(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (here / "params.yaml").read_text().splitlines()
    at = next(number for number, line in enumerate(lines, 1) if '"threads"' in line or "threads:" in line)
    run_in_process(["audit", "--uses", f"params.yaml:{at}"])
    by_line = capsys.readouterr().out
    run_in_process(["audit", "--uses", "tracking.threads"])
    assert by_line == capsys.readouterr().out
    for named, said in (
        ("params.yaml", "every number rests on some of it"),
        ("params.yaml:99999", "line 99999 has no"),
    ):
        with pytest.raises(InputError, match=said):
            run_in_process(["audit", "--uses", named])


def test_a_number_that_is_named_twice_is_audited_once(here: Path, tmp_path: Path) -> None:
    run_in_process(["audit", "otb100/pymdnet/success", "otb100/pymdnet/success", "--json", str(tmp_path / "a.json")])
    assert records.read_json(tmp_path / "a.json")["address"] == "otb100/pymdnet/success"


def test_a_number_of_the_page_is_named_where_it_was_changed(copy: Path) -> None:
    html, run = copy / "reports/index.html", Printed(Numbers(params.load(copy)))

    def text(at: Address) -> str:
        few = run.too_few(at.benchmark, at.variant, at.metric) if at.at is None else ""
        return few or page.text(at, at.printed or 0.0)

    html.write_text(
        '<td data-address="table/3/dat-jtnl/otb100-success"><b>0.999</b></td>'
        + "".join(
            f'<td data-address="{address.text}">{text(address)}</td>'
            for address in Walk(params.load(copy)).resolve("all")
            if address.text != "table/3/dat-jtnl/otb100-success"
        )
    )
    (wrong,) = [check for check in show.differences(audits(copy)) if check.name == "page"]
    assert wrong.subject == "reports/index.html: table/3/dat-jtnl/otb100-success" and wrong.found == "0.999"
    html.write_text(html.read_text().replace("table/3/dat-jtnl/otb100-success", "table/3/other"))
    (gone,) = [check for check in show.differences(audits(copy)) if check.name == "page"]
    assert gone.verdict == "missing" and gone.subject == wrong.subject


def test_a_number_of_too_few_sequences_is_none_on_the_page(copy: Path) -> None:
    scores = records.read_json(copy / "reports/metrics/vot2016.json")
    scores["variants"]["pymdnet"]["eao_interval"] = [0.0, 1.0]
    records.write_json(copy / "reports/metrics/vot2016.json", scores)
    page = copy / "reports/index.html"
    for text, verdict in (("2 sequences: not enough to tell", "verified"), ("0.5", "differs"), ("0.817", "differs")):
        page.write_text(f'<td data-address="vot2016/pymdnet/eao"><b>{text}</b></td>')
        (audit,) = audits(copy, "vot2016/pymdnet/eao")
        (check,) = [check for check in audit.node.checks if check.name == "page"]
        assert check.verdict == verdict, text


@pytest.mark.parametrize(("html", "wrong"), [
    ("<b>0.606</b>", ""), ("<a> <b>0.606</b>\n</a><small>0.5 to 0.7</small>", ""), ("0.606<br>", ""),
    ("<b>0.706</b>", "0.706"), ("", ""), ("9<b>0.606</b>", "90.606"), ("<b>0.606</b>9", "0.6069"),
    ("0.606<small>0.5 to 0.9</small>", "0.5 to 0.9"), ("0.606<b></b><small>x<i>y</i>z</small>", "xyz"),
])  # fmt: skip
def test_all_the_text_of_a_cell_counts(tmp_path: Path, html: str, wrong: str) -> None:
    (tmp_path / "index.html").write_text(f'<tr>8<td data-address="a/b/c">{html}</td>7</tr>')
    (cell,) = page.numbers(tmp_path / "index.html")["a/b/c"]
    assert cell.wrong("0.606" if html else "", ["0.5 to 0.7"]) == wrong


def test_a_changed_frame_is_named_by_the_job_stores_copy(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, folder = stored(copy, monkeypatch)
    lines = (folder / "Star.txt").read_text().splitlines()
    (folder / "Star.txt").write_text("\n".join([*lines[:3], "1,2,3,4", *lines[4:]]) + "\n")
    subjects = [where for name, _, where in failed(copy) if name == "result file"]
    assert subjects == [
        "results/otb100/dat-jtnl@seed-0/Star.txt: frame 4 is the first that differs from the copy in the job store"
    ]


@pytest.mark.parametrize("count", ["0", "-1", "few"])
def test_a_replay_of_no_sequences_is_refused(here: Path, count: str) -> None:
    with pytest.raises(click.UsageError, match="no number of sequences"):
        run_in_process(["audit", "otb100/pymdnet/success", "--replay", count])


def test_the_json_of_one_number(here: Path, tmp_path: Path) -> None:
    run_in_process(["audit", "otb100/dat-jtnl/success", "--json", str(tmp_path / "a.json")])
    found = json.loads((tmp_path / "a.json").read_text())
    assert set(found) == {"address", "value", "verdict", "origin", "checks", "tree"}
    assert all(set(check) == {"name", "verdict", "subject", "expected", "found"} for check in found["checks"])


def test_the_json_of_all_tells_a_shared_thing_once(here: Path, tmp_path: Path) -> None:
    run_in_process(["audit", "all", "--json", str(tmp_path / "a.json")])
    found = json.loads((tmp_path / "a.json").read_text())
    subjects = [check["subject"] for audit in found for check in audit["checks"] if check["name"] == "result file"]
    assert len(subjects) == len(set(subjects)) == 24
    assert all(audit["checks"] for audit in found)


def test_a_tampered_run_ends_with_status_1(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _box(copy)
    monkeypatch.chdir(copy)
    with pytest.raises(SystemExit) as caught:
        run_in_process(["audit", "all"])
    assert caught.value.code == 1
    said = capsys.readouterr().out
    assert said.index("result file") < said.index("recomputed")


@pytest.mark.parametrize(("pattern", "address", "said"), [
    ("dvc.lock", "all", "dvc.lock: not there, .*git checkout -- dvc.lock.*run dvc repro"),
    ("dvc.lock", "otb100/dat-jtnl/success", "dvc.lock: not there, .*git checkout -- dvc.lock.*run dvc repro"),
    ("reports/metrics/*", "all", r"metrics/otb100\.json: not there .nor are 1 more .*not finished.* run dvc repro$"),
    ("reports/metrics/vot*", "all", r"metrics/vot2016\.json: not there, .*run dvc repro, or .* dat audit otb100/VAR"),
    ("reports/tables/*", "all", "reports/tables: no table is there, so the run is not finished; run dvc repro"),
])  # fmt: skip
def test_a_run_that_is_not_finished_is_one_message(copy: Path, pattern: str, address: str, said: str) -> None:
    for path in copy.glob(pattern):
        path.unlink()
    with pytest.raises(MissingError, match=said):
        audits(copy, address)


def test_the_python_interface_without_a_lock_is_the_same_message(copy: Path) -> None:
    (copy / "dvc.lock").unlink()
    with pytest.raises(MissingError, match=r"dvc.lock: not there, .*git checkout -- dvc.lock"):
        api.audit("otb100/dat-jtnl/success", copy)


def test_a_number_is_audited_in_a_run_that_is_not_finished(copy: Path) -> None:
    for path in (*copy.glob("reports/tables/*"), copy / "reports/metrics/vot2016.json"):
        path.unlink()
    (audit,) = audits(copy, "otb100/dat-jtnl/success")
    assert audit.verdict == "verified"


def test_in_a_clone_without_its_run_all_is_one_message(copy: Path) -> None:
    shutil.rmtree(copy / "results")
    shutil.rmtree(copy / "testing")
    with pytest.raises(MissingError, match=r"results/otb100: not there, nor are other.*dvc pull or dvc repro"):
        audits(copy)
    (audit,) = audits(copy, "vot2016/csrdcf/eao")
    assert "missing" in {check.verdict for check in audit.checks}


def test_a_vot_sets_manifest_that_is_gone_is_named_and_not_the_end(copy: Path) -> None:
    (copy / "testing/vot2016.jsonl").unlink()
    wrong = {check.subject: check.verdict for check in show.differences(audits(copy))}
    assert wrong["testing/vot2016.jsonl: list vot2016"] == "missing"
    assert not [subject for subject in wrong if "otb100" in subject]


def told(home: Path) -> str:
    """The head of a number in words."""
    walk = Walk(params.load(home))
    (address,) = walk.resolve("otb100/dat-jtnl/success")
    return "\n".join(origin.of(walk, address).lines())


def test_the_head_has_commit_patch_time_and_machine_of_units_and_of_trainings(copy: Path) -> None:
    unit = {"started": "2026-02-01T00:00:00+00:00", "host": "one", "commit": "a" * 40, "python": "3.12.1"}
    for name in fake_profile.OTB:
        records.write_json(copy / f"runs/otb100/dat-jtnl@seed-0/{name}.json", {**unit, "processor": "Maker A"})
    assert told(copy).splitlines()[:2] == [
        "made 2026-02-01T00:00:00+00:00 on one, Maker A, Python 3.12.1", "by commit aaaaaaaaaaaa, clean",
    ]  # fmt: skip
    training = {"started": "2026-01-01T00:00:00+00:00", "host": "two", "commit": "b" * 40, "patch": "c" * 64}
    records.write_json(copy / "runs/gpgnet@jtnl.json", training)
    assert told(copy).splitlines()[:2] == [
        "made 2026-01-01T00:00:00+00:00 to 2026-02-01T00:00:00+00:00 on one and two, Maker A, Python 3.12.1",
        "by commit aaaaaaaaaaaa and bbbbbbbbbbbb, with uncommitted changes (patch cccccccccccc)",
    ]  # fmt: skip
    records.write_json(copy / "runs/gpgnet@jtnl.json", {})
    records.write_json(copy / "runs/index@lasot.json", training)  # what its training read
    assert "with uncommitted changes (patch cccccccccccc)" in told(copy)


def in_words(home: Path) -> str:
    """The verdict of a number in words."""
    walk = Walk(params.load(home))
    (address,) = walk.resolve("otb100/dat-jtnl/success")
    return origin.of(walk, address).words(walk.audit(address))


def test_the_verdict_says_which_run_files_and_commits_are_not_there(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = "which are not in runs/, its code against a commit, since its run files name none"
    assert in_words(copy).endswith(f"; nothing undeclared; not checked: 6 of its 14 run files, {absent}")
    made = {name: records.read_json(copy / name) for name in map(str, (copy / "runs").glob("*.json"))}
    for name in fake_profile.OTB:
        path = copy / f"results/otb100/dat-jtnl@seed-0/{name}.json"
        facts = {"record": records.sha256_json(records.read_json(path)), "commit": "a" * 40}
        made[str(copy / f"runs/otb100/dat-jtnl@seed-0/{name}.json")] = facts
    for patch, said in (
        ({}, "which is not in this repository"),
        ({"patch": "b" * 64}, "whose checkout had uncommitted changes"),
    ):
        for name, facts in made.items():
            records.write_json(Path(name), facts | patch)
        assert in_words(copy).endswith(f"; nothing undeclared; not checked: its code against commit {'a' * 12}, {said}")
    for name, facts in made.items():
        records.write_json(Path(name), facts)
    monkeypatch.setattr(Commits, "known", lambda self, commit: True)
    assert in_words(copy).endswith("; nothing undeclared")
    shutil.rmtree(copy / "runs")
    said = "when, where and by which commit it was made (none of its 14 run files is in runs/)"
    assert in_words(copy).startswith("verified: ") and in_words(copy).endswith(f"; not checked: {said}")


def test_the_answer_of_several_says_that_run_files_are_not_there(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(copy)
    run_in_process(["audit", "otb100/pymdnet/success", "vot2016/pymdnet/eao"])
    said = "8 of its stages and sequences have no run file in runs/, otb100/pymdnet@seed-0/Disc first"
    assert f"not checked: when, where and by which commit: {said}" in capsys.readouterr().out


def test_the_head_has_every_device_and_version(copy: Path) -> None:
    path = copy / "results/otb100/dat-jtnl@seed-0/Disc.json"
    made = records.read_json(path)
    made["environment"] = {"numerics": "native", "device": "A card", "packages": {"torch": "2.14.0"}}
    records.write_json(path, made)
    assert "native and portable numerics; A card and cpu; torch 2.14.0 and 2.15.0" in told(copy)
