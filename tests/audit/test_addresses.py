"""Addresses: what each kind finds, and what is said of one that finds nothing."""

from pathlib import Path

import pytest

from dat.audit.addresses import Numbers
from dat.base import params
from dat.base.errors import InputError, MissingError
from tests.parts import fake_profile


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    return Numbers(fake_profile.build(tmp_path_factory.mktemp("run")))


@pytest.mark.parametrize(
    ("text", "benchmark", "variant", "seed", "sequence", "metric"),
    [
        ("otb100/dat-jtnl/success", "otb100", "dat-jtnl", None, "", "success"),
        ("otb100/dat-jtnl@seed-0/precision", "otb100", "dat-jtnl", 0, "", "precision"),
        ("otb100/pymdnet/Disc/success", "otb100", "pymdnet", None, "Disc", "success"),
        ("otb100/pymdnet@seed-0/Star/success", "otb100", "pymdnet", 0, "Star", "success"),
        ("otb100-similar/dat-jtnl/success", "otb100-similar", "dat-jtnl", None, "", "success"),
        ("vot2016/pymdnet/eao", "vot2016", "pymdnet", None, "", "eao"),
        ("figure/7/eao/csrdcf", "vot2016", "csrdcf", None, "", "eao"),
        ("table/3/dat-jtnl/otb100-success", "otb100", "dat-jtnl", None, "", "success"),
    ],
)
def test_scores(
    numbers: Numbers, text: str, benchmark: str, variant: str, seed: int | None, sequence: str, metric: str
) -> None:
    found = numbers.find(text)
    assert (found.text, found.benchmark, found.variant) == (text, benchmark, variant)
    assert (found.seed, found.sequence, found.metric) == (seed, sequence, metric)


def test_a_point_of_a_curve_knows_its_place(numbers: Numbers) -> None:
    found = numbers.find("figure/10/dat-jtnl-success/0.15")
    assert (found.benchmark, found.at, found.metric) == ("otb100-similar", 3, "success")
    assert numbers.find("figure/10/pymdnet-precision/20").at == 20


def test_the_number_shown_is_the_one_in_the_scores(numbers: Numbers) -> None:
    scores = numbers.scores["otb100"]
    run = scores.data["trackers"]["dat-jtnl@seed-0"]
    assert scores.shown(numbers.find("otb100/dat-jtnl/success")) == run["success"]
    assert scores.shown(numbers.find("otb100/dat-jtnl/Wall/precision")) == run["sequences"]["Wall"]["precision"]


def test_a_training(numbers: Numbers) -> None:
    found = numbers.find("train/salnet/pymdnet/loss")
    assert (found.printed, found.file) == (0.25, "weights/salnet/core/pymdnet/metrics.json")


def test_all_is_every_number_of_the_report(numbers: Numbers) -> None:
    texts = [address.text for address in numbers.every()]
    assert len(set(texts)) == len(texts)
    assert {"table/2/pymdnet/vot2016-eao", "figure/10/pymdnet-success/1", "train/salnet/pymdnet/steps"} <= set(texts)


@pytest.mark.parametrize(
    "text",
    [
        "no/such/number",
        "otb100/dat-jtnl",
        "otb100/dat-jtnl/nothing",
        "otb100/dat-jtnl@seed-7/success",
        "otb100/dat-jtnl@seed-x/success",
        "otb100/pymdnet/Moon/success",
        "table/1/CCOT/otb100-success",
        "table/9/pymdnet/otb100-success",
        "figure/9/lambda/0.7",
        "figure/7/eao/csrdcf+attention",
        "train/salnet/salnet/loss",
        "",
        "///",
    ],
)
def test_an_unknown_address_is_named(numbers: Numbers, text: str) -> None:
    with pytest.raises(InputError) as caught:
        numbers.find(text)
    assert str(caught.value).startswith(f"{text}: no such number; ")


def test_an_unknown_variant_is_answered_with_the_known_ones(numbers: Numbers) -> None:
    with pytest.raises(InputError, match=r"otb100 has the variants dat-jtnl, pymdnet"):
        numbers.find("otb100/a-tracker-of-another-run/success")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("otb100/mdnet/success", "otb100/pymdnet/success"),
        ("otb100/dat-jtnl/sucess", "otb100/dat-jtnl/success"),
        ("otb100/dat-jtnl/Stra/success", "otb100/dat-jtnl/Star/success"),
        ("table/3/dat-jtnl/otb100-sucess", "table/3/dat-jtnl/otb100-success"),
        ("train/salnet/pymdnt/loss", "train/salnet/pymdnet/loss"),
        ("otb100", "otb100/"),
        ("table/3", "table/3/"),
        ("table/3/dat-jtnl/", "table/3/dat-jtnl/otb100-"),
    ],
)
def test_a_misspelt_address_is_answered_with_the_nearest(numbers: Numbers, typed: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"{typed}: no such number; nearest: {meant}"):
        numbers.find(typed)


def test_a_benchmark_whose_scores_are_gone_is_named_with_the_stage_that_makes_them(tmp_path: Path) -> None:
    there = Numbers(fake_profile.build(tmp_path))
    (tmp_path / "reports/metrics/otb100.json").unlink()
    with pytest.raises(InputError, match=r"otb100\.json has no scores or is not there; run dvc repro evaluate@otb100"):
        there.find("otb100/dat-jtnl/success")


def test_before_any_run_the_message_says_dvc_repro(tmp_path: Path) -> None:
    numbers = Numbers(fake_profile.settings_file(tmp_path))
    with pytest.raises(InputError, match=r"no/such/number.*dvc repro"):
        numbers.find("no/such/number")
    with pytest.raises(MissingError, match=r"dvc repro"):
        numbers.every()
    assert params.load(tmp_path).profile == "fake"
