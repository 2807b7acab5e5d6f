# Two commands do all the set-up: `make run` and `make test`. Both need only Python, pip and make.
PYTHON ?= python3
BIN := .venv/bin

SEED ?= 2026

.PHONY: run test soak bench lint docs pictures lock clean

run: .venv/installed
	$(BIN)/linkservice demo --host 0.0.0.0

test: .venv/installed-test
	$(BIN)/pytest

# The fault tests in their whole size, the wide ones with all their combinations and what is left to
# this command, one at a time, and the table in docs/reliability.md.
soak: .venv/installed-test
	rm -f build/soak.jsonl
	$(BIN)/pytest -m "fault or wide or soak" --soak --seed $(SEED) --numprocesses 0 --timeout 0
	$(BIN)/python tests/evidence.py

# What docs/performance.md promises, measured here. Needs nginx and wrk; some twenty minutes.
bench: .venv/installed-test
	$(BIN)/python -m benchmarks.redirect --seed $(SEED)
	$(BIN)/python -m benchmarks.calm --seed $(SEED)
	$(BIN)/python -m benchmarks.pipeline --seed $(SEED)
	$(BIN)/python -m benchmarks.microseconds --seed $(SEED)
	$(BIN)/python -m benchmarks.ingest --seed $(SEED) --folder build/ingest --audit
	$(BIN)/python -m benchmarks.reports --seed $(SEED) --folder build/reports

lint: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# requirements.lock pins every package by hash; --no-deps then adds this one, editable.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

.venv/installed-test: requirements-test.lock .venv/installed
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-test.lock
	touch $@

docs: .venv/installed-test
	$(BIN)/python tests/reference.py

# The README's pictures, from the demonstration. Needs Chromium.
pictures: .venv/installed-test
	$(BIN)/python docs/pictures/take.py

# Needs `uv`; run it after changing the dependencies in pyproject.toml.
lock:
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --extra test --constraint requirements.lock pyproject.toml -o requirements-test.lock

clean:
	rm -rf .venv dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
