# `make help` lists what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build models demo test lint docs journals bench soak audit adapter clean

CARGO := cargo
# Through cargo, so that it is found wherever cargo is told to build.
DUPLEX := $(CARGO) run --quiet --release --locked --package duplex --

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing (Debian: with apt; else: say what it is)
	@scripts/setup

build: setup ## build the program and its recogniser
	$(CARGO) build --release --locked --package duplex --package duplex-asr

models: build ## fetch the models that are missing or broken
	$(DUPLEX) models pull

demo: models ## run the shipped call; the result is in out/demo
	$(DUPLEX) demo

test: lint ## everything that proves the project
	@scripts/test

lint: setup ## format, clippy, documentation
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' $(CARGO) doc --release --locked --workspace --no-deps \
		--document-private-items

docs: ## write what is made from the code into docs: the keys of the configuration, the schemas, a terminal
	UPDATE_DOCS=1 $(CARGO) test --release --locked --package duplex the_page_of_the_configuration
	UPDATE_DOCS=1 $(CARGO) test --release --locked --package duplex the_picture_of_the_interface
	UPDATE_DOCS=1 $(CARGO) test --release --locked --package duplex-harness the_schema_of_

journals: models ## record the kept journals again, after a change of what a session does or a journal holds
	# The second assistant pauses for a backchannel: a journal has that, too.
	$(DUPLEX) demo --virtual --out out/journals/demo
	$(DUPLEX) demo --virtual --set turn.sources=both --set costs.gap=5 --out out/journals/demo-both
	cp out/journals/demo/call.journal runtime/tests/journals/demo.journal
	cp out/journals/demo-both/call.journal runtime/tests/journals/demo-both.journal

bench: models ## micro-benchmarks
	DUPLEX_MODELS="$$($(DUPLEX) models path)" \
		$(CARGO) bench --profile release --locked --workspace

soak: ## what takes hours: lists it; WHAT=name runs one, WHAT=all everything (docs/soak.md)
	@scripts/soak

audit: setup ## licences, sources and known faults of the crates that are built in
	@scripts/audit

adapter: models ## train the duplex adapter (Python; hours without a GPU)
	@scripts/adapter

clean: ## remove what was built and what the demo wrote; the models stay
	$(CARGO) clean
	rm -rf out
