# Everything lands in .venv: the base lock for `talk`, the development lock for the rest.

.PHONY: help talk test cover check bench sim model lock clean

MAKEFLAGS += --no-print-directory
BIN := .venv/bin

help:
	@echo "make talk    a simulated caller talks to the engine: transcript, waterfall, budget (ARGS= for palabre talk)"
	@echo "make test    the tests, and the engine's coverage by its own (ARGS= for pytest)"
	@echo "make check   lint, format, types, import direction"
	@echo "make sim     10,000 simulated calls with faults: half an hour of two cores (ARGS= for palabre sim)"
	@echo "make bench   the three benchmarks in turn (ARGS= for python -m bench)"
	@echo "make model   the demo recogniser trained anew, in half an hour (ARGS= for palabre models train)"
	@echo "make lock    resolve requirements/ again (ARGS=--upgrade for newer versions)"
	@echo "make clean   remove .venv and what the tools left"
	@echo
	@echo "PYTHON= names the interpreter, 3.11 or newer."

talk: .venv/.base
	@$(BIN)/palabre talk $(ARGS)

test: .venv/.dev
	@covered=0; $(MAKE) cover || covered=1; $(BIN)/pytest $(ARGS) && \
	if [ $$covered = 1 ]; then echo "The engine's own tests do not cover it: see above."; exit 1; fi

cover: .venv/.dev
	@.ci/cover

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_imports.py tests/test_house.py

bench: .venv/.dev
	@$(if $(ARGS),$(BIN)/python -m bench $(ARGS), \
	for bench in density response barge-in; do $(BIN)/python -m bench $$bench || exit; done)

model: .venv/.dev
	@$(BIN)/palabre models train --to pipelines/speech/models/vosk-fr-demo $(ARGS)

sim: .venv/.base
	@$(BIN)/palabre sim $(if $(ARGS),$(ARGS),--calls 10000 --faults)

# The base is resolved within the development lock, so that both hold the same versions.
RESOLVE = build/lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command "make lock" $(ARGS)

lock: .venv/.base
	$(BIN)/python -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(RESOLVE) pyproject.toml --all-extras --group dev -o requirements/dev.txt
	$(RESOLVE) pyproject.toml --no-annotate -c requirements/dev.txt -o requirements/base.txt
	$(RESOLVE) --group build --no-annotate -c requirements/dev.txt -o requirements/build.txt

clean:
	rm -rf .venv build dist out *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.dev: requirements/dev.txt requirements/build.txt pyproject.toml
	@PYTHON="$(PYTHON)" requirements/install dev
	@touch .venv/.base $@

.venv/.base: requirements/base.txt requirements/build.txt pyproject.toml
	@PYTHON="$(PYTHON)" requirements/install base
	@touch $@
