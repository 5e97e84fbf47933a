"""Names from outside: the rule itself, every place where one enters, and how names are shown."""

import csv
import html
import io
import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from dat import cli
from dat.audit import earlier, retrain, revisions
from dat.audit.scores import Results
from dat.base import naming, params
from dat.base.errors import DatError, InputError, ParamsError
from dat.benchmarks import catalogue
from dat.cli import stages
from dat.cli.evaluate import evaluate
from dat.datasets import finding, manifest, sentences, sets, shards
from dat.datasets.subsample import write_selection
from dat.evaluation import baselines, ground_truth, results, table
from dat.evaluation.vot import files as vot_files
from dat.fanout import store
from dat.pipeline import running
from dat.records import Job
from dat.report import stage
from dat.report.figures import Figure
from dat.video import stored
from tests.parts import fake_scores, small_sets

ROOT = Path(__file__).resolve().parents[2]
ODD = ["../../x", "/x", "a/b", "..", ".hidden", "", " x", "a\\b", "a\nb", "a\x1b[31mb", "a\x00b", "a\u202eb", "x" * 129]
"""Names that cannot be part of a path."""

TYPED = ["[bold]", "<b>x</b>", "=1+1", "+x", "-x", "@x", "a b", "Σ", "$\\frac", "a|b", "Jogging(2)"]
"""Names that are odd, but are shown as they are typed; those with a separator are data sets' alone."""


# ---------------------------------------------------------------- the rule


@given(st.text())
def test_a_name_that_passes_is_one_visible_part_of_a_path(name: str) -> None:
    try:
        found = naming.part(name, "list.txt:1")
    except InputError:
        return
    assert found == name and (Path("/results") / f"{name}.txt").parent == Path("/results")
    assert Path("/results", name).resolve() == Path("/results", name) != Path("/results")
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in name)
    assert len(name.encode()) <= naming.LONGEST


@given(st.text(st.characters(categories=("L", "N"), include_characters="-_+()=@$ "), min_size=1, max_size=30))
def test_a_plain_name_passes(name: str) -> None:
    if name == name.strip():
        assert naming.part(name, "list.txt:1") == name


@given(st.lists(st.text(st.sampled_from("ab.1_-/\\\n \x1b"), max_size=4), min_size=1, max_size=4).map("/".join))
def test_a_path_that_passes_leads_below(path: str) -> None:
    try:
        naming.below(path, "manifest:2")
    except InputError:
        return
    place = Path("/root/folder", path)
    assert Path("/root/folder") in place.parents and ".." not in place.parts
    assert all(naming.fault(part) == "" for part in path.split("/"))


@pytest.mark.parametrize("name", ODD)
def test_a_message_names_the_place_on_one_line_that_can_be_printed(name: str) -> None:
    with pytest.raises(InputError, match=r"^list\.txt:7: the sequence '.*; give it a plain name$") as caught:
        naming.part(name, "list.txt:7", "sequence")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 200


@pytest.mark.parametrize("name", [None, 3, ["x"], b"x"])
def test_what_is_no_text_is_no_name(name: Any) -> None:
    for rule in (naming.part, naming.below):
        with pytest.raises(InputError, match="is no text"):
            rule(name, "list.txt:1")


# ---------------------------------------------------------------- where names enter


def row(**facts: Any) -> dict[str, Any]:
    return {"sequence": "A", "frames": 1, "files": [["A/img/1.jpg", 1, "0"]], "boxes": [[1, 2, 3, 4]]} | facts


def header(**facts: Any) -> dict[str, Any]:
    return {"name": "own", "layout": "otb", "root": "data/own", "lists": {"own": ["A"]}, "linked": True} | facts


def by_manifest(head: dict[str, Any], line: dict[str, Any]) -> Callable[[Path], object]:
    def enter(folder: Path) -> object:
        text = "\n".join(json.dumps(one) for one in (head, line | {"digest": ""}))
        (folder / "own.jsonl").write_text(text + "\n")
        return manifest.read(folder / "own.jsonl")

    return enter


def by_written_manifest(name: str) -> Callable[[Path], object]:
    return lambda folder: manifest.write(folder / "own.jsonl", header(), [row(sequence=name)])


def by_description(**facts: Any) -> Callable[[Path], object]:
    def enter(folder: Path) -> object:
        settings = small_sets.profile(folder)
        small_sets.describe(settings, "otb100", **facts)
        return sets.load(settings, "otb100")

    return enter


