# Shardloom: `make run` opens the control centre, `make test` runs every check.
# Needs only python3 (3.11 or newer), make and git; the rest is set up in .venv.

PYTHON ?= python3
ARGS ?=
# Three on two cores: a test that waits for phones leaves its core to another.
PYTEST_WORKERS ?= 3
BIN := .venv/bin

# Hundreds of processes start: where none may keep what it compiled each compiles all of it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test unit lint lint-aside types metrics walks pytest soak bench translations lock deb deb-test clean

help:
	@echo "make run    set up, then open the control centre (ARGS='run demo --prompt Hello --tokens 20')"
	@echo "make test   every check: ruff, mypy, import-linter, pytest"
	@echo "make unit   the quick tests alone: no process, no torch"
	@echo "make lint   the checks without the tests"
	@echo "make types  mypy alone"
	@echo "make metrics  figures of the code beside their limits"
	@echo "make walks    how many modules a phone and a receipt pass through"
	@echo "make soak   what takes hours: 10,000 simulated racks, honest phones audited, long fuzzing, all cases of long tests"
	@echo "make bench  measure, and write docs/benchmarks.md"
	@echo "make translations  gather what the program says, update and compile the catalogues"
	@echo "make lock   write packaging/locks again from pyproject.toml"
	@echo "make deb    the Debian package of what is committed, into dist (root; ARGS='--suite trixie')"
	@echo "make deb-test  install it on a bare system and run the headless job there (root)"
	@echo "make clean  remove .venv and caches (state in your home stays)"

run:
	@$(PYTHON) packaging/bootstrap.py run
	@exec $(BIN)/shardloom $(ARGS)

# What waits for phones leaves the processor to types and rules, which leave it to tests in turn.
test:
	@$(PYTHON) packaging/bootstrap.py test
	@$(MAKE) --no-print-directory -j2 pytest lint-aside

lint-aside:
	@nice -n 10 $(MAKE) --no-print-directory lint

lint:
	@$(PYTHON) packaging/bootstrap.py test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory types
	$(BIN)/lint-imports

types:
	@$(PYTHON) packaging/bootstrap.py test
	$(BIN)/mypy

metrics:
	@$(PYTHON) packaging/bootstrap.py test
	$(BIN)/python packaging/metrics.py $(ARGS)

walks:
	@$(PYTHON) packaging/bootstrap.py test
	$(BIN)/python packaging/walks.py $(ARGS)

unit:
	@$(PYTHON) packaging/bootstrap.py test
	$(BIN)/pytest -q -n $(PYTEST_WORKERS) --dist loadfile --no-processes $(ARGS) tests/unit

pytest:
	@$(PYTHON) packaging/bootstrap.py test
	$(BIN)/pytest -q -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

soak:
	@$(PYTHON) packaging/bootstrap.py test
	$(BIN)/python -m app.simulation --seed 0 --count 10000
	$(BIN)/pytest -q --timeout 0 --soak tests
	SHARDLOOM_RECEIPT_SEEDS=5000 $(BIN)/pytest -q --timeout 0 tests/simulation/test_receipts.py
	SHARDLOOM_HONEST_PHONES=20000 $(BIN)/pytest -q --timeout 0 tests/simulation/test_honest_audits.py
	SHARDLOOM_FOREIGN_AUDITS=10000 $(BIN)/pytest -q --timeout 0 \
		tests/integration/rack/phones/test_foreign_audits.py
	SHARDLOOM_MONEY_OPERATIONS=1000000 $(BIN)/pytest -q --timeout 0 \
		tests/unit/ledger/economy/test_money_machine.py
	SHARDLOOM_FUZZ=1000000 $(BIN)/pytest -q --timeout 0 tests/integration/virtual/test_fuzz.py
	SHARDLOOM_FUZZ=50000 $(BIN)/pytest -q --timeout 0 tests/unit/gateway/test_bad_input.py
	SHARDLOOM_REQUESTS=10000 $(BIN)/pytest -q --timeout 0 tests/unit/gateway/test_many_requests.py
	SHARDLOOM_FUZZ=100000 $(BIN)/pytest -q --timeout 0 tests/unit/workers/test_messages.py \
		tests/unit/pipeline/test_bad_messages.py tests/integration/workers/test_bad_messages.py
	SHARDLOOM_POWER_CUTS=100000 SHARDLOOM_KILLS=1000 $(BIN)/pytest -q --timeout 0 \
		tests/unit/ledger/test_power_cuts.py tests/unit/ledger/test_crash.py

bench:
	@$(PYTHON) packaging/bootstrap.py run
	LANGUAGE=en $(BIN)/shardloom bench decode --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench rack --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench prompts --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench lookup --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench adversary --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench ways --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench http --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench start --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench devices --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench window --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench ledger --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench ledger --entries 1000000 --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench receipts --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench market --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench plan --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench lingualinked --markdown docs/benchmarks.md
	LANGUAGE=en $(BIN)/shardloom bench energy --markdown docs/benchmarks.md

translations:
	@$(PYTHON) packaging/bootstrap.py test
	$(BIN)/python packaging/translations.py $(ARGS)

lock:
	@$(PYTHON) packaging/bootstrap.py test
	$(BIN)/python -m pip install --quiet "pip-tools>=7.6"
	$(BIN)/python packaging/lock.py

deb:
	@$(PYTHON) packaging/deb.py build $(ARGS)

deb-test:
	@$(PYTHON) packaging/deb.py test $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache shardloom.egg-info
