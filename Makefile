# Casement's commands. `make run` and `make test` do their own set-up; see scripts/.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo
DEVICES ?= 5
ALL := --workspace --locked
export CARGO_TERM_COLOR ?= auto

.PHONY: help build run test lint audit bench clean engine packages python

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: packages engine ## The optimised binary: target/release/casement
	$(CARGO) build --release --locked -p casement

run: build ## Build, then run everything with five simulated rooms (DEVICES=N for another number)
	./target/release/casement up --simulate $(DEVICES)

test: packages test-packages engine python clients ## Every test, with a real Mosquitto and a real ClickHouse engine
	$(CARGO) test $(ALL) --no-fail-fast

lint: packages ## Format, clippy, documentation and, with cargo-deny, licences; warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(ALL) --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(ALL) --no-deps --document-private-items
	if command -v cargo-deny >/dev/null; then $(CARGO) deny --locked check --hide-inclusion-graph bans licenses sources; fi

# A clone of the advisory database, where it cannot be fetched.
audit: export ADVISORY_DB ?=
audit: ## Advisories, licences, duplicates and unused dependencies (ADVISORY_DB=PATH: a clone of rustsec/advisory-db, for use offline)
	scripts/audit.sh

bench: packages engine python ## Benchmarks; quote ratios and medians
	$(CARGO) bench $(ALL)

engine: ## Fetch the ClickHouse engine into the user's cache, once
	scripts/fetch-engine.sh

packages: ## Debian packages that building needs
	scripts/packages.sh build

.PHONY: test-packages
test-packages:
	scripts/packages.sh test

.PHONY: clients
clients:
	scripts/clients.sh

python: ## The Python environment that tests compare with
	scripts/python-env.sh

.PHONY: model
model: build ## Train the default model again from simulated rooms, and judge it on rooms it has not met
	./target/release/casement train --from simulator --seed 1 --version v1.0.0 --out models/window_regressor.pth
	./target/release/casement evaluate --model models/window_regressor.pth --from simulator --seed 2 --rooms 60

clean: ## Remove what was built; data and the cached engine stay
	$(CARGO) clean

.PHONY: fuzz
fuzz: ## Fuzz the audio decoder and a clip's whole path, SECONDS each (60)
	scripts/fuzz.sh $(or $(SECONDS_EACH),60)
