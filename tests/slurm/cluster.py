"""A SLURM cluster of one node on the loopback device, with two GPUs that are none, out of Debian's packages.

It needs no cgroups, no database and no system's slurm.conf: everything lies in one folder, and the commands in its
`bin`, first on the PATH, know it. (SLURM_CONF alone does not do: Snakemake's plugin takes SLURM's variables away.)
"""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
GPUS = 2
CONFIGURATION = """\
ClusterName=dat
SlurmctldHost=localhost(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=localhost NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
DEVICES = "Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n"
"""A GPU of SLURM's is a device file; no job uses these."""


def lacking() -> list[str]:
    """The programs that are not installed here."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"
    return [name for name in (*DAEMONS, *COMMANDS) if shutil.which(name, path=path) is None]


def install() -> None:
    """Install Debian's packages, none of whose services is started. Ends the program where that cannot be done."""
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
    if os.geteuid() or shutil.which("apt-get") is None:
        raise SystemExit(f"test-slurm: no {', '.join(lacking())} here; as root: {' '.join(command)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    """`with Cluster(folder) as cluster`: the cluster lives as long as the block; its jobs and daemons end with it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "bin"
        self._daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._write()
        try:
            socket_, key = self.folder / "munge.socket", self.folder / "munge.key"
            self._start("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={socket_}",
                        f"--pid-file={self.folder / 'munged.pid'}", f"--log-file={self.folder / 'munged.log'}",
                        f"--seed-file={self.folder / 'munged.seed'}")  # fmt: skip
            self._until(socket_.exists, "munged")
            self._start("slurmctld", "-D", "-f", str(self.folder / "slurm.conf"))
            self._until(lambda: "test" in self.ask("sinfo", "-h", "-o", "%P"), "slurmctld")
            self._start("slurmd", "-D", "-N", "localhost", "-f", str(self.folder / "slurm.conf"))
            self._until(lambda: self.ask("sinfo", "-h", "-o", "%T").strip() == "idle", "slurmd")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _write(self) -> None:
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir(parents=True)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        text = CONFIGURATION.format(folder=self.folder, user=getpass.getuser(), ports=_free_ports(2), gpus=GPUS)
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "gres.conf").write_text(DEVICES)
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
        for name in COMMANDS:
            wrapper = self.bin / name
            wrapper.write_text(f'#!/bin/sh\nSLURM_CONF="{self.folder}/slurm.conf" exec /usr/bin/{name} "$@"\n')
            wrapper.chmod(0o755)

    def _start(self, name: str, *arguments: str) -> None:
        program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        with (self.folder / f"{name}.out").open("wb") as out:
            command = [str(program), *arguments]
            self._daemons.append(subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True))

    def _until(self, ready: Callable[[], bool], name: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline or self._daemons[-1].poll() is not None:
                said = (self.folder / f"{name}.out").read_text(errors="replace").strip().splitlines()
                raise SystemExit(f"test-slurm: {name} does not come up: {' / '.join(said[-3:])}")
            time.sleep(0.2)

    def ask(self, command: str, *arguments: str) -> str:
        """What one of SLURM's commands prints; empty when it fails."""
        done = subprocess.run([self.bin / command, *arguments], capture_output=True, text=True, timeout=60, check=False)
        return done.stdout if done.returncode == 0 else ""

    def jobs(self) -> dict[str, tuple[str, str]]:
        """All jobs of the last minutes by number: their state, and Snakemake's name of what they do."""
        lines = self.ask("squeue", "-h", "-t", "all", "-o", "%i|%T|%k").splitlines()
        return {number: (state, name) for number, state, name in (line.split("|", 2) for line in lines)}

    def stop(self) -> None:
        """End all jobs and daemons."""
        if len(self._daemons) == len(DAEMONS):
            self.ask("scancel", "--user", getpass.getuser())
            deadline = time.monotonic() + 30
            while self.ask("squeue", "-h").strip() and time.monotonic() < deadline:
                time.sleep(0.5)
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in reversed(self._daemons):
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self._daemons.clear()
