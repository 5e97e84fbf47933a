"""Why a stage's outputs differ: what two records, or two entries of dvc.lock, hold that is not the same."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dat.base.params import leaves

HOST = ("platform", "processor", "python")
"""Parts of an environment that only records of native numerics have: compared where both have them."""

OF_A_STAGE = ("threads", "processes")
"""Parts of an environment that are a stage's, not the run's."""

WORDS = {
    "unexplained": "nothing that is recorded",
    "missing": "outputs that are not here (dvc repro makes them)",
    "changed": "a change of {} after its run",
}
"""Kinds of causes that have other words than their name."""

LONGEST = 40
"""Letters of a value on the terminal."""


@dataclass(frozen=True)
class Cause:
    """A cause: what kind, which one, and what it was and is (None: not recorded; code has its path alone).

    Kinds are data, code, settings, packages and the environment's other parts (numerics, processor, threads, ...);
    `dependency` is a stage's input that one run alone has, `stage` a stage that one alone has, `changed` and `missing`
    an output that is no longer what its run made, and `unexplained` what nothing recorded explains.
    """

    kind: str
    name: str
    old: Any = None
    new: Any = None

    def __hash__(self) -> int:
        return hash((self.kind, self.name, str(self.old), str(self.new)))

    @property
    def text(self) -> str:
        """In a few words."""
        if self.kind in WORDS:
            return WORDS[self.kind].format(self.name)
        return self.detail if self.name == self.kind else f"{self.kind} {self.detail}"

    @property
    def detail(self) -> str:
        """Its text without the kind."""
        valued = self.kind not in ("data", "code", "dependency", "stage", *WORDS)
        return f"{self.name} {_short(self.old)} → {_short(self.new)}" if valued else self.name

    def facts(self) -> dict[str, Any]:
        """As JSON has it: what is not known is absent."""
        values = {side: value for side, value in (("old", self.old), ("new", self.new)) if value is not None}
        return {"kind": self.kind, "name": self.name, "text": self.text, **values}


def _short(value: Any) -> str:
    text = "none recorded" if value is None else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def among(causes: Sequence[Cause], most: int = 3) -> str:
    """The first causes in words, a kind's in a row, and how many more there are."""
    words: list[str] = []
    for before, cause in zip([None, *causes], causes[:most], strict=False):
        again = before is not None and before.kind == cause.kind and cause.kind not in WORDS
        words.append(cause.detail if again else cause.text)
    more = f" and {len(causes) - most} more" if len(causes) > most else ""
    return ", ".join(words) + more


def _differing(kind: str, old: Mapping[str, Any], new: Mapping[str, Any], keys: Iterable[str]) -> list[Cause]:
    return [Cause(kind, key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


# ---------------------------------------------------------------- records


def recorded_causes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Cause]:
    """Code, settings, command, seed and environment that two records of a stage do not share."""
    causes = [*_code(old["code"], new["code"])]
    causes += _differing("settings", old["params"], new["params"], sorted({*old["params"], *new["params"]}))
    if not any(cause.kind == "settings" for cause in causes):
        causes += _differing("seed", old, new, ["seed"])
    causes += _differing("command", old, new, ["command"])
    environment = recorded_environment(old, new)
    if any(cause.kind == "settings" and cause.name == "numerics" for cause in causes):
        environment = [cause for cause in environment if cause.kind != "numerics"]
    return causes + environment


def _code(old: Mapping[str, str], new: Mapping[str, str]) -> list[Cause]:
    """Modules that both have and that differ; where there is none, those that one alone has.

    A module that is imported no longer, or for the first time, is the doing of the one that names it.
    """
    shared = [path for path in sorted({*old} & {*new}) if old[path] != new[path]]
    return [Cause("code", path) for path in shared or sorted({*old} ^ {*new})]


def recorded_environment(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Cause]:
    """Packages, numerics, processor and the rest of two records' environments that differ."""
    one, other = old.get("environment", {}), new.get("environment", {})
    packages = [side.get("packages", {}) for side in (one, other)]
    causes = _differing("packages", packages[0], packages[1], sorted({*packages[0], *packages[1]}))
    for key in sorted({*one, *other} - {"packages"}):
        if one.get(key) != other.get(key) and (key not in HOST or (key in one and key in other)):
            causes.append(Cause(key, key, one.get(key), other.get(key)))
    return causes


# ---------------------------------------------------------------- dvc.lock


def is_code(path: str) -> bool:
    """Whether a dependency of the lock is code: it lies in `dat` or `workflow` at the checkout's top."""
    return code_path(path).startswith(("dat/", "workflow/"))


def code_path(path: str) -> str:
    """A dependency's path below the checkout's top."""
    return re.sub(r"^(\.{1,2}/)+", "", path)


def dependencies(stage: Mapping[str, Any]) -> dict[str, str | None]:
    """The md5 of each dependency of a stage in the lock."""
    return {dep["path"]: dep.get("md5") for dep in stage.get("deps", [])}


def locked_causes(
    old: Mapping[str, Any], new: Mapping[str, Any], changed: Sequence[str], record: Mapping[str, Any] | None
) -> list[Cause]:
    """Code, settings and command of a stage that two locks do not share.

    A folder of code stands for those of its files that git calls `changed`. With the stage's `record` in one of the
    runs, what the record does not name is left out.
    """
    causes = []
    one, other = dependencies(old), dependencies(new)
    for path in sorted({*one, *other}):
        if is_code(path) and one.get(path) != other.get(path):
            causes += [Cause("code", file) for file in _files(code_path(path), changed, record)]
    before, after = locked_settings(old), locked_settings(new)
    keys: Collection[str] = {*before, *after}
    if record is not None:
        keys = [key for key in keys if key in record["params"]] or keys
    causes += _differing("settings", before, after, sorted(keys))
    commands = old.get("cmd"), new.get("cmd")
    return causes + ([Cause("command", "command", *commands)] if commands[0] != commands[1] else [])


def _files(path: str, changed: Sequence[str], record: Mapping[str, Any] | None) -> list[str]:
    """The changed files of a dependency; itself where git knows of none."""
    inside = [file for file in changed if file == path or file.startswith(f"{path}/")]
    if record is None or not inside:
        return inside or [path]
    return [file for file in inside if file in record["code"] or not file.endswith(".py")]


def locked_settings(stage: Mapping[str, Any]) -> dict[str, Any]:
    """A stage's settings in the lock by dotted path."""
    values: dict[str, Any] = {}
    for settings in stage.get("params", {}).values():
        for dotted, value in (settings or {}).items():
            values |= leaves(value, dotted)
    return values
