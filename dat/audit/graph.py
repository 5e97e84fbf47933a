"""dvc.yaml, read without DVC: what the command, dependencies, outputs and params of a stage are now."""

import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dat.base import opening, outside
from dat.base.errors import InputError

VARIABLE = re.compile(r"\$\{([^}]*)\}")
OUTPUTS = ("outs", "metrics", "plots")
PARTS = frozenset({"cmd", "deps", "params", "desc", *OUTPUTS})
"""What the stages of this project have; another part (`wdir`, `frozen`) changes what DVC does and dvc.lock has none."""


@dataclass(frozen=True)
class Stage:
    """A stage with its variables filled in; paths are as dvc.lock writes them. `others` names its other parts."""

    cmd: str
    deps: list[str]
    outs: list[str]
    params: list[str]
    others: list[str]


def read(path: Path) -> dict[str, Any]:
    """The stages of a dvc.yaml as written. Raises InputError when it cannot be read; empty when it is not there."""
    from ruamel.yaml.error import YAMLError

    if not os.path.lexists(path):
        return {}
    try:
        return dict(opening.yaml_reader("safe").load(outside.read_text(path))["stages"])
    except (YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a graph of DVC ({type(error).__name__}); restore it from git") from None


def find(stages: Mapping[str, Any], name: str, params: Mapping[str, Any]) -> Stage | None:
    """The stage that dvc.lock calls `name` (`salnet@pymdnet`); None when there is none."""
    base, _, key = name.partition("@")
    written, context = stages.get(name), dict(params)
    if written is None:
        written = stages.get(base)
        if not isinstance(written, Mapping) or not isinstance(written.get("foreach"), str):
            return None
        try:
            item = _value(VARIABLE.sub(r"\1", written["foreach"]), params)[key]
        except (KeyError, TypeError):
            return None
        written, context = written["do"], {**params, "key": key, "item": item}
    return _filled(written, context)


def _filled(written: Mapping[str, Any], context: Mapping[str, Any]) -> Stage:
    def text(value: Any) -> str:
        return VARIABLE.sub(lambda match: str(_value(match[1], context)), str(value))

    def names(*kinds: str) -> list[str]:
        entries = [entry for kind in kinds for entry in written.get(kind) or []]
        return sorted(text(next(iter(entry)) if isinstance(entry, Mapping) else entry) for entry in entries)

    def paths(*kinds: str) -> list[str]:
        return sorted({posixpath.normpath(name) for name in names(*kinds)})

    return Stage(
        text(written.get("cmd", "")), paths("deps"), paths(*OUTPUTS), names("params"), sorted(written.keys() - PARTS)
    )


def _value(dotted: str, context: Mapping[str, Any]) -> Any:
    """The value at a dotted path. Raises KeyError or TypeError when there is none."""
    value: Any = context
    for name in dotted.strip().split("."):
        value = value[name]
    return value
