"""`make bench-data` compares two ways of the same work: what each reads and makes, and how a share is taken."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import bench_data, figures
from dat.datasets import masks
from dat.training.attention_data import AttentionData


def test_both_ways_have_the_same_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_data, "SIZE", (320, 240))
    made = bench_data.drawn(tmp_path, bench_data.VIDEO)
    bench_data.make(made)
    bench_data.stage(masks.run, made, "", {"frames": "training/frames"}, {"masks": "training/masks"})
    data = AttentionData(tmp_path / "training", ["target"], None, memory=0)
    assert len(data.usable) == bench_data.VIDEO, "every frame is selected"
    parts = bench_data.encoded(data, 3)
    ours = (data.frame_pixels(3), data.patch_pixels(3), data.mask_pixels(3))
    assert ours[0].shape == (192, 256, 3)
    for part, picture in zip(parts, ours, strict=True):
        plain = cv2.imdecode(np.frombuffer(part, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        assert np.array_equal(plain[..., : picture.shape[2]], picture)


def test_a_share_is_the_median_over_turns_by_clock_and_by_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([(2.0, 1.0), (1.0, 0.5), (4.0, 1.0), (1.0, 0.9), (2.0, 1.0), (2.0, 0.9)])
    monkeypatch.setattr(bench_data, "seconds", lambda work: next(times))
    table = figures.Table("what", "by", "here", "plain", "share")
    bench_data.compared(table, "read", 100, 3, lambda: None, lambda: None)
    assert [row[2:] for row in table.rows] == [[50, 100, "50 %"], [100, 111, "90 %"]]
