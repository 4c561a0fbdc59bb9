# On a machine with Python 3.11 (or 3.12), git and make: `make demo` and `make test`.
# The virtual environments are created when they are first needed.

PYTHON ?= $(shell for python in python3.11 python3.12 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null \
	&& echo $$python && break; done)
BIN := .venv/bin
BIN_2_11 := .venv-2.11/bin
# Airflow writes files as soon as it is imported; this keeps them inside the checkout.
export AIRFLOW_HOME := $(CURDIR)/.airflow/tests
export PIP_DISABLE_PIP_VERSION_CHECK := 1
WORKERS ?= 2
PARALLEL := -n $(WORKERS) -p dev.pytest_scheduler

.DEFAULT_GOAL := help
.PHONY: help demo playground chaos chaos-short chaos-compare cluster test test-all test-2.11 coverage check screenshots \
	bench bench-import wheel constraints clean python

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: .venv/.installed  ## Run the content pipeline in a real Airflow against the emulator, and print the results
	@$(BIN)/python -m dev.demo

playground: .venv/.installed  ## A real Airflow and the emulator in your browser, with a review that waits for you, until Ctrl-C
	@$(BIN)/python -m dev.playground

chaos: .venv/.installed  ## Break a real Airflow in every way for 10 minutes: each job is paid for once (CHAOS="--seed 7")
	@$(BIN)/python -m dev.chaos $(CHAOS)

chaos-short: .venv/.installed  ## The same for about two minutes; part of make test-all
	$(BIN)/python -m pytest tests/chaos

chaos-compare: .venv/.compared  ## The same adversary against two other providers and ours
	@$(BIN)/python -m dev.chaos --compare $(CHAOS)

cluster: .venv-cluster/.installed  ## A fleet on PostgreSQL, Redis and Celery, with kills (CLUSTER="--chains 12")
	@.venv-cluster/bin/python -m dev.cluster $(CLUSTER)

test: .venv/.installed  ## Run all tests that need neither a browser nor several minutes, on Airflow 3.3.2
	$(BIN)/python -m pytest $(PARALLEL) -m "not browser and not chaos and not benchmark"

test-all: .venv/.installed  ## Run all tests, with a browser, a short chaos run and a benchmark
	@$(BIN)/python -m dev.browser
	$(BIN)/python -m pytest $(PARALLEL)

test-2.11: .venv-2.11/.installed  ## Run the unit, contract and system tests on Airflow 2.11.2
	AIRFLOW_HOME=$(AIRFLOW_HOME)-2.11 $(BIN_2_11)/python -m pytest $(PARALLEL) -m "not airflow3" \
		tests/unit tests/contract tests/system

coverage: .venv/.installed  ## Print the branch coverage of the package, without the emulator, by unit and contract tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term tests/unit tests/contract

check: .venv/.installed  ## Lint, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

screenshots: .venv/.compared  ## Take the screenshots of the Airflow UI in docs/images again
	@$(BIN)/python -m dev.browser
	SCREENSHOTS=1 LAYERS_BROWSER=required $(BIN)/python -m pytest -m browser tests/system

bench: .venv/.compared  ## Compare the cost of waiting with other providers, and plot it: about 12 minutes
	@mkdir -p .cache
	@$(BIN)/python -m dev.benchmarks.waiting --json .cache/waiting.json $(BENCH)
	@$(BIN)/python -m dev.benchmarks.waiting.plot .cache/waiting.json docs/images/waiting.svg

bench-import: .venv/.compared  ## Compare the cost of importing our operators with other providers
	@$(BIN)/python -m dev.benchmarks.import_time

wheel: .venv/.installed  ## Build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

constraints: python  ## Resolve the newest versions of all dependencies and pin them
	$(PYTHON) -m dev.update_constraints

clean:  ## Remove everything that can be created again
	rm -rf .venv .venv-2.11 .venv-cluster .airflow .cache .coverage .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed and was not found" \
		"(python3 is $$(python3 --version 2>&1)). Give its path: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python cannot create virtual environments." \
		"On Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }

# $(1) environment, $(2) constraints, $(3) extra. The constraints are environment variables so that they also
# hold for builds: of the package, and of a few dependencies that come without a wheel.
define install
	@echo "Installing the environment $(1): about a minute, once."
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	@PIP_CONSTRAINT=$(2) PIP_BUILD_CONSTRAINT=$(2) $(1)/bin/python -m pip install --quiet -e '.[$(3)]'
	@touch $(1)/.installed
endef

.venv/.installed: dev/constraints/airflow-3.3.txt pyproject.toml | python
	$(call install,.venv,dev/constraints/airflow-3.3.txt,lint)

.venv-2.11/.installed: dev/constraints/airflow-2.11.txt pyproject.toml | python
	$(call install,.venv-2.11,dev/constraints/airflow-2.11.txt,test)

.venv-cluster/.installed: dev/constraints/airflow-3.3-cluster.txt pyproject.toml | python
	$(call install,.venv-cluster,dev/constraints/airflow-3.3-cluster.txt,cluster)

.venv/.compared: .venv/.installed
	@$(BIN)/python -m pip install --quiet -c dev/constraints/airflow-3.3.txt -e '.[bench]'
	@touch $@
