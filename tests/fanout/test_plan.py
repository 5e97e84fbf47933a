"""Packing units into jobs; what a key depends on is tested on the tiny project."""

import heapq
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dat import records
from dat.base.errors import MissingError
from dat.base.sections import Variant
from dat.benchmarks import published
from dat.fanout.plan import START, pack
from dat.fanout.stage import unknown_words, without_sentences
from dat.fanout.unit import Unit, files_of
from dat.models.vocabulary import Vocabulary
from dat.tracking.parts import parts
from tests.parts import small_sets


def unit(key: str, cost: int, variant: str = "pymdnet") -> Unit:
    return Unit(key, variant, 0, "Deer", "none", "weights/salnet/core/pymdnet", None, cost)


costs = st.lists(st.integers(1, 4000), min_size=1, max_size=60)


@given(costs, st.integers(1, 16), st.integers(1, 8))
def test_every_unit_is_in_one_job_longest_first_and_a_core_idles_for_no_more_than_a_share(
    lengths: list[int], batch: int, cores: int
) -> None:
    """A job is over its share by less than its last unit, which bounds what any order of ends can waste."""
    units = [unit(f"{index:03}", cost) for index, cost in enumerate(lengths)]
    jobs = pack(units, batch, cores)
    flat = [one for job in jobs for one in job]
    assert sorted(one.key for one in flat) == [one.key for one in units]
    assert [one.cost for one in flat] == sorted(lengths, reverse=True)
    assert all(1 <= len(job) <= batch for job in jobs)
    left = sum(lengths)
    for job in jobs:
        before_last = sum(one.cost for one in job[:-1])
        assert before_last == 0 or before_last < max(left / (2 * cores), max(lengths) / 8, START)
        left -= sum(one.cost for one in job)


def test_jobs_shrink_to_single_units() -> None:
    """Of 16 equal units on two cores a quarter of what is left, one at least: 16, 12, 9, 6, 4, 3, 2, 1 are left."""
    jobs = pack([unit(f"{index:02}", 100) for index in range(16)], 16, 2)
    assert [len(job) for job in jobs] == [4, 3, 3, 2, 1, 1, 1, 1]
    assert [len(job) for job in pack([unit(f"{index:02}", 100) for index in range(16)], 3, 2)][:2] == [3, 3]


def test_a_job_of_short_units_lasts_as_long_as_another_would_take_to_start() -> None:
    jobs = pack([unit(f"{index:02}", 40) for index in range(16)], 16, 2)
    assert [len(job) for job in jobs] == [4, 3, 3, 2, 2, 2]


@pytest.mark.parametrize("gpus", [1, 2, 4, 8, 16, 32, 64])
def test_the_makespan_is_within_5_percent_of_the_least_where_estimates_are_20_percent_off(gpus: int) -> None:
    """OTB100's published lengths, 30 trackers; each GPU takes the next job when it is free."""
    frames = [fact.frames for fact in published.facts("otb100").values()]
    units = [unit(f"{index:05}", cost) for index, cost in enumerate(frames * 30)]
    noise = np.clip(np.random.default_rng(0).normal(1, 0.2, len(units)), 0.1, None)
    seconds = {one.key: one.cost * factor for one, factor in zip(units, noise, strict=True)}
    free = [0.0] * gpus
    for job in pack(units, 16, gpus):
        heapq.heappush(free, heapq.heappop(free) + sum(seconds[one.key] for one in job))
    least = max(sum(seconds.values()) / gpus, max(seconds.values()))
    assert max(free) <= least / 0.95


def test_variants_with_one_key_run_once() -> None:
    jobs = pack([unit("a", 10, "pymdnet"), unit("a", 10, "nodes-0")], 8, 2)
    assert [len(job) for job in jobs] == [1]


def test_nothing_missing_is_no_job() -> None:
    assert pack([], 8, 2) == []


def test_without_a_sentence_attention_is_from_the_target_alone() -> None:
    def version(attention: str, sentence: str | None) -> str:
        return parts(Variant(salnet="core/salnet", attention=attention), sentence, Path("weights"), None).version

    assert [version(name, None) for name in ("none", "to", "nl", "jtnl")] == ["none", "to", "to", "to"]
    assert version("jtnl", "the dog") == "jtnl"


def test_csrdcf_reads_its_own_section_no_seed_and_no_weights(tmp_path) -> None:
    own = Unit("", "csrdcf", 3, "Deer", "none", None, None, 10)
    sections = {"tracking": {"a": 1}, "csrdcf": {"b": 2}, "vot": {"c": 3}}
    assert own.reads(sections) == {"csrdcf": {"b": 2}, "vot": {"c": 3}} and own.draws is None
    assert unit("k", 1).reads(sections) == {"tracking": {"a": 1}, "vot": {"c": 3}} and unit("k", 1).draws == 0
    assert files_of(tmp_path, own) == []


def test_csrdcf_depends_on_attention_and_on_the_file_of_colour_names(tmp_path) -> None:
    own = Unit("", "csrdcf+attention", 0, "Deer", "to", None, "weights/gpgnet/to", 10, "names.npy")
    with pytest.raises(MissingError, match="gpgnet"):
        files_of(tmp_path, own)
    records.write_bytes(tmp_path / "weights/gpgnet/to/weights.safetensors", b"x")
    with pytest.raises(MissingError, match="colour_names"):
        files_of(tmp_path, own)
    records.write_bytes(tmp_path / "names.npy", b"y")
    assert files_of(tmp_path, own) == [tmp_path / "weights/gpgnet/to/weights.safetensors", tmp_path / "names.npy"]


def test_the_share_of_unknown_words_of_a_benchmark() -> None:
    """Three sentences of five words to a network that knows "the red disc number": of "the blue square number 1" three
    are unknown, of "the red disc number 1" one; words beyond the network's length do not count."""
    known = Vocabulary(["the", "red", "disc", "number"], length=5)
    told = ["the blue square number 1 again", "the red disc number 1", "the blue square number 2"]
    assert unknown_words(known, told) == "7 of 15 words unknown, 46.7 %"
    assert unknown_words(known, []) == ""


def test_which_variants_lack_sentences_of_how_many_targets(tmp_path) -> None:
    settings = small_sets.profile(tmp_path)
    otb100, tc128 = settings.root.benchmarks["otb100"], settings.root.benchmarks["tc128"]
    text = "1 of 3 have a sentence; without one, dat-nl, dat-jtnl see the target alone [R27]"
    assert without_sentences(settings, otb100, ["the deer", None, None]) == text
    assert without_sentences(settings, otb100, ["the deer"]) == ""
    silent = tc128.model_copy(update={"variants": ["pymdnet", "csrdcf"]})
    assert without_sentences(settings, silent, [None]) == ""
