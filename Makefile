# Every target runs the environment's programs; `make setup` makes it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1

.PHONY: help setup repro test lint bench-track bench-evaluate bench-redetection bench-real bench-learning bench-train bench-csrdcf bench-memory bench-sentences

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf '%-18s %s\n' "$$name" "$$text"; done

setup: ## the environment in .venv, from requirements.lock
	@sh workflow/setup.sh

repro: setup ## the whole pipeline on the embedded profile, then seconds per stage
	@mkdir -p .dat
	@flock -n -E 75 .dat/repro dvc repro || { status=$$?; [ $$status -ne 75 ] || echo "make repro: another one is at work in this checkout; wait for it or end it" >&2; exit $$status; }
	@dat timings

test: setup ## the test suite
	@python -m pytest

lint: setup ## style, types, layers
	@ruff check .
	@ruff format --check .
	@mypy
	@lint-imports

bench-track: setup ## the tracker against a plain reading of MDNet, on real video (DAT_TEST_DATA)
	@python benchmarks/bench_track.py

bench-memory: setup ## memory of a tracker over 10,000 frames
	@python benchmarks/bench_memory.py

bench-evaluate: setup ## scoring against the got10k and VOT toolkits, which it installs aside
	@python benchmarks/bench_evaluate.py

bench-redetection: setup ## is a target found again that left or was covered (after make repro)
	@python benchmarks/bench_redetection.py

bench-real: setup ## the run's trackers on nine real targets (after make repro; DAT_TEST_DATA)
	@python benchmarks/bench_real.py

bench-learning: setup ## does training help? trained against random networks (after make repro; DAT_TEST_DATA)
	@python benchmarks/bench_learning.py

bench-train: setup ## what a training costs beyond its network, at the paper's sizes
	@python benchmarks/bench_train.py

bench-csrdcf: setup ## CSR-DCF against OpenCV's CSRT, which it installs aside, on real video (DAT_TEST_DATA)
	@python benchmarks/bench_csrdcf.py

bench-sentences: setup ## the sentence encoder against a bag of words, on LaSOT's sentences (DAT_TEST_DATA)
	@python benchmarks/bench_sentences.py
