"""Domains, batches and graphs of SALNet; GPGNet's samples and scores of maps."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import bench_train
from dat.base import params
from dat.base.errors import InputError
from dat.models.vocabulary import Vocabulary
from dat.regions import boxes
from dat.training import batches, domains, map_scores
from dat.training.attention_data import AttentionData
from dat.training.gpgnet import map_figures, mean_figures, split_videos
from dat.training.language import class_name, grouped_split
from tests.parts import training_sets


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> params.Settings:
    return training_sets.make(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def found(made: params.Settings) -> list[domains.Domain]:
    return domains.read_domains(made.path / "training", with_lasot=True, held_out=0.2)


def test_domains_are_tlp_and_dtb70_and_lasots_selection(found: list[domains.Domain]) -> None:
    names = [domain.name for domain in found]
    assert names[:5] == ["DAlpha", "DBeta", "DGone", "Alpha", "Beta"]
    assert sorted(names[5:]) == ["disc-1", "disc-2", "disc-3", "square-1", "square-2", "square-3"]
    assert [len(domain.frames) for domain in found][:6] == [6, 6, 6, 6, 6, 3]
    assert found[5].frames[1].name == "00000003.jpg"


def test_lasots_domains_may_be_fewer_evenly_spaced_and_are_not_shared(
    made: params.Settings, found: list[domains.Domain]
) -> None:
    fewer = domains.read_domains(made.path / "training", with_lasot=True, held_out=0.2, most=3)
    assert [domain.name for domain in fewer[5:]] == [found[5].name, found[7].name, found[9].name]
    assert [domain.shared for domain in fewer] == [True] * 5 + [False] * 3
    assert domains.evenly(["a", "b"], 0) == domains.evenly(["a", "b"], 2) == domains.evenly(["a", "b"], 5) == ["a", "b"]


def test_a_video_that_never_shows_its_target_is_left_out_and_named(
    made: params.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    domains.read_domains(made.path / "training" / "domains", with_lasot=False, held_out=0)
    assert "never in sight: Gone" in capsys.readouterr().err


def test_the_last_frames_are_held_out_and_one_is_always_left(found: list[domains.Domain]) -> None:
    assert (found[0].held_out, found[0].trained) == (1, 5)
    assert all(domain.trained >= 1 for domain in found)


def test_domains_without_a_sentence_are_counted(
    found: list[domains.Domain], capsys: pytest.CaptureFixture[str]
) -> None:
    assert domains.say_sentences(found) == 5
    assert "11 domains, 5 of them without a sentence" in capsys.readouterr().err


def test_lasots_videos_need_the_whole_training_folder(made: params.Settings) -> None:
    with pytest.raises(InputError, match="`from` must be training"):
        domains.read_domains(made.path / "training" / "domains", with_lasot=True, held_out=0)


def test_frames_are_each_used_once_before_any_is_used_again() -> None:
    used = [frame for visit in range(5) for frame in batches.frames_of(visit, 10, 4, [0, 3])]
    assert sorted(used[:10]) == sorted(used[10:20]) == list(range(10))
    assert used[:10] != used[10:20]


def test_more_frames_than_the_video_has_come_again() -> None:
    counts = np.bincount(batches.frames_of(0, 3, 8, [1]))
    assert sorted(counts.tolist()) == [2, 3, 3]


def test_regions_overlap_as_mdnets(found: list[domains.Domain]) -> None:
    regions = batches.draw(found[0], [0, 1, 2, 3], 8, 24, np.random.default_rng(0))
    shared = boxes.overlap(regions.boxes, found[0].boxes[regions.frame])
    assert (regions.labels == 1).sum() == 8 and (regions.labels == 0).sum() == 24
    assert shared[regions.labels == 1].min() >= 0.7 and shared[regions.labels == 0].max() <= 0.5
    assert [int((regions.frame == k).sum()) for k in range(4)] == [8, 8, 8, 8]


def test_crops_are_in_the_regions_order(found: list[domains.Domain]) -> None:
    regions = batches.draw(found[0], [2, 0], 2, 2, np.random.default_rng(0))
    crops = batches.cut(found[0], regions, domains.FrameCache())
    assert crops.shape == (4, 3, 107, 107) and crops.is_contiguous(memory_format=torch.channels_last)
    middle = crops[:, :, 53, 53] + 128
    yellow = torch.tensor([240.0, 240.0, 60.0])
    near = (middle - yellow).abs().amax(1) < 40
    assert near[torch.from_numpy(regions.labels == 1)].all()


@pytest.mark.parametrize(
    ("nodes", "count", "near"), [(20, 6, 5), (28, 4, 7), (32, 4, 8), (43, 2, 11), (50, 2, 13), (70, 1, 18)]
)
def test_graphs_of_a_batch_of_128(nodes: int, count: int, near: int) -> None:
    labels = np.repeat([1, 0], [32, 96])
    groups = batches.graphs(labels, np.zeros(128, int), nodes, "batch", np.random.default_rng(0))
    assert groups.shape == (count, nodes)
    assert len(np.unique(groups)) == groups.size
    assert (labels[groups].sum(1) == near).all()


def test_no_nodes_means_no_graph_and_few_samples_one() -> None:
    labels = np.array([1, 0, 0])
    for nodes in (0, 32):
        groups = batches.graphs(labels, np.zeros(3, int), nodes, "batch", np.random.default_rng(0))
        assert groups.tolist() == [[0, 1, 2]]


def test_graphs_by_frame_have_one_frames_samples_each() -> None:
    frame, labels = np.repeat(np.arange(8), 16), np.tile(np.repeat([1, 0], [4, 12]), 8)
    groups = batches.graphs(labels, frame, 32, "frame", np.random.default_rng(0))
    assert groups.shape == (8, 16)
    assert (frame[groups] == np.arange(8)[:, None]).all()


def test_cache_keeps_what_fits(tmp_path: Path, found: list[domains.Domain], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    real = domains.read_image

    def counted(path: Path, indexed: str) -> domains.Pixels:
        read.append(path)
        return real(path, indexed)

    monkeypatch.setattr(domains, "read_image", counted)
    cache = domains.FrameCache(memory=72 * 96 * 3)  # room for one frame
    for number in (0, 1, 0, 1):
        cache.read(found[0].frames[number], found[0].hashes[number])
    assert len(read) == 3


def test_attention_data_gives_a_patch_a_video_and_masks_of_the_target(made: params.Settings) -> None:
    words = Vocabulary.of(["the red disc number"])
    data = AttentionData(made.path / "training", ["target", "language"], words)
    assert len(data.usable) == 18 and len(data.videos) == 6
    batch = data.batch([0, 1, 3])
    assert batch["frame"].shape == (3, 3, 32, 48) and batch["mask"].shape == (3, 1, 32, 48)
    assert batch["patch"].shape[0] == 2 and batch["patch_of"].tolist() == [0, 0, 1]
    assert batch["tokens"].shape == (3, 16)
    red = batch["frame"][0, 0][batch["mask"][0, 0] == 1].mean()
    assert red > 190 > batch["frame"][0, 0][batch["mask"][0, 0] == 0].mean()
    assert data.name(1) == "disc-1:3"


def test_a_third_of_the_videos_may_be_held_out_but_never_all() -> None:
    videos = [f"v-{i}" for i in range(9)]
    kept, out = split_videos(videos, 1 / 3, 0)
    assert len(out) == 3 and kept | out == set(videos) and not kept & out
    assert len(split_videos(videos[:1], 0.5, 0)[1]) == 0
    assert len(split_videos(videos, 0.0, 0)[1]) == 0


def test_equal_sentences_are_never_on_both_sides() -> None:
    groups = [f"sentence {i % 7}" for i in range(30)]
    out = grouped_split(groups, 0.3, 0)
    assert 9 <= out.sum() < 15
    assert not {g for g, o in zip(groups, out, strict=True) if o} & {
        g for g, o in zip(groups, out, strict=True) if not o
    }


def test_class_of_a_video() -> None:
    assert class_name("license plate-12") == "license plate"


MASK = np.array([[True, True, False, False], [False, False, False, False]])


def test_map_scores_by_hand() -> None:
    perfect, flat = MASK * 0.9, np.full(MASK.shape, 0.5)
    assert map_scores.overlap(perfect, MASK) == 1 and map_scores.overlap(flat, MASK) == 0.25
    assert map_scores.overlap(np.full(MASK.shape, 0.1), MASK) == 0  # nothing reaches the least threshold
    assert map_scores.average_precision(perfect, MASK) == 1 and map_scores.average_precision(flat, MASK) == 0.25
    assert map_scores.scanpath_saliency(flat, MASK) == 0
    assert map_scores.scanpath_saliency(perfect, MASK) == pytest.approx((1 - 0.25) / np.sqrt(0.25 * 0.75))
    assert map_scores.chance(MASK) == 0.25


def test_average_precision_is_the_area_of_steps() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        probability, mask = rng.integers(0, 6, 40) / 5, rng.random(40) < 0.3
        mask[0] = True
        area, recall = 0.0, 0.0
        for threshold in sorted(set(probability.tolist()), reverse=True):
            found = probability >= threshold
            hits = float((found & mask).sum())
            area += (hits / mask.sum() - recall) * hits / found.sum()
            recall = hits / mask.sum()
        assert map_scores.average_precision(probability, mask) == pytest.approx(area)


def test_frames_without_a_target_count_for_the_cross_entropy_alone() -> None:
    maps, masks = np.full((2, 2, 4), 0.5), np.stack([MASK, np.zeros_like(MASK)])
    figures = [map_figures(*pair) for pair in zip(maps, masks, strict=True)]
    row = mean_figures(figures)
    assert row["held_out_bce"] == pytest.approx(np.log(2)) and row["held_out_iou"] == 0.25
    assert set(figures[1]) == set(mean_figures(figures[1:])) == {"held_out_bce"} and mean_figures([]) == {}


def test_the_benchmark_of_trainings_has_the_papers_sizes(tmp_path: Path) -> None:
    made = bench_train.paper(tmp_path, training_sets.SHAPE)
    data = AttentionData(made.path / "training", ["target", "language"], None)
    assert data.frame_pixels(0).shape == (192, 256, 3)
    sizes, training, regions = (made.root.network, made.root.gpgnet_training, made.root.salnet_training)
    assert (sizes.width, training.encoder, regions.positives, regions.negatives) == (1.0, "vgg16", 32, 96)
