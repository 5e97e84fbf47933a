"""What failed in a run, as its user is to hear it: a line for the whole, and each unit with the end of its log."""

from pathlib import Path

from dat import records
from dat.base.errors import of_system
from dat.fanout import logs

MOST = 10
"""Units that a summary shows; the files of the others are named."""
REFUSED = "sbatch: error: "
"""What SLURM's program says first where it takes no job; Snakemake's plugin passes it on."""
REFUSAL = "the cluster refuses the job"
"""How the line on that begins."""
JOB = "dat: "
"""How a job's last line begins where the job itself fails."""
PROBE = 1 << 16
"""Bytes that are written to see whether a disk takes any."""


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
    """One line on what failed: the first unit's own message, else a job's last words, else why SLURM refuses a job,
    else why nothing can be written here, else the end of Snakemake's log."""
    for texts, folder in ((list(_failed(directory).values()), "failed"), (_last_words(directory), "log")):
        if texts:
            more = f" (and {len(texts) - 1} more: {directory / folder})" if len(texts) > 1 else ""
            return texts[0] + more
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    if refused := next((line[line.index(REFUSED) :] for line in lines if REFUSED in line), ""):
        return f"{REFUSAL}: {refused.strip()} ({log} has the rest)"
    if unwritable := _unwritable(directory):
        return unwritable
    last = next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "nothing said")
    return f"Snakemake failed: {last.strip()} ({log} and {directory / 'log'} have the rest)"


def _last_words(directory: Path) -> list[str]:
    """What jobs that ended outside of any unit say, each text once."""
    ends = [logs.tail(path)[-1:] for path in sorted(directory.glob("log/*.txt"))]
    return list(dict.fromkeys(end[0].removeprefix(JOB) for end in ends if end and end[0].startswith(JOB)))


def _unwritable(directory: Path) -> str:
    """Why no file can be written in the directory of a run: a full disk does not let jobs say so. Else empty."""
    try:
        records.write_bytes(directory / "probe", bytes(PROBE))
        (directory / "probe").unlink()
    except OSError as error:
        return of_system(error)
    return ""
