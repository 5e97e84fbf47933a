"""Where a number comes from, in words: when and where it was made, by which commit, from which data and networks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from dat.audit.addresses import Address
from dat.audit.checks import Audit
from dat.audit.lock import UNDECLARED
from dat.audit.walk import Walk

COUNTS = {"frames": "frames", "videos": "videos", "domains": "domains", "sentences": "sentences"}
"""What a network's metrics say that it was trained on."""


@dataclass(frozen=True)
class Origin:
    """The facts of the runs behind a number, each from all of them; what is not known is absent."""

    facts: Mapping[str, Any]

    def lines(self) -> list[str]:
        """A few lines of words."""
        facts = self.facts
        made = f"made {_span(facts.get('started', []))}" if facts.get("started") else "made at an unknown time"
        where = [f"on {_listed(facts['hosts'])}" if facts.get("hosts") else "", _listed(facts.get("processors", []))]
        where += [_listed(facts.get("platforms", [])), *(f"Python {one}" for one in facts.get("pythons", []))]
        packages = ", ".join(f"{name} {version}" for name, version in facts.get("packages", {}).items())
        how = [f"{facts['numerics']} numerics" if facts.get("numerics") else "", facts.get("device", ""), packages]
        return [f"{made} {', '.join(filter(None, where))}", self._commit(), "; ".join(filter(None, how))]

    def _commit(self) -> str:
        commits, patches = self.facts.get("commits", []), self.facts.get("patches", [])
        if not commits:
            return "by no commit that the run files name"
        clean = f"with uncommitted changes (patch {_listed(patches, 12)})" if patches else "clean"
        return f"by commit {_listed(commits, 12)}, {clean}"

    def words(self, audit: Audit) -> str:
        """The verdict in words: from how much data, by which networks, what of it no stage has declared, and of which
        runs and commits nothing could be compared."""
        undeclared = [check.subject for check in audit.checks if check.name == "declared" and check.found == UNDECLARED]
        others = f" and {len(undeclared) - 1} more" if len(undeclared) > 1 else ""
        declared = f"undeclared: {undeclared[0]}{others}" if undeclared else "nothing undeclared"
        unchecked = self.facts.get("unchecked", [])
        rest = [f"not checked: {', '.join(unchecked)}"] if unchecked else []
        return f"{audit.verdict}: {'; '.join([*self._data(), declared, *rest])}"

    def _data(self) -> Iterator[str]:
        facts, networks = self.facts, self.facts.get("networks", {})
        if facts.get("sequences"):
            counts = f"{_number(facts['sequences'], 'sequence')}, {_number(facts['frames'], 'frame')}"
            yield f"{counts} of the data set {facts['data_set']}"
        if networks:
            each = []
            for name, counts in networks.items():
                trained = " of ".join(_number(count, what.removesuffix("s")) for what, count in counts.items())
                sets = facts.get("training_sets", {}).get(name)
                each.append(f"{name}{f', trained on {trained}' if trained else ''}")
                each[-1] += f", data set{'' if len(sets) == 1 else 's'} {', '.join(sets)}" if trained and sets else ""
            yield f"{_number(len(networks), 'network')}: {'; '.join(each)}"


def of(walk: Walk, address: Address) -> Origin:
    """Where a number comes from, by run files and records."""
    if address.kind == "train":
        record = (PurePosixPath(address.file).parent / "record.json").as_posix()
        made, records = _made(walk, [record])
        return Origin(_facts(made, records) | _networks(walk, [record]) | _unchecked(walk, made))
    scores = walk.numbers.scores.get(address.benchmark)
    if scores is None:
        return Origin({})
    behind = scores.behind(address)
    runs = [walk.json(f"runs/{scores.parent}/{tracker}/{name}.json") for tracker, name in behind]
    records = [walk.unit_record(scores.parent, tracker, name) for tracker, name in behind]
    rows = walk.results.sequences(walk.results.manifest_of(scores.parent))
    names = dict.fromkeys(name for _, name in behind)
    networks = {
        parent["path"] for record in records for parent in record.get("parents", []) if "weights/" in parent["path"]
    }
    data = {
        "data_set": str(scores.data.get("data_set", scores.parent)),
        "sequences": len(names),
        "frames": sum(len(rows[name].files) for name in names if name in rows),
        **_networks(walk, sorted(networks)),
    }
    runs.append(walk.json(f"runs/evaluate@{scores.parent}.json"))
    before = _made(walk, sorted(networks))
    made = [*runs, *before[0]]
    return Origin(_facts(made, [*records, *before[1]]) | data | _unchecked(walk, made))