def by_vot_json(name: str) -> Callable[[Path], object]:
    def enter(folder: Path) -> object:
        (folder / "truth.json").write_text(json.dumps({name: {"gt_rect": [[0, 0, 1, 1]]}}))
        return vot_files.read_truth(folder / "truth.json", catalogue.find("vot2019"))

    return enter


def by_list_of_sequences(name: str) -> Callable[[Path], object]:
    def enter(folder: Path) -> object:
        (folder / "list.txt").write_text(f"Deer\n{name}\n", newline="")
        return catalogue.subset(catalogue.find("tnl2k"), folder / "list.txt")

    return enter


def by_shard_index(name: str) -> Callable[[Path], object]:
    def enter(folder: Path) -> object:
        rows = [{"sequence": "A", "shard": name, "offset": 0, "length": 1}]
        shards.write_table(folder / "index.csv", ["sequence", "shard", "offset", "length"], rows)
        return shards.Shards(folder)

    return enter


def by_member(name: str) -> Callable[[Path], object]:
    def enter(folder: Path) -> object:
        with shards.Writer(folder / "shards", "frames") as writer:
            return writer.add(0, name, b"")

    return enter


ENTRIES: dict[str, Callable[[str], Callable[[Path], object]]] = {
    "a manifest's row": lambda name: by_manifest(header(), row(sequence=name)),
    "a manifest's frame": lambda name: by_manifest(header(), row(files=[[f"{name}/1.jpg", 1, "0"]])),
    "a manifest's list": lambda name: by_manifest(header(lists={"own": ["A", name]}), row()),
    "the name of a manifest's list": lambda name: by_manifest(header(lists={name: ["A"]}), row()),
    "a manifest's data set": lambda name: by_manifest(header(name=name), row()),
    "a row that is written": by_written_manifest,
    "the list of a data set": lambda name: by_description(lists={"otb100": ["A", name]}),
    "the name of a data set": lambda name: by_description(name=name),
    "VOT's JSON": by_vot_json,
    "--sequences": by_list_of_sequences,
    "an index of shards": by_shard_index,
    "a member of a shard": by_member,
    "a stage's key": lambda name: lambda folder: running.run_stage("synthetic", name),
}
NOWHERE = {
    ("--sequences", ""),
    ("--sequences", " x"),
    ("--sequences", "a\nb"),
    ("a stage's key", ""),
    ("a manifest's frame", "a/b"),
}
"""What is no such name there: a line is stripped, or is two; a stage may have no key; a frame lies in folders."""


@pytest.mark.parametrize(
    ("entry", "name"), [(entry, name) for entry in ENTRIES for name in ODD if (entry, name) not in NOWHERE]
)
def test_no_entry_takes_such_a_name(tmp_path: Path, entry: str, name: str) -> None:
    (tmp_path / "in").mkdir()
    binary = (entry, name) == ("--sequences", "a\0b")  # a list with a zero byte is no text
    with pytest.raises(DatError, match="a binary file" if binary else "plain name|leads elsewhere"):
        ENTRIES[entry](name)(tmp_path / "in")
    assert {path.name for path in tmp_path.iterdir()} == {"in"}


@pytest.mark.parametrize("entry", [name for name in ENTRIES if name != "a stage's key"])
def test_every_entry_takes_a_plain_name(tmp_path: Path, entry: str) -> None:
    try:
        ENTRIES[entry]("Jogging-1")(tmp_path)
    except InputError as error:  # VOT2019 has no such sequence
        assert entry == "VOT's JSON" and "no ground truth of vot2019" in str(error)


@pytest.mark.parametrize("root", ["../other", "/etc", "data/../../x"])
def test_the_frames_of_a_manifest_lie_below_the_profile(tmp_path: Path, root: str) -> None:
    for enter in (by_manifest(header(root=root), row()), by_description(root=root)):
        with pytest.raises(InputError, match="leads elsewhere"):
            enter(tmp_path)


@pytest.mark.parametrize("place", ["../sentences.csv", "/etc/passwd", "../../annotations/x.csv"])
def test_the_sentences_of_a_data_set_lie_below_the_checkout(tmp_path: Path, place: str) -> None:
    with pytest.raises(InputError, match=r"otb100\.json: .*path of sentences"):
        by_description(sentences=place)(tmp_path)


def profile(folder: Path, **more: Any) -> Any:
    return SimpleNamespace(path=folder, root=SimpleNamespace(benchmarks={}, **more))


