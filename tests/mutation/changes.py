"""Small changes of a module: a comparison, `and`/`or`, `any`/`all`, `not`, a number, `+ - * /`; of messages none."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SWAPS: dict[type[ast.AST], type[Any]] = {ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add}
SWAPS |= {ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt}
SWAPS |= {ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}


@dataclass(frozen=True)
class Mutant:
    """One change: the file, the lines of the expression and of its statement's head, old and new, the new text.

    `on_import`: it stands in no function's body, so that the module's import executes it.
    """

    file: str
    lines: tuple[int, ...]
    before: str
    after: str
    text: str
    on_import: bool

    @property
    def place(self) -> str:
        return f"{self.file}:{self.lines[0]}"


def _joins_words(node: ast.BinOp) -> bool:
    """Whether `+` or `/` joins words or paths: one side is a literal."""
    sides = (node.left, node.right)
    words = any(isinstance(side, ast.Constant) and isinstance(side.value, str) for side in sides)
    return words or any(isinstance(side, ast.JoinedStr) for side in sides)


def changed(node: ast.AST) -> Iterator[ast.expr]:
    """The expression with one change, for each change that there is."""
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            compared = copy.deepcopy(node)
            compared.ops[at] = SWAPS[type(operator)]()
            yield compared
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(SWAPS[type(node.op)](), node.values)
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPS and not _joins_words(node):
        yield ast.BinOp(node.left, SWAPS[type(node.op)](), node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("any", "all"):
        yield ast.Call(ast.Name("all" if node.func.id == "any" else "any"), node.args, node.keywords)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        yield ast.Constant(node.value + 1)


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """All changes of a module."""
    raw, starts = source.encode(), [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    bodies = {line for one in functions for line in range(one.body[0].lineno, (one.end_lineno or 0) + 1)}

    def visit(node: Any, head: int) -> Iterator[Mutant]:
        head = node.lineno if isinstance(node, ast.stmt) else head
        for other in changed(node):
            start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
            after = ast.unparse(other)
            text = (raw[:start] + f"({after})".encode() + raw[end:]).decode()
            lines = (*range(node.lineno, node.end_lineno + 1), head)
            yield Mutant(file, lines, ast.unparse(node), after, text, node.lineno not in bodies)
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.Raise | ast.JoinedStr):
                yield from visit(child, head)

    yield from visit(tree, 1)
