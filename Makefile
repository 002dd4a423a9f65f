# Everything a person does here. `make` alone prints this list.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help run demo test lint format bench chaos clean lock

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

run: $(INSTALLED) ## set up everything and serve the demo city on http://127.0.0.1:8000
	$(BIN)/suishen serve --demo-city

demo: $(INSTALLED) ## play the main journey against a server of its own; pictures go to demo-output/
	$(BIN)/suishen demo --pictures demo-output

test: $(INSTALLED_DEV) ## set up everything and run the tests
	$(BIN)/pytest -n auto --ignore=tests/flows --ignore=tests/interop
	$(BIN)/pytest tests/flows tests/interop # whole servers with promises of time: alone on the machine

lint: $(INSTALLED_DEV) ## ruff, format, mypy strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED_DEV) ## let ruff fix and format
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format .

bench: $(INSTALLED_DEV) ## measure each promise beside its limit; writes bench/out/latest.json
	$(BIN)/python -m bench

chaos: $(INSTALLED) ## one department misbehaves in every way while its neighbour is measured; writes bench/out/chaos.json
	$(BIN)/python -m bench.chaos

clean: ## forget all data of the embedded database (asks nothing)
	@[ ! -x $(BIN)/suishen ] || $(BIN)/suishen forget
	rm -rf demo-output bench/out

lock: ## resolve the dependencies anew into hashed requirements (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --group build -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --group build --group dev -c requirements.txt -o requirements-dev.txt

$(INSTALLED): requirements.txt pyproject.toml
	@echo "Setting up $(VENV) (about half a minute, once) …"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@echo "  installing locked dependencies …"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(INSTALLED_DEV): $(INSTALLED) requirements-dev.txt
	@echo "  installing locked development tools …"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
