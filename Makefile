# Every target runs the environment's programs; `make setup` makes it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1

.PHONY: help setup repro test graph test-processors mutation lint bench-track bench-evaluate bench-redetection bench-real bench-learning bench-data bench-train bench-csrdcf bench-numerics bench-memory bench-sentences bench-audit test-crate validators bench-fanout bench-start bench-index test-slurm test-gpu test-s3 s3 rehearsal pictures measured

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf '%-18s %s\n' "$$name" "$$text"; done

setup: ## the environment in .venv, from requirements.lock
	@sh workflow/setup.sh

repro: setup ## the whole pipeline on the embedded profile, trainings side by side, then seconds per stage, was it reproduced, and three numbers
	@mkdir -p .dat
	@flock -n -E 75 .dat/repro sh -c 'dat watch & exec dat repro' || { status=$$?; [ $$status -ne 75 ] || echo "make repro: another one is at work in this checkout; wait for it or end it" >&2; exit $$status; }
	@dat timings

test: setup ## the test suite, in two processes
	@python -m pytest -n 2

graph: setup ## which code each stage depends on, written into dvc.yaml from the imports
	@python -m workflow.graph

pictures: setup ## README's two pictures, from the finished run (after make repro; Debian: chromium)
	@python -m benchmarks.readme_pictures

measured: setup ## docs/measured.md, from the figures that the benchmarks have written to docs/measured
	@python -m benchmarks.measured

test-processors: setup ## the same bytes on emulated processors of both makers (Debian: qemu-user); SHORT=1: what CI runs
	@python -m tests.processors.compare $(if $(SHORT),--short)

test-slurm: setup ## a benchmark through SLURM on a cluster of one node, two of its jobs ended meanwhile (Debian; as root it installs slurm)
	@python -m tests.slurm

s3: setup
	@uv pip install -q --target .dat/s3 "$$(grep -o '^dvc==[0-9.]*' requirements.lock)" "dvc-s3==3.3.*" "moto[server]==5.2.*"

test-gpu: setup ## on a machine with a GPU: what computes there against the processor, kernels a frame, frames a second, jobs at a time, little memory
	@python -m tests.gpu

test-s3: s3 ## dvc push and dvc pull of a run through an S3 server on loopback, which it installs aside; a minute or a few
	@python -m pytest tests/workflow/test_remote.py

mutation: validators ## the suite's strength: 300 small changes of the code, drawn by a seed, and which of them it notices (about an hour)
	@uv pip install -q --target .dat/coverage coverage
	@PYTHONPATH=.dat/coverage:.dat/validators python -m tests.mutation

validators: setup
	@uv pip install -q --target .dat/validators "rocrate==0.16.*" "roc-validator==0.13.*" "mlcroissant==1.1.*"
	@uv pip install -q --no-deps --target .dat/validators/context rocrate==0.11.0

test-crate: validators ## the crate of a run by the validators of RO-Crate and Croissant, which it installs aside
	@PYTHONPATH=.dat/validators python -m pytest tests/audit/test_audit_crate.py

lint: setup ## style, types, layers
	@ruff check .
	@ruff format --check .
	@mypy
	@lint-imports

bench-track: setup ## the tracker against a plain reading of MDNet, on real video (DAT_TEST_DATA); BUSY=1: every core has other work
	@python -m benchmarks.bench_track $(if $(BUSY),--busy)

rehearsal: setup ## the paper profile's whole graph on look-alikes of the real data sets (LaSOT's annotations: DAT_TEST_DATA); SHARE=0.02: a part; SHORT=1: what CI runs
	@python -m benchmarks.rehearsal $(if $(SHORT),--short,$(if $(SHARE),--share $(SHARE)))

bench-memory: setup ## memory of a tracker over 10,000 frames
	@python -m benchmarks.bench_memory

bench-evaluate: setup ## scoring against the got10k and VOT toolkits, which it installs aside
	@python -m benchmarks.bench_evaluate

bench-redetection: setup ## is a target found again that left or was covered (after make repro)
	@python -m benchmarks.bench_redetection

bench-real: setup ## the run's trackers on nine real targets (after make repro; DAT_TEST_DATA)
	@python -m benchmarks.bench_real

bench-learning: setup ## does training help? trained against random networks (after make repro; DAT_TEST_DATA)
	@python -m benchmarks.bench_learning

bench-train: setup ## what a training costs beyond its network, at the paper's sizes
	@python -m benchmarks.bench_train

bench-numerics: setup ## portable beside native numerics: the longest trainings and the tracker, in pairs (after make repro; six minutes)
	@python -m benchmarks.bench_numerics

bench-data: setup ## how quickly GPGNet's frames are made and read, against OpenCV alone, side by side
	@python -m benchmarks.bench_data

bench-csrdcf: setup ## CSR-DCF against OpenCV's CSRT, which it installs aside, on real video (DAT_TEST_DATA)
	@python -m benchmarks.bench_csrdcf

bench-sentences: setup ## the sentence encoder against a bag of words, on LaSOT's sentences (DAT_TEST_DATA)
	@python -m benchmarks.bench_sentences

bench-audit: setup ## dat audit all of a run of the paper's size, and its hashing against hashlib's (makes the run first: minutes)
	@python -m benchmarks.bench_audit

bench-index: setup ## dat index lasot at full size, cold and warm: seconds and memory (DAT_TEST_DATA; a few minutes to make the set)
	@python -m benchmarks.bench_index

bench-start: setup ## a job's fixed cost: seconds from its start to its first frame, with a network of full width
	@python -m benchmarks.bench_start

bench-fanout: setup ## how well the paper's matrix fills 1 to 64 GPUs, simulated (OVERHEAD=1: and what a unit costs beside)
	@python -m benchmarks.bench_fanout $(if $(OVERHEAD),--overhead)
