"""What starts a benchmark's jobs: this machine, or the cluster that Snakemake's profile (SNAKEMAKE_PROFILE) names.

That the run itself is inside of a cluster's allocation or pod says nothing: its jobs are started by hand there.
"""

import importlib.util
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from dat.base.errors import InputError, MissingError
from dat.base.params import read_yaml


def name() -> str:
    """The executor of Snakemake that SNAKEMAKE_PROFILE asks for; `local` without. Raises InputError for no profile."""
    return str(_profile().get("executor", "local"))


def elsewhere() -> bool:
    """Whether a cluster starts the jobs, and gives each its card. Raises InputError for no profile."""
    return name() != "local"


def jobs() -> int:
    """How many jobs the profile lets a cluster have at a time; 0 where it does not say, or jobs run here."""
    most = _profile().get("jobs", 0) if elsewhere() else 0
    return most if isinstance(most, int) else 0


def lacking() -> list[tuple[str, str]]:
    """What this machine lacks to start jobs, or to ask that cluster for them: each thing, and what gets it.

    Raises InputError for no profile.
    """
    found, plugin = list[tuple[str, str]](), f"snakemake_executor_plugin_{name().replace('-', '_')}"
    if elsewhere() and importlib.util.find_spec(plugin) is None:
        extra = f"'dat[{name()}]'" if name() in ("slurm", "kubernetes") else plugin
        found.append((f"package {plugin.replace('_', '-')}", f"pip install {extra}"))
    if importlib.util.find_spec("snakemake") is None:
        found.append(("package snakemake", "pip install 'dat[pipeline]', or make setup in a checkout"))
    if name() == "slurm" and shutil.which("sbatch") is None:
        found.append(("program sbatch", "work where SLURM's commands are (apt-get install slurm-client)"))
    return found


def check() -> None:
    """Raises MissingError where this machine lacks something to start jobs, InputError for no profile."""
    asked = f"SNAKEMAKE_PROFILE={named}: " if (named := os.environ.get("SNAKEMAKE_PROFILE")) else ""
    for what, get in lacking():
        raise MissingError(f"{asked}{what} is not there; {get}")


def _profile() -> Mapping[str, object]:
    named = os.environ.get("SNAKEMAKE_PROFILE")
    if not named:
        return {}
    places = [Path(named), Path.home() / ".config" / "snakemake" / named, Path("/etc/xdg/snakemake") / named]
    files = [file for place in places for file in sorted(place.glob("config*.yaml"))]
    if not files:
        raise InputError(
            f"SNAKEMAKE_PROFILE={named}: no config.yaml in it; name a folder such as that of docs/cluster.md"
        )
    content = read_yaml(files[0])
    return content if isinstance(content, Mapping) else {}