def by_audited_scores(benchmark: str, tracker: str) -> Callable[[Path], object]:
    return lambda folder: Results._folder(SimpleNamespace(settings=profile(folder)), benchmark, tracker)


def by_training_again(part: str, name: str) -> Callable[[Path], object]:
    def enter(folder: Path) -> object:
        record = {"params": {}, "inputs": [], "parents": []} | {part: [{"path": name}]}
        network = retrain.Network("weights/gpgnet/t", "gpgnet", "t", record, None)
        return retrain._check(cast(Any, SimpleNamespace(settings=profile(folder), params={})), network)

    return enter


def by_earlier_lock(name: str) -> Callable[[Path], object]:
    def enter(folder: Path) -> object:
        run = SimpleNamespace(settings=profile(folder), lacking=set(), partial=set(), revision="v1")
        store = SimpleNamespace(listing=lambda *_: None, cached=str)
        with mock.patch.object(earlier.lock, "read"), mock.patch.object(earlier, "locked", lambda _: {name: "0"}):
            return earlier._link(cast(Any, run), cast(Any, store))

    return enter


def by_earlier_listing(name: str) -> Callable[[Path], object]:
    def enter(folder: Path) -> object:
        run = SimpleNamespace(settings=profile(folder), lacking=set(), partial=set())
        store = SimpleNamespace(listing=lambda *_: {name: ("0", folder / "not cached")})
        return earlier._output(cast(Any, run), cast(Any, store), "results/own", "0.dir")

    return enter


def by_commit(name: str) -> Callable[[Path], object]:
    def enter(folder: Path) -> object:
        with (
            mock.patch.object(revisions, "check_lock"),
            mock.patch.object(revisions, "write_bytes"),  # a test that fails writes nothing either
            mock.patch.object(revisions, "git", lambda *_: b""),
            mock.patch.object(revisions, "_lines", lambda _: [name]),
        ):
            return revisions._unpack(folder, "v1", "0" * 40, folder)

    return enter


READ_AGAIN: dict[str, Callable[[str], Callable[[Path], object]]] = {
    "a benchmark of the scores": lambda name: by_audited_scores(name, "T@seed-0"),
    "a tracker of the scores": lambda name: by_audited_scores("otb100", name),
    "an input of a training's record": lambda name: by_training_again("inputs", name),
    "a parent of a training's record": lambda name: by_training_again("parents", name),
    "an output of a commit's lock": by_earlier_lock,
    "a file of such an output": by_earlier_listing,
    "a file of a commit": by_commit,
    "the tracker of dat show": lambda name: lambda folder: stored.find(profile(folder), f"own/{name}/A"),
    "the sequence of dat show": lambda name: lambda folder: stored.find(profile(folder), f"own/T/{name}"),
}
"""Where names of a run enter again: what the audit and `dat show` read. Paths may have several parts."""

PATHS = {name for name in READ_AGAIN if name.startswith(("an ", "a parent", "a file"))}
THERE = {("an output of a commit's lock", name) for name in ("", "..")}
"""Folders that are there already: nothing is put in their place."""


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (entry, name)
        for entry in READ_AGAIN
        for name in ODD
        if (entry, name) not in THERE and (name != "a/b" or entry not in PATHS)
    ],
)
def test_no_record_score_or_commit_leads_elsewhere(tmp_path: Path, entry: str, name: str) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match=r"plain name|leads elsewhere|name BENCHMARK/VARIANT"):
        READ_AGAIN[entry](name)(tmp_path / "in")
    assert {path.name for path in tmp_path.rglob("*")} == {"in"}


@pytest.mark.parametrize("entry", READ_AGAIN)
def test_a_plain_name_is_no_reason_to_refuse_a_record(tmp_path: Path, entry: str) -> None:
    try:
        READ_AGAIN[entry]("Jogging-1")(tmp_path)
    except DatError as error:
        assert re.search("no benchmark 'own'|not there, and|has none of its outputs", str(error)), error


@pytest.mark.parametrize("name", ["a\\b", "a\nb", "a\x1b[31mb", "a\u202eb", " x", "x" * 129])
def test_a_baselines_folder_with_such_a_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"the tracker '.*give it a plain name"):
        list(baselines._trackers(tmp_path, cast(Any, None)))


