# Every target sets up .venv by itself (requirements/install.py says nothing when that is done already).
PYTHON ?= python3
VENV ?= .venv
CONFIG ?= configs/pocket.yaml
STUDY ?= configs/paper_table.yaml
SELFJUDGE ?= configs/selfjudge_table.yaml
# Settings from the command line: make pipeline ARGS="--sample.responses_per_instruction 4"
ARGS ?=
GPU ?=

export VENV
IN_VENV := $(VENV)/bin
INSTALL := $(PYTHON) requirements/install.py $(if $(GPU),--gpu)
PYTEST := $(IN_VENV)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help install reinstall pipeline paper-table selfjudge-table test test-slow test-faults test-cluster lint format pocket-policies clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-18s %s\n", $$1, $$2 }'

install:  ## make .venv with the pinned CPU set (GPU=1: vllm and a CUDA torch); other targets do it by themselves
	@$(INSTALL)

reinstall:  ## the same from an empty .venv
	@$(INSTALL) --fresh

pipeline: install  ## the whole job on the pocket world, on a Ray head of its own (CONFIG=… ARGS="--train.epochs 1")
	@$(IN_VENV)/python cluster/local.py run -- python ray_jobs/pipeline.py --config $(CONFIG) $(ARGS)

paper-table: install  ## methods × policies, three seeds, with intervals (STUDY=… ARGS="--seeds [4]")
	@$(IN_VENV)/python cluster/local.py run -- python ray_jobs/paper_table.py --config $(STUDY) $(ARGS)

selfjudge-table: install  ## SELF-JUDGE: ways of learning, judge, tournaments, three seeds, with intervals (SELFJUDGE=… ARGS="--seeds [1]")
	@$(IN_VENV)/python cluster/local.py run -- python ray_jobs/selfjudge_table.py --config $(SELFJUDGE) $(ARGS)

test: lint  ## lint, types and all tests but the slow ones
	$(PYTEST) -m "not slow and not faults and not cluster" $(ARGS)

test-slow: install  ## the tests that need minutes each
	$(PYTEST) -m "slow and not faults and not cluster" $(ARGS)

test-faults: install  ## kill drivers and workers in the middle of every step, and see the job finish
	$(PYTEST) -m faults $(ARGS)

test-cluster: install  ## collect and sample on nodes that die, come and go, all on this machine
	$(PYTEST) -m cluster $(ARGS)

lint: install  ## ruff check, ruff format --check, mypy
	$(IN_VENV)/ruff check .
	$(IN_VENV)/ruff format --check .
	$(IN_VENV)/python -m mypy

format: install  ## let ruff format and mend what it can
	$(IN_VENV)/ruff check --fix .
	$(IN_VENV)/ruff format .

pocket-policies: install  ## train the pocket policies again (an hour or two; their weights are in git)
	$(IN_VENV)/python -m selfj.pocket.train_policy --all

clean:  ## remove caches (runs/ and .venv stay)
	rm -rf .pytest_cache .mypy_cache .ruff_cache build
