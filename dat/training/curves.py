"""A training's curves on disk: metrics.json and a table a figure, written by DVCLive while training goes on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dat.training import distributed

FOLDER = "dvclive"
"""In a weights folder: `metrics.json` of the last row, `plots/metrics/<figure>.tsv` of all."""


@contextmanager
def writer(folder: Path | None, rows: Sequence[Mapping[str, float]]) -> Iterator[Callable[[Mapping[str, float]], None]]:
    """What to call with each new row, a `step` and figures; `rows` are those of a training that goes on.

    The first process writes below `folder`, anew; where that is None nothing is written. DVCLive keeps away from git,
    from experiments and from dvc.yaml, which has the plots already.
    """
    if folder is None or not distributed.first():
        yield lambda row: None
        return
    from dvclive import Live

    with Live(str(folder / FOLDER), dvcyaml=None, save_dvc_exp=False) as live:

        def write(row: Mapping[str, float]) -> None:
            live.step = int(row["step"])
            for name, value in row.items():
                if name != "step":
                    live.log_metric(name, value)
            live.make_summary()

        for row in rows:
            write(row)
        yield write