@pytest.mark.parametrize("name", ["a\\b", "a\nb", "a\x1b[31mb", "x" * 129])
def test_folders_with_such_names_are_refused(tmp_path: Path, name: str) -> None:
    """Names that a file system allows."""
    small_sets.otb(tmp_path / "otb", name)
    with pytest.raises(InputError, match="the sequence '"):
        finding.find("otb", tmp_path / "otb", [])
    with pytest.raises(InputError, match="the sequence '"):
        ground_truth.read(tmp_path / "otb", catalogue.find("tnl2k"))
    with pytest.raises(InputError, match="the tracker '"):
        results.tracker_folders(tmp_path / "otb")
    alone = tmp_path / "results" / name
    alone.mkdir(parents=True)
    (alone / "Deer.txt").touch()
    with pytest.raises(InputError, match="the tracker '"):
        results.tracker_folders(alone)
    if name != "a\nb":
        small_sets.lasot(tmp_path / "lasot", f"{name}-1")
        with pytest.raises(InputError, match="the sequence '"):
            write_selection(tmp_path / "lasot", tmp_path / "list.csv", 1)
        with pytest.raises(InputError, match="the sequence '"):
            finding.find("lasot", tmp_path / "lasot", [])


def test_a_forged_entry_of_the_store_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("x")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    folder = store.entry(tmp_path / "store", "ab12")
    folder.mkdir(parents=True)
    record = {"key": "ab12", "outputs": [{"path": "../../../outside.txt", "sha256": digest}]}
    (folder / "record.json").write_text(json.dumps(record))
    assert store.record(tmp_path / "store", "ab12") is None and not folder.exists()


# ---------------------------------------------------------------- params.yaml

HOSTILE = ["$(touch pwned)", "`x`", "a/b", "../x", "a;b", "a b", "'a", "a.b", "a@seed-0", "-a", "a\nb", ""]


def with_name(folder: Path, old: str, name: str) -> Path:
    """The root's params.yaml with one name changed."""
    text = (ROOT / "params.yaml").read_text()
    assert old in text
    (folder / "params.yaml").write_text(text.replace(old, old.replace("NAME", "", 1)[:0] + name, 1))
    return folder


PLACES = {
    "variants": ("  csrdcf: {salnet", "  {}: {{salnet"),
    "benchmarks": ("  vot2016: {data", "  {}: {{data"),
    "datasets": ("  tlp: {layout", "  {}: {{layout"),
    "synthetic": ("  tlp: {seed", "  {}: {{seed"),
    "gpgnet": ("  to: {from", "  {}: {{from"),
    "salnet": ("  layers-2: {group", "  {}: {{group"),
    "group": ("layers-2: {group: parts", "layers-2: {{group: {}"),
    "profile": ("profile: embedded", "profile: {}"),
}


@pytest.mark.parametrize(
    ("place", "name"), [*(("benchmarks", name) for name in HOSTILE), *((place, "a/b") for place in PLACES)]
)
def test_a_name_in_params_is_refused_by_file_and_line(tmp_path: Path, place: str, name: str) -> None:
    old, new = PLACES[place]
    text = (ROOT / "params.yaml").read_text()
    assert text.count(old) == 1
    changed = text.replace(old, new.format(json.dumps(name)))
    (tmp_path / "params.yaml").write_text(changed)
    line = text[: text.index(old)].count("\n") + 1
    with pytest.raises(ParamsError, match=rf"params\.yaml:{line}: .* is no name; letters, digits") as caught:
        params.load(tmp_path)
    assert str(caught.value).isprintable()


PATHS = {
    "datasets.tlp.manifest": "manifest: training/domains/tlp",
    "gpgnet.to.from": "to: {from: training/frames",
    "gpgnet.to.masks": "to: {from: training/frames, masks: training/masks",
    "gpgnet.to.language": "to: {from: training/frames, masks: training/masks, language: none",
    "salnet.salnet.from": "salnet: {group: core, from: training",
    "benchmarks.tc128.salnet": "protocol: one-pass, salnet: weights/salnet/core",
    "benchmarks.tc128.gpgnet": "salnet: weights/salnet/core, gpgnet: weights/gpgnet",
    "datasets.tc128.sentences": "sentences: data/tc128/sentences.csv",
    "network.vgg_m": "vgg_m: none",
    "network.vgg16": "vgg16: training/encoder/vgg11",
    "csrdcf.colour_names": "colour_names: none",
}


