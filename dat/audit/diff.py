"""Two runs compared: which stages, outputs, records and numbers differ, and the fewest causes that explain each.

A stage whose inputs differ only because earlier stages' outputs do has no cause of its own: it follows from the
earliest that have one. Where both records of a stage are known they name its causes; else dvc.lock and git do.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from dat.audit import causes as why
from dat.audit.causes import Cause, among, dependencies, is_code
from dat.audit.files import Files
from dat.audit.revisions import WORKING_TREE, Output, Run, Store, changed_files, check_checkout, of_commit, working_tree
from dat.params import Settings, leaves, plain
from dat.records import is_record


@dataclass(frozen=True)
class StageDifference:
    """A stage whose outputs differ: its causes, the stages that it follows from, and the differing outputs' files.

    An output's files are None where one side's are not known. `record` names the parts of its record that differ.
    """

    name: str
    causes: tuple[Cause, ...]
    follows: tuple[str, ...]
    outputs: Mapping[str, tuple[str, ...] | None]
    record: tuple[str, ...]

    @property
    def records_alone(self) -> bool:
        """Whether nothing but records differs: the stage's, or those beside a benchmark's boxes."""
        return all(files is not None and all(_describes(out, name) for name in files) for out, files in self.items())

    def items(self) -> Iterable[tuple[str, tuple[str, ...] | None]]:
        """The differing outputs with their files."""
        return self.outputs.items()

    @property
    def text(self) -> str:
        """Its causes and what it follows from, in a few words."""
        parts = [among(self.causes)] if self.causes else []
        return "; ".join(parts + ([f"follows from {listed(self.follows, 2)}"] if self.follows else []))

    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "stage": self.name,
            "causes": [cause.facts() for cause in self.causes],
            "follows": list(self.follows),
            "outputs": {out: None if files is None else list(files) for out, files in self.items()},
            "records_alone": self.records_alone,
            "record": list(self.record),
        }


def _describes(out: str, name: str) -> bool:
    """Whether a file of an output is a record; beside the boxes in `results` each sequence has one."""
    return is_record(Path(name)) or (out.startswith("results/") and name.endswith(".json"))


def listed(names: Sequence[str], most: int) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


@dataclass(frozen=True)
class NumberDifference:
    """A number that differs; None where one run has no such number."""

    address: str
    kind: str
    old: float | None
    new: float | None
    stages: tuple[str, ...]
    causes: tuple[Cause, ...]

    @property
    def size(self) -> float:
        """How far apart the two are; infinite where one is not there."""
        return float("inf") if self.old is None or self.new is None else abs(self.new - self.old)

    def facts(self) -> dict[str, Any]:
        """As JSON has it: what is not known is absent."""
        known = {"old": self.old, "new": self.new}
        return {
            "address": self.address,
            **{side: value for side, value in known.items() if value is not None},
            "stages": list(self.stages),
            "causes": [cause.facts() for cause in self.causes],
        }


@dataclass(frozen=True)
class Comparison:
    """Two runs of a profile. `reproduction` when the question is whether the working tree reproduced HEAD's run."""

    settings: Settings
    old: Run
    new: Run
    reproduction: bool = False

    # ------------------------------------------------------------ the graph

    @cached_property
    def order(self) -> list[str]:
        """All stages of both runs, each after those that it depends on."""
        names = list(dict.fromkeys([*self.new.stages, *self.old.stages]))
        depths: dict[str, int] = {}
        for run in (self.old, self.new):
            for name in run.stages:
                depths[name] = _depth(run, name, {})
        return sorted(names, key=lambda name: depths[name])

    @cached_property
    def _outputs(self) -> dict[str, dict[str, tuple[str, ...] | None]]:
        """The differing outputs of each stage that has any, with the files of each that differ."""
        differing: dict[str, dict[str, tuple[str, ...] | None]] = {}
        for path in dict.fromkeys([*self.old.outputs, *self.new.outputs]):
            old, new = self.old.outputs.get(path), self.new.outputs.get(path)
            if old is None or new is None or old.md5 != new.md5:
                stage = self.new.makers.get(path) or self.old.makers[path]
                differing.setdefault(stage, {})[path] = _files(old, new)
        return differing

    # ------------------------------------------------------------ causes

    @cached_property
    def _changed(self) -> list[str]:
        return changed_files(self.settings.top, self.old, self.new)

    def _inputs(self, name: str) -> tuple[set[str], list[Cause]]:
        """The differing stages that a stage's inputs come from, and the inputs that differ and come from no stage."""
        stages: set[str] = set()
        causes = []
        old, new = (dependencies(run.stages[name]) for run in (self.old, self.new))
        for path in sorted({*old, *new}):
            if old.get(path) != new.get(path) and not is_code(path):
                makers = [*self.old.makers_of(path), *self.new.makers_of(path)]
                differing = {maker for maker in makers if maker in self._outputs}
                stages |= differing
                kind = "data" if path in old and path in new else "dependency"
                causes += [] if differing else [Cause(kind, path, old.get(path), new.get(path))]
        return stages, causes

    @cached_property
    def _explained(self) -> dict[str, tuple[tuple[Cause, ...], set[str]]]:
        """Each differing stage's own causes, and the differing stages that its inputs come from."""
        return {name: self._explain(name) for name in self.order if name in self._outputs}

    def _explain(self, name: str) -> tuple[tuple[Cause, ...], set[str]]:
        sides = [run.name for run in (self.old, self.new) if name in run.stages]
        if len(sides) == 1:
            return (Cause("stage", f"{name} of {sides[0]} alone"),), set()
        stages, data = self._inputs(name)
        causes = [*self._after_the_run(name), *data, *self._decided(name)]
        if not causes and not stages:
            causes = self._less_certain(name) or [Cause("unexplained", "")]
        return tuple(causes), stages

    def _after_the_run(self, name: str) -> list[Cause]:
        """Outputs that are not there, or that are no longer what the lock of their run says."""
        causes = []
        for path in self._outputs[name]:
            for output in (run.outputs[path] for run in (self.old, self.new) if path in run.outputs):
                if output.md5 is None:
                    causes.append(Cause("missing", "outputs"))
                elif output.md5 != output.locked:
                    causes.append(Cause("changed", path, output.locked, output.md5))
        return list(dict.fromkeys(causes))

    def _records(self, name: str) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        return self.old.records.get(name), self.new.records.get(name)

    def _decided(self, name: str) -> list[Cause]:
        """Code, settings and environment that differ: by the two records, or by the lock where one is not known."""
        old, new = self._records(name)
        if old is not None and new is not None:
            return why.recorded_causes(old, new)
        return why.locked_causes(self.old.stages[name], self.new.stages[name], self._changed, old or new)

    def _less_certain(self, name: str) -> list[Cause]:
        """What may explain a stage that nothing else does: what the lock lists beyond records, then the environment.

        Where one of the stage's records is not known, that of another stage of the same run tells of packages and
        machine.
        """
        locked = why.locked_causes(self.old.stages[name], self.new.stages[name], self._changed, None)
        if locked:
            return locked
        old, new = (run.records.get(name) or next(iter(run.records.values()), {}) for run in (self.old, self.new))
        causes = why.recorded_environment(old, new) if old and new else []
        return [cause for cause in causes if cause.kind not in why.OF_A_STAGE]

    def _roots(self, name: str, skip: frozenset[str] = frozenset()) -> dict[str, tuple[Cause, ...]]:
        """The stages with causes of their own that a stage's difference comes from, itself included, in order."""
        reached, waiting = set(), [name]
        while waiting:
            stage = waiting.pop()
            if stage not in reached:
                reached.add(stage)
                waiting += self._explained[stage][1] - skip
        return {stage: causes for stage, (causes, _) in self._explained.items() if stage in reached and causes}

    @cached_property
    def stages(self) -> list[StageDifference]:
        """The stages that differ, in the order of the graph."""
        differing = []
        for name, (causes, _) in self._explained.items():
            follows = tuple(stage for stage, roots in self._roots(name).items() if set(roots) - set(causes))
            parts = _parts(*self._records(name))
            differing.append(StageDifference(name, causes, follows, self._outputs[name], parts))
        return differing

    # ------------------------------------------------------------ numbers

    def _skipped(self, variant: str) -> frozenset[str]:
        """The stages that make weights which a variant does not use."""
        entry = self.settings.root.variants.get(variant)
        if entry is None:
            return frozenset()
        used = {f"weights/salnet/{entry.salnet}", f"weights/gpgnet/{entry.attention}"}
        makers = {**self.old.makers, **self.new.makers}
        return frozenset(stage for out, stage in makers.items() if out.startswith("weights/") and out not in used)

    def _number(self, address: str) -> NumberDifference:
        sides = [run.numbers.get(address) for run in (self.old, self.new)]
        one = next(side for side in sides if side is not None)
        stage, skipped = self._stage_of(address, one.variant)
        roots = self._roots(stage, skipped) or self._roots(stage) if stage else {}
        every = list(dict.fromkeys(cause for causes in roots.values() for cause in causes))
        causes = [cause for cause in every if not _of_another_variant(cause, one.variant)] or every
        old, new = (None if side is None else side.printed for side in sides)
        return NumberDifference(address, one.kind, old, new, tuple(roots), tuple(causes))

    def _stage_of(self, address: str, variant: str) -> tuple[str | None, frozenset[str]]:
        """The differing stage that a number comes from, and the earlier ones that do not concern it.

        It is that of its scores, else that of the table which prints them: then no earlier one does.
        """
        for run in (self.new, self.old):
            for path in run.sources.get(address, ()):
                stage = next((stage for stage in run.makers_of(path) if self._differs(stage, path)), None)
                prints = path == run.numbers[address].file and run.numbers[address].kind != "train"
                if stage:
                    return stage, frozenset(self.order) if prints else self._skipped(variant)
        return None, frozenset()

    def _differs(self, stage: str, path: str) -> bool:
        """Whether a file is among the differing ones of a stage; where they are not known it may be."""
        for out, files in self._outputs.get(stage, {}).items():
            if path == out or (path.startswith(f"{out}/") and (files is None or path[len(out) + 1 :] in files)):
                return True
        return False

    def _is_unknown(self, address: str) -> bool:
        """Whether one run must have a number, but the file with it is neither in git nor in the cache."""
        for run, other in ((self.old, self.new), (self.new, self.old)):
            if address not in run.numbers:
                path = other.numbers[address].file
                held = [output for out, output in run.outputs.items() if f"{path}/".startswith(f"{out}/")]
                return any(output.md5 is not None and output.files is None for output in held)
        return False

    @cached_property
    def addresses(self) -> list[str]:
        """The numbers of both runs."""
        return list(dict.fromkeys([*self.new.numbers, *self.old.numbers]))

    @cached_property
    def unknown(self) -> list[str]:
        """The numbers that cannot be compared: one run's are not here."""
        return [address for address in self.addresses if self._is_unknown(address)]

    @cached_property
    def numbers(self) -> list[NumberDifference]:
        """The numbers that differ: of tables, then of figures and trainings, the largest difference first."""
        unknown = set(self.unknown)
        differing = [
            self._number(address)
            for address in self.addresses
            if address not in unknown and self._value(self.old, address) != self._value(self.new, address)
        ]
        kinds = ("table", "figure", "train")
        return sorted(differing, key=lambda number: (kinds.index(number.kind), -number.size))

    @staticmethod
    def _value(run: Run, address: str) -> float | None:
        return run.numbers[address].printed if address in run.numbers else None

    # ------------------------------------------------------------ what follows

    @property
    def equal(self) -> bool:
        """Whether nothing differs and nothing is unknown."""
        return not self.stages and not self.numbers and not self.unknown

    @cached_property
    def causes(self) -> list[tuple[Cause, list[str], int]]:
        """Each cause, the stages that it explains, and how many numbers; in the order of the graph."""
        stages: dict[Cause, list[str]] = {}
        for name in self._explained:
            for cause in dict.fromkeys(cause for causes in self._roots(name).values() for cause in causes):
                stages.setdefault(cause, []).append(name)
        return [(cause, names, sum(cause in at.causes for at in self.numbers)) for cause, names in stages.items()]

    @property
    def spread(self) -> tuple[float, float] | None:
        """The largest and the median difference of the tables' and figures' numbers that differ; None without any."""
        sizes = [at.size for at in self.numbers if at.kind != "train" and at.size != float("inf")]
        return (max(sizes), median(sizes)) if sizes else None

    @cached_property
    def notes(self) -> list[str]:
        """What a reader must know beside the verdict, a line each."""
        lines = []
        old, new = self.old.numerics, self.new.numerics
        if old and new and old != new:
            lines.append(
                f"{self.old.name} is a run of numerics {old}, {self.new.name} one of {new}: their numbers are not "
                "expected to be equal; compare runs of the same setting"
            )
        waiting = _waiting(self.settings, self.new) if self.new.name == WORKING_TREE else []
        if waiting:
            lines.append(
                f"code or settings have changed since the last run of {listed(waiting, 3)}: that run is compared, and "
                "dvc repro makes the next"
            )
        return lines

    @property
    def verdict(self) -> str:
        """The comparison in one line."""
        old = "the committed run" if self.reproduction else self.old.name
        new = "" if self.reproduction else f" of {self.new.name}"
        numbers, stages = len(self.addresses), len(self.order)
        if self.equal:
            word = "reproduced" if self.reproduction else "equal"
            return f"{word}: {numbers} of {numbers} numbers and {stages} of {stages} stages{new} equal {old}"
        differ = f"{len(self.numbers)} of {numbers} numbers and {len(self.stages)} of {stages} stages{new} differ"
        parts = [f"{differ} from {old}"]
        if self.stages and all(stage.records_alone for stage in self.stages):
            parts[0] += ", in their records alone"
        if self.unknown:
            parts.append(f"{len(self.unknown)} numbers are not known of both")
        if self.stages:
            parts.append(f"first: {self.stages[0].name}, because of {among(self.stages[0].causes)}")
        return f"{'not reproduced' if self.reproduction else 'different'}: {'; '.join(parts)}"

    def facts(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            "old": {"name": self.old.name, "commit": self.old.commit},
            "new": {"name": self.new.name, "commit": self.new.commit},
            "verdict": self.verdict,
            "equal": self.equal,
            "notes": self.notes,
            "stages": {"total": len(self.order), "differ": [stage.facts() for stage in self.stages]},
            "numbers": {
                "total": len(self.addresses),
                "differ": [number.facts() for number in self.numbers],
                "unknown": self.unknown,
            },
            "causes": [
                {**cause.facts(), "stages": stages, "numbers": numbers} for cause, stages, numbers in self.causes
            ],
        }


