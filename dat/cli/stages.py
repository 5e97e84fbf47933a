"""The stages' verbs."""

import click

from dat.base import supervise
from dat.pipeline.running import run_stage


def _of_stage(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """The argument, or where DVC runs the stage its key. Raises MissingParameter without either."""
    key = value or supervise.stage_key()
    if not key:
        raise click.MissingParameter(ctx=context, param=parameter)
    return key


def _verb(name: str, help: str, metavar: str | None) -> click.Command:
    def call(key: str = "") -> None:
        run_stage(name, key)

    arguments: list[click.Parameter] = []
    if metavar:
        arguments = [click.Argument(["key"], metavar=metavar, required=False, callback=_of_stage)]
    return click.Command(name, callback=call, params=arguments, help=help)


synthetic = _verb(
    "synthetic", "Write the embedded data set NAME in its real layout.\n\nExample: dat synthetic otb100", "NAME"
)
index = _verb("index", "Write the manifest of the data set NAME.\n\nExample: dat index otb100", "NAME")
masks = _verb("masks", "Write the masks of the selected frames.\n\nExample: dat masks", None)
benchmark = _verb(
    "benchmark", "Run every (variant, seed, sequence) of benchmark NAME.\n\nExample: dat benchmark otb2013", "NAME"
)


@click.group()
def train() -> None:
    """Train a network.

    Examples: dat train language; dat train gpgnet jtnl; dat train salnet pymdnet

    In several processes, with the same losses: torchrun --nproc-per-node 2 -m dat train gpgnet jtnl
    """


_timing = click.option("--timing", is_flag=True, help="Write where a step's time goes.")


@train.command()
@_timing
def language(timing: bool) -> None:
    """The sentence encoder. Example: dat train language"""
    run_stage("language", timing=timing)


@train.command()
@click.argument("kind", required=False, callback=_of_stage)
@_timing
def encoder(kind: str, timing: bool) -> None:
    """GPGNet's encoders, where ImageNet's are not at hand. Example: dat train encoder vgg11"""
    run_stage("encoder", kind, timing)


@train.command()
@click.argument("version", required=False, callback=_of_stage)
@_timing
def gpgnet(version: str, timing: bool) -> None:
    """A version of GPGNet. Example: dat train gpgnet jtnl"""
    run_stage("gpgnet", version, timing)


@train.command()
@click.argument("name", required=False, callback=_of_stage)
@_timing
def salnet(name: str, timing: bool) -> None:
    """A SALNet. Example: dat train salnet pymdnet+gcn"""
    run_stage("salnet", name, timing)
