"""The stage that teaches GPGNet's encoders to see and to tell: pictures, words, what is left out, what is handed on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dat import records
from dat.base import params, sections
from dat.base.errors import InputError, MissingError
from dat.models import weights
from dat.models.gpgnet import Encoder, GPGNet
from dat.models.sentence import SentenceNet
from dat.models.vocabulary import PAD, UNKNOWN, Vocabulary
from dat.training import encoder, gpgnet, grounding
from dat.training.attention_data import AttentionData
from tests.parts import training_sets
from tests.parts.training_sets import stage


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
    own = made.root.encoder["vgg11"].model_copy(update=changes)
    network = made.root.network.model_copy(update={"width": width})
    return encoder.EncoderTask(data, words, held_out or set(), own, "vgg11", network, seed=0)


def test_it_writes_weights_that_every_attention_network_starts_from(made: params.Settings) -> None:
    folder = made.path / "training" / "encoder" / "vgg11"
    metrics = records.read_json(folder / "metrics.json")
    assert 0 <= metrics["held_out_words"] <= 1 and metrics["words"] >= 2
    tensors = weights.read_encoder("training/encoder/vgg11", "vgg11", made.path)
    for version in ("to", "nl", "jtnl"):
        module, _ = gpgnet.build(made.path / "training", list(made.root.gpgnet[version].inputs), made)
        own = module.encoder.state_dict()
        assert set(own) == set(tensors) and all(torch.equal(own[name], tensors[name]) for name in own)
        if module.sentence is not None:
            found, _ = weights.load_sentence(folder / "sentence")
            before, _ = weights.load_sentence(made.path / "training" / "language")
            for name, value in module.sentence.state_dict().items():
                assert torch.equal(value, found.state_dict()[name])
            assert not torch.equal(found.embedding.weight, before.embedding.weight)
    assert len(training_sets.curve(folder)) == 10


def test_the_same_settings_give_the_same_bytes(made: params.Settings) -> None:
    assert records.folder_files(taught(made, "one")) == records.folder_files(taught(made, "two"))


def test_it_learns_words_from_pictures(made: params.Settings) -> None:
    """Discs are red, squares blue; a disc and a square that no training saw are told by it."""
    one = task(made, {"disc-3", "square-3"}, width=0.1, steps=300, least=3)
    assert len(one.words) >= 2  # disc, square, red, blue; numbers are in one sentence each
    rows = encoder.runner.train(one, made.root.train)
    assert rows[-1]["held_out_words"] > 0.7  # .5 by chance: each has two of four
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]


def test_held_out_videos_of_any_version_are_not_seen(made: params.Settings) -> None:
    out = encoder.held_out_videos(made.path / "training", made)
    training, seed = made.root.gpgnet_training, made.root.train.seed
    for version in ("to", "nl", "jtnl"):
        inputs = list(made.root.gpgnet[version].inputs)
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
    with pytest.raises(
        MissingError, match=r"training/encoder/vgg13: no weights there; `dat train encoder vgg13` makes"
    ):
        weights.read_encoder("training/encoder/vgg13", "vgg13", made.path)
    with pytest.raises(InputError, match="weights of kind 'language', expected 'encoder'"):
        weights.read_encoder("training/language", "vgg11", made.path)


def test_nothing_is_learned_from_pictures_in_the_dark(made: params.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    data = AttentionData(made.path / "training", ["target"], None)
    patches, videos, real = {}, data.videos, AttentionData.patch_pixels
    monkeypatch.setattr(AttentionData, "patch_pixels", lambda self, i: patches.get(self.sequence(i), real(self, i)))
    _, words = weights.load_sentence(made.path / "training" / "language")
    picture = Encoder(0.02, "vgg11")

    def named() -> list[str]:
        own = made.root.encoder["vgg11"].sentence
        return list(grounding.prepare(data, words, set(), picture, SentenceNet(len(words), 10), own, 0).names)

    assert named() == sorted(videos)
    patches[videos[0]] = real(data, data.usable[0]) // 30
    assert named() == sorted(videos[1:])
    with pytest.raises(InputError, match="no video that is not held out has a sentence and a patch that is not dark"):
        own = made.root.encoder["vgg11"].sentence
        net = SentenceNet(len(words), 10)
        grounding.prepare(data, words, set(videos[1:]), picture, net, own, 0)
    one = task(made)
    i = next(i for i in one.rows if data.sequence(int(i)) == videos[0])
    monkeypatch.setattr(encoder, "pasted", lambda *_: pytest.fail("a dark patch was shown"))
    for seed in range(20):
        one._picture(np.random.default_rng(seed), int(i))


def test_features_are_the_largest_values_of_what_the_decoder_is_given(made: params.Settings) -> None:
    module = GPGNet(["target"], made.root.network, generator=torch.Generator().manual_seed(1), encoder="vgg11").double()
    patches = torch.rand(23, 3, 32, 48, generator=torch.Generator().manual_seed(2)).double() * 255
    found = grounding.features(module.encoder, patches)
    with torch.no_grad():
        assert torch.allclose(found, module.encode_patch(patches).amax((2, 3)), rtol=1e-9, atol=1e-12)


def grounded(dropout: float = 0.0, steps: int = 10) -> grounding.GroundingTask:
    """Ten videos of a red or a blue thing, whose features say which; the last two are held out."""
    texts = [f"the {colour} thing" for colour in ("red", "blue")] * 5
    words = Vocabulary.of(texts, 16)
    seen = torch.tensor([[1.0, 0, 5, 2], [-1, 3, 5, 2]]).repeat(5, 1)
    tokens = torch.stack([words.tokens(text) for text in texts])
    own = sections.Grounding(steps=steps, batch=4, rate=1e-2, dropout=dropout)
    net = SentenceNet(len(words), 4, generator=torch.Generator().manual_seed(3))
    return grounding.GroundingTask(net, [f"v{i}" for i in range(10)], tokens, seen, np.arange(10) >= 8, own, 0)


def test_the_error_of_foretelling_by_hand() -> None:
    one = grounded()
    one.seen = one.seen.double()  # sums of float64 from the same float32 words: their order is nothing to the bound
    batch = one.batch(0)
    with torch.no_grad():
        out = one.module(batch.tokens).double().numpy()
    wanted = np.where(batch.rows[:, None] % 2 == 0, [1.0, -1, 0, 0], [-1.0, 1, 0, 0])  # less the mean, over the spread
    columns = np.mean([(out[i, :3] - wanted[i]) ** 2 for i in range(4)])  # three words, the rest is padding
    means = np.mean([(out[i, :3].mean(0) - wanted[i]) ** 2 for i in range(4)])
    assert one.loss(batch)["loss"].item() == pytest.approx((columns + means) / 2, rel=1e-6)
    assert one.samples(batch) == [f"v{i}" for i in batch.rows]


def test_foretelling_is_learned_and_held_out_videos_are_not_drawn() -> None:
    one = grounded(steps=200)
    assert {int(i) for step in range(50) for i in one.batch(step).rows} == set(range(8))
    with torch.no_grad():
        assert one.validate()["held_out_foretold"] < 0.5
    for step in range(200):
        one.optimiser.zero_grad()
        one.loss(one.batch(step))["loss"].backward()
        one.optimiser.step()
    with torch.no_grad():
        assert one.validate()["held_out_foretold"] > 0.95


def test_a_share_of_the_words_is_made_unknown() -> None:
    tokens = torch.stack([grounded(dropout=0.3).batch(step).tokens for step in range(200)])
    assert (tokens[..., :3] == UNKNOWN).double().mean() == pytest.approx(0.3, abs=0.03)
    assert (tokens[..., 3:] == PAD).all()
    assert (grounded().batch(0).tokens != UNKNOWN).all()


def test_sentences_of_another_size_are_refused(made: params.Settings) -> None:
    data = AttentionData(made.path / "training", ["target"], None)
    _, words = weights.load_sentence(made.path / "training" / "language")
    own = made.root.encoder["vgg11"].sentence
    with pytest.raises(InputError, match="pictures have 10 features, sentences 12; make language"):
        grounding.prepare(data, words, set(), Encoder(0.02, "vgg11"), SentenceNet(len(words), 12), own, 0)
