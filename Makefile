# The whole developer interface. Needs only Python (3.11 or later) with `venv` and `pip`; `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# one stamp a set of packages, touched only after its install has succeeded
READY := $(VENV)/.installed
BENCH_READY := $(VENV)/.installed-bench
# two workers with one torch thread each; a file's tests stay together, so its fits and fixtures are made once
WORKERS ?= 2
ARGS ?=
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test check check-engines format drawing bench clean
.SILENT:

help: ## list the targets
	awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## fit a real model and draw the fit (`make demo ARGS=regression` for another)
	$(BIN)/virgil demo $(ARGS)

test: $(READY) ## run the tests but the long ones, minutes (`make test ARGS="-k plate"` for some)
	$(PYTEST) -m "not (every_engine or long)" $(ARGS)

check: $(READY) ## format, lint, types, floors, then the tests: what CI runs first
	echo "format" && $(BIN)/ruff format --check --quiet .
	echo "lint" && $(BIN)/ruff check --quiet .
	echo "types" && $(BIN)/mypy --no-error-summary
	echo "floors" && $(BIN)/lint-imports --no-logo >$(VENV)/.floors 2>&1 || { cat $(VENV)/.floors; exit 1; }
	echo "tests" && $(PYTEST) $(ARGS)

check-engines: $(READY) ## the programs that `make check` does not compile on every engine: some minutes, in CI too
	$(PYTEST) --dist load -m every_engine $(ARGS)

format: $(READY) ## rewrite the files in the house's format, with the lints that mend themselves
	$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

drawing: $(READY) ## draw the imports between rooms anew, into docs/design
	$(BIN)/python -m tests.house.drawing

bench: $(BENCH_READY) ## compare with the peers and write the tables of benchmarks/README.md (an hour)
	$(BIN)/python -m benchmarks.import_time
	$(BIN)/python -m benchmarks.eager $(ARGS)
	$(BIN)/python -m benchmarks.enumeration $(ARGS)
	$(BIN)/python -m benchmarks.engine
	$(BIN)/python -m benchmarks.capture
	$(BIN)/python -m benchmarks.subsample
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.modules
	$(BIN)/python -m benchmarks.checks

clean: ## remove the environment, the caches and what the demo wrote
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment without its stamp was left half made: begin it again. One with a stamp is brought up to date in place.
# torch goes first and alone, so that nothing else decides its version.
$(READY): pyproject.toml constraints.txt
	[ -f $@ ] && $(BIN)/python -c "" 2>/dev/null || { \
		echo "Making $(VENV) and installing into it: a few minutes, once."; $(PYTHON) -m venv --clear $(VENV); }
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e '.[dev]'
	touch $@

$(BENCH_READY): $(READY)
	echo "Installing the peers that benchmarks compare with."
	$(PIP) install -c constraints.txt -e '.[bench]'
	touch $@
