"""What failed in a run, as its user is to hear it: a line for the whole, and each unit with the end of its log."""

from pathlib import Path

from dat.fanout import logs

MOST = 10
"""Units that a summary shows; the files of the others are named."""
REFUSED = "sbatch: error: "
"""What SLURM's program says first where it takes no job; Snakemake's plugin passes it on."""


def _failed(directory: Path) -> dict[str, str]:
    """What each unit that failed says, by key, in order of the texts."""
    texts = {path.stem: path.read_text(encoding="utf-8").strip() for path in directory.glob("failed/*.txt")}
    return dict(sorted(texts.items(), key=lambda item: item[1]))


def summary(directory: Path) -> list[str]:
    """Lines: each unit that failed, and below it the end of what it has printed; empty where no unit says anything."""
    failed, lines = _failed(directory), list[str]()
    for key, text in list(failed.items())[:MOST]:
        lines.append(f"failed: {text}")
        lines += [f"    {line}" for line in logs.tail(directory / logs.FOLDER / f"{key}.log")]
    if len(failed) > MOST:
        lines.append(f"failed: {len(failed) - MOST} more ({directory / 'failed'}; logs: {directory / logs.FOLDER})")
    return lines


def line(directory: Path, log: Path) -> str:
    """One line on what failed: the first unit's own message, else why SLURM refuses a job, else the end of Snakemake's
    log."""
    texts = list(_failed(directory).values())
    if texts:
        more = f" (and {len(texts) - 1} more: {directory / 'failed'})" if len(texts) > 1 else ""
        return texts[0] + more
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    refused = next((line[line.index(REFUSED) :] for line in lines if REFUSED in line), "")
    if refused:
        return f"the cluster refuses the job: {refused.strip()} ({log} has the rest)"
    last = next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "nothing said")
    return f"Snakemake failed: {last.strip()} ({log} and {directory / 'log'} have the rest)"
