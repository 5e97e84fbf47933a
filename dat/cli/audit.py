"""`dat audit`: from numbers back to raw files, and from a file to the numbers that rest on it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dat.audit.addresses import Address
    from dat.audit.checks import Audit
    from dat.audit.origin import Origin
    from dat.audit.walk import Walk


@click.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1)
@click.option(
    "--json", "out", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path), help="Write all checks here."
)
@click.option(
    "--html",
    "page",
    metavar="OUT",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the graph of one number as a page that opens thing by thing.",
)
@click.option("--full", is_flag=True, help="Show everything that a number rests on, not only what does not hold.")
@click.option("--stages", is_flag=True, help="Look at every stage on the way whole, as `all` does.")
@click.option("--why", metavar="PATH", help="Show the path from the number to a file, folder or setting.")
@click.option("--rev", metavar="REV", help="Audit the numbers of a commit, from git and DVC's cache.")
@click.option("--seal", is_flag=True, help="Write reports/seal.json: one hash over all that is behind the report.")
@click.option("--sealed", is_flag=True, help="Compare all that is behind the report with its seal, and the commit's.")
@click.option(
    "--crate",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write the whole run into a new folder as a Workflow Run RO-Crate.",
)
@click.option("--uses", metavar="PATH", help="List the numbers that rest on a file, folder, sequence or setting.")
@click.option(
    "--replay",
    metavar="N|all",
    help="Track N of the sequences behind the numbers again, or all, from scratch, and compare the boxes.",
)
@click.option(
    "--replay-training", is_flag=True, help="Train the networks behind a number again, from scratch, and compare them."
)
def audit(
    addresses: tuple[str, ...],
    out: Path | None,
    page: Path | None,
    full: bool,
    stages: bool,
    why: str | None,
    rev: str | None,
    uses: str | None,
    seal: bool,
    sealed: bool,
    crate: Path | None,
    replay: str | None,
    replay_training: bool,
) -> None:
    """Walk from numbers to raw files: score again, re-hash, compare code, settings and dvc.lock.

    ADDRESS names a number: otb100/dat-jtnl/success, otb100/dat-jtnl@seed-0/SEQUENCE/success,
    table/4/pymdnet+gcn/otb2013-precision, figure/9/lambda/0.1, train/salnet/salnet/loss, or all of the report's. Or it
    is a file RUN.json that `dat track --json` wrote: then frames and boxes, weights, code and settings are compared.

    Exit status: 0 everything is verified; 1 something differs or is missing; 2 no such number, no dvc.lock, for all a
    run that never finished, or a commit whose run DVC's cache has not whole.

    Examples: dat audit table/1/dat-jtnl/otb100-success; dat audit all --json audit.json; dat audit run.json;
    dat audit otb100/dat-jtnl/success --replay 2; dat audit otb100/pymdnet/success --replay-training;
    dat audit --uses tracking.redetection; dat audit otb100/dat-jtnl/success --rev v1.0
    """
    from dat.base import params

    if replay_training:
        _trainable(addresses, {"--seal": seal, "--sealed": sealed, "--uses": uses, "--why": why, "--rev": rev})
    if seal or sealed:
        if rev is not None:
            raise click.UsageError("--rev takes addresses; git show REV:reports/seal.json shows a commit's seal")
        _seal(seal)
        return
    if crate is not None:
        _crate(crate)
        return
    if not addresses and uses is None:
        raise click.UsageError("name a number: otb100/dat-jtnl/success, or all")
    count = None if replay is None else _count(replay)
    if page is not None and (len(addresses) != 1 or addresses[0] == "all" or addresses[0].endswith(".json")):
        raise click.UsageError("--html is of one number; name it: dat audit otb100/dat-jtnl/success --html OUT")
    if rev is not None:
        others = uses is not None or replay is not None or page is not None
        if others or any(text.endswith(".json") for text in addresses):
            raise click.UsageError("--rev goes with addresses, --json, --full, --stages and --why alone")
        _earlier(addresses, rev, out, full, stages, why)
        return
    from dat.audit import show, tracked, webpage
    from dat.audit.walk import Walk
    from dat.video import request

    runs = [text for text in addresses if text.endswith(".json")]
    home = Walk(request.home()) if runs else None
    audits: list[Audit] = [tracked.audit(home, Path(name)) for name in runs if home is not None]
    walk = Walk(params.load(), stages or "all" in addresses) if len(runs) < len(addresses) or uses is not None else None
    chosen: list[Address] = []
    if walk is not None:
        found = [address for text in addresses if text not in runs for address in walk.resolve(text)]
        chosen = list(dict.fromkeys(found))
        audits += _audits(walk, chosen)
    if uses is not None:
        _uses(walk, uses, out)
        return
    if walk is not None and replay is not None:
        _replay(walk, chosen, audits[len(runs) :], count)
    if replay_training:
        _retrain([(home, audits[: len(runs)]), (walk, audits[len(runs) :])])
    name = show.relative(walk, why) if why is not None and walk is not None else why
    several = len(audits) > 1 or "all" in addresses
    made = None if several or not chosen else _origin(walk, chosen[0])
    if page is not None and walk is not None and made is not None:
        webpage.write(page, walk, audits[0], made)
    notes = [note for one in (home, walk) if one is not None for note in one.commits.notes()]
    if walk is not None and several and walk.unrun:
        which = f"{len(walk.unrun)} of its stages and sequences have no run file in runs/"
        notes.append(f"when, where and by which commit: {which}, {min(walk.unrun)} first")
    _say(audits, several, made, out, full, name, notes=notes)


def _audits(walk: "Walk", chosen: "list[Address]") -> "list[Audit]":
    """The audits of numbers, with a bar where there are several."""
    from dat.progress import progress

    return [walk.audit(one) for one in (progress(chosen, desc="audit", unit="number") if len(chosen) > 1 else chosen)]


def _origin(walk: "Walk | None", address: "Address") -> "Origin | None":
    from dat.audit import origin

    return None if walk is None else origin.of(walk, address)


def _say(
    audits: "list[Audit]",
    several: bool,
    made: "Origin | None",
    out: Path | None,
    full: bool,
    why: str | None,
    commit: str = "",
    status: int = 1,
    notes: "Sequence[str]" = (),
) -> None:
    """Print what the audits found and `notes`, or the path to `why`, and write it to `out`; end with `status` where not
    all is verified, unless it is 0."""
    from dat.audit import show
    from dat.base.naming import shown
    from dat.records import write_json

    if out is not None:
        parts = show.many(audits) if several else [show.one(audits[0], made)]
        parts = [one | {"commit": commit} for one in parts] if commit else parts
        write_json(out, parts if several else parts[0])
    console = show.console()
    if commit:
        console.print(f"[dim]of commit {commit}[/]")
    if why is not None:
        for one in [audit for audit in audits if audit.node.path_to(why)] or audits[:1]:
            console.print(show.why(one, why))
        return
    console.print(show.summary(audits) if several else show.terminal(audits[0], made, full))
    for note in notes:
        console.print(f"[dim]not checked: {shown(note)}[/]")
    console.print(f"[dim]taken on trust: {'; '.join(show.trusted())}[/]")
    if status and any(audit.verdict != "verified" for audit in audits):
        sys.exit(status)


def _earlier(addresses: tuple[str, ...], rev: str, out: Path | None, full: bool, stages: bool, why: str | None) -> None:
    """Audit the numbers of a commit. Raises MissingError when nothing differs and DVC's cache has not all of it."""
    from dat.audit import earlier
    from dat.audit.checks import worst
    from dat.audit.walk import Walk
    from dat.base import params
    from dat.base.errors import MissingError

    with earlier.unpacked(params.load(), rev) as run:
        walk = Walk(run.settings, stages or "all" in addresses)
        chosen = [address for text in addresses for address in walk.resolve(text)]
        audits = [run.audited(one) for one in _audits(walk, chosen)]
        several = len(audits) > 1 or "all" in addresses
        made = None if several else _origin(walk, chosen[0])
        lacking = worst([audit.verdict for audit in audits]) == "not checked"
        _say(audits, several, made, out, full, why, run.commit, status=0 if lacking else 1)
        if lacking and why is None:
            which = [one.address for one in audits if one.verdict == "not checked"]
            outputs = sorted(run.partial)
            lacks = ", ".join(outputs[:3]) + (f" and {len(outputs) - 3} more" if len(outputs) > 3 else "")
            numbers = f"{len(which)} of {len(audits)} numbers not checked, {which[0]} first"
            raise MissingError(f"{rev}: {numbers}: DVC's cache lacks a part of {lacks}; dvc fetch brings it")


