"""Settings: one loader of params.yaml, used by the package, the workflow and the tests.

`load()` checks every value (no unknown keys, no numbers written as text) and names the line that is wrong.
A stage asks for sections by their dotted path; what it asked for is what its record and DVC's lock hold.
"""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dat.base import naming, opening, outside
from dat.base.errors import InputError, MissingError, ParamsError
from dat.base.sections import Root

T = TypeVar("T")


def plain(value: Any) -> Any:
    """A section as plain data, with the keys that the file has."""
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


def leaves(value: Any, prefix: str) -> dict[str, Any]:
    """Plain data as dotted paths and values; lists are values."""
    if isinstance(value, Mapping):
        values: dict[str, Any] = {}
        for key, item in value.items():
            values |= leaves(item, f"{prefix}.{key}")
        return values
    return {prefix: value}


@dataclass(frozen=True)
class Settings:
    """The settings of a profile. `path` is the profile's directory, `read` what was asked for, by dotted path."""

    path: Path
    root: Root
    read: dict[str, Any] = field(default_factory=dict)

    @property
    def profile(self) -> str:
        """The profile's name."""
        return self.root.profile

    @cached_property
    def place(self) -> Path:
        """Where this profile keeps what no stage depends on: locks, work directories."""
        return self.top / ".dat" / f"{self.profile}-{hashlib.sha256(bytes(self.path.resolve())).hexdigest()[:8]}"

    @cached_property
    def top(self) -> Path:
        """The top of the checkout, where the code lies."""
        return (self.path / self.root.root).resolve()

    def section(self, dotted: str, kind: type[T]) -> T:
        """The section (or a map, the entry of one, or a value) at a dotted path, of this kind; it is noted as read.

        Raises ParamsError when there is none of that name.
        """
        value: Any = self.root
        for name in dotted.split("."):
            if isinstance(value, Mapping) and name in value:
                value = value[name]
            elif isinstance(value, BaseModel) and name in type(value).model_fields:
                value = getattr(value, name)
            else:
                known = ", ".join(value if isinstance(value, Mapping) else type(value).model_fields)
                raise ParamsError(f"{self.path / 'params.yaml'}: no '{name}' for '{dotted}'; there are: {known}")
        assert isinstance(value, kind), f"{dotted}: a {type(value).__name__} is no {kind.__name__}"
        self.read.update(leaves(plain(value), dotted))
        return value


def find(start: Path | None = None) -> Path:
    """The directory of the nearest params.yaml, upwards from `start` (default: the working directory).

    Raises MissingError when there is none.
    """
    folder = (start or Path.cwd()).absolute()
    for directory in (folder, *folder.parents):
        if (directory / "params.yaml").is_file():
            return directory
    raise MissingError(f"{folder}: no params.yaml here or above; change into a checkout of the project")


def read_yaml(path: Path) -> Any:
    """A YAML 1.2 file as data that knows its lines. Raises ParamsError; aliases are refused."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        text = outside.read_text(path, most=opening.SETTINGS)
        return opening.yaml_reader().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ParamsError(f"{path}:{line}: not YAML: {error.problem}") from None
    except RecursionError:
        raise ParamsError(f"{path}: nested too deep to be settings") from None
    except InputError as error:
        raise ParamsError(str(error)) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ParamsError(f"{path}:{line}: the character {error.character:#x}, which no YAML has; remove it") from None
    except (YAMLError, ValueError) as error:
        raise ParamsError(f"{path}: cannot be read: {naming.shown(error)}; correct it") from None


def _plain_yaml(value: Any) -> Any:
    """ruamel's containers and scalars as Python's own."""
    if isinstance(value, Mapping):
        return {str(key): _plain_yaml(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain_yaml(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _position(data: Any, name: Any) -> int:
    """The line, from 0, of an entry of one of ruamel's containers."""
    is_map = isinstance(data, Mapping)
    container: Any = data
    return int((container.lc.key if is_map else container.lc.item)(name)[0])


def _line(data: Any, location: tuple[Any, ...]) -> int:
    """The line of params.yaml on which a location stands."""
    line = 1
    for name in location:
        try:
            line = _position(data, name) + 1
            data = data[name]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


def _complaint(path: Path, data: Any, error: ValidationError) -> str:
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")  # a typo explains what is missing
    location = tuple(first["loc"])
    name, line, value = ".".join(map(str, location)), _line(data, location), first.get("input")
    if first["type"] == "extra_forbidden":
        complaint = f"unknown key '{name}'; remove it or correct its spelling"
    elif first["type"] == "missing":
        complaint = f"'{name}' is missing; add it (profiles/paper/params.yaml and params.yaml have the same keys)"
    elif isinstance(value, str) and first["type"].startswith(("int", "float", "bool")):
        complaint = (
            f"'{name}' is the text '{value}' where a number or true/false belongs; write it without quotes (1.0e-4)"
        )
    else:
        complaint = f"'{name}' is {value!r}: {first['msg'][0].lower() + first['msg'][1:]}"
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path}:{line}: {complaint}{more}"


