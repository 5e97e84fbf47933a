"""`make test-gpu`: what computes on a card is tried against the processor, and measured. Takes a few minutes.

    python -m tests.gpu [--device cuda]

Prints a table and writes it to .dat/gpu.json. The status is 0, 1 where a part found what is beyond its bound, and 2
where no card is usable. Without a network it runs in any environment that has torch and the packages of the lock.
"""

import argparse
import sys
import traceback
from pathlib import Path

from dat import records
from dat.base import devices, numerics
from dat.base.errors import InputError
from dat.training import runner
from tests.gpu import parts


def main(
    arguments: list[str] | None = None, out: Path = parts.ROOT / ".dat" / "gpu.json", size: parts.Size | None = None
) -> int:
    """Run all parts; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="another one, to try the script itself: cpu")
    device = str(parser.parse_args(arguments).device)
    try:
        if device.startswith("cuda") and not devices.chosen("all"):
            raise InputError("nvidia-smi shows no GPU that is visible here: run it on a machine with one")
        with runner.exact(1, device):
            return tried(device, size or parts.Size(), out)
    except InputError as error:
        print(f"test-gpu: {error}", file=sys.stderr)
        return error.status


def tried(device: str, size: parts.Size, out: Path) -> int:
    """Run all parts on a device that opens; the exit status."""
    figures, failed = {"card": parts.card(device)}, list[str]()
    show("card", figures["card"])
    for part in parts.PARTS:
        name = part.__name__.replace("_", " ")
        if part is parts.out_of_memory and not device.startswith("cuda"):
            continue
        try:
            figures[name] = part(device, size)
        except Exception as error:  # the other parts are to be heard as well
            if not isinstance(error, AssertionError):
                traceback.print_exc()
            figures[name] = {"failed": next(iter(str(error).splitlines()), type(error).__name__)}
            failed.append(name)
        show(name, figures[name])
        records.write_json(out, figures)
    print(f"test-gpu: {'failed: ' + ', '.join(failed) if failed else 'all parts hold'} ({out})")
    return 1 if failed else 0


def show(name: str, figures: parts.Figures) -> None:
    """Print a part's figures, a line each."""
    for what, value in figures.items():
        print(f"{name:<18} {what:<42} {f'{value:.5g}' if isinstance(value, float) else value}", flush=True)


if __name__ == "__main__":
    numerics.prepare("native")
    sys.exit(main())