def _unchecked(walk: Walk, runs: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What run files that are not there, and commits that are not here, leave unchecked."""
    there = [run for run in runs if run]
    gone, found = len(runs) - len(there), list[str]()
    if not there:
        found.append(f"when, where and by which commit it was made (none of its {len(runs)} run files is in runs/)")
    elif gone:
        found.append(f"{gone} of its {len(runs)} run files, which {'is' if gone == 1 else 'are'} not in runs/")
    commits = sorted({(str(run["commit"]), bool(run.get("patch"))) for run in there if run.get("commit")})
    for commit, changed in commits:
        if changed or not walk.commits.known(commit):
            why = "whose checkout had uncommitted changes" if changed else "which is not in this repository"
            found.append(f"its code against commit {commit[:12]}, {why}")
    if there and not commits:
        found.append("its code against a commit, since its run files name none")
    return {"unchecked": found} if found else {}


def _made(walk: Walk, names: Iterable[str]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The run files and the records of stages, by their records' paths, and of all stages that these rest on."""
    records, todo = dict[str, Mapping[str, Any]](), list(names)
    while todo:
        name = todo.pop()
        if name not in records:
            records[name] = walk.json(name)
            todo += [parent["path"] for parent in records[name].get("parents", [])]
    stages = {walk.lock.stage_of(name) for name in records}
    return [walk.json(f"runs/{stage}.json") for stage in sorted(filter(None, stages))], list(records.values())


def _networks(walk: Walk, records: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Of each network, by its folder, how much its metrics say that it was trained on, and of which data sets."""
    networks, sets = {}, {}
    for name in records:
        folder = PurePosixPath(name).parent
        metrics = walk.json((folder / "metrics.json").as_posix())
        networks[str(folder)] = {word: int(metrics[key]) for key, word in COUNTS.items() if metrics.get(key)}
        read = [fact["path"] for fact in walk.json(name).get("inputs", []) if fact["path"].endswith(".jsonl")]
        found = [walk.results.manifest(path) for path in read]
        sets[str(folder)] = sorted({manifest.header["name"] for manifest in found if manifest})
    return {"networks": networks, "training_sets": sets}


def _facts(runs: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What run files and records say, each value once."""

    def every(key: str) -> list[str]:
        return sorted({str(run[key]) for run in runs if run.get(key)})

    many = {"started": "started", "hosts": "host", "processors": "processor", "platforms": "platform"}
    many |= {"pythons": "python", "commits": "commit", "patches": "patch"}
    facts: dict[str, Any] = {word: every(key) for word, key in many.items()}
    environments = [record.get("environment", {}) for record in records]
    versions = [environment.get("packages", {}) for environment in environments]
    for key in ("numerics", "device"):
        facts |= {key: value} if (value := _every(environments, key)) else {}
    names = {name: _every(versions, name) for every in versions for name in every}
    return facts | ({"packages": dict(sorted(names.items()))} if names else {})


def _every(facts: Iterable[Mapping[str, Any]], key: str) -> str:
    """Each value of a key, once."""
    return _listed(sorted({str(one[key]) for one in facts if key in one}))


def _listed(values: Sequence[str], length: int | None = None) -> str:
    return " and ".join(value[:length] for value in values)


def _span(times: Sequence[str]) -> str:
    first, last = times[0], times[-1]
    return first if first == last else f"{first} to {last}"


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
