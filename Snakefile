# One benchmark's jobs, spread over cores, GPUs or a cluster. `dat benchmark NAME` plans them and calls this file;
# which units are missing, and what they are, stands in the plan.

from snakemake.utils import validate, min_version

min_version("9.0")


include: "workflow/rules/common.smk"


rule all:
    input:
        finished_jobs(),
    localrule: True


include: "workflow/rules/track.smk"
