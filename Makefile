# The whole developer interface. Needs only Python (3.11 or later) with `venv` and `pip`; `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# one stamp a set of packages, touched only after its install has succeeded
READY := $(VENV)/.installed
BENCH_READY := $(VENV)/.installed-bench
CLIENTS := .venvs/clients
# two workers with one torch thread each; a file's tests stay together, so its fits and fixtures are made once
WORKERS ?= 2
ARGS ?=
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile
# two other processors: the widest instructions of torch, MKL, oneDNN and XLA, the threads of torch and XLA, the order of sets
PLAIN := ATEN_CPU_CAPABILITY=default MKL_ENABLE_INSTRUCTIONS=SSE4_2 ONEDNN_MAX_CPU_ISA=SSE41 \
	XLA_FLAGS=--xla_cpu_max_isa=SSE4_2 NPROC=4 VIRGIL_TEST_THREADS=4 PYTHONHASHSEED=1
AVX2 := ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 ONEDNN_MAX_CPU_ISA=AVX2 \
	XLA_FLAGS=--xla_cpu_max_isa=AVX2 NPROC=1 VIRGIL_TEST_THREADS=1 VIRGIL_TEST_IDLE_THREAD=1 PYTHONHASHSEED=2
# the tests whose figures come from a run, or from sums that processors take in different orders
FIGURES := tests/test_docs.py src/virgil tests/exact tests/infer/ladder tests/infer/trust tests/infer/autoguide tests/infer/run tests/distributions

.DEFAULT_GOAL := help
.PHONY: help demo test check check-clients check-engines check-portable check-thorough check-versions format drawing bench clean
.SILENT:

help: ## list the targets
	awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## fit a real model and draw the fit (`make demo ARGS=regression` for another)
	$(BIN)/virgil demo $(ARGS)

test: $(READY) ## run the tests but the long ones, minutes (`make test ARGS="-k plate"` for some)
	$(PYTEST) -m "not (every_engine or thorough or long)" $(ARGS)

check: $(READY) ## format, lint, types, floors, then the tests: what CI runs first
	echo "format" && $(BIN)/ruff format --check --quiet .
	echo "lint" && $(BIN)/ruff check --quiet .
	echo "types" && $(BIN)/mypy --no-error-summary
	echo "floors" && $(BIN)/lint-imports --no-logo >$(VENV)/.floors 2>&1 || { cat $(VENV)/.floors; exit 1; }
	echo "tests" && $(PYTEST) $(ARGS)

check-engines: $(READY) ## the programs that `make check` does not compile on every engine: some minutes, in CI too
	$(PYTEST) --dist load -m every_engine $(ARGS)

check-thorough: $(READY) ## whole programs, processes and samples that `make check` has fewer of: some minutes, in CI too
	$(PYTEST) --dist load -m "thorough and not every_engine" $(ARGS)

check-portable: $(READY) ## pages and tests with figures, as other processors compute them: some minutes, in CI too
	echo "the oldest instructions, 4 threads" && env $(PLAIN) $(PYTEST) $(FIGURES) $(ARGS)
	echo "AVX2, 1 thread" && env $(AVX2) $(PYTEST) $(FIGURES) $(ARGS)

check-versions: ## the tests under each pair of Python and PyTorch that is claimed and found (hours, gigabytes)
	$(PYTHON) -m tests.house.versions $(ARGS)

check-clients: $(CLIENTS)/.installed ## programs of public libraries under the alias: minutes, a gigabyte
	VIRGIL_CLIENTS=1 $(CLIENTS)/bin/python -m pytest -q -p virgil.as_pyro -W default tests/clients $(ARGS)

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
	$(BIN)/python -m benchmarks.amortized
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.modules
	$(BIN)/python -m benchmarks.digits
	$(BIN)/python -m benchmarks.distributions
	$(BIN)/python -m benchmarks.checks
	$(BIN)/python -m benchmarks.score
	$(BIN)/python -m benchmarks.accuracy

clean: ## remove the environment, the caches and what the demo wrote
	rm -rf $(VENV) .venvs build dist demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment without its stamp was left half made: begin it again. One with a stamp is brought up to date in place.
# torch goes first and alone, so that nothing else decides its version.
$(READY): pyproject.toml constraints.txt
	[ -f $@ ] && $(BIN)/python -c "" 2>/dev/null || { \
		echo "Making $(VENV) and installing into it: a few minutes, once."; $(PYTHON) -m venv --clear $(VENV); }
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e '.[dev]'
	touch $@

# These libraries bring the old package with them; the alias comes first.
$(CLIENTS)/.installed: tests/clients/requirements.txt pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(CLIENTS)
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check -qq install -c constraints.txt torch
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check -qq install -c constraints.txt -e .
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check -qq install -r tests/clients/requirements.txt
	touch $@

$(BENCH_READY): $(READY)
	echo "Installing the peers that benchmarks compare with."
	$(PIP) install -c constraints.txt -e '.[bench]'
	touch $@
