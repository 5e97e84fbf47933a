"""Why the stages of two runs differ: each stage's causes, and the earlier stages that it follows from.

A stage whose inputs differ only because earlier stages' outputs do has no cause itself. Where both records of a
stage are known they name its causes; else dvc.lock and git do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dat.audit import causes as why
from dat.audit.causes import Cause, among, dependencies, is_code
from dat.audit.revisions import Output, PipelineRun, changed_files
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
        outputs = self.outputs.items()
        return all(files is not None and all(_describes(out, name) for name in files) for out, files in outputs)

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
            "outputs": {out: None if files is None else list(files) for out, files in self.outputs.items()},
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
class Explanation:
    """The stages of two runs that differ, and why. `top` is the checkout's, where the code lies."""

    top: Path
    old: PipelineRun
    new: PipelineRun

    # ------------------------------------------------------------ the graph

    @cached_property
    def order(self) -> list[str]:
        """All stages of both runs, each after those that it depends on."""
        names = list(dict.fromkeys([*self.new.stages, *self.old.stages]))
        depths: dict[str, int] = {}
        for run in (self.old, self.new):
            known: dict[str, int] = {}
            depths |= {name: _depth(run, name, known) for name in run.stages}
        return sorted(names, key=lambda name: depths[name])

    @cached_property
    def outputs(self) -> dict[str, dict[str, tuple[str, ...] | None]]:
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
        return changed_files(self.top, self.old, self.new)

    def _inputs(self, name: str) -> tuple[set[str], list[Cause]]:
        """The differing stages that a stage's inputs come from, and the inputs that differ and come from no stage."""
        stages: set[str] = set()
        causes = []
        old, new = (dependencies(run.stages[name]) for run in (self.old, self.new))
        for path in sorted({*old, *new}):
            if old.get(path) != new.get(path) and not is_code(path):
                makers = [*self.old.makers_of(path), *self.new.makers_of(path)]
                differing = {maker for maker in makers if maker in self.outputs}
                stages |= differing
                kind = "data" if path in old and path in new else "dependency"
                causes += [] if differing else [Cause(kind, path, old.get(path), new.get(path))]
        return stages, causes

    @cached_property
    def explained(self) -> dict[str, tuple[tuple[Cause, ...], set[str]]]:
        """Each differing stage's causes, and the differing stages that its inputs come from."""
        return {name: self._explain(name) for name in self.order if name in self.outputs}

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
        for path in self.outputs[name]:
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

    def roots(self, name: str, skip: frozenset[str] = frozenset()) -> dict[str, tuple[Cause, ...]]:
        """The stages with causes that a stage's difference comes from, itself included, in order."""
        reached, waiting = set(), [name]
        while waiting:
            stage = waiting.pop()
            if stage not in reached:
                reached.add(stage)
                waiting += self.explained[stage][1] - skip
        return {stage: causes for stage, (causes, _) in self.explained.items() if stage in reached and causes}

    @cached_property
    def stages(self) -> list[StageDifference]:
        """The stages that differ, in the order of the graph."""
        differing = []
        for name, (causes, _) in self.explained.items():
            follows = tuple(stage for stage, roots in self.roots(name).items() if set(roots) - set(causes))
            parts = _parts(*self._records(name))
            differing.append(StageDifference(name, causes, follows, self.outputs[name], parts))
        return differing

    def differs(self, stage: str, path: str) -> bool:
        """Whether a file is among the differing ones of a stage; where they are not known it may be."""
        for out, files in self.outputs.get(stage, {}).items():
            if path == out or (path.startswith(f"{out}/") and (files is None or path[len(out) + 1 :] in files)):
                return True
        return False


def _depth(run: PipelineRun, name: str, known: dict[str, int]) -> int:
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
