"""`make measured`: docs/measured.md, from the figures in docs/measured/*.json and the prose in docs/measured/page.md.

A line `{{ NAME }}` of the prose stands for the figures of NAME.json, and what they were measured with.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import FOLDER, text
from dat import records

PAGE = FOLDER.with_suffix(".md")
PLACE = re.compile(r"^\{\{ ([a-z-]+) \}\}$", re.MULTILINE)


def block(figures: str | Mapping[str, Any]) -> str:
    """A sentence, or a table as Markdown."""
    if isinstance(figures, str):
        return figures
    rows = [figures["columns"], ["---"] * len(figures["columns"]), *figures["rows"]]
    return "\n".join(f"| {' | '.join(map(text, row))} |" for row in rows)


def source(facts: Mapping[str, Any]) -> str:
    """What was typed, when, at which commit and on which machine, as far as it was written down.

    Figures from before the benchmarks wrote theirs have a `machine` in words.
    """
    parts = [f"`{facts['command']}`"] if "command" in facts else []
    parts += [facts["date"]] if "date" in facts else []
    parts += [f"commit {facts['commit'][:10]}"] if "commit" in facts else []
    parts += ["with changes that were not committed"] if "patch" in facts else []
    machine = facts["machine"] if "machine" in facts else f"{facts['cores']} cores, {facts['processor']}"
    return ", ".join([*parts, machine])


def page(folder: Path = FOLDER) -> str:
    """The whole page."""

    def section(match: re.Match[str]) -> str:
        facts = records.read_json(folder / f"{match[1]}.json")
        return "\n\n".join([*map(block, facts["figures"]), f"*{source(facts)}*"])

    return PLACE.sub(section, (folder / "page.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    records.write_text(PAGE, page())
