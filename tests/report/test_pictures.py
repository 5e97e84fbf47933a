"""Pictures of frames, boxes, masks and trainings: what they show is the run's, and what is not there is said."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from dat.base import params
from dat.base.errors import MissingError
from dat.base.params import Settings
from dat.datasets import images, manifest, shards
from dat.evaluation import statistics
from dat.records import write_bytes, write_json, write_text
from dat.report import pictures
from dat.report.metrics import Scores
from dat.report.pictures import PictureInputs

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 4
BOX = [10.0, 12.0, 20.0, 16.0]


def picture(seed: int) -> bytes:
    return images.encode_png(np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8))


def scores(**success: dict[str, float]) -> Scores:
    """OTB-100's scores with the success of each sequence, by variant."""
    trackers = {
        f"{name.replace('_', '-')}@seed-0": {"expected": 2, "sequences": {key: {"success": v} for key, v in of.items()}}
        for name, of in success.items()
    }
    variants = {name.partition("@")[0]: {} for name in trackers}
    return Scores("otb100", {"trackers": trackers, "variants": variants, "data_set": "made-up"})


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> PictureInputs:
    """A run of two sequences: the method's boxes are the truth's, the baseline's 5 pixels off; one jump."""
    home, rows = tmp_path_factory.mktemp("run"), []
    for name in ("Near", "Far"):
        files = []
        for at in range(FRAMES):
            place, data = f"{name}/{at + 1:04}.png", picture(at)
            write_bytes(home / "data/otb100" / place, data)
            files.append([place, len(data), hashlib.sha256(data).hexdigest()])
        row: dict[str, Any] = {"sequence": name, "frames": FRAMES, "size": [64, 48], "boxes": [BOX] * FRAMES}
        rows.append(row | {"files": files, "annotations": [], "sentence": "a $x_1 <b>", "absent": [0, 0, 1, 0]})
        for variant, shift in (("pymdnet", 5.0), ("dat-jtnl", 0.0)):
            x, y, w, h = BOX
            line = f"{x + 1 + shift:.4f},{y + 1:.4f},{w:.4f},{h:.4f}\n"
            write_text(home / f"results/otb100/{variant}@seed-0/{name}.txt", line * FRAMES)
            facts = {"redetections": [3] if variant == "dat-jtnl" else []}
            write_json(home / f"results/otb100/{variant}@seed-0/{name}.json", {"facts": facts})
    head = {"name": "made-up", "layout": "otb", "root": "data/otb100", "lists": {}, "linked": True}
    manifest.write(home / "testing/otb100.jsonl", head, rows)
    (home / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    _selection(home)
    _maps(home)
    write_text(
        home / "weights/gpgnet/to/dvclive/plots/metrics/held_out_bce.tsv", "step\theld_out_bce\n10\t0.5\n20\t0.25\n"
    )
    spread = {"g": [0.7, 1e-3, 1e-9], "threshold": [0.7, 0.5, 0.4]}
    for name, kind in (("pymdnet+gcn", "g"), ("pymdnet+gcn-near", "threshold")):
        write_json(home / f"weights/salnet/parts/{name}/graph.json", {"adjacency": kind, "nodes": 32, "spread": spread})
    names = ("frames", "masks", "language")
    inputs = {name: home / "training" / name for name in names}
    inputs |= {"weights": home / "weights", "results": home / "results", "manifests": home / "testing"}
    found = scores(dat_jtnl={"Near": 0.5, "Far": 0.9}, pymdnet={"Near": 0.4, "Far": 0.95})
    return PictureInputs(inputs, params.load(home), {"otb100": found})


def _selection(home: Path) -> None:
    """Two training frames and their masks; the target of the second is not in sight."""
    for kind in ("frames", "masks"):
        with shards.Writer(home / "training" / kind, kind) as writer:
            places = [writer.add(0, f"disc-{at}.png", picture(at)) for at in range(2)]
        rows = [
            {"sequence": "disc", "frame": at, "absent": at, "sentence": "a disc", **p} for at, p in enumerate(places)
        ]
        shards.write_table(home / "training" / kind / "index.csv", rows[0], rows)


def _maps(home: Path) -> None:
    """Sample maps of 64 x 80: two rows, of which the language's version lacks the first; map 51 but for one peak."""
    for version, columns, rows in (("to", 4, (0, 1)), ("nl", 3, (1, 2)), ("jtnl", 4, (0, 1))):
        cells = np.zeros((len(rows), columns, 64, 80, 3), np.uint8)
        cells[:, 0], cells[:, -2, 10:20, 30:50], cells[:, -1] = 90, 255, 51
        cells[:, -1, 5, 5] = {"to": 102, "nl": 153, "jtnl": 204}[version]
        picture = cells.swapaxes(1, 2).reshape(len(rows) * 64, columns * 80, 3)
        write_bytes(home / f"weights/gpgnet/{version}/samples.png", images.encode_png(picture))
        names = [{"sequence": f"disc-{at}", "frame": "1", "sentence": f"the disc {at}"} for at in rows]
        write_json(home / f"weights/gpgnet/{version}/samples.json", names)
        write_bytes(home / f"weights/gpgnet/{version}/worst.png", images.encode_png(picture // 5 * 4))
        scored = [row | {"average_precision": at / 8} for at, row in enumerate(names)]
        facts = {"frames": 9, "off_target": len(version), "rows": scored}
        write_json(home / f"weights/gpgnet/{version}/worst.json", facts)


def test_maps_of_the_frames_that_all_versions_have(source: PictureInputs) -> None:
    made, said = pictures.figures_5_and_6(source)
    assert [axes.get_title() for axes in made.axes] == [
        *("frame", "target", "map, target only", "map, language only", "map, target and language"),
    ]
    assert made.axes[0].get_xlabel() == "the disc 1"
    labels = [axes.get_xlabel() for axes in made.axes[2:]]
    assert labels == [f"highest {at}, off the target" for at in ("0.40", "0.60", "0.80")]
    assert said.endswith("off the target in: target only 1, language only 1, target and language 1.")
    box = made.axes[3].patches[-1]
    assert isinstance(box, Rectangle) and box.get_bbox().bounds == (29.5, 9.5, 20.0, 10.0)


def test_a_map_that_is_highest_on_the_target_does_not_miss_it(
    source: PictureInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, read = {name: pictures._samples(source, name) for name in pictures.VERSIONS}, dict[str, Any]()
    for name, of in samples.items():
        read[name] = {key: (*parts[:-1], parts[-1].copy()) for key, parts in of.items()}
    for parts in read["jtnl"].values():
        parts[-1][15, 40] = parts[-1].max()  # as high as elsewhere
    monkeypatch.setattr(pictures, "_samples", lambda _, name: read[name])
    made, said = pictures.figures_5_and_6(source)
    assert made.axes[4].get_xlabel() == "highest 0.80" and said.endswith("target and language 0.")


def test_maps_that_fail_are_the_worst_of_all_held_out_ones(source: PictureInputs, tmp_path: Path) -> None:
    made, said = pictures.maps_that_fail(source)
    assert said.endswith("target only 2 of 9, language only 2 of 9, target and language 4 of 9.")
    assert [axes.get_ylabel() for axes in made.axes[::4]] == ["target only", "language only", "target\nand language"]
    assert [axes.get_xlabel() for axes in made.axes[4:8]] == [
        *("the disc 1", "the disc 2", "average precision 0.000", "average precision 0.125"),
    ]
    box = made.axes[6].patches[-1]
    assert isinstance(box, Rectangle) and box.get_bbox().bounds == (29.5, 9.5, 20.0, 10.0)
    assert [int(np.max(one.images[0].get_array())) for one in made.axes[4:8]] == [72, 72, 120, 120]
    with pytest.raises(MissingError, match=r"gpgnet/to/worst\.json is not there; run dvc repro gpgnet@to"):
        pictures.maps_that_fail(replace(source, inputs={**source.inputs, "weights": tmp_path}))


def test_a_mask_that_is_black_at_the_target_is_read_so(source: PictureInputs) -> None:
    black = source.settings.root.masks.model_copy(update={"target": 0})
    settings = replace(source.settings, root=source.settings.root.model_copy(update={"masks": black}), read={})
    white, other = (pictures._samples(one, "to") for one in (source, replace(source, settings=settings)))
    assert all((white[key][2] != other[key][2]).all() for key in white)


def test_the_same_run_gives_the_same_bytes_and_every_picture_it_has(source: PictureInputs) -> None:
    made = pictures.build_all(source)
    assert [one.name for one in made if one.png] == [name for name in pictures.PICTURES if name != "attributes"]
    assert made == pictures.build_all(source)
    assert all(b"<dc:date>" not in one.svg and one.size[0] > 1200 for one in made if one.png)


def test_the_graphs_nodes_are_drawn_by_layer_and_reading(source: PictureInputs, tmp_path: Path) -> None:
    made, said = pictures.spread_by_layer(source)
    assert [axes.get_title() for axes in made.axes] == ["pyMDNet + GCN", "pyMDNet + GCN of near nodes"]
    lines = made.axes[0].get_lines()
    assert [list(line.get_ydata()) for line in lines] == [[0.7, 1e-3, 1e-6], [0.7, 0.5, 0.4]]
    assert {"0.001", "0.1"} <= {label.get_text() for label in made.axes[0].get_yticklabels()}
    assert [line.get_linestyle() for line in lines] == ["-", "--"], "its own reading stands out"
    assert "pyMDNet + GCN, trained under equation (2): 0.7 before, 1e-09 behind; " in said
    assert "near nodes, trained under near nodes: 0.7 before, 0.4 behind" in said
    with pytest.raises(MissingError, match=r"graph\.json is not there; run dvc repro salnet@pymdnet\+gcn"):
        pictures.spread_by_layer(replace(source, inputs={**source.inputs, "weights": tmp_path}))


def test_boxes_on_frames_are_those_of_the_files_which_count_from_1(source: PictureInputs) -> None:
    made, said = pictures.figure_11(source)
    first = made.axes[0]
    drawn = {
        (patch.get_edgecolor()[:3], patch.get_x(), patch.get_width())
        for patch in first.patches
        if isinstance(patch, Rectangle)
    }
    from matplotlib.colors import to_rgb

    truth, method, baseline = (to_rgb(one) for one in ("#ffffff", pictures.TRACKERS["dat-jtnl"], "#56b4e9"))
    assert {(truth, 9.5, 20.0), (method, 9.5, 20.0), (baseline, 14.5, 20.0)} <= drawn
    assert "first seed" in said and "made-up" in said
    assert [axes.get_ylabel() for axes in made.axes[:: pictures.COLUMNS]] == ["Near", "Far"]


def test_overlap_has_a_gap_where_the_target_is_absent_and_a_mark_at_a_jump(source: PictureInputs) -> None:
    made, _ = pictures.overlap_over_time(source)
    lines = {line.get_label(): line for line in made.axes[0].get_lines()}
    method = np.asarray(lines["DAT, target and language"].get_ydata())
    assert method.tolist()[:2] == [1.0, 1.0] and np.isnan(method[2])
    assert np.asarray(lines["pyMDNet"].get_ydata())[0] == pytest.approx(15 / 25)
    assert list(lines["re-detection"].get_xdata()) == [4]
    assert made.axes[0].collections[0].get_label() == "no target in sight"


def test_figure_4_draws_frames_whose_target_is_in_sight_with_their_sentences(source: PictureInputs) -> None:
    made, said = pictures.figure_4(source)
    assert len(made.axes) == 3 and made.axes[0].get_title() == "disc, frame 0"
    assert made.axes[2].get_xlabel() == "a disc" and said.startswith("1 of the 2 training frames (of 1 videos)")


def test_trainings_without_curves_are_left_out(source: PictureInputs) -> None:
    gpgnet = source.inputs["weights"] / "gpgnet"
    shutil.copytree(next(gpgnet.iterdir()), gpgnet / ".x.1.abcdef.tmp")  # what a killed training left
    made, said = pictures.training_curves(source)
    assert said.startswith("1 trainings")
    assert [len(axes.get_lines()) for axes in made.axes] == [0, 1, 0]
    assert list(made.axes[1].get_lines()[0].get_ydata()) == [0.5, 0.25]


def test_the_sequences_are_those_of_the_largest_gains_and_of_the_largest_loss() -> None:
    method = {"a": 0.5, "b": 0.9, "c": 0.2, "d": 0.6}
    of = scores(dat_jtnl=method, pymdnet={"a": 0.5, "b": 0.1, "c": 0.7, "d": 0.2, "e": 1.0})
    assert pictures.largest_differences(of) == ["b", "d", "c"]
    with pytest.raises(MissingError, match="evaluate@otb100"):
        pictures.largest_differences(scores(pymdnet={"a": 0.5}))


def test_what_a_run_lacks_is_said_in_place_and_without_the_machines_paths(
    source: PictureInputs, tmp_path: Path
) -> None:
    nothing = {role: tmp_path / role for role in source.inputs}
    made = pictures.build_all(PictureInputs(nothing, source.settings, {}))
    assert all(one.caption.startswith("Not in this run: ") and not one.png for one in made)
    lost = PictureInputs({**source.inputs, "results": source.settings.path / "nowhere"}, source.settings, source.scores)
    (said,) = (one.caption for one in pictures.build_all(lost) if one.name == "11")
    assert "nowhere/otb100" in said and str(source.settings.path) not in said


def carrying(home: Path, source: PictureInputs, count: int) -> PictureInputs:
    """A run whose sequences all have OCC but one, `count` of them in all, and the last two have MB."""
    names = [f"S{at:02}" for at in range(count)]
    rows: list[dict[str, Any]] = [
        {"sequence": name, "frames": 1, "size": [64, 48], "boxes": [BOX], "files": [], "annotations": [],
         "sentence": None, "attributes": [*(["OCC"] if at else []), *(["M<b>"] if at >= count - 2 else [])]}
        for at, name in enumerate(names)
    ]  # fmt: skip
    head = {"name": "made-up", "layout": "otb", "root": "data/otb100", "lists": {}, "linked": True}
    manifest.write(home / "otb100.jsonl", head, rows)
    success = {name: at / 20 for at, name in enumerate(names)}
    of = scores(pymdnet=success, dat_jtnl=dict.fromkeys(names, 0.5))
    return PictureInputs({**source.inputs, "manifests": home}, source.settings, {"otb100": of})


def test_success_by_attribute_has_its_count_and_leaves_out_what_few_sequences_carry(
    source: PictureInputs, tmp_path: Path
) -> None:
    made, said = pictures.attributes(carrying(tmp_path, source, 13))
    one = made.axes[0]
    assert [label.get_text() for label in one.get_yticklabels()] == ["OCC, n = 12"]
    means = {line.get_label(): float(np.asarray(line.get_xdata())[0]) for line in one.get_lines()}
    assert means == pytest.approx({"DAT, target and language": 0.5, "pyMDNet": np.mean(np.arange(1, 13) / 20)})
    assert "made-up" in said and said.endswith("Left out, on fewer than 10: M<b>.")
    low, high = one.collections[1].get_segments()[0][:, 0]
    assert low < means["pyMDNet"] < high


def test_intervals_by_attribute_are_drawn_with_the_evaluations_resamples_and_seed(
    source: PictureInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = list[tuple[int, int]](), statistics.mean_intervals
    monkeypatch.setattr(statistics, "mean_intervals", lambda table, *how: (asked.append(how), real(table, *how))[1])
    bootstrap = source.settings.root.evaluation.model_copy(update={"resamples": 321, "seed": 5})
    root = source.settings.root.model_copy(update={"evaluation": bootstrap})
    pictures.attributes(carrying(tmp_path, replace(source, settings=Settings(source.settings.path, root)), 13))
    assert set(asked) == {(321, 5)}


def test_success_by_attribute_of_few_sequences_says_that_it_cannot_tell(source: PictureInputs, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"no attribute is carried by 10 .*\(at most by 8\): too few to tell"):
        pictures.attributes(carrying(tmp_path, source, 9))


def test_a_frame_that_was_changed_is_not_shown(source: PictureInputs) -> None:
    path = source.settings.path / "data/otb100/Near/0001.png"
    data = path.read_bytes()
    try:
        path.write_bytes(picture(9))
        (made,) = (one for one in pictures.build_all(source) if one.name == "11")
    finally:
        path.write_bytes(data)
    assert not made.png and "Near/0001.png: not the file that was indexed" in made.caption