def _references(path: Path, data: Any, root: Root) -> None:
    """Names that point at other entries must exist. Raises ParamsError."""
    networks = {f"{entry.group}/{name}" for name, entry in root.salnet.items()}

    def missing(location: tuple[Any, ...], value: str, known: Any) -> None:
        if value not in known:
            where = f"{path}:{_line(data, location)}"
            raise ParamsError(
                f"{where}: '{value}' of '{'.'.join(map(str, location))}' is none of {', '.join(sorted(known))}"
            )

    for name, variant in root.variants.items():
        if variant.salnet is not None:
            missing(("variants", name, "salnet"), variant.salnet, networks)
        if variant.attention != "none":
            missing(("variants", name, "attention"), variant.attention, root.gpgnet)
    for name, benchmark in root.benchmarks.items():
        missing(("benchmarks", name, "data"), benchmark.data, root.datasets)
        for variant_name in benchmark.variants:
            missing(("benchmarks", name, "variants"), variant_name, root.variants)
    for name in root.synthetic:
        missing(("synthetic", name), name, root.datasets)
    for name, dataset in root.datasets.items():
        if dataset.every > 1 and (dataset.layout != "lasot" or root.subsample.step % dataset.every):
            where = f"{path}:{_line(data, ('datasets', name, 'every'))}: '{dataset.every}' of 'datasets.{name}.every'"
            raise ParamsError(f"{where} must be 1, or for LaSOT divide subsample.step, {root.subsample.step}")


NAMED = ("synthetic", "datasets", "gpgnet", "salnet", "variants", "benchmarks")
"""The maps whose keys become folders, stages, and words of the commands of dvc.yaml."""

_ROOT = re.compile(r"[\w.][\w./+-]*|/[\w./+-]*")
"""What `root` may be: a shell reads it too, as the beginning of a command of dvc.yaml."""


def _named(root: Root) -> Iterator[tuple[tuple[str, ...], str]]:
    """The settings that are names, with where they stand."""
    yield ("profile",), root.profile
    yield from (((section, name), name) for section in NAMED for name in getattr(root, section))
    yield from ((("salnet", name, "group"), entry.group) for name, entry in root.salnet.items())


def _paths(root: Root) -> Iterator[tuple[tuple[str, ...], str]]:
    """The settings that are paths, with where they stand."""
    yield ("network", "vgg_m"), root.network.vgg_m
    yield ("network", "vgg16"), root.network.vgg16
    yield ("csrdcf", "colour_names"), root.csrdcf.colour_names
    for name, entry in root.datasets.items():
        yield ("datasets", name, "manifest"), entry.manifest
        yield ("datasets", name, "sentences"), entry.sentences.removeprefix(f"{root.root}/")  # below the checkout
    for name, version in root.gpgnet.items():
        yield ("gpgnet", name, "from"), version.from_
        yield ("gpgnet", name, "masks"), version.masks
        yield ("gpgnet", name, "language"), version.language
    yield from ((("salnet", name, "from"), network.from_) for name, network in root.salnet.items())
    for name, benchmark in root.benchmarks.items():
        yield ("benchmarks", name, "salnet"), benchmark.salnet
        yield ("benchmarks", name, "gpgnet"), benchmark.gpgnet


def _check_names(path: Path, data: Any, root: Root) -> None:
    """Names are plain, and paths stay below the profile. Raises ParamsError with file and line."""

    def refuse(location: tuple[str, ...], value: str, todo: str) -> None:
        what = f"'{naming.shown(value)[: naming.SHOWN]}' of '{naming.shown('.'.join(location))[: naming.SHOWN]}'"
        raise ParamsError(f"{path}:{_line(data, location)}: {what} {todo}")

    for location, name in _named(root):
        if not naming.is_setting(name):
            refuse(location, name, "is no name; letters, digits, + - _ belong here, and first a letter or a digit")
    if not _ROOT.fullmatch(root.root):
        refuse(("root",), root.root, "is no path that a shell takes as it is; write . or ../..")
    for location, value in _paths(root):
        wrong = "" if value == "none" else naming.fault_of_path(value)
        if wrong:
            refuse(location, value, f"is no path below the profile (a part {wrong}); put the file or folder there")


def load(directory: Path | None = None) -> Settings:
    """The settings of the profile at `directory` (default: the nearest one upwards from the working directory).

    Raises ParamsError naming file, line and key; MissingError when there is no params.yaml.
    """
    home = find(directory)
    path = home / "params.yaml"
    data = read_yaml(path)
    if not isinstance(data, Mapping):
        raise ParamsError(f"{path}:1: a map of sections is expected")
    values = _plain_yaml(data)
    for dotted, value in leaves(values, "").items():
        if isinstance(value, float) and not math.isfinite(value):
            where = f"{path}:{_line(data, tuple(dotted[1:].split('.')))}"
            raise ParamsError(f"{where}: '{dotted[1:]}' is not a finite number; write one")
    try:
        root = Root.model_validate(values)
    except ValidationError as error:
        raise ParamsError(_complaint(path, data, error)) from None
    _check_names(path, data, root)
    _references(path, data, root)
    return Settings(home, root)
