import json
from pathlib import Path

validate(config, "../schemas/config.schema.yaml")
PLAN = json.loads(Path(config["plan"]).read_text(encoding="utf-8"))


wildcard_constraints:
    job=r"\d+",


def finished_jobs():
    if "jobs" not in PLAN:
        return ["environment.json"]
    return expand("done/{job}", job=range(len(PLAN["jobs"])))
