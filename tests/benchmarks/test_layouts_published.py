"""The published lists that come with the package."""

import pytest

from dat.benchmarks import published


@pytest.mark.parametrize(
    ("name", "targets", "frames"),
    [
        ("otb100", 100, 59040),
        ("otb2013", 51, 29491),
        ("otb50", 50, 26972),
        ("otb100-similar", 46, None),
        ("tc128", 129, 55346),
        ("tlp", 50, 676431),
        ("dtb70", 70, 15777),
        ("lasot", 1400, 3517342),
        ("lasot-train", 1120, None),
        ("vot2014", 25, None),
        ("vot2016", 60, 21455),
    ],
)
def test_lists_have_the_published_numbers(name: str, targets: int, frames: int | None) -> None:
    base = "lasot" if name.startswith("lasot") else "otb100" if name.startswith("otb") else name
    names, facts = published.lists(base)[name], published.facts(base)
    assert len(names) == len(set(names)) == targets
    if frames:
        assert sum(facts[target].frames for target in names) == frames


def test_human4_is_its_second_target_in_every_list() -> None:
    lists = published.lists("otb100")
    assert all("Human4" not in names for names in lists.values())
    assert all("Human4-2" in lists[name] for name in ("otb100", "otb50", "otb100-similar"))


def test_the_two_otb_lists_share_28_targets() -> None:
    lists = published.lists("otb100")
    assert len(set(lists["otb50"]) & set(lists["otb2013"])) == 28


def test_synthetic_sets_have_no_facts() -> None:
    assert published.facts("otb100")["David"].first == 300
    assert published.facts("synthetic-otb100") == {}
