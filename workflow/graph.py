"""Writes into dvc.yaml which code each stage depends on, by what its modules import: `make graph`.

DVC sees no imports. A list of `deps` keeps what is no code (data, weights, sentences), and gets a line for each file of
the package that the stage's modules need, or for a folder all of whose modules they need. profiles/paper/dvc.yaml and
profiles/further/dvc.yaml are copies, and no links, which DVC cannot follow in another commit; profiles/mdnet/dvc.yaml
has the stages of a profile that trains nothing.
"""

import io
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString as Quoted

from dat import records
from dat.cli import VERBS
from dat.pipeline.stages import STAGES

TOP = Path(__file__).resolve().parents[1]
LISTS, READ_LISTS = "dat/benchmarks/lists", {"dat/benchmarks/published.py", "dat/benchmarks/catalogue.py"}
"""The lists of the real benchmarks, and the modules that read them, which is no import."""


def code(name: str) -> list[str]:
    """The files and folders, from the checkout's top, that a stage's code is in."""
    stage = STAGES[name]
    verb = VERBS["train" if stage.trains else name][0]
    modules = [module for module in (stage.module, stage.jobs, verb, "dat.cli.stages") if module]
    files = {path for module in modules for path in records.code_closure(module)}
    folders = {str(parent) for file in files for parent in Path(file).parents if parent.parent != Path()} - {"."}
    whole = {folder for folder in folders if {str(p.relative_to(TOP)) for p in (TOP / folder).rglob("*.py")} <= files}
    lists = {LISTS} if files & READ_LISTS else set()
    paths = {max((f for f in whole if file.startswith(f"{f}/")), key=len, default=file) for file in files}
    outermost = {path for path in paths if not any(path.startswith(f"{folder}/") for folder in whole)}
    return sorted({*outermost, *lists, *stage.files, "workflow/dat"})


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 112, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def written(text: str) -> str:
    """dvc.yaml with the code of every stage."""
    yaml = _yaml()
    graph: Any = yaml.load(text)
    for name, stage in graph["stages"].items():
        body = stage.get("do", stage)
        data = [path for path in body["deps"] if not path.startswith("${root}/")]
        body["deps"] = CommentedSeq([*data, *(Quoted("${root}/" + path) for path in code(name))])
    out = io.StringIO()
    yaml.dump(graph, out)
    return out.getvalue()


WHOLE = ("paper", "further")
"""The profiles with all stages."""
WITHOUT_TRAINING = ("index", "salnet", "benchmark", "evaluate", "report")
TRAINING = ("training/language", "training/frames", "training/masks")


def _partial(out: Any) -> Any:
    """An output of the report where a partial one has it; `out` is a path, or a mapping of one to its options."""
    if not isinstance(out, str):
        return {_partial(path): options for path, options in out.items()}
    return out.replace("reports/", "reports/partial/", 1)


def without_training(text: str) -> str:
    """Of a dvc.yaml the stages of a profile whose networks come from files; its report is of what there is."""
    yaml = _yaml()
    graph: Any = yaml.load(text)
    stages = graph["stages"]
    for name in [name for name in stages if name not in WITHOUT_TRAINING]:
        del stages[name]
    del graph["plots"]
    report = stages["report"]
    report["cmd"] += " --partial"
    report["deps"] = [path for path in report["deps"] if path not in TRAINING]
    report["outs"] = [_partial(out) for out in report["outs"]]
    graph["metrics"] = [_partial(path) for path in graph["metrics"]]
    out = io.StringIO()
    yaml.dump(graph, out)
    return out.getvalue()


if __name__ == "__main__":
    whole = written((TOP / "dvc.yaml").read_text(encoding="utf-8"))
    for place in (TOP, *(TOP / "profiles" / name for name in WHOLE)):
        records.write_text(place / "dvc.yaml", whole)
    records.write_text(TOP / "profiles" / "mdnet" / "dvc.yaml", without_training(whole))
