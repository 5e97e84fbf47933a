"""The command line: a dispatcher that imports the one module that a verb needs.

Exit status: 0 done; 1 done and something is wrong; 2 the call or its input is wrong; 130 interrupted.
"""

import errno
import importlib
import os
import sys
from typing import Any

import click

from dat.base import numerics
from dat.base.errors import DatError, of_system
from dat.base.naming import shown

VERBS = {
    "track": ("dat.cli.track", "Track one target in a video, a folder of images, a camera or a stream."),
    "data": ("dat.cli.data", "Data sets: what is where, what is wrong with it, linking and showing."),
    "repro": ("dat.cli.repro", "`dvc repro`, with trainings that do not wait for one another side by side."),
    "plan": ("dat.cli.plan", "Before a run: everything that it lacks, and what lies ahead. Starts nothing."),
    "weights": ("dat.cli.weights", "Public starting weights: list and fetch."),
    "synthetic": ("dat.cli.stages", "Stage: write an embedded data set in its real on-disk layout."),
    "index": ("dat.cli.stages", "Stage: the manifest of a data set."),
    "subsample": ("dat.cli.subsample", "Stage: every n-th frame of LaSOT; by hand, the selection alone."),
    "masks": ("dat.cli.stages", "Stage: target masks of the selected frames."),
    "train": ("dat.cli.stages", "Stages: train the language encoder, a GPGNet or a SALNet."),
    "benchmark": ("dat.cli.stages", "Stage: run all (variant, seed, sequence) of one benchmark through Snakemake."),
    "evaluate": ("dat.cli.evaluate", "Stage: a benchmark's scores; by hand, score any tracker's result files."),
    "report": ("dat.cli.report", "Stage: tables, figures and reports/index.html."),
    "audit": ("dat.cli.audit", "From numbers back to raw files: which data, code and settings, and is it true."),
    "show": (
        "dat.cli.show",
        "Watch a stored result: its boxes, the truth and the attention on the frames, as a video.",
    ),
    "diff": ("dat.cli.diff", "Which numbers and outputs of two runs differ, and why: HEAD against the working tree."),
    "cache": ("dat.cli.cache", "The store of finished per-sequence jobs: status and clean."),
}
EXTRAS = {
    **dict.fromkeys(("av", "safetensors", "torch", "torchvision"), "track"),
    **dict.fromkeys(("jinja2", "matplotlib", "pandas", "seaborn"), "report"),
    **dict.fromkeys(("dvc", "dvclive", "skimage", "snakemake"), "pipeline"),
    "trax": "vot",
}
"""Which extra of the package brings a module; scoring, audit and data sets need none."""
HIDDEN = {"job": "dat.cli.job", "timings": "dat.cli.timings", "watch": "dat.cli.watch"}


class Verbs(click.Group):
    """A group whose verbs are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order of VERBS."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb, with the profile's numerics; a job's stand in its plan."""
        module = VERBS[cmd_name][0] if cmd_name in VERBS else HIDDEN.get(cmd_name)
        if module is None:
            return None
        if cmd_name != "job":
            numerics.prepare(numerics.setting())
        command: click.Command = getattr(importlib.import_module(module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in VERBS.items()])


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(package_name="dat", prog_name="dat")
def dat(debug: bool) -> None:
    """Describe and Attend to Track: track, train, evaluate, report and audit.

    A command acts on the profile that it is called in: the nearest params.yaml upwards.
    """


def explain(error: Exception) -> tuple[str, int]:
    """One line for an exception, in which names stand as they are typed, and the exit status."""
    message, status = _explain(error)
    return shown(message), status


def _explain(error: Exception) -> tuple[str, int]:
    if isinstance(error, DatError):
        return str(error), error.status
    if isinstance(error, OSError) and (error.filename or error.errno == errno.ENOSPC):
        return of_system(error), 2
    if isinstance(error, ImportError) and ".so" in str(error):
        return f"a system library is missing: {error}; install it, or run make setup again", 2
    if isinstance(error, ModuleNotFoundError):
        extra = EXTRAS.get(str(error.name).partition(".")[0])
        remedy = f"pip install 'dat[{extra}]', or make setup in a checkout" if extra else "run make setup"
        return f"the package '{error.name}' is not installed: {remedy}", 2
    return f"unexpected {type(error).__name__}: {error}; run again with `dat --debug ...` for the traceback", 2


def main() -> None:
    """The console script."""
    debug = "--debug" in sys.argv[1:2]
    try:
        status = dat.main(standalone_mode=False, prog_name="dat")
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "dat"
        click.echo(shown(f"{where}: {error.format_message()} (see {where} --help)"), err=True)
        sys.exit(2)
    except Exception as error:
        if debug:
            raise
        message, status = explain(error)
        click.echo(f"dat: {message}", err=True)
        sys.exit(status)


def run_in_process(arguments: list[str]) -> Any:
    """Run a command line in this process and let its exceptions pass: for tests."""
    return dat.main(args=arguments, standalone_mode=False, prog_name="dat")
