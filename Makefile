# The one door: everything that CI does, a person does by one of these.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-docker test-tiers check image image-engine base-image bench chaos site student \
	lock clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# What a caller may change: `make test JOBS=4`, `make image BASE_IMAGE=...`.
# One more than two cores: many tests wait for a process or a limit.
JOBS ?= 3
# Hostile cases are held to their limits by the clock: no more of them than cores.
TIER_JOBS ?= 2
PYTEST_ARGS ?=
BENCH_ARGS ?= --rounds 5
CHAOS_ARGS ?= --kills 20
BASE_IMAGE ?= python:3.11-slim
LOCAL_BASE ?= tinytorch-grader-base:local
IMAGE ?= tinytorch-grader:staff
ENGINE_IMAGE ?= tinytorch-grader:engine
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell \
	$p -c 'import sys; sys.version_info >= (3, 11) and print("$p")' 2>/dev/null)))

# One thread a BLAS call: times and tests must not depend on the number of cores.
export OPENBLAS_NUM_THREADS ?= 1
export GRADER_IMAGE ?= $(IMAGE)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

setup: $(STAMP) ## make .venv with pinned packages; does nothing the second time
	@# Tests and gradings by root give submissions other users; these must not read it.
	@if [ "$$(id -u)" -eq 0 ] && [ -d reference ]; then chmod 700 reference; fi

# requirements-dev.lock contains requirements.lock; the image installs only the latter.
$(STAMP): requirements-dev.lock pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "setup: Python 3.11 or newer is needed" >&2; exit 1; }
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: setup ## grade three packages and build the leaderboard; no Docker needed
	$(BIN)/python -m grader.cli.demo

test: setup ## all tests of this checkout; Chromium and bubblewrap are used if there
	@# In the order of the folders: the long files first, so that no worker waits alone.
	$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not docker" \
		$(PYTEST_ARGS)

test-docker: image ## build the image, then run the tests that grade inside it
	@# Only files that have such tests are read: the others take ten seconds. One after
	@# the other: they look at all containers and images of the engine.
	GRADER_REQUIRE="$${GRADER_REQUIRE:-docker}" $(BIN)/pytest -m docker $(PYTEST_ARGS) \
		$$(grep -rlE "mark\.docker" tests --include="*.py")

test-tiers: setup ## as root: sandboxes and hostile cases in the other tiers too
	$(BIN)/python tests/tiers.py uid -n $(TIER_JOBS) --dist load $(PYTEST_ARGS)
	$(BIN)/python tests/tiers.py namespaces -n $(TIER_JOBS) --dist load $(PYTEST_ARGS)

check: setup ## lint, format, types, layers, template: exactly what CI checks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python reference/tools/template.py --check

image: setup ## build the staff image: engine, hidden suites, reference
	container/build.sh staff $(IMAGE) $(BASE_IMAGE) $(BIN)/python

image-engine: setup ## build the image without suites and reference
	container/build.sh engine $(ENGINE_IMAGE) $(BASE_IMAGE) $(BIN)/python

base-image: ## make a base image by debootstrap, where no registry is reachable
	container/base-image.sh $(LOCAL_BASE)

chaos: setup ## nightly, as root: kill parts of batches at random moments, then compare
	$(BIN)/python -m bench.batch.chaos $(CHAOS_ARGS)

bench: setup ## measure what the wall costs; the other benchmarks: bench/README.md
	$(BIN)/python bench/isolation/run.py $(BENCH_ARGS)

student: setup ## make a student's repository: make student OUT=folder UPTO=06
	@[ -n "$(OUT)" ] || { echo "student: name a new folder, OUT=..." >&2; exit 2; }
	@$(BIN)/grader template build "$(OUT)" --upto "$(UPTO)"

site: setup ## build the leaderboard of the local store into site/
	$(BIN)/grader publish --to site

lock: setup ## resolve the pinned packages anew
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --upgrade $(LOCK_OPTIONS) -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --upgrade -c requirements.lock \
		$(LOCK_OPTIONS) -o requirements-dev.lock
	echo setuptools | $(BIN)/uv pip compile - --upgrade $(LOCK_OPTIONS) -o container/build.lock

# The oldest Python we promise; no index address reaches the files.
LOCK_OPTIONS := --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header

clean: ## remove what was built; keeps .venv, results and rounds
	rm -rf build dist wheels site *.egg-info .mypy_cache .ruff_cache .pytest_cache \
		.import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
