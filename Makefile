# `make help` lists what can be made. Nothing is needed but make and a Python of at least 3.11:
# everything else comes from PyPI, in the versions and with the hashes of the two locks.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# Each stamp is newer than what it was made from, so a second run does nothing.
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development

# How many suites run side by side. Two cores are the smallest machine they are timed on, and of four suites two wait.
LANES ?= 4
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# What could not be made whole must not look newer than what it is made from.
.DELETE_ON_ERROR:

.PHONY: help serve environment test soak bench codegen compat sdks sdks-generate lint format types lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z\/.-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(RUNTIME) ## Start a server on http://127.0.0.1:8080 with its own database in ./.parley
	@exec $(BIN)/parley serve

environment: $(DEVELOPMENT) ## Install what serving and testing need, and do nothing else

test: $(DEVELOPMENT) ## Run every check and test, in lanes side by side (TESTS="unit lint" runs some lanes)
	@$(BIN)/python scripts/run_tests.py --lanes $(LANES) $(TESTS)

soak: $(DEVELOPMENT) ## Run the long tests whole: minutes to hours
	$(BIN)/python -m pytest --hypothesis-profile=soak -m soak --timeout=7200 tests

bench: $(DEVELOPMENT) ## Measure what is promised to be fast (needs wrk)
	$(BIN)/python -m bench

codegen: $(DEVELOPMENT) ## Make generated/ from spec/
	$(BIN)/python scripts/codegen.py

compat: $(DEVELOPMENT) ## Compare the contract with what was released (needs oasdiff: scripts/install_sdk_tools.sh)
	$(BIN)/python scripts/compat.py

sdks-generate: $(DEVELOPMENT) ## Make generated/ from spec/, and the generated part of the SDKs from that
	$(BIN)/python scripts/codegen.py
	$(BIN)/python scripts/sdks.py

sdks: $(DEVELOPMENT) ## Build the packages of all SDKs into dist/
	@for package in sdks/*/package.sh; do echo "$$package"; PYTHON=$(CURDIR)/$(BIN)/python sh "$$package" || exit 1; done

lint: $(DEVELOPMENT) ## Check style and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(DEVELOPMENT) ## Put the code into shape
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

types: $(DEVELOPMENT) ## Check types
	$(BIN)/mypy

docs/settings.md: parley/settings.py $(DEVELOPMENT) ## Print the page of settings
	$(BIN)/parley settings --markdown > $@

lock: $(DEVELOPMENT) ## Write the locks anew from pyproject.toml (needs the network)
	$(BIN)/python scripts/lock.py

clean: ## Remove what was built (not ./.parley, where the data lie)
	rm -rf $(VENV) .sdks .tox build dist .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@scripts/make_venv.sh $(VENV)

$(RUNTIME): $(BIN)/python requirements.lock pyproject.toml
	@echo "Installing Parley into $(VENV)"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(DEVELOPMENT): $(RUNTIME) requirements-dev.lock
	@echo "Installing what the tests need into $(VENV)"
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@
