"""The stage that teaches GPGNet's encoder to see: its pictures, its words, what it leaves out, what it hands on."""

from pathlib import Path

import numpy as np
import pytest
import torch
import training_sets
from hypothesis import given
from hypothesis import strategies as st
from training_sets import stage

from dat import params, records
from dat.errors import InputError
from dat.models import weights
from dat.models.vocabulary import Vocabulary
from dat.training import encoder, gpgnet
from dat.training.attention_data import AttentionData


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> params.Settings:
    return training_sets.make(tmp_path_factory.mktemp("profile"))


def taught(made: params.Settings, out: str) -> Path:
    return stage(encoder.run, made, "vgg11", training_sets.TAUGHT_FROM, {"weights": out})


def task(
    made: params.Settings, held_out: set[str] | None = None, width: float = 0.02, **changes: object
) -> encoder.EncoderTask:
    _, words = weights.load_sentence(made.path / "training" / "language")
    data = AttentionData(made.path / "training", ["target"], None)
    own = made.section("encoder.vgg11").model_copy(update=changes)
    network = made.section("network").model_copy(update={"width": width})
    return encoder.EncoderTask(data, words, held_out or set(), own, "vgg11", network, seed=0)


def test_it_writes_weights_that_every_attention_network_starts_from(made: params.Settings) -> None:
    folder = made.path / "training" / "encoder" / "vgg11"
    metrics = records.read_json(folder / "metrics.json")
    assert 0 <= metrics["held_out_words"] <= 1 and metrics["words"] >= 2
    tensors = weights.read_encoder("training/encoder/vgg11", "vgg11", made.path)
    for version in ("to", "nl", "jtnl"):
        module, _ = gpgnet.build(made.path / "training", list(made.section(f"gpgnet.{version}").inputs), made)
        own = module.encoder.state_dict()
        assert set(own) == set(tensors) and all(torch.equal(own[name], tensors[name]) for name in own)
    assert len(training_sets.curve(folder)) == 10


def test_the_same_settings_give_the_same_bytes(made: params.Settings) -> None:
    assert records.folder_files(taught(made, "one")) == records.folder_files(taught(made, "two"))


def test_it_learns_words_from_pictures(made: params.Settings) -> None:
    """Discs are red, squares blue; a disc and a square that no training saw are told by it."""
    one = task(made, {"disc-3", "square-3"}, width=0.1, steps=300, least=3)
    assert len(one.words) >= 2  # disc, square, red, blue; numbers are in one sentence each
    rows = encoder.runner.train(one, made.section("train"))
    assert rows[-1]["held_out_words"] > 0.7  # .5 by chance: each has two of four
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]


def test_held_out_videos_of_any_version_are_not_seen(made: params.Settings) -> None:
    out = encoder.held_out_videos(made.path / "training", made)
    training, seed = made.section("gpgnet_training"), made.section("train").seed
    for version in ("to", "nl", "jtnl"):
        inputs = list(made.section(f"gpgnet.{version}").inputs)
        videos = AttentionData(made.path / "training", inputs, None).videos
        assert gpgnet.split_videos(videos, training.held_out, seed)[1] <= out
    one = task(made, out)
    assert out and {one.data.sequence(int(i)) for i in one.rows}.isdisjoint(out)
    assert {one.data.sequence(int(i)) for i in one.held_out} == out


@given(st.integers(0, 10**6), st.integers(0, 29), st.integers(0, 39), st.integers(1, 12), st.integers(16, 30))
def test_a_window_lies_in_the_frame_and_has_the_targets_middle(seed: int, y: int, x: int, size: int, side: int) -> None:
    mask = np.zeros((30, 40), bool)
    mask[y : y + size, x : x + size] = True
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    frame = np.zeros((30, 40, 3), np.uint8)
    frame[(rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2] = 255
    found = encoder.window(np.random.default_rng(seed), frame, mask, side)
    assert found.shape == (side, side, 3) and found.max() == 255


@given(st.integers(0, 10**6), st.integers(16, 30), st.integers(4, 16))
def test_a_patch_is_pasted_whole(seed: int, side: int, smallest: int) -> None:
    frame, patch = np.zeros((30, 40, 3), np.uint8), np.full((30, 40, 3), 200, np.uint8)
    found = encoder.pasted(np.random.default_rng(seed), patch, frame, side, smallest)
    mask = found[:, :, 0] == 200
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert found.shape == (side, side, 3) and mask.sum() == tall * wide
    assert smallest <= min(tall, wide) and max(tall, wide) <= side and not frame.any()


def test_words_that_few_or_most_sentences_have_do_not_count() -> None:
    texts = ["the red car", "the red dog", "the blue car", "the blue dog", "the odd one"]
    words = Vocabulary.of(texts, 16)
    tags, chosen = encoder.tagged(texts, words, 2)
    assert chosen == sorted(words.number[word] for word in ("red", "blue", "car", "dog"))
    place = {word: chosen.index(words.number[word]) for word in ("red", "car")}
    assert tags[:, place["red"]].tolist() == [1, 1, 0, 0, 0] and tags[:, place["car"]].tolist() == [1, 0, 1, 0, 0]
    with pytest.raises(InputError, match=r"no word is in 4 sentences or more; lower encoder\.\*\.least"):
        encoder.tagged(texts, words, 4)


def test_pictures_larger_than_frames_are_refused(made: params.Settings) -> None:
    with pytest.raises(InputError, match=r"side is 40, which must lie between smallest \(8\) and the frames' 32"):
        task(made, side=40)
    with pytest.raises(InputError, match="no frame shows a target"):
        task(made, {f"{kind}-{n}" for kind in ("disc", "square") for n in (1, 2, 3)})


def test_weights_of_another_kind_are_refused(made: params.Settings) -> None:
    with pytest.raises(InputError, match=r"is a vgg11, gpgnet_training\.encoder is vgg16: make it vgg11"):
        weights.read_encoder("training/encoder/vgg11", "vgg16", made.path)
    with pytest.raises(InputError, match="weights of kind 'language', expected 'encoder'"):
        weights.read_encoder("training/language", "vgg11", made.path)