def _count(text: str) -> int | None:
    """How many sequences to replay; None is all. Raises BadParameter for what is neither."""
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise click.BadParameter(f"'{text}' is no number of sequences; say 1, 2, ... or all", param_hint="--replay")
    return int(text)


def _replay(walk: "Walk", chosen: "list[Address]", audits: "list[Audit]", count: int | None) -> None:
    """Add the replays of what is behind the numbers to their audits."""
    from dat.audit import replay

    behind = {
        address.text: [(walk.numbers.scores[address.benchmark].parent, *unit) for unit in units]
        for address in chosen
        if (len(chosen) == 1 or address.kind != "train") and (units := replay.behind(walk, address, count))
    }
    wanted = sorted({unit for units in behind.values() for unit in units})
    nodes = dict(zip(wanted, replay.replay(walk, wanted), strict=True))
    for address, audit in zip(chosen, audits, strict=True):
        audit.node.children.extend(nodes[unit] for unit in behind.get(address.text, []))


def _trainable(addresses: tuple[str, ...], others: "Mapping[str, object]") -> None:
    """Raises UsageError where --replay-training stands beside what it does not go with."""
    other = next((option for option, given in others.items() if given), None)
    if other:
        raise click.UsageError(f"--replay-training and {other} do not go together; leave one out")
    if "all" in addresses:
        raise click.UsageError("--replay-training takes hours for all; name a number: otb100/dat-jtnl/success")


