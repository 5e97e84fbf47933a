"""dvc.lock, read without DVC: each stage's outputs, dependencies, params and command against what is on disk.

DVC's md5 of a file is that of its bytes; of a folder, of the JSON list of its files' md5. The lock does not say that a
stage is stale; comparing a dependency's md5 with its producer's output does.
"""

import functools
import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from dat.audit import graph
from dat.audit.checks import Check, compare, group, is_or_below, missing
from dat.audit.files import Files, sized
from dat.base import opening, outside
from dat.base.errors import InputError

UNDECLARED = "undeclared"
"""What the check `declared` finds of a file that no dependency holds."""


def read(path: Path) -> dict[str, Any]:
    """The stages of a dvc.lock by name. Raises InputError when it cannot be read; empty when it is not there."""
    from ruamel.yaml.error import YAMLError

    if not os.path.lexists(path):
        return {}
    try:
        stages = dict(_stages(outside.read_text(path)))
        facts = [fact for stage in stages.values() for part in ("outs", "deps") for fact in stage.get(part, [])]
        whole = all(isinstance(fact[key], str) for fact in facts for key in ("path", "md5"))
    except (AttributeError, YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a lock of DVC ({type(error).__name__}); run dvc repro") from None
    if not whole:
        raise InputError(f"{path}: not a lock of DVC (a path or md5 is no text); run dvc repro")
    return stages


@functools.lru_cache(2)
def _stages(text: str) -> dict[str, Any]:
    """The stages of a lock's text, which takes a second to read and is the same in a commit and in its run."""
    stages: dict[str, Any] = opening.yaml_reader("safe").load(text)["stages"]
    return stages


def check_profile(path: Path, stages: Mapping[str, Any], profile: str) -> None:
    """Raises InputError for a lock of another profile than params.yaml, whose name any stage has locked."""
    params = [values for stage in stages.values() for values in (stage.get("params") or {}).values()]
    others = [
        values["profile"]
        for values in params
        if isinstance(values, Mapping) and values.get("profile", profile) != profile
    ]
    if others:
        raise InputError(
            f"{path}: of the profile '{others[0]}', and params.yaml beside it is of '{profile}'; "
            "put this profile's own back (git checkout -- dvc.lock), or run dvc repro"
        )


def _size(fact: Mapping[str, Any]) -> str:
    """The size that the lock has of a file or folder, in the words of `Files.size`."""
    return sized(fact.get("size"), fact.get("nfiles"))


@dataclass(frozen=True)
class Lock:
    """The lock of the profile at `home`; `params` is what params.yaml says, `graph` what dvc.yaml does.

    `wrong` says of dvc.lock and dvc.yaml why they cannot be read; they then have no stages.
    """

    home: Path
    files: Files
    stages: Mapping[str, Any]
    params: Mapping[str, Any]
    graph: Mapping[str, Any]
    wrong: Mapping[str, str] = field(default_factory=dict)
    _under: dict[tuple[str, str], bool] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[str, tuple[str, str]]:
        """Each output's path: the stage that makes it, and its md5."""
        return {out["path"]: (name, out["md5"]) for name, stage in self.stages.items() for out in stage.get("outs", [])}

    def stage_of(self, path: str) -> str | None:
        """The stage whose outputs hold a path (relative to the profile)."""
        stages = self.outputs
        places = (path, *map(str, PurePosixPath(path).parents))
        return next((stages[place][0] for place in places if place in stages), None)

    def checks(self, name: str, command: str, dependencies: bool = True) -> list[Check]:
        """What the lock says of a stage against the disk; `command` is the one in the stage's record.

        Without `dependencies` only of its command, outputs and params.
        """
        stage = self.stages[name]
        subject = f"dvc.lock {name}"
        written, key = stage.get("cmd", ""), name.partition("@")[2]
        ran = command if written.endswith(command.removesuffix(f" {key}")) else written  # a verb gets its key by name
        checks = [compare("lock command", subject, command, ran), *self._graph(name)]
        for out in stage.get("outs", []):
            checks.append(compare("lock output", f"{subject}: {out['path']}", out.get("md5"), self._md5(out["path"])))
        checks += [self._dependency(subject, dep) for dep in stage.get("deps", []) if dependencies]
        checks += self._sizes(name, ("outs", "deps") if dependencies else ("outs",))
        return checks + self._params(subject, stage.get("params", {}))

    def _graph(self, name: str) -> list[Check]:
        """What the lock says of a stage against dvc.yaml: its command, and the names of what goes in and out."""
        stage, now = self.stages[name], graph.find(self.graph, name, self.params)
        if now is None:
            return [missing("dvc.yaml", self.wrong.get("dvc.yaml", f"dvc.yaml {name}"), "the stage")]
        ran = {
            "cmd": stage.get("cmd", ""),
            "deps": sorted({posixpath.normpath(dep["path"]) for dep in stage.get("deps", [])}),  # DVC repeats `none`
            "outs": sorted(posixpath.normpath(out["path"]) for out in stage.get("outs", [])),
            "params": sorted(name for values in stage.get("params", {}).values() for name in values or {}),
            "others": [],
        }
        return [compare("dvc.yaml", f"dvc.yaml {name}: {part}", ran[part], getattr(now, part)) for part in ran]

    def declared(self, stage: str, name: str, record: Mapping[str, Any]) -> list[Check]:
        """Whether each module and input that a record at `name` names lies under a dependency of its stage, and each
        setting under one of its params.

        DVC would not run the stage again for one that does not: it is undeclared.
        """
        if stage not in self.stages:
            return []
        top = str(self.params.get("root", "."))
        paths = {file: posixpath.join(top, file) for file in record["code"]}
        paths |= {fact["path"]: fact["path"] for fact in record["inputs"]}
        wanted = f"declared by {stage}"
        found = {file: wanted if self._depends(stage, path) else UNDECLARED for file, path in paths.items()}
        params = {dotted for values in (self.stages[stage].get("params") or {}).values() for dotted in values or {}}
        for dotted in record["params"]:
            found[dotted] = wanted if any(is_or_below(dotted, one) for one in params) else UNDECLARED
        return group("declared", name, {thing: (wanted, one) for thing, one in found.items()})

    def _depends(self, stage: str, path: str) -> bool:
        """Whether a path lies under a dependency of a stage."""
        key = (stage, path)
        if key not in self._under:
            whole = posixpath.normpath(path)
            dependencies = {posixpath.normpath(dep["path"]) for dep in self.stages[stage].get("deps", [])}
            self._under[key] = not dependencies.isdisjoint((whole, *map(str, PurePosixPath(whole).parents)))
        return self._under[key]

    def others(self) -> list[Check]:
        """The stages that dvc.yaml does not have: of a variant that is gone, or put in by hand."""
        if "dvc.yaml" in self.wrong:
            return []
        names = [name for name in self.stages if graph.find(self.graph, name, self.params) is None]
        todo = "none of them: it is of an entry that params.yaml no longer has, or was put in; take it out of dvc.lock"
        return [Check("lock", "differs", f"dvc.lock {name}", "a stage of dvc.yaml", todo) for name in names]

    def _sizes(self, name: str, kinds: Sequence[str]) -> list[Check]:
        """The bytes of a stage's outputs and dependencies, and the files of folders, as the lock and the disk have
        them."""
        facts = [fact for kind in kinds for fact in self.stages[name].get(kind, []) if "size" in fact]
        made = {out["path"]: out for stage in self.stages.values() for out in stage.get("outs", []) if "size" in out}
        pairs = {}
        for fact in facts:
            dependency = made.get(fact["path"]) if fact not in self.stages[name].get("outs", []) else None
            pairs[fact["path"]] = (_size(fact), _size(dependency) if dependency else self._size(fact["path"]))
        return group("lock size", f"dvc.lock {name}", pairs)

    def _size(self, path: str) -> str | None:
        return self.files.size(Path(os.path.normpath(self.home / path)))

    def _md5(self, path: str) -> str | None:
        return self.files.md5(Path(os.path.normpath(self.home / path)))

    def _dependency(self, subject: str, dep: Mapping[str, Any]) -> Check:
        """A dependency against its producer's output where one stage makes just that, else against the disk."""
        produced = self.outputs.get(dep["path"])
        md5 = produced[1] if produced else self._md5(dep["path"])
        return compare("lock dependency", f"{subject}: {dep['path']}", dep.get("md5"), md5)

    def _params(self, subject: str, files: Mapping[str, Any]) -> list[Check]:
        checks = []
        for file, values in files.items():
            for dotted, value in (values or {}).items():
                checks.append(self._param(f"{subject}: {file} {dotted}", dotted, value))
        return checks

    def _param(self, subject: str, dotted: str, value: Any) -> Check:
        now: Any = self.params
        for part in dotted.split("."):
            if not isinstance(now, Mapping) or part not in now:
                return missing("lock params", subject, "in params.yaml")
            now = now[part]
        same = now == value
        return Check("lock params", "verified" if same else "differs", subject, value, value if same else now)