@pytest.mark.parametrize(
    ("setting", "path"),
    [("network.vgg16", path) for path in ("/etc/x", "a/../../x", "~/x/..")] + [(setting, "../x") for setting in PATHS],
)
def test_a_path_in_params_stays_below_the_profile(tmp_path: Path, setting: str, path: str) -> None:
    old, text = PATHS[setting], (ROOT / "params.yaml").read_text()
    assert old in text
    (tmp_path / "params.yaml").write_text(text.replace(old, old.rpartition(" ")[0] + f" {path}", 1))
    line = text[: text.index(old)].count("\n") + 1
    with pytest.raises(ParamsError, match=rf"params\.yaml:{line}: '.*' of '{setting}' is no path below the profile"):
        params.load(tmp_path)


@pytest.mark.parametrize("root", ["$(touch pwned)", "..;x", ""])
def test_the_root_is_a_path_that_a_shell_takes_as_it_is(tmp_path: Path, root: str) -> None:
    text = (ROOT / "params.yaml").read_text().replace("root: .", f"root: {json.dumps(root)}")
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(ParamsError, match=r"params\.yaml:5: .* of 'root'"):
        params.load(tmp_path)


def test_no_command_of_the_graph_has_a_key() -> None:
    """DVC starts a stage before anything of ours has read params.yaml, and quotes nothing that it puts in."""
    graph = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    bodies = [stage.get("do", stage) for stage in graph.values()]
    assert [body["cmd"] for body in bodies if "$" in body["cmd"].replace("${root}", "")] == []


VERBS = [
    *((verb, [], stages.__dict__[verb]) for verb in ("synthetic", "index", "benchmark")),
    *((verb, [verb], stages.train) for verb in ("encoder", "gpgnet", "salnet")),
    ("evaluate", [], evaluate),
]


@pytest.mark.parametrize("key", ["otb100", "$(touch pwned)", "x'$(touch pwned)'", "a; touch pwned", "a b"])
@pytest.mark.parametrize(("verb", "words", "command"), VERBS)
def test_a_verb_takes_the_key_of_the_stage_that_dvc_runs(
    monkeypatch: pytest.MonkeyPatch, verb: str, words: list[str], command: click.Command, key: str
) -> None:
    runs: list[tuple[str, str]] = []
    for module in (stages, running):
        monkeypatch.setattr(module, "run_stage", lambda name, key, *timing: runs.append((name, key)))
    monkeypatch.setenv("DVC_STAGE", f"a folder/dvc.yaml:{verb}@{key}")
    CliRunner().invoke(command, words, catch_exceptions=False)
    CliRunner().invoke(command, [*words, "typed"], catch_exceptions=False)
    assert runs == [(verb, key), (verb, "typed")]
    monkeypatch.delenv("DVC_STAGE")
    assert CliRunner().invoke(command, words).exit_code != 0 and len(runs) == 2


# ---------------------------------------------------------------- names as they are shown


@given(st.text())
def test_what_is_shown_prints_on_one_line(text: str) -> None:
    assert naming.shown(text).isprintable()
    assert naming.shown(text) == text or not text.isprintable()


