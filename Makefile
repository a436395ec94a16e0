# Everything a developer types. Needs Python 3.11 or newer and make; the packages go into .venv.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
RUNTIME := $(VENV)/.requirements
DEV := $(VENV)/.requirements-dev
# A test run must not touch the servers of an installation whose variables happen to be set.
EMBEDDED := env -u DATABASE_URL -u REDIS_URL -u SECRET_KEY
PYTEST := $(BIN)/python -m pytest --numprocesses 2 $(ARGS)

.DELETE_ON_ERROR:
.PHONY: help run test test-postgres check bench bench-scoring browser pictures clean

help:
	@echo "make run            start Baton with its demo at http://127.0.0.1:8000 (PORT=…, DATA_DIR=…)"
	@echo "make test           the whole test suite, on SQLite (ARGS='-k name' to choose)"
	@echo "make test-postgres  the same and the concurrency tests, on PostgreSQL and Redis"
	@echo "make check          linters, types, layers, migrations, deployment settings"
	@echo "make bench          benchmarks, in minutes (ONLY=rescoring for one; CONTACTS=1000000 TIMERS=1000000 for the full size: an hour, 10 GB)"
	@echo "make bench-scoring  how well scores tell who buys (TRAIN=file TEST=file LABEL=column IGNORE=column,column for your own)"
	@echo "make browser        install the Chromium that the browser tests use"
	@echo "make pictures       take the pictures of the README from a fresh demo"
	@echo "make clean          remove .venv and all caches; the data folder stays"

run: $(RUNTIME)
	@$(BIN)/python manage.py up

test: $(DEV)
	$(EMBEDDED) $(PYTEST)

test-postgres: $(DEV)
	$(BIN)/python tests/servers.py $(PYTEST)

check: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(EMBEDDED) $(BIN)/mypy
	$(EMBEDDED) $(BIN)/python manage.py makemigrations --check --dry-run
	DATABASE_URL=postgres://check@localhost/check REDIS_URL=redis://localhost SITE_URL=https://baton.example.com \
		SECRET_KEY=only-for-the-check-of-the-settings-0123456789-abcdefghij $(BIN)/python manage.py check --deploy --fail-level WARNING

bench: $(DEV)
	@for file in tests/bench/bench_$(or $(ONLY),*).py; do echo "== $$file"; $(EMBEDDED) $(BIN)/python -m tests.bench.$$(basename $$file .py) || exit 1; done

bench-scoring: $(DEV)
	@$(EMBEDDED) $(BIN)/python -m tests.bench.bench_scoring_quality \
		--train "$(TRAIN)" --test "$(TEST)" --label "$(LABEL)" --ignore "$(IGNORE)"

pictures: $(DEV)
	$(EMBEDDED) $(BIN)/python -m tests.browser.pictures

browser:
	@if command -v chromium >/dev/null || command -v google-chrome >/dev/null; then echo "A Chromium is there already."; \
	elif ! command -v apt-get >/dev/null; then echo "Install Chromium with your system's package manager; \`chromium\` must be on PATH."; exit 1; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; \
	else sudo apt-get update -qq && sudo apt-get install -y -qq --no-install-recommends chromium; fi

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: made when missing, filled again when a requirement changes.

$(BIN)/python:
	@python=; for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$candidate"; break; fi; done; \
	if [ -z "$$python" ]; then echo "Baton needs Python 3.11 or newer, and none is on PATH. Install it, or name it: make PYTHON=/path/to/python3 …"; exit 1; fi; \
	echo "Making $(VENV) with $$($$python --version) …"; \
	$$python -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(RUNTIME): requirements.txt | $(BIN)/python
	@echo "Installing what Baton needs …"
	@$(PIP) install -r requirements.txt
	@touch $@

$(DEV): requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing what the tests need …"
	@$(PIP) install -r requirements-dev.txt
	@touch $@ $(RUNTIME)
