"""`dat audit`: from numbers back to raw files."""

import sys
from pathlib import Path

import click


@click.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option(
    "--json", "out", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path), help="Write all checks here."
)
def audit(addresses: tuple[str, ...], out: Path | None) -> None:
    """Walk from numbers to raw files: score again, re-hash, compare code, settings and dvc.lock.

    ADDRESS names a number: otb100/dat-jtnl/success, otb100/dat-jtnl@seed-0/SEQUENCE/success,
    table/4/pymdnet+gcn/otb2013-precision, figure/9/lambda/0.1, train/salnet/salnet/loss, or all of the report's. Or it
    is a file RUN.json that `dat track --json` wrote: then frames and boxes, weights, code and settings are compared.

    Exit status: 0 everything is verified; 1 something differs or is missing; 2 no such number.

    Examples: dat audit table/1/dat-jtnl/otb100-success; dat audit all --json audit.json; dat audit run.json
    """
    from rich.console import Console

    from dat import params
    from dat.audit import show, tracked
    from dat.audit.walk import Walk
    from dat.records import progress, write_json
    from dat.tracking import request

    runs = [text for text in addresses if text.endswith(".json")]
    audits = [tracked.audit(Walk(request.home()), Path(name)) for name in runs]
    if len(runs) < len(addresses):
        walk = Walk(params.load())
        found = [address for text in addresses if text not in runs for address in walk.resolve(text)]
        audits += map(walk.audit, progress(found, desc="audit", unit="number") if len(found) > 1 else found)
    several = len(audits) > 1 or "all" in addresses
    if out is not None:
        write_json(out, show.many(audits) if several else show.one(audits[0]))
    console = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 200)
    console.print(show.summary(audits) if several else show.terminal(audits[0]))
    console.print(f"[dim]taken on trust: {'; '.join(show.trusted())}[/]")
    if any(audit.verdict != "verified" for audit in audits):
        sys.exit(1)