def is_formula(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    return False


@given(st.text(st.sampled_from("=+-@\uff1d\uff0b\uff0d\uff20'\t\rab1.,\"")))
def test_a_cell_is_no_formula_and_comes_back(text: str) -> None:
    assert not is_formula(naming.cell(text))
    assert naming.from_cell(naming.cell(text)) == text


def scores(names: list[str]) -> dict[str, Any]:
    one = {"scored": 1, "expected": 1, "complete": True, "missing": [], "ignored": [], "cut": [], "success": 0.5}
    trackers = {name: one | {"sequences": {"=x": {"frames": 1, "success": -0.5}}} for name in names}
    return {"benchmark": "tnl2k", "definition": "lasot", "trackers": trackers, "pairs": []}


def test_scores_as_csv_have_no_formulas_and_keep_their_numbers() -> None:
    rows = list(csv.reader(io.StringIO(table.as_csv(scores(TYPED)))))
    assert not any(is_formula(value) for line in rows for value in line)
    assert {naming.from_cell(line[0]) for line in rows[1:]} == set(TYPED)
    assert [line[3] for line in rows[1:] if line[1]] == ["-0.5"] * len(TYPED)


def test_a_terminals_table_shows_names_as_they_are_typed() -> None:
    lines = table.terminal(scores(TYPED)).splitlines()
    assert all(any(line.startswith(name) for line in lines) for name in TYPED)


def test_tables_of_ours_give_back_what_was_written(tmp_path: Path) -> None:
    rows = [{"sequence": name, "sentence": name} for name in [*TYPED, "'tis", "'=x"]]
    shards.write_table(tmp_path / "t.csv", ["sequence", "sentence"], rows)
    assert shards.read_table(tmp_path / "t.csv", ["sequence"]) == rows
    assert not any(is_formula(word) for line in csv.reader((tmp_path / "t.csv").open()) for word in line)


def test_a_sentence_is_no_formula_in_its_table(tmp_path: Path) -> None:
    found = {name: sentences.Sentence(name, "=the red car", "@someone", "2026-11-29") for name in ("A", "-B")}
    sentences.write(tmp_path / "t.csv", found.values())
    assert not any(is_formula(word) for line in csv.reader((tmp_path / "t.csv").open()) for word in line)
    assert sentences.read(tmp_path / "t.csv") == found


def test_an_error_shows_what_it_names(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise InputError("/data/\x1b]0;owned\x07\udcff/x\n[bold]: wrong")

    monkeypatch.setattr(cli.dat, "main", fail)
    monkeypatch.setattr("sys.argv", ["dat", "x"])
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err == "dat: /data/\\x1b]0;owned\\x07\\udcff/x\\n[bold]: wrong\n"


def test_a_wrong_call_shows_what_was_typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["dat", "\x1b[31mred"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "\x1b" not in capsys.readouterr().err
    assert isinstance(cli.dat, click.Group)


def test_an_audit_shows_names_as_they_are_typed() -> None:
    from rich.console import Console

    from dat.audit import show
    from dat.audit.checks import Audit, Check, Node

    subject = "[bold]a[/] \x1b[31m :smile: [/nothing]"
    check = Check("result file", "differs", subject, "[red]x", "y")
    out = io.StringIO()
    audit = Audit("otb100/[b]/success", 0.5, Node("[i]", subject, [check], []))
    Console(file=out, width=200, emoji=False).print(show.terminal(audit))
    said = out.getvalue()
    assert "[bold]a[/] \\x1b[31m :smile: [/nothing]" in said and "otb100/[b]/success" in said and "\x1b" not in said


def test_plots_show_trackers_names_as_they_are_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.axes import Axes

    from dat.evaluation import plots

    names, shown = ["a$\\frac{$b", "$x$", "_hidden", "<b>", "[bold]"], []
    data = scores(names)
    for entry in data["trackers"].values():
        entry["curves"] = {"success": [0.5] * 21}
    legend = Axes.legend
    monkeypatch.setattr(Axes, "legend", lambda *args, **more: shown.append(legend(*args, **more)))
    written = plots.draw(data, tmp_path)
    assert [path.name for path in written] == ["tnl2k-success.png", "tnl2k-success.svg"]
    assert {text.get_text().partition(" [0")[0] for text in shown[0].get_texts()} == set(names)
    assert not any(text.get_parse_math() for text in shown[0].get_texts())


def test_a_report_shows_a_data_sets_name_as_it_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, settings, write = (
        "=1+1 $\\frac{$ <script>x</script> [bold] *b* `c` | d",
        params.load(ROOT),
        stage.write_figures,
    )

    def write_one(folder: Path, drawn: list[Figure]) -> dict[int, bytes]:
        svg = write(folder, drawn[:1])[drawn[0].number]  # a drawing takes seconds
        return {figure.number: svg for figure in drawn}

    monkeypatch.setattr(stage, "write_figures", write_one)
    fake_scores.write_scores(tmp_path / "metrics", settings)
    fake_scores.write_trainings(tmp_path / "weights", tmp_path / "language", settings)
    for path in (tmp_path / "metrics").iterdir():
        path.write_text(json.dumps(json.loads(path.read_text()) | {"data_set": name}))
    inputs = {role: tmp_path / role for role in ("metrics", "weights", "language", "results", "manifests")}
    outputs = {role: tmp_path / "out" / role for role in ("tables", "figures", "players", "page")}
    stage.run(Job("", settings, inputs, outputs))
    page, lines = outputs["page"].read_text(), (outputs["tables"] / "table-1.md").read_text().splitlines()
    assert html.escape(name, quote=False) in page and "<script>x" not in page
    rows = [line for line in lines if line.startswith("| ")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows[:8]}) == 1  # as many cells in each
    assert naming.markdown(name) in lines[2] and "<script>" not in "".join(lines)
    for path in outputs["tables"].glob("*.csv"):
        table_rows = list(csv.DictReader(path.open(newline="")))
        assert not any(is_formula(word) for row in table_rows for word in row.values())
        assert {naming.from_cell(row["data_set"]) for row in table_rows} <= {name, ""}
