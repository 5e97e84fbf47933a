# A job is a batch of (variant, seed, sequence) units: `dat job PLAN NUMBER DONE` by hand does the same.


rule track:
    input:
        plan=config["plan"],
    output:
        touch("done/{job}"),
    log:
        "log/{job}.txt",
    benchmark:
        "usage/{job}.tsv"
    priority: # the plan's order: longest units first, and the jobs that shrink last
        lambda wildcards: -int(wildcards.job)
    threads: PLAN["threads"]
    resources:
        gpu=1,
    shell:
        "dat job {input.plan:q} {wildcards.job} {output:q} > {log:q} 2>&1"


# What a job computes on, asked before the units are planned: `dat job PLAN -1 environment.json`.
rule ask:
    input:
        plan=config["plan"],
    output:
        "environment.json",
    log:
        "log/ask.txt",
    threads: PLAN["threads"]
    resources:
        gpu=1,
    shell:
        "dat job {input.plan:q} -- -1 {output:q} > {log:q} 2>&1"
