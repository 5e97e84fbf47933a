"""Which fields of which sections of params.yaml a module reads, by its syntax.

A name's kind is known in its function, an attribute's of `self` in its module, where it is annotated (`x: Train`), is
from `section("...", Train)`, from a function of the module that says what it returns, or from another section's field.
What is not known counts as read by nothing.
"""

import ast
import functools
import typing
from pathlib import Path
from typing import Any

from dat.base import sections
from dat.base.sections import Root, Section

KINDS = {name: kind for name, kind in vars(sections).items() if isinstance(kind, type) and issubclass(kind, Section)}
Found = set[Any]
"""Sections' classes, and `(class,)` for a dict or list of such."""


def _of_field(kind: Any, name: str) -> Found:
    annotation = kind.model_fields[name].annotation
    inner = annotation if isinstance(annotation, type) else (typing.get_args(annotation) or (None,))[-1]
    if inner in KINDS.values():
        return {inner} if isinstance(annotation, type) and not typing.get_origin(annotation) else {(inner,)}
    return set()


@functools.cache
def read_by(path: Path) -> frozenset[tuple[str, str]]:
    """The (class, field) that a module reads."""
    text = path.read_text(encoding="utf-8")
    return frozenset(Reader(text).read if "section" in text or ".root" in text else ())


class Reader(ast.NodeVisitor):
    """Reads a module twice, so that what is assigned below is known above; `read` has (class, field)."""

    def __init__(self, text: str) -> None:
        self.tree = ast.parse(text)
        self.imported: dict[str, Any] = {}
        self.known: dict[str, Found] = {}
        self.returned: dict[str, Found] = {}
        self.read: set[tuple[str, str]] = set()
        for _ in range(2):
            self.visit(self.tree)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module == "dat.base.sections":
            self.imported |= {one.asname or one.name: KINDS[one.name] for one in node.names if one.name in KINDS}

    def annotated(self, node: ast.expr | None) -> Found:
        """What an annotation, or the second argument of `section`, names."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):  # a quoted one
            return self.annotated(ast.parse(node.value, mode="eval").body) if node.value.isidentifier() else set()
        if isinstance(node, ast.Name) and node.id in self.imported:
            return {self.imported[node.id]}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sections":
            return {KINDS[node.attr]} if node.attr in KINDS else set()
        if isinstance(node, ast.BinOp):
            return self.annotated(node.left) | self.annotated(node.right)
        return set()

    def kinds(self, node: ast.expr) -> Found:
        """What an expression is."""
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in self.known:
            return self.known[ast.unparse(node)]
        if isinstance(node, ast.Attribute):
            if node.attr == "root":
                return {Root}
            owners = {one for one in self.kinds(node.value) if isinstance(one, type) and node.attr in one.model_fields}
            return {kind for one in owners for kind in _of_field(one, node.attr)}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.returned.get(node.func.id, set())
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "section" and len(node.args) == 2:
                return self.annotated(node.args[1])
            if node.func.attr == "model_validate":
                return self.annotated(node.func.value)
            if node.func.attr in ("values", "items", "get"):
                return self.kinds(node.func.value)
        if isinstance(node, ast.Subscript):
            return {one[0] for one in self.kinds(node.value) if isinstance(one, tuple)}
        return set()

    def bind(self, target: ast.expr, kinds: Found) -> None:
        if kinds:
            self.known.setdefault(ast.unparse(target), set()).update(kinds)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.returned[node.name] = self.annotated(node.returns)
        outside = {name: set(kinds) for name, kinds in self.known.items()}
        self.generic_visit(node)
        self.known = outside | {name: kinds for name, kinds in self.known.items() if name.startswith("self.")}

    def visit_arg(self, node: ast.arg) -> None:
        self.bind(ast.Name(node.arg), self.annotated(node.annotation))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        for name in (ast.unparse(node.target), f"self.{ast.unparse(node.target)}"):
            self.bind(ast.Name(name), self.annotated(node.annotation))
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for one, value in zip(target.elts, node.value.elts, strict=False):
                    self.bind(one, self.kinds(value))
            self.bind(target, self.kinds(node.value))
        self.generic_visit(node)

    def _each(self, target: ast.expr, over: ast.expr) -> None:
        kinds = {one[0] for one in self.kinds(over) if isinstance(one, tuple)}
        self.bind(target.elts[-1] if isinstance(target, ast.Tuple) else target, kinds)

    def visit_For(self, node: ast.For) -> None:
        self._each(node.target, node.iter)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._each(node.target, node.iter)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        for one in self.kinds(node.value):
            if isinstance(one, type) and node.attr in one.model_fields:
                self.read.add((one.__name__, node.attr))
        self.generic_visit(node)
