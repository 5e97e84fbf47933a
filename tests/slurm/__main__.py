"""`make test-slurm`: the tiny project's benchmark through SLURM, two of whose jobs are ended while they run.

    python -m tests.slurm

Brings the project of `tests/workflow/project` up on this machine, forgets its results, and runs its benchmark with
`workflow/profiles/slurm` on a cluster of its own (cluster.py). One job is cancelled and another one's process killed:
both must be rescheduled, and the results must have the bytes of those made without SLURM. What it installs: Debian's
slurm packages where they are missing and it may, and Snakemake's plugin into `.dat/slurm`. Takes about five minutes.
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
from tests.workflow.conftest import ROOT, Project, bring_up

PLUGIN = ("snakemake-executor-plugin-slurm>=2.8", "snakemake-executor-plugin-slurm-jobstep", "throttler")
OFTEN = """\
slurm-init-seconds-before-status-checks: 5
seconds-between-status-checks: 5
slurm-status-command: squeue
"""
"""Added to the profile: this cluster has no accounting, and the test is to end sooner."""
RUN = ("dvc", "repro", "-s", "-f", "benchmark@otb100")
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
        project = bring_up(folder / "a project")
        try:
            with Cluster(folder / "cluster") as cluster:
                return check(project, cluster, aside)
        finally:
            for pid in project.processes():
                os.kill(pid, signal.SIGKILL)


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
