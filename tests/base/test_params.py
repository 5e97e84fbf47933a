"""Settings: every wrong file gets one message with file, line and remedy."""

import re
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml
from ruamel.yaml import YAML

from dat import records
from dat.base import params, public, sections
from dat.base.errors import MissingError, ParamsError
from dat.benchmarks import catalogue, published
from dat.pipeline.stages import STAGES
from tests.parts.settings_read import read_by

ROOT = Path(__file__).resolve().parents[2]
PROFILES = [
    ROOT,
    *(ROOT / "profiles" / name for name in ("paper", "mdnet", "further")),
    ROOT / "tests" / "workflow" / "project",
]


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = (ROOT / "params.yaml").read_text()
    assert old in text
    (tmp_path / "params.yaml").write_text(text.replace(old, new, 1))
    return tmp_path


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.name)
def test_profiles_load(profile: Path) -> None:
    assert params.load(profile).path == profile


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.name)
def test_yaml_1_1_and_1_2_agree_on_every_value(profile: Path) -> None:
    text = (profile / "params.yaml").read_text()
    assert yaml.safe_load(text) == YAML(typ="safe", pure=True).load(text)


def test_profiles_have_the_same_keys() -> None:
    embedded, paper, mdnet, _, _ = (params.plain(params.load(path).root) for path in PROFILES)
    maps = {"synthetic", "encoder", "salnet", "variants", "benchmarks"}

    def keys(root: dict[str, Any], left_out: set[str]) -> list[str]:
        return [key for name in root if name not in left_out for key in params.leaves(root[name], name)]

    assert keys(embedded, maps) == keys(paper, maps)
    assert keys(paper, maps | {"datasets", "gpgnet"}) == keys(mdnet, maps | {"datasets", "gpgnet"})


def test_the_paper_profile_starts_and_trains_as_the_paper_and_the_mdnet_of_2017_do() -> None:
    root = params.load(PROFILES[1]).root
    places = {one.param: f"data/weights/{one.file}" for one in public.PUBLIC.values()}
    assert (root.network.vgg_m, root.network.vgg16) == (places["network.vgg_m"], places["network.vgg16"])
    assert root.gpgnet_training.decoder_init == "normal"
    trainings = (root.language, root.gpgnet_training, root.salnet_training)
    assert [one.held_out for one in trainings] == [0, 0, 0]
    assert root.tracking.mdnet == "v1"
    assert (root.tracking.fc6_init, root.salnet_training.branch_init, root.network.init) == ("default",) * 3
    assert {root.tracking.dropout, root.tracking.dropout_fc4, root.salnet_training.dropout_fc4} == {0.5}
    assert root.salnet_training.anchor == "rectified"
    assert {"pymdnet", "dat-jtnl"} <= set(root.benchmarks["vot2014"].variants)


def test_the_mdnet_profile_trains_nothing() -> None:
    mdnet = params.load(PROFILES[2])
    assert all(public.weights_of(mdnet.path / entry.from_) for entry in mdnet.root.salnet.values())
    assert not mdnet.root.gpgnet and not mdnet.root.encoder and mdnet.root.network.vgg_m == "none"


def test_the_further_profile_is_the_papers_on_other_benchmarks_without_lasots_test_split() -> None:
    paper, further = (params.load(PROFILES[place]).root for place in (1, 3))
    changed = {name for name in type(paper).model_fields if getattr(paper, name) != getattr(further, name)}
    assert changed == {"profile", "datasets", "subsample", "salnet", "variants", "benchmarks"}
    assert further.subsample == paper.subsample.model_copy(update={"split": "train"})
    for name in ("salnet", "variants"):
        assert getattr(further, name).items() <= getattr(paper, name).items()
    lists = {key: records.read_json(PROFILES[3] / "data" / f"{key}.json") for key in ("lasot", "lasot-test")}
    published_lists = published.lists("lasot")
    for key, split in (("lasot", "lasot-train"), ("lasot-test", "lasot-test")):
        assert lists[key]["name"] == "lasot" and lists[key]["lists"] == {split: published_lists[split]}
    assert set(further.benchmarks) == {"lasot-test", "otb99-lang", "tnl2k"} <= set(catalogue.NAMES)


