"""Names from outside: the one rule for those that become part of a path, and how any name is shown.

Sequences, trackers, data sets, lists and members of archives are named by files that others wrote. Whatever becomes a
file's or a folder's name goes through `part`, and every path below a folder through `below`.
"""

import re
from collections.abc import Iterable
from typing import Any

from dat.base.errors import InputError

LONGEST = 128
"""Bytes of a name: what is put around one (endings, numbers, temporary names) fits into the 255 of file systems."""

SHOWN = 60
"""Characters of a wrong name that a message shows."""

_SETTING = re.compile(r"[A-Za-z0-9][A-Za-z0-9+_-]*")
_USUAL = re.compile(r"\w+(?:[/.-]\w+)*", re.ASCII)
_FORMULA = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")  # the last four: the full-width =, +, - and @
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>|~#&]")


def fault(name: object) -> str:
    """Why a name cannot be one part of a path, in words; empty when it can."""
    if not isinstance(name, str):
        return "is no text"
    if not name or name != name.strip():
        return "is empty, or begins or ends with a blank"
    if name.startswith("."):
        return "begins with a dot"
    if "/" in name or "\\" in name:
        return "has a separator of folders"
    if not name.isprintable():
        return "has a character that does not print"
    return f"is longer than {LONGEST} bytes" if len(name.encode()) > LONGEST else ""


def fault_of_path(path: object) -> str:
    """Why a path does not lead from a folder to something below it, in words; empty when it does."""
    if not isinstance(path, str):
        return fault(path)
    return next(filter(None, map(fault, path.split("/"))), "")


def part(name: Any, where: object, kind: str = "name") -> str:
    """The name, which can be one part of a path; `where` (file, line) and `kind` (sequence, tracker) are the message's.

    Raises InputError for what is empty, begins with a dot, has a separator, does not print (control characters,
    terminal escapes, bytes that are not UTF-8) or is longer than `LONGEST` bytes.

    >>> part("Jogging-1", "list.txt:1")
    'Jogging-1'
    """
    wrong = fault(name)
    if wrong:
        raise InputError(f"{shown(where)}: the {kind} '{shown(name)[:SHOWN]}' {wrong}; give it a plain name")
    return str(name)


def below(path: Any, where: object, kind: str = "path") -> str:
    """The path, whose parts are all plain names, so that it leads from a folder to something in it.

    Raises InputError for an absolute path, one that goes up, and for the parts that `part` refuses.
    """
    wrong = fault_of_path(path)
    if wrong:
        raise InputError(f"{shown(where)}: a part of the {kind} '{shown(path)[:SHOWN]}' {wrong}; it leads elsewhere")
    return str(path)


def all_below(paths: Iterable[Any], where: object, kind: str = "path") -> None:
    """`below` for many: those of the usual letters, of which a manifest has millions, are known at a glance."""
    usual = _USUAL.fullmatch
    for path in paths:
        if not isinstance(path, str) or not usual(path) or len(path) > LONGEST:
            below(path, where, kind)


def is_setting(name: str) -> bool:
    """Whether a name of params.yaml is one that can be a folder's, a stage's and a word of a shell's command.

    >>> is_setting("pymdnet+gcn"), is_setting("$(reboot)"), is_setting("a/b"), is_setting("a.b")
    (True, False, False, False)
    """
    return len(name) <= LONGEST and bool(_SETTING.fullmatch(name))


def shown(text: object) -> str:
    r"""A text on one line of a terminal, as it is typed: what does not print is escaped.

    >>> shown("[bold] \x1b[31m"), shown("a\nb")
    ('[bold] \\x1b[31m', 'a\\nb')
    """
    plain = str(text)
    if plain.isprintable():
        return plain
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in plain)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def cell(value: Any) -> Any:
    """A value of a CSV table; a text that a spreadsheet would compute gets a quote mark in front.

    >>> cell("=1+1"), cell("-0.5"), cell(-0.5), cell("MDNet")
    ("'=1+1", '-0.5', -0.5, 'MDNet')
    """
    is_formula = isinstance(value, str) and _FORMULA.match(value) and not _is_number(value)
    return f"'{value}" if is_formula else value


def from_cell(text: str) -> str:
    """The text that `cell` was given.

    >>> from_cell("'=1+1"), from_cell("'tis"), from_cell("''@x")
    ('=1+1', "'tis", "'@x")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def markdown(text: str) -> str:
    """A text in a line or a table of Markdown, shown as it is typed.

    >>> markdown("a|b <i>")
    'a\\\\|b \\\\<i\\\\>'
    """
    return _MARKDOWN.sub(r"\\\g<0>", shown(text))