def _retrain(audited: "Sequence[tuple[Walk | None, list[Audit]]]") -> None:
    """Train the networks behind numbers again and add the comparisons to the numbers' audits."""
    from dat.audit import retrain
    from dat.base.naming import shown

    def say(line: str) -> None:
        click.echo(shown(line), err=True)

    planned = [
        (walk, audits, [retrain.behind(walk, [audit]) for audit in audits])
        for walk, audits in audited
        if walk is not None and audits
    ]
    for walk, audits, behind in planned:
        networks = list({network.folder: network for networks in behind for network in networks}.values())
        say(retrain.notice(networks))
        nodes = dict(zip((one.folder for one in networks), retrain.replay(walk, networks, say), strict=True))
        for audit, needed in zip(audits, behind, strict=True):
            audit.node.children.extend(nodes[network.folder] for network in needed)


def _seal(write: bool) -> None:
    """Write the seal, or compare with it; status 1 where something differs."""
    from dat.audit import seal
    from dat.audit.walk import Walk
    from dat.base import params

    walk = Walk(params.load())
    path = walk.settings.path / seal.FILE
    if write:
        made = seal.write(walk)
        click.echo(f"{path}: root {made.root} over {made.files} files")
        return
    held, now, committed = seal.read(path), seal.of(walk), seal.committed(walk)
    against = {str(path): held, "the commit's seal": committed}
    wrong = {name: one.differences(now) for name, one in against.items() if one is not None and one.root != now.root}
    for name, branches in wrong.items():
        click.echo(f"{name}: differs in {', '.join(branches)}")
    if committed is None:
        click.echo("no seal is committed: whoever can write here could have written this one", err=True)
    if wrong:
        sys.exit(1)
    where = "" if committed is None else " and the commit's"
    click.echo(f"sealed: root {now.root} over {now.files} files equals {path}{where}")


def _crate(folder: Path) -> None:
    """Write the crate of the run."""
    from dat.audit import crate
    from dat.audit.walk import Walk
    from dat.base import params

    root = crate.write(folder, Walk(params.load()))
    click.echo(f"{folder}: the run whose seal has the root {root}")


def _uses(walk: "Walk | None", wanted: str, out: Path | None) -> None:
    """Print the numbers that rest on a file or setting, or write them as JSON."""
    from dat.audit import show
    from dat.base.errors import InputError
    from dat.records import write_json

    if walk is None:
        return
    name = show.relative(walk, wanted)
    users = [address.text for address in walk.resolve("all") if walk.audit(address).node.path_to(name)]
    if not users:
        raise InputError(f"--uses {wanted}: no number of the report rests on it; name a file, a folder or a setting")
    if out is not None:
        write_json(out, {"uses": name, "numbers": users})
    click.echo("\n".join(users))
    click.echo(f"{len(users)} numbers rest on {name}", err=True)
