"""The three training stages, whole, on a few small videos."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from dat import records
from dat.base import params, public
from dat.base.errors import ChangedError, InputError, JobError
from dat.datasets.images import decode_image, read_image
from dat.datasets.shards import Shards
from dat.models import weights
from dat.models.graph import ADJACENCIES
from dat.models.vocabulary import PAD, UNKNOWN
from dat.tracking import build
from dat.training import encoder, gpgnet, grounding, language, losses, map_scores, salnet, spread
from dat.training.attention_data import AttentionData
from dat.training.checkpoints import Checkpoints
from tests.parts import training_sets
from tests.parts.matconvnet import matconvnet
from tests.parts.training_sets import stage

CHANGES = (
    (r"(?m)^(salnet_training:\n  cycles: )\d+", r"\g<1>2"),
    *training_sets.FEW_SAMPLES,
    (r"(?m)^(gpgnet_training: .*batch: )\d+", r"\g<1>5"),
    (r"(?m)^(gpgnet_training: .*epochs: )\d+", r"\g<1>2"),
    (r"(?m)^(train: .*checkpoint: )\d+", r"\g<1>2"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> params.Settings:
    return training_sets.make(tmp_path_factory.mktemp("profile"), *CHANGES)


def train_salnet(made: params.Settings, name: str, out: str = "out", source: str = "") -> Path:
    source = source or made.root.salnet[name].from_
    return stage(salnet.run, made, name, {"training": source}, {"weights": f"{out}/{name}"})


def train_gpgnet(made: params.Settings, name: str, out: str = "out", source: str = "") -> Path:
    inputs = {"frames": source} if source else {key: f"training/{key}" for key in ("frames", "masks", "language")}
    return stage(gpgnet.run, made, name, inputs, {"weights": f"{out}/{name}"})


def train_encoders(made: params.Settings, name: str, out: str = "out") -> Path:
    return stage(encoder.run, made, "vgg11", training_sets.TAUGHT_FROM, {"weights": f"{out}/{name}"})


def digests(folder: Path) -> list[dict[str, object]]:
    return records.folder_files(folder)


def test_language_writes_an_encoder_its_words_and_its_figures(made: params.Settings) -> None:
    folder = made.path / "training" / "language"
    encoder, words = weights.load_sentence(folder)
    assert encoder.channels == 10 and "disc" in words.number
    metrics = records.read_json(folder / "metrics.json")
    assert (metrics["sentences"], metrics["classes"], metrics["held_out"]) == (6, 2, 2)
    again = stage(language.run, made, "", {"manifest": "training/lasot.jsonl"}, {"language": "again"})
    figures = [f"dvclive/plots/metrics/{name}.tsv" for name in ("held_out_accuracy", "loss")]
    names = {"weights.safetensors", "vocabulary.json", "metrics.json", "dvclive/metrics.json", *figures}
    assert {str(f["path"]) for f in digests(again)} == names
    assert [f for f in digests(folder) if f["path"] in names] == digests(again)


def language_task(made: params.Settings, **changes: object) -> language.LanguageTask:
    texts = [f"the {thing} number {number} on the road" for thing in ("cat", "dog") for number in range(50)]
    section = made.root.language.model_copy(update={"batch": 80, "epochs": 2} | changes)
    return language.LanguageTask(texts, ["cat"] * 50 + ["dog"] * 50, section, seed=0)


def test_words_are_made_unknown_in_training_alone(made: params.Settings) -> None:
    task = language_task(made, dropout=0.3)
    first, again, other = task.batch(0), task.batch(0), task.batch(1)
    real = task.tokens[first.rows] != PAD
    share = (first.tokens[real] == UNKNOWN).double().mean()
    assert 0.2 < share < 0.4 and torch.equal(first.tokens == PAD, ~real)
    kept = first.tokens != UNKNOWN
    assert torch.equal(first.tokens[kept], task.tokens[first.rows][kept])
    assert torch.equal(first.tokens, again.tokens) and not torch.equal(first.tokens, other.tokens)
    assert not (task.tokens == UNKNOWN).any()  # what is validated


def gpgnet_task(made: params.Settings, **changes: object) -> gpgnet.GpgnetTask:
    section = made.root.gpgnet_training.model_copy(update=changes)
    module, words = gpgnet.build(made.path / "training", ["target", "language"], made)
    data = AttentionData(made.path / "training", ["target", "language"], words)
    return gpgnet.GpgnetTask(data, module, section, seed=0)


def test_frames_are_moved_with_their_masks_in_training_alone(made: params.Settings) -> None:
    moved, still = (gpgnet_task(made, shift=share, batch=4) for share in (0.5, 0.0))
    places = set()
    for step in range(3):
        (chosen, found), (same, plain) = moved.batch(step), still.batch(step)
        assert np.array_equal(chosen, same) and torch.equal(found["patch"], plain["patch"])
        for n in range(len(chosen)):
            height, width = plain["mask"].shape[2:]
            fits = [
                (dy, dx)
                for dy in range(-(height // 2), height // 2 + 1)
                for dx in range(-(width // 2), width // 2 + 1)
                if torch.equal(plain["frame"][n].roll((dy, dx), (1, 2)), found["frame"][n])
                and torch.equal(plain["mask"][n].roll((dy, dx), (1, 2)), found["mask"][n])
            ]
            assert fits, f"sample {n} of step {step} is no shift of its frame and mask"
            places.add(fits[0])
    assert len(places) > 8  # each by its own
    again = moved.batch(2)[1]
    assert torch.equal(again["frame"], found["frame"])
    with torch.no_grad():
        assert moved.validate() == still.validate()


def test_a_validation_has_the_maps_of_a_batch_at_a_time(made: params.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    task = gpgnet_task(made, batch=2)
    task.held_out = task.rows[:5]
    with torch.no_grad():
        maps, drawn = task.maps(task.held_out), list[int]()
        plain = task.maps
        monkeypatch.setattr(task, "maps", lambda samples: drawn.append(len(samples)) or plain(samples))
        figures = task.validate()
    assert drawn == [2, 2, 1]
    masks = np.stack([task.data.mask_pixels(int(i))[:, :, 0] > 127 for i in task.held_out])
    p = np.clip(maps, 1e-7, 1 - 1e-7)
    assert figures["held_out_bce"] == pytest.approx(-np.where(masks, np.log(p), np.log1p(-p)).mean(), rel=1e-12)
    seen = [i for i in range(5) if masks[i].any()]
    assert figures["held_out_iou"] == np.mean([map_scores.overlap(maps[i], masks[i]) for i in seen])


def test_maps_are_high_at_the_target_whatever_the_masks_polarity(made: params.Settings) -> None:
    """R1: learnt from masks whose target is 0, the same outputs mean the opposite, in figures and in tracking."""
    black = made.root.masks.model_copy(update={"target": 0})
    inverted = dataclasses.replace(made, root=made.root.model_copy(update={"masks": black}), read={})
    task = gpgnet_task(made)
    with torch.no_grad():
        maps, figures = task.maps(task.rows[:2]), task.validate()
        task.target = 0
        assert np.array_equal(task.maps(task.rows[:2]), 1 - maps)
        mirrored = task.validate()
    # the figures are of maps in float64, which are the same but for 1 - x: no order of float32 sums is in these bounds
    assert mirrored["held_out_bce"] == pytest.approx(figures["held_out_bce"], rel=1e-6)  # learnt as well as before
    assert mirrored["held_out_chance"] == pytest.approx(1 - figures["held_out_chance"], rel=1e-6)
    frame = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    found = []
    for settings in (made, inverted):
        module, words = gpgnet.build(settings.path / "training", ["language"], settings)
        folder = settings.path / "polarity" / str(settings.root.masks.target)
        weights.save(folder, module, gpgnet.metadata("nl", ["language"], settings))
        assert words is not None
        words.save(folder / "vocabulary.json")
        attention = build.attention(folder, "cpu")
        assert attention is not None
        attention.start(frame, (2, 3, 8, 9), "the red ball")
        found.append(attention.map(frame))
    np.testing.assert_allclose(found[1], 1 - found[0], atol=1e-6)  # the same sums twice: the bound is that of 1 - x


def test_moves_reach_the_whole_share_both_ways() -> None:
    drawn = gpgnet.shifts(np.random.default_rng(0), 4000, 0.25, (64, 80))
    assert (drawn.min(0).tolist(), drawn.max(0).tolist()) == ([-16, -20], [16, 20])


def test_gpgnets_rate_rises_and_falls(made: params.Settings) -> None:
    falling = gpgnet_task(made, decay="cosine", warm_up=4, batch=1, epochs=20)
    half = falling.steps // 2
    assert [falling.rate(0), falling.rate(3), falling.rate(half)] == pytest.approx([0.25, 1.0, 0.5], abs=0.02)
    constant = gpgnet_task(made, decay="none", warm_up=4, epochs=20)
    assert {constant.rate(step) for step in range(4, constant.steps)} == {1.0}


def test_without_dropout_words_stay(made: params.Settings) -> None:
    task = language_task(made, dropout=0.0)
    assert torch.equal(task.batch(0).tokens, task.tokens[task.batch(0).rows])


def test_the_languages_rate_can_fall(made: params.Settings) -> None:
    falling, constant = language_task(made, decay="cosine"), language_task(made, decay="none")
    assert (falling.rate(0), falling.rate(falling.steps // 2)) == pytest.approx((1.0, 0.5))
    assert {constant.rate(step) for step in range(constant.steps)} == {1.0}


@pytest.mark.parametrize("name", ["to", "nl", "jtnl"])
def test_gpgnet_trains_every_version(made: params.Settings, name: str) -> None:
    folder = train_gpgnet(made, name)
    model, words = weights.load_gpgnet(folder)
    assert (words is None) == (name == "to")
    assert list(model.inputs) == list(made.root.gpgnet[name].inputs)
    metrics = records.read_json(folder / "metrics.json")
    assert metrics["videos"] == 6 and metrics["held_out_frames"] == 3 and metrics["trained"] == 1
    rows = training_sets.curve(folder)
    assert len(rows) == 2 and float(rows[-1]["held_out_bce"]) == metrics["held_out_bce"]
    picture, drawn = read_image(folder / "samples.png"), records.read_json(folder / "samples.json")
    assert picture.shape == (3 * 32, (3 if name == "nl" else 4) * 48, 3)
    frames = Shards(made.path / "training/frames")
    places = [(row["sequence"], row["frame"], row["sentence"]) for row in frames.rows]
    for at, row in enumerate(drawn):
        i = places.index((row["sequence"], row["frame"], row["sentence"]))
        assert np.array_equal(picture[32 * at : 32 * at + 32, :48], decode_image(frames.read(i), row["sequence"]))
    facts, failing = records.read_json(folder / "worst.json"), read_image(folder / "worst.png")
    assert facts["frames"] == 3 and len({row["sequence"] for row in facts["rows"]}) == len(facts["rows"])
    scores = [row["average_precision"] for row in facts["rows"]]
    assert scores == sorted(scores) and scores[0] <= metrics["held_out_average_precision"]
    first = {key: facts["rows"][0][key] for key in ("sequence", "frame", "sentence")}
    at = drawn.index(first)  # here both pictures have every held-out frame
    assert np.array_equal(failing[:32], picture[32 * at : 32 * at + 32])


def test_the_worst_maps_are_the_lowest_of_each_video_and_counted_over_all_frames(
    made: params.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for target in (1, 0):  # R1: whether a mask is white or black where the target is
        task = gpgnet_task(made)
        task.target, task.held_out = target, task.rows
        masks = [(task.data.mask_pixels(int(i))[:, :, 0] > 127) == target for i in task.rows]
        maps = np.stack([mask * 0.5 + 0.25 for mask in masks])
        maps[0], maps[1] = 1 - maps[0], maps[1] / 2
        maps[2][~masks[2]] = np.linspace(0, 0.76, (~masks[2]).sum())
        by_sample = dict(zip(map(int, task.rows), maps, strict=True))
        monkeypatch.setattr(task, "maps", lambda samples, known=by_sample: [known[int(i)] for i in samples])
        seen, off, scores = gpgnet._judged(task)
        chosen = gpgnet.worst(task, scores)
        assert (seen, off) == (len(task.rows), 2) and chosen[0] == task.rows[0]
        videos = [task.data.sequence(int(i)) for i in chosen]
        assert (
            len(videos) == len(set(videos)) == min(gpgnet.WORST, len({task.data.sequence(int(i)) for i in task.rows}))
        )


def test_salnet_trains_with_graph_and_triplet(made: params.Settings) -> None:
    folder = train_salnet(made, "salnet")
    model = weights.load_salnet(folder)
    assert model.graph is not None and len(model.graph.layers) == 3 and len(model.branches) == 0
    metrics = records.read_json(folder / "metrics.json")
    assert metrics["domains"] == 11 and metrics["domains_without_sentence"] == 5 and metrics["steps"] == 22
    assert 0 <= metrics["held_out_accuracy"] <= 1 and "triplet" in metrics


def test_salnet_without_either_trains_on_tlp_and_dtb70(made: params.Settings) -> None:
    folder = train_salnet(made, "pymdnet")
    assert weights.load_salnet(folder).graph is None
    metrics = records.read_json(folder / "metrics.json")
    assert metrics["domains"] == 5 and "triplet" not in metrics


@pytest.fixture(scope="module")
def half(made: params.Settings, tmp_path_factory: pytest.TempPathFactory) -> params.Settings:
    """The same data with `train.bf16`."""
    folder = tmp_path_factory.mktemp("half")
    for name in ("data", "training"):
        (folder / name).symlink_to(made.path / name)
    return training_sets.settings(folder, *CHANGES, (r"bf16: false", "bf16: true"))


@pytest.mark.parametrize("name", ["salnet", "jtnl", "language"])
def test_bfloat16_gives_nearly_the_losses_of_float32(made: params.Settings, half: params.Settings, name: str) -> None:
    def losses_of(settings: params.Settings) -> list[float]:
        if name == "language":
            folder = stage(language.run, settings, "", {"manifest": "training/lasot.jsonl"}, {"language": "other"})
        else:
            folder = (train_salnet if name == "salnet" else train_gpgnet)(settings, name, "plain")
        return [float(row["loss"]) for row in training_sets.curve(folder)]

    plain, found = losses_of(made), losses_of(half)
    assert found != plain and found == pytest.approx(plain, rel=0.02)


KILLED = {
    "salnet": (train_salnet, salnet.SalnetTask),
    "jtnl": (train_gpgnet, gpgnet.GpgnetTask),
    "pictures": (train_encoders, encoder.EncoderTask),
    "sentences": (train_encoders, grounding.GroundingTask),
}


@pytest.mark.parametrize("name", KILLED)
def test_killed_at_any_step_it_ends_in_the_same_bytes(
    made: params.Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, kind = KILLED[name]
    whole = train(made, name, "whole")
    real, seen = kind.batch, []

    def breaks(self: object, step: int) -> object:
        seen.append(step)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return real(self, step)

    monkeypatch.setattr(kind, "batch", breaks)
    with pytest.raises(KeyboardInterrupt):
        train(made, name, "killed")
    again = train(made, name, "killed")
    assert seen[4] == 2  # from the checkpoint, not from the start
    assert digests(again) == digests(whole)
    checkpoints = made.path / ".dat" / "checkpoints"
    assert not checkpoints.exists() or not list(checkpoints.glob("*/*"))


def test_other_settings_do_not_resume(made: params.Settings) -> None:
    def folder(key: str) -> Path:
        found = params.load(made.path)
        found.section(key, object)
        return Checkpoints.of(records.Job("", found, {}, {}), "dat.training.salnet").folder

    assert folder("salnet.salnet") != folder("salnet.pymdnet") and folder("train") == folder("train")


def test_no_checkpoint_is_kept_of_inputs_that_changed_meanwhile(tmp_path: Path, made: params.Settings) -> None:
    """Restored bytes too: what was read in between is in the state."""
    settings = dataclasses.replace(made, path=tmp_path)
    file = tmp_path / "training" / "frames" / "a.tar"
    records.write_text(file, "frames")
    checkpoints = Checkpoints.of(
        records.Job("", settings, {"training": tmp_path / "training"}, {}), "dat.training.gpgnet"
    )
    checkpoints.save(2, {"step": 2})
    file.write_text("others")
    file.write_text("frames")
    with pytest.raises(ChangedError, match=r"training/frames/a\.tar: changed while it was in use"):
        checkpoints.save(4, {"step": 4})
    assert checkpoints.load() == {"step": 2}
    checkpoints.clear()


def test_the_encoders_second_training_looks_at_its_inputs_too(
    made: params.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(Checkpoints, "save", lambda self, *_: seen.append((self.folder.name, self.inputs is not None)))
    train_encoders(made, "watched")
    assert len({name for name, _ in seen}) == 2 and all(watched for _, watched in seen)


@pytest.mark.parametrize("name", ["language", "pictures", "jtnl", "salnet"])
def test_a_checkpoints_key_has_every_setting_that_is_read(
    made: params.Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, real = {}, Checkpoints.of.__func__

    def of(cls: type[Checkpoints], job: records.Job, module: str) -> Checkpoints:
        kept.update(job=job, read=dict(job.settings.read))
        return real(cls, job, module)

    monkeypatch.setattr(Checkpoints, "of", classmethod(of))
    fresh = params.load(made.path)
    if name == "language":
        stage(language.run, fresh, "", {"manifest": "training/lasot.jsonl"}, {"language": "again"})
    else:
        KILLED[name][0](fresh, name, "again")
    assert kept["read"] == kept["job"].settings.read


def test_a_loss_that_is_not_finite_names_the_frames(made: params.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "classification", lambda scores, labels, kind: scores.sum() * float("nan"))
    with pytest.raises(JobError, match=r"step 0: the loss is nan on \w+:00\d+\.jpg"):
        train_salnet(made, "pymdnet", "wrong")


def test_a_salnet_from_our_file_is_copied(made: params.Settings) -> None:
    folder = train_salnet(made, "pymdnet", "first")
    name = "first/pymdnet/weights.safetensors"
    out = train_salnet(made, "pymdnet", "second", name)
    assert (out / weights.FILE).read_bytes() == (folder / weights.FILE).read_bytes()
    assert records.read_json(out / "metrics.json") == {"trained": 0}
    digest = records.sha256_file(folder / weights.FILE)
    assert records.read_json(out / "source.json") == {"file": name, "sha256": digest}
    assert not (folder / "source.json").exists(), "one that was trained from random numbers has no source"


def mdnet_file(made: params.Settings, name: str, fc4: str) -> dict[str, torch.Tensor]:
    """Write a file in py-MDNet's layout that fits the settings' network; returns its tensors."""
    model = salnet.build(made, made.root.salnet["pymdnet"], 0)
    names = {"conv1.0": model.vggm.conv1, "conv2.0": model.vggm.conv2, "conv3.0": model.vggm.conv3}
    names |= {fc4: model.fc4, "fc5.1": model.fc5}
    tensors = {f"{n}.{k}": getattr(layer, k).data + 1 for n, layer in names.items() for k in ("weight", "bias")}
    torch.save({"shared_layers": tensors}, made.path / name)
    return tensors


def test_a_salnet_from_pymdnets_file_is_converted_and_its_owner_named(
    made: params.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = mdnet_file(made, "mdnet.pth", "fc4.1")
    data = (made.path / "mdnet.pth").read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    ours = public.Source("other name.pth", "https://example.org/mdnet", f"git:{blob[:7]}", "theirs", "salnet.NAME.from")
    monkeypatch.setattr(public, "PUBLIC", {**public.PUBLIC, "theirs": ours})
    out = train_salnet(made, "pymdnet", "theirs", "mdnet.pth")
    assert torch.equal(weights.load_salnet(out).fc4.weight, tensors["fc4.1.weight"])
    source = records.read_json(out / "source.json")
    assert (source["name"], source["address"], source["licence"]) == ("theirs", "https://example.org/mdnet", "theirs")
    assert source["sha256"] == hashlib.sha256(data).hexdigest()


def test_weights_for_another_normalisation_are_refused(made: params.Settings) -> None:
    mdnet_file(made, "later.pth", "fc4.0")
    with pytest.raises(InputError, match=r"normalisation is vgg-m, \S*later.pth was trained with v2: make it v2"):
        train_salnet(made, "pymdnet", "later", "later.pth")


def test_a_salnet_starts_from_vgg_m_of_its_profile_wherever_it_is_called(
    made: params.Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fresh = salnet.build(made, made.root.salnet["pymdnet"], 0).vggm
    with torch.no_grad():
        fresh.conv1.bias.fill_(0.25)
    matconvnet(made.path / "start.mat", fresh)
    monkeypatch.chdir(tmp_path)
    network = made.root.network.model_copy(update={"vgg_m": "start.mat"})
    settings = dataclasses.replace(made, root=made.root.model_copy(update={"network": network}), read={})
    module = salnet.build(settings, made.root.salnet["pymdnet"], 0)
    assert torch.equal(module.vggm.conv1.bias, fresh.conv1.bias)
    inputs = {"training": made.root.salnet["pymdnet"].from_, "vgg_m": "start.mat"}
    out = stage(salnet.run, settings, "pymdnet", inputs, {"weights": "started/pymdnet"})
    assert records.read_json(out / "source.json")["file"] == "start.mat"


def test_spread_is_of_a_graphs_nodes_and_not_between_graphs() -> None:
    nodes = np.array([[[3.0, 0.0], [3.0, 0.0]], [[2.0, 0.0], [0.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]]])
    assert spread.relative(nodes[:1]) == spread.relative(nodes[2:]) == 0
    assert spread.relative(nodes[1:2]) == pytest.approx(np.sqrt(0.5), abs=1e-4)
    assert spread.relative(nodes[:2]) == pytest.approx(np.sqrt(0.5) / 2, abs=1e-4)


@pytest.mark.parametrize("own", [None, "threshold"])
def test_a_salnet_with_a_graph_writes_how_far_apart_its_nodes_stay(made: params.Settings, own: str | None) -> None:
    """Under each reading with the weights trained under its own, which a network may have to itself [R4]."""
    entry = made.root.salnet["layers-2"].model_copy(update={"adjacency": own})
    settings = dataclasses.replace(made, root=made.root.model_copy(update={"salnet": {"layers-2": entry}}), read={})
    out = stage(salnet.run, settings, "layers-2", {"training": entry.from_}, {"weights": f"graph/{own}"})
    found = records.read_json(out / "graph.json")
    assert found["adjacency"] == (own or "g") and set(found["spread"]) == set(ADJACENCIES)
    assert weights.load_salnet(out).graph.adjacency == found["adjacency"]
    for kind, values in found["spread"].items():
        assert len(values) == 3 and 0 < values[0] == found["spread"]["g"][0] < 1, kind
    assert found["spread"]["binary"][2] < 1e-4 < found["spread"]["threshold"][2]


def test_a_salnet_without_a_graph_writes_none(made: params.Settings) -> None:
    assert not (train_salnet(made, "pymdnet", "none") / "graph.json").exists()


def test_a_gpgnet_from_our_folder_keeps_its_vocabulary(made: params.Settings) -> None:
    folder = train_gpgnet(made, "nl", "first")
    out = train_gpgnet(made, "nl", "second", "first/nl")
    for name in (weights.FILE, "vocabulary.json"):
        assert (out / name).read_bytes() == (folder / name).read_bytes()
    assert weights.load_gpgnet(out)[1] is not None


def test_a_gpgnet_reads_nothing_that_is_no_input_of_its_stage(made: params.Settings) -> None:
    for lacking in ("masks", "language"):
        inputs = {key: f"training/{key}" for key in ("frames", "masks", "language") if key != lacking}
        with pytest.raises(InputError, match=rf"gpgnet\.nl\.{lacking}: none, where .*training/{lacking} is read"):
            stage(gpgnet.run, made, "nl", inputs, {"weights": "out/none"})
    inputs = {"frames": "training", "masks": "training/masks", "language": "training/language"}
    with pytest.raises(InputError, match=r"gpgnet\.nl\.from: .*training, where .*frames is read"):
        stage(gpgnet.run, made, "nl", inputs, {"weights": "out/none"})


def test_a_gpgnet_is_taken_from_what_is_named_alone(made: params.Settings) -> None:
    """The vocabulary beside a file is no dependency of the stage."""
    train_gpgnet(made, "nl", "first")
    with pytest.raises(InputError, match=r"needs its vocabulary\.json; let gpgnet\.nl\.from name the folder"):
        train_gpgnet(made, "nl", "second", "first/nl/weights.safetensors")
    with pytest.raises(InputError, match=r"a GPGNet with language, gpgnet\.to\.inputs are target"):
        train_gpgnet(made, "to", "second", "first/nl")
    with pytest.raises(InputError, match="weights of ours alone"):
        train_gpgnet(made, "to", "second", "vgg16.pth")


@pytest.mark.parametrize("short", ["pad", "repeat"])
def test_short_sentences_are_read_as_they_were_learned(made: params.Settings, short: str) -> None:
    section = made.root.gpgnet_training.model_copy(update={"short_sentences": short})
    settings = dataclasses.replace(made, root=made.root.model_copy(update={"gpgnet_training": section}), read={})
    module, words = gpgnet.build(made.path / "training", ["language"], settings)
    folder = made.path / "short" / short
    weights.save(folder, module, gpgnet.metadata("nl", ["language"], settings))
    assert words is not None
    words.save(folder / "vocabulary.json")
    assert module.repeat == weights.load_gpgnet(folder)[0].repeat == (short == "repeat")


def with_training(made: params.Settings, **changes: object) -> params.Settings:
    """The settings with other values in `salnet_training`."""
    section = made.root.salnet_training.model_copy(update=changes)
    root = made.root.model_copy(update={"salnet_training": section})
    return dataclasses.replace(made, root=root, read={})


def salnet_task(made: params.Settings, **changes: object) -> salnet.SalnetTask:
    job = records.Job("salnet", with_training(made, **changes), {"training": made.path / "training"}, {})
    return salnet.prepare(job, made.root.salnet["salnet"])


def after_one_step(task: salnet.SalnetTask) -> dict[str, float]:
    """By how much each part moved in its first step on a domain with a sentence."""
    assert task.anchors is not None
    step = next(k for k in range(task.steps) if task.batch(k).domain in task.anchors.tokens)
    parts = {"conv": task.net.vggm, "fc": task.net.fc4, "graph": task.net.graph, "encoder": task.anchors.encoder}
    before = {name: [p.detach().clone() for p in part.parameters()] for name, part in parts.items()}
    task.loss(task.batch(step))["loss"].backward()
    task.optimiser.step()
    moved = {}
    for name, part in parts.items():
        pairs = zip(part.parameters(), before[name], strict=True)
        moved[name] = max(float((p.detach() - q).abs().max()) for p, q in pairs)
    return moved


def test_the_rate_of_fully_connected_layers_is_theirs_alone(made: params.Settings) -> None:
    slow, fast = (after_one_step(salnet_task(made, rate=1e-4, fc_rate=rate)) for rate in (1e-4, 1e-2))
    assert slow["conv"] == fast["conv"] > 0
    for part in ("fc", "graph"):
        assert fast[part] == pytest.approx(100 * slow[part], rel=0.01)  # Adam's first step is the rate


def test_every_parameter_has_one_rate(made: params.Settings) -> None:
    task = salnet_task(made, freeze_language=False)
    optimised = [id(p) for group in task.optimiser.param_groups for p in group["params"]]
    assert sorted(optimised) == sorted(id(p) for p in task.module.parameters())


def test_the_sentence_encoder_is_frozen_or_trained_on_for_the_triplets(made: params.Settings) -> None:
    frozen, trained = (after_one_step(salnet_task(made, freeze_language=value)) for value in (True, False))
    assert frozen["encoder"] == 0 < trained["encoder"]
    assert {k: v for k, v in frozen.items() if k != "encoder"} == {k: v for k, v in trained.items() if k != "encoder"}


def test_a_killed_training_goes_on_with_its_sentence_encoder(
    made: params.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = with_training(made, freeze_language=False)
    whole = train_salnet(settings, "salnet", "whole-unfrozen")
    real = salnet.SalnetTask.batch

    def breaks(self: salnet.SalnetTask, step: int) -> object:
        if step == 15:
            raise KeyboardInterrupt
        return real(self, step)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(salnet.SalnetTask, "batch", breaks)
        train_salnet(settings, "salnet", "killed-unfrozen")
    assert digests(train_salnet(settings, "salnet", "killed-unfrozen")) == digests(whole)
    assert digests(whole) != digests(train_salnet(made, "salnet", "whole-frozen"))


def test_with_nothing_held_out_every_training_uses_all(made: params.Settings) -> None:
    """As the paper does: its profile holds nothing out."""
    sections = ("language", "gpgnet_training", "salnet_training")
    none = {name: getattr(made.root, name).model_copy(update={"held_out": 0.0}) for name in sections}
    settings = dataclasses.replace(made, root=made.root.model_copy(update=none), read={})
    folders = [
        stage(language.run, settings, "", {"manifest": "training/lasot.jsonl"}, {"language": "whole/language"}),
        train_gpgnet(settings, "to", "whole"),
        train_salnet(settings, "pymdnet", "whole"),
    ]
    for folder in folders:
        metrics = records.read_json(folder / "metrics.json")
        assert not [name for name, value in metrics.items() if name.startswith("held_out") and value]
        assert metrics["loss"] > 0
    assert salnet_task(made, held_out=0.0).domains[0].trained > salnet_task(made).domains[0].trained


def test_a_salnet_drops_and_begins_as_the_settings_say(made: params.Settings) -> None:
    plain, early = (
        salnet.build(with_training(made, **changes), made.root.salnet["pymdnet"], 2)
        for changes in ({}, {"dropout_fc4": 0.5, "branch_init": "default"})
    )
    assert (plain.drop4.p, early.drop4.p) == (0.0, 0.5)
    assert not plain.branches[0].bias.any() and early.branches[0].bias.all()


def test_anchors_of_another_size_are_refused(made: params.Settings) -> None:
    with pytest.raises(InputError, match=r"language\.channels gives anchors of 10 values"):
        salnet.anchors(made.path / "training", [], made.root.salnet_training, 64, "cpu")
