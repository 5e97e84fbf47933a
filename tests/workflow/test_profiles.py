"""Snakemake's own parsers read the profiles that we ship."""

import importlib.util
from argparse import Namespace
from pathlib import Path

import pytest
from snakemake import cli
from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

PLACE = Path(__file__).resolve().parents[2] / "workflow" / "profiles"
PROFILES = sorted(path.name for path in PLACE.iterdir())


def parsed(name: str, *arguments: str) -> Namespace:
    """The settings that Snakemake has with this profile; a key that it does not know ends it with status 2."""
    return cli.get_argument_parser(profiles=[PLACE / name]).parse_args([*arguments])


@pytest.mark.parametrize("name", PROFILES)
def test_snakemake_knows_every_key(name: str) -> None:
    """Another executor on the command line takes the place of one whose plugin may not be here."""
    settings = parsed(name, "--executor", "local")
    assert settings.scheduler == "greedy"  # keeps the plan's order
    expected = {"default": (None, 0), "slurm": (20, 2), "kubernetes": (20, 0)}
    assert (settings.jobs, settings.retries) == expected[name]
    assert (settings.default_resources is None) == (name != "slurm")


@pytest.mark.parametrize("name", ["kubernetes", "slurm"])
def test_the_plugin_takes_the_profile(name: str) -> None:
    if not importlib.util.find_spec(f"snakemake_executor_plugin_{name}"):
        pytest.skip(f"snakemake-executor-plugin-{name} is not installed: pip install 'dat[{name}]'")
    settings = parsed(name)
    assert settings.executor == name
    assert ExecutorPluginRegistry().get_plugin(name).get_settings(settings) is not None