def compare(settings: Settings, old: str | None = None, new: str | None = None) -> Comparison:
    """Compare two revisions' runs of a profile; `old` is HEAD and `new` the working tree where they are not named.

    Raises InputError outside of a git checkout and for an unknown revision, MissingError where there is no dvc.lock.
    """
    check_checkout(settings.path)
    here = working_tree(settings) if new is None else None
    store = Store(settings.top, settings.path, here)
    before = of_commit(settings, old or "HEAD", store)
    after = here or of_commit(settings, str(new), store)
    return Comparison(settings, before, after, reproduction=old is None)


def _waiting(settings: Settings, run: Run) -> list[str]:
    """The stages of the working tree whose code or settings are no longer those of their last run."""
    files, home = Files.at(settings.top), settings.path
    values = {key[1:]: value for key, value in leaves(plain(settings.root), "").items()}
    stale = []
    for name, stage in run.stages.items():
        code = {path: md5 for path, md5 in dependencies(stage).items() if is_code(path)}
        changed = any(files.md5(Path(os.path.normpath(home / path))) != md5 for path, md5 in code.items())
        if changed or any(values.get(key) != value for key, value in why.locked_settings(stage).items()):
            stale.append(name)
    return stale


def _depth(run: Run, name: str, known: dict[str, int]) -> int:
    """The length of the longest way to a stage from one that depends on none."""
    if name not in known:
        known[name] = 0
        makers = {
            maker for path in dependencies(run.stages[name]) if not is_code(path) for maker in run.makers_of(path)
        }
        known[name] = max((1 + _depth(run, maker, known) for maker in makers), default=0)
    return known[name]


def _files(old: Output | None, new: Output | None) -> tuple[str, ...] | None:
    """The files of an output that differ; None where one side's are not known."""
    sides = [{} if output is None or output.md5 is None else output.files for output in (old, new)]
    if sides[0] is None or sides[1] is None:
        return None
    one, other = sides[0], sides[1]
    return tuple(sorted(name for name in {*one, *other} if one.get(name) != other.get(name)))


def _parts(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The parts of two records that differ."""
    if old is None or new is None:
        return ()
    return tuple(sorted(key for key in {*old, *new} if old.get(key) != new.get(key)))


def _of_another_variant(cause: Cause, variant: str) -> bool:
    """Whether a cause is a setting of a variant that a number is not of."""
    return cause.kind == "settings" and cause.name.startswith("variants.") and cause.name.split(".")[1] != variant
