"""The code that decides a result: the files that a module needs."""

import functools
from pathlib import Path
from typing import Any

from dat.base import used
from dat.records.files import sha256_file

PACKAGE = Path(__file__).resolve().parents[1]


DISPATCHER = "dat/cli/__init__.py"
"""No stage's code: it picks the module of a verb and prints errors. A stage prepares its numerics, reads its settings
and notes what it has used after that, so that nothing there decides a number."""

IMPORTED_BY_NAME = {"dat.datasets.finding": "dat.datasets.layouts"}
"""A module that imports those of a package by their names, which is no statement that says so."""


@functools.cache
def _imports() -> Any:
    import grimp

    return grimp.build_graph("dat", cache_dir=None)


@functools.cache
def code_closure(module: str) -> dict[str, str]:
    """The files of the package that a module needs, itself and every package's `__init__` included: path to sha256.

    Imports inside functions count, those by name, and what a package's `__init__` imports. Paths begin with `dat/`. The
    command line's dispatcher is left out.
    """
    graph, modules, more = _imports(), set[str](), {module}
    while more:
        modules |= more
        needed = {imported for name in more for imported in graph.find_upstream_modules(name)}
        packages = [package for name, package in IMPORTED_BY_NAME.items() if name in needed | more]
        needed |= {inner for package in packages for inner in graph.find_children(package)}
        more = (needed | {name.rpartition(".")[0] for name in modules | needed if "." in name}) - modules
    files = (PACKAGE.parent / Path(*name.split(".")) for name in sorted(modules))
    imported = (folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py") for folder in files)
    named = {file.relative_to(PACKAGE.parent).as_posix(): file for file in imported}
    return {name: sha256_file(file) for name, file in named.items() if name != DISPATCHER}


def code_in(*parts: str) -> dict[str, str]:
    """The files of modules in parts of the package (a folder, or a file): path to sha256. Much quicker than
    `code_closure`, where some files too many do no harm."""
    places = [PACKAGE / part for part in parts]
    files = {file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place])}
    return {file.relative_to(PACKAGE.parent).as_posix(): sha256_file(file) for file in sorted(files)}


def code_used(*modules: str) -> dict[str, str]:
    """The files of the package that these modules need: path to sha256, as loaded where this process has loaded it."""
    return {path: used.CODE.get(path, now) for module in modules for path, now in code_closure(module).items()}


def code_loaded() -> dict[str, str]:
    """The files of the package that this process has loaded or read, but the dispatcher: path to sha256."""
    return {path: digest for path, digest in used.CODE.items() if path != DISPATCHER}
