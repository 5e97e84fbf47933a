"""What a job's fixed cost is measured with: a real job, which is ended at its first frame."""

import time
from pathlib import Path

import pytest

from benchmarks import bench_start

pytestmark = pytest.mark.slow


def test_a_job_is_timed_to_its_first_frame_and_one_that_does_not_get_there_is_told(tmp_path: Path) -> None:
    job, frame = bench_start.planned(tmp_path)
    begun = time.monotonic()
    clock, spent = bench_start.start(job, frame)
    assert spent > 0 and 0 < clock < time.monotonic() - begun
    (tmp_path / "weights" / "salnet" / "weights.safetensors").write_bytes(b"other")
    with pytest.raises(SystemExit, match="the job ended before its first frame"):
        bench_start.start(job, frame)
