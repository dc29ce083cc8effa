# Everything a contributor does, one word each; `make` alone lists them. Needs Python 3.11 or newer and nothing else:
# each environment is made with the standard library's venv, and again when pyproject.toml changes.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
DEMO_VENV := .venv-demo
TEST_VENV := .venv-test
BIN := $(TEST_VENV)/bin

# What `make test` installs of PyTorch. On Linux the ordinary index has builds with several GB of CUDA, so PyTorch's
# own index of CPU builds is taken where it can be reached; TORCH_INDEX=none asks the ordinary index alone.
TORCH_SPEC ?= torch==2.13.0
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

# tests/test_demo.py reads these lines, so that what is tested is what is shown.
DEMO_ARGUMENTS := predict examples/pictures --top 3 --plot build/demo.png
DEMO_LINES := read examples/lines --mode line
DEMO_PAGES := read examples/pages --boxes -o build/demo --format text,pdf --overwrite

# The tests are spread over the processors, a file at a time; each process computes with one thread. A process that dies
# ends the run: started anew, it would leave the others waiting for ever.
PYTEST_ARGUMENTS ?= -n auto --dist loadfile --max-worker-restart 0

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench clean

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO_VENV)/.made ## Read the pictures in examples/ with the light install (no PyTorch, no data)
	@mkdir -p build
	$(DEMO_VENV)/bin/typecase $(DEMO_ARGUMENTS)
	@echo
	$(DEMO_VENV)/bin/typecase $(DEMO_LINES)
	@echo
	$(DEMO_VENV)/bin/typecase $(DEMO_PAGES)
	@echo
	@cat build/demo/receipt.txt
	@echo "The pictures with their answers: build/demo.png; pages, boxes and searchable PDFs: build/demo/"

test: $(TEST_VENV)/.made ## Run the tests (TYPECASE_DATA names the folder of the shared data)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGUMENTS)

lint: $(TEST_VENV)/.made ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(TEST_VENV)/.made ## Put imports and format in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(TEST_VENV)/.made ## Run every measurement under benchmarks/ (hours; each file names its own command)
	@for file in benchmarks/[!_]*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

clean: ## Remove the environments and everything that was made
	rm -rf $(DEMO_VENV) $(TEST_VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

$(DEMO_VENV)/.made: pyproject.toml
	$(PYTHON) -m venv --clear $(DEMO_VENV)
	$(DEMO_VENV)/bin/python -m pip install --quiet --editable .
	@touch $@

$(TEST_VENV)/.made: pyproject.toml
	$(PYTHON) -m venv --clear $(TEST_VENV)
	@# A short look first: pip would try an unreachable index for minutes.
	@if [ "$(TORCH_INDEX)" != none ] && [ "$$(uname -s)" = Linux ] && $(BIN)/python -c \
		"import urllib.request; urllib.request.urlopen('$(TORCH_INDEX)/torch/', timeout=5)" 2>/dev/null; \
	then index="--index-url $(TORCH_INDEX)"; else index=""; fi; \
	echo "pip install $$index $(TORCH_SPEC)"; \
	$(BIN)/python -m pip install --quiet $$index "$(TORCH_SPEC)"
	$(BIN)/python -m pip install --quiet --editable '.[all,dev]'
	@touch $@
