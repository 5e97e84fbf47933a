"""Packing units into jobs; what a key depends on is tested on the tiny project."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dat import records
from dat.errors import MissingError
from dat.fanout.plan import pack
from dat.fanout.stage import unknown_words, without_sentences
from dat.fanout.unit import Unit, files_of
from dat.models.vocabulary import Vocabulary
from dat.sections import Variant
from dat.tracking.parts import parts
from tests.parts import small_sets


def unit(key: str, cost: int, variant: str = "pymdnet") -> Unit:
    return Unit(key, variant, 0, "Deer", "none", "weights/salnet/core/pymdnet", None, cost)


costs = st.lists(st.integers(1, 4000), min_size=1, max_size=60)


@given(costs, st.integers(1, 16), st.integers(1, 8))
def test_every_unit_is_in_one_job_and_no_core_idles(lengths: list[int], batch: int, cores: int) -> None:
    units = [unit(f"{index:03}", cost) for index, cost in enumerate(lengths)]
    jobs = pack(units, batch, cores)
    assert sorted(one.key for job in jobs for one in job) == [one.key for one in units]
    assert len(jobs) >= min(len(units), cores)
    assert all(jobs)


def test_jobs_are_balanced_by_frames() -> None:
    jobs = pack([unit(str(index), cost) for index, cost in enumerate([700, 300, 400, 100, 500])], 8, 2)
    assert sorted(sum(one.cost for one in job) for job in jobs) == [1000, 1000]


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