def test_the_paper_profile_names_every_variant_of_the_paper() -> None:
    names = set(params.load(PROFILES[1]).root.variants)
    grids = {
        "layers": ["2", "3", "5", "8"],
        "nodes": ["0", "20", "28", "32", "43", "50", "70"],
        "lambda": ["0", "0p1", "0p2", "0p3", "0p5", "0p8", "1"],
    }
    points = {f"{grid}-{value}" for grid, values in grids.items() for value in values}
    parts = {"pymdnet", "pymdnet+gcn", "pymdnet+gcn-near", "pymdnet+language", "salnet", "dat-to", "dat-nl", "dat-jtnl"}
    assert names == points | parts | {"csrdcf", "csrdcf+attention"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("momentum: 0.9", "momentum: '0.9'", "tracking.momentum"),
        ("momentum: 0.9", "momentun: 0.9", "momentun"),
        ("\n  threads: 1", "\n  threads: 1.5", "tracking.threads"),
        ("\n  threads: 1", "\n  threads: true", "tracking.threads"),
        ("profile: embedded\n", "", "profile"),
        ("data: otb100", "data: otb", "benchmarks.otb2013.data"),
        ("attention: jtnl", "attention: both", "variants.dat-jtnl.attention"),
        ("colour_names: none", "colour_names: /tmp/names.npy", "csrdcf.colour_names"),
        ("colour_names: none", "colour_names: ../names.npy", "csrdcf.colour_names"),
        ("frames: 42", "frames: 2", "synthetic.otb100.frames"),
        ("bins: 16", "bins: 17", "csrdcf.segmentation.bins"),
        ("momentum: 0.9", "momentum: .nan", "tracking.momentum"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = changed(tmp_path, old, new)
    with pytest.raises(ParamsError, match=said) as caught:
        params.load(folder)
    assert str(tmp_path / "params.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_line_of_a_wrong_value_is_named(tmp_path: Path) -> None:
    folder = changed(tmp_path, "  momentum: 0.9", "  momentum: 'much'")
    line = (folder / "params.yaml").read_text().splitlines().index("  momentum: 'much'") + 1
    with pytest.raises(ParamsError, match=rf"params.yaml:{line}: .*without quotes"):
        params.load(folder)


def test_broken_yaml_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("a: 1\nb: [1\nc: 2\n")
    with pytest.raises(ParamsError, match=r"params.yaml:\d+"):
        params.load(tmp_path)


@pytest.mark.parametrize(("wrong", "told"), [(".nan", "not a finite"), (".inf", "not a finite"), ("\x07", "0x7")])
def test_a_value_that_is_no_number_names_its_line(tmp_path: Path, wrong: str, told: str) -> None:
    folder = changed(tmp_path, "momentum: 0.9", f"momentum: {wrong}")
    text = (folder / "params.yaml").read_text()
    line = text[: text.index(f"momentum: {wrong}")].count("\n") + 1
    with pytest.raises(ParamsError, match=rf"params\.yaml:{line}: .*{told}") as error:
        params.load(folder)
    assert "\n" not in str(error.value)


def test_no_params_anywhere(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"no params\.yaml"):
        params.find(tmp_path)


def test_what_a_stage_reads_is_noted() -> None:
    settings = params.load(ROOT)
    settings.section("salnet.salnet", object)
    assert settings.read["salnet.salnet.triplet"] == 0.1
    assert not any(name.startswith("tracking") for name in settings.read)


def test_an_unknown_section_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="pymdnet"):
        params.load(ROOT).section("salnet.nosuch", object)


def fields(kind: Any, prefix: str) -> dict[str, tuple[str, str]]:
    """Every setting below a section, by its dotted path (`*` for an entry's name): its class and field."""
    found: dict[str, tuple[str, str]] = {}
    for name, field in kind.model_fields.items():
        path, inner = f"{prefix}{field.alias or name}", field.annotation
        path, inner = (f"{path}.*", get_args(inner)[1]) if get_origin(inner) is dict else (path, inner)
        deeper = isinstance(inner, type) and issubclass(inner, sections.Section)
        found |= fields(inner, f"{path}.") if deeper else {path: (kind.__name__, name)}
    return found


NO_STAGES = {"root", "profile", "numerics", "seeds"}
"""Where the code lies; the others are no section's, and `section` names them by their path."""


def test_every_setting_is_read_by_the_code_of_a_stage_that_declares_it() -> None:
    """DVC sees a change of what `params` of a stage in dvc.yaml names; how jobs share a machine decides no result."""
    graph = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    reads: dict[str, set[tuple[str, str]]] = {}
    declared: dict[str, list[str]] = {}
    for name, stage in STAGES.items():
        modules = [stage.module, "dat.cli.stages", *([stage.jobs] if stage.jobs else [])]
        files = {path for module in modules for path in records.code_closure(module)} - {"dat/base/params.py"}
        reads[name] = {one for path in files for one in read_by(ROOT / path)}
        listed = graph[name].get("do", graph[name])["params"]
        declared[name] = [re.sub(r"\$\{[^}]*\}", "*", path) for path in listed]
    settings = {path: field for path, field in fields(sections.Root, "").items() if path not in NO_STAGES}
    assert len(settings) > 100

    def covered(path: str, by: str) -> bool:
        places = {by, f"{by}.*"} if "*" not in by else {by}
        return any(path == place or path.startswith(f"{place}.") for place in places)

    def live(path: str, field: tuple[str, str]) -> bool:
        if path.startswith("fanout."):
            return field in reads["benchmark"]
        return any(field in reads[name] and any(covered(path, by) for by in declared[name]) for name in STAGES)

    assert [path for path, field in settings.items() if not live(path, field)] == []
