"""A training's curves on disk: metrics.json and a table a figure, by DVCLive."""

from collections.abc import Mapping, Sequence
from pathlib import Path

FOLDER = "dvclive"
"""In a weights folder: `metrics.json` of the last row, `plots/metrics/<figure>.tsv` of all."""


def write(folder: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write rows, each a `step` and figures, below `folder`, anew.

    DVCLive keeps away from git, from experiments and from dvc.yaml, which has the plots already. It is imported when
    training is over: it starts threads, and with them the processor's cores compute a fifth more slowly.
    """
    from dvclive import Live

    with Live(str(folder / FOLDER), dvcyaml=None, save_dvc_exp=False) as live:
        for row in rows:
            live.step = int(row["step"])
            for name, value in row.items():
                if name != "step":
                    live.log_metric(name, value)
            live.make_summary()
