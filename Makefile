# Everything lands in .venv at the project's root: the base lock for `talk`, the dev lock for the rest.

.PHONY: help talk test cover check bench lock clean

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

BIN := .venv/bin

# The first that runs and is new enough; a name on the PATH may be a launcher for a version that is not there.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)

help:
	@echo "make talk    a simulated caller talks to the engine: transcript, waterfall, budget (ARGS= for palabre talk)"
	@echo "make test    the tests, and the engine's coverage by its own (ARGS= for pytest)"
	@echo "make check   lint, format, types, import direction"
	@echo "make bench   the benchmarks (ARGS= for python -m bench)"
	@echo "make lock    resolve requirements/ again (ARGS=--upgrade to take newer versions)"
	@echo "make clean   remove .venv and what tools left"

talk: .venv/.base
	@$(BIN)/palabre talk $(ARGS)

test: .venv/.dev
	@covered=0; $(MAKE) cover || covered=$$?; \
	$(BIN)/pytest $(ARGS) || exit; \
	if [ $$covered != 0 ]; then echo "the engine's own tests do not cover it: see above"; exit 1; fi

# Each module of the engine is covered whole, branches included, by the test module of its name.
cover: .venv/.dev
	@$(BIN)/pytest tests/engine -q --cov --cov-context=test --cov-report= --no-header --no-summary; missing=0; \
	for module in $$(cd engine && find . -name '*.py' ! -name '__init__.py' | cut -c3- | sort); do \
		test="tests/engine/$$(dirname $$module)/test_$$(basename $$module)"; test=$${test//.\//}; \
		$(BIN)/coverage report --include="engine/$$module" --contexts="^$$,^$$test::" --fail-under=100 >.coverage.report 2>&1 \
		|| { cat .coverage.report; missing=1; }; \
	done; rm -f .coverage.report; exit $$missing

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_imports.py tests/test_house.py

bench: .venv/.dev
	@$(BIN)/python -m bench $(ARGS)

# The base is locked within the development lock, so that both hold the same versions.
LOCK = build/lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command "make lock" $(ARGS)

lock:
	@$(PYTHON) -m venv build/lock && build/lock/bin/python -m pip install -q --disable-pip-version-check uv
	$(LOCK) pyproject.toml --all-extras --group dev -o requirements/dev.txt
	$(LOCK) pyproject.toml --no-annotate -c requirements/dev.txt -o requirements/base.txt
	$(LOCK) --group build --no-annotate -c requirements/dev.txt -o requirements/build.txt

clean:
	rm -rf .venv build dist out *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up

.venv/.dev: .venv/.build requirements/dev.txt pyproject.toml
	@$(call install,dev)
	@touch .venv/.base $@

.venv/.base: .venv/.build requirements/base.txt pyproject.toml
	@$(call install,base)
	@touch $@

.venv/.build: requirements/build.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("palabre needs Python 3.11 or newer; $(PYTHON) is %d.%d.\nInstall one (Debian: apt-get install python3.11 python3.11-venv), or name it: make PYTHON=/path/to/python3.12" % v[:2])'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments. Debian and Ubuntu: apt-get install $$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; exit 1; }
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv --clear .venv
	@$(PIP) -q -r $<
	@touch $@

PIP = $(BIN)/python -m pip install --no-input --disable-pip-version-check --require-hashes

# $(call install,LOCK): the locked packages, then this project over them; nothing but the lock is built with or resolved.
define install
total=$$(grep -c == requirements/$(1).txt); began=$$SECONDS; \
echo "setting up .venv: $$total packages, under a minute on a usual line"; \
if ! $(PIP) --no-build-isolation --progress-bar off -r requirements/$(1).txt 2>.venv/errors | $(call progress,$$total); then \
	cat .venv/errors >&2; \
	echo "The set-up stopped. Once the cause above is mended, the same command goes on from here; 'make clean' starts over." >&2; \
	exit 1; \
fi; \
$(BIN)/python -m pip install -q --no-input --disable-pip-version-check --no-deps --no-build-isolation -e .; \
echo "set up in $$((SECONDS - began)) s"
endef

# One line that counts, where someone watches.
progress = { n=0; while read -r word name _; do \
	[ -t 1 ] || continue; \
	case $$word in \
		Collecting) n=$$((n + 1)); printf '\r\033[K  %d of %d  %s' $$n $(1) "$${name%%=*}";; \
		Installing) printf '\r\033[K  unpacking';; \
		Successfully) printf '\r\033[K';; \
	esac; done; }
