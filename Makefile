# The commands of this project; `make help` lists them. Each installs what it needs (Debian's packages) first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Suites that start database servers or the whole service carry one of these labels; all others need nothing. `long`: more
# than an edit is worth, for `make test`.
needs_servers := servers|integration
jobs := $(shell nproc)
SECONDS ?= 60
ROUNDS ?= 10
SEEDS ?= 20000
ctest := ctest --output-on-failure --no-tests=error --parallel $(jobs) --output-junit Testing/results.xml

.PHONY: help run check test sim coverage chaos mutants bench figures asan-ubsan tsan fuzz format format-check tidy up down logs clean

help: ## this list
	@sed -n 's/^\([a-z -]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 17

run: ## build and serve carts on 127.0.0.1:6004, in two SQLite files unless the environment names servers
	scripts/setup run
	cmake --preset release
	cmake --build --preset release --target panier
	exec build/release/panier serve

check: ## what to run while editing: format, dev build, all tests that need no server
	scripts/setup check
	scripts/format --check
	cmake --preset dev >/dev/null
	cmake --build --preset dev
	$(ctest) --test-dir build/dev -LE '$(needs_servers)|long'

test: ## every suite, real databases included
	scripts/setup test
	cmake --preset dev
	cmake --build --preset dev
	$(ctest) --test-dir build/dev

sim: ## the commit path on simulated stores, SEEDS runs (20000) from a fresh seed (SEED=n: this one, with its trace)
	scripts/setup check
	cmake --preset sim
	cmake --build --preset sim --target panier-sim
	build/sim/tests/sim/panier-sim $(if $(SEED),--seed $(SEED) --trace,--fresh --seeds $(SEEDS))

coverage: ## the lines of the commit path and of upkeep that the simulator reaches; fails under 95 %
	scripts/setup coverage
	scripts/coverage

chaos: ## ROUNDS rounds (10) of faults on real stores; CHAOS_SEED=n repeats a schedule, from round CHAOS_FIRST on
	scripts/setup test
	cmake --preset dev
	cmake --build --preset dev --target panier
	PANIER_BIN=$(CURDIR)/build/dev/panier PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/chaos/run.py --rounds $(ROUNDS) \
	  --keep build/chaos $(if $(CHAOS_SEED),--seed $(CHAOS_SEED)) $(if $(CHAOS_FIRST),--first $(CHAOS_FIRST))

mutants: ## remove one rule of the commit path at a time and show which test notices
	scripts/setup test
	python3 tests/mutants/run.py --adapters

bench: ## panier beside its peers and the machine's own limit, about 45 minutes; then build/bench/report.md
	scripts/setup bench
	cmake --preset bench
	cmake --build --preset bench --target panier panier-peer panier-limit panier-wire-double panier-slow-sync
	PYTHONDONTWRITEBYTECODE=1 build/venv-bench/bin/python bench/run.py

figures: ## count the instructions of the fixed scenario anew; commit bench/callgrind/figures.json with the change
	scripts/setup test
	/usr/bin/python3 bench/callgrind/check.py --renew build/dev/guard

asan-ubsan tsan: ## the tests that need no server, under sanitizers
	scripts/setup test
	cmake --preset $@
	cmake --build --preset $@
	$(ctest) --test-dir build/$@ -LE '$(needs_servers)|long$(if $(filter tsan,$@),|one-thread)'

fuzz: ## every fuzz target for SECONDS seconds each (60), under ASan and UBSan (TARGETS="a b": only these)
	scripts/setup fuzz
	cmake --preset fuzz
	cmake --build --preset fuzz --target fuzzers
	scripts/fuzz $(SECONDS) $(TARGETS)

format: ## reformat the C++ sources
	scripts/setup check
	scripts/format

format-check: ## fail on sources that clang-format would change
	scripts/setup check
	scripts/format --check

tidy: ## clang-tidy over all sources (TIDY_SINCE=<commit>: only over those changed since)
	scripts/setup lint
	cmake --preset dev >/dev/null
	scripts/tidy

up: ## build the image and start panier twice, MariaDB, MongoDB and nginx; carts on http://127.0.0.1:8080/paniers/
	scripts/compose up

down: ## stop them; the volumes stay
	scripts/compose down

logs: ## follow their logs
	scripts/compose logs

clean: ## remove what was built
	rm -rf build
