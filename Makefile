# make demo    create .venv, fit, forecast and compare on the yearly sunspots
# make test    create .venv and run tests, docstring examples and notebooks
# make lint    style and types
# make bench   create .venv-bench, check that the peers have the same loss, and time them; BENCH_ARGS for the latter
# Overridable: PYTHON, VENV, DEMO, TESTS, WORKERS, PYTEST_ARGS.  Each environment is rebuilt when pyproject.toml changes.

PYTHON ?= python3
VENV ?= .venv
VENV_PANDAS2 ?= .venv-pandas2
VENV_BENCH ?= .venv-bench
DEMO ?= demo_output
NOTEBOOKS := $(wildcard notebooks)
TESTS ?= tests pararnn_ts $(NOTEBOOKS)
PYTEST_ARGS ?=
# processes that share out the files of the tests
WORKERS ?= 2
SHARED := -n $(WORKERS) --dist loadfile
BENCH_ARGS ?=

# A stamp per extra, so that `make demo` does not wait for the test tools.
define install
	test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --editable ".[$(2)]" $(3)
	touch $@
endef

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-pandas2 lint format bench wheel clean

help:
	@grep '^# ' Makefile | sed 's/^# //'

$(VENV)/.stamp-cli: pyproject.toml
	$(call install,$(VENV),cli)

$(VENV)/.stamp-test: pyproject.toml
	$(call install,$(VENV),test)

$(VENV)/.stamp-lint: pyproject.toml
	$(call install,$(VENV),lint)

# sktime asks for an older pandas, so that its checks run here
EXTRAS_PANDAS2 := test,sktime
$(VENV_PANDAS2)/.stamp-test: pyproject.toml
	$(call install,$(VENV_PANDAS2),$(EXTRAS_PANDAS2),"pandas<3")

$(VENV_BENCH)/.stamp-bench: pyproject.toml
	$(call install,$(VENV_BENCH),bench)

SUNSPOTS := data/sunspots_yearly.csv --column value --index year --out $(DEMO)

demo: $(VENV)/.stamp-cli
	$(VENV)/bin/python -m pararnn_ts fit $(SUNSPOTS)
	$(VENV)/bin/python -m pararnn_ts forecast $(SUNSPOTS)
	$(VENV)/bin/python -m pararnn_ts compare $(SUNSPOTS)
	@echo "The demo wrote its results to $(DEMO)/"

test: $(VENV)/.stamp-test
	$(VENV)/bin/python -m pytest $(SHARED) $(if $(NOTEBOOKS),--nbmake) $(TESTS) $(PYTEST_ARGS)

# The core on the older pandas, and all checks of sktime.  Docstring examples are written for the newer one and are left
# out, but for those of the forecasters.
test-pandas2: $(VENV_PANDAS2)/.stamp-test
	$(VENV_PANDAS2)/bin/python -m pytest $(SHARED) -m "not slow and not gpu" tests pararnn_ts/adapters $(PYTEST_ARGS)
	$(VENV_PANDAS2)/bin/python -m pytest -m slow tests/peer/test_sktime_forecasters.py $(PYTEST_ARGS)

lint: $(VENV)/.stamp-lint
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m ruff format --check .
	$(VENV)/bin/python -m mypy

format: $(VENV)/.stamp-lint
	$(VENV)/bin/python -m ruff check --fix .
	$(VENV)/bin/python -m ruff format .

bench: $(VENV_BENCH)/.stamp-bench
	$(VENV_BENCH)/bin/python -m pytest benchmarks -p no:doctest -o addopts= $(PYTEST_ARGS)
	$(VENV_BENCH)/bin/python benchmarks/speed.py $(BENCH_ARGS)

wheel: $(VENV)/.stamp-cli
	$(VENV)/bin/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean:
	rm -rf build dist $(DEMO) .pytest_cache .hypothesis .ruff_cache .mypy_cache .benchmarks
	find pararnn_ts tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
	rm -rf .venv .venv-pandas2 .venv-bench
