# Each target makes what it needs: the environment in .venv from requirements.lock, nothing outside this folder.
# `make` lists the targets, from the words behind ##. PYTHON=... names the interpreter of a new environment; otherwise
# the first good one of CANDIDATES is taken.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help docs run results patterns test test-all check compile unit coverage bounds bench lock clean

CANDIDATES = python3 python3.13 python3.12 python3.14 python3.11 python
# CPython that the pinned Numba has wheels for, with the global lock, able to make an environment
GOOD = import sys, sysconfig, venv, ensurepip; \
  sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 14) and sys.implementation.name == "cpython" \
  and not sysconfig.get_config_var("Py_GIL_DISABLED")))
UV = uv==0.13.9
BIN = .venv/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST = $(BIN)/python -m pytest -q
ENVIRONMENT = .venv/.installed
QUICK = tests --ignore=tests/bench
marked = $(shell grep -l 'mark\.$(1)' tests/test_*.py)
CHECKED = NUMBA_BOUNDSCHECK=1 NUMBA_OPT=1 NUMBA_CACHE_DIR=.venv/numba-boundscheck
KERNELS = $(addprefix tests/test_,dns.py health.py interleavings.py lanes.py later.py sessions_kernel.py twin.py)
EXPERIMENT = experiments/us-east-1-2025-10.toml
SWEEPS = $(addprefix experiments/,$(addsuffix .toml,phase-diagram policies policies-october throttling-2025-10))
OWN = $(addprefix --policies ,$(wildcard experiments/own/*.py))

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

# The page of columns and measures is kept, so that it can be read without a build; all else that is made is not. Words of the
# build are shown where something is wrong. Nothing is fetched.
docs: $(ENVIRONMENT) ## the site, in docs/_build/html
	$(BIN)/python -m recovery.stages.document > docs/reference/measures.md
	$(BIN)/python -m sphinx -b html -W --keep-going -q docs docs/_build/html
	@echo "docs/_build/html/index.html"

run: $(ENVIRONMENT) ## the experiment of the README; ARGS="--help" shows what else it takes
	$(BIN)/recovery run $(EXPERIMENT) $(ARGS)

# What is published: every number in README and results/ comes from here.
results: $(ENVIRONMENT) ## results/ and the tables of README and docs anew, from all experiments
	$(BIN)/recovery run $(filter-out $(SWEEPS),$(wildcard experiments/*.toml)) --out out $(OWN)
	set -e; for sweep in $(SWEEPS); do $(BIN)/recovery sweep $$sweep --out out --resume $(OWN); done
	$(BIN)/python -m recovery.show.publish out results README.md docs/gallery/*.md

patterns: $(ENVIRONMENT) ## results/patterns anew: what goes wrong in recoveries, and what mends it
	$(BIN)/recovery run $(wildcard experiments/patterns/*.toml) --out out/patterns --no-report
	$(BIN)/python -m recovery.show.publish --brief out/patterns results/patterns

# One after the other, whatever -j says, each on all cores. mypy has one process, so kernels are compiled beside the checks,
# each in one worker: left to the tests, every worker would compile them all. The last two run side by side.
test: $(ENVIRONMENT) ## all checks and all quick tests
	@$(MAKE) --no-print-directory -j2 check compile
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory -j2 coverage bounds

test-all: test ## the slow tests as well
	$(PYTEST) -n logical --dist worksteal -m slow $(QUICK)

check: $(ENVIRONMENT) ## style, types, imports: for every save
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict recovery kernels
	$(BIN)/lint-imports

compile: $(ENVIRONMENT)
	$(PYTEST) -n logical --dist loadfile -k in_a_few_cases $(KERNELS)

# A file's tests share pages and runs that are dear to make, so a file goes to one worker.
unit: $(ENVIRONMENT)
	$(PYTEST) -n logical --dist loadfile -m "not slow" $(QUICK)

# Compiled code cannot be traced, so the coverage of the kernels is measured on a small suite without compiling.
coverage: $(ENVIRONMENT)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m coverage run -m pytest -q -m nojit $(call marked,nojit)
	$(BIN)/python -m coverage report

# An index out of bounds is silent in compiled code, save here, where the small cases have little use for optimised code.
bounds: $(ENVIRONMENT)
	$(CHECKED) $(PYTEST) -n logical --dist loadfile -m boundscheck $(call marked,boundscheck)

bench: $(ENVIRONMENT) ## benchmarks; ARGS="..." is passed on
	$(PYTEST) tests/bench --benchmark-only --benchmark-columns=min,median,rounds $(ARGS)

$(ENVIRONMENT): .venv/.locked pyproject.toml
	$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q recovery kernels  # where nothing writes bytecode later, each start would take half a second more
	@touch $@

.venv/.locked: requirements.lock
	@for python in $(if $(PYTHON),'$(PYTHON)',$(CANDIDATES)); do \
	  if "$$python" -c '$(GOOD)' 2>/dev/null; then \
	    echo "making .venv with $$("$$python" --version) (about two minutes)"; \
	    "$$python" -m venv --clear .venv && exit 0; \
	  fi; \
	done; \
	echo 'no usable Python among: $(or $(PYTHON),$(CANDIDATES)); want CPython 3.11 to 3.14 with venv and ensurepip' >&2; exit 1
	$(PIP) install --require-hashes --requirement requirements.lock
	@touch $@

# The pins stay unless ARGS=--upgrade (or --upgrade-package NAME). Whatever index is set for this shell is ignored, so that the
# hashes are those of the public one, and no host is written down.
lock: ## requirements.lock anew; the pins stay unless ARGS=--upgrade
	@rm -rf .venv-lock && for python in $(if $(PYTHON),'$(PYTHON)',$(CANDIDATES)); do \
	  if "$$python" -c '$(GOOD)' 2>/dev/null; then "$$python" -m venv .venv-lock; break; fi; done
	.venv-lock/bin/python -m pip --disable-pip-version-check --quiet install '$(UV)'
	env -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_INDEX -u UV_DEFAULT_INDEX -u UV_FIND_LINKS \
	  .venv-lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra docs --extra test pyproject.toml --output-file requirements.lock $(ARGS)
	@rm -rf .venv-lock

clean: ## remove all that make made, .venv too
	rm -rf .venv .venv-lock out build dist docs/_build docs/reference/generated *.egg-info .benchmarks .coverage .coverage.* .hypothesis .import_linter_cache \
	  .mypy_cache .pytest_cache .ruff_cache
	find recovery kernels tests docs -name __pycache__ -type d -prune -exec rm -rf {} +
