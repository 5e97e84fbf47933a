"""Two runs compared: which stages, records and numbers differ, the causes of each, and the verdict in one line."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from dat.audit.causes import Cause, among, dependencies, is_code, locked_settings
from dat.audit.explain import Explanation, StageDifference, listed
from dat.audit.files import Files
from dat.audit.revisions import WORKING_TREE, PipelineRun, Store, check_checkout, of_commit, working_tree
from dat.base.params import Settings, leaves, plain


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
    old: PipelineRun
    new: PipelineRun
    reproduction: bool = False

    @cached_property
    def why(self) -> Explanation:
        """Why its stages differ."""
        return Explanation(self.settings.top, self.old, self.new)

    @property
    def stages(self) -> list[StageDifference]:
        """The stages that differ, in the order of the graph."""
        return self.why.stages

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
        roots = self.why.roots(stage, skipped) or self.why.roots(stage) if stage else {}
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
                stage = next((stage for stage in run.makers_of(path) if self.why.differs(stage, path)), None)
                prints = path == run.numbers[address].file and run.numbers[address].kind != "train"
                if stage:
                    return stage, frozenset(self.why.order) if prints else self._skipped(variant)
        return None, frozenset()

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
    def _value(run: PipelineRun, address: str) -> float | None:
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
        for name in self.why.explained:
            for cause in dict.fromkeys(cause for causes in self.why.roots(name).values() for cause in causes):
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
        numbers, stages = len(self.addresses), len(self.why.order)
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
            "stages": {"total": len(self.why.order), "differ": [stage.facts() for stage in self.stages]},
            "numbers": {
                "total": len(self.addresses),
                "differ": [number.facts() for number in self.numbers],
                "unknown": self.unknown,
            },
            "spread": dict(zip(("largest", "median"), self.spread or (), strict=False)),
            "causes": [
                {**cause.facts(), "stages": stages, "numbers": numbers} for cause, stages, numbers in self.causes
            ],
        }


def compare(settings: Settings, old: str | None = None, new: str | None = None) -> Comparison:
    """Compare two revisions' runs of a profile; `old` is HEAD and `new` the working tree where they are not named.

    Raises InputError outside of a git checkout and for an unknown revision, MissingError where there is no dvc.lock.
    """
    check_checkout(settings.path)
    current = working_tree(settings) if new is None else None
    store = Store(settings.top, settings.path, current)
    before = of_commit(settings, old or "HEAD", store)
    after = current or of_commit(settings, str(new), store)
    return Comparison(settings, before, after, reproduction=old is None)


def _waiting(settings: Settings, run: PipelineRun) -> list[str]:
    """The stages of the working tree whose code or settings are no longer those of their last run."""
    files, home = Files.at(settings.top), settings.path
    values = {key[1:]: value for key, value in leaves(plain(settings.root), "").items()}
    stale = []
    for name, stage in run.stages.items():
        code = {path: md5 for path, md5 in dependencies(stage).items() if is_code(path)}
        changed = any(files.md5(Path(os.path.normpath(home / path))) != md5 for path, md5 in code.items())
        if changed or any(values.get(key) != value for key, value in locked_settings(stage).items()):
            stale.append(name)
    return stale


def _of_another_variant(cause: Cause, variant: str) -> bool:
    """Whether a cause is a setting of a variant that a number is not of."""
    return cause.kind == "settings" and cause.name.startswith("variants.") and cause.name.split(".")[1] != variant
