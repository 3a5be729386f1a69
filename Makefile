# Casement's commands. `make run` and `make test` do their own set-up; see scripts/.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo
DEVICES ?= 5
ALL := --workspace --locked
export CARGO_TERM_COLOR ?= auto

.PHONY: help build run test lint audit bench clean engine packages page python

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: packages engine page ## The optimised binary: target/release/casement
	$(CARGO) build --release --locked -p casement

run: build ## Build, then run everything with five simulated rooms (DEVICES=N for another number)
	./target/release/casement up --simulate $(DEVICES)

test: packages test-packages engine page python clients ## Every test, with a real Mosquitto, a real ClickHouse engine and a real browser
	npm --prefix web run --silent test
	$(CARGO) test $(ALL) --no-fail-fast

lint: packages page ## Format, clippy, documentation and, with cargo-deny, licences; warnings are errors
	$(CARGO) fmt --all --check
	npm --prefix web run --silent format
	$(CARGO) clippy $(ALL) --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(ALL) --no-deps --document-private-items
	if command -v cargo-deny >/dev/null; then $(CARGO) deny --locked check --hide-inclusion-graph bans licenses sources; fi

# A clone of the advisory database, where it cannot be fetched.
audit: export ADVISORY_DB ?=
audit: ## Advisories, licences, duplicates and unused dependencies (ADVISORY_DB=PATH: a clone of rustsec/advisory-db, for use offline)
	scripts/audit.sh

bench: packages engine page python ## Benchmarks; quote ratios and medians
	$(CARGO) bench $(ALL)

.PHONY: measure-page pictures
measure-page: build test-packages ## How fast the page is, in a real browser; quote medians, on a quiet machine
	CASEMENT_BIN=$(CURDIR)/target/release/casement npm --prefix web run --silent measure

pictures: build test-packages ## The page's pictures in docs/pictures, by a real browser
	CASEMENT_BIN=$(CURDIR)/target/release/casement npm --prefix web run --silent pictures

engine: ## Fetch the ClickHouse engine into the user's cache, once
	scripts/fetch-engine.sh

page: packages ## The page, web/dist, which becomes part of the binary
	scripts/page.sh

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
	./target/release/casement train --from simulator --rooms 240 --seed 1 --version v1.1.0 --out models/window_regressor.pth
	./target/release/casement evaluate --model models/window_regressor.pth --from simulator --seed 2 --rooms 60
	python3 crates/casement/src/doctor/expected/write.py

clean: ## Remove what was built; data and the cached engine stay
	$(CARGO) clean

# PROFILE=debug tries the package with the debug binary.
.PHONY: deb
deb: export PATH := $(HOME)/.cargo/bin:$(PATH)
deb: packages page ## The Debian package, of the release binary (PROFILE=debug: of the debug one): target/debian
	$(CARGO) build $(if $(filter debug,$(PROFILE)),,--release) --locked -p casement
	command -v cargo-deb >/dev/null || $(CARGO) install cargo-deb@3.8.0 --locked
	scripts/deb.sh $(or $(PROFILE),release)

.PHONY: tarball
tarball: export PATH := $(HOME)/.cargo/bin:$(PATH)
tarball: packages ## An archive with an install script, of the release binary (PROFILE=debug: of the debug one): target/tarball
	$(CARGO) build $(if $(filter debug,$(PROFILE)),,--release) --locked -p casement
	scripts/tarball.sh $(or $(PROFILE),release)

.PHONY: check-deploy check-image check-deb check-tarball
check-deploy: check-image check-deb check-tarball ## What make test leaves out of deploy/: images and packages, of the debug binary (PROFILE=release: of the optimised one); as root
	$(CARGO) test -p casement --locked --test deploy

check-image: export PATH := $(HOME)/.cargo/bin:$(PATH)
check-image: engine python ## Images by buildah on a base by debootstrap, and their roles
	scripts/packages.sh image
	scripts/page.sh
	$(CARGO) build $(if $(filter release,$(PROFILE)),--release) --locked -p casement
	scripts/check-image.sh target/$(or $(PROFILE),debug)/casement

# Two versions, that the one may be upgraded to the other.
check-deb: export PATH := $(HOME)/.cargo/bin:$(PATH)
check-deb: engine ## The Debian package in a root made by debootstrap: installed, run, upgraded over ROWS readings (1000000), purged
	scripts/packages.sh image
	$(MAKE) deb PROFILE=$(or $(PROFILE),debug)
	mkdir -p target/image
	rm -f target/image/*.deb
	mv target/debian/casement_*.deb target/image/old.deb
	DEB_VERSION=$$(sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml | head -1 | awk -F. -v OFS=. '{$$3++; print}')-1 scripts/deb.sh $(or $(PROFILE),debug)
	mv target/debian/casement_*.deb target/image/new.deb
	scripts/check-deb.sh target/image/old.deb target/image/new.deb $(ROWS)

check-tarball: engine ## The archive in a root made by debootstrap: installed for the system and by one person, run, removed
	scripts/packages.sh image
	$(MAKE) tarball PROFILE=$(or $(PROFILE),debug)
	scripts/check-tarball.sh

.PHONY: check-homeassistant
check-homeassistant: packages engine ## A real Home Assistant (from PyPI) at a real Casement, and its schema against the one of the tests
	$(CARGO) build --locked -p casement
	scripts/check-homeassistant.sh

.PHONY: check-python-service
check-python-service: export SERVICE ?=
check-python-service: packages engine ## An ML service in Python (SERVICE=PATH), as it is, beside Casement while people hold a window
	$(CARGO) build --locked -p casement
	scripts/check-python-service.sh

.PHONY: fuzz
fuzz: ## Fuzz the audio decoder and a clip's whole path, SECONDS each (60)
	scripts/fuzz.sh $(or $(SECONDS_EACH),60)
