"""`make test-slurm`: a small benchmark through SLURM, two of whose jobs are ended while they run.

    python -m tests.slurm [--able]

Runs a benchmark of CSR-DCF, which needs no training, on this machine, forgets its results, and runs it again with
`workflow/profiles/slurm` on a cluster of its own (cluster.py). One job is cancelled and another one's process killed:
both must be rescheduled, and the results must have the bytes of those made without SLURM. What it installs: Debian's
slurm packages where they are missing and it may, and Snakemake's plugin into `.dat/slurm`. Takes about three minutes.
With `--able` it only brings the cluster up and down again: whether it can be tried here.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.slurm.cluster import GPUS, Cluster, install, lacking
from tests.workflow.conftest import ROOT, Project, copy_code

PLUGIN = ("snakemake-executor-plugin-slurm>=2.8", "snakemake-executor-plugin-slurm-jobstep", "throttler")
OFTEN = """\
slurm-init-seconds-before-status-checks: 5
seconds-between-status-checks: 5
slurm-status-command: squeue
"""
"""Added to the profile: this cluster has no accounting, and the test is to end sooner."""
RUN = ("dat", "benchmark", "otb100")
SETTINGS = (
    (
        "otb100: {seed: 14, videos: 3, frames: 16, width: 160, height: 120}",
        "otb100: {seed: 14, videos: 3, frames: 50, width: 320, height: 240}",
    ),
    ("variants: [pymdnet, dat-to]", "variants: [csrdcf]"),
    ("  dat-to: {salnet: core/pymdnet, attention: to}\n", "  csrdcf: {salnet: null, attention: none}\n"),
)
"""What is other than in the tiny project: sequences that are tracked long enough to be disturbed, and no network."""
LONGEST = 900.0


def main() -> int:
    """Run the test; the exit status."""
    if lacking():
        install()
    aside = ROOT / ".dat" / "slurm"
    if not (aside / "snakemake_executor_plugin_slurm").is_dir():
        subprocess.run(["uv", "pip", "install", "-q", "--no-deps", "--target", str(aside), *PLUGIN], check=True)
    with tempfile.TemporaryDirectory(prefix="dat-slurm-") as name:
        folder = Path(name)
        if sys.argv[1:] == ["--able"]:
            with Cluster(folder / "cluster"):
                return 0
        project = small_project(folder / "a project")
        try:
            with Cluster(folder / "cluster") as cluster:
                return check(project, cluster, aside)
        finally:
            for pid in project.processes():
                os.kill(pid, signal.SIGKILL)


def small_project(path: Path) -> Project:
    """A project at `path`, which is not there yet, whose benchmark has run on this machine."""
    copy_code(path)
    text = (ROOT / "tests" / "workflow" / "project" / "params.yaml").read_text()
    for old, new in SETTINGS:
        if old not in text:
            raise SystemExit(f"test-slurm: the tiny project's params.yaml has no '{old}'")
        text = text.replace(old, new)
    (path / "params.yaml").write_text(text)
    for name in ("weights/salnet/core", "weights/gpgnet"):
        (path / name).mkdir(parents=True)
    project = Project(path)
    for command in (("synthetic", "otb100"), ("index", "otb100"), RUN[1:]):
        project.run("dat", *command)
    return project


def check(project: Project, cluster: Cluster, aside: Path) -> int:
    """Run the benchmark through the cluster, disturb it, and compare; the exit status."""
    profile = project.path.parent / "profile"
    shutil.copytree(ROOT / "workflow" / "profiles" / "slurm", profile)
    with (profile / "config.yaml").open("a") as file:
        file.write(OFTEN)
    wanted = project.results()
    shutil.rmtree(project.path / "results")
    shutil.rmtree(project.path / ".dat" / "store")
    project.environment |= {
        "SNAKEMAKE_PROFILE": str(profile),
        "PYTHONPATH": f"{project.path}{os.pathsep}{aside}",
        "PATH": f"{cluster.bin}{os.pathsep}{project.environment['PATH']}",
    }
    began, running = time.monotonic(), project.start(*RUN)
    ended, most = disturb(project, cluster, running)
    said = running.communicate(timeout=LONGEST)[0]
    if running.returncode:
        return fail(f"{' '.join(RUN)} ended with {running.returncode}:\n{said}")
    jobs = cluster.jobs()
    for how, number in ended.items():
        again = [state for other, (state, name) in jobs.items() if name == jobs[number][1] and other != number]
        if again != ["COMPLETED"]:
            return fail(f"job {number} ({jobs[number]}) was {how}, and not run again: {jobs}")
    if project.results() != wanted:
        return fail("the results differ from those made without SLURM")
    if most != GPUS:
        return fail(f"{most} jobs ran at a time on {GPUS} GPUs")
    if " 0 to run" not in project.run("dat", "benchmark", "otb100"):
        return fail("a second run did not find the results in the store")
    print(f"test-slurm: {len(jobs)} jobs in {time.monotonic() - began:.0f} s, {most} at a time; {' and '.join(ended)}")
    print(f"test-slurm: both were rescheduled; all {len(wanted)} files have the bytes of a run without SLURM")
    return 0


def disturb(project: Project, cluster: Cluster, running: "subprocess.Popen[str]") -> tuple[dict[str, str], int]:
    """Until the run has ended: cancel a job that computes, kill another one's process; which those were, and how many
    ran at most at a time."""
    ended, most, deadline = dict[str, str](), 0, time.monotonic() + LONGEST
    while running.poll() is None and time.monotonic() < deadline:
        jobs = cluster.jobs()
        tracking = {number: state for number, (state, name) in jobs.items() if "rule_track" in name}
        now = [number for number, state in tracking.items() if state == "RUNNING" and number not in ended.values()]
        most = max(most, sum(state == "RUNNING" for state, _ in jobs.values()))
        for number in now:
            pid = computing(project, number)
            if pid and "cancelled" not in ended:
                cluster.ask("scancel", number)
                ended["cancelled"] = number
            elif pid and "killed" not in ended:
                os.kill(pid, signal.SIGKILL)
                ended["killed"] = number
        time.sleep(0.3)
    return ended, most


def computing(project: Project, number: str) -> int | None:
    """The process of a job of SLURM's that computes."""
    for pid in project.processes():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            mine = f"SLURM_JOB_ID={number}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mine and b"dat.fanout.job" in command:
            return pid
    return None


def fail(why: str) -> int:
    """Say why; the exit status."""
    print(f"test-slurm: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
