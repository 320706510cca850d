# Every command runs in .venv, into which the locked requirements are installed.

PYTHON ?= python3
BIN := .venv/bin
DEMO_INSTALLED := .venv/.installed
DEV_INSTALLED := .venv/.installed-dev
BENCH_INSTALLED := .cache/bench/.installed
PIP_INSTALL := python -m pip install --disable-pip-version-check --require-hashes

.DEFAULT_GOAL := help
.PHONY: help demo test test-full check fix lock bench audit release

help:  ## Show these commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

demo: $(DEMO_INSTALLED)  ## Generate a project in demo/, start it, log in and call its API
	@$(BIN)/python scripts/demo.py

test: $(DEV_INSTALLED)  ## Run the fast tests, and the tests of a few generated projects
	$(BIN)/python -m pytest -n auto -m "not full"

test-full: $(DEV_INSTALLED)  ## Run the tests that need minutes or servers
	$(BIN)/python -m pytest -n auto -m "full and not load"
	$(BIN)/python -m pytest -m load

check: $(DEV_INSTALLED)  ## Lint, and check the format
	$(BIN)/ruff check --config pyproject.toml .
	$(BIN)/ruff format --config pyproject.toml --check bench hooks scripts tests
	$(BIN)/ruff format --config pyproject.toml --line-length 88 --check {{*

fix: $(DEV_INSTALLED)  ## Fix the lint errors that ruff can fix, and the format
	$(BIN)/ruff check --config pyproject.toml --fix .
	$(BIN)/ruff format --config pyproject.toml bench hooks scripts tests
	$(BIN)/ruff format --config pyproject.toml --line-length 88 {{*

lock: $(DEV_INSTALLED)  ## Update every lock: of this repository and of the generated projects
	$(BIN)/python scripts/lock.py

bench: $(BENCH_INSTALLED)  ## Run the benchmarks and write docs/performance.md (minutes)
	@.cache/bench/bin/python -m bench $(PARTS)

audit: $(DEV_INSTALLED)  ## Check the locked versions for known vulnerabilities
	$(BIN)/python scripts/audit.py

release: $(DEV_INSTALLED)  ## Check, stamp and tag a release: make release VERSION=0.2.0
	$(BIN)/python scripts/release.py "$(VERSION)"

# One line of progress, because `make demo` is the first command that a new reader runs.
$(DEMO_INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.13")'
	@printf 'Install Cookiecutter ... '; started=$$(date +%s); \
	$(PYTHON) -m venv --clear .venv && $(BIN)/$(PIP_INSTALL) --quiet --quiet -r $< && \
	echo "$$(($$(date +%s) - started)) s"
	@touch $@

$(DEV_INSTALLED): requirements-dev.txt $(DEMO_INSTALLED)
	$(BIN)/$(PIP_INSTALL) -r $<
	@touch $@

# What builds a source archive is locked too, and installed first.
$(BENCH_INSTALLED): bench/requirements.txt
	$(PYTHON) -m venv --clear .cache/bench
	.cache/bench/bin/$(PIP_INSTALL) --quiet -r {{*/requirements-build.txt
	.cache/bench/bin/$(PIP_INSTALL) --quiet --no-build-isolation -r $<
	@touch $@
