import json
from pathlib import Path

from snakemake.exceptions import WorkflowError

if "plan" not in config:
    raise WorkflowError("there is no plan here: run `dat benchmark NAME`, which makes one and calls this workflow")
validate(config, "../schemas/config.schema.yaml")
PLAN = json.loads(Path(config["plan"]).read_text(encoding="utf-8"))


wildcard_constraints:
    job=r"\d+",


def finished_jobs():
    if "jobs" not in PLAN:
        return ["environment.json"]
    return expand("done/{job}", job=range(len(PLAN["jobs"])))
