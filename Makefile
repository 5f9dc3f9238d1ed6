# The two commands of a fresh machine are `make demo` and `make test`; each sets up what it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# Every process of a test or demo would compile the sources anew where nothing may be kept.
unexport PYTHONDONTWRITEBYTECODE
LOCK := requirements.lock
LOCK_BENCH := requirements-bench.lock
LOCK_IMAGE := requirements-image.lock

.PHONY: help install browser demo test test-slow lint screenshots bench accuracy lock clean-kernels clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

install: .venv/kernels  ## make .venv with the simcheck command and everything for tests

.venv/installed: $(LOCK) pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "simcheck needs Python 3.11 or newer")'
	$(PYTHON) -m venv --clear .venv
	@echo "installing what $(LOCK) names"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r <(sed -n '/^uv==/,/[^\\]$$/p' $(LOCK)) && \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r $(LOCK) || \
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r $(LOCK)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q -j 0 .venv/lib simcheck jobs carriers generator >/dev/null || true
	touch $@

.venv/kernels: .venv/installed
	@echo "compiling the kernels (half a minute, once)"
	@made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && \
	$(BIN)/simcheck generate --citizens 2000 --subscriptions 3000 --carrier viettel --carrier generic --out "$$made/country" --quiet && \
	$(BIN)/simcheck check viettel="$$made/country/viettel.csv.gz" generic="$$made/country/generic.csv" \
		--citizens "$$made/country/citizens.parquet" --out "$$made/results" --buckets 2 --quiet
	touch $@

# The public pages are tried in Debian's Chromium; Playwright downloads none of its own.
browser:  ## install Chromium by apt where it is missing (as root, or by sudo)
	@test -x /usr/bin/chromium || { \
		asked=$$(test "$$(id -u)" = 0 || echo sudo -n); \
		$$asked apt-get update -qq && \
		$$asked env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; }

demo: install  ## run the whole service over a small country, show what happened
	$(BIN)/simcheck demo

test:  ## lint, types, import rules and all tests (but the slow ones)
	$(MAKE) --no-print-directory -j 2 .venv/installed browser
	$(MAKE) --no-print-directory -j 2 lint .venv/kernels
	$(BIN)/pytest -m 'not slow' -n 3

test-slow: install browser  ## the tests that take minutes
	$(BIN)/pytest -m slow

screenshots: install browser  ## a picture of every page at several widths, in .simcheck/screenshots
	rm -rf .simcheck/screenshots && mkdir -p .simcheck/screenshots
	SCREENSHOTS=$(CURDIR)/.simcheck/screenshots $(BIN)/pytest tests/stories -k "everybody or a_carriers_day or a_supervisors_day or orders_at_the_desks"
	@ls .simcheck/screenshots

lint: .venv/installed  ## style, types, import rules
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

accuracy: install  ## false accepts and false alarms by kind of error, beside three baselines
	$(BIN)/python tests/bench/accuracy.py

bench: install .venv-bench/installed  ## the check beside DuckDB, pandas and Splink; the lake; an upload to its cases; the OTP question; notices; SMS; the desks; clocks
	.venv-bench/bin/python tests/bench/speed.py
	$(BIN)/python tests/bench/lake.py
	$(BIN)/python tests/bench/service.py
	$(BIN)/python tests/bench/otp.py
	$(BIN)/python tests/bench/notices.py
	$(BIN)/python tests/bench/sending.py
	$(BIN)/python tests/bench/desks.py
	$(BIN)/python tests/bench/clocks.py

# The programs that we are measured against live apart, so that nothing of them is loaded by simcheck.
.venv-bench/installed: $(LOCK_BENCH)
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK_BENCH)
	touch $@

lock:  ## renew the lock files from pyproject.toml
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra dev -o $(LOCK) pyproject.toml
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra image -c $(LOCK) -o $(LOCK_IMAGE) pyproject.toml
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -o $(LOCK_BENCH) tests/bench/requirements.in

clean-kernels:  ## forget compiled kernels (after a change to one that others call)
	find simcheck -name '*.nb[ic]' -delete

clean:  ## remove everything that was made here
	rm -rf .venv .venv-bench .simcheck build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
