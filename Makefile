# Every target makes the environment it needs in .venv, when there is none. `make help` lists them.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.lossctl-installed
CASES  ?=
ARGS   ?=

# Say a command, and run it.
define show
@printf '\n$$ lossctl %s\n\n' '$(1)'
@$(BIN)/lossctl $(1) --format table
endef

.DEFAULT_GOAL := help
.PHONY: help demo test check reference bench bench-losses faults coverage alarms docs clean

help:  ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP)  ## score real predictions of sample_data/, then the same with three broken rows
	$(call show,eval sample_data/diabetes/ridge.csv sample_data/diabetes/target.csv)
	$(call show,eval sample_data/diabetes/broken.csv sample_data/diabetes/target.csv)

test: $(STAMP)  ## run all tests
	@$(BIN)/python -m pytest -n 2

check: $(STAMP)  ## format, lint, types, architecture, generated documentation
	@failed=; \
	for part in "-m ruff format --check ." "-m ruff check ." "-m mypy" \
	  "-m pytest tests/test_architecture.py" "docs/generate.py --check"; do \
	  $(BIN)/python $$part || failed="$$failed [$$part]"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

reference: $(STAMP)  ## run reference cases (CASES=file.json; else those of tests/)
	@$(BIN)/python -m tests.reference.run $(CASES)

bench: $(STAMP)  ## time whole processes against others (ARGS="--pairs 3 --only W3"; --help has more)
	@$(BIN)/python -c 'import duckdb, polars' 2>/dev/null || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]' || \
	  echo "going on without what could not be installed" >&2
	@$(BIN)/python -m benchmarks.run $(ARGS)

bench-losses: $(STAMP)  ## time every loss and every state on one block (ARGS="mae scce" or --write)
	@$(BIN)/python -m benchmarks.losses $(ARGS)

faults: $(STAMP)  ## plant faults in 200 data sets, and see which are found (ARGS=--write, "--seed 7")
	@$(BIN)/python -m benchmarks.faults $(ARGS)

coverage: $(STAMP)  ## simulate how often what compare prints holds (ARGS=--write, "--runs 50 --only AR")
	@$(BIN)/python -m benchmarks.coverage $(ARGS)

alarms: $(STAMP)  ## simulate how often check alarms, and what it catches (ARGS=--write, "--only equal")
	@$(BIN)/python -m benchmarks.alarms $(ARGS)

docs: $(STAMP)  ## write the generated documentation again
	@$(BIN)/python docs/generate.py

clean:  ## remove the environment that make made, and everything generated
	@if [ -e .venv/.lossctl-installed ]; then rm -rf .venv; fi
	@rm -rf build dist lossctl.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

# A working environment that was made by hand is used as it is; else pip completes it.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lossctl needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv $(VENV)
	@if [ -e $@ ] || ! $(BIN)/python .ci/installed.py; then \
	  echo "installing lossctl and its tools into $(VENV) (once) ..." >&2; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'; \
	fi
	@$(BIN)/python -m compileall -q lossctl
	@touch $@
