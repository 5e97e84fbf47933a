"""The vocabulary and the sentence encoder."""

from pathlib import Path

import pytest
import torch

from dat.base.errors import InputError
from dat.models.sentence import SentenceNet, anchor
from dat.models.vocabulary import PAD, UNKNOWN, Vocabulary
from dat.training.language import Classifier

SENTENCES = ["a red car driving on the road", "the Red  boat"]


def test_words_are_lower_cased_and_numbered_alphabetically() -> None:
    found = Vocabulary.of(SENTENCES)
    assert found.known == ["a", "boat", "car", "driving", "on", "red", "road", "the"]
    assert found.tokens("The red car").tolist()[:4] == [9, 7, 4, PAD]
    assert len(found) == 10


def test_long_sentences_are_cut_and_short_ones_padded() -> None:
    found = Vocabulary.of(SENTENCES, length=3)
    assert found.tokens("a red car driving").tolist() == found.tokens("a red car").tolist()
    assert "driving" not in found.number
    assert found.tokens("").tolist() == [PAD] * 3


def test_unknown_words_have_a_number_and_are_named() -> None:
    found = Vocabulary.of(SENTENCES)
    assert found.tokens("a green car")[1] == UNKNOWN
    assert found.unknown("a green car, fast") == ["green", "fast"]


def test_it_survives_the_disk(tmp_path: Path) -> None:
    found = Vocabulary.of(SENTENCES, 12)
    found.save(tmp_path / "vocabulary.json")
    again = Vocabulary.load(tmp_path / "vocabulary.json")
    assert (again.known, again.length) == (found.known, 12)


def test_another_json_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "v.json").write_text("[1]")
    with pytest.raises(InputError, match=r"v\.json: not a vocabulary"):
        Vocabulary.load(tmp_path / "v.json")


def test_encoder_at_the_paper_setting() -> None:
    net = SentenceNet(448)
    assert net(torch.zeros(2, 16, dtype=torch.int64)).shape == (2, 16, 512)
    assert sum(p.numel() for p in net.parameters()) == 448 * 512 + 3 * (512 * 512 * 3 + 512)


def test_a_word_reaches_three_words_to_each_side() -> None:
    net = SentenceNet(20, channels=8)
    one = torch.full((1, 16), 5)
    other = one.clone()
    other[0, 8] = 6
    changed = (net(one) != net(other)).any(-1)[0].nonzero().flatten().tolist()
    assert changed == list(range(5, 12))


def test_anchor_is_over_real_words_only() -> None:
    encoded = torch.arange(8.0).view(1, 4, 2)
    tokens = torch.tensor([[3, 4, PAD, PAD]])
    assert anchor(encoded, tokens).tolist() == [[1.0, 2.0]]
    assert anchor(encoded, tokens, "max").tolist() == [[2.0, 3.0]]


def test_the_language_stage_pools_as_a_rectified_anchor() -> None:
    encoded = torch.tensor([[[1.0, -2.0], [-3.0, -4.0], [5.0, 6.0], [9.0, 9.0]]])
    tokens = torch.tensor([[3, 4, 3, PAD]])
    assert anchor(encoded, tokens, "rectified").tolist() == [[2.0, 2.0]]
    net = SentenceNet(8, channels=6, layers=1)
    classifier = Classifier(net, 3, torch.Generator().manual_seed(0))
    assert torch.equal(classifier(tokens), classifier.head(anchor(net(tokens), tokens, "rectified")))
    assert not torch.equal(classifier(tokens), classifier.head(anchor(net(tokens), tokens)))


def test_anchor_of_no_words_is_zero() -> None:
    encoded, tokens = torch.ones(1, 4, 2), torch.zeros(1, 4, dtype=torch.int64)
    assert anchor(encoded, tokens).tolist() == anchor(encoded, tokens, "max").tolist() == [[0.0, 0.0]]


def test_real_sentences_have_446_words(real_data: Path) -> None:
    import tarfile

    sentences = []
    with tarfile.open(real_data / "lasot" / "lasot_annotations.tar.xz") as archive:
        for member in archive:
            if member.name.endswith("nlp.txt"):
                file = archive.extractfile(member)
                assert file is not None
                sentences.append(file.read().decode())
    assert len(sentences) == 1400
    assert len(Vocabulary.of(sentences)) == 448
